"""A channel over a stream of bytes: how frames are cut, and what happens when nothing comes.

    length of the frame: 4 bytes, big-endian | the frame

A length of 0 says that the sender is alive, one of 2**32 - 1 that it closes the channel: a stream
that ends without it was cut. Until `establish` one frame is read, the other side's `Hello`.
"""

import asyncio
import ssl
import struct
from collections.abc import Callable
from typing import Final, cast

from numen.net.channel import HELLO_BYTES_MAX, Bounds
from numen.net.errors import ChannelError, ClosedError, FrameError, TimedOutError
from numen.net.inbox import Inbox

_HEAD: Final = struct.Struct(">I")
_ALIVE: Final = 0
_GOODBYE: Final = 2**32 - 1

_SIGNS_MAX: Final = 64
"""Signs of life that may come in the time in which we send one: nothing else bounds them."""


class StreamChannel(asyncio.Protocol):
    """A `Channel`, once it is established; before, the connection that becomes one.

    Args:
        bounds: What we put up with.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.peer = b""
        self.binding = b""
        self.is_established = False
        self._bounds = bounds
        self._loop = asyncio.get_running_loop()
        self._inbox = Inbox(bounds.inbox_bytes_max, self._resume_reading)
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._on_lost: Callable[[], None] = lambda: None
        self._is_paused = False
        self._frame_bytes_max = HELLO_BYTES_MAX
        self._peer_frame_bytes_max = HELLO_BYTES_MAX
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._lost = asyncio.Event()
        self._pulse: asyncio.TimerHandle | None = None
        self._has_spoken = False
        self._signs_of_life = 0
        self._heard_at_s = 0.0

    # What a channel does. ------------------------------------------------------------------------

    async def send(self, frame: bytes) -> None:
        """Send a frame; see `Channel.send`."""
        if not 1 <= len(frame) <= self._peer_frame_bytes_max:
            raise FrameError(len(frame), self._peer_frame_bytes_max)
        if not self._has_room.is_set():
            await self._room()
        self._write(_HEAD.pack(len(frame)) + frame)

    async def receive(self) -> bytes:
        """Take the next frame; see `Channel.receive`."""
        return await self._inbox.get()

    async def close(self) -> None:
        """End the channel; see `Channel.close`."""
        if self._inbox.end_reason is None:
            self._write(_HEAD.pack(_GOODBYE))
        self._inbox.end(ClosedError("we closed it", is_clean=True))
        self._inbox.discard()
        if self._transport is None:
            return
        self._transport.close()
        try:
            async with asyncio.timeout(self._bounds.close_s):
                await self._lost.wait()
        except TimeoutError:
            self._transport.abort()

    # How it comes to be. -------------------------------------------------------------------------

    def connection(self) -> ssl.SSLObject:
        """The TLS that the stream is under; before its handshake there is none."""
        assert self._transport is not None
        return cast("ssl.SSLObject", self._transport.get_extra_info("ssl_object"))

    def establish(self, peer: bytes, binding: bytes, frame_bytes_max: int) -> None:
        """Become a channel, after both have said hello.

        Args:
            peer: Who is at the other end.
            binding: From `channel.binding_of`.
            frame_bytes_max: Longest frame that the other side takes.
        """
        self.peer, self.binding = peer, binding
        self._peer_frame_bytes_max = frame_bytes_max
        self._frame_bytes_max = self._bounds.frame_bytes_max
        self.is_established = True
        self._beat()
        self._cut_frames()
        self._resume_reading()

    def when_lost(self, call: Callable[[], None]) -> None:
        """Have something called once, when the stream has ended; at once if it has already."""
        self._on_lost = call
        if self._lost.is_set():
            call()

    def abort(self, reason: ChannelError) -> None:
        """End the channel at once, whatever waits to be sent."""
        self._inbox.end(reason)
        self._has_room.set()
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls. -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The stream is there; with TLS, after its handshake."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._bounds.outbox_bytes_max)
        self._heard_at_s = self._loop.time()
        if self._inbox.end_reason is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self._heard_at_s = self._loop.time()
        if self._inbox.end_reason is None:
            self._buffer += data
            self._cut_frames()

    def pause_writing(self) -> None:
        """Too much waits to be sent."""
        self._has_room.clear()

    def resume_writing(self) -> None:
        """The other side has taken enough of it."""
        self._has_room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The stream has ended, one way or another."""
        if self._pulse is not None:
            self._pulse.cancel()
        self._inbox.end(ClosedError(f"it was cut ({exc or 'end of stream'})", is_clean=False))
        self._buffer.clear()
        self._has_room.set()
        self._lost.set()
        self._on_lost()

    # Inside. -------------------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        if self._inbox.end_reason is not None:
            raise self._inbox.end_reason.with_traceback(None)
        assert self._transport is not None
        self._has_spoken = True
        self._transport.write(data)

    async def _room(self) -> None:
        try:
            async with asyncio.timeout(self._bounds.send_s):
                while not self._has_room.is_set():
                    await self._has_room.wait()
        except TimeoutError:
            error = TimedOutError("the other side to take what was sent", self._bounds.send_s)
            self.abort(error)
            raise error from None

    def _cut_frames(self) -> None:
        """Move whole frames from the buffer into the inbox."""
        at, buffer = 0, self._buffer
        while len(buffer) - at >= _HEAD.size and not self._is_paused:
            (size,) = _HEAD.unpack_from(buffer, at)
            if size == _GOODBYE:
                self._part()
                break
            if size > self._frame_bytes_max:
                self.abort(FrameError(size, self._frame_bytes_max))
                break
            end = at + _HEAD.size + size
            if end > len(buffer):
                break
            if size == _ALIVE:
                self._signs_of_life += 1
            else:
                self._inbox.put(bytes(buffer[at + _HEAD.size : end]))
                if not self.is_established or self._inbox.is_full:
                    self._pause_reading()
            at = end
            if self._signs_of_life > _SIGNS_MAX:
                self.abort(ChannelError("the other side says too often that it is alive"))
                break
        del buffer[:at]

    def _part(self) -> None:
        self._inbox.end(ClosedError("the other side closed it", is_clean=True))
        if self._transport is not None:
            self._transport.close()

    def _pause_reading(self) -> None:
        self._is_paused = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if not self._is_paused:
            return
        self._is_paused = False
        self._heard_at_s = self._loop.time()
        self._cut_frames()
        transport = self._transport
        if transport is not None and not transport.is_closing() and not self._is_paused:
            transport.resume_reading()

    def _beat(self) -> None:
        """Say that we are alive, if nothing else was said; notice that the other side is not."""
        silence_s = self._loop.time() - self._heard_at_s
        if silence_s > self._bounds.idle_s and not self._is_paused:
            self.abort(TimedOutError("a sign of life", self._bounds.idle_s))
        if self._inbox.end_reason is not None:
            return
        if not self._has_spoken and self._has_room.is_set():
            self._write(_HEAD.pack(_ALIVE))
        self._has_spoken = False
        self._signs_of_life = 0
        self._pulse = self._loop.call_later(self._bounds.idle_s / 3, self._beat)
