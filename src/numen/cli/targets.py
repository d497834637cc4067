"""What program a command is about: a file, or a function of a contract, and its bounds."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from numen.api import compiled
from numen.api.bounds import Bounds
from numen.api.errors import KeysError
from numen.cli.progress import progress

ROUNDS_MAX = 1 << 20
"""Most rounds of a loop that can be asked for; the limits of circuits are met long before."""

C = TypeVar("C", bound=Callable[..., Any])


class Target(msgspec.Struct, frozen=True):
    """The program that a person names by options.

    Attributes:
        evm: A file of bytecode, or None where the program is named by an argument.
        function: The signature of a function of it.
        fork: Whose opcodes the contract has; None where nothing was said.
        loop_bound: Most rounds of a loop that the inputs end.
        array_bound: Most elements of an array without a length.
        memory_bytes: Memory that the contract reaches at computed offsets.
        private: Parameters of the contract's function that proofs hide, from 0.
    """

    evm: Path | None
    function: str | None
    fork: str | None
    loop_bound: int | None
    array_bound: int | None
    memory_bytes: int | None
    private: tuple[int, ...]

    @property
    def bounds(self) -> Bounds:
        """The bounds without the names."""
        return _bounds({name: getattr(self, name) for name in _BOUND_NAMES})

    def with_keys_of(self, folder: Path) -> "Target":
        """The same program with the bounds of keys, where the options leave them open.

        Raises:
            KeysError: An option says something else than the keys were made with.
            NumenError: What the folder says of bounds cannot be read.
        """
        saved, given = Bounds.load(folder), self.bounds
        if saved == Bounds():
            return self
        found: dict[str, Any] = {}
        for option, name in _BOUND_NAMES.items():
            kept, said = getattr(saved, name), getattr(given, name)
            if getattr(self, option) in (None, ()):
                found[option] = kept
            elif said != kept:
                flag = f"--{option.replace('_', '-')}"
                raise KeysError(
                    f"the keys in {folder} were made with {_spoken(flag, kept)}, "
                    f"not with {_spoken(flag, said)}",
                    hint=f"leave {flag} out, or set up keys with it",
                )
        return msgspec.structs.replace(self, **found)

    def load(self, words: tuple[str, ...]) -> tuple[compiled.Compiled, tuple[str, ...]]:
        """Compile the program, and say which of the words are its arguments.

        Args:
            words: ``FILE[:FUNC]``, unless the options name a contract, and the arguments.
        """
        if self.evm is not None:
            if not self.function:
                raise click.UsageError("--evm needs --function 'f(uint256)', the one to run")
            with progress("following the contract"):
                return compiled.from_contract(self.evm, self.function, self.bounds), words
        if not words:
            raise click.UsageError("Missing argument 'FILE[:FUNC]'.")
        path, function = split(words[0])
        if self.function and function:
            raise click.UsageError(f"two functions are named: {function} and {self.function}")
        entry = self.function or function or "main"
        return compiled.from_file(path, entry, bounds=self.bounds), words[1:]


def split(target: str) -> tuple[Path, str]:
    """The file and the function that a person names, which may be none."""
    path, colon, function = target.rpartition(":")
    if colon and (function.isidentifier() or function.endswith(")")):
        return Path(path), function
    return Path(target), ""


_BOUND_NAMES = {
    "fork": "fork",
    "loop_bound": "loop",
    "array_bound": "array",
    "memory_bytes": "memory_bytes",
    "private": "private",
}
"""What the options for bounds are called among bounds."""


def _bounds(options: Mapping[str, Any]) -> Bounds:
    """Bounds from options, of which those that say nothing are None."""
    said = {_BOUND_NAMES[name]: value for name, value in options.items() if value is not None}
    return Bounds(**{**said, "private": tuple(sorted(set(said["private"])))})


def _spoken(flag: str, value: Any) -> str:
    """An option as a person gives it."""
    if isinstance(value, tuple):
        return " ".join(f"{flag} {one}" for one in value) or f"no {flag}"
    return f"no {flag}" if value is None else f"{flag} {value}"


_NAMES = (
    click.option(
        "--evm",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="CONTRACT",
        help="A contract of the EVM, in place of FILE; with --function.",
    ),
    click.option("--function", metavar="NAME", help="Which one: of a contract, 'f(uint256)'."),
)
_BOUNDS = (
    click.option("--fork", metavar="NAME", help="Whose opcodes a contract has."),
    click.option(
        "--loop-bound", type=click.IntRange(1, ROUNDS_MAX), metavar="N",
        help="Most rounds of a loop that the inputs end, in a proof.",
    ),
    click.option(
        "--array-bound", type=click.IntRange(min=1), metavar="N",
        help="Most elements of a contract's array without a length.",
    ),
    click.option(
        "--memory-bytes", type=click.IntRange(min=32), metavar="N",
        help="Memory that a contract reaches at computed offsets.",
    ),
    click.option(
        "--private", type=click.IntRange(min=0), multiple=True, metavar="INDEX",
        help="A contract's parameter, from 0, that proofs hide.",
    ),
)  # fmt: skip


def takes_program(command: C) -> C:
    """Give a command the options that name a program, as its argument ``target``."""

    @functools.wraps(command)
    def with_target(*args: Any, **options: Any) -> Any:
        named = {name: options.pop(name) for name in Target.__struct_fields__}
        return command(*args, target=Target(**named), **options)

    found: C = _with(with_target, _NAMES + _BOUNDS)
    return found


def takes_bounds(command: C) -> C:
    """Give a command the options that bound a program, as its argument ``bounds``."""

    @functools.wraps(command)
    def with_bounds(*args: Any, **options: Any) -> Any:
        named = {name: options.pop(name) for name in _BOUND_NAMES}
        return command(*args, bounds=_bounds(named), **options)

    found: C = _with(with_bounds, _BOUNDS)
    return found


def _with(command: Any, options: Sequence[Callable[[Any], Any]]) -> Any:
    for option in reversed(options):
        command = option(command)
    return command
