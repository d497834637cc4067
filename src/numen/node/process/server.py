"""One node as a process: its disk, its keys, its channels and its clock around the pure step.

The step and what it wants are carried out in one thread, one event after the other, while the loop
goes on hearing and sending. When the disk refuses, the node stops: it knows nothing any more.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from numen.base.crypto import SigningKey
from numen.ledger.order.sequencer import Sequencer
from numen.ledger.order.vote import Voter
from numen.ledger.state.embedded import LmdbKV
from numen.ledger.world import World
from numen.net.channel import Transport
from numen.node.process.links import Links
from numen.node.process.logbook import Logbook
from numen.node.process.roll import Roll, voting_key
from numen.node.replica.body import Body
from numen.node.replica.events import (
    Append,
    Event,
    Follow,
    Outgoing,
    Received,
    Send,
    Suspect,
    Ticked,
)
from numen.node.replica.node import Node
from numen.node.replica.packet import Packet

TICK_S: Final = 0.2
"""Between two ticks of a node."""

_LOG: Final = logging.getLogger("numen.node")


class Server:
    """A node of a ledger.

    Args:
        roll: The ledger.
        name: Which of its nodes.
        key: Its account's key.
        transport: Its channels.
        directory: Its disk; made if it is missing.
        log: Gives the order of blocks, if the ledger has a log.

    Raises:
        RollError: There is no such node, or the key is another's.
        StorageError: The disk cannot be used.
        BrokenLogError: Another process votes with this key.
    """

    def __init__(
        self,
        roll: Roll,
        name: str,
        key: SigningKey,
        transport: Transport,
        directory: Path,
        log: Sequencer | None = None,
    ) -> None:
        assert (log is not None) == bool(roll.log), "a ledger has a log or not"
        self._site, plan = roll.site(name), roll.plan(name)
        directory.mkdir(parents=True, exist_ok=True)
        voter = None
        if plan.has_vote:
            voter = Voter.open(voting_key(key), plan.chain, directory / "votes")
        world = World(
            LmdbKV(directory / "state"), roll.accounts().items(), custodians=roll.custodians()
        )
        self._body = Body(plan, world, key, voter)
        self._node = Node(self._body)
        self._working = ThreadPoolExecutor(1, "numen-node")
        sites = {site.address: site for site in roll.nodes}
        self._links = Links(transport, plan.me, sites, self._hear)
        self._logbook = Logbook(log, self._handle) if log is not None else None

    @property
    def height(self) -> int:
        """Of the last final block."""
        return self._node.replica.height

    async def run(self, ready: Callable[[str], None]) -> None:
        """Be a node until it is cancelled, or the disk refuses.

        Args:
            ready: Told where it listens.

        Raises:
            AddressError: Nobody can listen there.
            StorageError: The disk refuses.
            BrokenLogError: The same, for the book of votes.
        """
        try:
            await self._do(lambda: list(self._node.begin(_now_ms())))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tick())
                group.create_task(self._links.run(self._site.at, ready))
                if self._logbook is not None:
                    group.create_task(self._logbook.run())
        finally:
            self._working.shutdown()
            self._body.close()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            await self._handle(Ticked())

    async def _hear(self, peer: bytes, packet: Packet) -> None:
        await self._handle(Received(peer, packet))

    async def _handle(self, event: Event) -> None:
        await self._do(lambda: list(self._node.handle(event, _now_ms())))

    async def _do(self, work: Callable[[], list[Outgoing]]) -> None:
        loop = asyncio.get_running_loop()
        for each in await loop.run_in_executor(self._working, work):
            self._carry_out(each)

    def _carry_out(self, wanted: Outgoing) -> None:
        match wanted:
            case Send(to, packet):
                self._links.send(to, packet)
            case Suspect(peer, reason):
                _LOG.warning("%s: %s", peer.hex()[:16], reason)
            case Append():
                assert self._logbook is not None
                self._logbook.append(wanted)
            case Follow():
                assert self._logbook is not None
                self._logbook.follow(wanted)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
