"""The one command: everything that must hold before a change lands.

    python tools/check.py            what `make test` and CI run
    python tools/check.py --quick    the same without the slow tests

Checks that do not need each other run side by side, the longest first. The output of a check that
fails is shown whole, and any failure makes the exit code 1.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

LANES = 2
"""Checks that run at once: pytest in two processes, and beside it the others, one by one."""


class Check(msgspec.Struct, frozen=True):
    """A command that must end well.

    Attributes:
        name: Word for the table.
        command: Program and arguments, run in the root of the repository.
        limit_s: Seconds after which it is stopped and counts as failed.
    """

    name: str
    command: tuple[str, ...]
    limit_s: int = 180


class Result(msgspec.Struct, frozen=True):
    """How a check ended.

    Attributes:
        check: The check.
        passed: Whether it ended with code 0 in time.
        output: What it wrote, both streams together.
        seconds: How long it took.
    """

    check: Check
    passed: bool
    output: str
    seconds: float


def checks(*, quick: bool) -> tuple[Check, ...]:
    """List the checks, the longest first."""
    tests = "not judges and not cluster and not wan" + (" and not slow" if quick else "")
    python = sys.executable
    pytest = (python, "-m", "pytest", "-n", "2", "--dist", "worksteal")
    return (
        Check("tests", (*pytest, "-m", tests), limit_s=1800),
        Check("types", (python, "-m", "mypy")),
        Check("floors", (str(BIN / "lint-imports"), "--no-logo")),
        Check("lint", (python, "-m", "ruff", "check")),
        Check("format", (python, "-m", "ruff", "format", "--check")),
    )


def run(check: Check) -> Result:
    """Run one check, and everything it started, no longer than its limit."""
    start = time.monotonic()
    environment = os.environ | {"COLUMNS": "100", "FORCE_COLOR": "", "NO_COLOR": "1"}
    process = subprocess.Popen(
        check.command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=check.limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        output += f"\nstopped after {check.limit_s} s"
    return Result(check, process.returncode == 0, output, time.monotonic() - start)


def line(result: Result) -> str:
    """Give a result as a line of the table; the closing line of the tool says what it did."""
    verdict = "ok" if result.passed else "FAILED"
    said = [text for text in result.output.strip().splitlines() if text.strip()]
    return f"{verdict:8}{result.check.name:8}{result.seconds:6.1f} s   {said[-1] if said else ''}"


def main(arguments: Sequence[str]) -> int:
    """Run the checks and print what passed.

    Returns:
        0 when all passed, else 1.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave the slow tests out")
    options = parser.parse_args(arguments)
    failed: list[Result] = []
    start = time.monotonic()
    with ThreadPoolExecutor(LANES) as pool:
        for done in as_completed(
            [pool.submit(run, check) for check in checks(quick=options.quick)]
        ):
            result = done.result()
            print(line(result), flush=True)
            failed += [] if result.passed else [result]
    for result in failed:
        print(f"\n--- {result.check.name}: {' '.join(result.check.command)}\n{result.output}")
    names = ", ".join(result.check.name for result in failed)
    verdict = f"failed: {names}" if failed else "all passed"
    print(f"{verdict} in {time.monotonic() - start:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
