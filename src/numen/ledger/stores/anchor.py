"""State roots anchored on another chain: what its blocks then say of ours, to who has one header.

The contract `Anchor.vy` keeps a digest for each height: that of the state root and the name of the
state's bytes. Its slot is proven under the state root of a block of that chain, which is in the
block's header. A verifier needs the block's hash from somebody it trusts, and nothing else of that
chain.
"""

from pathlib import Path

import msgspec

from numen.base.codec import U64
from numen.base.crypto import Address, Hash32, keccak256
from numen.evm import proofs
from numen.evm.contract import Artifact, artifact_of
from numen.evm.proofs import TrieProofError
from numen.evm.state import State
from numen.ledger.stores.cid import Cid

ARTIFACT = Path(__file__).with_name("Anchor.json")
"""What vyper 0.4.3 makes of ``Anchor.vy``: its ABI and its code."""

_ANCHORS_SLOT = 1


class Anchored(msgspec.Struct, frozen=True):
    """What is anchored.

    Attributes:
        height: Of the state.
        root: Of the state.
        content: Name of the state's bytes, wherever they lie.
    """

    height: int
    root: bytes
    content: Cid

    @property
    def digest(self) -> bytes:
        """What the contract keeps of it."""
        return keccak256(self.root, bytes(self.content))


class AnchorProof(msgspec.Struct, frozen=True, array_like=True):
    """Why a contract keeps what it is said to, at the end of a block.

    Attributes:
        header: Of the block, encoded.
        account: Nodes from the state root to the contract.
        slot: Nodes from its storage root to the slot of the height.
    """

    header: bytes
    account: tuple[bytes, ...]
    slot: tuple[bytes, ...]


def artifact() -> Artifact:
    """The contract, for whatever deploys it: `numen.EVM.deploy`, or any tool of Ethereum's."""
    return artifact_of(msgspec.json.decode(ARTIFACT.read_bytes()))


def prove(state: State, header: bytes, contract: Address, height: U64) -> AnchorProof:
    """Make a proof from all accounts of the other chain; its nodes give it by ``eth_getProof``.

    Args:
        state: The accounts at the end of the block.
        header: Of the block, encoded.
        contract: Where the contract is.
        height: Of what is anchored.
    """
    opening = state.open(contract, [slot_of(height)])
    return AnchorProof(header, tuple(opening.account), tuple(opening.slots[0]))


def verify(block_hash: Hash32, contract: Address, anchored: Anchored, proof: AnchorProof) -> None:
    """Check that a contract keeps what is said to be anchored.

    Args:
        block_hash: From who is trusted to know that chain.
        contract: The address of the contract, from who is trusted to have deployed it.
        anchored: What is claimed.
        proof: From anyone.

    Raises:
        TrieProofError: The proof does not show it.
    """
    root = proofs.state_root(proof.header, block_hash)
    account = proofs.verify_account(root, contract, proof.account)
    word = proofs.verify_slot(account.storage_root, slot_of(anchored.height), proof.slot)
    if word.to_bytes(32, "big") != anchored.digest:
        raise TrieProofError(f"something else is anchored at height {anchored.height}, or nothing")


def slot_of(height: U64) -> int:
    """Where the contract keeps the digest of a height; vyper's layout of a map."""
    place = keccak256(_ANCHORS_SLOT.to_bytes(32, "big"), height.to_bytes(32, "big"))
    return int.from_bytes(place, "big")
