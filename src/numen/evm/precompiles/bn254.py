"""Precompiles 6, 7 and 8: addition, multiplication and pairing on BN254 (alt_bn128).

A coordinate is 32 big-endian bytes below the prime; infinity is zeros; an element of Fq2 is its
second coefficient, then its first.

Sources: EIP-196 and EIP-197; EIP-1108 for prices.
"""

from typing import Final

from numen.evm.forks import Fork
from numen.evm.precompiles.contract import Contract, RefusedError, padded
from numen.proof.bn254 import G1, G1Point, G2Point, Q, is_in_g2
from numen.proof.pairing import is_product_one

_PAIR_BYTES: Final = 192


def _price_add(_: bytes, fork: Fork) -> int:
    return fork.gas.bn_add


def _price_multiply(_: bytes, fork: Fork) -> int:
    return fork.gas.bn_mul


def _price_pairing(data: bytes, fork: Fork) -> int:
    return fork.gas.bn_pairing + fork.gas.bn_pair * (len(data) // _PAIR_BYTES)


def _add(data: bytes, _: Fork) -> bytes | None:
    try:
        return _encode(G1.add(_point(padded(data, 0, 64)), _point(padded(data, 64, 64))))
    except RefusedError:
        return None


def _multiply(data: bytes, _: Fork) -> bytes | None:
    scalar = int.from_bytes(padded(data, 64, 32), "big")
    try:
        return _encode(G1.multiply(_point(padded(data, 0, 64)), scalar))
    except RefusedError:
        return None


def _pairing(data: bytes, _: Fork) -> bytes | None:
    if len(data) % _PAIR_BYTES:
        return None
    cuts = range(0, len(data), _PAIR_BYTES)
    try:
        pairs = [(_point(data[i : i + 64]), _twist_point(data[i + 64 : i + 192])) for i in cuts]
    except RefusedError:
        return None
    return is_product_one(pairs).to_bytes(32, "big")


def _coordinates(data: bytes) -> list[int]:
    values = [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]
    if max(values) >= Q:
        raise RefusedError
    return values


def _point(data: bytes) -> G1Point:
    x, y = _coordinates(data)
    point = (x, y) if x or y else None
    if not G1.contains(point):
        raise RefusedError
    return point


def _twist_point(data: bytes) -> G2Point:
    x1, x0, y1, y0 = _coordinates(data)
    point = ((x0, x1), (y0, y1)) if any((x0, x1, y0, y1)) else None
    if not is_in_g2(point):
        raise RefusedError
    return point


def _encode(point: G1Point) -> bytes:
    return b"".join(c.to_bytes(32, "big") for c in point or (0, 0))


CONTRACTS: Final = {
    6: Contract(_price_add, _add),
    7: Contract(_price_multiply, _multiply),
    8: Contract(_price_pairing, _pairing),
}
