"""How a block becomes final: votes, a certificate, and what a late node gets.

A node votes to prepare the candidate that it has checked, and to commit it when more than two
thirds of the stake would have it; more than two thirds who commit make it final, and only then is
it kept. Where a log gives the order there is one candidate, and nothing to prepare. If another
block has the certificate, what was found about the candidate is thrown away: what is on the disk is
final. A node that carried a block out and found it to be false does not take it, however many
signed: it stands still, and people have to look.
"""

from typing import Final

import msgspec

from numen.ledger.order.slashing import Evidence
from numen.ledger.order.vote import Entry, SignedVote, Vote
from numen.node.replica import ballots, justice
from numen.node.replica.ballots import WINDOW
from numen.node.replica.events import (
    Adopt,
    Cast,
    Certificated,
    Count,
    Follow,
    Judged,
    Keep,
    Kept,
    Remember,
    Remembered,
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
from numen.node.replica.turn import PATIENCE, Candidate, Turn

FINALS_MAX: Final = 16
"""Most final blocks that one question brings."""

_FALSE: Final = "a certificate for a block that was carried out here, and is false"

OWN_MAX: Final = 4
"""Most votes of its own that a node says again."""

AGAIN: Final = 10
"""Ticks after which a block is tried again of transactions that no block could have."""


def vote(turn: Turn) -> None:
    """Vote for the candidate, which is checked."""
    replica, candidate = turn.replica, turn.replica.candidate
    assert candidate is not None
    height, block = replica.height + 1, candidate.block
    if turn.has_vote and turn.plan.is_logged:
        turn.want(Cast(height, block))
    elif turn.has_vote and candidate.view == replica.view and _may_prepare(turn, candidate):
        turn.want(Cast(height, block, candidate.view, is_commit=False, since=candidate.since))
    count(turn)


def _may_prepare(turn: Turn, candidate: Candidate) -> bool:
    """Whether a block may have this node's vote to prepare it."""
    return _is_free(turn, candidate) and not justice.is_withheld(turn, candidate)


def _is_free(turn: Turn, candidate: Candidate) -> bool:
    """Whether no vote to commit forbids to prepare a block; the book sees to it, too."""
    lock = turn.replica.lock
    return lock is None or lock.block == candidate.block or candidate.since > lock.view


def voted(turn: Turn, event: Voted) -> None:
    """The node's vote is on its disk, and may leave."""
    replica, signed = turn.replica, event.signed
    if signed is None or signed.vote.height != replica.height + 1:
        return
    vote = signed.vote
    if vote.is_commit:
        turn.set(lock=Entry(vote.view, True, vote.block))
    turn.set(own=(*(each for each in replica.own if each != signed), signed)[-OWN_MAX:])
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
    if clash is not None:
        justice.accused(turn, b"", Accused(Evidence(clash)))
    count(turn)


def count(turn: Turn) -> None:
    """Add the candidate's votes up if they are enough, and it is for this node to do so."""
    replica, plan = turn.replica, turn.plan
    candidate = replica.candidate
    if candidate is None or not candidate.is_checked or replica.is_counting:
        return
    if _is_mine(turn, candidate) or replica.waited >= PATIENCE:
        for vote in ballots.commits(replica.ballots, replica.height + 1, candidate.block):
            if _add_up(turn, vote):
                return
    is_due = candidate.view == replica.view and not _has_committed(turn, candidate)
    if turn.has_vote and not plan.is_logged and is_due:
        block, view = candidate.block, candidate.view
        _add_up(turn, Vote(plan.chain, replica.height + 1, block, view, is_commit=False))


def _add_up(turn: Turn, vote: Vote) -> bool:
    """Add votes up if they are enough; whether they are."""
    electorate = turn.electorate
    votes = ballots.votes_for(turn.replica.ballots, vote)
    members = [electorate.index(signed.key) for signed in votes]
    is_enough = electorate.is_enough(electorate.stake(i for i in members if i is not None))
    if is_enough:
        turn.set(is_counting=True)
        turn.want(Count(votes))
    return is_enough


def _is_mine(turn: Turn, candidate: Candidate) -> bool:
    """Whether this node brought the candidate to the others."""
    plan = turn.plan
    return (candidate.maker if plan.is_logged else turn.maker(candidate.view)) == plan.me


def _has_committed(turn: Turn, candidate: Candidate) -> bool:
    lock = turn.replica.lock
    return lock is not None and lock.view >= candidate.view


def certificated(turn: Turn, event: Certificated) -> None:
    """Votes were added up."""
    turn.set(is_counting=False, ballots=ballots.without(turn.replica.ballots, event.false))
    for signed in event.false:
        turn.want(Suspect(signed.key, "a vote that it did not sign"))
    candidate, certificate = turn.replica.candidate, event.certificate
    if certificate is None or candidate is None or candidate.block != certificate.vote.block:
        return
    vote = certificate.vote
    if vote.is_commit:
        turn.want(Keep(certificate, position=turn.replica.position))
    elif vote.view == turn.replica.view and not _has_committed(turn, candidate):
        found = candidate.proposal
        turn.want(Remember(msgspec.structs.replace(found, view=vote.view, prepared=certificate)))


def remembered(turn: Turn, event: Remembered) -> None:
    """A block that is prepared is on the disk: it may be committed."""
    assert event.proposal.prepared is not None
    vote = event.proposal.prepared.vote
    turn.set(prepared=event.proposal)
    turn.want(Cast(vote.height, vote.block, vote.view, is_commit=True, since=vote.view))


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
    is_mine = candidate is not None and _is_mine(turn, candidate)
    turn.set(
        height=event.height,
        head=event.block,
        root=event.root,
        stakes=event.stakes,
        leader=event.maker,
        kept_ms=turn.now_ms,
        view=0,
        view_ms=turn.now_ms,
        wish=0,
        wishes={},
        prepared=None,
        lock=None,
        candidate=None,
        draft=None,
        refuted=frozenset(),
        own=(),
        waited=0,
        ballots=ballots.after(replica.ballots, event.height),
        is_fresh=True,
    )
    justice.kept(turn)
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


def judged(turn: Turn, event: Judged) -> None:
    """Evidence is true, and on the disk."""
    fresh = [key for key in event.guilty if key not in turn.replica.accused]
    if fresh:
        known = dict.fromkeys(fresh, event.evidence)
        turn.set(accused={**turn.replica.accused, **known}, is_fresh=True)
        turn.send(turn.plan.others, Accused(event.evidence))


def remind(turn: Turn) -> None:
    """Some time has passed: say again what may have been lost."""
    turn.set(ticks=turn.replica.ticks + 1, due=0)
    replica, plan = turn.replica, turn.plan
    if replica.ticks % AGAIN == 0:
        turn.set(is_fresh=True)
    candidate = replica.candidate
    if candidate is None:
        turn.set(waited=replica.waited + 1 if replica.pool.places or replica.pressing else 0)
    elif candidate.is_checked:
        turn.set(waited=replica.waited + 1)
        if turn.is_proposer and candidate.view == replica.view:
            turn.send(plan.others, candidate.proposal)
        count(turn)
    turn.send(plan.others, *map(Ballot, replica.own))
    if plan.others:
        turn.send([somebody(turn)], Standing(replica.height, replica.head, replica.root))


def somebody(turn: Turn) -> bytes:
    """Another node, each in its turn."""
    others = turn.plan.others
    return others[turn.replica.ticks % len(others)]
