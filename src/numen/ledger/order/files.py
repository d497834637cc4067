"""SQLite files with one owner, where a commit is on disk before it is over."""

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Final

from numen.ledger.order.sequencer import BrokenLogError

_VERSION: Final = 1


def lock(path: Path) -> int:
    """Take a file for this process: a handle, to be closed when it is let go of.

    Raises:
        BrokenLogError: Another process has it.
    """
    handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise BrokenLogError(
            f"{path}: another process has this file", hint="it has one owner: stop the other"
        ) from error
    return handle


def connect(path: Path, application: int, schema: str) -> sqlite3.Connection:
    """Open a database of ours, or make it.

    Args:
        path: The file.
        application: Number by which such a file is known.
        schema: Statements that make its tables.

    Raises:
        BrokenLogError: It is the database of somebody else.
        sqlite3.Error: It is no database, or the disk refuses.
    """
    # Each connection is used by one thread at a time, which is what SQLite asks for.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "fullfsync = ON"):
            connection.execute(f"PRAGMA {pragma}")
        _check_tables(connection, path, application, schema)
    except (sqlite3.Error, BrokenLogError):
        connection.close()
        raise
    return connection


def _check_tables(
    connection: sqlite3.Connection, path: Path, application: int, schema: str
) -> None:
    (found,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if found == 0 and version == 0 and tables == 0:
        marks = f"PRAGMA application_id = {application}; PRAGMA user_version = {_VERSION};"
        connection.executescript(f"BEGIN IMMEDIATE;{schema}{marks}COMMIT;")
    elif (found, version) != (application, _VERSION):
        raise BrokenLogError(f"{path}: a database of something else, or of another version")
