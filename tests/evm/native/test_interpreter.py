"""The native interpreter against the reference: how a frame ends, its gas and its output."""

import functools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from numen.evm.block import Block, Context
from numen.evm.forks import fork
from numen.evm.halt import Halt
from numen.evm.message import Log, Message, Result
from numen.evm.native.machine import NativeMachine
from numen.evm.opcodes import BY_NAME, OPCODES
from numen.evm.reference.machine import ReferenceMachine
from numen.evm.state import State
from numen.evm.substate import Substate
from tests.evm.native.programs import Writer, call, push

TO, CALLER = b"\xcc" * 20, b"\x11" * 20
BLOCK = Block(
    number=300, timestamp=7, gas_limit=2**40, prev_randao=2**255 + 5, base_fee=9, chain_id=3
)
CONTEXT = Context(origin=CALLER, gas_price=12)
FORKS = ("frontier", "byzantium", "cancun", "osaka")


def run(
    machine: Substate, code: bytes, data: bytes, gas: int
) -> tuple[Result, tuple[Log, ...], int]:
    machine.set_block(BLOCK)
    machine.set_context(CONTEXT)
    machine.begin()
    machine.set_code(TO, code)
    before = machine.snapshot()
    result = machine.run(Message(CALLER, TO, data=data, gas=gas))
    effects = machine.logs(), machine.refund()
    machine.revert(before)
    machine.finish()
    return result, *effects


@functools.cache
def native(name: str) -> NativeMachine:
    return NativeMachine(fork(name), State(), tier="interpreter")


def compare(name: str, code: bytes, data: bytes = b"", gas: int = 100_000) -> Result:
    ours, *effects = run(native(name), code, data, gas)
    expected, *expected_effects = run(ReferenceMachine(fork(name), State()), code, data, gas)
    assert effects == expected_effects
    assert (ours.gas_left, ours.output.hex()) == (expected.gas_left, expected.output.hex())
    assert ours.halt is expected.halt or (ours.halt.is_failure and expected.halt.is_failure)
    return ours


@pytest.mark.parametrize("name", FORKS)
@settings(max_examples=100)
@given(
    seed=st.integers(0, 2**32),
    data=st.binary(max_size=100),
    gas=st.one_of(st.just(100_000), st.just(10**7), st.integers(0, 3000)),
)
def test_programs_end_as_in_the_reference(name: str, seed: int, data: bytes, gas: int) -> None:
    compare(name, Writer(fork(name), seed).program(), data, gas)


@settings(max_examples=100)
@given(code=st.binary(max_size=80), gas=st.integers(0, 2000))
@example(code=b"\x7f", gas=3)
@example(code=b"\x60\x04\x56\x00\x61\x5b", gas=100)
def test_bytes_that_are_no_program_end_as_in_the_reference(code: bytes, gas: int) -> None:
    compare("cancun", code, b"data", gas)


@pytest.mark.parametrize("name", FORKS)
def test_every_opcode_pays_and_checks_the_stack_as_in_the_reference(name: str) -> None:
    for byte in range(256):
        op = OPCODES.get(byte)
        price = fork(name).base_gas.get(byte, 1)
        compare(name, bytes([byte]), gas=max(0, price - 1))
        heights = {0, op.pops - 1, op.pops, 1023, 1024} if op else {0}
        for height in heights - {-1}:
            code = push(3) * height + bytes([byte])
            compare(name, code)
            if height < 1000:
                compare(name, code, gas=3 * height + price)


TRUTHS = ("LT", "GT", "SLT", "SGT", "EQ", "ISZERO")
"""Opcodes whose handlers look ahead for a jump."""


def branches(name: str) -> list[bytes]:
    """Ways to jump on a truth, or just not to: the target is byte 12 from the opcode on."""
    op = bytes([BY_NAME[name].byte])
    turns = [b"", b"\x15", b"\x15\x15"]
    jumps = [b"\x61\x00%c\x57", b"\x61\x00%c\x56", b"\x60%c\x57", b"\x61\x01%c\x57", b"\x61\x00%c"]
    return [op + turn + jump for turn in turns for jump in jumps]


@pytest.mark.parametrize("name", TRUTHS)
def test_jumps_seen_ahead_are_those_taken_one_by_one(name: str) -> None:
    for branch in branches(name):
        for words in ((0, 0), (1, 0), (0, 1), (2**255, 7)):
            head = push(9) + b"".join(push(word) for word in words)
            target = len(head) + 12
            code = (head + branch.replace(b"%c", bytes([target]))).ljust(target, b"\x5a")
            code += b"\x5b" + call("MSTORE", 0, 5) + call("RETURN", 0, 64)
            assert compare("cancun", code).gas_left < 100_000
            for end in range(len(head), target):
                compare("cancun", code[:end])
            for gas in range(9, 40):
                compare("cancun", code, gas=gas)


@pytest.mark.parametrize("name", TRUTHS)
def test_jumps_seen_ahead_need_room_on_the_stack(name: str) -> None:
    for branch in branches(name):
        for height in (0, 1, 2, 1021, 1022, 1023, 1024):
            at = 2 * height + 12
            jump = branch.replace(b"\x61\x00%c", b"\x61" + at.to_bytes(2, "big"))
            jump = jump.replace(b"\x61\x01%c", b"\x61\x40\x00").replace(b"%c", b"\x07")
            code = (b"\x60\x00" * height + jump).ljust(at, b"\x5a") + b"\x5b\x00"
            compare("cancun", code)


@pytest.mark.parametrize("head", [b"", b"\x60\x03\x56", b"\x60\x5b"], ids=["fall", "jump", "push"])
def test_a_run_of_destinations_is_paid_for_one_by_one(head: bytes) -> None:
    code = head + b"\x5b" * 20 + b"\x5a" + call("MSTORE", 0) + call("RETURN", 0, 32)
    for gas in range(60):
        compare("cancun", code, gas=gas)


def test_gas_beyond_any_limit_is_counted_exactly() -> None:
    ran = compare("cancun", call("ADD", 1, 2) + b"\x5a" + call("MSTORE", 0, 1), gas=2**63 - 1)

    assert ran.gas_left == 2**63 - 1 - 9 - 2 - 12


def test_memory_that_no_gas_can_pay_for_is_out_of_gas() -> None:
    for offset in (2**32 - 31, 2**32, 2**63, 2**64 - 16, 2**64, 2**256 - 1):
        ran = compare("cancun", call("MLOAD", offset), gas=2**40)
        assert ran.halt is Halt.OUT_OF_GAS


def test_memory_an_earlier_run_left_is_zero() -> None:
    compare("cancun", call("MSTORE", 4000, 2**256 - 1) + call("MSTORE", 64, 2**256 - 1))

    ran = compare("cancun", call("MSTORE8", 3, 7) + call("RETURN", 0, 5000))

    assert ran.output == b"\0\0\0\7" + bytes(4996)
