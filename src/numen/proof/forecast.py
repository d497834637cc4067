"""How many constraints a counted loop will come to, judged by its first rounds.

A loop that cannot fit is refused after a part of its rounds, and not when the limit is used up.
Rounds are alike where no branch inside them was decided by a constant, which may be decided
otherwise later; of such a loop the cheapest round seen, the first aside, stands for those to come.
"""

from typing import Final

SHARE: Final = 16
"""Of so many rounds, one is looked at before the rest are judged by it."""

ROUNDS_MIN: Final = 8
"""Rounds that are looked at in any case."""


class Forecast:
    """A loop under way.

    Attributes:
        rounds: How often it runs.
        decisions: How many branches constants had decided when it began.
    """

    __slots__ = ("_last", "_least", "_seen", "decisions", "rounds")

    def __init__(self, rounds: int, decisions: int) -> None:
        self.rounds = rounds
        self.decisions = decisions
        self._seen = -1
        self._last = 0
        self._least = 0

    def needed(self, made: int, decisions: int) -> int:
        """How many constraints there will be when the loop ends, as far as can be told.

        Args:
            made: How many there are, at the beginning of a round.
            decisions: How many branches constants have decided.
        """
        self._seen += 1
        cost, self._last = made - self._last, made
        if self._seen < 2 or decisions != self.decisions:
            return made  # the first round may differ from the others
        self._least = cost if self._seen == 2 else min(cost, self._least)
        if self._seen < max(ROUNDS_MIN, self.rounds // SHARE):
            return made
        return made + (self.rounds - self._seen) * self._least
