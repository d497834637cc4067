"""The laws of a field, for every field; and the arithmetic of Python's integers."""

import ctypes
import functools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.kernels import compiler, field, field_code, montgomery
from numen.kernels.errors import KernelInputError
from numen.kernels.field import FQ, FR, PrimeField, integers, words
from numen.kernels.llvm import Module

FIELDS = {"fr": FR, "fq": FQ}


@pytest.fixture(params=FIELDS)
def fp(request: pytest.FixtureRequest) -> PrimeField:
    return FIELDS[request.param]


def edges_first(count: int) -> st.SearchStrategy[list[int]]:
    """Numbers to be taken modulo the prime, of which -1, 0 and 1 are the edges."""
    number = st.sampled_from([0, 1, -1, 2, 2**64, 2**128 - 1]) | st.integers(0, 2**256 - 1)
    return st.lists(number, min_size=count, max_size=count)


def forms(fp: PrimeField, values: list[int]) -> field.Words:
    return fp.to_montgomery(words([v % fp.prime for v in values]))


def numbers(fp: PrimeField, a: field.Words) -> list[int]:
    return integers(fp.from_montgomery(a))


@pytest.mark.parametrize("name", FIELDS)
@given(values=edges_first(9))
def test_the_laws_of_a_field_hold(name: str, values: list[int]) -> None:
    fp = FIELDS[name]
    a, b, c = (forms(fp, values[i : i + 3]) for i in (0, 3, 6))
    one, zero = forms(fp, [1] * 3), forms(fp, [0] * 3)

    def same(x: field.Words, y: field.Words) -> bool:
        return bool(np.array_equal(x, y))

    assert same(fp.add(a, b), fp.add(b, a))
    assert same(fp.mul(a, b), fp.mul(b, a))
    assert same(fp.add(fp.add(a, b), c), fp.add(a, fp.add(b, c)))
    assert same(fp.mul(fp.mul(a, b), c), fp.mul(a, fp.mul(b, c)))
    assert same(fp.mul(a, fp.add(b, c)), fp.add(fp.mul(a, b), fp.mul(a, c)))
    assert same(fp.add(a, zero), a)
    assert same(fp.mul(a, one), a)
    assert same(fp.add(a, fp.neg(a)), zero)
    assert same(fp.sub(a, b), fp.add(a, fp.neg(b)))
    is_zero = np.all(a == 0, axis=1)
    assert same(fp.mul(a, fp.inverse(a))[~is_zero], one[~is_zero])
    assert same(fp.inverse(a)[is_zero], zero[is_zero])


@pytest.mark.parametrize("name", FIELDS)
@given(values=edges_first(2))
def test_arithmetic_is_pythons(name: str, values: list[int]) -> None:
    fp = FIELDS[name]
    p = fp.prime
    x, y = (v % p for v in values)
    a, b = forms(fp, [x]), forms(fp, [y])

    assert numbers(fp, a) == [x]
    assert numbers(fp, fp.add(a, b)) == [(x + y) % p]
    assert numbers(fp, fp.sub(a, b)) == [(x - y) % p]
    assert numbers(fp, fp.neg(a)) == [-x % p]
    assert numbers(fp, fp.mul(a, b)) == [x * y % p]
    assert integers(fp.mul(a, words([y]))) == [x * y % p]
    assert numbers(fp, fp.scale(a, y)) == [x * y % p]
    assert numbers(fp, fp.inverse(a)) == [pow(x, -1, p) if x else 0]


@settings(max_examples=10)
@given(value=st.integers(0, 2**256 - 1))
def test_words_of_any_size_are_reduced_on_the_way_in(value: int) -> None:
    for fp in FIELDS.values():
        assert numbers(fp, fp.to_montgomery(words([value]))) == [value % fp.prime]


def test_the_plain_round_agrees_with_the_assembly() -> None:
    rng = random.Random(1)
    for fp in FIELDS.values():
        text = field_code.array_functions(fp.code, mulx=False)
        portable = PrimeField(fp.code)
        portable._library = compiler.load(text)
        values = [rng.choice([0, 1, fp.prime - 1, rng.randrange(fp.prime)]) for _ in range(4000)]
        a = words(values)

        assert np.array_equal(portable.mul(a, a[::-1].copy()), fp.mul(a, a[::-1].copy()))


@functools.cache
def sums_of_two(name: str, *, mulx: bool) -> compiler.Library:
    """A function ``(out, x, y)``: the sum of the products of two words by two others."""
    module = Module()
    f = module.function("sum2", "void", {"out": "ptr", "x": "ptr", "y": "ptr"})
    out, x, y = f.params
    pairs = [((x, 0), (y, 32)), ((x, 32), (y, 0))]
    code = FIELDS[name].code
    f.store(montgomery.sum_of_products(f, code, pairs, mulx=mulx), out, align=8)
    f.ret()
    return compiler.load(str(module))


@pytest.mark.parametrize("mulx", sorted({False, montgomery.has_mulx()}))
@pytest.mark.parametrize("name", FIELDS)
@given(values=edges_first(4))
def test_sums_of_two_products(name: str, mulx: bool, values: list[int]) -> None:
    p = FIELDS[name].prime
    x0, x1, y0, y1 = (v % p for v in values)
    call = sums_of_two(name, mulx=mulx).function("sum2", None, *[ctypes.c_void_p] * 3)
    x, y = words([x0, x1]), words([y0, y1])

    call(x.ctypes.data, x.ctypes.data, y.ctypes.data)  # the result may lie over a factor

    assert integers(x[:1]) == [(x0 * y1 + x1 * y0) * pow(2, -256, p) % p]


def test_many_elements_are_split_among_threads() -> None:
    rng = random.Random(2)
    values = [rng.randrange(FR.prime) for _ in range(20_001)]
    values[7] = values[20_000] = 0
    a = forms(FR, values)
    inverse = numbers(FR, FR.inverse(a))

    assert numbers(FR, FR.mul(a, a)) == [v * v % FR.prime for v in values]
    assert all(v * i % FR.prime == (v != 0) for v, i in zip(values, inverse, strict=True))
    assert inverse[7] == inverse[20_000] == 0


@pytest.mark.parametrize("count", [0, 1, 5, 10_001])
def test_powers(fp: PrimeField, count: int) -> None:
    base, first = 3**100, 17
    expected = [first * pow(base, i, fp.prime) % fp.prime for i in range(count)]

    assert numbers(fp, fp.powers(base, count, first)) == expected


def test_dot(fp: PrimeField) -> None:
    a, b = [3, fp.prime - 1, 0, 5], [7, fp.prime - 1, 9, 11]

    assert numbers(fp, fp.dot(forms(fp, a), forms(fp, b))) == [21 + 1 + 55]
    assert numbers(fp, fp.dot(forms(fp, []), forms(fp, []))) == [0]


@given(
    rows=st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2**254)), max_size=4)),
    vector=edges_first(5),
)
def test_sparse_products_are_the_sums_they_stand_for(
    rows: list[list[tuple[int, int]]], vector: list[int]
) -> None:
    p = FR.prime
    starts = np.cumsum([0, *map(len, rows)])
    columns = np.array([column for row in rows for column, _ in row], dtype=np.uint32)
    coefficients = forms(FR, [value for row in rows for _, value in row])
    plain = words([v % p for v in vector])
    weights = words([i * i + 1 for i in range(len(rows))])
    by_row = [sum(value * vector[column] for column, value in row) % p for row in rows]
    by_column = [0] * 5
    for i, row in enumerate(rows):
        for column, value in row:
            by_column[column] = (by_column[column] + value * (i * i + 1)) % p

    assert integers(FR.csr_matvec(starts, columns, coefficients, plain)) == by_row
    assert integers(FR.csr_vecmat(starts, columns, coefficients, weights, 5)) == by_column


@functools.cache
def _good() -> tuple[np.ndarray, np.ndarray, field.Words, field.Words]:
    return np.array([0, 1, 2]), np.array([0, 1]), words([1, 2]), words([3, 4])


@pytest.mark.parametrize(
    ("position", "bad"),
    [
        (0, np.array([0, 2, 1])),
        (0, np.array([0, 1, 3])),
        (0, np.array([1, 1, 2])),
        (0, np.array([], dtype=np.int64)),
        (0, np.array([0.0, 1.0, 2.0])),
        (1, np.array([0, 2])),
        (1, np.array([-1, 0])),
        (1, np.array([0])),
        (1, np.array([2**64 - 1, 0], dtype=np.uint64)),
        (2, words([1])),
        (3, words([3])),
        (3, words([3, 4]).astype(np.int64)),
    ],
)
def test_a_matrix_that_would_read_outside_is_refused(position: int, bad: np.ndarray) -> None:
    args = list(_good())
    FR.csr_matvec(*args)
    args[position] = bad

    with pytest.raises(KernelInputError):
        FR.csr_matvec(*args)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((3, 4), np.int64),
        np.zeros((3, 4), ">u8"),
        np.zeros((3, 5), np.uint64),
        np.zeros(12, np.uint64),
        np.zeros((6, 4), np.uint64)[::2],
        np.zeros((4, 3), np.uint64).T,
        np.frombuffer(bytes(100), np.uint64, 12, offset=4).reshape(3, 4),
        np.zeros((2, 4), np.uint64),
        [[0, 0, 0, 0]] * 3,
    ],
)
def test_an_array_of_another_shape_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(KernelInputError):
        FR.add(np.zeros((3, 4), np.uint64), bad)


def test_elements_at_the_prime_are_found(fp: PrimeField) -> None:
    fp.check_reduced(words([0, fp.prime - 1]))
    for value in (fp.prime, 2**256 - 1):
        with pytest.raises(KernelInputError, match="1 elements"):
            fp.check_reduced(words([0, value]))


def test_words_and_integers_are_inverse() -> None:
    values = [0, 1, 2**256 - 1, 2**64]

    assert integers(words(values)) == values
    for value in (-1, 2**256):
        with pytest.raises(KernelInputError):
            words([value])


def test_forms_are_what_the_docstring_says() -> None:
    code: montgomery.Field = FR.code

    assert integers(forms(FR, [1])) == [2**256 % FR.prime] == [code.one]
    assert code.decode(code.encode(12345)) == 12345
