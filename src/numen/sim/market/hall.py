"""A hall in a simulation: a clerk, a disk that stays, and lines to members."""

from collections.abc import Callable
from typing import Final

from numen.base.crypto import SigningKey
from numen.node.market.clerk import Behind, Clerk, Fetch, Keep, Pass, Tell, Visit
from numen.node.market.goods import name_of
from numen.node.market.notary import Notary
from numen.node.market.replica import Genesis, Marked
from numen.node.market.snapshot import seal
from numen.node.market.speech import PART_BYTES_MAX, Absent, Entries, Follow, Parcel, Part, Want
from numen.sim.machine import DOWN_MS, Crash
from numen.sim.market.line import Line
from numen.sim.market.remembering import Remembering
from numen.sim.network import Network

TICK_MS: Final = 500
"""Between two looks at the clock, while a task lives."""

PART_ENTRIES: Final = 400
"""Entries after which a snapshot stands for those before."""


class Hall:
    """A hall that can stop at any point.

    Args:
        network: Connects it, and breaks it.
        key: Its account.
        genesis: What its market begins with.
        witness: Told of every entry once it is on the disk.
        forge: May change what is told a member, as a lying hall would.
    """

    def __init__(
        self,
        network: Network,
        key: SigningKey,
        genesis: Genesis,
        witness: Callable[[bytes], None],
        forge: Callable[[Entries], Entries],
    ) -> None:
        self.account = key.address
        self.clerk: Clerk | None = None
        self._network, self._key, self._genesis = network, key, genesis
        self._witness, self._forge = witness, forge
        self._disk: list[bytes] = []
        self._behind: Behind | None = None
        self._goods: dict[bytes, bytes] = {}
        self._visits: dict[Line, tuple[Visit, Callable[[object], None]]] = {}
        self._life = 0
        self._is_ticking = False
        self._told = -1

    def start(self) -> None:
        """Begin, with what the disk has."""
        if self._behind is None:
            self.clerk = Clerk(self._genesis, Notary(), Remembering)
        else:
            self.clerk = Clerk.restored(self._genesis, self._behind, Notary(), Remembering)
        for raw in self._disk:
            self.clerk.restore(raw)
        self._life += 1
        self._told = -1
        self._is_ticking = False
        self._attend()

    def stop(self) -> None:
        """Forget everything that is not on the disk, and come back later."""
        self._network.count.crashes += 1
        self.clerk = None
        for line in list(self._visits):
            line.cut()
        self._visits.clear()
        self._network.plan(self._network.dice.randint(*DOWN_MS), self.start)

    def accept(self, line: Line, tell: Callable[[object], None]) -> None:
        """Let a member in, who has shown its account."""
        self._visits[line] = (Visit(line.member), tell)

    def part(self, line: Line) -> None:
        """Let a member go."""
        self._visits.pop(line, None)

    def hear(self, line: Line, message: object) -> None:
        """Take what a member says."""
        if self.clerk is None or line not in self._visits:
            return
        visit, tell = self._visits[line]
        try:
            self._attend()
            effects = list(self.clerk.hear(visit, message, self._network.now_ms))
            self._flush()
            for effect in effects:
                self._do(effect, line, tell)
            if isinstance(message, Follow):
                self._told = -1
            self._tell_news()
        except Crash:
            self.stop()

    def raw_entry(self) -> bytes | None:
        """Some entry that was written a while ago, for who repeats what others said."""
        return self._network.dice.choice(self._disk) if self._disk else None

    def _attend(self) -> None:
        """Look at the clock now, and again while a task lives."""
        assert self.clerk is not None
        self.clerk.pass_time(self._network.now_ms)
        if not self._is_ticking:
            self._is_ticking = True
            life = self._life
            self._network.plan(TICK_MS, lambda: self._tick(life))

    def _tick(self, life: int) -> None:
        if self.clerk is None or life != self._life:
            return
        try:
            self.clerk.pass_time(self._network.now_ms)
            self._flush()
            self._tell_news()
        except Crash:
            self.stop()
            return
        self._is_ticking = bool(self.clerk.replica.market.jobs)
        if self._is_ticking:
            self._network.plan(TICK_MS, lambda: self._tick(life))

    def _flush(self) -> None:
        clerk = self.clerk
        assert clerk is not None
        if not clerk.unwritten:
            return
        self._chance()  # stops before the disk has it: it never was
        self._write(clerk)
        self._chance()  # stops before anybody is told: it was, and is told later
        if len(clerk.entries) >= PART_ENTRIES:
            self._compact(clerk)

    def _write(self, clerk: Clerk) -> None:
        waiting = tuple(clerk.unwritten)
        self._disk += waiting
        clerk.written(len(waiting))
        for raw in waiting:
            self._witness(raw)

    def _compact(self, clerk: Clerk) -> None:
        """Go on behind a snapshot, as `numen.node.market.record` does."""
        replica = clerk.replica
        raw = replica.snapshot()
        behind = Behind(
            seal(self._key, self._genesis.identity, replica.height, replica.head, raw), raw
        )
        clerk.write(Marked(behind.seal.of.state), self._network.now_ms)
        clerk.go_on(behind)
        self._behind, self._disk = behind, []
        self._write(clerk)

    def _do(
        self, effect: Tell | Pass | Keep | Fetch, line: Line, tell: Callable[[object], None]
    ) -> None:
        match effect:
            case Tell(message):
                line.carry(lambda: tell(message), to_hall=False)
            case Pass(to, parcel):
                self._pass(to, parcel)
            case Keep(digest, raw):
                if name_of(raw) == digest:
                    self._goods[digest] = raw
            case Fetch(want):
                found = self._fetch(want)
                line.carry(lambda: tell(found), to_hall=False)

    def _pass(self, to: bytes, parcel: Parcel) -> None:
        for line, (visit, tell) in self._visits.items():
            if visit.account == to and visit.cursor is not None:
                line.carry(lambda tell=tell: tell(parcel), to_hall=False, may_repeat=True)  # type: ignore[misc]

    def _fetch(self, want: Want) -> Part | Absent:
        raw = self._goods.get(want.digest)
        if raw is None:
            return Absent(want.digest)
        data = raw[want.start : want.start + PART_BYTES_MAX]
        return Part(want.digest, want.start, len(raw), data)

    def _tell_news(self) -> None:
        clerk = self.clerk
        assert clerk is not None
        if clerk.height == self._told:
            return
        self._told = clerk.height
        for line, (visit, tell) in list(self._visits.items()):
            while clerk.has_news(visit):
                for news in clerk.told_next(visit):
                    said = self._forge(news) if isinstance(news, Entries) else news
                    line.carry(lambda tell=tell, said=said: tell(said), to_hall=False)  # type: ignore[misc]

    def _chance(self) -> None:
        if self._network.happens(self._network.faults.crash):
            raise Crash
