"""A planet around a star, in fixed point: 32 bits of fraction, Euler steps."""

from dataclasses import dataclass

from numen import i64, i128, u64

ONE = 1 << 32


@dataclass
class Body:
    x: i64
    y: i64
    vx: i64
    vy: i64


def main(steps: u64) -> Body:
    planet = Body(ONE, 0, 0, ONE)
    for _ in range(steps):
        planet = step(planet)
    return planet


def step(p: Body) -> Body:
    """Fall towards the star for a 256th of a unit of time."""
    square = times(p.x, p.x) + times(p.y, p.y)
    cube = times(square, root(square))
    vx = p.vx - over(p.x, cube) // 256
    vy = p.vy - over(p.y, cube) // 256
    return Body(p.x + vx // 256, p.y + vy // 256, vx, vy)


def times(a: i64, b: i64) -> i64:
    return i64(i128(a) * i128(b) >> 32)


def over(a: i64, b: i64) -> i64:
    return i64((i128(a) << 32) // i128(b))


def root(a: i64) -> i64:
    """The square root, by Newton's method from above."""
    guess = max(a, ONE)
    following = (guess + over(a, guess)) // 2
    while following < guess:
        guess = following
        following = (guess + over(a, guess)) // 2
    return guess


# main(1608) -> {'x': 4294974090, 'y': -8596455, 'vx': 8597558, 'vy': 4294943310}
