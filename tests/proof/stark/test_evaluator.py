"""The native reading of a chip against the one in numpy, on tables that satisfy nothing."""

import random

import numpy as np
import pytest

from numen.kernels import koalabear, threads
from numen.proof.stark import evaluator, logup, quotient
from numen.proof.stark.air import Chip, ChipBuilder, Machine
from numen.proof.stark.errors import TraceError
from numen.proof.stark.evaluator_program import quotient_program
from numen.proof.stark.field import Felts, P, extension


def random_chip(seed: int) -> Chip:
    """A chip with every kind of node, and messages of all lengths and degrees."""
    dice = random.Random(seed)
    b = ChipBuilder(f"chip {seed}")
    main = b.columns("main", dice.choice([1, 5, 8, 9, 21]))
    fixed = [b.preprocessed(f"fixed {i}") for i in range(dice.choice([0, 1, 8, 11]))]
    columns = [*main, *fixed]
    leaves = [
        *columns,
        *(column.next for column in columns),
        *(b.public(f"public {i}") for i in range(dice.randrange(3))),
    ]
    selectors = [b.first, b.last, b.transition]

    def linear():
        total = dice.choice(leaves) * dice.randrange(1, P)
        for _ in range(dice.randrange(3)):
            total = dice.choice([total + dice.choice(leaves), -total, dice.randrange(P) - total])
        return total

    for i in range(dice.choice([1, 3, 40])):
        factors = [linear() for _ in range(dice.randrange(1, 3))]
        expression = dice.choice([*selectors, linear()])
        for factor in factors:
            expression = expression * factor
        b.require(f"constraint {i}", expression)
    b.require("a column alone", main[0])
    for i in range(dice.choice([0, 1, 2, 5])):
        length = dice.randrange(1, 10)
        values = [linear() * (linear() if dice.random() < 0.2 else 1) for _ in range(length)]
        dice.choice([b.send, b.receive])(f"bus {i}", values, linear())
    return b.build()


def felts(seed: int, *shape: int) -> Felts:
    return np.random.default_rng(seed).integers(0, P, shape).astype(np.uint32)


def terms_of(chip: Chip, degree: int, seed: int) -> logup.Terms:
    machine = Machine.of([chip], chip.publics)
    longest = max((bus.length for bus in machine.buses.values()), default=0)
    alpha, *betas = (tuple(row) for row in felts(seed, longest + 1, degree).tolist())
    return logup.Terms(logup.Challenges(alpha, tuple(betas)), machine)


@pytest.mark.parametrize("degree", [4, 6])
@pytest.mark.parametrize("seed", range(12))
def test_both_readings_agree(seed: int, degree: int) -> None:
    chip, log = random_chip(seed), random.Random(seed).choice([2, 5, 6, 9])
    terms, width = terms_of(chip, degree, seed), len(chip.preprocessed)
    publics = felts(seed, len(chip.publics)).tolist()
    total, sums_width = None, 0
    if chip.interactions:
        table = (felts(1, 1 << log, chip.width), felts(2, 1 << log, width))
        expected = quotient.fractions(chip, *table, publics, terms, degree)
        columns, total = evaluator.fractions(chip, *table, publics, terms, degree)

        assert total == expected[1]
        assert np.array_equal(columns, expected[0])
        sums_width = columns.shape[1]
    size = 1 << (log + random.Random(seed).choice([1, 2]))
    sums = felts(3, size, sums_width) if chip.interactions else None
    codewords = felts(4, size, chip.width), felts(5, size, width), sums
    rest = log, publics, terms, total, tuple(felts(6, degree).tolist())

    expected_joined = quotient.quotient(chip, codewords, *rest)
    assert np.array_equal(evaluator.join(chip, codewords, *rest), expected_joined)


def test_the_number_of_threads_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    b = ChipBuilder("one")
    x, y = b.column("x"), b.column("y")
    b.send("bus", (x.next, y), x)
    b.require("first", b.first * x * y.next)
    chip = b.build()
    terms, table = terms_of(chip, 4, 1), felts(1, 1 << 12, 2)

    def results() -> tuple[Felts, Felts]:
        columns, total = evaluator.fractions(chip, table, table[:, :0], (), terms, 4)
        words = felts(2, 1 << 13, 2), felts(2, 1 << 13, 0), felts(3, 1 << 13, columns.shape[1])
        return columns, evaluator.join(chip, words, 12, (), terms, total, terms.challenges.alpha)

    expected = results()
    for workers in (1, 3):
        monkeypatch.setattr(threads, "count", lambda workers=workers: workers)

        assert all(map(np.array_equal, results(), expected))


def test_a_fingerprint_that_is_zero_is_refused() -> None:
    b = ChipBuilder("one")
    x = b.column("x")
    b.send("bus", (x,), x)
    chip = b.build()
    # alpha - 1 - x is zero where x is.
    terms = logup.Terms(logup.Challenges((1, 0, 0, 0), ((1, 0, 0, 0),)), Machine.of([chip]))
    table = np.arange(1, 65, dtype=np.uint32)[:, None]
    evaluator.fractions(chip, table, table[:, :0], (), terms, 4)
    table[17] = 0

    with pytest.raises(TraceError, match="fingerprint is zero"):
        evaluator.fractions(chip, table, table[:, :0], (), terms, 4)


def test_cells_are_used_again() -> None:
    b = ChipBuilder("long")
    x, y = b.column("x"), b.column("y")
    total = x
    for i in range(1000):
        total = total + y if i % 2 else -total - x
    b.require("long", total)

    assert quotient_program(b.build(), 4).cells < 20


def test_the_extensions_of_both_sides_are_the_same() -> None:
    assert extension(4).tail == koalabear.QUARTIC
    assert extension(6).tail == koalabear.SEXTIC
