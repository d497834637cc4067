"""Constraints of operations and of the standard gadgets, beside ZoKrates, circom and our own bars.

All are counted in this run, by the compilers that npm has: ZoKrates 1.1.9, and circom 2.2.3 with
circomlib 2.0.5. Rows against a rival include the proofs of the inputs' ranges on both sides; rows
against a bar of an operation leave them out, as its operands are known to be in range.

None of them has ECDSA on secp256k1. The figure beside ours is not counted here: circom-ecdsa
publishes it, in its README at d87eb70, for its circuit `verify`, which leaves out the checks of key
and ranges.
"""

import sys
from collections.abc import Iterator

from harness import Row, main
from numen.ir.pipeline import optimise
from numen.lang.compile import compile_source
from numen.proof.circuit import Circuit, compile_circuit
from rivals.circuits import count_circom, count_zokrates

# fmt: off
OPERATIONS = {
    #           operands, expression, bar
    "felt add": ("felt", "a + b",    1),
    "felt mul": ("felt", "a * b",    1),
    "u32 add":  ("u32",  "a + b",   35),
    "u32 mul":  ("u32",  "a * b", None),
    "u32 lt":   ("u32",  "a < b",   35),
    "u32 xor":  ("u32",  "a ^ b",   33),
    "u64 add":  ("u64",  "a + b",   70),
    "u8 div":   ("u8",   "a // b", None),
    "u32 div":  ("u32",  "a // b", 100),
}
# fmt: on

POSEIDON = """
from numen.std.poseidon import poseidon

def main(a: felt, b: felt) -> felt:
    return poseidon(a, b)
"""

SHA256 = """
from numen.std.sha256 import sha256

def main(m: list[u8, 64]) -> list[u8, 32]:
    return sha256(m)
"""

KECCAK = """
from numen.std.keccak import keccak256

def main(m: list[u8, 64]) -> list[u8, 32]:
    return keccak256(m)
"""

EDDSA = """
from numen.std.eddsa import Point, Signature, verify

def main(key: Point, signature: Signature, message: felt):
    assert verify(key, signature, message)
"""

MERKLE = """
from numen.std.merkle import root_of_path

def main(leaf: felt, siblings: list[felt, 20], is_right: list[bool, 20]) -> felt:
    return root_of_path(leaf, siblings, is_right)
"""

ECDSA = """
from numen.std.ecdsa import verify

def main(h: u256, r: u256, s: u256, x: u256, y: u256) -> bool:
    return verify(h, r, s, x, y)
"""

GADGETS = {
    "Poseidon(2)": (POSEIDON, 240),
    "Merkle path of 20": (MERKLE, None),
    "SHA-256 of 64 bytes": (SHA256, 48_886),
    "Keccak-256 of 64 bytes": (KECCAK, 150_754),
    "EdDSA": (EDDSA, None),
    "ECDSA": (ECDSA, 700_000),
}
"""Our programs, and the bars of the issue."""

PUBLISHED = {"ECDSA": {"circom-ecdsa, published": 1_508_136}}
"""Counts that were not made here."""

QUICK = ("Poseidon(2)", "Merkle path of 20", "EdDSA")
"""Those that every compiler counts in seconds."""

ZOKRATES = {
    "Poseidon(2)": """
import "hashes/poseidon/poseidon" as poseidon;
def main(field a, field b) -> field { return poseidon([a, b]); }
""",
    "Merkle path of 20": """
import "hashes/poseidon/poseidon" as poseidon;
def main(field leaf, field[20] siblings, bool[20] is_right) -> field {
    field mut node = leaf;
    for u32 i in 0..20 {
        field left = is_right[i] ? siblings[i] : node;
        field right = is_right[i] ? node : siblings[i];
        node = poseidon([left, right]);
    }
    return node;
}
""",
    "SHA-256 of 64 bytes": """
import "hashes/sha256/512bitPadded" as sha256;
def main(u32[8] a, u32[8] b) -> u32[8] { return sha256(a, b); }
""",
    "Keccak-256 of 64 bytes": """
import "hashes/keccak/256bit" as keccak256;
def main(u8[64] a) -> u8[32] { return keccak256(a); }
""",
}

CIRCOM = {
    "Poseidon(2)": """
include "poseidon.circom";
component main = Poseidon(2);
""",
    "Merkle path of 20": """
include "poseidon.circom";
include "switcher.circom";
template Path(n) {
    signal input leaf;
    signal input siblings[n];
    signal input is_right[n];
    signal output root;
    component sides[n];
    component hashes[n];
    for (var i = 0; i < n; i++) {
        is_right[i] * (is_right[i] - 1) === 0;
        sides[i] = Switcher();
        sides[i].sel <== is_right[i];
        sides[i].L <== i == 0 ? leaf : hashes[i - 1].out;
        sides[i].R <== siblings[i];
        hashes[i] = Poseidon(2);
        hashes[i].inputs[0] <== sides[i].outL;
        hashes[i].inputs[1] <== sides[i].outR;
    }
    root <== hashes[n - 1].out;
}
component main = Path(20);
""",
    "SHA-256 of 64 bytes": """
include "sha256/sha256.circom";
component main = Sha256(512);
""",
    "EdDSA": """
include "eddsaposeidon.circom";
template Signed() {
    signal input key[2];
    signal input r[2];
    signal input s;
    signal input message;
    component verifier = EdDSAPoseidonVerifier();
    verifier.enabled <== 1;
    verifier.Ax <== key[0];
    verifier.Ay <== key[1];
    verifier.R8x <== r[0];
    verifier.R8y <== r[1];
    verifier.S <== s;
    verifier.M <== message;
}
component main = Signed();
""",
}

WORDS = {"felt": "field", "u8": "u8", "u32": "u32", "u64": "u64"}


def rows(quick: bool) -> Iterator[Row]:
    """Count everybody's."""
    chosen = {name: GADGETS[name] for name in (QUICK if quick else GADGETS)}
    rivals = {"ZoKrates": _zokrates(quick), "circom": _circom(quick)}
    for name, (word, text, bar) in OPERATIONS.items():
        result = "bool" if "<" in text else word
        circuit = _circuit(f"def main(a: {word}, b: {word}) -> {result}:\n    return {text}\n")
        yield from _against(name, circuit, rivals)
        if bar is not None:
            ours = circuit.constraint_count - circuit.input_constraints
            yield Row(f"{name} vs bar", ours, bar, "constraints", 1)
    for name, (source, bar) in chosen.items():
        circuit = _circuit(source)
        published = {rival: {name: n} for rival, n in PUBLISHED.get(name, {}).items()}
        yield from _against(name, circuit, rivals | published)
        if bar is not None:
            yield Row(f"{name} vs bar", circuit.constraint_count, bar, "constraints", 1)


def _against(name: str, circuit: Circuit, rivals: dict[str, dict[str, int]]) -> Iterator[Row]:
    for rival, counts in rivals.items():
        if name in counts:
            yield Row(f"{name} vs {rival}", circuit.constraint_count, counts[name], "constraints")


def _zokrates(quick: bool) -> dict[str, int]:
    programs = {name: ZOKRATES[name] for name in GADGETS if _runs(name, ZOKRATES, quick)}
    for name, (word, text, _) in OPERATIONS.items():
        of, result = WORDS[word], "bool" if "<" in text else WORDS[word]
        quotient = text.replace("//", "/")
        programs[name] = f"def main({of} a, {of} b) -> {result} {{ return {quotient}; }}"
    counts = count_zokrates(programs)
    if counts is None:
        print("ZoKrates is not here, its rows are left out", file=sys.stderr)
    return counts or {}


def _circom(quick: bool) -> dict[str, int]:
    programs = {name: CIRCOM[name] for name in GADGETS if _runs(name, CIRCOM, quick)}
    counts = count_circom(programs)
    if counts is None:
        print("circom is not here, its rows are left out", file=sys.stderr)
    return counts or {}


def _runs(name: str, programs: dict[str, str], quick: bool) -> bool:
    return name in programs and (not quick or name in QUICK)


def _circuit(source: str) -> Circuit:
    return compile_circuit(optimise(compile_source(source)))


if __name__ == "__main__":
    main(__doc__, rows)
