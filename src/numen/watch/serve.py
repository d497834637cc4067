"""The page beside a node, in the node's own loop, on this machine alone."""

import asyncio
import contextlib
import socket
from contextlib import nullcontext
from typing import Final

from numen.node import shell
from numen.watch.board import Board, Source
from numen.watch.page import Page

HOST: Final = "127.0.0.1"
"""Where it listens; who is elsewhere comes by a tunnel of ssh."""

PORT: Final = 7380
"""Where it listens, unless it is told otherwise."""


def listen(port: int) -> socket.socket:
    """Open the socket; port 0 for any.

    Raises:
        ServeError: Somebody else listens there.
    """
    return shell.listen(HOST, port)


def address(listening: socket.socket) -> str:
    """What to open in a browser."""
    return f"http://{HOST}:{listening.getsockname()[1]}/"


async def attend(source: Source, listening: socket.socket) -> None:
    """Serve the page of a source until it is cancelled.

    Raises:
        ServeError: What it takes is not installed.
    """
    page = Page(Board(source), listening.getsockname()[1])
    source.streams = lambda: page.streams
    server = shell.server_of(page)
    # Signals are the node's: it ends, and we with it.
    server.capture_signals = nullcontext
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    finally:
        page.close()
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await serving
