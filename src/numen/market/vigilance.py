"""How often verifiers look again at what nobody disputes.

Workers who lie only where they hold every seat are honest to everybody's eyes until then: nothing
that they did before tells them from others, and nothing but another run tells their lie from an
answer. So what counts is how often there is one. A market in which no such lie was found for ``c``
tasks looks at each with the chance ``K / (K + c)``: at all at first, at half of them after ``K``.

Whatever the liars do and however many they are, they get one answer in ``K`` through, in
expectation, or fewer. A lie in a market that has been calm for ``c`` tasks passes with the chance
``c / (K + c)``, and with ``K / (K + c)`` it is found and uses up the calm: what is won by the one,
and lost by the other at ``1 / K`` a task, is equal whatever ``c`` is. So ``lies - tasks / K`` is,
counted when a lie is found, a martingale, and no way to choose the moment does better. Nor does a
rule that knows no more do with fewer runs: with a lesser chance at some ``c`` it would pay to wait
for it.
"""

from typing import Final

from numen.market.task import TRUST_MAX

MARGIN_MAX: Final = 10
"""How many times better than asked an answer is at most, for who asks for much."""

ANSWERS_MAX: Final = 4
"""More equal answers than this are not looked at: a fifth of all workers, colluding, would hold all
seats of one task in some thousands."""

CLASSES: Final = TRUST_MAX.bit_length() + 1
"""Classes of trust. Each has a calm of its own, so that what costs little to be believed in earns
nothing where much is at risk."""

_MARK_BITS: Final = 64

Calm = tuple[int, ...]
"""Tasks of each class that were settled since a lie was found in it."""

NO_CALM: Calm = (0,) * CLASSES


def class_of(trust: int) -> int:
    """The class of a trust, 1 or more: those of one class differ by less than a factor of two."""
    return trust.bit_length()


def tasks_a_lie(trust: int) -> int:
    """In how many tasks one wrong answer may pass: ten times the trust from 100 on, never less.

    Who asks for little gets what was asked for, and pays for no more.
    """
    return trust * min(max(trust // MARGIN_MAX, 1), MARGIN_MAX)


def is_due(mark: bytes, trust: int, calm: Calm | None, one_in: int) -> bool:
    """Tell whether a task that nobody disputes is to be run again.

    Args:
        mark: At least 8 bytes that belong to the task, and which no worker can foresee.
        trust: What the task asks for.
        calm: Of the market; None where somebody else sees to it, or too many gave the answer.
        one_in: One task in this many is run again in any case.
    """
    drawn = int.from_bytes(mark[: _MARK_BITS // 8], "big")
    if calm is None:
        return drawn * one_in < 1 << _MARK_BITS
    allowed, passed = tasks_a_lie(trust), calm[class_of(trust)]
    is_drawn = drawn * (allowed + passed) < allowed << _MARK_BITS
    return is_drawn or drawn * one_in < 1 << _MARK_BITS


def settled(calm: Calm, trust: int, *, is_lie: bool) -> Calm:
    """The calm after a task whose answers were all equal; none is left after a lie."""
    place = class_of(trust)
    return tuple(
        count if other != place else 0 if is_lie else count + 1
        for other, count in enumerate(calm)
    )  # fmt: skip
