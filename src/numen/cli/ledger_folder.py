"""The folder of a ledger, as the commands of `numen ledger` have it."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from numen.base.errors import NumenError
from numen.cli.keys import read_password
from numen.cli.programs import as_json_option
from numen.net.keystore import Identity, KeyStore
from numen.node.process.roll import FILE, Roll, read_roll
from numen.proof.files import read_file

_FILE_BYTES_MAX: Final = 1 << 26

T = TypeVar("T")


def in_folder(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the folder of a ledger, and `--json`."""

    @click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
    @as_json_option
    @functools.wraps(command)
    def run(**given: Any) -> Any:
        return command(**given)

    return run


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run something until it ends, and raise the one error that a group of tasks ended with."""
    try:
        return asyncio.run(work)
    except BaseExceptionGroup as group:
        ours = [error for error in _leaves(group) if isinstance(error, NumenError)]
        if not ours:
            raise
        raise ours[0] from group


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]


def read_folder(folder: Path) -> Roll:
    """The ledger of a folder."""
    path = folder / FILE
    return read_roll(read_file(path, size_max=_FILE_BYTES_MAX), path)


def open_identity(folder: Path, name: str, password_file: Path | None) -> Identity:
    """The keys of a node or a person of the folder."""
    return KeyStore(folder / "keys").open(name, read_password(password_file, is_new=False))
