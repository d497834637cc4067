"""The header of a block, whose hash is the block's name.

Source: yellow paper, section 4.4; EIP-1559, 4399, 4844, 4788, 4895, 7685.
"""

from typing import Final

import msgspec

from numen.base.crypto import keccak256
from numen.evm import rlp, roots
from numen.evm.block import Block
from numen.evm.forks import SHANGHAI, Fork
from numen.evm.trie import EMPTY_ROOT

NO_OMMERS: Final = keccak256(rlp.encode([]))
"""What stands for the uncles of a block that has none."""

NO_REQUESTS: Final = roots.requests_hash([])


class Header(msgspec.Struct, frozen=True):
    """What a block says of itself.

    Attributes:
        block: What code sees of it.
        parent_hash: 32 bytes.
        state_root: Of the accounts after it.
        transactions_root: Of its transactions.
        receipts_root: Of their receipts.
        bloom: The filter of all their logs, 256 bytes.
        gas_used: Of all its transactions.
        blob_gas_used: The same of blobs.
        excess_blob_gas: For the price of blobs.
    """

    block: Block
    parent_hash: bytes
    state_root: bytes
    transactions_root: bytes = EMPTY_ROOT
    receipts_root: bytes = EMPTY_ROOT
    bloom: bytes = bytes(256)
    gas_used: int = 0
    blob_gas_used: int = 0
    excess_blob_gas: int = 0

    def items(self, fork: Fork) -> list[rlp.Encodable]:
        """Its fields in the order in which they are hashed; without withdrawals and requests."""
        seen = self.block
        chance = seen.prev_randao.to_bytes(32, "big")
        fields: list[rlp.Encodable] = [
            self.parent_hash,
            NO_OMMERS,
            seen.coinbase,
            self.state_root,
            self.transactions_root,
            self.receipts_root,
            self.bloom,
            0 if fork.has_prev_randao else seen.prev_randao,
            seen.number,
            seen.gas_limit,
            self.gas_used,
            seen.timestamp,
            b"",
            chance if fork.has_prev_randao else bytes(32),
            bytes(8),
        ]
        if fork.has_dynamic_fee:
            fields.append(seen.base_fee)
        if has_withdrawals(fork):
            fields.append(EMPTY_ROOT)
        if fork.has_blobs:
            fields += [self.blob_gas_used, self.excess_blob_gas, bytes(32)]
        if fork.has_requests:
            fields.append(NO_REQUESTS)
        return fields

    def encode(self, fork: Fork) -> bytes:
        """The bytes that are hashed."""
        return rlp.encode(self.items(fork))


def has_withdrawals(fork: Fork) -> bool:
    """Whether blocks have a list of withdrawals (EIP-4895)."""
    return fork.number >= SHANGHAI.number


def encode_body(header: bytes, transactions: list[bytes], fork: Fork) -> bytes:
    """The bytes of a whole block.

    Args:
        header: Encoded.
        transactions: Encoded; a typed one becomes a string in the list, a legacy one stays a list.
        fork: The block's.
    """
    listed = b"".join(raw if raw[0] >= 0xC0 else rlp.encode_bytes(raw) for raw in transactions)
    rest = b"\xc0" * (2 if has_withdrawals(fork) else 1)
    return rlp.wrap(header + rlp.wrap(listed) + rest)
