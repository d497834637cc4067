"""Packets that make no sense, from nodes and strangers: they change and break nothing."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.codec import CodecError
from numen.base.crypto import SigningKey
from numen.ledger.cell import Account
from numen.ledger.order.certificate import Certificate
from numen.ledger.order.offence import Offence, SignedVerdict, Verdict
from numen.ledger.order.slashing import DoubleCertificate, DoubleVote, Evidence
from numen.ledger.order.vote import SignedVote, Vote
from numen.node.replica.ballots import PLACES_MAX, WINDOW
from numen.node.replica.events import Checked, Ordered, Received, Ticked, Voted
from numen.node.replica.packet import (
    PACKET_BYTES_MAX,
    Accused,
    Ask,
    Ballot,
    Certified,
    Finalized,
    Found,
    Inquire,
    Pledged,
    Proposal,
    Show,
    Standing,
    Submit,
    Wish,
    read_packet,
    write_packet,
)
from numen.node.replica.plan import Mode, Peer, Plan, PlanError, check_plan
from numen.node.replica.step import step
from numen.sim.network import NO_FAULTS, Network
from numen.sim.town import CHAIN, Town, scene

CAST = scene((Mode.EXECUTE, Mode.EXECUTE, Mode.EXECUTE, Mode.VERIFY, Mode.APPLY), price=0)
ANN = SigningKey.from_seed(b"ann")

NUMBERS = st.one_of(st.integers(0, 3), st.just(2**64 - 1), st.just(2**63))
HASHES = st.sampled_from([bytes(32), b"\x01" * 32])
JUNK = st.binary(max_size=40)
VOTES = st.builds(Vote, st.sampled_from([CHAIN, 1]), NUMBERS, HASHES, NUMBERS, st.booleans())
KEYS = st.sampled_from([*(key.public for key in CAST.voting if key), bytes(48)])
SIGNATURES = st.sampled_from([bytes(96), b"\xc0" + bytes(95), b"\x01" * 96])
SIGNED = st.builds(SignedVote, VOTES, KEYS, SIGNATURES)
ELECTORATES = st.sampled_from([CAST.electorate.id, bytes(32)])
CERTIFICATES = st.builds(
    Certificate, VOTES, ELECTORATES, st.sampled_from([b"", b"\x07", b"\xff", b"\x0f"]), SIGNATURES
)
PROPOSALS = st.builds(Proposal, JUNK, JUNK, NUMBERS, st.none() | CERTIFICATES)
EVIDENCE = st.builds(
    Evidence,
    st.one_of(
        st.builds(DoubleVote, SIGNED, SIGNED),
        st.builds(DoubleCertificate, CERTIFICATES, CERTIFICATES),
    ),
)
VERDICTS = st.builds(
    Verdict, st.sampled_from([CHAIN, 1]), KEYS, st.sampled_from(list(Offence)), HASHES
)
PACKETS = st.one_of(
    st.builds(Submit, JUNK),
    PROPOSALS,
    st.builds(Ballot, SIGNED),
    st.builds(Wish, NUMBERS, NUMBERS, NUMBERS),
    st.builds(Certified, CERTIFICATES),
    st.builds(Finalized, PROPOSALS, CERTIFICATES),
    st.builds(Ask, NUMBERS),
    st.builds(Standing, NUMBERS, HASHES, HASHES),
    st.builds(Accused, EVIDENCE),
    st.builds(Found, st.builds(SignedVerdict, VERDICTS, KEYS, SIGNATURES)),
    st.builds(Pledged, NUMBERS),
    st.builds(Inquire, st.binary(min_size=20, max_size=20), NUMBERS),
    st.builds(Show, st.binary(min_size=20, max_size=20)),
)
PEERS = st.sampled_from([*CAST.nodes, ANN.address, b"", b"somebody"])
EVENTS = st.one_of(
    st.builds(Received, PEERS, PACKETS),
    st.just(Ticked()),
    st.builds(Checked, HASHES, st.sampled_from(["", "false"])),
    st.builds(Voted, st.one_of(st.none(), SIGNED)),
    st.builds(Ordered, NUMBERS, JUNK),
)


@settings(max_examples=60)
@given(st.integers(0, 4), st.lists(EVENTS, max_size=12))
def test_nothing_that_makes_no_sense_changes_a_node(which, events):
    town = Town(CAST, Network(1, NO_FAULTS), {ANN.address: Account(10)})
    machine = town.machines[which]
    machine.start()
    root = machine.body.world.state.root
    for event in events:
        before = machine.node.replica
        effects = list(machine.node.handle(event, 10_000))
        assert len(effects) < 100
        if isinstance(event, Received) and not machine.plan.is_node(event.peer):
            assert machine.node.replica == before  # strangers change nothing but the pool
        again = step(before, event, machine.plan, 10_000)
        assert again == step(before, event, machine.plan, 10_000)
    replica = machine.node.replica
    assert (replica.height, replica.accused, replica.pool.places) == (0, {}, {})
    assert machine.body.world.state.root == root
    assert machine._book.entries(1) == []
    assert len(replica.ballots.heard) <= WINDOW * PLACES_MAX * len(CAST.nodes)


@given(PACKETS)
def test_packets_are_read_as_they_were_written(packet):
    assert read_packet(write_packet(packet)) == packet


@given(st.binary(max_size=80))
def test_bytes_that_are_no_packet_are_refused(raw):
    with pytest.raises(CodecError):
        read_packet(b"\xff" + raw)
    with pytest.raises(CodecError):
        read_packet(raw + bytes(PACKET_BYTES_MAX + 1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"peers": ()},
        {"peers": (Peer(CAST.nodes[0]), Peer(CAST.nodes[0]))},
        {"me": bytes(20)},
        {"proposer": bytes(20)},
        {"peers": (*CAST.plans[0].peers, Peer(bytes(20), bytes(48)))},
        {"mode": Mode.APPLY},
        {"peers": CAST.plans[0].peers[:3]},
    ],
)
def test_a_plan_that_no_node_can_follow_is_refused(wrong):

    plan: Plan = CAST.plans[0]
    check_plan(plan)
    with pytest.raises(PlanError):
        check_plan(msgspec.structs.replace(plan, **wrong))
