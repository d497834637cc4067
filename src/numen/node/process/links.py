"""A node's channels: to the other nodes, which it dials again for ever, and from whoever dials it.

What is sent may get lost, as the node expects: a packet for somebody who is not there, or who takes
too little, is dropped. Nothing waits for a channel.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from numen.base.codec import CodecError
from numen.net.channel import Channel, Transport
from numen.net.errors import ChannelError, ClosedError
from numen.net.pace import Meters
from numen.node.process.roll import Site
from numen.node.replica.packet import Packet, read_packet, write_packet

QUEUE_MAX: Final = 1024
"""Most packets that wait for one peer."""

QUEUE_BYTES_MAX: Final = 32 << 20
"""Most bytes of them."""

AGAIN_S: Final = (0.05, 2.0)
"""Pause before a node is dialled again, at first and at most."""

_LOG: Final = logging.getLogger("numen.node")

Hear = Callable[[bytes, Packet], Awaitable[None]]


class _Outbox:
    """Packets that wait for one peer, the oldest first."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_MAX)
        self._bytes = 0

    def put(self, raw: bytes) -> None:
        """Let a packet wait, or drop it where too many do."""
        if self._bytes + len(raw) <= QUEUE_BYTES_MAX:
            with contextlib.suppress(asyncio.QueueFull):
                self._queue.put_nowait(raw)
                self._bytes += len(raw)

    async def send_all(self, channel: Channel) -> None:
        """Send what waits, and what comes, until the channel ends.

        Raises:
            ChannelError: It has ended.
        """
        while True:
            raw = await self._queue.get()
            self._bytes -= len(raw)
            await channel.send(raw)

    def clear(self) -> None:
        """Drop everything."""
        while not self._queue.empty():
            self._bytes -= len(self._queue.get_nowait())


class Links:
    """The channels of one node.

    Args:
        transport: Makes them.
        me: The node's own address.
        sites: All nodes, by their addresses.
        hear: Takes what comes, one packet of a peer after the other.
    """

    def __init__(
        self, transport: Transport, me: bytes, sites: Mapping[bytes, Site], hear: Hear
    ) -> None:
        self._transport = transport
        self._hear = hear
        self._names = {bytes.fromhex(site.node): address for address, site in sites.items()}
        self._sites = {address: site for address, site in sites.items() if address != me}
        self._nodes = {address: _Outbox() for address in self._sites}
        self._people: dict[bytes, dict[Channel, _Outbox]] = {}
        self._meters = Meters()

    def send(self, peer: bytes, packet: Packet) -> None:
        """Send a packet to a node or a person, if it is there."""
        raw = write_packet(packet)
        node = self._nodes.get(peer)
        for outbox in [node] if node is not None else self._people.get(peer, {}).values():
            outbox.put(raw)

    async def run(self, at: str, ready: Callable[[str], None]) -> None:
        """Listen, and dial the other nodes, until it is cancelled.

        Args:
            at: Where to listen.
            ready: Told where others can dial.

        Raises:
            AddressError: Nobody can listen there.
        """
        listener = await self._transport.listen(at, lambda _: True)
        ready(listener.address)
        try:
            async with asyncio.TaskGroup() as group:
                for address, site in self._sites.items():
                    group.create_task(self._dial(site, self._nodes[address]))
                while True:
                    channel = await listener.accept()
                    group.create_task(self._serve(channel))
        finally:
            await listener.close()

    async def _dial(self, site: Site, outbox: _Outbox) -> None:
        """Have a channel to a node, by which it is told things, again and again."""
        pause_s = AGAIN_S[0]
        while True:
            try:
                channel = await self._transport.dial(site.at, bytes.fromhex(site.node))
            except ChannelError as error:
                _LOG.debug("%s: %s", site.name, error)
                outbox.clear()
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, AGAIN_S[1])
                continue
            pause_s = AGAIN_S[0]
            await self._talk(channel, outbox, self._names[channel.peer])

    async def _serve(self, channel: Channel) -> None:
        """Hear somebody who dialled; people are answered by the same channel."""
        node = self._names.get(channel.peer)
        outbox = _Outbox()
        if node is None:
            self._people.setdefault(channel.peer, {})[channel] = outbox
        try:
            await self._talk(channel, outbox, node or channel.peer)
        finally:
            if node is None:
                del self._people[channel.peer][channel]
                if not self._people[channel.peer]:
                    del self._people[channel.peer]

    async def _talk(self, channel: Channel, outbox: _Outbox, peer: bytes) -> None:
        """Send and receive until the channel ends, or something comes that is no packet."""
        try:
            await self._both(channel, outbox, peer)
        except ClosedError:
            pass
        except (ChannelError, CodecError) as error:
            site = self._sites.get(peer)
            _LOG.warning("%s: %s", site.name if site else peer.hex()[:16], error)
        finally:
            await channel.close()

    async def _both(self, channel: Channel, outbox: _Outbox, peer: bytes) -> None:
        sending = asyncio.create_task(outbox.send_all(channel))
        try:
            await self._receive(channel, peer)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _receive(self, channel: Channel, peer: bytes) -> None:
        clock = asyncio.get_running_loop().time
        meter = self._meters.of(channel.peer, clock())
        while True:
            frame = await channel.receive()
            await self._hear(peer, read_packet(frame))
            meter.spend(len(frame), clock())
            wait_s = meter.wait_s(clock())
            if wait_s > 0:
                await asyncio.sleep(wait_s)
