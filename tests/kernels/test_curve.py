"""Points, their sums and their multiples, against plain Python."""

import functools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.kernels import compiler, curve, curve_code, fixed_base, msm, msm_code
from numen.kernels.bn254 import FQ
from numen.kernels.curve import G1, G2, Group
from numen.kernels.errors import KernelInputError
from numen.kernels.field import words

from . import reference
from .reference import GENERATORS, R

GROUPS = {"G1": G1, "G2": G2}
SUMS = {"G1": msm.g1, "G2": msm.g2}
MULTIPLES = {"G1": fixed_base.g1, "G2": fixed_base.g2}


@pytest.fixture(params=GROUPS)
def group(request: pytest.FixtureRequest) -> Group:
    return GROUPS[request.param]


@functools.cache
def few(name: str) -> list:
    """Infinity and small multiples of the generator, with their negatives."""
    points = [reference.mul(GENERATORS[name], k) for k in range(6)]
    return points + [reference.neg(p) for p in points[1:]]


@functools.cache
def many(name: str, count: int) -> curve.Words:
    """Points whose logarithms are 1, 2, 3 and so on."""
    return MULTIPLES[name](words(range(1, count + 1)))


def test_points_are_encoded_and_decoded(group: Group) -> None:
    points = few(group.name)

    assert group.decode(group.encode(points)) == points
    assert not group.encode([None]).any()


def test_every_pair_of_few_points_is_added_as_the_equations_say(group: Group) -> None:
    points = few(group.name)
    pairs = [(p, q) for p in points for q in points]
    a, b = (group.encode([pair[i] for pair in pairs]) for i in (0, 1))

    assert group.decode(group.add(a, b)) == [reference.add(p, q) for p, q in pairs]


@pytest.mark.parametrize("count", [0, 1, curve_code.BATCH - 1, curve_code.BATCH, 3000])
def test_sums_of_all_batch_sizes(group: Group, count: int) -> None:
    a = many(group.name, 3000)[:count]
    twice = group.add(a, a)
    back = group.add(twice, group.neg(a))

    assert np.array_equal(back, a)
    assert not group.add(a, group.neg(a)).any()


def test_a_sum_may_not_read_outside(group: Group) -> None:
    a = group.encode(few(group.name))
    for bad in (a[:-1], a.astype(np.int64), a[:, :-4], a[::2]):
        with pytest.raises(KernelInputError):
            group.add(a, bad)


def test_rows_that_are_not_points_are_found(group: Group) -> None:
    good = group.encode(few(group.name))
    group.check_on_curve(good)
    for row, column in ((1, 0), (2, group.columns - 1), (0, 0)):
        bad = good.copy()
        bad[row, column] ^= np.uint64(1)
        with pytest.raises(KernelInputError, match="1 rows"):
            group.check_on_curve(bad)


def test_an_unreduced_coordinate_is_found() -> None:
    row = G1.generator
    x = int.from_bytes(row[0, :4].tobytes(), "little") + FQ.prime
    row[0, :4] = words([x])[0]

    with pytest.raises(KernelInputError):
        G1.check_on_curve(row)


SCALARS = st.sampled_from([0, 1, 2, R - 1, R - 2, 2**64, 2**253]) | st.integers(0, R - 1)


@pytest.mark.parametrize("name", GROUPS)
@settings(max_examples=15)
@given(data=st.data())
def test_a_sum_of_multiples_is_what_it_says(name: str, data: st.DataObject) -> None:
    group, points = GROUPS[name], few(name)
    terms = data.draw(st.lists(st.tuples(st.sampled_from(points), SCALARS), max_size=8))
    expected = None
    for point, scalar in terms:
        expected = reference.add(expected, reference.mul(point, scalar))
    result = SUMS[name](group.encode([p for p, _ in terms]), words([k for _, k in terms]))

    assert group.decode(result) == [expected]


@pytest.mark.parametrize("size", [100, 3000])
@pytest.mark.parametrize("kind", ["full", "bits", "equal", "cancel", "tiny"])
def test_large_sums_by_their_logarithms(group: Group, size: int, kind: str) -> None:
    rng = random.Random(size)
    points = many(group.name, 3000)[:size]
    logarithms = list(range(1, size + 1))
    match kind:
        case "bits":
            scalars = [rng.randrange(2) for _ in range(size)]
        case "equal":
            scalars = [rng.randrange(R)] * size
        case "cancel":
            points = np.concatenate([points[: size // 2], group.neg(points[: size // 2])])
            logarithms = [*range(1, size // 2 + 1), *range(-1, -(size // 2) - 1, -1)]
            scalars = [R - 5] * size
        case "tiny":
            scalars = [rng.randrange(R) if i == 7 else 0 for i in range(size)]
        case _:
            scalars = [rng.randrange(R) for _ in range(size)]
    total = sum(k * n for k, n in zip(scalars, logarithms, strict=True)) % R

    expected = [reference.mul(GENERATORS[group.name], total)]
    assert group.decode(SUMS[group.name](points, words(scalars))) == expected


@pytest.mark.parametrize("kind", ["full", "bits", "equal", "cancel", "tiny"])
def test_sums_do_not_depend_on_parts(group: Group, kind: str, monkeypatch) -> None:
    assert 4 << msm.window_bits(3000) - 1 < 3000
    monkeypatch.setattr(msm, "_PART_FACTOR", 1)

    test_large_sums_by_their_logarithms(group, 3000, kind)


def test_the_same_point_many_times(group: Group) -> None:
    points = np.repeat(group.generator, 1000, axis=0)

    result = SUMS[group.name](points, words([3] * 1000))
    assert group.decode(result) == [reference.mul(GENERATORS[group.name], 3000)]


def test_scalars_must_be_reduced_and_fit(group: Group) -> None:
    points = group.encode([None, None])
    SUMS[group.name](points, words([0, R - 1]))
    for bad in (words([0, R]), words([0]), words([0, 1]).astype(np.int64)):
        with pytest.raises(KernelInputError):
            SUMS[group.name](points, bad)
    with pytest.raises(KernelInputError):
        MULTIPLES[group.name](words([R]))


@pytest.mark.parametrize("count", [0, 1, 40, 2500])
def test_multiples_of_the_generator(group: Group, count: int) -> None:
    rng = random.Random(count)
    scalars = [rng.choice([0, 1, R - 1, rng.randrange(R)]) for _ in range(count)]
    points = group.decode(MULTIPLES[group.name](words(scalars)))

    assert len(points) == count
    for point, scalar in [*zip(points, scalars, strict=True)][:8]:
        assert point == reference.mul(GENERATORS[group.name], scalar)
    # The rest by one equation: the sum of random multiples of both sides.
    weights = words([rng.getrandbits(64) for _ in scalars])
    total = sum(w * k for w, k in zip(map(int, weights[:, 0]), scalars, strict=True)) % R
    result = SUMS[group.name](MULTIPLES[group.name](words(scalars)), weights)
    assert group.decode(result) == [reference.mul(GENERATORS[group.name], total)]


def test_multiples_of_another_base(group: Group) -> None:
    base = few(group.name)[3]
    result = fixed_base.multiples(group, words([0, 1, 7]), group.encode([base]))

    assert group.decode(result) == [None, base, reference.mul(base, 7)]


def test_the_portable_code_agrees(group: Group) -> None:
    other = Group(group.name, group._constant, None)
    other._library = compiler.load(msm_code.group_functions(FQ, group._constant, mulx=False))
    a, b = many(group.name, 3000)[:50], many(group.name, 3000)[50:100]

    assert np.array_equal(other.add(a, b), group.add(a, b))
