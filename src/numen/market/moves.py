"""What is said in a contest about a run: the worker's commitment, and the moves after it.

    Challenge → (Midpoint → Stance) … → Step

Who challenges says that the run does not end as the worker claims. The worker then says in which
state it was half-way, the challenger whether it was too; of the half that is left, so again, until
it is one step, which the worker shows and everybody takes.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from numen.base.codec import U64
from numen.base.crypto import Address, Hash32
from numen.base.merkle import Opening
from numen.proof.walk import STEPS_MAX, Shown

CHECKPOINTS_MAX = 1 << 10
"""Most states that one commitment is over."""

PATH_MAX = CHECKPOINTS_MAX.bit_length()


class Run(msgspec.Struct, frozen=True, array_like=True, tag="run/1"):
    """A worker's commitment to a whole walk (`numen.proof.walk`).

    Attributes:
        steps: How many, from the empty memory to `DONE`.
        interval: Steps from one committed state to the next.
        root: Merkle root over the digests of the states at each interval, and of the last.
    """

    steps: Annotated[int, Meta(ge=1, le=STEPS_MAX)]
    interval: Annotated[int, Meta(ge=1, le=STEPS_MAX)]
    root: Hash32

    @property
    def count(self) -> int:
        """How many states are committed to."""
        return -(-self.steps // self.interval) + 1


class Challenge(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="challenge/1"):
    """Somebody staked says that a run does not end as its worker claims.

    Attributes:
        task: Id of the task.
        result: Digest of the result.
        challenger: Who says so.
    """

    task: Hash32
    result: Hash32
    challenger: Address


class Midpoint(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="midpoint/1"):
    """The worker says in which state it was half-way.

    Attributes:
        task: Id of the task.
        worker: Who says so.
        challenger: To whom.
        step: Where half-way is.
        state: Digest of the state there.
        opening: Of that state among those committed to, if it is one of them.
    """

    task: Hash32
    worker: Address
    challenger: Address
    step: U64
    state: Hash32
    opening: Opening | None


class Stance(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="stance/1"):
    """The challenger says whether it was in the same state.

    Attributes:
        task: Id of the task.
        challenger: Who says so.
        step: Where.
        agrees: Whether.
    """

    task: Hash32
    challenger: Address
    step: U64
    agrees: bool


class Step(msgspec.Struct, frozen=True, array_like=True, dict=True, tag="step/1"):
    """The worker shows the step that is left.

    Attributes:
        task: Id of the task.
        worker: Who shows it.
        challenger: To whom.
        shown: The state before it, and the cells that it touches.
    """

    task: Hash32
    worker: Address
    challenger: Address
    shown: Shown


Move = Challenge | Midpoint | Stance | Step
