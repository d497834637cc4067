"""A history: what one node found of another in the last steps, and how much that is worth now.

A step is the shortest time between two attestations of one node by another. A history is two
vectors of `STEPS` bits, the present step in the highest: *good* where the target was attested and
found trustworthy, *bad* where it was found otherwise. No step is both.

Direct trust is the article's sum over the attestations at steps tₙ up to now,

    D(t) = Σ 2^(k - Δ(t, tₙ)),

with the exponent one less, k - 1 - Δ: for Δ = 0 the printed formula needs k + 1 bits. So D is the
good vector itself, read as a number, and it ages by a shift: D(t + 1) = D(t) >> 1, plus 2^(k-1) for
a new success. It orders histories by the most recent attestation first: one of now is worth more
than all k - 1 before it together. How *many* there are is another question, `intensity`.

Source: Trias whitepaper 1.0, section 2.1, which the article quotes.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

STEPS: Final = 32
"""Bits of a vector, k: what is older than this many steps says nothing any more."""

NOW: Final = 1 << (STEPS - 1)
"""The bit of the present step."""

Vector = Annotated[int, Meta(ge=0, lt=1 << STEPS)]
"""A bit for each of the last `STEPS` steps, the present one highest."""


class History(msgspec.Struct, frozen=True, array_like=True):
    """What one node found of another.

    Attributes:
        good: Steps in which it was found trustworthy.
        bad: Steps in which it was found not to be.
    """

    good: Vector = 0
    bad: Vector = 0

    @property
    def is_consistent(self) -> bool:
        """Whether no step has two verdicts."""
        return not self.good & self.bad


def aged(history: History, steps: int) -> History:
    """The same history, ``steps`` later, 0 or more; `STEPS` later nothing is left of it."""
    return History(history.good >> steps, history.bad >> steps)


def record(history: History, *, is_trusted: bool) -> History:
    """Write down the verdict of the present step; a second one takes the first one's place."""
    good, bad = history.good & ~NOW, history.bad & ~NOW
    return History(good | NOW, bad) if is_trusted else History(good, bad | NOW)


def replay(verdicts: Iterable[tuple[int, bool]], now: int) -> History:
    """Compute a history from verdicts by their steps, in any order, without those after ``now``.

    Of two verdicts for one step the later given counts.
    """
    good = bad = 0
    for step, is_trusted in verdicts:
        if not 0 <= now - step < STEPS:
            continue
        bit = NOW >> (now - step)
        good, bad = (good | bit, bad & ~bit) if is_trusted else (good & ~bit, bad | bit)
    return History(good, bad)


def direct_trust(history: History) -> int:
    """D at the history's own step, from 0 to 2**`STEPS` - 1."""
    return history.good


def intensity(history: History) -> int:
    """How many attestations succeeded, from 0 to `STEPS`."""
    return history.good.bit_count()


def verdict(history: History) -> bool | None:
    """The most recent verdict, or None where there is none left.

    Comparing the vectors as numbers compares their most recent bits.
    """
    if history.good == history.bad:
        return None
    return history.good > history.bad


def age(history: History) -> int:
    """Steps since the most recent verdict; `STEPS` where there is none."""
    return STEPS - max(history.good, history.bad).bit_length()
