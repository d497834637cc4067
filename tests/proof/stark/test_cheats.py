"""Provers that do not follow the protocol, each in one place, and are caught there."""

import msgspec
import numpy as np
import pytest

from numen.proof.stark import domain
from numen.proof.stark.errors import StarkError, StarkRejectedError
from numen.proof.stark.field import P, add
from numen.proof.stark.fixed import Fixed, preprocess
from numen.proof.stark.portable import PORTABLE, Kernels
from numen.proof.stark.prover import prove
from numen.proof.stark.statement import Statement
from numen.proof.stark.verifier import verify
from tests.proof.stark.toys import SECRETS, TINIES, Toy, fibonacci, memory

TINY_SIX = TINIES[1]

change = msgspec.structs.replace


def told_by(kernels: Kernels, toy: Toy, profile=TINY_SIX) -> tuple[Statement, bytes]:
    """An honest statement with a proof made by other kernels."""
    fixed = preprocess(toy.machine, toy.preprocessed, profile)
    told = Statement(toy.machine, toy.publics, toy.messages, fixed.root, profile)
    arguments = (toy.machine, toy.traces, fixed, toy.publics, toy.messages, profile, SECRETS)
    return told, prove(*arguments, kernels)


def noise(like: np.ndarray, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, P, size=like.shape, dtype=np.uint32)


@pytest.mark.parametrize("toy", [fibonacci(64), memory()], ids=["one chip", "many chips"])
def test_codewords_of_no_polynomial_are_caught(toy):
    def extend(table, log_size, mask):
        return noise(domain.extend(table, log_size, mask))

    with pytest.raises(StarkRejectedError):
        verify(*told_by(change(PORTABLE, extend=extend), toy))


def test_a_polynomial_of_too_high_a_degree_is_caught():
    # It agrees with the table in every row, and differs by a multiple of the vanishing polynomial.
    def extend(table, log_size, mask):
        words = domain.extend(table, log_size, mask)
        x = domain.coset(log_size)
        high = domain.evaluate(
            np.eye(1, 6 * len(table), 6 * len(table) - 1, dtype=np.uint32).T, log_size
        )
        return add(words, high) if len(x) > 6 * len(table) else words

    with pytest.raises(StarkRejectedError):
        verify(*told_by(change(PORTABLE, extend=extend), fibonacci(64)))


@pytest.mark.parametrize("places", [1.0, 0.5])
def test_a_quotient_that_is_none_is_caught(places):
    def recover(codeword):
        found = domain.recover(codeword)
        count = int(len(found) * places)
        found[:count] = noise(found[:count])
        return found

    with pytest.raises(StarkRejectedError, match="constraints"):
        verify(*told_by(change(PORTABLE, recover=recover), fibonacci(64)))


def test_wrong_values_outside_are_caught():
    def weigh(ext, codeword, factors):
        return add(domain.weigh(ext, codeword, factors), 1)

    with pytest.raises(StarkRejectedError):
        verify(*told_by(change(PORTABLE, weigh=weigh), fibonacci(64)))


def test_wrong_folding_is_caught():
    def fold(ext, groups, inverses, beta):
        return noise(PORTABLE.fold(ext, groups, inverses, beta))

    with pytest.raises(StarkRejectedError, match=r"folding|last"):
        verify(*told_by(change(PORTABLE, fold=fold), fibonacci(256)))


def test_a_few_wrong_places_of_a_folding_are_seldom_caught_but_most_are():
    def fold(ext, groups, inverses, beta, part=0.5):
        folded = PORTABLE.fold(ext, groups, inverses, beta)
        wrong = np.random.default_rng(2).random(len(folded)) < part
        return np.where(wrong[:, None], noise(folded), folded)

    with pytest.raises(StarkRejectedError):
        verify(*told_by(change(PORTABLE, fold=fold), fibonacci(256)))


def test_work_that_was_not_done_is_caught():
    kernels = change(PORTABLE, grind=lambda _state, _bits: 0)

    with pytest.raises(StarkRejectedError, match="work"):
        verify(*told_by(kernels, fibonacci(64)))


def test_other_preprocessed_columns_are_caught():
    toy = memory()
    honest = preprocess(toy.machine, toy.preprocessed, TINY_SIX)
    tables = {"range": toy.preprocessed["range"] + np.uint32(1)}
    other = preprocess(toy.machine, tables, TINY_SIX)
    assert honest.root != other.root
    for fixed in (
        other,
        Fixed(other.tables, honest.committed),
        Fixed(honest.tables, other.committed),
    ):
        data = prove(toy.machine, toy.traces, fixed, (), toy.messages, TINY_SIX)
        with pytest.raises(StarkError):
            verify(Statement(toy.machine, (), toy.messages, honest.root, TINY_SIX), data)


def test_a_chip_that_is_left_out_is_missed():
    toy = memory()
    for name in ("memory", "square"):
        traces = {chip: table for chip, table in toy.traces.items() if chip != name}
        fixed = preprocess(toy.machine, toy.preprocessed, TINY_SIX)
        data = prove(toy.machine, traces, fixed, (), toy.messages, TINY_SIX)
        with pytest.raises(StarkRejectedError, match="balance"):
            verify(Statement(toy.machine, (), toy.messages, fixed.root, TINY_SIX), data)


def test_multiplicities_do_not_hide_a_value_out_of_range():
    toy = memory()
    table = toy.traces["memory"].copy()
    table[3, 3] = 99  # a new value that the range table does not have
    for times in (1, P - 1):
        traces = {**toy.traces, "memory": table}
        traces["range"] = toy.traces["range"].copy()
        traces["range"][0, 0] = (int(traces["range"][0, 0]) + times) % P
        fixed = preprocess(toy.machine, toy.preprocessed, TINY_SIX)
        data = prove(toy.machine, traces, fixed, (), toy.messages, TINY_SIX)
        with pytest.raises(StarkRejectedError):
            verify(Statement(toy.machine, (), toy.messages, fixed.root, TINY_SIX), data)
