"""JSON-RPC beside a node of a ledger of several: for whom runs it, on this machine.

What is asked is carried out in the node's own thread, a request at a time, between what the node
does for others.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import nullcontext
from typing import Any

from numen.node.asgi import Application
from numen.node.ledger.follower import Follower
from numen.node.rpc.dispatch import Dispatcher, Steps
from numen.node.rpc.replica_methods import METHODS
from numen.node.rpc.table import Session
from numen.node.shell import server_of


class Asking:
    """Answers who asks.

    Args:
        listening: A socket that listens, on loopback.
        working: The node's own thread.
        open_: Gives the node as it is now, in that thread.

    Raises:
        ServeError: What it takes is not installed.
    """

    def __init__(
        self, listening: socket.socket, working: Executor, open_: Callable[[], Follower]
    ) -> None:
        self._listening = listening
        first = Dispatcher(working.submit(open_).result(), METHODS)
        self._server = server_of(_Threaded(first, working, open_))
        # The node sees to signals itself.
        self._server.capture_signals = nullcontext

    async def run(self) -> None:
        """Answer until it is cancelled."""
        try:
            await self._server.serve(sockets=[self._listening])
        finally:
            self._listening.close()


class _Threaded(Application):
    """An application whose requests are carried out in another thread."""

    def __init__(
        self, dispatcher: Dispatcher, working: Executor, open_: Callable[[], Follower]
    ) -> None:
        super().__init__(dispatcher, _now_s, origin="")
        self._working, self._open, self._latest = working, open_, dispatcher

    async def _answer(self, body: bytes, session: Session | None = None) -> bytes:  # noqa: ARG002
        steps = await self._run(self._begin, body)
        while True:
            answer: bytes | None = await self._run(_next, steps)
            if answer is not None:
                return answer

    def told(self) -> None:
        """Nobody subscribes here."""

    def _begin(self, body: bytes) -> Steps:
        node = self._open()
        if node is not self._latest.node:
            self._latest = Dispatcher(node, METHODS)
        return self._latest.steps(body, _now_s)

    async def _run(self, work: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._working, work, *given)


def _next(steps: Steps) -> bytes | None:
    """Answer one request; gives all answers after the last."""
    try:
        next(steps)
    except StopIteration as end:
        return bytes(end.value)
    return None


def _now_s() -> int:
    return int(time.time())
