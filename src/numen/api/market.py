"""Buying verified results from Python.

    async with numen.Market(place, identity) as market:
        sold = await market.run(function, 3, 4, bid=500)
        sold.value

A `Market` is a member of the market for as long as it is entered: it follows the record, posts
tasks, pays with tickets, and gives each answer once the market has settled it.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final, Self

import msgspec

from numen.api.compiled import Compiled, compile_
from numen.api.evidence import Want, want
from numen.base.errors import NumenError
from numen.ir.program import Program
from numen.market.events import Event
from numen.market.message import Kept
from numen.market.moves import Run
from numen.market.task import task_id
from numen.net.keystore import Identity
from numen.net.tls import TlsTransport
from numen.node.market.errand import Purchase
from numen.node.market.goods import name_of
from numen.node.market.member import Member
from numen.node.market.notary import Notary
from numen.node.market.people import Buyer, Order, Sold
from numen.node.market.place import read_place
from numen.proof.statement import Evidence, Stark, commit_inputs
from numen.vm.payload import decode_output, encode_inputs

DEPOSIT: Final = 10_000_000
RESERVE: Final = 30_000_000
"""Coins set aside for tickets, where nothing else is said."""

WORK_LIMIT: Final = 100_000_000
"""Work units that a run may take, where nothing else is said."""

PATIENCE_S: Final = 180.0
"""How long an answer is waited for; tasks end by themselves before that."""

CANCEL_S: Final = 5.0
"""How long a task that is taken back is waited for."""

_POLL_S: Final = 0.05


class MarketClosedError(NumenError):
    """The market cannot be reached, or ended the visit."""


class UnsoldError(NumenError):
    """A task ended without an answer.

    Attributes:
        sold: How it ended.
    """

    def __init__(self, sold: Sold) -> None:
        super().__init__(
            f"task 0x{sold.task.hex()} ended without an answer: {sold.how}",
            hint="raise the bid, or ask `numen why` with the market's log",
        )
        self.sold = sold


class Bought(msgspec.Struct, frozen=True):
    """A result that was paid for.

    Attributes:
        value: What the program gave.
        sold: Who answered, who was fined, and what it cost.
        wanted: What evidence was asked for.
        evidence: The proof or quote that came with the answer, which the market, and this member
            of it, have verified; None where equal answers were the evidence.
    """

    value: Any
    sold: Sold
    wanted: Want
    evidence: Evidence | None = None


class Market:
    """A market, as a buyer has it.

    Args:
        place: Where it is, as `numen market open` prints it.
        identity: Who buys, with coins or in a market that grants some.
        deposit: Coins that pay tickets first.
        reserve: Coins that pay them when the deposit is empty.
        heard: Told of everything that happens in the market.
    """

    def __init__(
        self,
        place: str,
        identity: Identity,
        *,
        deposit: int = DEPOSIT,
        reserve: int = RESERVE,
        heard: Callable[[Sequence[Event]], None] = lambda _: None,
    ) -> None:
        transport = TlsTransport(identity.node)
        self._buyer = Buyer(identity.account, deposit, reserve)
        self._notary = Notary()
        self._member = Member(transport, read_place(place), identity.account, self._notary, heard)
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._member.run(lambda: self._buyer))
        await self._until(self._member.ready.is_set, PATIENCE_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._running is not None
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def run(  # noqa: PLR0913 - each is a term of the purchase
        self,
        program: Compiled | Callable[..., Any] | str,
        *args: Any,
        bid: int,
        evidence: str | Want = "quorum",
        price_max: int | None = None,
        replicas: int = 5,
        trust: int = 4,
        work_limit: int = WORK_LIMIT,
        ramp_s: float = 0,
        fresh: bool = False,
    ) -> Bought:
        """Have a program run by strangers, and give the answer that the evidence carries.

        What somebody bought before, under evidence that is enough, is bought again for a part of
        its price. Whoever stops waiting takes the task back: what no worker has earned returns.

        Args:
            program: A program, a function of the language, or its source.
            args: One value for each parameter.
            bid: What each accepted answer is paid at most, at first, in coins.
            evidence: A word of `evidence.KINDS`, or what a function of `numen.api.evidence` made.
            price_max: Up to where the bid is raised while nobody comes; twice the bid otherwise.
            replicas: Of a quorum: most answers that are bought.
            trust: Of a quorum: a wrong answer has to be less likely than one in so many.
            work_limit: Most work units of a run.
            ramp_s: In how many seconds the bid rises by itself from ``bid`` to ``price_max``; 0
                where it is raised in steps while nobody comes.
            fresh: Have it run, even if it was answered before.

        Raises:
            InputError: The arguments are not the program's.
            WantError: The program cannot be sold with this evidence.
            OrderError: No verifier has a stake in the market.
            UnsoldError: The task ended without an answer.
            MarketClosedError: The market went away.
        """
        compiled = program if isinstance(program, Compiled) else compile_(program)
        wanted = evidence
        if isinstance(wanted, str):
            wanted = want(wanted, compiled, replicas=replicas, trust=trust)
        code = compiled.program
        raw = encode_inputs(code, args)
        for goods in (code.code, raw, *wanted.goods):
            self._member.offer(goods)
        for goods in wanted.goods:
            self._notary.bring(name_of(goods), goods)
        price = bid if price_max is None else price_max
        order = Order(
            code.id, commit_inputs(raw), bid, max(price, 2 * bid) if price_max is None else price,
            wanted.policy, work_limit, int(ramp_s * 1000),
        )  # fmt: skip
        replica = self._member.replica
        assert replica is not None, "enter the market first"
        again = None if fresh else self._buyer.buy(order, replica.market, self._notary)
        if again is not None:
            return await self._buy_again(code, again, wanted)
        return await self._buy(code, order, wanted)

    async def _buy(self, code: Program, order: Order, wanted: Want) -> Bought:
        """Have a task done."""
        replica = self._member.replica
        assert replica is not None
        number = secrets.randbits(62)
        name = self._buyer.order(order, replica.market, number, self._member.now_ms)
        found: list[Sold] = []

        def is_sold() -> bool:
            sold = self._buyer.sold(name, replica.market)
            found.extend([] if sold is None else [sold])
            return bool(found)

        try:
            await self._until(is_sold, PATIENCE_S)
        except BaseException:
            await asyncio.shield(self._take_back(name))
            raise
        (sold,) = found
        if sold.output is None:
            raise UnsoldError(sold)
        assert sold.result is not None
        found_evidence = await self._whole(sold.result.evidence)
        return Bought(decode_output(code, sold.output), sold, wanted, found_evidence)

    async def _whole(self, evidence: Evidence | Kept | Run | None) -> Evidence | None:
        """The evidence of an answer, fetched where the message has only its name."""
        if isinstance(evidence, Kept):
            return Stark(await self._member.fetch(evidence.name))
        return None if isinstance(evidence, Run) else evidence

    async def _buy_again(self, code: Program, purchase: Purchase, wanted: Want) -> Bought:
        replica, entry = self._member.replica, purchase.entry
        assert replica is not None
        await self._until(lambda: purchase.is_made(replica.market), PATIENCE_S)
        how = "bought again"
        sold = Sold(task_id(entry.task), entry.answer, how, entry.workers, (), entry.price)
        found = await self._whole(entry.evidence)
        return Bought(decode_output(code, entry.answer), sold, wanted, found)

    async def _take_back(self, name: bytes) -> None:
        """Cancel a task, and wait for the market to say so; not for long, as somebody waits."""
        replica = self._member.replica
        assert replica is not None
        self._buyer.cancel(name)

        def is_back() -> bool:
            job = replica.market.jobs.get(name)
            return job is None or job.withdrawn_ms is not None

        with contextlib.suppress(NumenError):
            await self._until(is_back, CANCEL_S)

    async def _until(self, condition: Callable[[], bool], patience_s: float) -> None:
        try:
            async with asyncio.timeout(patience_s):
                while not condition():
                    assert self._running is not None
                    if self._running.done():
                        self._running.result()
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise MarketClosedError(f"the market did not answer in {patience_s:.0f} s") from None
