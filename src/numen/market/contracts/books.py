"""The books of a market: what its two records, the hall's and the ledger's, must agree on.

Both are written as the same canonical value, so that they are equal byte for byte or not at all.
"""

from collections.abc import Iterable
from typing import Any, Final, Protocol, TypeVar

import msgspec

from numen.base.codec import U64, digest
from numen.base.crypto import Address, Hash32
from numen.market.coins import Pocket, wallet
from numen.market.contracts.asks import OUTCOMES
from numen.market.escrow import deposit_of, reserve_of
from numen.market.job import Job, Phase, Seat
from numen.market.message import Vote
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

_CLOSED: Final = PHASES.index("closed")
_NO_CLAIM: Final = bytes(32)

T = TypeVar("T")


class Person(msgspec.Struct, frozen=True, array_like=True):
    """Somebody's coins and standing.

    Attributes:
        owner: Who.
        free: Coins in wallet, deposit and reserve.
        calls: Calls made.
        role: Number of the role; 0 without a stake.
        stake: Coins at risk, not bound to a task that lives.
        bound: Tasks that a part of the stake is pledged to.
        leaves_ms: When the stake can be withdrawn; 0 while it takes part.
        score: Reputation.
        accepted: Answers accepted.
        faults: Seats that ended in a fine.
        head: Digest of the whole history.
    """

    owner: Address
    free: U64
    calls: U64
    role: U64
    stake: U64
    bound: U64
    leaves_ms: U64
    score: U64
    accepted: U64
    faults: U64
    head: Hash32

    @property
    def is_blank(self) -> bool:
        """Whether nothing is known of somebody."""
        return self == Person(self.owner, *(0,) * 9, _NO_CLAIM)


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


class Books(msgspec.Struct, frozen=True, array_like=True):
    """All of it.

    Attributes:
        burnt: Coins that nobody has any more.
        people: By address, those of whom nothing is known left out.
        bids: Living tasks, by id.
    """

    burnt: U64
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
    owners = {
        account.owner for account in market.coins.balances if account.pocket is not Pocket.BURNT
    }
    owners |= {*market.stakes.stakers, *market.standings, *market.nonces}
    people = (_person(market, owner) for owner in sorted(owners))
    bids = (_bid(market, job) for _, job in sorted(market.jobs.items()))
    return Books(market.coins.in_pocket(Pocket.BURNT), _known(people), tuple(bids))


def of_contract(view: Views) -> Books:
    """Write down what the contract of a market has.

    Cost: some views for each person and each task that there ever was.
    """
    state, totals = view("state"), view("statistics")
    _, _, _, _, _, _, _, task_count, people_count = state
    addresses = sorted(address(view("person_at", place)) for place in range(people_count))
    people = (_shown(owner, view("person", owner)) for owner in addresses)
    found = (view("task_at", place) for place in range(task_count))
    living = ((_bytes32(t), task) for t, task in found if task[PHASE_AT] != _CLOSED)
    bids = (_shown_bid(view, t, task) for t, task in sorted(living))
    return Books(totals[9], _known(people), tuple(bids))


def _person(market: Market, owner: bytes) -> Person:
    coins, standing = market.coins, market.standing(owner)
    staker = market.stakes.stakers.get(owner)
    return Person(
        owner,
        sum(coins.balance(of(owner)) for of in (wallet, deposit_of, reserve_of)),
        market.nonces.get(owner, 0),
        ROLES.index(staker.role) if staker else 0,
        coins.balance(stake_of(owner)) + _stands_for_sold(market, owner),
        sum(worker == owner for _, worker in market.stakes.bound),
        (staker.leaves_ms or 0) if staker else 0,
        standing.score,
        standing.accepted,
        standing.faults,
        standing.head,
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
    )


def _chair(market: Market, job: Job, worker: bytes, seat: Seat) -> Chair:
    return Chair(
        worker,
        seat.last,
        seat.price,
        market.coins.balance(pledge_of(job.identity, worker)),
        claim_digest(seat.result.claim) if seat.result else _NO_CLAIM,
        OUTCOMES.index(seat.outcome),
    )


def _shown(owner: bytes, found: Any) -> Person:
    free, calls, (role, stake, bound, leaves_ms), (score, accepted, faults, head), _ = found
    kept = (free, calls, role, stake, bound, leaves_ms, score, accepted, faults)
    return Person(owner, *kept, _bytes32(head))


def _shown_bid(view: Views, t: bytes, task: Any) -> Bid:
    number = int.from_bytes(t, "big")
    seats = (view("seat_at", number, place) for place in range(view("seat_count", number)))
    votes = (view("vote_at", number, place) for place in range(view("vote_count", number)))
    bid, ceiling, _, _, _, held, paid, _, phase, until_ms, claim = task[11:22]
    return Bid(
        t, phase, until_ms, bid, ceiling, held, paid, _bytes32(claim),
        tuple(_shown_chair(address(worker), seat) for worker, seat in seats),
        tuple(Ballot(address(verifier), _bytes32(claim)) for verifier, claim in votes),
    )  # fmt: skip


def _shown_chair(worker: bytes, seat: Any) -> Chair:
    _, last, price, pledge, _, _, _, claim, outcome, _ = seat
    return Chair(worker, _bytes32(last), price, 0 if outcome else pledge, _bytes32(claim), outcome)


def _known(people: Iterable[Person]) -> tuple[Person, ...]:
    return tuple(person for person in people if not person.is_blank)


def address(found: str | bytes) -> bytes:
    """An address as a view gives it; 20 bytes."""
    return bytes.fromhex(found[2:]) if isinstance(found, str) else found


def _bytes32(word: int) -> bytes:
    return word.to_bytes(32, "big")
