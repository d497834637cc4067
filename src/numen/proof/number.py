"""The values that a circuit computes with: a linear combination and the integers it can stand for.

A value is a Python integer where it is the same in every run, else a `Number`. The field knows a
number only modulo its order; the interval says which integer of its class is meant. Every interval
holds for every assignment that satisfies the constraints, also on paths that a run does not take:
gadgets that rely on one are therefore sound everywhere.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

import msgspec

from numen.ir.types import FIELD_ORDER
from numen.proof import lc
from numen.proof.lc import LC

Bit: TypeAlias = int | LC
"""A truth: 0 or 1, or a combination that can be nothing else."""


class Late(msgspec.Struct, frozen=True):
    """A number that is worked out when somebody asks for it.

    Attributes:
        raw: Congruent to it modulo ``2**width``, and known.
        width: See there.
        settle: Works it out.
    """

    raw: "Number"
    width: int
    settle: Callable[[], "Value"]


class Number:
    """A value that depends on the inputs.

    Attributes:
        low: Least value.
        high: Greatest value.
        late: How to work it out, until somebody asks for it; then None.
    """

    __slots__ = ("_bits", "_lc", "high", "late", "low")

    def __init__(
        self,
        combination: LC,
        low: int,
        high: int,
        bits: tuple[Bit, ...] | None = None,
        late: Late | None = None,
    ) -> None:
        self._lc = combination
        self.low = low
        self.high = high
        self._bits = bits
        self.late = late

    @property
    def lc(self) -> LC:
        """A combination that is congruent to the value."""
        if self.late is not None:
            self._settle(self.late)
        return self._lc

    @property
    def bits(self) -> tuple[Bit, ...] | None:
        """The value in two's complement, lowest first, once somebody has asked for it.

        The last bit counts negatively where ``low`` is negative.
        """
        if self.late is not None:
            self._settle(self.late)
        return self._bits

    @bits.setter
    def bits(self, bits: tuple[Bit, ...]) -> None:
        self._bits = bits

    def __repr__(self) -> str:
        return f"Number({self._lc}, {self.low}, {self.high})"

    def _settle(self, late: Late) -> None:
        self.late = None
        value = late.settle()
        self._lc = to_lc(value)
        if isinstance(value, Number) and (value.low < 0) == (self.low < 0):
            self._bits = value.bits


Value: TypeAlias = int | Number
"""A word."""


class Deferred(Protocol):
    """An integer that is worked out when somebody asks for its limbs."""

    def settle(self) -> tuple["Value", ...]:
        """Work it out; asked once."""


class Wide:
    """An integer as ``sum(part[i] * 2**(64 * i))``: words of 256 bits, and what comes before them.

    Attributes:
        is_word: Whether the parts are the four limbs of a word: of 64 bits each, the last one
            signed where the word is.
        late: How to work it out, until somebody asks for it; then None.
        most: A number that it is not above, if one is known beside what the parts say.
    """

    __slots__ = ("_parts", "is_word", "late", "most")

    def __init__(
        self,
        parts: tuple["Value", ...] = (),
        *,
        is_word: bool = False,
        late: Deferred | None = None,
        most: int | None = None,
    ) -> None:
        self._parts = parts
        self.is_word = is_word
        self.late = late
        self.most = most

    @property
    def parts(self) -> tuple["Value", ...]:
        """Exact values."""
        if self.late is not None:
            late, self.late = self.late, None
            self._parts = late.settle()
        return self._parts


class Product:
    """A product too large for one combination: what it means depends on what is asked of it.

    Attributes:
        a: First factor.
        b: Second factor.
    """

    __slots__ = ("a", "b", "high", "low")

    def __init__(self, a: Value, b: Value, low: int, high: int) -> None:
        self.a = a
        self.b = b
        self.low = low
        self.high = high


def to_lc(value: Value) -> LC:
    """The combination of a value."""
    return value.lc if isinstance(value, Number) else lc.constant(value)


def low_of(value: Value | Product) -> int:
    """Its least value."""
    return value if isinstance(value, int) else value.low


def high_of(value: Value | Product) -> int:
    """Its greatest value."""
    return value if isinstance(value, int) else value.high


def value_from_lc(combination: LC, low: int, high: int) -> Value:
    """A value, as an integer if it is a constant.

    An interval wider than the field leaves the constant open; it is then any of its class, which
    serves those who ask only for the class.
    """
    if not combination or (len(combination) == 1 and 0 in combination):
        return low + (combination.get(0, 0) - low) % FIELD_ORDER
    return Number(combination, low, high)


def value_from_bits(bits: list[Bit], *, is_signed: bool) -> Value:
    """The value of bits in two's complement, or unsigned ones."""
    total: LC = {}
    low = high = 0
    for index, bit in enumerate(bits):
        weight = 1 << index
        if is_signed and index == len(bits) - 1:
            weight = -weight
        if isinstance(bit, int):
            low, high = low + weight * bit, high + weight * bit
            if bit:
                lc.accumulate(total, lc.ONE, weight)
        else:
            lc.accumulate(total, bit, weight)
            low, high = low + min(weight, 0), high + max(weight, 0)
    value = value_from_lc(total, low, high)
    if isinstance(value, Number) and is_signed == (low < 0):
        value.bits = tuple(bits)
    return value


def within(value: Value, low: int, high: int) -> Value:
    """The same value, known to lie in an interval; the sign of its least value stays."""
    if isinstance(value, int):
        return value
    low, high = max(low, value.low), min(high, value.high)
    assert (low < 0) == (value.low < 0)
    return Number(value.lc, low, high, value.bits)
