"""What can be wrong with state, and with what strangers say about it.

StateError
├── StorageError            the disk, or what lies on it
│   ├── StorageFullError    no room for a commit
│   └── CorruptError        bytes on disk that nothing here wrote
├── UnknownVersionError     a version that was pruned, or never made
├── OpeningError            an opening that does not show what it is said to
├── DiffError               a diff that breaks its form
│   └── WriteSetError       a diff that writes where it may not
└── RootMismatchError       a diff for another state, or with another result than it says
"""

from numen.base.errors import NumenError


class StateError(NumenError):
    """Root of the errors of state."""


class StorageError(StateError):
    """The disk refuses, or holds what cannot be."""


class StorageFullError(StorageError):
    """There is no room for a commit, of which nothing was written.

    Attributes:
        limit_bytes: Most that the store may hold.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"the store is full: a commit does not fit into {limit_bytes} bytes",
            hint="prune old versions, or open the store with a higher limit",
        )
        self.limit_bytes = limit_bytes


class CorruptError(StorageError):
    """Bytes on disk are not what this package writes.

    Attributes:
        where: Which record.
        reason: What is wrong with it.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"the store is damaged at {where}: {reason}")
        self.where = where
        self.reason = reason


class UnknownVersionError(StateError):
    """A version of the state was pruned, or never made.

    Attributes:
        version: Its number.
        first: The oldest version there is.
        last: The newest.
    """

    def __init__(self, version: int, first: int, last: int) -> None:
        super().__init__(f"there is no version {version}: the store has {first} to {last}")
        self.version = version
        self.first = first
        self.last = last


class OpeningError(StateError):
    """An opening does not show that a key has a value, or has none, under a root."""


class DiffError(StateError):
    """A diff breaks its form.

    Attributes:
        where: Which account or slot.
        reason: What is wrong there.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"not a diff, at {where}: {reason}")
        self.where = where
        self.reason = reason


class WriteSetError(DiffError):
    """A diff writes where nobody attested that it may."""


class RootMismatchError(StateError):
    """A root is not the one that is named.

    Attributes:
        which: ``pre`` or ``post``.
        named: The root that the diff names.
        found: The root there is.
    """

    def __init__(self, which: str, named: bytes, found: bytes) -> None:
        super().__init__(f"the {which}-root is 0x{found.hex()}, the diff names 0x{named.hex()}")
        self.which = which
        self.named = named
        self.found = found
