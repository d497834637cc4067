"""Native code stays inside of its arrays, memories and work, whatever indices and loops do."""

import pytest

from numen.ir import interp
from numen.ir.outcome import Outcome
from numen.ir.parse import parse_module
from numen.ir.passes.meter import meter
from numen.ir.program import Program, program_from_module
from numen.ir.trap import Reason
from numen.ir.types import WORDS
from numen.jit import engine
from numen.lang import compile_source

FAR = [2**31 - 1, 2**31, 2**32, 2**60, 2**61, 2**63 - 1, 2**63, 2**64 - 8, 2**64 - 1]
"""Indices that become small, or negative, where somebody multiplies or truncates them."""


def both(program: Program, args: list[int | list[int]], limit: int = 10**6) -> Outcome:
    """The outcome of native code, which must be the interpreter's."""
    found = engine.run(program, args, work_limit=limit)
    assert found == interp.run(program.metered, args, work_limit=limit)
    return found


MEMORY = """program main(at: u64, value: {word}) -> u64

func main -> (u64)
start(at: u64, value: {word}):
    before = memory.memory[{size}]
    m = memory.memory[{size}]
    after = memory.memory[{size}]
    store.{word} m, at, value
    again = load.{word} m, at
    same = eq.{word} again, value
    require same, "lost"
    zero = const.u64 0
    last = const.u64 {last}
    a = load.u64 before, zero
    b = load.u64 before, last
    c = load.u64 after, zero
    d = load.u64 after, last
    e = or.u64 a, b
    f = or.u64 c, d
    g = or.u64 e, f
    return g
"""


@pytest.mark.parametrize("word", WORDS)
def test_a_memory_is_touched_inside_only(word):
    size, width = 40, WORDS[word].size_bytes
    text = MEMORY.format(word=word, size=size, last=size - 8)
    program = program_from_module(parse_module(text))

    for at in [*range(size + 2), *FAR, *(2**64 - back for back in range(1, 40))]:
        outcome = both(program, [at, WORDS[word].high])
        if at + width <= size:
            assert outcome.results == (0,)
        else:
            assert outcome.trap is not None
            assert outcome.trap.reason is Reason.INDEX


ARRAY = """program main(at: u64, part: u64, value: {word}) -> bool

func main -> (bool)
start(at: u64, part: u64, value: {word}):
    before = array.[4 x {word}]
    m = array.[7 x {word}]
    after = array.[4 x {word}]
    s = slice.[7 x {word}].[5 x {word}] m, part
    t = slice.[5 x {word}].[3 x {word}] s, part
    set.[3 x {word}] t, at, value
    again = get.[3 x {word}] t, at
    same = eq.{word} again, value
    require same, "lost"
    zero = const.u64 0
    last = const.u64 3
    nothing = const.{word} 0
    a = get.[4 x {word}] before, last
    b = get.[4 x {word}] after, zero
    c = eq.{word} a, nothing
    d = eq.{word} b, nothing
    e = and.bool c, d
    return e
"""


@pytest.mark.parametrize("word", WORDS)
def test_a_view_of_a_view_is_touched_inside_only(word):
    program = program_from_module(parse_module(ARRAY.format(word=word)))

    for part in [0, 1, 2, 3, *FAR]:
        for at in [0, 1, 2, 3, 4, *FAR, 2**64 - 2]:
            outcome = both(program, [at, part, WORDS[word].high])
            assert (outcome.results == (1,)) == (part <= 2 and at <= 2)


SPINS = {
    "empty blocks": """
start(n: u64):
    jump a()
a():
    jump b()
b():
    jump a()
""",
    "a step of zero": """
start(n: u64):
    zero = const.u64 0
    one = const.u64 1
    step = and.u64 n, zero
    jump head(zero)
head(i: u64):
    more = lt.u64 i, n
    branch more, body(), done()
body():
    next = add.u64 i, step
    jump head(next)
done():
    return one
""",
    "a step that wraps": """
start(n: u64):
    zero = const.u64 0
    end = const.u64 18446744073709551615
    jump head(zero)
head(i: u64):
    more = lt.u64 i, end
    branch more, body(), done()
body():
    next = wrapping_add.u64 i, n
    jump head(next)
done():
    return i
""",
    "two long loops": """
start(n: u64):
    zero = const.u64 0
    one = const.u64 1
    jump outer(zero)
outer(i: u64):
    more = lt.u64 i, n
    branch more, inside(), done()
inside():
    jump inner(zero)
inner(j: u64):
    again = lt.u64 j, n
    branch again, body(), over()
body():
    k = add.u64 j, one
    jump inner(k)
over():
    next = add.u64 i, one
    jump outer(next)
done():
    return one
""",
    "a way into the middle": """
start(n: u64):
    zero = const.u64 0
    c = lt.u64 zero, n
    branch c, a(), b()
a():
    jump b()
b():
    branch c, a(), done()
done():
    return n
""",
}


@pytest.mark.parametrize("limit", [1, 5, 1000, 40_000])
@pytest.mark.parametrize("name", SPINS)
def test_what_never_ends_stops_at_its_limit(name, limit):
    text = f"program main(n: u64) -> u64\n\nfunc main -> (u64)\n{SPINS[name].lstrip()}"
    program = program_from_module(parse_module(text))

    outcome = both(program, [2**63 + 1], limit)

    assert outcome.work == limit
    assert outcome.trap is not None
    assert outcome.trap.reason is Reason.WORK_LIMIT


def chain(depth: int, line: str) -> str:
    """Functions of which each calls the one before twice: exponential in time, linear in size."""
    heads = ["def f0(x: u64) -> u64:\n    return wrapping_mul(x, x) ^ 5\n"]
    for i in range(1, depth):
        heads += [f"def f{i}(x: u64) -> u64:\n", f"    return {line.format(below=f'f{i - 1}')}\n"]
    return "".join(heads) + f"def main(x: u64) -> u64:\n    return f{depth - 1}(x)\n"


@pytest.mark.parametrize("line", ["{below}({below}(x))", "{below}(x) ^ {below}(x ^ 1)"])
def test_calls_that_double_stop_at_the_limit(line):
    program = program_from_module(compile_source(chain(60, line)))

    outcome = both(program, [3], 20_000)

    assert (
        sum(len(b.body) for fn in program.module.functions.values() for b in fn.blocks.values())
        < 20_000
    )
    assert outcome.work == 20_000
    assert outcome.trap is not None
    assert outcome.trap.reason is Reason.WORK_LIMIT


def test_a_trap_deep_in_calls_is_that_of_its_line():
    source = "def f0(x: u64) -> u64:\n    return 100 // x\n"
    for i in range(1, 60):
        source += f"def f{i}(x: u64) -> u64:\n    return f{i - 1}(x - 1) ^ x\n"
    source += "def main(x: u64) -> u64:\n    return f59(x)\n"
    module = compile_source(source)
    program = program_from_module(module)

    outcome = both(program, [59])

    assert outcome.trap == interp.run(meter(module), [59], work_limit=10**6).trap
    assert outcome.trap is not None
    assert outcome.trap.reason is Reason.DIVISION_BY_ZERO
    assert outcome.trap.place is not None
    assert outcome.trap.place.line == 2
    assert both(program, [60]).results is not None
