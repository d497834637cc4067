"""Groth16 over BN254: setup, proof and verification against groth16py (arkworks, one thread).

The circuit is a chain, x -> (x + c) x, of full-width values: one public value, 2**k - 16
constraints. Both sides prove from the same bytes of a witness; ours also checks the witness
against the circuit and verifies its own proof, within the time that is counted. CPU seconds are
of all threads together.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness import Contest, Row, main
from numen.proof import groth16
from numen.proof.bn254 import R
from numen.proof.eip197 import decode_proof, encode_proof
from numen.proof.felts import felts_from_ints
from numen.proof.formats import read_wtns, write_r1cs, write_wtns
from numen.proof.r1cs import R1CS
from numen.proof.snarkjs import read_verifying_key, write_verifying_key

try:
    import groth16py
except ImportError:
    groth16py = None

PROVE_TARGET = 3.0
"""What we promise of a proof of 2**14 constraints, wall and CPU."""


def chain(log: int) -> tuple[R1CS, bytes]:
    """A chain of ``2**log - 16`` constraints, and its witness as a `.wtns` file."""
    dice, count = random.Random(log), (1 << log) - 16
    values, rows = [1, 0, dice.randrange(R)], []
    for i in range(count):
        x, c = i + 2, dice.randrange(R)
        values.append((values[x] + c) * values[x] % R)
        rows.append(({x: 1, 0: c}, {x: 1}, {x + 1: 1}))
    # The end of the chain is the public value.
    rows[-1] = (*rows[-1][:2], {1: 1})
    values[1] = values.pop()
    r1cs = R1CS.from_rows(rows, wire_count=len(values), output_count=1, private_count=1)
    return r1cs, write_wtns(felts_from_ints(values))


def both_clocks(
    name: str,
    ours: Callable[[], Any],
    rival: Callable[[], Any],
    rounds: int,
    target: float | None = None,
) -> Iterator[Row]:
    """Run two sides in turn; a row for wall time and one for CPU time, medians in seconds."""
    samples: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for side, call in (("ours", ours), ("rival", rival)):
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            samples.setdefault((side, "wall"), []).append(time.perf_counter() - wall)
            samples.setdefault((side, "CPU"), []).append(time.process_time() - cpu)
    for clock in ("wall", "CPU"):
        mine, theirs = (statistics.median(samples[side, clock]) for side in ("ours", "rival"))
        yield Row(f"{name}, {clock} vs groth16py", mine, theirs, "s", target)


def contests(quick: bool) -> Iterator[Contest | Row]:
    """Everything that is compared."""
    if groth16py is None:
        raise SystemExit("groth16py is not installed: pip install -e '.[judges]'")
    with tempfile.TemporaryDirectory() as folder:
        for log in (10,) if quick else (10, 14):
            yield from _compare(Path(folder), log, 3 if quick else 5)


def _compare(folder: Path, log: int, rounds: int) -> Iterator[Contest | Row]:
    r1cs, wtns = chain(log)
    circuit, witness = folder / f"{log}.r1cs", folder / f"{log}.wtns"
    circuit.write_bytes(write_r1cs(r1cs))
    witness.write_bytes(wtns)

    def setup() -> groth16.ProvingKey:
        return groth16.setup(r1cs, entropy=os.urandom(32))

    key = setup()
    its_key, its_verifying = groth16py.setup(str(circuit))

    def prove() -> groth16.Proof:
        return groth16.prove(key, read_wtns(wtns), entropy=os.urandom(32), r1cs=r1cs)

    def its_prove() -> bytes:
        return bytes(groth16py.prove_wtns(its_key, str(witness)))

    statement = groth16.statement_of(key, read_wtns(wtns))
    proof = prove()
    its_verifier = groth16py.Verifier(
        groth16py.VerifyingKey.from_snarkjs(write_verifying_key(key.verifying).decode())
    )
    # Each side accepts the other's proof before anything is timed.
    groth16.verify(
        read_verifying_key(its_verifying.to_json().encode()), decode_proof(its_prove()), statement
    )
    assert its_verifier.verify(encode_proof(proof), statement)

    size = f"2^{log}"
    yield from both_clocks(
        f"setup {size}", setup, lambda: groth16py.setup(str(circuit)), max(3, rounds - 2)
    )
    yield from both_clocks(f"prove {size}", prove, its_prove, rounds, PROVE_TARGET)
    yield Contest(
        f"verify {size}",
        lambda: groth16.verify(key.verifying, proof, statement),
        {"groth16py": lambda: its_verifier.verify(encode_proof(proof), statement)},
        same=None,
    )


if __name__ == "__main__":
    main(__doc__, contests)
