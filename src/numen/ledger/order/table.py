"""The tables of a log in SQLite, and what a batch does to them.

Whoever writes has a transaction open; nothing here begins or ends one.
"""

import contextlib
import sqlite3
from typing import Final, TypeAlias

from numen.ledger.order.sequencer import (
    READ_BYTES_MAX,
    ConflictError,
    OrderError,
    Prepared,
    Record,
)

SCHEMA: Final = (
    "CREATE TABLE entry (position INTEGER PRIMARY KEY, subject TEXT NOT NULL, body BLOB NOT NULL);"
    "CREATE TABLE last (subject TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE batch (id BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;"
)
"""Entries by place, the last place of each subject, and the place of each batch by its id."""

Outcome: TypeAlias = int | OrderError
"""The place of a batch's last entry, or why it has none."""


def write(connection: sqlite3.Connection, batch: Prepared) -> Outcome:
    """Append a batch, or say why not; one that is there already has the place it has."""
    if known := place(connection, batch.id):
        return known
    for subject, expected in batch.expect.items():
        found = last(connection, subject)
        if found != expected:
            return ConflictError(subject, expected, found)
    position = head(connection)
    rows = [(position + i, e.subject, e.body) for i, e in enumerate(batch.entries, 1)]
    connection.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
    connection.executemany(
        "INSERT OR REPLACE INTO last VALUES (?, ?)", [(s, p) for p, s, _ in rows]
    )
    connection.execute("INSERT INTO batch VALUES (?, ?)", (batch.id, rows[-1][0]))
    return rows[-1][0]


def place(connection: sqlite3.Connection, batch_id: bytes) -> int:
    """Give the place of the last entry of a batch, 0 where there is no such batch."""
    found = connection.execute("SELECT position FROM batch WHERE id = ?", (batch_id,)).fetchone()
    return int(found[0]) if found else 0


def head(connection: sqlite3.Connection) -> int:
    """Give the last place that is taken, 0 when none is."""
    (position,) = connection.execute("SELECT max(position) FROM entry").fetchone()
    return int(position or 0)


def last(connection: sqlite3.Connection, subject: str) -> int:
    """Give the place of the last entry under a subject, 0 for none."""
    found = connection.execute("SELECT position FROM last WHERE subject = ?", (subject,)).fetchone()
    return int(found[0]) if found else 0


def read(connection: sqlite3.Connection, start: int, limit: int) -> tuple[Record, ...]:
    """Read records from a place on, up to a number and about `READ_BYTES_MAX`."""
    query = (
        "SELECT position, subject, body FROM entry WHERE position >= ? ORDER BY position LIMIT ?"
    )
    records: list[Record] = []
    size = 0
    cursor = connection.execute(query, (start, limit))
    with contextlib.closing(cursor):
        for row in cursor:
            records.append(Record(*row))
            size += len(records[-1].body)
            if size >= READ_BYTES_MAX:
                break
    return tuple(records)
