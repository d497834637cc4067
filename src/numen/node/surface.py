"""What every kind of node shows to those who ask it: blocks, transactions that wait, filters, keys.

A node is pure: every request gives the time of day, and what it causes for others is left as
events.

    EvmError
    ├── NoKeyError             no key, and nobody is impersonated
    ├── TimestampError         a time before that of the last block
    └── TooManySnapshotsError  there is no room for another
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from numen.base.crypto import SigningKey
from numen.evm.block import Block
from numen.evm.errors import EvmError
from numen.evm.forks import Fork
from numen.evm.transaction import Transaction
from numen.node.blocks import Sealed, Signed
from numen.node.clock import Clock
from numen.node.filters import Filters, Kind
from numen.node.logs import LogQuery
from numen.node.pool import Pool
from numen.node.simulate import Call

TIP: Final = 10**9
"""Wei that a transaction gives the coinbase for a unit of gas, where it names no price."""


SNAPSHOTS_MAX: Final = 4_096
"""Most snapshots at a time."""


class NoKeyError(EvmError):
    """The node has no key of an account, and nobody impersonates it."""

    def __init__(self, address: bytes) -> None:
        super().__init__(f"no key of 0x{address.hex()}; unlock or impersonate it")


class TimestampError(EvmError):
    """A block would not be later than the one before it."""


class TooManySnapshotsError(EvmError):
    """There is no room for another snapshot."""

    def __init__(self) -> None:
        super().__init__(f"there are {SNAPSHOTS_MAX} snapshots already")


class SealedEvent(msgspec.Struct, frozen=True):
    """A block was sealed."""

    sealed: Sealed


class WaitingEvent(msgspec.Struct, frozen=True):
    """A transaction has come to wait."""

    signed: Signed


Event = SealedEvent | WaitingEvent


class Chain(Protocol):
    """Blocks, by number from 0 on, and by hash."""

    @property
    def fork(self) -> Fork:
        """Whose rules decide which fields blocks and transactions have."""

    @property
    def chain_id(self) -> int:
        """Number of the chain."""

    @property
    def latest(self) -> Sealed:
        """The last block."""

    @property
    def blocks(self) -> Sequence[Sealed]:
        """All blocks."""

    def by_number(self, number: int) -> Sealed | None:
        """A block, if there is one."""

    def by_hash(self, block_hash: bytes) -> Sealed | None:
        """A block, if there is one."""

    def holding(self, tx_hash: bytes) -> tuple[Sealed, int] | None:
        """The block that a transaction is in, and its place there."""

    def between(self, first: int, last: int, query: LogQuery) -> Iterable[Sealed]:
        """Blocks of a range, without some that surely have no log of a query."""

    def forget_machines(self) -> None:
        """Make machines anew, because one was interrupted."""


class Node(Protocol):
    """A chain and everything around it."""

    filters: Filters
    now_s: int

    @property
    def chain(self) -> Chain:
        """The blocks."""

    @property
    def pool(self) -> Pool:
        """Transactions that wait."""

    @property
    def keys(self) -> Mapping[bytes, SigningKey]:
        """Keys that it signs with, by address."""

    @property
    def coinbase(self) -> bytes:
        """Who gets the fees."""

    @property
    def told(self) -> Collection[Kind]:
        """What its clients can subscribe to."""

    @property
    def interval_s(self) -> int:
        """Seconds after which the next block comes by itself; 0 for none."""

    def take_events(self) -> list[Event]:
        """What has happened since the last time, for whoever listens."""

    def warm(self) -> None:
        """Make what every call needs, so that the first one need not wait for it."""

    def mine(self) -> Sealed:
        """Seal a block of what waits."""

    def next_block(self) -> Block:
        """What code of the next block would see if it were sealed now."""

    def open_block(self) -> Sealed:
        """The block that would be sealed now; it has no hash, and its roots are not worked out."""

    def nonce(self, address: bytes) -> int:
        """The next nonce of an account, as the last block left it."""

    def next_nonce(self, address: bytes) -> int:
        """The same behind the transactions that wait."""

    def read(self, raw: bytes) -> Signed:
        """Read a signed transaction from anyone.

        Raises:
            NumenError: It is none.
        """

    def sign(self, tx: Transaction, sender: bytes) -> Signed:
        """Sign with a key of the node.

        Raises:
            NoKeyError: There is no key.
        """

    def submit(self, signed: Signed) -> bytes:
        """Take a transaction; gives its hash.

        Raises:
            NumenError: No block may have it, or not next.
        """

    def estimate(self, call: Call) -> int:
        """Find a gas limit with which a call succeeds as things are.

        Raises:
            NumenError: There is none.
        """


class Played(Node, Protocol):
    """A node that tests play with: its time, its blocks and its accounts may be turned.

    A node that cannot be says so by an error of its own.
    """

    interval_s: int
    automine: bool
    impersonates_all: bool

    @property
    def clock(self) -> Clock:
        """How far its time is from the time of day."""

    @property
    def impersonated(self) -> set[bytes]:
        """Addresses that may send without a signature."""

    def set_next_timestamp(self, timestamp: int) -> None:
        """Choose the next block's time.

        Raises:
            TimestampError: It is not later than the last block's.
        """

    def drop(self, tx_hashes: Iterable[bytes]) -> list[bytes]:
        """Forget transactions that wait; gives those that did."""

    def snapshot(self) -> int:
        """Name the present, so that `revert` can come back to it.

        Raises:
            TooManySnapshotsError: There are too many.
        """

    def revert(self, to: int) -> bool:
        """Come back to a snapshot, which ends it and those after it; whether it was there."""

    def reset(self, now_s: int) -> None:
        """Begin again."""

    def set_balance(self, address: bytes, coins: int) -> None:
        """Give an account so many coins, outside of any block."""

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Give an account a nonce, outside of any block."""

    def set_code(self, address: bytes, code: bytes) -> None:
        """Put code at an address, outside of any block."""

    def set_storage(self, address: bytes, key: int, value: int) -> None:
        """Write a word of an account's storage, outside of any block."""

    def balance(self, address: bytes) -> int:
        """Coins that an account has."""
