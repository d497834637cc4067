"""The page and what it is made of, as an ASGI application that only answers questions.

    /               the page; its parts are under /assets/
    /state          everything that is shown, as one JSON object
    /live           the same by section, as server-sent events, and again what changed
    /why/ID         why something went as it did: a JSON array of sentences
    /tree/ID        what followed from a message of a ledger
    /metrics        numbers, in the text format of Prometheus

Whoever looks live has a task that waits for its browser alone; one that reads nothing for
`SEND_S_MAX` is let go. Sources: the ASGI specification 3; HTML, section 9.2 (server-sent events).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Final

import msgspec

from numen.base.errors import NumenError
from numen.watch import guard
from numen.watch.board import Board

STREAMS_MAX: Final = 32
"""Most browsers that look live at a time."""

SEND_S_MAX: Final = 20.0
"""Seconds that a browser may let an answer wait."""

PARTING_S: Final = 0.5
"""Seconds that a browser may let the end of an answer wait, when the process ends."""

BEAT_S: Final = 10.0
"""How often a live page is told that nothing changed."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"
_JSON: Final = "application/json"
_ASKED: Final = re.compile(r"/(why|tree)/([0-9A-Za-z_.-]{1,80})")


def assets() -> dict[str, tuple[str, bytes]]:
    """The parts of the page: type and bytes, by the path that they are asked for at."""
    folder = Path(__file__).parent / "assets"
    found = {
        f"/assets/{path.name}": (_TYPES[path.suffix], path.read_bytes())
        for path in sorted(folder.iterdir())
        if path.suffix in _TYPES
    }
    return {"/": found.pop("/assets/index.html"), **found}


class Page:
    """The application.

    Args:
        board: What is shown.
        port: Where it listens, as requests have to say.

    """

    def __init__(self, board: Board, port: int) -> None:
        self._telling: set[asyncio.Future[None]] = set()
        self._board, self._port = board, port
        self._assets = assets()

    @property
    def streams(self) -> int:
        """Browsers that look live now."""
        return len(self._telling)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        refused = guard.refusal(
            scope["method"], dict(scope["headers"]), self._port, is_page=path == "/"
        )
        if refused:
            status = 405 if scope["method"] not in ("GET", "HEAD") else 403
            await _reply(send, status, "text/plain; charset=utf-8", refused.encode())
        elif path == "/live" and scope["method"] == "GET":
            await self._live(receive, send)
        else:
            status, kind, body = await self._answer(path)
            await _reply(send, status, kind, body, is_head=scope["method"] == "HEAD")

    async def _answer(self, path: str) -> tuple[int, str, bytes]:
        if path in self._assets:
            return 200, *self._assets[path]
        if path == "/state":
            return 200, _JSON, self._board.state()
        if path == "/metrics":
            return 200, _METRICS, self._board.source.metrics()
        asked = _ASKED.fullmatch(path)
        if asked is None:
            return 404, "text/plain; charset=utf-8", b"there is nothing of this name"
        source = self._board.source
        find = source.explained if asked[1] == "why" else source.tree
        try:
            return 200, _JSON, msgspec.json.encode(await find(asked[2]))
        except NumenError as error:
            return 404, _JSON, msgspec.json.encode({"error": error.message})

    async def _live(self, receive: Receive, send: Send) -> None:
        if self.streams >= STREAMS_MAX:
            await _reply(send, 503, "text/plain; charset=utf-8", b"enough pages are open")
            return
        telling = asyncio.ensure_future(self._tell(send))
        leaving = asyncio.ensure_future(_left(receive))
        self._telling.add(telling)
        both: set[asyncio.Future[None]] = {telling, leaving}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._telling.discard(telling)
            for each in both:
                each.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    def close(self) -> None:
        """Let go of everybody who looks."""
        for telling in self._telling:
            telling.cancel()

    async def _tell(self, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream"), *guard.HEADERS]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            async for told in self._news():
                async with asyncio.timeout(SEND_S_MAX):
                    await send({"type": "http.response.body", "body": told, "more_body": True})
        except asyncio.CancelledError:
            async with asyncio.timeout(PARTING_S):
                await send({"type": "http.response.body", "body": b""})
            raise

    async def _news(self) -> AsyncIterator[bytes]:
        version = 0
        while True:
            fresh = await self._board.changed(version, BEAT_S)
            if fresh == version:
                yield b": nothing new\n\n"
                continue
            for name, raw in self._board.since(version).items():
                yield b"event: " + name.encode() + b"\ndata: " + raw + b"\n\n"
            version = fresh
            yield b"event: drawn\ndata: %d\n\n" % version


async def _left(receive: Receive) -> None:
    """Wait until a browser leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reply(send: Send, status: int, kind: str, body: bytes, *, is_head: bool = False) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        *guard.HEADERS,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_head else body})
