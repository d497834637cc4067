"""Native kernels make the same proofs as numpy, to the byte."""

import numpy as np
import pytest

from numen.proof.stark import domain, transcript
from numen.proof.stark.field import P, extension
from numen.proof.stark.fixed import preprocess
from numen.proof.stark.native import NATIVE
from numen.proof.stark.portable import PORTABLE
from numen.proof.stark.profile import Profile
from numen.proof.stark.prover import prove
from tests.proof.stark.toys import SECRETS, TINIES, Toy, fibonacci, memory

TOYS = {
    "one row": fibonacci(1),
    "one layer": fibonacci(64),
    "many chips": memory(),
    "more rows": memory(256, 9),
}


@pytest.mark.parametrize("profile", TINIES, ids=lambda profile: profile.name)
@pytest.mark.parametrize("toy", TOYS.values(), ids=TOYS)
def test_the_proofs_are_the_same(toy: Toy, profile: Profile) -> None:
    proofs, roots = [], []
    for kernels in (PORTABLE, NATIVE):
        fixed = preprocess(toy.machine, toy.preprocessed, profile, kernels)
        rest = toy.publics, toy.messages, profile, SECRETS, kernels
        roots.append(fixed.root)
        proofs.append(prove(toy.machine, toy.traces, fixed, *rest))

    assert roots[0] == roots[1]
    assert proofs[0] == proofs[1]


@pytest.mark.parametrize("kernels", [PORTABLE, NATIVE])
def test_tables_may_lie_in_memory_column_by_column(kernels) -> None:
    toy = memory(256, 9)
    fixed = preprocess(toy.machine, toy.preprocessed, TINIES[0], kernels)
    rest = toy.publics, toy.messages, TINIES[0], SECRETS, kernels
    turned = {name: np.asfortranarray(table) for name, table in toy.traces.items()}

    proof = prove(toy.machine, toy.traces, fixed, *rest)

    assert prove(toy.machine, turned, fixed, *rest) == proof


@pytest.mark.parametrize(("rows", "mask"), [(1, 0), (1, 3), (8, 0), (8, 5), (16, 16), (4, 9)])
def test_masked_tables_are_encoded_alike(rows: int, mask: int) -> None:
    dice = np.random.default_rng(rows)
    table, noise = (dice.integers(0, P, (n, 3)).astype(np.uint32) for n in (rows, mask))
    given = table, 6, noise if mask else None

    assert np.array_equal(NATIVE.extend(*given), PORTABLE.extend(*given))


@pytest.mark.parametrize("degree", [4, 6])
@pytest.mark.parametrize("log", [0, 1, 5, 8])
def test_words_are_read_alike(log: int, degree: int) -> None:
    ext, dice = extension(degree), np.random.default_rng(log)
    word = dice.integers(0, P, (1 << log, degree)).astype(np.uint32)
    point = tuple(dice.integers(0, P, degree).tolist())
    factors = domain.weights(ext, log, point)

    assert np.array_equal(NATIVE.recover(word), PORTABLE.recover(word))
    assert np.array_equal(NATIVE.weights(ext, log, point), factors)
    assert np.array_equal(NATIVE.weigh(ext, word, factors), PORTABLE.weigh(ext, word, factors))
    assert np.array_equal(NATIVE.evaluate(word, log + 1), PORTABLE.evaluate(word, log + 1))
    for log_arity in range(min(log, 3) + 1):
        folded = [k.fold(ext, word, log_arity, point) for k in (NATIVE, PORTABLE)]

        assert np.array_equal(*folded)


@pytest.mark.parametrize("bits", [0, 1, 9, 15])
def test_the_least_nonce_is_found(bits: int) -> None:
    for seed in range(3):
        state = bytes([seed]) * 32

        assert NATIVE.grind(state, bits) == transcript.find_nonce(state, bits)
