"""A sealed block of the development chain: what was in it, and what it is called."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from numen.base.crypto import keccak256
from numen.evm import roots
from numen.evm.block import Block
from numen.evm.forks import Fork
from numen.evm.header import Header, encode_body
from numen.evm.transaction import Transaction
from numen.evm.transition import Receipt
from numen.evm.trie import EMPTY_ROOT, root_of_list

NO_BLOOM = bytes(256)
"""The filter of no logs."""


class Signed(msgspec.Struct, frozen=True):
    """A transaction that somebody has sent.

    Attributes:
        tx: The transaction.
        sender: 20 bytes; who signed it, or is impersonated.
        raw: Its bytes.
        hash: Of these.
        is_impersonated: Whether nobody signed it.
    """

    tx: Transaction
    sender: bytes
    raw: bytes
    hash: bytes
    is_impersonated: bool = False

    @classmethod
    def of(cls, tx: Transaction, sender: bytes) -> "Signed":
        """Encode and name a transaction."""
        raw = tx.encode()
        return cls(tx, sender, raw, keccak256(raw))

    @classmethod
    def impersonated(cls, tx: Transaction, sender: bytes) -> "Signed":
        """A transaction that nobody signed; in place of r it names the sender."""
        tx = msgspec.structs.replace(tx, v=0, r=int.from_bytes(sender, "big"), s=1)
        return msgspec.structs.replace(cls.of(tx, sender), is_impersonated=True)


class Included(msgspec.Struct, frozen=True):
    """A transaction in a block.

    Attributes:
        signed: The transaction.
        receipt: What it came to.
        gas_after: Gas used in the block up to its end.
        logs_before: Logs that the transactions before it left.
        bloom: The filter of its logs, 256 bytes.
    """

    signed: Signed
    receipt: Receipt
    gas_after: int
    logs_before: int
    bloom: bytes

    def encode_receipt(self) -> bytes:
        """Its receipt, as the receipts' trie holds it."""
        receipt = self.receipt
        kind, status = self.signed.tx.kind, int(receipt.success)
        return roots.encode_receipt(kind, status, self.gas_after, receipt.logs)


class Sealed(msgspec.Struct, frozen=True):
    """A block.

    Attributes:
        header: What is hashed.
        included: Its transactions.
        hash: 32 bytes; empty while the block is still open.
        encoded: Its header's bytes.
        moment: When in the history its state holds.
        moment_before: When what its transactions began with holds.
        bloom: The filter of all its logs, as a number.
    """

    header: Header
    included: tuple[Included, ...]
    hash: bytes
    encoded: bytes
    moment: int
    moment_before: int
    bloom: int

    @property
    def block(self) -> Block:
        """What code sees of it."""
        return self.header.block

    @property
    def number(self) -> int:
        """Its height."""
        return self.header.block.number

    def encode(self, fork: Fork) -> bytes:
        """Its bytes."""
        return encode_body(self.encoded, [each.signed.raw for each in self.included], fork)


def seal(
    block: Block,
    parent_hash: bytes,
    included: Sequence[Included],
    state_root: bytes,
    fork: Fork,
    *,
    excess_blob_gas: int,
    moments: tuple[int, int],
) -> Sealed:
    """Make a block of transactions that have been carried out.

    Args:
        block: What its code saw.
        parent_hash: 32 bytes.
        included: The transactions.
        state_root: Of the accounts after them.
        fork: Whose rules hold.
        excess_blob_gas: For the price of blobs.
        moments: When in the history its transactions began, and when its state holds.
    """
    bloom = bytes_or(each.bloom for each in included)
    header = Header(
        block=block,
        parent_hash=parent_hash,
        state_root=state_root,
        transactions_root=_root([each.signed.raw for each in included]),
        receipts_root=_root([each.encode_receipt() for each in included]),
        bloom=bloom.to_bytes(256, "big"),
        gas_used=included[-1].gas_after if included else 0,
        blob_gas_used=sum(each.receipt.blob_gas_used for each in included),
        excess_blob_gas=excess_blob_gas,
    )
    encoded = header.encode(fork)
    before, after = moments
    return Sealed(header, tuple(included), keccak256(encoded), encoded, after, before, bloom)


def _root(items: list[bytes]) -> bytes:
    return root_of_list(items) if items else EMPTY_ROOT


def bytes_or(blooms: Iterator[bytes]) -> int:
    """All filters in one, as a number."""
    found = 0
    for bloom in blooms:
        if bloom is not NO_BLOOM:
            found |= int.from_bytes(bloom, "big")
    return found


class Ancestors(Mapping[int, bytes]):
    """Hashes of the blocks of a chain by number: one list that all its blocks share."""

    __slots__ = ("_hashes",)

    def __init__(self, hashes: list[bytes]) -> None:
        self._hashes = hashes

    def __getitem__(self, number: int) -> bytes:
        if not 0 <= number < len(self._hashes):
            raise KeyError(number)
        return self._hashes[number]

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self._hashes)))

    def __len__(self) -> int:
        return len(self._hashes)
