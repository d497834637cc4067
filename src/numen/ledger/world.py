"""The cells of a ledger over the authenticated state, and what a block changes in them.

Coins and nonces are accounts of the state, and what a contract wrote its slots. The ledger's own
entries of an address lie in the slots of another address, which follows from it and which no
contract can have, so that no contract writes them. Published code is the code of an address that
follows from its digest.
"""

from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from types import MappingProxyType
from typing import Final

from numen.base.codec import U256
from numen.base.crypto import keccak256
from numen.ledger import records
from numen.ledger.cell import Account, Cell, Timer
from numen.ledger.messages import Await
from numen.ledger.state.diff import (
    AccountChanges,
    BalanceChange,
    CodeChange,
    CountChange,
    Diff,
    SlotChange,
    SlotChanges,
)
from numen.ledger.state.kv import KV, Writes
from numen.ledger.state.state import State
from numen.ledger.state.tree import Prepared
from numen.vm.codes import CodeError, code_id, service_of
from numen.vm.host import Address, Key, Service, Slot

CELLS_MAX: Final = 100_000
"""Most cells that are kept in memory from one block to the next."""

SLOTS_MAX: Final = 1 << 18
"""Most slots of a cell that are kept so."""

_WORD_BYTES: Final = 32
_RECORDS: Final = b"\x0fnumen/records/1"
_LIBRARY: Final = b"\x0fnumen/library/1"


class World:
    """Cells in a `KV`.

    Args:
        kv: Where the state lies.
        accounts: What a state that is empty begins with.
        services: Codes that need not be published, by digest, the same for all lanes.

    Attributes:
        state: The authenticated state, as of the last block.
    """

    def __init__(
        self,
        kv: KV,
        accounts: Iterable[tuple[Address, Account]] = (),
        services: Mapping[bytes, Service] = MappingProxyType({}),
    ) -> None:
        self.kv = kv
        self.state = State(kv)
        self._cells: dict[Address, Cell] = {}
        self._touched: dict[Address, Cell] = {}
        self._codes: dict[bytes, bytes] = {}
        self._fixed = services
        self._services: dict[tuple[int, bytes], Service] = {}
        self._lock = Lock()
        self._prepared: tuple[Diff, Prepared] | None = None
        if self.state.tree.version == 0:
            self._begin(accounts)

    def cell(self, address: Address) -> Cell:
        """The cell of an address, which may change from now on."""
        cell = self._touched.get(address)
        if cell is None:
            cell = self._cells.get(address)
            if cell is None:
                cell = self._cells[address] = Cell(
                    address, _Stored(self.state, address, self._lock)
                )
            self._touched[address] = cell
        return cell

    def peek(self, address: Address) -> Account:
        """What an address has, for somebody who only looks."""
        cell = self._cells.get(address)
        return (
            cell.account if cell is not None else _Stored(self.state, address, self._lock).account()
        )

    def look(self, address: Address, version: int | None = None) -> "Looked":
        """What the last block, or an older version of the state, left of an address."""
        return Looked(self.state, address, self._lock, version)

    def code(self, digest: bytes) -> bytes:
        """A code that was published; empty where there is none."""
        with self._lock:
            return self.state.code(_library(digest))

    def publish(self, code: bytes) -> None:
        """Keep the code of a contract, by its digest."""
        self._codes[code_id(code)] = code

    def service(self, digest: bytes, lane: int = 0) -> Service | None:
        """A code ready to run; None where nobody published it, or it is no contract.

        Args:
            digest: Of the code.
            lane: Services of one lane are used by one thread at a time.
        """
        found = self._fixed.get(digest) or self._services.get((lane, digest))
        if found is None:
            with self._lock:
                code = self._codes.get(digest) or self.state.code(_library(digest))
            if not code:
                return None
            try:
                found = self._services[lane, digest] = service_of(code)
            except CodeError:
                return None
        return found

    def last(self, address: Address) -> Account:
        """What an address had after the last block, whatever the present one does."""
        return _Stored(self.state, address, self._lock).account()

    def root(self) -> bytes:
        """Commit to the cells as they are now; 32 bytes."""
        accounts = tuple(self._changes())
        prepared = self.state.prepare(accounts)
        diff = Diff(self.state.root, prepared.version.root, 1, accounts)
        self._prepared = (diff, prepared)
        return diff.post_root

    def diff(self) -> Diff:
        """What the present block changed, as of the last `root` or `adopt`."""
        if self._prepared is None:
            self.root()
        assert self._prepared is not None
        return self._prepared[0]

    def adopt(self, diff: Diff) -> None:
        """Let the present block be what a diff says, instead of what is carried out.

        Raises:
            DiffError: It breaks its form.
            RootMismatchError: It is for another state, or does not end where it says.
        """
        prepared = self.state.follow(diff)
        self.abandon()
        self._cells.clear()
        self._prepared = (diff, prepared)

    def settle(self, also: Writes = ()) -> Diff:
        """Keep what the present block changed, at once and for good.

        Args:
            also: Records of the node to be written in the same batch.

        Returns:
            What changed.

        Raises:
            StorageError: The disk refuses; nothing was written.
        """
        diff = self.diff()
        assert self._prepared is not None
        self.state.commit(diff, self._prepared[1], also)
        for cell in self._touched.values():
            cell.settle()
        self._end()
        return diff

    def record(self, name: bytes) -> bytes:
        """A record that was kept beside the state; empty where there is none."""
        return self.kv.get(name) or b""

    def abandon(self) -> None:
        """Forget the block."""
        for cell in self._touched.values():
            cell.abandon()
        for lane, digest in list(self._services):
            if digest in self._codes:
                del self._services[lane, digest]
        self._end()

    def _end(self) -> None:
        for address, cell in self._touched.items():
            if len(cell.slots) > SLOTS_MAX:
                self._cells.pop(address, None)
        self._touched.clear()
        self._codes.clear()
        self._prepared = None
        if len(self._cells) > CELLS_MAX:
            self._cells.clear()

    def _begin(self, accounts: Iterable[tuple[Address, Account]]) -> None:
        for address, account in accounts:
            self.cell(address).account = account
        if self._touched:
            self.settle()

    def _changes(self) -> Iterator[AccountChanges]:
        found: dict[Address, AccountChanges] = {}
        for address, cell in self._touched.items():
            found.update(_cell_changes(address, cell))
        for digest, code in self._codes.items():
            address = _library(digest)
            found[address] = AccountChanges(address, codes=(CodeChange(0, code),))
        for address in sorted(found):
            yield found[address]


class _Stored:
    """A cell as the last block left it; a `Below`. Several threads may read at a time."""

    def __init__(
        self, state: State, address: Address, lock: Lock, version: int | None = None
    ) -> None:
        self._state = state
        self._address = address
        self._lock = lock
        self._version = version
        self._records = keccak256(_RECORDS, address)[:20]

    def account(self) -> Account:
        with self._lock:
            found = self._state.account(self._address, self._version)
        return records.read_about(self._record(records.ABOUT), found.balance, found.nonce)

    def slot(self, key: Key) -> Slot:
        with self._lock:
            raw = self._state.slot(self._address, key.to_bytes(_WORD_BYTES, "big"), self._version)
        return int.from_bytes(raw, "big")

    def sent(self, target: Address) -> int:
        return records.read_count(self._record(records.SENT + target))

    def received(self, source: Address) -> int:
        return records.read_count(self._record(records.RECEIVED + source))

    def awaited(self, request: bytes) -> Await | None:
        return records.read_await(self._record(records.AWAIT + request))

    def timer(self, key: Key) -> Timer | None:
        return records.read_timer(self._record(records.TIMER + key.to_bytes(_WORD_BYTES, "big")))

    def note(self, name: bytes) -> bytes:
        return self._record(records.NOTE + name)

    def _record(self, name: bytes) -> bytes:
        with self._lock:
            return self._state.slot(self._records, keccak256(name), self._version)


class Looked(_Stored):
    """What an address had, for somebody who only looks; also the `Slots` of its contract.

    Nothing is remembered of what is read.

    Attributes:
        taken_back: Always 0: nothing is written here.
    """

    taken_back: int = 0

    def load(self, key: Key) -> Slot:
        """What a slot held."""
        return self.slot(key)


def about_place(address: Address) -> tuple[Address, bytes]:
    """Where the state says what an address has beside coins: an address and a slot of it."""
    return keccak256(_RECORDS, address)[:20], keccak256(records.ABOUT)


def _cell_changes(address: Address, cell: Cell) -> Iterator[tuple[Address, AccountChanges]]:
    before, now = cell.before, cell.account
    balances = (BalanceChange(0, U256(now.balance)),) if now.balance != before.balance else ()
    nonces = (CountChange(0, now.nonce),) if now.nonce != before.nonce else ()
    slots = tuple(
        SlotChanges(key.to_bytes(_WORD_BYTES, "big"), (SlotChange(0, _bytes(value)),))
        for key, _, value in cell.slots.changed()
    )
    if balances or nonces or slots:
        yield address, AccountChanges(address, slots, balances=balances, nonces=nonces)
    kept = sorted((keccak256(name), raw) for name, raw in records.changed_records(cell))
    if kept:
        own = keccak256(_RECORDS, address)[:20]
        written = tuple(SlotChanges(slot, (SlotChange(0, raw),)) for slot, raw in kept)
        yield own, AccountChanges(own, written)


def _bytes(value: Slot) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _library(digest: bytes) -> Address:
    return keccak256(_LIBRARY, digest)[:20]
