"""A block as it is proposed: written within the bounds of a packet, and whether it was prepared."""

from numen.base.codec import TooLargeError, decode
from numen.ledger.block import Block, block_id, write_block
from numen.ledger.ledger import Made
from numen.ledger.order.certificate import Certificate, CertificateError, Electorate, verify_votes
from numen.ledger.state import diff as diffs
from numen.node.replica.packet import PROPOSAL_BYTES_MAX, Proposal


def write(made: Made, view: int) -> Proposal:
    """Write a block that was made.

    Args:
        made: The block.
        view: In which it is proposed.

    Raises:
        TooLargeError: It and its diff do not fit a packet.
    """
    block, diff = write_block(made.block), diffs.encode(made.diff)
    size = len(block) + len(diff)
    if size > PROPOSAL_BYTES_MAX:
        raise TooLargeError(size, PROPOSAL_BYTES_MAX)
    return Proposal(block, diff, view)


def height(proposal: Proposal) -> int:
    """The height of a proposed block, of whose bytes it is known that they are one."""
    return decode(Block, proposal.block, size_max=PROPOSAL_BYTES_MAX).header.height


def check_prepared(prepared: Certificate, block: Block, electorate: Electorate) -> None:
    """Check that a block was prepared.

    Raises:
        CertificateError: It was not.
    """
    vote, header = prepared.vote, block.header
    if vote.is_commit or (vote.height, vote.block) != (header.height, block_id(header)):
        raise CertificateError("what prepared the block is about something else")
    verify_votes(prepared, electorate)
