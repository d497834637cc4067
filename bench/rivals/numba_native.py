# ruff: noqa: ANN001, ANN201, D103 - plain programs, as a rival would write them
"""The programs of bench/programs for numba, where it has the words they need (up to 64 bits)."""

import numpy as np
from numba import njit, uint8, uint32, uint64

from rivals import cpython

MATRIX = 128
SORTED = 100_000
ROUNDS = np.array(cpython.ROUNDS, np.uint32)


@njit(uint64(uint64))
def fib(n):
    a, b = uint64(0), uint64(1)
    for _ in range(n):
        a, b = b, a + b
    return a


def fib_checked(rounds):
    # Given the 90 as a constant, numba unrolls the sums and does not come to an end.
    return fib_totals(rounds, 90)


@njit(uint64(uint64, uint64))
def fib_totals(rounds, steps):
    total = uint64(0)
    for r in range(rounds):
        a, b = uint64(r) & uint64(1), uint64(1)
        for _ in range(steps):
            a, b = b, a + b
        total = (total + a) & uint64(0xFFFFFFFF)
    return total


@njit
def multiplied(a, b):
    c = np.zeros(MATRIX * MATRIX, np.uint64)
    for i in range(MATRIX):
        for j in range(MATRIX):
            total = uint64(0)
            for k in range(MATRIX):
                total += a[MATRIX * i + k] * b[MATRIX * k + j]
            c[MATRIX * i + j] = total
    return c


@njit
def filled(state, factor, term, mask, shift):
    values = np.zeros(MATRIX * MATRIX, np.uint64)
    for i in range(MATRIX * MATRIX):
        state = (state * factor + term) & mask
        values[i] = state >> shift
    return values


@njit
def total_of(values):
    total = uint64(0)
    for value in values:
        total += value
    return total


@njit(uint64(uint64))
def matrix(seed):
    factor, term = uint64(1103515245), uint64(12345)
    a = filled(seed, factor, term, uint64(0x7FFFFFFF), uint64(16))
    b = filled(seed + uint64(1), factor, term, uint64(0x7FFFFFFF), uint64(16))
    return total_of(multiplied(a, b))


@njit(uint64(uint64))
def matrix_wrapping(seed):
    factor, term = uint64(6364136223846793005), uint64(1442695040888963407)
    a = filled(seed, factor, term, uint64(0xFFFFFFFFFFFFFFFF), uint64(0))
    b = filled(seed + uint64(1), factor, term, uint64(0xFFFFFFFFFFFFFFFF), uint64(0))
    return total_of(multiplied(a, b))


@njit
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


@njit
def sort(xs):
    lows, highs = np.zeros(64, np.int64), np.zeros(64, np.int64)
    highs[0] = SORTED
    depth = 1
    while depth > 0:
        depth -= 1
        low, high = lows[depth], highs[depth]
        while high - low > 1:
            middle = part(xs, low, high)
            if middle - low < high - middle:
                lows[depth], highs[depth] = middle, high
                high = middle
            else:
                lows[depth], highs[depth] = low, middle
                low = middle
            depth += 1


@njit(uint64(uint64))
def quicksort(seed):
    xs = np.zeros(SORTED, np.uint64)
    state = seed
    for i in range(SORTED):
        state = state * uint64(6364136223846793005) + uint64(1442695040888963407)
        xs[i] = state >> uint64(11)
    sort(xs)
    checksum = uint64(0)
    for i in range(SORTED):
        if i > 0 and xs[i - 1] > xs[i]:
            return uint64(0)
        checksum = checksum * uint64(31) + xs[i]
    return checksum


@njit(uint64(uint64))
def sieve(limit):
    composite = np.zeros(limit, np.bool_)
    count = uint64(0)
    for number in range(2, limit):
        if not composite[number]:
            count += uint64(1)
            for multiple in range(number * number, limit, number):
                composite[multiple] = True
    return count


@njit
def rotated(x, n):
    return uint32(x >> uint32(n)) | uint32(x << uint32(32 - n))


@njit
def compress(state, block, w, rounds):
    for i in range(16):
        w[i] = (
            uint32(block[4 * i]) << uint32(24)
            | uint32(block[4 * i + 1]) << uint32(16)
            | uint32(block[4 * i + 2]) << uint32(8)
            | uint32(block[4 * i + 3])
        )
    for i in range(16, 64):
        x, y = w[i - 15], w[i - 2]
        x = rotated(x, 7) ^ rotated(x, 18) ^ x >> uint32(3)
        y = rotated(y, 17) ^ rotated(y, 19) ^ y >> uint32(10)
        w[i] = w[i - 16] + x + w[i - 7] + y
    a, b, c, d, e, f, g, h = state
    for i in range(64):
        s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
        t1 = uint32(h + s1 + (g ^ e & (f ^ g)) + rounds[i] + w[i])
        s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
        t2 = uint32(s0 + (a & b | c & (a | b)))
        h, g, f, e, d, c, b, a = g, f, e, uint32(d + t1), c, b, a, uint32(t1 + t2)
    return (
        uint32(state[0] + a),
        uint32(state[1] + b),
        uint32(state[2] + c),
        uint32(state[3] + d),
        uint32(state[4] + e),
        uint32(state[5] + f),
        uint32(state[6] + g),
        uint32(state[7] + h),
    )


@njit((uint8[::1], uint32[::1]))
def sha256_words(padded, rounds):
    w = np.zeros(64, np.uint32)
    state = (
        uint32(0x6A09E667),
        uint32(0xBB67AE85),
        uint32(0x3C6EF372),
        uint32(0xA54FF53A),
        uint32(0x510E527F),
        uint32(0x9B05688C),
        uint32(0x1F83D9AB),
        uint32(0x5BE0CD19),
    )
    for at in range(0, len(padded), 64):
        state = compress(state, padded[at : at + 64], w, rounds)
    return state


def sha256(message):
    """The digest (FIPS 180-4)."""
    zeros = bytes(-(len(message) + 9) % 64)
    padded = message + b"\x80" + zeros + (8 * len(message)).to_bytes(8, "big")
    words = sha256_words(np.frombuffer(padded, np.uint8).copy(), ROUNDS)
    return b"".join(int(word).to_bytes(4, "big") for word in words)
