"""Precompile 5: powers modulo a number of any length.

The input is the lengths of base, exponent and modulus, 32 bytes each, then the three numbers,
big-endian; what is missing at the end reads as zeros. Numbers are never built longer than what the
input has of them, so that a length alone costs nothing.

Sources: EIP-198; EIP-2565, EIP-7883 and EIP-7823 for prices and bounds.
"""

from typing import Final

from numen.evm.errors import ResourceLimitError
from numen.evm.forks import Fork
from numen.evm.precompiles.contract import Contract, padded
from numen.evm.precompiles.powers import power

MODULUS_BYTES_MAX: Final = 1 << 18
"""Longest modulus this machine computes with. The cheapest power costs 358 million gas."""

EXPONENT_BYTES_MAX: Final = 1 << 28
"""Longest exponent this machine computes with. The cheapest use costs 107 million gas."""

_UNPAYABLE: Final = 1 << 512
"""More gas than there can be: the price of an operand that the fork refuses."""

_HEADER_BYTES: Final = 96


def _lengths(data: bytes) -> tuple[int, int, int]:
    """Lengths of base, exponent and modulus, in bytes, each below 2**256."""
    header = padded(data, 0, _HEADER_BYTES)
    return (
        int.from_bytes(header[:32], "big"),
        int.from_bytes(header[32:64], "big"),
        int.from_bytes(header[64:], "big"),
    )


def _price(data: bytes, fork: Fork) -> int:
    base_size, exponent_size, modulus_size = _lengths(data)
    operand_max = max(base_size, modulus_size)
    if fork.modexp_bytes_max and max(operand_max, exponent_size) > fork.modexp_bytes_max:
        return _UNPAYABLE
    head = int.from_bytes(padded(data, _HEADER_BYTES + base_size, min(exponent_size, 32)), "big")
    bits = max(head.bit_length() - 1, 0)
    tail_size = max(exponent_size - 32, 0)
    match fork.modexp_eip:
        case 198:
            return _squarings_198(operand_max) * max(8 * tail_size + bits, 1) // 20
        case 2565:
            words = (operand_max + 7) // 8
            return max(200, words * words * max(8 * tail_size + bits, 1) // 3)
        case 7883:
            words = (operand_max + 7) // 8
            work = 2 * words * words if operand_max > 32 else 16
            return max(500, work * max(16 * tail_size + bits, 1))
    return _UNPAYABLE


def _squarings_198(size: int) -> int:
    """What a multiplication of numbers of so many bytes is taken to cost (EIP-198)."""
    if size <= 64:
        return size * size
    if size <= 1024:
        return size * size // 4 + 96 * size - 3072
    return size * size // 16 + 480 * size - 199_680


def _answer(data: bytes, _: Fork) -> bytes:
    base_size, exponent_size, modulus_size = _lengths(data)
    if modulus_size == 0:
        return b""
    if modulus_size > MODULUS_BYTES_MAX or exponent_size > EXPONENT_BYTES_MAX:
        raise ResourceLimitError(
            f"precompile 5: a modulus of {modulus_size} bytes and an exponent of {exponent_size}, "
            f"where this machine takes {MODULUS_BYTES_MAX} and {EXPONENT_BYTES_MAX}"
        )
    exponent_at = _HEADER_BYTES + base_size
    modulus_at = exponent_at + exponent_size
    modulus = int.from_bytes(padded(data, modulus_at, modulus_size), "big")
    if modulus == 0:
        return bytes(modulus_size)
    given = data[_HEADER_BYTES:exponent_at]
    missing_bits = 8 * (base_size - len(given))
    base = int.from_bytes(given, "big") % modulus * pow(2, missing_bits, modulus)
    exponent = int.from_bytes(padded(data, exponent_at, exponent_size), "big")
    return power(base, exponent, modulus).to_bytes(modulus_size, "big")


CONTRACTS: Final = {5: Contract(_price, _answer)}
