"""A dispute about one run: bisected to one step, which is then taken.

    worker's turn: a midpoint ──► challenger's turn: a stance ──► … ──► worker's turn: the step

At the beginning both sides agree on the first state, which is the same for all runs, and disagree
on the last, which the worker says is `DONE`. Each round halves what lies between. So the worker
whose claim is true is in true states at both ends of what is left, and can show the step; and
who challenges a claim that is false agrees with true states only, so that a false one is left at
the upper end, to which no step leads. Whoever's turn it is and who says nothing in time has lost.

Source: Canetti, Riva and Rothblum, "Practical delegation of computation using multiple servers"
(CCS 2011), with a judge in place of two servers' word; TrueBit (Teutsch and Reitwiessner, 2017).

DisputeError     a move that is not one of this dispute, now
"""

from collections.abc import Callable
from enum import Enum

import msgspec

from numen.base import merkle
from numen.base.errors import NumenError
from numen.market.moves import CHECKPOINTS_MAX, PATH_MAX, Midpoint, Run, Stance, Step
from numen.proof.walk import DONE, START, Shown

MOVE_MS = 20_000
"""How long each side has for a move."""

Judge = Callable[[Shown], bytes]
"""Takes the step that is shown and gives the digest of the state after it; raises `NumenError`
where the cells shown are not those of the state, or too few."""


class Side(Enum):
    """Who has won."""

    WORKER = "worker"
    CHALLENGER = "challenger"


class Dispute(msgspec.Struct, frozen=True):
    """A dispute in progress.

    Attributes:
        run: What the worker is bound to.
        low: A step before which both agree on the state.
        high: One before which they do not.
        low_state: Digest of the worker's state at `low`.
        high_state: Digest of the worker's state at `high`.
        middle: Digest of the worker's state half-way; None while it has not said it.
        due_ms: When the next move has to have come.
        rounds: Halvings so far.
    """

    run: Run
    low: int
    high: int
    low_state: bytes
    high_state: bytes
    due_ms: int
    middle: bytes | None = None
    rounds: int = 0

    @property
    def is_one_step(self) -> bool:
        """Whether nothing is left to halve."""
        return self.high - self.low == 1

    @property
    def turn(self) -> Side:
        """Whose move it is."""
        return Side.CHALLENGER if self.middle is not None else Side.WORKER

    @property
    def half(self) -> int:
        """Where half-way is: at a state that was committed to, as long as there is one between."""
        middle = (self.low + self.high) // 2
        interval = self.run.interval
        down = middle // interval * interval
        for committed in (down, down + interval):
            if self.low < committed < self.high:
                return committed
        return middle


class DisputeError(NumenError):
    """A move that is not one of this dispute, now."""


def check_run(run: Run) -> None:
    """See that a commitment is one that can be disputed.

    Raises:
        DisputeError: It is over too many states.
    """
    if run.count > CHECKPOINTS_MAX:
        raise DisputeError(f"a commitment to {run.count} states, the most is {CHECKPOINTS_MAX}")


def begin(run: Run, now_ms: int) -> Dispute:
    """The dispute that a challenge opens."""
    return Dispute(run, 0, run.steps, START.digest, DONE.digest, now_ms + MOVE_MS)


def halve(dispute: Dispute, move: Midpoint, now_ms: int) -> Dispute:
    """Take the worker's state half-way.

    Raises:
        DisputeError: It is not the worker's turn, the step is another, or the state is not the one
            that it committed to.
    """
    if dispute.turn is not Side.WORKER or dispute.is_one_step:
        raise DisputeError("no midpoint is due in this dispute")
    if move.step != dispute.half:
        raise DisputeError(f"half-way is step {dispute.half}, not {move.step}")
    _check_opening(dispute.run, move)
    return msgspec.structs.replace(dispute, middle=move.state, due_ms=now_ms + MOVE_MS)


def answer(dispute: Dispute, move: Stance, now_ms: int) -> Dispute:
    """Take the challenger's word on the state half-way.

    Raises:
        DisputeError: It is not the challenger's turn, or the step is another.
    """
    if dispute.middle is None or move.step != dispute.half:
        raise DisputeError("no such stance is due in this dispute")
    ends = (
        {"low": move.step, "low_state": dispute.middle}
        if move.agrees
        else {"high": move.step, "high_state": dispute.middle}
    )
    due_ms = now_ms + MOVE_MS
    return msgspec.structs.replace(
        dispute, **ends, middle=None, rounds=dispute.rounds + 1, due_ms=due_ms
    )


def decide(dispute: Dispute, move: Step, judge: Judge) -> Side:
    """Take the step that is left, and say who is right.

    Raises:
        DisputeError: No step is due.
    """
    if not dispute.is_one_step or dispute.turn is not Side.WORKER:
        raise DisputeError("no step is due in this dispute")
    if move.shown.state.digest != dispute.low_state:
        return Side.CHALLENGER
    try:
        following = judge(move.shown)
    except NumenError:
        return Side.CHALLENGER
    return Side.WORKER if following == dispute.high_state else Side.CHALLENGER


def late(dispute: Dispute, now_ms: int) -> Side | None:
    """Who has won because the other said nothing in time, if anybody has."""
    if now_ms <= dispute.due_ms:
        return None
    return Side.WORKER if dispute.turn is Side.CHALLENGER else Side.CHALLENGER


def _check_opening(run: Run, move: Midpoint) -> None:
    """See that a state that was committed to is the one that is said now."""
    is_committed = move.step % run.interval == 0
    if is_committed != (move.opening is not None):
        raise DisputeError(f"step {move.step} is committed to or not: its opening says otherwise")
    if move.opening is None:
        return
    place = (move.opening.index, move.opening.count)
    if place != (move.step // run.interval, run.count) or len(move.opening.path) > PATH_MAX:
        raise DisputeError("the opening is of another place")
    try:
        merkle.verify(run.root, move.state, move.opening)
    except merkle.MerkleError as error:
        raise DisputeError(f"the state is not the one committed to: {error.message}") from error
