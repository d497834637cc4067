"""Quicksort of pseudo-random numbers, with a stack of its own; the result tells the order."""

from numen import u64, wrapping_add, wrapping_mul

SIZE = 100_000
DEPTH = 64


def main(seed: u64) -> u64:
    xs = [0] * SIZE
    state = seed
    for i in range(SIZE):
        state = wrapping_add(wrapping_mul(state, 6364136223846793005), 1442695040888963407)
        xs[i] = state >> 11
    sort(xs)
    checksum: u64 = 0
    for i in range(SIZE):
        if i > 0:
            assert xs[i - 1] <= xs[i], "not sorted"
        checksum = wrapping_add(wrapping_mul(checksum, 31), xs[i])
    return checksum


def sort(xs: list[u64, SIZE]) -> None:
    """Sort in place; the longer part waits on the stack, so that DEPTH is enough."""
    lows = [0] * DEPTH
    highs = [0] * DEPTH
    lows[0], highs[0] = 0, SIZE
    depth: u64 = 1
    while depth > 0:
        depth -= 1
        low = lows[depth]
        high = highs[depth]
        while high - low > 1:
            middle = part(xs, low, high)
            if middle - low < high - middle:
                lows[depth], highs[depth] = middle, high
                high = middle
            else:
                lows[depth], highs[depth] = low, middle
                low = middle
            depth += 1


def part(xs: list[u64, SIZE], low: u64, high: u64) -> u64:
    """Split a stretch around its middle element (Hoare); both parts have at least one element."""
    pivot = xs[low + (high - low - 1) // 2]
    i = low
    j = high - 1
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


# main(1) -> 9280138401498426401
