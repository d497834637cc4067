"""The check of a product of pairings, by native code where there is some: the same answers."""

import functools
from collections.abc import Sequence

from numen.kernels.errors import CompileError
from numen.proof import pairing
from numen.proof.bn254 import G1Point, G2Point
from numen.proof.bn254_code import entries
from numen.proof.eip197 import encode_g1, encode_g2


@functools.cache
def can_load() -> bool:
    """Load the native code, if it can be had on this machine; say whether."""
    try:
        entries.load()
    except CompileError:
        return False
    return True


def is_product_one(pairs: Sequence[tuple[G1Point, G2Point]]) -> bool:
    """Tell whether the product of the pairings of all pairs is one.

    Args:
        pairs: Points of the two groups; pairs with infinity count as one.

    Cost: about 0.5 milliseconds and 0.25 for each pair; without native code 30 and 10.
    """
    if not can_load():
        return pairing.is_product_one(pairs)
    finite = [(p, q) for p, q in pairs if p is not None and q is not None]
    return entries.is_product_one([encode_g1(p) + encode_g2(q) for p, q in finite])
