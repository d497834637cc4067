"""A staked verifier: gives seats, runs disputed tasks again, judges and passes payments on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from numen.base.crypto import SigningKey, hmac_sha256, verify_signer
from numen.base.errors import NumenError
from numen.market import auction, desk, offence, quorum, resale, vigilance, work
from numen.market.actor import Act, Bill, Do, Executor, Parcel, Payment, Send, claim_of
from numen.market.dice import Dice
from numen.market.exchange import Judge, Post
from numen.market.job import Bidder, Job, Phase, Seat
from numen.market.message import Assent, Finding, Match, Recall, Verdict, Vote, sign
from numen.market.offence import (
    Accusation,
    Equivocation,
    FalseProof,
    Outcome,
    Refuted,
    Silence,
    WrongAnswer,
    WrongVote,
)
from numen.market.resale import Entry
from numen.market.settlement import NO_CLAIM
from numen.market.stake import Role
from numen.market.task import Quorum
from numen.market.ticket import batch_digest, expected_value, ticket_digest
from numen.market.turn import Market
from numen.market.vigilance import is_due
from numen.proof.statement import claim_digest

OFFERS_WAIT_MS = 400
"""How long offers gather before seats are given."""

RAISES_WAIT_MS = 6_000
"""How long a verifier waits for more offers when those it has cannot be enough."""

AGAIN_MS = 1_000
"""After how long a prompt verifier repeats a match or a verdict that has not arrived."""

MATCH_DELAY_MS = 10
"""How long a match is on its way. Matches of one moment arrive in the order they were made."""

EXECUTION_MS = 20_000
"""Time that a match gives for the execution."""

OPENING_MS = 5_000
"""Time that a match gives for the opening after that."""

BILL_WAIT_MS = 1_000
"""How long a provider has to send tickets before the escrow pays in coins."""

NEVER_MS = 1 << 62

AUDIT_ONE_IN = 8
"""A verifier runs at least one undisputed task in this many again, where nothing else is said."""


class Verifier:
    """A verifier that does its duty.

    Args:
        key: Its key.
        executor: Runs programs; best not the engine that workers use.
        inputs: Inputs of tasks by their commitment.
        dice: Its secret and its delays.
        is_prompt: Whether it ends a wait as soon as nothing can be gained by waiting: seats are
            given when enough workers have offered, answers that it does not audit get its
            assent, and what its own word settles is judged in one go with it. Else everything
            takes its full time, for whom a seed shall replay.
        audit_one_in: It runs one undisputed task in this many again; of those that it handles as
            many more as `vigilance` asks for.
    """

    def __init__(
        self,
        key: SigningKey,
        executor: Executor,
        inputs: Mapping[bytes, bytes],
        dice: Dice,
        *,
        is_prompt: bool = False,
        audit_one_in: int = AUDIT_ONE_IN,
    ) -> None:
        self._key = key
        self._is_prompt = is_prompt
        self._executor = executor
        self._inputs = inputs
        self._dice = dice
        self._secret = dice.word()
        self._audit_one_in = audit_one_in
        self._done: set[tuple[bytes, ...]] = set()
        self._judged: dict[bytes, int] = {}
        self._billed: dict[tuple[bytes, bytes], int] = {}
        self._matching: dict[tuple[bytes, int], int] = {}
        self._audited: dict[bytes, bool] = {}

    @property
    def address(self) -> bytes:
        return self._key.address

    def wake(self, market: Market, now_ms: int) -> Iterator[Act]:
        yield from self._find(market)
        for job in market.jobs.values():
            said = list(self._say(market, job))
            yield from said
            if job.task.verifier == self.address:
                yield from self._conduct(market, self._foreseen(market, job, said), now_ms)
        yield from self._look_back(market)

    def _conduct(self, market: Market, job: Job, now_ms: int) -> Iterator[Act]:
        """Give seats of a task of one's own, and close them."""
        if job.phase is Phase.SEEKING:
            yield from self._match(market, job, now_ms)
            # Nobody else to ask: the verifiers' own runs decide.
            is_waiting = now_ms < job.bid_rests_ms + RAISES_WAIT_MS
            if not is_waiting and job.answers() and not desk.eligible(market, job, now_ms):
                yield from self._vote(job)
        for worker, seat in job.open_seats().items():
            yield from self._judge(job, worker, seat, now_ms)

    def _say(self, market: Market, job: Job) -> Iterator[Do]:
        """Say what there is to say to an answer that is there."""
        is_open = job.phase is Phase.ANSWERED and isinstance(job.task.policy, Quorum)
        if job.phase is Phase.DISPUTED or (is_open and self._audits(market, job)):
            yield from self._vote(job)
        elif is_open and self._is_prompt:
            yield from self._assent(job)

    def _foreseen(self, market: Market, job: Job, said: Sequence[Do]) -> Job:
        """A job as it will be once what was said has arrived, where that settles it.

        What comes between may change that: the verdicts are then refused, and thought of again.
        """
        if not self._is_prompt or job.phase is not Phase.ANSWERED or job.claim is None:
            return job
        agreed = msgspec.structs.replace(job, assents=(*job.assents, self.address))
        is_same = any(_agreed_to(do) == claim_digest(job.claim) for do in said)
        if is_same and work.is_unopposed(market, agreed):
            return msgspec.structs.replace(agreed, phase=Phase.SETTLED)
        return job

    def _look_back(self, market: Market) -> Iterator[Act]:
        """Run answers of the store again that are in question, as far as their inputs are here."""
        for entry in resale.in_question(market.store, market.standings):
            task, inputs = entry.task, self._inputs.get(entry.task.inputs)
            # Once by itself, and once more where it is asked for its word.
            once = (b"doubted" if entry.recalls else b"again", entry.name)
            if inputs is None or once in self._done:
                continue
            is_just_sold = entry.is_for_sale and not _has_doubtful(market, entry)
            mark = hmac_sha256(self._secret, entry.name)
            if is_just_sold and not is_due(mark, 1, None, self._audit_one_in):
                continue
            answer = self._executor.run(task.program, inputs, task.work_limit)
            self._once(*once)
            claim = claim_of(task, answer)
            if claim.output != entry.claim.output or entry.recalls:
                said = self._key.sign(claim_digest(claim))
                recall = Recall(entry.name, self.address, claim, said)
                yield Do(Post(sign(self._key, recall)), self._delay())

    def receive(self, parcel: Parcel, market: Market, now_ms: int) -> Iterable[Act]:
        """Check a provider's tickets, close the seat with them, and pass them on."""
        job = market.jobs.get(parcel.task)
        if not isinstance(parcel, Payment) or job is None or job.phase is not Phase.SETTLED:
            return
        seat = job.seats.get(parcel.worker)
        if seat is None or not self._may_judge(seat, now_ms):
            return
        due = seat.ticketable
        # Bad tickets are no payment: the escrow then pays in coins.
        if not due or _value_of(parcel, job, seat, market) != due:
            yield self._verdict(job, parcel.worker, seat, Outcome.ACCEPTED)
            return
        self._judged[seat.match] = NEVER_MS  # or it would be paid again, in coins
        digest = batch_digest(parcel.tickets)
        yield self._verdict(
            job, parcel.worker, seat, Outcome.ACCEPTED, ticketed=due, tickets=digest
        )
        yield Send(parcel.worker, parcel, self._delay() + 40)

    def _find(self, market: Market) -> Iterator[Act]:
        """Say what is so of all that is heard; and of what was decided against it."""
        for about, hearing in market.hearings.items():
            is_settled = hearing.holds is hearing.truth
            if is_settled or self.address in hearing.said or not self._once(b"finding", about):
                continue
            found = Finding(hearing.task, self.address, about, hearing.truth)
            yield Do(Post(sign(self._key, found)), self._delay())

    def _audits(self, market: Market, job: Job) -> bool:
        if job.identity not in self._audited:
            assert isinstance(job.task.policy, Quorum)
            # Keyed, so that no worker can tell which tasks will be run again.
            mark, trust = hmac_sha256(self._secret, job.identity), job.task.policy.trust
            is_own = job.task.verifier == self.address
            few = is_own and len(job.answers()) <= vigilance.ANSWERS_MAX
            calm = market.calm if few else None
            self._audited[job.identity] = is_due(mark, trust, calm, self._audit_one_in)
        return self._audited[job.identity]

    def _vote(self, job: Job) -> Iterator[Do]:
        if self.address in job.votes or (b"vote", job.identity) in self._done:
            return
        inputs = self._inputs[job.task.inputs]
        answer = self._executor.run(job.task.program, inputs, job.task.work_limit)
        self._once(b"vote", job.identity)
        claim = claim_of(job.task, answer)
        attestation = self._key.sign(claim_digest(claim))
        vote = Vote(job.identity, self.address, claim, attestation)
        yield Do(Post(sign(self._key, vote)), 0 if self._is_prompt else self._delay())

    def _assent(self, job: Job) -> Iterator[Do]:
        assert job.claim is not None
        claim = claim_digest(job.claim)
        if self._once(b"assent", job.identity, claim):
            yield Do(Post(sign(self._key, Assent(job.identity, self.address, claim))), 0)

    def _match(self, market: Market, job: Job, now_ms: int) -> Iterator[Act]:
        turn = (job.identity, len(job.seats))
        if now_ms < self._matching.get(turn, 0):
            return
        bidders, bid = desk.eligible(market, job, now_ms), job.bid_at(now_ms)
        if now_ms < job.bid_ms + OFFERS_WAIT_MS and not self._has_enough(market, job, bidders):
            return
        again_ms = AGAIN_MS if self._is_prompt else MATCH_DELAY_MS + 1
        self._matching[turn] = now_ms + again_ms
        count = self._seats_wanted(market, job, bidders, now_ms)
        asks = [b.offer.ask for b in bidders if not desk.is_doubtful(market, b)]
        # With doubtful workers among them there is no ask of equals to set the price.
        is_priced = count <= len(asks)
        price = auction.clearing_price(asks, bid, count) if is_priced else bid
        for bidder in bidders[:count]:
            commit_by = now_ms + EXECUTION_MS
            match = Match(bidder.identity, self.address, price, commit_by, commit_by + OPENING_MS)
            # In order and at once: a seat goes to the best offer that has none.
            yield Do(Post(sign(self._key, match)), MATCH_DELAY_MS)

    def _has_enough(self, market: Market, job: Job, bidders: list[Bidder]) -> bool:
        """Whether more offers cannot be needed: one is left over and sets the price, or all came.

        The first to offer have an advantage, which they can only keep by asking little: the first
        ask without a seat is what all are paid.
        """
        if not self._is_prompt:
            return False
        workers = sum(market.stakes.is_active(w, Role.WORKER) for w in market.stakes.stakers)
        if len(job.offers) >= workers > 0:
            return True
        trusted = [b.offer.worker for b in bidders if not desk.is_doubtful(market, b)]
        policy = job.task.policy
        if not isinstance(policy, Quorum):
            return len(trusted) > 1
        scores = {w: market.standing(w).score for w in (*trusted, *job.seats)}
        wanted = quorum.answers_wanted(job.answers(), scores, policy.trust, trusted)
        return wanted < len(trusted)

    def _seats_wanted(self, market: Market, job: Job, bidders: list[Bidder], now_ms: int) -> int:
        policy, left = job.task.policy, job.seats_left()
        if not isinstance(policy, Quorum):
            return min(1, left, len(bidders))
        queue = [bidder.offer.worker for bidder in bidders][:left]
        scores = {w: market.standing(w).score for w in (*queue, *job.seats)}
        wanted = quorum.answers_wanted(job.answers(), scores, policy.trust, queue)
        is_enough = wanted < len(queue) or len(queue) == left
        if (
            not is_enough
            and now_ms < job.bid_rests_ms + RAISES_WAIT_MS
            and len(queue) < policy.replicas
        ):
            reachable = quorum.answers_wanted(
                job.answers(), scores, policy.trust, [*queue, NO_CLAIM]
            )
            if reachable > len(queue):
                return 0
        return wanted

    def _judge(self, job: Job, worker: bytes, seat: Seat, now_ms: int) -> Iterator[Act]:
        if job.phase is Phase.SETTLED and seat.result is not None and job.claim is not None:
            if claim_digest(seat.result.claim) == claim_digest(job.claim):
                yield from self._pay(job, worker, seat, now_ms)
            elif isinstance(job.task.policy, Quorum):
                votes = job.votes_for(claim_digest(job.claim))
                if votes and self._may_judge(seat, now_ms):
                    yield self._accuse(job, worker, seat, WrongAnswer(seat.chain, votes))
        elif seat.result is not None and not isinstance(job.task.policy, Quorum):
            if job.phase is Phase.WORKING and self._may_judge(seat, now_ms):
                yield self._accuse(job, worker, seat, FalseProof(seat.chain))
        elif _is_silent(seat, now_ms) and self._may_judge(seat, now_ms):
            yield self._accuse(job, worker, seat, Silence(seat.chain))
        elif job.phase is Phase.FAILED and self._may_judge(seat, now_ms):
            yield self._verdict(job, worker, seat, Outcome.RELEASED)

    def _pay(self, job: Job, worker: bytes, seat: Seat, now_ms: int) -> Iterator[Act]:
        billed = self._billed.get((job.identity, worker))
        if billed is None:
            self._billed[job.identity, worker] = now_ms
            quote = seat.offer.quote
            if quote is not None and seat.ticketable:
                bill = Bill(job.identity, worker, seat.ticketable, quote)
                yield Send(job.task.provider, bill, self._delay())
                return
        elif now_ms - billed < BILL_WAIT_MS:
            return
        if self._may_judge(seat, now_ms):
            yield self._verdict(job, worker, seat, Outcome.ACCEPTED)

    def _may_judge(self, seat: Seat, now_ms: int) -> bool:
        """Whether a verdict is due: the first, or one more where that has not arrived."""
        if now_ms < self._judged.get(seat.match, 0):
            return False
        self._judged[seat.match] = now_ms + AGAIN_MS if self._is_prompt else NEVER_MS
        return True

    def _accuse(self, job: Job, worker: bytes, seat: Seat, accusation: Accusation) -> Do:
        match accusation:
            case WrongAnswer():
                outcome = Outcome.WRONG_ANSWER
            case FalseProof():
                outcome = Outcome.FALSE_PROOF
            case Silence():
                outcome = Outcome.NO_REVEAL if seat.has_executed else Outcome.NO_EXECUTION
            case Equivocation() | WrongVote() | Refuted():
                raise AssertionError("this verifier brings no such accusation")
        return self._verdict(job, worker, seat, outcome, accusation=accusation)

    def _verdict(
        self,
        job: Job,
        worker: bytes,
        seat: Seat,
        outcome: Outcome,
        *,
        accusation: Accusation | None = None,
        ticketed: int = 0,
        tickets: bytes = NO_CLAIM,
    ) -> Do:
        verdict = Verdict(
            seat.last,
            self.address,
            job.identity,
            worker,
            outcome.value,
            claim_digest(job.claim) if job.claim else NO_CLAIM,
            seat.price if outcome is Outcome.ACCEPTED else 0,
            ticketed,
            tickets,
            offence.fine(seat.pledge, outcome),
        )
        return Do(Judge(sign(self._key, verdict), accusation), self._delay())

    def _once(self, *what: bytes) -> bool:
        if what in self._done:
            return False
        self._done.add(what)
        return True

    def _delay(self) -> int:
        return self._dice.between(5, 40)


def _has_doubtful(market: Market, entry: Entry) -> bool:
    return any(market.standing(worker).is_doubtful for worker in entry.workers)


def _agreed_to(said: Do) -> bytes | None:
    """The digest of the claim that an assent or a vote is for."""
    body = said.submission.signed.body if isinstance(said.submission, Post) else None
    match body:
        case Assent(claim=claim):
            return claim
        case Vote(claim=claim):
            return claim_digest(claim)
    return None


def _is_silent(seat: Seat, now_ms: int) -> bool:
    if seat.result is not None:
        return False
    return now_ms > (seat.reveal_by_ms if seat.has_executed else seat.commit_by_ms)


def _value_of(payment: Payment, job: Job, seat: Seat, market: Market) -> int:
    """Add up the expected value of tickets that are what the worker quoted; 0 if any is not."""
    quote, total, nonces = seat.offer.quote, 0, set()
    if quote is None:
        return 0
    for signed in payment.tickets:
        ticket = signed.ticket
        terms = (ticket.recipient, ticket.face, ticket.win_prob, ticket.rand_hash, ticket.round)
        if terms != (quote.recipient, quote.face, quote.win_prob, quote.rand_hash, quote.round):
            return 0
        if ticket.round_hash != quote.round_hash or ticket.nonce in nonces:
            return 0
        try:
            verify_signer(
                job.task.provider, ticket_digest(market.escrow.domain, ticket), signed.signature
            )
        except NumenError:
            return 0
        nonces.add(ticket.nonce)
        total += expected_value(ticket.face, ticket.win_prob)
    return total
