"""The product of two 128x128 matrices of u64, checked; the result is the sum of its elements."""

from numen import u64

SIZE = 128


def main(seed: u64) -> u64:
    a = [0] * (SIZE * SIZE)
    b = [0] * (SIZE * SIZE)
    fill(a, seed)
    fill(b, seed + 1)
    c = [0] * (SIZE * SIZE)
    for i in range(SIZE):
        for j in range(SIZE):
            total: u64 = 0
            for k in range(SIZE):
                total += a[SIZE * i + k] * b[SIZE * k + j]
            c[SIZE * i + j] = total
    checksum: u64 = 0
    for element in c:
        checksum += element
    return checksum


def fill(matrix: list[u64, SIZE * SIZE], seed: u64) -> None:
    state = seed
    for i in range(SIZE * SIZE):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        matrix[i] = state >> 16


# main(1) -> 566475950302520
