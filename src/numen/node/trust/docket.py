"""Accusations: those that wait, those that showed nothing, and who was found to have lied."""

from typing import Final

import msgspec

from numen.node.trust.court import Court, Verdict
from numen.node.trust.evidence import EvidenceError, Guilt, Lie, NotYetError, UnfitError, name
from numen.node.trust.findings import Findings, Sight

WAITING_MAX: Final = 8
"""Most accusations that wait until the node has come to what they are about, the newest ones."""

TRIED_MAX: Final = 256
"""Most accusations that are remembered to have shown nothing, or nothing new."""


class Trial(msgspec.Struct, frozen=True):
    """What came of an accusation.

    Attributes:
        lie: What was brought.
        verdict: Who lied; None where it shows nothing, or nothing yet.
        guilty: Numbers of those who lied, but for this node.
        fresh: Of those of whom that was not known.
        reason: Why there is no verdict.
        is_slander: Whether no honest node accuses so.
    """

    lie: Lie
    verdict: Verdict | None = None
    guilty: tuple[int, ...] = ()
    fresh: tuple[int, ...] = ()
    reason: str = ""
    is_slander: bool = False


class Docket:
    """The accusations of one node.

    Args:
        court: Judges them.
        me: The node's own number, which is never guilty in its own eyes.
        guilty: Who is known to have lied.

    Attributes:
        guilty: By the numbers of nodes.
    """

    def __init__(self, court: Court, me: int, guilty: dict[int, Guilt]) -> None:
        self._court, self._me = court, me
        self.guilty = guilty
        self._tried: dict[bytes, None] = {}
        self._waiting: dict[bytes, Lie] = {}

    @property
    def lies(self) -> dict[bytes, Lie]:
        """Evidence that is kept, by name."""
        return {name(guilt.lie): guilt.lie for guilt in self.guilty.values()}

    def is_known(self, lie: Lie) -> bool:
        """Whether an accusation was judged already, or waits."""
        identity = name(lie)
        return identity in self._tried or identity in self._waiting or identity in self.lies

    def judge(self, lie: Lie) -> Trial:
        """Judge an accusation, or let it wait."""
        try:
            verdict = self._court.judge(lie)
        except NotYetError as error:
            if len(self._waiting) >= WAITING_MAX:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[name(lie)] = lie
            return Trial(lie, reason=error.message)
        except EvidenceError as error:
            self._note(lie)
            is_slander = not isinstance(error, UnfitError)
            return Trial(lie, reason=error.message, is_slander=is_slander)
        guilty = self._court.numbers(verdict) - {self._me}
        fresh = guilty - self.guilty.keys()
        guilt = Guilt(lie, verdict.words)
        self.guilty |= dict.fromkeys(sorted(fresh), guilt)
        if not fresh:  # it is known already, by another lie
            self._note(lie)
        return Trial(lie, verdict, tuple(sorted(guilty)), tuple(sorted(fresh)))

    def _note(self, lie: Lie) -> None:
        """Remember that a lie was tried, and is not kept."""
        if len(self._tried) >= TRIED_MAX:
            del self._tried[next(iter(self._tried))]
        self._tried[name(lie)] = None

    def judge_waiting(self) -> list[Trial]:
        """Judge again what waits."""
        waiting, self._waiting = self._waiting, {}
        return [self.judge(lie) for lie in waiting.values()]

    def note(self, findings: Findings) -> None:
        """Let who lied be found bad in this step too."""
        for node, guilt in self.guilty.items():
            findings.saw(node, Sight("it was shown to lie", name(guilt.lie), is_good=False))
