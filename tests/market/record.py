"""What a market knows, for judging evidence outside of one."""

from collections.abc import Mapping

import msgspec

from tests.market.town import Notary


class Record(msgspec.Struct, frozen=True):
    """What a market would know."""

    now_ms: int = 10**9
    born_ms: int = 0
    verifier_stakes: Mapping[bytes, int] = {}
    answered: frozenset = frozenset()

    def has_answered(self, match: bytes, kind: type) -> bool:
        return kind in self.answered

    def check_evidence(self, task, claim, evidence) -> None:
        Notary().check(task, claim, evidence)
