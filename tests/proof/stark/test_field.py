"""KoalaBear and its extensions: laws, and irreducibility from the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.proof.stark import field
from numen.proof.stark.errors import StatementError
from numen.proof.stark.field import GENERATOR, TWO_ADICITY, P, extension

DEGREES = (4, 6)
EDGES = st.sampled_from([0, 1, 2, P - 1, P - 2, 1 << 24, P >> 1])
NUMBERS = EDGES | st.integers(0, P - 1)


def elements(degree):
    return st.tuples(*[NUMBERS] * degree)


def test_three_generates_the_units_of_a_prime():
    assert P - 1 == 127 << TWO_ADICITY
    assert pow(GENERATOR, P - 1, P) == 1
    for prime in (2, 127):
        assert pow(GENERATOR, (P - 1) // prime, P) != 1
    assert pow(field.root_of_unity(24), 1 << 23, P) == P - 1


@pytest.mark.parametrize("degree", DEGREES)
def test_the_modulus_of_the_extension_is_irreducible(degree):
    ext = extension(degree)
    x = (0, 1, *[0] * (degree - 2))

    # Rabin's test: x**(P**d) = x, and x**(P**(d/q)) - x is a unit for each prime q of d.
    image = x
    for step in range(1, degree + 1):
        image = ext.power(image, P)
        if degree % step == 0 and step < degree:
            unit = ext.subtract(image, x)
            assert ext.power(unit, P**degree - 1) == ext.one
    assert image == x


@pytest.mark.parametrize("degree", DEGREES)
@given(st.data())
def test_laws_of_the_extension(degree, data):
    ext = extension(degree)
    a, b, c = (data.draw(elements(degree)) for _ in range(3))

    assert ext.multiply(a, b) == ext.multiply(b, a)
    assert ext.multiply(a, ext.add(b, c)) == ext.add(ext.multiply(a, b), ext.multiply(a, c))
    assert ext.multiply(a, ext.multiply(b, c)) == ext.multiply(ext.multiply(a, b), c)
    assert ext.subtract(ext.add(a, b), b) == a
    assert ext.add(a, ext.negate(a)) == ext.zero
    assert ext.multiply(a, ext.one) == a
    assert ext.scale(a, b[0]) == ext.multiply(a, ext.lift(b[0]))
    assert ext.frobenius(ext.multiply(a, b)) == ext.multiply(ext.frobenius(a), ext.frobenius(b))
    if a != ext.zero:
        assert ext.multiply(a, ext.invert(a)) == ext.one


@pytest.mark.parametrize("degree", DEGREES)
@given(st.data())
def test_a_product_is_that_of_polynomials_modulo_the_modulus(degree, data):
    ext = extension(degree)
    a, b = data.draw(elements(degree)), data.draw(elements(degree))
    product = [0] * (2 * degree - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            product[i + j] += x * y
    for k in range(2 * degree - 2, degree - 1, -1):
        for i, c in enumerate(ext.tail):
            product[k - degree + i] += product[k] * c

    assert ext.multiply(a, b) == tuple(c % P for c in product[:degree])


def test_other_degrees_are_refused():
    with pytest.raises(StatementError, match="5"):
        extension(5)


@pytest.mark.parametrize("degree", DEGREES)
def test_frobenius_is_the_power_p(degree):
    ext = extension(degree)
    a = tuple(range(3, 3 + degree))

    assert ext.frobenius(a) == ext.power(a, P)


@pytest.mark.parametrize("degree", DEGREES)
@given(st.data())
def test_arrays_agree_with_elements(degree, data):
    ext = extension(degree)
    some = st.lists(elements(degree), min_size=3, max_size=3)
    left, right = data.draw(some), data.draw(some)
    a, b = np.array(left, dtype=np.uint32), np.array(right, dtype=np.uint32)

    product = ext.multiply_arrays(a, b)
    assert [ext.element(v) for v in product] == [
        ext.multiply(x, y) for x, y in zip(left, right, strict=True)
    ]
    inverse = ext.invert_arrays(a)
    assert [ext.element(v) for v in inverse] == [
        ext.zero if x == ext.zero else ext.invert(x) for x in left
    ]
    assert [ext.element(v) for v in ext.power_arrays(left[0], 5)] == [
        ext.power(left[0], i) for i in range(5)
    ]
    assert ext.element(ext.scale_arrays(a, b[:, 0])[1]) == ext.scale(left[1], right[1][0])


@pytest.mark.parametrize("degree", DEGREES)
def test_long_arrays_are_multiplied_as_short_ones(degree):
    ext, rng = extension(degree), np.random.default_rng(1)
    a, b = rng.integers(P - 9, P, size=(2, 3000, degree), dtype=np.uint32)

    parts = [ext.multiply_arrays(a[i : i + 500], b[i : i + 500]) for i in range(0, 3000, 500)]

    assert np.array_equal(ext.multiply_arrays(a, b), np.concatenate(parts))
    assert np.array_equal(ext.multiply_arrays(a, b[0]), ext.multiply_arrays(b[:1], a))


@given(st.lists(NUMBERS, min_size=1, max_size=4), NUMBERS)
def test_arrays_of_the_base_field_agree_with_integers(left, y):
    a = np.array(left, dtype=np.uint32)

    assert field.add(a, y).tolist() == [(x + y) % P for x in left]
    assert field.subtract(a, y).tolist() == [(x - y) % P for x in left]
    assert field.multiply(a, y).tolist() == [x * y % P for x in left]
    assert field.invert(a).tolist() == [pow(x, -1, P) if x else 0 for x in left]
    assert field.powers(y, 6).tolist() == [pow(y, i, P) for i in range(6)]
    assert field.felts([-1, P, y]).tolist() == [P - 1, 0, y]
