"""Evidence in a block takes bonds: judged by everybody alike, from the state and the block alone.

    PenaltyError    evidence that no block can have

What a block has of it is small, whatever the lie was: two votes or two certificates, which show
themselves, or the conviction of a lie that only who carries blocks out can see
(`numen.ledger.order.verdict`). A block with evidence that shows nothing is false, and costs its
maker what any false block costs. A lie is punished once, since a bond is taken whole; who makes a
block brings nothing against itself, so that the reward is never the culprit's own; and the last
bond stays, since without anybody who votes no block would be final that takes it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from numen.base.codec import CodecError, decode, digest, encode
from numen.base.crypto import Address, keccak256
from numen.base.errors import NumenError
from numen.ledger import records
from numen.ledger.block import EVIDENCE_BYTES_MAX, Block
from numen.ledger.cell import Cell
from numen.ledger.messages import NOBODY
from numen.ledger.order.offence import Offence
from numen.ledger.order.sequencer import OrderError
from numen.ledger.order.slashing import DoubleCertificate, DoubleVote, Evidence, judge
from numen.ledger.order.verdict import Conviction, check_conviction
from numen.ledger.stakes import (
    BONDS,
    LOSSES,
    REPORTER_PART,
    Loss,
    Stakes,
    write_losses,
)
from numen.ledger.state.diff import Diff
from numen.ledger.stored import records_of

_DOMAIN: Final = "numen/charge/1"


class PenaltyError(NumenError):
    """Evidence that takes nothing from anybody."""


class Charge(msgspec.Struct, frozen=True, array_like=True):
    """Evidence as a block has it."""

    case: DoubleVote | DoubleCertificate | Conviction


class Sentence(msgspec.Struct, frozen=True):
    """What came of the evidence of a block.

    Attributes:
        stakes: What is left.
        taken: The evidence that took something, in order.
        reward: Coins for the maker.
    """

    stakes: Stakes
    taken: tuple[bytes, ...] = ()
    reward: int = 0


def write_charge(charge: Charge) -> bytes:
    """Write evidence for a block.

    Raises:
        TooLargeError: It is longer than a block has room for.
    """
    return encode(charge, size_max=EVIDENCE_BYTES_MAX)


def sentence(
    evidence: Sequence[bytes], stakes: Stakes | None, chain: int, height: int, maker: Address,
    *, is_ours: bool = False,
) -> Sentence | None:  # fmt: skip
    """Judge the evidence of a block.

    Args:
        evidence: From anyone.
        stakes: As the block before left them; None where nobody has a bond.
        chain: Number of the ledger.
        height: Of the block.
        maker: Of the block.
        is_ours: Whether the block is being made: what takes nothing is left out.

    Returns:
        What came of it; None for a block without any.

    Raises:
        PenaltyError: Some takes nothing from anybody, in a block of somebody else.

    Cost: some signatures, 2.4 milliseconds each, for each piece of evidence.
    """
    if not evidence:
        return None
    if stakes is None:
        raise PenaltyError("nobody has a bond on this ledger")
    found = Sentence(stakes)
    for index, raw in enumerate(evidence):
        try:
            found = _punish(found, raw, chain, height, maker)
        except PenaltyError as error:
            if not is_ours:
                raise PenaltyError(f"evidence {index}: {error.message}") from error
    return found


def carry_out(found: Sentence, own: Cell, maker: Cell) -> None:
    """Take the bonds, and reward the maker.

    Args:
        found: What came of a block's evidence.
        own: The ledger's own cell; changed.
        maker: Of the block; changed.
    """
    own.notes.store(LOSSES, write_losses(found.stakes.losses))
    maker.credit(found.reward)


def check_unseen(block: Block, diff: Diff, stakes: Stakes | None) -> None:
    """Check what a diff does to bonds, without carrying the block out: it follows from evidence.

    Raises:
        PenaltyError: It does something else, or the evidence takes nothing.
    """
    header = block.header
    found = sentence(block.evidence, stakes, header.chain, header.height, header.maker)
    wanted = {_place(LOSSES): write_losses(found.stakes.losses)} if found is not None else {}
    own = (each for each in diff.accounts if each.address == records_of(NOBODY))
    written = {
        slot.slot: slot.changes[-1].value
        for account in own
        for slot in account.storage
        if slot.slot in (_place(BONDS), _place(LOSSES))
    }
    if written != wanted:
        raise PenaltyError("the diff takes other bonds than the evidence does")


def losses_place() -> tuple[Address, bytes]:
    """Where the state has what was taken: an address and a slot of it."""
    return records_of(NOBODY), _place(LOSSES)


def _place(name: bytes) -> bytes:
    return keccak256(records.NOTE + name)


def _punish(found: Sentence, raw: bytes, chain: int, height: int, maker: Address) -> Sentence:
    """Take bonds for one piece of evidence.

    Raises:
        PenaltyError: It takes nothing.
    """
    try:
        charge = decode(Charge, raw, size_max=EVIDENCE_BYTES_MAX)
    except CodecError as error:
        raise PenaltyError(f"no evidence: {error.message}") from error
    try:
        keys = _guilty(charge, found.stakes, chain, height)
    except OrderError as error:
        raise PenaltyError(f"it shows nothing: {error.message}") from error
    stakes = found.stakes
    fresh = [key for key in keys if stakes.bond(key)]
    if not fresh:
        raise PenaltyError("no bond is left to take for it")
    nodes = {bond.member.key: bond.node for bond in stakes.pledges.bonds}
    if maker in (nodes[key] for key in keys):
        raise PenaltyError("it is against who made the block")
    if sum(map(stakes.bond, fresh)) == stakes.left:
        raise PenaltyError("nobody would be left who votes")
    lie = charge.case.verdict.lie if isinstance(charge.case, Conviction) else _name(raw)
    lost = tuple(_loss(stakes, key, height, offence_of(charge), lie, maker) for key in fresh)
    after = msgspec.structs.replace(stakes, losses=(*stakes.losses, *lost))
    return Sentence(after, (*found.taken, raw), found.reward + sum(loss.rewarded for loss in lost))


def offence_of(charge: Charge) -> Offence:
    """What evidence is about."""
    match charge.case:
        case DoubleVote():
            return Offence.TWO_VOTES
        case DoubleCertificate():
            return Offence.TWO_CERTIFICATES
        case Conviction(verdict):
            return verdict.offence


def _guilty(charge: Charge, stakes: Stakes, chain: int, height: int) -> Iterable[bytes]:
    """Keys of whom evidence is against, at least one.

    Raises:
        OrderError: It shows nothing.
    """
    case = charge.case
    if isinstance(case, Conviction):
        if case.verdict.chain != chain:
            raise PenaltyError(f"it is of ledger {case.verdict.chain}, and this is {chain}")
        check_conviction(case, stakes.electorate(height))
        return (case.verdict.guilty,)
    vote = case.first.vote
    if vote.chain != chain or vote.height == 0:
        raise PenaltyError(f"nobody votes for block {vote.height} of ledger {vote.chain} here")
    return judge(Evidence(case), stakes.electorate(vote.height))


def _loss(
    stakes: Stakes, key: bytes, height: int, offence: Offence, lie: bytes, maker: Address
) -> Loss:
    coins = stakes.bond(key)
    rewarded = coins // REPORTER_PART
    return Loss(key, height, offence, lie, maker, rewarded, coins - rewarded)


def _name(raw: bytes) -> bytes:
    return digest(_DOMAIN, raw)
