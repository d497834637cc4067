"""Bytecode as basic blocks, decoded where somebody looks.

A block is a run of instructions that is entered at its first and left at its last. What it does to
the stack is told in slots: slot ``i`` is the word ``i`` places above the stack pointer the block
begins with, so ``-1`` is the top at entry. Constants are followed through PUSH, DUP and SWAP, since
that is how the target of nearly every jump comes about.

Hostile code costs what is asked for: decoding begins at a block's first byte and ends with it.
"""

import functools
import re
from enum import Enum, auto
from typing import Final, TypeAlias

import msgspec

from numen.evm.forks import Fork
from numen.evm.opcodes import BY_NAME, OPCODES

BLOCK_INSTRUCTIONS_MAX: Final = 256
"""A longer block is cut; the rest of it is a block that is fallen into."""


class Below(msgspec.Struct, frozen=True, gc=False):
    """The word that lies in a slot when the block begins.

    Attributes:
        slot: Which one; negative.
    """

    slot: int


Symbol: TypeAlias = int | Below | None
"""What is known of a word before the code runs: a constant, a word from below, or nothing."""


class End(Enum):
    """How control leaves a block."""

    FALL = auto()
    """Into the next block."""
    JUMP = auto()
    BRANCH = auto()
    """JUMPI: a jump, or into the next block."""
    HAND_OVER = auto()
    """To the interpreter, which runs an instruction that control does not simply fall out of."""


class Instruction(msgspec.Struct, frozen=True, gc=False):
    """One instruction.

    Attributes:
        pc: Offset of its opcode in the code.
        byte: The opcode.
        immediate: Its immediate bytes as a big-endian number; 0 without.
    """

    pc: int
    byte: int
    immediate: int


class Block(msgspec.Struct, frozen=True, gc=False):
    """A basic block.

    Attributes:
        pc: Of its first instruction.
        body: Its instructions, a jump at the end included, one handed over excluded.
        end: How it ends.
        end_pc: Of what ends it: the jump, the instruction handed over, or the next block.
        next_pc: Where control goes on when it does not jump: the block fallen into, or, after an
            instruction that was handed over, the one behind it. None where it never does.
        target: Where a jump goes.
        need: Words that must lie on the stack at entry.
        grow: Most words the stack has above its height at entry, at any time.
        delta: Words it has more (or, negative, fewer) at the end.
        writes: Slots below the new height whose word may be another than at entry, with what is
            known of it, by slot.
        touched: Bytes of memory that are in use at the end at least, because the block touched them
            at places that are constants in it.
    """

    pc: int
    body: tuple[Instruction, ...]
    end: End
    end_pc: int
    next_pc: int | None
    target: Symbol
    need: int
    grow: int
    delta: int
    writes: tuple[tuple[int, Symbol], ...]
    touched: int


JUMPDEST: Final = BY_NAME["JUMPDEST"].byte
_JUMP: Final = BY_NAME["JUMP"].byte
_JUMPI: Final = BY_NAME["JUMPI"].byte
_POP: Final = BY_NAME["POP"].byte
_PC: Final = BY_NAME["PC"].byte
_PUSH0, _PUSH1, _PUSH32 = (BY_NAME[name].byte for name in ("PUSH0", "PUSH1", "PUSH32"))
_DUP1, _DUP16 = BY_NAME["DUP1"].byte, BY_NAME["DUP16"].byte
_SWAP1, _SWAP16 = BY_NAME["SWAP1"].byte, BY_NAME["SWAP16"].byte

_WORD_BYTES: Final = 32
_TOUCHED_BYTES: Final = {
    BY_NAME[name].byte: size for name, size in {"MLOAD": 32, "MSTORE": 32, "MSTORE8": 1}.items()
}
_NEAR_BYTES: Final = 1 << 20
"""Constants above this are no offsets that code gets past."""

HALTS: Final = frozenset(
    BY_NAME[name].byte for name in ("STOP", "RETURN", "REVERT", "SELFDESTRUCT", "INVALID")
)
"""After these there is no next instruction."""

CALLS: Final = frozenset(
    BY_NAME[name].byte
    for name in ("CREATE", "CREATE2", "CALL", "CALLCODE", "DELEGATECALL", "STATICCALL")
)
"""These begin another frame, and the next instruction waits for its end."""

_DESTINATION_OR_PUSH: Final = re.compile(rb"[\x5b\x60-\x7f]")


def jump_destinations(code: bytes) -> frozenset[int]:
    """Offsets of the JUMPDESTs that are instructions and not inside an immediate."""
    found, position = [], 0
    search = _DESTINATION_OR_PUSH.search
    while (match := search(code, position)) is not None:
        position = match.start() + 1
        byte = code[position - 1]
        if byte == JUMPDEST:
            found.append(position - 1)
        else:
            position += byte - _PUSH0
    return frozenset(found)


class Program:
    """A code under a fork's rules.

    Attributes:
        code: The bytes.
        fork: Decides which bytes are instructions, and their prices.
    """

    def __init__(self, code: bytes, fork: Fork) -> None:
        """Take a code; nothing is decoded yet."""
        self.code = code
        self.fork = fork
        self._blocks: dict[int, Block] = {}
        self._reads: dict[int, int | None] = {}

    @functools.cached_property
    def destinations(self) -> frozenset[int]:
        """Where jumps may go; cost: one pass over the code."""
        return jump_destinations(self.code)

    def block(self, pc: int) -> Block:
        """The block that begins at an instruction; behind the end of the code there are STOPs."""
        block = self._blocks.get(pc)
        if block is None:
            block = self._blocks[pc] = _decode(self.code, self.fork, pc)
        return block

    def reads_below(self, pc: int, blocks_max: int = 4) -> int | None:
        """How deep the stack may still be read from here until the frame ends.

        Args:
            pc: Where control goes on.
            blocks_max: How many blocks to follow.

        Returns:
            A number of words, or None where that is not known. Code that only fails with a message
            reads none of the words of the function it is in.
        """
        if pc not in self._reads:
            self._reads[pc] = self._look_below(self.block(pc), blocks_max)
        return self._reads[pc]

    def _look_below(self, block: Block, blocks_max: int) -> int | None:
        after: int | None = None
        if block.end is End.HAND_OVER and block.next_pc is None:
            byte = self.code[block.end_pc] if block.end_pc < len(self.code) else 0
            after = OPCODES[byte].pops if byte in HALTS else 0
        elif block.end in (End.JUMP, End.FALL) and blocks_max > 1:
            target = block.target if block.end is End.JUMP else block.next_pc
            if isinstance(target, int) and (block.end is End.FALL or target in self.destinations):
                after = self._look_below(self.block(target), blocks_max - 1)
        return None if after is None else max(block.need, after - block.delta)


class _Tracer:
    """What a block does to the stack, followed instruction by instruction."""

    def __init__(self) -> None:
        self.need = self.grow = self.touched = 0
        self._words: list[Symbol] = []

    @property
    def delta(self) -> int:
        return len(self._words) - self.need

    def _reach(self, count: int) -> None:
        """Make the uppermost words known by name."""
        missing = count - len(self._words)
        if missing > 0:
            below = [Below(-self.need - i) for i in range(missing, 0, -1)]
            self._words[:0] = below
            self.need += missing

    def pop(self) -> Symbol:
        self._reach(1)
        return self._words.pop()

    def step(self, instruction: Instruction) -> None:
        byte, words = instruction.byte, self._words
        if _PUSH0 <= byte <= _PUSH32:
            words.append(instruction.immediate)
        elif _DUP1 <= byte <= _DUP16:
            depth = byte - _DUP1 + 1
            self._reach(depth)
            words.append(words[-depth])
        elif _SWAP1 <= byte <= _SWAP16:
            depth = byte - _SWAP1 + 2
            self._reach(depth)
            words[-1], words[-depth] = words[-depth], words[-1]
        else:
            opcode = OPCODES[byte]
            self._reach(opcode.pops)
            if byte in _TOUCHED_BYTES:
                self._touch(words[-1], _TOUCHED_BYTES[byte])
            if opcode.pops:
                del words[-opcode.pops :]
            words.extend([instruction.pc if byte == _PC else None] * opcode.pushes)
        self.grow = max(self.grow, self.delta)

    def _touch(self, offset: Symbol, size: int) -> None:
        if isinstance(offset, int) and offset < _NEAR_BYTES:
            words = -(-(offset + size) // _WORD_BYTES)
            self.touched = max(self.touched, words * _WORD_BYTES)

    def writes(self) -> tuple[tuple[int, Symbol], ...]:
        return tuple(
            (slot, word) for slot, word in enumerate(self._words, -self.need) if word != Below(slot)
        )


def _decode(code: bytes, fork: Fork, start: int) -> Block:
    body: list[Instruction] = []
    trace = _Tracer()
    pc, target, prices = start, None, fork.base_gas

    def close(end: End, next_pc: int | None) -> Block:
        end_pc = body[-1].pc if end in (End.JUMP, End.BRANCH) else pc
        shape = trace.need, trace.grow, trace.delta, trace.writes(), trace.touched
        return Block(start, tuple(body), end, end_pc, next_pc, target, *shape)

    while True:
        byte = code[pc] if pc < len(code) else 0
        if byte in HALTS or byte not in prices:
            return close(End.HAND_OVER, None)
        if byte in CALLS:
            return close(End.HAND_OVER, pc + 1)
        if pc > start and (byte == JUMPDEST or len(body) >= BLOCK_INSTRUCTIONS_MAX):
            return close(End.FALL, pc)
        width = OPCODES[byte].immediate
        immediate = code[pc + 1 : pc + 1 + width].ljust(width, b"\0")
        instruction = Instruction(pc, byte, int.from_bytes(immediate, "big"))
        body.append(instruction)
        pc += 1 + width
        if byte in (_JUMP, _JUMPI):
            target = trace.pop()
            if byte == _JUMP:
                return close(End.JUMP, None)
            trace.pop()
            return close(End.BRANCH, pc)
        trace.step(instruction)
