"""KoalaBear, the prime field of traces, and its extensions, from which challenges are drawn.

An element of the field is an integer of ``[0, P)``, in arrays a ``uint32``. An element of an
extension of degree d is a tuple of d of them, in arrays the last axis; the least power first.

Source: Plonky3's KoalaBear. 3 generates the units. ``x**4 - 3`` is irreducible because 3 is no
square and 4 divides P - 1. No ``x**6 - w`` is irreducible, because 3 does not divide P - 1, but
the ninth cyclotomic polynomial ``x**6 + x**3 + 1`` is: P is 2 modulo 9, which has order 6.
"""

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from numen.proof.stark.errors import StatementError

P: Final = (1 << 31) - (1 << 24) + 1
"""The prime, 2130706433."""

GENERATOR: Final = 3
"""Of the multiplicative group; it is also the shift of every evaluation domain."""

TWO_ADICITY: Final = 24
"""The largest subgroup whose order is a power of two has ``2**24`` elements."""

Felts = NDArray[np.uint32]
"""Elements of ``[0, P)``; of an extension where the last axis has its degree."""

_SMALL: Final = 1 << 13
"""Coordinates of arrays that are multiplied in few steps rather than in little memory."""

Element = tuple[int, ...]
"""One element of an extension, its coordinates in ``[0, P)``."""


def root_of_unity(log: int) -> int:
    """The generator of the subgroup of order ``2**log``, for log up to `TWO_ADICITY`."""
    assert 0 <= log <= TWO_ADICITY
    return pow(GENERATOR, (P - 1) >> log, P)


def felts(values: object) -> Felts:
    """Reduce integers, an array or nested sequences of them, modulo P."""
    return np.asarray(np.asarray(values, dtype=np.int64) % P, dtype=np.uint32)


def multiply(a: Felts, b: Felts | int) -> Felts:
    """Multiply elements of the base field, as numpy broadcasts."""
    product = a.astype(np.uint64) * np.asarray(b, dtype=np.uint64)
    return (product % np.uint64(P)).astype(np.uint32)


def add(a: Felts, b: Felts | int) -> Felts:
    """Add elements coordinate by coordinate, as numpy broadcasts."""
    total = a.astype(np.uint64) + np.asarray(b, dtype=np.uint64)
    return (total % np.uint64(P)).astype(np.uint32)


def subtract(a: Felts, b: Felts | int) -> Felts:
    """Subtract elements coordinate by coordinate, as numpy broadcasts."""
    total = a.astype(np.uint64) + np.uint64(P) - np.asarray(b, dtype=np.uint64)
    return (total % np.uint64(P)).astype(np.uint32)


def invert(a: Felts) -> Felts:
    """Invert elements of the base field; 0 gives 0."""
    return _power(a, P - 2)


def powers(base: int, count: int) -> Felts:
    """The powers ``base**0`` to ``base**(count - 1)``."""
    out = np.ones(max(count, 1), dtype=np.uint32)
    done = 1
    while done < count:
        step = min(done, count - done)
        out[done : done + step] = multiply(out[:step], pow(base, done, P))
        done += step
    return out[:count]


def _power(a: Felts, exponent: int) -> Felts:
    result, square = np.ones_like(a), a
    while exponent:
        if exponent & 1:
            result = multiply(result, square)
        square, exponent = multiply(square, square), exponent >> 1
    return result


class Extension:
    """An extension of the field, the polynomials modulo an irreducible one.

    Attributes:
        degree: d, 4 or 6.
        tail: The coefficients c with ``x**d = c[0] + c[1] x + ...``, all in ``[0, P)``.
        zero: The element 0.
        one: The element 1.
    """

    def __init__(
        self, tail: Sequence[int], multiply: Callable[[Element, Element], Element]
    ) -> None:
        self.degree: Final = len(tail)
        self.tail: Final = tuple(c % P for c in tail)
        self.zero: Final[Element] = (0,) * self.degree
        self.one: Final[Element] = (1, *self.zero[1:])
        self._multiply: Final = multiply
        self._tail_terms: Final = tuple((i, c) for i, c in enumerate(self.tail) if c)

    def lift(self, a: int) -> Element:
        """Take an integer into the extension."""
        return (a % P, *self.zero[1:])

    def add(self, a: Element, b: Element) -> Element:
        return tuple([(x + y) % P for x, y in zip(a, b, strict=True)])

    def subtract(self, a: Element, b: Element) -> Element:
        return tuple([(x - y) % P for x, y in zip(a, b, strict=True)])

    def negate(self, a: Element) -> Element:
        return tuple([-x % P for x in a])

    def scale(self, a: Element, factor: int) -> Element:
        """Multiply by an element of the base field."""
        return tuple([x * factor % P for x in a])

    def multiply(self, a: Element, b: Element) -> Element:
        return self._multiply(a, b)

    def power(self, a: Element, exponent: int) -> Element:
        """Raise to an exponent of zero or more."""
        result = self.one
        while exponent:
            if exponent & 1:
                result = self.multiply(result, a)
            a, exponent = self.multiply(a, a), exponent >> 1
        return result

    def invert(self, a: Element) -> Element:
        """The inverse, of anything but 0.

        The product of the other conjugates is the inverse but for the norm, which is in the base
        field.
        """
        assert a != self.zero, "zero has no inverse"
        others = self.one
        conjugate = a
        for _ in range(self.degree - 1):
            conjugate = self.frobenius(conjugate)
            others = self.multiply(others, conjugate)
        norm = self.multiply(others, a)
        return self.scale(others, pow(norm[0], P - 2, P))

    def frobenius(self, a: Element) -> Element:
        """Raise to the power P, which is linear."""
        out = [0] * self.degree
        for x, row in zip(a, self._conjugates, strict=True):
            for k, c in enumerate(row):
                out[k] += x * c
        return tuple([c % P for c in out])

    def multiply_arrays(self, a: Felts, b: Felts) -> Felts:
        """Multiply arrays of elements, as numpy broadcasts over all axes but the last."""
        if max(a.size, b.size) <= _SMALL:
            products = a.astype(np.int64)[..., :, None] * b.astype(np.int64)[..., None, :] % P
            flat = products.reshape(*products.shape[:-2], -1)
            return (flat @ self._joining % P).astype(np.uint32)
        d, p = self.degree, np.uint64(P)
        x, y = a.astype(np.uint64), b.astype(np.uint64)
        shape = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
        product = np.zeros((2 * d - 1, *shape), dtype=np.uint64)
        for i in range(d):
            for j in range(d):
                product[i + j] += x[..., i] * y[..., j] % p
        out = product[:d].copy()
        for k in range(2 * d - 2, d - 1, -1):
            for i, c in self._tail_terms:
                target = product if k - d + i >= d else out
                target[k - d + i] += product[k] % p * np.uint64(c) % p
        return np.ascontiguousarray(np.moveaxis(out % p, 0, -1)).astype(np.uint32)

    def scale_arrays(self, a: Felts, factors: Felts) -> Felts:
        """Multiply arrays of elements by arrays of the base field without the last axis."""
        return multiply(a, factors[..., None])

    def invert_arrays(self, a: Felts) -> Felts:
        """Invert an array of elements; 0 gives 0."""
        others: Felts | None = None
        conjugate = a
        for _ in range(self.degree - 1):
            conjugate = self._frobenius_arrays(conjugate)
            others = conjugate if others is None else self.multiply_arrays(others, conjugate)
        assert others is not None
        norm = self.multiply_arrays(others, a)[..., 0]
        return self.scale_arrays(others, invert(norm))

    def element(self, a: Felts) -> Element:
        """Take one element out of an array."""
        return tuple(a.tolist())

    def power_arrays(self, base: Element, count: int) -> Felts:
        """The powers 0 to count - 1 of an element, shape ``(count, d)``."""
        out = np.zeros((max(count, 1), self.degree), dtype=np.uint32)
        out[0, 0] = 1
        done, factor = 1, base
        while done < count:
            step = min(done, count - done)
            out[done : done + step] = self.multiply_arrays(
                out[:step], np.array(factor, dtype=np.uint32)
            )
            done, factor = done + step, self.multiply(factor, factor)
        return out[:count]

    @cached_property
    def _joining(self) -> NDArray[np.int64]:
        """What each product of coordinates adds to each coordinate, shape ``(d * d, d)``.

        All are small: sums of products below P, times these, fit 64 bits.
        """
        rows = []
        for k in range(2 * self.degree - 1):
            power = self.power((0, 1, *self.zero[2:]), k)
            rows.append([c - P if c > P // 2 else c for c in power])
        assert max(abs(c) for row in rows for c in row) <= 3
        places = [rows[i + j] for i in range(self.degree) for j in range(self.degree)]
        return np.array(places, dtype=np.int64)

    @cached_property
    def _conjugates(self) -> tuple[Element, ...]:
        """The P-th powers of 1, x, x**2 and so on."""
        image = self.power((0, 1, *self.zero[2:]), P)
        rows = [self.one]
        for _ in range(self.degree - 1):
            rows.append(self.multiply(rows[-1], image))
        return tuple(rows)

    def _frobenius_arrays(self, a: Felts) -> Felts:
        total: Felts = np.zeros_like(a)
        for i, row in enumerate(self._conjugates):
            total = add(total, multiply(a[..., i : i + 1], np.array(row, dtype=np.uint32)))
        return total


def _multiply_four(a: Element, b: Element) -> Element:
    """Multiply modulo ``x**4 - 3``."""
    a0, a1, a2, a3 = a
    b0, b1, b2, b3 = b
    return (
        (a0 * b0 + 3 * (a1 * b3 + a2 * b2 + a3 * b1)) % P,
        (a0 * b1 + a1 * b0 + 3 * (a2 * b3 + a3 * b2)) % P,
        (a0 * b2 + a1 * b1 + a2 * b0 + 3 * a3 * b3) % P,
        (a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0) % P,
    )


def _multiply_six(a: Element, b: Element) -> Element:
    """Multiply modulo ``x**6 + x**3 + 1``, of which ``x**9`` is 1."""
    a0, a1, a2, a3, a4, a5 = a
    b0, b1, b2, b3, b4, b5 = b
    c6 = a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1
    c7 = a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2
    c8 = a3 * b5 + a4 * b4 + a5 * b3
    return (
        (a0 * b0 - c6 + a4 * b5 + a5 * b4) % P,
        (a0 * b1 + a1 * b0 - c7 + a5 * b5) % P,
        (a0 * b2 + a1 * b1 + a2 * b0 - c8) % P,
        (a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 - c6) % P,
        (a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0 - c7) % P,
        (a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0 - c8) % P,
    )


@cache
def extension(degree: int) -> Extension:
    """The extension of a degree.

    Raises:
        StatementError: It is neither 4 nor 6.
    """
    match degree:
        case 4:
            return Extension((3, 0, 0, 0), _multiply_four)
        case 6:
            return Extension((-1, 0, 0, -1, 0, 0), _multiply_six)
        case _:
            raise StatementError(f"no extension of degree {degree} is provided")
