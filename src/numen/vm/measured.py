"""Code that is compiled ahead of time, and measured before it runs.

`prepare` compiles; the measurement of what it gives can be made known, extended into a register
of hardware, or demanded by who pays. `run` measures the very bytes that it links, and runs
nothing if they are not the ones that were asked for.
"""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import msgspec

from numen.ir.program import Program
from numen.jit import engine as jit
from numen.kernels import compiler
from numen.proof.tee.manifest import Manifest, object_digest
from numen.vm import machine
from numen.vm.machine import WORK_LIMIT_DEFAULT, HostError, MachineError, Result


class MeasurementError(MachineError):
    """The code is not the code that was asked for.

    Attributes:
        found: Its measurement.
        wanted: The one that was asked for.
    """

    def __init__(self, found: bytes, wanted: bytes) -> None:
        super().__init__(
            f"this code measures {found.hex()}, {wanted.hex()} was asked for",
            hint="the same program, engine and target give the same measurement",
        )
        self.found = found
        self.wanted = wanted


class Prepared(msgspec.Struct, frozen=True):
    """A program compiled ahead of time.

    Attributes:
        program: The program.
        ahead: The bytes that are linked.
    """

    program: Program
    ahead: bytes

    @property
    def manifest(self) -> Manifest:
        """What is measured of it, worked out from the bytes there are."""
        return Manifest(
            self.program.id,
            object_digest(self.ahead),
            f"numen {version('numen')}",
            compiler.target(),
        )


def prepare(program: Program, *, is_untrusted: bool = False) -> Prepared:
    """Compile a program ahead of time; nothing of it runs.

    Args:
        program: What to compile.
        is_untrusted: Whether somebody else wrote it, so that compiling it is bounded.

    Raises:
        HostError: It is a contract.
        CompileError: There is no native code of it: what cannot be compiled is not measured.
    """
    if program.needs_host:
        raise HostError
    return Prepared(program, jit.recall_object(program, is_untrusted=is_untrusted))


def run(
    prepared: Prepared,
    measurement: bytes,
    inputs: Sequence[Any],
    *,
    work_limit: int = WORK_LIMIT_DEFAULT,
) -> Result:
    """Measure code, and run it if it is what was asked for.

    Args:
        prepared: From `prepare`, or a copy that somebody kept.
        measurement: What it must measure.
        inputs: One value for each parameter, as JSON has it.
        work_limit: Work units, 1 or more.

    Raises:
        MeasurementError: It measures something else; nothing was linked.
        InputError: A value does not have the shape of its parameter.
        LimitError: The limit allows nothing.
    """
    found = prepared.manifest.measurement
    if found != measurement:
        raise MeasurementError(found, measurement)
    native = jit.link(prepared.program, prepared.ahead)
    return machine.run(prepared.program, inputs, work_limit=work_limit, native=native)
