"""`numen run`, `compile`, `inspect` and `dump`."""

from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from numen.api import compiled, stages
from numen.api.bounds import Bounds
from numen.cli.arguments import parse_argument
from numen.cli.output import print_json, show_value
from numen.cli.progress import progress
from numen.cli.targets import Target, split, takes_bounds, takes_program
from numen.proof.files import write_file

if TYPE_CHECKING:
    from numen.api.inspection import Inspection

_LOOSE_MAX = 20
"""Wires that are listed one by one."""

PASS_ALL = {"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]}
"""Lets ``-5`` be an argument."""

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
folder_option = click.option(
    "-o", "--out", type=click.Path(file_okay=False, path_type=Path), required=True,
    help="Folder to write into.",
)  # fmt: skip


program_argument = click.argument(
    "words", nargs=-1, type=click.UNPROCESSED, metavar="FILE[:FUNC] ARG..."
)
file_argument = click.argument("words", nargs=1, required=False, metavar="FILE[:FUNC]")


def load_alone(target: Target, word: str | None) -> compiled.Compiled:
    """Compile the program of a command that takes no arguments for it."""
    program, rest = target.load((word,) if word is not None else ())
    if rest:
        raise click.UsageError(f"--evm is in place of {rest[0]}")
    return program


@click.command(context_settings=PASS_ALL)
@program_argument
@takes_program
@click.option("--work-limit", type=click.IntRange(1, 2**64 - 1), help="Stop after so many units.")
@click.option("--engine", type=click.Choice(["auto", "jit", "interp"]), default="auto")
@click.option("--sandbox", "in_sandbox", is_flag=True, help="Run it confined, as a stranger's.")
@as_json_option
def run(
    words: tuple[str, ...],
    target: Target,
    work_limit: int | None,
    engine: Any,
    in_sandbox: bool,
    as_json: bool,
) -> None:
    """Run a program and print what it returns.

    FILE is source, or what `numen compile` wrote: bytecode (.numen) or IR (.ir). A pure function of
    a contract is named by --evm and --function in place of FILE, or as FILE:'f(uint256)'.

    ARG is JSON, hexadecimal allowed: 5, 0xff, true, [1,2,3], {"x": 1}; or @file.json.
    """
    program, args = target.load(words)
    limits = {} if work_limit is None else {"work_limit": work_limit}
    values = [parse_argument(arg) for arg in args]
    with progress("running"), a_sandbox(wanted=in_sandbox) as sandbox:
        result = program.run(*values, engine=engine, sandbox=sandbox, **limits)
    if as_json:
        print_json(
            {
                "outputs": result.value,
                "work": result.outcome.work,
                "engine": result.engine,
                "program": program.program.id.hex(),
            }
        )
        return
    click.echo(show_value(result.value))
    click.secho(
        f"{result.outcome.work:,} work units, {result.engine}, "
        f"program {program.program.id.hex()[:16]}…",
        dim=True,
        err=True,
    )


def a_sandbox(*, wanted: bool) -> Any:
    """A sandbox, or None; loaded only where it is wanted."""
    return import_module("numen.sandbox.runner").Sandbox() if wanted else nullcontext()


@click.command("compile")
@click.argument("file", metavar="FILE[:FUNC]")
@click.option(
    "--emit",
    type=click.Choice([*stages.EMITTERS, "cfg", "abi", "description", "creation"]),
    required=True,
)
@click.option("--evm", "is_evm", is_flag=True, help="FILE is a contract, whatever its name.")
@takes_bounds
@folder_option
@as_json_option
def compile_(file: str, emit: str, is_evm: bool, bounds: Bounds, out: Path, as_json: bool) -> None:
    """Write one form of a program or contract.

    FILE is source, or a contract of the EVM, in hexadecimal or raw: its name ends in .bin, .hex or
    .evm. A whole contract has the forms ir, cfg (a drawing), llvm and asm; a pure function of it,
    FILE:'f(uint256)', has those of every program.

    A file with a class under @contract is a contract of our own: FILE:NAME where it has several. It
    has the forms abi (Ethereum's JSON), creation (hexadecimal that a transaction makes it from),
    description, bytecode, ir, llvm and asm.
    """
    path, function = split(file)
    if not is_evm and path.suffix == ".py" and _services().is_contract(path):
        _compile_service(path, function, emit, out, as_json)
        return
    if not function and (is_evm or path.suffix in compiled.EVM_SUFFIXES):
        _compile_contract(path, emit, bounds.fork, out, as_json)
        return
    program = compiled.from_file(path, function or "main", bounds=bounds)
    with progress("compiling"):
        written = stages.write(program, emit, out)
    _report([written], as_json)


def _services() -> Any:
    # A program without state does without contracts: its commands must start quickly.
    return import_module("numen.api.services")


def _compile_service(path: Path, name: str, emit: str, out: Path, as_json: bool) -> None:
    services = _services()
    with progress("compiling"):
        contract = services.from_file(path, name)
        written = services.write(contract, emit, out)
    description = contract.description
    for warning in description.warnings:
        where = f"{path}:{warning.line}"
        click.secho(f"{where}: warning: {warning.message}", fg="yellow", err=True)
    if as_json:
        print_json({"files": [str(written)], "contract": services.facts(description)})
        return
    _report([written], as_json)


def _compile_contract(path: Path, emit: str, fork: str, out: Path, as_json: bool) -> None:
    # A program of our own does without the EVM: its commands must start quickly.
    contracts = import_module("numen.api.contracts")
    with progress("following the contract"):
        contract = contracts.read_contract(path, fork)
        written = contracts.write_form(contract, emit, out)
    if as_json:
        print_json({"files": [str(written)], "contract": contracts.facts(contract)})
        return
    _report([written], as_json)


@click.command()
@file_argument
@takes_program
@folder_option
@as_json_option
def dump(words: str | None, target: Target, out: Path, as_json: bool) -> None:
    """Write every stage of one compile, to read or to diff."""
    program = load_alone(target, words)
    with progress("compiling"):
        paths = list(stages.write_all(program, out))
    _report(paths, as_json)


@click.command()
@file_argument
@takes_program
@click.option("--pins", is_flag=True, help="Check that the constraints leave a prover no choice.")
@click.option(
    "--html", "page", type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the costs over the source, as a page.",
)  # fmt: skip
@as_json_option
def inspect(
    words: str | None, target: Target, pins: bool, page: Path | None, as_json: bool
) -> None:
    """Show constraints and work units, in all and for each line."""
    program = load_alone(target, words)
    with progress("unrolling the program into a circuit"):
        found = program.inspect(with_pins=pins)
    if page is not None:
        heatmap = import_module("numen.api.heatmap")
        write_file(page, heatmap.draw(found, program.source.file, program.source.text).encode())
    if as_json:
        report = msgspec.to_builtins(found) | {"refusal": found.refusal or None}
        print_json(report)
        return
    show_costs(found, Path(program.source.file).name)
    if pins:
        _show_pins(found)
    if page is not None:
        click.echo(page)


def _show_pins(found: "Inspection") -> None:
    """Print which wires are free, and which the static check cannot show to be pinned."""
    if found.loose is None:
        return
    for free in found.free:
        click.echo(f"free: {free.name}: {free.reason}")
    for name in found.loose[:_LOOSE_MAX]:
        click.echo(f"not shown to be pinned: {name}")
    if len(found.loose) > _LOOSE_MAX:
        click.echo(f"and {len(found.loose) - _LOOSE_MAX:,} more")
    if not found.loose:
        click.echo("every other wire is pinned by the constraints")


def show_costs(found: "Inspection", main: str) -> None:
    """Print what each line costs; lines of other files than the main one name their file."""
    counted = sum(line.constraints or 0 for line in found.lines)
    click.echo(f"{'constraints':>11} {'work':>8}  line")
    for line in found.lines:
        where = "" if Path(line.file).name == main else f"{Path(line.file).name}: "
        click.echo(
            f"{_count(line.constraints):>11} {line.work:>8,}  {line.line:>4}  {where}{line.text}"
        )
    if found.constraints is not None and found.constraints > counted:
        rest = found.constraints - counted
        click.echo(f"{rest:>11,} {0:>8}        types of the inputs, values of the outputs")
    click.echo(
        f"{_count(found.constraints):>11} {found.work:>8,}        "
        f"in all, program {found.program[:16]}…"
    )
    if found.refusal:
        click.secho(f"no circuit: {found.refusal}", err=True)


def _count(constraints: int | None) -> str:
    return "-" if constraints is None else f"{constraints:,}"


def _report(paths: list[Path], as_json: bool) -> None:
    if as_json:
        print_json({"files": [str(path) for path in paths]})
        return
    for path in paths:
        click.echo(path)
