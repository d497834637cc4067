"""A buyer of a market between processes: orders, what they come to, and what is bought again.

OrderError        the market does not take an order
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.market import resale
from numen.market.actor import Act, Parcel
from numen.market.exchange import Verb
from numen.market.job import Job, Phase
from numen.market.message import Kept, Ramp, Request
from numen.market.moves import Run
from numen.market.payer import Limits
from numen.market.provider import Provider
from numen.market.stake import Role
from numen.market.suffices import is_plain
from numen.market.task import Policy, Snark, Stark, Task, task_id
from numen.market.turn import Checker, Market
from numen.node.market.errand import Errand, ErrandError, Purchase, cancelling
from numen.node.market.people import Joined
from numen.node.market.tools import Equipped, Goods, dice_of
from numen.proof.statement import Evidence, claim_digest

TASK_LIFE_MS: Final = 120_000
"""How long a task waits for workers."""


class Order(msgspec.Struct, frozen=True):
    """What somebody wants to buy.

    Attributes:
        program: Id of a program that was brought.
        inputs: Commitment to inputs that were brought.
        bid: First bid, in coins.
        price_max: Highest bid.
        policy: What evidence is wanted.
        work_limit: Most work units of a run.
        ramp_ms: In what time the bid rises to the highest by itself; 0 where it is raised in
            steps instead, while nobody comes.
    """

    program: bytes
    inputs: bytes
    bid: int
    price_max: int
    policy: Policy
    work_limit: int
    ramp_ms: int = 0


class Sold(msgspec.Struct, frozen=True):
    """How a purchase ended.

    Attributes:
        task: Id of the task.
        output: The settled answer's canonical bytes; None where there is none.
        how: In words.
        answers: Workers who gave that answer.
        fined: Workers whose pledge was taken.
        paid: Coins that it cost, the verifier's fee included.
        evidence: That came with the answer, or the name of goods that it is in; None where equal
            answers were the evidence, or there is no answer.
    """

    task: bytes
    output: bytes | None
    how: str
    answers: tuple[bytes, ...]
    fined: tuple[bytes, ...]
    paid: int
    evidence: Evidence | Kept | Run | None = None


class OrderError(NumenError):
    """The market does not take the order."""


class Buyer:
    """A job provider that remembers what came: a `Player`.

    Args:
        key: Its account.
        deposit: Coins that pay tickets first.
        reserve: Coins that pay them when the deposit is empty.
    """

    def __init__(self, key: SigningKey, deposit: int, reserve: int) -> None:
        self._key = key
        limits = Limits(deposit + reserve, deposit + reserve)
        self._provider = Provider(key, (), dice_of(key, "provider"), limits)
        self._joined = Joined(
            Equipped(self._provider, _Everything()),
            key,
            [(Verb.DEPOSIT, deposit), (Verb.RESERVE, reserve)],
        )
        self._seen: dict[bytes, Job] = {}
        self._posting: dict[bytes, Errand] = {}
        self._unheard: set[bytes] = set()
        self._unposted: set[bytes] = set()
        self._cancelled: set[bytes] = set()
        self._cancelling: list[Errand] = []
        self._purchase: Purchase | None = None

    @property
    def address(self) -> bytes:
        return self._key.address

    def lacks(self, replica: object) -> Iterable[bytes]:  # noqa: ARG002 - a buyer runs nothing
        return ()

    def bring(self, raw: bytes) -> None:
        """A buyer asks for nothing."""

    @property
    def is_quick(self) -> bool:
        """It runs nothing."""
        return True

    def listen(self, told: Callable[[], None]) -> None:
        """Nothing happens to a buyer behind its back."""

    def made(self) -> Iterable[bytes]:
        return ()

    def watch(self, market: Market) -> None:
        """Note how its tasks are: between two wakings one may settle and be gone."""
        for name in self._seen:
            if name in market.jobs:
                self._seen[name] = market.jobs[name]

    def wake(self, market: Market, now_ms: int) -> Iterator[Act]:
        for name in self._cancelled & market.jobs.keys():
            self._cancelled.discard(name)
            self._cancelling.append(cancelling(self._key, market.jobs[name]))
        self._cancelling = [each for each in self._cancelling if not each.is_taken(market)]
        yield from self._joined.wake(market, now_ms)
        for errand in self._cancelling:
            yield from errand.wake(market, now_ms)
        if self._joined.has_called(market):
            yield from self._post(market, now_ms)
            if self._purchase is not None and not self._purchase.is_lost(market, now_ms):
                yield from self._purchase.wake(market, now_ms)

    def _post(self, market: Market, now_ms: int) -> Iterator[Act]:
        """Post what was ordered, again and again until it is there."""
        for name, errand in list(self._posting.items()):
            if errand.is_taken(market) or name not in self._seen:
                del self._posting[name]
            else:
                self._unheard.discard(name)
                yield from errand.wake(market, now_ms)

    def is_lost(self, name: bytes, market: Market, now_ms: int) -> bool:
        """Whether a task is over without a trace: what became of it was not seen."""
        job = self._seen.get(name)
        return job is not None and name not in market.jobs and now_ms > job.task.expires_ms

    def receive(self, parcel: Parcel, market: Market, now_ms: int) -> Iterable[Act]:
        return self._joined.receive(parcel, market, now_ms)

    def order(self, order: Order, market: Market, number: int, now_ms: int) -> bytes:
        """Post a task with the next waking; its id.

        Raises:
            OrderError: No verifier has a stake, or the market refuses the task.
        """
        verifiers = [v for v in market.stakes.stakers if market.stakes.is_active(v, Role.VERIFIER)]
        if not verifiers:
            raise OrderError(
                "no verifier has a stake in this market", hint="start `numen verifier`"
            )
        task = Task(
            market=market.identity,
            provider=self.address,
            verifier=sorted(verifiers)[number % len(verifiers)],
            number=number,
            program=order.program,
            inputs=order.inputs,
            policy=order.policy,
            work_limit=order.work_limit,
            price_max=order.price_max,
            fee=order.price_max // 10 + 1,
            pledge=order.price_max,
            expires_ms=now_ms + TASK_LIFE_MS,
        )
        ramp = Ramp(order.price_max, now_ms, order.ramp_ms) if order.ramp_ms else None
        request = Request(task, order.bid, 0, ramp)
        name = task_id(task)
        errand = Errand(self._key, request, lambda m: name in m.jobs or name in m.done)
        try:
            errand.check(market, now_ms, _NoChecker())
        except ErrandError as error:
            raise OrderError(error.message) from None
        self._posting[name] = errand
        self._unheard.add(name)
        self._seen[name] = Job(name, task, now_ms, request, now_ms, {})
        return name

    def cancel(self, name: bytes) -> None:
        """Take a task back with the next waking; at once where nobody has heard of it."""
        if name in self._unheard:
            self._unheard.discard(name)
            del self._posting[name]
            self._unposted.add(name)
        else:
            self._cancelled.add(name)

    def buy(self, order: Order, market: Market, checker: Checker, now_ms: int) -> Purchase | None:
        """Buy with the next wakings what an order asks for, if it was answered before.

        Its evidence is checked again first: whoever buys need not believe the market's store. What
        is needed to check a proof may still have to come; the buyer applies the purchase itself,
        and not before it is there.

        Returns:
            The purchase; None where nothing for sale fits what the order asks and bids, the market
            or its contract would not sell it, or another purchase is under way.
        """
        entry = resale.find(market.store, order.program, order.inputs, order.policy, now_ms)
        under_way = self._purchase
        is_busy = under_way is not None and not (
            under_way.is_made(market) or under_way.is_lost(market, now_ms)
        )
        if entry is None or entry.price > order.bid or is_busy:
            return None
        if market.on_ledger and not is_plain(entry.task.policy, order.policy):
            return None
        purchase = Purchase(self._key, entry, order.policy)
        if not isinstance(entry.task.policy, Snark | Stark):
            try:
                purchase.check(market, now_ms, checker)
            except ErrandError:
                return None
        self._purchase = purchase
        return purchase

    def sold(self, name: bytes, market: Market) -> Sold | None:
        """How a purchase ended, or None while it goes on."""
        if name in self._unposted:
            self._unposted.discard(name)
            del self._seen[name]
            return Sold(name, None, "taken back", (), (), 0)
        if name in market.jobs or name not in market.done:
            return None
        job = self._seen.pop(name)
        answers = tuple(_answers(job))
        fined = tuple(w for w, seat in job.seats.items() if w not in answers and seat.result)
        is_settled = job.phase is Phase.SETTLED and bool(answers)
        result = job.seats[answers[0]].result if is_settled else None
        output = None if result is None else result.answer
        how = "settled" if output is not None else f"no answer ({job.phase.value})"
        paid = sum(job.seats[who].price for who in answers) + job.task.fee
        price = paid if output is not None else 0
        evidence = None if result is None else result.evidence
        return Sold(name, output, how, answers, fined, price, evidence)


class _NoChecker:
    """A `Checker` for what comes without evidence."""

    def check(self, _task: object, _claim: object, _evidence: object) -> None:
        raise AssertionError("a request comes without evidence")

    def following(self, _task: object, _answer: object, _shown: object) -> bytes:
        raise AssertionError("a request comes without a contest")


class _Everything(Goods):
    """Goods of who runs nothing: every task is one it has."""

    def has(self, task: Task) -> bool:  # noqa: ARG002 - whatever it is
        return True


def _answers(job: Job) -> Iterator[bytes]:
    """Workers who gave the settled answer."""
    if job.claim is None:
        return
    settled = claim_digest(job.claim)
    for who, seat in job.seats.items():
        if seat.result is not None and claim_digest(seat.result.claim) == settled:
            yield who
