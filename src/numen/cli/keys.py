"""`numen key`: the identities that one acts with."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from numen.cli.output import print_json
from numen.net.errors import KeyStoreError
from numen.net.keystore import KeyStore, Public, default_folder

PASSWORD_LENGTH_MIN: Final = 8
_PASSWORD_BYTES_MAX: Final = 1024
_VARIABLE: Final = "NUMEN_PASSWORD"
FOLDER_VARIABLE: Final = "NUMEN_KEYS"


@click.group()
def key() -> None:
    """Make and show keys, by which nodes are known and coins owned.

    A key file holds both, of a node (Ed25519) and of an account (secp256k1), encrypted. Its
    password is asked for, or read from --password-file or the variable NUMEN_PASSWORD: never from
    arguments, which everybody on a machine can read.
    """


def in_store(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the key store that a person names, and `--json`."""

    @click.option(
        "--keys",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        envvar=FOLDER_VARIABLE,
        help="Folder of the key files; also in NUMEN_KEYS.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    @functools.wraps(command)
    def run(folder: Path | None, **given: Any) -> Any:
        return command(store=KeyStore(folder or default_folder()), **given)

    return run


def with_password(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the file that a password may be in."""
    return click.option(
        "--password-file",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="The password is this file's first line.",
    )(command)


@key.command()
@click.argument("name")
@with_password
@in_store
def new(store: KeyStore, name: str, password_file: Path | None, *, as_json: bool) -> None:
    """Make a new identity called NAME."""
    password = read_password(password_file, is_new=True)
    _show(store.create(name, password), as_json=as_json, more="made")


@key.command()
@click.argument("name")
@click.option("--check", is_flag=True, help="Open it, to see that password and file are right.")
@with_password
@in_store
def show(
    store: KeyStore, name: str, password_file: Path | None, *, check: bool, as_json: bool
) -> None:
    """Show what others may know of NAME: its node's public key and its account's address."""
    public = store.public(name)
    if check:
        store.open(name, read_password(password_file, is_new=False))
    _show(public, as_json=as_json, more="opened" if check else "")


@key.command("list")
@in_store
def list_(store: KeyStore, *, as_json: bool) -> None:
    """List the identities there are."""
    found = [store.public(name) for name in store.names()]
    if as_json:
        print_json({"keys": [_report(public) for public in found]})
        return
    for public in found:
        click.echo(f"{public.name}  node {public.node.hex()}  account 0x{public.account.hex()}")
    if not found:
        click.echo("no keys yet: `numen key new NAME` makes one")


def own_store() -> KeyStore:
    """The key store of whoever says no other: where NUMEN_KEYS says, or the platform has it."""
    named = os.environ.get(FOLDER_VARIABLE)
    return KeyStore(Path(named) if named else default_folder())


def known(store: KeyStore) -> dict[str, str]:
    """What the accounts of a store are called, by address in hexadecimal."""
    found = {}
    for name in store.names():
        with contextlib.suppress(KeyStoreError, OSError):
            found[store.public(name).account.hex()] = name
    return found


def read_password(file: Path | None, *, is_new: bool) -> str:
    """Get a password: from a file, from the environment, or from a person.

    Args:
        file: Whose first line it is, or None.
        is_new: Whether it is chosen now: then it is asked for twice and may not be short.
    """
    if file is not None:
        with file.open("rb") as opened:
            raw = opened.readline(_PASSWORD_BYTES_MAX + 1)
        password = _text(raw).rstrip("\r\n")
    elif _VARIABLE in os.environ:
        password = os.environ[_VARIABLE]
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=is_new, err=True)
    else:
        raise click.UsageError(
            f"there is nobody to ask for the password: say --password-file FILE, or set {_VARIABLE}"
        )
    if not 0 < len(password.encode(errors="surrogateescape")) <= _PASSWORD_BYTES_MAX:
        raise click.UsageError(f"a password is text of at most {_PASSWORD_BYTES_MAX} bytes")
    if is_new and len(password) < PASSWORD_LENGTH_MIN:
        raise click.UsageError(f"a password has at least {PASSWORD_LENGTH_MIN} characters")
    return password


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise click.UsageError("the password's file is not text in UTF-8") from None


def _report(public: Public) -> dict[str, str]:
    return {
        "name": public.name,
        "node": public.node.hex(),
        "account": f"0x{public.account.hex()}",
        "file": str(public.path),
    }


def _show(public: Public, *, as_json: bool, more: str) -> None:
    if as_json:
        print_json(_report(public) | ({"state": more} if more else {}))
        return
    click.echo(f"node     {public.node.hex()}")
    click.echo(f"account  0x{public.account.hex()}")
    click.echo(f"file     {public.path}" + (f" ({more})" if more else ""))
