"""Functions of up to three bits as truth tables, and as what one constraint can say.

A table of ``n`` inputs is an integer of ``2**n`` bits: bit ``i`` is the value where input ``j`` is
bit ``j`` of ``i``.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence
from math import gcd
from typing import Final, TypeAlias

import msgspec

INPUTS_MAX: Final = 3
"""Functions of so many bits are made at once."""

Terms: TypeAlias = tuple[tuple[int, int], ...]
"""A linear combination: places and weights that are not zero."""

_STEEPEST = 3
"""Slopes of a hyperbola that are tried; more find no more functions."""


class Hyperbola(msgspec.Struct, frozen=True):
    """A function of three bits as ``d * (k * out + e) = f``.

    Attributes:
        d: Weights of one and of each input; the sum is not zero for any inputs.
        e: The same.
        f: The same.
        k: Not zero.
    """

    d: tuple[int, ...]
    e: tuple[int, ...]
    f: tuple[int, ...]
    k: int


@functools.cache
def spread(table: int, positions: tuple[int, ...], width: int) -> int:
    """A function as one of more inputs: its input ``j`` is the new one's ``positions[j]``."""
    total = 0
    for index in range(1 << width):
        old = sum((index >> position & 1) << j for j, position in enumerate(positions))
        total |= (table >> old & 1) << index
    return total


@functools.cache
def combine(operation: int, a: int, b: int, width: int) -> int:
    """An operation of two bits, itself a table, on two functions of the same inputs."""
    total = 0
    for index in range(1 << width):
        total |= (operation >> (a >> index & 1 | (b >> index & 1) << 1) & 1) << index
    return total


@functools.cache
def joined(
    operation: int, a: int, width: int, b: int, positions: tuple[int, ...]
) -> tuple[int, tuple[int, ...]]:
    """An operation on two functions, less the inputs that it does not depend on.

    Args:
        operation: A table of two inputs.
        a: A table of ``width`` inputs.
        width: See there.
        b: Another table.
        positions: Which inputs it has; those from ``width`` on are its own.

    Returns:
        The table, and which inputs are left.
    """
    total = max(width, *(position + 1 for position in positions), 0)
    first = spread(a, tuple(range(width)), total)
    return reduced(combine(operation, first, spread(b, positions, total), total), total)


@functools.cache
def is_one_constraint(table: int, width: int) -> bool:
    """Whether a function takes one constraint at most."""
    table, used = reduced(table, width)
    return len(used) < INPUTS_MAX or choice(table) is not None or hyperbola(table) is not None


@functools.cache
def turned(operation: int, *, turn_a: bool, turn_b: bool) -> int:
    """An operation on two bits, some of which are negated first."""
    total = 0
    for index in range(4):
        total |= (operation >> (index ^ turn_a ^ turn_b << 1) & 1) << index
    return total


@functools.cache
def reduced(table: int, width: int) -> tuple[int, tuple[int, ...]]:
    """The same function of the inputs that it depends on, and which they are."""
    used = tuple(
        j
        for j in range(width)
        if any((table >> i ^ table >> (i ^ 1 << j)) & 1 for i in range(1 << width))
    )
    total = 0
    for index in range(1 << len(used)):
        old = sum((index >> j & 1) << position for j, position in enumerate(used))
        total |= (table >> old & 1) << index
    return total, used


@functools.cache
def polynomial(table: int, width: int) -> tuple[int, ...]:
    """The integers with which the function is a sum of products of inputs, by set of inputs."""
    found = [table >> index & 1 for index in range(1 << width)]
    for j in range(width):
        for index in range(1 << width):
            if index >> j & 1:
                found[index] -= found[index ^ 1 << j]
    return tuple(found)


@functools.cache
def choice(table: int) -> tuple[int, tuple[int, bool], tuple[int, bool]] | None:
    """A function of three bits as a choice by one of them between the others, or their negations.

    Returns:
        The input that chooses; the one taken where it holds and whether it is negated; the one
        taken where it does not.
    """
    for cond in range(3):
        first, second = (j for j in range(3) if j != cond)
        for then, other in ((first, second), (second, first)):
            for turn_then, turn_other in itertools.product((False, True), repeat=2):
                total = 0
                for index in range(8):
                    taken = index >> then & 1 ^ turn_then
                    left = index >> other & 1 ^ turn_other
                    total |= (taken if index >> cond & 1 else left) << index
                if total == table:
                    return cond, (then, turn_then), (other, turn_other)
    return None


@functools.cache
def constraint(table: int, width: int) -> tuple[Terms, Terms, Terms]:
    """The two factors and the product by which one constraint makes a function of bits.

    Formulas: ``-k * a * b = rest - out``, where ``rest + k * a * b`` is the function; ``c * (y - x)
    = y - out`` for a choice by ``c``; ``d * (k * out + e) = f`` else, where ``d``, ``e`` and ``f``
    are sums of the bits and ``d`` is never zero: see `hyperbola`.

    Args:
        table: Of a function that depends on all inputs and that is one constraint.
        width: How many those are, 2 or 3.

    Returns:
        Of each the terms: where 0 stands for one, then the inputs, then ``out``.
    """
    out = width + 1
    if width == 2:
        *weights, product = polynomial(table, 2)
        return ((1, -product),), ((2, 1),), (*_terms(weights), (out, -1))
    chosen = choice(table)
    if chosen is not None:
        cond, (then, turn_then), (other, turn_other) = chosen
        # y - x and y, where a bit that is negated is one less it.
        x, y = (-1 if turn_then else 1), (-1 if turn_other else 1)
        difference = (
            turn_other - turn_then,
            *(y * (j == other) - x * (j == then) for j in range(3)),
        )
        rest = (int(turn_other), *(y * (j == other) for j in range(3)))
        return ((1 + cond, 1),), _terms(difference), (*_terms(rest), (out, -1))
    shape = hyperbola(table)
    assert shape is not None
    return _terms(shape.d), (*_terms(shape.e), (out, shape.k)), _terms(shape.f)


def _terms(weights: Sequence[int]) -> Terms:
    return tuple((slot, weight) for slot, weight in enumerate(weights) if weight)


@functools.cache
def hyperbola(table: int) -> Hyperbola | None:
    """A function that depends on three bits as a constraint that one value solves, if it is one.

    It is for parities, majorities, choices and ``a ^ (b & c)``, of inputs negated or not; not for
    ``a & b & c`` and ``a & (b | c)``.

    With the function as a polynomial ``y``, ``d * (y + e)`` has to be a sum of the bits. Its
    products of two bits vanish for one ``e``, and that of all three vanishes for the right constant
    in ``d``. A parity has ``(2 * t - 3) * (4 * y - 2 * t + 1) = -3`` with ``t = a + b + c``.
    """
    y = polynomial(table, 3)
    for slopes in _slopes():
        for d in _denominators(y, slopes):
            values = [d[0] + sum(d[1 + j] for j in range(3) if i >> j & 1) for i in range(8)]
            if all(values):
                return _solved(y, d)
    return None


def _slopes() -> Iterator[tuple[int, ...]]:
    """Weights of the inputs, none zero, small ones first."""
    for size in range(1, _STEEPEST + 1):
        choices = [k for k in range(-size, size + 1) if k]
        for slopes in itertools.product(choices, repeat=3):
            if max(map(abs, slopes)) == size:
                yield slopes


def _denominators(y: tuple[int, ...], slopes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Sums ``d`` with such slopes for which ``d * y`` has no product of all three inputs."""
    a, b, c = slopes
    all_three = y[0b111]
    rest = y[0b110] * a + y[0b101] * b + y[0b011] * c
    if all_three:
        d = (-rest - all_three * (a + b + c), *(all_three * slope for slope in slopes))
        shared = gcd(*d)
        yield tuple(weight // shared for weight in d)
    elif rest == 0:
        for constant in range(1, 3 * _STEEPEST + 2):
            yield (constant, *slopes)


def _solved(y: tuple[int, ...], d: tuple[int, ...]) -> Hyperbola:
    """The constraint with a given ``d``.

    With ``p`` the product of ``d * y`` at two inputs and ``k = 2 * d1 * d2 * d3``, three equations
    ``d[i] * e[j] + d[j] * e[i] = -k * p[i, j]`` give ``e``.
    """
    of = d[1:]
    product = {}
    for i, j in ((0, 1), (0, 2), (1, 2)):
        both = y[1 << i | 1 << j]
        product[i, j] = product[j, i] = (
            d[0] * both + of[i] * (y[1 << j] + both) + of[j] * (y[1 << i] + both)
        )
    k = 2 * of[0] * of[1] * of[2]
    e = [0]
    for i in range(3):
        j, m = (other for other in range(3) if other != i)
        near = product[i, j] * of[i] * of[m] + product[i, m] * of[i] * of[j]
        e.append(product[j, m] * of[i] * of[i] - near)
    f = [d[0] * k * y[0]]
    for i in range(3):
        f.append((of[i] + d[0]) * (k * (y[0] + y[1 << i]) + e[1 + i]) - f[0])
    if all(f[1 + i] * of[0] == f[1] * of[i] for i in range(3)):
        # A multiple of d leaves a constant: then it shows by itself that d is not zero.
        k, e, f = (k * of[0], [x * of[0] for x in e], [x * of[0] for x in f])
        e[0] = -f[1] // of[0]
        f = [f[0] + e[0] * d[0], 0, 0, 0]
    shared = gcd(k, *e, *f)
    return Hyperbola(
        d,
        tuple(weight // shared for weight in e),
        tuple(weight // shared for weight in f),
        k // shared,
    )
