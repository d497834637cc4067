"""Every pass keeps what every program means, and finds nothing to do when it runs again."""

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from numen.ir import interp
from numen.ir.check import check
from numen.ir.nodes import Module
from numen.ir.ops import Op
from numen.ir.passes.inline import inline_calls
from numen.ir.passes.meter import meter, meter_blocks
from numen.ir.pipeline import LEVELS, PASSES, misplaced, optimise
from tests.strategies.ir import modules, runs

SETTLED_RUNS = 4
"""Runs of narrowing after which the small programs of the strategies hold nothing to narrow."""

ENOUGH = 10**9
"""Work units that no program of the strategies needs."""


def apply(name: str, module: Module) -> Module:
    functions = {key: PASSES[name].run(fn) for key, fn in module.functions.items()}
    return replace(module, functions=functions)


@pytest.mark.parametrize("name", PASSES)
@given(run=runs())
def test_a_pass_keeps_results_and_traps(name, run):
    module, args = run

    after = apply(name, module)

    check(after)
    assert interp.run(after, args, work_limit=1) == interp.run(module, args, work_limit=1)


@pytest.mark.parametrize("name", [name for name in PASSES if name != "narrow"])
@given(module=modules())
def test_a_second_run_changes_nothing(name, module):
    once = apply(name, module)

    assert apply(name, once) == once


@given(module=modules())
def test_narrowing_comes_to_an_end(module):
    """A branch that narrowing decides may show more to the next run, but not for ever."""
    for _ in range(SETTLED_RUNS):
        module = apply("narrow", module)

    assert apply("narrow", module) == module


@given(run=runs())
def test_inlining_keeps_results_and_traps(run):
    module, args = run

    after = inline_calls(module)

    check(after)
    assert interp.run(after, args, work_limit=1) == interp.run(module, args, work_limit=1)


@settings(max_examples=100)
@given(run=runs(statements_max=24))
def test_the_whole_sequence_keeps_results_and_traps(run):
    module, args = run

    after = optimise(module)

    check(after)
    assert interp.run(after, args, work_limit=1) == interp.run(module, args, work_limit=1)


@settings(max_examples=100)
@given(run=runs())
def test_meters_charge_the_same_whether_together_or_block_by_block(run):
    module, args = run

    together = interp.run(meter(module), args, work_limit=ENOUGH)
    apart = interp.run(meter_blocks(module), args, work_limit=ENOUGH)

    assert (together.results, together.trap) == (apart.results, apart.trap)
    assert together.trap or together.work == apart.work


@given(module=modules())
def test_metered_modules_are_well_formed(module):
    metered = meter(module)

    check(metered, is_metered=True)
    assert any(i.op is Op.METER for i in metered.functions[module.entry].entry.body)


@pytest.mark.parametrize("names", LEVELS.values(), ids=LEVELS)
def test_passes_stand_after_those_they_need(names):
    assert not misplaced(names)


def test_a_pass_before_one_that_it_needs_is_named():
    assert misplaced(("narrow", "fold")) == ("narrow",)
    assert misplaced(("fold", "number_values", "inline_calls", "narrow")) == ()
