"""Fibonacci numbers with checked sums: the 90th, as often as asked, added up modulo 2**32."""

from numen import u64


def main(rounds: u64) -> u64:
    total: u64 = 0
    for r in range(rounds):
        a = r & 1
        b: u64 = 1
        for _ in range(90):
            a, b = b, a + b
        total = (total + a) & 0xFFFFFFFF
    return total


# main(3) -> 61294645
