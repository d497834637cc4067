"""One running piece of code: its stack, memory and gas.

Every word is a Python integer below 2**256. What an opcode pays for and takes goes through the
methods here, so that no opcode can forget a bound: a failure is a `HaltError` and ends the frame.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import msgspec

from numen.evm import gas as prices
from numen.evm.block import Block, Context
from numen.evm.errors import HaltError, ResourceLimitError
from numen.evm.forks import Fork
from numen.evm.gas import Gas
from numen.evm.halt import Halt
from numen.evm.journal import Journal
from numen.evm.opcodes import BY_NAME, OPCODES

MEMORY_MAX = 1 << 30
"""Bytes that all frames of a run may have together; a run that pays for more is given up."""

ADDRESS_MASK = (1 << 160) - 1

_JUMPDEST = BY_NAME["JUMPDEST"].byte

_LENGTHS = [1 + (OPCODES[byte].immediate if byte in OPCODES else 0) for byte in range(256)]
"""Bytes of code from one instruction to the next, by the byte of the first."""


class World(msgspec.Struct):
    """What all frames of a machine share.

    Attributes:
        fork: The rules.
        journal: The state.
        block: The block they see.
        context: The transaction they see.
        memory_bytes: Bytes of memory of the frames that are open.
    """

    fork: Fork
    journal: Journal
    block: Block
    context: Context
    memory_bytes: int = 0

    @property
    def gas(self) -> Gas:
        """The prices."""
        return self.fork.gas


class Scope(msgspec.Struct, frozen=True):
    """What a call gives its callee.

    Attributes:
        address: Whose storage, balance and name the code has.
        caller: Who called.
        value: Wei it sees; they move only if ``moves_value``.
        data: Input; empty for a creation.
        code: What runs.
        gas: What it may use.
        depth: Frames above it.
        is_static: Whether it may change anything.
        moves_value: Whether ``value`` goes from ``caller`` to ``address``.
        is_create: Whether ``code`` makes the contract ``address``.
        precompile: Number of the precompiled contract that runs instead of ``code``; 0 for none.
        output_at: Offset and length in the caller's memory where output goes.
    """

    address: bytes
    caller: bytes
    value: int
    data: bytes
    code: bytes
    gas: int
    depth: int
    is_static: bool = False
    moves_value: bool = True
    is_create: bool = False
    precompile: int = 0
    output_at: tuple[int, int] = (0, 0)


class Frame:
    """Code that runs.

    Attributes:
        world: What all frames share.
        scope: What its call gave it.
        gas: Gas left.
        pc: Offset of the instruction that runs.
        next_pc: Offset of the one after it.
        stack: Words, the top last.
        memory: Bytes, a multiple of 32.
        return_data: What its last call gave back (EIP-211).
        halt: Why it ended; None while it runs.
        output: What it gives back.
        checkpoint: The journal before its effects.
        asked: Gas that the present instruction has asked for, paid or not.
    """

    __slots__ = (
        "asked",
        "checkpoint",
        "gas",
        "halt",
        "memory",
        "next_pc",
        "output",
        "pc",
        "return_data",
        "scope",
        "stack",
        "world",
    )

    def __init__(self, world: World, scope: Scope) -> None:
        self.world = world
        self.scope = scope
        self.gas = scope.gas
        self.pc = 0
        self.next_pc = 0
        self.stack: list[int] = []
        self.memory = bytearray()
        self.return_data = b""
        self.halt: Halt | None = None
        self.output = b""
        self.checkpoint = world.journal.snapshot()
        self.asked = 0

    def pop(self) -> int:
        """Take the top word; the interpreter has checked that it is there."""
        return self.stack.pop()

    def pop_address(self) -> bytes:
        """Take the top word as an address: its lowest 20 bytes."""
        return (self.stack.pop() & ADDRESS_MASK).to_bytes(20, "big")

    def push(self, word: int) -> None:
        """Put a word on top; the interpreter has checked that there is room."""
        self.stack.append(word)

    def charge(self, gas: int) -> None:
        """Pay.

        Raises:
            HaltError: There is less gas left.
        """
        self.asked += gas
        if gas > self.gas:
            raise HaltError(Halt.OUT_OF_GAS)
        self.gas -= gas

    def expand(self, *ranges: tuple[int, int]) -> None:
        """Pay for, and make, memory that holds every range of offset and length.

        A range of no length needs none, wherever it is.

        Raises:
            HaltError: The gas does not pay for it.
            ResourceLimitError: It does, but this machine does not have it.
        """
        end = max((offset + length for offset, length in ranges if length), default=0)
        size = len(self.memory)
        if end <= size:
            return
        grown = prices.words(end) * 32
        total = prices.memory_total
        self.charge(total(self.world.gas, grown) - total(self.world.gas, size))
        self.world.memory_bytes += grown - size
        if self.world.memory_bytes > MEMORY_MAX:
            raise ResourceLimitError(f"the frames of a run need more than {MEMORY_MAX} bytes")
        self.memory.extend(bytes(grown - size))

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of memory that was expanded."""
        return bytes(self.memory[offset : offset + length]) if length else b""

    def write(self, offset: int, data: bytes) -> None:
        """Write to memory that was expanded."""
        if data:
            self.memory[offset : offset + len(data)] = data

    def require_writes(self) -> None:
        """Make sure that this frame may change something.

        Raises:
            HaltError: It is static.
        """
        if self.scope.is_static:
            raise HaltError(Halt.STATIC_WRITE)

    def charge_access(self, address: bytes) -> None:
        """Pay what the first access of an account costs on top of an opcode's base (EIP-2929)."""
        if self.world.journal.warm(address):
            self.charge(self.world.gas.account_cold)


Handler: TypeAlias = Callable[[Frame], Frame | None]
"""Carries out one opcode whose base price is paid and whose operands are there.

It gives the frame of a call that is to run before the next instruction, or None.
"""


@lru_cache(maxsize=64)
def jump_map(code: bytes) -> bytes:
    """For each byte of a code, 1 where a jump may go: a JUMPDEST outside the bytes of a PUSH."""
    found, at = bytearray(len(code)), 0
    while at < len(code):
        byte = code[at]
        if byte == _JUMPDEST:
            found[at] = 1
        at += _LENGTHS[byte]
    return bytes(found)
