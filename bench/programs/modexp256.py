"""Modular exponentiation of 256-bit numbers, chained: each result is the next base."""

from numen import mul_mod, u64, u256


def main(base: u256, exponent: u256, modulus: u256, rounds: u64) -> u256:
    for _ in range(rounds):
        base = power(base, exponent, modulus)
    return base


def power(base: u256, exponent: u256, modulus: u256) -> u256:
    result = 1 % modulus
    square = base % modulus
    while exponent != 0:
        if exponent & 1 == 1:
            result = mul_mod(result, square, modulus)
        square = mul_mod(square, square, modulus)
        exponent >>= 1
    return result


# main(3, 65537, 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed, 2) -> 7244026072509616313195578813658028653407551376208387442544199100049816432264
