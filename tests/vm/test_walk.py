"""Walks: every step can be shown, the judge finds the same, and the last says what is right."""

import contextlib
import hashlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numen
from numen.proof.walk import (
    DEPTH,
    DONE,
    FALSE,
    START,
    ZEROS,
    Cells,
    Leaf,
    Phase,
    Shown,
    State,
    WalkError,
)
from numen.vm import machine
from numen.vm.course import after, course, judge
from numen.vm.payload import PayloadError, encode_inputs, encode_output
from numen.vm.walk import walk

LIMIT = 100_000
COLLATZ = numen.compile(
    "def main(n: u64) -> u64:\n"
    "    steps = 0\n"
    "    while n > 1:\n"
    "        n = n // 2 if n % 2 == 0 else 3 * n + 1\n"
    "        steps += 1\n"
    "    return steps\n"
)  # fmt: skip
SIGNED = numen.compile(
    "def main(a: i64, b: u256) -> tuple[i64, u256, list[u64, 3]]:\n"
    "    out = [1, 2, 3]\n"
    "    out[b % 3] = 7\n"
    "    return a - 5, b * 3, out\n"
)  # fmt: skip
DIVIDE = numen.compile("def main(a: u64, b: u64) -> u64:\n    return a // b\n")
INVERT = numen.compile(
    "from numen import div_mod\n\n\n"
    "def main(a: u64, b: u64, m: u64) -> u64:\n    return div_mod(a, b, m)\n"
)  # fmt: skip
HASH = numen.compile(
    "from numen import u8\nfrom numen.std.sha256 import sha256\n\n\n"
    "def main(a: list[u8, 3]) -> list[u8, 32]:\n    return sha256(a)\n"
)  # fmt: skip


def walk_of(program, *args, answer=None, limit=LIMIT):
    code = program.program
    return walk(code.code, encode_inputs(code, args), answer, limit)


def wrong(answer: bytes) -> bytes:
    return bytes([*answer[:-1], answer[-1] ^ 1])


CASES = [
    (COLLATZ, (6,)),
    (SIGNED, (-(2**62), 2**200 + 1)),
    (DIVIDE, (7, 2)),
    (DIVIDE, (7, 0)),
]


@pytest.mark.parametrize(("program", "args"), CASES)
def test_every_step_shown_leads_where_the_walk_goes(program, args):
    for answer in (None, wrong(walk_of(program, *args).answer), b"", b"trap"):
        walk = walk_of(program, *args, answer=answer)
        assert walk.state(0) == START
        assert walk.is_true is (answer is None)
        for index in range(walk.steps + 2):
            assert judge(walk.course, walk.show(index)) == walk.state(index + 1).digest, index
        assert walk.state(walk.steps) == (DONE if answer is None else FALSE)
        assert walk.state(walk.steps + 1) == FALSE


@pytest.mark.parametrize(("program", "args"), CASES)
def test_the_answer_is_that_of_the_machine_that_is_the_arbiter(program, args):
    found = machine.run(program.program, list(args), engine="interp")
    assert walk_of(program, *args).answer == encode_output(found)


def test_a_run_out_of_work_says_so():
    walk = walk_of(COLLATZ, 27, limit=100)
    assert b"trap" in walk.answer
    assert walk.is_true
    assert walk.run_steps == 100
    assert judge(walk.course, walk.show(walk.steps - 1)) == DONE.digest


def test_a_precompile_is_one_step_of_many_cells():
    walk = walk_of(HASH, list(b"abc"))
    assert walk.answer[31] == 0xBA
    dear = max(range(walk.steps), key=lambda index: len(walk.show(index).leaves))
    assert len(walk.show(dear).leaves) > 3
    assert judge(walk.course, walk.show(dear)) == walk.state(dear + 1).digest


def test_cells_that_are_not_shown_or_not_there_are_no_step():
    walk = walk_of(COLLATZ, 6)
    index = next(i for i in range(walk.steps) if walk.state(i).phase == Phase.RUN) + 3
    shown = walk.show(index)
    leaf = shown.leaves[0]
    lies = [
        msgspec.structs.replace(leaf, data=wrong(leaf.data)),
        msgspec.structs.replace(leaf, index=leaf.index ^ 1),
        msgspec.structs.replace(leaf, path=(*leaf.path[:-1], wrong(leaf.path[-1]))),
    ]
    for lie in lies:
        with pytest.raises(WalkError, match="not under the root"):
            judge(walk.course, msgspec.structs.replace(shown, leaves=(lie, *shown.leaves[1:])))
    with pytest.raises(WalkError, match="is not shown"):
        judge(walk.course, msgspec.structs.replace(shown, leaves=shown.leaves[1:]))


@pytest.mark.parametrize(
    ("state", "following"),
    [
        (State(Phase.RUN, 1, 10**6, 0, bytes(32)), FALSE),
        (State(Phase.TELL, 10**6, 0, 0, bytes(32)), DONE),
        (State(Phase.LOAD, 10**6, 0, 0, bytes(32)), State(Phase.RUN, 0, 1, 0, bytes(32))),
        (DONE, FALSE),
        (FALSE, FALSE),
    ],
)
def test_states_nobody_can_come_to_have_a_step_too(state, following):
    walk = walk_of(COLLATZ, 6)
    assert judge(walk.course, Shown(state, ())) == following.digest


def test_inputs_of_another_program_have_no_course():
    with pytest.raises(PayloadError):
        walk(DIVIDE.program.code, bytes(32), None, LIMIT)


@settings(max_examples=30)
@given(st.dictionaries(st.integers(0, 255), st.integers(0, 2**64 - 1), max_size=12))
def test_cells_change_as_a_whole_tree_does(writes):
    """Cell by cell through paths of what was there before, or all at once: the same root."""
    tree = {index: bytes(32) for index in range(64)}
    root = ZEROS[DEPTH]
    for address, value in writes.items():
        index = address // 4
        cells = Cells(root, (Leaf(index, tree[index], path(tree, index)),))
        assert cells[address] == int.from_bytes(tree[index][address % 4 * 8 :][:8], "little")
        cells[address] = value
        data = bytearray(tree[index])
        data[address % 4 * 8 : address % 4 * 8 + 8] = value.to_bytes(8, "little")
        tree[index] = bytes(data)
        root = cells.root()
    together = Cells(ZEROS[DEPTH], (Leaf(i, bytes(32), path({}, i)) for i in range(64)))
    for address, value in writes.items():
        together[address] = value
    assert together.root() == root


def path(tree, index) -> tuple[bytes, ...]:
    """The siblings of a leaf among 64, computed the long way."""
    level = [hashlib.sha256(tree.get(i, bytes(32))).digest() for i in range(64)]
    found = []
    for height in range(DEPTH):
        place = index >> height
        found.append(level[place ^ 1] if place ^ 1 < len(level) else ZEROS[height])
        padded = level if len(level) % 2 == 0 else [*level, ZEROS[height]]
        level = [
            hashlib.sha256(a + b).digest() for a, b in zip(padded[::2], padded[1::2], strict=True)
        ]
    return tuple(found)


class AnyCells(dict):
    """A memory that a liar made up: it shows whatever is asked for."""

    def __init__(self, draw):
        self._draw = draw

    def __missing__(self, address):
        found = self[address] = self._draw()
        return found

    def __setitem__(self, address, value):
        assert 0 <= value < 1 << 64
        super().__setitem__(address, value)


WORDS = st.sampled_from([0, 1, 2, 3, 1 << 32, (1 << 64) - 1]) | st.integers(0, (1 << 64) - 1)


@settings(max_examples=100)
@given(st.data())
@pytest.mark.parametrize("program", [SIGNED, DIVIDE, HASH, INVERT])
def test_no_state_that_two_liars_agree_on_stops_the_judge(program, data):
    """Who claims and who challenges may be one: then no honest walk ever came to the state."""
    code = program.program
    inputs = {SIGNED: (1, 2), DIVIDE: (1, 2), HASH: ([1, 2, 3],), INVERT: (1, 2, 7)}[program]
    way = course(code.code, encode_inputs(code, inputs), b"", LIMIT)
    pc = data.draw(st.integers(0, len(way.code.instructions)))
    phase, index = data.draw(st.sampled_from(Phase)), data.draw(st.integers(0, 50))
    made_up = State(phase.value, index, pc, data.draw(st.integers(0, 1)), bytes(32))

    with contextlib.suppress(WalkError):
        after(way, made_up, AnyCells(lambda: data.draw(WORDS)))
