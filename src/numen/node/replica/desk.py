"""What a node does with transactions: take them, pass them on, and tell what became of them."""

from collections.abc import Iterable
from typing import Final

from numen.ledger.order.conflict import SignedRejection
from numen.ledger.transactions import Transaction
from numen.node.replica import pool as pools
from numen.node.replica.events import (
    Decide,
    Decided,
    Kept,
    Look,
    Looked,
    Weigh,
)
from numen.node.replica.packet import Cancelled, Held, Notice, Pending, Refused, Submit
from numen.node.replica.pool import PoolError
from numen.node.replica.turn import Turn

FORWARDS_MAX: Final = 64
"""Most waiting transactions that a node reminds the proposer of at once."""


def submit(turn: Turn, peer: bytes, packet: Submit) -> None:
    """A transaction came."""
    turn.want(Look(peer, packet.transaction))


def looked(turn: Turn, event: Looked) -> None:
    """A transaction is signed, and its account is known."""
    pool, admitted, peer = turn.replica.pool, event.admitted, event.peer
    is_person = not turn.plan.is_node(peer)
    if admitted.id not in pool.places:
        if admitted.transaction.nonce < event.nonce:
            turn.want(Decide(event.raw, peer))
            return
        try:
            _check_offer(turn, admitted.transaction)
            pool = pools.add(pool, event.raw, admitted, event.nonce, event.balance)
        except PoolError as error:
            because = turn.replica.fallen.get(admitted.id)
            if because is not None:
                turn.send([peer], Cancelled(admitted.id, because))
            else:
                turn.send([peer], Refused(admitted.id, error.message))
            return
        turn.set(pool=pool, is_fresh=True)
        if is_person:
            turn.send(turn.plan.others, Submit(event.raw))
    turn.watch(admitted.id, peer)
    if is_person:
        is_contested = not pools.is_counted_on(pool, admitted.id)
        turn.send([peer], Pending(admitted.id, is_contested))


def _check_offer(turn: Turn, transaction: Transaction) -> None:
    """Refuse what no block can have.

    Raises:
        PoolError: It offers too little, or its last height has passed.
    """
    if transaction.price < turn.plan.price:
        offered, asked = transaction.price, turn.plan.price
        raise PoolError(f"{offered} coins a unit of work offered, {asked} asked")
    if transaction.until <= turn.replica.height:
        raise PoolError(f"valid until block {transaction.until}, which is there already")


def kept(turn: Turn, event: Kept) -> None:
    """A block is final: so are its transactions, and the end of those that they exclude."""
    pool, gone = turn.replica.pool, list[bytes]()
    for (sender, nonce), rivals in pool.rivals.items():
        if nonce >= event.advanced.get(sender, 0):
            continue
        for waiting in rivals:
            transaction = waiting.admitted.id
            is_held = waiting.raw in event.included
            if is_held:
                gone.append(transaction)
            if not is_held or turn.people(transaction):
                turn.want(Decide(waiting.raw))
            else:
                turn.unwatch([transaction])
    late = [each for each in pools.expired(pool, event.height + 1) if each not in gone]
    for transaction in late:
        turn.send(turn.people(transaction), Refused(transaction, "its last height has passed"))
    turn.set(pool=pools.drop(pool, [*gone, *late]))
    turn.unwatch(late)


def hopeless(turn: Turn, refused: Iterable[Refused]) -> None:
    """No block can have some transactions."""
    for each in refused:
        turn.send(turn.people(each.transaction), each)
        turn.set(pool=pools.drop(turn.replica.pool, [each.transaction]))
        turn.unwatch([each.transaction])


def decided(turn: Turn, event: Decided) -> None:
    """It is final whether a transaction holds: tell everybody who was told otherwise."""
    pool, end = turn.replica.pool, event.end
    watchers = turn.replica.watchers.get(event.id, ())
    if event.asker and event.asker not in watchers:
        watchers = (*watchers, event.asker)
    gone: tuple[bytes, ...] = (event.id,)
    if isinstance(end, SignedRejection):
        turn.send([peer for peer in watchers if peer != event.peer], Notice(end))
        fallen = pools.dependents(pool, event.id)
        for transaction in fallen:
            turn.send(turn.people(transaction), Cancelled(transaction, end))
        turn.fell(fallen, end)
        gone += fallen
    else:
        people = [peer for peer in watchers if not turn.plan.is_node(peer)]
        turn.send(people, Held(event.id, end))
    turn.set(pool=pools.drop(pool, gone))
    turn.unwatch(gone)


def notice(turn: Turn, peer: bytes, packet: Notice) -> None:
    """A node says that a transaction does not hold, which matters if somebody here counts on it."""
    if packet.rejection.rejected.transaction in turn.replica.pool.places:
        turn.want(Weigh(peer, packet.rejection))


def remind(turn: Turn) -> None:
    """Send the proposer what waits, since it may not have it."""
    if turn.may_make or turn.proposer == turn.plan.me:
        return
    for place in list(turn.replica.pool.rivals)[:FORWARDS_MAX]:
        for waiting in turn.replica.pool.rivals[place]:
            turn.send([turn.proposer], Submit(waiting.raw))
