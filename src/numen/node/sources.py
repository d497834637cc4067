"""Sources above a source: with changes that are not made, and one that notes what is read."""

from collections.abc import Callable, Mapping
from typing import Final

from numen.evm.state import Account, Source, StateDiff
from numen.node.history import Entry

_NOBODY: Final[Entry] = (0, 0, b"")


class Changed:
    """A `Source`: another one, as it would be after differences that come one after another.

    Args:
        below: The other one.
        words: All words of storage that the other one has of an account.
    """

    def __init__(self, below: Source, words: Callable[[bytes], Mapping[int, int]]) -> None:
        self._below = below
        self._words = words
        self._accounts: dict[bytes, Entry | None] = {}
        self._slots: dict[bytes, dict[int, int]] = {}
        self._bare: set[bytes] = set()

    def put(self, diff: StateDiff) -> None:
        """Take in what changed next. Cost: that of what changed."""
        for change in diff.accounts:
            address = change.address
            if change.is_wiped or not change.exists:
                self._bare.add(address)
                self._slots.pop(address, None)
            if not change.exists:
                self._accounts[address] = None
                continue
            nonce, balance, code = self.account(address) or _NOBODY
            self._accounts[address] = (
                change.nonce[1] if change.nonce else nonce,
                change.balance[1] if change.balance else balance,
                change.code[1] if change.code else code,
            )
            words = self._slots.setdefault(address, {})
            words.update((key, word) for key, (_, word) in change.storage.items())

    def account(self, address: bytes) -> Entry | None:
        if address in self._accounts:
            return self._accounts[address]
        return self._below.account(address)

    def slot(self, address: bytes, key: int) -> int:
        words = self._slots.get(address, {})
        if key in words or address in self._bare:
            return words.get(key, 0)
        return self._below.slot(address, key)

    def has_storage(self, address: bytes) -> bool:
        words = self._slots.get(address, {})
        if any(words.values()):
            return True
        if address in self._bare:
            return False
        if not words:
            return self._below.has_storage(address)
        return any(word and key not in words for key, word in self._words(address).items())


class Recorder:
    """A `Source` that notes what is read of another one.

    Attributes:
        accounts: What was read, in the order of the first reading; None where there is none.
        slots: Words that were read, by account and key.
    """

    def __init__(self, below: Source) -> None:
        self._below = below
        self.accounts: dict[bytes, Account | None] = {}
        self.slots: dict[bytes, dict[int, int]] = {}

    def account(self, address: bytes) -> Entry | None:
        found = self._below.account(address)
        self.accounts[address] = None if found is None else Account(*found)
        return found

    def slot(self, address: bytes, key: int) -> int:
        word = self._below.slot(address, key)
        self.slots.setdefault(address, {})[key] = word
        return word

    def has_storage(self, address: bytes) -> bool:
        # An engine does not ask for words of who has none. Who has nonce or code may say that there
        # are some: no contract can be made there anyway.
        account = self.accounts.get(address)
        is_taken = account is not None and bool(account.nonce or account.code)
        return is_taken or self._below.has_storage(address)
