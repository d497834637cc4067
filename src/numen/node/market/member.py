"""A member: a follower with a channel to the hall, a clock, and a thread to think in.

    MemberError            the hall does not answer as a hall
    └── SupersededError    another process with the same key has come

Whatever its player knows follows from its key and the market, so a member that was killed begins
again, reads the record, and goes on where it was.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.market.actor import Act
from numen.market.events import Event
from numen.net.channel import Transport
from numen.net.errors import NetError
from numen.net.language import Refusal
from numen.net.possession import introduce
from numen.net.session import Heard, Session
from numen.node.market.follower import Follower, Player, together
from numen.node.market.goods import name_of, parts
from numen.node.market.notary import Notary
from numen.node.market.place import Place
from numen.node.market.replica import Replica
from numen.node.market.speech import (
    SPEECH,
    Declined,
    Follow,
    Hand,
    Parcel,
    Superseded,
    Want,
    Welcome,
)

WAKE_S: Final = 0.1
"""How often a player is woken where nothing happens."""

PATIENCE_S: Final = 20.0
"""How long the hall may take to answer."""

RETRY_S: Final = 1.0
"""How long to wait before a hall that is gone is dialled again."""

OFFERS_BYTES_MAX: Final = 128 << 20
"""Most bytes of goods that are brought again to a hall that comes back; the oldest go first."""

_LOG: Final = logging.getLogger("numen.market")


class MemberError(NumenError):
    """The hall does not answer as a hall does."""


class SupersededError(MemberError):
    """Another process with the same key has come to stay, and the hall serves that one."""

    def __init__(self) -> None:
        super().__init__(
            "another process with the same key has come to the market, and the hall serves that",
            hint="run one of them, or give each an identity of its own",
        )


class Member:
    """Somebody in a market.

    Args:
        transport: Its node on the network.
        place: The hall.
        key: Its account.
        notary: Checks evidence.
        heard: Told of everything that happens, and of what the player says.
        stays: Whether it plays its part until it is stopped, and so is the only one with its key.

    Attributes:
        ready: Set once it has read the record.
        complaint: Why the hall is not there; empty while it is.
    """

    def __init__(
        self,
        transport: Transport,
        place: Place,
        key: SigningKey,
        notary: Notary,
        heard: Callable[[tuple[Event, ...]], None],
        *,
        stays: bool = False,
    ) -> None:
        self._stays = stays
        self.ready = asyncio.Event()
        self.complaint = self._declined = ""
        self._follower = Follower(notary, heard)
        self._notary = notary
        self._session: Session | None = None
        self._transport, self._place, self._key = transport, place, key
        self._offers: dict[bytes, bytes] = {}
        self._new_offers: asyncio.Queue[bytes] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._outbox: asyncio.Queue[Hand | Parcel] = asyncio.Queue()
        self._thinking = asyncio.Lock()

    @property
    def replica(self) -> Replica | None:
        """The market as it knows it; None before the first welcome."""
        return self._follower.replica

    @property
    def now_ms(self) -> int:
        """Time of the market, as the hall has it."""
        return self._follower.time(_clock_ms())

    def nudge(self) -> None:
        """Wake the player: somebody has given it something to do."""
        self._changed.set()

    @property
    def waiting(self) -> int:
        """Messages that are still to be handed in."""
        return self._outbox.qsize()

    def offer(self, raw: bytes) -> bytes:
        """Bring goods to the hall, before what is handed in next; their name."""
        digest = name_of(raw)
        if digest not in self._offers:
            self._offers[digest] = raw
            self._notary.bring(digest, raw)
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
        found = asyncio.get_running_loop().create_future()
        for want in self._follower.fetch(digest, found.set_result):
            await self._session.send(want)
        try:
            async with asyncio.timeout(PATIENCE_S):
                raw: bytes = await asyncio.shield(found)
        except TimeoutError:
            raise MemberError(f"nobody gives the goods {digest.hex()}") from None
        return raw

    async def run(self, make: Callable[[], Player]) -> None:
        """Take part until it is cancelled; a hall that is gone is dialled again and again.

        Args:
            make: Makes the player, anew for each visit: what it was about to hand in when the hall
                went away, it thinks of again.

        Raises:
            FollowerError: The hall contradicts itself.
            MemberError: It does not answer as a hall.
            SupersededError: Another process with the same key has come.
        """
        while True:
            # A task of its own: a group that ends by an error forgets that it was cancelled.
            visit = asyncio.create_task(self._visit(make()))
            try:
                await asyncio.wait([visit])
                visit.result()
            except NetError as error:
                self._complain(error)
            finally:
                await _end(visit)
            await asyncio.sleep(RETRY_S)

    def _complain(self, error: NetError) -> None:
        """Say why the hall is not there: once, however often it is dialled in vain."""
        if str(error) != self.complaint:
            self.complaint = str(error)
            _LOG.warning("the hall: %s\n    it is dialled again until it answers", error)

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
            player.listen(self._nudge_from_anywhere(asyncio.get_running_loop()))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(session, player))
                group.create_task(self._act(session, player))
                group.create_task(self._hand_in(session))
        except* NumenError as errors:
            # A channel that ends beside something worse is no reason to come back.
            raise min(errors.exceptions, key=lambda each: isinstance(each, NetError)) from None
        finally:
            await channel.close()

    async def _enter(self, session: Session, hall: bytes) -> None:
        """Ask to follow, and begin with the same genesis as before."""
        await session.send(Follow(self._follower.start, self._stays))
        async with asyncio.timeout(PATIENCE_S):
            heard = await session.receive()
        if isinstance(heard, Refusal) or not isinstance(heard.value, Welcome):
            raise MemberError("the hall does not welcome us")
        self._follower.enter(heard.value, hall, _clock_ms())
        if self.complaint:
            self.complaint = ""
            _LOG.warning("the hall is there")
        self._note_ready()

    def _note_ready(self) -> None:
        if self._follower.is_ready:
            self.ready.set()

    async def _hear(self, session: Session, player: Player) -> None:
        while True:
            heard = await session.receive()
            if not isinstance(heard, Heard):
                continue
            if isinstance(heard.value, Superseded):
                raise SupersededError
            for follows in self._follower.hear(heard.value, player, _clock_ms()):
                match follows:
                    case Want() as want:
                        await session.send(want)
                    case Declined(reason):
                        if reason != self._declined:  # a message is handed in again and again
                            _LOG.warning("the hall declines: %s", reason)
                        self._declined = reason
                    case thought:  # a proof may have to be checked
                        async with self._thinking:
                            self._carry_out(await asyncio.to_thread(thought))
            self._note_ready()
            self._changed.set()

    async def _act(self, session: Session, player: Player) -> None:
        """Wake the player when something changed, and now and then."""
        await self.ready.wait()
        while True:
            for want in self._follower.wants(player, _clock_ms()):
                await session.send(want)
            self._changed.clear()
            answered = await self._think(player)
            for raw in player.made():
                self.offer(raw)
            self._carry_out(answered)
            try:
                async with asyncio.timeout(WAKE_S):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _nudge_from_anywhere(self, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
        def nudge() -> None:
            with contextlib.suppress(RuntimeError):  # all of it has ended
                loop.call_soon_threadsafe(self._changed.set)

        return nudge

    async def _think(self, player: Player) -> list[Act]:
        """Let the player think; without stopping the clock, where it may run a program."""
        async with self._thinking:
            thought = self._follower.waking(player, _clock_ms())
            return thought() if player.is_quick else await asyncio.to_thread(thought)

    def _carry_out(self, answered: Iterable[Act]) -> None:
        # Delays are those of a network that is simulated; this one has its own.
        for later in self._follower.outgoing(answered):
            self._outbox.put_nowait(later.message)

    async def _hand_in(self, session: Session) -> None:
        """Send what is to be handed in, and the goods before it."""
        while True:
            waiting = [await self._outbox.get()]
            await self._bring(session)
            while not self._outbox.empty():
                waiting.append(self._outbox.get_nowait())
            for message in together(waiting):
                await session.send(message)

    async def _bring(self, session: Session) -> None:
        while not self._new_offers.empty():
            digest = self._new_offers.get_nowait()
            for part in parts(digest, self._offers[digest]) if digest in self._offers else ():
                await session.send(part)


async def _end(task: asyncio.Task[None]) -> None:
    """End a task, however it ends."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()


def _clock_ms() -> int:
    return time.time_ns() // 1_000_000
