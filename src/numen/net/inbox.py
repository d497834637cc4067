"""An inbox: frames that have come and were not taken yet, bounded, and how they end."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from numen.net.errors import ChannelError

_FRAME_OVERHEAD: Final = 64
"""What a frame costs besides its bytes; so that many empty ones are not free."""


class Inbox:
    """A queue with one reader. Who fills it asks `is_full`, and is told when there is room.

    Args:
        bytes_max: When it is full.
        on_room: Called when it was full and is not any more.
    """

    def __init__(self, bytes_max: int, on_room: Callable[[], None]) -> None:
        self._bytes_max = bytes_max
        self._on_room = on_room
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._end: ChannelError | None = None
        self._reader: asyncio.Future[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether no more should be put in for now."""
        return self._bytes > self._bytes_max

    @property
    def end_reason(self) -> ChannelError | None:
        """How it ended, or None."""
        return self._end

    def put(self, frame: bytes) -> None:
        """Add a frame; of an inbox that has ended, nobody will take it."""
        if self._end is None:
            self._frames.append(frame)
            self._bytes += len(frame) + _FRAME_OVERHEAD
            self._wake()

    def end(self, reason: ChannelError) -> None:
        """Nothing more will come. The first reason holds."""
        if self._end is None:
            self._end = reason
            self._wake()

    def discard(self) -> None:
        """Forget what was not taken: the reader does not want it any more."""
        self._frames.clear()
        self._bytes = 0

    async def get(self) -> bytes:
        """Take the oldest frame; wait for it.

        Raises:
            ChannelError: There is none left, and the inbox has ended so.
        """
        assert self._reader is None, "one task at a time receives"
        while not self._frames:
            if self._end is not None:
                # One traceback for each reader, instead of one that grows with every reading.
                raise self._end.with_traceback(None)
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        was_full = self.is_full
        frame = self._frames.popleft()
        self._bytes -= len(frame) + _FRAME_OVERHEAD
        if was_full and not self.is_full:
            self._on_room()
        return frame

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
