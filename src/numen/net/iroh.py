"""Channels over QUIC, for nodes that TCP does not reach: a `Transport`.

The key that QUIC proves is the node key, mutually; then both are greeted as over TLS. Where a node
listens is an address of `net/address.py`'s, with a relay or without: packets go directly where they
come through, and by the relay otherwise. A relay sees who speaks with whom, and nothing of what.

Cost: bench/net.py.
"""

import asyncio
import socket

from numen.net import address as addresses
from numen.net.address import QuicAddress
from numen.net.channel import Admit, Bounds, Channel
from numen.net.errors import AddressError, TimedOutError, UnreachableError, WrongPeerError
from numen.net.greeting import Reception, dialling, greet
from numen.net.identity import NodeKey
from numen.net.quic import Connection, Endpoint, OtherKeyError, bind
from numen.net.stream import StreamChannel


class IrohTransport:
    """A node on the network of machines, over QUIC: a `Transport`.

    Args:
        key: Its secret.
        bounds: What it puts up with.
    """

    def __init__(self, key: NodeKey, bounds: Bounds | None = None) -> None:
        self._key = key
        self._bounds = bounds or Bounds()
        self._listening: Endpoint | None = None

    @property
    def node(self) -> bytes:
        """Our own public key."""
        return self._key.id

    async def dial(self, address: str, peer: bytes) -> StreamChannel:
        """Make a channel to a node; see `Transport.dial`."""
        there, connection = addresses.parse_quic(address), None
        try:
            async with dialling(address, self._bounds) as stream:
                connection = await self._connect(address, there, peer)
                connection.start(stream)
                await greet(stream, self._key.id, peer, self._bounds)
        except TimedOutError as error:
            if connection is None:  # UDP does not say that nobody is there
                raise UnreachableError(address, "nothing comes back") from error
            raise
        return stream

    async def listen(self, address: str, admit: Admit) -> "IrohListener":
        """Let others dial us; see `Transport.listen`."""
        where = addresses.parse_quic(address)
        if not where.host:
            raise AddressError(f"nobody can listen at {address}: it names a relay alone")
        try:
            family, host = (await _numbers(where, socket.AI_PASSIVE))[0]
        except OSError as error:
            raise AddressError(f"nobody can listen at {address}: {error.strerror}") from error
        endpoint = await bind(self._key, (family, host, where.port), where.relay, self._bounds)
        if self._listening is None or self._listening.is_over:
            self._listening = endpoint
        found = QuicAddress(host, endpoint.port(family), where.relay)
        return IrohListener(endpoint, str(found), Reception(self._key.id, admit, self._bounds))

    async def _connect(self, address: str, there: QuicAddress, peer: bytes) -> Connection:
        endpoint = await self._endpoint(there.relay)
        try:
            numbers = await _numbers(there) if there.host else []
            places = [addresses.show(host, there.port) for _, host in numbers]
            return await endpoint.connect(peer, places, there.relay)
        except OtherKeyError as error:
            raise WrongPeerError(address, peer) from error
        finally:
            await endpoint.leave()

    async def _endpoint(self, relay: str) -> Endpoint:
        """What to dial from: where we listen, if that reaches far enough; else one for this."""
        mine = self._listening
        if mine is not None and not mine.is_over and (mine.relay or not relay):
            mine.join()
            return mine
        return await bind(self._key, None, relay, self._bounds)


class IrohListener:
    """Where others dial a node: a `Listener`.

    Args:
        endpoint: Where packets come; the listener uses it until it is closed.
        address: What others dial.
        reception: Greets who comes.
    """

    def __init__(self, endpoint: Endpoint, address: str, reception: Reception) -> None:
        self._endpoint = endpoint
        self._address = address
        self._reception = reception
        self._is_open = True
        endpoint.meet = reception.meet

    @property
    def address(self) -> str:
        """Where it listens; see `Listener.address`."""
        return self._address

    async def accept(self) -> Channel:
        """Take the next channel; see `Listener.accept`."""
        return await self._reception.accept()

    async def close(self) -> None:
        """Stop listening; see `Listener.close`."""
        if self._is_open:
            self._is_open = False
            self._endpoint.meet = None
            await self._reception.close()
            await self._endpoint.leave()


async def _numbers(where: QuicAddress, flags: int = 0) -> list[tuple[int, str]]:
    """The numbers that a host's name stands for, each with its family."""
    found = await asyncio.get_running_loop().getaddrinfo(
        where.host, where.port, type=socket.SOCK_DGRAM, flags=flags
    )
    return [(family, str(place[0])) for family, _, _, _, place in found]
