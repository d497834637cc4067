"""How a connection becomes a channel, once each side's key is proven: both say `Hello`.

The dialler speaks first. What the listener says back tells whether the dialler is wanted, so who is
refused is told why, and nobody has a channel that was not taken. The same for every transport that
has streams; what proves the keys is the transport's.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Final

from numen.base.codec import CodecError, decode, encode
from numen.net.admission import FULL, Admission
from numen.net.channel import HELLO_BYTES_MAX, Admit, Bounds, Hello, binding_of
from numen.net.errors import (
    ChannelError,
    ClosedError,
    RefusedError,
    TimedOutError,
    UnreachableError,
)
from numen.net.stream import StreamChannel

Open = Callable[[StreamChannel], Awaitable[bytes]]
"""Makes a connection a stream's, and gives the node that has proven to be at the other end.

It raises OSError or ChannelError where that fails, and leaves nothing open then.
"""


_CUSTOMER_BITS: Final = 64
"""How much of an IPv6 address is a customer's network: all numbers in it are one host's."""


def origin(host: str) -> str:
    """By what handshakes from an address are counted.

    Args:
        host: Its number, or any other name.
    """
    try:
        number = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(number, IPv4Address):
        return str(number)
    if number.ipv4_mapped is not None:
        return str(number.ipv4_mapped)
    return str(IPv6Network((int(number), _CUSTOMER_BITS), strict=False))


@asynccontextmanager
async def dialling(address: str, bounds: Bounds) -> AsyncIterator[StreamChannel]:
    """A stream that becomes a channel in time, or ends with an error that `dial` promises.

    Raises:
        UnreachableError: Nobody answers there, or not as a node does.
        TimedOutError: It is too slow.
    """
    stream = StreamChannel(bounds)
    try:
        async with asyncio.timeout(bounds.handshake_s):
            yield stream
    except BaseException as error:
        stream.abort(ClosedError("it never opened", is_clean=False))
        match error:
            case TimeoutError():
                raise TimedOutError(f"{address} to answer", bounds.handshake_s) from error
            case OSError():
                raise UnreachableError(address, error.strerror or str(error)) from error
            case ClosedError():
                raise UnreachableError(address, "it closes the connection") from error
            case CodecError():
                raise UnreachableError(address, "what answers is no node") from error
        raise


async def greet(stream: StreamChannel, node: bytes, peer: bytes, bounds: Bounds) -> None:
    """Say hello as who dials.

    Args:
        stream: To whom.
        node: Our own public key.
        peer: Theirs, which they have proven.
        bounds: What we put up with.

    Raises:
        RefusedError: We are not wanted.
        ChannelError: It ended before that was said.
        CodecError: It says something else.
    """
    nonce = secrets.token_bytes(32)
    await stream.send(encode(Hello("", bounds.frame_bytes_max, nonce)))
    heard = decode(Hello, await stream.receive(), size_max=HELLO_BYTES_MAX)
    if heard.refusal:
        raise RefusedError(heard.refusal)
    stream.establish(peer, binding_of(node, peer, nonce, heard.nonce), heard.frame_bytes_max)


class Reception:
    """Makes channels of connections that come, and keeps them until somebody accepts them.

    Args:
        node: Our own public key.
        admit: Who is wanted.
        bounds: What we put up with.
    """

    def __init__(self, node: bytes, admit: Admit, bounds: Bounds) -> None:
        self._node = node
        self._bounds = bounds
        self._admission = Admission(admit, bounds)
        # Channels that end before they are accepted still wait here, so that it has its own bound.
        self._ready: asyncio.Queue[StreamChannel | None] = asyncio.Queue(bounds.peers_max)
        self._hosts: Counter[str] = Counter()
        self._greetings: set[asyncio.Task[None]] = set()

    def meet(self, host: str, open_: Open) -> bool:
        """Greet a connection in a task of its own; false where too many are being greeted.

        Args:
            host: From where it comes.
            open_: Opens it. What is wrong with strangers' connections, nobody needs to hear.
        """
        host = origin(host)
        if (
            self._hosts.total() >= self._bounds.handshakes_max
            or self._hosts[host] >= self._bounds.handshakes_per_host_max
        ):
            return False
        self._hosts[host] += 1
        task = asyncio.create_task(self._greet(host, open_))
        self._greetings.add(task)
        task.add_done_callback(self._greetings.discard)
        return True

    async def accept(self) -> StreamChannel:
        """Take the next channel; see `Listener.accept`."""
        channel = await self._ready.get()
        if channel is None:
            self._ready.put_nowait(None)
            raise ClosedError("the listener was closed", is_clean=True)
        return channel

    async def close(self) -> None:
        """End what is being greeted, and what was not accepted."""
        await asyncio.sleep(0)  # a greeting that has not begun would not end its connection
        greetings = list(self._greetings)
        for task in greetings:
            task.cancel()
        await asyncio.gather(*greetings, return_exceptions=True)
        while not self._ready.empty():
            waiting = self._ready.get_nowait()
            if waiting is not None:
                await waiting.close()
        self._ready.put_nowait(None)

    async def _greet(self, host: str, open_: Open) -> None:
        stream = StreamChannel(self._bounds)
        try:
            async with asyncio.timeout(self._bounds.handshake_s):
                await self._answer(stream, await open_(stream))
        except (OSError, ChannelError, CodecError):
            pass  # it did not become a channel
        finally:
            if not stream.is_established:
                stream.abort(ClosedError("it never opened", is_clean=False))
            self._hosts[host] -= 1
            if not self._hosts[host]:
                del self._hosts[host]

    async def _answer(self, stream: StreamChannel, peer: bytes) -> None:
        heard = decode(Hello, await stream.receive(), size_max=HELLO_BYTES_MAX)
        refusal = FULL if self._ready.full() else self._admission.enter(peer)
        if not refusal:
            stream.when_lost(lambda: self._admission.leave(peer))
        nonce = secrets.token_bytes(32)
        await stream.send(encode(Hello(refusal, self._bounds.frame_bytes_max, nonce)))
        if refusal:
            await stream.close()
            return
        binding = binding_of(peer, self._node, heard.nonce, nonce)
        stream.establish(peer, binding, heard.frame_bytes_max)
        self._ready.put_nowait(stream)
