"""Groth16 over BN254: setup, proof and verification against groth16py (arkworks) and snarkjs.

Circuits are those of `bench/groth16_circuits.py`: chains of full-width values, and bits. All sides
prove from the same bytes of a witness; ours also checks the witness against the circuit and
verifies its own proof, within the time that is counted. CPU seconds are of all threads together,
and of snarkjs's processes. snarkjs's times hold the start of Node and the reading of files.

Memory, and how long kernels take to load, are measured in processes of their own.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from groth16_circuits import Circuit, bits, chain
from harness import Row, main
from numen.proof import groth16, native_verifier
from numen.proof.eip197 import decode_proof, encode_proof
from numen.proof.formats import read_wtns, write_r1cs
from numen.proof.snarkjs import read_verifying_key, write_verifying_key
from numen.proof.zkey import write_zkey

try:
    import groth16py
except ImportError:
    groth16py = None

HERE = Path(__file__).parent
SNARKJS = HERE.parent / ".judges/node_modules/snarkjs/build/cli.cjs"
NODE = shutil.which("node")

Targets = dict[str, float | None]
"""Highest ratio promised, by the clock."""

NONE: Targets = {}
SETUP_LARGE: Targets = {"wall": 0.5, "CPU": 0.5}
PROVE_LARGE: Targets = {"wall": 0.5, "CPU": 0.85}
PROVE_SNARKJS: Targets = {"wall": 0.125, "CPU": 0.125}
VERIFY: Targets = {"wall": 1.0, "CPU": 1.0}

VERIFICATIONS = 50
"""Proofs that are verified in a row: one takes a millisecond."""

MEMORY_GB, FIRST_SECONDS, CACHED_SECONDS = 1.5, 10.0, 0.2
"""Bars that are no rivals."""


def clocks(call: Callable[[], Any]) -> dict[str, float]:
    """Seconds of one call, by the wall and of processors; children that ended count."""
    wall, cpu = time.perf_counter(), _processor_seconds()
    call()
    return {"wall": time.perf_counter() - wall, "CPU": _processor_seconds() - cpu}


def _processor_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def both_clocks(
    name: str,
    ours: Callable[[], Any],
    rivals: dict[str, tuple[Callable[[], Any], Targets]],
    rounds: int,
) -> Iterator[Row]:
    """Run all sides in turn; for each rival a row for each clock, medians in seconds."""
    sides = {"": ours} | {rival: call for rival, (call, _) in rivals.items()}
    samples: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for side, call in sides.items():
            for clock, seconds in clocks(call).items():
                samples.setdefault((side, clock), []).append(seconds)
    medians = {key: statistics.median(values) for key, values in samples.items()}
    for rival, (_, targets) in rivals.items():
        for clock in ("wall", "CPU"):
            figures = medians["", clock], medians[rival, clock]
            yield Row(f"{name}, {clock} vs {rival}", *figures, "s", targets.get(clock))


def contests(quick: bool) -> Iterator[Row]:
    """Everything that is compared."""
    if groth16py is None:
        raise SystemExit("groth16py is not installed: pip install -e '.[judges]'")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _kernels(folder / "cache")
        yield from _compare("2^10 chain", chain(10), folder, 3 if quick else 5)
        if quick:
            return
        yield from _compare("2^14 chain", chain(14), folder, 5)
        yield from _compare("2^17 chain", chain(17), folder, 3, SETUP_LARGE, PROVE_LARGE)
        yield from _compare("2^17 bits", bits(17), folder, 3)
        yield _memory(folder)


def _kernels(cache: Path) -> Iterator[Row]:
    environment = os.environ | {"NUMEN_CACHE": str(cache)}
    for name, bar in (("first use", FIRST_SECONDS), ("cached", CACHED_SECONDS)):
        seconds = _child("kernels", environment=environment)
        for clock in ("wall", "CPU"):
            yield Row(f"all kernels, {name}, {clock} vs bar", seconds[clock], bar, "s", 1.0)


def _child(*arguments: str, environment: dict[str, str] | None = None) -> dict[str, float]:
    command = [sys.executable, str(HERE / "groth16_child.py"), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return dict(json.loads(done.stdout))


def _memory(folder: Path) -> Row:
    r1cs, wtns = chain(20)
    (folder / "witness.wtns").write_bytes(wtns)
    key = groth16.setup(r1cs, entropy=os.urandom(32))
    (folder / "circuit.zkey").write_bytes(write_zkey(key))
    del r1cs, key
    peak = _child("prove", str(folder))["peak_bytes"] / 1e9
    return Row("prove 2^20 chain from files, peak memory vs bar", peak, MEMORY_GB, "GB", 1.0)


def _compare(
    name: str,
    circuit: Circuit,
    folder: Path,
    rounds: int,
    setup_targets: Targets = NONE,
    prove_targets: Targets = NONE,
) -> Iterator[Row]:
    r1cs, wtns = circuit
    (folder / "circuit.r1cs").write_bytes(write_r1cs(r1cs))
    (folder / "witness.wtns").write_bytes(wtns)

    def setup() -> groth16.ProvingKey:
        return groth16.setup(r1cs, entropy=os.urandom(32))

    def its_setup() -> Any:
        return groth16py.setup(str(folder / "circuit.r1cs"))

    key, (its_key, its_verifying) = setup(), its_setup()
    (folder / "circuit.zkey").write_bytes(write_zkey(key))

    def prove() -> groth16.Proof:
        return groth16.prove(key, read_wtns(wtns), entropy=os.urandom(32), r1cs=r1cs)

    def its_prove() -> bytes:
        return bytes(groth16py.prove_wtns(its_key, str(folder / "witness.wtns")))

    statement, proof = groth16.statement_of(key, read_wtns(wtns)), prove()
    its_verifier = groth16py.Verifier(
        groth16py.VerifyingKey.from_snarkjs(write_verifying_key(key.verifying).decode())
    )
    # Each side accepts the other's proof before anything is timed.
    groth16.verify(
        read_verifying_key(its_verifying.to_json().encode()), decode_proof(its_prove()), statement
    )
    assert its_verifier.verify(encode_proof(proof), statement)

    its = {"groth16py": (its_setup, setup_targets)}
    yield from both_clocks(f"setup {name}", setup, its, max(2, rounds - 2))
    its = {"groth16py": (its_prove, prove_targets)}
    yield from both_clocks(f"prove {name}", prove, its, rounds)
    yield from _against_snarkjs(name, prove, folder)
    yield from _verifications(name, key.verifying, proof, statement, its_verifier)


def _verifications(
    name: str,
    key: groth16.VerifyingKey,
    proof: groth16.Proof,
    statement: list[int],
    its_verifier: Any,
) -> Iterator[Row]:
    def verify() -> None:
        for _ in range(VERIFICATIONS):
            native_verifier.verify_natively(key, proof, statement)

    def its_verify() -> None:
        for _ in range(VERIFICATIONS):
            assert its_verifier.verify(encode_proof(proof), statement)

    its = {"groth16py": (its_verify, VERIFY)}
    yield from both_clocks(f"verify {VERIFICATIONS} of {name}", verify, its, 9)


def _against_snarkjs(name: str, prove: Callable[[], Any], folder: Path) -> Iterator[Row]:
    if NODE is None or not SNARKJS.is_file():
        print(f"prove {name}: snarkjs is not here, its rows are left out", file=sys.stderr)
        return
    files = ("circuit.zkey", "witness.wtns", "proof.json", "public.json")
    command = [NODE, str(SNARKJS), "groth16", "prove", *(str(folder / file) for file in files)]

    def its_prove() -> None:
        subprocess.run(command, check=True, capture_output=True)

    yield from both_clocks(f"prove {name}", prove, {"snarkjs": (its_prove, PROVE_SNARKJS)}, 2)


if __name__ == "__main__":
    main(__doc__, contests)
