"""What a client is told when something is wrong: JSON-RPC's error objects.

    NumenError
    └── RpcError    an error object, raised where it is known

Codes and words are those of geth, which clients look for: 3 for a revert, with its data; -32000 for
what cannot be done; -326xx for what is no request (JSON-RPC 2.0, section 5.1).
"""

from typing import Any, Final

import msgspec

from numen.base.errors import NumenError
from numen.evm.errors import ResourceLimitError
from numen.evm.halt import Halt
from numen.evm.invalid import InvalidTransactionError, Reason
from numen.evm.results import Outcome, RevertedError
from numen.evm.trace import ERRORS
from numen.node.rpc.values import data

PARSE: Final = -32700
INVALID_REQUEST: Final = -32600
NO_METHOD: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL: Final = -32603
SERVER: Final = -32000
LIMIT: Final = -32005
"""More is asked for than is given at once."""

REVERTED: Final = 3
"""Code that ran has reverted; the data of the error is its output."""


class RpcError(NumenError):
    """An error object.

    Attributes:
        code: Its code.
        data: What goes with it, or None.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


_WORDS: Final = {
    Reason.NONCE_MISMATCH_TOO_LOW: "nonce too low",
    Reason.NONCE_MISMATCH_TOO_HIGH: "nonce too high",
    Reason.NONCE_TOO_BIG: "nonce has max value",
    Reason.NONCE_IS_MAX: "nonce has max value",
    Reason.INSUFFICIENT_ACCOUNT_FUNDS: "insufficient funds for gas * price + value",
    Reason.INTRINSIC_GAS_TOO_LOW: "intrinsic gas too low",
    Reason.INTRINSIC_GAS_BELOW_FLOOR_GAS_COST: "intrinsic gas too low: below the floor",
    Reason.GAS_ALLOWANCE_EXCEEDED: "exceeds block gas limit",
    Reason.GAS_LIMIT_EXCEEDS_MAXIMUM: "transaction gas limit too high",
    Reason.INSUFFICIENT_MAX_FEE_PER_GAS: "max fee per gas less than block base fee",
    Reason.INSUFFICIENT_MAX_FEE_PER_BLOB_GAS: "max fee per blob gas less than block blob gas fee",
    Reason.PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS: (
        "max priority fee per gas higher than max fee per gas"
    ),
    Reason.INVALID_CHAINID: "invalid chain id for signer",
    Reason.INVALID_SIGNATURE_VRS: "invalid transaction v, r, s values",
    Reason.EC_RECOVERY_FAIL: "invalid transaction v, r, s values",
    Reason.SENDER_NOT_EOA: "sender not an eoa",
    Reason.INITCODE_SIZE_EXCEEDED: "max initcode size exceeded",
    Reason.TYPE_NOT_SUPPORTED: "transaction type not supported",
}  # fmt: skip
"""What geth says of refused transactions, where clients look for its words."""


def fault_of(error: Exception) -> RpcError:
    """The error object for an error of ours."""
    if isinstance(error, RpcError):
        return error
    if isinstance(error, RevertedError):
        return failed(error.outcome)
    if isinstance(error, InvalidTransactionError):
        words = _WORDS.get(error.reason, str(error.reason).lower().replace("_", " "))
        return RpcError(SERVER, f"{words}: {error.detail}" if error.detail else words)
    if isinstance(error, msgspec.ValidationError):
        return RpcError(INVALID_PARAMS, f"invalid params: {error}"[:400])
    if isinstance(error, ResourceLimitError | NumenError):
        return RpcError(SERVER, f"{error.message}: {error.hint}" if error.hint else error.message)
    return RpcError(INTERNAL, "internal error")


def failed(outcome: Outcome) -> RpcError:
    """The error object for a call that did not succeed."""
    if outcome.halt is Halt.REVERT:
        named = outcome.revert is not None and outcome.revert.name
        words = f"execution reverted: {outcome.reason}" if named else "execution reverted"
        return RpcError(REVERTED, words, data(outcome.output))
    return RpcError(SERVER, ERRORS.get(outcome.halt, outcome.halt.name.lower()))
