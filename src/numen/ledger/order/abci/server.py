"""The socket on which CometBFT talks to its application.

    ListenError    an address that is none, or that cannot be listened on

Each message comes behind its length, a varint. CometBFT has four connections; whatever comes on
them is answered one at a time and in order. What cannot be answered is answered by an exception,
and CometBFT stops. Who can connect can end the chain of this node: listen on a socket of the file
system, or on loopback.
"""

import asyncio
import ipaddress
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from numen.ledger.order.abci import messages, wire
from numen.ledger.order.abci.application import Application
from numen.ledger.order.abci.wire import WireError
from numen.ledger.order.sequencer import OrderError

FRAME_BYTES_MAX: Final = 64 << 20
"""Longest message; a block of CometBFT has 4 MB unless its operator says otherwise."""

FRAME_S_MAX: Final = 30
"""Seconds in which a message that has begun is there."""

CONNECTIONS_MAX: Final = 8
"""Connections at a time; CometBFT has four."""

_LENGTH_BYTES_MAX: Final = 4


class ListenError(OrderError):
    """Nobody can connect there."""


class Server:
    """A listening socket before an application.

    Args:
        application: Who answers.

    Attributes:
        failure: Why it has stopped by itself; empty while it has not.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._connections = 0
        self._stopped = asyncio.Event()
        self.failure = ""

    async def serve(self, address: str, ready: Callable[[], None]) -> None:
        """Listen until the task is cancelled, or the disk refuses.

        Args:
            address: ``unix://PATH``, or ``tcp://HOST:PORT`` of this machine.
            ready: Called once CometBFT can connect.

        Raises:
            ListenError: It cannot be listened on.
        """
        server = await _listen(address, self._meet)
        async with server:
            ready()
            await self._stopped.wait()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._connections >= CONNECTIONS_MAX:
            writer.close()
            return
        self._connections += 1
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass  # it went away
        finally:
            self._connections -= 1
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_going_on = True
        while is_going_on:
            try:
                raw = await read_frame(reader)
                if raw is None:
                    return
                answer = self._application.answer(messages.read_request(raw))
            except (OrderError, sqlite3.Error) as error:
                answer = messages.ExceptionResponse(str(error))
                is_going_on = False
                if isinstance(error, sqlite3.Error):
                    self.failure = str(error)
            write_frame(writer, messages.write(answer))
            await writer.drain()
            if self.failure:
                self._stopped.set()


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """Read a message behind its length; None where no more come.

    Raises:
        WireError: It is too long.
        TimeoutError: It does not come in time, once it has begun.
        asyncio.IncompleteReadError: It ends before it should.
    """
    head = await reader.read(1)
    if not head:
        return None
    async with asyncio.timeout(FRAME_S_MAX):
        while head[-1] & 0x80 and len(head) < _LENGTH_BYTES_MAX:
            head += await reader.readexactly(1)
        size, _ = wire.read_varint(head, 0)
        if size > FRAME_BYTES_MAX:
            raise WireError(f"a message of {size} bytes where {FRAME_BYTES_MAX} are allowed")
        return await reader.readexactly(size)


def write_frame(writer: asyncio.StreamWriter, raw: bytes) -> None:
    """Write a message behind its length."""
    writer.write(wire.varint(len(raw)) + raw)


async def _listen(
    address: str,
    meet: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> asyncio.Server:
    parts = urlsplit(address)
    try:
        if parts.scheme == "unix" and parts.path:
            path = Path(parts.netloc + parts.path)
            server = await asyncio.start_unix_server(meet, path)
            path.chmod(0o600)
            return server
        if parts.scheme == "tcp" and parts.hostname and parts.port:
            if not ipaddress.ip_address(parts.hostname).is_loopback:
                raise ListenError(f"{parts.hostname} is not of this machine alone")
            return await asyncio.start_server(meet, parts.hostname, parts.port)
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error.strerror or error}") from error
    except ValueError as error:
        raise ListenError(f"{address}: {error}") from error
    raise ListenError(f"{address[:80]!r} is neither unix://PATH nor tcp://127.0.0.1:PORT")
