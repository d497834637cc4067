"""A precompile is the standard function, by content and by what it computes; lies are found."""

import hashlib
from collections import Counter
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from numen.api import starks
from numen.api.compiled import from_text
from numen.base.errors import NumenError
from numen.ir import interp
from numen.ir.check import call_order
from numen.ir.passes.meter import meter
from numen.ir.pipeline import optimise
from numen.lang import compile_source
from numen.proof.machine import emulate, execute
from numen.proof.machine.bundle import read, write
from numen.proof.machine.check import check
from numen.proof.machine.isa import Switch, Table
from numen.proof.machine.lower import lower
from numen.proof.machine.machine import machine, machine_of
from numen.proof.machine.precompiles.every import PRECOMPILES
from numen.proof.machine.precompiles.recognise import constants, content, recognise
from numen.proof.machine.record import cells, emulated
from numen.proof.machine.words import split_inputs
from numen.proof.stark.errors import BusError, ConstraintError
from numen.proof.stark.field import P
from numen.proof.stark.layout import layout_of
from numen.proof.stark.profile import PROFILES
from numen.proof.stark.soundness import bits
from tests.proof.machine.runs import emulate_module, whole
from tests.proof.machine.test_chips import ENTRIES
from tests.proof.machine.test_lower import LOOP

QUICK = settings(max_examples=8, suppress_health_check=list(HealthCheck), deadline=None)
EVERY = sorted(PRECOMPILES.values(), key=lambda one: one.function)
MACHINE = machine(tuple(PRECOMPILES))
BITS = {"sha256": 32, "keccak": 64, "poseidon2": 32}
"""Of a word of a precompile's arrays."""


def module_of(name):
    return optimise(compile_source(ENTRIES[name], file=f"{name}.py"))


@pytest.mark.parametrize("precompile", EVERY, ids=lambda one: one.name)
def test_the_standard_function_has_the_content_of_its_precompile(precompile):
    module = module_of(precompile.name)
    tables = constants(module.functions)
    leaves = [name for name in call_order(module.functions) if name != module.entry]

    found = {content(module.functions[name], tables[name]) for name in leaves}

    # Who changes the standard module or the optimiser adds this digest to the precompile's.
    assert found & precompile.contents
    assert precompile in recognise(module.functions, module.entry).values()


@pytest.mark.parametrize("precompile", EVERY, ids=lambda one: one.name)
@QUICK
@given(data=st.data())
def test_a_precompile_computes_what_the_standard_function_does(precompile, data):
    words = st.integers(0, (1 << BITS[precompile.name]) - 1)
    count = precompile.state_cells
    state = data.draw(st.lists(words, min_size=count, max_size=count))
    count = precompile.block_cells
    block = data.draw(st.lists(words, min_size=count, max_size=count))
    module = module_of(precompile.name)
    args = [state, block] if count else [state]

    expected = interp.run(meter(module), args, work_limit=10**9)

    for _ in range(3):
        state = precompile(state, block)
    assert expected.results == (state,)
    assert emulate_module(module, args)[0] == (state,)


@pytest.mark.parametrize("precompile", EVERY, ids=lambda one: one.name)
def test_both_machines_leave_the_same_record_of_calls(precompile):
    module = module_of(precompile.name)
    args = inputs(precompile)
    lowered = lower(module)
    given = split_inputs(lowered, args)
    memory = cells(emulate.start(lowered.code, *given).memory)

    slow = emulated(lowered.code, emulate.start(lowered.code, *given), 256)
    fast = execute.record(execute.load(lowered.code, memory), 256)

    for name in ("rows", "before", "after", "times"):
        assert np.array_equal(getattr(slow, name), getattr(fast, name)), name
    assert slow.calls == fast.calls
    assert len(slow.calls) == 3


def inputs(precompile):
    state = [7919 * i + 1 for i in range(precompile.state_cells)]
    block = [104729 * i for i in range(precompile.block_cells)]
    return [state, block] if block else [state]


OTHER_TABLE = """
from numen import u32, u64
TABLE: list[u32, 4] = [1, 2, 3, 4]
def inner(state: list[u32, 4], table: list[u32, 4]):
    for i in range(4):
        for j in range(9):
            state[i] = state[i] ^ table[(i + j) % 4] << 3 & state[(i + 1) % 4] >> 2 | 5
            state[i] = state[(i + 3) % 4] ^ table[(i + j) % 4] << 3 & state[(i + 1) % 4] >> 2 | 7
            state[i] = state[(i + 2) % 4] ^ table[(i + j) % 4] << 3 & state[(i + 1) % 4] >> 2 | 9
def main(n: u32, m: u64) -> list[u32, 4]:
    state = [u32(1)] * 4
    own = TABLE.copy()
    CHANGE
    inner(state, FIRST)
    inner(state, SECOND)
    return state
"""


@pytest.mark.parametrize(
    ("first", "second", "change", "is_constant"),
    [
        ("TABLE", "TABLE", "own[m] = n", True),
        ("TABLE", "own", "own[m] = n", False),
        ("own", "own", "own[m] = n", False),
        ("own", "TABLE", "pass", False),
    ],
)
def test_a_table_is_a_constant_where_nothing_writes_it(first, second, change, is_constant):
    text = OTHER_TABLE.replace("CHANGE", change).replace("FIRST", first).replace("SECOND", second)
    module = compile_source(text, file="tables.py")
    inner = next(name for name in module.functions if "inner" in name)

    assert bool(constants(module.functions)[inner]) == is_constant


def test_another_constant_is_another_function():
    heading = "from numen import u32, wrapping_add, wrapping_sub"
    calls = ENTRIES["sha256"].split("compress\n", 1)[1]
    calls = calls.replace(
        "for _ in range(3):\n        compress", "compress(out, block)\n    compress"
    )
    source = _own_sha256()

    def found(body):
        module = optimise(compile_source(f"{heading}\n{body}\n{calls}"))
        return recognise(module.functions, module.entry)

    # Names do not matter, but every operation and every constant does.
    assert found(source)
    assert found(source.replace("majority", "most"))
    assert not found(source.replace("0x428a2f98", "0x428a2f99"))
    assert not found(source.replace("e >> 25", "e >> 24"))


def _own_sha256():
    text = (files("numen.lang") / "std" / "sha256.numen").read_text(encoding="utf-8")
    before, _, after = text.partition("def sha256(")
    return before.partition('"""\n')[2] + "def compress(" + after.partition("def compress(")[2]


@pytest.mark.parametrize("size", [1, 55, 56, 64, 200])
def test_sha256_of_any_length_is_one_precompile_a_block(size):
    text = (
        "from numen import u8\nfrom numen.std.sha256 import sha256\n"
        f"def main(message: list[u8, {size}]) -> list[u8, 32]:\n    return sha256(message)\n"
    )
    message = bytes(7 * i % 256 for i in range(size))

    module = optimise(compile_source(text))
    (digest,), cycles = emulate_module(module, [list(message)])

    assert bytes(digest) == hashlib.sha256(message).digest()
    assert cycles < 2000 + 13 * len(message) * 2
    assert Counter(one.t for one in lower(module).code.instructions if one.switches & Switch.TABLE)[
        Table.SHA256
    ]


# --- lies ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=EVERY, ids=lambda one: one.name)
def run(request):
    return request.param, whole(module_of(request.param.name), inputs(request.param))


def columns(name):
    chip = next(chip for chip in MACHINE.chips if chip.name == name)
    return {column.name: index for index, column in enumerate(chip.columns)}


def refused(run, tables):
    with pytest.raises((BusError, ConstraintError)):
        run.check(**tables)


def test_a_call_that_is_left_out_is_found(run):
    of, run = run
    for name in (of.name, f"{of.name} memory"):
        refused(run, {name: np.zeros((0, run.tables[name].shape[1]), np.uint32)})
    refused(
        run,
        {
            name: np.zeros((0, run.tables[name].shape[1]), np.uint32)
            for name in (of.name, f"{of.name} memory")
        },
    )


def test_a_call_that_is_replayed_is_found(run):
    of, run = run
    name = f"{of.name} memory"
    table = run.tables[name].copy()
    size = of.block_cells + of.state_cells
    # There is room: the rows are filled up.
    table[3 * size : 4 * size] = table[2 * size : 3 * size]
    assert table[3 * size :, 0].any()

    refused(run, {name: table})


def test_the_rows_of_another_time_are_found(run):
    of, run = run
    name, at = f"{of.name} memory", columns(f"{of.name} memory")
    size = of.block_cells + of.state_cells
    for column, change in (("step", 1), ("time before", P - 1), ("address", 1), ("index", 1)):
        table = run.tables[name].astype(np.int64)
        table[:size, at[column]] += change
        if column == "time before":
            table[:size, at["gap low"]] += 1
        refused(run, {name: (table % P).astype(np.uint32)})


def test_calls_in_another_order_are_found(run):
    of, run = run
    name, at = f"{of.name} memory", columns(f"{of.name} memory")
    size = of.block_cells + of.state_cells
    table = run.tables[name].copy()
    one, other = (table[start : start + size, at["step"]].copy() for start in (0, size))
    table[:size, at["step"]], table[size : 2 * size, at["step"]] = other, one

    refused(run, {name: table})


def test_another_result_is_found(run):
    of, run = run
    name, at = f"{of.name} memory", columns(f"{of.name} memory")
    size = of.block_cells + of.state_cells
    for label, changed in at.items():
        if label.startswith(("after", "result 0")):
            table = run.tables[name].copy()
            table[2 * size - 1, changed] ^= 1
            refused(run, {name: table})


def test_rows_that_only_fill_up_say_nothing(run):
    of, run = run
    for name in (of.name, f"{of.name} memory"):
        table = run.tables[name]
        flags = [column for label, column in columns(name).items() if label.startswith(SWITCHES)]
        assert not table[-1, flags].any()
        for flag in (*flags[:4], flags[-1]):
            changed = table.copy()
            changed[-1, flag] = 1
            refused(run, {name: changed})


SWITCHES = ("is ", "eights", "ones", "round")
"""Beginnings of columns that say that a row is real."""


@pytest.mark.parametrize("precompile", EVERY, ids=lambda one: one.name)
def test_a_proof_with_a_precompile_is_accepted_and_nothing_else_made_of_it(precompile):
    program = from_text(ENTRIES[precompile.name])
    args = inputs(precompile)
    proof = starks.prove(program, args)

    found = check(proof, program=program.program.id)

    state, block = [*args, []][:2]
    for _ in range(3):
        state = precompile(state, block)
    assert found.results == (state,)
    assert found.bits.conjectured >= 100
    true = read(proof)
    lies = [replace(true, outputs=(*true.outputs[:-1], 1)), replace(true, public=true.outputs)]
    changed = [*map(write, lies), proof[:-1]]
    changed += [_flipped(proof, at) for at in range(999, len(proof), len(proof) // 8)]
    for one in changed:
        with pytest.raises(NumenError):
            check(one)


def test_a_program_without_calls_has_the_machine_without_their_tables():
    plain = lower(from_text(LOOP).program.module).code
    calling = lower(from_text(ENTRIES["sha256"]).program.module).code

    assert plain.precompiles == ()
    assert calling.precompiles == (Table.SHA256,)
    assert machine_of(plain) is machine(())
    assert machine_of(plain).digest != machine_of(calling).digest


def test_all_tables_together_keep_the_bits_of_the_profiles():
    heights = [20 if chip.name in TALL else 18 for chip in MACHINE.chips]

    found = {name: bits(layout_of(MACHINE, PROFILES[name], heights)) for name in PROFILES}

    assert found["proven"].proven >= 100
    assert found["proven-zk"].proven >= 100
    assert found["fast"].conjectured >= 100
    assert found["fast-zk"].conjectured >= 100


TALL = ("cpu", "multiply", "bitwise", "sha256")
"""Tables with a row for each step, or a round."""


@pytest.mark.slow
def test_a_hiding_proof_in_segments_may_call_precompiles():
    program = from_text(ENTRIES["poseidon2"])
    args = inputs(PRECOMPILES[Table.POSEIDON2])

    found = check(starks.prove(program, args, is_hiding=True, segment_rows=16))

    assert found.profile.is_hiding
    assert found.segments > 1


def _flipped(data, at):
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)
