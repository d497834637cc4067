"""A node's side of the log: it reads the entries that the step asks for, and appends its blocks.

The log has blocks and nothing else. What it does not answer, the step asks again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from numen.ledger.order.sequencer import (
    BLOCKS,
    BatchError,
    ConflictError,
    Entry,
    Sequencer,
    UnavailableError,
)
from numen.node.replica.events import Append, Event, Follow, Ordered, Overtaken

AGAIN_S: Final = 0.5
"""Pause before a log is read again that did not answer."""

_LOG: Final = logging.getLogger("numen.node")

Hear = Callable[[Event], Awaitable[None]]


class Logbook:
    """Reads and writes the log for one node.

    Args:
        log: Any engine.
        hear: Takes what the log says.
    """

    def __init__(self, log: Sequencer, hear: Hear) -> None:
        self._log = log
        self._hear = hear
        self._wanted: asyncio.Queue[int] = asyncio.Queue(1)
        self._drafts: asyncio.Queue[Append] = asyncio.Queue(1)

    def follow(self, effect: Follow) -> None:
        """Read an entry, once there is one; the step wants one at a time."""
        assert self._wanted.empty(), "one entry at a time"
        self._wanted.put_nowait(effect.position)

    def append(self, effect: Append) -> None:
        """Append a block, unless another is being appended: the step says it again."""
        if self._drafts.empty():
            self._drafts.put_nowait(effect)

    async def run(self) -> None:
        """Read and write until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read())
            group.create_task(self._write())

    async def _read(self) -> None:
        wanted = await self._wanted.get()
        while True:
            try:
                async for record in self._log.subscribe(wanted):
                    await self._hear(Ordered(record.position, record.body))
                    wanted = await self._wanted.get()
            except UnavailableError as error:
                _LOG.warning("the log cannot be read: %s", error)
                await asyncio.sleep(AGAIN_S)

    async def _write(self) -> None:
        while True:
            draft = await self._drafts.get()
            try:
                await self._log.append([Entry(BLOCKS, draft.raw)], {BLOCKS: draft.position})
            except ConflictError:
                await self._hear(Overtaken())
            except (BatchError, UnavailableError) as error:
                _LOG.warning("the log takes no block: %s", error)
