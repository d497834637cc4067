"""A member: follows the market of a hall, lets an actor act on it, and hands in what it does.

    MemberError       the hall says what cannot be true

A member applies every entry itself. Its actor is one of `numen.market`'s: woken when something
happened, and now and then, it answers with acts, which are handed in when their delay has passed.
Whatever the actor knows follows from its key and the market, so a member that was killed begins
again, reads the record, and goes on where it was.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from numen.base.codec import CodecError, decode
from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.market import actor as acts
from numen.market.actor import Act, Actor, Do, Say, Send
from numen.market.events import Event
from numen.net.channel import Transport
from numen.net.errors import NetError
from numen.net.language import Refusal
from numen.net.possession import introduce
from numen.net.session import Heard, Session
from numen.node.market.goods import Gathering, name_of, parts
from numen.node.market.notary import Cupboard, Notary, needed
from numen.node.market.place import Place
from numen.node.market.replica import Entry, Replica, ReplicaError, handed
from numen.node.market.speech import (
    MESSAGE_BYTES_MAX,
    SPEECH,
    Absent,
    Bill,
    Declined,
    Entries,
    Follow,
    Hand,
    Parcel,
    Part,
    Payment,
    Want,
    Welcome,
)

WAKE_S: Final = 0.1
"""How often an actor is woken where nothing happens."""

PATIENCE_S: Final = 20.0
"""How long the hall may take to answer."""

RETRY_S: Final = 1.0
"""How long to wait before a hall that is gone is dialled again."""

ABSENT_S: Final = 1.0
"""After how long goods that nobody had are asked for again."""

ABSENT_MAX: Final = 4096

OFFERS_BYTES_MAX: Final = 128 << 20
"""Most bytes of goods that are brought again to a hall that comes back; the oldest go first."""

UNREAD_BYTES_MAX: Final = 64 << 20
"""Most bytes of entries that wait for the goods they need."""

_LOG: Final = logging.getLogger("numen.market")


class MemberError(NumenError):
    """The hall says what cannot be true, or does not have what is needed."""


class Player(Actor, Protocol):
    """An actor that needs goods before it can act."""

    def lacks(self, replica: Replica) -> Iterable[bytes]:
        """Name the goods it needs now and does not have."""

    def bring(self, raw: bytes) -> None:
        """Take goods that were asked for."""

    def made(self) -> Iterable[bytes]:
        """Give goods away that it made, and that others have to have."""


class Member:
    """Somebody in a market.

    Args:
        transport: Its node on the network.
        place: The hall.
        key: Its account.
        heard: Told of everything that happens, and of what the actor says.

    Attributes:
        replica: The market as it knows it; None before the first welcome.
        ready: Set once it has read the record.
    """

    def __init__(
        self,
        transport: Transport,
        place: Place,
        key: SigningKey,
        heard: Callable[[tuple[Event, ...]], None],
    ) -> None:
        self.replica: Replica | None = None
        self.ready = asyncio.Event()
        self._transport, self._place, self._key = transport, place, key
        self._heard = heard
        self._cupboard = Cupboard()
        self._notary = Notary(self._cupboard.get)
        self._unread: deque[bytes] = deque()
        self._asked: dict[bytes, asyncio.Future[bytes]] = {}
        self._session: Session | None = None
        self._clock_ms = 0
        self._offers: dict[bytes, bytes] = {}
        self._brought: set[bytes] = set()
        self._new_offers: asyncio.Queue[bytes] = asyncio.Queue()
        self._goal = 0
        self._changed = asyncio.Event()
        self._outbox: asyncio.Queue[Hand | Parcel] = asyncio.Queue()
        self._wanted: dict[bytes, Gathering] = {}
        self._absent: dict[bytes, float] = {}
        self._thread = asyncio.Lock()
        self._bringing = asyncio.Lock()

    @property
    def now_ms(self) -> int:
        """Time of the market, as the hall has it."""
        assert self.replica is not None
        return max(self.replica.now_ms, _now_ms() - self._clock_ms)

    def offer(self, raw: bytes) -> bytes:
        """Bring goods to the hall, soon and whenever it is dialled again; their name."""
        digest = name_of(raw)
        if digest not in self._offers:
            self._offers[digest] = raw
            self._cupboard.put(digest, raw)
            while sum(map(len, self._offers.values())) > OFFERS_BYTES_MAX:
                del self._offers[next(iter(self._offers))]
            self._new_offers.put_nowait(digest)
        return digest

    async def fetch(self, digest: bytes) -> bytes:
        """Goods by their name, from the hall.

        Raises:
            MemberError: The hall does not have them, or is not there.
        """
        if self._session is None:
            raise MemberError("the hall is not there")
        asked = self._asked.setdefault(digest, asyncio.get_running_loop().create_future())
        await self._want(self._session, digest)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await asyncio.shield(asked)
        except TimeoutError:
            raise MemberError(f"nobody gives the goods {digest.hex()}") from None
        finally:
            self._asked.pop(digest, None)

    async def run(self, make: Callable[[], Player]) -> None:
        """Take part until it is cancelled; a hall that is gone is dialled again and again.

        Args:
            make: Makes the actor, anew for each visit: what it was about to hand in when the hall
                went away, it thinks of again.

        Raises:
            MemberError: The hall contradicts itself.
        """
        while True:
            try:
                await self._visit(make())
            except NetError as error:
                _LOG.warning("the hall: %s", error)
            await asyncio.sleep(RETRY_S)

    async def _visit(self, player: Player) -> None:
        channel = await self._transport.dial(self._place.address, self._place.node)
        session = Session(channel, SPEECH)
        try:
            hall = await introduce(session, self._transport.node, self._key)
            await self._enter(session, hall)
            self._session = session
            self._outbox, self._new_offers = asyncio.Queue(), asyncio.Queue()
            for digest in self._offers:
                self._new_offers.put_nowait(digest)
            self._wanted.clear()
            self._unread.clear()
            self._brought.clear()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(session, player))
                group.create_task(self._act(session, player))
                group.create_task(self._hand_in(session))
                group.create_task(self._bring(session))
        except* NetError as errors:
            raise errors.exceptions[0] from None
        finally:
            await channel.close()

    async def _enter(self, session: Session, hall: bytes) -> None:
        """Ask to follow, and begin with the same genesis as before."""
        start = 0 if self.replica is None else self.replica.height
        await session.send(Follow(start))
        async with asyncio.timeout(PATIENCE_S):
            heard = await session.receive()
        if isinstance(heard, Refusal) or not isinstance(heard.value, Welcome):
            raise MemberError("the hall does not welcome us")
        welcome = heard.value
        if welcome.genesis.hall != hall:
            raise MemberError("the market is another hall's")
        if self.replica is None:
            self.replica = Replica(welcome.genesis, self._notary)
        elif self.replica.genesis != welcome.genesis or self.replica.height > welcome.height:
            raise MemberError("the hall tells another market's story than before")
        self._clock_ms = _now_ms() - welcome.now_ms
        if self.replica.height == welcome.height:
            self.ready.set()
        self._goal = welcome.height

    async def _hear(self, session: Session, player: Player) -> None:
        while True:
            heard = await session.receive()
            if isinstance(heard, Heard):
                await self._take(heard.value, player)

    async def _take(self, value: object, player: Player) -> None:
        assert self.replica is not None
        match value:
            case Entries(entries):
                self._unread.extend(entries)
                if sum(map(len, self._unread)) > UNREAD_BYTES_MAX:
                    raise MemberError("the hall withholds goods that its record needs")
                await self._read()
            case Parcel(_, what):
                market, now_ms = self.replica.market, self.now_ms
                answered = await self._in_thread(
                    lambda: list(player.receive(_unpacked(what), market, now_ms))
                )
                self._carry_out(answered)
            case Part() as part:
                await self._gather(part, player)
            case Absent(digest):
                self._wanted.pop(digest, None)
                if self._unread and self._is_missing(digest):
                    raise MemberError(f"the hall lost the goods {digest.hex()}")
                if len(self._absent) >= ABSENT_MAX:
                    self._absent.clear()
                self._absent[digest] = asyncio.get_running_loop().time() + ABSENT_S
            case Declined(reason):
                _LOG.warning("the hall declines: %s", reason)
            case _:
                raise MemberError("the hall says what only members say")

    async def _read(self) -> None:
        """Apply entries, as long as the goods are here that they need."""
        assert self.replica is not None
        assert self._session is not None
        try:
            while self._unread:
                entry = decode(Entry, self._unread[0], size_max=MESSAGE_BYTES_MAX)
                missing = self._notary.lacks(self.replica.market, entry.what)
                for name in missing:
                    await self._want(self._session, name)
                if missing:
                    break
                if any(needed(self.replica.market, entry.what)):
                    market = self.replica.market
                    await asyncio.to_thread(self._notary.look, market, entry.what)
                self._unread.popleft()
                self._heard(self.replica.apply(entry))
        except (CodecError, ReplicaError) as error:
            raise MemberError(f"the hall's record is wrong: {error}") from error
        if self.replica.height >= self._goal:
            self.ready.set()
        self._changed.set()

    def _is_missing(self, digest: bytes) -> bool:
        """Whether the record cannot be read on without some goods."""
        assert self.replica is not None
        entry = decode(Entry, self._unread[0], size_max=MESSAGE_BYTES_MAX)
        return digest in self._notary.lacks(self.replica.market, entry.what)

    async def _gather(self, part: Part, player: Player) -> None:
        gathering = self._wanted.get(part.digest)
        if gathering is None:
            return
        whole = gathering.add(part)
        assert self._session is not None
        if whole is None:
            await self._session.send(Want(part.digest, part.start + len(part.data)))
            return
        del self._wanted[part.digest]
        if name_of(whole) != part.digest:
            raise MemberError("the hall sends goods under another's name")
        player.bring(whole)
        self._cupboard.put(part.digest, whole)
        asked = self._asked.get(part.digest)
        if asked is not None and not asked.done():
            asked.set_result(whole)
        await self._read()

    async def _act(self, session: Session, player: Player) -> None:
        """Wake the actor when something changed, and now and then."""
        await self.ready.wait()
        assert self.replica is not None
        while True:
            for digest in player.lacks(self.replica):
                await self._want(session, digest)
            self._carry_out(await self._in_thread(self._waking(player)))
            for raw in player.made():
                self.offer(raw)
            self._changed.clear()
            try:
                async with asyncio.timeout(WAKE_S):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def _want(self, session: Session, digest: bytes) -> None:
        """Ask for goods, unless they are on their way, or nobody had them a moment ago."""
        if digest not in self._wanted and not self._is_absent(digest):
            self._wanted[digest] = Gathering()
            await session.send(Want(digest, 0))

    def _waking(self, player: Player) -> Callable[[], list[Act]]:
        assert self.replica is not None
        market, now_ms = self.replica.market, self.now_ms
        return lambda: list(player.wake(market, now_ms))

    def _is_absent(self, digest: bytes) -> bool:
        """Whether nobody had some goods a moment ago."""
        return asyncio.get_running_loop().time() < self._absent.get(digest, 0.0)

    async def _in_thread(self, work: Callable[[], list[Act]]) -> list[Act]:
        """Let the actor think without stopping the clock: it may run a program."""
        async with self._thread:
            return await asyncio.to_thread(work)

    def _carry_out(self, answered: Iterable[Act]) -> None:
        loop = asyncio.get_running_loop()
        for act in answered:
            if isinstance(act, Say):
                self._heard((act.event,))
                continue
            message = _message(act)
            loop.call_later(act.delay_ms / 1000, self._outbox.put_nowait, message)

    async def _hand_in(self, session: Session) -> None:
        while True:
            message = await self._outbox.get()
            if isinstance(message, Hand) and self.replica is not None:
                for digest in needed(self.replica.market, message.what):
                    await self._bring_one(session, digest)
            await session.send(message)

    async def _bring(self, session: Session) -> None:
        while True:
            await self._bring_one(session, await self._new_offers.get())

    async def _bring_one(self, session: Session, digest: bytes) -> None:
        """Bring goods that were offered, once a visit."""
        async with self._bringing:
            if digest in self._offers and digest not in self._brought:
                for part in parts(digest, self._offers[digest]):
                    await session.send(part)
                self._brought.add(digest)


def _message(act: Do | Send) -> Hand | Parcel:
    if isinstance(act, Do):
        what = handed(act.submission)
        assert what is not None
        return Hand(what)
    match act.parcel:
        case acts.Bill(task, worker, price, quote):
            return Parcel(act.to, Bill(task, worker, price, quote))
        case acts.Payment(task, worker, tickets):
            return Parcel(act.to, Payment(task, worker, tickets))


def _unpacked(what: Bill | Payment) -> acts.Parcel:
    match what:
        case Bill(task, worker, price, quote):
            return acts.Bill(task, worker, price, quote)
        case Payment(task, worker, tickets):
            return acts.Payment(task, worker, tickets)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
