"""`numen ceremony`: setups by many parties."""

import sys
from pathlib import Path
from typing import Any

import click

from numen.api import ceremonies
from numen.api.ceremonies import Contributor
from numen.cli.output import print_json, show_file
from numen.cli.programs import as_json_option
from numen.cli.progress import progress
from numen.proof.ceremony import exchange

_file = click.Path(dir_okay=False, path_type=Path)
_out_option = click.option("-o", "--out", type=_file, required=True, help="File to write.")
_name_option = click.option("--name", default="", help="What you call yourself, for all to read.")


@click.group()
def ceremony() -> None:
    """Set keys up by many parties, of whom one honest one is enough.

    Files are as snarkjs has them. FILE is powers of tau (.ptau) or a circuit's key (.zkey).
    """


@ceremony.command()
@click.argument("power", type=click.IntRange(1, 28))
@_out_option
@as_json_option
def new(power: int, out: Path, as_json: bool) -> None:
    """Begin powers of tau for circuits of up to 2**POWER rows."""
    with progress("writing"):
        challenge = ceremonies.new_powers(power, out)
    if as_json:
        print_json({"file": str(out), "challenge": challenge.hex()})
        return
    click.echo(f"{out}: nobody has contributed; the first challenge is {challenge.hex()[:32]}")


@ceremony.command()
@click.argument("file", type=_file)
@_out_option
@_name_option
@as_json_option
def contribute(file: Path, out: Path, name: str, as_json: bool) -> None:
    """Add a contribution of your own to FILE.

    On a terminal you are asked to type something. It is mixed with the system's random numbers,
    kept nowhere and shown nowhere.
    """
    typed = b""
    if sys.stdin.isatty():
        typed = click.prompt(
            "type at random", default="", hide_input=True, show_default=False, err=True
        ).encode()
    with progress("contributing"):
        made = ceremonies.contribute(file, out, typed=typed, name=name)
    _show_own(made, out, as_json=as_json)


@ceremony.command()
@click.argument("file", type=_file)
@click.argument("value")
@_out_option
@click.option(
    "--iterations", type=click.IntRange(10, 30), default=10, show_default=True,
    help="Hash it 2 to this times.",
)  # fmt: skip
@_name_option
@as_json_option
def beacon(file: Path, value: str, out: Path, iterations: int, name: str, as_json: bool) -> None:
    """End a ceremony with VALUE, a public random number in hexadecimal."""
    try:
        drawn = bytes.fromhex(value.removeprefix("0x"))
    except ValueError:
        raise click.UsageError(f"{value[:40]!r} is not hexadecimal") from None
    with progress("contributing"):
        made = ceremonies.contribute_beacon(
            file, out, value=drawn, iterations_log=iterations, name=name
        )
    _show_own(made, out, as_json=as_json)


def _show_own(made: Contributor, out: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(out), "receipt": made.receipt.hex()})
        return
    click.echo(f"{out}: contributed; your receipt is")
    click.echo(made.receipt.hex())


@ceremony.command()
@click.argument("file", type=_file)
@_out_option
@as_json_option
def prepare(file: Path, out: Path, as_json: bool) -> None:
    """Prepare powers of tau for circuits; takes minutes from 2**14 on."""
    with progress("transforming points"):
        ceremonies.prepare_powers(file, out)
    show_file(out, "ready for `numen setup --ptau`", as_json=as_json)


@ceremony.command()
@click.argument("file", type=_file)
@as_json_option
def show(file: Path, as_json: bool) -> None:
    """List who FILE says has contributed; nothing is verified."""
    _show_all(ceremonies.contributors(file), as_json=as_json)


def _show_all(made: list[Contributor], *, as_json: bool, **more: Any) -> None:
    if not as_json:
        for line in ceremonies.lines_of(made):
            click.echo(line)
        return
    rows = [
        {
            "name": one.name,
            "receipt": one.receipt.hex(),
            "beacon": one.beacon.hex() or None,
            "iterations": one.iterations_log or None,
        }
        for one in made
    ]
    print_json({"contributions": rows, **more})


@ceremony.command()
@click.argument("file", type=_file)
@click.option("--circuit", type=_file, help="The circuit (.r1cs) of a key.")
@click.option("--ptau", "powers", type=_file, help="The prepared powers of tau it began with.")
@click.option("--trust-powers", is_flag=True, help="Do not verify the powers again.")
@click.option(
    "-o", "--out", type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the verified keys, which `numen prove` then uses without a warning.",
)  # fmt: skip
@as_json_option
def verify(
    file: Path,
    circuit: Path | None,
    powers: Path | None,
    trust_powers: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Verify that FILE is what its contributions make.

    A key (.zkey) needs --circuit and --ptau. Exit code 1: all is well formed, and not honest.
    """
    if ceremonies.is_powers(file):
        with progress("verifying the powers of tau"):
            made = ceremonies.verify_powers(file)
        _show_all(made, as_json=as_json, valid=True)
    else:
        if circuit is None or powers is None:
            raise click.UsageError("a key is verified with --circuit and --ptau")
        if not trust_powers:
            with progress("verifying the powers of tau"):
                ceremonies.verify_powers(powers)
        with progress("verifying the key"):
            keys = ceremonies.verify_key(file, circuit, powers)
        if out:
            keys.save(out)
        made = ceremonies.contributors_of(keys.proving)
        _show_all(made, as_json=as_json, valid=True, folder=str(out) if out else None)
    if not as_json:
        click.echo("valid")


@ceremony.command()
@click.argument("key", type=_file)
@_out_option
@as_json_option
def export(key: Path, out: Path, as_json: bool) -> None:
    """Write KEY (.zkey) as a challenge in bellman's form, as `snarkjs zkey export bellman` does."""
    with progress("transforming points"):
        exchange.export_file(key, out)
    what = "to be answered by `snarkjs zkey bellman contribute` and the like"
    show_file(out, what, as_json=as_json)


@ceremony.command(name="import")
@click.argument("key", type=_file)
@click.argument("response", type=_file)
@_out_option
@_name_option
@as_json_option
def import_(key: Path, response: Path, out: Path, name: str, as_json: bool) -> None:
    """Take contributions to KEY from RESPONSE, a file in bellman's form. Verify the result."""
    with progress("transforming points"):
        exchange.import_file(key, response, out, name=name)
    show_file(out, "not verified yet", as_json=as_json)
