"""Chips are built from expressions, which become one list of nodes."""

import pytest

from numen.proof.stark.air import Chip, ChipBuilder, Machine, Node, Op
from numen.proof.stark.errors import AirError
from numen.proof.stark.evaluate import Algebra, Row, evaluate
from numen.proof.stark.field import P
from tests.proof.stark.toys import fibonacci_chip, memory_machine

INTEGERS = Algebra(
    const=int,
    add=lambda a, b: (a + b) % P,
    subtract=lambda a, b: (a - b) % P,
    multiply=lambda a, b: a * b % P,
    negate=lambda a: -a % P,
)


def test_an_expression_means_what_it_says():
    b = ChipBuilder("c")
    x, y, k = b.column("x"), b.column("y"), b.preprocessed("k")
    b.require("all", 3 * x.next - (y - 1) * k.next + -b.public("p") * b.first - (5 - y) * b.last)
    chip = b.build()
    row = Row(([7, 11], [13, 17]), ([19], [23]), [29], 31, 37, 41)

    values = evaluate(chip, row, INTEGERS)

    expected = 3 * 13 - (11 - 1) * 23 - 29 * 31 - (5 - 11) * 37
    assert values[chip.constraints[0].node] == expected % P
    assert chip.constraints[0].degree == 2
    assert chip.next_main == (0,)
    assert chip.next_preprocessed == (0,)


def test_equal_expressions_are_one_node_and_constants_are_folded():
    b = ChipBuilder("c")
    x, y = b.column("x"), b.column("y")
    unused = x * y * x
    b.require("once", (x * y) * 1 + 0 * x)
    b.require("twice", x * y - (2 + b.const(-2)))
    chip = b.build()

    assert unused.degree == 3
    assert chip.nodes == (Node(Op.MAIN, 0), Node(Op.MAIN, 1), Node(Op.MUL, 0, 1))
    assert [c.node for c in chip.constraints] == [2, 2]


def test_what_holds_always_is_no_constraint_and_what_never_holds_is_refused():
    b = ChipBuilder("c")
    x = b.column("x")
    b.require("nothing", 0 * x)
    b.send("bus", (x,), 0)

    assert not b.build().constraints
    assert not b.build().interactions
    with pytest.raises(AirError, match="requires 3"):
        b.require("never", b.const(3))


def test_a_chip_keeps_to_the_degrees():
    b = ChipBuilder("c")
    x = b.column("x")
    b.require("three", b.first * x * x)
    b.send("bus", (x * x,), x * x)

    with pytest.raises(AirError, match="degree 4"):
        b.require("four", x * x * x * b.last)
    for values, times in (((x * x * x,), 1), ((x,), x * x * x)):
        with pytest.raises(AirError, match="above 2"):
            b.receive("bus", values, times)


def test_a_chip_refuses_what_has_no_meaning():
    b, other = ChipBuilder("c"), ChipBuilder("d")
    x = b.column("x")

    with pytest.raises(AirError, match="another chip"):
        b.require("mixed", x + other.column("x"))
    for expression in (x + 1, x.next, b.first):
        with pytest.raises(AirError, match="next row"):
            _ = expression.next
    with pytest.raises(AirError, match="empty"):
        b.send("bus", (), 1)
    with pytest.raises(AirError, match="columns"):
        ChipBuilder("e").build()
    wide = ChipBuilder("w")
    wide.columns("x", 4097)
    with pytest.raises(AirError, match="4097"):
        wide.build()


def test_a_machine_refuses_chips_that_do_not_fit_together():
    chip = fibonacci_chip()

    with pytest.raises(AirError, match="one name"):
        Machine.of([chip, chip], ["start", "end"])
    with pytest.raises(AirError, match="one name"):
        Machine.of([chip], ["start", "end", "end"])
    with pytest.raises(AirError, match="'end'"):
        Machine.of([chip], ["start"])
    with pytest.raises(AirError, match="'bus'"):
        Machine.of([sender("a", 1), sender("b", 2)])
    for group in ("logup", "quotient", "preprocessed", "gruppe ä"):
        b = ChipBuilder("c")
        b.column("x", group)
        with pytest.raises(AirError, match="group"):
            Machine.of([b.build()])


def sender(name: str, length: int) -> Chip:
    b = ChipBuilder(name)
    b.send("bus", b.columns("x", length), 1)
    return b.build()


def test_a_machine_numbers_buses_and_groups_in_order_of_use():
    machine = memory_machine()

    assert [(bus.name, bus.number, bus.length) for bus in machine.buses.values()] == [
        ("memory", 1, 3),
        ("range", 2, 1),
        ("square", 3, 2),
    ]
    assert machine.groups == ("main", "image_in")


def test_the_digest_tells_machines_apart():
    changed = [sender("a", 1), sender("a", 2), sender("b", 1), fibonacci_chip()]
    digests = {chip.digest for chip in changed}
    machines = {
        Machine.of([changed[0]]).digest,
        Machine.of([changed[0]], ["p"]).digest,
        Machine.of([changed[0], changed[2]]).digest,
        Machine.of([changed[2], changed[0]]).digest,
    }

    assert len(digests) == 4
    assert len(machines) == 4
    assert sender("a", 1).digest == sender("a", 1).digest
