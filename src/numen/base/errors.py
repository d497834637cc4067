"""Errors that a person is told about, and the places they point at.

    NumenError              something from outside is wrong: source, bytes, files, arguments
    ├── base.codec          …each package hangs its own tree below, drawn in its errors module
    └── …

An `assert` that fails is our own mistake and is not part of this tree.
"""

from typing import Self

import msgspec


class Place(msgspec.Struct, frozen=True, order=True):
    """A point in a source text.

    Attributes:
        file: Name of the source as the person gave it, or a name like ``<string>``.
        line: Counted from 1.
        column: Counted from 1, in characters.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class NumenError(Exception):
    """Root of every error that input from outside can cause.

    Attributes:
        place: Where, when the cause has a place in a source text.
        text: The offending line of source, or empty.
        hint: What to do about it, or empty.
    """

    def __init__(
        self, message: str, *, place: Place | None = None, text: str = "", hint: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.text = text
        self.hint = hint

    def __str__(self) -> str:
        lines = [f"{self.place}: {self.message}" if self.place else self.message]
        if self.text and self.place:
            lines += [f"    {self.text}", f"    {' ' * (self.place.column - 1)}^"]
        if self.hint:
            lines.append(f"    hint: {self.hint}")
        return "\n".join(lines)

    def at(self, place: Place, text: str = "") -> Self:
        """Give the error a place, unless it has one."""
        if self.place is None:
            self.place, self.text = place, text
        return self
