"""Sources above a source: with changes that are not made, and one that notes what is read."""

from numen.evm.state import Account, AccountDiff, Source, StateDiff
from numen.node.history import Entry


class Changed:
    """A `Source`: another one, as it would be after a difference."""

    def __init__(self, below: Source, diff: StateDiff) -> None:
        self._below = below
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
        # Words that were all set to zero one by one count as storage, which nothing can tell from
        # a contract: a creation there collides with its nonce all the same.
        return not _is_bare(change) and self._below.has_storage(address)


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
        return self._below.has_storage(address)
