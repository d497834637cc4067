"""The product of two 128x128 matrices of u64 modulo 2**64; the result sums its elements."""

from numen import u64, wrapping_add, wrapping_mul

SIZE = 128


def main(seed: u64) -> u64:
    a = [0] * (SIZE * SIZE)
    b = [0] * (SIZE * SIZE)
    fill(a, seed)
    fill(b, wrapping_add(seed, 1))
    c = [0] * (SIZE * SIZE)
    for i in range(SIZE):
        for j in range(SIZE):
            total: u64 = 0
            for k in range(SIZE):
                product = wrapping_mul(a[SIZE * i + k], b[SIZE * k + j])
                total = wrapping_add(total, product)
            c[SIZE * i + j] = total
    checksum: u64 = 0
    for element in c:
        checksum = wrapping_add(checksum, element)
    return checksum


def fill(matrix: list[u64, SIZE * SIZE], seed: u64) -> None:
    state = seed
    for i in range(SIZE * SIZE):
        state = wrapping_add(wrapping_mul(state, 6364136223846793005), 1442695040888963407)
        matrix[i] = state


# main(1) -> 5884123953436819456
