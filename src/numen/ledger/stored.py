"""What a block left of an address: its account, its slots, and the ledger's own entries of it.

Coins and nonces are accounts of the state, and what a contract wrote its slots. The ledger's own
entries of an address lie in the slots of another address, which follows from it and which no
contract can have, so that no contract writes them.
"""

from threading import Lock
from typing import Final

from numen.base.crypto import keccak256
from numen.ir.host import PRIVATE_FROM
from numen.ledger import records
from numen.ledger.cell import Account, Timer
from numen.ledger.messages import Await
from numen.ledger.sealed.charter import NOTE as CHARTER
from numen.ledger.sealed.errors import ClosedError
from numen.ledger.sealed.guard import Guard
from numen.ledger.sealed.keyring import Secrets
from numen.ledger.state.state import State
from numen.vm.host import Address, Key, Slot

WORD_BYTES: Final = 32
"""Bytes of a slot's name."""

_RECORDS: Final = b"\x0fnumen/records/1"


class Stored:
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
        self._records = records_of(address)

    def account(self) -> Account:
        with self._lock:
            found = self._state.account(self._address, self._version)
        return records.read_about(self._record(records.ABOUT), found.balance, found.nonce)

    def slot(self, key: Key) -> Slot:
        with self._lock:
            if self._guard is not None and key >= PRIVATE_FROM:
                return self._guard.load(key)
            raw = self._state.slot(self._address, key.to_bytes(WORD_BYTES, "big"), self._version)
        return int.from_bytes(raw, "big")

    def private_count(self) -> int:
        with self._lock:
            return self._guard.count() if self._guard is not None else 0

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
        return records.read_timer(self._record(records.TIMER + key.to_bytes(WORD_BYTES, "big")))

    def note(self, name: bytes) -> bytes:
        return self._record(records.NOTE + name)

    def _record(self, name: bytes) -> bytes:
        with self._lock:
            return self._state.slot(self._records, keccak256(name), self._version)


class Looked(Stored):
    """What an address had, for somebody who only looks; also the `Slots` of its contract.

    Nothing is remembered of what is read.

    Attributes:
        taken_back: Always 0: nothing is written here.
    """

    taken_back: int = 0

    @property
    def secrets(self) -> Secrets | None:
        """What opens what is private; None where it stays closed, or nothing is."""
        return self._guard.secrets if self._guard is not None else None

    def load(self, key: Key) -> Slot:
        """What a slot held.

        Raises:
            ClosedError: It is a private one, of another block than the last.
        """
        is_open = self._version in (None, self._state.tree.version)
        if self._guard is not None and key >= PRIVATE_FROM and not is_open:
            raise ClosedError("what was private in an older block stays closed")
        return self.slot(key)


def about_place(address: Address) -> tuple[Address, bytes]:
    """Where the state says what an address has beside coins: an address and a slot of it."""
    return records_of(address), keccak256(records.ABOUT)


def charter_place(address: Address) -> tuple[Address, bytes]:
    """Where the state has a contract's charter: an address and a slot of it."""
    return records_of(address), keccak256(records.NOTE + CHARTER)


def records_of(address: Address) -> Address:
    """Where the ledger's own entries of an address lie."""
    return keccak256(_RECORDS, address)[:20]
