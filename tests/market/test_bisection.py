"""Contests: whoever is right wins, whatever the other says, and silence loses at every stage."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numen
from numen.base import merkle
from numen.base.crypto import keccak256
from numen.market import bisection
from numen.market.bisection import MOVE_MS, BisectionError, Side, begin, late
from numen.market.duel import Bluff, committed
from numen.market.moves import CHECKPOINTS_MAX, Midpoint, Run, Stance, Step
from numen.proof.walk import DONE, FALSE, START
from numen.vm.course import course, judge
from numen.vm.payload import encode_inputs
from numen.vm.walk import Walk, walk

PROGRAM = numen.compile(
    "def main(n: u64) -> u64:\n"
    "    steps = 0\n"
    "    while n > 1:\n"
    "        n = n // 2 if n % 2 == 0 else 3 * n + 1\n"
    "        steps += 1\n"
    "    return steps\n"
)  # fmt: skip
INPUTS = encode_inputs(PROGRAM.program, (9,))
TASK, ADA, BOB = bytes(32), bytes([1]) * 20, bytes([2]) * 20


def walk_to(answer=None) -> Walk:
    return walk(PROGRAM.program.code, INPUTS, answer, 10_000)


TRUE = walk_to()
WRONG = bytes([*TRUE.answer[:-1], TRUE.answer[-1] ^ 1])
FALSE_WALK = walk_to(WRONG)


class Said:
    """A walk in which states are what somebody says, and the last is `DONE`."""

    def __init__(self, walk: Walk, steps: int, lies: dict[int, bytes]) -> None:
        self._walk, self.steps, self._lies = walk, steps, lies

    def digest(self, index: int) -> bytes:
        return DONE.digest if index == self.steps else self._lies.get(index, self._digest(index))

    def _digest(self, index: int) -> bytes:
        return self._walk.digest(index)

    def show(self, index: int):
        return self._walk.show(index)

    def run(self, interval: int) -> Run:
        places = [*range(0, self.steps, interval), self.steps]
        return Run(self.steps, interval, merkle.root([self.digest(place) for place in places]))

    def checkpoints(self, interval: int) -> list[bytes]:
        return [self.digest(place) for place in (*range(0, self.steps, interval), self.steps)]


def midpoint(found, walk) -> Midpoint:
    step, run = found.half, found.run
    opening = None
    if step % run.interval == 0:
        opening = merkle.prove(walk.checkpoints(run.interval), step // run.interval)
    return Midpoint(TASK, ADA, BOB, step, walk.digest(step), opening)


def fought(run: Run, walk, stance, answer, shown=None) -> Side:
    """Play a contest to its step, and take it.

    Args:
        run: What the worker is bound to.
        walk: What the worker says.
        stance: Whether the challenger agrees, by step and state.
        answer: What the answer is claimed to be.
        shown: What the worker shows in the end; what its walk has, if None.
    """
    found, rounds = begin(run, 0), 0
    while not found.is_one_step:
        found = bisection.halve(found, midpoint(found, walk), 0)
        found = bisection.answer(found, Stance(TASK, BOB, found.half, stance(found)), 0)
        rounds += 1
    assert rounds == found.rounds <= run.steps.bit_length() + 2
    last = walk.show(found.low) if shown is None else shown(found)
    way = course(PROGRAM.program.code, INPUTS, answer, 10_000)
    return bisection.decide(found, Step(TASK, ADA, BOB, last), lambda seen: judge(way, seen))


def honest(walk: Walk):
    """The stance of a challenger that walked itself."""
    return lambda found: found.middle == walk.digest(found.half)


intervals = st.integers(1, 2 * TRUE.steps)


@given(intervals, st.randoms())
def test_a_worker_that_is_right_wins_against_every_challenger(interval, chance):
    said = Said(TRUE, TRUE.steps, {})
    found = fought(said.run(interval), said, lambda _: chance.random() < 0.5, TRUE.answer)
    assert found is Side.WORKER


@given(intervals, st.integers(1, FALSE_WALK.steps + 20), st.data())
def test_a_challenger_that_is_right_wins_against_every_worker(interval, steps, data):
    """Whatever the worker says, and from whichever step on it lies, true states in between too."""
    made_up = st.binary(min_size=32, max_size=32)
    lies = data.draw(st.dictionaries(st.integers(1, steps), made_up, max_size=steps))
    said = Said(FALSE_WALK, steps, lies)
    assert fought(said.run(interval), said, honest(FALSE_WALK), WRONG) is Side.CHALLENGER


@given(st.integers(0, TRUE.steps - 1))
def test_a_lie_about_any_step_is_found_at_that_step(at):
    """States are true up to a step and made up from there, to an answer that would be right."""
    lies = {i: keccak256(b"lie", bytes([i % 256])) for i in range(at + 1, TRUE.steps)}
    said = Said(FALSE_WALK, FALSE_WALK.steps, lies)
    assert fought(said.run(7), said, honest(FALSE_WALK), WRONG) is Side.CHALLENGER


@given(intervals, st.integers(1, 3 * TRUE.steps).filter(lambda steps: steps != TRUE.steps))
def test_a_right_answer_after_another_number_of_steps_is_no_true_claim(interval, steps):
    said = Said(TRUE, steps, {})
    assert fought(said.run(interval), said, honest(TRUE), TRUE.answer) is Side.CHALLENGER


@given(st.binary(min_size=32, max_size=32))
def test_a_bluff_loses(salt):
    bluff = Bluff(FALSE_WALK, salt)
    run = committed(bluff)
    assert bluff.digest(0) == START.digest
    assert bluff.digest(bluff.steps) == DONE.digest
    assert fought(run, bluff, honest(FALSE_WALK), WRONG) is Side.CHALLENGER


def test_a_step_of_another_state_or_with_other_cells_loses():
    said = Said(TRUE, TRUE.steps, {})
    run, never = said.run(7), lambda _: False
    for lie in (
        lambda found: said.show(found.low + 1),
        lambda found: msgspec.structs.replace(said.show(found.low), leaves=()),
        lambda found: msgspec.structs.replace(said.show(found.low), state=FALSE),
    ):
        assert fought(run, said, never, TRUE.answer, shown=lie) is Side.CHALLENGER


@given(st.integers(0, 2 * TRUE.steps.bit_length()))
def test_silence_loses_at_every_stage(moves):
    said = Said(TRUE, TRUE.steps, {})
    found, now = begin(said.run(7), 1_000), 1_000
    for _ in range(moves):
        now += MOVE_MS // 2
        if found.is_one_step:
            break
        if found.turn is Side.WORKER:
            found = bisection.halve(found, midpoint(found, said), now)
        else:
            found = bisection.answer(found, Stance(TASK, BOB, found.half, False), now)
    assert late(found, found.due_ms) is None
    silent = found.turn
    assert late(found, found.due_ms + 1) is not silent
    assert late(found, found.due_ms + 1) is not None


def test_moves_that_are_not_due_are_none():
    said = Said(TRUE, TRUE.steps, {})
    found = begin(said.run(7), 0)
    move = midpoint(found, said)
    way = course(PROGRAM.program.code, INPUTS, TRUE.answer, 10_000)
    with pytest.raises(BisectionError):
        bisection.answer(found, Stance(TASK, BOB, found.half, True), 0)
    with pytest.raises(BisectionError):
        bisection.decide(found, Step(TASK, ADA, BOB, said.show(0)), lambda seen: judge(way, seen))
    halved = bisection.halve(found, move, 0)
    with pytest.raises(BisectionError):
        bisection.halve(halved, move, 0)
    with pytest.raises(BisectionError):
        bisection.answer(halved, Stance(TASK, BOB, found.half + 1, True), 0)


def test_a_worker_cannot_change_what_it_committed_to():
    said = Said(TRUE, TRUE.steps, {})
    found = begin(said.run(7), 0)
    move = midpoint(found, said)
    assert move.opening is not None
    for lie in (
        {"state": keccak256(b"another")},
        {"opening": None},
        {"opening": msgspec.structs.replace(move.opening, index=move.opening.index + 1)},
        {"opening": msgspec.structs.replace(move.opening, count=move.opening.count + 1)},
        {"opening": msgspec.structs.replace(move.opening, path=move.opening.path[1:])},
        {"opening": msgspec.structs.replace(move.opening, path=(bytes(32),) * 65)},
        {"step": move.step + 1},
    ):
        with pytest.raises(BisectionError):
            bisection.halve(found, msgspec.structs.replace(move, **lie), 0)


def test_commitments_have_bounds():
    bisection.check_run(Run(CHECKPOINTS_MAX - 1, 1, bytes(32)))
    with pytest.raises(BisectionError):
        bisection.check_run(Run(CHECKPOINTS_MAX, 1, bytes(32)))
    assert committed(TRUE).count <= CHECKPOINTS_MAX
