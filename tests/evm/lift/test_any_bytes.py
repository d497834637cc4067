"""Any bytes are a contract: lifted right or refused, in bounded time."""

import contextlib
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from numen.evm.halt import Halt
from numen.evm.lift import lift_function
from numen.evm.lift.errors import LiftError
from numen.ir import interp
from numen.ir.program import program_from_module
from numen.ir.trap import Reason
from tests.evm.lift.agreeing import EDGES
from tests.evm.lift.called import called, words_of
from tests.evm.tier.assembly import assemble
from tests.timing import seconds_at_most

SELECTOR = bytes.fromhex("b3de648b")  # f(uint256)
GAS, WORK = 20_000, 20_000

PIECES = [
    assemble(text)
    for text in (
        "4 CALLDATALOAD", "0 CALLDATALOAD", "32", "64", "0", "1", "5", "DUP1", "DUP2", "SWAP1",
        "POP", "ADD", "SUB", "LT", "ISZERO", "AND", "SHR", "DIV", "SDIV", "EXP", "BYTE",
        "SIGNEXTEND", "MLOAD", "MSTORE", "MSTORE8", "MCOPY", "CODECOPY", "CALLDATACOPY",
        "CALLDATALOAD", "KECCAK256", "PC", "JUMPDEST", "JUMPDEST", "JUMP", "JUMPI",
        "0 MSTORE 32 0 RETURN",
        "32 0 RETURN", "0 0 REVERT", "INVALID", "SLOAD", "CALLDATASIZE", "CODESIZE",
    )
]  # fmt: skip


def check_bytes(code: bytes, word: int) -> None:
    """The program that code is lifted to, if it is, does what the code does."""
    try:
        module = lift_function(code, "f(uint256)", memory_bytes=8192)
    except LiftError:
        return
    outcome = interp.run(program_from_module(module).metered, [word], work_limit=WORK)
    want = called(code, SELECTOR + word.to_bytes(32, "big"), gas=GAS)
    trap = outcome.trap
    if want.halt is Halt.OUT_OF_GAS or (trap and trap.reason is Reason.WORK_LIMIT):
        return
    if trap and trap.message.startswith("memory outside"):
        return
    assert want.success == (trap is None), (want, outcome)
    if want.success:
        assert outcome.results == words_of(want.output)


WORDS = st.sampled_from(EDGES) | st.integers(0, 2**256 - 1)


@given(code=st.binary(max_size=120), word=WORDS)
@example(code=b"", word=0)
@example(code=b"\x00", word=0)
def test_any_bytes_are_lifted_right_or_refused(code, word):
    check_bytes(code, word)


@given(code=st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join), word=WORDS)
@example(code=assemble("1 4 CALLDATALOAD JUMPI 0 MSTORE 32 0 RETURN"), word=7)
@example(code=assemble("again: 4 CALLDATALOAD 0 JUMPI 32 0 RETURN"), word=7)
def test_bytes_that_compute_are_lifted_right_or_refused(code, word):
    check_bytes(code, word)


@given(
    head=st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join),
    body=st.lists(st.sampled_from(PIECES[:26]), max_size=12).map(b"".join),
    word=WORDS,
)
def test_loops_over_anything_are_lifted_right_or_refused(head, body, word):
    start = assemble("4 CALLDATALOAD 0x3f AND") + head
    loop = b"\x5b" + body + assemble("1 SWAP1 SUB DUP1") + b"\x61"
    code = start + loop + len(start).to_bytes(2, "big") + b"\x57"
    check_bytes(code + assemble("0 MSTORE 32 0 RETURN"), word)


def repeated(text: str, count: int, end: str = "7 0 MSTORE 32 0 RETURN") -> bytes:
    return assemble(text) * count + assemble(end)


BOMBS = {
    "random": lambda: Random(11).randbytes(24_576),
    "signed divisions": lambda: repeated("4 CALLDATALOAD 36 CALLDATALOAD SDIV POP", 2_700),
    "words at computed offsets": lambda: repeated("4 CALLDATALOAD MLOAD POP", 4_000),
    "copies of memory": lambda: repeated("16000 0 32 MCOPY", 2_700),
    "words at known offsets": lambda: b"".join(
        assemble(f"4 CALLDATALOAD {at % 16_000} MSTORE") for at in range(0, 27_000, 9)
    ),
    "powers": lambda: repeated("4 CALLDATALOAD 4 CALLDATALOAD EXP POP", 3_000),
    "branches that meet": lambda: b"".join(
        assemble("4 CALLDATALOAD") + b"\x61" + (11 * n + 10).to_bytes(2, "big") + b"\x57"
        + b"\x60\x01\x50\x5b"
        for n in range(2_000)
    ),
    "a high stack through many blocks": lambda: (
        assemble("4 CALLDATALOAD") + b"\x80" * 900
        + b"".join(
            b"\x80\x61" + (903 + 8 * n + 7).to_bytes(2, "big") + b"\x57\x60\x00\x50\x5b"
            for n in range(2_000)
        )
    ),
    "reverts with much to say": lambda: b"".join(
        assemble("4 CALLDATALOAD") + b"\x61" + (14 * n + 13).to_bytes(2, "big") + b"\x57"
        + assemble("1000 0 REVERT") + b"\x5b"
        for n in range(1_500)
    ),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_the_longest_contract_is_lifted_or_refused_in_bounded_time(bomb):
    code = BOMBS[bomb]()
    with seconds_at_most(4), contextlib.suppress(LiftError):
        lift_function(code[:24_576], "f(uint256,uint256)")
