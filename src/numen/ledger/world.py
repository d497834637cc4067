"""The cells of a ledger over the authenticated state, and what a block changes in them.

What lies where is said in `numen.ledger.stored`. Published code is the code of an address that
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
from numen.ledger.cell import Account, Cell
from numen.ledger.founding import Custodians, founding_of
from numen.ledger.messages import NOBODY
from numen.ledger.sealed.charter import NOTE as CHARTER
from numen.ledger.sealed.charter import Charter, read_charter, write_charter
from numen.ledger.sealed.errors import MissingKeysError, StaleStateError
from numen.ledger.sealed.guard import Guard
from numen.ledger.sealed.keyring import Keyring, Secrets
from numen.ledger.stakes import BONDS, LOSSES, Bond, Stakes, pledges, read_losses, write_bonds
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
from numen.ledger.stored import WORD_BYTES, Looked, Stored, records_of
from numen.ledger.transactions import Admitted
from numen.vm.codes import CodeError, code_id, has_private_state, service_of
from numen.vm.host import Address, Service, Slot

CELLS_MAX: Final = 100_000
"""Most cells that are kept in memory from one block to the next."""

SLOTS_MAX: Final = 1 << 18
"""Most slots of a cell that are kept so."""

_LIBRARY: Final = b"\x0fnumen/library/1"


class World:
    """Cells in a `KV`.

    Args:
        kv: Where the state lies.
        accounts: What a state that is empty begins with.
        services: Codes that need not be published, by digest, the same for all lanes.
        keys: Of contracts with private state; who carries out blocks has all of them.
        custodians: Who has to have the keys of a contract before it is created; None where this
            node decides alone.
        bonds: What those who vote have at stake when a state that is empty begins.
        root: Of the state that must be there, from a certificate or another memory than this disk;
            None to take what is there.

    Attributes:
        state: The authenticated state, as of the last block.
        services: The same.
        keys: The same.
        custodians: The same.

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
        custodians: Custodians | None = None,
        bonds: Iterable[Bond] = (),
    ) -> None:
        self.kv = kv
        self.state = State(kv)
        self.keys = keys if keys is not None else Keyring()
        self.custodians = custodians
        self._begun: dict[Address, Secrets] = {}
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
            self._begin(accounts, write_bonds(bonds))

    def cell(self, address: Address) -> Cell:
        """The cell of an address, which may change from now on.

        Raises:
            MissingKeysError: It is of a contract with private state, whose keys are not here.
        """
        cell = self._touched.get(address)
        if cell is None:
            if (cell := self._cells.get(address)) is None:
                secrets = self._secrets(address)
                below = self._stored(address, secrets)
                cell = self._cells[address] = Cell(address, below, secrets)
            self._touched[address] = cell
        return cell

    def stakes(self) -> Stakes | None:
        """Bonds, as the last block left them; None where nobody has one."""
        own = self._stored(NOBODY)
        raw = own.note(BONDS)
        return Stakes(pledges(raw), read_losses(own.note(LOSSES))) if raw else None

    def charter(self, address: Address) -> Charter | None:
        """What everybody may know of a contract's keys; None where nothing of it is private."""
        raw = self._stored(address).note(CHARTER)
        return read_charter(raw) if raw else None

    def is_locked(self, address: Address) -> bool:
        """Whether a contract has private state, and its keys are not here."""
        charter = self.charter(address)
        return charter is not None and self.keys.fitting(address, charter) is None

    def check_founding(self, admitted: Admitted) -> None:
        """See that the nodes have the keys of those contracts that a transaction would create.

        Raises:
            FoundingError: Too few have them: nobody may create the contract.
        """
        for contract, is_private in self._creations(admitted):
            if is_private:
                self._point(admitted, contract)

    def entrust(self, admitted: Admitted) -> None:
        """Have the keys of those contracts that a transaction is about to create.

        Raises:
            FoundingError: Too few nodes have them: nobody may create the contract.
            MissingKeysError: They are not here, or nowhere.
        """
        for contract, is_private in self._creations(admitted):
            for known in (self._cells, self._touched, self._guards, self._begun):
                known.pop(contract, None)
            if is_private:
                found = self.keys.begin(contract, self._point(admitted, contract))
                if found is None:
                    raise MissingKeysError(contract)
                self._begun[contract] = found

    def _creations(self, admitted: Admitted) -> Iterator[tuple[Address, bool]]:
        """The contracts that a transaction would create, and whether something is private there."""
        calls = admitted.transaction.calls
        creating = [index for index, call in enumerate(calls) if not call.to]
        own = {code_id(code): code for code in admitted.transaction.codes if creating}
        for index in creating:
            contract = admitted.target(index)
            if not self.last(contract).code:
                digest = calls[index].payload[:WORD_BYTES]
                code = own.get(digest) or self._codes.get(digest) or self.code(digest)
                yield contract, has_private_state(code)

    def _point(self, admitted: Admitted, contract: Address) -> bytes:
        """The commitment to the secret that its nodes have; empty where this node decides alone."""
        if self.custodians is None:
            return b""
        founding, stakes = founding_of(admitted, contract), self.stakes()
        outcasts = stakes.outcasts if stakes is not None else frozenset[Address]()
        self.custodians.check(founding, contract, outcasts)
        return founding.commitments[0]

    def _secrets(self, address: Address) -> Secrets | None:
        """The secrets of a contract that is there, or is just being created."""
        if not self._stored(address).account().code:
            return self._begun.get(address)
        charter = self.charter(address)
        if charter is None:
            return None
        found = self.keys.fitting(address, charter)
        if found is None:
            raise MissingKeysError(address)
        return found

    def peek(self, address: Address) -> Account:
        """What an address has, for somebody who only looks."""
        cell = self._cells.get(address)
        return cell.account if cell is not None else self._stored(address).account()

    def look(
        self, address: Address, version: int | None = None, *, is_open: bool = False
    ) -> Looked:
        """What the last block, or an older version of the state, left of an address.

        Args:
            address: Whose.
            version: Of the state.
            is_open: Whether the contract itself looks, to whom private slots are open, in the last.

        Raises:
            MissingKeysError: They are to be open, and their keys are not here.
        """
        charter = self.charter(address) if is_open else None
        secrets = self.keys.fitting(address, charter) if charter else None
        if charter and not secrets:
            raise MissingKeysError(address)
        guard = self._guard(secrets) if secrets else None
        return Looked(self.state, address, self._lock, guard, version)

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

    def changed(self) -> Iterator[Cell]:
        """Cells that the present block may have changed, by rising address."""
        for address in sorted(self._touched):
            yield self._touched[address]

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
        self.state.commit(diff, self._prepared[1], [*also, *self.keys.kept(self.turned())])
        self._root = diff.post_root
        for cell in self._touched.values():
            cell.settle()
            if cell.secrets is not None:
                self._guards[cell.address].settle()
        self._follow(diff)
        self._end()
        return diff

    def turned(self) -> dict[Address, Secrets]:
        """Contracts whose keys begin with the present block, as of the last `root`, and those."""
        return {
            address: self._guards[address].sealing
            for address, cell in self._touched.items()
            if cell.secrets is not None
            and any(name == CHARTER for name, _, _ in cell.notes.changed())
        }

    def reread(self, keys: Keyring) -> None:
        """Take what is kept now, and the keys for it: somebody put back what was there before."""
        self.keys = keys
        self.state = State(self.kv)
        self._root = self.state.root
        self._guards.clear()
        self._cells.clear()
        self._touched.clear()
        self._codes.clear()
        self._prepared = None
        kept = self._services.items()
        self._services = {name: one for name, one in kept if self.code(name[1])}

    def _follow(self, diff: Diff) -> None:
        """Let keys go whose epoch ended in a block that was adopted, or have those that follow."""
        written = {account.address for account in diff.accounts}
        for contract in self.keys.contracts():
            if records_of(contract) not in written:
                continue
            charter = self.charter(contract)
            secrets = self.keys.fitting(contract, charter) if charter is not None else None
            if secrets is not None:
                self.keys.keep_only(secrets)
            guard = self._guards.get(contract)
            if guard is not None and not guard.is_of(secrets):
                del self._guards[contract]
                self._cells.pop(contract, None)

    def record(self, name: bytes) -> bytes:
        """A record that was kept beside the state; empty where there is none."""
        return self.kv.get(name) or b""

    def abandon(self) -> None:
        """Forget the block."""
        for cell in self._touched.values():
            cell.abandon()
            if cell.secrets is not None:
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
        self._begun.clear()
        self._codes.clear()
        self._prepared = None
        if len(self._cells) > CELLS_MAX:
            self._cells.clear()

    def _stored(self, address: Address, secrets: Secrets | None = None) -> Stored:
        guard = self._guard(secrets) if secrets is not None else None
        return Stored(self.state, address, self._lock, guard)

    def _guard(self, secrets: Secrets) -> Guard:
        contract = secrets.keys.contract
        guard = self._guards.get(contract)
        if guard is None or guard.secrets is not secrets:
            guard = self._guards[contract] = Guard(secrets, self.state, lambda: self._root)
        return guard

    def _begin(self, accounts: Iterable[tuple[Address, Account]], bonds: bytes) -> None:
        for address, account in accounts:
            self.cell(address).account = account
        if bonds:
            self.cell(NOBODY).notes.store(BONDS, bonds)
        if self._touched:
            self.settle()

    def _changes(self) -> Iterator[AccountChanges]:
        found: dict[Address, AccountChanges] = {}
        for address, cell in self._touched.items():
            guard = self._guards[address] if cell.secrets is not None else None
            found.update(_cell_changes(address, cell, guard))
        for digest, code in self._codes.items():
            address = _library(digest)
            found[address] = AccountChanges(address, codes=(CodeChange(0, code),))
        for address in sorted(found):
            yield found[address]


def _cell_changes(
    address: Address, cell: Cell, guard: Guard | None
) -> Iterator[tuple[Address, AccountChanges]]:
    before, now = cell.before, cell.account
    balances = (BalanceChange(0, U256(now.balance)),) if now.balance != before.balance else ()
    nonces = (CountChange(0, now.nonce),) if now.nonce != before.nonce else ()
    if guard is not None:
        guard.rotate(cell.salt)
    slots = _slot_changes(cell, guard)
    if guard is not None and cell.salt:
        cell.notes.store(CHARTER, write_charter(guard.sealing.charter(cell.salt)))
    if balances or nonces or slots:
        yield address, AccountChanges(address, slots, balances=balances, nonces=nonces)
    named = records.changed_records(cell)
    if guard is not None:
        named = _sealed_records(named, guard)
    kept = sorted((keccak256(name), raw) for name, raw in named)
    if kept:
        own = records_of(address)
        written = tuple(SlotChanges(slot, (SlotChange(0, raw),)) for slot, raw in kept)
        yield own, AccountChanges(own, written)


def _slot_changes(cell: Cell, guard: Guard | None) -> tuple[SlotChanges, ...]:
    """What the contract wrote; of private slots their cells."""
    changed = [(key, value) for key, _, value in cell.slots.changed()]
    private = [(key, value) for key, value in changed if guard is not None and key >= PRIVATE_FROM]
    public = changed[: len(changed) - len(private)]
    found = {key.to_bytes(WORD_BYTES, "big"): _bytes(value) for key, value in public}
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
