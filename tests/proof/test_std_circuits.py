"""The standard modules as circuits: what they cost, what they give, and that they cannot lie."""

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
import sha3

from numen.ir.interface import flatten, unflatten
from numen.ir.pipeline import optimise
from numen.ir.types import FIELD_ORDER
from numen.lang.compile import compile_source
from numen.proof.circuit import Circuit, compile_circuit
from numen.proof.r1cs import check_witness
from tests.engines.all_engines import prepare
from tests.strategies.cheats import Rows, follow, holds, inputs_of
from tools import eddsa

SHA256 = """
from numen.std.sha256 import sha256

def main(m: list[u8, 55]) -> list[u8, 32]:
    return sha256(m)
"""

KECCAK = """
from numen.std.keccak import keccak256

def main(m: list[u8, 16]) -> list[u8, 32]:
    return keccak256(m)
"""

EDDSA = """
from numen.std.eddsa import Point, Signature, verify

def main(key: Point, signature: Signature, message: felt) -> bool:
    return verify(key, signature, message)
"""

MERKLE = """
from numen.std.merkle import root_of_path

def main(leaf: felt, siblings: list[felt, 8], is_right: list[bool, 8]) -> felt:
    return root_of_path(leaf, siblings, is_right)
"""

PAIR = """
from numen.std.poseidon import poseidon

def main(a: felt, b: felt) -> felt:
    return poseidon(a, b)
"""

SAMPLES = 400
"""Wires of a large circuit that are changed."""


class Compiled:
    """A program in all its forms."""

    def __init__(self, source: str) -> None:
        self.module = optimise(compile_source(source))
        self.circuit = compile_circuit(self.module)
        self.engines = [prepare(name, self.module) for name in ("interp", "jit")]

    def run(self, *args: Any) -> Any:
        """What the circuit and all engines give."""
        parts = self.parts(*args)
        found = self.circuit.witness(parts)
        check_witness(self.circuit.r1cs, found.felts())
        for engine in self.engines:
            assert engine(parts, 10**9).results == found.results
        return unflatten(self.module.interface.result, list(found.results))

    def parts(self, *args: Any) -> list[int | list[int]]:
        inputs = self.module.interface.inputs
        found: list[int | list[int]] = []
        for wanted, arg in zip(inputs, args, strict=True):
            found += flatten(wanted.shape, arg)
        return found


def lie(circuit: Circuit, parts: list[int | list[int]]) -> None:
    """Change wires, and hints with all that follows from them; nothing must go unnoticed."""
    dice = random.Random(circuit.constraint_count)
    values = circuit.witness(parts).values
    rows = Rows(circuit)
    sums = rows.sums(values)
    free = {wire.wire for wire in circuit.free_wires()}
    wires = [w for w in range(1, len(values)) if w not in inputs_of(circuit) and w not in free]
    for wire in dice.sample(wires, min(SAMPLES, len(wires))):
        for change in (1, -1, dice.randrange(2, FIELD_ORDER)):
            assert rows.reject(sums, wire, change), circuit.name(wire)
    kept = {circuit.order[wire] for wire in wires}
    steps = [i for i, (_, first, _) in enumerate(circuit.wires.plan) if first in kept]
    for step in dice.sample(steps, 8):
        assert not holds(circuit, follow(circuit, parts, step, dice.choice([1, -1, 5])))


def test_sha256():
    program = Compiled(SHA256)
    message = bytes(range(55))

    assert bytes(program.run(list(message))) == hashlib.sha256(message).digest()
    assert program.circuit.constraint_count < 18_000
    lie(program.circuit, [list(message)])


@pytest.mark.slow
def test_keccak256():
    program = Compiled(KECCAK)
    message = bytes(range(16))

    assert bytes(program.run(list(message))) == sha3.keccak_256(message).digest()
    assert program.circuit.constraint_count < 90_000
    lie(program.circuit, [list(message)])


def test_merkle_path():
    program = Compiled(MERKLE)
    pair = Compiled(PAIR)
    siblings, sides = list(range(8)), [True, False] * 4
    expected = 99
    for sibling, is_right in zip(siblings, sides, strict=True):
        expected = pair.run(*([sibling, expected] if is_right else [expected, sibling]))

    assert program.run(99, siblings, sides) == expected
    # A level is a hash of 240 constraints, the bit of the side, and a choice.
    assert program.circuit.constraint_count <= 8 * 242
    lie(program.circuit, program.parts(99, siblings, sides))


VECTORS = json.loads((Path(__file__).parent / "vectors/eddsa.json").read_text())["signatures"]
"""Signatures of circomlibjs."""


def point(pair: Any) -> dict[str, int]:
    return {"x": int(pair[0]), "y": int(pair[1])}


@pytest.fixture(scope="module")
def verifier() -> Compiled:
    return Compiled(EDDSA)


def verified(verifier: Compiled, key: Any, r: Any, s: int, message: int) -> bool:
    found = verifier.run(point(key), {"r": point(r), "s": s}, message)
    assert isinstance(found, bool)
    return found


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["message"])
def test_signatures_of_circomlib_are_good_and_changed_ones_are_not(verifier, vector):
    key, r = vector["key"], vector["r"]
    s, message = int(vector["s"]), int(vector["message"])
    other = VECTORS[(VECTORS.index(vector) + 1) % len(VECTORS)]

    assert verified(verifier, key, r, s, message)
    assert not verified(verifier, key, r, s, message + 1)
    assert not verified(verifier, key, r, s - 1, message)
    assert not verified(verifier, other["key"], r, s, message)
    assert not verified(verifier, key, other["r"], s, message)


def test_signatures_outside_the_rules_are_refused(verifier):
    vector = VECTORS[0]
    key, r = vector["key"], vector["r"]
    s, message = int(vector["s"]), int(vector["message"])
    low = eddsa.multiply(eddsa.ORDER, eddsa.add((0, FIELD_ORDER - 1), eddsa.BASE))

    assert low == (0, FIELD_ORDER - 1)
    assert not verified(verifier, key, r, s + eddsa.ORDER, message)
    assert not verified(verifier, low, r, s, message)
    assert not verified(verifier, (0, 1), r, s, message)
    assert not verified(verifier, (int(key[0]) + 1, key[1]), r, s, message)
    assert not verified(verifier, key, (int(r[0]) + 1, r[1]), s, message)


def test_eddsa_cannot_lie(verifier):
    vector = VECTORS[1]
    numbers = [*vector["key"], *vector["r"], vector["s"], vector["message"]]

    assert verifier.circuit.constraint_count < 4_000
    lie(verifier.circuit, [int(number) for number in numbers])
