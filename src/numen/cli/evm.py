"""`numen evm`: run code, state tests and state transitions, in the manner of geth's `evm`."""

import os
import re
import time
from pathlib import Path

import click
import msgspec

from numen.cli.evm_run import run
from numen.cli.evm_t8n import t8n
from numen.cli.fuzz import fuzz
from numen.cli.output import EXIT_FALSE, EXIT_INPUT
from numen.evm import engines, suite
from numen.evm.statetest import CaseResult


@click.group()
def evm() -> None:
    """Run Ethereum's bytecode, its test suites, and blocks."""


evm.add_command(run)
evm.add_command(t8n)
evm.add_command(fuzz)


@evm.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--fork", metavar="NAME", help="Run this fork's cases only.")
@click.option(
    "--run", "pattern", metavar="REGEX", help="Run cases whose file or name matches only."
)
@click.option(
    "--workers", type=click.IntRange(1, 256), default=lambda: os.cpu_count() or 1,
    help="Processes; one for each processor by default.",
)  # fmt: skip
@click.option("--engine", type=click.Choice(list(engines.ENGINES)), default="interpreter")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def statetest(
    paths: tuple[Path, ...],
    fork: str | None,
    pattern: str | None,
    workers: int,
    engine: str,
    as_json: bool,
) -> int:
    """Run state tests: files, or every .json file below a folder.

    Prints one JSON object a line for each case, with name, fork, index, pass, stateRoot and error;
    with --json the lines are those of a JSON list. A summary goes to standard error.

    Exit code: 0 if every case passes, 1 if one does not, 2 if there is none.
    """
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise click.BadParameter(f"not a regular expression: {error}") from error
    choice = suite.Choice(engine, fork, pattern)
    files, start = suite.find(paths), time.perf_counter()
    passed, failed = 0, 0
    for results in suite.run_files(files, choice, workers):
        for result in results:
            _print_case(result, first=not passed + failed, as_json=as_json)
            passed += result.passed
            failed += not result.passed
    if as_json:
        click.echo("]" if passed + failed else "[]")
    click.echo(
        f"{passed + failed:,} cases in {len(files):,} files: {passed:,} passed, {failed:,} failed, "
        f"{time.perf_counter() - start:.1f} s, {engine}",
        err=True,
    )
    if not passed + failed:
        return EXIT_INPUT
    return EXIT_FALSE if failed else 0


def _print_case(result: CaseResult, *, first: bool, as_json: bool) -> None:
    """Print a case on a line of its own, between the brackets and commas of a list if need be."""
    if as_json:
        click.echo("[" if first else ",")
    click.echo(msgspec.json.encode(result).decode())
