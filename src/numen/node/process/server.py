"""One node as a process: its disk, its keys, its channels and its clock around the pure step.

The step and what it wants are carried out in one thread, one event after the other, while the loop
goes on hearing and sending. When the disk refuses, the node stops: it knows nothing any more.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any, Final

import msgspec

from numen.base.crypto import SigningKey
from numen.ledger.order.sequencer import Sequencer
from numen.ledger.order.vote import Voter
from numen.ledger.state.embedded import LmdbKV
from numen.ledger.world import World
from numen.net.channel import Transport
from numen.node.ledger.follower import Follower
from numen.node.process.asking import Asking
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
from numen.node.replica.liar import Liar
from numen.node.replica.node import Node
from numen.node.replica.packet import Packet, Submit
from numen.trust.execution import Policy

_ASKED: Final = b"rpc"
"""From whom the node takes what was handed in by JSON-RPC; nothing is sent there."""

TICK_S: Final = 0.2
"""Between two ticks of a node."""

_LOG: Final = logging.getLogger("numen.node")


class Conduct(msgspec.Struct, frozen=True):
    """What an operator lets a node do.

    Attributes:
        audit: Share of blocks, in millionths, that it carries out although it believes their maker.
        lie: Height of the first block in which it steals, so that others can be seen to notice; 0
            for an honest node.
    """

    audit: int = Policy().audit
    lie: int = 0


HONEST: Final = Conduct()


class Server:
    """A node of a ledger.

    Args:
        roll: The ledger.
        name: Which of its nodes.
        key: Its account's key.
        transport: Its channels.
        directory: Its disk; made if it is missing.
        log: Gives the order of blocks, if the ledger has a log.
        conduct: What the operator lets it do.
        asked: A socket on loopback that listens for JSON-RPC, or None.

    Raises:
        ServeError: What JSON-RPC takes is not installed.
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
        conduct: Conduct = HONEST,
        asked: socket | None = None,
    ) -> None:
        assert (log is not None) == bool(roll.log), "a ledger has a log or not"
        self._site = roll.site(name)
        policy = Policy(audit=conduct.audit)
        plan = msgspec.structs.replace(roll.plan(name), audit=conduct.audit, policy=policy)
        directory.mkdir(parents=True, exist_ok=True)
        voter = None
        if plan.has_vote:
            voter = Voter.open(voting_key(key), plan.chain, directory / "votes")
        world = World(
            LmdbKV(directory / "state"), roll.accounts().items(), custodians=roll.custodians(),
            bonds=plan.bonds,
        )  # fmt: skip
        embody = partial(Liar, start=conduct.lie) if conduct.lie else Body
        self._body = embody(plan, world, key, voter, is_indexed=asked is not None)
        self._key = key
        self._node = Node(self._body)
        self._working = ThreadPoolExecutor(1, "numen-node")
        sites = self._sites = {site.address: site for site in roll.nodes}
        self._links = Links(transport, plan.me, sites, self._hear)
        self._logbook = Logbook(log, self._handle) if log is not None else None
        members = self._body.watch.members.roster.members
        self._names = tuple(sites[address].name for address in members)
        self._loop: asyncio.AbstractEventLoop
        self._follower: Follower | None = None
        working, follow = self._working, self._follow
        self._asking = Asking(asked, working, follow) if asked is not None else None

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
        self._loop = asyncio.get_running_loop()
        try:
            await self._do(lambda: list(self._node.begin(_now_ms())))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tick())
                group.create_task(self._links.run(self._site.at, ready))
                if self._logbook is not None:
                    group.create_task(self._logbook.run())
                if self._asking is not None:
                    group.create_task(self._asking.run())
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

    async def look(self, work: Callable[[Follower], Any]) -> Any:
        """Look at the node after its last final block, between what it does; see `Asking`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._working, lambda: work(self._follow()))

    def _follow(self) -> Follower:
        """What is shown to who asks, after the last final block; in the node's own thread."""
        body = self._body
        if self._follower is None or self._follower.ledger.height != body.ledger.height:
            self._follower = Follower(
                body.world, self._key, body.plan, body.watch, self._names, self._hand
            )
        return self._follower

    def _hand(self, raw: bytes) -> None:
        """Take a transaction from who asks; in the node's own thread."""
        for each in self._node.handle(Received(_ASKED, Submit(raw)), _now_ms()):
            self._loop.call_soon_threadsafe(self._carry_out, each)

    async def _do(self, work: Callable[[], list[Outgoing]]) -> None:
        loop = asyncio.get_running_loop()
        for each in await loop.run_in_executor(self._working, work):
            self._carry_out(each)

    def _called(self, peer: bytes) -> str:
        """A node by its name, and a person by the beginning of its account or key."""
        return self._sites[peer].name if peer in self._sites else peer.hex()[:16]

    def _carry_out(self, wanted: Outgoing) -> None:
        match wanted:
            case Send(to, packet):
                self._links.send(to, packet)
            case Suspect(peer, reason):
                _LOG.warning("%s: %s", self._called(peer), reason)
            case Append():
                assert self._logbook is not None
                self._logbook.append(wanted)
            case Follow():
                assert self._logbook is not None
                self._logbook.follow(wanted)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
