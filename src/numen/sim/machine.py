"""A machine in a simulation: a disk that stays, and a node that can stop at any point."""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from numen.base.crypto import SigningKey
from numen.ledger.order.bls import VotingKey
from numen.ledger.order.vote import Entry, Vote, Voter, follows
from numen.ledger.state.kv import MemoryKV
from numen.ledger.world import World
from numen.node.replica.body import Body, Work
from numen.node.replica.events import Append, Event, Follow, Outgoing, Received, Suspect, Ticked
from numen.node.replica.node import Node
from numen.node.replica.packet import Packet, Proposal, read_packet, write_packet
from numen.node.replica.plan import Plan
from numen.node.replica.turn import Replica
from numen.sim.liars import Mouth
from numen.sim.log import Log
from numen.sim.network import Network

TICK_MS: Final = 200
"""Between two ticks of a node."""

DOWN_MS: Final = (50, 2_000)
"""How long a machine is down."""


Embody: TypeAlias = Callable[[Plan, World, SigningKey, Voter | None], Body]
"""Makes the body of a node."""


class MemoryBook:
    """A book of votes that outlives the node, and not the simulation."""

    def __init__(self) -> None:
        self._entries: dict[int, list[Entry]] = {}

    def enter(self, vote: Vote, since: int) -> None:
        """As `numen.ledger.order.vote.Book.enter`."""
        if follows(self.entries(vote.height), vote, since):
            entry = Entry(int(vote.view), vote.is_commit, vote.block)
            self._entries.setdefault(vote.height, []).append(entry)

    def entries(self, height: int) -> list[Entry]:
        """As `numen.ledger.order.vote.Book.entries`."""
        return list(self._entries.get(height, ()))

    def close(self) -> None:
        """Nothing to let go of."""


class Crash(BaseException):
    """The machine stops here. It never leaves the simulation."""


class Fragile:
    """A body that stops before or after something that it was to do."""

    def __init__(self, body: Body, network: Network) -> None:
        self.plan = body.plan
        self._body = body
        self._network = network

    def restore(self) -> tuple[Replica, Proposal | None]:
        """As `Body.restore`."""
        return self._body.restore()

    def perform(self, effect: Work, now_ms: int) -> Event | None:
        """As `Body.perform`."""
        self._chance()
        outcome = self._body.perform(effect, now_ms)
        self._chance()
        return outcome

    def _chance(self) -> None:
        if self._network.happens(self._network.faults.crash):
            raise Crash


class Machine:
    """A machine with a node on it.

    Args:
        plan: The node's rules.
        key: Its key.
        voting: Its key for votes, or None.
        world: Opens the state on a disk.
        network: Connects it, and breaks it.
        deliver: Takes a packet to where it goes.
        mouth: Says what it says.
        log: Gives the order of blocks; None where the proposer does.

    Attributes:
        node: The node; None while the machine is down.
        suspicions: What it noted about others.
        embody: Makes the node's body; another one where it is no honest node.
    """

    def __init__(
        self,
        plan: Plan,
        key: SigningKey,
        voting: VotingKey | None,
        world: Callable[[MemoryKV], World],
        network: Network,
        deliver: Callable[[bytes, bytes, bytes], None],
        mouth: Mouth,
        log: Log | None,
    ) -> None:
        self.plan = plan
        self.disk = MemoryKV()
        self.node: Node | None = None
        self.body: Body
        self.suspicions: list[Suspect] = []
        self.embody: Embody = Body
        self._key, self._voting, self._open = key, voting, world
        self._book = MemoryBook()
        self._network = network
        self._deliver = deliver
        self._mouth = mouth
        self._log = log
        self._life = 0

    def start(self) -> None:
        """Begin, with what the disk has."""
        voter = Voter(self._voting, self.plan.chain, self._book) if self._voting else None
        self.body = self.embody(self.plan, self._open(self.disk), self._key, voter)
        self.node = Node(Fragile(self.body, self._network))
        self._life += 1
        self._emit(self.node.begin(self._network.now_ms))
        self._tick(self._life)

    def stop(self) -> None:
        """Forget everything that is not on the disk, and come back later."""
        self._network.count.crashes += 1
        self.node = None
        self._network.plan(self._network.dice.randint(*DOWN_MS), self.start)

    def receive(self, peer: bytes, raw: bytes) -> None:
        """A packet arrives; nobody is there while the machine is down."""
        if self.node is not None:
            self._handle(Received(peer, read_packet(raw)))

    def hear(self, event: Event, life: int) -> None:
        """The log says something, which is of no use to a later life."""
        if self.node is not None and life == self._life:
            self._handle(event)

    def _tick(self, life: int) -> None:
        if self.node is not None and life == self._life:
            self._handle(Ticked())
            self._network.plan(TICK_MS, lambda: self._tick(life))

    def _handle(self, event: Event) -> None:
        assert self.node is not None
        self._emit(self.node.handle(event, self._network.now_ms))

    def _emit(self, outgoing: Iterator[Outgoing]) -> None:
        last: tuple[Packet, bytes] | None = None
        try:
            for each in outgoing:
                if isinstance(each, Suspect):
                    self.suspicions.append(each)
                    continue
                if isinstance(each, Append | Follow):
                    assert self._log is not None
                    self._log.ask(self, each, self._life)
                    continue
                for said in self._mouth.say(each):
                    if last is None or last[0] is not said.packet:
                        last = (said.packet, write_packet(said.packet))
                    self._deliver(self.plan.me, said.to, last[1])
        except Crash:
            self.stop()
