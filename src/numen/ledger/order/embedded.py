"""The log of one machine: SQLite, one writer, and one sync for all who wait.

An append is acknowledged when its transaction is on disk (WAL, ``synchronous=FULL``). While a
commit is under way, batches queue up, and the next commit takes them together, each of them whole
or refused. Reads have a connection of their own and see what is committed.

A file has one owner: whoever opens it locks it. After an error of the disk nothing more is written,
since nobody knows then what a sync means; the file is opened again and read.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self

import msgspec

from numen.ledger.order import table
from numen.ledger.order.files import connect, lock
from numen.ledger.order.sequencer import (
    READ_MAX,
    BrokenLogError,
    Entry,
    OrderError,
    Prepared,
    Record,
    UnavailableError,
    check_range,
    check_subject,
    prepare,
)

QUEUE_MAX: Final = 1024
"""Batches that may wait for the next commit; who comes later waits to wait."""

GROUP_BYTES_MAX: Final = 16 << 20
"""Bytes after which a commit takes no more batches."""

_APPLICATION: Final = 0x4E4D4C47


class _Waiting(msgspec.Struct, frozen=True):
    batch: Prepared
    done: "asyncio.Future[int]"


class Embedded:
    """A log in a file; see `numen.ledger.order.sequencer.Sequencer`.

    Use `Embedded.open` inside a running event loop.
    """

    def __init__(self, handle: int, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._lock = handle
        self._writer = writer
        self._reader = reader
        self._writing = ThreadPoolExecutor(1, "numen-log-writer")
        self._reading = ThreadPoolExecutor(1, "numen-log-reader")
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue(QUEUE_MAX)
        self._grown = asyncio.Condition()
        self._position = table.head(writer)
        self._refusal = ""
        self._task = asyncio.create_task(self._write())

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the log in a file, or make one.

        Raises:
            BrokenLogError: Another process has it, or it is no log.
        """
        handle = lock(path)
        try:
            writer, reader = [connect(path, _APPLICATION, table.SCHEMA) for _ in range(2)]
        except sqlite3.Error as error:
            os.close(handle)
            raise BrokenLogError(f"{path}: {error}") from error
        except OrderError:
            os.close(handle)
            raise
        return cls(handle, writer, reader)

    async def append(self, batch: Sequence[Entry], expect: Mapping[str, int]) -> int:
        """As `Sequencer.append`."""
        waiting = _Waiting(prepare(batch, expect), asyncio.get_running_loop().create_future())
        self._check_open()
        await self._queue.put(waiting)
        if self._refusal:  # it was closed while this waited for room
            waiting.done.cancel()
            self._check_open()
        return await waiting.done

    async def read(self, start: int, limit: int) -> tuple[Record, ...]:
        """As `Sequencer.read`."""
        check_range(start, limit)
        self._check_open()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._reading, table.read, self._reader, start, limit)
        except sqlite3.Error as error:
            raise UnavailableError(f"cannot read the log: {error}") from error

    async def subscribe(self, start: int) -> AsyncIterator[Record]:
        """As `Sequencer.subscribe`."""
        while True:
            for record in await self.read(start, READ_MAX):
                start = record.position + 1
                yield record
            await self._until(start)

    async def head(self) -> int:
        """As `Sequencer.head`."""
        return self._position

    async def last(self, subject: str) -> int:
        """As `Sequencer.last`."""
        self._check_open()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._reading, table.last, self._reader, check_subject(subject)
        )

    async def close(self) -> None:
        """As `Sequencer.close`."""
        if not self._task.done():
            await self._queue.put(None)
        await self._task
        self._writing.shutdown()
        self._reading.shutdown()
        self._writer.close()
        self._reader.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _check_open(self) -> None:
        if self._refusal:
            raise UnavailableError(self._refusal)

    async def _until(self, position: int) -> None:
        """Wait until a place is taken, or none will be any more."""
        async with self._grown:
            await self._grown.wait_for(lambda: self._position >= position or bool(self._refusal))

    async def _write(self) -> None:
        while not self._refusal:
            group, is_last = await self._gather()
            if group:
                await self._commit(group)
            if is_last:
                self._refusal = self._refusal or "the log is closed"
        while not self._queue.empty():
            if (late := self._queue.get_nowait()) is not None and not late.done.done():
                late.done.set_exception(UnavailableError(self._refusal))
        async with self._grown:
            self._grown.notify_all()

    async def _gather(self) -> tuple[list[_Waiting], bool]:
        """Take all that waits, up to a size; True when it is the last."""
        group: list[_Waiting] = []
        size = 0
        while size < GROUP_BYTES_MAX and len(group) < QUEUE_MAX:
            waiting = await self._queue.get()
            if waiting is None:
                return group, True
            group.append(waiting)
            size += sum(len(entry.body) for entry in waiting.batch.entries)
            if self._queue.empty():
                break
        return group, False

    async def _commit(self, group: list[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        batches = [waiting.batch for waiting in group]
        outcomes: Sequence[table.Outcome]
        try:
            outcomes, self._position = await loop.run_in_executor(
                self._writing, _commit, self._writer, batches
            )
        except (sqlite3.Error, OSError) as error:
            self._refusal = f"the log could not be written and has to be opened again: {error}"
            outcomes = [UnavailableError(self._refusal) for _ in group]
        for waiting, outcome in zip(group, outcomes, strict=True):
            if waiting.done.done():
                continue  # its caller went away
            if isinstance(outcome, int):
                waiting.done.set_result(outcome)
            else:
                waiting.done.set_exception(outcome)
        async with self._grown:
            self._grown.notify_all()


def _commit(
    connection: sqlite3.Connection, batches: Sequence[Prepared]
) -> tuple[list[table.Outcome], int]:
    """Write batches; what became of each, and how long the log is then."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        outcomes = [table.write(connection, batch) for batch in batches]
        connection.execute("COMMIT")
    except sqlite3.Error:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return outcomes, table.head(connection)
