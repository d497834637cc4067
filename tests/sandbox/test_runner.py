"""Programs of strangers, run in the sandbox: what they give, what they may take, how they end."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import numen
from numen.ir.interface import InputError
from numen.jit.engine import compile_object
from numen.sandbox import jobs, runner
from numen.sandbox.confine import Limits
from numen.sandbox.errors import (
    AnswerError,
    KilledError,
    NativeRefusedError,
    RejectedError,
    StartError,
)
from numen.sandbox.jobs import Compile, Compiled, Ended, Rejected, Run, pack, unpack
from numen.sandbox.probe import Check
from numen.sandbox.runner import Sandbox
from numen.vm import machine, payload
from tests.sandbox.inside import isolation, needs_jail

QUICK = Limits(memory_bytes=1 << 29, cpu_s=2, wall_s=3, work=10**15)

ADD = numen.compile("def main(a, b):\n    return a + b\n").program

WORDS = numen.compile(
    """
from numen import u8, u64, i64, u256

def main(xs: list[i64, 3], big: u256, small: u8) -> tuple[i64, u256, u8]:
    total: i64 = 0
    for i in range(3):
        total += xs[i]
    return total, big // 3, small + 1
"""
).program

SPIN = numen.compile(
    """
from numen import u64

def main(n: u64) -> u64:
    i: u64 = 0
    while i != n:
        i = i * 3 % 7
    return i
"""
).program

MANY = numen.compile(
    """
from numen import u64

def main(n: u64) -> list[u64, 5000]:
    xs: list[u64, 5000] = [n] * 5000
    return xs
"""
).program


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(isolation()) as made:
        yield made


def without(part: str):
    """This machine, if it lacked something."""
    return msgspec.structs.replace(
        isolation(), bubblewrap=None, **{part: Check(is_there=False, says="it is not there")}
    )


@needs_jail
@pytest.mark.parametrize("engine", ["auto", "jit", "interp"])
@pytest.mark.parametrize(
    ("program", "inputs"),
    [
        (ADD, [2, 3]),
        (WORDS, [[1, -2, -3], 2**256 - 1, 7]),
        (WORDS, [[2**63 - 1, 1, 0], 0, 0]),  # overflows: a trap
        (WORDS, [[0, 0, 0], 0, 255]),
        (MANY, [9]),
    ],
)
def test_a_run_is_the_same_inside_and_outside(sandbox, engine, program, inputs):
    outside = machine.run(program, inputs, engine=engine)
    inside = sandbox.run(program, inputs, engine=engine)

    assert inside == outside


@needs_jail
def test_the_work_limit_is_a_trap_as_ever(sandbox):
    limits = msgspec.structs.replace(QUICK, work=1000)

    assert sandbox.run(SPIN, [0], limits=limits).trap is None
    inside = sandbox.run(SPIN, [9], limits=limits)
    assert inside == machine.run(SPIN, [9], work_limit=1000)


@needs_jail
def test_inputs_of_another_shape_do_not_go_in(sandbox):
    for inputs in ([1], [1, 2, 3], ["x", 1]):
        with pytest.raises(InputError):
            sandbox.run(ADD, inputs)


@needs_jail
@pytest.mark.parametrize(
    ("code", "inputs"),
    [(b"", b""), (b"\x00nmn\x01garbage", b""), (ADD.code[:-1], b""), (ADD.code, b"\1" * 63)],
    ids=["nothing", "garbage", "cut", "half a word"],
)
def test_what_is_no_program_is_rejected_inside(sandbox, code, inputs):
    for job in (Run(code, inputs, None), Run(code, inputs, b"no object")):
        with pytest.raises(RejectedError):
            sandbox._run(job, QUICK)


@needs_jail
def test_a_program_is_compiled_once(sandbox, monkeypatch):
    program = numen.compile("def main(a):\n    return a * a + 77\n").program
    asked = []
    ask = sandbox._ask
    monkeypatch.setattr(sandbox, "_ask", lambda job, limits: asked.append(job) or ask(job, limits))
    assert [sandbox.run(program, [n]).value for n in range(3)] == [77, 78, 81]

    assert [type(job) for job in asked] == [Compile, Run, Run, Run]


@needs_jail
def test_what_cannot_be_compiled_is_interpreted_unless_native_code_is_asked_for(sandbox):
    program = numen.compile("def main(a):\n    return a * a + 78\n").program
    sandbox._keep(program.id, Rejected("TooLargeError", "it is too large"))
    result = sandbox.run(program, [2])

    assert (result.value, result.engine, result.fallback) == (82, "interp", "it is too large")
    with pytest.raises(RejectedError, match="too large"):
        sandbox.run(program, [2], engine="jit")


@needs_jail
@pytest.mark.slow
def test_a_compiler_that_takes_too_much_is_given_up_and_not_asked_again(monkeypatch):
    lines = "\n".join(f"    x = x * {n} + (x ^ {n})" for n in range(3, 6000))
    program = numen.compile(
        f"from numen import u256\ndef main(x: u256) -> u256:\n{lines}\n    return x\n"
    ).program
    monkeypatch.setattr(runner, "COMPILING", Limits(cpu_s=1))
    with Sandbox(isolation()) as made:
        for _ in range(2):
            result = made.run(program, [0])
            assert result.engine == "interp"
            assert result.fallback
        assert isinstance(made._compiled[program.id], Rejected)


@needs_jail
def test_a_program_with_much_stack_has_a_thread_inside(sandbox):
    made = compile_object(ADD)
    deep = (4 << 20).to_bytes(8, "big") + made[8:]
    job = Run(ADD.code, payload.encode_inputs(ADD, [2, 3]), deep)

    assert payload.decode_output(ADD, sandbox._run(job, QUICK).output) == 5


@needs_jail
def test_native_code_is_not_kept_for_ever(monkeypatch):
    monkeypatch.setattr(runner, "COMPILED_MAX", 2)
    with Sandbox(isolation()) as made:
        for number in range(4):
            made._keep(bytes([number]), Compiled(b""))
        assert list(made._compiled) == [b"\2", b"\3"]


@needs_jail
def test_a_program_over_its_storage_is_rejected(sandbox):
    with pytest.raises(RejectedError, match="StorageError"):
        sandbox.run(MANY, [1], limits=msgspec.structs.replace(QUICK, storage_bytes=1000))


@needs_jail
@pytest.mark.parametrize(
    ("limits", "engine", "reason"),
    [
        ({"cpu_s": 1, "wall_s": 60}, "jit", "processor time"),
        ({"wall_s": 1}, "interp", "more than 1 s"),
    ],
)
def test_an_endless_loop_is_ended(sandbox, limits, engine, reason):
    with pytest.raises(KilledError, match=reason):
        sandbox.run(SPIN, [9], limits=msgspec.structs.replace(QUICK, **limits), engine=engine)
    assert sandbox.run(ADD, [1, 1]).value == 2


@needs_jail
def test_a_longer_answer_than_allowed_is_not_heard(sandbox):
    with pytest.raises(AnswerError, match="more than"):
        sandbox.run(MANY, [1], limits=msgspec.structs.replace(QUICK, output_bytes=1000))
    assert sandbox.run(ADD, [1, 1]).value == 2


@needs_jail
def test_memory_is_bounded(sandbox):
    """Python and LLVM alone take most of this."""
    limits = msgspec.structs.replace(QUICK, memory_bytes=1 << 28)
    huge = numen.compile(
        "from numen import u256\n"
        "def main(n: u256) -> u256:\n"
        "    xs: list[u256, 4000000] = [n] * 4000000\n"
        "    return xs[3]\n"
    ).program
    with pytest.raises((RejectedError, KilledError)):
        sandbox.run(huge, [1], limits=limits)


@needs_jail
def test_threads_share_it_and_a_slow_job_holds_nobody_up(sandbox):
    with ThreadPoolExecutor(5) as pool:
        slow = pool.submit(sandbox.run, SPIN, [9], limits=QUICK)
        found = list(pool.map(lambda n: sandbox.run(ADD, [n, 1]).value, range(8)))
        assert found == [n + 1 for n in range(8)]
        assert not slow.done()
        with pytest.raises(KilledError):
            slow.result()


@needs_jail
def test_a_jail_that_died_is_made_again():
    with Sandbox(isolation()) as made:
        assert made.run(ADD, [1, 2]).value == 3
        first = made._process
        first.kill()
        first.wait()
        assert made.run(ADD, [1, 2]).value == 3
        assert made._process.pid != first.pid


@needs_jail
def test_a_jail_outlives_the_thread_that_started_it():
    with Sandbox(isolation()) as made:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(made.run, ADD, [1, 2]).result().value == 3
        with pytest.raises(subprocess.TimeoutExpired):
            made._process.wait(0.2)


@needs_jail
def test_a_job_that_ended_with_its_jail_is_done_again(sandbox, monkeypatch):
    """Once, and not if the job itself is why."""
    converse, asked = sandbox._converse, []

    def unlucky(request, limits):
        asked.append(request)
        if len(asked) == 1:
            raise KilledError("all of the jail", is_its_own=False)
        return converse(request, limits)

    monkeypatch.setattr(sandbox, "_converse", unlucky)
    assert sandbox.run(ADD, [1, 2], engine="interp").value == 3
    assert len(asked) == 2


@needs_jail
def test_closing_ends_what_runs_and_nothing_runs_after():
    made = Sandbox(isolation())
    made.run(ADD, [1, 2])
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(made.run, SPIN, [9], limits=QUICK)
        time.sleep(0.3)
        made.close()
        with pytest.raises(KilledError, match="all of the jail"):
            running.result()
    with pytest.raises(StartError, match="closed"):
        made.run(ADD, [1, 2])


def test_without_namespaces_native_work_is_refused():
    with Sandbox(without("namespaces")) as weak:
        with pytest.raises(NativeRefusedError, match="not there"):
            weak.run(ADD, [2, 3], engine="jit")
        found = weak.run(ADD, [2, 3])
        assert (found.value, found.engine) == (5, "interp")


def test_unless_the_operator_insists():
    with Sandbox(without("namespaces"), insists=True) as weak:
        assert weak.run(ADD, [2, 3], engine="jit").engine == "jit"


def test_without_filters_the_limits_still_hold():
    with Sandbox(without("filter")) as weak, pytest.raises(KilledError):
        weak.run(SPIN, [9], limits=msgspec.structs.replace(QUICK, cpu_s=1))


def test_what_does_not_start_says_why(monkeypatch):
    monkeypatch.setattr(runner.jail, "python", lambda _: ["/bin/sh", "-c", "echo no luck >&2"])
    with Sandbox(without("namespaces")) as broken, pytest.raises(StartError, match="no luck"):
        broken.run(ADD, [2, 3])


# What a process that was taken over may say. ---------------------------------------------------

LIES = {
    "another shape": Ended(b"\0" * 64, None, "", None, 1),
    "not its word": Ended(b"\xff" * 32, None, "", None, 1),
    "no such trap": Ended(None, "bad luck", "", None, 1),
    "no trap and no value": Ended(None, None, "", None, 1),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_has_the_shape_of_the_program(lie):
    with pytest.raises(AnswerError):
        runner._result(SPIN, LIES[lie], "jit", "")


@example(raw=b"\x91\xa4\x00\x00\x00\x80", is_framed=True)  # text that is no UTF-8
@given(raw=st.binary(max_size=100), is_framed=st.booleans())
def test_any_bytes_are_an_answer_or_none(raw, is_framed):
    framed = len(raw).to_bytes(4, "big") + raw if is_framed else raw
    try:
        found = unpack(jobs.Answer, framed)
    except AnswerError:
        return
    assert unpack(jobs.Answer, pack(found)) == found


@given(value=st.integers(0, 2**64 - 1), work=st.integers(0, 2**63))
def test_answers_round_trip(value, work):
    ended = Ended(value.to_bytes(32, "big"), None, "", None, work)

    assert unpack(jobs.Answer, pack(ended)) == ended
    assert runner._result(SPIN, ended, "jit", "").value == value
