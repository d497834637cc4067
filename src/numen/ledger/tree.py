"""The causal tree of a request: what was sent because of it, and what because of that.

TreeError
├── UnknownIdError     nothing here has this id
└── AmbiguousIdError   several things begin like this
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from numen.base.errors import NumenError
from numen.ledger.receipts import Fate, Receipt

PREFIX_MIN: Final = 4
"""Fewest hexadecimal digits that are taken for an id."""

SHOWN_MAX: Final = 8
"""Most ids that are named where several begin alike."""


class TreeError(NumenError):
    """Root of why there is no tree."""


class UnknownIdError(TreeError):
    """Nothing has this id."""


class AmbiguousIdError(TreeError):
    """Several things begin like this."""


class Branch(msgspec.Struct, frozen=True):
    """A message in its tree.

    Attributes:
        receipt: What became of it.
        depth: Messages above it.
    """

    receipt: Receipt
    depth: int


class Archive(Protocol):
    """Where it is looked up what happened: in memory, or on disk."""

    def receipt(self, identity: bytes) -> Receipt | None:
        """What became of a message; None if it is not known, or not handed over yet."""
        ...

    def begun(self, identity: bytes) -> Sequence[bytes]:
        """Ids of the requests of a transaction, in order; nothing where it is not known."""
        ...

    def beginning(self, prefix: str) -> Sequence[bytes]:
        """Some ids of messages and transactions whose hexadecimal digits begin like this."""
        ...


class Record:
    """Receipts in memory, by the ids of their messages; an `Archive`.

    Args:
        receipts: In the order of handing over, of any number of blocks.
    """

    def __init__(self, receipts: Iterable[Receipt] = ()) -> None:
        self._by_id: dict[bytes, Receipt] = {}
        self._begun: dict[bytes, list[bytes]] = {}
        self._roots: dict[bytes, None] = {}
        self.add(receipts)

    def add(self, receipts: Iterable[Receipt]) -> None:
        """Note what happened since."""
        for receipt in receipts:
            message = receipt.message
            self._by_id[message.id] = receipt
            if message.cause and message.cause == message.root not in self._by_id:
                self._begun.setdefault(message.cause, []).append(message.id)
                self._roots[message.cause] = None
            elif not message.cause:
                self._roots[message.id] = None

    @property
    def roots(self) -> tuple[bytes, ...]:
        """Ids of the transactions, and of the messages of timers, that all began with, in order."""
        return tuple(self._roots)

    def receipt(self, identity: bytes) -> Receipt | None:
        """As `Archive.receipt`."""
        return self._by_id.get(identity)

    def begun(self, identity: bytes) -> Sequence[bytes]:
        """As `Archive.begun`."""
        return self._begun.get(identity, ())

    def beginning(self, prefix: str) -> Sequence[bytes]:
        """As `Archive.beginning`."""
        return [i for i in (*self._begun, *self._by_id) if i.hex().startswith(prefix)]


def find(archive: Archive, identity: str) -> bytes:
    """Complete an id of a message or transaction.

    Args:
        archive: Where to look.
        identity: Hexadecimal digits or their beginning; ``0x`` before them is allowed.

    Raises:
        UnknownIdError: Nothing begins like this.
        AmbiguousIdError: Several things do.
    """
    wanted = identity.lower().removeprefix("0x")
    if len(wanted) < PREFIX_MIN or not set(wanted) <= set("0123456789abcdef"):
        raise UnknownIdError(f"an id has at least {PREFIX_MIN} hexadecimal digits")
    found = archive.beginning(wanted)
    if not found:
        raise UnknownIdError(f"no message or transaction begins with {wanted!r}")
    if len(found) > 1:
        shown = ", ".join(i.hex()[:12] for i in found[:SHOWN_MAX])
        raise AmbiguousIdError(f"several ids begin with {wanted!r}: {shown}")
    return found[0]


def tree(archive: Archive, identity: bytes) -> Iterator[Branch]:
    """A message and all that it caused, causes first; of a transaction, all its requests."""
    first = archive.receipt(identity)
    starts = archive.begun(identity) if first is None else (identity,)
    pending = [(one, 0) for one in reversed(starts)]
    while pending:
        one, depth = pending.pop()
        receipt = archive.receipt(one)
        if receipt is not None:
            yield Branch(receipt, depth)
            pending += [(sent, depth + 1) for sent in reversed(receipt.sent)]


def causes(archive: Archive, identity: bytes) -> list[Receipt]:
    """How it came to a message: what all began with first, the message last."""
    chain: list[Receipt] = []
    receipt = archive.receipt(identity)
    while receipt is not None:
        chain.append(receipt)
        receipt = archive.receipt(receipt.message.cause)
    return chain[::-1]


def end(archive: Archive, receipt: Receipt) -> Receipt:
    """The receipt that ended a request: its own, or of the last answer that it waited for."""
    last: Receipt | None = receipt
    while last is not None and last.fate is Fate.WAITS:
        receipt = last
        last = _answer(archive, receipt)
    return last or receipt


def _answer(archive: Archive, waiting: Receipt) -> Receipt | None:
    """The receipt of the answer that ended a wait, if it came."""
    for branch in tree(archive, waiting.message.id):
        found = branch.receipt
        is_mine = found.message.target == waiting.message.target
        if is_mine and found.message.subject in waiting.sent and found.fate is not Fate.STALE:
            return found
    return None
