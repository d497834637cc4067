"""Precompiles against the libraries that Python's other EVMs call.

Gas is charged, points are checked and bytes are read on our side; the rivals compute only.
"""

from collections.abc import Iterator
from typing import Any

from harness import Contest, main
from numen.evm import precompiles
from numen.evm.forks import fork
from numen.proof import bn254, eip197, pairing

try:
    from py_ecc import optimized_bls12_381, optimized_bn128
except ImportError:
    optimized_bls12_381 = optimized_bn128 = None

PRAGUE = fork("prague")
GAS = 10**9
K = 2**253 + 12345


def _run(number: int, data: bytes) -> bytes:
    result = precompiles.run(number, data, GAS, PRAGUE)
    assert result is not None
    return result[1]


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _powers() -> Iterator[Contest]:
    for size in (32, 256):
        base, exponent = b"\x77" * size, b"\xff" * size
        modulus = b"\xff" * (size - 1) + b"\xfd"
        numbers = [int.from_bytes(part, "big") for part in (base, exponent, modulus)]
        data = _word(size) * 3 + base + exponent + modulus
        yield Contest(
            f"modexp, {8 * size} bits",
            lambda data=data: int.from_bytes(_run(5, data), "big"),
            {"CPython's pow": lambda numbers=numbers: pow(*numbers)},
            targets={"CPython's pow": 0.5},
        )


def _rival(curve: Any, count: int) -> bytes:
    product = curve.FQ12.one()
    for _ in range(count):
        product *= curve.pairing(curve.G2, curve.G1)
    return bytes(31) + bytes([product == curve.FQ12.one()])


def _pairings() -> Iterator[Contest]:
    p, q = bn254.G1.generator, bn254.G2.generator
    pair = eip197.encode_g1(p) + eip197.encode_g2(q)
    rivals = {
        "the readable pairing": lambda: _word(int(pairing.is_product_one([(p, q), (p, q)]))),
        "py_ecc": optimized_bn128 and (lambda: _rival(optimized_bn128, 2)),
    }
    targets = {"the readable pairing": 0.1, "py_ecc": 0.05}
    yield Contest("two pairings on BN254", lambda: _run(8, pair * 2), rivals, targets)
    if optimized_bls12_381 is not None:
        g1, g2 = (
            optimized_bls12_381.normalize(point)
            for point in (optimized_bls12_381.G1, optimized_bls12_381.G2)
        )
        data = b"".join(int(c).to_bytes(64, "big") for c in g1)
        data += b"".join(int(c).to_bytes(64, "big") for pair in g2 for c in pair.coeffs)
        yield Contest(
            "two pairings on BLS12-381",
            lambda: _run(15, data * 2),
            {"py_ecc": lambda: _rival(optimized_bls12_381, 2)},
            targets={"py_ecc": 0.05},
        )


def contests(quick: bool) -> Iterator[Contest]:
    """Yield a contest for each precompile whose work outweighs the call."""
    point = bn254.G1.multiply(bn254.G1.generator, K)
    data = eip197.encode_g1(point) + _word(K)
    yield Contest(
        "multiplication on BN254",
        lambda: _run(7, data),
        {"the readable curve": lambda: eip197.encode_g1(bn254.G1.multiply(point, K))},
        targets={"the readable curve": 0.2},
    )
    yield from _powers()
    if not quick:
        yield from _pairings()


if __name__ == "__main__":
    main(__doc__, contests)
