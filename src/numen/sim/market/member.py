"""A member in a simulation: a follower, its player, and a line that breaks."""

from collections.abc import Callable, Iterable
from typing import Final

from numen.base.codec import decode
from numen.market.actor import Act
from numen.node.market.follower import Follower, FollowerError, Later, Player
from numen.node.market.goods import parts
from numen.node.market.notary import Notary
from numen.node.market.replica import Entry, Judged, Posted, Redeemed, Replica
from numen.node.market.speech import Declined, Follow, Hand, Parcel, Part, Want, Welcome
from numen.sim.machine import DOWN_MS, Crash
from numen.sim.market.hall import Hall
from numen.sim.market.line import HALL, Line
from numen.sim.market.remembering import Remembering
from numen.sim.network import Network

RETRY_MS: Final = 1_000
"""How long to wait before a hall that is gone is dialled again."""

NUDGE_MS: Final = 2
"""How soon a player is woken when something happened."""

WAKE_MS: Final = 1_000
"""How often it is woken where nothing happens, while a task lives or it is busy."""


ECHO_PERMILLE: Final = 100
"""How often a stranger repeats something when it wakes."""


class Member:
    """Somebody in a market, who can stop at any point.

    Args:
        address: Its account.
        make: Makes its player.
        network: Connects it, and breaks it.
        hall: The hall.
        slow_ms: How long it takes to say anything that it has thought.

    Attributes:
        address: The same.
        player: Its player; another one for each visit.
        busy_until_ms: Until when it is woken though no task lives.
        trouble_ms: When it last stopped or was cut off.
        deceived: How often it found out that a hall told it what is not so.
    """

    def __init__(
        self,
        address: bytes,
        make: Callable[[], Player],
        network: Network,
        hall: Hall,
        slow_ms: int = 0,
    ) -> None:
        self._slow_ms = slow_ms
        self.address = address
        self.player = make()
        self.busy_until_ms = 0
        self.trouble_ms = 0
        self.deceived = 0
        self.goods: dict[bytes, bytes] = {}
        self._make, self._network, self._hall = make, network, hall
        self._follower = self._new()
        self._line: Line | None = None
        self._is_up = False
        self._is_nudged = False
        self._life = 0

    @property
    def replica(self) -> Replica | None:
        """The market as it knows it, while it visits and knows all that was written."""
        is_here = self._is_up and self._line is not None and self._follower.is_ready
        return self._follower.replica if is_here else None

    @property
    def now_ms(self) -> int:
        """Time of the market, as it has it."""
        return self._follower.time(self._network.now_ms)

    def start(self) -> None:
        """Begin, knowing nothing but its key."""
        self._follower, self._is_up, self._is_nudged = self._new(), True, False
        self._life += 1
        self._dial(self._life)

    def stop(self) -> None:
        """Forget everything, and come back later."""
        self._network.count.crashes += 1
        self._is_up = False
        self._note_trouble()
        if self._line is not None:
            self._line.cut()
            self._line = None
        self._network.plan(self._network.dice.randint(*DOWN_MS), self.start)

    def offer(self, raw: bytes, name: bytes) -> None:
        """Bring goods to the hall, now and at every visit."""
        self.goods[name] = raw
        if self._line is not None:
            self._bring(self._line, name)

    def nudge(self, in_ms: int = NUDGE_MS) -> None:
        """Wake the player soon."""
        if self._is_up and not self._is_nudged:
            self._is_nudged = True
            life = self._life
            self._network.plan(in_ms, lambda: self._wake(life))

    def say(self, line: Line | None, message: object) -> None:
        """Tell the hall something, if the visit in which it was thought goes on."""
        if line is None or line is not self._line:
            return
        may_repeat = isinstance(message, Hand | Parcel)
        line.carry(lambda: self._hall.hear(line, message), to_hall=True, may_repeat=may_repeat)

    def _new(self) -> Follower:
        return Follower(Notary(), lambda _: None, Remembering)

    def _dial(self, life: int) -> None:
        if not self._is_up or life != self._life or self._line is not None:
            return
        if self._network.is_parted(self.address, HALL) or self._hall.clerk is None:
            self._note_trouble()
            self._network.plan(RETRY_MS, lambda: self._dial(life))
            return
        self.player = self._make()
        line = Line(self._network, self.address, lambda: self._hang_up(line))
        self._line = line
        self._hall.accept(line, lambda message: self._hear(line, message))
        self.say(line, Follow(self._follower.start))

    def _hang_up(self, line: Line) -> None:
        self._hall.part(line)
        if self._line is line:
            self._line = None
            self._note_trouble()
            life = self._life
            self._network.plan(RETRY_MS, lambda: self._dial(life))

    def _hear(self, line: Line, message: object) -> None:
        if line is not self._line:
            return
        try:
            self._take(line, message)
        except FollowerError:
            # Who is told what cannot be true leaves, and reads the record anew.
            self.deceived += 1
            self.stop()
        except Crash:
            self.stop()
        else:
            if not isinstance(message, Declined):
                self.nudge()

    def _take(self, line: Line, message: object) -> None:
        now_ms = self._network.now_ms
        if isinstance(message, Welcome):
            self._follower.enter(message, self._hall.account, now_ms)
            for name in self.goods:
                self._bring(line, name)
            return
        for follows in self._follower.hear(message, self.player, now_ms):
            match follows:
                case Want() as want:
                    self.say(line, want)
                case Declined():
                    pass
                case thought:
                    self._carry_out(line, thought())

    def _wake(self, life: int) -> None:
        if life != self._life or not self._is_up:
            return
        self._is_nudged = False
        line, replica = self._line, self.replica
        if line is None or replica is None:
            return
        now_ms = self._network.now_ms
        try:
            for want in self._follower.wants(self.player, now_ms):
                self.say(line, want)
            self._carry_out(line, self._follower.waking(self.player, now_ms)())
        except Crash:
            self.stop()
            return
        if replica.market.jobs or now_ms < self.busy_until_ms:
            self.nudge(WAKE_MS)

    def _carry_out(self, line: Line, answered: Iterable[Act]) -> None:
        for later in self._follower.outgoing(answered):
            self._chance()
            self._network.plan(later.delay_ms + self._slow_ms, self._leaving(line, later))
            self._chance()

    def _leaving(self, line: Line, later: Later) -> Callable[[], None]:
        return lambda: self.say(line, later.message)

    def _bring(self, line: Line, name: bytes) -> None:
        for part in parts(name, self.goods[name]):
            self.say(line, part)

    def _note_trouble(self) -> None:
        self.trouble_ms = self._network.now_ms

    def _chance(self) -> None:
        if self._network.happens(self._network.faults.crash):
            raise Crash


class Echo(Member):
    """A stranger who hands in again what others did, and parts of goods that are none."""

    def _wake(self, life: int) -> None:
        raw = self._hall.raw_entry() if self._network.happens(ECHO_PERMILLE) else None
        if raw is not None and self._line is not None:
            what = decode(Entry, raw).what
            if isinstance(what, Posted | Judged | Redeemed):
                self.say(self._line, Hand((what,)))
            else:
                self.say(self._line, Part(bytes(32), 1, 3, b"a"))
        super()._wake(life)
