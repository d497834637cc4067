"""`numen_`: messages, what followed from them and why, contracts, and proofs of the state."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from numen.ledger.state.account import NO_CODE
from numen.node.blocks import Sealed
from numen.node.ledger.node import LedgerNode
from numen.node.rpc import lookup, trees
from numen.node.rpc import message_shapes as shapes
from numen.node.rpc.cells import LedgerSession
from numen.node.rpc.faults import INVALID_PARAMS, RpcError
from numen.node.rpc.lookup import LATEST
from numen.node.rpc.message_shapes import (
    ContractShape,
    MessageShape,
    StateProofShape,
    TreeShape,
)
from numen.node.rpc.shapes import Hex
from numen.node.rpc.table import rows
from numen.node.rpc.values import Address, BlockId, Hash, Quantity, Word, data

QUEUED_MAX: Final = 100
"""Most messages that wait of one answer."""

KEYS_MAX: Final = 1_024
"""Most slots that one proof is about."""

MINE_MAX: Final = 10_000
"""Most blocks of one request."""

_ONE: Final = Quantity(1)


def get_message(session: LedgerSession, message_id: Hash) -> MessageShape | None:
    """A message, and what became of it; null where nothing has this id."""
    node = session.node
    found = node.archive.receipt(message_id)
    if found is not None:
        return shapes.receipt(node.names, found)
    waiting = next((each for each in node.queued() if each.id == message_id), None)
    return shapes.message(node.names, waiting) if waiting is not None else None


def get_message_tree(session: LedgerSession, identity: str) -> TreeShape:
    """What followed from a transaction or message, causes first; its id may be shortened.

    At most 10,000 messages are given.
    """
    return trees.tree(session.node.archive, session.node.names, identity)


def why(session: LedgerSession, identity: str) -> list[str]:
    """How it came to a message, what became of it, and what to do about it, in sentences."""
    return trees.why(session.node.archive, session.node.names, identity)


def explain(session: LedgerSession, identity: str) -> list[str]:
    """What followed from a transaction or message, a sentence for each, indented as a tree."""
    found = trees.tree(session.node.archive, session.node.names, identity)
    said = [f"{'  ' * branch.depth}{branch.said}" for branch in found.branches]
    return said if found.is_whole else [*said, "…"]


def pending_messages(session: LedgerSession) -> list[MessageShape]:
    """Messages for which the last block had no room, in order; at most 100."""
    node = session.node
    return [shapes.message(node.names, each) for each in islice(node.queued(), QUEUED_MAX)]


def get_contract(session: LedgerSession, address: Address) -> ContractShape | None:
    """A contract: which machine runs it, what can be asked of it, and where its state lies.

    `mode` is `numen` for a contract of our language, `evm` for bytecode whose calls are requests,
    `atomic` for a synchronous EVM of its own. One with private state has a `charter`.
    """
    node = session.node
    account, code = node.world.peek(address), node.names.code(address)
    if code is None:
        return None
    shape = ContractShape(
        address=data(address),
        mode=code.mode,
        code_id=data(account.code),
        balance=hex(account.balance),
        timers=account.timers,
        awaits=account.awaits,
    )
    description = node.names.description(address)
    if description is not None:
        shape.name = description.name
        shape.program_id = data(description.program_id)
        shape.entries = shapes.entries(description)
        shape.waits = shapes.waits(description)
        shape.storage = shapes.variables(description)
    charter = node.world.charter(address)
    if charter is not None:
        shape.charter = shapes.charter(charter)
    return shape


def get_proof(
    session: LedgerSession, address: Address, keys: list[Word], block: BlockId = LATEST
) -> StateProofShape:
    """What an account and slots of it have, and what shows it under the state root of a block."""
    if len(keys) > KEYS_MAX:
        raise RpcError(INVALID_PARAMS, f"more than {KEYS_MAX} keys")
    node = session.node
    state, version = node.world.state, node.version(lookup.require(node, block))
    account, shown = state.open_account(address, version)
    proved = [(key, *state.open_slot(address, key.to_bytes(32, "big"), version)) for key in keys]
    return StateProofShape(
        address=data(address),
        state_root=data(state.tree.at(version).root),
        balance=hex(account.balance),
        nonce=hex(account.nonce),
        sequence=hex(account.sequence),
        code_hash=data(account.code_hash or NO_CODE),
        opening=shapes.opening(shown),
        slots=shapes.slots(proved),
    )


class LedgerShape(msgspec.Struct, rename="camel", kw_only=True):
    """A ledger as its last block left it."""

    chain: int
    height: int
    head: Hex
    state_root: Hex
    time_ms: int
    price: Hex
    maker: Hex
    queued: int
    waiting: int


def status(session: LedgerSession) -> LedgerShape:
    """The ledger as its last block left it: height, roots, price, and how much waits."""
    node = session.node
    ledger = node.ledger
    return LedgerShape(
        chain=ledger.chain,
        height=ledger.height,
        head=data(ledger.head),
        state_root=data(node.world.state.root),
        time_ms=ledger.time_ms,
        price=hex(node.settings.price),
        maker=data(node.coinbase),
        queued=ledger.pending,
        waiting=len(node.pool),
    )


def mine(session: LedgerSession, blocks: Quantity = _ONE) -> Hex:
    """Make blocks of what waits, one by default, in which timers run; gives the height then."""
    if not 0 < blocks <= MINE_MAX:
        raise RpcError(INVALID_PARAMS, f"from 1 to {MINE_MAX} blocks")
    for _ in range(blocks):
        session.node.mine()
    return hex(session.node.ledger.height)


def shown(node: LedgerNode, sealed: Sealed) -> Iterator[MessageShape]:
    """The messages of a block, as a subscription is told of them."""
    for found in node.archive.receipts(sealed.number):
        yield shapes.receipt(node.names, found)


METHODS = rows(
    {
        "numen_getMessage": get_message,
        "numen_getMessageTree": get_message_tree,
        "numen_why": why,
        "numen_explain": explain,
        "numen_pendingMessages": pending_messages,
        "numen_getContract": get_contract,
        "numen_getProof": get_proof,
        "numen_status": status,
        "numen_mine": mine,
    }
)
