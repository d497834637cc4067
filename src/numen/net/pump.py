"""A stream that is read and written by coroutines, as one of asyncio's transports.

Some libraries give a stream as calls that are awaited: read some bytes, write these. A pump makes
of it what a socket of asyncio's is, so that `net/stream.py` cuts frames from the one as from the
other. It reads nothing while reading is paused, which is how the other side is made to wait.
"""

import asyncio
import contextlib
from typing import Final, Protocol

CHUNK_BYTES: Final = 1 << 16
"""Most bytes of one reading or writing."""


class Stream(Protocol):
    """What is pumped. Each call raises ConnectionError where the stream is not there any more."""

    async def read(self, size_max: int) -> bytes:
        """Take 1 to so many bytes; none when the other side has finished."""

    async def write(self, data: bytes) -> None:
        """Hand over all these bytes; wait while the other side takes none."""

    async def finish(self) -> None:
        """Say that nothing follows, and wait until the other side has it all."""

    async def end(self) -> None:
        """Give up both directions, at once."""


class Pump(asyncio.Transport):
    """Pumps a stream until it ends.

    Args:
        stream: What is pumped. It is the pump's alone.
        protocol: Who hears of it.
    """

    def __init__(self, stream: Stream, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._stream = stream
        self._protocol = protocol
        self._waiting = bytearray()
        self._room = 0
        self._is_full = False
        self._is_closing = False
        self._has_work = asyncio.Event()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._ending: asyncio.Task[None] | None = None
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
        protocol.connection_made(self)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Say how many bytes may wait before writers are told to; a quarter of it wakes them."""
        assert low is None
        self._room = high or 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Let bytes wait to be sent."""
        if self._is_closing:
            return
        self._waiting += data
        self._has_work.set()
        if len(self._waiting) > self._room and not self._is_full:
            self._is_full = True
            self._protocol.pause_writing()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._may_read.clear()

    def resume_reading(self) -> None:
        """Read again."""
        self._may_read.set()

    def is_closing(self) -> bool:
        """Whether it has ended, or will when everything is sent."""
        return self._is_closing

    def close(self) -> None:
        """End it when everything is sent, and taken."""
        self._is_closing = True
        self._has_work.set()

    def abort(self) -> None:
        """End it at once."""
        self._end(None)

    async def _read(self) -> None:
        try:
            while True:
                await self._may_read.wait()
                data = await self._stream.read(CHUNK_BYTES)
                if not data:
                    break
                self._protocol.data_received(data)
        except ConnectionError as error:
            self._end(error)
        else:
            self.close()

    async def _write(self) -> None:
        try:
            while self._waiting or not self._is_closing:
                await self._has_work.wait()
                self._has_work.clear()
                while self._waiting:
                    await self._write_some()
            await self._stream.finish()
        except ConnectionError as error:
            self._end(error)
        else:
            self._end(None)

    async def _write_some(self) -> None:
        chunk = bytes(self._waiting[:CHUNK_BYTES])
        await self._stream.write(chunk)
        del self._waiting[: len(chunk)]
        if self._is_full and len(self._waiting) <= self._room // 4:
            self._is_full = False
            self._protocol.resume_writing()

    def _end(self, reason: ConnectionError | None) -> None:
        if self._ending is None:
            self._is_closing = True
            self._ending = asyncio.create_task(self._let_go(reason))

    async def _let_go(self, reason: ConnectionError | None) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        with contextlib.suppress(ConnectionError):
            await self._stream.end()
        self._protocol.connection_lost(reason)
