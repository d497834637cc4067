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
from numen.ir.host import PRIVATE_FROM
from numen.ledger import records
from numen.ledger.cell import Account, Cell, Timer
from numen.ledger.messages import Await
from numen.ledger.sealed.errors import EpochError, StaleStateError
from numen.ledger.sealed.guard import Guard
from numen.ledger.sealed.keyring import Keyring
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
        keys: Of contracts with private state; who carries out blocks has all of them.
        root: Of the state that must be there, from a certificate or another memory than this disk;
            None to take what is there.

    Attributes:
        state: The authenticated state, as of the last block.
        services: The same.
        keys: The same.

    Raises:
        StaleStateError: Another state is there.
    """

    def __init__(
        self,
        kv: KV,
        accounts: Iterable[tuple[Address, Account]] = (),
        services: Mapping[bytes, Service] = MappingProxyType({}),
        keys: Keyring | None = None,
        root: bytes | None = None,
    ) -> None:
        self.kv = kv
        self.state = State(kv)
        self.keys = keys if keys is not None else Keyring()
        self._root = self.state.root
        if root is not None and root != self._root:
            raise StaleStateError(f"its root is 0x{self._root.hex()}")
        self._guards: dict[Address, Guard] = {}
        self._cells: dict[Address, Cell] = {}
        self._touched: dict[Address, Cell] = {}
        self._codes: dict[bytes, bytes] = {}
        self.services = services
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
                stored = self._stored(address)
                cell = self._cells[address] = Cell(address, stored, self.keys.of(address))
            self._touched[address] = cell
        return cell

    def peek(self, address: Address) -> Account:
        """What an address has, for somebody who only looks."""
        cell = self._cells.get(address)
        return cell.account if cell is not None else self._stored(address).account()

    def look(self, address: Address, version: int | None = None) -> "Looked":
        """What the last block, or an older version of the state, left of an address."""
        return Looked(self.state, address, self._lock, None, version)

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
        found = self.services.get(digest) or self._services.get((lane, digest))
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
        return self._stored(address).account()

    def root(self) -> bytes:
        """Commit to the cells as they are now; 32 bytes."""
        for address, guard in self._guards.items():
            if guard.is_rotating:
                self.cell(address)
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
            EpochError: The keys of a contract are about to change here, which a diff does not tell.
        """
        if any(guard.is_rotating for guard in self._guards.values()):
            raise EpochError("a block that begins an epoch of keys is carried out, not adopted")
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
        self._root = diff.post_root
        for cell in self._touched.values():
            cell.settle()
            if cell.address in self._guards:
                self._guards[cell.address].settle()
        self._end()
        return diff

    def rotate(self, contract: Address, fresh: bytes) -> None:
        """Let the next block begin an epoch of a contract's keys, and forget the old ones with it.

        Every node that carries that block out does the same before it; else their roots differ.
        Requests that are sealed for the old epoch fail from the block after.

        Args:
            contract: Whose keys.
            fresh: 32 bytes of randomness, the same for all.

        Raises:
            EpochError: The keys are not here, or the contract waits for answers, as variables that
                it saved could not be read then.
        """
        guard = self._guard(contract)
        if guard is None:
            raise EpochError("the keys of the contract are not here")
        if self.cell(contract).account.awaits:
            raise EpochError("the contract waits for answers: let them come first")
        guard.rotate(fresh)

    def record(self, name: bytes) -> bytes:
        """A record that was kept beside the state; empty where there is none."""
        return self.kv.get(name) or b""

    def abandon(self) -> None:
        """Forget the block."""
        for cell in self._touched.values():
            cell.abandon()
            if cell.address in self._guards:
                self._guards[cell.address].abandon()
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

    def _stored(self, address: Address) -> "_Stored":
        return _Stored(self.state, address, self._lock, self._guard(address))

    def _guard(self, address: Address) -> Guard | None:
        secrets = self.keys.of(address)
        if secrets is None:
            return None
        if address not in self._guards:
            self._guards[address] = Guard(secrets, self.state, lambda: self._root)
        return self._guards[address]

    def _begin(self, accounts: Iterable[tuple[Address, Account]]) -> None:
        for address, account in accounts:
            self.cell(address).account = account
        if self._touched:
            self.settle()

    def _changes(self) -> Iterator[AccountChanges]:
        found: dict[Address, AccountChanges] = {}
        for address, cell in self._touched.items():
            found.update(_cell_changes(address, cell, self._guard(address)))
        for digest, code in self._codes.items():
            address = _library(digest)
            found[address] = AccountChanges(address, codes=(CodeChange(0, code),))
        for address in sorted(found):
            yield found[address]


class _Stored:
    """A cell as the last block left it; a `Below`. Several threads may read at a time."""

    def __init__(
        self,
        state: State,
        address: Address,
        lock: Lock,
        guard: Guard | None,
        version: int | None = None,
    ) -> None:
        self._state = state
        self._address = address
        self._lock = lock
        self._guard = guard
        self._version = version
        self._records = keccak256(_RECORDS, address)[:20]

    def account(self) -> Account:
        with self._lock:
            found = self._state.account(self._address, self._version)
        return records.read_about(self._record(records.ABOUT), found.balance, found.nonce)

    def slot(self, key: Key) -> Slot:
        with self._lock:
            if self._guard is not None and key >= PRIVATE_FROM:
                return self._guard.load(key)
            raw = self._state.slot(self._address, key.to_bytes(_WORD_BYTES, "big"), self._version)
        return int.from_bytes(raw, "big")

    def sent(self, target: Address) -> int:
        return records.read_count(self._record(records.SENT + target))

    def received(self, source: Address) -> int:
        return records.read_count(self._record(records.RECEIVED + source))

    def awaited(self, request: bytes) -> Await | None:
        name = records.AWAIT + request
        raw = self._record(name)
        if self._guard is not None:
            raw = self._guard.secrets.open_record(name, raw)
        return records.read_await(raw)

    def timer(self, key: Key) -> Timer | None:
        return records.read_timer(self._record(records.TIMER + key.to_bytes(_WORD_BYTES, "big")))

    def note(self, name: bytes) -> bytes:
        return self._record(records.NOTE + name)

    def _record(self, name: bytes) -> bytes:
        with self._lock:
            return self._state.slot(self._records, keccak256(name), self._version)


class Looked(_Stored):
    """What an address had, for somebody who only looks; also the `Slots` of its contract.

    Nothing is remembered of what is read, and private slots stay closed: a contract that has some
    refuses to run on it.

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


def _cell_changes(
    address: Address, cell: Cell, guard: Guard | None
) -> Iterator[tuple[Address, AccountChanges]]:
    before, now = cell.before, cell.account
    balances = (BalanceChange(0, U256(now.balance)),) if now.balance != before.balance else ()
    nonces = (CountChange(0, now.nonce),) if now.nonce != before.nonce else ()
    slots = _slot_changes(cell, guard)
    if balances or nonces or slots:
        yield address, AccountChanges(address, slots, balances=balances, nonces=nonces)
    named = records.changed_records(cell)
    if guard is not None:
        named = _sealed_records(named, guard)
    kept = sorted((keccak256(name), raw) for name, raw in named)
    if kept:
        own = keccak256(_RECORDS, address)[:20]
        written = tuple(SlotChanges(slot, (SlotChange(0, raw),)) for slot, raw in kept)
        yield own, AccountChanges(own, written)


def _slot_changes(cell: Cell, guard: Guard | None) -> tuple[SlotChanges, ...]:
    """What the contract wrote; of private slots their cells."""
    changed = [(key, value) for key, _, value in cell.slots.changed()]
    private = [(key, value) for key, value in changed if guard is not None and key >= PRIVATE_FROM]
    public = changed[: len(changed) - len(private)]
    found = {key.to_bytes(_WORD_BYTES, "big"): _bytes(value) for key, value in public}
    if guard is not None and (private or guard.is_rotating):
        found |= guard.seal(private)
    return tuple(SlotChanges(name, (SlotChange(0, found[name]),)) for name in sorted(found))


def _sealed_records(
    named: Iterable[tuple[bytes, bytes]], guard: Guard
) -> Iterator[tuple[bytes, bytes]]:
    """Records of the ledger, those with a contract's variables in them sealed."""
    for name, raw in named:
        is_frame = name.startswith(records.AWAIT)
        yield name, guard.sealing.seal_record(name, raw) if is_frame else raw


def _bytes(value: Slot) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _library(digest: bytes) -> Address:
    return keccak256(_LIBRARY, digest)[:20]
