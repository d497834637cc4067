"""Circuits that provers are compared on, of any size, made without a compiler.

`chain` is x -> (x + c) x of full-width values: what hashes and curves look like. In `bits` 62 of
64 wires are asked to be a bit: what words of machines look like.
"""

import random

import numpy as np

from numen.proof.bn254 import R
from numen.proof.felts import Felts, felts_from_ints
from numen.proof.formats import write_wtns
from numen.proof.r1cs import R1CS, Matrix, check_circuit

Circuit = tuple[R1CS, bytes]
"""A constraint system, and its witness as a `.wtns` file."""


def count_of(log: int) -> int:
    """Constraints that fill a domain of ``2**log`` rows, but for a few."""
    return (1 << log) - 16


def chain(log: int) -> Circuit:
    """A chain of full-width products; its end is public."""
    dice, count = random.Random(log), count_of(log)
    values, constants = [1, 0, dice.randrange(R)], [dice.randrange(R) for _ in range(count)]
    for c in constants:
        values.append((values[-1] + c) * values[-1] % R)
    values[1] = values.pop()
    x = np.arange(2, count + 2, dtype=np.uint32)
    # The end of the chain is the public value.
    product = np.append(x[1:], np.uint32(1))
    sums = np.stack([np.zeros_like(x), x], axis=1).reshape(-1)
    coefficients = felts_from_ints(k for c in constants for k in (c, 1))
    a, b = _matrix(sums, coefficients, 2), _matrix(x, _ones(count), 1)
    return _circuit(a, b, _matrix(product, _ones(count), 1), values)


def bits(log: int) -> Circuit:
    """Bits, and a full-width square for every 64 rows; the first bit is public."""
    dice, count = random.Random(log), count_of(log)
    values = [1, *(dice.getrandbits(1) for _ in range(count))]
    first, second, third = (np.arange(1, count + 1, dtype=np.uint32) for _ in range(3))
    for row in range(63, count, 64):
        # This row squares its wire into the one before, whose row asks for nothing then.
        values[row + 1] = dice.randrange(R)
        values[row] = values[row + 1] ** 2 % R
        third[row], first[row - 1] = row, 0
    return _circuit(*(_matrix(w, _ones(count), 1) for w in (first, second, third)), values)


def _matrix(wires: np.ndarray, coefficients: Felts, width: int) -> Matrix:
    """A matrix of so many entries in every row."""
    return Matrix(np.arange(0, len(wires) + 1, width, dtype=np.int64), wires, coefficients)


def _ones(count: int) -> Felts:
    ones = np.zeros((count, 4), dtype=np.uint64)
    ones[:, 0] = 1
    return ones


def _circuit(a: Matrix, b: Matrix, c: Matrix, values: list[int]) -> Circuit:
    labels = np.arange(len(values), dtype=np.uint64)
    r1cs = R1CS(len(values), 1, 0, 1, a, b, c, labels)
    check_circuit(r1cs)
    return r1cs, write_wtns(felts_from_ints(values))
