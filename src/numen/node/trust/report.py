"""Why a running node trusts another or not: what it saw, what others say, and the numbers."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from numen.base.words import counted
from numen.node.trust.credit import Record
from numen.node.trust.findings import Found
from numen.node.trust.watch import Watch
from numen.trust.execution import Decision, Policy
from numen.trust.history import STEPS
from numen.trust.why import Why, explain_decision, sentences

TICKETS_SHOWN: Final = 5
"""Most steps of which the node's own tickets are told."""


class Report(msgspec.Struct, frozen=True):
    """Everything about one node's trust in another.

    Attributes:
        why: Votes, path and bribes.
        lie: What it was shown to have lied about; empty for nothing.
        record: What its blocks have earned it here.
        pledge: Coins that it loses by a lie that is shown.
        own: The node's own tickets about it, the newest first, by step.
        decision: What would be done with a block that could move so many coins.
        value: How many.
    """

    why: Why
    lie: str
    record: Record
    pledge: int
    own: tuple[Found, ...]
    decision: Decision
    value: int


def report(watch: Watch, node: int, value: int) -> Report:
    """Gather everything.

    Args:
        watch: Of the node that is asked.
        node: About whom.
        value: Coins that a block of it could move.

    Cost: that of reading the tickets of `STEPS` steps.
    """
    guilt = watch.docket.guilty.get(node)
    address = watch.members.address(node)
    # The draw of audits is nobody's to know: no block has this id.
    decision = watch.decide(address, value, bytes(32))
    return Report(
        watch.why(node),
        guilt.words if guilt is not None else "",
        watch.credit.of(node),
        watch.credit.pledge(node),
        tuple(_own(watch, node)),
        decision,
        value,
    )


def told(found: Report, policy: Policy, names: Sequence[str]) -> Iterator[str]:
    """Say it to a person."""
    yield from sentences(found.why, names)
    name = names[found.why.node]
    if found.lie:
        yield f"{name} was shown to lie, as anybody can check: {found.lie}"
    record = found.record
    yield (
        f"of its final blocks {record.accepted} were carried out here and right, and the diffs of "
        f"{record.applied} applied unseen, of late {int(record.exposure)} coins; it has "
        f"{counted(record.faults, 'fault')} and pledges {found.pledge} coins"
    )
    for each in found.own[:TICKETS_SHOWN]:
        ticket = each.ticket.ticket
        verdict = "good" if ticket.is_trusted else "bad"
        what = "; ".join(sight.what for sight in each.sights)
        yield f"  found {verdict} in step {ticket.step}: {what}"
    yield from explain_decision(found.decision, policy, found.value)


def _own(watch: Watch, node: int) -> Iterator[Found]:
    for step in range(watch.kernel.now, max(-1, watch.kernel.now - STEPS), -1):
        for each in watch.shelf.tickets(step):
            if each.ticket.ticket.target == node:
                yield each
