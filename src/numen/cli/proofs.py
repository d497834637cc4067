"""`numen setup`, `prove` and `verify`."""

from importlib import import_module
from pathlib import Path

import click

from numen.api import proofs
from numen.cli.arguments import parse_argument
from numen.cli.fleet import fleet_option
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
    """Make keys for proofs of a program.

    They are circuit.r1cs, circuit.zkey and verification_key.json. One party makes them, this
    machine: unsafe for production, where several must take part. With --ptau, the key is the
    one that their ceremony begins with.
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
@click.option("--system", type=click.Choice(["groth16", "stark"]), default="groth16")
@click.option(
    "--keys", "folder", help="Folder that `numen setup` wrote; a STARK needs none.",
    type=click.Path(file_okay=False, path_type=Path),
)  # fmt: skip
@click.option("--profile", type=click.Choice(["fast", "proven"]), default="fast")
@click.option("--zk", "is_hiding", is_flag=True, help="Hide the private inputs of a STARK.")
@click.option(
    "--segment-rows", type=click.IntRange(1, 1 << 20), default=1 << 18,
    help="Cycles of a STARK that are proven at once, a power of two.",
)  # fmt: skip
@click.option("--processes", type=click.IntRange(1, 256), default=1)
@fleet_option
@folder_option
@as_json_option
def prove(  # noqa: PLR0913, PLR0917 - one parameter an option
    words: tuple[str, ...],
    target: Target,
    system: str,
    folder: Path | None,
    profile: str,
    is_hiding: bool,
    segment_rows: int,
    processes: int,
    fleet_servers: tuple[str, ...],
    out: Path,
    as_json: bool,
) -> None:
    """Run a program and prove the run.

    Groth16 writes proof.json and public.json, and needs keys and a program whose loops are bounded;
    bounds that the keys were set up with need not be given again.
    A STARK writes proof.stark, of any program; its segments may be proven by a fleet.
    """
    if system == "groth16":
        if folder is None:
            raise click.UsageError("Groth16 needs --keys, a folder that `numen setup` wrote")
        target = target.with_keys_of(folder)
    program, args = target.load(words)
    if folder is None or system == "stark":
        if segment_rows & (segment_rows - 1):
            raise click.BadParameter(
                f"{segment_rows} is no power of two", param_hint="--segment-rows"
            )
        # Who proves with keys does not load the provable machine.
        import_module("numen.cli.starks").prove(
            program, [parse_argument(arg) for arg in args], out, profile=profile,
            is_hiding=is_hiding, segment_rows=segment_rows, processes=processes,
            fleet_servers=fleet_servers, as_json=as_json,
        )  # fmt: skip
        return
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
@click.argument("files", type=path_argument, nargs=-1, metavar="VK PROOF PUBLIC | PROOF.STARK")
@as_json_option
def verify(files: tuple[Path, ...], as_json: bool) -> None:
    """Check a proof.

    Three files: a verifying key, a proof and the public values, all as snarkjs writes them. Or one
    file: a proof.stark, which says itself what it proves.
    """
    if len(files) == 1:
        import_module("numen.cli.starks").verify(files[0], as_json=as_json)
        return
    if len(files) != 3:
        raise click.UsageError("either VK PROOF PUBLIC, or one proof.stark")
    vk, proof, public = files
    key = snarkjs.read_verifying_key(read_file(vk))
    proofs.verify(key, snarkjs.read_proof(read_file(proof)), snarkjs.read_public(read_file(public)))
    if as_json:
        print_json({"valid": True})
    else:
        click.echo("valid")
