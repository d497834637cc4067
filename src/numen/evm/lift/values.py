"""Words in registers, and the byte memories of a lifted function.

EVM words are big-endian and the IR's memories little-endian, so a memory is kept back to front: the
byte at offset ``a`` lies at ``size - 1 - a``, and a word is read in one piece without turning it.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from numen.base.errors import Place
from numen.evm import meaning
from numen.evm.lift.algebra import Constant, IrAlgebra, Register, Value, Writer
from numen.evm.lift.cells import WORD_BYTES
from numen.evm.lift.constants import compute, digest, selector_of
from numen.evm.lift.errors import LiftLimitError
from numen.evm.lift.limits import HASH_LENGTHS_MAX
from numen.evm.lift.sponge import HASH, hash_name
from numen.evm.meaning import PURE
from numen.evm.opcodes import BY_NAME
from numen.ir.nodes import Instr, Reg
from numen.ir.ops import Op
from numen.ir.types import BOOL, U8, U64, U256, Memory

EXP_FUNCTION: Final = "evm$exp"
"""The function that a lifted program calls for powers."""

CLEAR_FUNCTION: Final = "evm$clear"
"""The function that it calls to clear memory."""

COPY_FUNCTION: Final = "evm$copy"
"""The function that it calls to copy calldata."""

MEMORY: Final = "memory"
INPUT: Final = "calldata"
"""Registers of the two memories."""

_LANE_BYTES: Final = 8
_EXPONENT_MAX: Final = 1 << 16

Linear: TypeAlias = tuple[Reg, int]
"""A register, and what is added to it modulo 2**256."""

_WORD_MAX: Final = (1 << 256) - 1
_ADD, _SUB, _EXP, _ISZERO = (BY_NAME[name].byte for name in ("ADD", "SUB", "EXP", "ISZERO"))
_MUL, _SHL, _AND = (BY_NAME[name].byte for name in ("MUL", "SHL", "AND"))
_KEEPS_ALIGNED: Final = frozenset({_ADD, _SUB, _MUL, _SHL, _AND})
_WORD_SHIFT: Final = 5
_TRUTHS: Final = {BY_NAME[op.name].byte: op for op in (Op.AND, Op.OR, Op.XOR)}


class ByteMemory(msgspec.Struct, frozen=True):
    """The part of memory that is reached at computed offsets.

    Attributes:
        start: Offset in the EVM's memory where it begins.
        size_bytes: How much of it there is.
    """

    start: int
    size_bytes: int

    @property
    def type(self) -> Memory:
        """Of the register: a word more, so that reading the last byte reads a whole word."""
        return Memory(self.size_bytes + WORD_BYTES)


class RegisterValues:
    """Words of a function in the making.

    Attributes:
        writer: Where the instructions go.
        memory: What computed offsets reach, or None.
        input_bytes: Length of the calldata.
        reads_input: Whether calldata are read at computed offsets.
        has_powers: Whether `EXP_FUNCTION` is called.
        has_clears: Whether `CLEAR_FUNCTION` is.
        has_copies: Whether `COPY_FUNCTION` is.
        hashed: Lengths of the messages that are hashed.
        places: Where each function is called first.
        hashes_memory: Whether messages of other lengths are.
    """

    def __init__(self, writer: Writer, memory: ByteMemory | None, input_bytes: int) -> None:
        self.writer = writer
        self.memory = memory
        self.input_bytes = input_bytes
        self.reads_input = False
        self.has_powers = False
        self.has_clears = False
        self.has_copies = False
        self.hashed: set[int] = set()
        self.places: dict[str, Place | None] = {}
        self.hashes_memory = False
        self._algebra = IrAlgebra(writer)
        self._linear: dict[Reg, Linear] = {}
        self._heads: dict[Reg, int] = {}
        self._aligned: set[Reg] = set()

    def const(self, value: int) -> Value:
        """A known word."""
        return Constant(value, U256)

    def known(self, value: Value) -> int | None:
        """The word, where it is known."""
        return value.value if isinstance(value, Constant) else None

    def head(self, value: Value, top: int) -> Value:
        """Remember the greatest four bytes of a word."""
        if isinstance(value, Register):
            self._heads[value.name] = top
        return value

    def word(self, value: Value) -> Value:
        """A truth as the word it is pushed as."""
        if value.type == U256:
            return value
        if isinstance(value, Constant):
            return Constant(value.value, U256)
        return self.writer.write(Op.TRUNCATE, U256, value, of=BOOL, to=U256)

    def truth(self, value: Value) -> Value:
        """Whether a word is not zero."""
        if isinstance(value, Constant):
            return Constant(int(value.value != 0), BOOL)
        if value.type == BOOL:
            return value
        is_zero = self.writer.write(Op.EQ, BOOL, value, Constant(0, U256), of=U256)
        return self.writer.write(Op.NOT, BOOL, is_zero)

    def pure(self, byte: int, args: Sequence[Value]) -> Value:
        """The word that a pure opcode makes, its operands in the order popped."""
        numbers = [arg.value for arg in args if isinstance(arg, Constant)]
        if len(numbers) == len(args):
            return self.const(compute(byte, numbers))
        for arg in args:
            if isinstance(arg, Register) and arg.name in self._heads:
                found = selector_of(byte, [self.known(a) for a in args], self._heads[arg.name])
                if found is not None:
                    return self.const(found)
        if all(arg.type == BOOL for arg in args):
            if byte in _TRUTHS:
                return self.writer.write(_TRUTHS[byte], BOOL, *args)
            if byte == _ISZERO:
                return self.writer.write(Op.NOT, BOOL, *args)
        words = [self.word(arg) for arg in args]
        value = self._computed(byte, words)
        if byte in _KEEPS_ALIGNED:
            self._note(byte, words, value)
        return value

    def _computed(self, byte: int, words: Sequence[Value]) -> Value:
        if byte in (_ADD, _SUB):
            return self._sum(byte, words[0], words[1])
        if byte == _EXP:
            return self._power(words[0], words[1])
        value: Value = PURE[byte](self._algebra, *words)
        return value

    def _note(self, byte: int, args: Sequence[Value], value: Value) -> None:
        """Remember a result that is a multiple of the size of a word."""
        if not isinstance(value, Register):
            return
        found = [self._is_aligned(arg) for arg in args]
        if byte == _SHL:
            count = self.known(args[0])
            is_aligned = found[1] or (count is not None and count >= _WORD_SHIFT)
        else:
            is_aligned = any(found) if byte in (_MUL, _AND) else all(found)
        if is_aligned:
            self._aligned.add(value.name)

    def _is_aligned(self, value: Value) -> bool:
        if isinstance(value, Constant):
            return value.value % WORD_BYTES == 0
        return value.name in self._aligned

    def shift_left(self, value: Value, bits: int) -> Value:
        """``value * 2**bits`` modulo 2**256."""
        return self._shift(Op.SHL, value, bits)

    def shift_right(self, value: Value, bits: int) -> Value:
        """``value / 2**bits`` rounded down."""
        return self._shift(Op.SHR, value, bits)

    def low_bits(self, value: Value, bits: int) -> Value:
        """``value`` modulo ``2**bits``."""
        mask = (1 << bits) - 1
        if isinstance(value, Constant):
            return self.const(value.value & mask)
        return self.writer.write(Op.AND, U256, self.word(value), self.const(mask))

    def either(self, a: Value, b: Value) -> Value:
        """Bitwise or."""
        if isinstance(a, Constant) and isinstance(b, Constant):
            return self.const(a.value | b.value)
        if isinstance(a, Constant) and not a.value:
            return b
        if isinstance(b, Constant) and not b.value:
            return a
        return self.writer.write(Op.OR, U256, self.word(a), self.word(b))

    def plus(self, value: Value, amount: int) -> Value:
        """``value + amount`` modulo 2**256."""
        return self._sum(_ADD, self.word(value), self.const(amount)) if amount else value

    def load(self, offset: Value) -> Value:
        """A word of the byte memory."""
        index = self._index(offset, WORD_BYTES)
        return self.writer.write(Op.LOAD, U256, Register(MEMORY, U64), index)

    def store(self, offset: Value, value: Value) -> None:
        """A word to the byte memory."""
        self._store(offset, WORD_BYTES, self.word(value))

    def store_byte(self, offset: Value, value: Value) -> None:
        """A byte, a number below 256, to the byte memory."""
        if isinstance(value, Constant):
            self._store(offset, 1, Constant(value.value, U8))
        else:
            word = self.word(value)
            self._store(offset, 1, self.writer.write(Op.TRUNCATE, U8, word, of=U256, to=U8))

    def clear(self, offset: Value, length: Value) -> None:
        """Zeros to the byte memory; a length of zero is nothing, wherever it is."""
        self.has_clears = True
        writer, memory = self.writer, self._bytes
        at, bytes_ = self._span(offset, length)
        top = Constant(memory.type.size_bytes, U64)
        above = writer.write(Op.WRAPPING_SUB, U64, top, at)
        low = writer.write(Op.WRAPPING_SUB, U64, above, bytes_)
        self._call(CLEAR_FUNCTION, MEMORY, writer.reg(low), writer.reg(bytes_))

    def copy_input(self, offset: Value, source: Value, length: Value) -> None:
        """So many bytes of calldata, and zeros past their end, to the byte memory."""
        self.has_copies = self.reads_input = True
        writer = self.writer
        at, bytes_ = self._span(offset, length)
        first = Constant(self._bytes.type.size_bytes - WORD_BYTES, U64)
        to = writer.reg(writer.write(Op.WRAPPING_SUB, U64, first, at))
        near = writer.reg(self._narrow(self._within_input(self.word(source))))
        words = writer.write(Op.SHR, U64, bytes_, Constant(_WORD_SHIFT, U64))
        rest: Value = Constant(0, U64)
        if not self._is_aligned(length):
            rest = writer.write(Op.AND, U64, bytes_, Constant(WORD_BYTES - 1, U64))
        regs = to, near, writer.reg(words), writer.reg(rest)
        self._call(COPY_FUNCTION, MEMORY, INPUT, *regs)

    def digest_memory(self, offset: Value, length: Value) -> Value:
        """Keccak-256 of so many bytes of the byte memory."""
        self.hashes_memory = True
        writer = self.writer
        at, bytes_ = self._span(offset, length)
        # Where there are no bytes, they are anywhere.
        is_none = writer.write(Op.EQ, BOOL, bytes_, Constant(0, U64), of=U64)
        near = writer.write(Op.SELECT, U64, is_none, Constant(0, U64), at)
        first = Constant(self._bytes.type.size_bytes - _LANE_BYTES, U64)
        index = writer.write(Op.WRAPPING_SUB, U64, first, near)
        dest = writer.fresh()
        self._call(HASH, MEMORY, writer.reg(index), writer.reg(bytes_), dest=dest)
        return Register(dest, U256)

    def _span(self, offset: Value, length: Value) -> tuple[Value, Value]:
        """A part of the byte memory, from its start, and its length; required to be inside."""
        memory, writer = self._bytes, self.writer
        size, count = self.const(memory.size_bytes), self.word(length)
        at = self._sum(_SUB, self.word(offset), self.const(memory.start))
        is_near = writer.write(Op.LT, BOOL, at, size, of=U256)
        rest = writer.write(Op.WRAPPING_SUB, U256, size, at)
        # The room behind the offset, 0 where that is outside already.
        room = writer.write(Op.SELECT, U256, is_near, rest, self.const(0))
        is_outside = writer.write(Op.LT, BOOL, room, count, of=U256)
        writer.require(
            writer.write(Op.NOT, BOOL, is_outside),
            f"memory outside {memory.start} to {memory.start + memory.size_bytes}",
        )
        return self._narrow(at), self._narrow(count)

    def _call(self, symbol: str, *regs: Reg, dest: Reg | None = None) -> None:
        dests = () if dest is None else (dest,)
        place = self.writer.place
        self.places.setdefault(symbol, place)
        self.writer.body.append(Instr(Op.CALL, dests, regs, symbol=symbol, place=place))

    def load_input(self, offset: Value, ahead: int) -> Value:
        """A word of the calldata, so many bytes after an offset; zeros past the end."""
        self.reads_input = True
        writer = self.writer
        near = self._within_input(self.word(offset))
        if ahead:
            # The offset is near the end at most, so that the sum is exact.
            near = self._within_input(self.plus(near, ahead))
        near = self._narrow(near)
        last = Constant(self.input_bytes, U64)
        index = writer.write(Op.WRAPPING_SUB, U64, last, near)
        return writer.write(Op.LOAD, U256, Register(INPUT, U64), index)

    def digest(self, words: Sequence[Value], length: int) -> Value:
        """Keccak-256 of so many bytes, at least one: words, the last one filled up with zeros.

        Raises:
            LiftLimitError: There are `limits.HASH_LENGTHS_MAX` other lengths.
        """
        numbers = [word.value for word in words if isinstance(word, Constant)]
        if len(numbers) == len(words):
            return self.const(digest(numbers, length))
        self.hashed.add(length)
        writer = self.writer
        if len(self.hashed) > HASH_LENGTHS_MAX:
            raise LiftLimitError(
                f"messages of more than {HASH_LENGTHS_MAX} lengths are hashed",
                writer.place.line if writer.place is not None else None,
            )
        dest, regs = writer.fresh(), tuple(writer.reg(self.word(word)) for word in words)
        self._call(hash_name(length), *regs, dest=dest)
        return Register(dest, U256)

    def _within_input(self, offset: Value) -> Value:
        end = self.const(self.input_bytes)
        is_inside = self.writer.write(Op.LT, BOOL, offset, end, of=U256)
        return self.writer.write(Op.SELECT, U256, is_inside, offset, end)

    def input_index(self, offset: int, size: int) -> int:
        """Where ``size`` bytes of calldata lie in the memory that holds them."""
        return self.input_bytes + WORD_BYTES - size - offset

    @property
    def input_type(self) -> Memory:
        """Of the memory that holds the calldata, and the zeros after them."""
        return Memory(self.input_bytes + WORD_BYTES)

    def _shift(self, op: Op, value: Value, bits: int) -> Value:
        if not bits:
            return value
        if isinstance(value, Constant):
            shifted = value.value << bits if op is Op.SHL else value.value >> bits
            return self.const(shifted & _WORD_MAX)
        return self.writer.write(op, U256, self.word(value), self.const(bits))

    def _sum(self, byte: int, a: Value, b: Value) -> Value:
        """A sum or difference; of a register and constants it stays one step from the register."""
        if byte == _ADD and isinstance(a, Constant):
            a, b = b, a
        if isinstance(a, Register) and isinstance(b, Constant):
            base, before = self._linear.get(a.name, (a.name, 0))
            amount = (before + (b.value if byte == _ADD else -b.value)) & _WORD_MAX
            if not amount:
                return Register(base, U256)
            value = self.writer.write(
                Op.WRAPPING_ADD, U256, Register(base, U256), self.const(amount)
            )
            self._linear[value.name] = (base, amount)
            return value
        if byte == _SUB and isinstance(a, Register) and isinstance(b, Register):
            left, right = (self._linear.get(x.name, (x.name, 0)) for x in (a, b))
            if left[0] == right[0]:
                return self.const((left[1] - right[1]) & _WORD_MAX)
        found: Value = PURE[byte](self._algebra, a, b)
        return found

    def _power(self, base: Value, exponent: Value) -> Value:
        e = self._algebra
        one = self.const(1)
        if isinstance(exponent, Constant) and exponent.value < _EXPONENT_MAX:
            power: Value = one
            for bit in f"{exponent.value:b}" if exponent.value else "":
                power = self._product(power, power) if power != one else power
                if bit == "1":
                    power = self._product(power, base) if power != one else base
            return power
        if isinstance(base, Constant) and base.value and not base.value & (base.value - 1):
            step = self.const(base.value.bit_length() - 1)
            is_small = e.less(exponent, self.const(256))
            count = e.select(is_small, meaning.mul(e, step, exponent), self.const(256))
            if base.value == 1:
                return one
            shifted: Value = PURE[_SHL](e, count, one)
            return shifted
        self.has_powers = True
        dest, regs = self.writer.fresh(), (self.writer.reg(base), self.writer.reg(exponent))
        self._call(EXP_FUNCTION, *regs, dest=dest)
        return Register(dest, U256)

    def _product(self, a: Value, b: Value) -> Value:
        found: Value = PURE[_MUL](self._algebra, a, b)
        return found

    def _store(self, offset: Value, size: int, value: Value) -> None:
        writer = self.writer
        regs = (MEMORY, writer.reg(self._index(offset, size)), writer.reg(value))
        writer.body.append(Instr(Op.STORE, (), regs, value.type, place=writer.place))

    def _index(self, offset: Value, size: int) -> Value:
        """Where ``size`` bytes lie in the memory's register; the offset is required to be inside.

        Raises:
            LiftLimitError: It is known, and is not.
        """
        memory, writer = self._bytes, self.writer
        first = memory.type.size_bytes - size
        at = self._sum(_SUB, self.word(offset), self.const(memory.start))
        if isinstance(at, Constant):
            if at.value >= memory.size_bytes:
                raise LiftLimitError(
                    f"memory at {(at.value + memory.start) & _WORD_MAX}; "
                    f"this lift has {memory.size_bytes} bytes from {memory.start} on",
                    writer.place.line if writer.place is not None else None,
                )
            return Constant(first - at.value, U64)
        is_inside = writer.write(Op.LT, BOOL, at, self.const(memory.size_bytes), of=U256)
        end = memory.start + memory.size_bytes
        writer.require(is_inside, f"memory outside {memory.start} to {end}")
        return writer.write(Op.WRAPPING_SUB, U64, Constant(first, U64), self._narrow(at))

    @property
    def _bytes(self) -> ByteMemory:
        assert self.memory is not None, "an unknown offset or length without a byte memory"
        return self.memory

    def _narrow(self, value: Value) -> Value:
        return self.writer.write(Op.TRUNCATE, U64, value, of=U256, to=U64)
