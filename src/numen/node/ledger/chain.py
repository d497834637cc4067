"""The blocks of a ledger in the shape that Ethereum's clients know.

A transaction has the events of everything that followed from it in its block, and succeeds if its
requests did, with the answers that they waited for there. Block 0 is what the ledger began with.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final, overload

from numen.base.codec import encode
from numen.evm import roots
from numen.evm import transaction as evm
from numen.evm.block import Block
from numen.evm.header import Header
from numen.evm.message import Log
from numen.evm.transition import Receipt as Came
from numen.ledger import tariff, unsigned
from numen.ledger.archive import Archive, What, logs_of, wake_id
from numen.ledger.block import NO_BLOCK, block_id
from numen.ledger.block import Block as LedgerBlock
from numen.ledger.ethereum import FORK, Admit, admit
from numen.ledger.ledger import Ledger
from numen.ledger.messages import NOBODY
from numen.ledger.receipts import Receipt
from numen.ledger.transactions import MARK, Admitted
from numen.ledger.tree import Record, end
from numen.node.blocks import NO_BLOOM, Included, Sealed, Signed
from numen.node.logs import LogQuery, may_have

WORK_MAX: Final = 10**8
"""Most work units of a transaction, which is also what blocks give as their gas limit."""

KEPT_MAX: Final = 256
"""Most blocks that are kept in memory."""


class LedgerChain:
    """The blocks of a ledger; a `surface.Chain`.

    Args:
        ledger: Whose.
        archive: Where they lie.
        genesis: Root of the state that the ledger began with.
        price: Coins a unit of work, from which clients work out what to offer at block 0.
        admit: Reads transactions.
        begun_s: The time of block 0, where it is known.

    Attributes:
        fork: Which fields blocks and transactions have.
    """

    def __init__(
        self,
        ledger: Ledger,
        archive: Archive,
        genesis: bytes,
        price: int,
        admit: Admit = admit,
        begun_s: int = 0,
    ) -> None:
        self.fork = FORK
        self._ledger, self._archive = ledger, archive
        self._genesis, self._price, self._admit = genesis, price, admit
        self._begun_s = begun_s
        self._kept: OrderedDict[int, Sealed] = OrderedDict()

    @property
    def chain_id(self) -> int:
        """Number of the ledger."""
        return self._ledger.chain

    @property
    def latest(self) -> Sealed:
        """The last block."""
        return self.at(self._ledger.height)

    @property
    def blocks(self) -> "Blocks":
        """All blocks, read when they are asked for."""
        return Blocks(self, self._ledger.height + 1)

    def by_number(self, number: int) -> Sealed | None:
        """A block, if there is one."""
        return self.at(number) if 0 <= number <= self._ledger.height else None

    def by_hash(self, block_hash: bytes) -> Sealed | None:
        """A block, if there is one."""
        if block_hash == NO_BLOCK:
            return self.at(0)
        place = self._archive.place(block_hash)
        return self.at(place.height) if place is not None and place.what is What.BLOCK else None

    def holding(self, tx_hash: bytes) -> tuple[Sealed, int] | None:
        """The block that a transaction is in, and its place there."""
        place = self._archive.place(tx_hash)
        if place is None or place.what is not What.TRANSACTION:
            return None
        return self.at(place.height), place.index

    def between(self, first: int, last: int, query: LogQuery) -> Iterator[Sealed]:
        """Blocks of a range whose filters let a query through.

        Cost: about a microsecond for each block with events.
        """
        masks = query.masks()
        for height, bloom in self._archive.filters(first, last):
            if may_have(bloom, masks):
                yield self.at(height)

    def forget_machines(self) -> None:
        """Nothing here is spoilt by a call that is interrupted."""

    def at(self, height: int) -> Sealed:
        """The block of a height that there is."""
        found = self._kept.get(height)
        if found is None:
            found = self._kept[height] = self._read(height)
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return found

    def _read(self, height: int) -> Sealed:
        block = self._archive.block(height) if height else None
        if block is None:
            seen = Block(
                timestamp=self._begun_s, gas_limit=WORK_MAX, base_fee=self._price,
                chain_id=self.chain_id,
            )  # fmt: skip
            header = Header(seen, NO_BLOCK, self._genesis)
            return Sealed(header, (), NO_BLOCK, header.encode(FORK), 0, 0, 0)
        return present(block, self._archive.receipts(height), self._admit)


class Blocks(Sequence[Sealed]):
    """Blocks by number, read when they are asked for."""

    def __init__(self, chain: LedgerChain, count: int) -> None:
        self._chain, self._count = chain, count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Sealed: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sealed]: ...

    def __getitem__(self, index: int | slice) -> Sealed | list[Sealed]:
        heights = range(self._count)[index]
        if isinstance(heights, range):
            return [self._chain.at(height) for height in heights]
        return self._chain.at(heights)


def present(block: LedgerBlock, receipts: Sequence[Receipt], admit: Admit = admit) -> Sealed:
    """Write a block, and what became of its messages, as one of Ethereum.

    Cost: that of the signatures of its transactions.
    """
    header = block.header
    admitted = [admit(raw, header.chain) for raw in block.transactions]
    shares = _shares({each.id for each in admitted}, receipts)
    parts = [
        (_signed(raw, each), _came(each, shares.get(each.id, []), header.price))
        for raw, each in zip(block.transactions, admitted, strict=True)
    ]
    woken = shares.get(b"")
    if woken:
        parts.append((_wake(header.chain, header.height), _came_of_wake(woken)))
    included, gas, logs, bloom = list[Included](), 0, 0, 0
    for signed, came in parts:
        gas += came.gas_used
        own = roots.logs_bloom(came.logs) if came.logs else NO_BLOOM
        included.append(Included(signed, came, gas, logs, own))
        logs += len(came.logs)
        bloom |= int.from_bytes(own, "big")
    head = Header(
        Block(
            number=header.height,
            timestamp=header.time_ms // 1000,
            coinbase=header.maker,
            gas_limit=WORK_MAX,
            base_fee=header.price,
            chain_id=header.chain,
        ),
        header.parent,
        header.state,
        header.transactions,
        header.receipts,
        bloom.to_bytes(256, "big"),
        gas,
    )
    height = header.height
    return Sealed(
        head, tuple(included), block_id(header), encode(header), height, height - 1, bloom
    )


def _shares(ids: set[bytes], receipts: Sequence[Receipt]) -> dict[bytes, list[Receipt]]:
    """Receipts by the transaction of this block that they follow from; under nothing, the others.

    A message names what all began with, but one that had to wait began in an earlier block.
    """
    shares: dict[bytes, list[Receipt]] = {}
    for receipt in receipts:
        root = receipt.message.root
        shares.setdefault(root if root in ids else b"", []).append(receipt)
    return shares


def _came(admitted: Admitted, share: Sequence[Receipt], price: int) -> Came:
    record = Record(share)
    ends = [end(record, receipt) for receipt in share if receipt.message.cause == admitted.id]
    failed = next((one for one in ends if one.failure is not None), None)
    codes = admitted.transaction.codes
    work = sum(receipt.work for receipt in share)
    calls = admitted.transaction.calls
    output = b""
    if failed is not None and failed.failure is not None:
        output = failed.failure.data
    elif ends:
        output = ends[0].result
    return Came(
        success=failed is None,
        gas_used=work + tariff.CODE_BYTE_WORK * sum(len(code) for code in codes),
        logs=_logs(share),
        output=output,
        created=admitted.target(0) if calls and not calls[0].to else None,
        gas_price=admitted.priced(price).price,
    )


def _came_of_wake(share: Sequence[Receipt]) -> Came:
    return Came(success=True, gas_used=sum(receipt.work for receipt in share), logs=_logs(share))


def _logs(share: Sequence[Receipt]) -> tuple[Log, ...]:
    return tuple(log for receipt in share for log in logs_of(receipt))


def _signed(raw: bytes, admitted: Admitted) -> Signed:
    if raw[:1] == unsigned.MARK:
        return Signed(unsigned.read(raw)[0], admitted.sender, raw, admitted.id, True)
    tx = shown(raw, admitted) if raw[:1] == MARK else evm.decode(raw, FORK)
    return Signed(tx, admitted.sender, raw, admitted.id)


def shown(raw: bytes, admitted: Admitted) -> evm.Transaction:
    """A transaction in the ledger's own form as a client of Ethereum can be shown it.

    Of several calls it has the coins and the work of all, and the payload of the first.
    """
    asked = admitted.transaction
    first = asked.calls[0] if asked.calls else None
    signature = raw[-65:]
    return evm.Transaction(
        evm.Kind.LEGACY,
        chain_id=asked.chain,
        nonce=asked.nonce,
        max_fee=asked.price,
        max_priority_fee=asked.price,
        gas_limit=sum(call.work for call in asked.calls),
        to=None if first is not None and not first.to else (first.to if first else NOBODY),
        value=sum(int(call.value) for call in asked.calls),
        data=first.payload if first is not None else b"",
        v=35 + 2 * asked.chain + signature[64] - 27,
        r=int.from_bytes(signature[:32], "big"),
        s=int.from_bytes(signature[32:64], "big"),
    )


def _wake(chain: int, height: int) -> Signed:
    """What nobody signed: timers, late answers, and messages of earlier blocks."""
    tx = evm.Transaction(evm.Kind.LEGACY, chain_id=chain, nonce=height, to=NOBODY)
    return Signed(tx, NOBODY, tx.encode(), wake_id(height), is_impersonated=True)
