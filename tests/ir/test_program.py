"""Programs: one object whether compiled or loaded, and bounded in what they cost to load."""

import sys

import pytest
from hypothesis import given, settings

from numen.base.errors import Place
from numen.ir import codec, interp
from numen.ir.check import check
from numen.ir.codec import DecodeError
from numen.ir.nodes import BasicBlock, Branch, Edge, Function, Jump, Label, Module, Return
from numen.ir.parse import parse_module
from numen.ir.pipeline import LEVELS
from numen.ir.program import load, program_from_module, work_by_place
from tests.strategies.ir import modules, runs

ENOUGH = 10**9
"""Work units that no program of the strategies needs."""


@given(module=modules())
def test_a_program_is_what_its_bytes_say(module):
    program = program_from_module(module)

    assert load(program.code) == program
    assert program.id == codec.split(program.code).id
    assert program.interface == module.interface
    check(program.metered, is_metered=True)


@settings(max_examples=100)
@given(run=runs())
def test_every_level_gives_the_same_results_and_traps(run):
    module, args = run

    outcomes = [
        interp.run(program_from_module(module, level=level).metered, args, work_limit=ENOUGH)
        for level in LEVELS
    ]

    assert len({str((outcome.results, outcome.trap)) for outcome in outcomes}) == 1


@settings(max_examples=50)
@given(run=runs())
def test_a_limit_stops_a_run_exactly_when_it_is_used_up(run):
    module, args = run
    metered = program_from_module(module).metered
    whole = interp.run(metered, args, work_limit=ENOUGH)

    assert interp.run(metered, args, work_limit=whole.work) == whole
    if whole.trap is None and whole.work > 1:
        stopped = interp.run(metered, args, work_limit=whole.work - 1)
        assert stopped.trap is not None
        assert stopped.work == whole.work - 1


TWICE = """
program main(a: u64) -> u64

func twice -> (u64)
start(x: u64):
    big = array.[64 x u64] @ "lib.py":1:1
    y = add.u64 x, x @ "lib.py":2:5
    return y

func main -> (u64)
start(a: u64):
    b = call twice(a) @ "job.py":3:9
    c = mul.u64 b, b @ "job.py":3:20
    d = sub.u64 c, a
    return d
"""


def test_work_is_told_line_by_line():
    assert work_by_place(parse_module(TWICE)) == {
        Place("lib.py", 1, 1): 9,
        Place("lib.py", 2, 1): 1,
        Place("job.py", 3, 1): 6,
        None: 1,
    }


def test_storage_is_known_before_a_run():
    assert program_from_module(parse_module(TWICE), level="O0").storage_bytes == 512
    assert program_from_module(parse_module(TWICE)).storage_bytes == 0


def test_two_levels_are_two_programs():
    module = parse_module(TWICE)

    assert len({program_from_module(module, level=level).id for level in LEVELS}) == len(LEVELS)


def graph(blocks: dict[Label, BasicBlock]) -> Module:
    head = parse_module("program f(c: bool) -> tuple[]\n\nfunc f -> ()\nentry(c: bool):\n return\n")
    entry = {"entry": BasicBlock(head.functions["f"].params, (), Jump(Edge(next(iter(blocks)))))}
    return Module({"f": Function("f", (), entry | blocks)}, "f", head.interface)


def block(then: Label, other: Label) -> BasicBlock:
    return BasicBlock((), (), Branch("c", Edge(then), Edge(other)))


def nest(depth: int) -> Module:
    """Loops one in another."""
    blocks = {
        f"h{i}": block(f"h{i + 1}" if i + 1 < depth else f"l{i}", f"l{i - 1}" if i else "done")
        for i in range(depth)
    }
    blocks |= {f"l{i}": BasicBlock((), (), Jump(Edge(f"h{i}"))) for i in range(depth)}
    return graph({**blocks, "done": BasicBlock((), (), Return())})


def ladder(length: int) -> Module:
    """Two chains in opposite directions, with rungs: no block dominates many others."""
    last = length - 1
    blocks = {"split": block("a0", f"b{last}")}
    for i in range(length):
        blocks[f"a{i}"] = block(f"a{i + 1}" if i < last else "done", f"b{i}")
        blocks[f"b{i}"] = block(f"b{i - 1}" if i else "done", f"a{i}")
    return graph({**blocks, "done": BasicBlock((), (), Return())})


def lines_run(work) -> int:
    """Lines of Python that a call takes: a measure that no other process can change."""
    count = 0

    def trace(_frame, event, _arg):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", [nest, ladder])
def test_no_shape_of_control_flow_takes_more_than_about_linear_work(shape):
    counts = []
    for size in (60, 480):
        code = codec.encode(shape(size))
        counts.append(lines_run(lambda code=code: load(code)))

    # Eight times the size: linear is 8, quadratic 64.
    assert counts[1] < 16 * counts[0]


@pytest.mark.slow
@settings(max_examples=100)
@given(module=modules(statements_max=40))
def test_large_programs_round_trip(module):
    program = program_from_module(module)

    assert codec.encode(program.module) == program.code


def test_a_program_of_nothing_is_refused():
    with pytest.raises(DecodeError):
        load(b"")
