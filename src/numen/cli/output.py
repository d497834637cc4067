"""How results and errors are printed, for people and as JSON."""

import json
from pathlib import Path
from typing import Any

import click

from numen.base.errors import NumenError

EXIT_FALSE = 1
"""The program trapped, or the proof is false."""

EXIT_INPUT = 2
"""Usage or input is wrong."""


def print_json(value: Any) -> None:
    """Print one line of JSON."""
    click.echo(json.dumps(value, ensure_ascii=False))


def show_file(path: Path, what: str, *, as_json: bool) -> None:
    """Say which file was written, and what it is for."""
    if as_json:
        print_json({"file": str(path)})
    else:
        click.echo(f"{path}: {what}")


def fail(message: str, *, as_json: bool, before: str = "", code: int = EXIT_INPUT) -> int:
    """Print an error and return its exit code."""
    if as_json:
        print_json({"error": {"message": message}})
    else:
        click.echo(f"{before}error: {message}", err=True)
    return code


def printed(error: NumenError, *, as_json: bool) -> int:
    """Print an error of ours, with its place, and return its exit code."""
    code = EXIT_FALSE if is_false(error) else EXIT_INPUT
    if not as_json:
        return fail(str(error), as_json=False, code=code)
    report: dict[str, Any] = {"kind": type(error).__name__, "message": error.message}
    if error.place:
        report["place"] = {
            "file": error.place.file,
            "line": error.place.line,
            "column": error.place.column,
        }
    if error.hint:
        report["hint"] = error.hint
    print_json({"error": report})
    return code


def is_false(error: NumenError) -> bool:
    """Whether an error means a trap or a false proof, rather than bad input."""
    return any(kind.__name__ in _FALSE for kind in type(error).__mro__)


_FALSE = frozenset(
    {
        "TrappedError", "ProofRejectedError", "UnprovenError", "CeremonyRejectedError",
        "StarkRejectedError", "SegmentError", "WeakProofError", "QuoteError", "MalformedQuoteError",
        "ForgedQuoteError", "ExpiredQuoteError", "RevokedQuoteError", "UnboundError",
        "DistrustedError", "MeasurementError",
    }
)  # fmt: skip
"""By name, so that an error is printed without importing what raises it."""


def show_value(value: Any) -> str:
    """A result as a person reads it: JSON."""
    return json.dumps(value)
