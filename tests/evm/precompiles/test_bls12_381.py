"""Precompiles 10 to 17 against the specifications, and 10 against the C library of the ceremony."""

import hashlib
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_arkworks_bls12381 import G1Point, Scalar

from numen.evm.precompiles.point_evaluation import FIELD_MODULUS as R
from numen.evm.precompiles.point_evaluation import TAU_G2
from tests.evm.precompiles.judge import GAS, check, ours
from tests.evm.precompiles.points import Curves, bad_points

bls = pytest.importorskip("py_ecc.optimized_bls12_381", reason="py_ecc is a judge")
ckzg = pytest.importorskip("ckzg", reason="c-kzg is a judge")
pytestmark = pytest.mark.judges

P = bls.field_modulus
BLS = Curves(P, R, 4, (4, 4), 64, is_imaginary_first=False)
TRUE, FALSE = (1).to_bytes(32, "big"), bytes(32)


def g1(k):
    """The generator's multiple."""
    point = bls.multiply(bls.G1, k % R)
    return BLS.g1(None if bls.is_inf(point) else [int(c) for c in bls.normalize(point)])


def g2(k):
    """The multiple of the generator of the twist's group."""
    point = bls.multiply(bls.G2, k % R)
    if bls.is_inf(point):
        return BLS.g2(None)
    return BLS.g2(tuple(tuple(map(int, c.coeffs)) for c in bls.normalize(point)))


def word(k):
    return k.to_bytes(32, "big")


G1, G2 = g1(1), g2(1)
OUTSIDE_1 = [BLS.g1((0, 2)), BLS.g1(BLS.on_curve(9))]
"""On the curve, outside the subgroup; the first has order three."""
OUTSIDE_2 = [BLS.g2(BLS.on_twist(5))]
BAD_1 = bad_points(BLS.g1, (int.from_bytes(G1[:64], "big"), int.from_bytes(G1[64:], "big")), P, 64)
BAD_2 = [
    bad[64 * i :] + bad[: 64 * i]
    for bad in bad_points(
        lambda point: point, b"".join(G2[64 * i : 64 * i + 64] for i in range(4)), P, 64
    )
    for i in range(2)
]

scalars = st.sampled_from([0, 1, 2, R - 1, R, R + 1, 2**256 - 1]) | st.integers(0, 2**256 - 1)


def test_where_the_points_for_the_tests_lie():
    for bad in OUTSIDE_1:
        assert ours(11, bad + G1) is not None
    for bad in OUTSIDE_2:
        assert ours(13, bad + G2) is not None
    assert len({*BAD_1}) == 7


@given(a=scalars, b=scalars)
@settings(max_examples=10)
def test_addition(a, b):
    assert check(11, g1(a) + g1(b)) == g1(a + b)
    assert check(13, g2(a) + g2(b)) == g2(a + b)


@pytest.mark.parametrize("a", [g1(0), G1, *OUTSIDE_1])
@pytest.mark.parametrize("b", [g1(0), G1, g1(R - 1), *OUTSIDE_1, *BAD_1])
def test_addition_takes_any_point_of_the_curve(a, b):
    assert (check(11, a + b) is None) == (b in BAD_1)
    assert (check(11, b + a) is None) == (b in BAD_1)


@pytest.mark.parametrize("a", [g2(0), G2, *OUTSIDE_2])
@pytest.mark.parametrize("b", [g2(0), G2, g2(R - 1), *OUTSIDE_2, *BAD_2])
def test_addition_takes_any_point_of_the_twist(a, b):
    assert (check(13, a + b) is None) == (b in BAD_2)


@given(terms=st.lists(st.tuples(scalars, scalars), min_size=1, max_size=3))
@settings(max_examples=3)
def test_sums_of_products(terms):
    total = sum(a * b for a, b in terms)

    assert check(12, b"".join(g1(a) + word(b) for a, b in terms)) == g1(total)
    assert check(14, b"".join(g2(a) + word(b) for a, b in terms)) == g2(total)


@pytest.mark.parametrize("bad", [*OUTSIDE_1, *BAD_1])
def test_sums_of_products_want_points_of_the_subgroup(bad):
    assert check(12, bad + word(0)) is None
    assert ours(12, G1 + word(1) + bad + word(1)) is None


@pytest.mark.parametrize("bad", [*OUTSIDE_2, *BAD_2])
def test_sums_of_products_want_points_of_the_subgroup_of_the_twist(bad):
    assert check(14, bad + word(0)) is None
    assert ours(14, G2 + word(1) + bad + word(1)) is None


@pytest.mark.parametrize("count", [1, 2, 3, 16, 127, 128, 129, 200])
def test_discounts(count):
    """Infinity times zero costs the judge no time."""
    assert check(12, (g1(0) + word(0)) * count) == g1(0)
    assert check(14, (g2(0) + word(0)) * count) == g2(0)


def test_every_discount_is_that_of_the_specifications():
    from ethereum.forks.prague.vm.precompiled_contracts import bls12_381 as theirs

    from numen.evm.precompiles import bls12_381 as mine

    assert list(mine._G1_DISCOUNTS) == theirs.G1_K_DISCOUNT
    assert list(mine._G2_DISCOUNTS) == theirs.G2_K_DISCOUNT


@pytest.mark.parametrize("number", range(11, 18))
@pytest.mark.parametrize(
    "size", [0, 1, 63, 64, 65, 127, 128, 129, 159, 160, 161, 255, 256, 257, 287, 288, 289, 383, 384]
)
def test_sizes_of_inputs(number, size):
    check(number, bytes(size))
    check(number, bytes(size + 128))


@pytest.mark.parametrize(
    ("a", "b"),
    [(0, 3), (3, 0), (2**200 + 1, 2**250 + 5), pytest.param(1, 1, marks=pytest.mark.slow)],
)
def test_pairing_is_bilinear(a, b):
    pair, back = g1(a) + g2(b), g1(-a * b) + G2

    assert check(15, pair + back) == TRUE
    assert ours(15, pair)[1] == (FALSE if a * b else TRUE)
    assert ours(15, pair + back + pair) == (GAS - 37_700 - 3 * 32_600, FALSE if a * b else TRUE)


@pytest.mark.parametrize("bad", [*OUTSIDE_1, *BAD_1])
def test_pairing_wants_points_of_the_subgroup(bad):
    assert check(15, bad + g2(0)) is None
    assert ours(15, G1 + G2 + bad + G2) is None


@pytest.mark.parametrize("bad", [*OUTSIDE_2, *BAD_2])
def test_pairing_wants_points_of_the_subgroup_of_the_twist(bad):
    assert check(15, g1(0) + bad) is None
    assert ours(15, G1 + G2 + G1 + bad) is None


numbers = st.sampled_from([0, 1, 2, P - 1, P, P + 1, 2**384, 2**512 - 1]) | st.integers(0, P - 1)


@given(x=numbers, y=numbers)
@settings(max_examples=8)
def test_maps(x, y):
    first, second = x.to_bytes(64, "big"), y.to_bytes(64, "big")

    assert (check(16, first) is None) == (x >= P)
    assert (check(17, first + second) is None) == (max(x, y) >= P)


# Precompile 10. ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def setup_path():
    """The ceremony's trusted setup, as other people ship it."""
    from eth_account import typed_transactions

    folder = Path(typed_transactions.__file__).parent / "blob_transactions"
    return folder / "kzg_trusted_setup.txt"


@pytest.fixture(scope="module")
def powers(setup_path):
    """The first powers of tau in G1: after both counts, 4096 other points and 65 of G2."""
    lines = setup_path.read_text().split()[2 + 4096 + 65 :]
    return [G1Point.from_compressed_bytes(bytes.fromhex(line)) for line in lines[:4]]


def committed(powers, coefficients):
    scalars = [Scalar(c) for c in coefficients]
    return G1Point.multiexp_unchecked(powers[: len(scalars)], scalars).to_compressed_bytes()


def evaluation(powers, coefficients, z):
    """A commitment, the point, the value there and the proof; the quotient by long division."""
    carries = accumulate(reversed(coefficients), lambda carry, c: (carry * z + c) % R)
    *quotient, y = carries
    return [committed(powers, coefficients), word(z), word(y), committed(powers, quotient[::-1])]


def input_of(commitment, z, y, proof):
    return b"\1" + hashlib.sha256(commitment).digest()[1:] + z + y + commitment + proof


def test_the_constant_is_that_of_the_ceremony(setup_path):
    lines = setup_path.read_text().split()

    assert lines[:2] == ["4096", "65"]
    assert lines[2 + 4096 + 1] == TAU_G2.hex()


polynomials = st.lists(st.integers(0, R - 1), min_size=2, max_size=4)
places = st.sampled_from([0, 1, R - 1]) | st.integers(0, R - 1)
ANSWER = word(4096) + word(R)


@given(coefficients=polynomials, z=places, by=st.integers(1, R - 1))
@settings(max_examples=20)
def test_point_evaluation(powers, coefficients, z, by):
    commitment, z, y, proof = evaluation(powers, coefficients, z)
    other = word((int.from_bytes(y, "big") + by) % R)

    assert ours(10, input_of(commitment, z, y, proof), "cancun") == (GAS - 50_000, ANSWER)
    assert ours(10, input_of(commitment, z, other, proof)) is None
    if commitment != proof:
        assert ours(10, input_of(commitment, z, y, commitment)) is None


def test_point_evaluation_by_the_specifications(powers):
    commitment, z, y, proof = evaluation(powers, [7, 5, 3, 1], 2**200)
    data = input_of(commitment, z, y, proof)

    assert check(10, data) == ANSWER
    assert check(10, input_of(commitment, y, y, proof)) is None
    assert check(10, data[:-1]) is check(10, data + b"\0") is check(10, b"") is None
    assert check(10, b"\2" + data[1:]) is None
    for big in (R, R + 5, 2**256 - 1):
        assert check(10, input_of(commitment, word(big), y, proof)) is None
        assert check(10, input_of(commitment, z, word(big), proof)) is None


@pytest.mark.slow
def test_point_evaluation_by_the_library_of_the_ceremony(setup_path, powers):
    setup = ckzg.load_trusted_setup(str(setup_path), 0)
    blob = b"".join(word(pow(3, i, R)) for i in range(4096))
    proof, y = ckzg.compute_kzg_proof(blob, word(77), setup)
    commitment = ckzg.blob_to_kzg_commitment(blob, setup)
    assert check(10, input_of(commitment, word(77), y, proof)) == ANSWER
    infinity = b"\xc0" + bytes(47)
    points = [
        infinity,
        b"\xc0" + bytes(46) + b"\1",
        b"\xe0" + bytes(47),
        b"\x40" + bytes(47),
        bytes(48),
        b"\x80" + bytes(47),  # on the curve, of order three
        (P + (0x80 << 376)).to_bytes(48, "big"),
        bytes([commitment[0] ^ 0x80]) + commitment[1:],
        bytes([commitment[0] ^ 0x20]) + commitment[1:],
        b"\xff" * 48,
    ]
    accepted = 0
    for point in points:
        for parts in ((point, y, proof), (commitment, y, point), (point, bytes(32), point)):
            try:
                holds = ckzg.verify_kzg_proof(parts[0], word(77), *parts[1:], setup)
            except RuntimeError:
                holds = False
            accepted += holds
            data = input_of(parts[0], word(77), *parts[1:])
            assert check(10, data) == (ANSWER if holds else None)
    assert accepted == 1


def test_encodings_of_infinity(powers):
    """A polynomial that is zero everywhere, and the ways to write its commitment wrongly."""
    infinity = b"\xc0" + bytes(47)
    for wrong in (b"\xc0" + bytes(46) + b"\1", b"\xe0" + bytes(47), b"\x40" + bytes(47), bytes(48)):
        assert ours(10, input_of(wrong, word(5), word(0), infinity)) is None
        assert ours(10, input_of(infinity, word(5), word(0), wrong)) is None
    assert ours(10, input_of(infinity, word(5), word(0), infinity))[1] == ANSWER
