"""Who votes now, shown to somebody who knows who voted once.

    HandoverError    it does not show that

A block that takes a bond is certified by who voted before, and the state behind it has what was
taken. So whoever knows the first electorate follows from one to the next, a block for each change,
and believes nobody but those who voted.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from numen.base.codec import CodecError
from numen.base.errors import NumenError
from numen.ledger.block import Header, block_id
from numen.ledger.order.certificate import Certificate, verify
from numen.ledger.order.sequencer import OrderError
from numen.ledger.penalty import losses_place
from numen.ledger.stakes import Stakes, read_losses
from numen.ledger.state.account import SLOT_BYTES_MAX, slot_key
from numen.ledger.state.errors import StateError
from numen.ledger.state.opening import Opening
from numen.ledger.state.opening import verify as verify_opening


class HandoverError(NumenError):
    """Bonds that are not shown to be so."""


class Handover(msgspec.Struct, frozen=True, array_like=True):
    """What was taken up to a final block.

    Attributes:
        losses: As the state has it; empty for nothing.
        opening: Why that is under the state's root.
        header: Of the block.
        certificate: Why it is final.
    """

    losses: Annotated[bytes, Meta(max_length=SLOT_BYTES_MAX)]
    opening: Opening
    header: Header
    certificate: Certificate


def learn(stakes: Stakes, shown: Handover, chain: int) -> Stakes:
    """Take what a node shows of bonds.

    Args:
        stakes: As they are known.
        shown: From anyone.
        chain: Number of the ledger.

    Returns:
        The bonds after the block; those that are known, where it is an older one.

    Raises:
        HandoverError: It is not shown, or contradicts what is known.
    """
    header, vote = shown.header, shown.certificate.vote
    named = (header.chain, vote.chain, vote.height, vote.block)
    if named != (chain, chain, header.height, block_id(header)):
        raise HandoverError("the certificate is of another block")
    try:
        verify(shown.certificate, stakes.electorate(header.height))
        key = slot_key(*losses_place())
        verify_opening(header.state, key, shown.losses or None, shown.opening)
        losses = read_losses(shown.losses)
    except (OrderError, StateError, CodecError) as error:
        raise HandoverError(f"the bonds are not shown: {error.message}") from error
    common = min(len(losses), len(stakes.losses))
    if losses[:common] != stakes.losses[:common]:
        raise HandoverError("what was taken is another's than it was")
    return msgspec.structs.replace(stakes, losses=max(losses, stakes.losses, key=len))
