"""The order book of a market, and what one does with one's own orders in it."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from numen.api.market import MarketClosedError, entry
from numen.market import auction
from numen.market.job import Job
from numen.market.message import Ramp
from numen.market.turn import Market
from numen.net.keystore import Identity
from numen.net.networks import Networks
from numen.node.market.errand import Errand, ErrandError, Visitor, cancelling, find_task, raising
from numen.node.market.member import Member
from numen.node.market.notary import Notary
from numen.node.market.place import read_place

PATIENCE_S: Final = 20.0
"""How long an errand may take."""

_POLL_S: Final = 0.02

T = TypeVar("T")


class Row(msgspec.Struct, frozen=True):
    """An order, as the book has it.

    Attributes:
        task: Its id.
        provider: Whose it is.
        place: Its place by price and time, from 1.
        phase: Where it is in its life.
        bid: What it bids at this moment, in coins.
        ceiling: Most that it rises to by itself.
        asks: What workers ask that have no seat, lowest first.
        seats: Workers that have or had one.
        left_ms: How long it seeks workers yet.
    """

    task: bytes
    provider: bytes
    place: int
    phase: str
    bid: int
    ceiling: int
    asks: tuple[int, ...]
    seats: int
    left_ms: int


async def book(place: str, identity: Identity) -> list[Row]:
    """List the orders of a market, best bid first.

    Raises:
        MarketClosedError: The market cannot be reached.
    """
    return await visit(place, identity, lambda market, now_ms, _: (rows(market, now_ms), None))


async def cancel(place: str, identity: Identity, task: str) -> Job:
    """Take a task of one's own back; the task as it was.

    Args:
        place: The market.
        identity: Whose task.
        task: Its id in hexadecimal, or the beginning of it.

    Raises:
        ErrandError: There is no such task, or the market refuses.
        MarketClosedError: The market cannot be reached.
    """
    return await _on_task(place, identity, task, lambda job, _: cancelling(identity.account, job))


async def raise_bid(
    place: str, identity: Identity, task: str, bid: int, ceiling: int | None, ramp_ms: int
) -> Job:
    """Raise the bid of a task of one's own; the task as it was.

    Args:
        place: The market.
        identity: Whose task.
        task: Its id in hexadecimal, or the beginning of it.
        bid: The new bid, in coins.
        ceiling: Where it rises to by itself; None where it does not.
        ramp_ms: In what time.

    Raises:
        ErrandError: There is no such task, or the market refuses.
        MarketClosedError: The market cannot be reached.
    """

    def errand(job: Job, now_ms: int) -> Errand:
        ramp = None if ceiling is None else Ramp(ceiling, now_ms, ramp_ms)
        return raising(identity.account, job, bid, ramp)

    return await _on_task(place, identity, task, errand)


def rows(market: Market, now_ms: int) -> list[Row]:
    """Write down the orders of a market, best bid first."""
    found = []
    for number, order in enumerate(auction.ranked(market.book, now_ms), 1):
        job = market.jobs[order.task]
        asks = sorted(b.offer.ask for who, b in job.offers.items() if who not in job.seats)
        found.append(
            Row(
                job.identity, job.task.provider, number, job.phase.value, job.bid_at(now_ms),
                job.request.ceiling, tuple(asks), len(job.seats),
                max(job.seeks_until_ms - now_ms, 0),
            )
        )  # fmt: skip
    return found


async def _on_task(
    place: str, identity: Identity, task: str, make: Callable[[Job, int], Errand]
) -> Job:
    def begin(market: Market, now_ms: int, notary: Notary) -> tuple[Job, Errand]:
        job = find_task(market, task)
        if job.task.provider != identity.account.address:
            raise ErrandError("the task is somebody else's")
        errand = make(job, now_ms)
        errand.check(market, now_ms, notary)
        return job, errand

    return await visit(place, identity, begin)


async def visit(
    place: str,
    identity: Identity,
    begin: Callable[[Market, int, Notary], tuple[T, Errand | None]],
) -> T:
    """Look at a market, and wait until one errand is done, if there is one.

    Args:
        place: The market.
        identity: Who looks.
        begin: Given the market, its time and what checks evidence; gives what was seen, and the
            errand, if there is one.

    Raises:
        MarketClosedError: The market cannot be reached.
    """
    who = identity.account
    visitor = Visitor(who.address)
    transport = Networks(identity.node)
    notary = Notary()
    member = Member(transport, read_place(place), who, notary, lambda _: None)
    running = asyncio.create_task(member.run(lambda: visitor))
    try:
        await entry(member, running)
        async with asyncio.timeout(PATIENCE_S):
            replica = member.replica
            assert replica is not None
            found, errand = begin(replica.market, member.now_ms, notary)
            if errand is not None:
                visitor.errands.append(errand)
                await _until(lambda: errand.is_taken(replica.market), running)
            return found
    except TimeoutError:
        raise MarketClosedError(f"the market did not do it in {PATIENCE_S:.0f} s") from None
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _until(condition: Callable[[], bool], running: asyncio.Task[None]) -> None:
    while not condition():
        if running.done():
            running.result()
        await asyncio.sleep(_POLL_S)
