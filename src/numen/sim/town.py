"""Machines and people of one simulated ledger, and how it comes to rest."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

import msgspec

from numen.base.crypto import SigningKey
from numen.ledger.cell import Account
from numen.ledger.order.bls import VotingKey
from numen.ledger.order.certificate import Electorate, Member
from numen.ledger.stakes import Bond, Stakes, pledges, write_bonds
from numen.ledger.state.kv import KV
from numen.ledger.world import World
from numen.node.replica.plan import Mode, Peer, Plan
from numen.node.replica.turn import Replica
from numen.sim.courier import CODE, Courier
from numen.sim.liars import Honest, Mouth
from numen.sim.log import Log
from numen.sim.machine import TICK_MS, Embody, Machine
from numen.sim.network import NO_FAULTS, Network
from numen.sim.witness import BrokenError, Witness
from numen.trust.execution import Policy

CHAIN: Final = 2019
"""Number of the ledger of simulations."""

REST_MS: Final = 120_000
"""After so long without faults, everything has to be decided and everywhere."""

VIEW_MS: Final = 1_000
"""How long the first view of a height may take."""

CUT_MS: Final = (300, 3_000)
"""How long the network is parted."""


class Actor(Protocol):
    """Somebody who uses the nodes."""

    @property
    def address(self) -> bytes:
        """By which nodes know it."""
        ...

    @property
    def is_quiet(self) -> bool:
        """Whether it waits for nothing."""
        ...

    def begin(self) -> None:
        """Begin to ask for things."""
        ...

    def receive(self, peer: bytes, raw: bytes) -> None:
        """A node says something."""
        ...


class Scene(msgspec.Struct, frozen=True):
    """Keys, stakes and rules of the machines; the same for every seed.

    Attributes:
        keys: Of the machines.
        voting: Their keys for votes, of those that vote.
        electorate: Of those.
        plans: The machines' rules.
    """

    keys: tuple[SigningKey, ...]
    voting: tuple[VotingKey | None, ...]
    electorate: Electorate
    plans: tuple[Plan, ...]

    @property
    def stakes(self) -> Stakes:
        """Bonds as the ledger begins."""
        return Stakes(pledges(write_bonds(self.plans[0].bonds)))

    @property
    def nodes(self) -> tuple[bytes, ...]:
        """Addresses of the machines."""
        return tuple(key.address for key in self.keys)


def scene(
    modes: tuple[Mode, ...], price: int = 1, *, is_logged: bool = False, stake: int = 1,
    policy: Policy | None = None,
) -> Scene:  # fmt: skip
    """Machines that do with blocks what their modes say.

    Args:
        modes: Of each. All but those that only apply have a vote.
        price: Coins a unit of work.
        is_logged: Whether a log orders the blocks of all who vote; else the first makes them, and
            the others in turn when it is late.
        stake: Of each.
        policy: What those that trust ask for, unless it is the usual.
    """
    keys = tuple(SigningKey.from_seed(b"machine %d" % i) for i in range(len(modes)))
    voting = tuple(
        VotingKey((b"voter %d" % i).ljust(32)) if mode is not Mode.APPLY else None
        for i, mode in enumerate(modes)
    )
    members = [Member(key.public, stake, key.prove_possession()) for key in voting if key]
    electorate = Electorate.of(members)
    peers = tuple(
        Peer(key.address, vote.public if vote else b"")
        for key, vote in zip(keys, voting, strict=True)
    )
    plans = tuple(
        Plan(
            CHAIN,
            key.address,
            peers,
            keys[0].address,
            electorate,
            mode,
            price,
            is_logged,
            policy=policy or Policy(),
            view_ms=VIEW_MS,
        )
        for key, mode in zip(keys, modes, strict=True)
    )
    return Scene(keys, voting, electorate, plans)


class Town:
    """Machines on a network, and people.

    Args:
        cast: The machines.
        network: Connects them.
        accounts: What the ledger begins with.
        mouths: What machines say that lie, by their index.
        bodies: Of machines that do what no honest one does, by their index.

    Attributes:
        machines: The nodes.
        witness: Sees what they keep.
        log: Gives the order of blocks; None where the first machine does.
    """

    def __init__(
        self,
        cast: Scene,
        network: Network,
        accounts: Mapping[bytes, Account],
        mouths: Mapping[int, Mouth] = MappingProxyType({}),
        bodies: Mapping[int, Embody] = MappingProxyType({}),
    ) -> None:
        self.network = network
        supply = sum(account.balance for account in accounts.values())
        self.witness = Witness((*accounts, *cast.nodes), supply, cast.stakes)
        self.people: list[Actor] = []
        open_, honest = _opener(accounts, cast.plans[0].bonds), Honest()
        self.log = Log(network) if cast.plans[0].is_logged else None
        self.machines = [
            Machine(
                plan, key, voting, open_, network, self.deliver, mouths.get(index, honest), self.log
            )
            for index, (plan, key, voting) in enumerate(
                zip(cast.plans, cast.keys, cast.voting, strict=True)
            )
        ]
        for index, embody in bodies.items():
            self.machines[index].embody = embody
        self._places: dict[bytes, Callable[[bytes, bytes], None]] = {
            machine.plan.me: self._receiver(machine) for machine in self.machines
        }

    def settle(self, actor: Actor) -> None:
        """Let somebody be there."""
        self.people.append(actor)
        self._places[actor.address] = actor.receive

    def begin(self) -> None:
        """Start the machines, the people and the weather."""
        for machine in self.machines:
            machine.start()
        for actor in self.people:
            actor.begin()
        self._weather()

    def rest(self) -> None:
        """Let nothing go wrong any more, and wait until everything is decided everywhere.

        Raises:
            BrokenError: It never is.
        """
        self.network.faults = NO_FAULTS
        self.network.join()
        last_ms = self.network.now_ms + REST_MS
        while not self._is_quiet():
            self.network.advance()
            if self.network.now_ms > last_ms:
                raise BrokenError(f"no rest after {REST_MS} ms without faults: {self._where()}")

    def wait(self, for_ms: int) -> None:
        """Let some time pass."""
        last_ms = self.network.now_ms + for_ms
        while self.network.now_ms < last_ms:
            self.network.advance()

    def deliver(self, source: bytes, target: bytes, raw: bytes) -> None:
        """Give a packet to the network."""
        place = self._places[target]
        self.network.carry(source, target, lambda: place(source, raw))

    def _is_quiet(self) -> bool:
        """Whether all machines are up and equal, and nobody waits for anything."""
        nodes = [machine.node for machine in self.machines]
        return (
            all(node is not None and not _is_busy(node.replica) for node in nodes)
            and all(actor.is_quiet for actor in self.people)
            and len({node.replica.root for node in nodes if node is not None}) == 1
            and all(node and node.replica.height == self.witness.height for node in nodes)
        )

    def _where(self) -> str:
        nodes = [machine.node for machine in self.machines]
        heights = [node.replica.height if node else None for node in nodes]
        waiting = sum(not actor.is_quiet for actor in self.people)
        return f"heights {heights}, {waiting} people wait"

    def _weather(self) -> None:
        if self.network.happens(self.network.faults.cut):
            places = [machine.plan.me for machine in self.machines]
            self.network.part(places, self.network.dice.randint(*CUT_MS))
        self.network.plan(TICK_MS, self._weather)

    def _receiver(self, machine: Machine) -> Callable[[bytes, bytes], None]:
        def receive(peer: bytes, raw: bytes) -> None:
            machine.receive(peer, raw)
            self.witness.look(machine)

        return receive


def _is_busy(replica: Replica) -> bool:
    """Whether something waits for a block: a transaction, or evidence."""
    has_evidence = any(map(replica.stakes.bond, replica.accused)) or replica.verdicts
    return bool(replica.pool.places or has_evidence)


def _opener(accounts: Mapping[bytes, Account], bonds: tuple[Bond, ...]) -> Callable[[KV], World]:
    services = {CODE: Courier()}
    return lambda disk: World(disk, accounts.items(), services, bonds=bonds)
