"""Groth16 over BN254: setup, proof, verification.

    key = setup(r1cs, entropy=os.urandom(32))
    proof = prove(key, witness, entropy=os.urandom(32), r1cs=r1cs)
    verify(key.verifying, proof, statement_of(key, witness))

Who only verifies imports `numen.proof.verifier`, which needs no native code.
"""

from numen.proof.keys import ProvingKey
from numen.proof.native_verifier import verify
from numen.proof.prover import prove, statement_of
from numen.proof.setup import setup
from numen.proof.verifier import Proof, VerifyingKey

__all__ = ["Proof", "ProvingKey", "VerifyingKey", "prove", "setup", "statement_of", "verify"]
