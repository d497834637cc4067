"""The causal tree of a request: what was sent because of it, and what because of that.

TreeError
├── UnknownIdError     nothing here has this id
└── AmbiguousIdError   several things begin like this
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from numen.base.errors import NumenError
from numen.ledger.receipts import Receipt

PREFIX_MIN: Final = 4
"""Fewest hexadecimal digits that are taken for an id."""


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


class Record:
    """Receipts by the ids of their messages, and of the transactions they began with.

    Args:
        receipts: In the order of handing over, of any number of blocks.
    """

    def __init__(self, receipts: Iterable[Receipt] = ()) -> None:
        self._by_id: dict[bytes, Receipt] = {}
        self._roots: dict[bytes, list[bytes]] = {}
        self.add(receipts)

    def add(self, receipts: Iterable[Receipt]) -> None:
        """Note what happened since."""
        for receipt in receipts:
            identity = receipt.message.id
            self._by_id[identity] = receipt
            if receipt.message.cause == receipt.message.root:
                self._roots.setdefault(receipt.message.cause, []).append(identity)

    @property
    def roots(self) -> tuple[bytes, ...]:
        """Ids of the transactions and timers that all began with, in order."""
        return tuple(self._roots)

    def find(self, identity: str) -> bytes:
        """Complete an id of a message or transaction.

        Args:
            identity: Hexadecimal digits or their beginning; ``0x`` before them is allowed.

        Raises:
            UnknownIdError: Nothing begins like this.
            AmbiguousIdError: Several things do.
        """
        wanted = identity.lower().removeprefix("0x")
        if len(wanted) < PREFIX_MIN:
            raise UnknownIdError(f"an id has at least {PREFIX_MIN} hexadecimal digits")
        found = [i for i in (*self._roots, *self._by_id) if i.hex().startswith(wanted)]
        if not found:
            raise UnknownIdError(f"no message or transaction begins with {wanted!r}")
        if len(found) > 1:
            shown = ", ".join(i.hex()[:12] for i in found[:8])
            raise AmbiguousIdError(f"{len(found)} ids begin with {wanted!r}: {shown}")
        return found[0]

    def receipt(self, identity: bytes) -> Receipt | None:
        """What became of a message; None if it is not known, or not handed over yet."""
        return self._by_id.get(identity)

    def tree(self, identity: bytes) -> Iterator[Branch]:
        """A message and all that it caused, causes first; of a transaction, all its requests."""
        pending = [(one, 0) for one in reversed(self._roots.get(identity, [identity]))]
        while pending:
            one, depth = pending.pop()
            receipt = self._by_id.get(one)
            if receipt is not None:
                yield Branch(receipt, depth)
                pending += [(sent, depth + 1) for sent in reversed(receipt.sent)]

    def causes(self, identity: bytes) -> list[Receipt]:
        """How it came to a message: what all began with first, the message last."""
        chain: list[Receipt] = []
        receipt = self._by_id.get(identity)
        while receipt is not None:
            chain.append(receipt)
            receipt = self._by_id.get(receipt.message.cause)
        return chain[::-1]
