"""Arrays of any length, copies and hashes of computed length: against the contract called."""

import contextlib
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.evm.lift import lift_function
from numen.evm.lift.errors import LiftError, SignatureError
from numen.evm.lift.limits import WORDS_MAX
from numen.evm.lift.signature import Given, Length, parse_signature
from numen.ir import interp
from numen.ir.program import Program, program_from_module
from numen.jit import engine
from numen.proof.circuit import compile_circuit
from numen.proof.r1cs import check_witness
from numen.proof.wires import Limits
from tests.evm.lift.called import called, words_of
from tests.evm.tier.assembly import assemble
from tests.timing import seconds_at_most

ROOM = 3
RETURNS = " 0 MSTORE 32 0 RETURN"
COPY = "4 CALLDATALOAD {source} 64 CALLDATACOPY 64 MLOAD 96 MLOAD XOR 128 MLOAD ADD 160 MLOAD XOR"


def lifted(text: str, signature: str, **options) -> tuple[bytes, Program]:
    code = assemble(text + RETURNS)
    return code, program_from_module(lift_function(code, signature, **options))


def agree(code: bytes, program: Program, signature: str, words: list[int]) -> None:
    """The program gives what the contract gives, on every engine, or says that it may not."""
    selector = parse_signature(signature).selector.to_bytes(4, "big")
    data = selector + b"".join(value.to_bytes(32, "big") for value in words)
    want = called(code, data)
    for run, form in ((interp.run, program.metered), (engine.run, program)):
        outcome = run(form, words, work_limit=10**7)
        if outcome.trap is not None and outcome.trap.message.startswith("memory outside"):
            continue
        assert want.success
        assert outcome.results == words_of(want.output), words


@pytest.mark.parametrize("source", [4, 5, 36, 40, 68, 69, 99, 100])
def test_copies_of_any_length_agree(source):
    signature = "f(uint256,uint256,uint256)"
    code, program = lifted(COPY.format(source=source), signature)

    for length in (0, 1, 5, 31, 32, 33, 63, 64, 65, 96, 127, 128, 200, 4096, 4097, 2**64, 2**255):
        agree(code, program, signature, [length, 2**256 - 1 - length, 0xABCDEF << 220])


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 63, 64, 135, 136, 137, 144, 271, 272, 273, 500])
def test_hashes_of_any_length_agree(length):
    text = "4 CALLDATALOAD DUP1 4 64 CALLDATACOPY 64 KECCAK256"
    signature = "f(uint256,uint256,uint256)"
    code, program = lifted(text, signature)

    agree(code, program, signature, [length, Random(length).getrandbits(256), 2**255 + length])


@pytest.mark.slow
def test_a_circuit_of_a_computed_length_hashes_each_length():
    _, program = lifted("4 CALLDATALOAD 0x3f AND DUP1 4 64 CALLDATACOPY 64 KECCAK256", "f(uint256)")
    circuit = compile_circuit(program.module, limits=Limits(rounds=2))

    for length in (0, 5, 40):
        found = circuit.witness([length])
        message = (length.to_bytes(32, "big") + bytes(64))[:length]
        assert found.results == (int.from_bytes(keccak256(message), "big"),)
        check_witness(circuit.r1cs, found.felts())


@settings(max_examples=40)
@given(
    source=st.integers(0, 110),
    to=st.integers(64, 200),
    words=st.lists(st.integers(0, 200) | st.integers(0, 2**256 - 1), min_size=3, max_size=3),
)
def test_copies_from_and_to_anywhere_agree(source, to, words):
    signature = "f(uint256,uint256,uint256)"
    text = (
        f"36 CALLDATALOAD {to} MSTORE 4 CALLDATALOAD {source} 68 CALLDATALOAD 0x7f AND {to} ADD"
        f" CALLDATACOPY {to} MLOAD {to + 32} MLOAD XOR {to + 128} MLOAD ADD {to + 7} MLOAD XOR"
    )
    code, program = lifted(text, signature)

    selector = parse_signature(signature).selector.to_bytes(4, "big")
    want = called(code, selector + b"".join(value.to_bytes(32, "big") for value in words))
    outcome = interp.run(program.metered, words, work_limit=10**7)
    if outcome.trap is None:
        assert outcome.results == words_of(want.output)
    else:
        assert outcome.trap.message.startswith("memory outside")


def test_calldata_have_room_for_every_array():
    signature = parse_signature("f(uint256,uint256[],bytes,uint8[2][])", array_bound=ROOM)

    assert signature.canonical == "f(uint256,uint256[],bytes,uint8[2][])"
    assert signature.words[:4] == (Given(0, None), 4 * 32, 8 * 32, 10 * 32)
    assert signature.words[4] == Length(1, ROOM, "arg1")
    assert signature.words[5:8] == tuple(Given(2, index) for index in range(3))
    assert signature.words[8:10] == (Length(3, ROOM, "arg2"), Given(4, 0))
    assert signature.words[10] == Length(5, ROOM, "arg3")
    assert signature.words[11:] == tuple(Given(6, index) for index in range(6))


def test_an_array_that_is_too_long_traps():
    _, program = lifted("4 CALLDATALOAD 4 ADD CALLDATALOAD", "f(uint256[])", array_bound=ROOM)

    for length in (0, 1, ROOM, ROOM + 1, 2**64 - 1):
        outcome = interp.run(program.metered, [length, [7, 8, 9]], work_limit=1000)
        if length <= ROOM:
            assert outcome.results == (length,)
        else:
            assert outcome.trap is not None
            assert outcome.trap.message == "arg0 has room for 3 elements"


@pytest.mark.parametrize(
    ("text", "bound", "says"),
    [
        ("f(uint256[])", None, "--array-bound"),
        ("f(bytes)", None, "--array-bound"),
        ("f(uint256[][])", 2, "inside another type"),
        ("f(uint256[][3])", 2, "inside another type"),
        ("f((uint256[],uint256))", 2, "inside another type"),
        ("f(bytes[2])", 2, "inside another type"),
        ("f(uint256[])", 0, "1 to"),
        ("f(uint256[])", WORDS_MAX + 1, "1 to"),
        ("f(uint256[3][])", WORDS_MAX, "has more than"),
        ("f(uint256[],uint256[])", WORDS_MAX, "more than"),
    ],
)
def test_arrays_that_cannot_be_bounded_are_refused(text, bound, says):
    with pytest.raises(SignatureError, match=says):
        parse_signature(text, array_bound=bound)


def test_parameters_that_are_not_there_cannot_be_private():
    with pytest.raises(SignatureError, match="no parameter 2"):
        parse_signature("f(uint256,uint256)", private=frozenset({0, 2}))


BOMBS = {
    "hashes": "4 CALLDATALOAD 0 MSTORE 2048 0 KECCAK256 POP",
    "hashes of computed length": "4 CALLDATALOAD 64 KECCAK256 POP",
    "hashes at computed offsets": "2048 4 CALLDATALOAD KECCAK256 POP",
    "copies of computed length": "4 CALLDATALOAD 4 64 CALLDATACOPY",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_the_longest_contract_is_lifted_or_refused_in_bounded_time(bomb):
    code = assemble(BOMBS[bomb]) * 3_000
    with seconds_at_most(6), contextlib.suppress(LiftError):
        lift_function(code[:24_000] + assemble("1" + RETURNS), "f(uint256)")
