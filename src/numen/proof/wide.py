"""The circuit as an algebra over words of 256 bits, which no wire holds.

A word is four limbs of 64 bits. Exact results are sums of larger limbs, made into words by carries.
"""

from collections.abc import Callable, Mapping, Sequence

from numen.ir.interp import INTEGERS
from numen.ir.trap import Reason, Trap, TrapError
from numen.ir.types import FIELD_ORDER, Kind, Word
from numen.proof import (
    bounds,
    division,
    gadgets,
    lc,
    limbs,
    patterns,
    residues,
    shifts,
    units,
    witness,
)
from numen.proof.algebra import R1csAlgebra
from numen.proof.limbs import LIMB_BITS
from numen.proof.number import (
    Bit,
    Number,
    Value,
    Wide,
    high_of,
    low_of,
    to_lc,
    value_from_bits,
    value_from_lc,
)
from numen.proof.primes import is_prime
from numen.proof.residues import Any256, Exact
from numen.proof.wires import Wires

LIMBS = 4
"""Limbs of a word."""


class WideAlgebra:
    """Gives meaning to instructions whose operands or results have 256 bits.

    Attributes:
        narrow: Gives meaning to the others.
    """

    def __init__(self, narrow: R1csAlgebra) -> None:
        self.narrow = narrow
        self.wires = narrow.wires

    def const(self, value: int, _word: Word) -> Any256:
        return value

    def add(self, a: Any256, b: Any256) -> Any256:
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        return Wide(late=Exact("add", a, b, self._exact))

    def sub(self, a: Any256, b: Any256) -> Any256:
        if isinstance(a, int) and isinstance(b, int):
            return a - b
        return Wide(late=Exact("sub", a, b, self._exact))

    def mul(self, a: Any256, b: Any256) -> Any256:
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        return Wide(late=Exact("mul", a, b, self._exact))

    def floor_div(self, a: Any256, b: Any256) -> Any256:
        if isinstance(a, int) and isinstance(b, int):
            return a // b
        return self._divide(a, b)[0]

    def floor_mod(self, a: Any256, b: Any256) -> Any256:
        if isinstance(a, int) and isinstance(b, int):
            return a % b
        if isinstance(b, int) and residues.is_modulus(b) and not self._is_signed():
            return residues.remainder(self.wires, a, b)
        return self._divide(a, b)[1]

    def divide_modulo(self, a: Any256, b: Any256, m: Any256, reason: Reason) -> Any256:
        if isinstance(a, int) and isinstance(b, int) and isinstance(m, int):
            return INTEGERS.divide_modulo(a, b, m, reason)
        if isinstance(m, int) and residues.is_modulus(m):
            found = self._divide_by_unit(a, b, m, reason)
            if found is not None:
                return found
        over, under, modulus = (self._parts(of) for of in (a, b, m))
        path = to_lc(self.narrow.path)
        if self.narrow.path != 1:
            # Where the path is not taken: by one, modulo anything but zero.
            under = self._parts(choose(self.wires, path, b, 1, is_wide=True))
            modulus = limbs.add(modulus, [self.equal(m, 0)])
        trap = Trap(reason, place=self.wires.place)
        bits = units.divide(self.wires, over, under, modulus, LIMBS * LIMB_BITS, (path, trap))
        return wide_from_bits(bits, is_signed=False)

    def inverse(self, _a: Any256) -> Any256:
        raise AssertionError("only the field has inverses")

    def bit_and(self, a: Any256, b: Any256) -> Any256:
        if not isinstance(a, Wide) and not isinstance(b, Wide):  # truths
            return _settled(self.narrow.bit_and(a, b))
        pairs = zip(self._bits(a), self._bits(b), strict=True)
        return self._from_bits([patterns.bit_and(self.wires, x, y) for x, y in pairs])

    def bit_or(self, a: Any256, b: Any256) -> Any256:
        pairs = zip(self._bits(a), self._bits(b), strict=True)
        return self._from_bits([patterns.bit_or(self.wires, x, y) for x, y in pairs])

    def bit_xor(self, a: Any256, b: Any256) -> Any256:
        if not isinstance(a, Wide) and not isinstance(b, Wide):  # truths
            return _settled(self.narrow.bit_xor(a, b))
        pairs = zip(self._bits(a), self._bits(b), strict=True)
        return self._from_bits([patterns.bit_xor(self.wires, x, y) for x, y in pairs])

    def shift_left(self, a: Any256, count: Any256) -> Any256:
        bits = self._bits(a)
        if isinstance(count, int):
            return self._from_bits(shifts.left(bits, count))
        return self._from_bits(shifts.left_by(self.wires, bits, self._count_bits(count)))

    def shift_right(self, a: Any256, count: Any256) -> Any256:
        bits = self._bits(a)
        fill = bits[-1] if self._is_signed() else 0
        if isinstance(count, int):
            return self._from_bits(shifts.right(bits, count, fill))
        return self._from_bits(shifts.right_by(self.wires, bits, self._count_bits(count), fill))

    def equal(self, a: Any256, b: Any256) -> Value:
        if isinstance(a, int) and isinstance(b, int):
            return int(a == b)
        if _high(a) < _low(b) or _high(b) < _low(a):
            return 0
        *lower, top = limbs.subtract(self._parts(a), self._parts(b))
        # Each difference is below 2**64 in size: their sum is zero when each is.
        low_equal = self.narrow.equal(_joined(lower), 0)
        top_equal = self.narrow.equal(top, 0)
        if isinstance(low_equal, int):
            return top_equal if low_equal else 0
        if isinstance(top_equal, int):
            return low_equal if top_equal else 0
        return Number(gadgets.multiply(self.wires, low_equal.lc, top_equal.lc, "and"), 0, 1)

    def less(self, a: Any256, b: Any256) -> Value:
        if isinstance(a, int) and isinstance(b, int):
            return int(a < b)
        if _high(a) < _low(b):
            return 1
        if _low(a) >= _high(b):
            return 0
        if isinstance(b, int) and 1 < b < 1 << LIMB_BITS and b & (b - 1) == 0 and _low(a) >= 0:
            return self._is_below_power(a, b.bit_length() - 1)
        if isinstance(b, int) and isinstance(a, Wide) and _has_bits(a) and b > 0:
            return bounds.is_at_most(self.wires, self._bits(a), b - 1)
        parts = limbs.subtract(self._parts(a), self._parts(b))
        _, (rest,) = limbs.carried(self.wires, parts, LIMBS * LIMB_BITS)
        if isinstance(rest, int):
            return -rest
        return Number(lc.sub({}, rest.lc), 0, 1)

    def select(self, cond: Any256, then: Any256, other: Any256) -> Any256:
        if isinstance(cond, int):
            self.wires.decisions += 1
            return then if cond else other
        return choose(self.wires, to_lc(_value(cond)), then, other, is_wide=True)

    def fit(self, a: Any256, word: Word, reason: Reason) -> Any256:
        if isinstance(a, int):
            return INTEGERS.fit(a, word, reason)
        parts = self._parts(a)
        if word.low <= _low(a) and _high(a) <= word.high:
            return self._settled(parts, word)
        trap = Trap(reason, place=self.wires.place)
        if _high(a) < word.low or word.high < _low(a):
            raise TrapError(trap)
        path = to_lc(self.narrow.path)
        exact = limbs.exact(parts)
        self.wires.check(witness.check_range, (path, exact, word.low, word.high, trap))
        if word.bits == LIMBS * LIMB_BITS:
            return self._from_bits(limbs.fit(self.wires, parts, word, path), word)
        value, rest = self._lowest(parts, word, is_word=isinstance(a, Wide) and a.is_word)
        sign: Value = 0
        if word.kind is Kind.SIGNED:
            cover = _cover(word)
            sign = value_from_bits([_bits_of(self.narrow, value, cover)[-1]], is_signed=False)
            value = _minus(value, sign, 1 << cover)
        limbs.demand_sign(self.wires, rest, sign, path)
        return _settled(self.narrow.fit(value, word, reason))

    def wrap(self, a: Any256, word: Word) -> Any256:
        if isinstance(a, int):
            return INTEGERS.wrap(a, word)
        parts = self._parts(a)
        is_word = isinstance(a, Wide) and a.is_word
        if word.kind is Kind.FIELD:
            return value_from_lc(to_lc(_joined(parts)), 0, FIELD_ORDER - 1)
        if word.bits == LIMBS * LIMB_BITS:
            if _are_limbs(parts, word):
                return Wide(tuple(parts), is_word=True)
            return self._from_bits(limbs.wrap(self.wires, parts, word), word)
        return _settled(self.narrow.wrap(self._lowest(parts, word, is_word=is_word)[0], word))

    def require(self, cond: Any256, reason: Reason) -> None:
        self.narrow.require(_value(cond), reason)

    def _divide_by_unit(self, a: Any256, b: Any256, m: int, reason: Reason) -> Wide | None:
        """The quotient modulo a constant, where it is cheap to show that the divisor is a unit."""
        if isinstance(b, int):
            INTEGERS.divide_modulo(1, b, m, reason)
            return residues.quotient(self.wires, a, b % m, m)
        if not is_prime(m):
            return None
        x, y = residues.compared(self.wires, b, m)
        zero = self.equal(x, y)
        if y == 0:
            b = x
        self.require(INTEGERS.sub(1, zero) if isinstance(zero, int) else _turned(zero), reason)
        # Where the path is not taken, and the divisor is zero, by one.
        return residues.quotient(self.wires, a, b, m, 0 if self.narrow.path == 1 else zero)

    def _exact(self, op: str, a: Any256, b: Any256) -> tuple[Value, ...]:
        """The limbs of an exact sum, difference or product."""
        x, y = self._parts(a), self._parts(b)
        match op:
            case "add":
                return tuple(limbs.add(x, y))
            case "sub":
                return tuple(limbs.subtract(x, y))
            case _:
                return tuple(limbs.convolve(self.wires, x, y))

    def _is_signed(self) -> bool:
        assert self.narrow.word is not None
        return self.narrow.word.kind is Kind.SIGNED

    def _parts(self, a: Any256) -> list[Value]:
        if isinstance(a, Wide):
            return list(a.parts)
        if isinstance(a, int):
            return (
                list(word_parts(a)) if -1 << 255 <= a < 1 << 256 else limbs.limbs_of(self.wires, a)
            )
        if a.high >= 1 << 250:
            bits = bounds.canonical_bits(self.wires, a)
            return limbs.limbs_from_bits(bits, is_signed=False)
        return [a]

    def _bits(self, a: Any256) -> list[Bit]:
        return word_bits(self.narrow, a)

    def _count_bits(self, count: Any256) -> list[Bit]:
        assert isinstance(count, Wide)
        return _bits_of(self.narrow, count.parts[0], LIMB_BITS)[:8]

    def _from_bits(self, bits: list[Bit], word: Word | None = None) -> Wide:
        is_signed = self._is_signed() if word is None else word.kind is Kind.SIGNED
        return wide_from_bits(bits, is_signed=is_signed)

    def _is_below_power(self, a: Any256, width: int) -> Value:
        lowest, *others = self._parts(a)
        above = value_from_bits(_bits_of(self.narrow, lowest, LIMB_BITS)[width:], is_signed=False)
        for part in others:
            (above,) = limbs.add([above], [part])
        return self.narrow.equal(above, 0)

    def _settled(self, parts: list[Value], word: Word) -> Any256:
        """An exact value that is known to be in a word's range, as that word."""
        if word.bits < LIMBS * LIMB_BITS:
            return _joined(parts)
        padded = (*parts, *([0] * (LIMBS - len(parts))))
        if _are_limbs(padded, word):
            return Wide(padded, is_word=True)
        bits, _ = limbs.carried(self.wires, parts, word.bits)
        return self._from_bits(bits, word)

    def _lowest(
        self, parts: list[Value], word: Word, *, is_word: bool
    ) -> tuple[Value, list[Value]]:
        """The lowest 64 or 128 bits as a number, as a narrow word needs, and what is above."""
        cover = _cover(word)
        if is_word:
            count = cover // LIMB_BITS
            return _joined(parts[:count]), [_joined(parts[count:])]
        bits, rest = limbs.carried(self.wires, parts, cover)
        return value_from_bits(bits, is_signed=False), rest

    def _divide(self, a: Any256, b: Any256) -> tuple[Any256, Any256]:
        over, under = self._parts(a), self._parts(b)
        if self.narrow.path != 1:
            # Where the path is not taken the divisor may be zero: divide by one there.
            under = limbs.add(under, [self.equal(b, 0)])
        w, width = self.wires, LIMBS * LIMB_BITS
        if not self._is_signed():
            least = max(_low(b), 1)
            ends = min(_low(a), 0) // least, _high(a) // least
            found, bits = division.divide_limbs(w, over, under, ends, width)
            padded = (*found, *([0] * (LIMBS - len(found))))
            quotient = Wide(padded, is_word=ends[0] == 0 and len(padded) == LIMBS)
            return quotient, wide_from_bits(bits, is_signed=False)
        # With s the sign of the divisor: s * a = q * (s * b) + s * r, and s * b is positive.
        sign = value_from_bits([self._bits(b)[-1]], is_signed=False)
        sized = self._signed(sign, under)
        most = 1 << 255
        found, bits = division.divide_limbs(
            w, self._signed(sign, over), sized, (-most, most), width
        )
        quotient = Wide((*found, *([0] * (LIMBS - len(found)))))
        rest = self._signed(sign, limbs.limbs_from_bits(bits, is_signed=False))
        carried, _ = limbs.carried(self.wires, rest, LIMBS * LIMB_BITS)
        return quotient, wide_from_bits(carried, is_signed=True)

    def _signed(self, sign: Value, parts: list[Value]) -> list[Value]:
        """The parts, or where there is a sign, their negatives."""
        negatives = limbs.subtract([], parts)
        return [
            self._choose(sign, negative, part)
            for negative, part in zip(negatives, parts, strict=True)
        ]

    def _choose(self, cond: Value, then: Value, other: Value) -> Value:
        if isinstance(cond, int):
            return then if cond else other
        return gadgets.choose(self.wires, cond.lc, then, other)


def word_parts(value: int) -> tuple[Value, ...]:
    """The limbs of a word's value."""
    mask = (1 << LIMB_BITS) - 1
    return (*(value >> LIMB_BITS * i & mask for i in range(LIMBS - 1)), value >> 192)


def wide_from_bits(bits: Sequence[Bit], *, is_signed: bool) -> Wide:
    """A word of its 256 bits."""
    return Wide(tuple(limbs.limbs_from_bits(bits, is_signed=is_signed)), is_word=True)


def word_bits(algebra: R1csAlgebra, a: Any256) -> list[Bit]:
    """The 256 bits of a word."""
    parts = word_parts(a) if isinstance(a, int) else a.parts if isinstance(a, Wide) else (a,)
    return [bit for part in parts for bit in _bits_of(algebra, part, LIMB_BITS)]


def choose(w: Wires, cond: lc.LC, then: Any256, other: Any256, *, is_wide: bool) -> Any256:
    """One of two words of one type.

    Args:
        w: The circuit.
        cond: Which.
        then: The one where it holds.
        other: The one where it does not.
        is_wide: Whether their type has 256 bits: two constants do not tell.
    """
    if is_wide:
        if then is other or (isinstance(then, int) and then == other):
            return then
        pairs = zip(_word_parts(then), _word_parts(other), strict=True)
        chosen = tuple(gadgets.choose(w, cond, x, y) for x, y in pairs)
        return Wide(chosen, is_word=True, most=_most(then, other))
    return gadgets.choose(w, cond, _value(then), _value(other))


def of_constants(w: Wires, hits: Sequence[lc.LC], words: Mapping[int, int]) -> Wide:
    """One of some unsigned words, zero where there is none: truths, one of which holds, say which.

    Formula: ``sum(hit[i] * limb[i]) = out`` for each limb.
    """
    parts: list[Value] = []
    for index in range(LIMBS):
        limbs_of = {i: word_parts(word)[index] for i, word in words.items()}
        total: lc.LC = {}
        for i, limb in limbs_of.items():
            assert isinstance(limb, int)
            if limb:
                lc.accumulate(total, hits[i], limb)
        out = w.define("choice", witness.linear, total, (total, lc.ONE, None))
        parts.append(Number(out, 0, max(high_of(limb) for limb in limbs_of.values())))
    return Wide(tuple(parts), is_word=True, most=max(words.values()))


def _most(then: Any256, other: Any256) -> int | None:
    """What neither of two words is above, if that is known."""
    ends = [
        of if isinstance(of, int) else of.most if isinstance(of, Wide) else None
        for of in (then, other)
    ]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


def _turned(truth: Value) -> Value:
    return Number(lc.negate(to_lc(truth)), 0, 1)


def _word_parts(a: Any256) -> tuple[Value, ...]:
    assert not isinstance(a, Number)
    return word_parts(a) if isinstance(a, int) else a.parts


def _bits_of(algebra: R1csAlgebra, part: Value, width: int) -> list[Bit]:
    if isinstance(part, int):
        return [part >> index & 1 for index in range(width)]
    bits = list(gadgets.bits_of(algebra.wires, part))[:width]
    fill = bits[-1] if part.low < 0 else 0
    return bits + [fill] * (width - len(bits))


def _has_bits(a: Wide) -> bool:
    """Whether the bits of an unsigned word are known."""
    parts = [part for part in a.parts if isinstance(part, Number)]
    return a.is_word and all(part.late is None and part.bits and part.low >= 0 for part in parts)


def _are_limbs(parts: Sequence[Value], word: Word) -> bool:
    """Whether exact parts are the limbs of a word as they stand."""
    if len(parts) != LIMBS:
        return False
    bounds = [(0, (1 << LIMB_BITS) - 1)] * (LIMBS - 1) + [(word.low >> 192, word.high >> 192)]
    return all(
        low <= low_of(part) and high_of(part) <= high
        for part, (low, high) in zip(parts, bounds, strict=True)
    )


def _cover(word: Word) -> int:
    """Bits of the limbs that a narrow word needs."""
    return -(-word.bits // LIMB_BITS) * LIMB_BITS


def _joined(parts: Sequence[Value]) -> Value:
    """The sum of limbs as one number; exact where the field holds it."""
    total: lc.LC = {}
    for index, part in enumerate(parts):
        if part != 0:
            total = lc.add(total, lc.scale(to_lc(part), 1 << LIMB_BITS * index))
    return value_from_lc(total, _total(parts, low_of), _total(parts, high_of))


def _total(parts: Sequence[Value], end: Callable[[Value], int]) -> int:
    return sum(end(part) << LIMB_BITS * index for index, part in enumerate(parts))


def _low(a: Any256) -> int:
    return _total(a.parts, low_of) if isinstance(a, Wide) else low_of(a)


def _high(a: Any256) -> int:
    return _total(a.parts, high_of) if isinstance(a, Wide) else high_of(a)


def _minus(a: Value, sign: Value, weight: int) -> Value:
    """``a - weight * sign``, of which the sign says the highest bit."""
    if isinstance(sign, int):
        return gadgets.shifted(a, -weight * sign)
    half = weight >> 1
    return value_from_lc(lc.sub(to_lc(a), lc.scale(sign.lc, weight)), -half, half - 1)


def _settled(a: object) -> Value:
    assert isinstance(a, int | Number)
    return a


def _value(a: Any256) -> Value:
    assert not isinstance(a, Wide)
    return a
