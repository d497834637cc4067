"""What travels between nodes of one ledger, and between a node and the people who use it.

Everything is one of these, in canonical bytes. A packet says nothing about who sent it: that is the
channel's matter. What needs to be believed carries its own signatures.
"""

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from numen.base.codec import U64, decode, encode
from numen.base.crypto import Address, Hash32, Signature
from numen.ledger.block import Header
from numen.ledger.handover import Handover
from numen.ledger.order.certificate import Certificate
from numen.ledger.order.conflict import Settled, SignedRejection
from numen.ledger.order.creation import Attestation
from numen.ledger.order.offence import SignedVerdict
from numen.ledger.order.slashing import Evidence
from numen.ledger.order.vote import SignedVote
from numen.ledger.sealed.charter import Commitments
from numen.ledger.sealed.shares import Point
from numen.ledger.state.opening import Opening
from numen.ledger.transactions import TRANSACTION_BYTES_MAX
from numen.vm.codes import CODE_BYTES_MAX

PACKET_BYTES_MAX: Final = 1 << 20
"""Longest packet: one frame of a channel."""

PROPOSAL_BYTES_MAX: Final = PACKET_BYTES_MAX - (1 << 13)
"""Most bytes of a block and its diff, so that a packet has them and a certificate."""

FRAME_BYTES_MAX: Final = PACKET_BYTES_MAX - (1 << 6)
"""Longest frame about trust: what one packet has room for."""

HANDOVERS_MAX: Final = 8
"""Most blocks by which it is shown at once which bonds were taken."""

REASON_MAX: Final = 400
"""Longest reason."""

CHARTER_BYTES_MAX: Final = 1 << 14
"""Longest charter: a point of 33 bytes for each share that is needed."""

RawTransaction = Annotated[bytes, Meta(max_length=TRANSACTION_BYTES_MAX)]
RawBlock = Annotated[bytes, Meta(max_length=PROPOSAL_BYTES_MAX)]
RawDiff = Annotated[bytes, Meta(max_length=PROPOSAL_BYTES_MAX)]
Reason = Annotated[str, Meta(max_length=REASON_MAX)]
Envelope = Annotated[bytes, Meta(max_length=256)]
"""A sealed share."""
Question = Annotated[bytes, Meta(max_length=PROPOSAL_BYTES_MAX)]
"""A sealed view call, or its answer."""


class Submit(msgspec.Struct, frozen=True, array_like=True, tag="submit/1"):
    """A transaction that somebody wants carried out."""

    transaction: RawTransaction


class Pending(msgspec.Struct, frozen=True, array_like=True, tag="pending/1"):
    """The node has taken a transaction; it is not final.

    Attributes:
        transaction: Its id.
        is_contested: Whether its account signed another with the same nonce, which came first.
    """

    transaction: Hash32
    is_contested: bool


class Refused(msgspec.Struct, frozen=True, array_like=True, tag="refused/1"):
    """The node does not take a transaction, or not any longer; nothing is proven by this.

    Attributes:
        transaction: Its id, or the digest of bytes that are none.
        reason: One line.
    """

    transaction: Hash32
    reason: Reason


class Held(msgspec.Struct, frozen=True, array_like=True, tag="held/1"):
    """A transaction is in a final block, as anybody can check."""

    transaction: Hash32
    settled: Settled


class Notice(msgspec.Struct, frozen=True, array_like=True, tag="notice/1"):
    """A transaction will never hold, as anybody can check."""

    rejection: SignedRejection


class Cancelled(msgspec.Struct, frozen=True, array_like=True, tag="cancelled/1"):
    """A transaction is dropped, since what would have paid for it does not hold.

    Attributes:
        transaction: Its id.
        because: What does not hold, and why.
    """

    transaction: Hash32
    because: SignedRejection


class Proposal(msgspec.Struct, frozen=True, array_like=True, tag="proposal/2"):
    """A block that is to be final, and what it changes.

    Attributes:
        block: The block.
        diff: What it changes.
        view: In which it is proposed.
        prepared: Votes of an earlier view to prepare it; None for a block that is new.
    """

    block: RawBlock
    diff: RawDiff
    view: U64 = 0
    prepared: Certificate | None = None


class Wish(msgspec.Struct, frozen=True, array_like=True, tag="wish/1"):
    """It takes too long: let another propose.

    Attributes:
        height: Of the block that is late.
        view: The sender wants this one to begin.
        prepared: One more than the last view in which it knows of a block that is prepared; 0 for
            none.
    """

    height: U64
    view: U64
    prepared: U64 = 0


class Ballot(msgspec.Struct, frozen=True, array_like=True, tag="ballot/1"):
    """A vote, from its own voter."""

    signed: SignedVote


class Certified(msgspec.Struct, frozen=True, array_like=True, tag="certified/1"):
    """A block is final."""

    certificate: Certificate


class Finalized(msgspec.Struct, frozen=True, array_like=True, tag="finalized/1"):
    """A final block, for who does not have it."""

    proposal: Proposal
    certificate: Certificate


class Ask(msgspec.Struct, frozen=True, array_like=True, tag="ask/1"):
    """Send me final blocks from this height on."""

    start: U64


class Standing(msgspec.Struct, frozen=True, array_like=True, tag="standing/1"):
    """How far the sender is: height and id of its last final block, and the root after it."""

    height: U64
    head: Hash32
    root: Hash32


class Accused(msgspec.Struct, frozen=True, array_like=True, tag="accused/1"):
    """Somebody contradicted itself."""

    evidence: Evidence


class Found(msgspec.Struct, frozen=True, array_like=True, tag="found/1"):
    """Somebody lied, as a verifier found by itself."""

    signed: SignedVerdict


class Pledged(msgspec.Struct, frozen=True, array_like=True, tag="pledged/1"):
    """Which bonds were taken?

    Attributes:
        known: So many are known already.
    """

    known: U64


class Taken(msgspec.Struct, frozen=True, array_like=True, tag="taken/1"):
    """Which bonds were taken, a block for each time and the last one, as anybody can check."""

    shown: Annotated[tuple[Handover, ...], Meta(max_length=HANDOVERS_MAX)]


class Told(msgspec.Struct, frozen=True, array_like=True, tag="told/1"):
    """Something about trust, in a language with versions of its own: `numen.node.trust.speech`."""

    frame: Annotated[bytes, Meta(max_length=FRAME_BYTES_MAX)]


class Inquire(msgspec.Struct, frozen=True, array_like=True, tag="inquire/1"):
    """Did you create this contract in the block of this height?"""

    contract: Address
    height: U64


class Created(msgspec.Struct, frozen=True, array_like=True, tag="created/1"):
    """The node created a contract, and attests its code and the state."""

    attestation: Attestation


class Show(msgspec.Struct, frozen=True, array_like=True, tag="show/1"):
    """What has this address?"""

    address: Address


class Shown(msgspec.Struct, frozen=True, array_like=True, tag="shown/1"):
    """What an address has after the last final block, as anybody can check.

    Attributes:
        address: Whose.
        account: Its account as the state has it; empty for none.
        opening: Why that is under the state's root.
        header: Of the last final block; None before the first.
        certificate: Why it is final.
    """

    address: Address
    account: Annotated[bytes, Meta(max_length=64)]
    opening: Opening
    header: Header | None
    certificate: Certificate | None


class Unknown(msgspec.Struct, frozen=True, array_like=True, tag="unknown/1"):
    """The node did not create that contract in that block, or not itself."""

    contract: Address
    height: U64


class Entrust(msgspec.Struct, frozen=True, array_like=True, tag="entrust/1"):
    """Keep a share of the keys of a contract that is about to be.

    Attributes:
        contract: Its address.
        nonce: Of the transaction that will create it.
        index: Of the call.
        commitments: To the shares of the secret.
        envelope: The node's share, sealed for it.
        signature: Of who will create it, over all but the envelope.
    """

    contract: Address
    nonce: U64
    index: U64
    commitments: Commitments
    envelope: Envelope
    signature: Signature


class Entrusted(msgspec.Struct, frozen=True, array_like=True, tag="entrusted/1"):
    """What became of that.

    Attributes:
        contract: Its address.
        point: The first commitment.
        signature: Of the node, when it has put the keys together; else empty.
        reason: Why it does not keep the share; else empty.
    """

    contract: Address
    point: Point
    signature: Annotated[bytes, Meta(max_length=65)]
    reason: Reason


class Claim(msgspec.Struct, frozen=True, array_like=True, tag="claim/1"):
    """Send me your share of the keys of a contract."""

    contract: Address
    point: Point


class Lent(msgspec.Struct, frozen=True, array_like=True, tag="lent/1"):
    """A share of the keys of a contract, sealed for a node that keeps some.

    Attributes:
        contract: Whose keys.
        point: The commitment to their secret.
        envelope: The share.
    """

    contract: Address
    point: Point
    envelope: Envelope


class Describe(msgspec.Struct, frozen=True, array_like=True, tag="describe/1"):
    """What is this contract, and for which key are its requests sealed?"""

    contract: Address


class Described(msgspec.Struct, frozen=True, array_like=True, tag="described/1"):
    """A contract after the last final block, as anybody can check.

    Attributes:
        contract: Its address.
        code: What it was made from; empty for none.
        about: What says so in the state.
        about_opening: Why that is under the state's root.
        charter: What everybody may know of its keys; empty for none.
        charter_opening: Why that is under the state's root.
        header: Of the last final block; None before the first.
        certificate: Why it is final.
    """

    contract: Address
    code: Annotated[bytes, Meta(max_length=CODE_BYTES_MAX)]
    about: Annotated[bytes, Meta(max_length=256)]
    about_opening: Opening
    charter: Annotated[bytes, Meta(max_length=CHARTER_BYTES_MAX)]
    charter_opening: Opening
    header: Header | None
    certificate: Certificate | None


class Peek(msgspec.Struct, frozen=True, array_like=True, tag="peek/1"):
    """Answer a signed view call, as `numen.ledger.looking.ask` gives it."""

    contract: Address
    question: Question


class Seen(msgspec.Struct, frozen=True, array_like=True, tag="seen/1"):
    """The answer, in an envelope for who signed; or why there is none.

    Attributes:
        contract: Who was asked.
        envelope: Empty for no answer.
        reason: Empty for an answer.
    """

    contract: Address
    envelope: Question
    reason: Reason


Packet: TypeAlias = (
    Submit | Pending | Refused | Held | Notice | Cancelled | Proposal | Wish | Ballot | Certified
    | Finalized | Ask | Standing | Accused | Found | Pledged | Taken | Told | Inquire | Created
    | Unknown | Show | Shown | Entrust | Entrusted | Claim | Lent | Describe | Described | Peek
    | Seen
)  # fmt: skip


class _Written(msgspec.Struct, frozen=True, array_like=True):
    """A packet as it is written down."""

    packet: Packet


def write_packet(packet: Packet) -> bytes:
    """Write a packet.

    Raises:
        TooLargeError: It has more than `PACKET_BYTES_MAX` bytes.
    """
    return encode(_Written(packet), size_max=PACKET_BYTES_MAX)


def read_packet(raw: bytes) -> Packet:
    """Read a packet from anyone.

    Raises:
        CodecError: It is none.

    Cost: linear in the length.
    """
    return decode(_Written, raw, size_max=PACKET_BYTES_MAX).packet
