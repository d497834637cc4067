"""Lowered programs do on the machine what the interpreter says they mean."""

import pytest
from hypothesis import HealthCheck, given, settings

from numen.ir import interp
from numen.ir.passes.meter import meter
from numen.ir.pipeline import optimise
from numen.lang import compile_source
from numen.proof.machine.errors import (
    MachineTrapError,
    ProgramTooLargeError,
    RunTooLongError,
)
from numen.proof.machine.lower import lower
from tests.proof.machine.runs import emulate_module
from tests.strategies.ir import runs

ENOUGH = 10**9
QUICK = settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)

LOOP = """
from numen import u64
def main(n: u64) -> u64:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
"""


def agree(module, args):
    expected = interp.run(meter(module), args, work_limit=ENOUGH)
    try:
        results, trap = emulate_module(module, args)[0], None
    except MachineTrapError as error:
        results, trap = None, error.trap
    assert (results, trap) == (expected.results, expected.trap)


CALLED = """
from numen import u64
def halves(n: u64) -> tuple[u64, u64]:
    return n // 2, n - n // 2
def main(n: u64) -> u64:
    a, b = halves(n)
    for i in range(n):
        a, b = b, a + i
    return a
"""


@pytest.mark.parametrize("n", [0, 1, 7])
def test_results_of_calls_may_begin_a_loop(n):
    agree(compile_source(CALLED, file="called.py"), [n])


NUMBERS = """
from numen.std.decimals import mul
from numen.std.exponential import power
from numen.std.floats import add, fma, sqrt
from numen.std.sorting import order_u64
def main(x: u64, y: u64, a: u128, b: i128) -> tuple[u64, u64, u128, list[u64, 4]]:
    return add(x, y), fma(x, y, sqrt(x)), mul(a, power(a, b), 0), order_u64([x, y, 7, x])
"""


def test_libraries_of_numbers_agree():
    module = optimise(compile_source(NUMBERS, file="numbers.py"))
    one = 0x3FF << 52

    agree(module, [one + 3, one + 2**53 + 99, 3 * 10**18 // 2, -(10**18) // 3])
    agree(module, [1, one | 1 << 63, 10**18, 10**18])
    agree(module, [one, one, 0, -1])


@QUICK
@given(run=runs())
def test_programs_as_written_agree(run):
    module, args = run

    agree(module, args)


@QUICK
@given(run=runs())
def test_optimised_programs_agree(run):
    module, args = run

    agree(optimise(module), args)


@pytest.mark.slow
@settings(max_examples=400, suppress_health_check=list(HealthCheck), deadline=None)
@given(run=runs())
def test_many_programs_agree(run):
    module, args = run

    agree(module, args)
    agree(optimise(module), args)


def test_a_round_of_a_loop_costs_as_many_cycles_as_it_has_operations():
    module = optimise(compile_source(LOOP, file="loop.py"))

    (_, few), (_, many) = emulate_module(module, [10]), emulate_module(module, [90])

    # Add, two moves at most, count, branch.
    assert (many - few) / 80 <= 5


def test_lowering_depends_on_nothing_but_the_module():
    module = optimise(compile_source(LOOP, file="loop.py"))

    assert lower(module) == lower(module)


def test_a_run_that_does_not_end_in_time_is_refused():
    module = optimise(compile_source(LOOP, file="loop.py"))

    with pytest.raises(RunTooLongError):
        emulate_module(module, [90], cycles_max=100)


def test_a_program_with_too_much_memory_is_refused_at_its_line():
    text = "from numen import u64\ndef main(n: u64) -> u64:\n    a = [u64(0)] * 1100000\n"
    text += "    a[n] = 1\n    return a[0]\n"

    with pytest.raises(ProgramTooLargeError) as refused:
        lower(optimise(compile_source(text, file="large.py")))

    assert refused.value.place is not None
    assert refused.value.place.line == 3
