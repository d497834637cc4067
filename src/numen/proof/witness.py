"""How the values of wires are found: one table of hints, and the plan that applies them in order.

A hint says what a wire holds; the constraints beside it say why no other value will do. The
compiler records ``(hint, first wire, arguments)`` as it lays the constraints down, so a witness is
one walk over the plan. A check in the plan raises the trap of the program where the run of these
inputs ends in one: no witness satisfies the constraints then.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from numen.ir.trap import Trap, TrapError
from numen.ir.types import FIELD_ORDER
from numen.proof.lc import LC, dot

Values: TypeAlias = list[int]
"""One integer of ``[0, FIELD_ORDER)`` a wire."""

Hint: TypeAlias = Callable[[Values, int, Any], None]
"""Fills wires from the second argument on, from the values of wires before it."""

Step: TypeAlias = tuple[Hint, int, Any]

Exact: TypeAlias = tuple[LC, int]
"""A linear combination and the least integer it stands for: see `exact`."""


def follow(plan: list[Step], values: Values) -> None:
    """Fill every wire that is not an input.

    Raises:
        TrapError: The run of these inputs traps.
    """
    for hint, first, args in plan:
        hint(values, first, args)


def exact(of: Exact, values: Values) -> int:
    """The integer that a combination stands for: the one of its class at or above the least."""
    lc, low = of
    return low + (dot(lc, values) - low) % FIELD_ORDER


def total(limbs: tuple[Exact, ...], values: Values) -> int:
    """The integer that limbs of 64 bits stand for."""
    return sum(exact(limb, values) << 64 * index for index, limb in enumerate(limbs))


def linear(values: Values, wire: int, lc: LC) -> None:
    """A sum."""
    values[wire] = dot(lc, values) % FIELD_ORDER


def product(values: Values, wire: int, factors: tuple[LC, LC]) -> None:
    """A product."""
    a, b = factors
    values[wire] = dot(a, values) * dot(b, values) % FIELD_ORDER


def either(values: Values, wire: int, args: tuple[LC, LC]) -> None:
    """The exclusive or of two bits."""
    a, b = args
    values[wire] = (dot(a, values) - dot(b, values)) % FIELD_ORDER and 1


def choice(values: Values, wire: int, args: tuple[LC, LC, LC]) -> None:
    """One of two values, as a bit says."""
    cond, then, other = args
    values[wire] = dot(then if dot(cond, values) % FIELD_ORDER else other, values) % FIELD_ORDER


def bits(values: Values, first: int, args: tuple[LC, int, int]) -> None:
    """The bits of a value above its base, but for the lowest."""
    lc, base, count = args
    rest = (dot(lc, values) - base) % FIELD_ORDER >> 1
    for wire in range(first, first + count - 1):
        values[wire] = rest & 1
        rest >>= 1


def all_bits(values: Values, first: int, args: tuple[LC, int]) -> None:
    """The bits of an element, the lowest too."""
    lc, count = args
    rest = dot(lc, values) % FIELD_ORDER
    for wire in range(first, first + count):
        values[wire] = rest & 1
        rest >>= 1


def zero_test(values: Values, wire: int, lc: LC) -> None:
    """An inverse, or zero for zero; then whether it is zero."""
    value = dot(lc, values) % FIELD_ORDER
    values[wire] = pow(value, -1, FIELD_ORDER) if value else 0
    values[wire + 1] = 0 if value else 1


def inverse(values: Values, wire: int, lc: LC) -> None:
    """An inverse of what is not zero."""
    values[wire] = pow(dot(lc, values) % FIELD_ORDER, -1, FIELD_ORDER)


def quotient(
    values: Values, first: int, args: tuple[tuple[Exact, ...], tuple[Exact, ...], int, int]
) -> None:
    """The bits of a quotient above its base."""
    a, b, base, count = args
    rest = total(a, values) // total(b, values) - base
    for wire in range(first, first + count):
        values[wire] = rest & 1
        rest >>= 1


def remainder(
    values: Values, first: int, args: tuple[tuple[Exact, ...], tuple[Exact, ...], int, int]
) -> None:
    """The bits of a remainder above its base."""
    a, b, base, count = args
    rest = total(a, values) % total(b, values) - base
    for wire in range(first, first + count):
        values[wire] = rest & 1
        rest >>= 1


def inverse_modulo(
    values: Values, first: int, args: tuple[tuple[Exact, ...], tuple[Exact, ...], int, int]
) -> None:
    """The bits of an inverse modulo a number, above its base; there is one."""
    b, m, base, count = args
    rest = pow(total(b, values), -1, total(m, values)) - base
    for wire in range(first, first + count):
        values[wire] = rest & 1
        rest >>= 1


def divide_modulo(
    values: Values, first: int, args: tuple[tuple[Exact, ...], tuple[Exact, ...], int, int, int]
) -> None:
    """The bits of a quotient modulo a constant, above its base; the divisor has an inverse."""
    a, b, m, base, count = args
    rest = total(a, values) * pow(total(b, values), -1, m) % m - base
    for wire in range(first, first + count):
        values[wire] = rest & 1
        rest >>= 1


def check_unit(
    values: Values, _: int, args: tuple[LC, tuple[Exact, ...], tuple[Exact, ...], Trap]
) -> None:
    """Trap where a number has no inverse modulo another and the path is taken."""
    path, b, m, trap = args
    if math.gcd(total(b, values), total(m, values)) != 1 and dot(path, values) % FIELD_ORDER:
        raise TrapError(trap)


def check_range(values: Values, _: int, args: tuple[LC, tuple[Exact, ...], int, int, Trap]) -> None:
    """Trap where a value is outside its type and the path is taken."""
    path, limbs, low, high, trap = args
    if not low <= total(limbs, values) <= high and dot(path, values) % FIELD_ORDER:
        raise TrapError(trap)


def check_truth(values: Values, _: int, args: tuple[LC, LC, Trap]) -> None:
    """Trap where a condition fails and the path is taken."""
    path, cond, trap = args
    if not dot(cond, values) % FIELD_ORDER and dot(path, values) % FIELD_ORDER:
        raise TrapError(trap)
