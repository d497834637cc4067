"""Buying verified results from Python.

    async with numen.Market() as market:
        bought = await market.run(square, 7, bid=5)
        bought.value

A `Market` is a member of a market for as long as it is entered: it follows the record, posts tasks,
pays with tickets, and gives each answer once the market has settled it. Where none is named, it is
one of one's own, in this process (`numen.node.market.local`).
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Final, Self, TypeVar, overload

import msgspec

from numen.api.compiled import Compiled, compile_
from numen.api.evidence import Want, WantError, want
from numen.api.sale import Bought, Listener, Sale, UnsoldError
from numen.api.task import P, R, Task
from numen.api.together import together as together_
from numen.api.together import transposed
from numen.base.errors import NumenError
from numen.ir.program import Program
from numen.market.events import Closed, Event
from numen.market.message import Kept
from numen.market.moves import Run
from numen.market.task import task_id
from numen.net.keystore import Identity
from numen.net.networks import Networks
from numen.node.market.buyer import Buyer, Order, Sold
from numen.node.market.errand import Purchase
from numen.node.market.goods import name_of
from numen.node.market.local import local_market, new_identity
from numen.node.market.member import Member
from numen.node.market.notary import Notary
from numen.node.market.place import read_place
from numen.proof.statement import Evidence, Stark, commit_inputs
from numen.vm.payload import encode_inputs

__all__ = ["Bought", "Market", "MarketClosedError", "Sale", "UnsoldError", "WantError"]

PLACE_VARIABLE: Final = "NUMEN_MARKET"
"""Environment variable that names the market, where the program does not."""

DEPOSIT: Final = 10_000_000
RESERVE: Final = 30_000_000
"""Coins set aside for tickets, where nothing else is said."""

WORK_LIMIT: Final = 100_000_000
"""Work units that a run may take, where nothing else is said."""

PATIENCE_S: Final = 180.0
"""How long an answer is waited for; tasks end by themselves before that."""

HALL_S: Final = 20.0
"""How long a hall is waited for that nobody has heard of yet."""

AT_ONCE: Final = 64
"""Tasks of one `Market.map` that are on their way at a time."""

_LOOK_S: Final = 1.0

T = TypeVar("T")
Sellable = Task[P, R] | Compiled | Callable[..., Any] | str


class MarketClosedError(NumenError):
    """The market cannot be reached, or ended the visit."""


class Market:
    """A market, as a buyer has it.

    Args:
        place: Where it is, as `numen market open` prints it. Without one, what the environment
            calls ``NUMEN_MARKET``; without that, a market of one's own in this process.
        identity: Who buys, with coins or in a market that grants some; somebody new without one.
        deposit: Coins that pay tickets first.
        reserve: Coins that pay them when the deposit is empty.
        heard: Told of everything that happens in the market.
    """

    def __init__(
        self,
        place: str | None = None,
        identity: Identity | None = None,
        *,
        deposit: int = DEPOSIT,
        reserve: int = RESERVE,
        heard: Callable[[Sequence[Event]], None] = lambda _: None,
    ) -> None:
        self._place = place or os.environ.get(PLACE_VARIABLE) or None
        self._identity = identity or new_identity("buyer")
        self._buyer = Buyer(self._identity.account, deposit, reserve)
        self._heard = heard
        self._notary = Notary()
        self._sales: dict[bytes, Sale[Any]] = {}
        self._purchases: list[tuple[Purchase, Sale[Any], Order]] = []
        self._listeners: list[Listener] = []
        self._stack = contextlib.AsyncExitStack()
        self._member: Member | None = None
        self._is_entered = False

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            if self._place is None:
                transport, place = await stack.enter_async_context(local_market(self._identity))
            else:
                transport, place = Networks(self._identity.node), read_place(self._place)
            member = Member(transport, place, self._identity.account, self._notary, self._hear)
            self._member = member
            running = asyncio.create_task(member.run(lambda: self._buyer))
            stack.push_async_callback(self._leave, running)
            looking = asyncio.create_task(self._look(running))
            stack.push_async_callback(_end, looking)
            await entry(member, running)
            self._is_entered = True
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_entered = False
        await self._stack.aclose()

    async def run(
        self,
        program: Sellable[P, R],
        *args: Any,
        bid: int,
        timeout_s: float | None = PATIENCE_S,
        **terms: Any,
    ) -> Bought[Any]:
        """Have a program run by strangers, and give the answer that the evidence carries.

        Args:
            program: A task, a program, a function of the language, or its source.
            args: One value for each parameter.
            bid: What each accepted answer is paid at most, at first, in coins.
            timeout_s: How long to wait; None for as long as the task lives.
            terms: As for `sell`.

        Raises:
            InputError: The arguments are not the program's.
            WantError: The program cannot be sold with this evidence.
            OrderError: The market does not take the task.
            UnsoldError: The task ended without an answer.
            AnswerTrapError: The answer is that the program traps.
            LateError: It took too long.
            MarketClosedError: The market went away.
        """
        return await self.sell(program, *args, bid=bid, **terms).result(timeout_s)

    async def map(
        self,
        program: Sellable[P, R],
        inputs: Iterable[Any],
        *,
        bid: int,
        at_once: int = AT_ONCE,
        together: int = 1,
        timeout_s: float | None = PATIENCE_S,
        **terms: Any,
    ) -> list[Bought[Any]]:
        """Have a program run on many inputs, each as a task of its own or some together.

        Args:
            program: As for `run`.
            inputs: One value each, or a tuple of one value for each parameter.
            bid: As for `run`, of each.
            at_once: Tasks that are on their way at a time.
            together: Inputs of one task, which share its bid, its work limit and its evidence, and
                all trap if one does.
            timeout_s: As for `run`, of each.
            terms: As for `sell`.

        Returns:
            What was bought, in the order of the inputs.

        Raises:
            NumenError: As for `run`; the other tasks are taken back where nobody works on them.
        """
        turns = asyncio.Semaphore(at_once)
        given = [each if isinstance(each, tuple) else (each,) for each in inputs]
        lots = [given[at : at + together] for at in range(0, len(given), together)]
        programs = {} if together == 1 else _lots(_compiled(program)[0], lots)

        async def one(lot: list[tuple[Any, ...]]) -> list[Bought[Any]]:
            async with turns:
                if not programs:
                    sold = self.run(program, *lot[0], bid=bid, timeout_s=timeout_s, **terms)
                    return [await sold]
                whole = await self.run(
                    programs[len(lot)], *transposed(lot), bid=bid, timeout_s=timeout_s, **terms
                )
                return [msgspec.structs.replace(whole, value=value) for value in whole.value]

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(lot)) for lot in lots]
        except* NumenError as errors:
            raise _first(errors) from None
        return [bought for task in tasks for bought in task.result()]

    @overload
    def sell(self, program: Task[P, R], *args: Any, **terms: Any) -> Sale[R]: ...

    @overload
    def sell(
        self, program: Compiled | Callable[..., Any] | str, *args: Any, **terms: Any
    ) -> Sale[Any]: ...

    def sell(  # noqa: PLR0913 - each is a term of the purchase
        self,
        program: Any,
        *args: Any,
        bid: int,
        evidence: str | Want = "quorum",
        price_max: int | None = None,
        replicas: int = 5,
        trust: int = 4,
        work_limit: int | None = None,
        ramp_s: float = 0,
        fresh: bool = False,
    ) -> Sale[Any]:
        """Post a task, and go on; the sale tells what becomes of it.

        What somebody bought before, under evidence that is enough, is bought again for a part of
        its price.

        Args:
            program: As for `run`.
            args: As for `run`.
            bid: As for `run`.
            evidence: A word of `evidence.KINDS`, or what a function of `numen.api.evidence` made.
            price_max: Up to where the bid is raised while nobody comes; twice the bid otherwise.
            replicas: Of a quorum: most answers that are bought.
            trust: Of a quorum: a wrong answer has to be less likely than one in so many.
            work_limit: Most work units of a run.
            ramp_s: In how many seconds the bid rises by itself from ``bid`` to ``price_max``; 0
                where it is raised in steps while nobody comes.
            fresh: Have it run, even if it was answered before.

        Raises:
            NumenError: As for `run`, but for what comes later.
        """
        member = self._here()
        compiled, limit = _compiled(program)
        wanted = evidence
        if isinstance(wanted, str):
            wanted = want(wanted, compiled, replicas=replicas, trust=trust)
        code = compiled.program
        raw = encode_inputs(code, args)
        order = Order(
            code.id, commit_inputs(raw), bid, price_max or 2 * bid,
            wanted.policy, work_limit or limit or WORK_LIMIT, int(ramp_s * 1000),
        )  # fmt: skip
        for goods in (code.code, raw, *wanted.goods):
            member.offer(goods)
        for goods in wanted.goods:
            self._notary.bring(name_of(goods), goods)
        sale = self._begin(order, code, wanted, fresh=fresh)
        member.nudge()
        return sale

    def _begin(self, order: Order, code: Program, wanted: Want, *, fresh: bool) -> Sale[Any]:
        """Buy what was answered before, or post a task."""
        member = self._here()
        assert member.replica is not None
        market = member.replica.market
        again = None if fresh else self._buyer.buy(order, market, self._notary, member.now_ms)
        if again is not None:
            known = task_id(again.entry.task)
            sale: Sale[Any] = Sale(known, code, wanted, _nothing, self._evidence)
            self._purchases.append((again, sale, order))
        else:
            name = self._order(order)
            sale = self._sales[name] = Sale(name, code, wanted, self._withdraw, self._evidence)
        return sale

    async def events(self) -> AsyncIterator[Event]:
        """Give everything that happens in the market from here on, until it is left.

        Raises:
            LaggedError: The events were not taken in time.
        """
        listener = Listener()
        self._here()
        self._listeners.append(listener)
        try:
            async for event in listener:
                yield event
        finally:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _order(self, order: Order) -> bytes:
        member = self._here()
        assert member.replica is not None
        number = secrets.randbits(62)
        return self._buyer.order(order, member.replica.market, number, member.now_ms)

    def _here(self) -> Member:
        if self._member is None or not self._is_entered:
            raise MarketClosedError(
                "the market is not entered", hint="async with numen.Market() as market: ..."
            )
        return self._member

    async def _evidence(self, sold: Sold) -> Evidence | None:
        """The evidence of an answer, fetched where the message has only its name."""
        found = sold.evidence
        if isinstance(found, Kept):
            return Stark(await self._here().fetch(found.name))
        return None if isinstance(found, Run) else found

    def _withdraw(self, name: bytes) -> None:
        self._buyer.cancel(name)
        if name in self._sales:
            self._close(self._sales[name])  # where nobody has heard of it
        if self._member is not None:
            self._member.nudge()

    async def _leave(self, running: "asyncio.Task[None]") -> None:
        await _end(running)
        self._end_all(MarketClosedError("the market was left"))

    def _end_all(self, reason: NumenError) -> None:
        for sale in (*self._sales.values(), *(sale for _, sale, _ in self._purchases)):
            sale.end(reason)
        for listener in self._listeners:
            listener.put(None)
        self._sales.clear()
        self._purchases.clear()
        self._listeners.clear()

    def _hear(self, happened: Sequence[Event]) -> None:
        """Take note of what an entry came to; the market is as it is after that entry."""
        assert self._member is not None
        self._heard(happened)
        self._look_for_purchases()
        for event in happened:
            for listener in self._listeners:
                listener.put(event)
            task = getattr(event, "task", "")
            sale = self._sales.get(bytes.fromhex(task)) if task else None
            if sale is not None:
                sale.hear(event)
                if isinstance(event, Closed):
                    self._close(sale)

    def _look_for_purchases(self) -> None:
        assert self._member is not None
        for purchase, sale, order in list(self._purchases):
            replica, entry = self._member.replica, purchase.entry
            if replica is None:
                continue
            if purchase.is_lost(replica.market, self._member.now_ms):
                self._purchases.remove((purchase, sale, order))
                sale.goes_on_as(self._order(order), self._withdraw)
                self._sales[sale.task] = sale
            elif purchase.is_made(replica.market):
                self._purchases.remove((purchase, sale, order))
                how = "bought again"
                sale.end(
                    Sold(
                        sale.task, entry.answer, how, entry.workers, (), entry.price, entry.evidence
                    )
                )

    def _close(self, sale: Sale[Any]) -> None:
        assert self._member is not None
        assert self._member.replica is not None
        sold = self._buyer.sold(sale.task, self._member.replica.market)
        if sold is not None:
            del self._sales[sale.task]
            sale.end(sold)

    async def _look(self, running: "asyncio.Task[None]") -> None:
        """End what nothing will happen to: the visit has ended, or passed over it unseen."""
        while not running.done():
            await asyncio.wait({running}, timeout=_LOOK_S)
            if self._member is None or self._member.replica is None:
                continue
            now_ms = self._member.now_ms
            for sale in list(self._sales.values()):
                self._close(sale)
                if not sale.is_over and self._buyer.is_lost(
                    sale.task, self._member.replica.market, now_ms
                ):
                    del self._sales[sale.task]
                    sale.end(MarketClosedError("the task ended while the market was not here"))
        if not running.cancelled():
            self._end_all(_first(running.exception()))


def _lots(program: Compiled, lots: list[list[tuple[Any, ...]]]) -> dict[int, Compiled]:
    """The programs for lots of each size that there is."""
    return {size: together_(program, size) for size in {len(lot) for lot in lots}}


async def entry(member: Member, running: "asyncio.Task[None]") -> None:
    """Wait until the market is known: not long for its hall, and longer for its record.

    Raises:
        MarketClosedError: Nobody answers, or the record does not come to its end.
        NumenError: What ended the visit.
    """
    ready = asyncio.create_task(member.ready.wait())
    for patience_s in (HALL_S, PATIENCE_S):
        first = asyncio.FIRST_COMPLETED
        await asyncio.wait({ready, running}, timeout=patience_s, return_when=first)
        if ready.done() or running.done() or member.replica is None:
            break
    await _end(ready)
    if running.done():
        raise _first(running.exception())
    if member.replica is None:
        said = f": {member.complaint}" if member.complaint else ""
        hint = "is `numen market open` running there, with the key that MARKET names?"
        raise MarketClosedError(f"no market answered in {HALL_S:.0f} s{said}", hint=hint)
    if not member.ready.is_set():
        raise MarketClosedError(f"the market's record did not come in {PATIENCE_S:.0f} s")


async def _end(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _first(error: BaseException | None) -> NumenError:
    """The first of what went wrong, as an error of ours."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, NumenError):
        return error
    if error is not None:
        raise error
    return MarketClosedError("the visit ended")


def _nothing(_task: bytes) -> None:
    """What was bought again was done before: nothing is taken back."""


def _compiled(program: Any) -> tuple[Compiled, int | None]:
    """A program to sell, and the work limit that it came with."""
    if isinstance(program, Task):
        return program.compiled, program.work_limit
    return program if isinstance(program, Compiled) else compile_(program), None
