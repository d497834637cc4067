"""A program in Python's hands: call it, look into it, prove it."""

import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from numen.api import capture
from numen.api.errors import TrappedError
from numen.api.folder import Folder, NoFolder, read_text
from numen.ir.interface import InputError, flatten
from numen.ir.nodes import Module
from numen.ir.program import Program, program_from_module
from numen.ir.trap import Trap
from numen.lang import compile_source
from numen.lang.modules import Resolver
from numen.vm import machine

if TYPE_CHECKING:
    from numen.api.inspection import Inspection
    from numen.api.proofs import Keys, Proven
    from numen.proof.circuit import Circuit


class Source(msgspec.Struct, frozen=True):
    """Where a program comes from.

    Attributes:
        text: Its main file.
        file: The file's name in errors.
        entry: The function that runs.
        resolver: The other files.
    """

    text: str
    file: str
    entry: str
    resolver: Resolver


class Compiled:
    """A checked program. What is costly (native code, circuit, keys) is made when first asked for.

    Attributes:
        source: Where it comes from.
        module: As lowered, before optimisation.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.module: Module = compile_source(
            source.text, file=source.file, entry=source.entry, resolver=source.resolver
        )
        self._keys: Keys | None = None

    @functools.cached_property
    def program(self) -> Program:
        """The optimised register code, its bytes and its id."""
        return program_from_module(self.module)

    @functools.cached_property
    def circuit(self) -> "Circuit":
        """The program as rank-1 constraints.

        Raises:
            NumenError: It has loops or numbers that a circuit cannot bound; the place is named.
        """
        circuit: Circuit = _later("proving").circuit_of(self.program)
        return circuit

    def __call__(self, *args: Any) -> Any:
        """Run, and return the value.

        Raises:
            InputError: The arguments do not have the program's shapes.
            TrappedError: The program stopped with a trap.
        """
        return self.run(*args).value

    def run(
        self,
        *args: Any,
        work_limit: int = machine.WORK_LIMIT_DEFAULT,
        engine: machine.Engine = "auto",
    ) -> machine.Result:
        """Run, and return value, work units and the engine that ran.

        Args:
            args: One value for each parameter, as JSON has them.
            work_limit: Work units after which the run is stopped.
            engine: ``auto`` (native code where it can be had), ``jit`` or ``interp``.

        Raises:
            InputError: The arguments do not have the program's shapes.
            TrappedError: The program stopped with a trap.
        """
        self._require_count(args)
        result = machine.run(self.program, args, work_limit=work_limit, engine=engine)
        trap = result.outcome.trap
        if trap is not None:
            raise self.trapped(trap)
        return result

    def bind(self, args: tuple[Any, ...]) -> list[int | list[int]]:
        """Check arguments against the interface and flatten them to the machine's words."""
        self._require_count(args)
        return [
            part
            for field, arg in zip(self.module.interface.inputs, args, strict=True)
            for part in flatten(field.shape, arg, field.name)
        ]

    def _require_count(self, args: tuple[Any, ...]) -> None:
        inputs = self.module.interface.inputs
        if len(args) != len(inputs):
            wanted = ", ".join(f"{field.name}: {field.shape}" for field in inputs)
            raise InputError(
                f"{self.source.entry} takes {len(inputs)} arguments ({wanted}), not {len(args)}"
            )

    def inspect(self) -> "Inspection":
        """Count constraints and work units, in all and for each source line."""
        found: Inspection = _later("inspection").inspect(self)
        return found

    def setup(self, *, entropy: bytes | None = None) -> "Keys":
        """Make keys for proofs, by one party: unsafe for production, as the keys say.

        Args:
            entropy: At least 32 secret random bytes; drawn from the system when left out. Who
                knows them can prove falsehoods.
        """
        self._keys = _later("proving").setup(self, entropy)
        return self._keys

    def prove(
        self, *args: Any, keys: "Keys | None" = None, entropy: bytes | None = None
    ) -> "Proven":
        """Run, and prove the run.

        Args:
            args: One value for each parameter, private ones included.
            keys: From a setup; those of the last `setup` when left out, which is called if needed.
            entropy: At least 32 random bytes that hide the private inputs.

        Raises:
            InputError: The arguments do not have the program's shapes.
            TrappedError: The program stops with a trap: there is nothing to prove.
            KeysError: The keys are another program's.
        """
        proven: Proven = _later("proving").prove(
            self, args, keys or self._keys or self.setup(), entropy
        )
        return proven

    def trapped(self, trap: Trap) -> TrappedError:
        """The error that tells a person of a trap, with the line of source where it happened."""
        lines = self.source.text.split("\n")
        place = trap.place
        is_here = place is not None and place.file == self.source.file
        text = lines[place.line - 1] if place and is_here and place.line <= len(lines) else ""
        return TrappedError(trap, text)


def _later(module: str) -> Any:
    """A module of the prover's side, imported when it is needed: a run must start quickly."""
    return importlib.import_module(f"numen.api.{module}")


def from_text(text: str, *, entry: str = "main", file: str = "<string>") -> Compiled:
    """Compile a source text; it can import from ``numen.std`` only."""
    return Compiled(Source(text, file, entry, NoFolder()))


def from_file(path: Path, entry: str = "main") -> Compiled:
    """Compile a file; it can import its neighbours.

    Raises:
        NumenError: It cannot be read, or is no program.
    """
    return Compiled(Source(read_text(path), str(path), entry, Folder(path.parent)))


def from_function(function: Callable[..., Any]) -> Compiled:
    """Compile a Python function and what it uses, from their source."""
    found = capture.capture(function)
    compiled = from_text(found.text, entry=found.entry, file=found.file)
    functools.update_wrapper(compiled, function)
    return compiled


def compile_(source: str | Callable[..., Any], *, entry: str = "main") -> Compiled:
    """Compile a source text, or a function: also as a decorator, also in a notebook.

    Args:
        source: Text of the language, or a Python function whose source Python knows.
        entry: In a text, the function that runs.

    Raises:
        NumenError: It is not a program of the language; the place is named.
    """
    if isinstance(source, str):
        return from_text(source, entry=entry)
    return from_function(source)
