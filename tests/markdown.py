"""The fenced blocks of a page, and the marks that say how a test treats them.

docs/contributing.md describes the marks for those who write pages.
"""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^(?P<ticks>```+)(?P<language>[\w-]*)\s*$")
FILE_MARK = re.compile(r"^# file: (?P<name>[\w.-]+)$")
NOT_RUN_MARK = re.compile(r"^<!-- not run: (?P<reason>.+) -->$")
NEEDS_MARK = re.compile(r"^<!-- needs: (?P<package>\w+) -->$")


class Block(msgspec.Struct, frozen=True):
    """A fenced block of a page.

    Attributes:
        page: Path of the page, relative to the root of the repository.
        line: Line of the page where the text begins, from 1.
        language: Word after the opening fence.
        text: What is inside, with its last newline.
        not_run: Why it is only shown, or empty.
        follows: Whether nothing but blank lines parts it from the block before it.
    """

    page: str
    line: int
    language: str
    text: str
    not_run: str = ""
    follows: bool = False

    @property
    def file_name(self) -> str:
        """Name of the file that the block is, or empty."""
        mark = FILE_MARK.match(self.text.partition("\n")[0])
        return mark["name"] if mark else ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> tuple[str, ...]:
    """Name the README and every page of the documentation."""
    docs = sorted((ROOT / "docs").rglob("*.md"))
    return ("README.md", *(page.relative_to(ROOT).as_posix() for page in docs))


def blocks(page: str, text: str | None = None) -> Iterator[Block]:
    """Find the fenced blocks of a page.

    Raises:
        ValueError: A fence is not closed.
    """
    for part in _parts(page, text):
        if isinstance(part, Block):
            yield part


def prose(page: str) -> str:
    """Give the text of a page without its fenced blocks."""
    return "".join(f"{part}\n" for part in _parts(page, None) if isinstance(part, str))


def _parts(page: str, text: str | None) -> Iterator[Block | str]:
    """Part a page into its fenced blocks and the lines between them."""
    lines = ((ROOT / page).read_text() if text is None else text).splitlines()
    last_words, start = [""], 0
    opened: re.Match[str] | None = None
    for number, line in enumerate(lines):
        if opened is None:
            opened, start = FENCE.match(line), number + 1
            if opened is None:
                yield line
                last_words += [line] if line.strip() else []
        elif line == opened["ticks"]:
            inside = "".join(f"{text}\n" for text in lines[start:number])
            reason = _reason(last_words[-1])
            follows = last_words[-1] == ""
            yield Block(page, start + 1, opened["language"], inside, reason, follows)
            opened, last_words = None, [""]
    if opened is not None:
        raise ValueError(f"{page}:{start}: the fence is not closed")


def _reason(words: str) -> str:
    """Why the block below some words is only shown, or empty."""
    mark = NOT_RUN_MARK.match(words)
    if mark:
        return mark["reason"]
    needs = NEEDS_MARK.match(words)
    is_missing = needs is not None and find_spec(needs["package"]) is None
    return f"{needs['package']} is not installed" if needs and is_missing else ""
