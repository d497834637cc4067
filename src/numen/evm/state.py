"""Accounts as they are between transactions, and differences between two such states.

An engine reads accounts through a `Source`, keeps its changes to itself, and hands them out as a
`StateDiff`; `State` is the source that can take one in.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Protocol, TypeAlias

import msgspec

from numen.evm.errors import MalformedDiffError
from numen.evm.roots import Opening, StateTrie

NO_SLOTS: Mapping[int, int] = MappingProxyType({})


class Account(msgspec.Struct, frozen=True):
    """What an address holds.

    Attributes:
        nonce: Transactions sent and contracts made, below 2**64.
        balance: Wei, below 2**256.
        code: Its code; 23 bytes from 0xEF0100 on are a delegation (EIP-7702).
        storage: Words by key, only those that are not zero.
    """

    nonce: int = 0
    balance: int = 0
    code: bytes = b""
    storage: Mapping[int, int] = NO_SLOTS


class Source(Protocol):
    """Where an engine reads an account that it has not seen yet."""

    def account(self, address: bytes) -> tuple[int, int, bytes] | None:
        """Nonce, balance and code, or None where there is no account."""

    def slot(self, address: bytes, key: int) -> int:
        """A word of storage; 0 where there is none."""

    def has_storage(self, address: bytes) -> bool:
        """Whether any word of an account's storage is not zero (EIP-7610)."""


Change: TypeAlias = tuple[int, int]
"""A number before and after."""


class AccountDiff(msgspec.Struct, frozen=True):
    """How one account changed.

    Where there is no account, its nonce and balance count as 0 and its code as empty.

    Attributes:
        address: 20 bytes.
        existed: Whether it was there before.
        exists: Whether it is there after.
        nonce: Before and after; None if it did not change.
        balance: Before and after; None if it did not change.
        code: Before and after; None if it did not change.
        storage: Words before and after by key, ascending; only those that changed.
        is_wiped: The account was deleted at some time between: every word it had is gone, and the
            ``before`` of each in ``storage`` is 0. Never set if it did not exist before.
    """

    address: bytes
    existed: bool
    exists: bool
    nonce: Change | None = None
    balance: Change | None = None
    code: tuple[bytes, bytes] | None = None
    storage: Mapping[int, Change] = {}
    is_wiped: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether it says that nothing changed."""
        parts = (self.nonce, self.balance, self.code)
        return self.existed == self.exists and not any((*parts, self.storage, self.is_wiped))


class StateDiff(msgspec.Struct, frozen=True):
    """How a state changed.

    Attributes:
        accounts: The accounts that changed, by ascending address.
    """

    accounts: tuple[AccountDiff, ...] = ()

    def to_json(self) -> bytes:
        """Write it as JSON: one object by address, numbers as hexadecimal, keys in order."""
        return msgspec.json.encode({_hex(a.address): _plain(a) for a in self.accounts})

    @classmethod
    def from_json(cls, text: bytes | str) -> "StateDiff":
        """Read what `to_json` wrote.

        Raises:
            MalformedDiffError: It is something else, or its numbers are out of range.
        """
        try:
            raw = msgspec.json.decode(text, type=dict[str, _Plain])
            accounts = [_account_diff(address, plain) for address, plain in raw.items()]
        except (msgspec.DecodeError, ValueError) as error:
            raise MalformedDiffError(f"not a state difference: {error}") from None
        return cls(tuple(sorted(accounts, key=lambda a: a.address)))


class _Plain(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """An `AccountDiff` in JSON."""

    existed: bool
    exists: bool
    nonce: tuple[str, str] | None = None
    balance: tuple[str, str] | None = None
    code: tuple[str, str] | None = None
    wiped: bool = False
    storage: dict[str, tuple[str, str]] = {}


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _plain(diff: AccountDiff) -> _Plain:
    def numbers(change: Change | None) -> tuple[str, str] | None:
        return None if change is None else (hex(change[0]), hex(change[1]))

    return _Plain(
        existed=diff.existed,
        exists=diff.exists,
        nonce=numbers(diff.nonce),
        balance=numbers(diff.balance),
        code=None if diff.code is None else (_hex(diff.code[0]), _hex(diff.code[1])),
        wiped=diff.is_wiped,
        storage={hex(k): (hex(a), hex(b)) for k, (a, b) in sorted(diff.storage.items())},
    )


def _account_diff(address: str, plain: _Plain) -> AccountDiff:
    def numbers(change: tuple[str, str] | None, bits: int) -> Change | None:
        return change and (_number(change[0], bits), _number(change[1], bits))

    raw = _bytes(address)
    if len(raw) != 20:
        raise ValueError(f"an address of {len(raw)} bytes")
    storage = {}
    for key, (before, after) in plain.storage.items():
        storage[_number(key, 256)] = (_number(before, 256), _number(after, 256))
    return AccountDiff(
        address=raw,
        existed=plain.existed,
        exists=plain.exists,
        nonce=numbers(plain.nonce, 64),
        balance=numbers(plain.balance, 256),
        code=plain.code and (_bytes(plain.code[0]), _bytes(plain.code[1])),
        storage=dict(sorted(storage.items())),
        is_wiped=plain.wiped,
    )


def _bytes(text: str) -> bytes:
    # Python's own reader would also take spaces.
    if not (text.startswith("0x") and text.isalnum()):
        raise ValueError(f"bytes are not written {text[:70]!r}")
    return bytes.fromhex(text[2:])


def _number(text: str, bits: int) -> int:
    # Python's own reader would also take signs, spaces, underscores and digits of other scripts.
    digits = text.removeprefix("0x")
    is_plain = text != digits and digits.isalnum() and digits.isascii()
    if not is_plain or len(digits) > bits // 4:
        raise ValueError(f"a number of {bits} bits is not written {text[:70]!r}")
    return int(digits, 16)


class State:
    """Accounts in memory: a source of accounts that can take in a difference."""

    def __init__(self, accounts: Mapping[bytes, Account] = MappingProxyType({})) -> None:
        """Start with some accounts; words of storage that are zero are left out."""
        self._accounts = {
            address: msgspec.structs.replace(
                account, storage={key: word for key, word in account.storage.items() if word}
            )
            for address, account in accounts.items()
        }
        # Addresses whose dictionary of storage no other copy of this state holds.
        self._own = set(self._accounts)
        # What was hashed for the last root, if one was asked for, and the accounts that changed
        # since, with their keys; None stands for all of an account's storage.
        self._trie: StateTrie | None = None
        self._unhashed: dict[bytes, set[int] | None] = {}

    @property
    def accounts(self) -> Mapping[bytes, Account]:
        """The accounts by address, as a view; their storage changes when a difference comes in."""
        return MappingProxyType(self._accounts)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._accounts)

    def __len__(self) -> int:
        return len(self._accounts)

    def account(self, address: bytes) -> tuple[int, int, bytes] | None:
        found = self._accounts.get(address)
        return (found.nonce, found.balance, found.code) if found else None

    def slot(self, address: bytes, key: int) -> int:
        found = self._accounts.get(address)
        return found.storage.get(key, 0) if found else 0

    def has_storage(self, address: bytes) -> bool:
        found = self._accounts.get(address)
        return found is not None and bool(found.storage)

    def copy(self) -> "State":
        """A state of its own; storage is shared until one of the two changes it."""
        twin = State()
        twin._accounts = dict(self._accounts)
        self._own.clear()
        if self._trie is not None:
            self._hash(self._trie)
            twin._trie = self._trie.copy()
        return twin

    def apply(self, diff: StateDiff) -> None:
        """Take in what changed; what it says was there before is not looked at."""
        for change in diff.accounts:
            self._apply(change)

    def root(self) -> bytes:
        """Commit to every account there is, empty ones too; 32 bytes.

        Cost: the first time some 15 microseconds for each account and slot, from then on some 20
        for each that changed.
        """
        if self._trie is None:
            self._trie, self._unhashed = StateTrie(), dict.fromkeys(self._accounts)
        self._hash(self._trie)
        return self._trie.root()

    def open(self, address: bytes, keys: Iterable[int]) -> Opening:
        """Show an account and words of its storage to whoever knows the root (EIP-1186)."""
        self.root()
        assert self._trie is not None
        return self._trie.open(address, keys)

    def _hash(self, trie: StateTrie) -> None:
        for address, keys in self._unhashed.items():
            found = self._accounts.get(address)
            if found is None:
                trie.delete(address)
                continue
            slots = found.storage
            if keys is None:
                trie.wipe(address)
            else:
                slots = {key: slots.get(key, 0) for key in keys}
            trie.put(address, found.nonce, found.balance, found.code, slots)
        self._unhashed.clear()

    def _note(self, change: AccountDiff) -> None:
        """Remember what has to be hashed again."""
        if change.is_wiped or not change.exists:
            self._unhashed[change.address] = None
            return
        keys = self._unhashed.setdefault(change.address, set())
        if keys is not None:
            keys.update(change.storage)

    def _apply(self, change: AccountDiff) -> None:
        address = change.address
        if self._trie is not None:
            self._note(change)
        before = self._accounts.get(address, _NOBODY)
        if not change.exists:
            self._accounts.pop(address, None)
            self._own.discard(address)
            return
        storage = dict(before.storage) if address not in self._own else before.storage
        assert isinstance(storage, dict)
        if change.is_wiped:
            storage = {}
        for key, (_, word) in change.storage.items():
            if word:
                storage[key] = word
            else:
                storage.pop(key, None)
        self._own.add(address)
        self._accounts[address] = Account(
            nonce=change.nonce[1] if change.nonce else before.nonce,
            balance=change.balance[1] if change.balance else before.balance,
            code=change.code[1] if change.code else before.code,
            storage=storage,
        )


_NOBODY = Account()
