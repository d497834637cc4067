"""Suggestions: the name that was probably meant, and a node as a person would write it."""

import ast
import difflib
from collections.abc import Iterable

_SHOWN_LENGTH_MAX = 40
_CANDIDATES_MAX = 2000


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint with the nearest known name, or empty when none is near."""
    candidates = sorted(set(known))[:_CANDIDATES_MAX]
    near = difflib.get_close_matches(name, candidates, n=1)
    return f"did you mean {near[0]}?" if near else ""


def shown(node: ast.AST) -> str:
    """A node as source, cut when it is long."""
    try:
        text = ast.unparse(node).replace("\n", " ")
    except RecursionError:  # a chain of thousands of operators
        return "..."
    return text if len(text) <= _SHOWN_LENGTH_MAX else text[: _SHOWN_LENGTH_MAX - 3] + "..."
