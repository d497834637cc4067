"""How commands serve that go on until somebody ends them."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Coroutine
from typing import Any

from numen.base.errors import NumenError


def run_until_told(work: Coroutine[Any, Any, None]) -> None:
    """Run until interrupted or told to end.

    Raises:
        NumenError: What ended it, where something did.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")

    async def until_told() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    try:
        asyncio.run(until_told())
    except* NumenError as errors:
        raise _first(errors) from None


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
