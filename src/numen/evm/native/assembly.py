"""The module of an interpreter: a handler for each byte, and everything that handlers call."""

from collections.abc import Callable
from typing import Final

from numen.evm.forks import Fork
from numen.evm.native import convention, landing
from numen.evm.native.code import write_jump_map
from numen.evm.native.interpreter_body import name_of, write_handler
from numen.evm.native.keccak import write_keccak
from numen.evm.native.memory import write_memory
from numen.evm.native.opcodes import EMIT, arithmetic, environment
from numen.evm.native.world import write_world
from numen.kernels.llvm import Module

TABLE: Final = "handlers"
"""Name of the table of handlers in the module."""

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
