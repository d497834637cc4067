"""`evm_`, `anvil_` and `hardhat_`: time, blocks and accounts as tests want them."""

from typing import Any, Final

import msgspec

from numen.evm.forks import NONCE_MAX
from numen.node.rpc import shapes
from numen.node.rpc.about import CLIENT
from numen.node.rpc.faults import INVALID_PARAMS, SERVER, RpcError
from numen.node.rpc.shapes import BlockShape, Hex
from numen.node.rpc.table import DevSession, PlayedSession, rows
from numen.node.rpc.values import Address, Data, Hash, Quantity, Word, data
from numen.node.surface import Played

MINE_MAX: Final = 100_000
"""Most blocks of one request."""

_ONE: Final = Quantity(1)
_SECONDS_MAX: Final = 2**63
"""A chain's time stays below."""


class MineOptions(msgspec.Struct):
    """How many blocks to make, and the time of the first."""

    timestamp: Quantity | None = None
    blocks: Quantity | None = None


def evm_mine(session: PlayedSession, options: MineOptions | int | str | None = None) -> Hex:
    """Seal a block of what waits; its time may be given, or an object with time and blocks."""
    _mine(session.node, _mine_options(options))
    return "0x0"


def evm_mine_detailed(
    session: PlayedSession, options: MineOptions | int | str | None = None
) -> list[BlockShape]:
    """Seal a block of what waits, and give the blocks that were made, in whole."""
    node = session.node
    before = len(node.chain.blocks)
    _mine(node, _mine_options(options))
    return [shapes.block(each, node.chain.fork, full=True) for each in node.chain.blocks[before:]]


def _mine_options(options: MineOptions | int | str | None) -> MineOptions:
    if isinstance(options, MineOptions):
        return options
    return MineOptions() if options is None else MineOptions(timestamp=_quantity(options))


def _quantity(value: int | str) -> Quantity:
    try:
        return Quantity.read(value)
    except ValueError as error:
        raise RpcError(INVALID_PARAMS, f"invalid params: {error}") from None


def _mine(node: Played, options: MineOptions) -> None:
    count = _checked_count(1 if options.blocks is None else options.blocks)
    if options.timestamp is not None:
        node.set_next_timestamp(_seconds(options.timestamp))
    for _ in range(count):
        node.mine()


def mine(session: PlayedSession, blocks: Quantity = _ONE, interval: Quantity | None = None) -> None:
    """Seal some blocks, one by default, that many seconds apart."""
    node, count = session.node, _checked_count(blocks)
    if interval is None:
        for _ in range(count):
            node.mine()
        return
    _seconds(interval * blocks)
    clock, kept = node.clock, node.clock.interval_s
    try:
        for index in range(count):
            # The first block comes now, the others behind it.
            clock.interval_s = int(interval) if index else kept
            node.mine()
    finally:
        clock.interval_s = kept
        clock.move_to(node.now_s, node.chain.latest.block.timestamp)


def _checked_count(blocks: int) -> int:
    if blocks > MINE_MAX:
        raise RpcError(INVALID_PARAMS, f"at most {MINE_MAX} blocks at once")
    return int(blocks)


def _seconds(value: int) -> int:
    if value >= _SECONDS_MAX:
        raise RpcError(INVALID_PARAMS, "timestamp too big")
    return int(value)


def snapshot(session: PlayedSession) -> Hex:
    """Name the present, so that `evm_revert` can come back to it; gives a number."""
    return hex(session.node.snapshot())


def revert(session: PlayedSession, snapshot_id: Quantity) -> bool:
    """Come back to a snapshot, which ends it and those after it; gives whether it was there."""
    return session.node.revert(snapshot_id)


def increase_time(session: PlayedSession, seconds: Quantity) -> int:
    """Move the chain's time on; gives how far it is ahead, in seconds."""
    clock = session.node.clock
    clock.offset_s = _seconds(clock.offset_s + seconds)
    return clock.offset_s


def set_next_timestamp(session: PlayedSession, timestamp: Quantity) -> None:
    """Choose the time of the next block; it is later than that of the last one."""
    session.node.set_next_timestamp(_seconds(timestamp))


def set_time(session: PlayedSession, timestamp: Quantity) -> int:
    """Set the chain's time; gives how far it is ahead, in seconds."""
    node = session.node
    node.clock.move_to(node.now_s, _seconds(timestamp))
    return node.clock.offset_s


def set_block_interval(session: PlayedSession, seconds: Quantity) -> None:
    """Let each block come so many seconds after the one before it."""
    session.node.clock.interval_s = _seconds(seconds)


def remove_block_interval(session: PlayedSession) -> bool:
    """Let blocks follow the time of day again; gives whether they did not."""
    was = session.node.clock.interval_s is not None
    session.node.clock.interval_s = None
    return was


def set_automine(session: PlayedSession, enabled: bool) -> bool:
    """Say whether each transaction has a block at once."""
    session.node.automine = enabled
    return True


def get_automine(session: PlayedSession) -> bool:
    """Whether each transaction has a block at once."""
    return session.node.automine


def set_interval_mining(session: PlayedSession, seconds: Quantity) -> bool:
    """Let a block come by itself every so many seconds, and not at once; 0 for none by itself.

    Hardhat gives milliseconds here; this is Foundry's, in seconds.
    """
    session.node.interval_s = min(_seconds(seconds), 86_400)
    session.node.automine = False
    return True


def get_interval_mining(session: PlayedSession) -> int | None:
    """Seconds after which a block comes by itself; null where none does."""
    return session.node.interval_s or None


def set_block_gas_limit(session: DevSession, gas: Quantity) -> bool:
    """Choose the gas limit of the next blocks."""
    if not 0 < gas < 1 << 63:
        raise RpcError(INVALID_PARAMS, "a gas limit is from 1 to 2**63 - 1")
    session.node.gas_limit = int(gas)
    return True


def set_next_base_fee(session: DevSession, wei: Quantity) -> None:
    """Choose the base fee of the next block."""
    if not session.node.chain.fork.has_dynamic_fee:
        raise RpcError(SERVER, "blocks of this fork have no base fee")
    session.node.next.base_fee = int(wei)


def set_min_gas_price(session: DevSession, wei: Quantity) -> None:  # noqa: ARG001
    """Choose the least gas price; only forks without a base fee have one, and it is 0 here."""
    if session.node.chain.fork.has_dynamic_fee:
        raise RpcError(SERVER, "anvil_setMinGasPrice is not supported when EIP-1559 is active")


def set_prev_randao(session: DevSession, chance: Word) -> None:
    """Choose the word of chance of the next block."""
    session.node.next.prev_randao = int(chance)


def set_coinbase(session: DevSession, address: Address) -> None:
    """Choose who gets the fees of the next blocks."""
    session.node.coinbase = bytes(address)


def impersonate(session: PlayedSession, address: Address) -> None:
    """Let an account send transactions that nobody signs."""
    node = session.node
    if len(node.impersonated) >= 10_000:
        raise RpcError(SERVER, "too many accounts are impersonated")
    node.impersonated.add(bytes(address))


def stop_impersonating(session: PlayedSession, address: Address) -> bool:
    """Let an account send only what is signed; gives whether it was impersonated."""
    was = address in session.node.impersonated
    session.node.impersonated.discard(bytes(address))
    return was


def auto_impersonate(session: PlayedSession, enabled: bool) -> None:
    """Say whether every account may send transactions that nobody signs."""
    session.node.impersonates_all = enabled


def set_balance(session: PlayedSession, address: Address, wei: Quantity) -> bool:
    """Give an account so many wei, outside of any block."""
    session.node.set_balance(bytes(address), int(wei))
    return True


def add_balance(session: PlayedSession, address: Address, wei: Quantity) -> bool:
    """Give an account more wei, outside of any block."""
    node = session.node
    node.set_balance(bytes(address), node.balance(address) + wei)
    return True


def set_code(session: PlayedSession, address: Address, code: Data) -> bool:
    """Put code at an address, outside of any block."""
    session.node.set_code(bytes(address), bytes(code))
    return True


def set_nonce(session: PlayedSession, address: Address, nonce: Quantity) -> bool:
    """Give an account a nonce, outside of any block."""
    if nonce > NONCE_MAX:
        raise RpcError(INVALID_PARAMS, "a nonce has at most 64 bits")
    session.node.set_nonce(bytes(address), int(nonce))
    return True


def set_storage_at(session: PlayedSession, address: Address, key: Word, value: Word) -> bool:
    """Write a word of an account's storage, outside of any block."""
    session.node.set_storage(bytes(address), int(key), int(value))
    return True


def drop_transaction(session: PlayedSession, tx_hash: Hash) -> Hex | None:
    """Forget a transaction that waits; gives its hash if it did."""
    return data(tx_hash) if session.node.drop([tx_hash]) else None


def hardhat_drop_transaction(session: PlayedSession, tx_hash: Hash) -> bool:
    """Forget a transaction that waits; gives whether it did."""
    return bool(session.node.drop([tx_hash]))


def drop_all(session: PlayedSession) -> None:
    """Forget all transactions that wait."""
    session.node.drop([each.hash for each in session.node.pool])


def remove_pool_transactions(session: PlayedSession, address: Address) -> None:
    """Forget all transactions of an account that wait."""
    node = session.node
    node.drop([each.hash for each in node.pool.of(address).values()])


def reset(session: PlayedSession, forking: dict[str, Any] | None = None) -> bool:
    """Begin the chain again; it cannot begin from another chain."""
    if forking and forking.get("forking"):
        raise RpcError(SERVER, "this node does not fork other chains")
    session.node.reset(session.node.now_s)
    return True


def rollback(session: DevSession, depth: Quantity | None = None) -> None:
    """Take away the last blocks, one by default."""
    node = session.node
    number = node.chain.latest.number - (1 if depth is None else depth)
    target = node.chain.by_number(number)
    if target is None:
        raise RpcError(INVALID_PARAMS, "there are not so many blocks")
    node.rewind(number, target.moment)


def set_logging(session: PlayedSession, enabled: bool) -> bool:  # noqa: ARG001
    """Say whether requests are logged; this node never does."""
    return True


class NodeInfoShape(msgspec.Struct, rename="camel"):
    """What the chain is like."""

    current_block_number: Hex
    current_block_timestamp: int
    current_block_hash: Hex
    hard_fork: str
    transaction_order: str
    environment: dict[str, Hex | int]


def node_info(session: PlayedSession) -> NodeInfoShape:
    """What the chain is like: its last block, fork, and prices."""
    node = session.node
    latest, following = node.chain.latest, node.next_block()
    return NodeInfoShape(
        hex(latest.number),
        latest.block.timestamp,
        data(latest.hash),
        node.chain.fork.title,
        "fees",
        {
            "baseFee": hex(following.base_fee),
            "chainId": node.chain.chain_id,
            "gasLimit": hex(following.gas_limit),
        },
    )


def metadata(session: PlayedSession) -> dict[str, Any]:
    """What the node calls itself, and where its chain is."""
    latest = session.node.chain.latest
    return {
        "clientVersion": CLIENT,
        "chainId": session.node.chain.chain_id,
        "latestBlockNumber": latest.number,
        "latestBlockHash": data(latest.hash),
    }


PLAYED = rows(
    {
        "evm_mine": evm_mine,
        "evm_snapshot": snapshot,
        "evm_revert": revert,
        "evm_increaseTime": increase_time,
        "evm_setNextBlockTimestamp": set_next_timestamp,
        "evm_setTime": set_time,
        "evm_setAutomine": set_automine,
        "evm_setIntervalMining": set_interval_mining,
        "evm_setAccountBalance": set_balance,
        "evm_setAccountNonce": set_nonce,
        "evm_setAccountCode": set_code,
        "evm_setAccountStorageAt": set_storage_at,
        "evm_addAccountBalance": add_balance,
        "anvil_addBalance": add_balance,
        "anvil_snapshot": snapshot,
        "anvil_revert": revert,
        "anvil_increaseTime": increase_time,
        "anvil_setNextBlockTimestamp": set_next_timestamp,
        "anvil_setTime": set_time,
        "anvil_setBlockTimestampInterval": set_block_interval,
        "anvil_removeBlockTimestampInterval": remove_block_interval,
        "anvil_setAutomine": set_automine,
        "anvil_setIntervalMining": set_interval_mining,
        "anvil_getIntervalMining": get_interval_mining,
        "anvil_mineDetailed": evm_mine_detailed,
        "evm_mine_detailed": evm_mine_detailed,
        "anvil_dropTransaction": drop_transaction,
        "hardhat_dropTransaction": hardhat_drop_transaction,
        "anvil_dropAllTransactions": drop_all,
        "anvil_removePoolTransactions": remove_pool_transactions,
        "anvil_nodeInfo": node_info,
    }
) + rows(
    {
        "anvil_impersonateAccount": impersonate,
        "anvil_stopImpersonatingAccount": stop_impersonating,
        "anvil_autoImpersonateAccount": auto_impersonate,
        "anvil_setBalance": set_balance,
        "anvil_setCode": set_code,
        "anvil_setNonce": set_nonce,
        "anvil_setStorageAt": set_storage_at,
        "anvil_setLoggingEnabled": set_logging,
        "anvil_getAutomine": get_automine,
        "anvil_mine": mine,
        "anvil_reset": reset,
        "anvil_metadata": metadata,
    },
    "hardhat",
)
"""What any node in memory lets a test turn."""

ETHEREUM = rows(
    {
        "evm_setBlockGasLimit": set_block_gas_limit,
        "anvil_setBlockGasLimit": set_block_gas_limit,
        "anvil_rollback": rollback,
    }
) + rows(
    {
        "anvil_setCoinbase": set_coinbase,
        "anvil_setNextBlockBaseFeePerGas": set_next_base_fee,
        "anvil_setMinGasPrice": set_min_gas_price,
        "anvil_setPrevRandao": set_prev_randao,
    },
    "hardhat",
)
"""What only an Ethereum has to turn."""

METHODS = PLAYED + ETHEREUM
