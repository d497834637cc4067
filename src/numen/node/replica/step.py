"""The node as one pure step: ``step(replica, event, now) -> replica, effects``.

No clock, no chance, no disk, no socket: they come in as events and go out as effects, and the same
code runs under a simulation with one seed and behind real channels. What makes no sense changes
nothing, since networks lose, repeat and reorder, and strangers send what they like.
"""

from numen.node.replica import agree, candidates, custody, desk, justice, views
from numen.node.replica.events import (
    Attest,
    Certificated,
    Checked,
    Decided,
    Drafted,
    Effect,
    Event,
    Failed,
    Hear,
    Judged,
    Kept,
    Looked,
    Open,
    Ordered,
    Overtaken,
    Proven,
    Received,
    Remembered,
    Reveal,
    Said,
    Serve,
    Served,
    Sought,
    Suspect,
    Ticked,
    Unlocked,
    Voted,
    Wake,
)
from numen.node.replica.packet import (
    Accused,
    Ask,
    Ballot,
    Certified,
    Claim,
    Describe,
    Entrust,
    Finalized,
    Found,
    Inquire,
    Lent,
    Notice,
    Packet,
    Peek,
    Pledged,
    Proposal,
    Show,
    Standing,
    Submit,
    Told,
    Wish,
)
from numen.node.replica.plan import Plan
from numen.node.replica.turn import Replica, Turn


def begin(
    replica: Replica, proposal: Proposal | None, plan: Plan, now_ms: int
) -> tuple[Replica, tuple[Effect, ...]]:
    """Begin, or begin again, with what is on the disk.

    Args:
        replica: Made of the last final block.
        proposal: The block that was made last, if this is who makes them.
        plan: The node's rules.
        now_ms: The present moment.
    """
    turn = Turn(replica, plan, now_ms)
    candidates.restored(turn, proposal)
    views.restored(turn)
    return turn.replica, tuple(turn.effects)


def step(
    replica: Replica, event: Event, plan: Plan, now_ms: int
) -> tuple[Replica, tuple[Effect, ...]]:
    """Deal with one event.

    Args:
        replica: The node.
        event: What happened.
        plan: The node's rules.
        now_ms: The present moment.

    Returns:
        The node afterwards, and what it wants, in order.

    Cost: linear in the transactions that wait and the members that vote.
    """
    turn = Turn(replica, plan, now_ms)
    match event:
        case Received(peer, packet):
            _received(turn, peer, packet)
        case Ticked():
            agree.remind(turn)
            candidates.remind(turn)
            justice.remind(turn)
            views.remind(turn)
            desk.remind(turn)
            turn.want(Wake())
            custody.remind(turn)
        case Served(peer, packets):
            for packet in packets:
                turn.send([peer], packet)
        case Failed(peer, reason):
            turn.want(Suspect(peer, reason))
        case Said():
            candidates.said(turn, event)
        case Sought():
            custody.sought(turn, event)
        case Unlocked():
            custody.unlocked(turn)
        case Judged():
            agree.judged(turn, event)
        case Proven():
            justice.proven(turn, event)
        case _:
            _done(turn, event)
    turn.make()
    return turn.replica, tuple(turn.effects)


def _done(turn: Turn, event: Event) -> None:
    match event:
        case Looked():
            desk.looked(turn, event)
        case Drafted():
            candidates.drafted(turn, event)
            desk.hopeless(turn, event.hopeless)
        case Checked():
            candidates.checked(turn, event)
        case Voted():
            agree.voted(turn, event)
        case Remembered():
            agree.remembered(turn, event)
        case Certificated():
            agree.certificated(turn, event)
        case Kept():
            agree.kept(turn, event)
            desk.kept(turn, event)
        case Decided():
            desk.decided(turn, event)
        case Ordered():
            candidates.ordered(turn, event)
        case Overtaken():
            candidates.overtaken(turn)


def _received(turn: Turn, peer: bytes, packet: Packet) -> None:
    match packet:
        case Submit():
            desk.submit(turn, peer, packet)
        case Ask(start):
            turn.want(Serve(peer, start))
        case Inquire(contract, height):
            turn.want(Attest(peer, contract, height))
        case Show(address):
            turn.want(Open(peer, address))
        case Pledged(known):
            turn.want(Reveal(peer, known))
        case Standing():
            agree.standing(turn, peer, packet)
        case Entrust() | Describe() | Peek():
            custody.confided(turn, peer, packet)
        case _ if turn.plan.is_node(peer):
            _from_node(turn, peer, packet)
        case _:
            turn.want(Suspect(peer, f"only nodes send a {type(packet).__name__}"))


def _from_node(turn: Turn, peer: bytes, packet: Packet) -> None:
    match packet:
        case Proposal():
            candidates.proposal(turn, peer, packet)
        case Wish():
            views.wish(turn, peer, packet)
        case Ballot(signed):
            agree.ballot(turn, peer, signed)
        case Certified():
            agree.certified(turn, peer, packet)
        case Finalized():
            agree.final(turn, peer, packet)
        case Accused():
            justice.accused(turn, peer, packet)
        case Found():
            justice.found(turn, peer, packet)
        case Notice():
            desk.notice(turn, peer, packet)
        case Told(frame):
            turn.want(Hear(peer, frame))
        case Claim() | Lent():
            custody.confided(turn, peer, packet)
        case _:
            pass  # what nodes tell people
