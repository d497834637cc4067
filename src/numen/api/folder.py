"""The files of a program: the modules beside the one that was named, and nothing else."""

from pathlib import Path
from typing import Final

from numen.base.errors import NumenError
from numen.lang.modules import Text
from numen.proof.files import FileError, read_file

SOURCE_BYTES_MAX: Final = 2**20
"""Largest source file."""


class OutsideError(NumenError):
    """An import leads out of the program's folder."""


class Folder:
    """Reads modules from a folder: ``a.b`` is ``a/b.py``, which may not be a link to elsewhere."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, module: str) -> Text | None:
        """The text of a module by its dotted name, or None when there is none.

        Raises:
            OutsideError: A link leads out of the folder.
            NumenError: The file cannot be read, or is no text.
        """
        parts = module.split(".")
        if not all(part.isidentifier() for part in parts):
            return None
        path = self._path.joinpath(*parts).with_suffix(".py")
        if not path.is_file():
            return None
        if not path.resolve().is_relative_to(self._path.resolve()):
            raise OutsideError(f"{path} is a link out of the program's folder")
        return Text(str(path), read_text(path))


class NoFolder:
    """The files of a program that is one text: none."""

    def read(self, module: str) -> Text | None:  # noqa: ARG002 - the protocol's
        """No module."""
        return None


def read_text(path: Path) -> str:
    """Read a source file.

    Raises:
        NumenError: It cannot be read, is too large, or is not UTF-8.
    """
    try:
        # Editors of Windows begin files with a mark; Python passes over it too.
        return read_file(path, size_max=SOURCE_BYTES_MAX).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(path, f"not UTF-8 at byte {error.start}") from error
