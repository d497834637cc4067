"""Modular exponentiation of 64-bit numbers, chained: each result is the next base."""

from numen import mul_mod, u64


def main(base: u64, exponent: u64, modulus: u64, rounds: u64) -> u64:
    for _ in range(rounds):
        base = power(base, exponent, modulus)
    return base


def power(base: u64, exponent: u64, modulus: u64) -> u64:
    result = 1 % modulus
    square = base % modulus
    while exponent != 0:
        if exponent & 1 == 1:
            result = mul_mod(result, square, modulus)
        square = mul_mod(square, square, modulus)
        exponent >>= 1
    return result


# main(3, 65537, 18446744073709551557, 4) -> 3504140479656099862
