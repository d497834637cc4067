"""`eth_`: what became of transactions, at a node that may have applied their blocks unseen."""

from collections.abc import Iterable

from numen.evm.errors import EvmError
from numen.node.rpc import chains, listening, lookup
from numen.node.rpc.forms import LogForm
from numen.node.rpc.listening import Logs
from numen.node.rpc.shapes import ReceiptShape
from numen.node.rpc.table import Session, SessionOf, rows
from numen.node.rpc.trust import FollowerSession
from numen.node.rpc.values import BlockId, Hash


class UnknownHereError(EvmError):
    """The node applied a block, and does not know what became of its transactions."""


def get_transaction_receipt(session: FollowerSession, tx_hash: Hash) -> ReceiptShape | None:
    """What a transaction of a block came to, where this node carried that block out."""
    place = session.node.chain.holding(tx_hash)
    if place is not None:
        _check(session, [place[0].number])
    return chains.get_transaction_receipt(_any(session), tx_hash)


def get_block_receipts(session: FollowerSession, block: BlockId) -> list[ReceiptShape] | None:
    """What all transactions of a block came to, where this node carried it out."""
    found = lookup.find(session.node, block)
    if found is not None:
        _check(session, [found.number])
    return chains.get_block_receipts(_any(session), block)


def get_logs(session: FollowerSession, query: LogForm) -> Logs:
    """Logs of a range of blocks, or of one by its hash, all of which this node carried out."""
    first, last = query.bounds(session.node)
    _check(session, range(max(first, 1), min(last, session.node.ledger.height) + 1))
    return listening.get_logs(_any(session), query)


def _any(session: FollowerSession) -> Session:
    """The same, as the methods of any node take it."""
    return SessionOf(session.node, session.written, session.methods)


def _check(session: FollowerSession, heights: Iterable[int]) -> None:
    for height in heights:
        if not session.node.is_carried_out(height):
            raise UnknownHereError(
                f"block {height} was applied here and not carried out: ask a node that did"
            )


METHODS = rows(
    {
        "eth_getTransactionReceipt": get_transaction_receipt,
        "eth_getBlockReceipts": get_block_receipts,
        "eth_getLogs": get_logs,
    }
)
