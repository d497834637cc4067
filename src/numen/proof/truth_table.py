"""Functions of up to three bits as truth tables, and as what one constraint can say.

A table of ``n`` inputs is an integer of ``2**n`` bits: bit ``i`` is the value where input ``j`` is
bit ``j`` of ``i``.
"""

import functools
import itertools
from collections.abc import Iterator
from fractions import Fraction
from math import lcm
from typing import Final

import msgspec

INPUTS_MAX: Final = 3
"""Functions of so many bits are made at once."""

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
def is_one_constraint(table: int, width: int) -> bool:
    """Whether a function takes one constraint at most."""
    table, used = reduced(table, width)
    return len(used) < INPUTS_MAX or choice(table) is not None or hyperbola(table) is not None


def negated(table: int, width: int) -> int:
    """The other truth."""
    return table ^ (1 << (1 << width)) - 1


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


def _denominators(y: tuple[int, ...], slopes: tuple[int, ...]) -> Iterator[tuple[Fraction, ...]]:
    """Sums ``d`` with these weights for which ``d * y`` has no product of all three inputs."""
    a, b, c = slopes
    rest = y[0b110] * a + y[0b101] * b + y[0b011] * c
    weights = tuple(map(Fraction, slopes))
    if y[0b111]:
        yield (Fraction(-rest, y[0b111]) - a - b - c, *weights)
    elif rest == 0:
        for constant in range(1, 3 * _STEEPEST + 2):
            yield (Fraction(constant), *weights)


def _solved(y: tuple[int, ...], d: tuple[Fraction, ...]) -> Hyperbola:
    """The constraint with a given ``d``, in integers."""
    ratios = {}
    for i, j in ((0, 1), (0, 2), (1, 2)):
        di, dj, both = d[1 + i], d[1 + j], y[1 << i | 1 << j]
        product = d[0] * both + di * (y[1 << j] + both) + dj * (y[1 << i] + both)
        ratios[i, j] = -product / (di * dj)
    first = (ratios[0, 1] + ratios[0, 2] - ratios[1, 2]) / 2
    shares = (first, ratios[0, 1] - first, ratios[0, 2] - first)
    e = (Fraction(0), *(share * weight for share, weight in zip(shares, d[1:], strict=True)))
    f = [d[0] * y[0]]
    for j in range(3):
        total = d[1 + j] + d[0]
        f.append(total * (y[0] + y[1 << j] + e[1 + j]) - f[0])
    scale_d = lcm(*(weight.denominator for weight in d))
    scale = lcm(*(weight.denominator for weight in (*e, *(weight * scale_d for weight in f))))
    return Hyperbola(
        tuple(int(weight * scale_d) for weight in d),
        tuple(int(weight * scale) for weight in e),
        tuple(int(weight * scale_d * scale) for weight in f),
        scale,
    )
