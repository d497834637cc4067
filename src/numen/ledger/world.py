"""The cells of a ledger, and what a block changed in them."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from numen.base.codec import digest as digest_of
from numen.base.crypto import keccak256
from numen.ledger.cell import Account, Cell
from numen.ledger.records import changed_records
from numen.vm.codes import CodeError, code_id, service_of
from numen.vm.host import Address, Key, Service, Slot


class Changed(msgspec.Struct, frozen=True, gc=False):
    """What a block changed of one cell.

    Attributes:
        address: Whose.
        before: Its account when the block began.
        after: Its account when it ended.
        slots: Slots that differ: key, before, after; by rising key.
        records: Records of the ledger itself that differ: name, before, after; by rising name.
    """

    address: Address
    before: Account
    after: Account
    slots: tuple[tuple[Key, Slot, Slot], ...]
    records: tuple[tuple[bytes, bytes, bytes], ...]


class World:
    """Cells in memory.

    Args:
        accounts: What the first block begins with.
        services: Codes that need not be published, by digest.
    """

    def __init__(
        self,
        accounts: Iterable[tuple[Address, Account]] = (),
        services: Mapping[bytes, Service] = MappingProxyType({}),
    ) -> None:
        self._cells = {address: Cell(address, account) for address, account in accounts}
        self._touched: dict[Address, Cell] = {}
        self._root = bytes(32)
        self._codes: dict[bytes, bytes] = {}
        self._new_codes: list[bytes] = []
        self._services: dict[bytes, Service] = dict(services)

    def cell(self, address: Address) -> Cell:
        """The cell of an address, which may change from now on."""
        cell = self._touched.get(address)
        if cell is None:
            cell = self._cells.get(address)
            if cell is None:
                cell = self._cells[address] = Cell(address)
            self._touched[address] = cell
        return cell

    def peek(self, address: Address) -> Account:
        """What an address has, for somebody who only looks."""
        cell = self._cells.get(address)
        return cell.account if cell is not None else Account()

    def publish(self, code: bytes) -> None:
        """Keep the code of a contract, by its digest."""
        identity = code_id(code)
        if identity not in self._codes:
            self._codes[identity] = code
            self._new_codes.append(identity)

    def service(self, digest: bytes) -> Service | None:
        """A code ready to run; None where nobody published it, or it is no contract."""
        found = self._services.get(digest)
        if found is None and digest in self._codes:
            try:
                found = self._services[digest] = service_of(self._codes[digest])
            except CodeError:
                return None
        return found

    def root(self) -> bytes:
        """Commit to the cells as they are now; 32 bytes.

        Each root commits to the one before and to what changed since.
        """
        changed = b"".join(
            digest_of("numen/changed/1", write_changed(one)) for one in self._changes()
        )
        return keccak256(self._root, changed) if changed else self._root

    def settle(self) -> tuple[Changed, ...]:
        """Keep what the present block changed, and say what it was, by rising address."""
        self._root = self.root()
        found = tuple(self._changes())
        for cell in self._touched.values():
            cell.settle()
        self._touched.clear()
        self._new_codes.clear()
        return found

    def abandon(self) -> None:
        """Forget the block."""
        for cell in self._touched.values():
            cell.abandon()
        self._touched.clear()
        for identity in self._new_codes:
            del self._codes[identity]
            self._services.pop(identity, None)
        self._new_codes.clear()

    def _changes(self) -> Iterator[Changed]:
        for address in sorted(self._touched):
            changed = changes(self._touched[address])
            if changed is not None:
                yield changed


def write_changed(changed: Changed) -> bytes:
    """What a cell has become, in bytes that no other change has."""
    account = changed.after
    parts = [
        changed.address,
        account.balance.to_bytes(32, "big"),
        account.nonce.to_bytes(8, "big"),
        account.timers.to_bytes(8, "big"),
        account.awaits.to_bytes(8, "big"),
        len(account.code).to_bytes(1, "big"),
        account.code,
        len(changed.slots).to_bytes(8, "big"),
    ]
    for key, _, now in changed.slots:
        parts += (key.to_bytes(32, "big"), now.to_bytes(32, "big"))
    for name, _, value in changed.records:
        parts += (len(name).to_bytes(8, "big"), name, len(value).to_bytes(8, "big"), value)
    return b"".join(parts)


def changes(cell: Cell) -> Changed | None:
    """What the present block changed of a cell; None for nothing."""
    slots = tuple(cell.slots.changed())
    records = tuple(changed_records(cell))
    if not slots and not records and cell.account == cell.before:
        return None
    return Changed(cell.address, cell.before, cell.account, slots, records)
