"""Run a program on values: choose an engine, meter, give back a value.

MachineError
├── LimitError        a limit is not a positive number
├── StorageError      the program needs more storage than it is allowed
└── HostError         the program is a contract: it is run by messages
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from numen.base.errors import NumenError
from numen.ir import interp
from numen.ir.interface import InputError, flatten, unflatten
from numen.ir.limits import STORAGE_BYTES_MAX
from numen.ir.outcome import Outcome
from numen.ir.program import Program
from numen.ir.trap import Trap
from numen.jit import engine as jit
from numen.jit.native import Native
from numen.kernels.errors import CompileError

WORK_LIMIT_DEFAULT: Final = 10**10
"""Work units of a run where nobody says otherwise: some seconds of native code."""

Engine = Literal["auto", "jit", "interp"]
"""``auto`` is native code, or the interpreter where there is none."""


class MachineError(NumenError):
    """Root of what can be wrong with the limits of a run."""


class LimitError(MachineError):
    """A limit is not a positive number."""


class HostError(MachineError):
    """A contract is run by messages, not by arguments."""

    def __init__(self) -> None:
        super().__init__(
            "this program is a contract: it has slots, and is run by messages",
            hint="deploy it; `vm.contract.ContractService` runs one delivery",
        )


class StorageError(MachineError):
    """A program needs more storage than it is allowed.

    Attributes:
        needed_bytes: What all its arrays and memories take.
        limit_bytes: What is allowed.
    """

    def __init__(self, needed_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"the program needs {needed_bytes} bytes of arrays, over {limit_bytes}")
        self.needed_bytes = needed_bytes
        self.limit_bytes = limit_bytes


class Result(msgspec.Struct, frozen=True):
    """What a run came to.

    Attributes:
        value: The result as JSON has it; None after a trap.
        outcome: The same as the machine has it.
        engine: What ran it, ``jit`` or ``interp``.
        fallback: Why it was not native code, where native code was wanted; or empty.
    """

    value: Any
    outcome: Outcome
    engine: str
    fallback: str = ""

    @property
    def work(self) -> int:
        """Work units charged."""
        return self.outcome.work

    @property
    def trap(self) -> Trap | None:
        """Why the program stopped early, or None."""
        return self.outcome.trap


def run(
    program: Program,
    inputs: Sequence[Any],
    *,
    work_limit: int = WORK_LIMIT_DEFAULT,
    storage_limit_bytes: int = STORAGE_BYTES_MAX,
    engine: Engine = "auto",
    is_untrusted: bool = False,
    native: Native | None = None,
) -> Result:
    """Run a program.

    Every engine gives the same value, trap and work.

    Args:
        program: What to run.
        inputs: One value for each parameter, as JSON has it.
        work_limit: Work units, 1 or more.
        storage_limit_bytes: Most bytes of arrays and memories.
        engine: Which engine; ``jit`` refuses where ``auto`` falls back.
        is_untrusted: Whether somebody else wrote the program, so that compiling it is bounded.
        native: Its native code, where the caller has it already.

    Raises:
        InputError: A value does not have the shape of its parameter.
        MachineError: A limit makes no sense, the program is over the limit of storage, or it is a
            contract.
        CompileError: Only where ``engine`` is ``jit``: there is no native code.
    """
    if work_limit < 1:
        raise LimitError(f"a work limit of {work_limit} allows nothing")
    if program.needs_host:
        raise HostError
    # No program that was loaded needs more than the most, so the usual run need not add it up.
    if storage_limit_bytes < STORAGE_BYTES_MAX and program.storage_bytes > storage_limit_bytes:
        raise StorageError(program.storage_bytes, storage_limit_bytes)
    args = _flatten(program, inputs)
    if native is None:
        outcome, used, fallback = _run(program, args, work_limit, engine, is_untrusted)
    else:
        outcome, used, fallback = native.run(args, work_limit=work_limit), "jit", ""
    value = None
    if outcome.results is not None:
        value = unflatten(program.interface.result, list(outcome.results))
    return Result(value, outcome, used, fallback)


def _run(
    program: Program,
    args: list[int | list[int]],
    work_limit: int,
    engine: Engine,
    is_untrusted: bool,
) -> tuple[Outcome, str, str]:
    fallback = ""
    if engine != "interp":
        try:
            native = jit.compile_program(program, is_untrusted=is_untrusted)
        except CompileError as error:
            if engine == "jit":
                raise
            fallback = error.reason
        else:
            return native.run(args, work_limit=work_limit), "jit", ""
    return interp.run(program.metered, args, work_limit=work_limit), "interp", fallback


def _flatten(program: Program, inputs: Sequence[Any]) -> list[int | list[int]]:
    wanted = program.interface.inputs
    if len(inputs) != len(wanted):
        names = ", ".join(field.name for field in wanted) or "none"
        raise InputError(f"expected {len(wanted)} arguments ({names}), found {len(inputs)}")
    args: list[int | list[int]] = []
    for field, value in zip(wanted, inputs, strict=True):
        args += flatten(field.shape, value, field.name)
    return args
