"""Quotes of hardware on the market: what a task's policy and a seat's match make of them.

Nothing here depends on when it is asked: the nonce is the digest of the match, and the time at
which certificates have to be valid is when the execution is due.
"""

from numen.market.message import Kept
from numen.market.task import Hardware, Task
from numen.proof.quote import QuoteRule, Trust
from numen.proof.statement import Claim, Evidence, UnboundError, UnprovenError, verify
from numen.proof.tee.platforms import examine


def check_quote(
    task: Task, claim: Claim, evidence: Evidence | Kept, *, match: bytes, due_ms: int
) -> None:
    """Check that a quote carries a claim about a task, for one seat.

    Args:
        task: Its policy is `Hardware`.
        claim: What the worker says.
        evidence: Why.
        match: Digest of the seat's match.
        due_ms: When the execution is due, by the match; in milliseconds since 1970.

    Raises:
        NumenError: It does not.
    """
    policy = task.policy
    assert isinstance(policy, Hardware)
    if isinstance(evidence, Kept):
        raise UnprovenError("a quote travels in its message")
    if claim.inputs != task.inputs:
        raise UnboundError("input")
    trust = Trust(frozenset(policy.roots), policy.tcb_min, policy.floor)
    rule = QuoteRule(
        task.program,
        policy.measurement,
        match,
        frozenset(policy.launches),
        {policy.platform: trust},
        due_ms // 1000,
        examine,
    )
    verify(claim, evidence, quote=rule)
