"""The interpreter of a fork: a module of handlers and routines, compiled once and kept on disk."""

import ctypes
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from numen.evm.forks import Fork
from numen.evm.native import convention, landing
from numen.evm.native.code import write_jump_map
from numen.evm.native.handler import name_of, write_handler
from numen.evm.native.keccak import write_keccak
from numen.evm.native.memory import write_memory
from numen.evm.native.opcodes import EMIT, arithmetic, environment
from numen.evm.native.world import write_world
from numen.kernels import compiler
from numen.kernels.compiler import Library
from numen.kernels.llvm import Module
from numen.kernels.options import Options

TABLE: Final = "handlers"
"""Name of the table of handlers in the module."""

OPTIONS: Final = Options(passes="quick", codegen=2, cached=False)
"""Measured: `quick` costs half of `O2`, and the code is the same but for a hundredth."""

_Writer = Callable[[Module, Fork], None]

_WRITERS: Final[tuple[_Writer, ...]] = (
    convention.write_convention,
    landing.write_landing,
    write_memory,
    write_jump_map,
    write_keccak,
    arithmetic.write_power,
    environment.write_block_hash,
    write_world,
)
"""Everything a module has besides handlers. Each gets the module and the fork."""

_MAKERS: Final = ("evm", "jit", "ir", "kernels")
"""Packages whose code decides what an interpreter is."""


class Interpreter:
    """Native code that runs one fork's rules. Threads may share it.

    Attributes:
        fork: The rules.
        library: The code; holds every function that `convention` and `runtime_types` name.
        table: Address of the 256 handlers, for `World.table`.
    """

    def __init__(self, fork: Fork, library: Library) -> None:
        """Wrap what was compiled for a fork."""
        self.fork = fork
        self.library = library
        self.table = library.address(TABLE)
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
        code = compiler.recall(
            recipe, lambda: compiler.compile_module(str(module_of(fork)), options=OPTIONS)
        )
        _loaded[recipe] = Interpreter(fork, Library(code, {}))
    return _loaded[recipe]


_loaded: dict[str, Interpreter] = {}


def module_of(fork: Fork) -> Module:
    """Write the interpreter of a fork."""
    module = Module()
    for write in _WRITERS:
        write(module, fork)
    for byte in range(256):
        write_handler(module, fork, byte, EMIT.get(byte))
    pointers = ", ".join(f"ptr @{name_of(byte)}" for byte in range(256))
    module.constant(TABLE, "[256 x ptr]", f"[{pointers}]", exported=True)
    return module


@functools.cache
def _sources() -> str:
    """Names the code that writes interpreters: by the state of its files."""
    root = Path(__file__).parents[2]
    files = [file for package in _MAKERS for file in (root / package).rglob("*.py")]
    states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(files)]
    return hashlib.blake2b(repr(states).encode(), digest_size=16).hexdigest()
