"""A ledger of several nodes under one seed, until so much went wrong; then it comes to rest.

Five machines: the one that makes blocks and two more carry them out, one votes for what it
verified, one has no vote and applies what is attested. People pay each other, send letters through
contracts, and some sign one nonce twice. One of the machines may lie.
"""

from enum import Enum
from functools import partial
from typing import Final

import msgspec

from numen.base.crypto import SigningKey
from numen.ledger.cell import Account
from numen.node.replica.liar import Liar as Thief
from numen.node.replica.plan import Mode
from numen.sim.courier import CODE, COURIERS
from numen.sim.liars import DoubleVoter, Forker, Mouth, Mute
from numen.sim.machine import Machine
from numen.sim.network import Count, Faults, Network
from numen.sim.people import COINS, Person
from numen.sim.town import CHAIN, Scene, Town, scene
from numen.sim.witness import BrokenError

MODES: Final = (Mode.EXECUTE, Mode.EXECUTE, Mode.EXECUTE, Mode.VERIFY, Mode.APPLY)
"""What each machine does with a block."""


class Liar(Enum):
    """Who lies."""

    NOBODY = "nobody"
    VOTER = "voter"
    """The fourth machine votes for a second block whenever it votes."""
    PROPOSER = "proposer"
    """The first makes two blocks of each, and votes for both."""
    MUTE = "mute"
    """The first, who is to propose, only follows."""
    THIEF = "thief"
    """The first takes a coin of somebody else in each of its blocks, from the third on."""

    @property
    def index(self) -> int:
        """Which machine that is; -1 for none."""
        return {Liar.NOBODY: -1, Liar.VOTER: 3}.get(self, 0)


STAKE: Final = 1_000
"""Bond of each machine that votes."""

THEFT: Final = 3
"""Height of the first block that a thief makes false."""

PEOPLE: Final = 6
"""How many people there are."""

CHEATS: Final = 150
"""In how many thousandths a person signs a nonce twice."""


class Report(msgspec.Struct, frozen=True):
    """What came of a run in which everything held that must.

    Attributes:
        seed: Which run.
        faults: What went wrong.
        blocks: Final blocks.
        transactions: Final transactions.
        messages: Messages that were handed over.
        rejected: Transactions whose signers were shown that another one holds.
        accused: Voters that were shown to lie by what shows itself.
        punished: Voters whose bonds were taken.
        simulated_s: Seconds of simulated time.
        root: Of the state, the same on all machines.
    """

    seed: int
    faults: Count
    blocks: int
    transactions: int
    messages: int
    rejected: int
    accused: int
    punished: int
    simulated_s: int
    root: bytes


def run(
    seed: int,
    faults: int,
    rates: Faults | None = None,
    liar: Liar = Liar.VOTER,
    *,
    is_logged: bool = False,
) -> Report:
    """Let so much go wrong in a ledger of five machines, and see that everything holds.

    Args:
        seed: Of all chance: the same one gives the same run.
        faults: How much goes wrong before it may come to rest.
        rates: How often what goes wrong.
        liar: Who lies.
        is_logged: Whether a log orders the blocks of all who vote, of whom each may make one.

    Raises:
        BrokenError: Something does not hold that must; the seed replays it.
    """
    try:
        return _run(
            seed, faults, rates or Faults(), liar, scene(MODES, is_logged=is_logged, stake=STAKE)
        )
    except BrokenError as error:
        raise BrokenError(f"seed {seed}: {error.message}") from error


def _run(seed: int, faults: int, rates: Faults, liar: Liar, cast: Scene) -> Report:
    network = Network(seed, rates)
    keys = [SigningKey.from_seed(b"person %d" % i) for i in range(PEOPLE)]
    accounts = {key.address: Account(COINS) for key in keys}
    accounts |= {address: Account(code=CODE) for address in COURIERS}
    bodies = {liar.index: partial(Thief, start=THEFT)} if liar is Liar.THIEF else {}
    town = Town(cast, network, accounts, _mouths(cast, liar), bodies)
    # Who asks somebody that never answers asks somebody else by and by.
    asked = cast.nodes[1:] if liar is Liar.MUTE else cast.nodes
    people = [Person(key, CHAIN, asked, cast.stakes, network, town.deliver, CHEATS) for key in keys]
    for person in people:
        person.friends = tuple(each.address for each in people if each is not person)
        town.settle(person)
    town.begin()
    while network.count.total < faults:
        network.advance()
    for person in people:
        person.is_done = True
    town.rest()
    return _report(seed, town, people, liar)


def _mouths(cast: Scene, liar: Liar) -> dict[int, Mouth]:
    voting = cast.voting[liar.index]
    if liar in (Liar.NOBODY, Liar.THIEF) or voting is None:
        return {}
    if liar is Liar.MUTE:
        return {liar.index: Mute()}
    if liar is Liar.VOTER:
        return {liar.index: DoubleVoter(voting)}
    return {liar.index: Forker(cast.keys[liar.index], voting, cast.nodes[2:4])}


def _found(machine: Machine) -> set[bytes]:
    """Keys for votes of those whom a machine has found to lie, however it did."""
    watch = machine.body.watch
    return {machine.plan.voter(watch.members.address(node)) for node in watch.docket.guilty}


def _report(seed: int, town: Town, people: list[Person], liar: Liar) -> Report:
    witness, network = town.witness, town.network
    held = [transaction for person in people for transaction in person.held]
    missing = [each for each in held if each not in witness.transactions]
    if missing or len(set(held)) != len(held):
        raise BrokenError(f"{len(missing)} transactions are said to be final and are not")
    cheated = sum(person.cheated for person in people)
    rejected = sum(len(person.told) for person in people)
    if cheated != rejected:
        raise BrokenError(f"{cheated} nonces were signed twice, {rejected} signers were told")
    accused = {key for m in town.machines if m.node for key in m.node.replica.accused}
    liars = {town.machines[liar.index].plan.voter(town.machines[liar.index].plan.me)}
    found = accused | {key for machine in town.machines for key in _found(machine)}
    if found - (liars if liar is not Liar.NOBODY else set()):
        raise BrokenError("somebody is accused who did not lie")
    punished = {loss.key for loss in witness.stakes.losses}
    if punished != found:
        raise BrokenError(f"{len(punished)} bonds were taken, and {len(found)} nodes lied")
    node = town.machines[0].node
    assert node is not None
    return Report(
        seed, network.count, witness.height, len(witness.transactions),
        witness.count_messages(town.machines), rejected, len(accused), len(punished),
        network.now_ms // 1000, node.replica.root,
    )  # fmt: skip
