"""The debug section of the bytecode: what people call things, and where they stand in the source.

    debug = count of files, files, count of functions, their names,
            a place for each instruction, branch and stop, in the order of the code section
    place = 0, or number of the file from 1, line less the line before, column

No part of the program's id: the same program from two sources is the same program.
"""

from collections.abc import Iterator
from typing import Final

from numen.base.errors import Place
from numen.ir import limits
from numen.ir.nodes import Branch, Module, Stop
from numen.ir.wire import Reader, Writer

LINE_MAX: Final = (1 << 31) - 1
"""Largest line and column."""


class PlaceReader:
    """Reads the places of a debug section one after another."""

    def __init__(self, reader: Reader, files: tuple[str, ...]) -> None:
        self._reader = reader
        self._files = files
        self._used = 0
        self._line = 0

    def read(self) -> Place | None:
        """Read the next place.

        Raises:
            DecodeError: There is none, or it is not one.
        """
        reader = self._reader
        start = reader.at
        file = reader.number(len(self._files), "a file")
        if not file:
            return None
        # Files are numbered as they appear, so that one table has one order.
        if file > self._used + 1:
            raise reader.fail("a file is used before the one listed above it", start)
        self._used = max(self._used, file)
        self._line += reader.signed(-LINE_MAX, LINE_MAX, "a line")
        column = reader.number(LINE_MAX, "a column")
        if not 0 <= self._line <= LINE_MAX:
            raise reader.fail("a line is out of range", start)
        return Place(self._files[file - 1], self._line, column)

    def finish(self) -> None:
        """Refuse what is left over.

        Raises:
            DecodeError: There are more bytes, or files that no place is in.
        """
        self._reader.finish("the last place")
        if self._used != len(self._files):
            raise self._reader.fail("a file is listed that no place is in")


def encode_debug(module: Module, order: tuple[str, ...]) -> bytes:
    """Write the debug section.

    Args:
        module: A module that `check` accepts.
        order: The functions in the order of the code section.

    Raises:
        EncodeError: A name cannot be written.
    """
    places = list(_places(module, order))
    names = dict.fromkeys(_file_name(place) for place in places if place)
    files = {name: index for index, name in enumerate(names, start=1)}
    out = Writer()
    out.number(len(files))
    for name in files:
        out.text(name, "a file")
    out.number(len(order))
    for name in order:
        out.name(name, "a function")
    line = 0
    for place in places:
        if place is None:
            out.number(0)
        else:
            out.number(files[_file_name(place)])
            out.signed(place.line - line)
            out.number(place.column)
            line = place.line
    return bytes(out.out)


def decode_debug(reader: Reader) -> tuple[tuple[str, ...], PlaceReader]:
    """Read a debug section up to its places.

    Returns:
        The names of the functions, and what reads the places.

    Raises:
        DecodeError: The bytes are not a debug section.
    """
    start = reader.at
    file_count = reader.count(limits.FUNCTIONS_MAX, "files")
    files = tuple(reader.text("a file") for _ in range(file_count))
    names = tuple(
        reader.name("a function")
        for _ in range(reader.count(limits.FUNCTIONS_MAX, "names of functions"))
    )
    if len(set(files)) != len(files) or len(set(names)) != len(names):
        raise reader.fail("two files or functions have one name", start)
    return names, PlaceReader(reader, files)


def _file_name(place: Place) -> str:
    # A path of the file system need not be text: what has no UTF-8 is shown as "?".
    return place.file.encode("utf-8", "replace").decode()[: limits.NAME_BYTES_MAX]


def _places(module: Module, order: tuple[str, ...]) -> Iterator[Place | None]:
    for name in order:
        for block in module.functions[name].blocks.values():
            for instr in block.body:
                yield instr.place
            if isinstance(block.end, Branch | Stop):
                yield block.end.place
