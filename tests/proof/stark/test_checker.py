"""The debug checker accepts honest runs, and names what is wrong with others."""

import random

import numpy as np
import pytest

from numen.proof.stark.checker import check
from numen.proof.stark.errors import BusError, ConstraintError, StatementError, TraceError
from numen.proof.stark.field import P
from numen.proof.stark.statement import PublicMessage
from tests.proof.stark.toys import Toy, fibonacci, memory


@pytest.mark.parametrize("toy", [fibonacci(1), fibonacci(64), memory(), memory(256, 9, 7)])
def test_an_honest_run_is_accepted(toy):
    assert check(*toy.fits()) is None


def test_a_run_longer_than_a_chunk_is_checked_to_its_end():
    toy = fibonacci(1 << 14)
    check(*toy.fits())
    toy.traces["fibonacci"][10_000, 1] += 1

    with pytest.raises(ConstraintError, match="row 9999"):
        check(*toy.fits())


def test_a_failing_constraint_is_named_with_its_row_and_cells():
    toy = fibonacci(8)
    toy.traces["fibonacci"][5, 1] = 1

    with pytest.raises(ConstraintError) as caught:
        check(*toy.fits())

    error = caught.value
    assert (error.chip, error.row, error.constraint) == ("fibonacci", 4, "y is the sum")
    assert error.cells == {"x": 5, "y": 8, "y.next": 1}
    assert error.value == 1 - 13 + P


def test_an_unbalanced_message_is_named_with_who_sent_it():
    toy = memory()
    toy.traces["range"][3, 0] += 1

    with pytest.raises(BusError) as caught:
        check(*toy.fits())

    error = caught.value
    assert (error.bus, error.values, error.excess, error.unbalanced) == ("range", (3,), -1, 1)
    assert ("range", 3, -int(toy.traces["range"][3, 0])) in error.places


def test_a_missing_public_message_is_seen():
    toy = memory()

    with pytest.raises(BusError, match="memory"):
        check(toy.machine, toy.traces, toy.preprocessed, (), toy.messages[1:])


def test_every_cell_matters_but_padding():
    toy = memory()
    rng, rows = random.Random(3), len(toy.traces["memory"])
    free = {"address", "old", "new", "before"}
    for name, table in toy.traces.items():
        for _ in range(40):
            row, column = rng.randrange(len(table)), rng.randrange(table.shape[1])
            title = next(c for c in toy.machine.chips if c.name == name).columns[column].name
            if (name == "memory" and row >= rows - 3 and title in free) or (
                title == "x" and not table[row, 1]
            ):
                continue
            changed = table.copy()
            changed[row, column] = (int(changed[row, column]) + 1 + rng.randrange(5)) % P
            with pytest.raises((ConstraintError, BusError)):
                check(
                    toy.machine,
                    {**toy.traces, name: changed},
                    toy.preprocessed,
                    toy.publics,
                    toy.messages,
                )


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"fibonacci": np.zeros((3, 2), np.uint32)}, "power of two"),
        ({"fibonacci": np.zeros((4, 3), np.uint32)}, "width 2"),
        ({"fibonacci": np.zeros((4, 2), np.int64)}, "int64"),
        ({"fibonacci": np.full((4, 2), P, np.uint32)}, "not below"),
        ({"other": np.zeros((4, 2), np.uint32)}, "no such chip"),
    ],
)
def test_a_table_of_another_shape_is_refused(change, match):
    toy = fibonacci()

    with pytest.raises(TraceError, match=match):
        check(toy.machine, {**toy.traces, **change}, {}, toy.publics)


def test_preprocessed_columns_have_the_height_of_the_trace():
    toy = memory()

    for fixed in ({}, {"range": toy.preprocessed["range"][:8]}):
        with pytest.raises(TraceError, match="preprocessed"):
            check(toy.machine, toy.traces, fixed, (), toy.messages)


def test_a_statement_that_does_not_fit_is_refused():
    toy: Toy = memory()
    good = PublicMessage("range", (1,), 1)
    bad = [
        ((1,), [good]),
        ((), [PublicMessage("nowhere", (1,), 1)]),
        ((), [PublicMessage("range", (1, 2), 1)]),
        ((), [PublicMessage("range", (P,), 1)]),
        ((), [PublicMessage("range", (-1,), 1)]),
        ((), [PublicMessage("range", (1,), P)]),
    ]

    for publics, messages in bad:
        with pytest.raises(StatementError):
            check(toy.machine, toy.traces, toy.preprocessed, publics, messages)
    with pytest.raises(StatementError, match="start"):
        check(fibonacci().machine, fibonacci().traces, {}, (P, 1))
