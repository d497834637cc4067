"""Five bodies under gravity in fixed point: positions and velocities with 32 bits of fraction.

The Sun and four planets, symplectic Euler steps. A distance is the integer square root of an exact
128-bit sum of squares. The result is a digest of the final state.
"""

from numen import i64, i128, u64

BODIES = 5
FRACTION = 32
PULL = 2 * FRACTION

# Positions in astronomical units, velocities in units a day, masses as G * mass, all times 2**32.
X: list[i64, 5] = [0, 20790601637, 35823131862, 55350443735, 66061284062]
Y: list[i64, 5] = [0, -4983168302, 17717155838, -64898230411, -111358420104]
Z: list[i64, 5] = [0, -444864871, -1732790108, -958904364, 769637399]
VX: list[i64, 5] = [-16573, 7130037, -11887337, 12730906, 11512563]
VY: list[i64, 5] = [-10872, 33074133, 21453396, 10211441, 6995204]
VZ: list[i64, 5] = [338, -296559, 99027, -127402, -408675]
GM: list[i64, 5] = [1270949, 1213, 363, 55, 65]


def main(steps: u64) -> i64:
    x = X.copy()
    y = Y.copy()
    z = Z.copy()
    vx = VX.copy()
    vy = VY.copy()
    vz = VZ.copy()
    for _ in range(steps):
        for i in range(BODIES):
            for j in range(i + 1, BODIES):
                dx = x[i] - x[j]
                dy = y[i] - y[j]
                dz = z[i] - z[j]
                square = i128(dx) * i128(dx) + i128(dy) * i128(dy) + i128(dz) * i128(dz)
                distance = i128(root(square))
                # One over the cube of the distance, with PULL bits of fraction.
                cube = (square >> FRACTION) * distance >> FRACTION
                pull = (i128(1) << 96) // cube
                a = i64(pull * i128(GM[j]) >> FRACTION)
                b = i64(pull * i128(GM[i]) >> FRACTION)
                vx[i] -= i64(i128(dx) * i128(a) >> PULL)
                vy[i] -= i64(i128(dy) * i128(a) >> PULL)
                vz[i] -= i64(i128(dz) * i128(a) >> PULL)
                vx[j] += i64(i128(dx) * i128(b) >> PULL)
                vy[j] += i64(i128(dy) * i128(b) >> PULL)
                vz[j] += i64(i128(dz) * i128(b) >> PULL)
        for i in range(BODIES):
            x[i] += vx[i]
            y[i] += vy[i]
            z[i] += vz[i]
    total: i64 = 0
    for i in range(BODIES):
        total = total * 3 ^ x[i] ^ y[i] ^ z[i]
        total &= 0xFFFFFFFFFFFF
    return total


def root(square: i128) -> i64:
    """The square root of a number below 2**80, rounded down: Newton's method from above."""
    guess: i128 = 1 << 40
    following = (guess + square // guess) >> 1
    while following < guess:
        guess = following
        following = (guess + square // guess) >> 1
    return i64(guess)


# main(100) -> 3422092928
