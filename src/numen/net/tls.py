"""Channels between machines: mutual TLS 1.3 over TCP, each side pinned to the other's node key.

A dialler knows whom it dials, a listener asks who comes: `net/certificate.py` says how TLS is made
to check keys. Inside, each side says `Hello`, the dialler first; the listener's says whether the
dialler is wanted. So who is refused is told why, and `dial` gives a channel only if it was taken.

Cost: bench/net.py.
"""

import asyncio
import errno
import os
import secrets
import socket
import ssl
from collections import Counter
from typing import Final

from numen.base.codec import CodecError, decode, encode
from numen.net import address as addresses
from numen.net.admission import FULL, Admission
from numen.net.certificate import Trust, hint, peer_of
from numen.net.channel import HELLO_BYTES_MAX, Admit, Bounds, Channel, Hello, binding_of
from numen.net.errors import (
    AddressError,
    ChannelError,
    ClosedError,
    RefusedError,
    TimedOutError,
    UnreachableError,
    WrongPeerError,
)
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
        stream = StreamChannel(self._bounds)
        try:
            async with asyncio.timeout(self._bounds.handshake_s):
                await self._connect(stream, host, port)
                await self._greet(stream, address, peer)
        except BaseException as error:
            stream.abort(ClosedError("it never opened", is_clean=False))
            self._explain(error, address, peer)
            raise
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

    async def _greet(self, stream: StreamChannel, address: str, peer: bytes) -> None:
        if peer_of(stream.connection()) != peer:
            raise WrongPeerError(address, peer)
        nonce = secrets.token_bytes(32)
        await stream.send(encode(Hello("", self._bounds.frame_bytes_max, nonce)))
        heard = decode(Hello, await stream.receive(), size_max=HELLO_BYTES_MAX)
        if heard.refusal:
            raise RefusedError(heard.refusal)
        binding = binding_of(self._key.id, peer, nonce, heard.nonce)
        stream.establish(peer, binding, heard.frame_bytes_max)

    def _explain(self, error: BaseException, address: str, peer: bytes) -> None:
        """Raise the error of ours that an error of asyncio, TLS or the machine means, if any."""
        match error:
            case ssl.SSLCertVerificationError():
                raise WrongPeerError(address, peer) from error
            case TimeoutError():
                raise TimedOutError(f"{address} to answer", self._bounds.handshake_s) from error
            case OSError():
                raise UnreachableError(address, error.strerror or str(error)) from error
            case ClosedError():
                raise UnreachableError(address, "it closes the connection") from error
            case CodecError():
                raise UnreachableError(address, "what answers is no node") from error


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
        self._node = key.id
        self._bounds = bounds
        self._trust = Trust(key, is_listener=True)
        self._admission = Admission(admit, bounds)
        # Channels that end before they are accepted still wait here, so that it has its own bound.
        self._ready: asyncio.Queue[StreamChannel | None] = asyncio.Queue(bounds.peers_max)
        self._hosts: Counter[str] = Counter()
        self._greetings: set[asyncio.Task[None]] = set()
        self._serving = asyncio.create_task(self._serve())
        name = listening.getsockname()
        self._address = addresses.show(str(name[0]), int(name[1]))

    @property
    def address(self) -> str:
        """Where it listens; see `Listener.address`."""
        return self._address

    async def accept(self) -> Channel:
        """Take the next channel; see `Listener.accept`."""
        channel = await self._ready.get()
        if channel is None:
            self._ready.put_nowait(None)
            raise ClosedError("the listener was closed", is_clean=True)
        return channel

    async def close(self) -> None:
        """Stop listening; see `Listener.close`."""
        self._serving.cancel()
        await asyncio.sleep(0)  # a greeting that has not begun would not end its connection
        greetings = list(self._greetings)
        for task in greetings:
            task.cancel()
        await asyncio.gather(self._serving, *greetings, return_exceptions=True)
        self._listening.close()
        while not self._ready.empty():
            waiting = self._ready.get_nowait()
            if waiting is not None:
                await waiting.close()
        self._ready.put_nowait(None)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, source = await loop.sock_accept(self._listening)
            except OSError:  # no more descriptors, or a connection that is gone already
                await asyncio.sleep(_PAUSE_S)
                continue
            host = str(source[0])
            if (
                self._hosts.total() >= self._bounds.handshakes_max
                or self._hosts[host] >= self._bounds.handshakes_per_host_max
            ):
                connection.close()
                continue
            self._hosts[host] += 1
            task = asyncio.create_task(self._greet(connection, host))
            self._greetings.add(task)
            task.add_done_callback(self._greetings.discard)

    async def _greet(self, connection: socket.socket, host: str) -> None:
        """Make a channel of a connection, or end it: nobody needs to hear of strangers' errors."""
        stream = StreamChannel(self._bounds)
        try:
            async with asyncio.timeout(self._bounds.handshake_s):
                await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: stream,
                    connection,
                    ssl=self._trust.context,
                    ssl_handshake_timeout=self._bounds.handshake_s,
                    ssl_shutdown_timeout=self._bounds.close_s,
                )
                await self._answer(stream)
        except (OSError, ChannelError, CodecError):
            pass  # it did not become a channel
        finally:
            if not stream.is_established:
                stream.abort(ClosedError("it never opened", is_clean=False))
            self._hosts[host] -= 1
            if not self._hosts[host]:
                del self._hosts[host]

    async def _answer(self, stream: StreamChannel) -> None:
        peer = peer_of(stream.connection())
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
