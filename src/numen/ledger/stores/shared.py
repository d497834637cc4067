"""Blocks in a directory that many machines share: a mounted bucket, or a file server.

    blocks/3f/bafkrei…      a block, in a folder named by the last two letters of its name
    pins/bafkrei…           an empty file for a blob that is wanted

A file is written beside its place, and moved there once the disk has it: readers see all of a block
or nothing, and two who write the same block write the same bytes.
"""

import os
import re
import secrets
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from numen.ledger.stores import cid as cids
from numen.ledger.stores.cid import Cid
from numen.ledger.stores.errors import UnreachableError
from numen.ledger.stores.unixfs import KEPT_BYTES_MAX

_NAME = re.compile("b[a-z2-7]{58}")


class SharedShelf:
    """Blocks in a directory.

    Raises:
        UnreachableError: The directory cannot be made.
    """

    def __init__(self, directory: Path) -> None:
        self._blocks, self._pins = directory / "blocks", directory / "pins"
        try:
            for folder in (self._blocks, self._pins):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnreachableError(f"{directory}: {error.strerror}") from error

    def put(self, blocks: Iterable[tuple[Cid, bytes]]) -> None:
        folders = set()
        for cid, block in blocks:
            path = self._path(cid)
            self._write(path, block)
            folders.add(path.parent)
        for folder in folders:
            _sync(folder)

    def get(self, cid: Cid) -> bytes | None:
        try:
            with self._path(cid).open("rb") as file:
                return file.read(KEPT_BYTES_MAX + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreachableError(f"{self._path(cid)}: {error.strerror}") from error

    def has(self, cid: Cid) -> bool:
        return self._path(cid).is_file()

    def pin(self, root: Cid) -> None:
        self._write(self._pins / str(root), b"")
        _sync(self._pins)

    def unpin(self, root: Cid) -> None:
        (self._pins / str(root)).unlink(missing_ok=True)

    def pins(self) -> Iterator[Cid]:
        return (cids.parse(name) for name in _names(self._pins))

    def collect(self, wanted: Container[Cid]) -> None:
        for folder in self._blocks.iterdir():
            for name in _names(folder):
                if cids.parse(name) not in wanted:
                    (folder / name).unlink(missing_ok=True)

    def _path(self, cid: Cid) -> Path:
        # The first letters say what kind of name it is, and are the same for most.
        return self._blocks / str(cid)[-2:] / str(cid)

    def _write(self, path: Path, content: bytes) -> None:
        beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(exist_ok=True)
            try:
                with beside.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
        except OSError as error:
            raise UnreachableError(f"{path}: {error.strerror}") from error


def _names(folder: Path) -> Iterator[str]:
    """The files that are named as this package names them; other people's are not touched."""
    return (path.name for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _sync(folder: Path) -> None:
    """Wait until the disk has what a folder lists."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
