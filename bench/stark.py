"""The STARK of the provable machine: speed, memory, lengths, and how many cycles things take.

    python bench/stark.py                 everything; some minutes
    python bench/stark.py --quick         shorter runs
    python bench/stark.py --only cycles   counts only

Speed is of the whole way, from bytecode to the bytes of `proof.stark`, in this process. The bars
are those we promised. Counts of cycles stand beside the instructions that RISC-V with 64 bits would
take for the same register code, by `RISCV`: an estimate, with every check of the language.
"""

import resource
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from harness import Row, main
from numen.api.compiled import Compiled, from_text
from numen.ir import interp
from numen.ir.nodes import Instr, Module
from numen.ir.ops import Op
from numen.ir.types import Word
from numen.proof.machine.check import check
from numen.proof.machine.emulate import start
from numen.proof.machine.execute import load, run_to_end
from numen.proof.machine.lower import lower
from numen.proof.machine.precompiles.every import BY_CONTENT
from numen.proof.machine.prove import prove_run
from numen.proof.machine.record import cells
from numen.proof.machine.words import split_inputs
from numen.proof.stark.profile import PROFILES

HERE = Path(__file__).resolve().parent

PROOFS = 3
"""How often a segment is proven; the median counts."""

LOOP = """
from numen import u64, wrapping_add, wrapping_mul
def main(n: u64) -> u64:
    total: u64 = 1
    for i in range(n):
        total = wrapping_add(wrapping_mul(total, 6364136223846793005), i)
    return total
"""

COUNTED = {
    "fib": ({}, [90]),
    "sieve": ({"5_000_000": "20_000"}, [20_000]),
    "quicksort": ({"100_000": "1_000"}, [7]),
}
"""Programs of `bench/programs`, what makes them small, and arguments."""

HASHED = """
from numen import u8, u32
from numen.std.{module} import {function}
def main(message: list[{word}, {count}]) -> list[{word}, {digest}]:
    return {function}(message)
"""
HASHES = (
    ("sha256", "sha256", "u8", 1024, 32),
    ("keccak", "keccak256", "u8", 1024, 32),
    ("poseidon2", "poseidon2", "u32", 256, 8),
)
"""Functions of 1 KiB that call precompiles: module, function, word, and words in and out."""

CYCLES_PER_S_MIN = 100_000
MEMORY_MAX_GB = 6.0
PROOF_MAX_KIB = 400.0
VERIFY_MAX_MS = 100.0

RISCV = {
    Op.ADD: 2, Op.SUB: 2, Op.MUL: 4, Op.WRAPPING_ADD: 1, Op.WRAPPING_SUB: 1, Op.WRAPPING_MUL: 1,
    Op.DIV: 2, Op.REM: 2, Op.AND: 1, Op.OR: 1, Op.XOR: 1, Op.NOT: 1, Op.SHL: 2, Op.SHR: 2,
    Op.EQ: 1, Op.LT: 1, Op.SELECT: 3, Op.CAST: 2, Op.TRUNCATE: 1, Op.REQUIRE: 1, Op.GET: 4,
    Op.SET: 4, Op.SLICE: 3, Op.LOAD: 3, Op.STORE: 3, Op.CALL: 2, Op.CONST: 0,
}  # fmt: skip
"""Instructions of RV64IM for one of ours on a word of 64 bits: a checked sum is an addition and a
branch, an element is a bound, a shift, an addition and a load, a comparison is its branch."""


def entries(is_quick: bool) -> Iterator[Row]:
    """Yield all rows."""
    yield from _counts()
    for names in HASHES:
        yield from _hash(*names)
    size = 1 << (15 if is_quick else 18)
    for profile in ("fast",) if is_quick else ("fast", "proven"):
        yield from _proof(profile, size)


def _counts() -> Iterator[Row]:
    for name, (changes, args) in COUNTED.items():
        text = (HERE / "programs" / f"{name}.py").read_text(encoding="utf-8")
        for old, new in changes.items():
            text = text.replace(old, new)
        program = from_text(text, file=f"{name}.py")
        ours = _cycles(program, args)
        theirs = _riscv(program.program.metered, program.bind(tuple(args)))
        yield Row(f"cycles of {name} vs RISC-V-style", ours, theirs, "cycles")


def _cycles(program: Compiled, args: list[object]) -> int:
    lowered = lower(program.program.module)
    public, private = split_inputs(lowered, program.bind(tuple(args)))
    machine = load(lowered.code, cells(start(lowered.code, public, private).memory))
    return run_to_end(machine, 1 << 32)


def _hash(module: str, function: str, word: str, count: int, digest: int) -> Iterator[Row]:
    """Compare a hash of 1 KiB by the precompile with the same program as steps alone."""
    name = f"{function} of 1 KiB, precompile vs steps"
    names = {"module": module, "function": function, "word": word}
    program = from_text(HASHED.format(**names, count=count, digest=digest))
    args: list[object] = [[index % 256 for index in range(count)]]
    code, bound = program.program.code, program.bind(tuple(args))
    prove_run(code, bound, PROFILES["fast"])
    found: list[tuple[int, float]] = []
    for context in (nullcontext, _without_precompiles):
        with context():
            cycles = _cycles(program, args)
            start_s = time.perf_counter()
            prove_run(code, bound, PROFILES["fast"])
            found.append((cycles, time.perf_counter() - start_s))
    (ours, ours_s), (theirs, theirs_s) = found
    yield Row(f"{name}: cycles", ours, theirs, "cycles")
    yield Row(f"{name}: prove", ours_s, theirs_s, "s")


@contextmanager
def _without_precompiles() -> Iterator[None]:
    """Let no function be known, so that all are lowered to steps."""
    known = dict(BY_CONTENT)
    BY_CONTENT.clear()
    try:
        yield
    finally:
        BY_CONTENT.update(known)


class _Counting(interp._Machine):  # noqa: SLF001 - counted where it executes
    """The interpreter, which counts what it executes."""

    def __init__(self, module: Module) -> None:
        super().__init__(module, 1 << 62, None)
        self.counts: Counter[str] = Counter()

    def _execute(self, instr: Instr, regs: dict[str, interp.Value]) -> None:
        words = -(-instr.type.bits // 64) if isinstance(instr.type, Word) else 1
        self.counts["all"] += RISCV.get(instr.op, 1) * words if instr.op is not Op.METER else 0
        super()._execute(instr, regs)


def _riscv(module: Module, args: list[int | list[int]]) -> int:
    """Estimate instructions."""
    machine = _Counting(module)
    fn = module.functions[module.entry]
    values: list[interp.Value] = [
        a if isinstance(a, int) else interp.View(list(a), 0) for a in args
    ]
    outs = [interp.View([0] * p.type.length, 0) for p in fn.params[len(args) :]]  # type: ignore[union-attr]
    machine.call(fn, [*values, *outs])
    return machine.counts["all"]


def _proof(profile: str, size: int) -> Iterator[Row]:
    """Prove one full segment of a loop of 64-bit code, and check it."""
    program = from_text(LOOP)
    few, more = _cycles(program, [100]), _cycles(program, [200])
    each = (more - few) // 100
    rounds = (size - (few - 100 * each)) // each
    cycles = _cycles(program, [rounds])
    code = program.program.code
    prove_run(code, [100], PROFILES[profile], segment_rows=size)
    times_s = []
    for _ in range(PROOFS):
        start_s = time.perf_counter()
        proof = prove_run(code, [rounds], PROFILES[profile], segment_rows=size)
        times_s.append(time.perf_counter() - start_s)
    took_s = statistics.median(times_s)
    name = f"{profile}, {cycles:,} cycles"
    # The rate is promised of the fast profile alone.
    target = 1 if profile == "fast" else None
    yield Row(f"{name}: time for the bar's rate", took_s, cycles / CYCLES_PER_S_MIN, "s", target)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    yield Row(f"{name}: memory", peak_gb, MEMORY_MAX_GB, "GB", 1)
    yield Row(f"{name}: proof", len(proof) / 1024, PROOF_MAX_KIB, "KiB", 1)
    check(proof)
    start_s = time.perf_counter()
    check(proof)
    yield Row(f"{name}: verify", 1000 * (time.perf_counter() - start_s), VERIFY_MAX_MS, "ms", 1)


if __name__ == "__main__":
    main(__doc__, entries)
