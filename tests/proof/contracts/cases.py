"""Keys whose contracts are tested, with a true proof of each."""

import functools
from pathlib import Path

from numen.proof import groth16
from numen.proof.bn254 import R
from numen.proof.eip197 import encode_proof
from numen.proof.felts import felts_from_ints
from numen.proof.r1cs import R1CS

TARGET = Path(__file__).with_name("artifacts.json")

_CIRCUITS = {
    # x, y public; w = (x - 2y + 5)(7x), o = w * w
    "three values": (
        [({2: 1, 3: -2, 0: 5}, {2: 7}, {4: 1}), ({4: 1}, {4: 1}, {1: 1})],
        {"output_count": 1, "public_count": 2},
        [1, 126 * 126, 6, 4, 126],
    ),
    "one value": (
        [({2: 1}, {2: 1}, {3: 1}), ({3: 1}, {2: 1}, {1: 1})],
        {"output_count": 1, "private_count": 1},
        [1, 27, 3, 9],
    ),
    "no value": ([({1: 1}, {1: 1}, {0: 49})], {"private_count": 1}, [1, R - 7]),
}


class Case:
    """A circuit with a key, a proof and its statement."""

    def __init__(self, name):
        rows, counts, values = _CIRCUITS[name]
        r1cs = R1CS.from_rows(rows, wire_count=len(values), **counts)
        key = groth16.setup(r1cs, entropy=b"contract" * 4)
        witness = felts_from_ints(values)
        self.key = key.verifying
        self.proof = groth16.prove(key, witness, entropy=bytes(32), r1cs=r1cs)
        self.statement = groth16.statement_of(key, witness)
        self.words = words(self.proof)


def words(proof):
    """The eight numbers of a proof, as contracts take them."""
    data = encode_proof(proof)
    return [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]


CASES = {name: functools.cache(functools.partial(Case, name)) for name in _CIRCUITS}
