"""What the code of a transaction can see of the block and the transaction it runs in."""

from collections.abc import Mapping

import msgspec

ZERO_ADDRESS = bytes(20)


class Block(msgspec.Struct, frozen=True):
    """The block that a transaction runs in.

    Attributes:
        number: Height of the chain.
        timestamp: Seconds since 1970.
        coinbase: 20 bytes, who gets the fees.
        gas_limit: Gas that all transactions of the block may use.
        prev_randao: A word of chance from the beacon chain; the difficulty before Paris.
        base_fee: Wei of a unit of gas that is burnt, from London on.
        chain_id: Which chain it is.
        blob_base_fee: Wei of a unit of blob gas, from Cancun on.
        block_hashes: Hashes, 32 bytes each, of blocks before this one by number. The machine
            shows code only the last 256; a missing one reads as zero.
    """

    number: int = 0
    timestamp: int = 0
    coinbase: bytes = ZERO_ADDRESS
    gas_limit: int = 0
    prev_randao: int = 0
    base_fee: int = 0
    chain_id: int = 1
    blob_base_fee: int = 0
    block_hashes: Mapping[int, bytes] = {}


class Context(msgspec.Struct, frozen=True):
    """What every frame of one transaction sees alike.

    Attributes:
        origin: 20 bytes, the sender of the transaction.
        gas_price: Wei it pays for a unit of gas.
        blob_hashes: Versioned hashes of its blobs, 32 bytes each.
    """

    origin: bytes = ZERO_ADDRESS
    gas_price: int = 0
    blob_hashes: tuple[bytes, ...] = ()
