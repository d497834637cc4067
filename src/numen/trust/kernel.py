"""A kernel: the newest sheet of every attester that a node has heard of.

Kernels form a join-semilattice: of two sheets of one attester the later step counts, and of two of
one step the one with the greater digest, so that all nodes end with the same kernel, whoever told
whom in which order, and however often. Two sheets of one step are kept as a contradiction, too.

Sheets older than `STEPS` say nothing any more and are dropped, so a kernel is at most a sheet for
each member.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from numen.base.crypto import keccak256
from numen.trust.attestation import Contradiction, SignedSheet, check_sheet, write_sheet
from numen.trust.errors import AttestationError
from numen.trust.history import STEPS
from numen.trust.roster import Members

AHEAD_MAX: Final = 2
"""Steps by which another clock may be ahead of ours."""

CONTRADICTIONS_MAX: Final = 1024
"""Most attesters whose contradiction is kept."""


class Kernel:
    """What a node knows of others' attestations.

    Args:
        members: The roster.

    Attributes:
        members: The same.
        now: The present step.
        contradictions: By attester, the first contradiction that was seen.
    """

    def __init__(self, members: Members) -> None:
        self.members = members
        self.now = 0
        self.contradictions: dict[int, Contradiction] = {}
        self._sheets: dict[int, SignedSheet] = {}
        self._digests: dict[int, bytes] = {}

    def advance(self, now: int) -> None:
        """Go on to a later step, or stay; sheets that say nothing any more are dropped."""
        assert now >= self.now, "time does not go back"
        self.now = now
        old = [at for at, signed in self._sheets.items() if now - signed.sheet.step >= STEPS]
        for attester in old:
            del self._sheets[attester], self._digests[attester]

    def put(self, signed: SignedSheet) -> bool:
        """Take a sheet from anyone, and say whether it was news.

        What is older than what is there costs no check of a signature.

        Raises:
            AttestationError: It is not what its attester may say, or from the future.
        """
        sheet = signed.sheet
        if sheet.step > self.now + AHEAD_MAX:
            raise AttestationError(f"a sheet of step {sheet.step} at step {self.now}")
        if self.now - sheet.step >= STEPS or not self._is_later(signed):
            return False
        check_sheet(signed, self.members)
        before = self._sheets.get(sheet.attester)
        if before is not None and before.sheet.step == sheet.step:
            self._keep_contradiction(before, signed)
            if self._digests[sheet.attester] >= _digest(signed):
                return False
        self._sheets[sheet.attester] = signed
        self._digests[sheet.attester] = _digest(signed)
        return True

    def merge(self, sheets: Iterable[SignedSheet]) -> int:
        """Take many sheets, and say how many were news.

        Raises:
            AttestationError: One is not what its attester may say; those before it were taken.
        """
        return sum(self.put(signed) for signed in sheets)

    def get(self, attester: int) -> SignedSheet | None:
        """The newest sheet of an attester, or None."""
        return self._sheets.get(attester)

    def digest(self, attester: int) -> bytes:
        """Digest of an attester's newest sheet, 32 bytes; empty where there is none."""
        return self._digests.get(attester, b"")

    def __iter__(self) -> Iterator[SignedSheet]:
        """Every sheet, by attester."""
        return (self._sheets[attester] for attester in sorted(self._sheets))

    def __len__(self) -> int:
        return len(self._sheets)

    def __contains__(self, attester: int) -> bool:
        return attester in self._sheets

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kernel) and self._digests == other._digests

    __hash__ = None  # type: ignore[assignment]  # a kernel changes

    def _is_later(self, signed: SignedSheet) -> bool:
        """Whether it could change anything: a later step, or another sheet of the same one."""
        before = self._sheets.get(signed.sheet.attester)
        if before is None or signed.sheet.step > before.sheet.step:
            return True
        return signed.sheet.step == before.sheet.step and signed.sheet != before.sheet

    def _keep_contradiction(self, before: SignedSheet, signed: SignedSheet) -> None:
        if len(self.contradictions) < CONTRADICTIONS_MAX:
            found = Contradiction(before, signed, None)
            self.contradictions.setdefault(signed.sheet.attester, found)


def _digest(signed: SignedSheet) -> bytes:
    return keccak256(write_sheet(signed))
