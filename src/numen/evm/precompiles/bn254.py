"""Precompiles 6, 7 and 8: addition, multiplication and pairing on BN254 (alt_bn128).

A coordinate is 32 big-endian bytes below the prime; infinity is zeros; an element of Fq2 is its
second coefficient, then its first.

Sources: EIP-196 and EIP-197; EIP-1108 for prices.
"""

from typing import Final

from numen.evm.forks import Fork
from numen.evm.precompiles.contract import Contract, RefusedError, padded
from numen.proof.bn254 import G1, G2, G1Point, G2Point, Q
from numen.proof.bn254_code import entries
from numen.proof.bn254_code.entries import PAIR_BYTES, POINT_BYTES


def _price_add(_: bytes, fork: Fork) -> int:
    return fork.gas.bn_add


def _price_multiply(_: bytes, fork: Fork) -> int:
    return fork.gas.bn_mul


def _price_pairing(data: bytes, fork: Fork) -> int:
    return fork.gas.bn_pairing + fork.gas.bn_pair * (len(data) // PAIR_BYTES)


def _add(data: bytes, _: Fork) -> bytes | None:
    data = padded(data, 0, 2 * POINT_BYTES)
    first, second = data[:POINT_BYTES], data[POINT_BYTES:]
    try:
        is_first_finite, is_second_finite = _point(first) is not None, _point(second) is not None
    except RefusedError:
        return None
    if is_first_finite and is_second_finite:
        return entries.add(data)
    return first if is_first_finite else second


def _multiply(data: bytes, _: Fork) -> bytes | None:
    data = padded(data, 0, POINT_BYTES + 32)
    try:
        point = _point(data[:POINT_BYTES])
    except RefusedError:
        return None
    return bytes(POINT_BYTES) if point is None else entries.multiply(data)


def _pairing(data: bytes, _: Fork) -> bytes | None:
    if len(data) % PAIR_BYTES:
        return None
    pairs = [data[i : i + PAIR_BYTES] for i in range(0, len(data), PAIR_BYTES)]
    try:
        # Where a point is infinity, the pairing is one.
        pairs = [pair for pair in pairs if _is_finite(pair)]
    except RefusedError:
        return None
    return entries.is_product_one(pairs).to_bytes(32, "big")


def _is_finite(pair: bytes) -> bool:
    """Check the points of a pair, and tell whether both are finite."""
    point, twist_point = _point(pair[:POINT_BYTES]), _twist_point(pair[POINT_BYTES:])
    return point is not None and twist_point is not None


def _coordinates(data: bytes) -> list[int]:
    values = [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]
    if max(values) >= Q:
        raise RefusedError
    return values


def _point(data: bytes) -> G1Point:
    x, y = _coordinates(data)
    if not x and not y:
        return None
    if (x * x * x + G1.b - y * y) % Q:
        raise RefusedError
    return x, y


def _twist_point(data: bytes) -> G2Point:
    x1, x0, y1, y0 = _coordinates(data)
    if not any((x0, x1, y0, y1)):
        return None
    point = (x0, x1), (y0, y1)
    if not G2.contains(point) or not entries.is_in_g2(data):
        raise RefusedError
    return point


CONTRACTS: Final = {
    6: Contract(_price_add, _add),
    7: Contract(_price_multiply, _multiply),
    8: Contract(_price_pairing, _pairing),
}
