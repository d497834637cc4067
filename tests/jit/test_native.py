"""Runs of native code: limits, memory, threads."""

import threading
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from numen.ir import interp, parse
from numen.ir.passes.meter import meter
from numen.ir.trap import Reason
from numen.jit import engine
from numen.jit.native import Native, Run, new_memory
from numen.kernels.options import Options
from tests.strategies import ir as strategies

FOREVER = """
program main(x: u64) -> u64
func main -> (u64)
start(x: u64):
    jump loop(x)
loop(a: u64):
    b = wrapping_mul.u64 a, x
    jump loop(b)
"""

COUNTED = """
program main(n: u64) -> u64
func main -> (u64)
start(n: u64):
    zero = const.u64 0
    one = const.u64 1
    jump loop(zero, n)
loop(i: u64, a: u64):
    more = lt.u64 i, n
    branch more, body(), done()
body():
    b = wrapping_mul.u64 a, a
    c = xor.u64 b, i
    j = wrapping_add.u64 i, one
    jump loop(j, c)
done():
    return a
"""

CANARY = 0xA5


def native_of(text: str, **options) -> Native:
    module = meter(parse.parse_module(text.strip()))
    return engine.translate(module, options=Options(**{"passes": "O2", **options}))


def test_a_program_that_never_ends_stops_at_its_limit():
    outcome = native_of(FOREVER).run([3], work_limit=10**8)

    assert outcome.trap.reason is Reason.WORK_LIMIT
    assert outcome.work == 10**8


def test_a_loop_that_would_cost_more_than_can_be_counted_stops_at_the_limit():
    native = native_of(COUNTED)

    for limit in (1, 10**6, 2**64 - 1, 2**70):
        outcome = native.run([2**64 - 1], work_limit=limit)

        assert outcome.trap.reason is Reason.WORK_LIMIT
        assert outcome.work == min(limit, 2**64 - 1)


def test_the_limit_is_the_last_unit_that_may_be_used():
    native = native_of(COUNTED)
    needed = native.run([10], work_limit=10**6).work

    assert native.run([10], work_limit=needed).trap is None
    assert native.run([10], work_limit=needed - 1).trap.reason is Reason.WORK_LIMIT


@given(drawn=strategies.runs(), skew=st.integers(0, 63))
@settings(max_examples=30)
def test_nothing_outside_the_memory_of_a_run_is_touched(drawn, skew):
    module, args = drawn
    module = meter(module)
    native = engine.translate(module, options=Options(passes="loops"), cached=False)
    guard, size = 4096, native.layout.total_bytes
    memory = bytearray([CANARY]) * (guard + size + guard)
    view = memoryview(memory)[guard - skew : guard - skew + size + 64]
    run = Run(native, view)

    run.prepare(args)
    run.execute(work_limit=10**4)

    # What lies inside is filled with rubbish as well, and must not show.
    assert run.outcome() == interp.run(module, args, work_limit=10**4)
    assert set(memory[: guard - skew]) == {CANARY}
    assert set(memory[guard - skew + 64 + size :]) == {CANARY}


def test_a_run_can_be_prepared_again():
    native = native_of(COUNTED)
    run = Run(native, new_memory(native.layout))

    seen = []
    for n in (5, 6, 5):
        run.prepare([n])
        run.execute(work_limit=10**6)
        seen.append(run.outcome())

    assert seen[0] == seen[2] != seen[1]


def test_python_goes_on_while_native_code_runs():
    native = native_of(COUNTED)
    outcomes = []
    thread = threading.Thread(
        target=lambda: outcomes.append(native.run([3 * 10**8], work_limit=10**12))
    )

    thread.start()
    ticks = 0
    while thread.is_alive():
        time.sleep(0.001)
        ticks += 1

    # With the GIL held there would be a tick or two, at the start and at the end.
    assert ticks > 10
    assert outcomes[0].trap is None


def test_threads_run_one_program_at_the_same_time():
    native = native_of(COUNTED)
    expected = {n: native.run([n], work_limit=10**9) for n in range(100_000, 100_008)}
    found = {}

    def work(n: int) -> None:
        found[n] = native.run([n], work_limit=10**9)

    threads = [threading.Thread(target=work, args=(n,)) for n in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == expected
