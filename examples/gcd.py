"""The greatest common divisor of a list of numbers."""

from numen import u64
from numen.std.math import gcd


def main(numbers: list[u64, 4]) -> u64:
    found: u64 = 0
    for number in numbers:
        found = gcd(found, number)
    return found


# main([12, 18, 30, 48]) -> 6
