# ruff: noqa: ANN001, ANN201, D103 - plain programs, as a rival would write them
"""The programs of bench/programs as Python programs: integers are masked where ours wrap."""

MASK = 2**64 - 1
MATRIX = 128
SORTED = 100_000

X = [0, 20790601637, 35823131862, 55350443735, 66061284062]
Y = [0, -4983168302, 17717155838, -64898230411, -111358420104]
Z = [0, -444864871, -1732790108, -958904364, 769637399]
VX = [-16573, 7130037, -11887337, 12730906, 11512563]
VY = [-10872, 33074133, 21453396, 10211441, 6995204]
VZ = [338, -296559, 99027, -127402, -408675]
GM = [1270949, 1213, 363, 55, 65]

# fmt: off
ROUNDS = (
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
)
# fmt: on
"""Constants of SHA-256: the cube roots of the first 64 primes, 32 bits of their fractions."""


def fib(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, (a + b) & MASK
    return a


def fib_checked(rounds):
    total = 0
    for r in range(rounds):
        a, b = r & 1, 1
        for _ in range(90):
            a, b = b, a + b
        total = (total + a) & 0xFFFFFFFF
    return total


def matrix(seed):
    a, b = filled(seed), filled(seed + 1)
    return sum(multiplied(a, b))


def matrix_wrapping(seed):
    a, b = filled_wrapping(seed), filled_wrapping(seed + 1)
    return sum(multiplied(a, b)) & MASK


def multiplied(a, b):
    c = [0] * (MATRIX * MATRIX)
    for i in range(MATRIX):
        for j in range(MATRIX):
            total = 0
            for k in range(MATRIX):
                total += a[MATRIX * i + k] * b[MATRIX * k + j]
            c[MATRIX * i + j] = total & MASK
    return c


def filled(state):
    values = []
    for _ in range(MATRIX * MATRIX):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        values.append(state >> 16)
    return values


def filled_wrapping(state):
    values = []
    for _ in range(MATRIX * MATRIX):
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        values.append(state)
    return values


def modexp(base, exponent, modulus, rounds):
    for _ in range(rounds):
        base = power(base, exponent, modulus)
    return base


def power(base, exponent, modulus):
    result, square = 1 % modulus, base % modulus
    while exponent:
        if exponent & 1:
            result = result * square % modulus
        square = square * square % modulus
        exponent >>= 1
    return result


def nbody(steps):
    x, y, z, vx, vy, vz = (list(column) for column in (X, Y, Z, VX, VY, VZ))
    for _ in range(steps):
        for i in range(5):
            for j in range(i + 1, 5):
                dx, dy, dz = x[i] - x[j], y[i] - y[j], z[i] - z[j]
                square = dx * dx + dy * dy + dz * dz
                cube = (square >> 32) * root(square) >> 32
                pull = (1 << 96) // cube
                a, b = pull * GM[j] >> 32, pull * GM[i] >> 32
                vx[i] -= dx * a >> 64
                vy[i] -= dy * a >> 64
                vz[i] -= dz * a >> 64
                vx[j] += dx * b >> 64
                vy[j] += dy * b >> 64
                vz[j] += dz * b >> 64
        for i in range(5):
            x[i] += vx[i]
            y[i] += vy[i]
            z[i] += vz[i]
    total = 0
    for i in range(5):
        total = (total * 3 ^ x[i] ^ y[i] ^ z[i]) & 0xFFFFFFFFFFFF
    return total


def root(square):
    guess = 1 << 40
    following = (guess + square // guess) >> 1
    while following < guess:
        guess = following
        following = (guess + square // guess) >> 1
    return guess


def quicksort(seed):
    xs, state = [], seed
    for _ in range(SORTED):
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        xs.append(state >> 11)
    sort(xs)
    checksum = 0
    for i in range(SORTED):
        assert i == 0 or xs[i - 1] <= xs[i]
        checksum = (checksum * 31 + xs[i]) & MASK
    return checksum


def sort(xs):
    waiting = [(0, SORTED)]
    while waiting:
        low, high = waiting.pop()
        while high - low > 1:
            middle = part(xs, low, high)
            if middle - low < high - middle:
                waiting.append((middle, high))
                high = middle
            else:
                waiting.append((low, middle))
                low = middle


def part(xs, low, high):
    pivot = xs[low + (high - low - 1) // 2]
    i, j = low, high - 1
    while True:
        while xs[i] < pivot:
            i += 1
        while xs[j] > pivot:
            j -= 1
        if i >= j:
            return j + 1
        xs[i], xs[j] = xs[j], xs[i]
        i += 1
        j -= 1


def sieve(limit):
    composite = [False] * limit
    count = 0
    for number in range(2, limit):
        if not composite[number]:
            count += 1
            multiple = number * number
            while multiple < limit:
                composite[multiple] = True
                multiple += number
    return count


def sha256(message):
    """The digest (FIPS 180-4)."""
    state = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A]
    state += [0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
    zeros = bytes(-(len(message) + 9) % 64)
    padded = message + b"\x80" + zeros + (8 * len(message)).to_bytes(8, "big")
    for at in range(0, len(padded), 64):
        compress(state, padded[at : at + 64])
    return b"".join(word.to_bytes(4, "big") for word in state)


def compress(state, block):
    m = 0xFFFFFFFF
    w = [int.from_bytes(block[at : at + 4], "big") for at in range(0, 64, 4)]
    for i in range(16, 64):
        x, y = w[i - 15], w[i - 2]
        x = ((x >> 7 | x << 25) ^ (x >> 18 | x << 14)) & m ^ x >> 3
        y = ((y >> 17 | y << 15) ^ (y >> 19 | y << 13)) & m ^ y >> 10
        w.append((w[i - 16] + x + w[i - 7] + y) & m)
    a, b, c, d, e, f, g, h = state
    for i in range(64):
        s1 = ((e >> 6 | e << 26) ^ (e >> 11 | e << 21) ^ (e >> 25 | e << 7)) & m
        t1 = h + s1 + (g ^ e & (f ^ g)) + ROUNDS[i] + w[i]
        s0 = ((a >> 2 | a << 30) ^ (a >> 13 | a << 19) ^ (a >> 22 | a << 10)) & m
        t2 = s0 + (a & b | c & (a | b))
        h, g, f, e, d, c, b, a = g, f, e, (d + t1) & m, c, b, a, (t1 + t2) & m
    for i, word in enumerate((a, b, c, d, e, f, g, h)):
        state[i] = (state[i] + word) & m
