"""The court of one node: it judges evidence by its own copy of the ledger, and by nothing else.

A block is carried out again on the state before it, which older versions of the state still have:
it does not matter how late the evidence comes. A node that is behind judges later.
"""

import msgspec

from numen.base.codec import CodecError, decode
from numen.base.crypto import Address, BadSignatureError
from numen.base.errors import NumenError
from numen.ledger.block import Block, block_id, has_own_body, is_signed_by_maker
from numen.ledger.ledger import BadBlockError, Ledger
from numen.ledger.order import slashing
from numen.ledger.order.certificate import Electorate
from numen.ledger.past import before
from numen.ledger.stakes import NOTICE
from numen.ledger.world import World
from numen.node.replica.packet import PROPOSAL_BYTES_MAX
from numen.node.replica.plan import Plan
from numen.node.trust.evidence import (
    WORDS_MAX,
    EvidenceError,
    FalseBlock,
    Lie,
    NotYetError,
    TwoStories,
    TwoVotes,
    UnfitError,
)
from numen.trust.attestation import check_contradiction
from numen.trust.errors import TrustError
from numen.trust.roster import Members


class Verdict(msgspec.Struct, frozen=True):
    """Who lied.

    Attributes:
        guilty: Addresses of nodes, at least one.
        words: What is wrong, in words.
        block: Id of the block that is false; empty where the lie is another.
    """

    guilty: tuple[Address, ...]
    words: str
    block: bytes = b""


class Court:
    """Judges evidence.

    Args:
        plan: Who the nodes are, and who votes.
        members: The nodes as attestations number them.
        ledger: As this node has it.
        world: Its state.
    """

    def __init__(self, plan: Plan, members: Members, ledger: Ledger, world: World) -> None:
        self._plan = plan
        self._members = members
        self._ledger = ledger
        self._world = world

    def judge(self, lie: Lie) -> Verdict:
        """Find who lied.

        Raises:
            EvidenceError: This shows nothing.
            UnfitError: It cannot be judged here: the state is gone.
            NotYetError: The node has not come to the block before.

        Cost: that of carrying a block out, where the lie is one.
        """
        match lie.case:
            case FalseBlock(raw):
                return self._judge_block(raw)
            case TwoStories(contradiction):
                try:
                    found = check_contradiction(contradiction, self._members)
                except TrustError as error:
                    raise EvidenceError(error.message) from error
                return Verdict((self._members.address(found),), "it said two things of one step")
            case TwoVotes(evidence):
                return self._judge_votes(evidence)

    def numbers(self, verdict: Verdict) -> set[int]:
        """The numbers of those who lied."""
        return {self._members.index(address) for address in verdict.guilty}

    def _judge_votes(self, evidence: slashing.Evidence) -> Verdict:
        vote, stakes = evidence.contradiction.first.vote, self._world.stakes()
        if vote.chain != self._plan.chain or stakes is None:
            raise EvidenceError("votes of another ledger")
        # Nobody comes to vote who did not vote before, so that two votes are checked at any height.
        electorate = stakes.electorate(vote.height)
        if vote.height > self._ledger.height + NOTICE and _is_of_others(evidence, electorate):
            raise UnfitError(f"who votes for height {vote.height} is not known here yet")
        try:
            keys = slashing.judge(evidence, electorate)
        except NumenError as error:
            raise EvidenceError(error.message) from error
        guilty = tuple(peer.node for peer in self._plan.peers if peer.voter in keys)
        return Verdict(guilty, f"it voted twice for height {vote.height}")

    def _judge_block(self, raw: bytes) -> Verdict:
        try:
            block = decode(Block, raw, size_max=PROPOSAL_BYTES_MAX)
        except CodecError as error:
            raise EvidenceError(f"no block: {error.message}") from error
        header = block.header
        if header.chain != self._plan.chain or not self._plan.is_node(header.maker):
            raise EvidenceError("a block of another ledger, or of a stranger")
        if not is_authentic(block):
            raise EvidenceError("the block is not as its maker signed it")
        if header.height > self._ledger.height + 1:
            raise NotYetError(f"a block of height {header.height} at {self._ledger.height}")
        past = before(self._ledger, self._world, header.height)
        if past is None:
            raise UnfitError(f"the state before block {header.height} is no longer here")
        if header.parent != past.head:
            raise EvidenceError("the block follows one that is not final")
        try:
            past.check(block)
        except BadBlockError as error:
            own = self._ledger.block(header.height)
            is_final = own is not None and block_id(own.header) == block_id(header)
            words = f"its block {header.height} is false: {error.message}"
            words += "; it is final here all the same" if is_final else ""
            return Verdict((header.maker,), words[:WORDS_MAX], block_id(header))
        except NumenError as error:
            raise UnfitError(f"it cannot be carried out here: {error.message}") from error
        raise EvidenceError(f"block {header.height} is what it says")


def _is_of_others(evidence: slashing.Evidence, electorate: Electorate) -> bool:
    """Whether evidence is certificates, and one of them of another electorate."""
    case = evidence.contradiction
    return isinstance(case, slashing.DoubleCertificate) and any(
        each.electorate != electorate.id for each in (case.first, case.second)
    )


def is_authentic(block: Block) -> bool:
    """Whether signature and transactions are those of the header: its id names nothing else."""
    try:
        is_signed = is_signed_by_maker(block)
    except BadSignatureError:
        return False
    return is_signed and has_own_body(block)
