"""The native check of a Groth16 proof, over a key whose points have been worked on before.

    groth16(proof, key, scalars, n, digits, table)
        proof    A, B and C in the bytes of EIP-197: points of their curves, finite
        key      `KEY_WORDS` words, then the multiples of n points of G1
        scalars  n words, each of so many digits in base 16
        table    room for the lines of B

gives `ACCEPTED` where the key's value, times the Miller loops of A and B, of -C and the first lines
of the key, and of the sum of scalars times points and the second, stands for one; `REJECTED` where
it does not; `NOT_IN_G2` for a point B outside the subgroup.
"""

from typing import Final

from numen.kernels.bn254 import FQ
from numen.kernels.llvm import Callee, const
from numen.proof.bn254_code.felts import Arithmetic, from_bytes, read, write
from numen.proof.bn254_code.groups import G1, Points, write_combine
from numen.proof.bn254_code.pairing import FQ12_WORDS, TABLE_WORDS, Pairing

REJECTED: Final = 0
ACCEPTED: Final = 1
NOT_IN_G2: Final = 2

KEY_WORDS: Final = FQ12_WORDS + 2 * TABLE_WORDS
"""A value of the Miller loop, and the lines of delta and gamma."""

_PROOF_POINTS = 3


def write_groth16(arithmetic: Arithmetic, points: Points, pairing: Pairing, in_g2: Callee) -> None:
    """Define ``groth16``; ``in_g2`` tells of four coordinates in bytes whether they are in G2."""
    combine = write_combine(arithmetic, points)
    names = dict.fromkeys(("proof", "key", "scalars"), "ptr") | {"n": "i64", "digits": "i64"}
    f = arithmetic.module.function("groth16", "i64", names | {"table": "ptr"})
    proof, key, scalars, n, digits, table = f.params
    with f.when(f.icmp("ne", f.call(in_g2, f.gep("i256", proof, 2)), 1), likely=False):
        f.ret(const("i64", NOT_IN_G2))
    value, total = f.alloca("i256", FQ12_WORDS), f.alloca("i256", points.size)
    at, tables = f.alloca("i256", 2 * _PROOF_POINTS), f.alloca("ptr", _PROOF_POINTS)
    ax, ay, bx1, bx0, by1, by0, cx, cy = (
        from_bytes(f, arithmetic, proof, index) for index in range(8)
    )
    q = f.alloca("i256", 4)
    write(f, (bx0, bx1, by0, by1), q)
    f.call(pairing.lines, table, q)
    delta = f.gep("i256", key, FQ12_WORDS)
    gamma = f.gep("i256", delta, TABLE_WORDS)
    for index, lines in enumerate((table, delta, gamma)):
        f.store(lines, f.gep("ptr", tables, index))
    f.call(combine, total, f.gep("i256", gamma, TABLE_WORDS), scalars, n, digits)
    x, y, z = read(f, arithmetic, total, G1.point)
    inverse = pow(z, -1, FQ.prime)
    write(f, (ax, ay, cx, -cy, x * inverse, y * inverse), at)
    # Where the last point is infinity, its pairing is one.
    pairs = f.sub(const("i64", _PROOF_POINTS), f.zext(f.icmp("eq", z.value, 0), "i64"))
    f.call(pairing.miller_loop, value, at, tables, pairs)
    f.call(pairing.multiply, value, value, key)
    f.ret(f.call(pairing.is_one, value))
