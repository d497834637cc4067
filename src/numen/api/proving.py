"""A program's circuit, keys and proofs: what needs the prover."""

from collections.abc import Sequence
from pathlib import Path

from numen.api.ceremonies import first_keys
from numen.api.proofs import Keys, Proven, draw_entropy
from numen.ir.interface import Shape, unflatten
from numen.ir.program import Program
from numen.proof import groth16
from numen.proof.circuit import Circuit, compile_circuit
from numen.proof.formats import write_r1cs
from numen.proof.wires import Limits


def circuit_of(program: Program, rounds: int | None) -> Circuit:
    """The program as rank-1 constraints (see `Compiled.circuit`)."""
    return compile_circuit(program.module, limits=Limits(rounds=rounds))


def setup(circuit: Circuit, entropy: bytes | None) -> Keys:
    """Make keys (see `Compiled.setup`)."""
    r1cs = circuit.r1cs
    return Keys(groth16.setup(r1cs, entropy=entropy or draw_entropy()), write_r1cs(r1cs))


def begin_ceremony(circuit: Circuit, powers: Path) -> Keys:
    """Make the first keys of a ceremony (see `Compiled.begin_ceremony`)."""
    return first_keys(circuit.r1cs, powers)


def prove(
    circuit: Circuit,
    parts: Sequence[int | list[int]],
    result: Shape,
    keys: Keys,
    entropy: bytes | None,
) -> Proven:
    """Run on flattened arguments, and prove the run (see `Compiled.prove`).

    Raises:
        RunTrapsError: The program stops with a trap.
        KeysError: The keys are another program's.
    """
    keys.require_for(circuit.r1cs)
    solved = circuit.witness(parts)
    wires = solved.felts()
    proof = groth16.prove(keys.proving, wires, entropy=entropy or draw_entropy(), r1cs=circuit.r1cs)
    public = tuple(groth16.statement_of(keys.proving, wires))
    return Proven(unflatten(result, list(solved.results)), proof, public)
