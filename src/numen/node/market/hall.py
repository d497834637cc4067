"""The hall: takes what members hand in, writes it down in order, and tells everybody.

It decides nothing but the order and the time: every member applies the same rules to the same
entries, and would see it if one were missing or changed. What it can do is to leave something out;
its members then look for another.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final

from numen.base.codec import CodecError
from numen.base.crypto import SigningKey
from numen.market.events import Event
from numen.market.exchange import ROUND_MS
from numen.net.channel import Channel, Listener
from numen.net.errors import NetError
from numen.net.language import Refusal
from numen.net.possession import introduce
from numen.net.session import Session
from numen.node.market.goods import Gathering, GoodsError, Shelf
from numen.node.market.notary import Notary
from numen.node.market.record import Record
from numen.node.market.replica import Granted, Passed, What
from numen.node.market.speech import (
    ENTRIES_MAX,
    MESSAGE_BYTES_MAX,
    SPEECH,
    Absent,
    Declined,
    Entries,
    Follow,
    Hand,
    Parcel,
    Part,
    Want,
    Welcome,
)

TICK_S: Final = 0.25
"""How often time is told while tasks live."""

OUTBOX_MAX: Final = 256
"""Parcels that may wait for a member; more are dropped, and sent again by who misses them."""

_LOG: Final = logging.getLogger("numen.market")
_BATCH_BYTES: Final = MESSAGE_BYTES_MAX - (64 << 10)


class Hall:
    """Orders one market.

    Args:
        record: The market on disk.
        shelf: Goods.
        notary: Checks evidence, over the goods of the shelf.
        node: The hall's own public key on the network.
        key: Its account.
        heard: Told of everything that happens.
    """

    def __init__(
        self,
        record: Record,
        shelf: Shelf,
        notary: Notary,
        node: bytes,
        key: SigningKey,
        heard: Callable[[tuple[Event, ...]], None],
    ) -> None:
        self._record = record
        self._shelf = shelf
        self._notary = notary
        self._node, self._key = node, key
        self._heard = heard
        self._members: dict[bytes, _Visit] = {}
        self._grown = asyncio.Condition()
        self._turn = asyncio.Lock()

    @property
    def now_ms(self) -> int:
        """Time of the market."""
        passed = time.time_ns() // 1_000_000 - self._record.replica.genesis.born_ms
        return max(passed, self._record.replica.now_ms)

    async def run(self, listener: Listener) -> None:
        """Serve members until it is cancelled, or the disk refuses."""
        await self._catch_up()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tick())
            while True:
                channel = await listener.accept()
                group.create_task(self._serve(channel))

    async def write(self, what: What) -> None:
        """Write something down, apply it, and tell everybody."""
        async with self._turn:
            entry = self._record.replica.next(what, self.now_ms)
            happened = await self._record.write(entry)
        self._heard(happened)
        async with self._grown:
            self._grown.notify_all()

    async def _catch_up(self) -> None:
        """Let the rounds pass in which nobody was here."""
        while self.now_ms >= self._record.replica.market.escrow.round * ROUND_MS:
            await self.write(Passed())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            market = self._record.replica.market
            if market.jobs or self.now_ms >= market.escrow.round * ROUND_MS:
                await self.write(Passed())

    async def _serve(self, channel: Channel) -> None:
        """Serve one member until it leaves; what it does wrong ends its visit alone."""
        session = Session(channel, SPEECH)
        try:
            account = await introduce(session, self._node, self._key)
            await _Visit(self, session, account).run()
        except NetError as error:
            _LOG.info("%s: %s", channel.peer.hex()[:16], error)
        finally:
            await channel.close()

    async def greet(self, visit: "_Visit") -> None:
        """Let a member in; coins for who is new."""
        self._members[visit.account] = visit
        if self._record.replica.may_grant(visit.account):
            await self.write(Granted(visit.account))

    def part(self, visit: "_Visit") -> None:
        """Let a member go."""
        if self._members.get(visit.account) is visit:
            del self._members[visit.account]

    def welcome(self) -> Welcome:
        replica = self._record.replica
        return Welcome(replica.genesis, replica.height, self.now_ms)

    async def from_(self, start: int) -> Entries:
        """Entries from some number on, as many as fit; wait for one."""
        async with self._grown:
            await self._grown.wait_for(lambda: len(self._record.entries) > start)
        return Entries(self._record.batch(start, ENTRIES_MAX, _BATCH_BYTES))

    async def hand_in(self, hand: Hand) -> str:
        """Write down what a member hands in; else say why not: nonsense would fill the disk.

        What an entry needs to be applied has to be on the shelf before it is written down, so that
        whoever follows the record can have it.
        """
        market = self._record.replica.market
        missing = self._notary.lacks(market, hand.what)
        if missing:
            return f"bring the goods {missing[0].hex()} first"
        await asyncio.to_thread(self._notary.look, market, hand.what)
        reason = self._record.replica.refusal(hand.what, self.now_ms)
        if reason:
            return reason
        try:
            await self.write(hand.what)
        except CodecError as error:
            return error.message
        return ""

    def carry(self, parcel: Parcel, sender: bytes) -> None:
        """Pass a parcel on, if its receiver is here."""
        receiver = self._members.get(parcel.other)
        if receiver is not None:
            receiver.put(Parcel(sender, parcel.what))

    async def keep(self, digest: bytes, raw: bytes) -> None:
        """Keep goods; reading a stranger's program takes a while, and others wait for nobody."""
        await asyncio.to_thread(self._shelf.put, digest, raw)

    def fetch(self, want: Want) -> Part | Absent:
        return self._shelf.part(want.digest, want.start) or Absent(want.digest)


class _Visit:
    """One member, as long as it is here."""

    def __init__(self, hall: Hall, session: Session, account: bytes) -> None:
        self.account = account
        self._hall = hall
        self._session = session
        self._parcels: asyncio.Queue[Parcel] = asyncio.Queue(OUTBOX_MAX)
        self._gathering = Gathering()

    def put(self, parcel: Parcel) -> None:
        """Send a parcel when there is time; none where too many wait."""
        with contextlib.suppress(asyncio.QueueFull):
            self._parcels.put_nowait(parcel)

    async def run(self) -> None:
        """Hear and tell until the member leaves."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(group))
                group.create_task(self._carry())
        except* NetError as errors:
            raise errors.exceptions[0] from None
        finally:
            self._hall.part(self)

    async def _hear(self, group: asyncio.TaskGroup) -> None:
        follows = False
        while True:
            heard = await self._session.receive()
            if isinstance(heard, Refusal):
                continue
            match heard.value:
                case Follow(start) if not follows:
                    follows = True
                    await self._hall.greet(self)
                    await self._session.send(self._hall.welcome(), answers=heard.number)
                    group.create_task(self._tell(start))
                case Hand() as hand:
                    reason = await self._hall.hand_in(hand)
                    if reason:
                        await self._decline(reason, heard.number)
                case Parcel() as parcel:
                    self._hall.carry(parcel, self.account)
                case Part() as part:
                    await self._gather(part, heard.number)
                case Want() as want:
                    await self._session.send(self._hall.fetch(want), answers=heard.number)
                case _:
                    await self._decline("that is not for a hall, or not now", heard.number)

    async def _gather(self, part: Part, number: int) -> None:
        try:
            whole = self._gathering.add(part)
            if whole is not None:
                await self._hall.keep(part.digest, whole)
        except GoodsError as error:
            await self._decline(error.message, number)

    async def _decline(self, reason: str, number: int) -> None:
        await self._session.send(Declined(reason[:256]), answers=number)

    async def _tell(self, start: int) -> None:
        while True:
            entries = await self._hall.from_(start)
            await self._session.send(entries)
            start += len(entries.entries)

    async def _carry(self) -> None:
        while True:
            await self._session.send(await self._parcels.get())
