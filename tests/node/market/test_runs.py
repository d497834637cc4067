"""Runs side by side: nobody waits for a run, and everybody gets its answer once it is there."""

import threading
import time

import pytest

from numen.market.actor import Answer
from numen.node.market.runs import NotYetError, Runs
from numen.proof.statement import commit_inputs
from numen.sandbox.errors import KilledError


class Slow:
    """An executor that goes on when it is told to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.runs: list[bytes] = []

    def run(self, program: bytes, inputs: bytes, work_limit: int) -> Answer:
        self.runs.append(inputs)
        assert self.go.wait(10)
        if inputs == b"heavy":
            raise KilledError("it took more memory than it may")
        return Answer(inputs * 2, work_limit)


def until(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_run_is_started_once_and_its_answer_is_kept():
    slow, told = Slow(), threading.Event()
    runs = Runs(slow, 4)
    runs.told = told.set
    for _ in range(3):
        with pytest.raises(NotYetError):
            runs.run(b"p" * 32, b"x", 5)
    until(lambda: slow.runs)
    slow.go.set()
    assert told.wait(10)

    assert runs.run(b"p" * 32, b"x", 5) == Answer(b"xx", 5)
    assert slow.runs == [b"x"]
    runs.close()


def test_runs_go_side_by_side_up_to_their_number():
    slow = Slow()
    runs = Runs(slow, 2)
    for inputs in (b"a", b"b", b"c"):
        with pytest.raises(NotYetError):
            runs.run(bytes(32), inputs, 1)
    until(lambda: len(slow.runs) == 2)
    time.sleep(0.02)
    assert sorted(slow.runs) == [b"a", b"b"]
    slow.go.set()
    until(lambda: len(slow.runs) == 3)
    runs.close()


def test_what_this_machine_cannot_run_is_an_error_and_no_answer():
    slow = Slow()
    slow.go.set()
    runs = Runs(slow, 1)

    class Of:
        program, inputs, work_limit = bytes(32), commit_inputs(b"heavy"), 1

    with pytest.raises(NotYetError):
        runs.run(bytes(32), b"heavy", 1)
    until(lambda: not runs.is_running(Of))
    with pytest.raises(KilledError):
        runs.run(bytes(32), b"heavy", 1)
    runs.close()
