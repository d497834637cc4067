"""The circuit as an algebra: the meaning of every pure instruction, read as constraints.

Sums are free: they are linear combinations with an interval. A value is split into bits only where
its interval says that it may leave its type, and its bits are remembered.
"""

import functools
from collections.abc import Callable, Sequence

from numen.ir.interp import INTEGERS
from numen.ir.trap import Reason, Trap, TrapError
from numen.ir.types import FIELD_ORDER, Kind, Word
from numen.proof import bounds, division, gadgets, lc, limbs, patterns, shifts, units, witness
from numen.proof.lc import LC, ONE
from numen.proof.number import (
    Bit,
    Late,
    Number,
    Product,
    Value,
    high_of,
    low_of,
    to_lc,
    value_from_bits,
    value_from_lc,
    within,
)
from numen.proof.wires import Wires

Exact = Value | Product
"""What exact operations give."""


LATE_BITS_MAX = 6
"""Bits that a sum may have above its word before it is wrapped, and others are added to it."""


class R1csAlgebra:
    """Gives meaning to instructions in a circuit under construction.

    A check binds only where the path is taken; whatever a path that is not taken computes, its
    constraints have a solution.

    Attributes:
        wires: The circuit.
        path: Whether the instruction is executed: 1, or a truth that depends on the inputs.
        word: Type of the operands of the instruction.
    """

    def __init__(self, wires: Wires) -> None:
        self.wires = wires
        self.path: Value = 1
        self.word: Word | None = None
        self._divisions: dict[tuple[int, int], tuple[Exact, Exact, Value, Value]] = {}
        self._zeros: dict[tuple[tuple[int, int], ...], Value] = {}
        self._tested: tuple[LC, int] = ({}, 0)

    def const(self, value: int, _word: Word) -> Exact:
        return value

    def add(self, a: Exact, b: Exact) -> Exact:
        if type(a) is int and type(b) is int:
            return a + b
        return self._sum(a, b, lc.add)

    def sub(self, a: Exact, b: Exact) -> Exact:
        if isinstance(a, int) and isinstance(b, int):
            return a - b
        difference = self._sum(a, b, lc.sub)
        if isinstance(a, int) and isinstance(b, Number) and isinstance(difference, Number):
            _turn_bits(difference, a, b)
        return difference

    def mul(self, a: Exact, b: Exact) -> Exact:
        assert not isinstance(a, Product)
        assert not isinstance(b, Product)
        if isinstance(a, int):
            a, b = b, a
        if isinstance(a, int):
            assert isinstance(b, int)
            return a * b
        if isinstance(b, int):
            scaled = _scaled(a, b)
            if limbs.is_narrow(low_of(scaled), high_of(scaled)):
                return scaled
            return Product(a, b, low_of(scaled), high_of(scaled))
        if a.low >= 0 and b.low >= 0:
            low, high = a.low * b.low, a.high * b.high
        else:
            corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
            low, high = min(corners), max(corners)
        if not limbs.is_narrow(low, high):
            return Product(a, b, low, high)
        return Number(gadgets.multiply(self.wires, a.lc, b.lc), low, high)

    def floor_div(self, a: Exact, b: Exact) -> Exact:
        return self._divide(a, b)[0]

    def floor_mod(self, a: Exact, b: Exact) -> Exact:
        return self._divide(a, b)[1]

    def divide_modulo(self, a: Exact, b: Exact, m: Exact, reason: Reason) -> Exact:
        if isinstance(a, int) and isinstance(b, int) and isinstance(m, int):
            return INTEGERS.divide_modulo(a, b, m, reason)
        width, path = self._word().bits, to_lc(self.path)
        under, modulus = _settled(b), _settled(m)
        if self.path != 1:
            # Where the path is not taken: by one, modulo anything but zero.
            under = gadgets.choose(self.wires, path, under, 1)
            modulus = self._sum(modulus, self.equal(modulus, 0), lc.add)
        over, by, of = (limbs.limbs_of(self.wires, x) for x in (_settled(a), under, modulus))
        trap = Trap(reason, place=self.wires.place)
        return self._from_bits(units.divide(self.wires, over, by, of, width, (path, trap)))

    def inverse(self, a: Exact) -> Exact:
        if isinstance(a, int):
            return INTEGERS.inverse(a)
        assert isinstance(a, Number)
        tested, test = self._tested
        if self.path == 1 and tested == a.lc and self.wires.settled.get(test) == 0:
            # What says that it is not zero is its inverse.
            return Number({test - 1: 1}, 0, FIELD_ORDER - 1)
        divisor = a.lc if self.path == 1 else lc.add(a.lc, to_lc(self._is_zero(a)))
        wire = self.wires.hint("inverse", 1, witness.inverse, divisor)
        self.wires.constrain(divisor, {wire: 1}, ONE)
        return Number({wire: 1}, 0, FIELD_ORDER - 1)

    def bit_and(self, a: Exact, b: Exact) -> Exact:
        pairs = zip(self._bits(a), self._bits(b), strict=True)
        return self._from_bits([patterns.bit_and(self.wires, x, y) for x, y in pairs])

    def bit_or(self, a: Exact, b: Exact) -> Exact:
        pairs = zip(self._bits(a), self._bits(b), strict=True)
        return self._from_bits([patterns.bit_or(self.wires, x, y) for x, y in pairs])

    def bit_xor(self, a: Exact, b: Exact) -> Exact:
        pairs = zip(self._bits(a), self._bits(b), strict=True)
        return self._from_bits([patterns.bit_xor(self.wires, x, y) for x, y in pairs])

    def shift_left(self, a: Exact, count: Exact) -> Exact:
        word = self._word()
        if isinstance(count, int):
            if isinstance(a, int):
                return a << count
            assert isinstance(a, Number)
            if word.low <= a.low << count and a.high << count <= word.high:
                moved = _scaled(a, 1 << count)
                if isinstance(moved, Number) and a.bits is not None:
                    moved.bits = (*([0] * count), *a.bits)
                return moved
            return self._from_bits(shifts.left(self._bits(a), count))
        counts = self._count_bits(count)
        if word.bits <= shifts.POWER_BITS_MAX:
            return self.mul(a, shifts.power(self.wires, counts))
        return self._from_bits(shifts.left_by(self.wires, self._bits(a), counts))

    def shift_right(self, a: Exact, count: Exact) -> Exact:
        word = self._word()
        if isinstance(count, int):
            if isinstance(a, int):
                return a >> count
            bits = self._bits(a)
            moved = self._from_bits(shifts.right(bits, count, self._sign(bits)))
            return within(moved, low_of(a) >> count, high_of(a) >> count)
        counts = self._count_bits(count)
        if word.bits <= shifts.POWER_BITS_MAX:
            rest = [gadgets.bit_not(bit) for bit in counts]
            raised = self.mul(a, shifts.power(self.wires, rest))
            return self._divide(raised, 1 << (word.bits - 1))[0]
        bits = self._bits(a)
        return self._from_bits(shifts.right_by(self.wires, bits, counts, self._sign(bits)))

    def equal(self, a: Exact, b: Exact) -> Value:
        if isinstance(a, int) and isinstance(b, int):
            return int(a == b)
        low, high = low_of(a) - high_of(b), high_of(a) - low_of(b)
        if not low <= 0 <= high:
            return 0
        difference = lc.sub(_to_lc(a), _to_lc(b))
        if not difference or (len(difference) == 1 and 0 in difference):
            return int(difference.get(0, 0) % FIELD_ORDER == 0)
        if min(low_of(a), low_of(b)) >= 0 and max(high_of(a), high_of(b)) <= 1:
            return _truth(gadgets.bit_not(gadgets.bit_xor(self.wires, *self._truths(a, b))))
        return self._is_zero(Number(difference, low, high))

    def less(self, a: Exact, b: Exact) -> Value:
        if isinstance(a, int) and isinstance(b, int):
            return int(a < b)
        if (
            isinstance(b, int)
            and isinstance(a, Number)
            and b > 1
            and not b & (b - 1)
            and a.low >= 0
        ):
            # Below a power of two: the bits above are zero.
            above = value_from_bits(
                list(gadgets.bits_of(self.wires, a))[b.bit_length() - 1 :], is_signed=False
            )
            return self.equal(above, 0)
        difference = self.sub(a, b)
        if low_of(difference) >= 0:
            return 0
        if high_of(difference) < 0:
            return 1
        assert isinstance(difference, Number)
        return _truth(gadgets.bits_of(self.wires, difference)[-1])

    def select(self, cond: Exact, then: Exact, other: Exact) -> Exact:
        if isinstance(cond, int):
            self.wires.decisions += 1
            return then if cond else other
        assert isinstance(then, int | Number)
        assert isinstance(other, int | Number)
        return gadgets.choose(self.wires, _to_lc(cond), then, other)

    def fit(self, a: Exact, word: Word, reason: Reason) -> Exact:
        if isinstance(a, int):
            return INTEGERS.fit(a, word, reason)
        if word.low <= a.low and a.high <= word.high:
            return a
        trap = Trap(reason, place=self.wires.place)
        if a.high < word.low or word.high < a.low:
            raise TrapError(trap)
        path, parts = to_lc(self.path), limbs.split(self.wires, a)
        self.wires.check(witness.check_range, (path, limbs.exact(parts), word.low, word.high, trap))
        if isinstance(a, Number) and limbs.is_narrow(a.low, a.high):
            return self._fit_narrow(a, word)
        return self._from_bits(limbs.fit(self.wires, parts, word, path), word)

    def wrap(self, a: Exact, word: Word) -> Exact:
        if isinstance(a, int):
            return INTEGERS.wrap(a, word)
        if isinstance(a, Number) and word.low <= a.low and a.high <= word.high:
            return a
        if word.kind is Kind.FIELD:
            return value_from_lc(self._class(a), 0, FIELD_ORDER - 1)
        if isinstance(a, Number) and a.late is not None and word.bits <= a.late.width:
            a = a.late.raw
            if word.low <= a.low and a.high <= word.high:
                return a
        if isinstance(a, Number) and (a.bits or limbs.is_narrow(a.low, a.high)):
            if a.bits or a.high - a.low >= 1 << (word.bits + LATE_BITS_MAX):
                return self._residue(a, word)
            late = Late(a, word.bits, functools.partial(self._residue, a, word))
            return Number({}, word.low, word.high, late=late)
        return self._from_bits(limbs.wrap(self.wires, limbs.split(self.wires, a), word), word)

    def require(self, cond: Exact, reason: Reason, message: str = "") -> None:
        """Trap unless ``cond`` holds, where the path is taken."""
        trap = Trap(reason, message, self.wires.place)
        if isinstance(cond, int):
            if not cond:
                raise TrapError(trap)
            return
        path, truth = to_lc(self.path), _to_lc(cond)
        self.wires.check(witness.check_truth, (path, truth, trap))
        self.wires.demand(lc.negate(truth), path)

    def _class(self, a: Number | Product) -> LC:
        """What is congruent to a value."""
        if isinstance(a, Number):
            return a.lc
        if isinstance(a.b, int):
            return lc.scale(to_lc(a.a), a.b)
        return gadgets.multiply(self.wires, to_lc(a.a), a.b.lc)

    def _fit_narrow(self, a: Number, word: Word) -> Value:
        """Prove the range of a value; where the path is not taken, of zero in its stead."""
        if self.path != 1:
            low, high = min(a.low, 0), max(a.high, 0)
            a = Number(gadgets.multiply(self.wires, a.lc, to_lc(self.path), "guard"), low, high)
        low, high = max(a.low, word.low), min(a.high, word.high)
        if a.low >= 0 or word.low == 0:
            width = high.bit_length()
            bits = gadgets.window(self.wires, a, 0, width)
            most = (1 << width) - 1
            if most > high == word.high:
                gap = Number(lc.sub(lc.constant(high), a.lc), high - most, high)
                gadgets.window(self.wires, gap, 0, width)
            return Number(a.lc, max(low, 0), high, bits) if bits else 0
        raw = gadgets.window(self.wires, a, word.low, word.bits)
        return Number(a.lc, low, high, (*raw[:-1], gadgets.bit_not(raw[-1])))

    def _divide(self, a: Exact, b: Exact) -> tuple[Value, Value]:
        if isinstance(a, int) and isinstance(b, int):
            return divmod(a, b)
        key = (id(a), id(b))
        if key in self._divisions:
            return self._divisions[key][2:]
        if isinstance(b, int) and b > 0 and b & (b - 1) == 0 and isinstance(a, Number):
            found = self._split(a, b.bit_length() - 1)
        else:
            assert not isinstance(b, Product)
            divisor = b
            if isinstance(b, Number) and b.low <= 0 <= b.high and self.path != 1:
                # Where the path is not taken the divisor may be zero: divide by one there.
                zero = self._is_zero(b)
                divisor = Number(lc.add(b.lc, to_lc(zero)), b.low, max(b.high, 1))
            found = division.divide(self.wires, a, divisor)
        # The operands are kept, so that nothing else can get their identities.
        self._divisions[key] = (a, b, *found)
        return found

    def _split(self, a: Number, width: int) -> tuple[Value, Value]:
        bits = list(gadgets.bits_of(self.wires, a))
        if a.low < 0:
            bits += [bits[-1]] * (width + 1 - len(bits))
        return (
            value_from_bits(bits[width:], is_signed=a.low < 0),
            value_from_bits(bits[:width], is_signed=False),
        )

    def _is_zero(self, x: Number) -> Value:
        """Whether a value is zero; asked twice of a small combination, answered once."""
        key = tuple(sorted(x.lc.items())) if len(x.lc) <= 4 else ()
        if key in self._zeros:
            return self._zeros[key]
        out = gadgets.is_zero(self.wires, x)
        self._tested = (x.lc, max(out))
        answer = Number(out, 0, 1)
        if key:
            self._zeros[key] = answer
        return answer

    def _sum(self, a: Exact, b: Exact, combine: Callable[[LC, LC], LC]) -> Value:
        """A sum or difference; worked out late where an operand is."""
        x, y = _settled(a), _settled(b)
        first = None if isinstance(x, int) else x.late
        second = None if isinstance(y, int) else y.late
        if first is None and second is None:
            return self._exact(x, y, combine)
        raw = self._exact(_raw(x), _raw(y), combine)
        low, high = _span(x, y, combine)
        if isinstance(raw, int):
            return self._exact(x, y, combine)
        width = min(late.width for late in (first, second) if late is not None)
        return Number({}, low, high, late=Late(raw, width, lambda: self._exact(x, y, combine)))

    def _exact(self, x: Value, y: Value, combine: Callable[[LC, LC], LC]) -> Value:
        low, high = _span(x, y, combine)
        return gadgets.compact(self.wires, value_from_lc(combine(to_lc(x), to_lc(y)), low, high))

    def _residue(self, raw: Number, word: Word) -> Value:
        """A number modulo a word's size."""
        if raw.low < 0 and raw.bits is None:
            # A multiple of the size makes it a number without a sign, and often a bit shorter.
            lift = -(raw.low >> word.bits) << word.bits
            raw = Number(lc.shift(raw.lc, lift), raw.low + lift, raw.high + lift)
        is_long = raw.high.bit_length() == FIELD_ORDER.bit_length()
        bits_of = bounds.canonical_bits if is_long else gadgets.bits_of
        bits = _resized(bits_of(self.wires, raw), word.bits, is_signed=raw.low < 0)
        return self._from_bits(bits, word)

    def _word(self) -> Word:
        assert self.word is not None
        return self.word

    def _bits(self, a: Exact) -> tuple[Bit, ...]:
        """The bits of an operand, as many as its type has."""
        width = self._word().bits
        if isinstance(a, int):
            return tuple(a >> index & 1 for index in range(width))
        assert isinstance(a, Number)
        bits = gadgets.bits_of(self.wires, a)
        return tuple(_resized(bits, width, is_signed=a.low < 0))

    def _sign(self, bits: Sequence[Bit]) -> Bit:
        return bits[-1] if self._word().kind is Kind.SIGNED else 0

    def _count_bits(self, count: Exact) -> tuple[Bit, ...]:
        """The bits of a shift count that is below the width of the word."""
        width = self._word().bits.bit_length() - 1
        return self._bits(count)[:width]

    def _from_bits(self, bits: list[Bit], word: Word | None = None) -> Value:
        of = word or self._word()
        return value_from_bits(bits, is_signed=of.kind is Kind.SIGNED)

    def _truths(self, a: Exact, b: Exact) -> tuple[Bit, Bit]:
        return (
            a if isinstance(a, int) else _to_lc(a),
            b if isinstance(b, int) else _to_lc(b),
        )


def _to_lc(a: Exact) -> LC:
    assert not isinstance(a, Product)
    return to_lc(a)


def _turn_bits(difference: Number, a: int, b: Number) -> None:
    """Give ``a - b`` its bits, where those of ``b`` are known and every one is turned."""
    bits = b.bits if b.late is None else None
    if bits is None:
        return
    if a == (1 << len(bits)) - 1 and b.low >= 0:
        difference.bits = tuple(gadgets.bit_not(bit) for bit in bits)
    elif a == -1:
        turned = tuple(gadgets.bit_not(bit) for bit in bits)
        difference.bits = turned if b.low < 0 else (*turned, 1)


def _settled(a: Exact) -> Value:
    assert not isinstance(a, Product)
    return a


def _raw(x: Value) -> Value:
    return x.late.raw if isinstance(x, Number) and x.late is not None else x


def _span(x: Value, y: Value, combine: Callable[[LC, LC], LC]) -> tuple[int, int]:
    if combine is lc.add:
        return low_of(x) + low_of(y), high_of(x) + high_of(y)
    return low_of(x) - high_of(y), high_of(x) - low_of(y)


def _scaled(a: Number, factor: int) -> Value:
    if factor == 0:
        return 0
    low, high = sorted((a.low * factor, a.high * factor))
    return Number(lc.scale(a.lc, factor), low, high)


def _truth(bit: Bit) -> Value:
    return bit if isinstance(bit, int) else Number(bit, 0, 1)


def _resized(bits: Sequence[Bit], width: int, *, is_signed: bool) -> list[Bit]:
    """As many bits as asked for, the missing ones filled with the sign."""
    fill = bits[-1] if is_signed else 0
    return [*bits[:width], *([fill] * (width - len(bits)))]
