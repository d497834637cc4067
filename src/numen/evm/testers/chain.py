"""A chain of blocks for tests: headers with true hashes, a state for every block, one open block.

Nobody agrees on anything here and nothing is mined: a block is sealed when it is asked for.
"""

from typing import Final

import msgspec

from numen.base.crypto import keccak256
from numen.evm import blobs, fees, roots
from numen.evm.block import ZERO_ADDRESS, Block
from numen.evm.errors import EvmError
from numen.evm.evm import EVM
from numen.evm.forks import BLOCK_HASHES_MAX, Fork, fork
from numen.evm.header import Header, encode_body
from numen.evm.results import Outcome
from numen.evm.state import State
from numen.evm.transaction import Transaction
from numen.evm.trie import root_of_list

CHAIN_ID: Final = 131277322940537
"""The chain that eth-tester makes."""

GAS_LIMIT: Final = 30_029_122
"""Of every block, as in eth-tester."""

FIRST_BASE_FEE: Final = 10**9
"""Wei; of the first block."""


class UnknownBlockError(EvmError):
    """There is no such block."""


class Included(msgspec.Struct, frozen=True):
    """A transaction in a block.

    Attributes:
        tx: The transaction.
        sender: Who signed it.
        outcome: What it came to.
        gas_before: Gas used by the transactions before it.
        logs_before: How many logs they left.
    """

    tx: Transaction
    sender: bytes
    outcome: Outcome
    gas_before: int = 0
    logs_before: int = 0

    @property
    def gas_after(self) -> int:
        """Gas used up to its end."""
        return self.gas_before + self.outcome.gas_used


class Sealed(msgspec.Struct, frozen=True):
    """A block, sealed or open.

    Attributes:
        block: What code sees of it.
        parent_hash: 32 bytes.
        included: Its transactions.
        excess_blob_gas: For the price of blobs.
        state: The accounts after it; never to be changed.
        state_root: Of these.
        hash: Of its header; empty while it is open.
        size: Bytes of it.
    """

    block: Block
    parent_hash: bytes
    included: tuple[Included, ...]
    excess_blob_gas: int
    state: State
    state_root: bytes
    hash: bytes = b""
    size: int = 0

    @property
    def gas_used(self) -> int:
        """Gas of all its transactions."""
        return self.included[-1].gas_after if self.included else 0

    @property
    def blob_gas_used(self) -> int:
        """Blob gas of all its transactions."""
        return sum(len(each.tx.blob_hashes) for each in self.included) * 2**17

    @property
    def transactions_root(self) -> bytes:
        """Of its transactions."""
        return root_of_list([each.tx.encode() for each in self.included])

    @property
    def receipts_root(self) -> bytes:
        """Of their receipts."""
        return root_of_list([_receipt(each) for each in self.included])

    @property
    def bloom(self) -> bytes:
        """The filter of all their logs."""
        return roots.logs_bloom(log for each in self.included for log in each.outcome.logs)


def _receipt(each: Included) -> bytes:
    outcome = each.outcome
    return roots.encode_receipt(each.tx.kind, int(outcome.success), each.gas_after, outcome.logs)


class Chain:
    """Sealed blocks, and the open one after them."""

    def __init__(self, state: State, fork_name: str, engine: str, timestamp: int) -> None:
        """Start with a first block that has some accounts.

        Args:
            state: The accounts.
            fork_name: Whose rules hold in every block.
            engine: A name in `engines.ENGINES`.
            timestamp: Of the first block, in seconds since 1970.
        """
        self.fork: Fork = fork(fork_name)
        self._engine = engine
        first = Block(
            number=0,
            timestamp=timestamp,
            gas_limit=GAS_LIMIT,
            base_fee=FIRST_BASE_FEE if self.fork.has_dynamic_fee else 0,
            chain_id=CHAIN_ID,
            blob_base_fee=1,
        )
        state = state.copy()
        open_block = Sealed(first, bytes(32), (), 0, state, state.root())
        self.blocks = [_sealed(open_block, self.fork)]
        self.places: dict[bytes, tuple[int, int]] = {}
        self._open()

    @property
    def latest(self) -> Sealed:
        """The last sealed block."""
        return self.blocks[-1]

    @property
    def pending(self) -> Sealed:
        """The open block."""
        latest = self.latest
        return Sealed(
            block=self.evm.block,
            parent_hash=latest.hash,
            included=tuple(self._included),
            excess_blob_gas=self._excess,
            state=self.evm.state,
            state_root=bytes(32),
        )

    def _open(self) -> None:
        """Open the block after the last sealed one, on a machine of its own."""
        self.evm = EVM(self.fork.name, self.latest.state, engine=self._engine)
        self._next()

    def _next(self) -> None:
        """Go on with the same machine in the next block."""
        latest, rules = self.latest, self.fork
        parent = latest.block
        self._included: list[Included] = []
        self._excess = 0
        if rules.has_blobs:
            used = latest.blob_gas_used
            self._excess = blobs.next_excess(latest.excess_blob_gas, used, rules, parent.base_fee)
        base_fee = 0
        if rules.has_dynamic_fee:
            base_fee = fees.next_base_fee(parent.base_fee, latest.gas_used, parent.gas_limit)
        hashes = dict(parent.block_hashes) | {parent.number: latest.hash}
        hashes.pop(parent.number - BLOCK_HASHES_MAX, None)
        self.evm.block = msgspec.structs.replace(
            parent,
            number=parent.number + 1,
            timestamp=parent.timestamp + 1,
            coinbase=ZERO_ADDRESS,
            # Chance that is none, so that a test that fails fails again.
            prev_randao=int.from_bytes(keccak256(latest.hash), "big"),
            base_fee=base_fee,
            blob_base_fee=blobs.blob_base_fee(self._excess, rules) if rules.has_blobs else 0,
            block_hashes=hashes,
        )

    def include(self, tx: Transaction, sender: bytes) -> Included:
        """Carry out a transaction in the open block.

        Raises:
            InvalidTransactionError: It may not be in it.
        """
        before = self._included[-1] if self._included else None
        outcome = self.evm.transact(tx, sender=sender)
        each = Included(
            tx,
            sender,
            outcome,
            before.gas_after if before else 0,
            before.logs_before + len(before.outcome.logs) if before else 0,
        )
        self.places[tx.hash()] = (self.evm.block.number, len(self._included))
        self._included.append(each)
        return each

    def seal(self, coinbase: bytes = ZERO_ADDRESS, timestamp: int | None = None) -> Sealed:
        """Seal the open block, and open the next.

        Args:
            coinbase: For its header; the fees went to the open block's.
            timestamp: Of the block, if it is not to be a second after its parent.
        """
        changes: dict[str, object] = {"coinbase": coinbase}
        if timestamp is not None:
            changes["timestamp"] = timestamp
        self.evm.set_block(**changes)
        root = self.evm.state.root()
        kept = msgspec.structs.replace(self.pending, state=self.evm.state.copy(), state_root=root)
        self.blocks.append(_sealed(kept, self.fork))
        self._next()
        return self.latest

    def rewind(self, block_hash: bytes) -> None:
        """Take away the open block and every block after one.

        Raises:
            UnknownBlockError: There is no such block.
        """
        number = self.by_hash(block_hash).block.number
        is_empty = number == self.latest.block.number and not self._included
        del self.blocks[number + 1 :]
        self.places = {tx: place for tx, place in self.places.items() if place[0] <= number}
        if not is_empty:
            self._open()

    def by_number(self, number: int) -> Sealed:
        """A sealed block.

        Raises:
            UnknownBlockError: There is no such block.
        """
        if not 0 <= number < len(self.blocks):
            raise UnknownBlockError(f"no block {number}")
        return self.blocks[number]

    def by_hash(self, block_hash: bytes) -> Sealed:
        """A sealed block.

        Raises:
            UnknownBlockError: There is no such block.
        """
        for sealed in reversed(self.blocks):
            if sealed.hash == block_hash:
                return sealed
        raise UnknownBlockError(f"no block 0x{block_hash.hex()}")

    def holding(self, tx_hash: bytes) -> tuple[Sealed, int] | None:
        """The block, perhaps the open one, that a transaction is in, and its place there."""
        place = self.places.get(tx_hash)
        if place is None:
            return None
        number, index = place
        return (self.blocks[number] if number < len(self.blocks) else self.pending), index

    def machine_at(self, sealed: Sealed) -> EVM:
        """A machine for calls on the state after a block, which sees that block."""
        if sealed is self.latest and not self._included:
            return self.evm.seeing(sealed.block)
        return EVM(self.fork.name, sealed.state, engine=self._engine, block=sealed.block)


def _sealed(block: Sealed, rules: Fork) -> Sealed:
    """Give a block its hash and size."""
    header = Header(
        block=block.block,
        parent_hash=block.parent_hash,
        state_root=block.state_root,
        transactions_root=block.transactions_root,
        receipts_root=block.receipts_root,
        bloom=block.bloom,
        gas_used=block.gas_used,
        blob_gas_used=block.blob_gas_used,
        excess_blob_gas=block.excess_blob_gas,
    ).encode(rules)
    whole = encode_body(header, [each.tx.encode() for each in block.included], rules)
    return msgspec.structs.replace(block, hash=keccak256(header), size=len(whole))
