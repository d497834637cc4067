"""Reputation: a score that only settled tasks can change, and the history that explains it.

The score is iExec's: one more for an accurate answer to a task that others answered too, two
thirds of it after a fault. An unreplicated success proves nothing and earns nothing. Who is shown
to have lied begins again, and is asked last: spot checks with blacklisting in Sarmenta,
"Sabotage-tolerance mechanisms for volunteer computing systems" (CCGrid 2001), without which workers
could behave until they are trusted and lie from then on.
"""

from collections.abc import Iterable

import msgspec

from numen.base.codec import digest
from numen.base.crypto import Hash32

FIRST_HEAD: bytes = bytes(32)
"""Head of an empty history."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One settled seat.

    Attributes:
        receipt: Id of the receipt that shows it.
        is_accepted: Whether the answer was accepted.
        is_replicated: Whether another worker gave the same answer, or it was proven.
        is_lie: Whether it was shown to be wrong; silence is none.
    """

    receipt: Hash32
    is_accepted: bool
    is_replicated: bool
    is_lie: bool = False


class Standing(msgspec.Struct, frozen=True):
    """Where a worker stands.

    Attributes:
        score: From 0.
        accepted: Answers accepted since its last lie.
        faults: Seats that ended in a fine.
        head: Digest of the whole history, so that nobody can leave out an entry.
    """

    score: int = 0
    accepted: int = 0
    faults: int = 0
    head: bytes = FIRST_HEAD

    @property
    def is_doubtful(self) -> bool:
        """Whether it has failed more often than not: such workers are asked last."""
        return self.faults > self.accepted


def after(standing: Standing, entry: Entry) -> Standing:
    """Add a settled seat to a standing."""
    return Standing(
        score=_score(standing.score, entry),
        accepted=0 if entry.is_lie else standing.accepted + entry.is_accepted,
        faults=standing.faults + (not entry.is_accepted),
        head=digest("numen/history/2", Link(standing.head, entry)),
    )


def replay(history: Iterable[Entry]) -> Standing:
    """Compute a standing from a whole history.

    Equal to the published standing exactly when the history is complete, in order and unchanged.
    """
    standing = Standing()
    for entry in history:
        standing = after(standing, entry)
    return standing


class Link(msgspec.Struct, frozen=True, array_like=True):
    """A step of the chain of digests over a history.

    Attributes:
        before: Head of the history so far.
        entry: What is added.
    """

    before: Hash32
    entry: Entry


def _score(score: int, entry: Entry) -> int:
    if entry.is_lie:
        return 0
    if not entry.is_accepted:
        return score * 2 // 3
    return score + entry.is_replicated
