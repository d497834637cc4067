"""How keys of contracts come to a node: it asks for shares, and goes on when there are enough."""

from numen.node.replica.events import Check, Confide, Seek, Sought
from numen.node.replica.packet import Claim, Describe, Entrust, Lent, Peek
from numen.node.replica.turn import Turn


def confided(turn: Turn, peer: bytes, packet: Entrust | Claim | Lent | Describe | Peek) -> None:
    """Somebody sends what is about keys or private state."""
    turn.want(Confide(peer, packet))


def remind(turn: Turn) -> None:
    """Some time has passed: shares may be missing."""
    if turn.plan.keeper(turn.plan.me):
        turn.want(Seek())


def sought(turn: Turn, event: Sought) -> None:
    """Shares are missing: ask everybody who keeps some."""
    for peer in turn.plan.keepers:
        if peer.node != turn.plan.me:
            for claim in event.claims:
                turn.send([peer.node], claim)


def unlocked(turn: Turn) -> None:
    """There are keys that there were not: what could not be carried out perhaps can be."""
    candidate = turn.replica.candidate
    if candidate is not None and candidate.is_blind:
        turn.want(Check(candidate.proposal))
    turn.set(is_fresh=True)
