"""Why a node is trusted or not: the numbers behind it, and the sentences that say them."""

from collections.abc import Iterator, Sequence

import msgspec

from numen.base.words import counted, percent
from numen.trust.breaching import Breach, Cutter
from numen.trust.execution import Decision, Policy, Standing
from numen.trust.history import STEPS
from numen.trust.judgement import Judgement, Rule, judge
from numen.trust.paths import Path, widest_path
from numen.trust.web import Web

_LISTED = 12
"""Nodes that a sentence names."""


class Why(msgspec.Struct, frozen=True):
    """Everything that an observer's trust in a node rests on.

    Attributes:
        observer: Who looks.
        node: At whom.
        safe: By the majority of trusted attesters.
        plain: By any path, for comparison.
        path: The widest path, or None.
        breach: What it takes to lie to the observer; None about itself.
    """

    observer: int
    node: int
    safe: Judgement
    plain: Judgement
    path: Path | None
    breach: Breach | None


def why(web: Web, observer: int, node: int) -> Why:
    """Gather the numbers."""
    return Why(
        observer,
        node,
        judge(web, observer, node, Rule.MAJORITY),
        judge(web, observer, node, Rule.PLAIN),
        widest_path(web, observer, node),
        None if observer == node else Cutter(web).breach(observer, node),
    )


def standing(found: Why, accepted: int, faults: int, pledge: int, exposure: int = 0) -> Standing:
    """Join what the web says of a node with what the market does."""
    breach = 0 if found.breach is None else found.breach.value + found.breach.is_direct
    freshness = 0 if found.path is None else found.path.weight
    return Standing(breach, freshness, found.safe.is_trusted, accepted, faults, pledge, exposure)


def sentences(found: Why, names: Sequence[str] = ()) -> Iterator[str]:
    """Say it to a person.

    Args:
        found: The numbers.
        names: Of all nodes; they are called by their numbers where left out.
    """
    safe = found.safe
    called = _Called(names)
    node = called.node(found.node)
    verdict = "trusts" if safe.is_trusted else "does not trust"
    yield f"{called.node(found.observer)} {verdict} {node}"
    yield (
        f"of the attesters it trusts, {safe.votes_for} find {node} trustworthy and "
        f"{safe.votes_against} do not: more must than do not"
    )
    if safe.votes:
        yield from _votes(found, called)
    elif found.node != found.observer:
        yield "nobody it trusts has attested it lately: wait some steps, or attest it yourself"
    if found.path is not None and len(found.path.nodes) > 1:
        way = " → ".join(map(called.short, found.path.nodes))
        age = STEPS - found.path.weight.bit_length()
        yield f"the best path is {way}; its stalest attestation is {age} steps old"
    if found.breach is not None:
        yield _bribes(found.breach, node, called)
    if found.plain.is_trusted and not safe.is_trusted:
        yield "by the plain rule, any path of trust, it would be: that rule falls to sleepers"


def explain_decision(decision: Decision, policy: Policy, value: int) -> Iterator[str]:
    """Say what is done with a diff of so many coins."""
    yield f"a diff that moves {value} coins: {decision.treatment} ({decision.reason})"
    parts = (
        ("bribes", decision.breach, f"{policy.breach} asked for"),
        ("freshness", decision.freshness, f"{policy.fresh_steps} steps at most"),
        ("credibility", decision.credibility, f"{policy.accepted} answers asked for"),
    )
    for name, part, asked in parts:
        yield f"  {name}: {percent(part)} ({asked})"
    yield f"  score: {percent(decision.score)}, where {percent(policy.score)} is asked for"


class _Called(msgspec.Struct, frozen=True):
    """How nodes are called."""

    names: Sequence[str]

    def node(self, index: int) -> str:
        """In a sentence."""
        return self.names[index] if self.names else f"node {index}"

    def short(self, index: int) -> str:
        """In a list of nodes."""
        return self.names[index] if self.names else str(index)


def _ago(weight: int) -> str:
    return counted(STEPS - weight.bit_length(), "step")


def _votes(found: Why, called: _Called) -> Iterator[str]:
    for is_for, says in ((True, "for it"), (False, "against it")):
        votes = [vote for vote in found.safe.votes if vote.is_for is is_for]
        if votes:
            named = ", ".join(
                f"{called.short(vote.attester)} ({_ago(vote.weight)} ago)"
                for vote in votes[:_LISTED]
            )
            more = f" and {len(votes) - _LISTED} more" if len(votes) > _LISTED else ""
            yield f"  {says}: {named}{more}"


def _bribes(breach: Breach, node: str, called: _Called) -> str:
    if breach.is_direct:
        return (
            f"it has attested {node} itself, so no bribe of others is enough; "
            f"{breach.value} more paths share no node"
        )
    if not breach.value:
        return f"no path of trust leads to {node}"
    named = ", ".join(map(called.short, breach.cut[:_LISTED]))
    more = f" and {len(breach.cut) - _LISTED} more" if len(breach.cut) > _LISTED else ""
    return f"to lie to it about {node}, bribe {breach.value} nodes: {named}{more}"
