"""Write `std/ecdsa.numen`: the constants of its sums, from the curve secp256k1 (SEC 2, 2.4.1).

python tools/ecdsa.py > src/numen/lang/std/ecdsa.numen
"""

import hashlib
from itertools import count
from pathlib import Path
from typing import TypeAlias

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
BASE = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)

WINDOWS, HALF_WINDOWS = 65, 16
"""Digits of two bits of the number of the key, and of eight bits of a half of the base point's."""

SENTENCE = b"numen.std.ecdsa: where sums of points of secp256k1 begin, "

TEMPLATE = Path(__file__).with_name("ecdsa.numen.in")

Point: TypeAlias = tuple[int, int] | None
"""None is the point at infinity."""


def add(p: Point, q: Point) -> Point:
    """The sum of two points."""
    if p is None or q is None:
        return p or q
    (x1, y1), (x2, y2) = p, q
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    up, across = (3 * x1 * x1, 2 * y1) if p == q else (y2 - y1, x2 - x1)
    slope = up * pow(across, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def multiply(k: int, p: Point) -> Point:
    """``k`` times a point."""
    total: Point = None
    for bit in f"{k:b}":
        total = add(total, total)
        if bit == "1":
            total = add(total, p)
    return total


def negate(p: Point) -> Point:
    """The negative of a point."""
    return None if p is None else (p[0], -p[1] % P)


def root(square: int) -> int | None:
    """The even square root modulo P, if there is one; P is 3 modulo 4."""
    found = pow(square, (P + 1) // 4, P)
    if found * found % P != square % P:
        return None
    return found if found % 2 == 0 else P - found


def start() -> Point:
    """A point that nobody chose: the first x among hashes of a sentence, with the even y."""
    for number in count():
        x = int.from_bytes(hashlib.sha256(SENTENCE + b"%d" % number).digest(), "big")
        y = root(x**3 + 7) if x < P else None
        if y is not None:
            return x, y
    raise AssertionError


def cube_roots(modulus: int) -> tuple[int, int]:
    """The two numbers other than one of which the cube is one, modulo a prime."""
    for base in count(2):
        found = pow(base, (modulus - 1) // 3, modulus)
        if found != 1:
            return found, found * found % modulus
    raise AssertionError


def endomorphism() -> tuple[int, int]:
    """BETA and LAMBDA: LAMBDA times the base point has its x times BETA; the smaller LAMBDA."""
    scalar = min(cube_roots(N))
    image = multiply(scalar, BASE)
    assert image is not None
    return image[0] * pow(BASE[0], -1, P) % P, scalar


def basis(scalar: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Short vectors (a, b) with ``a + b * scalar = 0`` modulo N, by Euclid's algorithm."""
    above, below = (N, 0), (scalar, 1)
    while below[0] ** 2 >= N:
        times = above[0] // below[0]
        above, below = below, (above[0] - times * below[0], above[1] - times * below[1])
    times = above[0] // below[0]
    last = above[0] - times * below[0], above[1] - times * below[1]
    short = min(above, last, key=lambda vector: vector[0] ** 2 + vector[1] ** 2)
    return (below[0], -below[1]), (short[0], -short[1])


def table(step: Point) -> tuple[list[int], list[int]]:
    """The coordinates of 1 to 256 times a point."""
    xs, ys, total = [], [], step
    for _ in range(256):
        assert total is not None
        xs.append(total[0])
        ys.append(total[1])
        total = add(total, step)
    return xs, ys


def render() -> str:
    """The text of the module."""
    beta, scalar = endomorphism()
    (a1, b1), (a2, b2) = basis(scalar)
    high = multiply(1 << 128, BASE)
    extra = sum(1 << 8 * window for window in range(HALF_WINDOWS))
    first = start()
    end = add(multiply(1 << 2 * WINDOWS, first), multiply(extra, add(BASE, high)))
    assert first is not None
    assert end is not None
    ones = (1 << 2 * WINDOWS) - 1
    digits = (ones * (1 + scalar) * pow(2, -1, N) - (scalar << 128)) % N
    values = {"P": P, "N": N, "BASE_X": BASE[0], "BASE_Y": BASE[1], "BETA": beta}
    values |= {"A1": a1, "B1": -b1, "A2": a2, "B2": b2, "DIGITS": digits}
    values |= {"N_INVERSE": pow(N, -1, 1 << 128), "HALF": pow(2, -1, N)}
    values |= {"START_X": first[0], "START_Y": first[1], "END_X": end[0], "END_Y": end[1]}
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        width = 32 if name == "N_INVERSE" else 64
        text = text.replace(f"@{name}@", f"0x{value:0{width}x}")
    for name, point in (("LOW", BASE), ("HIGH", high)):
        for axis, numbers in zip("XY", table(point), strict=True):
            lines = "\n".join(f"    0x{number:064x}," for number in numbers)
            text = text.replace(f"@{name}_{axis}@", lines)
    return text


if __name__ == "__main__":
    print(render(), end="")
