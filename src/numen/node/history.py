"""Every account at every moment: what calls on older blocks, proofs and returns read.

A moment is a number that goes up with each difference. Of each account, and of each word of
storage, the values are kept with the moments they are from, so that a difference costs what it
changes, looking one up costs a search among its own values, and going back costs what is undone.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, Generic, TypeVar

from numen.evm.state import Account, AccountDiff, Change, StateDiff

MOMENTS_MAX: Final = 100_000
"""Moments that are kept; what was true before them is forgotten."""

Entry = tuple[int, int, bytes]
"""Nonce, balance and code."""

_NOBODY: Final[Entry] = (0, 0, b"")

T = TypeVar("T")


class _Versions(Generic[T]):
    """Values by the moment from which they hold, ascending."""

    __slots__ = ("moments", "values")

    def __init__(self) -> None:
        self.moments: list[int] = []
        self.values: list[T] = []

    def put(self, moment: int, value: T) -> None:
        self.moments.append(moment)
        self.values.append(value)

    def find(self, moment: int) -> int:
        """Place of the value that holds at a moment, or -1."""
        return bisect_right(self.moments, moment) - 1

    def at(self, moment: int, missing: T) -> T:
        place = self.find(moment)
        return missing if place < 0 else self.values[place]

    def forget_after(self, moment: int) -> None:
        place = self.find(moment) + 1
        del self.moments[place:], self.values[place:]

    def forget_before(self, moment: int) -> None:
        place = max(self.find(moment), 0)
        del self.moments[:place], self.values[:place]


class History:
    """Accounts at every moment that is kept.

    Attributes:
        moment: The present one.
        first: The oldest that is kept.
    """

    def __init__(self, accounts: Mapping[bytes, Account]) -> None:
        """Begin with some accounts, at moment 0."""
        self.moment = self.first = 0
        self._accounts: dict[bytes, _Versions[Entry | None]] = {}
        self._slots: dict[bytes, dict[int, _Versions[int]]] = {}
        # When all words of an account went at once.
        self._wipes: dict[bytes, list[int]] = {}
        self._diffs: deque[StateDiff] = deque()
        for address, account in accounts.items():
            self._put(address, (account.nonce, account.balance, account.code))
            for key, word in account.storage.items():
                self._put_slot(address, key, word)

    def _put(self, address: bytes, entry: Entry | None) -> None:
        self._accounts.setdefault(address, _Versions()).put(self.moment, entry)

    def _put_slot(self, address: bytes, key: int, word: int) -> None:
        self._slots.setdefault(address, {}).setdefault(key, _Versions()).put(self.moment, word)

    def commit(self, diff: StateDiff) -> int:
        """Take in what changed; gives the moment from which it holds."""
        self.moment += 1
        for change in diff.accounts:
            nonce, balance, code = self.entry(change.address, self.moment) or _NOBODY
            if change.is_wiped or not change.exists:
                self._wipes.setdefault(change.address, []).append(self.moment)
            if not change.exists:
                self._put(change.address, None)
                continue
            entry = (
                change.nonce[1] if change.nonce else nonce,
                change.balance[1] if change.balance else balance,
                change.code[1] if change.code else code,
            )
            self._put(change.address, entry)
            for key, (_, word) in change.storage.items():
                self._put_slot(change.address, key, word)
        self._diffs.append(diff)
        if len(self._diffs) > MOMENTS_MAX:
            self._forget_first()
        return self.moment

    def _forget_first(self) -> None:
        self.first += 1
        for change in self._diffs.popleft().accounts:
            self._accounts[change.address].forget_before(self.first)
            for key in change.storage if change.exists else ():
                self._slots[change.address][key].forget_before(self.first)

    def rewind(self, moment: int) -> StateDiff:
        """Come back to a moment; what was after it is forgotten.

        Returns:
            How the accounts changed by that, from the present to the moment.
        """
        assert self.first <= moment <= self.moment, "the chain asks for what is kept"
        touched, diff = self._touched_since(moment), self.back_to(moment)
        for address, keys in touched.items():
            self._forget_after(address, keys, moment)
        while self.moment > moment:
            self._diffs.pop()
            self.moment -= 1
        return diff

    def back_to(self, moment: int) -> StateDiff:
        """How the accounts differ from the present back to a moment."""
        touched = self._touched_since(moment)
        return StateDiff(tuple(self._back(a, touched[a], moment) for a in sorted(touched)))

    def _touched_since(self, moment: int) -> dict[bytes, set[int] | None]:
        """Accounts that changed after a moment, with their keys; None stands for all of them."""
        touched: dict[bytes, set[int] | None] = {}
        for diff in islice(reversed(self._diffs), self.moment - moment):
            for change in diff.accounts:
                keys = touched.setdefault(change.address, set())
                if change.is_wiped or not change.exists:
                    touched[change.address] = None
                elif keys is not None:
                    keys.update(change.storage)
        return touched

    def _back(self, address: bytes, keys: set[int] | None, moment: int) -> AccountDiff:
        """How an account changes from the latest that is kept of it, back to a moment."""
        now, then = self.entry(address, _EVER), self.entry(address, moment)
        new, old = now or _NOBODY, then or _NOBODY
        wanted = self._slots.get(address, {}) if keys is None else keys
        storage: dict[int, Change] = {}
        for key in sorted(wanted):
            before = 0 if keys is None else self.slot(address, key, _EVER)
            after = self.slot(address, key, moment)
            if before != after and then is not None:
                storage[key] = (before, after)
        return AccountDiff(
            address=address,
            existed=now is not None,
            exists=then is not None,
            nonce=_pair(new[0], old[0]),
            balance=_pair(new[1], old[1]),
            code=None if new[2] == old[2] else (new[2], old[2]),
            storage=storage,
            is_wiped=keys is None,
        )

    def _forget_after(self, address: bytes, keys: set[int] | None, moment: int) -> None:
        self._accounts[address].forget_after(moment)
        if not self._accounts[address].moments:
            del self._accounts[address]
        slots = self._slots.get(address, {})
        for key in list(slots) if keys is None else keys:
            slots[key].forget_after(moment)
            if not slots[key].moments:
                del slots[key]
        wipes = self._wipes.get(address)
        while wipes and wipes[-1] > moment:
            wipes.pop()

    def entry(self, address: bytes, moment: int) -> Entry | None:
        """An account at a moment; None where there was none."""
        versions = self._accounts.get(address)
        return None if versions is None else versions.at(moment, None)

    def slot(self, address: bytes, key: int, moment: int) -> int:
        """A word of storage at a moment."""
        versions = self._slots.get(address, {}).get(key)
        place = -1 if versions is None else versions.find(moment)
        if versions is None or place < 0:
            return 0
        wipes = self._wipes.get(address)
        wiped = wipes[bisect_right(wipes, moment) - 1] if wipes and wipes[0] <= moment else -1
        return 0 if versions.moments[place] < wiped else versions.values[place]

    def words(self, address: bytes, moment: int) -> Iterator[tuple[int, int]]:
        """All words of an account's storage at a moment that are not zero, by key."""
        for key in self._slots.get(address, {}):
            word = self.slot(address, key, moment)
            if word:
                yield key, word

    def addresses(self) -> Iterator[bytes]:
        """Every address that has been an account."""
        return iter(self._accounts)

    def at(self, moment: int) -> "View":
        """The accounts at a moment, for engines."""
        return View(self, moment)


class View:
    """A `Source`: the accounts of a history at a moment."""

    __slots__ = ("_history", "moment")

    def __init__(self, history: History, moment: int) -> None:
        self._history = history
        self.moment = moment

    def account(self, address: bytes) -> Entry | None:
        return self._history.entry(address, self.moment)

    def slot(self, address: bytes, key: int) -> int:
        return self._history.slot(address, key, self.moment)

    def has_storage(self, address: bytes) -> bool:
        return next(self._history.words(address, self.moment), None) is not None

    def words(self, address: bytes) -> Mapping[int, int]:
        """All words of an account that are not zero."""
        return dict(self._history.words(address, self.moment))


_EVER: Final = 2**63


def _pair(before: int, after: int) -> Change | None:
    return None if before == after else (before, after)
