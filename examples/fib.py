"""The n-th Fibonacci number; above the 93rd, the sum overflows and the program stops."""

from numen import u64


def main(n: u64) -> u64:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


# main(50) -> 12586269025
# main(94) -> trap: overflow
