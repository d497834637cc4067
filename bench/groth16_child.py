"""What `bench/groth16.py` measures in processes of their own; prints one JSON object.

python bench/groth16_child.py prove FOLDER     prove `circuit.zkey` and `witness.wtns`
python bench/groth16_child.py kernels          load every kernel: compiled, or from the cache
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from numen.kernels import curve, field, ntt
from numen.proof import groth16
from numen.proof.bn254_code import entries
from numen.proof.files import read_file
from numen.proof.formats import read_wtns
from numen.proof.zkey import read_zkey


def prove(folder: Path) -> dict[str, float]:
    """Read the files and prove; peak memory of all that in bytes, seconds of the proof alone."""
    key = read_zkey(read_file(folder / "circuit.zkey"))
    witness = read_wtns(read_file(folder / "witness.wtns"))
    wall, cpu = time.perf_counter(), time.process_time()
    groth16.prove(key, witness, entropy=bytes(range(32)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"peak_bytes": peak_bytes(), "wall": wall, "CPU": cpu}


def peak_bytes() -> int:
    """Most memory that this process had at once.

    On Linux what `getrusage` says begins with the peak of who started the process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts in bytes


def kernels() -> dict[str, float]:
    """Load the kernels of setup, proof and verification; seconds, with LLVM's import."""
    wall, cpu = time.perf_counter(), time.process_time()
    one = np.ones((1, 4), dtype=np.uint64)
    field.FR.add(one, one)
    field.FQ.add(one, one)
    ntt.forward(np.concatenate([one, one]))
    for group in (curve.G1, curve.G2):
        group.add(group.generator, group.generator)
    entries.load()
    return {"wall": time.perf_counter() - wall, "CPU": time.process_time() - cpu}


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    print(json.dumps(prove(Path(*rest)) if command == "prove" else kernels()))
