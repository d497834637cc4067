"""Hiding profiles: totals, rows and openings say nothing about the trace."""

import msgspec
import numpy as np
import pytest

from numen.proof.stark import quotient
from numen.proof.stark.air import ChipBuilder, Machine
from numen.proof.stark.checker import check
from numen.proof.stark.errors import AirError
from numen.proof.stark.field import P, extension
from numen.proof.stark.hiding import BLIND, hidden, ring
from numen.proof.stark.logup import Challenges, Terms
from numen.proof.stark.prover import Secrets, _blind
from numen.proof.stark.verifier import verify
from tests.proof.stark.toys import TINY, TINY_HIDING, fibonacci, memory, proven

EXT = extension(4)


def blinded_totals(seed: bytes) -> list[tuple[int, ...]]:
    """The totals of the memory machine's chips for fixed challenges."""
    toy = memory()
    machine = hidden(toy.machine, TINY_HIDING)
    none = np.zeros((0, 0), np.uint32)
    tables = [
        (
            toy.traces.get(chip.name, np.zeros((0, chip.width), np.uint32)),
            toy.preprocessed.get(chip.name, none),
        )
        for chip in toy.machine.chips
    ]
    blind = _blind(toy.machine, tables, 4, Secrets(seed))
    named = {c.name: main for c, (main, _) in zip(machine.chips, blind, strict=True)}
    check(machine, named, toy.preprocessed, toy.publics, toy.messages)
    terms = Terms(
        Challenges((1, 2, 3, 4), ((1, 9, 8, 7), (5, 1, 6, 2), (3, 3, 1, 4), (1, 1, 2, 3))), machine
    )
    return [
        quotient.fractions(chip, main, fixed, (), terms, 4)[1]
        for chip, (main, fixed) in zip(machine.chips, blind, strict=True)
        if len(main)
    ]


def test_totals_are_random_but_for_their_sum():
    one, other = blinded_totals(b"a" * 32), blinded_totals(b"b" * 32)

    assert all(a != b for a, b in zip(one, other, strict=True))
    sums = [tuple(sum(c) % P for c in zip(*totals, strict=True)) for totals in (one, other)]
    assert sums[0] == sums[1]


def test_the_ring_of_chips_is_closed():
    assert ring(["a", "b", "c"]) == {"a": "b", "b": "c", "c": "a"}
    assert ring(["a"]) == {"a": "a"}
    assert ring([]) == {}


def test_only_hiding_profiles_change_a_machine():
    machine = memory().machine

    assert hidden(machine, TINY) is machine
    changed = hidden(machine, TINY_HIDING)
    assert [c.width - d.width for c, d in zip(changed.chips, machine.chips, strict=True)] == [8] * 4
    assert hidden(fibonacci().machine, TINY_HIDING).chips == fibonacci().machine.chips
    b = ChipBuilder("c")
    b.send(BLIND, (b.column("x"),), 1)
    with pytest.raises(AirError, match="reserved"):
        hidden(Machine.of([b.build()]), TINY_HIDING)


def test_what_is_opened_of_a_constant_column_is_random():
    b = ChipBuilder("constant")
    x = b.column("x")
    b.require("it is constant", x.next - x)
    toy = msgspec.structs.replace(
        fibonacci(),
        machine=Machine.of([b.build()]),
        traces={"constant": np.full((16, 1), 7, np.uint32)},
        publics=(),
    )

    plain = verify(*proven(toy, TINY))[1]
    hiding = verify(*proven(toy, TINY_HIDING))[1]

    assert set(plain.openings[0].rows[0][:, 0].tolist()) == {7}
    assert plain.values[0].tolist() == [7, 0, 0, 0]
    rows = hiding.openings[0].rows[0]
    assert 7 not in rows[:, 0]
    assert len({row.tobytes() for row in rows[:, 1:]}) == len(rows), "salts are equal"
    assert all(hiding.values[0][1:])
