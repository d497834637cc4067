"""The hall: a clerk with a disk, sockets and a clock.

It decides nothing but the order and the time: every member applies the same rules to the same
entries, and would see it if one were missing or changed. What it can do is to leave something out;
its members then look for another.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from typing import Final

from numen.base.crypto import SigningKey
from numen.market.events import Event, Posted
from numen.market.job import Job
from numen.market.registry import RegistryError, check_channel, owner_of
from numen.net.channel import Channel, Listener
from numen.net.errors import ClosedError, NetError
from numen.net.language import Refusal
from numen.net.possession import introduce
from numen.net.session import Session
from numen.node.market import clerk
from numen.node.market.clerk import Fetch, Keep, Pass, Tell
from numen.node.market.goods import GoodsError, Shelf
from numen.node.market.haste import LINGER_S, Haste
from numen.node.market.notary import Notary, needed
from numen.node.market.record import Record, Teller
from numen.node.market.replica import Replica
from numen.node.market.speech import (
    SPEECH,
    Absent,
    Follow,
    Hand,
    Parcel,
    Part,
    Superseded,
    Want,
)

TICK_S: Final = 0.25
"""How often the hall looks whether time changes something."""

WANTING_MAX: Final = 4096
"""Goods that nobody has brought and somebody waits for; whoever wants more has to ask again."""

FRESH_MAX: Final = 256
"""Goods that were brought and that no task has named yet; the oldest go first."""

FRESH_BYTES_MAX: Final = 16 << 10
"""Longest goods that are sent with a task, to whom has asked for goods before."""

OUTBOX_MAX: Final = 256
"""Parcels that may wait for a member; more are dropped, and sent again by who misses them."""

PARTING_S: Final = 5.0
"""How long who is parted from may take to hear why."""

_LOG: Final = logging.getLogger("numen.market")


class Hall:
    """Orders one market.

    Args:
        record: The market on disk.
        shelf: Goods.
        notary: Checks evidence, over the goods of the shelf.
        node: The hall's own public key on the network.
        key: Its account.
        teller: Told of everything that happens.
        keeps_all: Whether the record stays whole, instead of beginning with a snapshot.
    """

    def __init__(
        self,
        record: Record,
        shelf: Shelf,
        notary: Notary,
        node: bytes,
        key: SigningKey,
        teller: Teller,
        *,
        keeps_all: bool = False,
    ) -> None:
        self.clerk = record.clerk
        self._record, self._keeps_all = record, keeps_all
        self._shelf = shelf
        self._notary = notary
        self._node, self._key = node, key
        self._teller = teller
        self._wanting: dict[bytes, set[_Visit]] = {}
        self._fresh: OrderedDict[bytes, bytes] = OrderedDict()
        self._members: dict[bytes, list[_Visit]] = {}
        self._visits: set[_Visit] = set()
        self._haste = Haste()
        self._late: asyncio.TimerHandle | None = None
        self.grown = asyncio.Condition()

    @property
    def replica(self) -> Replica:
        """The market as it is."""
        return self.clerk.replica

    @property
    def present(self) -> int:
        """Members who are here."""
        return len(self._members)

    @property
    def waiting(self) -> int:
        """Parcels that wait for members."""
        return sum(visit.waiting for visit in self._visits)

    @property
    def now_ms(self) -> int:
        """Time of the market."""
        replica = self.clerk.replica
        return max(time.time_ns() // 1_000_000 - replica.genesis.born_ms, replica.now_ms)

    async def run(self, listener: Listener) -> None:
        """Serve members until it is cancelled, or the disk refuses."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tick())
            while True:
                channel = await listener.accept()
                group.create_task(self._serve(channel))

    async def flush(self) -> None:
        """Put on the disk what was written, and let everybody be told."""
        if not self.clerk.unwritten:
            return
        happened = await self._record.write()
        self._teller.add(happened)
        if self._record.is_full and not self._keeps_all:
            await self._record.compact(self._key, self.now_ms, self._teller)
            self._teller.add(await self._record.write())
            self._tell_all()
        self._tell(happened)
        async with self.grown:
            self.grown.notify_all()

    def _tell(self, happened: tuple[Event, ...]) -> None:
        """Let those be told at once who have to be, and the others soon."""
        market = self.clerk.replica.market
        for event in happened:
            if isinstance(event, Posted):
                self._push(market.jobs.get(bytes.fromhex(event.task)))
        hasty = self._haste.of(happened, market)
        for visit in self._visits:
            if hasty is None or visit.account in hasty:
                visit.tell()
        if self._late is None:
            self._late = asyncio.get_running_loop().call_later(LINGER_S, self._tell_all)

    def _tell_all(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
        for visit in self._visits:
            visit.tell()

    def _push(self, job: Job | None) -> None:
        """Send the goods that were brought for a task before anybody has to ask for them."""
        for name in (job.task.program, job.task.inputs) if job is not None else ():
            raw = self._fresh.pop(name, None)
            if raw is not None:
                whole = Part(name, 0, len(raw), raw)
                for visit in self._visits:
                    if visit.takes_goods:
                        visit.put(whole)

    async def _tick(self) -> None:
        while True:
            self.clerk.pass_time(self.now_ms)
            await self.flush()
            await asyncio.sleep(TICK_S)

    async def _serve(self, channel: Channel) -> None:
        """Serve one member until it leaves; what it does wrong ends its visit alone."""
        session = Session(channel, SPEECH)
        try:
            account = await introduce(session, self._node, self._key)
            check_channel(self.replica.market, account, channel.peer)
            visit = _Visit(self, session, account)
            self._visits.add(visit)
            self._members.setdefault(account, []).append(visit)
            try:
                await visit.run()
            finally:
                self._visits.discard(visit)
                self._members[account].remove(visit)
                if not self._members[account]:
                    del self._members[account]
                self._forget(visit)
        except (NetError, RegistryError) as error:
            _LOG.info("%s: %s", channel.peer.hex()[:16], error)
        finally:
            await channel.close()

    def knows(self, node: bytes) -> bool:
        """Whether a node is registered in the market: an `Admit` of who has none but those."""
        return owner_of(self.replica.market, node) is not None

    def carry(self, to: bytes, parcel: Parcel) -> None:
        """Pass a parcel on, if its receiver is here: to the last who came with its account."""
        if to in self._members:
            self._members[to][-1].put(parcel)

    def supersede(self, visit: "_Visit") -> None:
        """Part from who came earlier with the account of somebody who stays, and stays as well.

        The later one is served: it may be the same, which was cut off and comes back.
        """
        for other in self._members[visit.account]:
            if other is not visit and other.stays:
                other.part()

    async def look(self, message: object) -> None:
        """Find out what is to be found about evidence, while others wait for nobody."""
        market = self.clerk.replica.market
        for what in message.whats if isinstance(message, Hand) else ():
            if any(needed(market, what)) and not self._notary.lacks(market, what):
                await asyncio.to_thread(self._notary.look, market, what)

    async def keep(self, keep: Keep) -> Tell | None:
        """Keep goods; reading a stranger's program takes a while, and others wait for nobody."""
        try:
            await asyncio.to_thread(self._shelf.put, keep.digest, keep.raw)
        except GoodsError as error:
            return clerk.decline(error.message)
        waiting = self._wanting.pop(keep.digest, ())
        first = self._shelf.part(keep.digest, 0) if waiting else None
        for visit in waiting:
            if first is not None:
                visit.put(first)
        if len(keep.raw) <= FRESH_BYTES_MAX:
            self._fresh[keep.digest] = keep.raw
            if len(self._fresh) > FRESH_MAX:
                self._fresh.popitem(last=False)
        return None

    def fetch(self, want: Want, visit: "_Visit") -> Part | Absent | None:
        """A part of goods; None for who gets them as soon as somebody has brought them."""
        part = self._shelf.part(want.digest, want.start)
        if part is not None:
            return part
        if len(self._wanting) >= WANTING_MAX or want.start:
            return Absent(want.digest)
        self._wanting.setdefault(want.digest, set()).add(visit)
        return None

    def _forget(self, visit: "_Visit") -> None:
        for digest in [name for name, visits in self._wanting.items() if visit in visits]:
            self._wanting[digest].discard(visit)
            if not self._wanting[digest]:
                del self._wanting[digest]


class _Visit:
    """One member, as long as it is here.

    Attributes:
        account: Whose.
        takes_goods: Whether it has asked for goods: who runs nothing needs none.
        stays: Whether it plays a part until it is stopped.
    """

    def __init__(self, hall: Hall, session: Session, account: bytes) -> None:
        self.account = account
        self.takes_goods = False
        self.stays = False
        self._parted = asyncio.Event()
        self._hall = hall
        self._session = session
        self._visit = clerk.Visit(account)
        self._news = asyncio.Event()
        self._letters: asyncio.Queue[Parcel | Part] = asyncio.Queue(OUTBOX_MAX)

    @property
    def waiting(self) -> int:
        """Letters that are still to be sent."""
        return self._letters.qsize()

    def tell(self) -> None:
        """Send what is written and was not told, when there is time."""
        self._news.set()

    def put(self, letter: Parcel | Part) -> None:
        """Send something when there is time; nothing where too much waits."""
        with contextlib.suppress(asyncio.QueueFull):
            self._letters.put_nowait(letter)

    def part(self) -> None:
        """End the visit, because another has come in its place."""
        self._parted.set()

    async def run(self) -> None:
        """Hear and tell until the member leaves, or is parted from."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(group))
                group.create_task(self._end())
        except* NetError as errors:
            raise errors.exceptions[0] from None

    async def _hear(self, group: asyncio.TaskGroup) -> None:
        hall, follows = self._hall, False
        while True:
            heard = await self._session.receive()
            if isinstance(heard, Refusal):
                continue
            await hall.look(heard.value)
            effects = list(hall.clerk.hear(self._visit, heard.value, hall.now_ms))
            await hall.flush()
            for effect in effects:
                await self._do(effect, heard.number)
            if not follows and self._visit.cursor is not None:
                follows = True
                if isinstance(heard.value, Follow) and heard.value.stays:
                    self.stays = True
                    hall.supersede(self)
                self.tell()
                # Not before the welcome, which a member hears first.
                group.create_task(self._tell())
                group.create_task(self._carry())

    async def _do(self, effect: clerk.Effect, number: int) -> None:
        match effect:
            case Tell(message):
                await self._session.send(message, answers=number)
            case Pass(to, parcel):
                self._hall.carry(to, parcel)
            case Keep() as keep:
                refused = await self._hall.keep(keep)
                if refused is not None:
                    await self._session.send(refused.message, answers=number)
            case Fetch(want):
                self.takes_goods = True
                found = self._hall.fetch(want, self)
                if found is not None:
                    await self._session.send(found, answers=number)

    async def _tell(self) -> None:
        """Tell the member what is written, as fast as it listens."""
        told = self._hall.clerk
        while True:
            await self._news.wait()
            self._news.clear()
            while told.has_news(self._visit):
                for message in told.told_next(self._visit):
                    await self._session.send(message)

    async def _end(self) -> None:
        """End the visit once the member is parted from.

        It is let go by itself: were the channel closed at once, it might be told of that alone, and
        come back.
        """
        await self._parted.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PARTING_S):
                await self._session.send(Superseded())
                await asyncio.Event().wait()
        raise ClosedError("another process with the same key has come", is_clean=True)

    async def _carry(self) -> None:
        while True:
            await self._session.send(await self._letters.get())
