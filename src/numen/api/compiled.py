"""A program in Python's hands: call it, look into it, prove it."""

import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from numen.api.bounds import Bounds
from numen.api.errors import TrappedError
from numen.api.folder import Folder, NoFolder, read_text
from numen.base.errors import NumenError
from numen.ir.check import check
from numen.ir.interface import InputError, flatten
from numen.ir.limits import CODE_BYTES_MAX
from numen.ir.nodes import Module
from numen.ir.program import Program, load, program_from_module
from numen.ir.trap import Trap
from numen.lang import compile_source
from numen.lang.modules import Resolver
from numen.proof.circuit_errors import RunTrapsError
from numen.proof.files import read_file
from numen.vm import machine

if TYPE_CHECKING:
    from numen.api.capture import Captured
    from numen.api.inspection import Inspection
    from numen.api.proofs import Keys, Proven
    from numen.proof.circuit import Circuit
    from numen.sandbox.runner import Sandbox


class Source(msgspec.Struct, frozen=True):
    """Where a program comes from.

    Attributes:
        text: Its main file.
        file: The file's name in errors.
        entry: The function that runs.
    """

    text: str
    file: str
    entry: str


class Compiled:
    """A checked program. What is costly (native code, circuit, keys) is made when first asked for.

    Attributes:
        source: Where it comes from.
        module: As lowered, before optimisation.
        is_untrusted: Whether it came as machine code from somebody else, so that its compilation
            is bounded.
        bounds: What it may take where it does not say so itself, as they were given.
        rounds: Most rounds that its circuit has for a loop that the inputs end; None for none.
    """

    def __init__(
        self,
        source: Source,
        module: Module,
        *,
        is_untrusted: bool = False,
        bounds: Bounds | None = None,
        fill: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None = None,
    ) -> None:
        self.source = source
        self.module = module
        self.is_untrusted = is_untrusted
        self.bounds = bounds or Bounds()
        self.rounds = self.bounds.rounds
        self._fill = fill
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
        circuit: Circuit = _later("numen.api.proving").circuit_of(self.program, self.rounds)
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
        sandbox: "Sandbox | None" = None,
    ) -> machine.Result:
        """Run, and return value, work units and the engine that ran.

        Args:
            args: One value for each parameter, as JSON has them.
            work_limit: Work units after which the run is stopped.
            engine: ``auto`` (native code where it can be had), ``jit`` or ``interp``.
            sandbox: Where it runs; None for this process.

        Raises:
            InputError: The arguments do not have the program's shapes.
            TrappedError: The program stopped with a trap.
            SandboxError: The sandbox ended the run, or refused it.
        """
        if sandbox is not None:
            result = sandbox.run(
                self.program, self._given(args), work_limit=work_limit, engine=engine
            )
        else:
            result = machine.run(
                self.program,
                self._given(args),
                work_limit=work_limit,
                engine=engine,
                is_untrusted=self.is_untrusted,
            )
        trap = result.outcome.trap
        if trap is not None:
            raise self.trapped(trap)
        return result

    def bind(self, args: tuple[Any, ...]) -> list[int | list[int]]:
        """Check arguments against the interface and flatten them to the machine's words."""
        return [
            part
            for field, arg in zip(self.module.interface.inputs, self._given(args), strict=True)
            for part in flatten(field.shape, arg, field.name)
        ]

    def _given(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments as the interface has them."""
        self._require_count(args)
        return args if self._fill is None else self._fill(args)

    def _require_count(self, args: tuple[Any, ...]) -> None:
        inputs = self.module.interface.inputs
        if len(args) != len(inputs):
            wanted = ", ".join(f"{field.name}: {field.shape}" for field in inputs)
            raise InputError(
                f"{self.source.entry} takes {len(inputs)} "
                f"{'argument' if len(inputs) == 1 else 'arguments'} ({wanted}), not {len(args)}"
            )

    def inspect(self, *, with_pins: bool = False) -> "Inspection":
        """Count constraints and work units, in all and for each source line.

        Args:
            with_pins: Whether to check, without a run, that the constraints pin every wire: some
                tens of microseconds a constraint.
        """
        try:
            circuit: Circuit | NumenError = self.circuit
        except NumenError as error:
            circuit = error
        found: Inspection = _later("numen.api.inspection").inspect(
            self.program, circuit, self.source.file, self.source.text, with_pins=with_pins
        )
        return found

    def setup(self, *, entropy: bytes | None = None) -> "Keys":
        """Make keys for proofs, by one party: unsafe for production, as the keys say.

        Args:
            entropy: At least 32 secret random bytes; drawn from the system when left out. Who
                knows them can prove falsehoods.
        """
        keys: Keys = _later("numen.api.proving").setup(self.circuit, entropy)
        self._keys = msgspec.structs.replace(keys, bounds=self.bounds)
        return self._keys

    def begin_ceremony(self, powers: Path) -> "Keys":
        """Make the keys that a ceremony of many parties begins with.

        Proofs cannot be checked with them before somebody has contributed.

        Args:
            powers: Prepared powers of tau, a `.ptau` file of at least the circuit's size.

        Raises:
            NumenError: The file cannot be read, is not prepared, or is too small.
        """
        keys: Keys = _later("numen.api.proving").begin_ceremony(self.circuit, powers)
        return msgspec.structs.replace(keys, bounds=self.bounds)

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
        parts = self.bind(args)
        keys = keys or self._keys or self.setup()
        try:
            proven: Proven = _later("numen.api.proving").prove(
                self.circuit, parts, self.module.interface.result, keys, entropy
            )
        except RunTrapsError as error:
            raise self.trapped(error.trap) from None
        return proven

    def trapped(self, trap: Trap) -> TrappedError:
        """The error that tells a person of a trap, with the line of source where it happened."""
        lines = self.source.text.split("\n")
        place = trap.place
        is_here = place is not None and place.file == self.source.file
        text = lines[place.line - 1] if place and is_here and place.line <= len(lines) else ""
        return TrappedError(trap, text)


def _later(module: str) -> Any:
    """A module that a run of a source file does without: it must start quickly."""
    return importlib.import_module(module)


def from_text(
    text: str, *, entry: str = "main", file: str = "<string>", resolver: Resolver | None = None
) -> Compiled:
    """Compile a source text; without a resolver it can import from ``numen.std`` only."""
    module = compile_source(text, file=file, entry=entry, resolver=resolver or NoFolder())
    return Compiled(Source(text, file, entry), module)


EVM_SUFFIXES: Final = (".bin", ".hex", ".evm")
"""How the names of files end that hold a contract of the EVM."""


def from_file(path: Path, entry: str = "main", *, bounds: Bounds | None = None) -> Compiled:
    """Compile a file, which can import its neighbours; or load one that was compiled.

    A name that ends in ``.numen`` is bytecode, one that ends in ``.ir`` the text of the IR. Of a
    contract of the EVM (`EVM_SUFFIXES`) the entry is the signature of a pure function, like
    ``gcd(uint256,uint256)``, which is lifted.

    Args:
        path: The file.
        entry: The function that runs.
        bounds: For what the program does not say itself.

    Raises:
        NumenError: It cannot be read, or is no program.
    """
    bounds = bounds or Bounds()
    if path.suffix in EVM_SUFFIXES or "(" in entry:
        return from_contract(path, entry, bounds)
    program = _from_file(path, entry)
    program.bounds, program.rounds = bounds, bounds.loop
    return program


def from_contract(path: Path, signature: str, bounds: Bounds) -> Compiled:
    """Lift a pure function of a contract, whatever the name of its file.

    Arguments for an array without a length are lists, for ``bytes`` hexadecimal text, for
    ``string`` text, of no more than the bound.

    Raises:
        NumenError: The file cannot be read, or the function cannot be lifted.
    """
    contracts = _later("numen.api.contracts")
    module: Module = contracts.read_function(path, signature, bounds)
    fill = functools.partial(contracts.fill, module.interface)
    source = Source("", str(path), module.entry)
    return Compiled(source, module, is_untrusted=True, bounds=bounds, fill=fill)


def _from_file(path: Path, entry: str) -> Compiled:
    if path.suffix == ".numen":
        program = load(read_file(path, size_max=CODE_BYTES_MAX))
        return _loaded(path, program.module)
    text = read_text(path)
    if path.suffix == ".ir":
        module: Module = _later("numen.ir.parse").parse_module(text, file=str(path))
        check(module)
        return _loaded(path, module)
    return from_text(text, entry=entry, file=str(path), resolver=Folder(path.parent))


def _loaded(path: Path, module: Module) -> Compiled:
    return Compiled(Source("", str(path), module.entry), module, is_untrusted=True)


def from_function(function: Callable[..., Any]) -> Compiled:
    """Compile a Python function and what it uses, from their source."""
    found: Captured = _later("numen.api.capture").capture(function)
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
