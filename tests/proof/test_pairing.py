"""The curve and its pairing: laws, and vectors made by others."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.kernels import bn254 as kernels
from numen.proof.bn254 import (
    G1,
    G2,
    ROOT,
    ROOT_LOG,
    Q,
    R,
    is_in_g2,
    twist_frobenius,
)
from numen.proof.pairing import is_product_one, miller_loop, pairing
from numen.proof.tower import (
    FQ12_ONE,
    cyclotomic_power,
    cyclotomic_square,
    fq12_conjugate,
    fq12_frobenius,
    fq12_invert,
    fq12_multiply,
    fq12_reduce,
    fq12_square,
)
from tests.proof.twist import COFACTOR, twist_points

VECTORS = json.loads((Path(__file__).parent / "vectors/ecpairing.json").read_text())["cases"]
COUNTS = {True: 34, False: 9, None: 83}
P, S = G1.generator, G2.generator

scalars = st.sampled_from([1, 2, R - 1]) | st.integers(1, R - 1)
coefficients = st.integers(0, Q - 1)
fq2s = st.tuples(coefficients, coefficients)
fq6s = st.tuples(fq2s, fq2s, fq2s)
fq12s = st.tuples(fq6s, fq6s)


def test_the_primes_are_those_of_eip_196():
    assert Q == 21888242871839275222246405745257275088696311157297823662689037894645226208583
    assert R == 21888242871839275222246405745257275088548364400416034343698204186575808495617


def test_the_kernels_have_the_same_curve():
    assert (kernels.FQ.prime, kernels.FR.prime) == (Q, R)
    assert (kernels.TWO_ADICITY, kernels.ROOT_OF_UNITY) == (ROOT_LOG, ROOT)
    assert (kernels.GENERATOR_G1, kernels.GENERATOR_G2) == (P, S)
    assert ((G1.b,), G2.b) == (kernels.CONSTANT_G1, kernels.CONSTANT_G2)


@pytest.mark.parametrize(("group", "g"), [(G1, P), (G2, S)], ids=["G1", "G2"])
@given(a=st.integers(0, 2**256), b=st.integers(0, 2**256))
@settings(max_examples=15)
def test_multiples_form_a_group_of_the_stated_order(group, g, a, b):
    total = group.add(group.multiply(g, a), group.multiply(g, b))

    assert total == group.multiply(g, (a + b) % R)
    assert group.contains(total)
    assert group.add(total, group.negate(total)) is None
    assert group.add(total, total) == group.multiply(total, 2)
    assert group.add(total, None) == total


@pytest.mark.parametrize(("group", "g"), [(G1, P), (G2, S)], ids=["G1", "G2"])
@given(ks=st.lists(st.integers(0, 2**256), max_size=4))
@settings(max_examples=15)
def test_a_sum_of_multiples_is_the_sum_of_the_multiples(group, g, ks):
    points = [group.multiply(g, i + 1) for i in range(len(ks))]

    expected = None
    for point, k in zip(points, ks, strict=True):
        expected = group.add(expected, group.multiply(point, k))

    assert group.combine(points, ks) == expected


@given(a=fq12s, b=fq12s, c=fq12s)
@settings(max_examples=15)
def test_fq12_is_a_field(a, b, c):
    ab = fq12_multiply(a, b)

    assert fq12_reduce(ab) == fq12_reduce(fq12_multiply(b, a))
    assert fq12_reduce(fq12_multiply(ab, c)) == fq12_reduce(fq12_multiply(a, fq12_multiply(b, c)))
    assert fq12_reduce(fq12_square(a)) == fq12_reduce(fq12_multiply(a, a))
    assert fq12_reduce(fq12_multiply(a, FQ12_ONE)) == a
    if any(x for half in a for pair in half for x in pair):
        assert fq12_reduce(fq12_multiply(a, fq12_invert(a))) == FQ12_ONE


@given(a=fq12s)
@settings(max_examples=5)
def test_the_frobenius_is_a_power_of_the_prime(a):
    power = FQ12_ONE
    for bit in f"{Q:b}":
        power = fq12_square(power)
        if bit == "1":
            power = fq12_multiply(power, a)

    assert fq12_reduce(fq12_frobenius(a)) == fq12_reduce(power)
    assert fq12_reduce(fq12_frobenius(a, 6)) == fq12_reduce(fq12_conjugate(a))
    assert fq12_reduce(fq12_frobenius(a, 12)) == a


@given(a=scalars, b=scalars)
@settings(max_examples=6)
def test_the_pairing_is_bilinear(a, b):
    e = pairing(P, S)

    assert pairing(G1.multiply(P, a), G2.multiply(S, b)) == fq12_reduce(
        cyclotomic_power(e, a * b % R or R)
    )


def test_the_pairing_is_not_degenerate_and_has_the_order_of_the_groups():
    e = pairing(P, S)

    assert e != FQ12_ONE
    assert fq12_reduce(cyclotomic_power(e, R)) == FQ12_ONE
    assert fq12_reduce(cyclotomic_square(e)) == fq12_reduce(fq12_multiply(e, e))


def test_infinity_pairs_to_one():
    assert pairing(None, S) == pairing(P, None) == miller_loop([]) == FQ12_ONE
    assert is_product_one([])


@given(a=scalars, b=scalars)
@settings(max_examples=6)
def test_products_share_one_final_exponentiation(a, b):
    pairs = [(G1.multiply(P, a), G2.multiply(S, b)), (G1.multiply(P, R - a * b % R), S)]

    assert is_product_one(pairs)
    assert not is_product_one([*pairs, (P, S)])


def decode(data):
    """Read EIP-197's input; None where it must be refused."""
    if len(data) % 192:
        return None
    pairs = []
    for i in range(0, len(data), 192):
        x, y, *twisted = (
            int.from_bytes(data[i + k : i + k + 32], "big") for k in range(0, 192, 32)
        )
        p = (x, y) if (x, y) != (0, 0) else None
        x1, x0, y1, y0 = twisted
        q = ((x0, x1), (y0, y1)) if any(twisted) else None
        if not (G1.contains(p) and is_in_g2(q)):
            return None
        pairs.append((p, q))
    return pairs


def test_the_vectors_are_all_here():
    verdicts = [case["is_one"] for case in VECTORS]

    assert {kind: verdicts.count(kind) for kind in (True, False, None)} == COUNTS


@pytest.mark.parametrize("case", VECTORS, ids=[case["name"] for case in VECTORS])
def test_eip_197(case):
    pairs = decode(bytes.fromhex(case["input"]))

    assert (None if pairs is None else is_product_one(pairs)) == case["is_one"]


def test_points_of_the_twist_outside_the_subgroup_are_told_apart():
    points = list(twist_points())

    assert len(points) > 8
    for point in points:
        assert G2.contains(point)
        assert is_in_g2(point) == (G2.multiply(point, R) is None) == False  # noqa: E712


@pytest.mark.parametrize("prime", [10069, 5864401, 1875725156269])
def test_points_of_small_order_are_not_in_the_subgroup(prime):
    assert COFACTOR % prime == 0
    point = next(twist_points())
    small = G2.multiply(point, R * COFACTOR // prime)

    assert small is not None
    assert G2.multiply(small, prime) is None
    assert not is_in_g2(small)
    assert not is_in_g2(G2.add(small, S))


def test_clearing_the_cofactor_leads_into_the_subgroup():
    for point in list(twist_points())[:3]:
        cleared = G2.multiply(point, COFACTOR)
        assert is_in_g2(cleared)
        assert twist_frobenius(cleared) == G2.multiply(cleared, Q % R)


@pytest.mark.parametrize(
    "bad",
    [
        (1, 2 + Q), (1 + Q, 2), (1, -2), (1, 3), (True, 2), (1.0, 2), (1,), (1, 2, 3), [1, 2], "12",
        ((1, 0), (2, 0)),
    ],
)  # fmt: skip
def test_what_is_not_a_canonical_point_is_not_on_the_curve(bad):
    assert not G1.contains(bad)
    assert not is_in_g2(bad)
