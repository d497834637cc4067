"""The tier at work: what becomes hot is compiled while it runs, within its bounds."""

import functools
import gc

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.evm.forks import fork
from numen.evm.native.layout import CODE, WORLD
from numen.evm.native.machine import NativeMachine
from numen.evm.state import State
from numen.evm.tier import service, store
from numen.evm.tier.policy import HOT
from numen.kernels.errors import CompileError, CompileTimeoutError
from tests.evm.native.programs import Writer
from tests.evm.tier.assembly import assemble
from tests.evm.tier.compiled import interpreter, run

GAS = 20_000_000

SUM = """
    0 0 loop: DUP1 {} GT ISZERO @end JUMPI
    DUP1 SWAP2 ADD SWAP1 1 ADD @loop JUMP
    end: POP 0 MSTORE 32 0 RETURN
"""

NESTED = """
    0 outer: 0 inner: 1 ADD DUP1 50 GT @inner JUMPI POP
    1 ADD DUP1 {} GT @outer JUMPI 0 MSTORE 32 0 RETURN
"""


LONG_INSIDE = """
    3 outer: DUP1 ISZERO @end JUMPI {}
    inner: DUP1 ISZERO @tail JUMPI DUP1 MLOAD 1 ADD DUP2 MSTORE 1 SWAP1 SUB @inner JUMP
    tail: POP 1 SWAP1 SUB @outer JUMP
    end: STOP
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache and a shelf of the test's own."""
    monkeypatch.setenv("NUMEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(service, "SHELF", store.Shelf())


def hot(**changes) -> NativeMachine:
    """A machine whose tier compiles in this process, eagerly."""
    machine = NativeMachine(fork("cancun"), State(), tier="hot")
    assert machine.tier is not None
    options = msgspec.structs.replace(HOT.options, untrusted=False)
    machine.tier.policy = msgspec.structs.replace(HOT, options=options, **changes)
    WORLD.write(machine._world, "heat_limit", machine.tier.heat_limit)
    WORLD.write(machine._world, "patience", machine.tier.patience)
    return machine


def settled(machine: NativeMachine, code: bytes, gas: int = GAS):
    ran = run(machine, code, gas=gas)
    assert machine.tier.wait()
    return ran


@pytest.fixture
def batches(monkeypatch):
    """What is asked of the compiler, as lists of heads."""
    asked = []

    def spy(program, regions, options):
        asked.append([region.head for region in regions])
        return store.compile_batch(program, regions, options)

    monkeypatch.setattr(service, "compile_batch", spy)
    return asked


def test_a_loop_is_compiled_while_it_runs(batches):
    code = assemble(SUM.format(200_000))
    machine = hot()

    ran = settled(machine, code)

    assert ran.is_like(run(interpreter("cancun"), code, gas=GAS))
    assert batches[0][0] == 4
    assert machine.tier.region_count >= 1
    assert run(machine, code, gas=GAS) == ran


def test_a_run_that_is_going_on_changes_into_compiled_code():
    code = assemble(NESTED.format(4000))
    machine = hot()

    first = run(machine, code, gas=GAS)
    machine.tier.wait()
    handlers = machine.tier.region_count

    assert handlers
    assert run(machine, code, gas=GAS) == first == run(interpreter("cancun"), code, gas=GAS)


def test_the_tier_hears_nothing_of_code_that_is_cold(monkeypatch):
    told = []
    monkeypatch.setattr(
        service.Tier, "on_code", lambda self, entry: told.append(CODE.read(entry, "length"))
    )
    long, short = assemble(SUM.format(3000)), assemble(SUM.format(10))
    machine = hot(patience=50_000)

    run(machine, short, gas=GAS)
    assert told == []

    run(machine, long, gas=GAS)
    assert told == [len(long)]

    for _ in range(100):
        run(machine, short, gas=GAS)
    assert told == [len(long), len(short)]


RECURSIVE = """
    0 CALLDATALOAD ISZERO @work JUMPI
    1 0 CALLDATALOAD SUB 0 MSTORE 32 64 32 0 0 ADDRESS GAS CALL POP
    work: 64 MLOAD 0
    loop: DUP1 {} GT ISZERO @end JUMPI
    DUP1 SWAP2 ADD SWAP1 1 ADD @loop JUMP
    end: POP GAS ADD 32 MSTORE 32 32 RETURN
"""


@pytest.mark.parametrize("patience", [0, 3_000, 20_000, 1 << 40])
def test_a_code_may_become_hot_in_a_call_of_its_own(patience):
    code, data = assemble(RECURSIVE.format(100)), (20).to_bytes(32, "big")
    machine = hot(patience=patience, heat_limit=3_000, warm_limit=1_000)
    expected = run(interpreter("cancun"), code, data, gas=GAS)
    assert expected.result.success

    for _ in range(4):
        assert run(machine, code, data, gas=GAS) == expected
        assert machine.tier.wait()
    assert machine.tier.region_count


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), gas=st.integers(0, 20_000), patience=st.integers(0, 4_000))
def test_when_a_code_becomes_warm_changes_nothing(machine_of, seed, gas, patience):
    code = Writer(fork("cancun"), seed).program()
    machine = machine_of()
    WORLD.write(machine._world, "patience", patience)

    assert run(machine, code, gas=gas).is_like(run(interpreter("cancun"), code, gas=gas))


@pytest.fixture(scope="module")
def machine_of():
    """Gives a machine that counts heat, and compiles nothing."""
    return functools.cache(lambda: hot(heat_limit=1 << 62))


def test_code_that_runs_little_is_not_compiled(batches):
    machine = hot()

    settled(machine, assemble(SUM.format(1000)))

    assert not batches


def test_a_loop_in_a_region_that_is_left_for_good_gets_its_own(batches):
    machine, code = hot(patience=0), assemble(LONG_INSIDE.format(20_000))

    # The loop becomes hot before what comes after it is seen, so the region from the first byte
    # holds the loop, and ends behind it.
    settled(machine, code, gas=300_000)
    assert batches == [[0]]
    settled(machine, code)

    inner = code.index(0x5B, code.index(0x5B) + 1)
    assert any(inner in heads for heads in batches)


def test_the_helper_process_compiles_untrusted_code():
    machine = NativeMachine(fork("cancun"), State(), tier="hot")
    code = assemble(SUM.format(200_001))

    ran = settled(machine, code)

    assert machine.tier.policy.options.untrusted
    assert machine.tier.region_count
    assert run(machine, code, gas=GAS) == ran


def test_other_machines_of_the_process_find_what_was_compiled(batches):
    code = assemble(SUM.format(200_002))
    ran = settled(hot(), code)
    del batches[:]

    other = hot()

    assert settled(other, code) == ran
    assert other.tier.region_count
    assert not batches


def test_other_processes_find_what_was_compiled(batches, monkeypatch):
    code = assemble(SUM.format(200_003))
    ran = settled(hot(), code)
    del batches[:]
    monkeypatch.setattr(service, "SHELF", store.Shelf())

    other = hot()

    assert settled(other, code) == ran
    assert other.tier.region_count
    assert not batches


def test_what_is_compiled_for_one_code_is_not_taken_for_another(batches):
    machine = hot()
    settled(machine, assemble(SUM.format(200_004)))

    ran = settled(machine, assemble(SUM.format(200_005)))

    assert int.from_bytes(ran.result.output, "big") == 200_005 * 200_004 // 2
    assert len(batches) == 2


@pytest.mark.parametrize("error", [CompileError("no"), CompileTimeoutError(1)])
def test_code_that_cannot_be_compiled_stays_interpreted(monkeypatch, error):
    asked = []

    def refuse(program, regions, options):
        asked.append(len(regions))
        raise error

    monkeypatch.setattr(service, "compile_batch", refuse)
    machine, code = hot(), assemble(NESTED.format(4000))

    ran = settled(machine, code)
    before = list(asked)

    assert ran == settled(machine, code) == run(interpreter("cancun"), code, gas=GAS)
    assert before
    assert machine.tier.region_count == 0
    if isinstance(error, CompileTimeoutError):
        assert asked == before == [before[0]]


def test_one_bad_region_does_not_cost_the_others(monkeypatch):
    def refuse_the_head(program, regions, options):
        if any(region.head == 0 for region in regions):
            raise CompileError("no")
        return store.compile_batch(program, regions, options)

    monkeypatch.setattr(service, "compile_batch", refuse_the_head)
    machine, code = hot(), assemble(SUM.format(200_006))

    settled(machine, code)

    assert machine.tier.region_count == 1


def test_a_closed_tier_compiles_nothing(batches):
    machine = hot()
    machine.tier.close()

    settled(machine, assemble(SUM.format(200_007)))

    assert not batches


def test_a_machine_may_go_while_its_code_is_being_compiled():
    for number in range(5):
        machine = hot()
        run(machine, assemble(SUM.format(200_010 + number)), gas=GAS)
        tier = machine.tier
        del machine
        gc.collect()
        assert tier.wait()


def test_a_code_gets_no_more_compiled_than_it_earned(monkeypatch):
    costs = []

    def spy(program, regions, options):
        costs.extend(region.cost for region in regions)
        return store.compile_batch(program, regions, options)

    monkeypatch.setattr(service, "compile_batch", spy)
    # Many loops in a row, each hot and none like another.
    loops = "".join(
        f"0 l{i}: {i} MUL {i} ADD 1 ADD DUP1 1 SHR 900 GT @l{i} JUMPI POP " for i in range(40)
    )
    machine = hot(cost_allowance=100, gas_per_cost=1 << 40, heat_limit=2_000)

    settled(machine, assemble(loops + "STOP"))

    assert costs
    assert sum(costs) - costs[-1] <= 100


# Code that is made to be dear to compile. --------------------------------------------------------

BOMBS = {
    "stores in one block": "l: " + "0 0 MSTORE " * 4096 + "GAS 100000 LT @l JUMPI STOP",
    "destinations": "l: " + "d: " * 1 + "JUMPDEST " * 20_000 + "GAS 100000 LT @l JUMPI STOP",
    "multiplications": "1 l: " + "DUP1 MUL " * 5000 + "GAS 200000 LT @l JUMPI STOP",
    "jumps around": "".join(f"n{i}: @n{(i * 7 + 1) % 3000} JUMP " for i in range(3000)),
    "branches": "1 l: "
    + "".join(f"DUP1 @n{i} JUMPI 1 n{i}: POP 1 " for i in range(2500))
    + "@l JUMP",
    "words to write back": "l: "
    + "CALLVALUE " * 700
    + "CALLVALUE @cold JUMPI " * 60
    + "POP " * 700
    + "GAS 200000 LT @l JUMPI STOP cold: JUMP",
    "deep stack": "1 " * 900 + "l: " + "SWAP16 DUP16 ADD " * 2000 + "GAS 200000 LT @l JUMPI STOP",
}
LINES_MAX = 14_000


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_the_compiler_little(monkeypatch, name):
    lines = []

    def spy(program, regions, options):
        lines.append(store.text_of(program, regions).count("\n"))
        return store.compile_batch(program, regions, options)

    monkeypatch.setattr(service, "compile_batch", spy)
    machine, code = hot(heat_limit=200, warm_limit=100), assemble(BOMBS[name])

    ran = settled(machine, code, gas=5_000_000)

    assert ran.is_like(run(interpreter("cancun"), code, gas=5_000_000))
    assert lines
    assert sum(lines) <= LINES_MAX, lines
    assert settled(machine, code, gas=5_000_000) == ran
