"""Sources above a source: with changes that are not made, and one that notes what is read."""

from collections.abc import Callable, Mapping

from numen.evm.state import Account, AccountDiff, Source, StateDiff
from numen.node.history import Entry


class Changed:
    """A `Source`: another one, as it would be after a difference.

    Args:
        below: The other one.
        diff: The difference.
        words: All words of storage that the other one has of an account.
    """

    def __init__(
        self, below: Source, diff: StateDiff, words: Callable[[bytes], Mapping[int, int]]
    ) -> None:
        self._below = below
        self._words = words
        self._changes = {change.address: change for change in diff.accounts}

    def account(self, address: bytes) -> Entry | None:
        change = self._changes.get(address)
        found = self._below.account(address)
        if change is None:
            return found
        if not change.exists:
            return None
        nonce, balance, code = found or (0, 0, b"")
        return (
            change.nonce[1] if change.nonce else nonce,
            change.balance[1] if change.balance else balance,
            change.code[1] if change.code else code,
        )

    def slot(self, address: bytes, key: int) -> int:
        change = self._changes.get(address)
        if change is not None and key in change.storage:
            return change.storage[key][1]
        return 0 if _is_bare(change) else self._below.slot(address, key)

    def has_storage(self, address: bytes) -> bool:
        change = self._changes.get(address)
        if change is not None and any(word for _, word in change.storage.values()):
            return True
        if change is None or not change.storage:
            return not _is_bare(change) and self._below.has_storage(address)
        return not _is_bare(change) and any(
            word and key not in change.storage for key, word in self._words(address).items()
        )


def _is_bare(change: AccountDiff | None) -> bool:
    return change is not None and (change.is_wiped or not change.exists)


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
