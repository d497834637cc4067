"""`eth_`: logs, filters, and subscriptions."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from numen.node import subscriptions
from numen.node.blocks import Sealed, Signed
from numen.node.filters import Filter, Kind
from numen.node.logs import LogQuery, find
from numen.node.rpc import shapes
from numen.node.rpc.faults import LIMIT, NO_METHOD, SERVER, RpcError
from numen.node.rpc.forms import LogForm
from numen.node.rpc.shapes import Hex, LogShape
from numen.node.rpc.table import Session, rows
from numen.node.rpc.values import Quantity, data
from numen.node.subscriptions import Subscription
from numen.node.surface import Node

LOGS_MAX: Final = 20_000
"""Most logs of one answer."""

Logs = list[LogShape]
"""Logs; they are written once, and kept as JSON."""


def get_logs(session: Session, query: LogForm) -> Logs:
    """Logs of a range of blocks, or of one by its hash, by address and topics."""
    first, last = query.bounds(session.node)
    return _logs(session, query.query(), first, last)


def _logs(session: Session, query: LogQuery, first: int, last: int) -> Logs:
    found: list[Any] = []
    for sealed, index, at in find(session.node.chain.between(first, last, query), query):
        if len(found) >= LOGS_MAX:
            raise RpcError(LIMIT, f"query returned more than {LOGS_MAX} results")
        found.append(session.written.of(sealed, index, at))
    return found


def new_filter(session: Session, query: LogForm) -> Hex:
    """Begin a filter of logs; gives its number."""
    node, wanted = session.node, query.query()
    following = len(node.chain.blocks)
    first, last = following, None
    if query.from_block is not None and query.from_block.tag not in {"latest", "pending"}:
        first = query.from_block.number or 0
    if query.to_block is not None and query.to_block.number is not None:
        last = query.to_block.number
    bounds = (first if query.from_block is not None else None, last)
    return hex(node.filters.add(Kind.LOGS, first, node.now_s, wanted, bounds))


def new_block_filter(session: Session) -> Hex:
    """Begin a filter of new blocks; gives its number."""
    node = session.node
    return hex(node.filters.add(Kind.BLOCKS, len(node.chain.blocks), node.now_s))


def new_pending_transaction_filter(session: Session) -> Hex:
    """Begin a filter of transactions that come to wait; gives its number."""
    node = session.node
    return hex(node.filters.add(Kind.WAITING, len(node.chain.blocks), node.now_s))


Changes = list[Hex | LogShape]
"""Hashes, or logs."""


def get_filter_changes(session: Session, filter_id: Quantity) -> Changes:
    """What is new since the last time: logs, or hashes of blocks or transactions."""
    node = session.node
    found = node.filters.get(filter_id, node.now_s)
    if found.kind is Kind.WAITING:
        hashes, found.waiting = found.waiting, []
        return [data(each) for each in hashes]
    first, found.next_block = found.next_block, max(found.next_block, len(node.chain.blocks))
    if found.kind is Kind.BLOCKS:
        return [data(each.hash) for each in node.chain.blocks[first:]]
    return list(_logs(session, found.query, first, _last(found, node)))


def get_filter_logs(session: Session, filter_id: Quantity) -> Logs:
    """All logs of a filter of logs."""
    node = session.node
    found = node.filters.get(filter_id, node.now_s)
    if found.kind is not Kind.LOGS:
        raise RpcError(SERVER, "filter not found")
    first = node.chain.latest.number if found.first is None else found.first
    return _logs(session, found.query, first, _last(found, node))


def _last(found: Filter, node: Node) -> int:
    last = node.chain.latest.number
    return last if found.last is None else min(found.last, last)


def uninstall_filter(session: Session, filter_id: Quantity) -> bool:
    """End a filter; gives whether it was there."""
    return session.node.filters.drop(filter_id)


def subscribe(session: Session, kind: str, options: LogForm | bool | None = None) -> Hex:
    """Be told of `newHeads`, `logs` or `newPendingTransactions`; gives a number.

    It needs a connection that stays: a WebSocket. Logs may be chosen by address and topics; waiting
    transactions are told in whole where the second parameter is true. A ledger also tells of
    `messages`.
    """
    if session.subscriptions is None:
        raise RpcError(NO_METHOD, "notifications not supported; use a WebSocket")
    if kind not in session.node.told:
        raise RpcError(SERVER, f"no {kind[:40]!r} subscription")
    query = options.query() if isinstance(options, LogForm) else LogQuery()
    wanted = Subscription(Kind(kind), query, options is True)
    return hex(session.subscriptions.add(wanted))


def unsubscribe(session: Session, subscription: Quantity) -> bool:
    """End a subscription; gives whether it was there."""
    return session.subscriptions is not None and session.subscriptions.drop(subscription)


Messages = Callable[[Sealed], Iterable[object]]
"""Gives the messages of a block as clients are told of them."""


def shown(node: Node, written: shapes.WrittenLogs, messages: Messages) -> subscriptions.Shown:
    """How subscriptions are told of things."""

    def head(sealed: Sealed) -> object:
        return shapes.header(sealed, node.chain.fork)

    def waiting(signed: Signed, is_full: bool) -> object:
        return shapes.waiting(signed) if is_full else data(signed.hash)

    return subscriptions.Shown(head, written.of, waiting, messages)


class NotificationParams(msgspec.Struct):
    """What a notification is about."""

    subscription: Hex
    result: Any


class Notification(msgspec.Struct):
    """What a subscription tells."""

    params: NotificationParams
    jsonrpc: str = "2.0"
    method: str = "eth_subscription"


METHODS = rows(
    {
        "eth_getLogs": get_logs,
        "eth_newFilter": new_filter,
        "eth_newBlockFilter": new_block_filter,
        "eth_newPendingTransactionFilter": new_pending_transaction_filter,
        "eth_getFilterChanges": get_filter_changes,
        "eth_getFilterLogs": get_filter_logs,
        "eth_uninstallFilter": uninstall_filter,
        "eth_subscribe": subscribe,
        "eth_unsubscribe": unsubscribe,
    }
)
