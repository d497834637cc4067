"""`numen setup`, `prove` and `verify`."""

from pathlib import Path

import click

from numen.api import proofs
from numen.cli.arguments import parse_argument
from numen.cli.output import print_json, show_value
from numen.cli.programs import (
    PASS_ALL,
    as_json_option,
    file_argument,
    folder_option,
    load_alone,
    program_argument,
)
from numen.cli.progress import progress
from numen.cli.targets import Target, takes_program
from numen.proof import snarkjs
from numen.proof.files import read_file

path_argument = click.Path(dir_okay=False, path_type=Path)


@click.command()
@file_argument
@takes_program
@click.option("--ptau", "powers", type=path_argument, help="Begin a ceremony on powers of tau.")
@folder_option
@as_json_option
def setup(words: str | None, target: Target, powers: Path | None, out: Path, as_json: bool) -> None:
    """Make keys for proofs: circuit.r1cs, circuit.zkey, verification_key.json.

    One party makes them, this machine: unsafe for production, where several must take part. With
    --ptau, the key is the one that their ceremony begins with.
    """
    program = load_alone(target, words)
    with progress("unrolling the program into a circuit"):
        count = program.circuit.constraint_count
    with progress(f"setting up {count:,} constraints"):
        keys = program.begin_ceremony(powers) if powers else program.setup()
    keys.save(out)
    if as_json:
        print_json(
            {"constraints": count, "folder": str(out), "warning": keys.proving.warning or None}
        )
        return
    click.echo(f"{count:,} constraint{'' if count == 1 else 's'}; keys in {out}")
    _warn(keys)


@click.command(context_settings=PASS_ALL)
@program_argument
@takes_program
@click.option(
    "--keys", "folder", required=True, help="Folder that `numen setup` wrote.",
    type=click.Path(file_okay=False, path_type=Path),
)  # fmt: skip
@folder_option
@as_json_option
def prove(words: tuple[str, ...], target: Target, folder: Path, out: Path, as_json: bool) -> None:
    """Run a program and prove the run: proof.json, public.json."""
    program, args = target.load(words)
    with progress("reading the keys"):
        keys = proofs.Keys.load(folder)
    with progress("proving"):
        proven = program.prove(*map(parse_argument, args), keys=keys)
    proven.save(out)
    if as_json:
        print_json(
            {
                "outputs": proven.value,
                "public": [str(value) for value in proven.public],
                "folder": str(out),
                "warning": keys.proving.warning or None,
            }
        )
        return
    click.echo(show_value(proven.value))
    click.echo(f"proof in {out}")
    _warn(keys)


def _warn(keys: proofs.Keys) -> None:
    """Say why not to trust keys, where there is a reason."""
    if keys.proving.warning:
        click.secho(f"warning: {keys.proving.warning}", fg="yellow", err=True)


@click.command()
@click.argument("vk", type=path_argument)
@click.argument("proof", type=path_argument)
@click.argument("public", type=path_argument)
@as_json_option
def verify(vk: Path, proof: Path, public: Path, as_json: bool) -> None:
    """Check a proof against a verifying key and the public values, all as snarkjs writes them."""
    key = snarkjs.read_verifying_key(read_file(vk))
    proofs.verify(key, snarkjs.read_proof(read_file(proof)), snarkjs.read_public(read_file(public)))
    if as_json:
        print_json({"valid": True})
    else:
        click.echo("valid")
