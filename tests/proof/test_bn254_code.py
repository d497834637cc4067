"""Native BN254 against the readable formulas it is written from, and their Tower against itself."""

from hypothesis import given, settings
from hypothesis import strategies as st

from numen.kernels.errors import CompileError
from numen.proof import native_pairing
from numen.proof.bn254 import G1, G2, Q, R, is_in_g2
from numen.proof.bn254_code import entries
from numen.proof.pairing import is_product_one
from tests.evm.precompiles.points import Curves

BN = Curves(Q, R, 3, G2.b, 32, is_imaginary_first=True)

scalars = st.sampled_from([0, 1, 2, R - 1, R, R + 1, 2**255, 2**256 - 1]) | st.integers(0, R)
exponents = st.integers(1, R - 1)


@settings(max_examples=100)
@given(a=exponents, k=scalars)
def test_multiples(a, k):
    point = G1.multiply((1, 2), a)

    product = entries.multiply(BN.g1(point) + k.to_bytes(32, "big"))
    assert product == BN.g1(G1.multiply(point, k))


@given(a=exponents, b=exponents)
def test_sums(a, b):
    p, q = G1.multiply((1, 2), a), G1.multiply((1, 2), b)

    for other in (q, p, G1.negate(p)):
        assert entries.add(BN.g1(p) + BN.g1(other)) == BN.g1(G1.add(p, other))


@given(x=st.integers(0, 10**6))
@settings(max_examples=40)
def test_points_of_the_twist_outside_the_subgroup(x):
    point = BN.on_twist(x)

    assert entries.is_in_g2(BN.g2(point)) is is_in_g2(point) is False


def test_points_of_small_order_on_the_twist():
    """The cofactor is 10069 times something: such points meet every special case of addition."""
    cofactor = 2 * Q - R
    assert cofactor % 10069 == 0
    found = set()
    for x in range(20):
        point = G2.multiply(G2.multiply(BN.on_twist(x * 50), R), cofactor // 10069)
        if point is not None:
            found.add(point)
            assert G2.multiply(point, 10069) is None
            assert not entries.is_in_g2(BN.g2(point))
            mixed = G2.add(point, G2.generator)
            assert not entries.is_in_g2(BN.g2(mixed))
    assert found


@given(b=exponents)
@settings(max_examples=20)
def test_points_of_the_subgroup(b):
    assert entries.is_in_g2(BN.g2(G2.multiply(G2.generator, b)))


@given(pairs=st.lists(st.tuples(exponents, exponents), max_size=3), closes=st.booleans())
@settings(max_examples=20)
def test_products_of_pairings(pairs, closes):
    points = [(G1.multiply((1, 2), a), G2.multiply(G2.generator, b)) for a, b in pairs]
    total = sum(a * b for a, b in pairs) % R
    if closes and total:
        points.append((G1.multiply((1, 2), R - total), G2.generator))

    product = entries.is_product_one([BN.g1(p) + BN.g2(q) for p, q in points])
    assert product == is_product_one(points) == (closes or not total)


@given(a=exponents, b=exponents)
@settings(max_examples=10)
def test_pairs_with_infinity_count_as_one(a, b):
    p, q = G1.multiply((1, 2), a), G2.multiply(G2.generator, b)
    pairs = [(p, None), (None, q), (p, q), (G1.negate(p), q)]

    assert native_pairing.is_product_one(pairs) is is_product_one(pairs) is True
    assert native_pairing.is_product_one(pairs[:3]) is is_product_one(pairs[:3]) is False
    assert native_pairing.is_product_one([(None, None)])


def test_python_answers_where_there_is_no_native_code(monkeypatch):
    def missing():
        raise CompileError("no compiler")

    monkeypatch.setattr(entries, "load", missing)
    native_pairing.can_load.cache_clear()
    assert not native_pairing.is_product_one([((1, 2), G2.generator)])
    assert not native_pairing.can_load()
    native_pairing.can_load.cache_clear()
