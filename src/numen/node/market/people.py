"""Those who take part in a market between processes: they join, stake, work, and buy."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.market import resale
from numen.market.actor import Act, Attester, Do, Executor, Parcel
from numen.market.coins import wallet
from numen.market.escrow import deposit_of, reserve_of
from numen.market.exchange import Post, Verb
from numen.market.job import Job, Phase
from numen.market.message import Call, Kept, Ramp, Request, sign
from numen.market.moves import Run
from numen.market.payer import Limits
from numen.market.provider import Provider
from numen.market.stake import Role
from numen.market.task import Hardware, Optimistic, Policy, Task, task_id
from numen.market.turn import Checker, Market
from numen.market.verifier import AUDIT_ONE_IN, Verifier
from numen.market.worker import Profile, Tools, Worker
from numen.node.market.errand import Errand, ErrandError, Purchase, cancelling
from numen.node.market.prover import ProcessProver
from numen.node.market.runs import Runs
from numen.node.market.tools import Equipped, Goods, Walks, dice_of
from numen.proof.statement import Evidence, claim_digest

STAKE: Final = 1_000_000
"""What workers and verifiers put at risk, in coins, where they do not say."""

TASK_LIFE_MS: Final = 120_000
"""How long a task waits for workers."""

CALL_AGAIN_MS: Final = 2_000
"""After how long a call that did not arrive is made again."""


class Joined:
    """An actor that first calls what it needs: a stake, or a deposit and a reserve.

    Args:
        actor: Who acts after that.
        key: Its account.
        calls: Verbs and coins, each made once unless the market shows that it was.
    """

    def __init__(self, actor: Equipped, key: SigningKey, calls: Iterable[tuple[Verb, int]]) -> None:
        self._actor, self._key = actor, key
        self._calls = tuple(calls)
        self._asked_ms: dict[Verb, int] = {}
        self.lacks, self.bring, self.made = actor.lacks, actor.bring, actor.made
        self.listen, self.watch = actor.listen, actor.watch

    @property
    def address(self) -> bytes:
        return self._key.address

    @property
    def is_quick(self) -> bool:
        return self._actor.is_quick

    def wake(self, market: Market, now_ms: int) -> Iterator[Act]:
        for verb, amount in self._calls:
            if _is_done(market, self.address, verb):
                continue
            is_due = now_ms - self._asked_ms.get(verb, -CALL_AGAIN_MS) >= CALL_AGAIN_MS
            if is_due and market.coins.balance(wallet(self.address)) >= amount:
                self._asked_ms[verb] = now_ms
                nonce = market.nonces.get(self.address, 0)
                call = Call(market.identity, self.address, nonce, verb.value, amount)
                yield Do(Post(sign(self._key, call)), 0)
            return  # one after the other: calls are numbered
        yield from self._actor.wake(market, now_ms)

    def has_called(self, market: Market) -> bool:
        """Tell whether the market shows every call."""
        return all(_is_done(market, self.address, verb) for verb, _ in self._calls)

    def receive(self, parcel: Parcel, market: Market, now_ms: int) -> Iterable[Act]:
        return self._actor.receive(parcel, market, now_ms)


def worker(
    key: SigningKey,
    profile: Profile,
    goods: Goods,
    machine: Executor,
    stake: int = STAKE,
    prover: ProcessProver | None = None,
    attester: Attester | None = None,
) -> Joined:
    """A worker of a market between processes.

    Args:
        key: Its account.
        profile: How it goes about its work.
        goods: What it has; of one that proves, with keys.
        machine: Runs programs; where it is `Runs`, the worker waits for none of them.
        stake: What it puts at risk, in coins.
        prover: Makes proofs; None for one that sells none.
        attester: Trusted hardware; None for one that has none.
    """
    walks = Walks(goods)

    def is_able(task: Task) -> bool | None:
        if isinstance(task.policy, Optimistic):
            return walks.is_able(task)
        if isinstance(task.policy, Hardware):
            return attester is not None and attester.is_able(task)
        return prover is None or prover.is_able(task)

    tools = Tools(
        machine, prover, goods.inputs, goods.estimate,
        attester=attester, walker=walks, is_able=is_able,
    )  # fmt: skip
    actor = Worker(key, profile, tools, dice_of(key, "worker"))
    equipped = Equipped(actor, goods, machine if isinstance(machine, Runs) else None)
    return Joined(equipped, key, [(Verb.JOIN_AS_WORKER, stake)])


def verifier(
    key: SigningKey,
    goods: Goods,
    machine: Executor,
    stake: int = STAKE,
    audit_one_in: int = AUDIT_ONE_IN,
) -> Joined:
    """A verifier of a market between processes; with `Runs` for a machine, it waits for none."""
    dice = dice_of(key, "verifier")
    actor = Verifier(key, machine, goods.inputs, dice, is_prompt=True, audit_one_in=audit_one_in)
    equipped = Equipped(actor, goods, machine if isinstance(machine, Runs) else None)
    return Joined(equipped, key, [(Verb.JOIN_AS_VERIFIER, stake)])


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
            if self._purchase is not None:
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

    def buy(self, order: Order, market: Market, checker: Checker) -> Purchase | None:
        """Buy with the next wakings what an order asks for, if it was answered before.

        Its evidence is checked again first: whoever buys need not believe the market's store.

        Returns:
            The purchase; None where nothing for sale fits what the order asks and bids, what fits
            is not shown any more, or another purchase is under way.
        """
        entry = resale.find(market.store, order.program, order.inputs, order.policy)
        is_busy = self._purchase is not None and not self._purchase.is_made(market)
        if entry is None or entry.price > order.bid or is_busy:
            return None
        try:
            resale.check(entry, checker.check, born_ms=market.born_ms)
        except resale.ResaleError:
            return None
        self._purchase = Purchase(self._key, entry, order.policy)
        return self._purchase

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


def _is_done(market: Market, owner: bytes, verb: Verb) -> bool:
    match verb:
        case Verb.JOIN_AS_WORKER | Verb.JOIN_AS_VERIFIER:
            return owner in market.stakes.stakers
        case Verb.DEPOSIT:
            return market.coins.balance(deposit_of(owner)) > 0
        case Verb.RESERVE:
            return market.coins.balance(reserve_of(owner)) > 0
        case _:
            return False
