"""Nodes together: how evidence comes to the ledger, whoever would rather leave it out."""

import copy
from functools import partial

import pytest

from numen.ledger.order.offence import Offence, SignedVerdict, Verdict, verdict_digest
from numen.ledger.stakes import NOTICE
from numen.ledger.world import World
from numen.node.replica.body import Body
from numen.node.replica.events import Received, Suspect
from numen.node.replica.justice import LIES_MAX
from numen.node.replica.liar import Liar
from numen.node.replica.packet import Accused, Ask, Finalized, Found, Pledged, Submit, Taken
from numen.node.replica.plan import Mode
from numen.sim.liars import DoubleVoter, Honest
from numen.sim.network import NO_FAULTS, Network
from numen.sim.town import CHAIN, VIEW_MS, Town, scene
from tests.node.replica.test_life import ANN, BOB, MODES, Account, Probe, call, write_packet

CAST = scene(MODES, price=0, stake=1_600)


class Hiding(Body):
    """A body that leaves evidence out of its blocks."""

    def _draft(self, transactions, time_ms, _charges):
        return super()._draft(transactions, time_ms, ())


class Street:
    """A town without faults, in which Ann pays Bob."""

    def __init__(self, mouths=None, bodies=None, up=range(5), cast=CAST):
        accounts = {ANN.address: Account(1000), BOB: Account()}
        self.cast = cast
        self.town = Town(cast, Network(1, NO_FAULTS), accounts, mouths or {}, bodies or {})
        self.probe = Probe()
        self.town.settle(self.probe)
        self.nonce = 0
        for index in up:
            self.town.machines[index].start()

    def pay(self, blocks=1, at=1):
        for _ in range(blocks):
            self.tell(at, call(self.nonce, BOB, coins=1))
            self.nonce += 1
            self.town.wait(VIEW_MS // 2)

    def tell(self, index, packet):
        self.town.deliver(ANN.address, self.cast.nodes[index], write_packet(packet))

    def body(self, index):
        return self.town.machines[index].body

    def lost(self, index=1):
        """Who has no bond any more, and in which block it was taken, as a machine has it."""
        nodes = {bond.member.key: bond.node for bond in self.cast.plans[0].bonds}
        losses = self.body(index).world.stakes().losses
        return {self.cast.nodes.index(nodes[loss.key]): loss for loss in losses}

    def makers(self, first=1):
        ledger = self.body(1).ledger
        heights = range(first, ledger.height + 1)
        return [CAST.nodes.index(ledger.block(height).header.maker) for height in heights]


def signed(by: int, about: int, lie: bytes = bytes(32), chain: int = CHAIN) -> SignedVerdict:
    verdict = Verdict(chain, CAST.voting[about].public, Offence.FALSE_BLOCK, lie)
    key = CAST.voting[by]
    return SignedVerdict(verdict, key.public, key.sign(verdict_digest(verdict)))


@pytest.mark.parametrize("hides", [False, True])
def test_who_votes_twice_loses_its_bond_even_if_the_maker_would_not(hides):
    bodies = {0: Hiding} if hides else {}
    street = Street({3: DoubleVoter(CAST.voting[3])}, bodies)
    street.pay(6)
    street.town.wait(12 * VIEW_MS)
    loss = street.lost()[3]
    assert set(street.lost()) == {3}
    assert loss.offence is Offence.TWO_VOTES
    assert (CAST.nodes.index(loss.reporter) != 0) == hides
    assert len({tuple(street.lost(i)) for i in range(5)}) == 1


def test_a_maker_that_votes_twice_is_followed_by_another_for_good():
    street = Street({0: DoubleVoter(CAST.voting[0])})
    street.pay(8)
    street.town.wait(12 * VIEW_MS)
    (loss,) = street.lost().values()
    street.pay(NOTICE + 3)
    assert street.body(1).ledger.height > loss.height + NOTICE
    assert 0 not in street.makers(loss.height)
    electorate = street.body(1).world.stakes().electorate(street.body(1).ledger.height + 1)
    assert electorate.total == 3 * 1_600


def test_who_steals_is_convicted_and_the_ledger_goes_on():
    street = Street(bodies={0: partial(Liar, start=2)})
    street.pay(10)
    street.town.wait(12 * VIEW_MS)
    (loss,) = street.lost().values()
    assert (set(street.lost()), loss.offence) == ({0}, Offence.FALSE_BLOCK)
    lie = next(iter(street.body(1).watch.docket.guilty.values())).lie
    assert loss.lie in street.body(1).watch.docket.lies
    assert street.body(1).watch.docket.lies[loss.lie] == lie
    street.pay(NOTICE + 2)
    assert street.body(1).world.last(BOB).balance == 10 + NOTICE + 2
    assert 0 not in street.makers(loss.height)
    assert (
        street.body(1).watch.credit.pledge(street.body(1).watch.members.index(CAST.nodes[0])) == 0
    )


class Turncoat(DoubleVoter):
    """Votes twice from some moment on."""

    is_on = False

    def say(self, honest):
        return super().say(honest) if self.is_on else iter([honest])


def test_more_than_a_third_is_taken_bit_by_bit_and_the_rest_go_on():
    cast = scene((Mode.EXECUTE,) * 7, price=0, stake=1_600)
    liars = {at: Turncoat(cast.voting[at]) for at in (4, 5, 6)}
    street = Street(liars, up=range(7), cast=cast)
    for at, liar in liars.items():  # each less than a third of who is left
        liar.is_on = True
        street.pay(NOTICE + 4)
        street.town.wait(4 * VIEW_MS)
        assert at in street.lost()
    street.pay(NOTICE + 1)
    stakes = street.body(1).world.stakes()
    assert (set(street.lost()), stakes.left) == ({4, 5, 6}, 4 * 1_600)
    assert stakes.electorate(street.body(1).ledger.height + 1).total == 4 * 1_600
    for machine in street.town.machines[3:]:  # without them, three of four are enough
        machine.node = None
    paid = street.body(1).world.last(BOB).balance
    street.pay(2)
    assert street.body(1).world.last(BOB).balance == paid + 2


def test_who_comes_late_or_begins_with_a_copy_has_the_same_electorate():
    street = Street({3: DoubleVoter(CAST.voting[3])}, up=(0, 1, 2, 3))
    street.pay(4)
    street.town.wait(4 * VIEW_MS)
    street.pay(NOTICE)
    assert set(street.lost()) == {3}
    street.town.machines[4].start()  # it applies diffs
    street.town.wait(4 * VIEW_MS)
    want = street.body(1).world.stakes()
    copied = World(copy.deepcopy(street.town.machines[1].disk)).stakes()
    for stakes in (street.body(4).world.stakes(), copied):
        assert stakes.losses == want.losses
        for height in range(1, street.body(1).ledger.height + NOTICE):
            assert stakes.electorate(height).id == want.electorate(height).id


def test_final_blocks_of_old_electorates_are_taken_after_a_change():
    street = Street({3: DoubleVoter(CAST.voting[3])}, up=(0, 1, 2, 3))
    street.pay(3)
    street.town.wait(4 * VIEW_MS)
    street.pay(NOTICE + 1)
    street.tell(1, Ask(1))
    street.tell(1, Pledged(0))
    street.town.wait(200)
    found = [packet.certificate for _, packet in street.probe.heard[Finalized]]
    stakes = street.body(1).world.stakes()
    ids = [each.electorate for each in found]
    assert ids == [stakes.electorate(height).id for height in range(1, len(found) + 1)]
    assert len(set(ids)) == 2
    (_, taken) = street.probe.heard[Taken][-1]
    assert [shown.header.height for shown in taken.shown] == [
        *(loss.height for loss in stakes.losses), street.body(1).ledger.height
    ]  # fmt: skip


# Hostile nodes. ----------------------------------------------------------------------------------


def handle(machine, peer: int, packet):
    """What a node makes of a packet of another."""
    return list(machine.node.handle(Received(CAST.nodes[peer], packet), 10_000))


def test_few_cannot_convict_whatever_they_sign():
    street = Street()
    machine = street.town.machines[1]
    for lie in range(3 * LIES_MAX):
        name = lie.to_bytes(32, "big")
        assert not handle(machine, 3, Found(signed(3, 0, name)))
    assert len(machine.node.replica.verdicts) == LIES_MAX
    street.pay(3)
    street.town.wait(6 * VIEW_MS)
    assert street.lost() == {}
    assert street.makers() == [0, 0, 0]  # nobody holds it against the maker that it has no evidence


def test_verdicts_that_are_none_are_dropped_and_held_against_who_sent_them():
    street = Street()
    machine = street.town.machines[1]
    forged = SignedVerdict(signed(2, 0).verdict, CAST.voting[2].public, CAST.voting[3].sign(b"x"))
    for packet in (Found(forged), Found(signed(3, 0, chain=CHAIN + 1))):
        (suspect,) = handle(machine, 3, packet)
        assert isinstance(suspect, Suspect)
    stranger = Verdict(CHAIN, bytes(48), Offence.FALSE_BLOCK, bytes(32))
    signature = CAST.voting[3].sign(verdict_digest(stranger))
    assert not handle(machine, 3, Found(SignedVerdict(stranger, CAST.voting[3].public, signature)))
    assert not machine.node.replica.verdicts


def test_a_node_hears_no_verdicts_of_strangers():
    street = Street()
    machine = street.town.machines[1]
    effects = list(machine.node.handle(Received(b"somebody", Found(signed(3, 0))), 10_000))
    assert [type(each) for each in effects] == [Suspect]
    assert not machine.node.replica.verdicts


class Slanderer(Honest):
    """Sends verdicts about an honest node with every packet, of itself alone."""

    def say(self, honest):
        yield honest
        if not isinstance(honest.packet, Found | Accused | Submit):
            yield type(honest)(honest.to, Found(signed(3, 1)))


def test_one_that_slanders_takes_nothing():
    street = Street({3: Slanderer()})
    street.pay(4)
    street.town.wait(6 * VIEW_MS)
    assert street.lost() == {}
    assert street.body(1).ledger.height == 4
