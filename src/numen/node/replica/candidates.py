"""Which block a node is about to agree with: the proposer's, or the first of a log that follows.

The first block that the proposer of a view sends for the next height is the candidate, and is
checked. Where a log gives the order, all who vote may make blocks, and the first of the log that
follows takes the place of the proposer's: it is read no further until that one is final, or found
to be false.
"""

from typing import Final

import msgspec

from numen.base.codec import CodecError, decode, encode
from numen.ledger.block import Block, Header, block_id
from numen.node.replica import agree, justice
from numen.node.replica.events import (
    Append,
    Check,
    Checked,
    Drafted,
    Follow,
    Ordered,
    Proven,
    Said,
    Suspect,
)
from numen.node.replica.packet import (
    PACKET_BYTES_MAX,
    PROPOSAL_BYTES_MAX,
    Accused,
    Ballot,
    Proposal,
)
from numen.node.replica.plan import Mode
from numen.node.replica.turn import REFUTED_MAX, Candidate, Turn

DRIFT_MS_MAX: Final = 60_000
"""How far the proposer's clock may be ahead of a voter's."""


def proposal(turn: Turn, peer: bytes, packet: Proposal) -> None:
    """A block was proposed."""
    replica = turn.replica
    try:
        block = _block(packet)
    except CodecError as error:
        turn.want(Suspect(peer, f"no block: {error.message}"))
        return
    header = block.header
    if header.height > replica.height + 1:
        agree.is_behind(turn, peer, header.height - 1)
    if header.height != replica.height + 1 or turn.plan.is_logged:
        return
    if not _follows(turn, header) or not _is_its_turn(turn, packet, header):
        turn.want(Suspect(peer, "a block that is not the proposer's, or does not follow"))
        return
    if header.time_ms > turn.now_ms + DRIFT_MS_MAX:
        turn.want(Suspect(peer, "a block of a time that has not come"))
        return
    if block_id(header) in replica.refuted:
        return
    if packet.prepared is not None and packet.view != replica.view and turn.is_proposer:
        _hear_of(turn, packet)
    elif packet.view == replica.view:
        _propose_to(turn, peer, packet, block)


def _is_its_turn(turn: Turn, packet: Proposal, header: Header) -> bool:
    """Whether a block is of who proposes in its view, or was prepared before it."""
    if packet.prepared is not None:
        return packet.prepared.vote.view <= packet.view
    return header.maker == turn.maker(packet.view)


def _propose_to(turn: Turn, peer: bytes, packet: Proposal, block: Block) -> None:
    """A block was proposed in the present view."""
    replica = turn.replica
    candidate = replica.candidate
    if candidate is None or candidate.view < packet.view:
        _consider(turn, _candidate(packet, block))
    elif candidate.block == block_id(block.header):
        turn.send([peer], *map(Ballot, replica.own))


def _hear_of(turn: Turn, packet: Proposal) -> None:
    """The proposer of the present view gets to know a block that was prepared before."""
    replica, prepared = turn.replica, packet.prepared
    assert prepared is not None
    known = replica.prepared.prepared if replica.prepared is not None else None
    is_later = known is None or prepared.vote.view > known.vote.view
    candidate = replica.candidate
    is_proposed = candidate is not None and candidate.view == replica.view
    if is_later and not is_proposed and prepared.vote.view < replica.view:
        propose(turn, packet)


def propose(turn: Turn, prepared: Proposal) -> None:
    """Propose a block that is prepared once more, in the present view."""
    packet = msgspec.structs.replace(prepared, view=turn.replica.view)
    _consider(turn, _candidate(packet, _block(packet)))


def _block(packet: Proposal) -> Block:
    return decode(Block, packet.block, size_max=PROPOSAL_BYTES_MAX)


def _candidate(packet: Proposal, block: Block) -> Candidate:
    name, maker = block_id(block.header), block.header.maker
    return Candidate(name, packet, maker, packet.view, bool(block.evidence), is_checked=False)


def _follows(turn: Turn, header: Header) -> bool:
    replica = turn.replica
    is_next = (header.height, header.parent) == (replica.height + 1, replica.head)
    return is_next and turn.plan.may_make(header.maker, turn.electorate)


def _consider(turn: Turn, candidate: Candidate) -> None:
    turn.set(candidate=candidate, draft=None, waited=0)
    if turn.plan.mode is not Mode.APPLY:
        turn.want(Check(candidate.proposal))


def restored(turn: Turn, packet: Proposal | None) -> None:
    """The node begins again, and had made a block that was not final."""
    if turn.plan.is_logged:
        turn.want(Follow(turn.replica.position + 1))
    elif packet is not None and packet.view == turn.replica.view:
        block = _block(packet)
        if _follows(turn, block.header) and _is_its_turn(turn, packet, block.header):
            _consider(turn, _candidate(packet, block))


def drafted(turn: Turn, event: Drafted) -> None:
    """The node made a block, which is on its disk."""
    turn.set(is_making=False)
    if event.proposal is None:
        return
    proposal = event.proposal
    made = msgspec.structs.replace(_candidate(proposal, _block(proposal)), is_checked=True)
    if turn.plan.is_logged:
        turn.set(draft=made)
        _append(turn)
    else:
        turn.set(candidate=made, waited=0)
        turn.send(turn.plan.others, event.proposal)
        agree.vote(turn)


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
        block = _block(packet)
    except CodecError:
        turn.want(Follow(event.position + 1))
        return
    header = block.header
    if header.height > turn.replica.height + 1 and turn.plan.others:
        agree.is_behind(turn, agree.somebody(turn), header.height - 1)
    if not _follows(turn, header):
        turn.want(Follow(event.position + 1))
    elif draft is not None and draft.block == block_id(header):
        turn.set(candidate=draft, draft=None, waited=0)
        agree.vote(turn)
    else:
        _consider(turn, _candidate(packet, block))


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
    if event.is_blind:
        turn.set(candidate=msgspec.structs.replace(candidate, is_blind=True))
        return
    turn.set(candidate=msgspec.structs.replace(candidate, is_checked=True))
    if turn.is_proposer and candidate.view == turn.replica.view:
        turn.send(turn.plan.others, candidate.proposal)
    agree.vote(turn)


def said(turn: Turn, event: Said) -> None:
    """Something came of the web of trust; a block that was shown to be false is no candidate."""
    for peer, packet in event.out:
        turn.send([peer], packet)
    for block, problem in event.false:
        checked(turn, Checked(block, problem, is_refuted=True))
    for peer, reason in event.remarks:
        turn.want(Suspect(peer, reason))
    for evidence in event.contradictions:
        justice.accused(turn, b"", Accused(evidence))
    for signed in event.verdicts:
        justice.proven(turn, Proven(signed, is_own=True))


def remind(turn: Turn) -> None:
    """Some time has passed: the log may not have heard."""
    if turn.replica.candidate is None:
        _append(turn)
