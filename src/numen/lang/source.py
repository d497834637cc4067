"""A source text, its places, and its syntax tree.

The text is hostile: its size and nesting are bounded before Python's parser sees it, and what the
parser cannot stand (deep recursion, null bytes, lone surrogates) becomes a typed error.
"""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from numen.base.errors import Place
from numen.lang import limits
from numen.lang.errors import LangError, ParseError, SubsetError, TooLargeError

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_SHOWN_LENGTH_MAX: Final = 400
"""Longest line that an error shows, in characters."""

_BRACKETS: Final = re.compile(
    r"#[^\r\n]*"
    r"|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''"
    r"|\"(?:[^\\\"\r\n]|\\.)*\"|'(?:[^\\'\r\n]|\\.)*'"
    r"|[()\[\]{}]",
    re.DOTALL,
)


class Source(msgspec.Struct, frozen=True):
    """A text and the name of its file.

    Attributes:
        file: As errors show it.
        lines: The text without its line ends.
    """

    file: str
    lines: tuple[str, ...]

    def place(self, node: ast.AST) -> Place:
        """Where a node of the tree begins."""
        line, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        text = self.line(line)
        if not text.isascii():
            offset = len(text.encode()[:offset].decode(errors="ignore"))
        return Place(self.file, line, offset + 1)

    def line(self, number: int) -> str:
        """A line counted from 1; empty outside of the text."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def refuse(
        self, error: type[LangError], node: ast.AST, message: str, hint: str = ""
    ) -> LangError:
        """Make an error that points at a node."""
        return self.refuse_at(error, self.place(node), message, hint)

    def refuse_at(
        self, error: type[LangError], place: Place, message: str, hint: str = ""
    ) -> LangError:
        """Make an error that points at a place."""
        line = self.line(place.line)
        shown = "".join(c if c.isprintable() else " " for c in line[:_SHOWN_LENGTH_MAX])
        text = shown if len(line) <= _SHOWN_LENGTH_MAX else ""
        return error(message, place=place, text=text, hint=hint)


def parse(text: str, file: str) -> tuple[Source, ast.Module]:
    """Parse a text within the limits.

    Raises:
        ParseError: It is not Python.
        TooLargeError: It is too long or nests too deeply.
        SubsetError: A name is not plain ASCII.
    """
    source = Source(file, tuple(_LINE_END.split(text[: limits.SOURCE_BYTES_MAX + 1])))
    _check_size(source, text)
    _check_brackets(source, text)
    tree = _parse(source, text)
    _check_tree(source, tree)
    return source, tree


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below a node, but for those that hold nothing themselves."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            if value._fields:
                found.append(value)
        elif isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST) and item._fields]
    return found


def walk(nodes: Iterable[ast.AST]) -> list[ast.AST]:
    """Nodes and all below them, in no order that means anything."""
    found = list(nodes)
    for node in found:  # grows while it is gone through
        found += children(node)
    return found


def _check_size(source: Source, text: str) -> None:
    start = Place(source.file, 1, 1)
    try:
        size = len(text[: limits.SOURCE_BYTES_MAX + 1].encode())
    except UnicodeEncodeError:
        raise source.refuse_at(ParseError, start, "the text is not Unicode") from None
    if size > limits.SOURCE_BYTES_MAX:
        raise TooLargeError(
            f"the source is longer than {limits.SOURCE_BYTES_MAX} bytes",
            place=start,
            hint="pass data as input, or split the program into modules",
        )
    for number, line in enumerate(source.lines, 1):
        if len(line) > limits.LINE_LENGTH_MAX:
            message = f"the line is longer than {limits.LINE_LENGTH_MAX} characters"
            raise source.refuse_at(TooLargeError, Place(source.file, number, 1), message)
        if "\0" in line:
            place = Place(source.file, number, line.index("\0") + 1)
            raise source.refuse_at(ParseError, place, "a null character is not source")


def _check_brackets(source: Source, text: str) -> None:
    """Bound what the parser's own recursion sees, strings and comments left out."""
    depth = 0
    for match in _BRACKETS.finditer(text):
        found = match[0]
        if found in "([{":
            depth += 1
            if depth > limits.NESTING_MAX:
                before = _LINE_END.split(text[: match.start()])
                place = Place(source.file, len(before), len(before[-1]) + 1)
                raise _too_deep(source, place)
        elif found in ")]}":
            depth -= 1


def _too_deep(source: Source, place: Place) -> LangError:
    return source.refuse_at(
        TooLargeError,
        place,
        f"nested deeper than {limits.NESTING_MAX} levels",
        "name a part of it in a line of its own",
    )


def _parse(source: Source, text: str) -> ast.Module:
    start = Place(source.file, 1, 1)
    try:
        with warnings.catch_warnings():
            # Python warns of odd escapes on standard error; a source may not write there.
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        line = min(max(error.lineno or 1, 1), len(source.lines))
        column = min(max(error.offset or 1, 1), len(source.line(line)) + 1)
        message = f"not Python syntax: {error.msg}"
        raise source.refuse_at(ParseError, Place(source.file, line, column), message) from None
    except (RecursionError, MemoryError):
        raise _too_deep(source, start) from None
    except ValueError as error:
        raise source.refuse_at(ParseError, start, f"not Python syntax: {error}") from None


def _check_tree(source: Source, tree: ast.Module) -> None:
    """Bound the depth that the compiler's own recursion sees, and the names."""
    count = 0
    stack: list[tuple[ast.AST, int, int]] = [(tree, 0, 0)]
    while stack:
        node, depth, chain = stack.pop()
        count += 1
        if count > limits.NODES_MAX:
            message = f"more than {limits.NODES_MAX} nodes of syntax"
            raise source.refuse(TooLargeError, node, message, "pass data as input")
        if depth > limits.NESTING_MAX or chain > limits.CHAIN_MAX:
            raise _too_deep(source, source.place(node))
        _check_names(source, node)
        for child in children(node):
            is_chain = child in _side_by_side(node)
            stack.append((child, depth + (not is_chain), chain + 1 if is_chain else 0))


def _side_by_side(node: ast.AST) -> tuple[ast.AST, ...]:
    """The child that reads as standing beside its parent, though the tree hangs it below."""
    match node:
        case ast.BinOp(left=ast.BinOp() as left):
            return (left,)
        case ast.If(orelse=[ast.If() as other]):
            return (other,)
        case _:
            return ()


def _check_names(source: Source, node: ast.AST) -> None:
    for name in _names(node):
        if not name.isascii():
            raise source.refuse(
                SubsetError,
                node,
                f"the name {name[:40]} is not plain ASCII",
                "use a to z, 0 to 9 and _",
            )
        if len(name) > limits.NAME_LENGTH_MAX:
            message = f"a name is longer than {limits.NAME_LENGTH_MAX} characters"
            raise source.refuse(TooLargeError, node, message)


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
            yield name
        case ast.alias(name=name, asname=asname):
            yield name
            if asname:
                yield asname
        case ast.ImportFrom(module=str(name)):
            yield name
