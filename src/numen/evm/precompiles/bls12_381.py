"""Precompiles 11 to 17: addition, sums of products, pairing and maps on BLS12-381.

A coordinate is 64 big-endian bytes below the prime; an element of Fq2 is its first coefficient,
then its second; infinity is zeros. Points to add need only be on their curve, all others in the
subgroup.

Source: EIP-2537.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final, TypeVar

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from numen.evm.forks import Fork
from numen.evm.precompiles.contract import Contract

_FQ_BYTES: Final = 64
_G1_BYTES: Final = 2 * _FQ_BYTES
_G2_BYTES: Final = 4 * _FQ_BYTES
_SCALAR_BYTES: Final = 32
_PAIR_BYTES: Final = _G1_BYTES + _G2_BYTES

_SIZES: Final = {G1Point: _G1_BYTES, G2Point: _G2_BYTES}

_BARE_BYTES: Final = 48
"""What a coordinate takes up without its padding."""

_PADDING: Final = bytes(_FQ_BYTES - _BARE_BYTES)

# fmt: off
_G1_DISCOUNTS: Final = (
    1000, 949, 848, 797, 764, 750, 738, 728, 719, 712, 705, 698, 692, 687, 682, 677, 673, 669, 665,
    661, 658, 654, 651, 648, 645, 642, 640, 637, 635, 632, 630, 627, 625, 623, 621, 619, 617, 615,
    613, 611, 609, 608, 606, 604, 603, 601, 599, 598, 596, 595, 593, 592, 591, 589, 588, 586, 585,
    584, 582, 581, 580, 579, 577, 576, 575, 574, 573, 572, 570, 569, 568, 567, 566, 565, 564, 563,
    562, 561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 551, 550, 549, 548, 547, 547, 546, 545,
    544, 543, 542, 541, 540, 540, 539, 538, 537, 536, 536, 535, 534, 533, 532, 532, 531, 530, 529,
    528, 528, 527, 526, 525, 525, 524, 523, 522, 522, 521, 520, 520, 519,
)
_G2_DISCOUNTS: Final = (
    1000, 1000, 923, 884, 855, 832, 812, 796, 782, 770, 759, 749, 740, 732, 724, 717, 711, 704, 699,
    693, 688, 683, 679, 674, 670, 666, 663, 659, 655, 652, 649, 646, 643, 640, 637, 634, 632, 629,
    627, 624, 622, 620, 618, 615, 613, 611, 609, 607, 606, 604, 602, 600, 598, 597, 595, 593, 592,
    590, 589, 587, 586, 584, 583, 582, 580, 579, 578, 576, 575, 574, 573, 571, 570, 569, 568, 567,
    566, 565, 563, 562, 561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 552, 551, 550, 549, 548,
    547, 546, 545, 545, 544, 543, 542, 541, 541, 540, 539, 538, 537, 537, 536, 535, 535, 534, 533,
    532, 532, 531, 530, 530, 529, 528, 528, 527, 526, 526, 525, 524, 524,
)
# fmt: on
"""Price of each of n products, in thousandths of one alone, for n from 1; the last for more."""

assert len(_G1_DISCOUNTS) == len(_G2_DISCOUNTS) == 128

T = TypeVar("T", G1Point, G2Point)


def _price_g1_add(_: bytes, fork: Fork) -> int:
    return fork.gas.bls_g1_add


def _price_g2_add(_: bytes, fork: Fork) -> int:
    return fork.gas.bls_g2_add


def _price_g1_products(data: bytes, fork: Fork) -> int:
    count = len(data) // (_G1_BYTES + _SCALAR_BYTES)
    return _discounted(count, fork.gas.bls_g1_mul, _G1_DISCOUNTS)


def _price_g2_products(data: bytes, fork: Fork) -> int:
    count = len(data) // (_G2_BYTES + _SCALAR_BYTES)
    return _discounted(count, fork.gas.bls_g2_mul, _G2_DISCOUNTS)


def _discounted(count: int, price: int, discounts: Sequence[int]) -> int:
    """Price of a sum of products; none for an input that is too short and refused."""
    if count == 0:
        return 0
    return count * price * discounts[min(count, len(discounts)) - 1] // 1000


def _price_pairing(data: bytes, fork: Fork) -> int:
    return fork.gas.bls_pairing + fork.gas.bls_pair * (len(data) // _PAIR_BYTES)


def _price_map_g1(_: bytes, fork: Fork) -> int:
    return fork.gas.bls_map_g1


def _price_map_g2(_: bytes, fork: Fork) -> int:
    return fork.gas.bls_map_g2


def _coordinates(data: bytes) -> bytes:
    """Strip each coordinate of its padding; the library tells whether it is below the prime.

    Raises:
        ValueError: The padding is not zeros.
    """
    cuts = range(0, len(data), _FQ_BYTES)
    if any(data[i : i + 16] != _PADDING for i in cuts):
        raise ValueError("a coordinate is too large")
    return b"".join(data[i + 16 : i + _FQ_BYTES] for i in cuts)


def _padded(bare: bytes) -> bytes:
    cuts = range(0, len(bare), _BARE_BYTES)
    return b"".join(_PADDING + bare[i : i + _BARE_BYTES] for i in cuts)


def _add(group: type[T], data: bytes, _: Fork) -> bytes | None:
    """Add two points of the curve, in the subgroup or not."""
    half = _SIZES[group]
    if len(data) != 2 * half:
        return None
    try:
        # What the library leaves unchecked is the subgroup, not the curve.
        a = group.from_xy_bytes_unchecked_be(_coordinates(data[:half]))
        b = group.from_xy_bytes_unchecked_be(_coordinates(data[half:]))
    except ValueError:
        return None
    return _padded((a + b).to_xy_bytes_be())


def _products(group: type[T], data: bytes, _: Fork) -> bytes | None:
    """Multiply points of the subgroup, each by its scalar, and add the products."""
    size = _SIZES[group]
    step = size + _SCALAR_BYTES
    if not data or len(data) % step:
        return None
    points, scalars = [], []
    try:
        for i in range(0, len(data), step):
            points.append(group.from_xy_bytes_be(_coordinates(data[i : i + size])))
            scalars.append(Scalar.from_be_bytes_mod_order(data[i + size : i + step]))
    except ValueError:
        return None
    return _padded(group.multiexp_unchecked(points, scalars).to_xy_bytes_be())


def _pairing(data: bytes, _: Fork) -> bytes | None:
    if not data or len(data) % _PAIR_BYTES:
        return None
    points, twist_points = [], []
    try:
        for i in range(0, len(data), _PAIR_BYTES):
            middle, end = i + _G1_BYTES, i + _PAIR_BYTES
            points.append(G1Point.from_xy_bytes_be(_coordinates(data[i:middle])))
            twist_points.append(G2Point.from_xy_bytes_be(_coordinates(data[middle:end])))
    except ValueError:
        return None
    return GT.pairing_check(points, twist_points).to_bytes(32, "big")


def _map_g1(data: bytes, _: Fork) -> bytes | None:
    if len(data) != _FQ_BYTES:
        return None
    try:
        return _padded(G1Point.map_from_fp_be(_coordinates(data)).to_xy_bytes_be())
    except ValueError:
        return None


def _map_g2(data: bytes, _: Fork) -> bytes | None:
    if len(data) != 2 * _FQ_BYTES:
        return None
    try:
        return _padded(G2Point.map_from_fp2_be(_coordinates(data)).to_xy_bytes_be())
    except ValueError:
        return None


CONTRACTS: Final = {
    11: Contract(_price_g1_add, partial(_add, G1Point)),
    12: Contract(_price_g1_products, partial(_products, G1Point)),
    13: Contract(_price_g2_add, partial(_add, G2Point)),
    14: Contract(_price_g2_products, partial(_products, G2Point)),
    15: Contract(_price_pairing, _pairing),
    16: Contract(_price_map_g1, _map_g1),
    17: Contract(_price_map_g2, _map_g2),
}
