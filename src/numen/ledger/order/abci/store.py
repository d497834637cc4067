"""What the application has on disk: a log, and the height and hash that it belongs to.

A block is carried out in a transaction of SQLite that `Store.execute` opens and `Store.commit`
ends. A process that dies in between has the state of the block before, and CometBFT sends the block
again. Reads have a connection of their own and see what is committed.
"""

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import msgspec

from numen.base.codec import digest
from numen.base.crypto import Hash32
from numen.ledger.order import table
from numen.ledger.order.files import connect, lock
from numen.ledger.order.sequencer import BrokenLogError, OrderError, Prepared

_APPLICATION: Final = 0x4E4D4142
_SCHEMA: Final = (
    f"{table.SCHEMA}CREATE TABLE chain (only INTEGER PRIMARY KEY CHECK (only = 0),"
    "name TEXT NOT NULL, height INTEGER NOT NULL, hash BLOB NOT NULL);"
)
_GENESIS: Final = "numen/abci-genesis/1"
_LINK: Final = "numen/abci-link/1"


class Tip(msgspec.Struct, frozen=True):
    """Where a chain is.

    Attributes:
        name: Of the chain, as its genesis has it; empty before there is one.
        height: Of the last block, 0 before the first.
        hash: Commits to every batch of the log in order; 32 bytes.
    """

    name: str = ""
    height: int = 0
    hash: Hash32 = bytes(32)


class _Genesis(msgspec.Struct, frozen=True, array_like=True):
    name: str


class _Link(msgspec.Struct, frozen=True, array_like=True):
    before: Hash32
    batch: Hash32
    position: int


class Store:
    """A log in a file, as of the last block that was committed.

    Attributes:
        tip: Where the chain is on disk.
    """

    def __init__(self, handle: int, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._lock = handle
        self._writer = writer
        self._pending: Tip | None = None
        self.reader = reader
        self.tip = _tip(reader)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file, or make it.

        Raises:
            BrokenLogError: Another process has it, or it is of something else.
        """
        handle = lock(path)
        try:
            writer, reader = [connect(path, _APPLICATION, _SCHEMA) for _ in range(2)]
            return cls(handle, writer, reader)
        except sqlite3.Error as error:
            os.close(handle)
            raise BrokenLogError(f"{path}: {error}") from error
        except OrderError:
            os.close(handle)
            raise

    def execute(
        self, tip: Tip, height: int, batches: Sequence[Prepared | OrderError]
    ) -> tuple[list[table.Outcome], Tip]:
        """Carry out a block, without keeping it; one that was carried out before is forgotten.

        Args:
            tip: Where the chain is before the block.
            height: Of the block.
            batches: Its transactions, or why they are none.

        Returns:
            What became of each, and where the chain is then.

        Raises:
            sqlite3.Error: The disk refuses.
        """
        self.abandon()
        self._writer.execute("BEGIN IMMEDIATE")
        outcomes: list[table.Outcome] = []
        after = tip.hash
        for batch in batches:
            if isinstance(batch, OrderError):
                outcomes.append(batch)
                continue
            is_known = bool(table.place(self._writer, batch.id))
            outcome = table.write(self._writer, batch)
            outcomes.append(outcome)
            if isinstance(outcome, int) and not is_known:
                after = digest(_LINK, _Link(after, batch.id, outcome))
        self._pending = Tip(tip.name, height, after)
        row = (tip.name, height, after)
        self._writer.execute("INSERT OR REPLACE INTO chain VALUES (0, ?, ?, ?)", row)
        return outcomes, self._pending

    def commit(self) -> bool:
        """Keep the block that was carried out; False where there is none.

        Raises:
            sqlite3.Error: The disk refuses. Nothing is known then: open the file again.
        """
        if self._pending is None:
            return False
        self._writer.execute("COMMIT")
        self.tip, self._pending = self._pending, None
        return True

    def abandon(self) -> None:
        """Forget the block that was carried out, if there is one."""
        self._pending = None
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the file; a block that is not committed is forgotten."""
        for connection in (self._writer, self.reader):
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def genesis(name: str) -> Tip:
    """Where a chain is before its first block."""
    return Tip(name, 0, digest(_GENESIS, _Genesis(name)))


def _tip(connection: sqlite3.Connection) -> Tip:
    found = connection.execute("SELECT name, height, hash FROM chain").fetchone()
    return Tip(*found) if found else Tip()
