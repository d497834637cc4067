"""Honest tables are accepted; change any cell of one, and the checker names what is wrong."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from numen.ir.parse import parse_module
from numen.lang import compile_source
from numen.proof.machine import fixed
from numen.proof.machine.chips import bitwise, cpu, image, multiply, pairs, program
from numen.proof.machine.errors import MachineTrapError
from numen.proof.machine.machine import machine
from numen.proof.stark.errors import BusError, ConstraintError, TraceError
from numen.proof.stark.field import P
from tests.proof.machine.runs import whole
from tests.strategies.ir import runs

EVERYTHING = """
from numen import Private, u32, u64, u128, wrapping_mul
def main(n: u64, secret: Private[u64]) -> u64:
    rows = [u64(0)] * 4
    total = secret & 255
    for i in range(n):
        rows[i % 4] = rows[i % 4] ^ wrapping_mul(total, 0x9E3779B97F4A7C15)
        total = (total + rows[(i + 1) % 4]) // 3 | 1
        if total > 1000000:
            total = total - 1000000
    return total
"""

FREE = {
    cpu.NAME: {"inverse": "of C where C is zero: nobody asks for it"},
}
"""Columns that may hold anything in some rows, with the reason."""


@pytest.fixture(scope="module")
def run():
    return whole(compile_source(EVERYTHING), [5, 77])


def columns(name):
    chip = next(chip for chip in machine().chips if chip.name == name)
    return [column.name for column in chip.columns]


def is_refused(run, name, row, column, value):
    table = run.tables[name].copy()
    table[row, column] = value
    try:
        run.check(**{name: table})
    except (ConstraintError, BusError, TraceError):
        return True
    return False


def test_an_honest_run_is_accepted(run):
    run.check()


@settings(max_examples=10, suppress_health_check=list(HealthCheck), deadline=None)
@given(case=runs())
def test_honest_runs_of_random_programs_are_accepted(case):
    module, args = case
    try:
        run = whole(module, args)
    except MachineTrapError:
        return

    run.check()


def kinds(run, name):
    """One row of each kind: steps that differ in their switches, and the first and last row."""
    table = run.tables[name]
    rows = {0, len(table) - 1}
    if name == cpu.NAME:
        seen = {}
        for row, step in enumerate(table):
            seen.setdefault(tuple(step[3:21]), row)
        rows |= set(seen.values())
    return sorted(rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", [chip.name for chip in machine().chips])
def test_a_cell_of_every_column_and_kind_of_row_is_pinned(run, name):
    rng = random.Random(name)
    loose = set()
    for row in kinds(run, name)[:: 1 if name == cpu.NAME else 1]:
        for column, label in enumerate(columns(name)):
            honest = int(run.tables[name][row, column])
            value = (honest + rng.choice([1, P - 1, 1 << 16])) % P
            if not is_refused(run, name, row, column, value):
                loose.add(label)

    assert loose <= set(FREE.get(name, {})), loose
