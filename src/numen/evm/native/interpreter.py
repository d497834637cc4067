"""The interpreter of a fork: compiled once, kept on disk, loaded once a process."""

import ctypes
import functools
import hashlib
from pathlib import Path
from typing import Any, Final

from numen.evm.forks import Fork
from numen.kernels import compiler
from numen.kernels.compiler import Library
from numen.kernels.options import Options

OPTIONS: Final = Options(passes="quick", codegen=2, is_far=True, cached=False)
"""Measured: `quick` costs half of `O2`, and the code is the same but for a hundredth."""

_MAKERS: Final = ("evm/*.py", "evm/native/**/*.py", "jit/*.py", "ir/*.py", "kernels/*.py")
"""Files whose code decides what an interpreter is."""


class Interpreter:
    """Native code that runs one fork's rules. Threads may share it.

    Attributes:
        fork: The rules.
        library: The code; holds every function that `convention` and `runtime_types` name.
        table: Address of the 256 handlers, for `World.table`.
        enter: Runs a World, by its address.
    """

    def __init__(self, fork: Fork, library: Library) -> None:
        """Wrap what was compiled for a fork."""
        self.fork = fork
        self.library = library
        self.table = library.address("handlers")
        self.enter: Any = library.function("enter", None, ctypes.c_void_p)

    def address(self, name: str) -> int:
        """Address of a named function, as an import of compiled regions."""
        return self.library.address(name)


def interpreter(fork: Fork) -> Interpreter:
    """The interpreter of a fork: from memory, from disk, or made.

    Cost: a second for the first ever of a fork, milliseconds for the first of a process.

    Raises:
        CompileError: LLVM cannot make code for this machine.
    """
    recipe = hashlib.blake2b(f"{_sources()} {fork!r}".encode(), digest_size=16).hexdigest()
    if recipe not in _loaded:
        code = compiler.recall(recipe, lambda: _compile(fork))
        _loaded[recipe] = Interpreter(fork, Library(code, {}))
    return _loaded[recipe]


_loaded: dict[str, Interpreter] = {}


def _compile(fork: Fork) -> bytes:
    # What writes an interpreter takes longer to import than one takes to load.
    from numen.evm.native.assembly import module_of  # noqa: PLC0415

    return compiler.compile_module(str(module_of(fork)), options=OPTIONS)


@functools.cache
def _sources() -> str:
    """Names the code that writes interpreters: by the state of its files."""
    root = Path(__file__).parents[2]
    files = [file for pattern in _MAKERS for file in root.glob(pattern)]
    states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(files)]
    return hashlib.blake2b(repr(states).encode(), digest_size=16).hexdigest()
