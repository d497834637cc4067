"""One task's life: who offered, who has a seat, what came, and what follows from it.

                   ┌──► examined ───────┐
    seeking ──► working ──► answered ──► settled ──► (closed)
       ▲           │            │           ▲
       └── more ───┤            ▼           │
                   └───────► disputed ──────┴──► failed

An answer with evidence is examined where a contract settles the market (`finding`).
Everything here is a value or a question about one; `exchange` moves the coins.
"""

from enum import Enum

import msgspec

from numen.base.codec import digest
from numen.base.crypto import Hash32
from numen.market import quorum
from numen.market.bisection import Bisection
from numen.market.coins import Account, Pocket
from numen.market.message import Match, Offer, Request, Result, Signed, Vote, message_id
from numen.market.offence import Outcome
from numen.market.task import Quorum, Task, seats
from numen.proof.statement import Claim, claim_digest

OFFERS_MAX = 256
"""Most offers kept for one task."""

RAISES_MAX = 64
"""Most times that one bid may be raised."""

OBJECTION_MS = 2_000
"""How long a credible answer can be objected to before it stands."""

DISPUTE_MS = 10_000
"""How long the verifiers have to run a disputed task again."""

GRACE_MS = 5_000
"""How long after the end of a task its verifier has to close the seats."""


class Phase(Enum):
    """Where a task is in its life."""

    SEEKING = "seeking"
    WORKING = "working"
    ANSWERED = "answered"
    DISPUTED = "disputed"
    SETTLED = "settled"
    FAILED = "failed"
    EXAMINED = "examined"


class Seat(msgspec.Struct, frozen=True):
    """A worker's place in a task.

    Attributes:
        chain: Its signed messages so far, from the request on.
        last: Digest of the latest of them.
        match: Digest of the match.
        price: What its answer is paid.
        pledge: What it pledged.
        commit_by_ms: Last moment for the execution.
        reveal_by_ms: Last moment for the result.
        outcome: How it ended; None while it is open.
        verdict: What closed it, where its verifier did.
    """

    chain: tuple[Signed, ...]
    last: bytes
    match: bytes
    price: int
    pledge: int
    commit_by_ms: int
    reveal_by_ms: int
    outcome: Outcome | None = None
    verdict: Signed | None = None

    @property
    def result(self) -> Result | None:
        """What the worker opened, if it did."""
        body = self.chain[-1].body
        return body if isinstance(body, Result) else None

    @property
    def has_executed(self) -> bool:
        """Whether the worker has bound itself to an answer."""
        return len(self.chain) > 3

    @property
    def is_open(self) -> bool:
        """Whether nobody has closed it."""
        return self.outcome is None

    @property
    def offer(self) -> Offer:
        """The offer that it was given to."""
        body = self.chain[1].body
        assert isinstance(body, Offer)
        return body

    @property
    def ticketable(self) -> int:
        """The part of its price that whole tickets make up, in coins."""
        quote = self.offer.quote
        return min(self.price // max(quote.price, 1), quote.count) * quote.price if quote else 0


class Bidder(msgspec.Struct, frozen=True):
    """A worker's offer.

    Attributes:
        signed: The offer as it came.
        identity: Its digest.
        sequence: Its place among the task's offers.
    """

    signed: Signed
    identity: bytes
    sequence: int

    @property
    def offer(self) -> Offer:
        """The offer itself."""
        assert isinstance(self.signed.body, Offer)
        return self.signed.body


class Contest(msgspec.Struct, frozen=True):
    """A challenge to the answer of a job, and what was said about it.

    Attributes:
        bisection: Where it is.
        moves: What was said so far, from the challenge on.
        head: Digest over them, from `said`: names the contest.
        heard: Digest of the step that the verifiers look at; empty where they look at none.
    """

    bisection: Bisection
    moves: tuple[Signed, ...]
    head: bytes
    heard: bytes = b""


class Move(msgspec.Struct, frozen=True, array_like=True):
    """A step of the digest over the moves of a contest.

    Attributes:
        before: The digest so far; zero bytes before the challenge.
        message: Id of the move that is added.
    """

    before: Hash32
    message: Hash32


def said(before: bytes, move: Signed) -> bytes:
    """Add a move to the digest over those of a contest; 32 bytes."""
    return digest("numen/contest/1", Move(before, message_id(move.body)))


class Job(msgspec.Struct, frozen=True):
    """A task in the market.

    Attributes:
        identity: Id of the task.
        task: The task.
        posted_ms: When it came.
        request: The request in force.
        bid_ms: When it came.
        requests: Signed requests by their digests, raises included.
        phase: Where it is in its life.
        until_ms: When the phase ends by itself; 0 where it does not.
        offers: By worker.
        seats: By worker.
        votes: By verifier.
        assents: Verifiers that will not object to the credible answer.
        claim: The answer that is credible or settled.
        paid: Coins of the escrow spent on answers.
        contests: Challenges to the answer, by challenger.
        challengers: All who have challenged the answer, those included who lost.
        withdrawn_ms: When its provider took it back; None while it did not.
    """

    identity: bytes
    task: Task
    posted_ms: int
    request: Request
    bid_ms: int
    requests: dict[bytes, Signed]
    phase: Phase = Phase.SEEKING
    until_ms: int = 0
    offers: dict[bytes, Bidder] = {}
    seats: dict[bytes, Seat] = {}
    votes: dict[bytes, Signed] = {}
    assents: tuple[bytes, ...] = ()
    claim: Claim | None = None
    paid: int = 0
    contests: dict[bytes, Contest] = {}
    challengers: tuple[bytes, ...] = ()
    withdrawn_ms: int | None = None

    @property
    def seeks_until_ms(self) -> int:
        """Last moment at which a worker may get a seat."""
        if self.withdrawn_ms is None:
            return self.task.expires_ms
        return min(self.withdrawn_ms, self.task.expires_ms)

    def bid_at(self, now_ms: int) -> int:
        """What an answer is paid at most if its seat is given at a moment, in coins."""
        return self.request.bid_at(now_ms)

    @property
    def bid_rests_ms(self) -> int:
        """Since when, or from when on, the bid stays as it is."""
        return max(self.bid_ms, self.request.rises_until_ms)

    @property
    def escrow(self) -> Account:
        """Account that holds its coins."""
        return Account(Pocket.BID, self.task.provider, self.identity)

    @property
    def is_over(self) -> bool:
        """Whether only the closing of seats is left."""
        return self.phase in (Phase.SETTLED, Phase.FAILED)

    def open_seats(self) -> dict[bytes, Seat]:
        """Give the seats that nobody has closed."""
        return {worker: seat for worker, seat in self.seats.items() if seat.is_open}

    def seats_left(self) -> int:
        """Count the answers that the escrow can still buy."""
        return seats(self.task) - len(self.open_seats())

    def answers(self) -> dict[bytes, bytes]:
        """Give the digest of each open seat's claim, by worker."""
        return {
            worker: claim_digest(seat.result.claim)
            for worker, seat in self.open_seats().items()
            if seat.result is not None
        }

    def answers_for(self, claim: Claim) -> tuple[bytes, ...]:
        """Give the workers whose seats, open or closed, hold one claim."""
        wanted = claim_digest(claim)
        return tuple(
            worker
            for worker, seat in self.seats.items()
            if seat.result is not None and claim_digest(seat.result.claim) == wanted
        )

    def votes_for(self, claim: bytes) -> tuple[Signed, ...]:
        """Give the votes for one claim, by its digest, in the order they came."""
        return tuple(
            signed
            for signed in self.votes.values()
            if isinstance(signed.body, Vote) and claim_digest(signed.body.claim) == claim
        )

    def seat_of_match(self, match: bytes) -> tuple[bytes, Seat] | None:
        """Find the seat that a match made."""
        for worker, seat in self.seats.items():
            if seat.match == match:
                return worker, seat
        return None

    def may_reveal(self, now_ms: int, besides: bytes = b"") -> bool:
        """Tell whether every open seat, or every other, is bound or too late to be."""
        return all(
            worker == besides or seat.has_executed or now_ms > seat.commit_by_ms
            for worker, seat in self.open_seats().items()
        )

    def is_tallied(self, now_ms: int) -> bool:
        """Tell whether no more answers can come from the seats there are."""
        return all(
            seat.result is not None
            or now_ms > seat.reveal_by_ms
            or (not seat.has_executed and now_ms > seat.commit_by_ms)
            for seat in self.open_seats().values()
        )


class Tally(msgspec.Struct, frozen=True):
    """What the answers of a quorum come to.

    Attributes:
        phase: What the job's next phase is.
        reason: Why, in words.
        claim: The credible claim, if there is one.
    """

    phase: Phase
    reason: str = ""
    claim: Claim | None = None


def tally(job: Job, scores: dict[bytes, int], now_ms: int) -> Tally:
    """Decide what follows from the answers once no more can come.

    Answers that differ always go to the verifiers: somebody is wrong, and only a run by those
    who can be held to it shows who.

    Args:
        job: A job in phase working whose seats are tallied.
        scores: Reputation by worker.
        now_ms: The present moment.
    """
    policy = job.task.policy
    assert isinstance(policy, Quorum)
    answers = job.answers()
    if len(set(answers.values())) > 1:
        return Tally(Phase.DISPUTED, f"{len(set(answers.values()))} different answers")
    found = quorum.consensus(answers, scores, policy.trust)
    if found is not None:
        claim = next(
            seat.result.claim
            for seat in job.open_seats().values()
            if seat.result is not None and claim_digest(seat.result.claim) == found
        )
        return Tally(Phase.ANSWERED, claim=claim)
    if now_ms <= job.seeks_until_ms and len(answers) < policy.replicas:
        return Tally(Phase.SEEKING, f"{len(answers)} equal answers are not credible enough")
    if not answers:
        return Tally(Phase.FAILED, "nobody answered in time")
    return Tally(Phase.DISPUTED, f"{len(answers)} equal answers are not credible enough")


def matched(chain: tuple[Signed, ...], identity: bytes, body: Match, offer: Offer) -> Seat:
    """Make the seat of a match."""
    return Seat(
        chain,
        identity,
        identity,
        body.price,
        offer.pledge,
        body.commit_by_ms,
        body.reveal_by_ms,
    )
