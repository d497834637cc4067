"""The shell: the one file of the node with sockets, a clock and signals.

NumenError
└── ServeError    the address cannot be listened on, or what it takes is not installed
"""

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Callable, Coroutine, Mapping
from importlib import import_module
from typing import Any, Final

from numen.base.errors import NumenError
from numen.node.asgi import Application
from numen.node.rpc.dispatch import BODY_BYTES_MAX, Dispatcher
from numen.node.rpc.listening import Messages
from numen.node.rpc.table import Method
from numen.node.surface import Node

CONNECTIONS_MAX: Final = 1_024
"""Most connections, and requests in work, at a time; more are answered by 503."""

KEEP_ALIVE_S: Final = 30
"""Seconds that a connection may rest between two requests."""

REQUEST_S_MAX: Final = 10
"""Seconds that a client has to send a request, once it has connected or begun."""

HEAD_BYTES_MAX: Final = 1 << 16
"""Longest head of a request, give or take what is read at once."""

STUCK_S_MAX: Final = 10
"""Seconds in which a client may read nothing of an answer that waits for it."""

_BACKLOG: Final = 512


class ServeError(NumenError):
    """The node cannot listen."""


def listen(host: str, port: int) -> socket.socket:
    """Open the socket.

    Raises:
        ServeError: The address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        found.close()
        taken = getattr(error, "errno", 0) == errno.EADDRINUSE
        hint = "another program listens there: choose another port, or 0 for any" if taken else ""
        raise ServeError(f"cannot listen on {host}:{port}: {error}", hint=hint) from error
    return found


def now_s() -> int:
    """The time of day, in seconds since 1970."""
    return int(time.time())


def serve(
    node: Node,
    methods: Mapping[str, Method],
    listening: socket.socket,
    ready: Callable[[], None],
    origin: str,
    messages: Messages = lambda _: (),
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Serve a node until the process is told to stop.

    Args:
        node: The node.
        methods: What it can be asked, by name.
        listening: A socket that listens.
        ready: Called once requests are answered.
        origin: Which web pages may ask, as `Application` has it.
        messages: Gives the messages of a block, for who subscribed to them.
        beside: What runs beside it in the same loop, until it ends.

    Raises:
        ServeError: What it takes is not installed.
    """
    miner = Miner(node)
    dispatcher = Dispatcher(node, methods, report=_report)
    application = Application(
        dispatcher, now_s, origin=origin, changed=miner.wake, messages=messages
    )
    server = server_of(application)
    loop_factory = server.config.get_loop_factory()

    def answering() -> None:
        ready()
        # The first call would wait for what every call needs.
        asyncio.get_running_loop().call_soon(node.warm)

    async def run() -> None:
        miner.start(application.told)
        asyncio.get_running_loop().call_soon(answering)
        other = asyncio.ensure_future(beside()) if beside is not None else None
        try:
            await server.serve(sockets=[listening])
        finally:
            miner.stop()
            if other is not None:
                other.cancel()
                await asyncio.gather(other, return_exceptions=True)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run())


def server_of(application: Callable[..., Any]) -> Any:
    """A server of uvicorn for an application, with bounds on what clients may do.

    Raises:
        ServeError: What it takes is not installed.
    """
    try:
        uvicorn: Any = import_module("uvicorn")
        protocol = _protocol(import_module("uvicorn.protocols.http.httptools_impl"))
    except ImportError as error:
        hint = "install numen with its extra: pip install 'numen[node]'"
        raise ServeError(f"the node needs {error.name}", hint=hint) from error
    # What strangers send is no news.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return uvicorn.Server(uvicorn.Config(application, http=protocol, **_CONFIG))


_CONFIG: Final[dict[str, Any]] = {
    "ws": "websockets-sansio",
    "ws_max_size": BODY_BYTES_MAX,
    "ws_per_message_deflate": False,
    "lifespan": "off",
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "date_header": False,
    "limit_concurrency": CONNECTIONS_MAX,
    "timeout_keep_alive": KEEP_ALIVE_S,
    "timeout_graceful_shutdown": 1,
}


def _report(method: str, error: Exception) -> None:
    """Leave a mistake of ours for who runs the node."""
    logging.getLogger("numen.node").error("%s failed", method, exc_info=error)


class Miner:
    """Seals blocks when it is time.

    Args:
        node: Whose blocks.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._timer: asyncio.TimerHandle | None = None
        self._interval = 0
        self._told: Callable[[], None] = lambda: None

    def start(self, told: Callable[[], None]) -> None:
        """Begin.

        Args:
            told: Called after each block.
        """
        self._told = told
        self.wake()

    def wake(self) -> None:
        """See whether the node wants its blocks at another interval."""
        if self._node.interval_s != self._interval:
            self._interval = self._node.interval_s
            self.stop()
            self._wait()

    def stop(self) -> None:
        """Seal no more blocks."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        if self._interval:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._interval, self._mine)

    def _mine(self) -> None:
        self._node.now_s = now_s()
        try:
            self._node.mine()
        except NumenError as error:
            logging.getLogger("numen.node").warning("no more blocks: %s", error)
            return
        self._wait()
        self._told()


class Patience:
    """How long a connection may keep the node waiting.

    Args:
        loop: Has the timers.
        transport: The connection.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self._loop, self._transport = loop, transport
        self._request: asyncio.TimerHandle | None = None
        self._answer: asyncio.TimerHandle | None = None

    def expect(self) -> None:
        """A request is to come, from now on."""
        if self._request is None:
            self._request = self._loop.call_later(REQUEST_S_MAX, self._transport.close)

    def came(self) -> None:
        """It has come."""
        if self._request is not None:
            self._request.cancel()
            self._request = None

    def wait(self, before: int | None = None) -> None:
        """An answer waits to be read; something of it has to be, again and again."""
        left = self._transport.get_write_buffer_size()
        if before is not None and left >= before:
            self._transport.abort()
            return
        self._answer = self._loop.call_later(STUCK_S_MAX, self.wait, left)

    def was_read(self) -> None:
        """It was read."""
        if self._answer is not None:
            self._answer.cancel()
            self._answer = None


def _protocol(module: Any) -> Any:
    """Uvicorn's HTTP, with a time in which a request has to come, and an answer to be read.

    Without them, a client that sends a byte a minute, or reads none, holds its connection for ever.
    """

    class Protocol(module.HttpToolsProtocol):  # type: ignore[misc]  # known only when it is used
        _patience: Patience
        _head_bytes = 0

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._patience = Patience(self.loop, transport)
            self._patience.expect()

        def data_received(self, data: bytes) -> None:
            if self.cycle is None or self.cycle.response_complete:
                self._patience.expect()
                if self._head_bytes > HEAD_BYTES_MAX:
                    self.transport.abort()
                    return
                self._head_bytes += len(data)
            super().data_received(data)

        def on_headers_complete(self) -> None:
            self._head_bytes = 0
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._patience.came()
            super().on_message_complete()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._patience.wait()

        def resume_writing(self) -> None:
            self._patience.was_read()
            super().resume_writing()

        def connection_lost(self, exc: Exception | None) -> None:
            self._patience.came()
            self._patience.was_read()
            super().connection_lost(exc)

    return Protocol
