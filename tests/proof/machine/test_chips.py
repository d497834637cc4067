"""Honest tables are accepted; change any cell of one, and the checker names what is wrong."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from numen.ir.pipeline import optimise
from numen.lang import compile_source
from numen.proof.machine import fixed
from numen.proof.machine.chips import (
    bitwise,
    cpu,
    image,
    keccak,
    multiply,
    pairs,
    poseidon2,
    sha256,
)
from numen.proof.machine.errors import MachineTrapError
from numen.proof.machine.isa import Table
from numen.proof.machine.machine import machine
from numen.proof.stark.errors import BusError, ConstraintError, TraceError
from numen.proof.stark.evaluate import Algebra, Row, evaluate
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

MACHINE = machine((Table.SHA256, Table.KECCAK, Table.POSEIDON2))

ENTRIES = {
    "keccak": """
from numen import u64
from numen.std.keccak import permute
def main(state: list[u64, 25]) -> list[u64, 25]:
    out = state.copy()
    for _ in range(3):
        permute(out)
    return out
""",
    "poseidon2": """
from numen import u32
from numen.std.poseidon2 import permute
def main(state: list[u32, 16]) -> list[u32, 16]:
    out = state.copy()
    for _ in range(3):
        permute(out)
    return out
""",
    "sha256": """
from numen import u32
from numen.std.sha256 import compress
def main(state: list[u32, 8], block: list[u32, 16]) -> list[u32, 8]:
    out = state.copy()
    for _ in range(3):
        compress(out, block)
    return out
""",
}
"""Programs that call a precompile three times."""

INVERSE = "inverse"
"""Free where C is zero: then it has no inverse, and nobody asks for one."""

ACCESS = ("step", "index", "state[", "block[", "time", "gap", "word ", "result ")
IDLE = {
    multiply.NAME: ("x[", "y[", "step"),
    bitwise.NAME: ("x[", "y[", "both[", "step"),
    # A bit that is chosen from, or outvoted.
    sha256.NAME: ("step", "word ", "b[", "c[", "f["),
    "sha256 memory": ACCESS,
    keccak.NAME: ("step",),
    "keccak memory": ACCESS,
    poseidon2.NAME: ("step",),
    "poseidon2 memory": (*ACCESS, "inverse"),
}
"""Beginnings of columns that are free in rows without a function: they fill the table up to a
power of two, and nobody sends or receives what they hold."""

FLAGS = {
    cpu.NAME: slice(3, 21),
    multiply.NAME: slice(0, 3),
    bitwise.NAME: slice(0, 3),
    sha256.NAME: slice(1, 1 + 2 * sha256.DIGIT),
    "sha256 memory": slice(0, 4),
    keccak.NAME: slice(1, 25),
    "keccak memory": slice(0, 4),
    poseidon2.NAME: slice(0, 1),
    "poseidon2 memory": slice(0, 4),
}
"""Columns that say what kind of row it is; all 0 in one that only fills the table up."""

ROUNDS = {sha256.NAME: 64, keccak.NAME: 24}
"""Tables of rounds that differ in their constants alone, and how many a call has."""


@pytest.fixture(scope="module")
def run():
    return whole(compile_source(EVERYTHING), [5, 77])


@pytest.fixture(scope="module")
def hashed():
    words = [0x1234567 * i for i in range(25)]
    args = {"sha256": [words[:8], words[8:24]], "keccak": [words], "poseidon2": [words[:16]]}
    return {
        name: whole(optimise(compile_source(text)), args[name]) for name, text in ENTRIES.items()
    }


def columns(name):
    chip = next(chip for chip in MACHINE.chips if chip.name == name)
    return [column.name for column in chip.columns]


class Around:
    """The rows that a cell is read from: what they require, and what they say to other tables."""

    def __init__(self, run, name):
        self.chip = next(chip for chip in MACHINE.chips if chip.name == name)
        self.publics = MACHINE.publics_of(self.chip, run.publics)
        self.main = [[int(cell) for cell in row] for row in run.tables[name]]
        table = fixed.tables(run.lowered.code).get(name)
        self.fixed = table.tolist() if table is not None else [[]] * len(self.main)

    def at(self, row):
        """Whether all constraints hold at a row, and its messages with their net multiplicities."""
        rows = len(self.main)
        there = (row + 1) % rows
        values = evaluate(
            self.chip,
            Row(
                main=(self.main[row], self.main[there]),
                preprocessed=(self.fixed[row], self.fixed[there]),
                publics=self.publics,
                first=int(row == 0),
                last=int(row == rows - 1),
                transition=int(row != rows - 1),
            ),
            INTEGERS,
        )
        said = Counter()
        for one in self.chip.interactions:
            content = tuple(values[node] for node in one.values)
            said[one.bus, content] += one.sign * values[one.multiplicity]
        net = {what: times % P for what, times in said.items() if times % P}
        return all(values[one.node] == 0 for one in self.chip.constraints), net

    def keeps_constraints(self, row, changes):
        """Those of some changes, columns with other values, that break no constraint at a row."""
        rows, count = len(self.main), len(changes)
        there = (row + 1) % rows
        table = np.repeat(np.array([self.main[row]], np.int64), count, axis=0)
        for index, (column, value) in enumerate(changes):
            table[index, column] = value
        values = evaluate(
            self.chip,
            Row(
                main=(list(table.T), [np.array([cell]) for cell in self.main[there]]),
                preprocessed=(self.fixed[row], self.fixed[there]),
                publics=self.publics,
                first=int(row == 0),
                last=int(row == rows - 1),
                transition=int(row != rows - 1),
            ),
            INTEGERS,
        )
        holds = np.ones(count, bool)
        for one in self.chip.constraints:
            holds &= values[one.node] == 0
        return [change for change, held in zip(changes, holds, strict=True) if held]

    def refuses(self, row, column, value):
        """Whether another value in a cell breaks a constraint, or the balance of a bus."""
        near = {row, (row - 1) % len(self.main)}
        before = [self.at(one)[1] for one in sorted(near)]
        honest, self.main[row][column] = self.main[row][column], value
        after = [self.at(one) for one in sorted(near)]
        self.main[row][column] = honest
        return not all(holds for holds, _ in after) or _sum(before) != _sum(
            [net for _, net in after]
        )


def _sum(nets):
    total = Counter()
    for net in nets:
        total.update(net)
    return {what: times % P for what, times in total.items() if times % P}


INTEGERS = Algebra(
    const=lambda value: value,
    add=lambda a, b: (a + b) % P,
    subtract=lambda a, b: (a - b) % P,
    multiply=lambda a, b: a * b % P,
    negate=lambda a: -a % P,
)


def test_honest_runs_are_accepted(run, hashed):
    run.check()
    for one in hashed.values():
        one.check()


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
    """One row of each kind: rows that differ in their switches, and the first and last row."""
    table = run.tables[name]
    rows = {0, len(table) - 1}
    seen = {}
    if name in ROUNDS:
        return [ROUNDS[name] - 1, len(table) - 1]
    if name in FLAGS:
        for row, step in enumerate(table):
            seen.setdefault(tuple(step[FLAGS[name]]), row)
    if name == image.NAME:
        seen = {row: row for row in range(len(table))}
    return sorted(rows | set(seen.values()))


@pytest.mark.parametrize("name", [chip.name for chip in MACHINE.chips])
def test_every_cell_of_every_kind_of_row_is_pinned(run, hashed, name):
    rng = random.Random(name)
    run = run if name in run.tables else hashed[name.partition(" ")[0]]
    around, labels = Around(run, name), columns(name)
    rows = kinds(run, name)
    loose = set()
    for row in rows:
        assert around.at(row)[0], "an honest row"
        changes = [
            (column, (around.main[row][column] + change) % P)
            for column in range(len(labels))
            for change in (rng.choice((1, P - 1, 1 << 16)), rng.randrange(1, P))
        ]
        for column, value in around.keeps_constraints(row, changes):
            if not around.refuses(row, column, value):
                loose.add((row, labels[column]))

    assert not [cell for cell in loose if not is_free(run, name, *cell)]


def is_free(run, name, row, label):
    cells = run.tables[name][row]
    if name == cpu.NAME:
        return label == INVERSE and cells[columns(name).index("is zero")] == 1
    return not cells[FLAGS.get(name, slice(0, 0))].any() and label.startswith(IDLE.get(name, ()))


@pytest.mark.parametrize("bus", ["input", "output"])
def test_another_statement_is_refused(run, bus):
    changed = [
        replace(one, values=(one.values[0], one.values[1] + 1, *one.values[2:]))
        if one.bus == bus
        else one
        for one in run.messages
    ]

    with pytest.raises(BusError):
        replace(run, messages=tuple(changed)).check()


def test_another_program_is_refused(run):
    other = whole(compile_source(EVERYTHING.replace("// 3", "// 5")), [5, 77])
    swapped = replace(run, lowered=other.lowered)

    with pytest.raises((BusError, ConstraintError, TraceError)):
        swapped.check()


def test_a_table_of_pairs_that_misses_a_row_is_refused(run):
    table = run.tables[pairs.NAME][: pairs.ROWS // 2]

    with pytest.raises((BusError, ConstraintError)):
        run.check(**{pairs.NAME: table})
