"""`numen_`: whom a node of a ledger of several trusts, and why."""

from typing import TypeAlias

import msgspec

from numen.node.ledger.follower import Follower
from numen.node.rpc.faults import INVALID_PARAMS, RpcError
from numen.node.rpc.shapes import Hex
from numen.node.rpc.table import SessionOf, rows
from numen.node.rpc.values import Quantity, data
from numen.node.trust.report import report, told
from numen.trust.history import age, verdict
from numen.trust.judgement import Rule, trusted

FollowerSession: TypeAlias = SessionOf[Follower]
"""Somebody asks a node of a ledger of several."""

_NOTHING = Quantity(0)


class TrustedShape(msgspec.Struct, rename="camel"):
    """A node as another sees it."""

    number: int
    name: str
    address: Hex
    is_trusted: bool
    lie: str
    accepted: int
    applied: int
    faults: int
    exposure: Hex
    pledge: Hex


class EdgeShape(msgspec.Struct, rename="camel"):
    """An attestation: who, whom, its D, and whether it is for the other."""

    attester: int
    target: int
    weight: int
    is_good: bool


class TrustShape(msgspec.Struct, rename="camel"):
    """Whom a node trusts, and all attestations that it knows, at a step."""

    step: int
    step_ms: int
    observer: int
    name: str
    mode: str
    nodes: list[TrustedShape]
    edges: list[EdgeShape]
    contradictions: list[int]


class SightShape(msgspec.Struct, rename="camel"):
    """Something that a node saw of another: in words, and a digest of what it is about."""

    what: str
    subject: Hex
    is_good: bool


class TicketShape(msgspec.Struct, rename="camel"):
    """A node's own attestation of another, in a step, and what it saw."""

    step: int
    is_trusted: bool
    evidence: Hex
    signature: Hex
    sights: list[SightShape]


class DecisionShape(msgspec.Struct, rename="camel"):
    """What is done with a block, the parts of the score in millionths, and the rule in words."""

    treatment: str
    score: int
    breach: int
    freshness: int
    credibility: int
    reason: str


class BreachShape(msgspec.Struct, rename="camel"):
    """How many nodes to bribe to lie about another, which, and whether the observer saw itself."""

    value: int
    cut: list[int]
    is_direct: bool


class ExplainedShape(msgspec.Struct, rename="camel"):
    """Why a node trusts another or not; `why` says all of it in sentences."""

    observer: int
    node: int
    name: str
    is_trusted: bool
    votes_for: int
    votes_against: int
    path: list[int]
    weight: int
    breach: BreachShape | None
    lie: str
    accepted: int
    applied: int
    faults: int
    exposure: Hex
    pledge: Hex
    value: Hex
    decision: DecisionShape
    tickets: list[TicketShape]
    why: list[str]


class NeighbourShape(msgspec.Struct, rename="camel"):
    """Somebody whom a node looks at: its last verdict there, steps ago, and whether it answers."""

    number: int
    name: str
    is_good: bool | None
    age: int | None
    is_silent: bool
    speaks: list[int] | None


class PeersShape(msgspec.Struct, rename="camel"):
    """Whom a node looks at, and of whom it has heard besides."""

    is_everybody: bool
    active: list[NeighbourShape]
    passive: list[str]


def get_trust(session: FollowerSession) -> TrustShape:
    """Whom the node trusts, who was shown to lie, and all attestations that it knows."""
    node = session.node
    watch, web = node.watch, node.watch.web()
    circle = trusted(web, watch.me, Rule.MAJORITY)
    edges = zip(web.source, web.target, web.weight, web.is_good, strict=True)
    return TrustShape(
        step=watch.kernel.now,
        step_ms=node.plan.step_ms,
        observer=watch.me,
        name=node.members[watch.me],
        mode=node.plan.mode.value,
        nodes=[_trusted(node, at, is_trusted=bool(circle[at])) for at in range(len(watch.members))],
        edges=[EdgeShape(int(a), int(b), int(weight), bool(good)) for a, b, weight, good in edges],
        contradictions=sorted(watch.kernel.contradictions),
    )


def _trusted(node: Follower, at: int, *, is_trusted: bool) -> TrustedShape:
    watch = node.watch
    record, guilt = watch.credit.of(at), watch.docket.guilty.get(at)
    return TrustedShape(
        at,
        node.members[at],
        data(watch.members.address(at)),
        is_trusted and guilt is None,
        guilt.words if guilt is not None else "",
        record.accepted,
        record.applied,
        record.faults,
        hex(record.exposure),
        hex(watch.credit.pledge(at)),
    )


def explain_trust(
    session: FollowerSession, node: str, value: Quantity = _NOTHING
) -> ExplainedShape:
    """Why the node trusts another or not, and what it would do with a block that moves coins.

    `node` is a name, a number, an address, or the beginning of one; `value` is how many coins.
    """
    asked = session.node
    found = report(asked.watch, asked.number(node), value)
    why, record, breach = found.why, found.record, found.why.breach
    return ExplainedShape(
        observer=why.observer,
        node=why.node,
        name=asked.members[why.node],
        is_trusted=why.safe.is_trusted and not found.lie,
        votes_for=why.safe.votes_for,
        votes_against=why.safe.votes_against,
        path=list(why.path.nodes) if why.path is not None else [],
        weight=why.path.weight if why.path is not None else 0,
        breach=BreachShape(breach.value, list(breach.cut), breach.is_direct) if breach else None,
        lie=found.lie,
        accepted=record.accepted,
        applied=record.applied,
        faults=record.faults,
        exposure=hex(record.exposure),
        pledge=hex(found.pledge),
        value=hex(found.value),
        decision=msgspec.convert(msgspec.to_builtins(found.decision), DecisionShape),
        tickets=[
            TicketShape(
                each.ticket.ticket.step,
                each.ticket.ticket.is_trusted,
                data(each.ticket.ticket.evidence),
                data(each.ticket.signature),
                [SightShape(s.what, data(s.subject), s.is_good) for s in each.sights],
            )
            for each in found.own
        ],
        why=list(told(found, asked.plan.policy, asked.members)),
    )


def trust_peers(session: FollowerSession) -> PeersShape:
    """Whom the node looks at and gossips with, and of whom it has heard besides."""
    node = session.node
    circle = node.watch.circle
    return PeersShape(
        is_everybody=circle.is_whole,
        active=[_neighbour(node, at) for at in circle.active],
        passive=[node.members[at] for at in circle.passive],
    )


def _neighbour(node: Follower, at: int) -> NeighbourShape:
    watch = node.watch
    history = watch.history(at)
    is_good, versions = verdict(history), watch.versions.get(at)
    return NeighbourShape(
        at,
        node.members[at],
        is_good,
        None if is_good is None else age(history),
        watch.circle.is_silent(at),
        list(versions) if versions is not None else None,
    )


def attest(session: FollowerSession, node: str) -> str:
    """Look at another node in the next step, whoever's turn it is; gives its name."""
    asked = session.node
    number = asked.number(node)
    if number == asked.watch.me:
        raise RpcError(INVALID_PARAMS, "nobody attests itself")
    asked.watch.look_at(number)
    return asked.members[number]


def peer_count(session: FollowerSession) -> Hex:
    """How many other nodes the ledger has."""
    return hex(len(session.node.members) - 1)


METHODS = rows(
    {
        "numen_getTrust": get_trust,
        "numen_explainTrust": explain_trust,
        "numen_trustPeers": trust_peers,
        "numen_attest": attest,
        "net_peerCount": peer_count,
    }
)
