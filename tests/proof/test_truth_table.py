"""Functions of three bits, against their definition, for all of them."""

import pytest

from numen.proof import truth_table

POSITIONS = range(8)


def value(weights: tuple[int, ...], index: int) -> int:
    return weights[0] + sum(weights[1 + j] for j in range(3) if index >> j & 1)


def depends_on_all(table: int) -> bool:
    return len(truth_table.reduced(table, 3)[1]) == 3


HYPERBOLAS = {
    table: shape
    for table in range(256)
    if depends_on_all(table) and (shape := truth_table.hyperbola(table)) is not None
}


def test_most_functions_of_three_bits_are_one_constraint():
    found = [t for t in range(256) if truth_table.is_one_constraint(t, 3)]

    # The others are the 16 like a & b & c and the 48 like a & (b | c).
    assert len(found) == 256 - 64
    assert len(HYPERBOLAS) == 154


@pytest.mark.parametrize("table", HYPERBOLAS)
def test_a_hyperbola_has_one_solution_and_it_is_the_function(table: int):
    shape = HYPERBOLAS[table]

    for index in POSITIONS:
        d = value(shape.d, index)
        assert d != 0
        assert shape.k != 0
        assert d * (shape.k * (table >> index & 1) + value(shape.e, index)) == value(shape.f, index)


def test_the_coefficients_are_small():
    shapes = HYPERBOLAS.values()

    assert max(abs(k) for s in shapes for k in (*s.d, *s.e, *s.f, s.k)) < 128


@pytest.mark.parametrize("table", range(256))
def test_a_table_is_its_polynomial(table: int):
    terms = truth_table.polynomial(table, 3)

    for index in POSITIONS:
        total = sum(term for subset, term in enumerate(terms) if subset & index == subset)
        assert total == table >> index & 1


@pytest.mark.parametrize("table", range(256))
def test_what_is_left_out_does_not_matter(table: int):
    less, used = truth_table.reduced(table, 3)

    assert truth_table.spread(less, used, 3) == table


@pytest.mark.parametrize("table", range(256))
def test_a_choice_is_the_function(table: int):
    found = truth_table.choice(table)
    if found is None:
        return
    cond, (then, turn_then), (other, turn_other) = found

    for index in POSITIONS:
        bit = [index >> j & 1 for j in range(3)]
        expected = bit[then] ^ turn_then if bit[cond] else bit[other] ^ turn_other
        assert table >> index & 1 == expected


def test_operations_work_bit_by_bit():
    a, b = 0b10101010, 0b11001100

    assert truth_table.combine(0b0110, a, b, 3) == a ^ b
    assert truth_table.combine(0b1000, a, b, 3) == a & b
    assert truth_table.turned(0b1000, turn_a=False, turn_b=True) == 0b0010


ONE_CONSTRAINT = [
    (table, width)
    for width in (2, 3)
    for table in range(1 << (1 << width))
    if len(truth_table.reduced(table, width)[1]) == width
    and truth_table.is_one_constraint(table, width)
]


def test_the_constraints_are_all_here():
    assert len(ONE_CONSTRAINT) == 10 + 154


@pytest.mark.parametrize(("table", "width"), ONE_CONSTRAINT)
def test_a_constraint_has_one_solution_and_it_is_the_function(table: int, width: int):
    for index in range(1 << width):
        bits = [index >> j & 1 for j in range(width)]

        def left_over(out: int, bits: list[int] = bits) -> int:
            values = (1, *bits, out)
            a, b, c = (
                sum(values[slot] * weight for slot, weight in terms)
                for terms in truth_table.constraint(table, width)
            )
            return a * b - c

        # It is a line in ``out``: with one zero, which is the function's value.
        assert left_over(table >> index & 1) == 0
        assert left_over(1) != left_over(0)
