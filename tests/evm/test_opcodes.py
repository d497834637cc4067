"""The table of opcodes agrees with itself, and with the table of strangers."""

import pytest

from numen.evm.forks import OSAKA
from numen.evm.opcodes import BY_NAME, OPCODES

THEIR_NAMES = {"KECCAK": "KECCAK256"}


def test_an_opcode_stands_at_its_byte_and_its_name():
    assert all(op.byte == byte for byte, op in OPCODES.items())
    assert all(op.name == name for name, op in BY_NAME.items())
    assert len(BY_NAME) == len(OPCODES)
    assert list(OPCODES) == sorted(OPCODES)


def test_only_pushes_have_bytes_after_them():
    assert {op.name: op.immediate for op in OPCODES.values() if op.immediate} == {
        f"PUSH{count}": count for count in range(1, 33)
    }


def test_families_move_the_stack_by_their_number():
    for n in range(1, 17):
        assert (BY_NAME[f"DUP{n}"].pops, BY_NAME[f"DUP{n}"].pushes) == (n, n + 1)
        assert (BY_NAME[f"SWAP{n}"].pops, BY_NAME[f"SWAP{n}"].pushes) == (n + 1, n + 1)
    for n in range(5):
        assert (BY_NAME[f"LOG{n}"].pops, BY_NAME[f"LOG{n}"].pushes) == (n + 2, 0)


@pytest.mark.judges
def test_bytes_and_names_are_those_of_the_specification():
    ops = pytest.importorskip(
        "ethereum.forks.osaka.vm.instructions",
        reason="the specification is a judge; `make judges` installs it",
    ).Ops
    theirs = {THEIR_NAMES.get(op.name, op.name): int(op.value) for op in ops}

    ours = {OPCODES[byte].name: byte for byte in OSAKA.base_gas}

    assert ours == theirs
