"""Keccak-256 as functions of the IR, against the hash of the EVM."""

from random import Random

import pytest

from numen.base.crypto import keccak256
from numen.evm.lift import lift_function
from numen.evm.lift.errors import DynamicMemoryError, LiftLimitError
from numen.evm.lift.limits import HASH_BYTES_MAX, HASH_LENGTHS_MAX
from numen.evm.lift.sponge import hash_functions, hash_name
from numen.ir import interp
from numen.ir.check import check
from numen.ir.interface import Input, Interface
from numen.ir.nodes import Module
from numen.ir.ops import Op
from numen.ir.program import program_from_module
from numen.ir.types import U256
from numen.jit import engine
from numen.proof.circuit import compile_circuit
from numen.proof.r1cs import check_witness
from tests.evm.lift.agreeing import Lifted
from tests.evm.tier.assembly import assemble

LENGTHS = (1, 7, 8, 9, 31, 32, 33, 64, 127, 128, 135, 136, 137, 160, 271, 272, 273, 544)
"""Around lanes, words and blocks of 136 bytes."""


def hasher(length: int) -> Module:
    words = tuple(Input(f"word{index}", U256) for index in range(-(-length // 32)))
    functions = hash_functions({length: None})
    module = Module(functions, hash_name(length), Interface(words, U256))
    check(module)
    return module


def words_of(message: bytes) -> list[int]:
    starts = range(0, len(message), 32)
    return [int.from_bytes(message[at : at + 32].ljust(32, b"\0"), "big") for at in starts]


def digest_of(message: bytes) -> tuple[int]:
    return (int.from_bytes(keccak256(message), "big"),)


@pytest.mark.parametrize("length", LENGTHS)
def test_the_interpreter_hashes_as_the_evm_does(length):
    message = Random(length).randbytes(length)

    outcome = interp.run(hasher(length), words_of(message), work_limit=10**7)
    assert outcome.results == digest_of(message)


def test_native_code_hashes_as_the_evm_does():
    for length in (64, 137):
        message = Random(length).randbytes(length)
        program = program_from_module(hasher(length))

        outcome = engine.run(program, words_of(message), work_limit=10**7)
        assert outcome.results == digest_of(message)


@pytest.mark.slow
def test_a_circuit_hashes_as_the_evm_does_for_fewer_constraints_than_others():
    circuit = compile_circuit(program_from_module(hasher(64)).module)
    message = Random(64).randbytes(64)

    found = circuit.witness(words_of(message))
    assert found.results == digest_of(message)
    check_witness(circuit.r1cs, found.felts())
    assert circuit.constraint_count < 90_000  # ZoKrates 1.1.9: 150,754


HASHED = {
    "a word": "4 CALLDATALOAD 0 MSTORE 32 0 KECCAK256",
    "a word at a computed offset": (
        "4 CALLDATALOAD 36 CALLDATALOAD 0x60 AND 64 ADD MSTORE 64 64 KECCAK256"
    ),
    "odd bytes": "4 CALLDATALOAD 0 MSTORE 36 CALLDATALOAD 19 MSTORE 45 3 KECCAK256",
    "nothing": "0 4 CALLDATALOAD POP 0 KECCAK256",
    "what is known": "77 0 MSTORE 5 27 KECCAK256",
    "a hash": "4 CALLDATALOAD 0 MSTORE 32 0 KECCAK256 32 MSTORE 64 0 KECCAK256",
}


@pytest.mark.parametrize("name", HASHED)
def test_bytecode_hashes_what_it_says(name):
    function = Lifted(assemble(HASHED[name] + " 0 MSTORE 32 0 RETURN"), "f(uint256,uint256)")

    for words in ([0, 0], [2**256 - 1, 32], [Random(name).getrandbits(256), 64]):
        assert function.check(words)


def test_the_hash_of_what_is_known_is_known():
    module = lift_function(assemble(HASHED["what is known"] + " 0 MSTORE 32 0 RETURN"), "f()")

    assert list(module.functions) == ["f"]
    assert Op.CALL not in {i.op for b in module.functions["f"].blocks.values() for i in b.body}


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        ("4 CALLDATALOAD 0 KECCAK256", DynamicMemoryError, "length of what is hashed"),
        (f"{HASH_BYTES_MAX + 1} 0 KECCAK256", LiftLimitError, f"at most {HASH_BYTES_MAX}"),
        ("0x100000000 0 KECCAK256", LiftLimitError, "at most"),
        ("32 4 CALLDATALOAD KECCAK256 POP 32 60 KECCAK256", DynamicMemoryError, "crosses"),
    ],
)
def test_what_cannot_be_hashed_is_refused_where_it_stands(code, error, says):
    code = assemble(code + " 0 MSTORE 32 0 RETURN")

    with pytest.raises(error, match=says) as caught:
        lift_function(code, "f(uint256)")
    assert caught.value.opcode == "KECCAK256"
    assert code[caught.value.offset] == 0x20


def test_messages_of_too_many_lengths_are_refused():
    code = "4 CALLDATALOAD 0 MSTORE" + "".join(
        f" {length} 0 KECCAK256 32 MSTORE" for length in range(1, HASH_LENGTHS_MAX + 2)
    )

    with pytest.raises(LiftLimitError, match="lengths"):
        lift_function(assemble(code + " 32 0 RETURN"), "f(uint256)")
