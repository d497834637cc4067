"""Linear combinations of wires: ``{wire: coefficient}``, read modulo the field's order.

Wire 0 is the constant one. Coefficients are integers of either sign; small ones stay small, so that
adding and evaluating them costs little, and large ones are reduced. No function changes what it is
given: linear combinations are shared by constraints, hints and values.
"""

from typing import Final, TypeAlias

from numen.ir.types import FIELD_ORDER

LC: TypeAlias = dict[int, int]

ONE: Final[LC] = {0: 1}
"""The constant one."""

_COEFFICIENT_MAX = 1 << 300
"""A coefficient beyond this is reduced: a chain of doublings must not grow without bound."""


def constant(value: int) -> LC:
    """A constant."""
    return {0: value} if value else {}


def add(a: LC, b: LC) -> LC:
    """The sum."""
    if len(a) < len(b):
        a, b = b, a
    total = a.copy()
    for wire, k in b.items():
        k += total.get(wire, 0)  # noqa: PLW2901
        if k:
            total[wire] = k
        else:
            del total[wire]
    return total


def sub(a: LC, b: LC) -> LC:
    """The difference."""
    total = a.copy()
    for wire, k in b.items():
        k = total.get(wire, 0) - k  # noqa: PLW2901
        if k:
            total[wire] = k
        else:
            del total[wire]
    return total


def scale(a: LC, factor: int) -> LC:
    """The product with a constant that is not a multiple of the order."""
    product = {}
    for wire, k in a.items():
        k *= factor  # noqa: PLW2901
        if not -_COEFFICIENT_MAX < k < _COEFFICIENT_MAX:
            k %= FIELD_ORDER  # noqa: PLW2901
        product[wire] = k
    return product


def shift(a: LC, offset: int) -> LC:
    """The sum with a constant."""
    return add(a, {0: offset}) if offset else a


def negate(a: LC) -> LC:
    """One minus it: the other truth."""
    return sub(ONE, a)


def accumulate(total: LC, a: LC, factor: int) -> None:
    """Add ``factor * a`` to a combination that nobody else holds yet."""
    for wire, k in a.items():
        k = total.get(wire, 0) + k * factor  # noqa: PLW2901
        if k:
            total[wire] = k
        else:
            del total[wire]


def dot(a: LC, values: list[int]) -> int:
    """Its value, not reduced."""
    total = 0
    for wire, k in a.items():
        total += k * values[wire]
    return total
