"""A hearing: verifiers look at one signed message, and say whether it holds."""

from typing import Final

import msgspec

from numen.market.message import Finding, Signed
from numen.market.stake import UNBONDING_MS

FINDING_MS: Final = 10_000
"""How long the verifiers have to find."""

RECHECK_MS: Final = UNBONDING_MS // 2
"""How long after that a decision can be turned."""

FINDINGS_MAX: Final = 64
"""Most findings of one hearing."""

assert FINDING_MS + RECHECK_MS < UNBONDING_MS, "who found could leave before it is shown wrong"


class Hearing(msgspec.Struct, frozen=True):
    """What verifiers find about one message.

    Attributes:
        task: Id of its task.
        worker: Whose message it is.
        challenger: In whose contest it is a step; empty where it is a result.
        until_ms: When the verifiers have to have decided.
        truth: What everybody finds who follows the record.
        said: Signed findings by verifier, in the order in which they came.
        holds: What was decided; None before that.
        is_turned: Whether the decision is the opposite of the first one; then it stays.
    """

    task: bytes
    worker: bytes
    challenger: bytes
    until_ms: int
    truth: bool
    said: dict[bytes, Signed] = {}
    holds: bool | None = None
    is_turned: bool = False

    @property
    def found(self) -> dict[bytes, bool]:
        """What each verifier said."""
        return {
            verifier: signed.body.holds
            for verifier, signed in self.said.items()
            if isinstance(signed.body, Finding)
        }

    @property
    def is_wrong(self) -> bool:
        """Whether it was decided, and against what everybody finds who follows the record."""
        return self.holds is not None and self.holds is not self.truth

    def listens(self, now_ms: int) -> bool:
        """Whether a finding may change something."""
        if self.holds is None:
            return now_ms <= self.until_ms
        return not self.is_turned and now_ms <= self.until_ms + RECHECK_MS

    def is_late(self, now_ms: int) -> bool:
        """Whether the verifiers have let their time pass."""
        return self.holds is None and now_ms > self.until_ms
