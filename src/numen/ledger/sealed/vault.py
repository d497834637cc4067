"""The private slots of a contract, in a state that anyone may read.

A slot is written under a name that only the keys give, and its cell counts its versions. The vault
remembers the versions it has seen: an older cell, or none, where a newer one was is a roll-back,
even if every byte of it is genuine. What was deleted stays as a cell without a value, because a
hole could not be told from a roll-back.

Two kinds of cells: ``slot``, and ``index``, which lists all slots by number, so that an epoch can
end: all cells are sealed again under new keys and new names, and the old keys forgotten.
"""

import hmac
from collections.abc import Collection
from typing import Final, Protocol

from numen.ledger.sealed.cell import Opened, seal, unseal
from numen.ledger.sealed.errors import RollBackError, UnsealError
from numen.ledger.sealed.keys import EpochKeys

SLOTS_MAX: Final = 1 << 40
"""Most private slots of a contract."""

SEEN_MAX: Final = 1 << 20
"""Most versions that are remembered; then all are forgotten, and seen anew."""

_COUNT: Final = b"count"
_TRIES: Final = 8
"""Draws for each slot that is to be found among those that did not change."""


class Readable(Protocol):
    """A state or a draft of one."""

    def slot(self, address: bytes, slot: bytes) -> bytes: ...


class Writable(Readable, Protocol):
    """A draft of a state."""

    def set_slot(self, address: bytes, slot: bytes, value: bytes) -> None: ...


class Vault:
    """Private slots, for who has the keys.

    Args:
        keys: Of the contract, in the present epoch.
    """

    def __init__(self, keys: EpochKeys) -> None:
        self._keys = keys
        self._seen: dict[tuple[bytes, bytes], int] = {}

    @property
    def contract(self) -> bytes:
        """The address of the contract."""
        return self._keys.contract

    @property
    def epoch(self) -> int:
        """The epoch of the keys."""
        return self._keys.epoch

    def get(self, state: Readable, slot: bytes) -> bytes:
        """The value of a private slot; no bytes for none.

        Raises:
            UnsealError: Its cell was altered, or is of another place or epoch.
            RollBackError: It is older than one that was seen.
        """
        return self.open(state, slot).value

    def open(self, state: Readable, slot: bytes) -> Opened:
        """The value of a private slot, and how often it was written; errors as for `get`."""
        return self._open(state, b"slot", slot)

    def set(self, draft: Writable, slot: bytes, value: bytes) -> None:
        """Write a private slot; no bytes to delete it.

        Raises:
            UnsealError: The cell that is there was altered.
            RollBackError: It is older than one that was seen.
        """
        self.put(draft, slot, self.open(draft, slot).version, value)

    def put(self, draft: Writable, slot: bytes, version: int, value: bytes) -> None:
        """Write a private slot of which the caller knows how often it was written.

        Args:
            draft: Where.
            slot: Its name.
            version: How often it was written; 0 for never.
            value: What it holds from now on; no bytes to delete it.

        Raises:
            UnsealError: The index was altered.
            RollBackError: It is older than one that was seen.
        """
        if not version:
            if not value:
                return
            self._list(draft, slot)
        self._write(draft, b"slot", slot, version + 1, value)

    def slots(self, state: Readable) -> list[bytes]:
        """The names of all private slots that were ever written in this epoch.

        Raises:
            UnsealError: A cell of the index was altered.
        """
        count = self.count(state)
        return [self._open(state, b"index", _numbered(i)).value for i in range(count)]

    def cover(self, draft: Writable, written: Collection[bytes], total: int, fresh: bytes) -> None:
        """Hide which slots a step wrote, and how many: seal others again, as they are.

        Args:
            draft: Where the step wrote.
            written: What it wrote; slots that it made are seen all the same, in the index.
            total: How many slots are to change; if the contract has fewer, all do.
            fresh: 32 bytes of randomness, the same for all nodes of the contract.

        Raises:
            UnsealError: A cell was altered.
            RollBackError: A cell is older than one that was seen.

        Cost: at most eight reads and one write for each slot that is missing.
        """
        changed, count = set(written), self.count(draft)
        for turn in range(_TRIES * total):
            if len(changed) >= min(total, count):
                break
            chance = hmac.digest(fresh, _numbered(turn), "sha256")
            number = int.from_bytes(chance, "big") % count
            slot = self._open(draft, b"index", _numbered(number)).value
            if slot not in changed:
                changed.add(slot)
                self.set(draft, slot, self.get(draft, slot))

    def rotate(self, draft: Writable, fresh: bytes) -> None:
        """Begin an epoch: seal everything again, under new keys and names.

        Args:
            draft: Where the cells are.
            fresh: 32 bytes of randomness, the same for all nodes of the contract.

        Raises:
            UnsealError: A cell was altered. The draft is to be thrown away.
            RollBackError: A cell is older than one that was seen.

        Cost: that of reading and writing every private slot.
        """
        slots = self.slots(draft)
        kept = [(slot, value) for slot in slots if (value := self.get(draft, slot))]
        names = [(b"slot", slot) for slot in slots] + [(b"index", _COUNT)]
        names += [(b"index", _numbered(i)) for i in range(len(slots))]
        for kind, slot in names:
            draft.set_slot(self._keys.contract, self._keys.name(kind, slot), b"")
        self._keys = self._keys.next(fresh)
        self._seen.clear()
        for slot, value in kept:
            self.set(draft, slot, value)

    def saw(self, slot: bytes, version: int) -> None:
        """Remember the version of a slot in a state that is final, without looking."""
        if len(self._seen) >= SEEN_MAX:
            self._seen.clear()
        self._seen[b"slot", slot] = version

    def version(self, slot: bytes) -> int | None:
        """The version of a slot that was seen last; None if it never was."""
        return self._seen.get((b"slot", slot))

    def observe(self, state: Readable) -> None:
        """Remember the versions of all slots of a state that is final.

        From then on anything older is a roll-back. What is only in a draft may be taken back, and
        is not remembered.

        Raises:
            UnsealError: A cell was altered.
            RollBackError: A cell is older than one that was seen.
        """
        slots = self.slots(state)
        names = [(b"slot", slot) for slot in slots] + [(b"index", _COUNT)]
        for kind, slot in names:
            self._seen[kind, slot] = self._open(state, kind, slot).version

    def _list(self, draft: Writable, slot: bytes) -> None:
        """Put a slot at the end of the index."""
        number = self.count(draft)
        assert number < SLOTS_MAX, "a contract has too many private slots"
        count_version = self._open(draft, b"index", _COUNT).version
        entry_version = self._open(draft, b"index", _numbered(number)).version
        self._write(draft, b"index", _numbered(number), entry_version + 1, slot)
        self._write(draft, b"index", _COUNT, count_version + 1, (number + 1).to_bytes(8, "big"))

    def count(self, state: Readable) -> int:
        """How many private slots were ever written in this epoch.

        Raises:
            UnsealError: The cell that says so was altered.
        """
        count = int.from_bytes(self._open(state, b"index", _COUNT).value, "big")
        if count > SLOTS_MAX:
            raise UnsealError("the index is longer than it may be")
        return count

    def _open(self, state: Readable, kind: bytes, slot: bytes) -> Opened:
        cell = state.slot(self._keys.contract, self._keys.name(kind, slot))
        opened = unseal(self._keys, kind + b"/" + slot, cell) if cell else Opened(0, b"")
        seen = self._seen.get((kind, slot), 0)
        if opened.version < seen:
            raise RollBackError(opened.version, seen)
        return opened

    def _write(self, draft: Writable, kind: bytes, slot: bytes, version: int, value: bytes) -> None:
        cell = seal(self._keys, kind + b"/" + slot, version, value)
        draft.set_slot(self._keys.contract, self._keys.name(kind, slot), cell)


def _numbered(number: int) -> bytes:
    return number.to_bytes(8, "big")
