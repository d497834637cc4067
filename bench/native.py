"""Native speed: programs in Numen against C (gcc -O2), numba and CPython.

Every side runs the same algorithm on the same input, and all answers must agree. Ours runs as any
program does: traps checked, work metered, a limit set. Wrapping programs promise 1.25 of gcc's
time, checked ones 1.6; metering costs a tenth at most; CPython takes fifty times as long.
"""

import ctypes
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from harness import Call, Contest, main
from numen.ir.program import Program, program_from_module
from numen.jit import engine
from numen.jit.native import Native, Run, new_memory
from numen.lang.compile import compile_source
from rivals import cpython

try:
    from rivals import numba_native
except ImportError:
    numba_native = None

HERE = Path(__file__).parent
WORK_LIMIT = 10**12
WRAPPING, CHECKED, CPYTHON, METERING = 1.25, 1.6, 1 / 50, 1.1
COLD_SECONDS, CACHED_SECONDS, START_SECONDS = 0.150, 0.005, 0.4
"""Bars for a function of a hundred lines, and for ``numen run``."""

WRAPPED = frozenset({"fib", "matrix_wrapping", "modexp64", "modexp256"})
"""Programs whose inner loops check no sums or products."""

DICE = random.Random(1)
POWER64 = (12345, DICE.getrandbits(64), 2**64 - 59)
POWER256 = (12345, DICE.getrandbits(256), 2**256 - 189)
MESSAGE = DICE.randbytes(1 << 20)
SLICES = 16
"""CPython hashes one slice of the message, and its time is counted that many times."""


def contests(quick: bool) -> Iterator[Contest]:
    """Everything that is compared."""
    with tempfile.TemporaryDirectory() as folder:
        c = compiled_c(Path(folder))
        for name, args in inputs(quick).items():
            program = program_of(name)
            target = WRAPPING if name in WRAPPED else CHECKED
            ours = run_of(engine.translate(program.metered), args)
            rivals = {
                "gcc -O2": called(c, name, args),
                "numba": getattr(numba_native, name, None) and in_numba(name, args),
                "CPython": in_python(name, args),
            }
            yield Contest(name, ours, rivals, {"gcc -O2": target, "CPython": CPYTHON})
            bare = run_of(engine.translate(program.module), args)
            yield Contest(f"{name}, metered", ours, {"unmetered": bare}, {"unmetered": METERING})
        yield sha256(c)
        yield from compilation(Path(folder))


def inputs(quick: bool) -> dict[str, tuple[int, ...]]:
    """The arguments of each program that takes words."""
    return {
        "fib": (100_000 if quick else 1_000_000,),
        "fib_checked": (1_000 if quick else 10_000,),
        "matrix": (1,),
        "matrix_wrapping": (1,),
        "modexp64": (*POWER64, 100 if quick else 1000),
        "modexp256": (*POWER256, 5 if quick else 50),
        "nbody": (100 if quick else 1000,),
        "quicksort": (1,),
        "sieve": (1_000_000 if quick else 5_000_000,),
    }


# --- our side -----------------------------------------------------------------------------------


def program_of(name: str) -> Program:
    """Compile a program of the folder ``programs``."""
    source = (HERE / f"programs/{name}.py").read_text()
    return program_from_module(compile_source(source, file=f"{name}.py"))


def run_of(native: Native, args: tuple[int | bytes, ...]) -> Call:
    """A run of prepared memory: what is timed is the native code and reading the answer."""
    run = Run(native, new_memory(native.layout))
    run.prepare(args)

    def call() -> object:
        run.execute(work_limit=WORK_LIMIT)
        outcome = run.outcome()
        assert outcome.results is not None, outcome.trap
        return outcome.results[0]

    return call


# --- rivals -------------------------------------------------------------------------------------


def compiled_c(folder: Path) -> ctypes.CDLL | None:
    """The C programs, compiled here and now; None where there is no gcc."""
    gcc = shutil.which("gcc")
    if gcc is None:
        return None
    target = folder / "native.so"
    source = HERE / "rivals/native.c"
    subprocess.run([gcc, "-O2", "-shared", "-fPIC", "-o", target, source], check=True)
    return ctypes.CDLL(str(target))


def called(c: ctypes.CDLL | None, name: str, args: tuple[int, ...]) -> Call | None:
    """A C program on its arguments."""
    if c is None:
        return None
    if name == "modexp256":
        return wide_power(c, args)
    function = getattr(c, name)
    function.argtypes = [ctypes.c_uint64] * len(args)
    function.restype = ctypes.c_int64 if name == "nbody" else ctypes.c_uint64
    return lambda: function(*args)


def wide_power(c: ctypes.CDLL, args: tuple[int, ...]) -> Call:
    """The C program whose words are arrays of limbs."""
    *words, rounds = args
    base, exponent, modulus = (word.to_bytes(32, "little") for word in words)

    def call() -> object:
        result = ctypes.create_string_buffer(base, 32)
        c.modexp256(result, exponent, modulus, ctypes.c_uint64(rounds))
        return int.from_bytes(result.raw, "little")

    return call


def in_numba(name: str, args: tuple[int, ...]) -> Call:
    """A program compiled by numba on its arguments."""
    return lambda: int(getattr(numba_native, name)(*args))


def in_python(name: str, args: tuple[int, ...]) -> Call:
    """A Python program on its arguments."""
    function = getattr(cpython, "modexp" if name.startswith("modexp") else name)
    return lambda: function(*args)


def sha256(c: ctypes.CDLL | None) -> Contest:
    """One MiB, from bytes to digest."""
    native = engine.translate(program_of("sha256_1mib").metered)
    call = run_of(native, (MESSAGE,))
    rivals: dict[str, Call | float | None] = {"gcc -O2": None, "numba": None}
    if c is not None:
        digest = ctypes.create_string_buffer(32)

        def in_c() -> object:
            c.sha256(MESSAGE, ctypes.c_uint64(len(MESSAGE)), digest)
            return digest.raw

        rivals["gcc -O2"] = in_c
    if numba_native is not None:
        rivals["numba"] = lambda: numba_native.sha256(MESSAGE)
    start = time.perf_counter()
    cpython.sha256(MESSAGE[: len(MESSAGE) // SLICES])
    rivals["CPython"] = (time.perf_counter() - start) * SLICES
    return Contest(
        "sha256 of 1 MiB",
        call,
        rivals,
        {"gcc -O2": WRAPPING, "CPython": CPYTHON},
        same=lambda ours, theirs: bytes(ours) == bytes(theirs),
    )


# --- compiling and starting ---------------------------------------------------------------------


def hundred_lines() -> str:
    """A function of a hundred lines: loops, branches, arrays and checked arithmetic."""
    lines = [
        "from numen import u64, wrapping_mul",
        "",
        "def main(n: u64) -> u64:",
        "    xs = [0] * 64",
        "    total: u64 = 0",
    ]
    for step in range(19):
        lines += [
            f"    for i in range(n % {step + 2}):",
            f"        xs[(i + {step}) % 64] = total + i * {step + 3}",
            f"        if xs[i % 64] > {step * 7}:",
            f"            total = (total ^ wrapping_mul(xs[i % 64], {step + 5})) % 65521",
            f'    assert total < 65521 + n, "step {step}"',
        ]
    return "\n".join([*lines, "    return total"])


def compilation(folder: Path) -> Iterator[Contest]:
    """From source to native code, the second time from disk, and a whole process."""
    source = hundred_lines()

    def cold() -> object:
        program = program_from_module(compile_source(source))
        engine.translate(program.metered, cached=False)

    program = program_from_module(compile_source(source))
    engine.compile_program(program)

    def cached() -> object:
        engine.forget()
        engine.compile_program(program)
        return None

    file = folder / "hundred.py"
    file.write_text(source)
    command = [sys.executable, "-m", "numen", "run", str(file), "20"]

    # As people have it: Python keeps the bytecode of what it imports.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def started() -> object:
        done = subprocess.run(command, check=True, capture_output=True, env=environment)
        return done.returncode

    for name, call, bar in (
        ("100 lines, source to native code", cold, COLD_SECONDS),
        ("100 lines, native code from disk", cached, CACHED_SECONDS),
        ("numen run, whole process", started, START_SECONDS),
    ):
        yield Contest(name, call, {"bar": bar}, {"bar": 1.0}, same=None)


if __name__ == "__main__":
    main(__doc__, contests)
