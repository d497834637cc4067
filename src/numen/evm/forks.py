"""The forks, each as what it changes of the one before it.

Sources are the EIPs named at each line; numbers were compared with the Ethereum execution
specifications.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from numen.evm.errors import UnknownForkError
from numen.evm.gas import Gas
from numen.evm.opcodes import BY_NAME

CALL_DEPTH_MAX: Final = 1024
"""Deepest a frame may be below the first (yellow paper, section 9.4)."""

NONCE_MAX: Final = 2**64 - 1
"""An account with this nonce can make no contract and send no transaction (EIP-2681)."""

BLOCK_HASHES_MAX: Final = 256
"""Blocks before the present one whose hash BLOCKHASH knows."""


class Fork(msgspec.Struct, frozen=True):
    """The rules of one period of the chain.

    Attributes:
        name: Lower case, with underscores.
        title: As the public test suites write it.
        number: Place in the order of forks, from 0.
        base_gas: For exactly the opcodes there are, by byte: the part of the price that is always
            charged, before every other part.
        gas: The other prices.
        precompiles: Their addresses, as numbers.
        modexp_eip: The EIP that prices precompile 5: 198, 2565 or 7883; 0 where there is none.
        modexp_bytes_max: Longest operand of it (EIP-7823); 0 for no bound.
        requires_low_s: A signature's s is in the lower half of the order (EIP-2).
        fails_undeposited: A creation whose code cannot be paid for fails; before, it succeeded with
            no code (EIP-2).
        keeps_one_64th: A call gets at most 63/64 of the gas left, whatever it asks for (EIP-150).
        has_replay_protection: A signature may name the chain (EIP-155).
        deletes_empty_accounts: Touched empty accounts vanish, and only a transfer of value pays for
            a new account (EIP-161).
        first_nonce: Nonce of a new contract (EIP-161).
        code_size_max: Longest code of a contract in bytes (EIP-170); 0 for no bound.
        initcode_size_max: Longest code that makes one (EIP-3860); 0 for no bound.
        is_sstore_net_metered: SSTORE looks at the value when the transaction began (EIP-1283,
            EIP-2200).
        has_access_lists: What is accessed first costs more (EIP-2929), transactions of type 1.
        has_dynamic_fee: Blocks have a base fee, transactions of type 2 (EIP-1559).
        refuses_ef_code: New code may not begin with 0xEF (EIP-3541).
        has_prev_randao: The beacon chain gives chance and blocks carry no work (EIP-3675).
        warms_coinbase: The coinbase is warm from the start (EIP-3651).
        selfdestruct_only_new: SELFDESTRUCT deletes only what this transaction made (EIP-6780).
        has_blobs: Transactions of type 3 (EIP-4844).
        has_beacon_root: A system call stores the beacon root in each block (EIP-4788).
        has_block_hash_history: A system call stores the parent's hash in each block (EIP-2935).
        has_requests: Blocks carry requests to the beacon chain (EIP-7685).
        has_delegations: Accounts may point at code, transactions of type 4 (EIP-7702).
        target_blobs: Blobs per block that leave their price as it is.
        max_blobs: Most blobs per block.
        max_tx_blobs: Most blobs per transaction; 0 where only the block bounds them.
        blob_fee_fraction: How slowly the price of blobs moves: the update fraction of EIP-4844.
        has_blob_fee_reserve: Blob price follows the price of execution (EIP-7918).
        tx_gas_max: Most gas a transaction may ask for (EIP-7825); 0 for no bound.
        block_size_max: Longest block in bytes (EIP-7934); 0 for no bound.
        block_reward: Wei for who found the block.
    """

    name: str
    title: str
    number: int
    base_gas: Mapping[int, int]
    gas: Gas
    precompiles: tuple[int, ...]
    modexp_eip: int = 0
    modexp_bytes_max: int = 0
    requires_low_s: bool = False
    fails_undeposited: bool = False
    keeps_one_64th: bool = False
    has_replay_protection: bool = False
    deletes_empty_accounts: bool = False
    first_nonce: int = 0
    code_size_max: int = 0
    initcode_size_max: int = 0
    is_sstore_net_metered: bool = False
    has_access_lists: bool = False
    has_dynamic_fee: bool = False
    refuses_ef_code: bool = False
    has_prev_randao: bool = False
    warms_coinbase: bool = False
    selfdestruct_only_new: bool = False
    has_blobs: bool = False
    has_beacon_root: bool = False
    has_block_hash_history: bool = False
    has_requests: bool = False
    has_delegations: bool = False
    target_blobs: int = 0
    max_blobs: int = 0
    max_tx_blobs: int = 0
    blob_fee_fraction: int = 0
    has_blob_fee_reserve: bool = False
    tx_gas_max: int = 0
    block_size_max: int = 0
    block_reward: int = 0

    def has(self, opcode: str) -> bool:
        """Whether the fork has an opcode, by name."""
        return BY_NAME[opcode].byte in self.base_gas


# Prices of the yellow paper's groups. -----------------------------------------------------------

_BASE, _VERY_LOW, _LOW, _MID, _HIGH = 2, 3, 5, 8, 10
_FRONTIER_PRICES: Final = {
    0: "STOP RETURN",
    _BASE: "ADDRESS ORIGIN CALLER CALLVALUE CALLDATASIZE CODESIZE GASPRICE COINBASE TIMESTAMP "
    "NUMBER PREVRANDAO GASLIMIT POP PC MSIZE GAS",
    _VERY_LOW: "ADD SUB NOT LT GT SLT SGT EQ ISZERO AND OR XOR BYTE CALLDATALOAD MLOAD MSTORE "
    "MSTORE8 CALLDATACOPY CODECOPY",
    _LOW: "MUL DIV SDIV MOD SMOD SIGNEXTEND",
    _MID: "ADDMOD MULMOD JUMP",
    _HIGH: "JUMPI EXP",
    1: "JUMPDEST",
    20: "BALANCE EXTCODESIZE EXTCODECOPY BLOCKHASH",
    30: "KECCAK256",
    40: "CALL CALLCODE",
    50: "SLOAD",
    32_000: "CREATE",
}


def _frontier_base_gas() -> Mapping[int, int]:
    prices = {name: gas for gas, names in _FRONTIER_PRICES.items() for name in names.split()}
    prices |= {"SSTORE": 0, "SELFDESTRUCT": 0}
    prices |= {f"PUSH{n}": _VERY_LOW for n in range(1, 33)}
    prices |= {f"{kind}{n}": _VERY_LOW for kind in ("DUP", "SWAP") for n in range(1, 17)}
    prices |= {f"LOG{n}": 375 * (1 + n) for n in range(5)}
    return _by_byte(prices)


def _by_byte(prices: Mapping[str, int]) -> Mapping[int, int]:
    by_byte = {BY_NAME[name].byte: gas for name, gas in prices.items()}
    return MappingProxyType(dict(sorted(by_byte.items())))


def _after(
    parent: Fork,
    name: str,
    title: str,
    opcodes: Mapping[str, int] = MappingProxyType({}),
    gas: Mapping[str, int] = MappingProxyType({}),
    **rules: Any,
) -> Fork:
    """Make a fork of the one before it.

    Args:
        parent: The one before it.
        name: Its name.
        title: Its name in the public suites.
        opcodes: Base prices that change, and those of new opcodes, by mnemonic.
        gas: Fields of `Gas` that change.
        rules: Fields of `Fork` that change.
    """
    base_gas = dict(sorted({**parent.base_gas, **_by_byte(opcodes)}.items()))
    return msgspec.structs.replace(
        parent,
        name=name,
        title=title,
        number=parent.number + 1,
        base_gas=MappingProxyType(base_gas),
        gas=msgspec.structs.replace(parent.gas, **gas),
        **rules,
    )


_ETHER = 10**18

FRONTIER: Final = Fork(
    name="frontier",
    title="Frontier",
    number=0,
    base_gas=_frontier_base_gas(),
    gas=Gas(),
    precompiles=(1, 2, 3, 4),
    block_reward=5 * _ETHER,
)

HOMESTEAD: Final = _after(
    FRONTIER,
    "homestead",
    "Homestead",
    opcodes={"DELEGATECALL": 40},  # EIP-7
    gas={"tx_create": 32_000},  # EIP-2
    requires_low_s=True,  # EIP-2
    fails_undeposited=True,  # EIP-2
)

TANGERINE_WHISTLE: Final = _after(
    HOMESTEAD,
    "tangerine_whistle",
    "EIP150",
    # EIP-150 throughout.
    opcodes={
        "EXTCODESIZE": 700,
        "EXTCODECOPY": 700,
        "BALANCE": 400,
        "SLOAD": 200,
        "CALL": 700,
        "CALLCODE": 700,
        "DELEGATECALL": 700,
        "SELFDESTRUCT": 5_000,
    },
    gas={"selfdestruct_new_account": 25_000},
    keeps_one_64th=True,
)

SPURIOUS_DRAGON: Final = _after(
    TANGERINE_WHISTLE,
    "spurious_dragon",
    "EIP158",
    gas={"exp_byte": 50},  # EIP-160
    has_replay_protection=True,  # EIP-155
    deletes_empty_accounts=True,  # EIP-161
    first_nonce=1,  # EIP-161
    code_size_max=0x6000,  # EIP-170
)

BYZANTIUM: Final = _after(
    SPURIOUS_DRAGON,
    "byzantium",
    "Byzantium",
    opcodes={
        "REVERT": 0,  # EIP-140
        "RETURNDATASIZE": _BASE,  # EIP-211
        "RETURNDATACOPY": _VERY_LOW,  # EIP-211
        "STATICCALL": 700,  # EIP-214
    },
    precompiles=tuple(range(1, 9)),  # EIP-196, 197, 198
    modexp_eip=198,
    block_reward=3 * _ETHER,  # EIP-649
)

CONSTANTINOPLE: Final = _after(
    BYZANTIUM,
    "constantinople",
    "Constantinople",
    opcodes={
        "SHL": _VERY_LOW,  # EIP-145
        "SHR": _VERY_LOW,
        "SAR": _VERY_LOW,
        "CREATE2": 32_000,  # EIP-1014
        "EXTCODEHASH": 400,  # EIP-1052
    },
    gas={"sstore_noop": 200},  # EIP-1283
    is_sstore_net_metered=True,  # EIP-1283
    block_reward=2 * _ETHER,  # EIP-1234
)

PETERSBURG: Final = _after(
    CONSTANTINOPLE,
    "petersburg",
    "ConstantinopleFix",
    # EIP-1716 takes EIP-1283 back.
    gas={"sstore_noop": 5_000},
    is_sstore_net_metered=False,
)

ISTANBUL: Final = _after(
    PETERSBURG,
    "istanbul",
    "Istanbul",
    opcodes={
        "CHAINID": _BASE,  # EIP-1344
        "SELFBALANCE": _LOW,  # EIP-1884
        "SLOAD": 800,  # EIP-1884
        "BALANCE": 700,  # EIP-1884
        "EXTCODEHASH": 700,  # EIP-1884
    },
    gas={
        "sstore_noop": 800,  # EIP-2200
        "sstore_sentry": 2_300,  # EIP-2200
        "tx_data_nonzero": 16,  # EIP-2028
        "bn_add": 150,  # EIP-1108
        "bn_mul": 6_000,
        "bn_pairing": 45_000,
        "bn_pair": 34_000,
    },
    precompiles=tuple(range(1, 10)),  # EIP-152
    is_sstore_net_metered=True,  # EIP-2200
)

_WARM = 100
_COLD_ACCOUNT, _COLD_SLOT = 2_600, 2_100

BERLIN: Final = _after(
    ISTANBUL,
    "berlin",
    "Berlin",
    # EIP-2929: the base is the warm price.
    opcodes=dict.fromkeys(
        (
            *("BALANCE", "EXTCODESIZE", "EXTCODECOPY", "EXTCODEHASH", "SLOAD"),
            *("CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"),
        ),
        _WARM,
    ),
    gas={
        "sload_cold": _COLD_SLOT - _WARM,
        "account_cold": _COLD_ACCOUNT - _WARM,
        "selfdestruct_cold": _COLD_ACCOUNT,
        "sstore_cold": _COLD_SLOT,
        "sstore_reset": 5_000 - _COLD_SLOT,
        "sstore_noop": _WARM,
        "tx_access_address": 2_400,  # EIP-2930
        "tx_access_slot": 1_900,
    },
    modexp_eip=2565,
    has_access_lists=True,
)

LONDON: Final = _after(
    BERLIN,
    "london",
    "London",
    opcodes={"BASEFEE": _BASE},  # EIP-3198
    # EIP-3529
    gas={"sstore_clear_refund": 4_800, "selfdestruct_refund": 0, "refund_quotient": 5},
    has_dynamic_fee=True,  # EIP-1559
    refuses_ef_code=True,  # EIP-3541
)

PARIS: Final = _after(
    LONDON,
    "paris",
    "Paris",
    has_prev_randao=True,  # EIP-3675, EIP-4399
    block_reward=0,
)

SHANGHAI: Final = _after(
    PARIS,
    "shanghai",
    "Shanghai",
    opcodes={"PUSH0": _BASE},  # EIP-3855
    gas={"create_word": 2},  # EIP-3860
    initcode_size_max=2 * 0x6000,  # EIP-3860
    warms_coinbase=True,  # EIP-3651
)

CANCUN: Final = _after(
    SHANGHAI,
    "cancun",
    "Cancun",
    opcodes={
        "TLOAD": _WARM,  # EIP-1153
        "TSTORE": _WARM,
        "MCOPY": _VERY_LOW,  # EIP-5656
        "BLOBHASH": _VERY_LOW,  # EIP-4844
        "BLOBBASEFEE": _BASE,  # EIP-7516
    },
    gas={"blob": 2**17},
    precompiles=tuple(range(1, 11)),  # EIP-4844
    selfdestruct_only_new=True,  # EIP-6780
    has_blobs=True,  # EIP-4844
    has_beacon_root=True,  # EIP-4788
    target_blobs=3,
    max_blobs=6,
    blob_fee_fraction=3_338_477,
)

PRAGUE: Final = _after(
    CANCUN,
    "prague",
    "Prague",
    gas={
        "tx_floor_token": 10,  # EIP-7623
        "delegate": _WARM,  # EIP-7702
        "authorization": 25_000,
        "authorization_base": 12_500,
    },
    precompiles=tuple(range(1, 18)),  # EIP-2537
    has_block_hash_history=True,  # EIP-2935
    has_requests=True,  # EIP-7685
    has_delegations=True,  # EIP-7702
    target_blobs=6,  # EIP-7691
    max_blobs=9,
    blob_fee_fraction=5_007_716,
)

OSAKA: Final = _after(
    PRAGUE,
    "osaka",
    "Osaka",
    opcodes={"CLZ": _LOW},  # EIP-7939
    precompiles=(*range(1, 18), 0x100),  # EIP-7951
    modexp_eip=7883,
    modexp_bytes_max=1_024,  # EIP-7823
    max_tx_blobs=6,  # EIP-7594
    has_blob_fee_reserve=True,  # EIP-7918
    tx_gas_max=2**24,  # EIP-7825
    block_size_max=10 * 2**20 - 2 * 2**20,  # EIP-7934
)

FORKS: Final[dict[str, Fork]] = {
    fork.name: fork
    for fork in (
        FRONTIER,
        HOMESTEAD,
        TANGERINE_WHISTLE,
        SPURIOUS_DRAGON,
        BYZANTIUM,
        CONSTANTINOPLE,
        PETERSBURG,
        ISTANBUL,
        BERLIN,
        LONDON,
        PARIS,
        SHANGHAI,
        CANCUN,
        PRAGUE,
        OSAKA,
    )
}
"""Every fork by name, oldest first."""

_OTHER_NAMES: Final = {
    "merge": PARIS,
    "muirglacier": ISTANBUL,
    "arrowglacier": LONDON,
    "grayglacier": LONDON,
}
"""Names besides a fork's own and its title. Those of the glaciers changed only the difficulty."""


def fork(name: str) -> Fork:
    """Find a fork.

    Args:
        name: Its name, or the one of the public suites; capitals and underscores do not matter.

    Returns:
        The fork.

    Raises:
        UnknownForkError: There is none; the names are in the hint.
    """
    plain = name.lower().replace("_", "").replace(" ", "")
    found = _OTHER_NAMES.get(plain)
    for each in FORKS.values():
        if plain in (each.name.replace("_", ""), each.title.lower()):
            found = each
    if found is None:
        shown = name if len(name) <= 40 else f"{name[:40]}…"
        raise UnknownForkError(f"no fork is called {shown!r}", hint=f"one of {', '.join(FORKS)}")
    return found
