"""`numen prove --system stark`, and `numen verify` of what it wrote."""

import contextlib
from pathlib import Path
from typing import Any

import click

from numen.api import compiled, starks
from numen.cli.output import print_json, show_value
from numen.cli.progress import counted
from numen.proof.files import read_file, write_file
from numen.proof.machine.bundle import BUNDLE_MAX_BYTES


def prove(  # noqa: PLR0913 - one parameter an option
    program: compiled.Compiled,
    args: list[Any],
    out: Path,
    *,
    profile: str,
    is_hiding: bool,
    segment_rows: int,
    processes: int,
    fleet_servers: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write a ``proof.stark`` and say what it proves."""
    with contextlib.ExitStack() as stack:
        told = stack.enter_context(counted("proving cycles"))
        spread = None
        if fleet_servers:
            from numen.node.fleet.fleet import Fleet  # noqa: PLC0415 - the client is an extra

            spread = stack.enter_context(Fleet(fleet_servers)).prove
        data = starks.prove(
            program, args, profile=profile, is_hiding=is_hiding,
            segment_rows=segment_rows, processes=processes, told=told, spread=spread,
        )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    path = out / starks.PROOF_FILE
    write_file(path, data)
    found = starks.verify(data, program=program.program.id)
    if as_json:
        print_json({**_facts(found), "file": str(path), "size_bytes": len(data)})
        return
    click.echo(show_value(found.value))
    click.echo(f"{_length(found)}; proof in {path}")


def verify(path: Path, *, as_json: bool) -> None:
    """Check a ``proof.stark`` and print what it proves."""
    found = starks.verify(read_file(path, size_max=BUNDLE_MAX_BYTES))
    facts = _facts(found)
    if as_json:
        print_json({"valid": True, **facts})
        return
    click.echo("valid")
    click.echo(f"program   {facts['program']}")
    click.echo(
        f"inputs    {show_value(found.inputs)}"
        + (", and private ones" if found.has_private else "")
    )
    click.echo(f"outputs   {show_value(found.value)}")
    click.echo(f"profile   {found.profile.name}: {_worth(found)}")
    click.echo(f"length    {_length(found)}")
    if not found.profile.is_hiding:
        click.secho(
            "warning: this proof is about integrity only, it may show inputs", fg="yellow", err=True
        )


def _length(found: starks.Proven) -> str:
    return f"{found.cycles:,} cycles in {found.segments:,} segment{'s' * (found.segments != 1)}"


def _worth(found: starks.Proven) -> str:
    bits = found.bits
    return f"{bits.proven} bits proven, {bits.conjectured} conjectured"


def _facts(found: starks.Proven) -> dict[str, Any]:
    return {
        "program": found.program.hex(),
        "inputs": found.inputs,
        "outputs": found.value,
        "profile": found.profile.name,
        "bits": {"proven": found.bits.proven, "conjectured": found.bits.conjectured},
        "is_hiding": found.profile.is_hiding,
        "cycles": found.cycles,
        "segments": found.segments,
    }
