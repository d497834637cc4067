"""What is not lifted is refused with the offset, the opcode and the reason."""

from pathlib import Path

import pytest

from numen.evm.errors import UnknownForkError
from numen.evm.lift import lift_function
from numen.evm.lift.errors import (
    BytecodeError,
    DynamicMemoryError,
    ImpureError,
    LiftError,
    LiftLimitError,
    ShapeError,
    SignatureError,
    UnresolvedJumpError,
)
from numen.evm.lift.limits import CODE_BYTES_MAX
from numen.evm.lift.reading import read_bytecode
from tests.evm.tier.assembly import assemble

CONTRACTS = Path(__file__).parent / "contracts"
RETURNS = " 0 MSTORE 32 0 RETURN"

IMPURE = {
    "SLOAD": "0 SLOAD",
    "SSTORE": "0 0 SSTORE 0",
    "TLOAD": "0 TLOAD",
    "CALLER": "CALLER",
    "GAS": "GAS",
    "MSIZE": "MSIZE",
    "BALANCE": "0 BALANCE",
    "TIMESTAMP": "TIMESTAMP",
    "CALL": "0 0 0 0 0 0 0 CALL",
    "STATICCALL": "0 0 0 0 0 0 STATICCALL",
    "CREATE": "0 0 0 CREATE",
    "LOG1": "0 0 0 LOG1 0",
    "EXTCODESIZE": "0 EXTCODESIZE",
    "RETURNDATACOPY": "0 0 0 RETURNDATACOPY 0",
}


@pytest.mark.parametrize("opcode", IMPURE)
def test_an_impure_instruction_is_named_with_its_offset(opcode):
    code = assemble(IMPURE[opcode] + RETURNS)

    with pytest.raises(ImpureError) as caught:
        lift_function(code, "f()")

    assert caught.value.opcode == opcode
    assert code[caught.value.offset] == assemble(opcode)[0]
    assert f"{opcode} at 0x{caught.value.offset:04x}: " in str(caught.value)


@pytest.mark.parametrize(
    ("code", "error", "offset"),
    [
        ("0 CALLDATALOAD JUMP", UnresolvedJumpError, 3),
        ("1 0 CALLDATALOAD JUMPI STOP", UnresolvedJumpError, 5),
        ("0 SELFDESTRUCT", ImpureError, 2),
        ("4 CALLDATALOAD 0 RETURN", ShapeError, 5),
        ("31 0 RETURN", ShapeError, 4),
        ("4 CALLDATALOAD 0 0 CALLDATACOPY 32 0 RETURN", DynamicMemoryError, 7),
        ("4 CALLDATALOAD 0 64 MCOPY 32 0 RETURN", DynamicMemoryError, 7),
        ("4 CALLDATALOAD 36 0 CALLDATACOPY 32 0 RETURN", DynamicMemoryError, 7),
        ("32 4 CALLDATALOAD 0 CODECOPY 32 0 RETURN", DynamicMemoryError, 7),
        ("4 CALLDATALOAD MLOAD 48 MLOAD ADD" + RETURNS, DynamicMemoryError, 6),
        ("1 0x10000 MSTORE" + RETURNS, LiftLimitError, 6),
        ("4 CALLDATALOAD @a JUMPI 32 0 RETURN a: 64 0 RETURN", ShapeError, None),
        ("again: 1 @again JUMP", ShapeError, None),
        ("0 0 REVERT", ShapeError, None),
        ("INVALID", ShapeError, None),
    ],
)
def test_code_that_cannot_be_lifted_is_refused(code, error, offset):
    with pytest.raises(error) as caught:
        lift_function(assemble(code), "f(uint256)")

    assert type(caught.value) is error
    if offset is not None:
        assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("name", "signature", "opcode"),
    [
        ("pure.solc-0.8.30.hex", "impure(uint256)", "SLOAD"),
        ("pure.vyper-0.4.3.hex", "paid(uint256)", "SELFBALANCE"),
    ],
)
def test_functions_of_contracts_that_are_not_pure_are_refused(name, signature, opcode):
    code = read_bytecode((CONTRACTS / name).read_bytes())

    with pytest.raises(ImpureError) as caught:
        lift_function(code, signature)

    assert caught.value.opcode == opcode


def test_a_function_that_the_contract_lacks_is_refused():
    code = read_bytecode((CONTRACTS / "pure.solc-0.8.30.hex").read_bytes())

    with pytest.raises(ShapeError, match="has it the function"):
        lift_function(code, "absent(uint256)")


def test_recursion_is_refused_as_too_long():
    code = read_bytecode((CONTRACTS / "recursive.solc-0.8.30.hex").read_bytes())

    with pytest.raises(LiftLimitError, match="steps"):
        lift_function(code, "factorial(uint256)")


@pytest.mark.parametrize("memory_bytes", [31, 2**20 + 1])
def test_the_memory_is_within_its_bounds(memory_bytes):
    with pytest.raises(LiftLimitError):
        lift_function(assemble("STOP"), "f()", memory_bytes=memory_bytes)


def test_a_fork_has_the_opcodes_it_has():
    code = assemble("PUSH0 4 CALLDATALOAD SHL" + RETURNS)

    lift_function(code, "f(uint256)", fork="shanghai")
    with pytest.raises(ShapeError):
        lift_function(code, "f(uint256)", fork="london")
    with pytest.raises(UnknownForkError):
        lift_function(code, "f(uint256)", fork="atlantis")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"6001", b"\x60\x01"),
        (b"0x6001\n", b"\x60\x01"),
        (b"60 01\r\n 5B", b"\x60\x01\x5b"),
        (b"\x60\x01\x5b", b"\x60\x01\x5b"),
        (b"\x00", b"\x00"),
    ],
)
def test_bytecode_is_read_raw_and_in_hexadecimal(data, code):
    assert read_bytecode(data) == code


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"600", "odd"),
        (b"0x60zz", "'z' at digit 3"),
        (b"73__$abcdef$__", "link"),
        (b"\x01" * (CODE_BYTES_MAX + 1), "at most"),
        (b"00" * (CODE_BYTES_MAX + 1), "at most"),
    ],
)
def test_what_is_no_bytecode_is_refused(data, says):
    with pytest.raises(BytecodeError, match=says):
        read_bytecode(data)


@pytest.mark.parametrize(
    "text",
    [
        "", "f", "f(", "f)", "f()x", "1()", "f(uint7)", "f(uint512)", "f(uint256[])", "f(bytes)",
        "f(string)", "f(uint256[0])", "f(uint256[1025])", "f(uint256[99999999999])", "f(int0256)",
        "f(bytes33)", "f(bytes0)", "f(uint256,)", "f(,)", "f(())", "f(uint256[32][33])",
        "f(" + "(" * 40 + "uint256" + ")" * 41, "f(uint256" + "[1]" * 40 + ")", "f(é)", "x" * 1001,
    ],
)  # fmt: skip
def test_what_is_no_signature_is_refused(text):
    with pytest.raises(SignatureError):
        lift_function(b"\0", text)


def test_every_refusal_is_an_error_of_the_lifter():
    assert all(issubclass(kind, LiftError) for kind in (ImpureError, ShapeError, SignatureError))
