"""Execution trust: whether a state diff that others attest is applied, or executed again.

A diff of a node of high trust is applied after its signatures and roots are checked, which costs as
much as the diff is long; of a node of low trust the work is done again. The *score* is a product of
three parts, each in millionths and capped at one, so that a node that lacks one of them has none:

    breach        bribes needed to lie to us about it, over those asked for   (trust.breaching)
    freshness     D of the widest path to it, over D of an attestation so old (trust.paths)
    credibility   accepted answers less faults, over the answers asked for

High trust is not never to look: of what would be applied, a share is *audited*, executed as well
and compared. Which, nobody can foresee: the draw is a keyed hash of the diff. And what was applied
unseen since the last audit that passed never exceeds the node's pledge, so a lie cannot gain more
than its evidence takes: a diff that would exceed it is audited, whatever the draw says.
"""

from enum import StrEnum
from typing import Final

import msgspec

from numen.base.crypto import hmac_sha256
from numen.base.words import percent
from numen.trust.history import NOW

ONE: Final = 1_000_000
"""A whole, in millionths."""


class Treatment(StrEnum):
    """What is done with a diff."""

    APPLY = "apply"
    AUDIT = "apply and audit"
    EXECUTE = "execute"


class Policy(msgspec.Struct, frozen=True):
    """How much an operator asks for.

    Attributes:
        breach: Bribes at which the first part is whole, 1 or more.
        fresh_steps: Age of the stalest attestation on the way at which the second is whole.
        accepted: Accepted answers at which the third is whole.
        score: From which score on a diff is applied, in millionths.
        audit: Share of applied diffs that is audited, in millionths, above 0.
    """

    breach: int = 4
    fresh_steps: int = 16
    accepted: int = 20
    score: int = 500_000
    audit: int = 20_000

    def __post_init__(self) -> None:
        assert min(self.breach, self.fresh_steps, self.accepted, self.audit) > 0


class Standing(msgspec.Struct, frozen=True):
    """What is known of the node behind a diff.

    Attributes:
        breach: Least number of bribes (`numen.trust.breaching.Breach.value`).
        freshness: D of the widest path to it, 0 where there is none.
        is_trusted: What the vote says (`numen.trust.judgement`).
        accepted: Answers of it that were accepted.
        faults: Answers that were not.
        pledge: Coins it loses by a lie that is shown.
        exposure: Value applied unseen since the last audit that passed.
    """

    breach: int
    freshness: int
    is_trusted: bool
    accepted: int
    faults: int
    pledge: int
    exposure: int = 0


class Decision(msgspec.Struct, frozen=True):
    """What is done with a diff, and why.

    Attributes:
        treatment: What.
        score: In millionths.
        breach, freshness, credibility: The parts, in millionths.
        reason: The rule that decided, in words.
    """

    treatment: Treatment
    score: int
    breach: int
    freshness: int
    credibility: int
    reason: str


def decide(standing: Standing, value: int, policy: Policy, secret: bytes, diff: bytes) -> Decision:
    """Decide about one diff.

    Args:
        standing: Of who attests it.
        value: Coins that a wrong diff could move.
        policy: What the operator asks for.
        secret: Of the operator, so that nobody foresees an audit.
        diff: Digest of the diff, 32 bytes.
    """
    breach = _part(standing.breach, policy.breach)
    freshness = _part(standing.freshness, NOW >> (policy.fresh_steps - 1))
    credibility = 0
    if standing.accepted > standing.faults:
        credibility = _part(standing.accepted - standing.faults, policy.accepted)
    score = breach * freshness * credibility // ONE**2
    treatment, reason = _treat(standing, value, policy, score, is_drawn(secret, diff, policy.audit))
    return Decision(treatment, score, breach, freshness, credibility, reason)


def after_applying(standing: Standing, value: int, *, is_audited: bool) -> Standing:
    """The standing after a diff was applied; an audit that passed clears what was unseen."""
    exposure = 0 if is_audited else standing.exposure + value
    return msgspec.structs.replace(standing, exposure=exposure)


def is_drawn(secret: bytes, diff: bytes, share: int) -> bool:
    """Whether a diff is among the share, in millionths, that is audited."""
    drawn = int.from_bytes(hmac_sha256(secret, b"numen/audit/1" + diff), "big")
    return drawn * ONE < share << 256


def _treat(
    standing: Standing, value: int, policy: Policy, score: int, drawn: bool
) -> tuple[Treatment, str]:
    if not standing.is_trusted:
        return Treatment.EXECUTE, "most of the trusted attesters' votes are not for it"
    if score < policy.score:
        return Treatment.EXECUTE, f"the score {percent(score)} is below {percent(policy.score)}"
    if value > standing.pledge:
        return Treatment.EXECUTE, f"{value} coins are at stake, and its pledge is {standing.pledge}"
    if standing.exposure + value > standing.pledge:
        unseen = standing.exposure
        return Treatment.AUDIT, f"{unseen} coins were applied unseen: {value} more pass its pledge"
    if drawn:
        return Treatment.AUDIT, f"drawn, as {percent(policy.audit)} of them are"
    return Treatment.APPLY, f"the score {percent(score)} is at least {percent(policy.score)}"


def _part(found: int, asked: int) -> int:
    return min(ONE, found * ONE // asked)
