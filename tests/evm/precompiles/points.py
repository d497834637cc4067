"""Points of BN254 and BLS12-381, good and bad, in the bytes of the precompiles."""

from collections.abc import Callable

import msgspec


class Curves(msgspec.Struct, frozen=True):
    """Two curves with a pairing, and how their points are written.

    Attributes:
        prime: Of the base field, 3 modulo 4.
        order: Of the groups that are paired.
        b: Constant of the first curve.
        b2: Constant of the twist.
        size: Bytes of a coordinate.
        is_imaginary_first: Whether an element of Fq2 starts with its second coefficient.
    """

    prime: int
    order: int
    b: int
    b2: tuple[int, int]
    size: int
    is_imaginary_first: bool

    def g1(self, point):
        """Write a point, or None for infinity."""
        return b"".join(c.to_bytes(self.size, "big") for c in point or (0, 0))

    def g2(self, point):
        """Write a point of the twist, or None for infinity."""
        step = -1 if self.is_imaginary_first else 1
        pairs = point or ((0, 0), (0, 0))
        return b"".join(c.to_bytes(self.size, "big") for pair in pairs for c in pair[::step])

    def multiply2(self, a, b):
        p = self.prime
        return (a[0] * b[0] - a[1] * b[1]) % p, (a[0] * b[1] + a[1] * b[0]) % p

    def root(self, a):
        """A square root, or None."""
        root = pow(a, (self.prime + 1) // 4, self.prime)
        return root if root * root % self.prime == a else None

    def root2(self, a):
        """A square root in Fq2, or None. Source: the complex method, with u**2 = -1."""
        p, half = self.prime, (self.prime + 1) // 2
        norm = self.root((a[0] * a[0] + a[1] * a[1]) % p)
        if norm is None:
            return None
        for sign in (norm, p - norm):
            x = self.root((a[0] + sign) * half % p)
            if x:
                y = a[1] * half * pow(x, -1, p) % p
                return (x, y) if self.multiply2((x, y), (x, y)) == a else None
        return None

    def on_curve(self, x):
        """The first point of the curve whose x is at least so large."""
        while (y := self.root((x**3 + self.b) % self.prime)) is None:
            x += 1
        return x, y

    def on_twist(self, x):
        """A point of the twist; those of the subgroup are too rare to be met."""
        while True:
            cube = self.multiply2((x, 1), self.multiply2((x, 1), (x, 1)))
            right = (cube[0] + self.b2[0]) % self.prime, (cube[1] + self.b2[1]) % self.prime
            if (y := self.root2(right)) is not None:
                return (x, 1), y
            x += 1


def bad_points(write: Callable, point, prime: int, size: int):
    """Encodings that are refused: off the curve, not reduced, mixed with zeros, cut."""
    good = write(point)
    last = good[:-1] + bytes([good[-1] ^ 1])
    not_reduced = (int.from_bytes(good[:size], "big") + prime).to_bytes(size + 1, "big")[1:]
    return [
        last,
        not_reduced + good[size:],
        prime.to_bytes(size, "big") + bytes(len(good) - size),
        bytes(len(good) - size) + prime.to_bytes(size, "big"),
        bytes(len(good) - 1) + b"\1",
        b"\xff" * len(good),
        good[:size] + bytes(len(good) - size),
    ]
