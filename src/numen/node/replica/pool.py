"""What a node has promised and what is not final: transactions over the state of the last block.

The node's own guess of the future is a layer over what all agree on. Coins that a waiting
transaction brings can be spent by another, which then leans on it. When one of them turns out not
to hold, what leaned on it falls with it, and what everybody agrees on was never touched.

    PoolError    there is no room for a transaction, or no coins
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from numen.base.crypto import Address, Hash32
from numen.base.errors import NumenError
from numen.ledger.transactions import Admitted, cost

POOL_MAX: Final = 4096
"""Most transactions that wait."""

AHEAD_MAX: Final = 64
"""How far the nonce of one may be ahead of its account's next."""

RIVALS_MAX: Final = 4
"""Most transactions with one nonce of one account; one is enough to show that it lies."""


class PoolError(NumenError):
    """A transaction cannot wait here."""


class Waiting(msgspec.Struct, frozen=True):
    """A transaction that waits.

    Attributes:
        raw: As it was signed.
        admitted: What it says.
        leans_on: Ids of those that have to hold so that it can be paid.
    """

    raw: bytes
    admitted: Admitted
    leans_on: tuple[Hash32, ...]


Place: TypeAlias = tuple[Address, int]
"""An account, and the nonce of one of its transactions."""

Rivals: TypeAlias = tuple[Waiting, ...]
"""Transactions of one place; the one that came first is the one that is counted on."""


class Pool(msgspec.Struct, frozen=True):
    """What waits.

    Attributes:
        rivals: Transactions by place, in the order in which the places came up.
        places: Place of each transaction, by its id.
        flows: What those that are counted on give to each address, or take from it.
    """

    rivals: Mapping[Place, Rivals] = MappingProxyType({})
    places: Mapping[Hash32, Place] = MappingProxyType({})
    flows: Mapping[Address, int] = MappingProxyType({})


def find(pool: Pool, transaction: bytes) -> Waiting | None:
    """A transaction by its id, or None."""
    place = pool.places.get(transaction)
    if place is None:
        return None
    return next(one for one in pool.rivals[place] if one.admitted.id == transaction)


def is_counted_on(pool: Pool, transaction: bytes) -> bool:
    """Whether it waits, and no other of its account came first with its nonce."""
    place = pool.places.get(transaction)
    return place is not None and pool.rivals[place][0].admitted.id == transaction


def add(pool: Pool, raw: bytes, admitted: Admitted, nonce: int, balance: int) -> Pool:
    """Let a transaction wait.

    Args:
        pool: Without it.
        raw: As it was signed.
        admitted: What it says.
        nonce: The next of its account, after the last final block.
        balance: Of its account, then.

    Raises:
        PoolError: Too many wait, it is too far ahead, or it cannot be paid.

    Cost: linear in what waits.
    """
    transaction, sender = admitted.transaction, admitted.sender
    place = (sender, transaction.nonce)
    before = pool.rivals.get(place, ())
    if len(pool.places) >= POOL_MAX:
        raise PoolError(f"{POOL_MAX} transactions wait already")
    if not nonce <= transaction.nonce < nonce + AHEAD_MAX:
        raise PoolError(f"nonce {transaction.nonce} where {nonce} is next")
    if len(before) >= RIVALS_MAX:
        raise PoolError(f"{RIVALS_MAX} transactions with nonce {transaction.nonce} wait already")
    price = cost(transaction)
    coins = balance + pool.flows.get(sender, 0)
    if before:  # only one of them will be paid
        coins += cost(before[0].admitted.transaction)
    if price > coins:
        raise PoolError(f"it may cost {price} coins and the account has {max(coins, 0)}")
    own = [cost(w.admitted.transaction) for p, (w, *_) in pool.rivals.items() if p[0] == sender]
    is_leaning = price + sum(own) > balance
    leans_on = tuple(_payers(pool, sender)) if is_leaning else ()
    waiting = Waiting(raw, admitted, leans_on)
    return Pool(
        {**pool.rivals, place: (*before, waiting)},
        {**pool.places, admitted.id: place},
        pool.flows if before else _flowing(pool.flows, waiting, 1),
    )


def drop(pool: Pool, transactions: Iterable[bytes]) -> Pool:
    """Let some transactions wait no longer; those that do not wait are passed over."""
    gone = [each for each in transactions if each in pool.places]
    if not gone:
        return pool
    rivals, places, flows = dict(pool.rivals), dict(pool.places), pool.flows
    for transaction in gone:
        place = places.pop(transaction)
        before = rivals[place]
        after = tuple(one for one in before if one.admitted.id != transaction)
        if after:
            rivals[place] = after
        else:
            del rivals[place]
        if not after or after[0] is not before[0]:
            flows = _flowing(flows, before[0], -1)
            flows = _flowing(flows, after[0], 1) if after else flows
    return Pool(rivals, places, flows)


def dependents(pool: Pool, transaction: bytes) -> tuple[bytes, ...]:
    """Ids of those that fall if a transaction does not hold, nearest first."""
    fallen, found = {transaction}, list[bytes]()
    is_growing = True
    while is_growing:
        more = [
            one.admitted.id
            for rivals in pool.rivals.values()
            for one in rivals
            if one.admitted.id not in fallen and fallen.intersection(one.leans_on)
        ]
        fallen.update(more)
        found += more
        is_growing = bool(more)
    return tuple(found)


def in_order(pool: Pool) -> Iterator[bytes]:
    """What a block is made of: those that are counted on, accounts in order, nonces rising."""
    accounts: dict[Address, list[tuple[int, bytes]]] = {}
    for (sender, nonce), (first, *_) in pool.rivals.items():
        accounts.setdefault(sender, []).append((nonce, first.raw))
    for waiting in accounts.values():
        for _, raw in sorted(waiting):
            yield raw


def expired(pool: Pool, height: int) -> tuple[bytes, ...]:
    """Ids of those that no block from a height on can have."""
    return tuple(
        one.admitted.id
        for rivals in pool.rivals.values()
        for one in rivals
        if one.admitted.transaction.until < height
    )


def _payers(pool: Pool, address: Address) -> Iterator[bytes]:
    for first, *_ in pool.rivals.values():
        if any(call.to == address and call.value for call in first.admitted.transaction.calls):
            yield first.admitted.id


def _flowing(flows: Mapping[Address, int], waiting: Waiting, sign: int) -> dict[Address, int]:
    changed, admitted = dict(flows), waiting.admitted
    moves = [(admitted.sender, -cost(admitted.transaction))]
    moves += [(call.to, int(call.value)) for call in admitted.transaction.calls if call.to]
    for address, coins in moves:
        changed[address] = changed.get(address, 0) + sign * coins
        if not changed[address]:
            del changed[address]
    return changed
