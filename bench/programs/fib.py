"""Fibonacci numbers modulo 2**64, the n-th of them."""

from numen import u64, wrapping_add


def main(n: u64) -> u64:
    a: u64 = 0
    b: u64 = 1
    for _ in range(n):
        a, b = b, wrapping_add(a, b)
    return a


# main(90) -> 2880067194370816120
