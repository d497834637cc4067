"""The interpreter's body: one opcode as a function, operands in the stack's memory.

A handler begins with the registers as its arguments, checks the stack's height, pays the static
price, does what the emitter says and ends in the next opcode's handler. Every failure leaves with
the registers it came with, so the cold ends cost one jump each.
"""

from collections.abc import Sequence

import msgspec

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native import convention, landing, lookahead
from numen.evm.native.body import STACK, Emitter
from numen.evm.native.convention import Registers
from numen.evm.native.layout import FRAME, STACK_LIMIT, WINDOW_BYTES, WORLD
from numen.evm.native.runtime_types import routine
from numen.evm.opcodes import BY_NAME, OPCODES, Opcode
from numen.kernels.llvm import Function, Label, Module, Value, const

JUMPDEST = BY_NAME["JUMPDEST"].byte

WORD_BYTES = 32

NO_MEMORY = 2**63 - 1
"""`Frame.memory_end` for an end that no price could pay for."""


_ATTRIBUTES = "nounwind noimplicitfloat"
"""Words are moved by limbs: a wide load of what was just stored by limbs waits for memory."""


class Handler:
    """A `Body` in a function of its own."""

    def __init__(self, module: Module, fork: Fork, opcode: Opcode) -> None:
        """Open the handler of an opcode that the fork has.

        Args:
            module: The interpreter's.
            fork: The rules.
            opcode: What it does is written by the caller, between this and `close`.
        """
        self.fork = fork
        self.opcode = opcode
        self.f, self.before = convention.open_function(
            module, name_of(opcode.byte), attributes=_ATTRIBUTES
        )
        self.frame = self.before.frame
        self._popped = 0
        self._pushed: list[Value] = []
        self._failures: dict[Halt, Label] = {}
        self._world: Value | None = None
        self._gas = self.f.alloca("i64", align=8)
        self.f.store(self.before.gas, self._gas)
        self._check_height()
        price = fork.base_gas[opcode.byte]
        if price:
            self.charge(price)

    def close(self) -> None:
        """Go on with the next opcode, unless the emitter has ended this one otherwise."""
        if not self.f.ended:
            self._look_ahead()
            convention.dispatch(self.f, self.registers())
        for halt, label in self._failures.items():
            self.f.at(label)
            convention.fail(self.f, self.before, halt)

    def world(self) -> Value:
        if self._world is None:
            self._world = FRAME.load(self.f, self.frame, "world", is_fixed=True)
        return self._world

    def field(self, name: str) -> Value:
        if name in FRAME:
            return FRAME.load(self.f, self.frame, name, is_fixed=True)
        return WORLD.load(self.f, self.world(), name, is_fixed=True)

    def pop(self) -> Value:
        if self._pushed:
            return self.f.zext(self._pushed.pop(), "i256")
        limbs = self._pop_limbs()
        word = self.f.zext(limbs[0], "i256")
        for i, limb in enumerate(limbs[1:], 1):
            word = self.f.or_(word, self.f.shl(self.f.zext(limb, "i256"), 64 * i))
        return word

    def pop_truth(self) -> Value:
        f = self.f
        if self._pushed:
            return f.icmp("ne", f.zext(self._pushed.pop(), "i256"), 0)
        a, b, c, d = self._pop_limbs()
        return f.icmp("ne", f.or_(f.or_(a, b), f.or_(c, d)), 0)

    def drop(self) -> None:
        assert not self._pushed, "an opcode drops what it pushed"
        self._popped += 1

    def push(self, value: Value) -> None:
        self._pushed.append(value)

    def duplicate(self, depth: int) -> None:
        self.push(self.f.load("i256", self._below(depth), alias=STACK))

    def exchange(self, depth: int) -> None:
        top, other = self._below(1), self._below(depth + 1)
        a, b = (self.f.load("i256", place, alias=STACK) for place in (top, other))
        self.f.store(b, top, alias=STACK)
        self.f.store(a, other, alias=STACK)

    def immediate(self, size: int) -> Value:
        bits = 8 * next(n for n in (1, 2, 4, 8, 16, 32) if n >= size)
        f = self.f
        found = f.load(f"i{bits}", f.gep("i8", self.before.pc, 1), 1, is_fixed=True)
        if bits > 8:
            found = f.byte_swap(found)
        if bits > 8 * size:
            found = f.lshr(found, bits - 8 * size)
        return f.zext(found, "i256")

    def pc(self) -> Value:
        return convention.program_counter(self.f, self.before)

    def gas(self) -> Value:
        return self.f.load("i64", self._gas)

    def msize(self) -> Value:
        return self.before.msize

    def charge(self, amount: Value | int) -> None:
        left = self.f.sub(self.gas(), amount)
        self.fail_if(self.f.icmp("slt", left, 0), Halt.OUT_OF_GAS)
        self.f.store(left, self._gas)

    def fail_if(self, cond: Value, halt: Halt) -> None:
        if halt not in self._failures:
            self._failures[halt] = self.f.block(halt.name.lower())
        after = self.f.block("ok")
        self.f.cond_br(cond, self._failures[halt], after, likely=False)
        self.f.at(after)

    def memory(self, offset: Value, length: Value | int) -> tuple[Value, Value]:
        f, r = self.f, self.before
        start = f.trunc(offset, "i64")
        size = const("i64", length) if isinstance(length, int) else f.trunc(length, "i64")
        high = _high_bits(f, offset)
        if not isinstance(length, int):
            high = f.or_(high, _high_bits(f, length))
        end = f.add(start, size)
        is_far = f.icmp("ne", high, 0)
        is_more = f.or_(is_far, f.icmp("ugt", end, r.msize))
        here, grow, done = f.current, f.block("grow"), f.block("held")
        f.cond_br(is_more, grow, done, likely=False)
        f.at(grow)
        nothing = None
        if not isinstance(length, int):
            nothing = f.block("nothing")
            more = f.block("more")
            f.cond_br(f.icmp("eq", length, 0), nothing, more)
            f.at(more)
        FRAME.store(f, r.frame, "memory_end", f.select(is_far, const("i64", NO_MEMORY), end))
        convention.go_on(f, "grow_memory", r)
        f.at(done)
        if nothing is not None:
            edges = ((start, here), (const("i64", 0), nothing))
            f.at(nothing)
            f.br(done)
            f.at(done)
            start = f.phi("i64", *edges)
        return f.gep("i8", r.memory, start), size

    def call(self, name: str, *args: Value) -> Value:
        return self.f.call(routine(self.f.module, name), *args)

    def jump(self, target: Value) -> None:
        f = self.f
        self.fail_if(
            f.icmp("uge", target, f.zext(self.field("code_length"), "i256")), Halt.BAD_JUMP
        )
        to = f.trunc(target, "i64")
        mark = f.load("i8", f.gep("i8", self.field("jumps"), to), is_fixed=True)
        self.fail_if(f.icmp("eq", mark, 0), Halt.BAD_JUMP)
        there = msgspec.structs.replace(self.registers(), pc=f.gep("i8", self.field("code"), to))
        landing.land(f, self.fork, there)

    def jump_if(self, target: Value, cond: Value) -> None:
        f = self.f
        taken, after = f.block("taken"), f.block("not_taken")
        f.cond_br(cond, taken, after)
        f.at(after)
        convention.dispatch(f, self.registers())
        f.at(taken)
        self.jump(target)

    def finish(self, halt: Halt, output: Value, length: Value) -> None:
        convention.finish(self.f, self.registers(), halt, output, length)

    def registers(self) -> Registers:
        return self._registers(self._pushed)

    def _registers(self, pushed: Sequence[Value]) -> Registers:
        f, r = self.f, self.before
        for index, value in enumerate(pushed):
            word = f.zext(value, "i256")
            f.store(word, self._below(self._popped - index), alias=STACK)
        rise = len(pushed) - self._popped
        return msgspec.structs.replace(
            r,
            pc=f.gep("i8", r.pc, 1 + self.opcode.immediate),
            sp=self._below(-rise) if rise else r.sp,
            gas=self.gas(),
        )

    def _look_ahead(self) -> None:
        """Leave early where the next opcodes jump on what this one leaves."""
        f, op = self.f, self.opcode
        if op.byte == lookahead.PUSH2:
            before = self._registers([])
            target = f.trunc(self._pushed[0], "i16")
            lookahead.jump_to(f, self.fork, before, target, f.icmp("ne", self._height(), 0))
        elif self._pushed and self._pushed[0].type == "i1":
            # The truth and a target: where two operands were, or a word more.
            has_room = f.icmp("ult", self._height(), WORD_BYTES * STACK_LIMIT)
            if op.pops > 1:
                has_room = const("i1", 1)
            r = self._registers([])
            self._pushed = [lookahead.branch_on(f, self.fork, r, self._pushed[0], has_room)]

    def _pop_limbs(self) -> list[Value]:
        self._popped += 1
        f, place = self.f, self._below(self._popped)
        # Volatile, or LLVM makes one wide load of the four: see `_ATTRIBUTES`.
        return [
            f.load("i64", f.gep("i64", place, i), is_volatile=True, alias=STACK) for i in range(4)
        ]

    def _below(self, depth: int) -> Value:
        """Address of the word ``depth`` below the stack pointer that the handler began with."""
        return self.f.gep("i256", self.before.sp, -depth)

    def _height(self) -> Value:
        """Bytes of the stack before the opcode."""
        return self.f.and_(self.f.cast("ptrtoint", self.before.sp, "i64"), WINDOW_BYTES - 1)

    def _check_height(self) -> None:
        f, op = self.f, self.opcode
        if not op.pops and not op.pushes:
            return
        height = self._height()
        if op.pops:
            self.fail_if(f.icmp("ult", height, WORD_BYTES * op.pops), Halt.STACK_UNDERFLOW)
        rise = op.pushes - op.pops
        if rise > 0:
            limit = WORD_BYTES * (STACK_LIMIT - rise)
            self.fail_if(f.icmp("ugt", height, limit), Halt.STACK_OVERFLOW)


def _high_bits(f: Function, word: Value) -> Value:
    """Not zero where a word is 2**32 or more: an offset or length that never fits."""
    found = f.lshr(f.trunc(word, "i64"), 32)
    for limb in range(1, 4):
        # By limbs, as LLVM makes a chain of borrows of the comparison of the whole.
        found = f.or_(found, f.trunc(f.lshr(word, 64 * limb), "i64"))
    return found


def name_of(byte: int) -> str:
    """Name of the handler of an opcode."""
    return f"op.{byte:02x}"


def write_handler(module: Module, fork: Fork, byte: int, emit: Emitter | None) -> None:
    """Define the handler of a byte.

    Args:
        module: The interpreter's.
        fork: The rules.
        byte: 0 to 255.
        emit: Writes the opcode; None for JUMPDEST, and where no fork has any.
    """
    if byte == JUMPDEST:
        f, r = convention.open_function(module, name_of(byte))
        landing.fall(f, r)
        return
    if emit is None or byte not in fork.base_gas:
        f, r = convention.open_function(module, name_of(byte))
        convention.fail(f, r, Halt.BAD_INSTRUCTION)
        return
    handler = Handler(module, fork, OPCODES[byte])
    emit(handler)
    handler.close()
