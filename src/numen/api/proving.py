"""A compiled program's circuit, keys and proofs."""

from typing import Any

from numen.api.compiled import Compiled
from numen.api.proofs import Keys, Proven, draw_entropy
from numen.ir.interface import unflatten
from numen.ir.program import Program
from numen.proof import groth16
from numen.proof.circuit import Circuit, compile_circuit
from numen.proof.circuit_errors import RunTrapsError
from numen.proof.formats import write_r1cs


def circuit_of(program: Program) -> Circuit:
    """The program as rank-1 constraints (see `Compiled.circuit`)."""
    return compile_circuit(program.module)


def setup(compiled: Compiled, entropy: bytes | None) -> Keys:
    """Make keys (see `Compiled.setup`)."""
    r1cs = compiled.circuit.r1cs
    return Keys(groth16.setup(r1cs, entropy=entropy or draw_entropy()), write_r1cs(r1cs))


def prove(compiled: Compiled, args: tuple[Any, ...], keys: Keys, entropy: bytes | None) -> Proven:
    """Run, and prove the run (see `Compiled.prove`)."""
    circuit = compiled.circuit
    keys.require_for(circuit.r1cs)
    try:
        solved = circuit.witness(compiled.bind(args))
    except RunTrapsError as error:
        raise compiled.trapped(error.trap) from None
    wires = solved.felts()
    proof = groth16.prove(keys.proving, wires, entropy=entropy or draw_entropy(), r1cs=circuit.r1cs)
    public = tuple(groth16.statement_of(keys.proving, wires))
    value = unflatten(compiled.module.interface.result, list(solved.results))
    return Proven(value, proof, public)
