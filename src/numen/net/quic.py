"""QUIC by the library iroh: endpoints, connections, and the one stream that a channel has of one.

QUIC proves keys in the handshake of TLS 1.3, as raw public keys: here they are the node keys
themselves. An endpoint is a key at some UDP sockets. All connections of a node that listens go by
one endpoint: others know it by its key, wherever its packets come from.

What is set here, and why:

- No relay and no directory of anybody's, but the relays that an address names.
- A family of addresses that was not asked for is bound on loopback, not everywhere.
- Who dials shows by a retry that it hears us at its address, before anything is kept of it. So who
  forges addresses costs nobody else its share of handshakes.
- A connection has one stream. A second one ends it: each would have a buffer of its own.

What cannot be set from Python: the windows, so that 1.25 MB of a stream may have come before the
other side has to wait; and that an endpoint asks the router of its network to forward its port
(UPnP, NAT-PMP, PCP), whatever it is bound to.

Source: RFC 9000 (QUIC), RFC 9001 (its TLS), RFC 7250 (raw public keys).
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import iroh

from numen.net import address as addresses
from numen.net.bindings import mend
from numen.net.certificate import PROTOCOL
from numen.net.channel import Bounds
from numen.net.errors import AddressError, ChannelError
from numen.net.greeting import Open
from numen.net.identity import NodeKey
from numen.net.pump import Pump
from numen.net.stream import StreamChannel

_ALPN: Final = PROTOCOL.encode()
_LOOPBACK: Final = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
_OTHER_KEY: Final = "invalid peer certificate"
"""What the library says where another key answers."""

Meet = Callable[[str, Open], bool]
"""Greets a connection from somewhere; see `Reception.meet`."""


class OtherKeyError(ConnectionError):
    """Somebody else than who was meant answers."""


class Connection:
    """A connection and its stream: what a pump pumps.

    Args:
        endpoint: Whose it is.
        connection: The library's.
        stream: The library's, of both directions.
    """

    def __init__(self, endpoint: "Endpoint", connection: Any, stream: Any) -> None:
        self._endpoint = endpoint
        self._connection = connection
        self._receiving, self._sending = stream.recv(), stream.send()
        self._watching: list[asyncio.Task[None]] = []
        endpoint.join()

    def start(self, channel: StreamChannel) -> None:
        """Pump the stream into what becomes a channel."""
        Pump(self, channel)
        for another in (self._connection.accept_bi, self._connection.accept_uni):
            self._watching.append(asyncio.create_task(self._watch(another, channel)))

    async def read(self, size_max: int) -> bytes:
        with _told():
            return bytes(await self._receiving.read(size_max))

    async def write(self, data: bytes) -> None:
        with _told():
            await self._sending.write_all(data)

    async def finish(self) -> None:
        with _told():
            await self._sending.finish()
            await self._sending.stopped()

    async def end(self) -> None:
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        self._connection.close(0, b"")
        # The library gives an endpoint's sockets back when nobody knows of it any more.
        self._watching.clear()
        self._connection = self._receiving = self._sending = None
        await self._endpoint.leave()

    async def _watch(
        self, another: Callable[[], Awaitable[object]], channel: StreamChannel
    ) -> None:
        with contextlib.suppress(ConnectionError), _told():
            await another()
            channel.abort(ChannelError("the other side opened a second stream"))


class Endpoint:
    """A key at some sockets. It ends when nobody uses it any more; who binds it is the first.

    Args:
        bound: The library's.
        relay: The relay that it keeps in touch with, or empty.
        bounds: What we put up with.

    Attributes:
        meet: Greets connections that come; None while none are wanted.
    """

    def __init__(self, bound: Any, relay: str, bounds: Bounds) -> None:
        self.meet: Meet | None = None
        self.relay = relay
        self._bound = bound
        self._bounds = bounds
        self._users = 1
        self._serving = asyncio.create_task(self._serve())

    @property
    def is_over(self) -> bool:
        """Whether nobody uses it."""
        return not self._users

    def join(self) -> None:
        """Use it."""
        self._users += 1

    async def leave(self) -> None:
        """Use it no more."""
        self._users -= 1
        if not self._users:
            with contextlib.suppress(TimeoutError, ConnectionError), _told():
                async with asyncio.timeout(self._bounds.close_s):
                    await self._bound.close()
            self._serving.cancel()
            self._bound = None

    def port(self, family: int) -> int:
        """The port that it has of a family of addresses."""
        found = [addresses.parse(text) for text in self._bound.bound_sockets()]
        return next(port for host, port in found if (":" in host) == (family == socket.AF_INET6))

    async def connect(self, peer: bytes, places: Sequence[str], relay: str) -> Connection:
        """Make a connection to a node.

        Args:
            peer: Its key.
            places: Numbers and ports where it may be.
            relay: URL of a relay where it may be, or empty.

        Raises:
            ChannelError: 32 bytes that are no public key.
            OtherKeyError: Somebody else answers.
            ConnectionError: Nobody does, or not as a node does.
        """
        there = iroh.EndpointAddr(_identity(peer), relay or None, list(places))
        with _told():
            if relay not in ("", self.relay):
                await self._bound.insert_relay(iroh.RelayConfig(url=relay))
            connection = await self._bound.connect(there, _ALPN)
            return await self._channelled(connection, connection.open_bi)

    async def _channelled(
        self, connection: Any, stream: Callable[[], Awaitable[object]]
    ) -> Connection:
        try:
            return Connection(self, connection, await stream())
        except BaseException:
            connection.close(0, b"")
            raise

    async def _serve(self) -> None:
        while await self._take(await self._bound.accept_next()):
            pass

    async def _take(self, incoming: Any) -> bool:
        """Begin with a connection that comes; false when none will any more."""
        if incoming is None:
            return False
        with contextlib.suppress(ConnectionError), _told():
            if self.meet is None:
                await incoming.refuse()
            elif not await incoming.remote_addr_validated():
                await incoming.retry()
            elif not self.meet(_host(await incoming.remote_addr()), partial(self._open, incoming)):
                await incoming.refuse()
        return True

    async def _open(self, incoming: Any, channel: StreamChannel) -> bytes:
        """See `Open`."""
        with _told():
            connection = await (await incoming.accept()).connect()
            found = await self._channelled(connection, connection.accept_bi)
        found.start(channel)
        return bytes(connection.remote_id().to_bytes())


mend()


async def bind(
    key: NodeKey, at: tuple[int, str, int] | None, relay: str, bounds: Bounds
) -> Endpoint:
    """Make an endpoint.

    Args:
        key: Whose.
        at: Family, number and port where others shall find it; None to dial from anywhere.
        relay: URL of the relay by which others find it, or empty.
        bounds: What we put up with.

    Raises:
        AddressError: The sockets are taken, or the relay is none.
    """
    builder = iroh.EndpointBuilder()
    builder.apply_minimal()
    builder.secret_key(key.private_key().private_bytes_raw())
    builder.alpns([_ALPN])
    try:
        relays = iroh.RelayMode.custom_from_urls([relay]) if relay else iroh.RelayMode.disabled()
        builder.relay_mode(relays)
        if at is not None:
            for family, host in (_LOOPBACK | {at[0]: at[1]}).items():
                if family == at[0] or _has(family):
                    builder.bind_addr(addresses.show(host, at[2] if family == at[0] else 0))
        return Endpoint(await builder.bind(), relay, bounds)
    except iroh.IrohError as error:
        place = addresses.show(at[1], at[2]) if at is not None else relay
        raise AddressError(f"nobody can listen at {place}: {_reason(error)}") from None


def _has(family: int) -> bool:
    """Whether this machine has a family of addresses."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((_LOOPBACK[socket.AddressFamily(family)], 0))
    except OSError:
        return False
    return True


def _identity(node: bytes) -> Any:
    try:
        return iroh.EndpointId.from_bytes(node)
    except iroh.IrohError:
        raise ChannelError(f"{node.hex()} is no public key") from None


def _host(source: Any) -> str:
    """By what handshakes are counted: a number, or the key that a relay knows."""
    if source.is_ip():  # not parsed: a number within a link has its link behind it
        return str(source.addr).rpartition(":")[0].strip("[]")
    return str(source.endpoint_id) if source.is_relay() else "elsewhere"


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Make errors of the library's ours.

    The library's hold what was called, and so sockets, until their traces are taken from them.
    """
    try:
        yield
    except iroh.IrohError as error:
        kind = OtherKeyError if _OTHER_KEY in error.message() else ConnectionError
        raise kind(_reason(error)) from error.with_traceback(None)


def _reason(error: Any) -> str:
    """The last line of what the library says: the cause, without the places in its source."""
    lines = [line.strip() for line in error.message().splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no reason given"
