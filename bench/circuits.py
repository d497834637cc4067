"""Compiling circuits and filling their wires, beside the compilers that npm has.

A loop of 50,000 multiplications is compiled by us, by circom 2.2.3 (`circom2`) and by ZoKrates
1.1.9 (`zokrates-js`); then its wires are filled by our native code and by the WebAssembly that
circom makes for snarkjs. `make judges` installs the rivals into `.judges`. Circom is a command that
is started anew each time; ZoKrates stays in one process, and is not charged for its start. Against
a rival the clock on the wall counts, against the bar the processor's time: we use one core.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import Contest, Row, main
from numen.ir.pipeline import optimise
from numen.lang.compile import compile_source
from numen.proof.circuit import Circuit, compile_circuit
from numen.proof.felts import ints_from_felts

MODULES = Path(__file__).parents[1] / ".judges/node_modules"
RIVALS = Path(__file__).parent / "rivals"
NODE = shutil.which("node")

ROUNDS, ROUNDS_QUICK = 3, 1
"""Compilations of each side: circom takes ten seconds for one."""

SECONDS_MAX = 1.0
"""The bar for compiling 50,000 constraints."""

START = 3

OURS = """
def main(x: felt) -> felt:
    for _ in range({count}):
        x = x * x + 7
    return x
"""

CIRCOM = """pragma circom 2.0.0;
template Main() {{
    signal input x;
    signal output y;
    signal s[{count} + 1];
    s[0] <== x;
    for (var i = 0; i < {count}; i++) {{ s[i + 1] <== s[i] * s[i] + 7; }}
    y <== s[{count}];
}}
component main {{public [x]}} = Main();
"""

ZOKRATES = """def main(field x) -> field {{
    field mut y = x;
    for u32 i in 0..{count} {{ y = y * y + 7; }}
    return y;
}}
"""


class Answering:
    """A process that answers each line that it is sent."""

    def __init__(self, *command: str) -> None:
        assert NODE is not None
        self._process = subprocess.Popen(
            [NODE, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._read()

    def __call__(self) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise SystemExit("a rival ended without an answer")
        return line

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def _compile(count: int) -> Circuit:
    return compile_circuit(optimise(compile_source(OURS.format(count=count))))


def _seconds(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    call()
    return clock() - start


def _compilations(count: int, rounds: int, folder: Path) -> Iterator[Row]:
    """Rows of compiling: medians of interleaved rounds."""
    (folder / "loop.circom").write_text(CIRCOM.format(count=count))
    (folder / "loop.zok").write_text(ZOKRATES.format(count=count))
    zokrates = None
    sides: dict[str, Callable[[], object]] = {"": lambda: _compile(count)}
    if NODE is not None and (MODULES / "circom2").is_dir():
        command = [
            NODE,
            str(MODULES / ".bin/circom2"),
            "loop.circom",
            "--r1cs",
            "--wasm",
            "-o",
            ".",
        ]
        sides["circom"] = lambda: subprocess.run(
            command, cwd=folder, check=True, capture_output=True
        )
    if NODE is not None and (MODULES / "zokrates-js").is_dir():
        zokrates = Answering(str(RIVALS / "zokrates.js"), str(MODULES), str(folder / "loop.zok"))
        sides["ZoKrates"] = zokrates
    _compile(100)  # what is imported and looked up once
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            times[name].append(_seconds(side))
    if zokrates is not None:
        zokrates.close()
    spent = [_seconds(sides[""], time.process_time) for _ in range(rounds)]
    ours = statistics.median(times.pop(""))
    name = f"compile {count:,} constraints"
    for rival, found in times.items():
        yield Row(f"{name} vs {rival}", ours, statistics.median(found), "s", None)
    yield Row(f"{name} vs bar", statistics.median(spent), SECONDS_MAX * count / 50_000, "s", 1)


def _witnesses(count: int, folder: Path) -> Iterator[Contest]:
    """Filling the wires, which includes checking the arguments."""
    if not (folder / "loop_js").is_dir():
        return
    circuit = _compile(count)
    there = Answering(
        str(RIVALS / "witness.js"), str(folder / "loop_js"), "loop", f'{{"x": "{START}"}}'
    )

    def ours() -> str:
        return str(ints_from_felts(circuit.witness([START]).wires[1:2])[0])

    yield Contest(f"wires of {count:,} constraints", ours, {"snarkjs": there}, {"snarkjs": 0.2})
    there.close()


def entries(quick: bool) -> Iterator[Contest | Row]:
    """Compile, then fill."""
    if NODE is None or not MODULES.is_dir():
        print("the rivals are not installed, their rows are left out: make judges", file=sys.stderr)
    count = 5_000 if quick else 50_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _compilations(count, ROUNDS_QUICK if quick else ROUNDS, folder)
        yield from _witnesses(count, folder)


if __name__ == "__main__":
    main(__doc__, entries)
