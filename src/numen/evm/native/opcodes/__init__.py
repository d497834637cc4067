"""What each opcode does, as emitters over a `Body`."""

from typing import Final

from numen.evm.native.body import Emitter
from numen.evm.native.opcodes import (
    accounts,
    arithmetic,
    calls,
    control,
    copying,
    create,
    environment,
    halts,
    hashing,
    logs,
    memory,
    stack,
    storage,
)

LEAVING: Final = frozenset({0x00, 0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xFA, 0xFD, 0xFE, 0xFF})
"""Opcodes that end a region: it flushes its stack and goes on in the interpreter's handler."""

EMIT: Final[dict[int, Emitter]] = {
    **arithmetic.EMIT,
    **stack.EMIT,
    **memory.EMIT,
    **control.EMIT,
    **copying.EMIT,
    **hashing.EMIT,
    **environment.EMIT,
    **accounts.EMIT,
    **storage.EMIT,
    **logs.EMIT,
    **calls.EMIT,
    **create.EMIT,
    **halts.EMIT,
}
"""The emitter of each opcode by its byte. JUMPDEST has none: drivers write it themselves."""
