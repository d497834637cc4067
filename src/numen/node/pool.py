"""Transactions that wait for a block.

EvmError
└── PoolError              a transaction that the pool does not take
    ├── KnownError         it is there already
    ├── UnderpricedError   it pays too little more than the one whose place it would take
    ├── PoolFullError      there is no room
        └── TooBigError        it has too many bytes
"""

import heapq
from collections.abc import Callable, Iterator
from typing import Final

from numen.evm import fees
from numen.evm.errors import EvmError
from numen.node.blocks import Signed

POOL_MAX: Final = 16_384
"""Most transactions that wait."""

TX_BYTES_MAX: Final = 1 << 17
"""Longest transaction, as in geth."""

_BUMP_PERCENT: Final = 10
"""By how much more a transaction pays that takes another one's place, as in geth."""


class PoolError(EvmError):
    """The pool does not take a transaction."""


class KnownError(PoolError):
    """A transaction is in the pool, or in a block, already."""

    def __init__(self) -> None:
        super().__init__("already known")


class UnderpricedError(PoolError):
    """A transaction pays too little more than the one whose place it would take."""

    def __init__(self) -> None:
        super().__init__("replacement transaction underpriced")


class PoolFullError(PoolError):
    """The pool has no room."""

    def __init__(self) -> None:
        super().__init__("txpool is full")


class TooBigError(PoolError):
    """A transaction has too many bytes."""

    def __init__(self) -> None:
        super().__init__(f"oversized data: a transaction has at most {TX_BYTES_MAX} bytes")


class Pool:
    """Transactions by sender and nonce."""

    def __init__(self) -> None:
        self._by_sender: dict[bytes, dict[int, Signed]] = {}
        self._by_hash: dict[bytes, Signed] = {}
        # The order of arrival decides between equal tips.
        self._arrival: dict[bytes, int] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._by_hash)

    def __iter__(self) -> Iterator[Signed]:
        """All transactions, in the order of arrival."""
        return iter(self._by_hash.values())

    def get(self, tx_hash: bytes) -> Signed | None:
        """A transaction, if it waits."""
        return self._by_hash.get(tx_hash)

    def of(self, sender: bytes) -> dict[int, Signed]:
        """A sender's transactions by nonce."""
        return self._by_sender.get(sender, {})

    def add(self, signed: Signed) -> None:
        """Take a transaction.

        Raises:
            PoolError: It is there, pays too little to take another's place, or finds no room.
        """
        if signed.hash in self._by_hash:
            raise KnownError
        if len(signed.raw) > TX_BYTES_MAX:
            raise TooBigError
        before = self.of(signed.sender).get(signed.tx.nonce)
        if before is not None:
            if not _pays_more(signed, before):
                raise UnderpricedError
            self.drop(before.hash)
        if len(self) >= POOL_MAX:
            raise PoolFullError
        self._by_sender.setdefault(signed.sender, {})[signed.tx.nonce] = signed
        self._by_hash[signed.hash] = signed
        self._arrival[signed.hash] = self._count
        self._count += 1

    def drop(self, tx_hash: bytes) -> Signed | None:
        """Forget a transaction; gives it, if it was there."""
        signed = self._by_hash.pop(tx_hash, None)
        if signed is not None:
            del self._arrival[tx_hash]
            of_sender = self._by_sender[signed.sender]
            del of_sender[signed.tx.nonce]
            if not of_sender:
                del self._by_sender[signed.sender]
        return signed

    def clear(self) -> None:
        """Forget all."""
        for tx_hash in list(self._by_hash):
            self.drop(tx_hash)

    def copy(self) -> "Pool":
        """A pool of its own with the same transactions."""
        other = Pool()
        for signed in self:
            other.add(signed)
        return other

    def next_nonce(self, sender: bytes, nonce: int) -> int:
        """The first nonce from one on that no waiting transaction has."""
        waiting = self.of(sender)
        while nonce in waiting:
            nonce += 1
        return nonce

    def ready(self, nonce_of: Callable[[bytes], int], base_fee: int) -> list[Signed]:
        """Transactions in the order in which a block takes them.

        Those of one sender come by ascending nonce without a gap; among senders the highest tip
        comes first, then who came first.

        Args:
            nonce_of: The next nonce of an account.
            base_fee: Of the block; transactions that do not pay it are left out.
        """
        heads: list[tuple[int, int, Signed]] = []
        for sender in self._by_sender:
            self._push(heads, sender, nonce_of(sender), base_fee)
        found = []
        while heads:
            signed = heapq.heappop(heads)[2]
            found.append(signed)
            self._push(heads, signed.sender, signed.tx.nonce + 1, base_fee)
        return found

    def _push(
        self, heads: list[tuple[int, int, Signed]], sender: bytes, nonce: int, base_fee: int
    ) -> None:
        signed = self._by_sender[sender].get(nonce)
        if signed is not None and signed.tx.max_fee >= base_fee:
            tip = fees.gas_price(signed.tx, base_fee) - base_fee
            heapq.heappush(heads, (-tip, self._arrival[signed.hash], signed))


def _pays_more(new: Signed, old: Signed) -> bool:
    pairs = (
        (new.tx.max_fee, old.tx.max_fee),
        (new.tx.max_priority_fee, old.tx.max_priority_fee),
    )
    return all(more * 100 >= less * (100 + _BUMP_PERCENT) for more, less in pairs)
