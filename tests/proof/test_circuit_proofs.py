"""From a source to a proof: circuits, keys, proofs and verdicts together."""

import pytest

from numen.ir.types import FIELD_ORDER
from numen.lang.compile import compile_source
from numen.proof.circuit import compile_circuit
from numen.proof.errors import ProofRejectedError
from numen.proof.groth16 import prove, setup, verify

PROGRAMS = {
    "def main(a, b):\n    return a + b\n": [1, 1],
    "def main(a: Private[u32], b: u32) -> bool:\n    return a // 3 == b\n": [100, 33],
    """
def main(a: Private[list[i64, 4]], i: u64) -> i64:
    best = a[i]
    for x in a:
        if x > best:
            best = x
    return best
""": [[-3, 9, -10, 4], 2],
}


@pytest.mark.parametrize("text", PROGRAMS, ids=["sum", "quotient", "maximum"])
def test_a_run_is_proven_and_another_result_is_not(text: str):
    circuit = compile_circuit(compile_source(text))
    witness = circuit.witness(PROGRAMS[text])
    key = setup(circuit.r1cs, entropy=bytes(32))
    statement = witness.values[1 : 1 + circuit.r1cs.statement_count]

    proof = prove(key, witness.felts(), entropy=bytes(32))

    verify(key.verifying, proof, statement)
    lie = [(statement[0] + 1) % FIELD_ORDER, *statement[1:]]
    with pytest.raises(ProofRejectedError):
        verify(key.verifying, proof, lie)
