"""How a block becomes final: votes, a certificate, and what a late node gets.

A node votes for the candidate that it has checked. More than two thirds of the stake make it final,
and only then is it kept. If another block has the certificate, what was found about the candidate
is thrown away: what is on the disk is final. A node that carried a block out and found it to be
false does not take it, however many signed: it stands still, and people have to look.
"""

from typing import Final

from numen.ledger.order.slashing import Evidence
from numen.ledger.order.vote import SignedVote
from numen.node.replica import ballots
from numen.node.replica.ballots import WINDOW
from numen.node.replica.events import (
    Adopt,
    Cast,
    Certificated,
    Count,
    Follow,
    Judge,
    Judged,
    Keep,
    Kept,
    Serve,
    Suspect,
    Voted,
)
from numen.node.replica.packet import (
    Accused,
    Ask,
    Ballot,
    Certified,
    Finalized,
    Standing,
)
from numen.node.replica.plan import Mode
from numen.node.replica.turn import PATIENCE, Turn

FINALS_MAX: Final = 16
"""Most final blocks that one question brings."""

_FALSE: Final = "a certificate for a block that was carried out here, and is false"

AGAIN: Final = 10
"""Ticks after which a block is tried again of transactions that no block could have."""


def vote(turn: Turn) -> None:
    """Vote for the candidate, which is checked."""
    candidate = turn.replica.candidate
    assert candidate is not None
    if turn.plan.has_vote:
        turn.want(Cast(turn.replica.height + 1, candidate.block))
    count(turn)


def voted(turn: Turn, event: Voted) -> None:
    """The node's vote is on its disk, and may leave."""
    candidate, signed = turn.replica.candidate, event.signed
    if signed is None or candidate is None or signed.vote.block != candidate.block:
        return
    turn.set(own=signed)
    turn.send(turn.plan.others, Ballot(signed))
    _hear(turn, signed)


def ballot(turn: Turn, peer: bytes, signed: SignedVote) -> None:
    """A vote came."""
    height = turn.replica.height
    if signed.key != turn.plan.voter(peer) or signed.vote.chain != turn.plan.chain:
        turn.want(Suspect(peer, "a vote that is not its own, or of another ledger"))
    elif height < signed.vote.height <= height + WINDOW:
        _hear(turn, signed)


def _hear(turn: Turn, signed: SignedVote) -> None:
    heard, clash = ballots.hear(turn.replica.ballots, signed)
    turn.set(ballots=heard)
    if clash is not None and signed.key not in turn.replica.accused:
        turn.want(Judge(b"", Evidence(clash)))
    count(turn)


def count(turn: Turn) -> None:
    """Add the candidate's votes up if they are enough, and it is for this node to do so."""
    replica, plan = turn.replica, turn.plan
    candidate = replica.candidate
    if candidate is None or not candidate.is_checked or replica.is_counting:
        return
    votes = ballots.votes_for(replica.ballots, replica.height + 1, candidate.block)
    members = [plan.electorate.index(signed.key) for signed in votes]
    stake = plan.electorate.stake(index for index in members if index is not None)
    is_turn = candidate.maker == plan.me or replica.waited >= PATIENCE
    if is_turn and plan.electorate.is_enough(stake):
        turn.set(is_counting=True)
        turn.want(Count(votes))


def certificated(turn: Turn, event: Certificated) -> None:
    """Votes were added up."""
    turn.set(is_counting=False, ballots=ballots.without(turn.replica.ballots, event.false))
    for signed in event.false:
        turn.want(Suspect(signed.key, "a vote that it did not sign"))
    candidate, certificate = turn.replica.candidate, event.certificate
    if certificate is not None and candidate and candidate.block == certificate.vote.block:
        turn.want(Keep(certificate, position=turn.replica.position))


def certified(turn: Turn, peer: bytes, packet: Certified) -> None:
    """Somebody says that a block is final."""
    replica, vote = turn.replica, packet.certificate.vote
    if vote.chain != turn.plan.chain or vote.height <= replica.height:
        return
    candidate = replica.candidate
    if vote.block in replica.refuted:
        turn.want(Suspect(peer, _FALSE))
    elif vote.height > replica.height + 1 or candidate is None or candidate.block != vote.block:
        is_behind(turn, peer, vote.height)
    elif candidate.is_checked:
        turn.want(Keep(packet.certificate, peer, replica.position))
    elif turn.plan.mode is Mode.APPLY or candidate.is_blind:
        turn.want(Adopt(peer, candidate.proposal, packet.certificate))


def final(turn: Turn, peer: bytes, packet: Finalized) -> None:
    """A final block came with all that is needed to apply it."""
    replica, vote = turn.replica, packet.certificate.vote
    turn.set(due=max(replica.due - 1, 0))
    if vote.chain != turn.plan.chain or vote.height != replica.height + 1:
        return
    candidate = replica.candidate
    if vote.block in replica.refuted:
        turn.want(Suspect(peer, _FALSE))
    elif candidate is not None and candidate.is_checked and candidate.block == vote.block:
        turn.want(Keep(packet.certificate, peer, replica.position))
    else:
        turn.want(Adopt(peer, packet.proposal, packet.certificate))


def kept(turn: Turn, event: Kept) -> None:
    """A block is final and on the disk: the next one can come."""
    replica = turn.replica
    candidate = replica.candidate
    is_mine = candidate is not None and candidate.maker == turn.plan.me
    turn.set(
        height=event.height,
        head=event.block,
        root=event.root,
        kept_ms=turn.now_ms,
        candidate=None,
        draft=None,
        refuted=frozenset(),
        own=None,
        waited=0,
        ballots=ballots.after(replica.ballots, event.height),
        is_fresh=True,
    )
    if is_mine or replica.waited >= PATIENCE:
        turn.send(turn.plan.others, Certified(event.certificate))
    if candidate is not None and turn.plan.is_logged:
        turn.want(Follow(replica.position + 1))
    if replica.seen > event.height and turn.plan.others:
        is_behind(turn, somebody(turn), replica.seen)


def standing(turn: Turn, peer: bytes, packet: Standing) -> None:
    """Somebody says how far it is; people are told how far this node is."""
    replica = turn.replica
    if not turn.plan.is_node(peer):
        turn.send([peer], Standing(replica.height, replica.head, replica.root))
    elif packet.height > replica.height:
        is_behind(turn, peer, packet.height)
    elif packet.height < replica.height:
        turn.want(Serve(peer, packet.height + 1))


def is_behind(turn: Turn, peer: bytes, height: int) -> None:
    """Ask somebody who says that there is more, unless answers are on their way."""
    replica = turn.replica
    turn.set(seen=max(replica.seen, height))
    if not replica.due:
        turn.set(due=FINALS_MAX)
        turn.send([peer], Ask(replica.height + 1))


def accused(turn: Turn, peer: bytes, packet: Accused) -> None:
    """Somebody has evidence."""
    if packet.evidence not in turn.replica.accused.values():
        turn.want(Judge(peer, packet.evidence))


def judged(turn: Turn, event: Judged) -> None:
    """Evidence is true, and on the disk."""
    fresh = [key for key in event.guilty if key not in turn.replica.accused]
    if fresh:
        known = dict.fromkeys(fresh, event.evidence)
        turn.set(accused={**turn.replica.accused, **known})
        turn.send(turn.plan.others, Accused(event.evidence))


def remind(turn: Turn) -> None:
    """Some time has passed: say again what may have been lost."""
    turn.set(ticks=turn.replica.ticks + 1, due=0)
    replica, plan = turn.replica, turn.plan
    if replica.ticks % AGAIN == 0:
        turn.set(is_fresh=True)
    candidate = replica.candidate
    if candidate is None:
        turn.set(waited=replica.waited + 1 if replica.pool.places else 0)
    elif candidate.is_checked:
        turn.set(waited=replica.waited + 1)
        if candidate.maker == plan.me and not plan.is_logged:
            turn.send(plan.others, candidate.proposal)
        if replica.own is not None:
            turn.send(plan.others, Ballot(replica.own))
        count(turn)
    if plan.others:
        turn.send([somebody(turn)], Standing(replica.height, replica.head, replica.root))


def somebody(turn: Turn) -> bytes:
    """Another node, each in its turn."""
    others = turn.plan.others
    return others[turn.replica.ticks % len(others)]
