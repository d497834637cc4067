"""Channels between nodes: processor time of a message, of a session's, and of a new channel."""

import asyncio
import time
from collections.abc import Iterator

import msgspec

from harness import Contest, main
from numen.net.certificate import Trust, hint
from numen.net.channel import Channel, Listener, Transport, everybody
from numen.net.identity import NodeKey
from numen.net.language import Kind, Language
from numen.net.memory import MemoryNetwork
from numen.net.pace import Meters, Pace
from numen.net.session import Heard, Session
from numen.net.tls import TlsTransport

ONE, OTHER = NodeKey.from_seed(b"one"), NodeKey.from_seed(b"other")
COUNT, COUNT_QUICK = 1000, 100
SIZE = 232
"""Bytes of a message: a signed statement of some fields."""

FREE = Pace(1e12, 1e12, 1e12, 1e12)


class Statement(msgspec.Struct, frozen=True, array_like=True, tag="statement/1"):
    """A message."""

    body: bytes


LANGUAGE = Language({1: (Kind(Statement, 1024),)})


class Streams:
    """A server of asyncio's and a connection to it, with frames as one writes them by hand."""

    def __init__(self, *, is_secure: bool) -> None:
        self._accepted: asyncio.Queue = asyncio.Queue()
        self._options: dict[str, object] = {}
        self._serving = None
        if is_secure:
            trust = Trust(ONE, is_listener=False)
            trust.add(OTHER.id)
            self._options = {"ssl": trust.context, "server_hostname": hint(ONE.id)}
            self._serving = Trust(OTHER, is_listener=True)

    @classmethod
    async def open(cls, *, is_secure: bool) -> "Streams":
        made = cls(is_secure=is_secure)
        context = made._serving and made._serving.context
        made._server = await asyncio.start_server(made._accept, "127.0.0.1", 0, ssl=context)
        made.near, made.far = await made._connect()
        return made

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepted.put_nowait((reader, writer))

    async def _connect(self) -> tuple[tuple, tuple]:
        port = self._server.sockets[0].getsockname()[1]
        near = await asyncio.open_connection("127.0.0.1", port, **self._options)
        return near, await self._accepted.get()

    async def once(self) -> None:
        """A connection, a message on it, and its end."""
        (_, writer), (reader, other) = await self._connect()
        writer.write(b"\0\0\0\1x")
        await reader.readexactly(5)
        writer.close()
        other.close()
        await asyncio.gather(writer.wait_closed(), other.wait_closed(), return_exceptions=True)

    async def pass_(self, count: int) -> int:
        """Send so many messages, one after another, and receive them."""
        body, head = bytes(SIZE), SIZE.to_bytes(4, "big")
        writer, reader, heard = self.near[1], self.far[0], 0
        for _ in range(count):
            writer.write(head + body)
            await writer.drain()
            size = int.from_bytes(await reader.readexactly(4), "big")
            heard += len(await reader.readexactly(size))
        return heard


async def pass_frames(near: Channel, far: Channel, count: int) -> int:
    """Send so many frames, one after another, and receive them."""
    body, heard = bytes(SIZE), 0
    for _ in range(count):
        await near.send(body)
        heard += len(await far.receive())
    return heard


async def pass_messages(near: Session, far: Session, count: int) -> int:
    """The same with messages."""
    body, heard = Statement(bytes(SIZE)), 0
    for _ in range(count):
        await near.send(body)
        found = await far.receive()
        assert isinstance(found, Heard)
        heard += len(found.value.body)
    return heard


async def join(dialler: Transport, other: Transport, address: str) -> tuple[Channel, Channel]:
    """Make a channel, and give both its ends."""
    listener = await other.listen(address, everybody)
    near = await dialler.dial(listener.address, OTHER.id)
    far = await listener.accept()
    await listener.close()
    return near, far


async def sessions(ends: tuple[Channel, Channel]) -> list[Session]:
    """Make a session of each end."""
    return [Session(end, LANGUAGE, Meters(FREE)) for end in ends]


async def once(dialler: Transport, listener: Listener) -> None:
    """A channel, a message on it, and its end."""
    near = await dialler.dial(listener.address, OTHER.id)
    far = await listener.accept()
    await near.send(b"x")
    await far.receive()
    await asyncio.gather(near.close(), far.close())


def contests(quick: bool) -> Iterator[Contest]:
    """Each side passes the same messages between two ends in this process."""
    run = asyncio.new_event_loop().run_until_complete
    count = COUNT_QUICK if quick else COUNT
    one, other, network = TlsTransport(ONE), TlsTransport(OTHER), MemoryNetwork()
    ends = run(join(one, other, "127.0.0.1:0"))
    inside = run(join(network.transport(ONE.id), network.transport(OTHER.id), "here"))
    plain, secure = (run(Streams.open(is_secure=secure)) for secure in (False, True))
    yield Contest(
        f"{count} frames of {SIZE} bytes",
        lambda: run(pass_frames(*ends, count)),
        {
            "asyncio's streams over TCP": lambda: run(plain.pass_(count)),
            "asyncio's streams over the same TLS": lambda: run(secure.pass_(count)),
            "our channel in memory": lambda: run(pass_frames(*inside, count)),
        },
        targets={"asyncio's streams over the same TLS": 1.25},
        clock=time.process_time,
    )
    spoken = run(sessions(run(join(one, other, "127.0.0.1:0"))))
    yield Contest(
        f"{count} messages of a session",
        lambda: run(pass_messages(*spoken, count)),
        {"as many frames of a channel": lambda: run(pass_frames(*ends, count))},
        clock=time.process_time,
    )
    listener = run(other.listen("127.0.0.1:0", everybody))
    yield Contest(
        "a connection, a message, its end",
        lambda: run(once(one, listener)),
        {
            "asyncio's streams over TCP": lambda: run(plain.once()),
            "asyncio's streams over the same TLS": lambda: run(secure.once()),
        },
        clock=time.process_time,
    )
    run(listener.close())


if __name__ == "__main__":
    main(__doc__, contests)
