"""What a transaction changes, kept so that any part of it can be undone.

Everything that a failed call takes back lies in dictionaries, and every change of one goes through
`_write`, which notes what was there before. A snapshot is the length of those notes; to revert is
to put back what they say, last first. Values that are only read from the source are cached without
a note: they are true on every path.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from numen.evm.forks import Fork
from numen.evm.message import Log
from numen.evm.state import AccountDiff, Change, Source, StateDiff

_ABSENT: Final = object()

_RIPEMD160: Final = (3).to_bytes(20, "big")
"""An account whose touch outlives its revert: block 2,675,119 deleted it so (EIP-161's history)."""


class Entry(msgspec.Struct, frozen=True):
    """An account without its storage."""

    nonce: int = 0
    balance: int = 0
    code: bytes = b""

    @property
    def is_empty(self) -> bool:
        """Whether EIP-161 counts it as no account."""
        return not (self.nonce or self.balance or self.code)


_EMPTY = Entry()


class Journal:
    """Accounts, storage and everything else that a transaction changes, over a source."""

    def __init__(self, fork: Fork, source: Source) -> None:
        self._fork = fork
        self._source = source
        self._notes: list[tuple[dict[Any, Any], Any, Any]] = []
        self._accounts: dict[bytes, Entry | None] = {}
        self._slots: dict[bytes, dict[int, int]] = {}
        # Accounts that were deleted once: the source's storage of them is not true any more.
        self._gone: set[bytes] = set()
        # Since the last take of a difference: what was there before, and whose storage was dropped.
        self._base_accounts: dict[bytes, Entry | None] = {}
        self._base_slots: dict[bytes, dict[int, int]] = {}
        self._wiped: set[bytes] = set()
        # Of one transaction.
        self._original: dict[tuple[bytes, int], int] = {}
        self._transient: dict[tuple[bytes, int], int] = {}
        self._warm: dict[bytes | tuple[bytes, int], bool] = {}
        self._logs: dict[int, Log] = {}
        self._refund: dict[None, int] = {}
        self._touched: dict[bytes, bool] = {}
        self._created: dict[bytes, bool] = {}
        self._destroyed: dict[bytes, bool] = {}

    # Transactions and snapshots.

    def begin(self) -> None:
        """Start a transaction; see `Substate.begin`."""
        self._notes.clear()
        for table in (self._original, self._transient, self._warm, self._logs, self._refund):
            table.clear()
        for marks in (self._touched, self._created, self._destroyed):
            marks.clear()

    def finish(self) -> None:
        """End it; see `Substate.finish`."""
        gone = list(self._destroyed)
        if self._fork.deletes_empty_accounts:
            gone += [address for address in self._touched if self.is_empty(address)]
        for address in gone:
            self._delete(address)
        self._notes.clear()

    def snapshot(self) -> int:
        """Name this moment."""
        return len(self._notes)

    def revert(self, to: int) -> None:
        """Undo everything since a moment of this transaction."""
        while len(self._notes) > to:
            table, key, before = self._notes.pop()
            if table is self._touched and key == _RIPEMD160:
                continue
            if before is _ABSENT:
                del table[key]
            else:
                table[key] = before

    def _write(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        self._notes.append((table, key, table.get(key, _ABSENT)))
        table[key] = value

    # Accounts.

    def _entry(self, address: bytes) -> Entry | None:
        if address not in self._accounts:
            found = self._source.account(address)
            self._accounts[address] = None if found is None else Entry(*found)
        return self._accounts[address]

    def _change(self, address: bytes, **fields: Any) -> None:
        before = self._entry(address)
        self._base_accounts.setdefault(address, before)
        after = msgspec.structs.replace(before or _EMPTY, **fields)
        self._write(self._accounts, address, after)
        if address not in self._touched:
            self._write(self._touched, address, True)

    def exists(self, address: bytes) -> bool:
        """Whether there is such an account, empty or not."""
        return self._entry(address) is not None

    def is_empty(self, address: bytes) -> bool:
        """Whether it counts as no account (EIP-161)."""
        return (self._entry(address) or _EMPTY).is_empty

    def nonce(self, address: bytes) -> int:
        """Transactions sent and contracts made."""
        return (self._entry(address) or _EMPTY).nonce

    def balance(self, address: bytes) -> int:
        """Wei."""
        return (self._entry(address) or _EMPTY).balance

    def code(self, address: bytes) -> bytes:
        """Its code."""
        return (self._entry(address) or _EMPTY).code

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Set the nonce; makes the account where there is none."""
        self._change(address, nonce=nonce)

    def set_balance(self, address: bytes, wei: int) -> None:
        """Set the balance; makes the account where there is none."""
        self._change(address, balance=wei)

    def add_balance(self, address: bytes, wei: int) -> None:
        """Add to the balance and touch the account; makes it where there is none."""
        # No chain has so much that it overflows, but a file may: then it wraps, as in native code.
        self._change(address, balance=(self.balance(address) + wei) % 2**256)

    def set_code(self, address: bytes, code: bytes) -> None:
        """Set the code; makes the account where there is none."""
        self._change(address, code=code)

    def has_collision(self, address: bytes) -> bool:
        """Whether no contract may be made here (EIP-684, EIP-7610)."""
        entry = self._entry(address) or _EMPTY
        return bool(entry.nonce or entry.code or self._has_storage(address))

    def _has_storage(self, address: bytes) -> bool:
        if any(self._slots.get(address, {}).values()):
            return True
        # No code runs in an account without nonce and code, so what the source has is still there.
        return address not in self._gone and self._source.has_storage(address)

    def _delete(self, address: bytes) -> None:
        before = self._entry(address)
        self._base_accounts.setdefault(address, before)
        self._accounts[address] = None
        self._slots[address] = {}
        self._base_slots[address] = {}
        self._gone.add(address)
        self._wiped.add(address)

    # Storage.

    def _slots_with(self, address: bytes, key: int) -> dict[int, int]:
        slots = self._slots.setdefault(address, {})
        if key not in slots:
            slots[key] = 0 if address in self._gone else self._source.slot(address, key)
        return slots

    def storage(self, address: bytes, key: int) -> int:
        """A word of storage."""
        return self._slots_with(address, key)[key]

    def original_storage(self, address: bytes, key: int) -> int:
        """The same when the transaction began."""
        present = self.storage(address, key)
        return self._original.get((address, key), present)

    def set_storage(self, address: bytes, key: int, value: int) -> None:
        """Set a word of storage."""
        slots = self._slots_with(address, key)
        self._base_slots.setdefault(address, {}).setdefault(key, slots[key])
        self._original.setdefault((address, key), slots[key])
        self._write(slots, key, value)

    def transient(self, address: bytes, key: int) -> int:
        """A word of transient storage (EIP-1153)."""
        return self._transient.get((address, key), 0)

    def set_transient(self, address: bytes, key: int, value: int) -> None:
        """Set a word of transient storage."""
        self._write(self._transient, (address, key), value)

    # Marks of one transaction.

    def warm(self, address: bytes) -> bool:
        """Count an account as accessed; whether it was not before (EIP-2929)."""
        return self._mark(self._warm, address)

    def warm_slot(self, address: bytes, key: int) -> bool:
        """Count a slot as accessed; whether it was not before (EIP-2929)."""
        return self._mark(self._warm, (address, key))

    def mark_created(self, address: bytes) -> None:
        """Count a contract as made in this transaction (EIP-6780)."""
        self._mark(self._created, address)

    def is_created(self, address: bytes) -> bool:
        """Whether it was made in this transaction."""
        return address in self._created

    def mark_destroyed(self, address: bytes) -> bool:
        """Let an account vanish when the transaction ends; whether it was not to before."""
        return self._mark(self._destroyed, address)

    def _mark(self, marks: dict[Any, bool], key: Any) -> bool:
        if key in marks:
            return False
        self._write(marks, key, True)
        return True

    # Logs and refunds.

    def add_log(self, log: Log) -> None:
        """Record a log."""
        self._write(self._logs, len(self._logs), log)

    def logs(self) -> tuple[Log, ...]:
        """The logs of this transaction, oldest first."""
        return tuple(self._logs.values())

    def add_refund(self, gas: int) -> None:
        """Add to the refund; below 0 takes back."""
        if gas:
            self._write(self._refund, None, self.refund() + gas)

    def refund(self) -> int:
        """Gas to give back."""
        return self._refund.get(None, 0)

    # The difference.

    def take_diff(self) -> StateDiff:
        """Everything that changed since the last take."""
        addresses = sorted({*self._base_accounts, *self._base_slots})
        diffs = [self._account_diff(address) for address in addresses]
        self._base_accounts, self._base_slots, self._wiped = {}, {}, set()
        return StateDiff(tuple(diff for diff in diffs if not diff.is_nothing))

    def _account_diff(self, address: bytes) -> AccountDiff:
        now = self._entry(address)
        was = self._base_accounts.get(address, now)
        before, after = was or _EMPTY, now or _EMPTY
        return AccountDiff(
            address=address,
            existed=was is not None,
            exists=now is not None,
            nonce=_pair(before.nonce, after.nonce),
            balance=_pair(before.balance, after.balance),
            code=None if before.code == after.code else (before.code, after.code),
            storage=dict(self._changed_slots(address)) if now is not None else {},
            is_wiped=address in self._wiped and was is not None,
        )

    def _changed_slots(self, address: bytes) -> Iterator[tuple[int, Change]]:
        for key, before in sorted(self._base_slots.get(address, {}).items()):
            after = self._slots[address][key]
            if after != before:
                yield key, (before, after)


def _pair(before: int, after: int) -> Change | None:
    return None if before == after else (before, after)
