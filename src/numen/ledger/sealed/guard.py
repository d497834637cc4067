"""The private slots of one contract, on a disk that shows them to anyone and may lie.

What is read is proven: it is what the root commits to that the node has in memory, so a disk that
brings back an older cell, or all of an older state, is noticed before a contract sees it. What is
written is collected for the diff of the block.
"""

from collections.abc import Callable, Iterable
from typing import Final

from numen.ledger.sealed.errors import StaleStateError
from numen.ledger.sealed.keyring import Secrets
from numen.ledger.sealed.vault import Vault
from numen.ledger.state.account import slot_key
from numen.ledger.state.errors import OpeningError
from numen.ledger.state.opening import verify
from numen.ledger.state.state import State
from numen.vm.host import Key, Slot

_KEY_BYTES: Final = 32


class Guard:
    """Reads and writes the private slots of a contract.

    Args:
        secrets: Of the contract.
        state: Where cells lie.
        root: Gives the root that the node knows.

    Attributes:
        secrets: The same; those of the next epoch once a block that began one is final.
    """

    def __init__(self, secrets: Secrets, state: State, root: Callable[[], bytes]) -> None:
        self.secrets = secrets
        self._vault = Vault(secrets.keys)
        self._proven = _Proven(state, root)
        self._written: dict[bytes, int] = {}
        self._fresh = b""
        self._next: tuple[Vault, Secrets] | None = None

    @property
    def is_rotating(self) -> bool:
        """Whether the present block begins an epoch."""
        return bool(self._fresh)

    def is_of(self, secrets: Secrets | None) -> bool:
        """Whether these are the secrets, in the epoch that the guard knows."""
        return secrets is self.secrets and self._vault.epoch == self.secrets.keys.epoch

    @property
    def sealing(self) -> Secrets:
        """What the cells and records of the present block are sealed with."""
        return self.secrets if self._next is None else self._next[1]

    def rotate(self, salt: bytes) -> None:
        """Let the present block begin an epoch: `seal` seals everything again.

        Args:
            salt: 32 bytes that all nodes of the contract have; empty for no epoch.
        """
        self._fresh = salt

    def count(self) -> int:
        """How many private slots there are in the last block.

        Raises:
            SealedError: As `load`.
        """
        return self._vault.count(self._proven)

    def load(self, key: Key) -> Slot:
        """What a private slot holds in the last block.

        Raises:
            StaleStateError: The disk does not hold the state whose root the node knows.
            SealedError: A cell was altered, or is older than one that was seen.
        """
        name = _name(key)
        opened = self._vault.open(self._proven, name)
        self._vault.saw(name, opened.version)
        return int.from_bytes(opened.value, "big")

    def seal(self, changed: Iterable[tuple[Key, Slot]]) -> dict[bytes, bytes]:
        """The cells of slots that a block changed, by their pseudonyms, and those of the index.

        Args:
            changed: Slots and what they hold now, in an order that all nodes have.

        Raises:
            SealedError: As `load`.
        """
        draft, vault = _Draft(self._proven), self._vault
        self._written, self._next = {}, None
        if self._fresh:
            vault = Vault(self.secrets.keys)
            vault.rotate(draft, self._fresh)
            self._next = vault, self.secrets.next(self._fresh)
        for key, value in changed:
            name, size = _name(key), (value.bit_length() + 7) // 8
            version = vault.version(name)
            if version is None:
                version = vault.open(draft, name).version
            vault.put(draft, name, version, value.to_bytes(size, "big"))
            if version or value:
                self._written[name] = version + 1
        return draft.written

    def settle(self) -> None:
        """Remember how new the cells of the block are; forget the keys of an epoch that ended."""
        if self._next is not None:
            self._vault, following = self._next
            self.secrets.keys = following.keys
            self._next, self._fresh = None, b""
        for name, version in self._written.items():
            self._vault.saw(name, version)
        self._written = {}

    def abandon(self) -> None:
        """Forget the block, and the epoch that it would have begun."""
        self._written, self._next, self._fresh = {}, None, b""


class _Proven:
    """Slots of a state, each shown to be under the root."""

    def __init__(self, state: State, root: Callable[[], bytes]) -> None:
        self._state = state
        self._root = root

    def slot(self, address: bytes, slot: bytes) -> bytes:
        value, opening = self._state.open_slot(address, slot)
        try:
            verify(self._root(), slot_key(address, slot), value or None, opening)
        except OpeningError as error:
            raise StaleStateError(str(error)) from error
        return value


class _Draft:
    """What a block writes, over what is proven."""

    def __init__(self, below: _Proven) -> None:
        self._below = below
        self.written: dict[bytes, bytes] = {}

    def slot(self, address: bytes, slot: bytes) -> bytes:
        found = self.written.get(slot)
        return found if found is not None else self._below.slot(address, slot)

    def set_slot(self, _address: bytes, slot: bytes, value: bytes) -> None:
        self.written[slot] = value


def _name(key: Key) -> bytes:
    return key.to_bytes(_KEY_BYTES, "big")
