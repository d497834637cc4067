"""A maker of blocks is honest until it is trusted, and then lies: who notices, and who is told.

The first of five machines makes the blocks, and takes a coin of somebody else from some block on.
Others carry every block out, or do so until they trust it and then apply its diffs, but for those
that they audit. People pay each other meanwhile, packets get lost, and machines crash; who makes
blocks in place of the first one, after it crashed, makes way for it again.
"""

from functools import partial
from typing import Final

import msgspec

from numen.base.codec import decode
from numen.base.crypto import SigningKey
from numen.ledger.block import Block, block_id
from numen.ledger.cell import Account
from numen.node.replica.liar import Liar
from numen.node.replica.packet import PROPOSAL_BYTES_MAX
from numen.node.replica.plan import Mode
from numen.node.trust.evidence import FalseBlock
from numen.sim.courier import CODE, COURIERS
from numen.sim.machine import Machine
from numen.sim.network import NO_FAULTS, Count, Faults, Network
from numen.sim.people import COINS, Person
from numen.sim.town import CHAIN, Scene, Town, scene
from numen.sim.witness import BrokenError
from numen.trust.execution import Policy, Treatment

MODES: Final = (Mode.EXECUTE, Mode.EXECUTE, Mode.EXECUTE, Mode.TRUST, Mode.TRUST)
"""What each machine does with a block; two that trust and a liar cannot make one final."""

STEP_MS: Final = 500
"""A step of attestations."""

PEOPLE: Final = 3

STAKE: Final = 10**6
"""Of each: more than what a few blocks move."""

WAIT_MS: Final = 900_000
"""After which everybody has to know; most of it goes by in views of machines that are down."""

TURN_MS: Final = 10_000
"""How long somebody else makes blocks before it is stopped, so that the liar's turn comes."""

AFTER_STEPS: Final = 8
"""Steps after that in which nothing goes wrong, and what was found goes round."""


class Report(msgspec.Struct, frozen=True):
    """What came of a run in which everything held that must.

    Attributes:
        seed: Which run.
        faults: What went wrong.
        applied: Blocks that machines applied unseen before, all together.
        told_ms: From the first to know to the last.
        is_final: Whether the false block became final somewhere all the same.
        punished_ms: From the first to know to when the block was made that takes the liar's bond;
            0 where there is no other, since the false block is final, or nobody else makes any.
    """

    seed: int
    faults: Count
    applied: int
    told_ms: int
    is_final: bool
    punished_ms: int


def run(
    seed: int,
    rates: Faults | None = None,
    modes: tuple[Mode, ...] = MODES,
    *,
    start: int = 40,
    audit: int = 100_000,
) -> Report:
    """Let a maker of blocks be trusted, and lie.

    Args:
        seed: Of all chance: the same one gives the same run.
        rates: How often what goes wrong.
        modes: What each machine does; the first one lies.
        start: Height of its first false block.
        audit: Share of blocks that who trusts carries out, in millionths.

    Raises:
        BrokenError: Somebody honest is taken for a liar, or does not learn who lied.
    """
    network = Network(seed, rates or Faults())
    cast = _cast(modes, audit)
    keys = [SigningKey.from_seed(b"person %d" % i) for i in range(PEOPLE)]
    accounts = {key.address: Account(COINS) for key in keys}
    accounts |= {address: Account(code=CODE) for address in COURIERS}
    town = Town(cast, network, accounts, bodies={0: partial(Liar, start=start)})
    people = [Person(key, CHAIN, cast.nodes, cast.stakes, network, town.deliver, 0) for key in keys]
    for person in people:
        person.friends = tuple(each.address for each in people if each is not person)
        town.settle(person)
    town.begin()
    try:
        return _watched(seed, town)
    except BrokenError as error:
        raise BrokenError(f"seed {seed}: {error.message}") from error


def _cast(modes: tuple[Mode, ...], audit: int) -> Scene:
    cast = scene(modes, stake=STAKE, policy=Policy(audit=audit))
    plans = tuple(msgspec.structs.replace(plan, step_ms=STEP_MS) for plan in cast.plans)
    return msgspec.structs.replace(cast, plans=plans)


def _watched(seed: int, town: Town) -> Report:
    network, honest = town.network, town.machines[1:]
    first_ms = last_ms = applied = 0
    until_ms = network.now_ms + WAIT_MS
    turn_ms = network.now_ms + TURN_MS
    while not last_ms:
        network.advance()
        if not first_ms and network.now_ms > turn_ms:
            turn_ms = network.now_ms + TURN_MS
            _give_way(town)
        told = [_has_found(machine, town.machines[0]) for machine in honest]
        if any(told) and not first_ms:
            first_ms = network.now_ms
            until_ms = first_ms + WAIT_MS
            applied = sum(_applied(machine) for machine in honest)
        if all(told):
            last_ms = network.now_ms
        if network.now_ms > until_ms:
            raise BrokenError(f"{sum(told)} of {len(honest)} know who lied")
    network.faults = NO_FAULTS
    network.join()
    town.wait(AFTER_STEPS * STEP_MS)
    for machine in honest:
        _check(machine, town)
    is_final = any(_has_false(machine, town.machines[0]) for machine in honest)
    # Only who carries blocks out makes any; and who found a false block final stands still.
    can_go_on = any(machine.plan.mode is Mode.EXECUTE for machine in honest) and not is_final
    punished_ms = _punished_ms(town) - first_ms if can_go_on else 0
    return Report(seed, network.count, applied, last_ms - first_ms, is_final, punished_ms)


def _punished_ms(town: Town) -> int:
    """When the block was made that takes the liar's bond, and nobody else's."""
    until_ms = town.network.now_ms + WAIT_MS
    while not town.witness.stakes.losses:
        town.network.advance()
        if town.network.now_ms > until_ms:
            raise BrokenError("everybody knows who lied, and its bond is there")
    liar = town.machines[0].plan
    if {loss.key for loss in town.witness.stakes.losses} != {liar.voter(liar.me)}:
        raise BrokenError("somebody honest has lost its bond")
    height = town.witness.stakes.losses[0].height
    blocks = (machine.body.ledger.block(height) for machine in town.machines)
    return next(int(block.header.time_ms) for block in blocks if block is not None)


def _give_way(town: Town) -> None:
    """Stop an honest machine that makes blocks in the liar's place: the next one takes its turn."""
    ledger = max((machine.body.ledger for machine in town.machines), key=lambda one: one.height)
    last = ledger.block(ledger.height)
    for machine in town.machines[1:]:
        if last is not None and last.header.maker == machine.plan.me and machine.node is not None:
            machine.stop()


def _has_found(machine: Machine, liar: Machine) -> bool:
    watch = machine.body.watch
    return watch.members.index(liar.plan.me) in watch.docket.guilty


def _applied(machine: Machine) -> int:
    return sum(record.applied for record in machine.body.watch.credit.records.values())


def _check(machine: Machine, town: Town) -> None:
    """See that a machine finds the liar guilty, trusts it in nothing, and finds nobody else so."""
    watch = machine.body.watch
    liar = watch.members.index(town.machines[0].plan.me)
    if set(watch.docket.guilty) != {liar}:
        raise BrokenError(f"guilty are {sorted(watch.docket.guilty)}, the liar is {liar}")
    if watch.why(liar).safe.is_trusted:
        raise BrokenError("who was shown to lie is trusted")
    decision = watch.decide(town.machines[0].plan.me, 0, bytes(32))
    if decision.treatment is not Treatment.EXECUTE:
        raise BrokenError("a diff of who was shown to lie is applied")


def _has_false(machine: Machine, liar: Machine) -> bool:
    """Whether the block that shows the lie is final on a machine."""
    watch = machine.body.watch
    case = watch.docket.guilty[watch.members.index(liar.plan.me)].lie.case
    if not isinstance(case, FalseBlock):
        return False
    shown = decode(Block, case.block, size_max=PROPOSAL_BYTES_MAX).header
    kept = machine.body.ledger.block(shown.height)
    return kept is not None and block_id(kept.header) == block_id(shown)
