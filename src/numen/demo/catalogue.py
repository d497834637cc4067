"""The three jobs, ready to sell: programs, inputs, and what they should come to."""

import functools
import importlib.resources
import json
from pathlib import Path
from typing import Any, Final

import msgspec

from numen.api import compiled
from numen.api.compiled import Compiled

PROVEN_IMAGES: Final = 4
"""Images whose class is proven; the others are sold in batches for equal answers."""

BATCH: Final = 49
"""Images in a batch."""

SUMMANDS: Final = (2, 3)
"""What the article's example adds."""

FOLD_SEED: Final = 6
"""Seed of the annealing."""

FOLD_STEPS: Final = 300_000
"""Steps of the annealing."""

TITLES: Final = {
    "add": "a + b, proven",
    "digits": "200 handwritten digits",
    "folding": "a protein of 20 residues",
}
"""The jobs by name, in the order they are sold."""


class Sale(msgspec.Struct, frozen=True):
    """One task to sell.

    Attributes:
        job: Name of the job it belongs to, from `TITLES`.
        program: What to run.
        args: On what.
        is_proven: Whether it is sold for a proof, or for equal answers.
        labels: For images, the digits that people say they are.
    """

    job: str
    program: Compiled
    args: tuple[Any, ...]
    is_proven: bool
    labels: tuple[int, ...] = ()


@functools.cache
def program(name: str) -> Compiled:
    """Compile one of the demo's programs."""
    folder = importlib.resources.files("numen.demo") / "jobs"
    with importlib.resources.as_file(folder) as path:
        return compiled.from_file(Path(path) / f"{name}.py")


def sales() -> tuple[Sale, ...]:
    """List every task of the three jobs."""
    rows = _digits()
    proven, rest = rows[:PROVEN_IMAGES], rows[PROVEN_IMAGES:]
    batches = [rest[at : at + BATCH] for at in range(0, len(rest), BATCH)]
    return (
        Sale("add", program("add"), SUMMANDS, is_proven=True),
        _batch(batches[0]),
        *(_single(row) for row in proven),
        *(_batch(batch) for batch in batches[1:]),
        Sale("folding", program("folding"), (FOLD_SEED, FOLD_STEPS), is_proven=False),
    )


def _single(row: dict[str, Any]) -> Sale:
    labels = (row["label"],)
    return Sale("digits", program("digits"), (row["image"],), is_proven=True, labels=labels)


def _batch(rows: list[dict[str, Any]]) -> Sale:
    images = [row["image"] for row in rows]
    labels = tuple(row["label"] for row in rows)
    return Sale("digits", program("digits_batch"), (images,), is_proven=False, labels=labels)


def _digits() -> list[dict[str, Any]]:
    text = (importlib.resources.files("numen.demo") / "data" / "digits.json").read_text()
    rows: list[dict[str, Any]] = json.loads(text)
    return rows
