"""Honest proofs are accepted, and false statements have no proof."""

import random
import subprocess
import sys

import msgspec
import numpy as np
import pytest

from numen.proof.stark import codec
from numen.proof.stark.air import ChipBuilder, Machine
from numen.proof.stark.checker import check
from numen.proof.stark.errors import (
    AirError,
    MalformedStarkError,
    StarkRejectedError,
    StatementError,
    TraceError,
)
from numen.proof.stark.field import P
from numen.proof.stark.fixed import preprocess
from numen.proof.stark.layout import layout_of
from numen.proof.stark.profile import Profile, profile_named
from numen.proof.stark.proof import group_root
from numen.proof.stark.prover import Secrets, prove
from numen.proof.stark.verifier import verify
from tests.proof.stark.toys import (
    SECRETS,
    TINIES,
    TINY,
    TINY_HIDING,
    fibonacci,
    memory,
    memory_machine,
    proven,
)

TOYS = {
    "one row": fibonacci(1),
    "two rows": fibonacci(2),
    "one layer": fibonacci(64),
    "many chips": memory(),
    "more rows": memory(256, 9),
}


@pytest.mark.parametrize("profile", TINIES, ids=lambda profile: profile.name)
@pytest.mark.parametrize("toy", TOYS.values(), ids=TOYS)
def test_an_honest_proof_is_accepted(toy, profile):
    told, data = proven(toy, profile)

    layout, proof = verify(told, data)

    assert codec.encode(profile, proof) == data
    assert layout.log_rows == tuple(
        len(toy.traces[c.name]).bit_length() - 1 if c.name in toy.traces else None
        for c in toy.machine.chips
    )


@pytest.mark.parametrize("profile", TINIES, ids=lambda profile: profile.name)
def test_a_trace_that_breaks_a_constraint_has_no_proof(profile):
    toy = memory()
    rng = random.Random(profile.name)
    caught = 0
    for _ in range(7):
        name = rng.choice(sorted(toy.traces))
        table = toy.traces[name].copy()
        row, column = rng.randrange(len(table)), rng.randrange(table.shape[1])
        table[row, column] = (int(table[row, column]) + 1) % P
        traces = {**toy.traces, name: table}
        try:
            check(toy.machine, traces, toy.preprocessed, toy.publics, toy.messages)
        except TraceError:
            caught += 1
            with pytest.raises(StarkRejectedError):
                verify(*proven(toy, profile, traces=traces))
        else:
            verify(*proven(toy, profile, traces=traces))
    assert caught > 3


def test_a_constraint_of_the_last_row_wraps_to_the_first():
    toy = fibonacci(8)
    told, data = proven(toy)
    for publics in ((2, told.publics[1]), (1, told.publics[1] + 1)):
        with pytest.raises(StarkRejectedError):
            verify(msgspec.structs.replace(told, publics=publics), data)


def test_another_statement_is_not_proven():
    toy = memory()
    told, data = proven(toy)
    other = memory(seed=2)
    change = msgspec.structs.replace
    message = told.messages[0]
    fewer, more = told.messages[1:], (*told.messages, message)
    twice = (change(message, multiplicity=2), *fewer)
    moved = (change(message, values=(9, 0, 0)), *fewer)

    for messages in (fewer, more, twice, moved, other.messages, told.messages[::-1]):
        with pytest.raises(StarkRejectedError):
            verify(change(told, messages=messages), data)
    with pytest.raises(StarkRejectedError):
        verify(change(told, preprocessed=bytes(32)), data)
    with pytest.raises(StatementError, match="no root"):
        verify(change(told, preprocessed=None), data)
    with pytest.raises(StatementError):
        verify(change(told, publics=(1,)), data)


def test_another_machine_or_profile_is_not_proven():
    told, data = proven(memory())
    change = msgspec.structs.replace
    machine = memory_machine()
    chips = machine.chips
    renamed = change(chips[0], constraints=chips[0].constraints[:-1])

    with pytest.raises(StarkRejectedError):
        verify(change(told, machine=change(machine, chips=(renamed, *chips[1:]))), data)
    with pytest.raises((MalformedStarkError, StarkRejectedError)):
        verify(change(told, machine=change(machine, chips=chips[::-1])), data)
    with pytest.raises(MalformedStarkError, match="profile"):
        verify(change(told, profile=TINIES[1]), data)
    for field, value in (("query_grinding", 1), ("queries", 7), ("log_final", 2)):
        with pytest.raises((MalformedStarkError, StarkRejectedError)):
            verify(change(told, profile=change(TINY, **{field: value})), data)


def test_the_root_of_a_group_depends_on_its_columns_alone():
    one, other = memory(seed=1), memory(seed=1)
    other.traces["memory"][-1, 1] = 77  # a free cell of another group
    roots = [root_of(toy, "image_in") for toy in (one, other)]

    assert roots[0] == roots[1]
    assert root_of(one, "main") != root_of(other, "main")
    other.traces["memory"][-1, 2] = 77  # a free cell of the group
    assert root_of(other, "image_in") != roots[0]
    with pytest.raises(MalformedStarkError):
        root_of(one, "nowhere")


def root_of(toy, group: str, profile=TINY, secrets=SECRETS) -> bytes:
    told, data = proven(toy, profile, secrets=secrets)
    layout, proof = verify(told, data)
    return group_root(told.machine, layout, proof, group)


def test_hidden_roots_are_equal_where_their_seeds_are():
    toy, seeds = memory(), {"image_in": b"one"}
    first = root_of(toy, "image_in", TINY_HIDING, Secrets(b"a" * 32, seeds))

    assert root_of(toy, "image_in", TINY_HIDING, Secrets(b"b" * 32, seeds)) == first
    assert root_of(toy, "image_in", TINY_HIDING, Secrets(b"b" * 32)) != first
    other = Secrets(b"b" * 32, {"image_in": b"two"})
    assert root_of(toy, "image_in", TINY_HIDING, other) != first


def test_a_hiding_proof_shares_nothing_with_one_of_other_randomness():
    toy = memory()
    told, one = proven(toy, TINY_HIDING, secrets=Secrets(b"a" * 32))
    _, other = proven(toy, TINY_HIDING, secrets=Secrets(b"b" * 32))
    _, first = verify(told, one)
    _, second = verify(told, other)

    assert not set(first.roots) & set(second.roots)
    assert not set(first.sums) & set(second.sums)
    with pytest.raises(StatementError, match="entropy"):
        proven(toy, TINY_HIDING, secrets=Secrets(b"short"))


def test_proofs_without_hiding_are_a_function_of_the_trace():
    assert proven(memory())[1] == proven(memory(), secrets=None)[1]


def test_tables_that_do_not_fit_are_refused():
    toy = memory()
    fixed = preprocess(toy.machine, toy.preprocessed, TINY)
    wide = {**toy.traces, "memory": np.zeros((4, 3), np.uint32)}

    with pytest.raises(TraceError, match="width"):
        prove(toy.machine, wide, fixed, (), toy.messages, TINY)
    with pytest.raises(TraceError, match="no rows"):
        preprocess(toy.machine, {}, TINY)
    with pytest.raises(MalformedStarkError, match="empty"):
        prove(fibonacci().machine, {}, preprocess(fibonacci().machine, {}, TINY), (1, 1), (), TINY)


def test_heights_that_no_proof_can_have_are_refused():
    machine = memory_machine()
    b = ChipBuilder("talker")
    x = b.column("x")
    for _ in range(256):
        b.send("bus", (x,), 1)
    talker = b.build()
    for rows, match in (
        ((None, None, None, None), "empty"),
        ((24, 4, None, None), "too many rows"),
        ((4, None, None, None), "'range' is absent"),
    ):
        with pytest.raises(MalformedStarkError, match=match):
            layout_of(machine, TINY, rows)
    with pytest.raises(MalformedStarkError, match="as many messages"):
        layout_of(Machine.of([talker]), TINY, (23,))
    assert layout_of(Machine.of([talker]), TINY, (22,)).present


def test_a_chip_that_says_something_of_the_statement_is_present():
    other = memory_machine().chips[3]
    machine = Machine.of([*fibonacci().machine.chips, other], ["start", "end"])
    loose = Machine.of(memory_machine().chips)
    strict = Machine.of(memory_machine().chips, (), ["square"])

    with pytest.raises(MalformedStarkError, match="'fibonacci' is absent"):
        layout_of(machine, TINY, (None, 4))
    assert layout_of(machine, TINY, (4, None)).present
    assert layout_of(loose, TINY, (None, 4, None, None)).present
    with pytest.raises(MalformedStarkError, match="'square' is absent"):
        layout_of(strict, TINY, (None, 4, None, None))
    assert loose.digest != strict.digest
    with pytest.raises(AirError, match="'cube'"):
        Machine.of(memory_machine().chips, (), ["cube"])


@pytest.mark.parametrize(
    "change",
    [
        {"log_blowup": 0},
        {"queries": 0},
        {"query_grinding": 65},
        {"log_final": 4},
        {"mask": 1},
        {"mask": -1},
        {"log_blowup": 2, "mask": 6},
    ],
)
def test_a_profile_that_cannot_be_is_refused(change):
    with pytest.raises(StatementError, match="fast"):
        profile_named("slow")
    with pytest.raises(StatementError, match="contradict"):
        Profile(**{**msgspec.structs.asdict(TINY), **change})
    assert Profile(**{**msgspec.structs.asdict(TINY), "log_blowup": 2, "mask": 5}).is_hiding


def test_the_verifier_loads_neither_compiler_nor_prover():
    program = (
        "import sys, numen.proof.stark.verifier, numen.proof.stark.soundness\n"
        "bad = ('llvmlite', 'numen.kernels', 'numen.jit', 'numen.ir', 'numen.proof.stark.prover')\n"
        "sys.exit(', '.join(name for name in sys.modules if name.startswith(bad)) or 0)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
