"""The books of a market: what its two records, the hall's and the ledger's, must agree on.

Both are written as the same canonical value, so that they are equal byte for byte or not at all.
"""

from collections.abc import Iterable
from typing import Any, Final, Protocol, TypeVar

import msgspec

from numen.base.codec import U64, digest
from numen.base.crypto import Address, Hash32
from numen.base.errors import NumenError
from numen.market.coins import BURNT, NOBODY, OUTSIDE, wallet
from numen.market.contracts.asks import OUTCOMES
from numen.market.escrow import deposit_of, reserve_of
from numen.market.hearing import Hearing
from numen.market.job import Contest, Job, Phase, Seat
from numen.market.message import Register, Vote
from numen.market.registry import NO_NODE, check_consent
from numen.market.shop import surety_of
from numen.market.stake import Role, pledge_of, stake_of
from numen.market.turn import Market
from numen.proof.statement import claim_digest

PHASES: Final = (None, *Phase, "closed")
"""Phases by their numbers in the contract; 0 is a task that never was."""

ROLES: Final = (None, Role.WORKER, Role.VERIFIER)
"""Roles by their numbers in the contract."""

PHASE_AT: Final = 19
"""Where the phase stands in what the contract says of a task."""

ANSWER_AT: Final = 29
"""Where the digest of the standing result is in it."""

_CLOSED: Final = PHASES.index("closed")
_NO_CLAIM: Final = bytes(32)

T = TypeVar("T")


class Person(msgspec.Struct, frozen=True, array_like=True):
    """Somebody's coins and standing.

    Attributes:
        owner: Who.
        free: Coins in its wallet.
        aside: Coins in deposit and reserve.
        unlocks: Round from which these can be taken back; 0 where that was not asked for.
        calls: Calls made.
        role: Number of the role; 0 without a stake.
        stake: Coins at risk, not bound to a task that lives.
        bound: Tasks that a part of the stake is pledged to.
        leaves_ms: When the stake can be withdrawn; 0 while it takes part.
        score: Reputation.
        accepted: Answers accepted.
        faults: Seats that ended in a fine.
        head: Digest of the whole history.
        node: Its node; zero without one.
    """

    owner: Address
    free: U64
    aside: U64
    unlocks: U64
    calls: U64
    role: U64
    stake: U64
    bound: U64
    leaves_ms: U64
    score: U64
    accepted: U64
    faults: U64
    head: Hash32
    node: Hash32

    @property
    def is_blank(self) -> bool:
        """Whether nothing is known of somebody."""
        return self == Person(self.owner, *(0,) * 11, _NO_CLAIM, NO_NODE)


class Chair(msgspec.Struct, frozen=True, array_like=True):
    """A seat of a living task.

    Attributes:
        worker: Whose.
        last: Digest of its latest message.
        price: What its answer is paid.
        pledge: What is pledged on it; 0 once it is closed.
        claim: Digest of the opened claim; zero before.
        outcome: Number of the outcome; 0 while it is open.
    """

    worker: Address
    last: Hash32
    price: U64
    pledge: U64
    claim: Hash32
    outcome: U64


class Ballot(msgspec.Struct, frozen=True, array_like=True):
    """A vote on a living task: who, and the digest of the claim."""

    verifier: Address
    claim: Hash32


class Fight(msgspec.Struct, frozen=True, array_like=True):
    """A contest that goes on.

    Attributes:
        challenger: Whose.
        low: A step before which both agree on the state.
        high: One before which they do not.
        low_state: Digest of the state at `low`.
        high_state: Digest of the worker's state at `high`.
        middle: Digest of its state half-way; zero while it has not said it.
        due_ms: When the next move has to have come.
        rounds: Halvings so far.
        head: Digest over the moves.
        heard: Digest of the step that the verifiers look at; zero where they look at none.
    """

    challenger: Address
    low: U64
    high: U64
    low_state: Hash32
    high_state: Hash32
    middle: Hash32
    due_ms: U64
    rounds: U64
    head: Hash32
    heard: Hash32


class Opinion(msgspec.Struct, frozen=True, array_like=True):
    """A finding: whose, and whether what it is about holds."""

    verifier: Address
    holds: bool


class Heard(msgspec.Struct, frozen=True, array_like=True):
    """What verifiers look at.

    Attributes:
        about: Digest of the message.
        until_ms: When they have to have decided.
        said: Findings in the order in which they came.
    """

    about: Hash32
    until_ms: U64
    said: tuple[Opinion, ...]


class Bid(msgspec.Struct, frozen=True, array_like=True):
    """A living task.

    Attributes:
        task: Its id.
        phase: Number of the phase.
        until_ms: When the phase ends by itself; 0 where it does not.
        bid: The bid in force; where it rises by itself, at first.
        ceiling: Where it ends.
        held: Coins in escrow.
        paid: Coins paid for answers.
        claim: Digest of the credible or settled claim; zero without.
        seats: In the order in which they were given.
        votes: In the order in which they came.
        contests: That go on, in the order in which they began.
        hearings: About its answer, and about steps of its contests.
    """

    task: Hash32
    phase: U64
    until_ms: U64
    bid: U64
    ceiling: U64
    held: U64
    paid: U64
    claim: Hash32
    seats: tuple[Chair, ...]
    votes: tuple[Ballot, ...]
    contests: tuple[Fight, ...]
    hearings: tuple[Heard, ...]


class Books(msgspec.Struct, frozen=True, array_like=True):
    """All of it.

    Attributes:
        burnt: Coins that nobody has any more.
        outside: Coins that were taken out.
        people: By address, those of whom nothing is known left out.
        bids: Living tasks, by id.
    """

    burnt: U64
    outside: U64
    people: tuple[Person, ...]
    bids: tuple[Bid, ...]

    @property
    def identity(self) -> bytes:
        """Digest of the books; 32 bytes."""
        return digest("numen/books/1", self)


class Views(Protocol):
    """Looks at the contract."""

    def __call__(self, name: str, *args: Any) -> Any:
        """What a view gives, by its name and arguments."""


def of_market(market: Market) -> Books:
    """Write down a market."""
    coins = market.coins
    owners = {account.owner for account in coins.balances} - {NOBODY}
    owners |= {*market.stakes.stakers, *market.standings, *market.nonces}
    people = (_person(market, owner) for owner in sorted(owners))
    bids = (_bid(market, job) for _, job in sorted(market.jobs.items()))
    gone = (coins.balance(BURNT), coins.balance(OUTSIDE))
    return Books(*gone, _known(people), tuple(bids))


def of_contract(view: Views) -> Books:
    """Write down what the contract of a market has.

    Cost: some views for each person and each task that there ever was.
    """
    state, totals = view("state"), view("statistics")
    _, _, _, _, _, _, _, task_count, people_count = state
    addresses = sorted(address(view("person_at", place)) for place in range(people_count))
    people = (_shown(view, owner) for owner in addresses)
    found = (view("task_at", place) for place in range(task_count))
    living = ((_bytes32(t), task) for t, task in found if task[PHASE_AT] != _CLOSED)
    bids = (_shown_bid(view, t, task) for t, task in sorted(living))
    return Books(totals[9], view("left"), _known(people), tuple(bids))


def _person(market: Market, owner: bytes) -> Person:
    coins, standing = market.coins, market.standing(owner)
    staker = market.stakes.stakers.get(owner)
    return Person(
        owner,
        coins.balance(wallet(owner)),
        sum(coins.balance(of(owner)) for of in (deposit_of, reserve_of)),
        market.escrow.unlocking.get(owner, 0),
        market.nonces.get(owner, 0),
        ROLES.index(staker.role) if staker else 0,
        coins.balance(stake_of(owner)) + _stands_for_sold(market, owner),
        sum(worker == owner for _, worker in market.stakes.bound),
        (staker.leaves_ms or 0) if staker else 0,
        standing.score,
        standing.accepted,
        standing.faults,
        standing.head,
        market.nodes.get(owner, NO_NODE),
    )


def _stands_for_sold(market: Market, owner: bytes) -> int:
    """What of a stake is bound to answers that were sold again: the contract takes none back."""
    return sum(
        market.coins.balance(surety_of(name, owner))
        for name, entry in market.store.entries.items()
        if any(entry.sureties)
    )


def _bid(market: Market, job: Job) -> Bid:
    return Bid(
        job.identity,
        PHASES.index(job.phase),
        job.until_ms,
        job.request.bid,
        job.request.ceiling,
        market.coins.balance(job.escrow),
        job.paid,
        claim_digest(job.claim) if job.claim else _NO_CLAIM,
        tuple(_chair(market, job, worker, seat) for worker, seat in job.seats.items()),
        tuple(
            Ballot(verifier, claim_digest(signed.body.claim))
            for verifier, signed in job.votes.items()
            if isinstance(signed.body, Vote)
        ),
        tuple(_fight(challenger, contest) for challenger, contest in job.contests.items()),
        tuple(_heard(market.hearings[about], about) for about in _looked_at(market, job)),
    )


def _looked_at(market: Market, job: Job) -> Iterable[bytes]:
    """What the verifiers look at: an answer, or the last steps of contests about it."""
    if job.phase is Phase.EXAMINED:
        last = [seat.last for seat in job.seats.values() if seat.result is not None]
        yield from (about for about in last if market.hearings[about].holds is None)
    yield from (contest.heard for contest in job.contests.values() if contest.heard)


def _fight(challenger: bytes, contest: Contest) -> Fight:
    at = contest.bisection
    states = (at.low_state, at.high_state, at.middle or _NO_CLAIM)
    heard = contest.heard or _NO_CLAIM
    return Fight(
        challenger, at.low, at.high, *states, at.due_ms, at.rounds, contest.head, heard
    )  # fmt: skip


def _heard(hearing: Hearing, about: bytes) -> Heard:
    said = tuple(Opinion(verifier, holds) for verifier, holds in hearing.found.items())
    return Heard(about, hearing.until_ms, said)


def _chair(market: Market, job: Job, worker: bytes, seat: Seat) -> Chair:
    return Chair(
        worker,
        seat.last,
        seat.price,
        market.coins.balance(pledge_of(job.identity, worker)),
        claim_digest(seat.result.claim) if seat.result else _NO_CLAIM,
        OUTCOMES.index(seat.outcome),
    )


def _shown(view: Views, owner: bytes) -> Person:
    free, calls, (role, stake, bound, leaves_ms), standing, _ = view("person", owner)
    score, accepted, faults, head = standing
    aside, unlocks = view("reserved", owner)
    node = view("node_of", owner)[0]
    staked = (role, stake, bound, leaves_ms, score, accepted, faults)
    return Person(owner, free, aside, unlocks, calls, *staked, _bytes32(head), _bytes32(node))


def _shown_bid(view: Views, t: bytes, task: Any) -> Bid:
    number = int.from_bytes(t, "big")
    seats = (view("seat_at", number, place) for place in range(view("seat_count", number)))
    votes = (view("vote_at", number, place) for place in range(view("vote_count", number)))
    bid, ceiling, _, _, _, held, paid, _, phase, until_ms, claim = task[11:22]
    answer = task[ANSWER_AT]
    fights = tuple(_shown_fights(view, answer)) if PHASES[phase] is Phase.ANSWERED else ()
    heard = [_bytes32(answer)] if PHASES[phase] is Phase.EXAMINED else []
    heard += [fight.heard for fight in fights if fight.heard != _NO_CLAIM]
    return Bid(
        t, phase, until_ms, bid, ceiling, held, paid, _bytes32(claim),
        tuple(_shown_chair(address(worker), seat) for worker, seat in seats),
        tuple(Ballot(address(verifier), _bytes32(claim)) for verifier, claim in votes),
        fights,
        tuple(_shown_hearing(view, about) for about in heard),
    )  # fmt: skip


def _shown_fights(view: Views, answer: int) -> Iterable[Fight]:
    for place in range(view("challenger_count", answer)):
        who, found = view("challenger_at", answer, place)
        is_open, low, high, low_state, high_state, _, middle, due_ms, rounds, head, heard = found
        states = (_bytes32(low_state), _bytes32(high_state), _bytes32(middle))
        if is_open:
            yield Fight(
                address(who), low, high, *states, due_ms, rounds, _bytes32(head), _bytes32(heard)
            )  # fmt: skip


def _shown_hearing(view: Views, about: bytes) -> Heard:
    number = int.from_bytes(about, "big")
    (_, _, until_ms, *_), count = view("hearing_of", number)
    found = (view("finding_at", number, place) for place in range(count))
    return Heard(about, until_ms, tuple(Opinion(address(who), holds) for who, holds in found))


def _shown_chair(worker: bytes, seat: Any) -> Chair:
    _, last, price, pledge, _, _, _, claim, outcome, _ = seat
    return Chair(worker, _bytes32(last), price, 0 if outcome else pledge, _bytes32(claim), outcome)


def shown_node(view: Views, owner: bytes) -> bytes | None:
    """The node of an owner, where its own word is there too, which the contract cannot check."""
    key, nonce, *word = view("node_of", owner)
    market, possession = _bytes32(view("state")[1]), b"".join(map(_bytes32, word))
    try:
        check_consent(Register(market, owner, nonce, _bytes32(key), possession))
    except NumenError:
        return None
    return _bytes32(key) if key else None


def _known(people: Iterable[Person]) -> tuple[Person, ...]:
    return tuple(person for person in people if not person.is_blank)


def address(found: str | bytes) -> bytes:
    """An address as a view gives it; 20 bytes."""
    return bytes.fromhex(found[2:]) if isinstance(found, str) else found


def _bytes32(word: int) -> bytes:
    return word.to_bytes(32, "big")
