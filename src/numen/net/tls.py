"""Channels between machines: mutual TLS 1.3 over TCP, each side pinned to the other's node key.

A dialler knows whom it dials, a listener asks who comes: `net/certificate.py` says how TLS is made
to check keys. Inside, both are greeted as `net/greeting.py` says.

Cost: bench/net.py.
"""

import asyncio
import errno
import os
import socket
import ssl
from functools import partial
from typing import Final

from numen.net import address as addresses
from numen.net.certificate import Trust, hint, peer_of
from numen.net.channel import Admit, Bounds, Channel
from numen.net.errors import AddressError, WrongPeerError
from numen.net.greeting import Reception, dialling, greet
from numen.net.identity import NodeKey
from numen.net.stream import StreamChannel

_BACKLOG: Final = 128
_PAUSE_S: Final = 0.1
"""How long nobody is accepted after the machine had nothing to accept them with."""


class TlsTransport:
    """A node on the network of machines: a `Transport`.

    Args:
        key: Its secret.
        bounds: What it puts up with.
    """

    def __init__(self, key: NodeKey, bounds: Bounds | None = None) -> None:
        self._key = key
        self._bounds = bounds or Bounds()
        self._trust = Trust(key, is_listener=False)

    @property
    def node(self) -> bytes:
        """Our own public key."""
        return self._key.id

    async def dial(self, address: str, peer: bytes) -> StreamChannel:
        """Make a channel to a node; see `Transport.dial`."""
        host, port = addresses.parse(address)
        self._trust.add(peer)
        async with dialling(address, self._bounds) as stream:
            try:
                await self._connect(stream, host, port)
            except ssl.SSLCertVerificationError as error:
                raise WrongPeerError(address, peer) from error
            if peer_of(stream.connection()) != peer:
                raise WrongPeerError(address, peer)
            await greet(stream, self._key.id, peer, self._bounds)
        return stream

    async def listen(self, address: str, admit: Admit) -> "TlsListener":
        """Let others dial us; see `Transport.listen`."""
        host, port = addresses.parse(address)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            family, _, _, _, where = found[0]
            listening = socket.create_server((str(where[0]), port), family=family, backlog=_BACKLOG)
        except OSError as error:
            said = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            todo = "another process listens there: choose another port, or 0 for any"
            taken = error.errno == errno.EADDRINUSE
            raise AddressError(
                f"nobody can listen at {address}: {said}", hint=todo if taken else ""
            ) from error
        listening.setblocking(False)
        return TlsListener(listening, self._key, admit, self._bounds)

    async def _connect(self, stream: StreamChannel, host: str, port: int) -> None:
        await asyncio.get_running_loop().create_connection(
            lambda: stream,
            host,
            port,
            ssl=self._trust.context,
            server_hostname=hint(self._key.id),
            ssl_handshake_timeout=self._bounds.handshake_s,
            ssl_shutdown_timeout=self._bounds.close_s,
        )


class TlsListener:
    """Where others dial a node: a `Listener`.

    Args:
        listening: A socket that listens.
        key: The node's secret.
        admit: Who is wanted.
        bounds: What the node puts up with.
    """

    def __init__(
        self, listening: socket.socket, key: NodeKey, admit: Admit, bounds: Bounds
    ) -> None:
        self._listening = listening
        self._bounds = bounds
        self._trust = Trust(key, is_listener=True)
        self._reception = Reception(key.id, admit, bounds)
        self._serving = asyncio.create_task(self._serve())
        name = listening.getsockname()
        self._address = addresses.show(str(name[0]), int(name[1]))

    @property
    def address(self) -> str:
        """Where it listens; see `Listener.address`."""
        return self._address

    async def accept(self) -> Channel:
        """Take the next channel; see `Listener.accept`."""
        return await self._reception.accept()

    async def close(self) -> None:
        """Stop listening; see `Listener.close`."""
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)
        await self._reception.close()
        self._listening.close()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, source = await loop.sock_accept(self._listening)
            except OSError:  # no more descriptors, or a connection that is gone already
                await asyncio.sleep(_PAUSE_S)
                continue
            if not self._reception.meet(str(source[0]), partial(self._open, connection)):
                connection.close()

    async def _open(self, connection: socket.socket, stream: StreamChannel) -> bytes:
        # As asyncio does for connections that it makes: else a small frame waits until the other
        # side says that it has the one before, which that puts off for 40 ms.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: stream,
            connection,
            ssl=self._trust.context,
            ssl_handshake_timeout=self._bounds.handshake_s,
            ssl_shutdown_timeout=self._bounds.close_s,
        )
        return peer_of(stream.connection())
