"""Arithmetic in extensions of the KoalaBear field, written in vectors of lanes.

An extension is given by its tail c, with ``x**d = c[0] + c[1] * x + ...``. An element is a list
of d vectors, one for each coefficient, with as many elements as there are lanes. The Montgomery
rules of `numen.kernels.koalabear_code` hold for whole elements.
"""

import functools
from collections.abc import Sequence

from numen.kernels.koalabear_code import LANES, PRIME, Lanes, form
from numen.kernels.llvm import Callee, Value, const, lanes_of

Tail = tuple[int, ...]
"""Coefficients of the power that is the degree."""

Element = list[Value]
"""A vector for each coefficient."""


def multiply(a: Sequence[int], b: Sequence[int], tail: Tail) -> list[int]:
    """The product of two elements in Python's integers."""
    degree = len(tail)
    terms = [0] * (2 * degree - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            terms[i + j] += x * y
    for i in range(2 * degree - 2, degree - 1, -1):
        for j, c in enumerate(tail):
            terms[i - degree + j] += terms[i] * c
    return [term % PRIME for term in terms[:degree]]


def conjugate(a: Sequence[int], tail: Tail) -> list[int]:
    """The power ``a**p`` in Python's integers."""
    images = conjugates(tail)
    pairs = [zip(a, column, strict=True) for column in zip(*images, strict=True)]
    return [sum(x * y for x, y in pair) % PRIME for pair in pairs]


@functools.cache
def conjugates(tail: Tail) -> list[list[int]]:
    """The powers ``x**(p * i)`` for i below the degree: what Frobenius's map makes of ``x**i``."""
    one, base = ([int(k == i) for k in range(len(tail))] for i in range(2))
    image = one
    for bit in f"{PRIME:b}":
        image = multiply(image, image, tail)
        image = multiply(image, base, tail) if bit == "1" else image
    powers = [one]
    for _ in range(len(tail) - 1):
        powers.append(multiply(powers[-1], image, tail))
    return powers


class Extension:
    """Writes arithmetic on elements to the end of a function.

    Attributes:
        v: Arithmetic on their coefficients.
        degree: Coefficients of an element.
    """

    def __init__(self, v: Lanes, tail: Tail, invert: Callee) -> None:
        """Begin to write.

        Args:
            v: Arithmetic on coefficients.
            tail: The extension.
            invert: From `numen.kernels.koalabear_code.inversion`.
        """
        self.v = v
        self.degree = len(tail)
        self._tail = tail
        self._invert = invert

    def one(self) -> Element:
        return [self.v.constant(1), *[self.v.zero()] * (self.degree - 1)]

    def zero(self) -> Element:
        return [self.v.zero()] * self.degree

    def load(self, pointer: Value) -> Element:
        """Elements that are neighbours in memory."""
        return self.load_dealt(pointer, 1)[0]

    def load_dealt(self, pointer: Value, hands: int) -> list[Element]:
        """Neighbours in memory, dealt to one or two vectors of elements in turn."""
        f, size = self.v.f, LANES * self.degree
        places = [f.gep("i32", pointer, size * i) for i in range(hands)]
        parts = [f.load(f"<{size} x i32>", place, align=4) for place in places]
        return [
            [
                f.shuffle(parts[0], parts[-1], range(start, size * hands, hands * self.degree))
                for start in range(hand * self.degree, (hand + 1) * self.degree)
            ]
            for hand in range(hands)
        ]

    def store(self, a: Element, pointer: Value) -> None:
        """Store elements as neighbours."""
        f = self.v.f
        # Vectors are joined two by two, so there must be a power of two of them.
        joined = [*a, *a[: -len(a) % 4]]
        while len(joined) > 2:
            lanes = range(2 * lanes_of(joined[0].type)[0])
            joined = [
                f.shuffle(x, y, lanes) for x, y in zip(joined[::2], joined[1::2], strict=True)
            ]
        order = [LANES * k + lane for lane in range(LANES) for k in range(self.degree)]
        low, high = joined
        f.store(f.shuffle(low, high, order), pointer, align=4)

    def broadcast(self, pointer: Value) -> Element:
        """The element at an address, in every lane."""
        f = self.v.f
        return [self.v.broadcast(f.gep("i32", pointer, k)) for k in range(self.degree)]

    def add(self, a: Element, b: Element) -> Element:
        return [self.v.add(x, y) for x, y in zip(a, b, strict=True)]

    def sub(self, a: Element, b: Element) -> Element:
        return [self.v.sub(x, y) for x, y in zip(a, b, strict=True)]

    def scale(self, a: Element, factor: Value) -> Element:
        """Times elements of the field."""
        return [self.v.mul(x, factor) for x in a]

    def mul(self, a: Element, b: Element) -> Element:
        columns = [b]
        for _ in range(self.degree - 1):
            columns.append(self._times_x(columns[-1]))
        return [
            self.v.dot([(x, column[k]) for x, column in zip(a, columns, strict=True)])
            for k in range(self.degree)
        ]

    def conjugate(self, a: Element, times: int = 1) -> Element:
        """Frobenius's map, some times over."""
        images = [list(image) for image in conjugates(self._tail)]
        for _ in range(times - 1):
            images = [conjugate(image, self._tail) for image in images]
        return [
            self._combined([(x, image[k]) for x, image in zip(a, images, strict=True)])
            for k in range(self.degree)
        ]

    def norm_parts(self, a: Element) -> tuple[Element, Value]:
        """The product of all conjugates of an element but itself, and that of all of them."""
        rest, count = self.conjugate(a), 1
        for bit in f"{self.degree - 1:b}"[1:]:
            rest, count = self.mul(rest, self.conjugate(rest, count)), 2 * count
            if bit == "1":
                count += 1
                rest = self.mul(rest, self.conjugate(a, count))
        columns = [rest]
        for _ in range(self.degree - 1):
            columns.append(self._times_x(columns[-1]))
        return rest, self.v.dot([(x, column[0]) for x, column in zip(a, columns, strict=True)])

    def inverse(self, a: Element) -> Element:
        """The forms of reciprocals of forms; 0 for 0."""
        rest, norm = self.norm_parts(a)
        return self.scale(rest, self.v.f.call(self._invert, norm))

    def is_zero(self, a: Element) -> Value:
        """A vector of i1."""
        f = self.v.f
        return f.icmp("eq", functools.reduce(f.or_, a), 0)

    def _times_x(self, a: Element) -> Element:
        top = a[-1]
        out = [self.v.zero(), *a[:-1]]
        for k, c in enumerate(self._tail):
            if c:
                out[k] = self._combined([(top, c), (out[k], 1)] if k else [(top, c)])
        return out

    def _combined(self, terms: Sequence[tuple[Value, int]]) -> Value:
        """A sum of elements of the field times constants."""
        total = self.v.zero()
        for i, (a, factor) in enumerate(term for term in terms if term[1]):
            if factor == PRIME - 1:
                total = self.v.sub(total, a)
                continue
            part = a
            if factor == 3:
                part = self.v.add(self.v.add(a, a), a)
            elif factor != 1:
                part = self.v.times(a, self.v.fixed(const(self.v.type, form(factor))))
            total = self.v.add(total, part) if i else part
        return total
