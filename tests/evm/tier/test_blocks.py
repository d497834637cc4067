"""Basic blocks against a stack that is simply simulated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.evm.forks import FORKS
from numen.evm.opcodes import BY_NAME, OPCODES
from numen.evm.tier.blocks import (
    BLOCK_INSTRUCTIONS_MAX,
    Below,
    End,
    Program,
    jump_destinations,
)
from tests.evm.tier.assembly import assemble

CANCUN = FORKS["cancun"]
DEEP = 64


def program(text: str) -> Program:
    return Program(assemble(text), CANCUN)


def simulated(block):
    """Run a block on a stack of slots, and compare what it knows with what happens."""
    stack = [Below(slot) for slot in range(-DEEP, 0)]
    lowest, highest = len(stack), len(stack)
    for instruction in block.body:
        opcode = OPCODES[instruction.byte]
        lowest = min(lowest, len(stack) - opcode.pops)
        if opcode.name.startswith("PUSH"):
            stack.append(instruction.immediate)
        elif opcode.name.startswith("DUP"):
            stack.append(stack[-opcode.pops])
        elif opcode.name.startswith("SWAP"):
            stack[-1], stack[-opcode.pops] = stack[-opcode.pops], stack[-1]
        else:
            del stack[len(stack) - opcode.pops :]
            stack += [instruction.pc if opcode.name == "PC" else None] * opcode.pushes
        highest = max(highest, len(stack))
    return stack, DEEP - lowest, highest - DEEP


@given(st.binary(max_size=200))
def test_a_block_says_what_running_it_does_to_the_stack(code):
    block = Program(code, CANCUN).block(0)

    stack, need, grow = simulated(block)

    expected = {slot: word for slot, word in enumerate(stack, -DEEP) if word != Below(slot)}
    assert (block.need, block.grow, block.delta) == (need, grow, len(stack) - DEEP)
    assert dict(block.writes) == expected


@given(st.binary(max_size=300))
def test_a_destination_is_a_jumpdest_outside_immediates(code):
    expected, pc = set(), 0
    while pc < len(code):
        if code[pc] == 0x5B:
            expected.add(pc)
        pc += 1 + (OPCODES[code[pc]].immediate if code[pc] in OPCODES else 0)

    assert jump_destinations(code) == expected


def test_the_target_of_a_jump_is_followed_through_the_stack():
    block = program("7 @there SWAP1 DUP2 JUMP there:").block(0)

    assert block.end is End.JUMP
    assert block.target == 8
    assert block.next_pc is None


def test_a_target_from_below_is_known_by_its_slot():
    block = program("POP JUMP").block(0)

    assert block.target == Below(-2)
    assert (block.need, block.delta) == (2, -2)


def test_a_branch_goes_on_behind_itself():
    block = program("@there JUMPI STOP there:").block(0)

    assert block.end is End.BRANCH
    assert (block.target, block.next_pc, block.end_pc) == (5, 4, 3)


def test_a_call_is_handed_over_and_control_comes_back_behind_it():
    block = program("0 0 0 0 0 0 0 CALL POP").block(0)

    assert block.end is End.HAND_OVER
    assert (block.end_pc, block.next_pc) == (14, 15)
    assert len(block.body) == 7


def test_an_instruction_the_fork_lacks_is_handed_over():
    block = Program(assemble("PUSH0"), FORKS["london"]).block(0)

    assert block.end is End.HAND_OVER
    assert (block.end_pc, block.next_pc, block.body) == (0, None, ())


def test_a_jumpdest_ends_the_block_before_it():
    block = program("1 there: 2 JUMP").block(0)

    assert block.end is End.FALL
    assert (block.end_pc, block.next_pc) == (2, 2)


def test_the_end_of_the_code_is_a_stop():
    block = program("1").block(0)

    assert block.end is End.HAND_OVER
    assert block.end_pc == 2


def test_an_immediate_that_the_code_cuts_short_is_filled_with_zeros():
    block = Program(bytes([BY_NAME["PUSH3"].byte, 1]), CANCUN).block(0)

    assert block.body[0].immediate == 0x010000


def test_a_long_block_is_cut():
    code = bytes([BY_NAME["CALLVALUE"].byte]) * 1000
    program = Program(code, CANCUN)

    first, second = program.block(0), program.block(BLOCK_INSTRUCTIONS_MAX)

    assert len(first.body) == BLOCK_INSTRUCTIONS_MAX
    assert first.end is End.FALL
    assert first.next_pc == BLOCK_INSTRUCTIONS_MAX == second.pc


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 0 REVERT", 0),
        ("0 MSTORE 32 0 RETURN", 1),
        ("ADD REVERT", 3),
        ("@there JUMP there: POP POP STOP", 2),
        ("1 2 3 there: POP POP POP POP INVALID", 1),
        ("JUMP", None),
        ("@there JUMPI STOP there: STOP", None),
        ("0 0 0 0 0 0 0 CALL STOP", None),
    ],
)
def test_code_that_ends_the_frame_reads_so_many_words(text, words):
    assert program(text).reads_below(0) == words
