"""The folder that a ledger is kept in.

    EvmError
    └── (errors of `numen.ledger.state`, and of `numen.ledger.order.files` where it is in use)

It has the state with blocks and receipts in ``state``, and a lock, so that one node has it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from numen.ledger.archive import Archive
from numen.ledger.order.files import lock
from numen.ledger.state.embedded import LmdbKV
from numen.ledger.state.kv import KV
from numen.ledger.world import World
from numen.node.ledger.names import Names
from numen.node.rpc import trees


@contextmanager
def opened(folder: Path) -> Iterator[KV]:
    """Have a folder for oneself, made if it is missing.

    Raises:
        BrokenLogError: Another process has it.
        StorageError: It cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = lock(folder / "node")
    try:
        kv = LmdbKV(folder / "state")
        try:
            yield kv
        finally:
            kv.close()
    finally:
        os.close(handle)


class Kept:
    """What a ledger keeps, for somebody who only reads; a node may be running on it.

    Args:
        kv: Where it lies.
    """

    def __init__(self, kv: KV) -> None:
        self._archive, self._names = Archive(kv), Names(World(kv))

    def tree(self, identity: str) -> dict[str, Any]:
        """What followed from a transaction or message, as `numen_getMessageTree` gives it."""
        found: dict[str, Any] = msgspec.to_builtins(
            trees.tree(self._archive, self._names, identity)
        )
        return found

    def why(self, identity: str) -> list[str]:
        """How it came to a message, and what to do about it."""
        return trees.why(self._archive, self._names, identity)


def look(folder: Path) -> Kept:
    """Read what a ledger keeps, without having it for oneself.

    Raises:
        StorageError: It cannot be read.
    """
    return Kept(LmdbKV(folder / "state"))
