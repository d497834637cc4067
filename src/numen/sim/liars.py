"""Machines that lie: what they really say in place of what an honest node says."""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from numen.base.codec import decode
from numen.base.crypto import SigningKey
from numen.ledger.block import Block, block_id, seal, write_block
from numen.ledger.order.bls import VotingKey
from numen.ledger.order.vote import SignedVote, Vote, vote_digest
from numen.node.replica.events import Send
from numen.node.replica.packet import (
    PROPOSAL_BYTES_MAX,
    Ask,
    Ballot,
    Packet,
    Proposal,
    Standing,
)


class Mouth(Protocol):
    """Says something."""

    def say(self, honest: Send) -> Iterator[Send]:
        """What is sent in place of a packet of an honest node."""
        ...


class Honest:
    """Says what the node says."""

    def say(self, honest: Send) -> Iterator[Send]:
        """As `Mouth.say`."""
        yield honest


class Mute:
    """Proposes nothing, votes for nothing and answers nobody: it only follows."""

    def say(self, honest: Send) -> Iterator[Send]:
        """As `Mouth.say`."""
        if isinstance(honest.packet, Ask | Standing):
            yield honest


class DoubleVoter:
    """Votes for a second block whenever it votes.

    Args:
        voting: Its key for votes.
    """

    def __init__(self, voting: VotingKey) -> None:
        self._voting = voting

    def say(self, honest: Send) -> Iterator[Send]:
        """As `Mouth.say`."""
        yield honest
        if isinstance(honest.packet, Ballot):
            vote = honest.packet.signed.vote
            yield Send(honest.to, _ballot(self._voting, vote, bytes(32)))


class Forker:
    """Makes two blocks of each, sends now one and now the other, and votes for both.

    Args:
        key: By which it makes blocks.
        voting: Its key for votes.
        second: Nodes that get the second block first.
    """

    def __init__(self, key: SigningKey, voting: VotingKey, second: tuple[bytes, ...]) -> None:
        self._key = key
        self._voting = voting
        self._next = dict.fromkeys(second, 1)
        self._forks: dict[bytes, tuple[Proposal, bytes]] = {}

    def say(self, honest: Send) -> Iterator[Send]:
        """As `Mouth.say`."""
        packet: Packet = honest.packet
        if isinstance(packet, Proposal):
            which = self._next.get(honest.to, 0)
            self._next[honest.to] = 1 - which
            yield Send(honest.to, self._fork(packet) if which else packet)
            return
        yield honest
        if isinstance(packet, Ballot) and packet.signed.vote.block in self._forks:
            vote = packet.signed.vote
            yield Send(honest.to, _ballot(self._voting, vote, self._forks[vote.block][1]))

    def _fork(self, proposal: Proposal) -> Proposal:
        """The same transactions a millisecond later: as true as the first, and another block."""
        block = decode(Block, proposal.block, size_max=PROPOSAL_BYTES_MAX)
        if block.header.maker != self._key.address:  # proposed once more, for another
            return proposal
        first = block_id(block.header)
        if first not in self._forks:
            later = msgspec.structs.replace(block.header, time_ms=block.header.time_ms + 1)
            second = seal(later, block.transactions, self._key, block.evidence)
            made = Proposal(write_block(second), proposal.diff, proposal.view)
            self._forks[first] = (made, block_id(later))
        return self._forks[first][0]


def _ballot(voting: VotingKey, vote: Vote, block: bytes) -> Ballot:
    other = msgspec.structs.replace(vote, block=block)
    return Ballot(SignedVote(other, voting.public, voting.sign(vote_digest(other))))
