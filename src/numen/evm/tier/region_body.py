"""A region's body: opcodes in a function of many blocks, operands in registers.

The words of the stack are followed while code is written: a word that a block pushes is the value
itself, a word from below is read when an opcode wants it. Between blocks every slot that is written
has a variable, which LLVM turns into registers and phis.
"""

from collections.abc import Iterable

import msgspec

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native import convention
from numen.evm.native.body import STACK, constant_of
from numen.evm.native.convention import Registers
from numen.evm.native.interpreter_body import NO_MEMORY, WORD_BYTES
from numen.evm.native.layout import FRAME, WORLD
from numen.evm.native.memory import rounded
from numen.evm.native.runtime_types import routine
from numen.evm.tier.blocks import Instruction
from numen.evm.tier.regions import Instance
from numen.evm.tier.slots import Known
from numen.kernels.llvm import Function, Label, Value, const

_OFFSET_BITS = 32
"""Offsets and lengths of this many bits need no further look; larger ones never fit."""


class RegionBody:
    """A `Body` in the function of a region.

    Attributes:
        target: Where the instruction that was written last jumps, if it does.
        condition: Whether it does, an i1; None where it always does.
        filled: Slots whose variables must be filled when the region is entered.
    """

    def __init__(self, f: Function, r: Registers, code: bytes, fork: Fork) -> None:
        """Prepare the variables; the entry block is being written.

        Args:
            f: The function.
            r: Its registers as they are at entry.
            code: That the region belongs to.
            fork: The rules.
        """
        self.f = f
        self.fork = fork
        self.frame = r.frame
        self.target: Value | None = None
        self.condition: Value | None = None
        self.filled: set[int] = set()
        self._entry = r
        self._code = code
        self._gas = f.alloca("i64", align=8)
        self._msize = f.alloca("i64", align=8)
        f.store(r.gas, self._gas)
        f.store(r.msize, self._msize)
        self._variables: dict[int, Value] = {}
        self._failures: dict[Halt, Label] = {}
        self._words: list[Value | None] = []
        self._bottom = 0
        self._height = 0
        self._known = Known(frozenset(), frozenset(), 0)
        self._memory_bytes = 0
        self._instruction = Instruction(0, 0, 0)

    # Driving. -----------------------------------------------------------------------------------

    def begin(self, instance: Instance, known: Known) -> None:
        """Start writing a chain of instances, at the end of the current block."""
        self._words = []
        self._bottom = self._height = instance.height
        self._known = known
        self._memory_bytes = known.memory

    def step(self, instruction: Instruction) -> None:
        """Start writing an instruction."""
        self._instruction = instruction

    def settle(self, slots: Iterable[int]) -> None:
        """Put words that were written since `begin` into their variables."""
        for slot in sorted(slots):
            word = self._words[slot - self._bottom]
            assert word is not None
            self.f.store(word, self._variable(slot))

    def flush(self, known: Known, top: int, lowest: int | None = None) -> None:
        """Write to the stack's memory what only variables have.

        Args:
            known: What holds here.
            top: Height of the stack; what lies above is not needed.
            lowest: Slots below are not needed either; None: all are.
        """
        for slot in sorted(known.maybe):
            if slot < top and (lowest is None or slot >= lowest):
                word = self.f.load("i256", self._variable_of(slot, known))
                self.f.store(word, self.place(slot), alias=STACK)

    def fill(self) -> None:
        """Fill the variables that may be read before they are written."""
        for slot in sorted(self.filled):
            word = self.f.load("i256", self.place(slot), alias=STACK)
            self.f.store(word, self._variable(slot))

    def fail_everywhere(self) -> None:
        """Write the ends of all failures."""
        for halt, label in self._failures.items():
            self.f.at(label)
            convention.fail(self.f, self._entry, halt)

    def place(self, slot: int) -> Value:
        """Address of a slot in the stack's memory."""
        return self.f.gep("i256", self._entry.sp, slot) if slot else self._entry.sp

    def at(self, pc: Value, top: int) -> Registers:
        """The registers for going on elsewhere, with a stack of a height."""
        return msgspec.structs.replace(
            self._entry, pc=pc, sp=self.place(top), gas=self.gas(), msize=self.msize()
        )

    def failure(self, halt: Halt) -> Label:
        """The block that fails."""
        if halt not in self._failures:
            self._failures[halt] = self.f.block(halt.name.lower())
        return self._failures[halt]

    # What opcodes ask for. ----------------------------------------------------------------------

    def world(self) -> Value:
        return FRAME.load(self.f, self.frame, "world", is_fixed=True)

    def field(self, name: str) -> Value:
        if name == "code_length":
            return const("i64", len(self._code))
        if name in FRAME:
            return FRAME.load(self.f, self.frame, name, is_fixed=True)
        return WORLD.load(self.f, self.world(), name, is_fixed=True)

    def pop(self) -> Value:
        word = self._word(1)
        self._words.pop()
        return word

    def pop_truth(self) -> Value:
        return self.f.icmp("ne", self.pop(), 0)

    def drop(self) -> None:
        """Take the top, unread."""
        if self._words:
            self._words.pop()
        else:
            self._bottom -= 1

    def push(self, value: Value) -> None:
        self._words.append(self._extended(value))

    def duplicate(self, depth: int) -> None:
        self._words.append(self._word(depth))

    def exchange(self, depth: int) -> None:
        top, other = self._word(1), self._word(depth + 1)
        self._words[-1], self._words[-1 - depth] = other, top

    def immediate(self, size: int) -> Value:
        assert size > 0
        return const("i256", self._instruction.immediate)

    def pc(self) -> Value:
        return const("i64", self._instruction.pc)

    def gas(self) -> Value:
        return self.f.load("i64", self._gas)

    def msize(self) -> Value:
        return self.f.load("i64", self._msize)

    def charge(self, amount: Value | int) -> None:
        left = self.f.sub(self.gas(), amount)
        self.fail_if(self.f.icmp("slt", left, 0), Halt.OUT_OF_GAS)
        self.f.store(left, self._gas)

    def fail_if(self, cond: Value, halt: Halt) -> None:
        if constant_of(cond) == 0:
            return
        after = self.f.block(f"ok_{self._instruction.pc:x}")
        self.f.cond_br(cond, self.failure(halt), after, likely=False)
        self.f.at(after)

    def memory(self, offset: Value, length: Value | int) -> tuple[Value, Value]:
        f = self.f
        size = constant_of(length) if isinstance(length, Value) else length
        if size == 0:
            return self._entry.memory, const("i64", 0)
        start = constant_of(offset)
        if size is not None and max(size, start or 0) < 1 << _OFFSET_BITS:
            if start is not None:
                return self._near(start, size)
            at = f.trunc(offset, "i64")
            end = f.add(at, size)
            is_far = f.icmp("ne", f.lshr(offset, _OFFSET_BITS), 0)
            is_more = f.or_(is_far, f.icmp("ugt", end, self.msize()))
            with f.when(is_more, likely=False):
                self._expand(f.select(is_far, const("i64", NO_MEMORY), end))
            return f.gep("i8", self._entry.memory, at), const("i64", size)
        word = const("i256", length) if isinstance(length, int) else length
        return self._range(offset, word)

    def call(self, name: str, *args: Value) -> Value:
        return self.f.call(routine(self.f.module, name), *args)

    def jump(self, target: Value) -> None:
        self.target, self.condition = target, None

    def jump_if(self, target: Value, cond: Value) -> None:
        self.target, self.condition = target, cond

    def finish(self, halt: Halt, output: Value, length: Value) -> None:
        convention.finish(self.f, self.at(self._entry.pc, 0), halt, output, length)

    def registers(self) -> Registers:
        raise AssertionError("what leaves the frame is handed over")

    # Words. -------------------------------------------------------------------------------------

    def _word(self, depth: int) -> Value:
        """The word at a depth, 1 for the top; read from below where nobody did yet."""
        missing = depth - len(self._words)
        if missing > 0:
            self._words[:0] = [None] * missing
            self._bottom -= missing
        word = self._words[-depth]
        if word is None:
            index = len(self._words) - depth
            word = self._words[index] = self._read(self._bottom + index)
        return word

    def _read(self, slot: int) -> Value:
        known = self._known
        if slot not in known.maybe:
            return self.f.load("i256", self.place(slot), alias=STACK)
        return self.f.load("i256", self._variable_of(slot, known))

    def _variable_of(self, slot: int, known: Known) -> Value:
        """The variable of a slot that was written on some way, for reading."""
        if slot not in known.dirty:
            self.filled.add(slot)
        return self._variable(slot)

    def _variable(self, slot: int) -> Value:
        found = self._variables.get(slot)
        if found is None:
            found = self._variables[slot] = self.f.alloca("i256")
        return found

    def _extended(self, value: Value) -> Value:
        known = constant_of(value)
        return self.f.zext(value, "i256") if known is None else const("i256", known)

    # Memory. ------------------------------------------------------------------------------------

    def _near(self, start: int, size: int) -> tuple[Value, Value]:
        """Bytes at a place that is known."""
        f, end = self.f, start + size
        if end > self._memory_bytes:
            with f.when(f.icmp("ult", self.msize(), end), likely=False):
                self._expand(const("i64", end))
            self._memory_bytes = -(-end // WORD_BYTES) * WORD_BYTES
        return f.gep("i8", self._entry.memory, start), const("i64", size)

    def _range(self, offset: Value, length: Value) -> tuple[Value, Value]:
        """Bytes of which nothing is known."""
        f = self.f
        at, size = f.trunc(offset, "i64"), f.trunc(length, "i64")
        end = f.add(at, size)
        is_far = f.icmp("ne", f.lshr(f.or_(offset, length), _OFFSET_BITS), 0)
        is_some = f.icmp("ne", length, 0)
        is_more = f.and_(is_some, f.or_(is_far, f.icmp("ugt", end, self.msize())))
        with f.when(is_more, likely=False):
            self._expand(f.select(is_far, const("i64", NO_MEMORY), end))
        return f.gep("i8", self._entry.memory, f.select(is_some, at, 0)), size

    def _expand(self, end: Value) -> None:
        f = self.f
        left = f.call(routine(f.module, "expand"), self.frame, end, self.gas(), self.msize())
        self.fail_if(f.icmp("slt", left, 0), Halt.OUT_OF_GAS)
        f.store(left, self._gas)
        f.store(rounded(f, end), self._msize)
