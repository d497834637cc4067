"""How much goes through channels: a transport that counts the frames of another."""

import msgspec

from numen.net.channel import Admit, Channel, Listener, Transport


class Traffic(msgspec.Struct):
    """Frames and their bytes, both ways, and channels that are open."""

    frames_sent: int = 0
    bytes_sent: int = 0
    frames_heard: int = 0
    bytes_heard: int = 0
    channels: int = 0


class Counted:
    """A `Transport` that counts.

    Args:
        transport: What it goes through.
        traffic: Where it is counted.
    """

    def __init__(self, transport: Transport, traffic: Traffic) -> None:
        self._transport, self._traffic = transport, traffic
        self.node = transport.node

    async def dial(self, address: str, peer: bytes) -> Channel:
        return _Channel(await self._transport.dial(address, peer), self._traffic)

    async def listen(self, address: str, admit: Admit) -> Listener:
        return _Listener(await self._transport.listen(address, admit), self._traffic)


class _Listener:
    def __init__(self, listener: Listener, traffic: Traffic) -> None:
        self._listener, self._traffic = listener, traffic
        self.address = listener.address

    async def accept(self) -> Channel:
        return _Channel(await self._listener.accept(), self._traffic)

    async def close(self) -> None:
        await self._listener.close()


class _Channel:
    def __init__(self, channel: Channel, traffic: Traffic) -> None:
        self._channel, self._traffic = channel, traffic
        self.peer, self.binding = channel.peer, channel.binding
        self._is_open = True
        traffic.channels += 1

    async def send(self, frame: bytes) -> None:
        await self._channel.send(frame)
        self._traffic.frames_sent += 1
        self._traffic.bytes_sent += len(frame)

    async def receive(self) -> bytes:
        frame = await self._channel.receive()
        self._traffic.frames_heard += 1
        self._traffic.bytes_heard += len(frame)
        return frame

    async def close(self) -> None:
        self._traffic.channels -= self._is_open
        self._is_open = False
        await self._channel.close()
