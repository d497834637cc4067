"""Points times scalars of their own, and the transform of points, against plain Python."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.kernels import fixed_base, ntt, points_ntt, scaling
from numen.kernels.curve import G1, G2
from numen.kernels.curve_code import BATCH
from numen.kernels.errors import KernelInputError
from numen.kernels.field import words

from . import reference
from .reference import R

EDGES = [0, 1, 2, R - 1, R - 2, scaling.LAMBDA, R - scaling.LAMBDA, 1 << 127, (1 << 253) - 1]


@pytest.fixture(params=[G1, G2], ids=["G1", "G2"])
def group(request):
    return request.param


def plain(group, logarithms):
    return fixed_base.multiples(group, words([k % R for k in logarithms]))


@given(scalar=st.one_of(st.integers(0, R - 1), st.sampled_from(EDGES)))
def test_the_halves_of_a_scalar_are_short_and_come_to_it(scalar):
    digits = scaling.split([scalar])
    values = [
        sum(int(digit) << scaling.BITS * window for window, digit in enumerate(half))
        for half in digits[:, :, 0]
    ]

    assert (values[0] + values[1] * scaling.LAMBDA - scalar) % R == 0
    assert max(map(abs, values)) < 1 << 128
    assert np.abs(digits).max() <= 1 << (scaling.BITS - 1)


def test_edge_values_are_multiplied_as_the_reference_does(group):
    bases = [3, 0, 5, 7, 1, 11, 13, R - 1, 2]
    points = plain(group, bases)
    points[1] = 0

    got = group.decode(scaling.multiply(group, points, words(EDGES)))

    assert got == [
        reference.mul(point, scalar) if point else None
        for point, scalar in zip(group.decode(points), EDGES, strict=True)
    ]


def test_many_points_are_multiplied_each_by_its_own(group):
    count = BATCH + 3 if group is G1 else 70
    bases, scalars = range(1, count + 1), [pow(7, i, R) for i in range(count)]

    got = scaling.multiply(group, plain(group, bases), words(scalars))

    want = plain(group, [a * b for a, b in zip(bases, scalars, strict=True)])
    assert np.array_equal(got, want)


def test_no_points_have_no_multiples(group):
    assert scaling.multiply(group, plain(group, []), words([])).shape == (0, group.columns)


def test_arrays_that_do_not_fit_are_refused(group):
    points = plain(group, [1, 2])

    for scalars in (words([1]), words([1, R]), np.zeros((2, 3), np.uint64)):
        with pytest.raises(KernelInputError):
            scaling.multiply(group, points, scalars)
    with pytest.raises(KernelInputError):
        scaling.multiply(group, points.astype(np.int64), words([1, 2]))


@pytest.mark.parametrize("log", [0, 1, 2, 5])
def test_points_are_transformed_as_their_logarithms_are(group, log):
    logarithms = [pow(9, i, R) * i % R for i in range(1 << log)]

    got = points_ntt.inverse(group, plain(group, logarithms))

    assert np.array_equal(got, fixed_base.multiples(group, ntt.inverse(words(logarithms))))


def test_the_transform_of_powers_is_the_lagrange_polynomials():
    tau, size = 123456789, 8
    root = ntt.root(size)

    got = points_ntt.inverse(G1, plain(G1, [pow(tau, i, R) for i in range(size)]))

    want = []
    for i in range(size):
        below = size * (tau - pow(root, i, R)) % R
        want.append((pow(tau, size, R) - 1) * pow(root, i, R) * pow(below, -1, R) % R)
    assert np.array_equal(got, plain(G1, want))


@settings(max_examples=5)
@given(size=st.sampled_from([0, 3, 6, 12]))
def test_only_powers_of_two_are_transformed(size):
    with pytest.raises(KernelInputError):
        points_ntt.inverse(G1, np.zeros((size, 8), np.uint64))


def test_the_points_that_are_given_stay_as_they_are(group):
    points = plain(group, [1, 2, 3, 4])
    before = points.copy()

    points_ntt.inverse(group, points)
    scaling.multiply(group, points, words([5, 6, 7, 8]))

    assert np.array_equal(points, before)
