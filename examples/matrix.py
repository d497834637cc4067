"""The product of two matrices, as lists of rows."""

from numen import i64


def main(a: list[list[i64, 3], 2], b: list[list[i64, 2], 3]) -> list[list[i64, 2], 2]:
    return product(a, b)


def product(a: list[list[i64, K], ROWS], b: list[list[i64, COLS], K]) -> list[list[i64, COLS], ROWS]:
    c = [[i64(0)] * COLS for _ in range(ROWS)]
    for i in range(ROWS):
        for j in range(COLS):
            for k in range(K):
                c[i][j] += a[i][k] * b[k][j]
    return c


# main([[1, 2, 3], [4, 5, 6]], [[7, 8], [9, 10], [-11, 12]]) -> [[-8, 64], [7, 154]]
