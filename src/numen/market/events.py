"""What happens in a market, as typed events: for a live display, the log, and `numen why`.

Ids, addresses and digests are lower-case hexadecimal without prefix; amounts are coins; times
are logical milliseconds.
"""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

Hex = Annotated[str, Meta(pattern="^([0-9a-f]{2})*$")]
Natural = Annotated[int, Meta(ge=0)]


class Base(msgspec.Struct, frozen=True, tag_field="event", forbid_unknown_fields=True):
    """What every event has: the moment it happened."""

    at_ms: Natural


class Posted(Base, tag="posted", frozen=True):
    """A task entered the book and its bid, or the ceiling that it rises to, was escrowed."""

    task: Hex
    provider: Hex
    verifier: Hex
    program: Hex
    policy: str
    bid: Natural
    escrowed: Natural
    place: Natural
    expires_ms: Natural
    ceiling: Natural = 0
    rises_until_ms: Natural = 0


class Raised(Base, tag="raised", frozen=True):
    """A bid was raised, and more was escrowed; ``place`` is its place in the book afterwards."""

    task: Hex
    before: Natural
    bid: Natural
    escrowed: Natural
    place: Natural
    ceiling: Natural = 0
    rises_until_ms: Natural = 0


class Withdrawn(Base, tag="withdrawn", frozen=True):
    """A provider took a task back that ``seats`` workers were at; nobody else gets a seat."""

    task: Hex
    seats: Natural


class Declined(Base, tag="declined", frozen=True):
    """A worker decided that a bid is not worth its while, as it stands.

    Or that its stake, ``staked`` coins with those that are bound, does not cover the ``pledge``.
    """

    task: Hex
    worker: Hex
    bid: Natural
    cost: Natural
    premium: Natural
    pledge: Natural = 0
    staked: Natural = 0

    @property
    def is_uncovered(self) -> bool:
        """Whether it was for the stake that the worker declined."""
        return self.staked < self.pledge


class Offered(Base, tag="offered", frozen=True):
    """A worker asked for a seat; its stake had ``lacking`` coins too few free for the pledge."""

    task: Hex
    worker: Hex
    ask: Natural
    pledge: Natural
    lacking: Natural = 0


class Matched(Base, tag="matched", frozen=True):
    """A worker got a seat, and its pledge was bound."""

    task: Hex
    worker: Hex
    price: Natural
    pledge: Natural
    commit_by_ms: Natural
    reveal_by_ms: Natural


class Executed(Base, tag="executed", frozen=True):
    """A worker bound itself to an answer that nobody sees."""

    task: Hex
    worker: Hex
    commitment: Hex


class Revealed(Base, tag="revealed", frozen=True):
    """A worker opened its answer."""

    task: Hex
    worker: Hex
    claim: Hex
    work: Natural


class Refused(Base, tag="refused", frozen=True):
    """A message changed nothing, and why."""

    message: Hex
    kind: str
    author: Hex
    task: Hex
    reason: str


class Answered(Base, tag="answered", frozen=True):
    """Equal answers are credible enough; anyone staked may still object."""

    task: Hex
    claim: Hex
    answers: Natural
    weight: Natural
    trust: Natural
    until_ms: Natural


class Disputed(Base, tag="disputed", frozen=True):
    """The verifiers have to run the task themselves."""

    task: Hex
    reason: str
    until_ms: Natural


class Claimed(Base, tag="claimed", frozen=True):
    """An answer stands, unless somebody challenges it."""

    task: Hex
    worker: Hex
    claim: Hex
    steps: Natural
    until_ms: Natural


class Challenged(Base, tag="challenged", frozen=True):
    """Somebody pledged that a run does not end as its worker claims."""

    task: Hex
    worker: Hex
    challenger: Hex
    pledge: Natural
    due_ms: Natural


class Halved(Base, tag="halved", frozen=True):
    """A contest is about fewer steps: those from ``low`` to ``high``."""

    task: Hex
    challenger: Hex
    low: Natural
    high: Natural
    due_ms: Natural


class Decided(Base, tag="decided", frozen=True):
    """A contest ended; ``step`` is the one where both sides part, as far as it went."""

    task: Hex
    worker: Hex
    challenger: Hex
    winner: str
    reason: str
    step: Natural
    rounds: Natural


class Voted(Base, tag="voted", frozen=True):
    """A verifier ran the task again."""

    task: Hex
    verifier: Hex
    claim: Hex


class Assented(Base, tag="assented", frozen=True):
    """A verifier will not object to an answer."""

    task: Hex
    verifier: Hex


class Settled(Base, tag="settled", frozen=True):
    """The answer stands."""

    task: Hex
    claim: Hex
    evidence: str


class Judged(Base, tag="judged", frozen=True):
    """A seat was closed with a verdict; ``receipt`` names the signed chain."""

    task: Hex
    worker: Hex
    outcome: str
    paid: Natural
    ticketed: Natural
    fined: Natural
    receipt: Hex


class Slashed(Base, tag="slashed", frozen=True):
    """A pledge lost coins; ``evidence`` is the canonical bytes of the accusation."""

    task: Hex
    worker: Hex
    outcome: str
    pledge: Natural
    reporter: Hex
    reward: Natural
    burnt: Natural
    evidence: Hex


class Scored(Base, tag="scored", frozen=True):
    """A worker's reputation changed."""

    worker: Hex
    before: Natural
    after: Natural
    receipt: Hex
    head: Hex


class Closed(Base, tag="closed", frozen=True):
    """A task left the market and its escrow was emptied."""

    task: Hex
    how: str
    paid: Natural
    fee: Natural
    refunded: Natural


class Drawn(Base, tag="drawn", frozen=True):
    """A ticket was drawn; it wins when ``draw`` is less than ``win_prob``."""

    ticket: Hex
    task: Hex
    sender: Hex
    recipient: Hex
    face: Natural
    win_prob: Hex
    draw: Hex
    won: bool


class Redeemed(Base, tag="redeemed", frozen=True):
    """A winner was paid."""

    ticket: Hex
    sender: Hex
    recipient: Hex
    paid: Natural


class Unredeemed(Base, tag="unredeemed", frozen=True):
    """A ticket was shown to the escrow and not paid."""

    ticket: Hex
    sender: Hex
    recipient: Hex
    reason: str


class Resold(Base, tag="resold", frozen=True):
    """An answer that was given before was bought again."""

    buyer: Hex
    program: Hex
    claim: Hex
    price: Natural
    task: Hex
    shown: str
    wanted: str
    surety: Natural
    age_ms: Natural


class Earned(Base, tag="earned", frozen=True):
    """A worker got its share of an answer that was bought again."""

    worker: Hex
    buyer: Hex
    claim: Hex
    paid: Natural


class Doubted(Base, tag="doubted", frozen=True):
    """A verifier ran an answer of the store again; while it is in doubt it is not sold."""

    task: Hex
    accuser: Hex
    claim: Hex
    is_same: bool


class Misproved(Base, tag="misproved", frozen=True):
    """Somebody called an answer of the store false with a proof that does not hold."""

    task: Hex
    accuser: Hex
    reason: str
    burnt: Natural


class Recalled(Base, tag="recalled", frozen=True):
    """An answer was taken from the store, and from a worker who gave it what stood for it."""

    task: Hex
    worker: Hex
    accuser: Hex
    reward: Natural
    burnt: Natural
    evidence: Hex


class Called(Base, tag="called", frozen=True):
    """An owner moved its own coins."""

    owner: Hex
    verb: str
    amount: Natural


class Found(Base, tag="found", frozen=True):
    """A verifier has looked at a result's evidence, or at a step, and says whether it holds."""

    task: Hex
    verifier: Hex
    about: Hex
    holds: bool


class Registered(Base, tag="registered", frozen=True):
    """An owner has registered its node; zeros where it has none any more."""

    owner: Hex
    node: Hex


Event: TypeAlias = (
    Posted
    | Raised
    | Withdrawn
    | Declined
    | Offered
    | Matched
    | Executed
    | Revealed
    | Refused
    | Answered
    | Disputed
    | Claimed
    | Challenged
    | Halved
    | Decided
    | Voted
    | Assented
    | Settled
    | Judged
    | Slashed
    | Scored
    | Closed
    | Drawn
    | Redeemed
    | Unredeemed
    | Resold
    | Earned
    | Doubted
    | Misproved
    | Recalled
    | Called
    | Registered
    | Found
)
