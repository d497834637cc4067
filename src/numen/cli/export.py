"""`numen export`: what others need of a key."""

from pathlib import Path
from typing import Any

import click

from numen.cli.output import show_file
from numen.cli.programs import as_json_option
from numen.proof import contracts, snarkjs
from numen.proof.files import read_file, write_file
from numen.proof.verifier import VerifyingKey
from numen.proof.zkey import read_zkey

_file = click.Path(dir_okay=False, path_type=Path)
_out_option = click.option("-o", "--out", type=_file, required=True, help="File to write.")


@click.group()
def export() -> None:
    """Write what others need to check proofs.

    KEY is a verifying key (.json) or a proving key (.zkey).
    """


def _read(path: Path) -> VerifyingKey:
    data = read_file(path)
    if data.startswith(b"zkey"):
        return read_zkey(data).verifying
    return snarkjs.read_verifying_key(data)


@export.command()
@click.argument("key", type=_file)
@click.option("--to", "target", type=click.Choice(["solidity", "vyper"]), required=True)
@click.option("--name", default="Verifier", show_default=True, help="Name of the contract.")
@_out_option
@as_json_option
def verifier(key: Path, target: Any, name: str, out: Path, as_json: bool) -> None:
    """Write a contract that checks proofs for KEY on Ethereum."""
    text = contracts.write_contract(_read(key), target, name=name)
    write_file(out, text.encode())
    show_file(out, "verifyProof(a, b, c, input)", as_json=as_json)


@export.command(name="key")
@click.argument("key", type=_file)
@_out_option
@as_json_option
def key_(key: Path, out: Path, as_json: bool) -> None:
    """Write the verifying key of KEY, as snarkjs does."""
    write_file(out, snarkjs.write_verifying_key(_read(key)))
    show_file(out, "verifying key", as_json=as_json)
