"""Precompiles 6, 7 and 8 against the specifications."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.proof.bn254 import G1, G2, Q, R
from tests.evm.precompiles.judge import GAS, check, ours
from tests.evm.precompiles.points import Curves, bad_points

BN = Curves(Q, R, 3, G2.b, 32, is_imaginary_first=True)
pytestmark = pytest.mark.judges

TRUE, FALSE = (1).to_bytes(32, "big"), bytes(32)

scalars = st.sampled_from([0, 1, 2, 3, R - 1, R, R + 1, 2**255, 2**256 - 1]) | st.integers(0, R)
points = scalars.map(lambda k: G1.multiply((1, 2), k))


@pytest.mark.parametrize("name", ["byzantium", "istanbul"])
@given(a=points, b=points, tail=st.binary(max_size=3))
def test_addition(name, a, b, tail):
    data = BN.g1(a) + BN.g1(b)

    assert check(6, data + tail, name) == BN.g1(G1.add(a, b))


@given(a=points)
def test_addition_of_a_point_to_itself_and_to_its_opposite(a):
    assert check(6, BN.g1(a) * 2) == BN.g1(G1.add(a, a))
    assert check(6, BN.g1(a) + BN.g1(G1.negate(a))) == bytes(64)


@pytest.mark.parametrize("size", [0, 1, 31, 32, 63, 64, 65, 96, 127, 128, 129])
def test_addition_and_multiplication_of_inputs_cut_short(size):
    data = BN.g1((1, 2)) + BN.g1(G1.multiply((1, 2), 7)) + b"\7"

    check(6, data[:size])
    check(7, data[:size])


@pytest.mark.parametrize("name", ["byzantium", "istanbul"])
@given(a=points, k=scalars | st.integers(0, 2**256 - 1))
@settings(max_examples=30)
def test_multiplication(name, a, k):
    assert check(7, BN.g1(a) + k.to_bytes(32, "big"), name) == BN.g1(G1.multiply(a, k))


@pytest.mark.parametrize("bad", bad_points(BN.g1, G1.multiply((1, 2), 5), Q, 32))
def test_bad_points(bad):
    assert check(6, bad + bytes(64)) is None
    assert check(6, bytes(64) + bad) is None
    assert check(7, bad + bytes(32)) is None
    assert check(8, bad + BN.g2(G2.generator)) is None
    assert check(8, bad + BN.g2(None)) is None


@pytest.mark.parametrize(
    "bad", [*bad_points(BN.g2, G2.generator, Q, 32), BN.g2(BN.on_twist(5)), BN.g2(BN.on_twist(99))]
)
def test_bad_points_of_the_twist(bad):
    assert check(8, BN.g1((1, 2)) + bad) is None
    assert check(8, BN.g1(None) + bad) is None
    assert ours(8, BN.g1((1, 2)) + BN.g2(G2.generator) + BN.g1((1, 2)) + bad) is None


@pytest.mark.parametrize("size", [0, 1, 191, 192, 193, 383])
def test_pairing_takes_whole_pairs(size):
    data = (BN.g1(None) + BN.g2(None)) * 2

    assert (check(8, data[:size]) is None) == bool(size % 192)


@pytest.mark.parametrize(
    ("name", "a", "b"),
    [
        ("byzantium", R - 1, 2),
        ("istanbul", 0, 3),
        ("istanbul", 3, 0),
        ("istanbul", 2**200 + 1, 2**250 + 5),
        pytest.param("byzantium", 1, 1, marks=pytest.mark.slow),
    ],
)
def test_pairing_is_bilinear(name, a, b):
    p, q = G1.multiply((1, 2), a), G2.multiply(G2.generator, b)
    back = G1.negate(G1.multiply((1, 2), a * b % R))
    pair = BN.g1(p) + BN.g2(q)
    is_one = a * b == 0

    assert check(8, pair + BN.g1(back) + BN.g2(G2.generator), name) == TRUE
    assert check(8, pair, name) == (TRUE if is_one else FALSE)


@given(k=st.lists(st.tuples(st.integers(0, R - 1), st.integers(0, R - 1)), max_size=4))
@settings(max_examples=10)
def test_a_product_is_one_exactly_when_the_exponents_add_to_zero(k):
    data = b"".join(
        BN.g1(G1.multiply((1, 2), a)) + BN.g2(G2.multiply(G2.generator, b)) for a, b in k
    )
    total = sum(a * b for a, b in k) % R
    back = BN.g1(G1.multiply((1, 2), R - total)) + BN.g2(G2.generator)
    price = 45_000 + 34_000 * len(k)

    assert ours(8, data) == (GAS - price, FALSE if total else TRUE)
    assert ours(8, data + back) == (GAS - price - 34_000, TRUE)
