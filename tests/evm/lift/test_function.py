"""Functions that compilers wrote: lifted, they agree with the contract called on the reference."""

from functools import cache
from pathlib import Path
from random import Random

import pytest

from numen.evm.lift import lift_function
from numen.evm.lift.errors import LiftLimitError
from numen.evm.lift.reading import read_bytecode
from numen.ir.check import check
from numen.ir.ops import Op
from numen.ir.trap import Reason
from tests.evm.lift.agreeing import Lifted, word
from tests.evm.tier.assembly import assemble

CONTRACTS = Path(__file__).parent / "contracts"

SOLIDITY = (
    "add(uint256,uint256)", "mulChecked(uint256,uint256)", "ratio(uint256,uint256)",
    "gcd(uint256,uint256)", "isqrt(uint256)", "fold(uint256[8],uint256,uint256)",
    "limits(int256,int256,int256)", "pick(bool,uint128,uint64)", "bits(uint256)",
    "collatz(uint256,uint256)", "power(uint256,uint256,uint256)", "sorted(uint256[6])",
    "at(uint256[5],uint256)", "turn((int256,int256)[2])", "signed(int256,int256,int8)",
    "guarded(uint256)", "nothing(uint256)", "sieve(uint256)",
)  # fmt: skip
VYPER = (
    "add(uint256,uint256)", "gcd(uint256,uint256)", "root(uint256)",
    "fold(uint256[8],uint256,uint256)", "limits(int256,int256)", "ratio(int128,int128)",
    "total(uint256[4],uint256[4])", "guarded(uint256)",
)  # fmt: skip
FILES = {
    "pure.solc-0.8.30.hex": SOLIDITY,
    "pure.solc-0.8.30-plain.hex": SOLIDITY,
    "pure.solc-0.8.30-ir.hex": SOLIDITY,
    "pure.vyper-0.4.3.hex": VYPER,
    "pure.vyper-0.4.3-plain.hex": VYPER,
}
CASES = [(name, signature) for name, signatures in FILES.items() for signature in signatures]

USUAL = {
    "pick(bool,uint128,uint64)": [1, 2**100 + 17, 2**63],
    "at(uint256[5],uint256)": [10, 11, 12, 13, 14, 3],
    "turn((int256,int256)[2])": [2**256 - 3, 4, 5, 6],
    "signed(int256,int256,int8)": [2**256 - 1000, 7, 2**256 - 5],
    "total(uint256[4],uint256[4])": [1, 2, 3, 4, 5, 6, 7, 8],
    "ratio(int128,int128)": [2**256 - 7, 2],
    "ratio(uint256,uint256)": [17, 5],
}
"""Arguments with which functions succeed that refuse most."""


def contract(name: str) -> bytes:
    return read_bytecode((CONTRACTS / name).read_bytes())


@cache
def lifted(name: str, signature: str) -> Lifted:
    return Lifted(contract(name), signature)


@pytest.mark.parametrize(("name", "signature"), CASES)
def test_a_lifted_function_agrees_with_the_contract(name, signature):
    function, chance = lifted(name, signature), Random(f"{name} {signature}")

    if signature in USUAL:
        assert function.check(USUAL[signature])
    for _ in range(6):
        function.check([word(chance) for _ in function.signature.words])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "signature"), CASES)
def test_native_code_of_a_lifted_function_agrees_with_the_contract(name, signature):
    function, chance = lifted(name, signature), Random(f"jit {name} {signature}")

    if signature in USUAL:
        assert function.check(USUAL[signature], jit=True)
    for _ in range(30):  # the reference takes most of the time
        function.check([word(chance) for _ in function.signature.words], jit=True)


def test_native_code_of_some_lifted_functions_agrees():
    for signature in ("gcd(uint256,uint256)", "fold(uint256[8],uint256,uint256)"):
        function, chance = lifted("pure.solc-0.8.30.hex", signature), Random(signature)
        assert function.check([chance.getrandbits(256) for _ in function.signature.words], jit=True)


@pytest.mark.parametrize("name", FILES)
def test_a_checked_sum_is_a_sum_and_a_check(name):
    module = lift_function(contract(name), "add(uint256,uint256)")

    check(module)
    ops = [instr.op for block in module.functions["add"].blocks.values() for instr in block.body]
    assert ops == [Op.WRAPPING_ADD, Op.LT]


def test_loops_stay_loops_and_memory_at_known_offsets_is_registers():
    function = lifted("pure.solc-0.8.30.hex", "gcd(uint256,uint256)").module.functions["gcd"]
    ops = [instr.op for block in function.blocks.values() for instr in block.body]

    assert len(function.blocks) <= 6
    assert Op.MEMORY not in ops
    assert ops.count(Op.REM) == 1
    assert Op.SELECT not in ops, "the divisor was checked by the loop"


def test_memory_at_computed_offsets_is_bytes():
    function = lifted("pure.solc-0.8.30.hex", "sieve(uint256)").module.functions["sieve"]
    ops = [instr.op for block in function.blocks.values() for instr in block.body]

    assert ops.count(Op.MEMORY) == 1


@pytest.mark.parametrize(
    ("signature", "words", "reason", "message"),
    [
        ("add(uint256,uint256)", [2**256 - 1, 1], Reason.OVERFLOW, ""),
        ("ratio(uint256,uint256)", [1, 0], Reason.DIVISION_BY_ZERO, ""),
        ("at(uint256[5],uint256)", [1, 2, 3, 4, 5, 5], Reason.INDEX, ""),
        ("collatz(uint256,uint256)", [0, 9], Reason.REQUIREMENT, "n is zero"),
        ("guarded(uint256)", [999], Reason.REQUIREMENT, "assertion failed"),
        ("guarded(uint256)", [1001], Reason.REQUIREMENT, "revert"),
        ("pick(bool,uint128,uint64)", [2, 0, 0], Reason.REQUIREMENT, "revert"),
    ],
)
def test_a_trap_says_why_the_contract_reverts(signature, words, reason, message):
    function = lifted("pure.solc-0.8.30.hex", signature)

    assert not function.check(words)
    trap = function.run(words, _interpret).trap
    assert (trap.reason, trap.message) == (reason, message)
    assert trap.place.file == "bytecode"
    assert 0 < trap.place.line < len(function.code)


def _interpret(program, args, *, work_limit):
    from numen.ir import interp

    return interp.run(program.metered, args, work_limit=work_limit)


@pytest.mark.parametrize("name", ["arrays.solc-0.8.30.hex", "arrays.solc-0.8.30-ir.hex"])
def test_arrays_whose_length_is_computed_are_in_bytes(name):
    primes = Lifted(contract(name), "primes(uint256)", memory_bytes=1 << 14)
    rows = Lifted(contract(name), "rows(uint256,uint256)", memory_bytes=1 << 14)

    assert all(primes.check([n]) for n in (0, 1, 2, 3, 30, 200))
    assert primes.run([100], _interpret).results == (25,)
    assert all(rows.check([n, k]) for n, k in ((0, 0), (1, 1), (5, 2), (12, 6)))
    assert not rows.check([6, 7])
    assert not primes.check([2**64])


def test_clearing_memory_clears_what_is_asked_for_and_no_more():
    ones = " ".join(f"0 NOT {at} MSTORE" for at in range(64, 224, 32))
    code = assemble(
        f"{ones} 36 CALLDATALOAD CALLDATASIZE 4 CALLDATALOAD CALLDATACOPY 160 64 RETURN"
    )
    function = Lifted(code, "f(uint256,uint256)", memory_bytes=1024)

    for offset in (64, 65, 95, 96, 100, 223, 224, 900):
        for length in (0, 1, 2, 31, 32, 33, 64, 65, 100):
            assert function.check([offset, length])
    for offset in (0, 2**64, 2**256 - 1):
        assert function.check([offset, 0])
    for words in ([64, 1025], [1087, 2], [64, 2**256 - 1], [2**256 - 1, 2], [63, 1]):
        trap = function.run(words, _interpret).trap
        assert trap.message == "memory outside 64 to 1088"
    assert function.check([1087, 1])


def test_memory_past_the_bound_is_a_trap_that_says_so():
    code = assemble("4 CALLDATALOAD MLOAD 0 MSTORE 32 0 RETURN")
    function = Lifted(code, "f(uint256)", memory_bytes=1024)

    assert function.check([64])
    assert function.check([64 + 1023])
    for offset in (0, 63, 64 + 1024, 2**64, 2**256 - 1):
        trap = function.run([offset], _interpret).trap
        assert trap.message == "memory outside 64 to 1088"


def test_a_known_offset_past_the_bound_is_refused():
    code = contract("pure.solc-0.8.30.hex")

    assert Lifted(code, "sieve(uint256)", memory_bytes=64 * 32 + 160).check([30])
    with pytest.raises(LiftLimitError, match="this lift has 1024 bytes"):
        lift_function(code, "sieve(uint256)", memory_bytes=1024)
