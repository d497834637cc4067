"""What can happen to a node, and what it can want: the two sides of its step.

An effect is carried out by `numen.node.replica.body`, in the order in which the step gave them, and
what comes of it is the next event. A node may stop between any two effects and begin again from its
disk.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from numen.base.crypto import Address, Hash32
from numen.ledger.order.certificate import Certificate
from numen.ledger.order.conflict import Settled, SignedRejection
from numen.ledger.order.offence import SignedVerdict
from numen.ledger.order.slashing import Evidence
from numen.ledger.order.vote import SignedVote
from numen.ledger.stakes import Stakes
from numen.ledger.transactions import Admitted
from numen.node.replica.packet import (
    Claim,
    Describe,
    Entrust,
    Lent,
    Packet,
    Peek,
    Proposal,
    Refused,
    Told,
)

Accusation: TypeAlias = Evidence | tuple[SignedVerdict, ...]
"""What can take a bond: a contradiction, or verdicts of enough verifiers that say the same."""

# Events. -----------------------------------------------------------------------------------------


class Received(msgspec.Struct, frozen=True):
    """A packet came.

    Attributes:
        peer: From whom, as the channel proved: a node's address, or any name of a person.
        packet: What came.
    """

    peer: bytes
    packet: Packet


class Ticked(msgspec.Struct, frozen=True):
    """Some time has passed."""


class Looked(msgspec.Struct, frozen=True):
    """Who sent a transaction was looked up.

    Attributes:
        peer: From whom it came.
        raw: The transaction as it was signed.
        admitted: What it says.
        nonce: Of the next transaction of its account, after the last final block.
        balance: Of the account, then.
    """

    peer: bytes
    raw: bytes
    admitted: Admitted
    nonce: int
    balance: int


class Drafted(msgspec.Struct, frozen=True):
    """A block was made and is on disk, or there was nothing to make one of.

    Attributes:
        block: Its id; empty for none.
        proposal: The block and its diff; None for none.
        hopeless: Transactions that no block can have, and why.
    """

    block: bytes
    proposal: Proposal | None
    hopeless: tuple[Refused, ...] = ()


class Checked(msgspec.Struct, frozen=True):
    """A block was carried out, or its diff was checked.

    Attributes:
        block: Its id.
        problem: What is wrong with it, or with the diff that came with it; empty if nothing is.
        is_refuted: Whether the block itself is false, as this node found by carrying it out.
        is_blind: Whether nothing was found out, since keys of a contract are not here.
    """

    block: Hash32
    problem: str
    is_refuted: bool = False
    is_blind: bool = False


class Voted(msgspec.Struct, frozen=True):
    """The node's vote is on disk; None if those before it forbid it."""

    signed: SignedVote | None


class Remembered(msgspec.Struct, frozen=True):
    """A block that is prepared is on disk.

    Attributes:
        proposal: The block, with the diff that this node found, and the votes that prepared it.
    """

    proposal: Proposal


class Certificated(msgspec.Struct, frozen=True):
    """Votes were added up.

    Attributes:
        certificate: What they are together; None where they are too few.
        false: Those that are not their voter's.
    """

    certificate: Certificate | None
    false: tuple[SignedVote, ...]


class Kept(msgspec.Struct, frozen=True):
    """A block is final, and on disk.

    Attributes:
        height: Its height.
        block: Its id.
        root: Of the state after it.
        maker: Who made it.
        included: Its transactions, as they were signed.
        advanced: Accounts whose transactions these are, with the nonce that is next.
        certificate: Why it is final.
        stakes: Bonds after it.
    """

    height: int
    block: Hash32
    root: Hash32
    maker: Address
    included: frozenset[bytes]
    advanced: Mapping[Address, int]
    certificate: Certificate
    stakes: Stakes


class Decided(msgspec.Struct, frozen=True):
    """It is final whether a transaction holds.

    Attributes:
        id: Of the transaction.
        end: Why it holds, or why it does not.
        peer: From whom this is known; empty if the node found it itself.
        asker: Who asked just now; empty for nobody.
    """

    id: Hash32
    end: Settled | SignedRejection
    peer: bytes = b""
    asker: bytes = b""


class Judged(msgspec.Struct, frozen=True):
    """Somebody contradicted itself, and the evidence shows it.

    Attributes:
        evidence: What shows it.
        guilty: Voting keys, at least one.
    """

    evidence: Evidence
    guilty: tuple[bytes, ...]


class Proven(msgspec.Struct, frozen=True):
    """A verdict is its signer's.

    Attributes:
        signed: The verdict.
        is_own: Whether this node found so itself.
    """

    signed: SignedVerdict
    is_own: bool = False


class Served(msgspec.Struct, frozen=True):
    """What a peer asked for.

    Attributes:
        peer: Who asked.
        packets: The answer.
    """

    peer: bytes
    packets: tuple[Packet, ...]


class Failed(msgspec.Struct, frozen=True):
    """Somebody sent what is false.

    Attributes:
        peer: Who.
        reason: What is wrong with it.
    """

    peer: bytes
    reason: str


class Said(msgspec.Struct, frozen=True):
    """What comes of a message about trust, or of time.

    Attributes:
        out: What is to be sent to whom.
        false: Ids of blocks that turned out to be false, and why.
        remarks: What is to be noted of whom.
        verdicts: Of this node itself, about whom it found to lie.
        contradictions: Votes that contradict each other.
    """

    out: tuple[tuple[Address, Told], ...]
    false: tuple[tuple[Hash32, str], ...] = ()
    remarks: tuple[tuple[Address, str], ...] = ()
    verdicts: tuple[SignedVerdict, ...] = ()
    contradictions: tuple[Evidence, ...] = ()


class Ordered(msgspec.Struct, frozen=True):
    """The log has an entry, the one that was asked for.

    Attributes:
        position: Its place.
        raw: What it says; a `Proposal` in canonical bytes, or anything.
    """

    position: int
    raw: bytes


class Overtaken(msgspec.Struct, frozen=True):
    """The log refused a block, since something else was first."""


class Sought(msgspec.Struct, frozen=True):
    """Shares that the node needs from others, to have keys."""

    claims: tuple[Claim, ...]


class Unlocked(msgspec.Struct, frozen=True):
    """The node has the keys of one more contract."""


Event: TypeAlias = (
    Received | Ticked | Looked | Drafted | Checked | Voted | Remembered | Certificated | Kept
    | Decided | Judged | Proven | Served | Failed | Said | Ordered | Overtaken | Sought | Unlocked
)  # fmt: skip

# Effects. ----------------------------------------------------------------------------------------


class Send(msgspec.Struct, frozen=True):
    """Send a packet, which may get lost."""

    to: bytes
    packet: Packet


class Look(msgspec.Struct, frozen=True):
    """Read a transaction's signature, and look up its account; gives `Looked` or a refusal."""

    peer: bytes
    raw: bytes


class Make(msgspec.Struct, frozen=True):
    """Make a block of transactions, and put it on the disk; gives `Drafted`.

    Attributes:
        transactions: In the order in which they came.
        is_wanted: Whether an empty block is wanted too.
        view: In which it is proposed.
        charges: What shows of others that they lied.
    """

    transactions: tuple[bytes, ...]
    is_wanted: bool = False
    view: int = 0
    charges: tuple[Accusation, ...] = ()


class Check(msgspec.Struct, frozen=True):
    """Carry out a block, or check its diff, as the node's mode says; gives `Checked`."""

    proposal: Proposal


class Cast(msgspec.Struct, frozen=True):
    """Write down a vote, and then sign it; gives `Voted`.

    Attributes:
        height: Of the block.
        block: Its id.
        view: In which.
        is_commit: Whether it is to be final, or only prepared.
        since: The last view in which the block is known to be prepared; -1 for none.
    """

    height: int
    block: Hash32
    view: int = 0
    is_commit: bool = True
    since: int = -1


class Remember(msgspec.Struct, frozen=True):
    """Put the block in memory, which is prepared, on the disk; gives `Remembered`."""

    proposal: Proposal


class Count(msgspec.Struct, frozen=True):
    """Add votes up; gives `Certificated`."""

    votes: tuple[SignedVote, ...]


class Keep(msgspec.Struct, frozen=True):
    """Keep the block that was drafted or checked last; gives `Kept`.

    Attributes:
        certificate: Why it is final.
        peer: Who says so; empty where the node added it up itself.
        position: Place in the log that was read last.
    """

    certificate: Certificate
    peer: bytes = b""
    position: int = 0


class Adopt(msgspec.Struct, frozen=True):
    """Apply the diff of a final block and keep it; gives `Kept`, or `Failed`."""

    peer: bytes
    proposal: Proposal
    certificate: Certificate


class Decide(msgspec.Struct, frozen=True):
    """Say what became of a transaction whose nonce is taken in a final block; gives `Decided`.

    Attributes:
        raw: The transaction.
        peer: Who asks; empty for nobody. It is told so where there is nothing to say.
    """

    raw: bytes
    peer: bytes = b""


class Weigh(msgspec.Struct, frozen=True):
    """Check a rejection that a peer sent; gives `Decided`, or `Failed`."""

    peer: bytes
    rejection: SignedRejection


class Judge(msgspec.Struct, frozen=True):
    """Check evidence, and put it on the disk if it is true; gives `Judged`, or `Failed`."""

    peer: bytes
    evidence: Evidence


class Prove(msgspec.Struct, frozen=True):
    """Check who signed a verdict that a peer sent; gives `Proven`, or `Failed`."""

    peer: bytes
    signed: SignedVerdict


class Reveal(msgspec.Struct, frozen=True):
    """Show a peer which bonds were taken behind so many that it knows; gives `Served`."""

    peer: bytes
    known: int


class Serve(msgspec.Struct, frozen=True):
    """Read final blocks from a height on for a peer; gives `Served`."""

    peer: bytes
    start: int


class Attest(msgspec.Struct, frozen=True):
    """Say for a peer whether a contract was created here; gives `Served`."""

    peer: bytes
    contract: Address
    height: int


class Open(msgspec.Struct, frozen=True):
    """Show a peer what an address has; gives `Served`."""

    peer: bytes
    address: Address


class Wake(msgspec.Struct, frozen=True):
    """Let the node see to its part in the web of trust; gives `Said`."""


class Hear(msgspec.Struct, frozen=True):
    """Take what another node says about trust; gives `Said`."""

    peer: Address
    frame: bytes


class Confide(msgspec.Struct, frozen=True):
    """Deal with what somebody sends about keys and private state; gives `Served`, or `Unlocked`."""

    peer: bytes
    packet: Entrust | Claim | Lent | Describe | Peek


class Seek(msgspec.Struct, frozen=True):
    """Find which shares are missing; gives `Sought`, where some are."""


class Append(msgspec.Struct, frozen=True):
    """Append a block to the log; gives `Overtaken` if it is refused.

    Attributes:
        raw: A `Proposal` in canonical bytes.
        position: Where the last entry has to stand.
    """

    raw: bytes
    position: int


class Follow(msgspec.Struct, frozen=True):
    """Read the log's entry at a place, once there is one; gives `Ordered`."""

    position: int


class Suspect(msgspec.Struct, frozen=True):
    """Note that somebody sent what is false; nothing follows from it but a line in the log."""

    peer: bytes
    reason: str


Effect: TypeAlias = (
    Send | Look | Make | Check | Cast | Remember | Count | Keep | Adopt | Decide | Weigh | Judge
    | Prove | Reveal | Serve | Attest | Open | Wake | Hear | Confide | Seek | Append | Follow
    | Suspect
)  # fmt: skip

Outgoing: TypeAlias = Send | Append | Follow | Suspect
"""Effects for who has the channels, and the log."""
