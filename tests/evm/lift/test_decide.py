"""What a branch decided is decided below it, and nowhere else."""

from numen.evm.lift.decide import decide_again
from numen.ir.check import check
from numen.ir.parse import parse_module
from numen.ir.text import print_function


def decided(text: str) -> str:
    module = parse_module(f"program f(a: u64, b: u64) -> u64\n\n{text}")
    check(module)
    fn = decide_again(module.functions["f"])
    return print_function(fn)


def test_below_both_ways_of_a_branch_the_condition_is_known():
    found = decided("""\
func f -> (u64)
start(a: u64, b: u64):
    c = lt.u64 a, b
    branch c, less(), more()
less():
    x = select.u64 c, a, b
    jump end(x)
more():
    y = select.u64 c, a, b
    jump end(y)
end(z: u64):
    w = select.u64 c, z, a
    return w
""")

    assert "x = select.u64 true$1, a, b" in found
    assert "y = select.u64 false$0, a, b" in found
    assert "w = select.u64 c, z, a" in found, "both ways lead here"


def test_a_condition_turned_around_is_known_too():
    found = decided("""\
func f -> (u64)
start(a: u64, b: u64):
    c = lt.u64 a, b
    d = not.bool c
    branch d, more(), less()
more():
    branch c, less(), end()
end():
    return a
less():
    return b
""")

    assert "branch false$0, less(), end()" in found


def test_nothing_is_known_in_a_block_that_other_ways_lead_to():
    text = """\
func f -> (u64)
start(a: u64, b: u64):
    c = lt.u64 a, b
    branch c, loop(a), end()
loop(i: u64):
    branch c, loop(b), end()
end():
    return a
"""

    assert "branch c, loop(b), end()" in decided(text)
