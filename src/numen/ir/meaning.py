"""What each pure instruction means, written once.

Every function below takes an `Algebra`, the word type of its operands, and operands of the
algebra's own value type. The interpreter (Python integers), the JIT (LLVM values) and the circuit
compiler (linear combinations of wires) are algebras, so they cannot disagree about a meaning: there
is only one text to read.

Arithmetic is over the *exact* integers: `add`, `sub`, `mul` and `shift_left` give a result that
may lie outside every type. It must then go through one of two doors: `fit` keeps a value that its
type holds and traps otherwise (checked arithmetic), `wrap` reduces it into the type (wrapping
arithmetic, and the field, whose wrap is the remainder by its order). An algebra may therefore
postpone exact operations and see both at once: LLVM has one instruction for add-and-check, and a
circuit needs no constraint for a sum that nobody has to range-check.
"""

from typing import Protocol, TypeVar

from numen.ir.trap import Reason
from numen.ir.types import BOOL, Kind, Word

V = TypeVar("V")


class Algebra(Protocol[V]):
    """What a domain must offer to give meaning to the pure instructions.

    Truths are values of type `bool`: 0 or 1.
    """

    def const(self, value: int, word: Word) -> V:
        """A constant of a type; ``value`` is in its range."""

    def add(self, a: V, b: V) -> V:
        """The exact sum."""

    def sub(self, a: V, b: V) -> V:
        """The exact difference."""

    def mul(self, a: V, b: V) -> V:
        """The exact product."""

    def floor_div(self, a: V, b: V) -> V:
        """The exact quotient, rounded down; ``b`` is not zero (a failed `require` comes first)."""

    def floor_mod(self, a: V, b: V) -> V:
        """``a - b * floor_div(a, b)``; ``a`` may be an exact result of unsigned words."""

    def divide_modulo(self, a: V, b: V, m: V, reason: Reason) -> V:
        """The only r from 0 to ``m - 1`` with ``b * r = a`` modulo m; unsigned words.

        Traps where ``b`` and ``m`` have a common divisor, for then there is none or more than one.
        ``m`` is not zero.
        """

    def inverse(self, a: V) -> V:
        """The inverse modulo the field's order; ``a`` is not zero."""

    def bit_and(self, a: V, b: V) -> V:
        """Bitwise and of two words of one type."""

    def bit_or(self, a: V, b: V) -> V:
        """Bitwise or of two words of one type."""

    def bit_xor(self, a: V, b: V) -> V:
        """Bitwise exclusive or of two words of one type."""

    def shift_left(self, a: V, count: V) -> V:
        """The exact ``a * 2**count``; ``count`` is below the width of ``a``."""

    def shift_right(self, a: V, count: V) -> V:
        """``a / 2**count`` rounded down; ``count`` is below the width of ``a``."""

    def equal(self, a: V, b: V) -> V:
        """Whether two words of one type are equal."""

    def less(self, a: V, b: V) -> V:
        """Whether ``a < b`` as integers; both words of one type."""

    def select(self, cond: V, then: V, other: V) -> V:
        """``then`` if ``cond`` else ``other``."""

    def fit(self, a: V, word: Word, reason: Reason) -> V:
        """An exact value as a word; traps when it is outside the word's range."""

    def wrap(self, a: V, word: Word) -> V:
        """An exact value reduced into a word: modulo 2**bits (two's complement), or the order."""

    def require(self, cond: V, reason: Reason) -> None:
        """Trap unless ``cond`` holds."""


def add(e: Algebra[V], t: Word, a: V, b: V) -> V:
    """Checked sum; modular in the field."""
    return _settle(e, t, e.add(a, b))


def sub(e: Algebra[V], t: Word, a: V, b: V) -> V:
    """Checked difference; modular in the field."""
    return _settle(e, t, e.sub(a, b))


def mul(e: Algebra[V], t: Word, a: V, b: V) -> V:
    """Checked product; modular in the field."""
    return _settle(e, t, e.mul(a, b))


def wrapping_add(e: Algebra[V], t: Word, a: V, b: V) -> V:
    """Sum modulo 2**bits."""
    return e.wrap(e.add(a, b), t)


def wrapping_sub(e: Algebra[V], t: Word, a: V, b: V) -> V:
    """Difference modulo 2**bits."""
    return e.wrap(e.sub(a, b), t)


def wrapping_mul(e: Algebra[V], t: Word, a: V, b: V) -> V:
    """Product modulo 2**bits."""
    return e.wrap(e.mul(a, b), t)


def div(e: Algebra[V], t: Word, a: V, b: V) -> V:
    """Quotient rounded down, as Python's ``//``; in the field, times the inverse."""
    _require_divisor(e, t, b)
    if t.kind is Kind.FIELD:
        return e.wrap(e.mul(a, e.inverse(b)), t)
    return e.fit(e.floor_div(a, b), t, Reason.OVERFLOW)


def rem(e: Algebra[V], t: Word, a: V, b: V) -> V:
    """Remainder with the sign of the divisor, as Python's ``%``."""
    _require_divisor(e, t, b)
    return e.floor_mod(a, b)


def add_mod(e: Algebra[V], t: Word, a: V, b: V, m: V) -> V:
    """``(a + b) % m`` of the exact sum; unsigned words."""
    _require_divisor(e, t, m)
    return e.floor_mod(e.add(a, b), m)


def sub_mod(e: Algebra[V], t: Word, a: V, b: V, m: V) -> V:
    """``(a - b) % m`` of the exact difference, as Python's ``%``; unsigned words."""
    _require_divisor(e, t, m)
    return e.floor_mod(e.sub(a, b), m)


def mul_mod(e: Algebra[V], t: Word, a: V, b: V, m: V) -> V:
    """``(a * b) % m`` of the exact product; unsigned words."""
    _require_divisor(e, t, m)
    return e.floor_mod(e.mul(a, b), m)


def div_mod(e: Algebra[V], t: Word, a: V, b: V, m: V) -> V:
    """``a`` times the inverse of ``b`` modulo ``m``; traps where ``b`` has none; unsigned words."""
    _require_divisor(e, t, m)
    return e.divide_modulo(a, b, m, Reason.DIVISION_BY_ZERO)


def bit_and(e: Algebra[V], _t: Word, a: V, b: V) -> V:
    """Bitwise and."""
    return e.bit_and(a, b)


def bit_or(e: Algebra[V], _t: Word, a: V, b: V) -> V:
    """Bitwise or."""
    return e.bit_or(a, b)


def bit_xor(e: Algebra[V], _t: Word, a: V, b: V) -> V:
    """Bitwise exclusive or."""
    return e.bit_xor(a, b)


def bit_not(e: Algebra[V], t: Word, a: V) -> V:
    """Every bit turned: ``high - a`` of an unsigned word, ``-1 - a`` of a signed one."""
    last = -1 if t.kind is Kind.SIGNED else t.high
    return e.wrap(e.sub(e.const(last, t), a), t)


def shl(e: Algebra[V], t: Word, a: V, count: V) -> V:
    """Bits moved up, those above the width dropped; a count of the width or more traps."""
    _require_count(e, t, count)
    return e.wrap(e.shift_left(a, count), t)


def shr(e: Algebra[V], t: Word, a: V, count: V) -> V:
    """Quotient by 2**count rounded down; a count of the width or more traps."""
    _require_count(e, t, count)
    return e.shift_right(a, count)


def eq(e: Algebra[V], _t: Word, a: V, b: V) -> V:
    """Whether two words are equal."""
    return e.equal(a, b)


def lt(e: Algebra[V], _t: Word, a: V, b: V) -> V:
    """Whether the first word is less than the second, as integers."""
    return e.less(a, b)


def select(e: Algebra[V], _t: Word, cond: V, then: V, other: V) -> V:
    """The second operand where the first is true, the third where it is not."""
    return e.select(cond, then, other)


def cast(e: Algebra[V], to: Word, a: V) -> V:
    """The same integer as another type; traps where that type lacks it. Into the field: modulo."""
    if to.kind is Kind.FIELD:
        return e.wrap(a, to)
    return e.fit(a, to, Reason.CONVERSION)


def truncate(e: Algebra[V], to: Word, a: V) -> V:
    """The integer modulo 2**bits of another type."""
    return e.wrap(a, to)


def _settle(e: Algebra[V], t: Word, exact: V) -> V:
    return e.wrap(exact, t) if t.kind is Kind.FIELD else e.fit(exact, t, Reason.OVERFLOW)


def _require_count(e: Algebra[V], t: Word, count: V) -> None:
    enough = e.less(count, e.const(t.bits, t))
    if t.kind is Kind.SIGNED:
        is_negative = e.less(count, e.const(0, t))
        enough = e.bit_and(enough, e.bit_xor(is_negative, e.const(1, BOOL)))
    e.require(enough, Reason.SHIFT)


def _require_divisor(e: Algebra[V], t: Word, b: V) -> None:
    is_zero = e.equal(b, e.const(0, t))
    e.require(e.bit_xor(is_zero, e.const(1, BOOL)), Reason.DIVISION_BY_ZERO)
