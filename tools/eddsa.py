"""Write `std/eddsa.numen`: the constants of its sums, from the curve Baby Jubjub (EIP-2494).

python tools/eddsa.py > src/numen/lang/std/eddsa.numen
"""

from itertools import count
from pathlib import Path
from typing import TypeAlias

from numen.ir.types import FIELD_ORDER as P

A, D, M = 168700, 168696, 168698
ORDER = 2736030358979909402780800718157159386076813972158567259200215660948447373041
"""Of the subgroup; the curve has eight times as many points."""

BASE = (
    5299619240641551281634865583518297030282874472190772894086521144482721001553,
    16950150798460657717958625567821834550301663161624707787222815936182638968203,
)
"""EIP-2494's base point: eight times its generator."""

FACTOR_BITS, WINDOWS = 254, 126

TEMPLATE = Path(__file__).with_name("eddsa.numen.in")

Point: TypeAlias = tuple[int, int]


def add(p: Point, q: Point) -> Point:
    """The sum of two points of the curve as EIP-2494 writes it."""
    (x1, y1), (x2, y2) = p, q
    both = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + y1 * x2) * pow(1 + both, -1, P)
    y = (y1 * y2 - A * x1 * x2) * pow(1 - both, -1, P)
    return x % P, y % P


def multiply(k: int, p: Point) -> Point:
    """``k`` times a point."""
    total = (0, 1)
    for bit in f"{k:b}":
        total = add(total, total)
        if bit == "1":
            total = add(total, p)
    return total


def negate(p: Point) -> Point:
    """The negative of a point."""
    return -p[0] % P, p[1]


def start() -> Point:
    """A point that nobody chose: eight times the first one by y, from 2, with the smaller x."""
    for y in count(2):
        square = (1 - y * y) * pow(A - D * y * y, -1, P) % P
        x = _root(square)
        if x is not None:
            return multiply(8, (min(x, P - x), y))
    raise AssertionError


def as_montgomery(p: Point) -> Point:
    """``u`` and ``v`` of a point."""
    x, y = p
    u = (1 + y) * pow(1 - y, -1, P) % P
    return u, u * pow(x, -1, P) % P


def table() -> tuple[list[int], list[int]]:
    """``U`` and ``V``: polynomials in the two bits of a digit, window by window."""
    us: list[int] = []
    vs: list[int] = []
    step = negate(BASE)
    for _ in range(WINDOWS):
        twice = add(step, step)
        fourth = add(twice, twice)
        points = [as_montgomery(p) for p in (step, twice, add(twice, step), fourth)]
        step = fourth
        for axis, total in ((0, us), (1, vs)):
            at = [point[axis] for point in points]
            terms = (at[0], at[1] - at[0], at[2] - at[0], at[3] - at[2] - at[1] + at[0])
            total += [term % P for term in terms]
    return us, vs


def render() -> str:
    """The text of the module."""
    first = start()
    extra = sum(1 << 2 * window for window in range(WINDOWS))
    end = add(multiply(1 << FACTOR_BITS, first), negate(multiply(extra, BASE)))
    us, vs = table()
    u, v = as_montgomery(first)
    values = {"ORDER": ORDER, "BASE_X": BASE[0], "BASE_Y": BASE[1]}
    values |= {"START_U": u, "START_V": v, "END_X": end[0], "END_Y": end[1]}
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", f"0x{value:064x}")
    for name, numbers in (("TABLE_U", us), ("TABLE_V", vs)):
        lines = "\n".join(f"    0x{number:064x}," for number in numbers)
        text = text.replace(f"@{name}@", lines)
    return text


def _root(square: int) -> int | None:
    """A square root modulo P, by Tonelli and Shanks."""
    if pow(square, (P - 1) // 2, P) != 1:
        return None
    odd, twos = P - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    other = next(k for k in count(2) if pow(k, (P - 1) // 2, P) == P - 1)
    c, t, root = pow(other, odd, P), pow(square, odd, P), pow(square, (odd + 1) // 2, P)
    while t != 1:
        i, s = 0, t
        while s != 1:
            i, s = i + 1, s * s % P
        b = pow(c, 1 << (twos - i - 1), P)
        twos, c = i, b * b % P
        t, root = t * c % P, root * b % P
    return root


if __name__ == "__main__":
    print(render(), end="")
