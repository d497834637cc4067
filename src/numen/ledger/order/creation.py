"""A contract's creation, attested by k of its n nodes.

    CreationError       it does not show that the contract was created
    └── TooFewError     fewer nodes attest it than are needed

A contract has nodes of its own. Those that created it, that is, carried out the block that it was
created in, sign what it is and the root of the state that it is in, and show it in that state. So
whoever asked for it needs to trust no single node, and no block that it has not seen: k equal
signatures and one way to the root are enough. Nodes that come later apply the block's diff, and
attest nothing, because they have carried out nothing.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, digest
from numen.base.crypto import Address, BadSignatureError, Hash32, Signature, SigningKey, recover
from numen.ledger.order.sequencer import OrderError
from numen.ledger.records import RecordError, read_about
from numen.ledger.state.errors import OpeningError
from numen.ledger.state.opening import Opening
from numen.ledger.state.state import State, verify_slot
from numen.ledger.stored import about_place

NODES_MAX: Final = 1024
"""Most nodes of one contract."""

_DOMAIN: Final = "numen/creation/1"


class CreationError(OrderError):
    """What somebody says about a creation is not shown."""


class TooFewError(CreationError):
    """Fewer nodes attest a creation than are needed.

    Attributes:
        found: How many do.
        needed: How many must.
    """

    def __init__(self, found: int, needed: int) -> None:
        super().__init__(f"{found} nodes attest it where {needed} must")
        self.found = found
        self.needed = needed


class Creation(msgspec.Struct, frozen=True, array_like=True):
    """What nodes attest.

    Attributes:
        chain: Which ledger.
        contract: Its address.
        code: Digest of its code.
        height: Of the block that it was created in.
        block: Id of that block.
        root: Of the state after it.
    """

    chain: U64
    contract: Address
    code: Hash32
    height: U64
    block: Hash32
    root: Hash32


class Attestation(msgspec.Struct, frozen=True, array_like=True):
    """What one node says.

    Attributes:
        creation: What it attests.
        about: The state's entry about the contract, which names its code.
        opening: Why that entry is in the state.
        signature: The node's, over the creation.
    """

    creation: Creation
    about: Annotated[bytes, Meta(max_length=256)]
    opening: Opening
    signature: Signature


class Roster(msgspec.Struct, frozen=True, array_like=True):
    """The nodes of a contract.

    Attributes:
        nodes: Their addresses, each once.
        needed: How many of them have to create it.
    """

    nodes: Annotated[tuple[Address, ...], Meta(min_length=1, max_length=NODES_MAX)]
    needed: Annotated[int, Meta(ge=1, le=NODES_MAX)]


def attest(creation: Creation, state: State, version: int, key: SigningKey) -> Attestation:
    """Say that a contract was created here.

    Args:
        creation: What was created.
        state: The node's own.
        version: Of the state after the block.
        key: Of the node.

    Raises:
        UnknownVersionError: That version was pruned.
    """
    about, opening = state.open_slot(*about_place(creation.contract), version)
    return Attestation(creation, about, opening, key.sign(digest(_DOMAIN, creation)))


def check_attestation(attestation: Attestation) -> bytes:
    """Check what a node says, and give its address, 20 bytes: any key is somebody's.

    Raises:
        CreationError: The contract is not in the state, or has other code, or nobody signed.
    """
    creation = attestation.creation
    try:
        place = about_place(creation.contract)
        verify_slot(creation.root, *place, attestation.about, attestation.opening)
        found = read_about(attestation.about, 0, 0).code
        node = recover(digest(_DOMAIN, creation), attestation.signature)
    except (OpeningError, RecordError, BadSignatureError) as error:
        raise CreationError(f"not shown to be created: {error}") from error
    if found != creation.code:
        raise CreationError(f"the contract has code 0x{found.hex()}, not 0x{creation.code.hex()}")
    return node


def accept(attestations: Iterable[Attestation], roster: Roster) -> Creation:
    """Find what enough nodes of a contract attest in the same words.

    Args:
        attestations: From anyone; what is false, a stranger's, or said twice does not count.
        roster: The contract's nodes, and how many are needed.

    Raises:
        TooFewError: No creation has enough of them.

    Cost: a signature recovery and an opening for each attestation.
    """
    agreed: dict[Creation, set[bytes]] = {}
    for attestation in attestations:
        try:
            node = check_attestation(attestation)
        except CreationError:
            continue
        if node in roster.nodes:
            agreed.setdefault(attestation.creation, set()).add(node)
    most = max(agreed, key=lambda creation: len(agreed[creation]), default=None)
    if most is None or len(agreed[most]) < roster.needed:
        raise TooFewError(len(agreed[most]) if most is not None else 0, roster.needed)
    return most
