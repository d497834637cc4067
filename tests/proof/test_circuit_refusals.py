"""What the circuit compiler refuses, and where it says the reason lies."""

import pytest

from numen.ir.check import check
from numen.ir.nodes import Module
from numen.ir.parse import parse_module
from numen.lang.compile import compile_source
from numen.proof.circuit import Circuit, compile_circuit
from numen.proof.circuit_errors import (
    CircuitRefusalError,
    TooLargeError,
    UnboundedLoopError,
    UnsupportedError,
)
from numen.proof.errors import CircuitError
from numen.proof.lc import LC
from numen.proof.wires import Limits, Wires


def parsed(text: str) -> Module:
    module = parse_module(text)
    check(module)
    return module


def source(text: str, **options: Limits) -> Circuit:
    return compile_circuit(compile_source(text), **options)


def refused(text: str, **options: Limits) -> CircuitRefusalError:
    with pytest.raises(CircuitRefusalError) as caught:
        source(text, **options)
    return caught.value


def test_a_loop_that_depends_on_the_inputs_is_refused_where_it_stands():
    error = refused(
        "def main(n: u64) -> u64:\n    while n > 1:\n        n = n // 2\n    return n\n"
    )

    assert isinstance(error, UnboundedLoopError)
    assert error.place is not None
    assert error.place.line == 2
    assert "cannot be bounded" in str(error)
    assert "prove --system stark" in str(error)


def test_a_range_that_depends_on_the_inputs_is_refused():
    error = refused("""
def main(n: u64) -> u64:
    t = 0
    for i in range(n):
        t += i
    return t
""")

    assert isinstance(error, UnboundedLoopError)
    assert error.place is not None
    assert error.place.line == 4


def test_a_loop_of_four_billion_rounds_is_refused_before_it_begins():
    error = refused("""
def main(a: u64) -> u64:
    for i in range(2**32):
        a = a ^ i
    return a
""")

    assert isinstance(error, TooLargeError)
    assert error.needed >= 2**32
    assert error.place is not None
    assert error.place.line == 3


def test_a_bound_of_another_time_is_not_a_bound_of_this_one():
    # The second time the loop begins, its bound is not yet what the first time left behind.
    circuit = source("""
BOUNDS: list[u64, 5] = [3_000_000_000, 3_000_000_000, 2, 2, 2]

def main(a: u64) -> u64:
    start: u64 = 2_999_999_999
    place: u64 = 0
    for _ in range(2):
        i = start
        while i < BOUNDS[place]:
            a = a ^ i
            i += 1
            place += 1
        start = 0
        place = 2
    return a
""")

    assert circuit.witness([1]).results == (1 ^ 2_999_999_999 ^ 0 ^ 1,)


LONG = """
def main(a: u32, b: u32) -> u32:
    for i in range({rounds}):
        a = a ^ b{more}
    return a
"""


def test_a_loop_of_too_many_constraints_is_refused_after_a_sixteenth_of_them():
    made: list[int] = []

    class Counting(Wires):
        def __init__(self, limits: Limits) -> None:
            super().__init__(limits)
            made.append(0)

        def constrain(self, *row: LC) -> None:
            made[0] += 1
            super().constrain(*row)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("numen.proof.circuit.Wires", Counting)
        error = refused(LONG.format(rounds=2000, more=""), limits=Limits(constraints=32 * 1990))

    assert isinstance(error, TooLargeError)
    assert error.what == "constraints"
    # Both words have a lowest bit that is a sum, and takes a wire as an operand.
    assert error.needed == 32 * 2000 + 64 + 2
    assert error.place is not None
    assert error.place.line == 3
    assert made[0] <= 32 * 130 + 64


def test_a_loop_whose_later_rounds_are_cheap_is_not_refused_for_its_first():
    text = LONG.format(rounds=64, more=" if i < 32 else b")

    assert source(text, limits=Limits(constraints=32 * 32 + 200)).constraint_count <= 32 * 34


def test_steps_are_limited():
    text = "def main(a: u64) -> u64:\n    for i in range(100):\n        a = a ^ i\n    return a\n"
    needed = 2000

    source(text, limits=Limits(steps=needed))
    assert isinstance(refused(text, limits=Limits(steps=50)), TooLargeError)


def test_constraints_are_limited_to_the_last_one():
    text = "def main(a: u32, b: u32) -> u32:\n    return a + b\n"

    assert source(text, limits=Limits(constraints=97)).constraint_count == 97
    error = refused(text, limits=Limits(constraints=96))
    assert isinstance(error, TooLargeError | CircuitError)


def test_a_loop_without_end_is_refused():
    module = parsed("""program main(a: u64) -> u64

func main -> (u64)
start(a: u64):
    jump again()
again():
    jump again()
""")

    with pytest.raises(TooLargeError, match="steps"):
        compile_circuit(module, limits=Limits(steps=10_000))


def test_jumps_into_a_loop_are_refused():
    module = parsed("""program main(a: bool) -> bool

func main -> (bool)
start(a: bool):
    branch a, left(), right()
left():
    branch a, right(), done()
right():
    branch a, left(), done()
done():
    return a
""")

    with pytest.raises(UnsupportedError, match="middle of a loop"):
        compile_circuit(module)


def test_inputs_and_results_are_limited_before_they_are_made():
    text = "def main(a: list[felt, 4000000]) -> felt:\n    return a[0]\n"
    assert isinstance(refused(text), TooLargeError)
    text = (
        "def main(a: felt) -> list[felt, 4000000]:\n    xs = [felt(0)] * 4000000\n    return xs\n"
    )
    assert isinstance(refused(text), TooLargeError)


FILLED = """
def main(i: u64) -> u64:
    xs = [u64({fill})] * 100000
    total = 0
    for _ in range(1000):
        total += xs[i % 100000]
    return total
"""


def test_looking_through_large_arrays_is_limited():
    limits = Limits(steps=500_000)

    assert isinstance(refused(FILLED.format(fill=7), limits=limits), TooLargeError)
    assert source(FILLED.format(fill=0), limits=limits).witness([5]).results == (0,)
