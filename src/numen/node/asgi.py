"""JSON-RPC over HTTP and WebSockets, as an ASGI application of one function.

HTTP answers one body with another. A WebSocket carries requests both ways, text and binary frames
alike, and tells what was subscribed to. What a slow or greedy client can hold is bounded: the size
of a body, and how much waits for who does not read. The time of a request is the server's to bound.

Source: the ASGI specification, version 3.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import msgspec

from numen.node.rpc.dispatch import BODY_BYTES_MAX, Dispatcher
from numen.node.rpc.listening import Messages, Notification, NotificationParams, shown
from numen.node.rpc.table import Session
from numen.node.subscriptions import Subscriptions

SEND_S_MAX: Final = 20
"""Seconds that a client may let an answer wait before its connection is given up."""

QUEUE_MAX: Final = 16_384
"""Messages that wait for a client that does not read; with one more its connection is closed."""

QUEUE_BYTES_MAX: Final = 32 << 20
"""Bytes of messages that wait, where there is more than one."""

SOCKETS_MAX: Final = 256
"""Most WebSockets at a time."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Socket:
    """A WebSocket that is open.

    Attributes:
        session: Who asks.
        queue: What is to be sent; None ends the connection.
        size_bytes: Of all that is to be sent.
        is_greedy: Whether the connection is to end, because too much waits.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_MAX + 1)
        self.size_bytes = 0
        self.is_greedy = False

    def put(self, message: bytes) -> None:
        """Let a message wait; with too many the connection ends."""
        if self.is_greedy:
            return
        count, size = self.queue.qsize(), self.size_bytes + len(message)
        if count >= QUEUE_MAX or (count and size > QUEUE_BYTES_MAX):
            self.is_greedy = True
            self.queue.put_nowait(None)
            return
        self.size_bytes = size
        self.queue.put_nowait(message)


class Application:
    """The application.

    Args:
        dispatcher: What answers.
        now: The time of day, in seconds since 1970.
        origin: Which web pages may ask: an origin, ``*`` for all, or empty for none.
        changed: Called after each request, because the node may want to be woken at another time.
        messages: Gives the messages of a block, for who subscribed to them.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        now: Callable[[], int],
        *,
        origin: str = "*",
        changed: Callable[[], None] = lambda: None,
        messages: Messages = lambda _: (),
    ) -> None:
        self._dispatcher, self._now, self._changed = dispatcher, now, changed
        self._sockets: set[Socket] = set()
        self._count = 0
        self._shown = shown(dispatcher.node, dispatcher.written, messages)
        self._origin = origin
        cross = [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-headers", b"content-type"),
            (b"access-control-allow-methods", b"POST"),
            (b"vary", b"origin"),
        ]
        self._headers = [(b"content-type", b"application/json"), *(cross if origin else [])]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve a request or a connection."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)

    # --- HTTP -------------------------------------------------------------------------------------

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        if not self._may_come(scope):
            await self._reply(send, 403, _refusal("pages of this origin may not ask"))
            return
        if scope["method"] == "OPTIONS":
            await self._reply(send, 204, b"")
            return
        if scope["method"] != "POST":
            await self._reply(send, 405, _refusal("ask with POST, or a WebSocket"))
            return
        body = await _read_body(receive)
        if body is None:
            await self._reply(send, 413, _refusal("request too large"))
            return
        answer = await self._answer(body)
        await self._reply(send, 200 if answer else 204, answer)

    async def _answer(self, body: bytes, session: Session | None = None) -> bytes:
        """Answer a request; others have their turn between the requests of a batch."""
        steps = self._dispatcher.steps(body, self._now, session)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                if session is None:
                    self.told()
                return bytes(end.value)
            await asyncio.sleep(0)

    async def _reply(self, send: Send, status: int, body: bytes) -> None:
        length = (b"content-length", str(len(body)).encode())
        headers = [*self._headers, length] if status != 204 else self._headers
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    # --- WebSockets -------------------------------------------------------------------------------

    async def _websocket(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        if len(self._sockets) >= SOCKETS_MAX or not self._may_come(scope):
            await send({"type": "websocket.close", "code": 1013})
            return
        await send({"type": "websocket.accept"})
        self._count += 1
        socket = Socket(self._dispatcher.session(Subscriptions(self._count)))
        self._sockets.add(socket)
        writing = asyncio.ensure_future(_write(socket, send))
        try:
            await self._read(socket, receive, writing)
        finally:
            self._sockets.discard(socket)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    def _may_come(self, scope: Message) -> bool:
        """Whether a web page may connect; programs name no origin."""
        found = [value for name, value in scope["headers"] if name == b"origin"]
        return not found or self._origin == "*" or found[0] == self._origin.encode("latin-1")

    async def _read(
        self, socket: Socket, receive: Receive, writing: "asyncio.Future[None]"
    ) -> None:
        while not writing.done():
            waiting = asyncio.ensure_future(receive())
            both: set[asyncio.Future[Any]] = {waiting, writing}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                waiting.cancel()
                return
            message = waiting.result()
            if message["type"] != "websocket.receive":
                return
            text = message.get("text")
            body = text.encode() if text is not None else message.get("bytes") or b""
            answer = await self._answer(body, socket.session)
            if answer:
                socket.put(answer)
            self.told()

    def told(self) -> None:
        """Tell every connection what has happened."""
        self._changed()
        events = self._dispatcher.node.take_events()
        if not events or not self._sockets:
            return
        for event in events:
            for socket in list(self._sockets):
                subscriptions = socket.session.subscriptions
                assert subscriptions is not None
                for number, result in subscriptions.told(event, self._shown):
                    told = Notification(NotificationParams(hex(number), result))
                    socket.put(msgspec.json.encode(told))


async def _read_body(receive: Receive) -> bytes | None:
    """Read a body; None where it is too long. The server bounds the time."""
    parts, size, is_more = [], 0, True
    while is_more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_BYTES_MAX:
            return None
        is_more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _write(socket: Socket, send: Send) -> None:
    """Send what waits, one after the other, until it takes a client too long to read."""
    while True:
        message = await socket.queue.get()
        if message is None:
            await send({"type": "websocket.close", "code": 1008, "reason": "too slow"})
            return
        async with asyncio.timeout(SEND_S_MAX):
            await send({"type": "websocket.send", "text": message.decode()})
        socket.size_bytes -= len(message)


def _refusal(message: str) -> bytes:
    error = {"code": -32600, "message": message}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": None, "error": error})
