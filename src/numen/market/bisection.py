"""A contest about one run: bisected to one step, which is then taken.

    worker's turn: a midpoint ──► challenger's turn: a stance ──► … ──► worker's turn: the step

At the beginning both sides agree on the first state, which is the same for all runs, and disagree
on the last, which the worker says is `DONE`. Each round halves what lies between. So the worker
whose claim is true is in true states at both ends of what is left, and can show the step; and
who challenges a claim that is false agrees with true states only, so that a false one is left at
the upper end, to which no step leads. Whoever's turn it is and who says nothing in time has lost.

Source: Canetti, Riva and Rothblum, "Practical delegation of computation using multiple servers"
(CCS 2011), with a judge in place of two servers' word; TrueBit (Teutsch and Reitwiessner, 2017).

BisectionError     a move that is not one of this contest, now
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


class Bisection(msgspec.Struct, frozen=True):
    """A contest in progress.

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


class BisectionError(NumenError):
    """A move that is not one of this contest, now."""


def check_run(run: Run) -> None:
    """See that a commitment is one that can be contested.

    Raises:
        BisectionError: It is over too many states.
    """
    if run.count > CHECKPOINTS_MAX:
        raise BisectionError(f"a commitment to {run.count} states, the most is {CHECKPOINTS_MAX}")


def begin(run: Run, now_ms: int) -> Bisection:
    """The contest that a challenge opens."""
    return Bisection(run, 0, run.steps, START.digest, DONE.digest, now_ms + MOVE_MS)


def halve(bisection: Bisection, move: Midpoint, now_ms: int) -> Bisection:
    """Take the worker's state half-way.

    Raises:
        BisectionError: It is not the worker's turn, the step is another, or the state is not the
            one that it committed to.
    """
    if bisection.turn is not Side.WORKER or bisection.is_one_step:
        raise BisectionError("no midpoint is due in this contest")
    if move.step != bisection.half:
        raise BisectionError(f"half-way is step {bisection.half}, not {move.step}")
    _check_opening(bisection.run, move)
    return msgspec.structs.replace(bisection, middle=move.state, due_ms=now_ms + MOVE_MS)


def answer(bisection: Bisection, move: Stance, now_ms: int) -> Bisection:
    """Take the challenger's word on the state half-way.

    Raises:
        BisectionError: It is not the challenger's turn, or the step is another.
    """
    if bisection.middle is None or move.step != bisection.half:
        raise BisectionError("no such stance is due in this contest")
    ends = (
        {"low": move.step, "low_state": bisection.middle}
        if move.agrees
        else {"high": move.step, "high_state": bisection.middle}
    )
    due_ms = now_ms + MOVE_MS
    return msgspec.structs.replace(
        bisection, **ends, middle=None, rounds=bisection.rounds + 1, due_ms=due_ms
    )


def decide(bisection: Bisection, move: Step, judge: Judge) -> Side:
    """Take the step that is left, and say who is right.

    Raises:
        BisectionError: No step is due.
    """
    if not bisection.is_one_step or bisection.turn is not Side.WORKER:
        raise BisectionError("no step is due in this contest")
    if move.shown.state.digest != bisection.low_state:
        return Side.CHALLENGER
    try:
        following = judge(move.shown)
    except NumenError:
        return Side.CHALLENGER
    return Side.WORKER if following == bisection.high_state else Side.CHALLENGER


def late(bisection: Bisection, now_ms: int) -> Side | None:
    """Who has won because the other said nothing in time, if anybody has."""
    if now_ms <= bisection.due_ms:
        return None
    return Side.WORKER if bisection.turn is Side.CHALLENGER else Side.CHALLENGER


def _check_opening(run: Run, move: Midpoint) -> None:
    """See that a state that was committed to is the one that is said now."""
    is_committed = move.step % run.interval == 0
    if is_committed != (move.opening is not None):
        raise BisectionError(f"step {move.step} is committed to or not: its opening says otherwise")
    if move.opening is None:
        return
    place = (move.opening.index, move.opening.count)
    if place != (move.step // run.interval, run.count) or len(move.opening.path) > PATH_MAX:
        raise BisectionError("the opening is of another place")
    try:
        merkle.verify(run.root, move.state, move.opening)
    except merkle.MerkleError as error:
        raise BisectionError(f"the state is not the one committed to: {error.message}") from error
