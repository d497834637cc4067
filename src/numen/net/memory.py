"""Channels within one process, for simulations and tests: no sockets, the same rules.

Keys are names here: who makes a `MemoryTransport` says whose it is. Nonces are counted, not drawn,
so that a simulation replays.
"""

import asyncio
import itertools
from collections.abc import Callable

from numen.base.codec import digest
from numen.net.admission import FULL, Admission
from numen.net.channel import Admit, Bounds, Channel, binding_of
from numen.net.errors import (
    AddressError,
    ChannelError,
    ClosedError,
    FrameError,
    RefusedError,
    TimedOutError,
    UnreachableError,
    WrongPeerError,
)
from numen.net.inbox import Inbox


class MemoryNetwork:
    """A network of which everything is in this process: what listens where."""

    def __init__(self) -> None:
        self._listeners: dict[str, MemoryListener] = {}
        self._numbers = itertools.count()

    def transport(self, node: bytes, bounds: Bounds | None = None) -> "MemoryTransport":
        """Give a node its way to the others.

        Args:
            node: Its public key.
            bounds: What it puts up with.
        """
        return MemoryTransport(self, node, bounds or Bounds())

    def nonce(self) -> bytes:
        """32 bytes that this network gives once."""
        return digest("numen/memory-nonce/1", next(self._numbers).to_bytes(8, "big"))

    def find(self, address: str) -> "MemoryListener":
        """The listener at an address.

        Raises:
            UnreachableError: There is none.
        """
        found = self._listeners.get(address)
        if found is None:
            raise UnreachableError(address, "nobody listens there")
        return found

    def open(self, address: str, listener: "MemoryListener") -> None:
        """Put a listener at an address.

        Raises:
            AddressError: Another one is there.
        """
        if not address or self._listeners.setdefault(address, listener) is not listener:
            raise AddressError(f"nobody can listen at {address!r}: it is taken, or empty")

    def shut(self, address: str) -> None:
        """Take the listener from an address."""
        self._listeners.pop(address, None)


class MemoryTransport:
    """A node on a network in memory: a `Transport`."""

    def __init__(self, network: MemoryNetwork, node: bytes, bounds: Bounds) -> None:
        self._network = network
        self._node = node
        self._bounds = bounds

    @property
    def node(self) -> bytes:
        """Our own public key."""
        return self._node

    async def dial(self, address: str, peer: bytes) -> "MemoryChannel":
        """Make a channel to a node; see `Transport.dial`."""
        listener = self._network.find(address)
        if listener.node != peer:
            raise WrongPeerError(address, peer)
        near = listener.meet(self._node, self._bounds)
        await asyncio.sleep(0)  # the other side may run first, as on a network
        return near

    async def listen(self, address: str, admit: Admit) -> "MemoryListener":
        """Let others dial us; see `Transport.listen`."""
        listener = MemoryListener(self._network, address, self._node, admit, self._bounds)
        self._network.open(address, listener)
        return listener


class MemoryListener:
    """Where others dial a node: a `Listener`."""

    def __init__(
        self, network: MemoryNetwork, address: str, node: bytes, admit: Admit, bounds: Bounds
    ) -> None:
        self.address = address
        self.node = node
        self._bounds = bounds
        self._network = network
        self._admission = Admission(admit, bounds)
        self._ready: asyncio.Queue[MemoryChannel | None] = asyncio.Queue(bounds.peers_max)

    def meet(self, dialler: bytes, bounds: Bounds) -> "MemoryChannel":
        """Make a channel with a node that dials; its end.

        Raises:
            RefusedError: The dialler is not wanted.
        """
        refusal = FULL if self._ready.full() else self._admission.enter(dialler)
        if refusal:
            raise RefusedError(refusal)
        nonces = self._network.nonce(), self._network.nonce()
        binding = binding_of(dialler, self.node, *nonces)
        coming, going = _Pipe(self._bounds), _Pipe(bounds)

        def lost() -> None:
            self._admission.leave(dialler)

        here = MemoryChannel(dialler, binding, self._bounds, coming, going, lost)
        self._ready.put_nowait(here)
        return MemoryChannel(self.node, binding, bounds, going, coming, lost)

    async def accept(self) -> Channel:
        """Take the next channel; see `Listener.accept`."""
        channel = await self._ready.get()
        if channel is None:
            self._ready.put_nowait(None)
            raise ClosedError("the listener was closed", is_clean=True)
        return channel

    async def close(self) -> None:
        """Stop listening; see `Listener.close`."""
        self._network.shut(self.address)
        while not self._ready.empty():
            waiting = self._ready.get_nowait()
            if waiting is not None:
                await waiting.close()
        self._ready.put_nowait(None)


class _Pipe:
    """One direction of a channel: what was sent and not taken yet.

    Args:
        bounds: Of who takes.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.frame_bytes_max = bounds.frame_bytes_max
        self._has_room = asyncio.Event()
        self.inbox = Inbox(bounds.inbox_bytes_max, self._has_room.set)

    async def room(self) -> None:
        """Wait until more may be put in, or nobody will take anything any more."""
        while self.inbox.is_full and self.inbox.end_reason is None:
            self._has_room.clear()
            await self._has_room.wait()

    def end(self, reason: ChannelError) -> None:
        """Nothing more will come."""
        self.inbox.end(reason)
        self._has_room.set()


class MemoryChannel:
    """One end of a channel in memory: a `Channel`.

    Within a process nobody falls silent without ending, so `receive` waits for ever.

    Args:
        peer: Who is at the other end.
        binding: From `channel.binding_of`.
        bounds: What this end puts up with.
        coming: What the other end sends.
        going: What this end sends.
        on_lost: Called once, when the channel has ended at either end.
    """

    def __init__(
        self,
        peer: bytes,
        binding: bytes,
        bounds: Bounds,
        coming: _Pipe,
        going: _Pipe,
        on_lost: Callable[[], None],
    ) -> None:
        self.peer = peer
        self.binding = binding
        self._bounds = bounds
        self._coming = coming
        self._going = going
        self._on_lost = on_lost

    async def send(self, frame: bytes) -> None:
        """Send a frame; see `Channel.send`."""
        if not 1 <= len(frame) <= self._going.frame_bytes_max:
            raise FrameError(len(frame), self._going.frame_bytes_max)
        try:
            async with asyncio.timeout(self._bounds.send_s):
                await self._going.room()
        except TimeoutError:
            error = TimedOutError("the other side to take what was sent", self._bounds.send_s)
            self._end(error, ClosedError("the other side gave up", is_clean=False))
            raise error from None
        reason = self._coming.inbox.end_reason
        if reason is not None:
            raise reason.with_traceback(None)
        self._going.inbox.put(bytes(frame))

    async def receive(self) -> bytes:
        """Take the next frame; see `Channel.receive`."""
        return await self._coming.inbox.get()

    async def close(self) -> None:
        """End the channel; see `Channel.close`."""
        self._end(
            ClosedError("we closed it", is_clean=True),
            ClosedError("the other side closed it", is_clean=True),
        )
        self._coming.inbox.discard()

    def cut(self) -> None:
        """End the channel as a network does that fails: without a word to either side."""
        error = ClosedError("it was cut", is_clean=False)
        self._end(error, error)

    def _end(self, here: ChannelError, there: ChannelError) -> None:
        if self._coming.inbox.end_reason is None:
            self._coming.end(here)
            self._going.end(there)
            self._on_lost()
