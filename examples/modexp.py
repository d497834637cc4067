"""Modular exponentiation of 256-bit numbers."""

from numen import u256
from numen.std.math import power_mod256


def main(base: u256, exponent: u256, modulus: u256) -> u256:
    return power_mod256(base, exponent, modulus)


# main(3, 65537, 1000000007) -> 754428556
