"""A relay for tests: passes on what nodes that cannot reach each other send, as iroh's relays do.

It takes everybody's word for who they are, which iroh's do not: what it passes on is sealed, and a
node that is not meant cannot read it. Its frames are those of the protocol iroh-relay-v1 and -v2:
a type of one byte, a key, and the rest as it came.

Source: iroh-relay 1.0, `protos/handshake.rs` and `protos/relay.rs`.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

CHALLENGE, AUTH, WELCOME, SENT, SENT_BATCH, PING, PONG = 0, 1, 2, 4, 5, 9, 10
TO_CLIENT = 2
"""What turns the type of a datagram to the relay into that of one from it."""


class Relay:
    """A relay that is running.

    Attributes:
        url: What addresses name.
        passed: All datagrams that it passed on: from whom, and what.
    """

    def __init__(self) -> None:
        self.url = ""
        self.passed: list[tuple[bytes, bytes]] = []
        self._clients: dict[bytes, ServerConnection] = {}

    async def serve(self, client: ServerConnection) -> None:
        await client.send(bytes([CHALLENGE]) + secrets.token_bytes(16))
        said = await client.recv()
        assert said[0] == AUTH
        key = said[1:33]
        await client.send(bytes([WELCOME]))
        self._clients[key] = client
        try:
            async for frame in client:
                await self._take(client, key, frame)
        except ConnectionClosed:
            pass
        finally:
            if self._clients.get(key) is client:
                del self._clients[key]

    async def _take(self, client: ServerConnection, key: bytes, frame: bytes) -> None:
        if frame[0] == PING:
            await client.send(bytes([PONG]) + frame[1:])
        elif frame[0] in (SENT, SENT_BATCH):
            self.passed.append((key, frame[33:]))
            other = self._clients.get(frame[1:33])
            if other is not None:
                await other.send(bytes([frame[0] + TO_CLIENT]) + key + frame[33:])


def _probed(client: ServerConnection, request: Request) -> Response | None:
    """Answer who asks how far away the relay is; it chooses the nearest that answers."""
    return None if request.path == "/relay" else client.respond(HTTPStatus.OK, "")


@asynccontextmanager
async def relaying(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Relay]:
    """A relay, on loopback if nobody says otherwise."""
    relay = Relay()
    protocols = ["iroh-relay-v2", "iroh-relay-v1"]
    async with serve(
        relay.serve, host, port,
        subprotocols=protocols, process_request=_probed, max_size=1 << 20,
    ) as server:  # fmt: skip
        relay.url = f"http://{host}:{server.sockets[0].getsockname()[1]}"
        yield relay
