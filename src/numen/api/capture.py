"""The source of a Python function and of what it uses, as one text of Numen's language.

Nothing is executed: the text comes from where Python keeps it (a file, a notebook's cell). Helpers,
dataclasses and integer constants that the function names are taken along, each at its own line, so
that an error still points at the line the author sees.
"""

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final

import msgspec

from numen.base.errors import NumenError

PIECES_MAX: Final = 256
"""Most functions, classes and constants that one function may bring along."""


class CaptureError(NumenError):
    """The source of a function cannot be had, or it uses something that is not of the language."""


class Captured(msgspec.Struct, frozen=True):
    """A text of the language.

    Attributes:
        text: All pieces; those of the function's own file at their lines.
        file: Where the function stands.
        entry: Its name.
    """

    text: str
    file: str
    entry: str


def capture(function: Callable[..., Any]) -> Captured:
    """Collect the source of a function and of what it uses.

    Raises:
        CaptureError: There is no source (a function typed at Python's prompt, a builtin).
    """
    if not isinstance(function, FunctionType):
        raise CaptureError(f"{function!r} is not a function", hint="give a function or its source")
    home = inspect.getsourcefile(function) or "<unknown>"
    found: dict[str, tuple[str, int, str]] = {}
    constants: list[str] = []
    todo: list[tuple[str, Any]] = [(function.__name__, function)]
    while todo:
        name, value = todo.pop()
        if name in found:
            continue
        if len(found) == PIECES_MAX:
            raise CaptureError(f"{function.__name__} uses more than {PIECES_MAX} pieces")
        text, line, file = _piece(name, value)
        found[name] = (text, line, file)
        for inner_name, inner in _names(text, function if name == function.__name__ else value):
            if isinstance(inner, FunctionType) or dataclasses.is_dataclass(inner):
                todo.append((inner_name, inner))
            elif _is_constant(inner) and inner_name not in found:
                found[inner_name] = ("", 0, home)
                constants.append(f"{inner_name} = {inner!r}")
    return Captured(_lay(found, constants, home), home, function.__name__)


def _piece(name: str, value: Any) -> tuple[str, int, str]:
    """The text of a function or class, its first line, and its file."""
    try:
        lines, first = inspect.getsourcelines(value)
        file = inspect.getsourcefile(value) or "<unknown>"
    except (OSError, TypeError) as error:
        raise CaptureError(
            f"the source of {name} cannot be found", hint="pass the source text itself"
        ) from error
    text = textwrap.dedent("".join(lines))
    if isinstance(value, FunctionType):
        tree = ast.parse(text).body[0]
        assert isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef)
        # What decorates a function belongs to Python: keep its lines, empty.
        above = tree.lineno - 1
        text = "\n" * above + "".join(text.splitlines(keepends=True)[above:])
    return text, first, file


def _names(text: str, value: Any) -> list[tuple[str, Any]]:
    """The free names of a piece that Python knows, with what they stand for."""
    known: dict[str, Any] = {}
    if isinstance(value, FunctionType):
        known = {**value.__globals__, **inspect.getclosurevars(value).nonlocals}
    wanted = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    return [(name, _unwrapped(known[name])) for name in sorted(wanted) if name in known]


def _unwrapped(value: Any) -> Any:
    return getattr(value, "__wrapped__", value)


def _is_constant(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_constant(item) for item in value)
    return isinstance(value, int)


def _lay(found: dict[str, tuple[str, int, str]], constants: list[str], home: str) -> str:
    """Put each piece of the home file at its line, the others below."""
    lines: list[str] = []
    for text, first, file in sorted(found.values(), key=lambda piece: (piece[2] != home, piece[1])):
        if not text:
            continue
        if file == home:
            lines += [""] * (first - 1 - len(lines))
        lines += text.rstrip("\n").split("\n")
    return "\n".join([*lines, *constants]) + "\n"
