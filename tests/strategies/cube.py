"""The circuit of `z = x**3`, z public and x private, with everything that belongs to it."""

import functools

from numen.proof import groth16, snarkjs
from numen.proof.felts import felts_from_ints
from numen.proof.formats import read_r1cs, read_wtns, write_r1cs, write_wtns
from numen.proof.r1cs import R1CS
from numen.proof.zkey import read_zkey, write_zkey

ENTROPY = bytes(range(32))
CUBE = [({2: 1}, {2: 1}, {3: 1}), ({3: 1}, {2: 1}, {1: 1})]

BINARY = ("r1cs", "wtns", "zkey")
TEXT = ("proof.json", "public.json", "verification_key.json")
VERSIONS = {"r1cs": 1, "wtns": 2, "zkey": 1}


@functools.cache
def cube():
    """Circuit, key, witness, proof."""
    r1cs = R1CS.from_rows(CUBE, wire_count=4, output_count=1, private_count=1)
    key = groth16.setup(r1cs, entropy=ENTROPY)
    witness = felts_from_ints([1, 27, 3, 9])
    return r1cs, key, witness, groth16.prove(key, witness, entropy=ENTROPY, r1cs=r1cs)


@functools.cache
def samples():
    """A well-formed file of each format, and its reader."""
    r1cs, key, witness, proof = cube()
    return {
        "r1cs": (write_r1cs(r1cs), read_r1cs),
        "wtns": (write_wtns(witness), read_wtns),
        "zkey": (write_zkey(key), read_zkey),
        "proof.json": (snarkjs.write_proof(proof), snarkjs.read_proof),
        "public.json": (snarkjs.write_public([27]), snarkjs.read_public),
        "verification_key.json": (
            snarkjs.write_verifying_key(key.verifying),
            snarkjs.read_verifying_key,
        ),
    }
