"""Functions whose calls are proven: contract, lifted program, native code and circuit agree."""

from functools import cache
from pathlib import Path
from random import Random

import pytest

from numen.api.bounds import Bounds
from numen.api.compiled import Compiled, from_contract
from numen.api.errors import TrappedError
from numen.base.crypto import keccak256
from numen.evm import engines
from numen.evm.block import Block, Context
from numen.evm.forks import fork
from numen.evm.lift.reading import read_bytecode
from numen.evm.lift.signature import Given, Length, parse_signature
from numen.evm.message import Message
from numen.evm.state import Account, State
from numen.ir.interface import leaves
from numen.proof.circuit_errors import TooManyRoundsError
from numen.proof.formats import write_r1cs
from numen.proof.r1cs import check_witness
from tests.evm.lift.agreeing import word
from tests.evm.lift.called import CALLER, CONTRACT, called, words_of
from tests.proof.test_soundness import Rows, follow, holds, inputs_of

CONTRACTS = Path(__file__).parents[3] / "examples/contracts"
SOLC, VYPER = "provable.solc.hex", "provable.vyper.hex"
PRIME_PAIR = [2**127 - 1, 2**61 - 1]

CASES = {
    (SOLC, "add(uint256,uint256)"): (Bounds(), [[3, 4], [2**256 - 1, 0]]),
    (SOLC, "mul(uint256,uint256)"): (Bounds(), [PRIME_PAIR, [0, 2**256 - 1]]),
    (SOLC, "gcd(uint256,uint256)"): (Bounds(loop=4), [[48, 36], [0, 0], [7, 0], [0, 7]]),
    (SOLC, "isqrt(uint256)"): (Bounds(loop=6), [[0], [1], [2], [15], [16], [17], [143], [144]]),
    (SOLC, "total(uint256[])"): (Bounds(array=3), [[[]], [[5]], [[1, 2, 2**255]]]),
    (SOLC, "dot(uint256[],uint256[])"): (Bounds(array=1), [[[], []], [[3], [5]]]),
    (SOLC, "largest(uint256[])"): (Bounds(array=3), [[[]], [[5]], [[7, 9, 8]]]),
    (VYPER, "add(uint256,uint256)"): (Bounds(), [[3, 4], [2**256 - 1, 0]]),
    (VYPER, "mul(uint256,uint256)"): (Bounds(), [PRIME_PAIR, [0, 2**256 - 1]]),
    (VYPER, "gcd(uint256,uint256)"): (Bounds(), [[48, 36], [0, 0], [7, 0], [0, 7]]),
    (VYPER, "root(uint256)"): (Bounds(), [[0], [1], [2], [15], [16], [2**256 - 1]]),
    (VYPER, "total(uint256[])"): (Bounds(array=3), [[[]], [[5]], [[1, 2, 2**255]]]),
}
"""Bounds of each function, and arguments with which it succeeds."""

MEMBERS = [(SOLC, Bounds(array=1)), (VYPER, Bounds(array=1))]
MEMBER = "member(bytes32,bytes32,bytes32[])"


@cache
def code_of(name: str) -> bytes:
    return read_bytecode((CONTRACTS / name).read_bytes())


@cache
def provable(name: str, signature: str, bounds: Bounds) -> Compiled:
    return from_contract(CONTRACTS / name, signature, bounds)


def canonical(signature: str, args: list) -> bytes:
    """Calldata as the ABI's own encoders write it: nothing between the arrays."""
    heads, tails, first = [], b"", 32 * len(args)
    for arg in args:
        if isinstance(arg, list):
            heads.append(first + len(tails))
            tails += b"".join(item.to_bytes(32, "big") for item in (len(arg), *arg))
        else:
            heads.append(arg)
    selector = parse_signature(signature, array_bound=1).selector.to_bytes(4, "big")
    return selector + b"".join(head.to_bytes(32, "big") for head in heads) + tails


def roomy(program: Compiled, signature: str, bounds: Bounds, args: list) -> bytes:
    """Calldata as the program has them: with room behind the arrays."""
    parsed = parse_signature(signature, array_bound=bounds.array)
    parts = program.bind(tuple(args))
    assert [leaf.count for leaf in program.module.input_leaves] == [
        leaf.count for field in parsed.inputs for leaf in leaves(field.shape)
    ]
    words = []
    for place in parsed.words:
        match place:
            case Given(leaf, index):
                words.append(parts[leaf] if index is None else parts[leaf][index])
            case Length(leaf):
                words.append(parts[leaf])
            case _:
                words.append(place)
    return parsed.selector.to_bytes(4, "big") + b"".join(w.to_bytes(32, "big") for w in words)


def called_natively(code: bytes, data: bytes):
    state = State({CONTRACT: Account(code=code), CALLER: Account(balance=1)})
    machine = engines.make("interpreter", fork("prague"), state)
    machine.set_block(Block())
    machine.set_context(Context(origin=CALLER, gas_price=0))
    machine.begin()
    machine.warm(CONTRACT)
    return machine.run(Message(caller=CALLER, to=CONTRACT, value=0, data=data, gas=10**9))


def check(name: str, signature: str, bounds: Bounds, args: list) -> str:
    """Compare one call in all its forms, and say how it ended."""
    code, program = code_of(name), provable(name, signature, bounds)
    want = called(code, canonical(signature, args), gas=10**9)
    again = called(code, roomy(program, signature, bounds, args), gas=10**9)
    native = called_natively(code, canonical(signature, args))
    assert (want.success, want.output) == (again.success, again.output)
    assert (want.success, want.output) == (native.success, native.output)
    parts = program.bind(tuple(args))
    if not want.success:
        for engine in ("interp", "jit"):
            with pytest.raises(TrappedError):
                program.run(*args, engine=engine)
        with pytest.raises(Exception, match="cannot be proven"):
            program.circuit.witness(parts)
        assert not holds(program.circuit, follow(program.circuit, parts, -1, 0))
        return "reverted"
    (value,) = words_of(want.output)
    assert program.run(*args, engine="interp").value == value
    assert program.run(*args, engine="jit").value == value
    try:
        witness = program.circuit.witness(parts)
    except TooManyRoundsError:
        assert not holds(program.circuit, follow(program.circuit, parts, -1, 0))
        return "too long"
    assert witness.results == (value,)
    check_witness(program.circuit.r1cs, witness.felts())
    return "proven"


def by_chance(signature: str, bounds: Bounds, chance: Random) -> list:
    inputs = parse_signature(signature, array_bound=bounds.array or 1).inputs
    return [
        [word(chance) for _ in range(chance.randrange(bounds.array + 1))]
        if len(leaves(field.shape)) > 1
        else word(chance)
        for field in inputs
    ]


@pytest.mark.parametrize(("name", "signature"), CASES)
def test_every_form_of_a_call_agrees(name, signature):
    bounds, usual = CASES[name, signature]
    chance = Random(f"{name} {signature}")

    for args in usual:
        assert check(name, signature, bounds, args) == "proven"
    for _ in range(4):
        check(name, signature, bounds, by_chance(signature, bounds, chance))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "signature"), CASES)
def test_every_form_of_many_calls_agrees(name, signature):
    bounds, _ = CASES[name, signature]
    chance = Random(f"many {name} {signature}")
    ends = {check(name, signature, bounds, by_chance(signature, bounds, chance)) for _ in range(40)}

    assert ends <= {"proven", "reverted", "too long"}
    assert "proven" in ends


def test_calls_that_revert_have_no_proof():
    for name in (SOLC, VYPER):
        assert check(name, "add(uint256,uint256)", Bounds(), [2**256 - 1, 1]) == "reverted"
        assert check(name, "mul(uint256,uint256)", Bounds(), [2**128, 2**128]) == "reverted"
        overflow = [[2**255, 2**255]]
        assert check(name, "total(uint256[])", Bounds(array=3), overflow) == "reverted"
    differ = [[1], [1, 2]]
    assert check(SOLC, "dot(uint256[],uint256[])", Bounds(array=2), differ) == "reverted"


def test_a_call_that_needs_more_rounds_is_refused_where_the_loop_stands():
    bounds = Bounds(loop=4)

    assert check(SOLC, "gcd(uint256,uint256)", bounds, [13, 8]) == "too long"
    with pytest.raises(TooManyRoundsError, match="more than 4 rounds") as caught:
        provable(SOLC, "gcd(uint256,uint256)", bounds).prove(13, 8)
    assert code_of(SOLC)[caught.value.place.line] == 0x57  # JUMPI


@pytest.mark.slow
@pytest.mark.parametrize(("name", "bounds"), MEMBERS)
def test_a_merkle_proof_is_checked(name, bounds):
    leaf, other = 7 << 250, 1 << 100
    root = int.from_bytes(
        keccak256(b"".join(x.to_bytes(32, "big") for x in sorted((leaf, other)))), "big"
    )

    assert check(name, MEMBER, bounds, [root, leaf, [other]]) == "proven"
    assert check(name, MEMBER, bounds, [root, other, [leaf]]) == "proven"
    assert check(name, MEMBER, bounds, [root, leaf, []]) == "proven"
    assert provable(name, MEMBER, bounds).run(root, leaf, [other]).value == 1
    assert provable(name, MEMBER, bounds).run(root, leaf, [other ^ 1]).value == 0
    assert provable(name, MEMBER, bounds).circuit.constraint_count < 92_000


@pytest.mark.parametrize("depth", [0, 1, 2, 5])
@pytest.mark.parametrize("name", [SOLC, VYPER])
def test_merkle_proofs_of_any_depth_agree_without_a_circuit(name, depth):
    program, chance = provable(name, MEMBER, Bounds(array=5)), Random(depth)

    for _ in range(3):
        args = [chance.getrandbits(256), chance.getrandbits(256)]
        args.append([chance.getrandbits(256) for _ in range(depth)])
        want = called(code_of(name), canonical(MEMBER, args), gas=10**9)
        assert (program.run(*args, engine="interp").value,) == words_of(want.output)
        assert (program.run(*args, engine="jit").value,) == words_of(want.output)


@pytest.mark.parametrize(("name", "signature"), [key for key in CASES if "gcd" not in key[1]])
def test_changing_a_wire_is_noticed(name, signature):
    bounds, usual = CASES[name, signature]
    circuit = provable(name, signature, bounds).circuit
    values = circuit.witness(provable(name, signature, bounds).bind(tuple(usual[-1]))).values
    rows, free = Rows(circuit), {wire.wire for wire in circuit.free_wires()}
    sums = rows.sums(values)

    assert [
        circuit.name(wire)
        for wire in range(1, len(values))
        if wire not in inputs_of(circuit)
        and wire not in free
        and not all(rows.reject(sums, wire, change) for change in (1, -1, 7919))
    ] == []


def test_the_circuit_is_a_function_of_the_bytecode_and_the_bounds(tmp_path):
    signature, bounds = "total(uint256[])", Bounds(array=2)
    first = from_contract(CONTRACTS / SOLC, signature, bounds)
    elsewhere = tmp_path / "another name.bin"
    elsewhere.write_bytes(code_of(SOLC))
    again = from_contract(elsewhere, signature, bounds)

    assert write_r1cs(first.circuit.r1cs) == write_r1cs(again.circuit.r1cs)
    entropy = bytes(range(64))
    keys = [program.setup(entropy=entropy).verifying for program in (first, again)]
    assert keys[0] == keys[1]
    for other in (
        from_contract(CONTRACTS / SOLC, signature, Bounds(array=3)),
        from_contract(CONTRACTS / SOLC, signature, Bounds(array=2, loop=1)),
        from_contract(CONTRACTS / SOLC, signature, Bounds(array=2, private=(0,))),
        from_contract(CONTRACTS / VYPER, signature, bounds),
    ):
        assert write_r1cs(other.circuit.r1cs) != write_r1cs(first.circuit.r1cs)
