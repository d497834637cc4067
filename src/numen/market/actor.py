"""Those who act in a market: what they are told, what they can do, and what they work with.

An actor is woken when something happened, looks at what it may see, and answers with acts. It
has no clock, no socket and no randomness but the dice it was made with.
"""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

import msgspec

from numen.base.errors import NumenError
from numen.market.events import Event
from numen.market.exchange import Submission
from numen.market.message import Kept
from numen.market.task import Task
from numen.market.ticket import Quote, SignedTicket
from numen.market.turn import Market
from numen.proof.statement import Claim, Evidence, commit_output
from numen.proof.walk import Shown


class Answer(msgspec.Struct, frozen=True):
    """What a run gave.

    Attributes:
        output: The output in the program's canonical bytes. A program that traps has an output
            too, which says so: every honest run has to end in the same answer.
        work: Work units that the run took.
    """

    output: bytes
    work: int


class Executor(Protocol):
    """Runs programs: the virtual machine, as the market sees it."""

    def run(self, program: bytes, inputs: bytes, work_limit: int) -> Answer:
        """Run a program by its id.

        Args:
            program: Id of the program, 32 bytes.
            inputs: Its inputs in their canonical bytes.
            work_limit: Most work units the run may take; a run that would take more ends
                in an answer that says so.
        """
        ...


class Prover(Protocol):
    """Makes proofs, for workers that sell them."""

    def prove(self, task: Task, inputs: bytes) -> Evidence | Kept | None:
        """Prove a run of the task's program on inputs; None while it is not done yet.

        Raises:
            UnprovableError: There will be no proof.
        """
        ...


class Walk(Protocol):
    """A run of which every step can be shown, as `numen.vm.walk` makes it.

    Attributes:
        answer: What it leads to, or is claimed to.
        steps: After how many it is known whether that is so.
        is_true: Whether it is.
    """

    answer: bytes
    steps: int
    is_true: bool

    def digest(self, index: int) -> bytes:
        """Name the state after so many steps."""
        ...

    def show(self, index: int) -> Shown:
        """Show the step that comes after so many others."""
        ...

    def interval(self) -> int:
        """How many steps should lie between states that are committed to."""
        ...

    def checkpoints(self, interval: int) -> list[bytes]:
        """Name the states at each interval, and the last."""
        ...


Walker: TypeAlias = Callable[[Task, bytes, bytes | None], Walk]
"""Walks a task's program on inputs, to an answer that somebody claims, or to its own; raises
`NumenError` where the program has no walk."""


class UnprovableError(NumenError):
    """A task has no proof that this prover can make."""


class Attester(Protocol):
    """Runs programs on trusted hardware, for workers that have some."""

    def run(self, task: Task, inputs: bytes, nonce: bytes) -> tuple[Answer, Evidence]:
        """Measure the task's program, run it on inputs, and have the run quoted for a nonce."""
        ...

    def is_able(self, task: Task) -> bool:
        """Whether a quote of this hardware would do for a task."""
        ...


class Do(msgspec.Struct, frozen=True):
    """Hand something in at the market.

    Attributes:
        submission: What.
        delay_ms: After how long it arrives.
    """

    submission: Submission
    delay_ms: int


class Say(msgspec.Struct, frozen=True):
    """Tell the log something that changes no state, such as a decision.

    Attributes:
        event: What.
    """

    event: Event


class Bill(msgspec.Struct, frozen=True):
    """A verifier asks a provider for the tickets of an accepted answer.

    Attributes:
        task: Id of the task.
        worker: Who is to be paid.
        price: Expected value the tickets should have, in coins: a multiple of the quote's.
        quote: The tickets that the worker wants.
    """

    task: bytes
    worker: bytes
    price: int
    quote: Quote


class Payment(msgspec.Struct, frozen=True):
    """Tickets on their way, from the provider by the verifier to the worker.

    Attributes:
        task: Id of the task.
        worker: Who is paid.
        tickets: The tickets.
    """

    task: bytes
    worker: bytes
    tickets: tuple[SignedTicket, ...]


Parcel: TypeAlias = Bill | Payment


class Send(msgspec.Struct, frozen=True):
    """Send something to another actor, beside the market.

    Attributes:
        to: Address of the actor.
        parcel: What.
        delay_ms: After how long it arrives.
    """

    to: bytes
    parcel: Parcel
    delay_ms: int


Act: TypeAlias = Do | Say | Send


class Actor(Protocol):
    """Somebody in the market."""

    @property
    def address(self) -> bytes:
        """Account of the actor."""
        ...

    def wake(self, market: Market, now_ms: int) -> Iterable[Act]:
        """Look around and act."""
        ...

    def receive(self, parcel: Parcel, market: Market, now_ms: int) -> Iterable[Act]:
        """Take a parcel and act."""
        ...


def claim_of(task: Task, answer: Answer) -> Claim:
    """Say what a run gave, for the inputs that the task names."""
    return Claim(task.program, task.inputs, commit_output(answer.output), answer.work)
