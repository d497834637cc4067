"""How nodes come to one block: a proposal, votes, a certificate; and how a late one catches up.

A node checks the first block that the proposer sends for the next height, and votes for it. More
than two thirds of the stake make it final, and only then is it kept. Where a log gives the order,
all who vote may make blocks, and the first of the log that follows takes the place of the
proposer's: it is read no further until that one is final, or found to be false.

If another block has the certificate, what was found about the first one is thrown away: what is on
the disk is final. A node that carried a block out and found it to be false does not take it,
however many signed: it stands still, and people have to look.
"""

from typing import Final

import msgspec

from numen.base.codec import CodecError, decode, encode
from numen.ledger.block import Block, Header, block_id
from numen.ledger.order.slashing import Evidence
from numen.ledger.order.vote import SignedVote
from numen.node.replica import ballots
from numen.node.replica.ballots import WINDOW
from numen.node.replica.events import (
    Adopt,
    Append,
    Cast,
    Certificated,
    Check,
    Checked,
    Count,
    Drafted,
    Follow,
    Judge,
    Judged,
    Keep,
    Kept,
    Ordered,
    Serve,
    Suspect,
    Voted,
)
from numen.node.replica.packet import (
    PACKET_BYTES_MAX,
    PROPOSAL_BYTES_MAX,
    Accused,
    Ask,
    Ballot,
    Certified,
    Finalized,
    Proposal,
    Standing,
)
from numen.node.replica.plan import Mode
from numen.node.replica.turn import PATIENCE, REFUTED_MAX, Candidate, Turn

FINALS_MAX: Final = 16
"""Most final blocks that one question brings."""

_FALSE: Final = "a certificate for a block that was carried out here, and is false"

AGAIN: Final = 10
"""Ticks after which a block is tried again of transactions that no block could have."""

DRIFT_MS_MAX: Final = 60_000
"""How far the proposer's clock may be ahead of a voter's."""


def proposal(turn: Turn, peer: bytes, packet: Proposal) -> None:
    """A block was proposed."""
    replica = turn.replica
    try:
        header = _header(packet)
    except CodecError as error:
        turn.want(Suspect(peer, f"no block: {error.message}"))
        return
    if header.height > replica.height + 1:
        _is_behind(turn, peer, header.height - 1)
    if header.height != replica.height + 1 or turn.plan.is_logged:
        return
    if not _follows(turn, header):
        turn.want(Suspect(peer, "a block that is not the proposer's, or does not follow"))
        return
    if header.time_ms > turn.now_ms + DRIFT_MS_MAX:
        turn.want(Suspect(peer, "a block of a time that has not come"))
        return
    if block_id(header) in replica.refuted:
        return
    if replica.candidate is None:
        _consider(turn, _candidate(packet, header))
    elif replica.own is not None and replica.candidate.block == block_id(header):
        turn.send([peer], Ballot(replica.own))


def _header(packet: Proposal) -> Header:
    return decode(Block, packet.block, size_max=PROPOSAL_BYTES_MAX).header


def _candidate(packet: Proposal, header: Header) -> Candidate:
    return Candidate(block_id(header), packet, header.maker, is_checked=False)


def _follows(turn: Turn, header: Header) -> bool:
    replica = turn.replica
    is_next = (header.height, header.parent) == (replica.height + 1, replica.head)
    return is_next and turn.plan.may_make(header.maker)


def _consider(turn: Turn, candidate: Candidate) -> None:
    turn.set(candidate=candidate, draft=None, own=None, waited=0)
    if turn.plan.mode is not Mode.APPLY:
        turn.want(Check(candidate.proposal))


def restored(turn: Turn, packet: Proposal | None) -> None:
    """The node begins again, and had made a block that was not final."""
    if turn.plan.is_logged:
        turn.want(Follow(turn.replica.position + 1))
    elif packet is not None and _follows(turn, header := _header(packet)):
        _consider(turn, _candidate(packet, header))


def drafted(turn: Turn, event: Drafted) -> None:
    """The node made a block, which is on its disk."""
    turn.set(is_making=False)
    if event.proposal is None:
        return
    made = Candidate(event.block, event.proposal, turn.plan.me, is_checked=True)
    if turn.plan.is_logged:
        turn.set(draft=made)
        _append(turn)
    else:
        turn.set(candidate=made, own=None, waited=0)
        turn.send(turn.plan.others, event.proposal)
        _vote(turn)


def _append(turn: Turn) -> None:
    draft = turn.replica.draft
    if draft is not None:
        raw = encode(draft.proposal, size_max=PACKET_BYTES_MAX)
        turn.want(Append(raw, turn.replica.position))


def overtaken(turn: Turn) -> None:
    """Another block was first: the log will show it."""
    turn.set(draft=None)


def ordered(turn: Turn, event: Ordered) -> None:
    """The log has another entry. The first one that follows is the block of its height."""
    if event.position != turn.replica.position + 1:
        return
    turn.set(position=event.position)
    draft = turn.replica.draft
    try:
        packet = decode(Proposal, event.raw, size_max=PACKET_BYTES_MAX)
        header = _header(packet)
    except CodecError:
        header = None
    if header is not None and header.height > turn.replica.height + 1 and turn.plan.others:
        _is_behind(turn, _somebody(turn), header.height - 1)
    if header is None or not _follows(turn, header):
        turn.want(Follow(event.position + 1))
    elif draft is not None and draft.block == block_id(header):
        turn.set(candidate=draft, draft=None, own=None, waited=0)
        _vote(turn)
    else:
        _consider(turn, _candidate(packet, header))


def checked(turn: Turn, event: Checked) -> None:
    """The node has carried the candidate out, or checked its diff."""
    candidate = turn.replica.candidate
    if candidate is None or candidate.block != event.block:
        return
    if event.problem:
        refuted = turn.replica.refuted
        if event.is_refuted and len(refuted) < REFUTED_MAX:
            refuted |= {event.block}
        turn.set(candidate=None, refuted=refuted)
        turn.want(Suspect(candidate.maker, event.problem))
        if turn.plan.is_logged:
            turn.want(Follow(turn.replica.position + 1))
        return
    turn.set(candidate=msgspec.structs.replace(candidate, is_checked=True))
    if candidate.maker == turn.plan.me and not turn.plan.is_logged:
        turn.send(turn.plan.others, candidate.proposal)
    _vote(turn)


def _vote(turn: Turn) -> None:
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
        _is_behind(turn, peer, vote.height)
    elif candidate.is_checked:
        turn.want(Keep(packet.certificate, peer, replica.position))
    elif turn.plan.mode is Mode.APPLY:
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
        _is_behind(turn, _somebody(turn), replica.seen)


def standing(turn: Turn, peer: bytes, packet: Standing) -> None:
    """Somebody says how far it is; people are told how far this node is."""
    replica = turn.replica
    if not turn.plan.is_node(peer):
        turn.send([peer], Standing(replica.height, replica.head, replica.root))
    elif packet.height > replica.height:
        _is_behind(turn, peer, packet.height)
    elif packet.height < replica.height:
        turn.want(Serve(peer, packet.height + 1))


def _is_behind(turn: Turn, peer: bytes, height: int) -> None:
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
        _append(turn)
    elif candidate.is_checked:
        turn.set(waited=replica.waited + 1)
        if candidate.maker == plan.me and not plan.is_logged:
            turn.send(plan.others, candidate.proposal)
        if replica.own is not None:
            turn.send(plan.others, Ballot(replica.own))
        count(turn)
    if plan.others:
        turn.send([_somebody(turn)], Standing(replica.height, replica.head, replica.root))


def _somebody(turn: Turn) -> bytes:
    """Another node, each in its turn."""
    others = turn.plan.others
    return others[turn.replica.ticks % len(others)]
