"""A worker: prices tasks, runs them, binds itself, opens, and collects its tickets.

How it behaves is a value: the honest way, and the ways in which workers cheat or fail.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum

import msgspec

from numen.base.crypto import SigningKey, hmac_sha256, keccak256
from numen.base.errors import NumenError
from numen.market import auction, events, payee, quorum
from numen.market.actor import (
    Act,
    Answer,
    Attester,
    Do,
    Executor,
    Parcel,
    Payment,
    Prover,
    Say,
    UnprovableError,
    Walker,
    claim_of,
)
from numen.market.auction import PERMILLE, Decision, Estimate
from numen.market.dice import Dice
from numen.market.duel import Duellist, committed
from numen.market.escrow import max_float
from numen.market.exchange import Post, Redeem
from numen.market.hardware import check_quote
from numen.market.job import Job
from numen.market.message import Execution, Kept, Offer, Result, message_id, sign
from numen.market.moves import Run as Walked
from numen.market.payee import PayeeError, Session, Terms
from numen.market.stake import stake_of
from numen.market.task import Hardware, Optimistic, Snark, Stark, Task
from numen.market.ticket import COST_MULTIPLIER, Quote, draw, rand, ticket_id
from numen.market.turn import Market
from numen.market.window import OpenTask, OwnSeat, open_tasks, own_seats
from numen.proof.statement import Claim, Evidence, claim_digest

TICKETS_A_TASK = 16
"""Into how many tickets a worker wants its ask split; it takes twice as many."""

REDEEM_COST = 1
"""What redeeming a ticket costs a worker here, in coins."""

SPREAD = 4
"""At most one ticket in this many wins: fewer redemptions, at the price of lumpier pay."""

QUOTE_LIFE_MS = 120_000
"""How long a quote of tickets holds."""

OPEN_AGAIN_MS = 1_000
"""After how long a prompt worker repeats a result that has not arrived."""

NEVER_MS = 1 << 62


class Behaviour(Enum):
    """How a worker goes about its work."""

    HONEST = "honest"
    WRONG = "wrong answers"
    CRASH = "crashes half-way"
    COPY = "copies others"
    SLOW = "slow"


class Profile(msgspec.Struct, frozen=True):
    """What distinguishes one worker from another.

    Attributes:
        behaviour: How it goes about its work.
        price_per_million: Its price of a million work units, in coins.
        speed: Work units that it runs in a millisecond.
        aversion_permille: Coins it wants for 1000 coins of standard deviation of its pay.
        lie: What its wrong answers are derived from; liars with one lie agree.
        checks_one_in: Of how many answers of others that it could challenge it checks one; 0 for
            none.
    """

    behaviour: Behaviour
    price_per_million: int = 2_000
    speed: int = 1_000
    aversion_permille: int = 50
    lie: bytes = b""
    checks_one_in: int = 1


class Run(msgspec.Struct, frozen=True):
    """What a worker knows about a seat of its own.

    Attributes:
        claim: What it will say.
        answer: The output it will show.
        salt: Of its commitment.
        evidence: Its proof, where one is wanted.
        opens_ms: From when on it may send its result, or send it again.
    """

    claim: Claim
    answer: bytes
    salt: bytes
    evidence: Evidence | Kept | Walked | None
    opens_ms: int = 0


class Tools(msgspec.Struct, frozen=True):
    """What a worker works with.

    Attributes:
        executor: Runs programs.
        prover: Makes proofs; None for workers without one, which leave such tasks alone.
        inputs: Inputs of tasks by their commitment.
        estimate: Tells how many work units a task will take, its proof included.
        attester: Trusted hardware; None for workers without any, which leave such tasks alone.
        walker: Makes runs that can be shown step by step; None for workers that do not, which
            leave such tasks alone.
        is_able: Tells whether a task can be done, before anything is pledged; None while that is
            being found out.
    """

    executor: Executor
    prover: Prover | None
    inputs: Mapping[bytes, bytes]
    estimate: Callable[[Task], int]
    attester: Attester | None = None
    walker: Walker | None = None
    is_able: Callable[[Task], bool | None] = lambda _task: True


class UnquotedError(NumenError):
    """A worker's own hardware gives no quote that would be believed."""


class Worker:
    """A worker in the market.

    Args:
        key: Its key.
        profile: What it is like.
        tools: What it works with.
        dice: Its salts, secrets and delays.
        is_prompt: Whether it opens an answer in one go with its commitment, where everybody else is
            bound already. Else it waits to see that it is bound, for whom a seed shall replay.
    """

    def __init__(
        self,
        key: SigningKey,
        profile: Profile,
        tools: Tools,
        dice: Dice,
        *,
        is_prompt: bool = False,
    ) -> None:
        self._key = key
        self._is_prompt = is_prompt
        self.profile = profile
        self._tools = tools
        self._dice = dice
        self._secret = dice.word()
        self._considered: set[tuple[bytes, bytes, bool]] = set()
        self._runs: dict[bytes, Run | None] = {}
        self._quotes: dict[bytes, Quote] = {}
        self._born_ms = 0
        is_liar = profile.behaviour is Behaviour.WRONG
        self._duellist = None if tools.walker is None else Duellist(
            key, tools.walker, tools.inputs, secret=self._derive(b"check"),
            one_in=0 if is_liar else profile.checks_one_in,
            lie=self._derive(b"bluff") if is_liar else None,
        )  # fmt: skip

    @property
    def address(self) -> bytes:
        return self._key.address

    def wake(self, market: Market, now_ms: int) -> Iterator[Act]:
        self._born_ms = market.born_ms
        for opened in open_tasks(market, self.address, now_ms):
            yield from self._consider(opened, market, now_ms)
        for own in own_seats(market, self.address, now_ms):
            if own.seat.result is None:
                yield from self._execute(own, now_ms)
            if own.seat.has_executed and own.seat.result is None and own.may_reveal:
                yield from self._open(own, own.seat.last, now_ms)
        if self._duellist is not None:
            yield from self._duellist.wake(market, now_ms)

    def receive(self, parcel: Parcel, market: Market, now_ms: int) -> Iterable[Act]:
        """Take tickets, and redeem the winners."""
        if not isinstance(parcel, Payment):
            return
        job = market.jobs.get(parcel.task)
        quote = self._quotes.pop(parcel.task, None) or _quoted(job, self.address)
        if quote is None or not parcel.tickets:
            return
        sender = parcel.tickets[0].ticket.sender if job is None else job.task.provider
        session = Session(sender, quote)
        sure = max_float(market.escrow, market.coins, sender, self.address, 0)
        for signed in parcel.tickets:
            try:
                session, won = payee.take(
                    session,
                    signed,
                    secret=self._secret,
                    domain=market.escrow.domain,
                    now_ms=now_ms,
                    float_max=sure,
                )
            except PayeeError:
                continue
            revealed = rand(self._secret, sender, quote)
            yield Say(
                events.Drawn(
                    now_ms,
                    ticket_id(signed.ticket).hex(),
                    parcel.task.hex(),
                    sender.hex(),
                    self.address.hex(),
                    signed.ticket.face,
                    signed.ticket.win_prob.to_bytes(32, "big").hex(),
                    draw(signed.signature, revealed).to_bytes(32, "big").hex(),
                    won,
                )
            )
        _, winners = payee.collect(session)
        if winners:
            yield Do(Redeem(winners), self._delay())

    def _consider(self, opened: OpenTask, market: Market, now_ms: int) -> Iterator[Act]:
        # What it asks stays in the book until a bid reaches it.
        task, staked = opened.task, self._staked(market)
        is_covered = staked >= task.pledge
        considered = (opened.identity, opened.request, is_covered)
        if considered in self._considered or opened.asked is not None:
            return
        work = self._tools.estimate(task)
        decision = self._decide(work, opened.bid)
        ask: int | None = decision.ask
        if not decision.is_taken:
            ask = auction.least_bid(lambda bid: self._decide(work, bid))
        # A proof is made before anything is asked for it, so not for what will never be paid.
        is_proof = isinstance(task.policy, Snark | Stark)
        is_paid = ask is not None and (ask <= task.price_max or not is_proof)
        may_pay = is_covered and is_paid
        is_able = self._has_tools(task) and (not may_pay or self._tools.is_able(task))
        if is_able is None:
            return  # it is looked at again
        self._considered.add(considered)
        if not is_able:
            return
        if not decision.is_taken or not is_covered:
            ids = (opened.identity.hex(), self.address.hex())
            money = (opened.bid, decision.cost, decision.premium, task.pledge, staked)
            yield Say(events.Declined(now_ms, *ids, *money))
        if ask is None or not may_pay:
            return
        quote = self._quote(opened, ask, market, now_ms)
        offer = Offer(opened.request, self.address, ask, task.pledge, quote)
        yield Do(Post(sign(self._key, offer)), self._delay())

    def _staked(self, market: Market) -> int:
        """Coins of its stake, those included that its seats bind: they come free again."""
        free = market.coins.balance(stake_of(self.address))
        return free + market.stakes.bound_of(self.address)

    def _has_tools(self, task: Task) -> bool:
        match task.policy:
            case Snark() | Stark():
                return self._tools.prover is not None
            case Hardware():
                return self._tools.attester is not None
            case Optimistic():
                return self._tools.walker is not None
            case _:
                return True

    def _decide(self, work: int, bid: int) -> Decision:
        return auction.decide(bid, self._estimate(work, bid))

    def _estimate(self, work: int, bid: int) -> Estimate:
        value = _ticket_value(bid)
        face = max(COST_MULTIPLIER * REDEEM_COST, value * SPREAD)
        win_permille = max(value * PERMILLE // face, 1)
        return Estimate(
            work,
            self.profile.price_per_million,
            TICKETS_A_TASK,
            win_permille,
            self.profile.aversion_permille,
        )

    def _quote(self, opened: OpenTask, ask: int, market: Market, now_ms: int) -> Quote | None:
        sender, escrow = opened.task.provider, market.escrow
        terms = Terms(
            _ticket_value(ask),
            2 * TICKETS_A_TASK,
            REDEEM_COST,
            SPREAD,
            now_ms + QUOTE_LIFE_MS,
            escrow.round,
            escrow.hashes[escrow.round],
        )
        # New for each bid and round, and the same again for a worker that was stopped and goes on.
        seed = self._derive(b"quote", opened.request, escrow.hashes[escrow.round])
        # All tickets of all open quotes of a payer may win at once.
        open_quotes = [q for t, q in self._quotes.items() if _is_of(market, t, sender)]
        exposed = sum(q.count * q.face for q in open_quotes)
        sure = max_float(escrow, market.coins, sender, self.address, 0)
        try:
            quote = payee.make_quote(
                self._secret, self.address, sender, terms, seed, max(sure - exposed, 0)
            )
        except NumenError:
            return None
        self._quotes[opened.identity] = quote
        return quote

    def _execute(self, own: OwnSeat, now_ms: int) -> Iterator[Act]:
        match = own.seat.match
        if match in self._runs:
            return
        if self.profile.behaviour is Behaviour.COPY:
            yield from self._copy(own)
            return
        inputs = self._tools.inputs[own.task.inputs]
        try:
            found = self._answer(own, inputs)
        except (UnprovableError, UnquotedError):
            self._runs[match] = None  # a quarter of the pledge is less than all of it
            return
        if found is None:
            return
        answer, evidence = found
        if self.profile.behaviour is Behaviour.CRASH and self._dice.below(2):
            self._runs[match] = None  # it dies before it binds itself
            return
        if self.profile.behaviour is Behaviour.WRONG:
            answer = _lie(answer, self.profile.lie)
        salt = self._derive(b"salt", match)
        run = Run(claim_of(own.task, answer), answer.output, salt, evidence)
        if self.profile.behaviour is Behaviour.CRASH:
            run = msgspec.structs.replace(run, opens_ms=NEVER_MS)  # it dies before it opens
        self._runs[match] = run
        if own.seat.has_executed:
            return  # it was bound before it was stopped: the same answer, the same salt
        commitment = quorum.commit(own.identity, self.address, run.claim, run.salt)
        execution = Execution(match, self.address, commitment)
        delay_ms = 1 + answer.work // self.profile.speed + self._delay()
        yield Do(Post(sign(self._key, execution)), delay_ms)
        if self._is_prompt and own.is_last:
            # They arrive in the order they leave; where one came between, it is repeated.
            yield from self._open(own, message_id(execution), now_ms, delay_ms)

    def _answer(
        self, own: OwnSeat, inputs: bytes
    ) -> tuple[Answer, Evidence | Kept | Walked | None] | None:
        """What a task asks for; None while a proof is being made."""
        task, evidence = own.task, None
        if isinstance(task.policy, Hardware):
            return self._attest(own, inputs)
        if isinstance(task.policy, Optimistic):
            assert self._tools.walker is not None, "such tasks are left alone without a walker"
            assert self._duellist is not None
            walk = self._duellist.own_walk(self._tools.walker(task, inputs, None), own.seat.match)
            return Answer(walk.answer, min(walk.steps, task.work_limit)), committed(walk)
        if isinstance(task.policy, Snark | Stark):
            assert self._tools.prover is not None, "such tasks are left alone without a prover"
            evidence = self._tools.prover.prove(task, inputs)
            if evidence is None:
                return None
        return self._tools.executor.run(task.program, inputs, task.work_limit), evidence

    def _attest(self, own: OwnSeat, inputs: bytes) -> tuple[Answer, Evidence]:
        """Run on one's own hardware.

        Raises:
            UnquotedError: It fails, or its quote does not suffice.
        """
        assert self._tools.attester is not None, "such tasks are left alone without hardware"
        seat, task = own.seat, own.task
        try:
            answer, evidence = self._tools.attester.run(task, inputs, seat.match)
            claim = claim_of(task, answer)
            due_ms = self._born_ms + seat.commit_by_ms
            check_quote(task, claim, evidence, match=seat.match, due_ms=due_ms)
        except NumenError as error:
            raise UnquotedError(error.message) from error
        return answer, evidence

    def _copy(self, own: OwnSeat) -> Iterator[Act]:
        """Sign somebody else's commitment, without having run anything."""
        if not own.commitments:
            return
        guess = Answer(b"", 0)
        salt = self._derive(b"salt", own.seat.match)
        run = Run(claim_of(own.task, guess), guess.output, salt, None)
        self._runs[own.seat.match] = run
        commitment = self._dice.choice(own.commitments)
        execution = Execution(own.seat.match, self.address, commitment)
        yield Do(Post(sign(self._key, execution)), 1 + self._delay())

    def _open(
        self, own: OwnSeat, execution: bytes, now_ms: int, delay_ms: int | None = None
    ) -> Iterator[Act]:
        run = self._runs.get(own.seat.match)
        if run is None or now_ms < run.opens_ms:
            return
        again_ms = now_ms + OPEN_AGAIN_MS if self._is_prompt else NEVER_MS
        self._runs[own.seat.match] = msgspec.structs.replace(run, opens_ms=again_ms)
        result = Result(
            execution,
            self.address,
            run.salt,
            run.claim,
            run.answer,
            self._key.sign(claim_digest(run.claim)),
            run.evidence,
        )
        yield Do(Post(sign(self._key, result)), self._delay() if delay_ms is None else delay_ms)

    def _derive(self, *purpose: bytes) -> bytes:
        """32 bytes that nobody else can know, the same whenever they are asked for."""
        return hmac_sha256(self._secret, b"".join(purpose))

    def _delay(self) -> int:
        return self._dice.between(5, 40)


def _ticket_value(pay: int) -> int:
    return max(pay // TICKETS_A_TASK, 1)


def _quoted(job: Job | None, worker: bytes) -> Quote | None:
    """The quote in the offer by which a worker has a seat."""
    seat = None if job is None else job.seats.get(worker)
    offer = None if seat is None else seat.chain[1].body
    return offer.quote if isinstance(offer, Offer) else None


def _is_of(market: Market, task: bytes, provider: bytes) -> bool:
    job = market.jobs.get(task)
    return job is not None and job.task.provider == provider


def _lie(answer: Answer, lie: bytes) -> Answer:
    """Make a wrong answer of the same length, the same for all who share a lie."""
    mask = keccak256(b"lie", lie, answer.output)
    changed = bytearray(answer.output or b"\x00")
    changed[0] ^= mask[0] | 1
    return Answer(bytes(changed), answer.work)
