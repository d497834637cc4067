"""Nodes together: a contract's creation, three ways to apply a block, and who lies about a diff."""

from collections import defaultdict

import msgspec
import pytest

from numen.base.codec import U256, decode
from numen.base.crypto import SigningKey
from numen.ledger.block import Block, block_id, seal, write_block
from numen.ledger.cell import Account
from numen.ledger.order.creation import Roster, TooFewError, accept
from numen.ledger.order.vote import SignedVote, vote_digest
from numen.ledger.state import State
from numen.ledger.state import diff as diffs
from numen.ledger.transactions import Call, Transaction, created_address, sign
from numen.node.replica.events import Send
from numen.node.replica.packet import (
    Ballot,
    Created,
    Finalized,
    Held,
    Inquire,
    Pending,
    Proposal,
    Refused,
    Show,
    Shown,
    Standing,
    Submit,
    Unknown,
    read_packet,
    write_packet,
)
from numen.node.replica.plan import Mode
from numen.sim.courier import CODE, COURIERS, letter
from numen.sim.liars import Honest
from numen.sim.network import NO_FAULTS, Network
from numen.sim.town import CHAIN, Town, scene

MODES = (Mode.EXECUTE, Mode.EXECUTE, Mode.EXECUTE, Mode.VERIFY, Mode.APPLY)
ANN = SigningKey.from_seed(b"ann")
BOB = b"\x0b" * 20
CAST = scene(MODES, price=0)
THREE_BELIEVE = scene((Mode.EXECUTE, *[Mode.VERIFY] * 3, Mode.EXECUTE), price=0)


class Probe:
    """Somebody who asks, and keeps the answers."""

    address = ANN.address
    is_quiet = True

    def __init__(self):
        self.heard = defaultdict(list)

    def begin(self):
        pass

    def receive(self, peer, raw):
        packet = read_packet(raw)
        self.heard[type(packet)].append((peer, packet))


@pytest.fixture
def start():
    def made(mouths=None, up=range(5), cast=CAST):
        accounts = {ANN.address: Account(1000), BOB: Account()}
        accounts |= {address: Account(code=CODE) for address in COURIERS}
        town = Town(cast, Network(1, NO_FAULTS), accounts, mouths or {})
        probe = Probe()
        town.settle(probe)
        for index in up:
            town.machines[index].start()
        return town, probe

    return made


def tell(town, index, packet):
    town.deliver(ANN.address, CAST.nodes[index], write_packet(packet))


def call(nonce, to, payload=b"", coins=0):
    wanted = Call(to, U256(coins), payload, 400_000)
    return Submit(sign(Transaction(CHAIN, nonce, 0, 1000, (wanted,)), ANN))


def receipts(town):
    return [len(machine.body.ledger.receipts(1)) for machine in town.machines]


def roots(town):
    return {machine.body.world.state.root for machine in town.machines}


def heights(town):
    return [machine.node.replica.height for machine in town.machines]


def test_k_nodes_create_a_contract_and_late_ones_get_its_diff(start):
    town, probe = start(up=range(3))
    tell(town, 1, call(0, b"", CODE + letter(b"")))
    town.wait(1_000)
    ((_, held),) = probe.heard[Held]
    contract = created_address(ANN.address, 0, 0)
    height = held.settled.header.height
    for late in (3, 4):
        town.machines[late].start()
    town.wait(2_000)
    assert heights(town) == [1] * 5
    assert len(roots(town)) == 1

    for index in range(5):
        tell(town, index, Inquire(contract, height))
        tell(town, index, Inquire(b"\x77" * 20, height))
    town.wait(500)
    said = {peer: packet.attestation for peer, packet in probe.heard[Created]}
    assert set(said) == set(CAST.nodes[:3])  # who applied the diff attests nothing
    assert len(probe.heard[Unknown]) == 5 + 2

    roster = Roster(CAST.nodes, needed=3)
    creation = accept(said.values(), roster)
    assert (creation.contract, creation.code, creation.height) == (contract, CODE, 1)
    assert creation.root == held.settled.header.state
    with pytest.raises(TooFewError, match="2 nodes attest it where 3 must"):
        accept(list(said.values())[:2], roster)
    assert all(machine.body.world.last(contract).code == CODE for machine in town.machines)


def test_three_ways_come_to_one_root(start):
    town, probe = start()
    for nonce, packet in enumerate([(COURIERS[0], letter(b"\1\2\3")), (BOB, b"")]):
        tell(town, 1, call(nonce, *packet, coins=5))
    town.wait(3_000)
    assert len(probe.heard[Held]) == 2
    assert len(set(heights(town))) == 1
    assert len(roots(town)) == 1
    executed = receipts(town)
    assert min(executed[:3]) > 0
    assert executed[3:] == [0, 0]  # these carried nothing out
    assert {machine.body.world.last(BOB).balance for machine in town.machines} == {5}


class WrongDiff(Honest):
    """Sends blocks with diffs that give Bob a coin more."""

    def say(self, honest):
        packet = honest.packet
        if isinstance(packet, Proposal):
            yield Send(honest.to, spoilt(packet))
        elif isinstance(packet, Finalized):
            yield Send(honest.to, Finalized(spoilt(packet.proposal), packet.certificate))
        else:
            yield honest


def spoilt(proposal):
    diff = diffs.decode(proposal.diff)
    accounts = tuple(richer(each) if each.address == BOB else each for each in diff.accounts)
    wrong = msgspec.structs.replace(diff, accounts=accounts)
    return Proposal(proposal.block, diffs.encode(wrong))


def richer(account):
    (change,) = account.balances
    more = msgspec.structs.replace(change, balance=U256(change.balance + 1))
    return msgspec.structs.replace(account, balances=(more,))


def test_a_wrong_diff_is_refused_and_the_right_one_comes_from_others(start):
    town, probe = start({0: WrongDiff()})
    tell(town, 1, call(0, BOB, coins=5))
    town.wait(4_000)
    assert len(probe.heard[Held]) == 1
    reasons = [[each.reason for each in machine.suspicions] for machine in town.machines]
    assert any("the post-root is" in reason for reason in reasons[3])
    assert any("the post-root is" in reason for reason in reasons[4])
    assert reasons[:3] == [[], [], []]  # who carries blocks out needs no diff
    assert heights(town) == [1] * 5
    assert len(roots(town)) == 1
    assert {machine.body.world.last(BOB).balance for machine in town.machines} == {5}


class FalseState(Honest):
    """Gives machine 3 a signed block after which Bob has a coin more, and the diff for it."""

    def __init__(self):
        self.town = None
        self.forged = b""

    def say(self, honest):
        packet = honest.packet
        if isinstance(packet, Proposal) and honest.to == CAST.nodes[3]:
            yield Send(honest.to, self.forge(packet))
        else:
            yield honest

    def forge(self, proposal):
        diff = diffs.decode(proposal.diff)
        accounts = tuple(richer(each) if each.address == BOB else each for each in diff.accounts)
        state = State(self.town.machines[0].disk)
        root = state.prepare(accounts).version.root
        block = decode(Block, proposal.block)
        header = msgspec.structs.replace(block.header, state=root)
        self.forged = block_id(header)
        false = msgspec.structs.replace(diff, accounts=accounts, post_root=root)
        raw = write_block(seal(header, block.transactions, CAST.keys[0]))
        return Proposal(raw, diffs.encode(false))


@pytest.mark.parametrize(("share", "is_caught"), [(0, False), (1_000_000, True)])
def test_who_verifies_believes_the_maker_until_it_audits(start, share, is_caught):
    liar = FalseState()
    town, _ = start({0: liar}, up=())
    liar.town = town
    verifier = town.machines[3]
    verifier.plan = msgspec.structs.replace(verifier.plan, audit=share)
    for machine in town.machines:
        machine.start()
    tell(town, 1, call(0, BOB, coins=5))
    town.wait(3_000)
    reasons = [each.reason for each in verifier.suspicions]
    assert ("its state is not what its transactions come to" in reasons) == is_caught
    assert (any(e.block == liar.forged for e in verifier._book.entries(1))) == (not is_caught)
    # Whatever it believed, the certificate is of the block that the others carried out. The maker
    # has lost its bond in another one, if somebody saw that it lied.
    assert heights(town) == [1 + is_caught] * 5
    losses = {machine.body.world.stakes().losses for machine in town.machines}
    assert [len(each) for each in losses] == [int(is_caught)]
    assert len(roots(town)) == 1
    assert {machine.body.world.last(BOB).balance for machine in town.machines} == {5}


class FalseForAll(FalseState):
    """Gives that block to everybody, and votes for it."""

    def say(self, honest):
        packet = honest.packet
        if isinstance(packet, Proposal):
            yield Send(honest.to, self.forge(packet))
            return
        if isinstance(packet, Ballot) and self.forged:
            voting = THREE_BELIEVE.voting[0]
            for stage in (False, True):
                vote = msgspec.structs.replace(
                    packet.signed.vote, block=self.forged, is_commit=stage
                )
                signed = SignedVote(vote, voting.public, voting.sign(vote_digest(vote)))
                yield Send(honest.to, Ballot(signed))
        yield honest


def test_who_found_a_block_to_be_false_does_not_take_it_whoever_signed(start):
    liar = FalseForAll()
    town, _ = start({0: liar}, up=(), cast=THREE_BELIEVE)
    liar.town = town
    for machine in town.machines[1:4]:
        machine.plan = msgspec.structs.replace(machine.plan, audit=0)
    for machine in town.machines:
        machine.start()
    town.witness.look = lambda machine: None  # it would see the coin that came from nowhere
    honest = town.machines[4]
    root = honest.body.world.state.root
    tell(town, 1, call(0, BOB, coins=5))
    town.wait(4_000)
    assert heights(town)[1:] == [1, 1, 1, 0]
    assert town.machines[1].body.world.last(BOB).balance == 6  # more than two thirds believed it
    assert any("carried out here, and is false" in s.reason for s in honest.suspicions)

    honest.node = None
    honest.start()  # it has not forgotten
    town.wait(2_000)
    assert heights(town)[4] == 0
    assert honest.body.world.state.root == root


class Spoiler(Honest):
    """Sends blocks first with something false under a true header, and then as they are."""

    def say(self, honest):
        packet = honest.packet
        if isinstance(packet, Proposal):
            block = decode(Block, packet.block)
            for false in (
                msgspec.structs.replace(block, signature=b"\x01" * 65),
                msgspec.structs.replace(block, signature=CAST.keys[1].sign(bytes(32))),
                msgspec.structs.replace(block, transactions=()),
                msgspec.structs.replace(block, transactions=block.transactions * 2),
            ):
                yield Send(honest.to, Proposal(write_block(false), packet.diff))
        yield honest


def test_nobody_can_make_a_true_block_look_false(start):
    town, probe = start({0: Spoiler()})
    tell(town, 1, call(0, BOB, coins=5))
    town.wait(2_000)
    assert len(probe.heard[Held]) == 1
    assert heights(town) == [1] * 5
    for machine in town.machines[1:4]:
        assert len(machine.suspicions) >= 4
        assert machine.node.replica.refuted == frozenset()
        assert list(machine.disk.scan(b"lf")) == []


def test_contracts_that_wait_for_a_height_get_empty_blocks(start):
    town, _ = start(up=())
    for machine in town.machines:
        machine.plan = msgspec.structs.replace(machine.plan, empty_ms=500)
        machine.start()
    town.wait(3_000)
    assert min(heights(town)) >= 3


def test_people_see_what_an_account_has_and_what_is_refused(start):
    town, probe = start()
    late = sign(Transaction(CHAIN, 0, 0, 0, ()), ANN)
    for packet in (
        call(0, BOB, coins=2_000), Submit(b"no transaction"), call(70, BOB), Submit(late),
    ):  # fmt: skip
        tell(town, 1, packet)
    tell(town, 2, Standing(0, bytes(32), bytes(32)))
    tell(town, 2, Show(ANN.address))
    town.wait(500)
    reasons = sorted(packet.reason for _, packet in probe.heard[Refused])
    assert reasons[0].startswith("it may cost 2000 coins and the account has 1000")
    assert reasons[1].startswith("nonce 70 where 0 is next")
    assert reasons[2].startswith("not a transaction")
    assert reasons[3].startswith("valid until block 0")
    assert [packet.height for _, packet in probe.heard[Standing]] == [0]
    ((_, shown),) = probe.heard[Shown]
    assert shown.header is None
    assert probe.heard[Pending] == []


def test_people_cannot_say_what_only_nodes_say(start):
    town, probe = start()
    proposal = Proposal(b"no block", b"no diff")
    tell(town, 1, proposal)
    town.wait(300)
    (found,) = town.machines[1].suspicions
    assert found.reason == "only nodes send a Proposal"
    assert found.peer == ANN.address
    assert probe.heard == {}
