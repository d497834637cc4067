"""Why a transaction is refused, in the words of the public test suites.

EvmError
└── InvalidTransactionError    a transaction that no block may contain; nothing has changed
"""

from enum import StrEnum, auto

from numen.evm.errors import EvmError


class Reason(StrEnum):
    """What is wrong with a transaction; the suites write ``TransactionException.`` before it."""

    @staticmethod
    def _generate_next_value_(name: str, *_: object) -> str:
        return name

    # The bytes.
    RLP_ERROR_EOF = auto()
    RLP_ERROR_SIZE = auto()
    RLP_INVALID_HEADER = auto()
    RLP_TOO_FEW_ELEMENTS = auto()
    RLP_TOO_MANY_ELEMENTS = auto()
    RLP_INVALID_NONCE = auto()
    RLP_INVALID_GASPRICE = auto()
    RLP_INVALID_GASLIMIT = auto()
    RLP_INVALID_TO = auto()
    RLP_INVALID_VALUE = auto()
    RLP_INVALID_DATA = auto()
    RLP_INVALID_CHAINID = auto()
    RLP_INVALID_PRIORITY_FEE = auto()
    RLP_INVALID_BASEFEE = auto()
    RLP_INVALID_MAX_FEE_PER_BLOB_GAS = auto()
    RLP_INVALID_SIGNATURE_V = auto()
    RLP_INVALID_SIGNATURE_R = auto()
    RLP_INVALID_SIGNATURE_S = auto()
    RLP_INVALID_ACCESS_LIST = auto()
    RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_LONG = auto()
    RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_SHORT = auto()
    RLP_INVALID_ACCESS_LIST_STORAGE_TOO_LONG = auto()
    RLP_INVALID_ACCESS_LIST_STORAGE_TOO_SHORT = auto()
    RLP_INVALID_BLOB_HASHES = auto()
    RLP_LEADING_ZEROS_NONCE = auto()
    RLP_LEADING_ZEROS_GASPRICE = auto()
    RLP_LEADING_ZEROS_GASLIMIT = auto()
    RLP_LEADING_ZEROS_VALUE = auto()
    RLP_LEADING_ZEROS_CHAINID = auto()
    RLP_LEADING_ZEROS_PRIORITY_FEE = auto()
    RLP_LEADING_ZEROS_BASEFEE = auto()
    RLP_LEADING_ZEROS_MAX_FEE_PER_BLOB_GAS = auto()
    RLP_LEADING_ZEROS_V = auto()
    RLP_LEADING_ZEROS_R = auto()
    RLP_LEADING_ZEROS_S = auto()
    ADDRESS_TOO_LONG = auto()
    ADDRESS_TOO_SHORT = auto()
    TYPE_4_INVALID_AUTHORIZATION_FORMAT = auto()
    TYPE_3_TX_WITH_FULL_BLOBS = auto()

    # What the fork knows.
    TYPE_NOT_SUPPORTED = auto()
    TYPE_1_TX_PRE_FORK = auto()
    TYPE_2_TX_PRE_FORK = auto()
    TYPE_3_TX_PRE_FORK = auto()
    TYPE_4_TX_PRE_FORK = auto()

    # The size of numbers.
    NONCE_OVERFLOW = auto()
    NONCE_TOO_BIG = auto()
    GASLIMIT_OVERFLOW = auto()
    GASPRICE_OVERFLOW = auto()
    PRIORITY_OVERFLOW = auto()
    VALUE_OVERFLOW = auto()
    MAX_FEE_PER_BLOB_GAS_OVERFLOW = auto()
    GASLIMIT_PRICE_PRODUCT_OVERFLOW = auto()

    # The signature.
    INVALID_CHAINID = auto()
    INVALID_SIGNATURE_VRS = auto()
    EC_RECOVERY_FAIL = auto()

    # The transaction by itself.
    INTRINSIC_GAS_TOO_LOW = auto()
    INTRINSIC_GAS_BELOW_FLOOR_GAS_COST = auto()
    GAS_LIMIT_EXCEEDS_MAXIMUM = auto()
    INITCODE_SIZE_EXCEEDED = auto()
    PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS = auto()
    TYPE_3_TX_CONTRACT_CREATION = auto()
    TYPE_3_TX_ZERO_BLOBS = auto()
    TYPE_3_TX_BLOB_COUNT_EXCEEDED = auto()
    TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH = auto()
    TYPE_4_TX_CONTRACT_CREATION = auto()
    TYPE_4_EMPTY_AUTHORIZATION_LIST = auto()

    # The block and the state.
    GAS_ALLOWANCE_EXCEEDED = auto()
    TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED = auto()
    INSUFFICIENT_MAX_FEE_PER_GAS = auto()
    INSUFFICIENT_MAX_FEE_PER_BLOB_GAS = auto()
    SENDER_NOT_EOA = auto()
    NONCE_IS_MAX = auto()
    NONCE_MISMATCH_TOO_LOW = auto()
    NONCE_MISMATCH_TOO_HIGH = auto()
    INSUFFICIENT_ACCOUNT_FUNDS = auto()


class InvalidTransactionError(EvmError):
    """A transaction is refused. Whatever it was to change is as it was.

    Attributes:
        reason: What is wrong, as the public suites call it.
        field: The field it is about, or empty where it is about the whole.
        detail: The numbers behind it.
    """

    def __init__(self, reason: Reason, detail: str = "", *, field: str = "") -> None:
        where = f" ({field})" if field else ""
        super().__init__(f"invalid transaction: {reason}{where}{': ' if detail else ''}{detail}")
        self.reason = reason
        self.field = field
        self.detail = detail
