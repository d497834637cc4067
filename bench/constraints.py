"""Constraints of operations and hashes, beside those of other compilers and our own bars.

The rivals' figures are constants, counted once with the compilers that npm has: ZoKrates 1.1.9, and
circom 2.2.3 with circomlib 2.0.5. Ours are counted here, as optimised. Rows against a rival include
the proofs of the inputs' ranges, as the rival's figure does; rows against a bar leave them out.
"""

from collections.abc import Iterator

from harness import Row, main
from numen.ir.pipeline import optimise
from numen.lang.compile import compile_source
from numen.proof.circuit import Circuit, compile_circuit

# fmt: off
OPERATIONS = {
    #           operands, expression, ZoKrates, bar
    "felt add": ("felt", "a + b",            1,   1),
    "felt mul": ("felt", "a * b",            1,   1),
    "u32 add":  ("u32",  "a + b",          101,  35),
    "u32 mul":  ("u32",  "a * b",          133, None),
    "u32 lt":   ("u32",  "a < b",          101,  35),
    "u32 xor":  ("u32",  "a ^ b",           99,  33),
    "u64 add":  ("u64",  "a + b",          197,  70),
    "u8 div":   ("u8",   "a // b",          48, None),
    "u32 div":  ("u32",  "a // b",         168, 100),
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

HASHES = {
    "Poseidon(2)": (POSEIDON, {"bar": 240, "circom": 240, "ZoKrates": 241}),
    "SHA-256 of 64 bytes": (SHA256, {"circom": 59_281, "ZoKrates": 48_886}),
}


def rows(quick: bool) -> Iterator[Row]:  # noqa: ARG001 - counting is always quick
    """Count ours."""
    for name, (word, text, rival, bar) in OPERATIONS.items():
        result = "bool" if "<" in text else word
        circuit = _circuit(f"def main(a: {word}, b: {word}) -> {result}:\n    return {text}\n")
        ours = circuit.constraint_count
        yield Row(f"{name} vs ZoKrates", ours, rival, "constraints", None)
        if bar is not None:
            yield Row(f"{name} vs bar", ours - circuit.input_constraints, bar, "constraints", 1)
    for name, (source, rivals) in HASHES.items():
        ours = _circuit(source).constraint_count
        for rival, figure in rivals.items():
            target = 1 if rival == "bar" else None
            yield Row(f"{name} vs {rival}", ours, figure, "constraints", target)


def _circuit(source: str) -> Circuit:
    return compile_circuit(optimise(compile_source(source)))


if __name__ == "__main__":
    main(__doc__, rows)
