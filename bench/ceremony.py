"""Ceremonies against snarkjs: powers of tau, their preparation, and a circuit's keys.

Both sides work on the same files and verify what the other made. snarkjs is a process, whose start
(0.4 s) is in its figures; it uses all processors, as we do. CPU seconds are of all threads.
"""

import os
import resource
import secrets
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from groth16 import chain
from harness import Contest, Row, main
from numen.proof.ceremony import phase1, phase2, prepare, verify1
from numen.proof.ceremony.circuit_key import first_key
from numen.proof.ceremony.ptau import Ptau
from numen.proof.formats import write_r1cs
from numen.proof.zkey import read_zkey, write_zkey

SNARKJS = Path(__file__).parents[1] / ".judges/node_modules/.bin/snarkjs"
PREPARE_TARGET = 0.2
"""What we promise of the preparation, wall and CPU."""

SNARKJS_ONCE = 598.0
"""CPU seconds that snarkjs 0.7.6 took to prepare 2**14 rows, on the same kind of machine."""

LOG, LOG_QUICK = 10, 6


def clocks(call: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of a call, those of its processes included."""
    wall, cpu = time.perf_counter(), _cpu()
    call()
    return time.perf_counter() - wall, _cpu() - cpu


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def rows(
    name: str,
    ours: Callable[[], object],
    rival: Callable[[], object],
    rounds: int,
    target: float | None = None,
) -> Iterator[Row]:
    """Run two sides in turn; medians of wall time and of CPU time."""
    samples = [(clocks(ours), clocks(rival)) for _ in range(rounds)]
    for index, clock in enumerate(("wall", "CPU")):
        mine, theirs = (
            statistics.median(sample[side][index] for sample in samples) for side in (0, 1)
        )
        yield Row(f"{name}, {clock} vs snarkjs", mine, theirs, "s", target)


def contests(quick: bool) -> Iterator[Contest | Row]:
    """Everything that is compared."""
    if not SNARKJS.exists():
        raise SystemExit("snarkjs is not installed: make judges")
    with tempfile.TemporaryDirectory() as folder:
        yield from _compare(Path(folder), LOG_QUICK if quick else LOG, 1 if quick else 3)
        if not quick:
            yield _large(Path(folder))


def _large(at: Path) -> Row:
    """What snarkjs takes ten minutes for is not measured again."""
    phase1.new(14, at / "large.ptau")
    phase1.contribute(at / "large.ptau", at / "joined.ptau", seed=secrets.token_bytes(32))
    _, cpu = clocks(lambda: prepare.prepare(at / "joined.ptau", at / "large.ptau"))
    return Row("prepare powers 2^14, CPU vs snarkjs, measured once", cpu, SNARKJS_ONCE, "s", 0.2)


def snarkjs(folder: Path, *words: object) -> Callable[[], str]:
    """A call of snarkjs in a folder."""
    node = shutil.which("node") or "node"

    def call() -> str:
        command = [node, str(SNARKJS), *map(str, words)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout

    return call


def _compare(at: Path, log: int, rounds: int) -> Iterator[Row]:
    size = f"2^{log}"
    seed, drawn = secrets.token_bytes(32), os.urandom(32)
    phase1.new(log, at / "0.ptau")
    # Kernels are compiled before anything is timed.
    prepare.prepare(at / "0.ptau", at / "warm.ptau")

    def run(*words: object) -> Callable[[], str]:
        return snarkjs(at, *words)

    yield from rows(
        f"contribute to powers {size}",
        lambda: phase1.contribute(at / "0.ptau", at / "1.ptau", seed=seed),
        run("powersoftau", "contribute", "0.ptau", "its1.ptau", "--name=x", "-e=x"),
        rounds,
    )
    yield from rows(
        f"prepare powers {size}",
        lambda: prepare.prepare(at / "1.ptau", at / "ours.ptau"),
        run("powersoftau", "prepare", "phase2", "1.ptau", "its.ptau"),
        1,
        PREPARE_TARGET if log >= LOG else None,
    )
    assert (at / "ours.ptau").read_bytes() == (at / "its.ptau").read_bytes()
    yield from rows(
        f"verify powers {size}",
        lambda: verify1.verify_file(at / "its.ptau", entropy=drawn),
        run("powersoftau", "verify", "ours.ptau"),
        rounds,
    )
    yield from _keys(at, log, rounds)


def _keys(at: Path, log: int, rounds: int) -> Iterator[Row]:
    size, (r1cs, _) = f"2^{log}", chain(log)
    (at / "c.r1cs").write_bytes(write_r1cs(r1cs))

    def first() -> None:
        with Ptau(at / "ours.ptau") as file:
            (at / "0.zkey").write_bytes(write_zkey(first_key(r1cs, file)))

    def contribute() -> None:
        key = read_zkey((at / "0.zkey").read_bytes())
        made = phase2.contribute(key, seed=secrets.token_bytes(32))
        (at / "1.zkey").write_bytes(write_zkey(made))

    def verify() -> None:
        with Ptau(at / "ours.ptau") as file:
            key = read_zkey((at / "its1.zkey").read_bytes())
            phase2.verify(key, r1cs, file, entropy=os.urandom(32))

    def run(*words: object) -> Callable[[], str]:
        return snarkjs(at, *words)

    yield from rows(
        f"first key {size}",
        first,
        run("groth16", "setup", "c.r1cs", "ours.ptau", "its0.zkey"),
        rounds,
    )
    assert (at / "0.zkey").read_bytes() == (at / "its0.zkey").read_bytes()
    its = run("zkey", "contribute", "0.zkey", "its1.zkey", "--name=x", "-e=x")
    yield from rows(f"contribute to a key {size}", contribute, its, rounds)
    its = run("zkey", "verify", "c.r1cs", "ours.ptau", "1.zkey")
    yield from rows(f"verify a key {size}", verify, its, rounds)


if __name__ == "__main__":
    main(__doc__, contests)
