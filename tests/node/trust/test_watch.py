"""A node's part in the web of trust: what it finds, keeps, and believes, and what it does not."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.ledger.block import seal
from numen.ledger.order.bls import VotingKey
from numen.ledger.order.offence import Offence
from numen.ledger.order.slashing import DoubleVote, Evidence
from numen.ledger.order.vote import SignedVote, Vote, vote_digest
from numen.net.language import read_refusal
from numen.node.replica.events import Judge, Judged
from numen.node.replica.plan import Mode
from numen.node.trust import evidence, questions, speech
from numen.node.trust.allowance import FRAMES_MAX
from numen.node.trust.docket import WAITING_MAX
from numen.node.trust.evidence import FalseBlock, Lie, TwoStories, TwoVotes
from numen.node.trust.speech import Accusation, Answer, Known, Question
from numen.node.trust.watch import Watch
from numen.sim.town import CHAIN
from numen.trust import gossip, overlay
from numen.trust.attestation import Contradiction, Line, Sheet, check_ticket, sign_sheet
from numen.trust.execution import Policy, Treatment
from numen.trust.history import NOW
from numen.trust.overlay import ACTIVE_MAX
from tests.node.trust.neighbours import BOB, STEP_MS, Neighbours, lie_of


@pytest.fixture(scope="module")
def settled():
    """Four nodes that have made ten blocks, and looked at each other for a while."""
    made = Neighbours()
    made.pay(10)
    made.steps(12)
    return made


def fresh():
    made = Neighbours()
    made.pay(2)
    made.steps(6)
    return made


def latest(near, index, about):
    """The line of a node's newest sheet about another."""
    watch = near.watch(index)
    signed = watch.kernel.get(watch.me)
    target = near.number(about)
    return next((line for line in signed.sheet.lines if line.target == target), None)


def is_bad_now(near, index, about):
    line = latest(near, index, about)
    return line is not None and line.bad > line.good


# --- what honest nodes find -----------------------------------------------------------------------


def test_nodes_come_to_one_kernel_and_trust_each_other(settled):
    for index in range(4):
        watch = settled.watch(index)
        assert len(watch.kernel) == 4
        assert not watch.docket.guilty
        assert all(watch.why(node).safe.is_trusted for node in range(4))


def test_tickets_are_signed_kept_and_say_what_was_seen(settled):
    watch = settled.watch(1)
    steps = range(max(0, watch.kernel.now - 30), watch.kernel.now)
    found = [each for step in steps for each in watch.shelf.tickets(step)]
    for each in found:
        check_ticket(each.ticket, watch.members)
        assert each.ticket.ticket.is_trusted
    seen = {sight.what.split(" ")[0] for each in found for sight in each.sights}
    assert {"it", "its"} <= seen
    assert any("carried out" in sight.what for each in found for sight in each.sights)


def test_old_tickets_are_forgotten():
    near = fresh()
    first = min(step for step in range(10) if near.watch(1).shelf.tickets(step))
    near.steps(34)
    assert not near.watch(1).shelf.tickets(first)


def test_silence_is_no_verdict_and_fades():
    near = fresh()
    near.town.machines[2].node = None  # it is gone
    near.steps(3)
    line = latest(near, 1, 2)
    assert line.good > line.bad
    near.steps(34)
    assert latest(near, 1, 2) is None
    assert not near.watch(1).why(near.number(2)).safe.is_trusted
    assert near.number(2) not in near.watch(1).docket.guilty


# --- restarts -------------------------------------------------------------------------------------


def restarted(near, index):
    body = near.body(index)
    key = near.cast.keys[index]
    return Watch(body.plan, body.world, body.ledger, key)


def test_a_node_that_stops_finds_everything_again():
    near = fresh()
    false = near.false_block(1)
    near.hear(1, 2, Accusation(lie_of(false)))
    near.steps(2)
    before, after = near.watch(1), restarted(near, 1)
    step = before.kernel.now - 1
    assert [signed for signed in after.kernel if signed.sheet.attester == after.me] == [
        signed for signed in before.kernel if signed.sheet.attester == before.me
    ]
    assert len(after.kernel) == 4
    assert after.docket.guilty == before.docket.guilty != {}
    assert after.credit.of(near.number(0)).accepted > 0
    assert after.shelf.tickets(step) == before.shelf.tickets(step)


def test_a_node_never_signs_two_sheets_of_one_step():
    near = fresh()
    watch = near.watch(1)
    spoken = watch.kernel.get(watch.me).sheet.step
    again = restarted(near, 1)
    for now_ms in (spoken * STEP_MS, spoken * STEP_MS + 10):  # its clock went back
        again.tick(now_ms)
    assert again.kernel.get(again.me) == watch.kernel.get(watch.me)
    now_ms = (spoken + 1) * STEP_MS
    again.tick(now_ms)
    again.hear(near.cast.nodes[2], speech.write(Answer(bytes(32), b"")))
    again.tick(now_ms + STEP_MS)
    assert not again.kernel.contradictions


# --- lies about blocks ----------------------------------------------------------------------------


@pytest.mark.parametrize("height", [1, 2, 3])
def test_a_false_block_of_any_time_shows_who_lied(height):
    near = fresh()
    lie = lie_of(near.false_block(height))
    near.hear(1, 2, Accusation(lie))
    assert set(near.watch(1).docket.guilty) == {near.number(0)}
    guilt = near.watch(1).docket.guilty[near.number(0)]
    assert (
        guilt.words
        == f"its block {height} is false: its state is not what its transactions come to"
    )
    near.steps(3)
    for index in (1, 2, 3):  # everybody hears of it
        assert set(near.watch(index).docket.guilty) == {near.number(0)}
        assert is_bad_now(near, index, 0)
        assert not near.watch(index).why(near.number(0)).safe.is_trusted
        decision = near.watch(index).decide(near.cast.nodes[0], 0, bytes(32))
        assert decision.treatment is Treatment.EXECUTE


def test_who_is_behind_judges_when_it_comes_there():
    near = fresh()
    near.deafen(1)
    near.pay(2)
    assert (near.body(1).ledger.height, near.body(0).ledger.height) == (2, 4)
    near.hear(1, 2, Accusation(lie_of(near.false_block(4))))
    assert not near.watch(1).docket.guilty
    near.deafen()
    near.steps(4)
    assert near.body(1).ledger.height == 5  # the last one has taken the maker's bond
    assert near.body(1).world.stakes().outcasts == {near.cast.nodes[0]}
    assert set(near.watch(1).docket.guilty) == {near.number(0)}


def test_accusations_about_blocks_that_never_come_hold_the_places_of_no_others():
    near = fresh()
    near.deafen(1)
    near.pay(2)
    block = near.false_block(1)
    for height in range(10**6, 10**6 + WAITING_MAX):
        header = msgspec.structs.replace(block.header, height=height)
        far = seal(header, block.transactions, near.cast.keys[0])
        near.watch(1).docket.judge(lie_of(far))
    near.hear(1, 2, Accusation(lie_of(near.false_block(4))))
    near.deafen()
    near.steps(4)
    assert set(near.watch(1).docket.guilty) == {near.number(0)}


def test_evidence_that_is_kept_is_hashed_once_however_often_it_is_asked_for(monkeypatch):
    near, hashed = fresh(), []
    near.hear(1, 2, Accusation(lie_of(near.false_block(1))))
    monkeypatch.setattr(evidence, "keccak256", lambda *raw: hashed.append(raw) or keccak256(*raw))
    docket = near.watch(1).docket
    for _ in range(5):
        (kept,) = docket.lies.values()
        assert docket.is_known(kept)
    assert len(hashed) <= 1


def slander(near, case):
    """Let node 2 accuse node 0 before node 1; whether that is held against node 2."""
    near.hear(1, 2, Accusation(Lie(case)))
    assert not near.watch(1).docket.guilty
    near.steps(1)
    return is_bad_now(near, 1, 2)


def test_a_true_block_shows_nothing_and_speaks_against_who_accuses():
    near = fresh()
    true = near.body(0).ledger.raw_block(2)
    faults = near.watch(1).credit.of(near.number(2)).faults
    assert slander(near, FalseBlock(true))
    assert near.watch(1).credit.of(near.number(2)).faults == faults + 1
    # What it says of others is not tried any more.
    near.hear(1, 2, Accusation(lie_of(near.false_block(1))))
    assert not near.watch(1).docket.guilty


@pytest.mark.parametrize(
    "change", ["signature", "transactions", "parent", "chain", "maker", "junk"]
)
def test_what_the_maker_did_not_sign_shows_nothing(change):
    near = fresh()
    block = near.false_block(2)
    header, replace = block.header, msgspec.structs.replace
    forged = {
        "signature": replace(block, signature=near.false_block(1).signature),
        "transactions": replace(block, transactions=()),
        "parent": replace(block, header=replace(header, parent=b"\x01" * 32)),
        "chain": replace(block, header=replace(header, chain=1)),
        "maker": replace(block, header=replace(header, maker=BOB)),
    }
    case = FalseBlock(b"junk") if change == "junk" else lie_of(forged[change]).case
    assert slander(near, case)


def test_a_block_of_another_history_shows_nothing():
    near = fresh()
    block = near.false_block(2)
    header = msgspec.structs.replace(block.header, parent=b"\x01" * 32)
    assert slander(near, lie_of(seal(header, block.transactions, near.cast.keys[0])).case)


def test_evidence_that_got_lost_is_asked_for():
    near = fresh()
    lie = lie_of(near.false_block(1))
    near.hear(1, 2, Accusation(lie))
    assert near.hear(1, 3, Known(())) == [Accusation(lie)]
    assert near.hear(1, 3, Known(tuple(near.watch(1).docket.lies))) == []


# --- lies about others ----------------------------------------------------------------------------


def two_sheets(near, index):
    """Two sheets of one step, of one node."""
    watch = near.watch(index)
    step, other = watch.kernel.now, near.number(0 if index else 1)
    key = near.cast.keys[index]
    return [
        sign_sheet(Sheet(watch.me, step, (Line(other, good, bad),)), watch.members, key)
        for good, bad in ((NOW, 0), (0, NOW))
    ]


def test_who_says_two_things_of_one_step_is_shown_to_everybody():
    near = fresh()
    first, second = two_sheets(near, 2)
    near.tell(1, 2, gossip.News((first,)))
    near.tell(1, 3, gossip.News((second,)))  # whoever passes it on
    near.steps(3)
    for index in (0, 1, 3):
        assert set(near.watch(index).docket.guilty) == {near.number(2)}
    near.steps(6)
    for index in range(4):  # the others have judged so, and a block takes its bond
        (loss,) = near.body(index).world.stakes().losses
        assert loss.offence is Offence.TWO_STORIES
        assert near.body(index).world.stakes().outcasts == {near.cast.nodes[2]}
    lie = Lie(TwoStories(Contradiction(first, first, None)))
    assert near.number(3) not in near.watch(1).docket.guilty
    near.hear(1, 3, Accusation(lie))
    near.steps(1)
    assert is_bad_now(near, 1, 3)


def test_a_sheet_that_its_attester_did_not_sign_speaks_against_who_brings_it():
    near = fresh()
    first, second = two_sheets(near, 2)
    forged = msgspec.structs.replace(first, signature=second.signature)
    near.hear(1, 3, gossip.News((forged,)))
    near.steps(1)
    assert is_bad_now(near, 1, 3)
    assert not is_bad_now(near, 1, 2)


def test_a_sheet_from_the_future_is_no_lie_and_no_news():
    near = fresh()
    watch = near.watch(2)
    sheet = Sheet(watch.me, watch.kernel.now + 90, ())
    near.hear(1, 2, gossip.News((sign_sheet(sheet, watch.members, near.cast.keys[2]),)))
    near.steps(1)
    assert not is_bad_now(near, 1, 2)
    assert near.watch(1).kernel.get(watch.me).sheet.step < sheet.step


def test_who_votes_twice_is_guilty_here_too():
    near = fresh()
    voting: VotingKey = near.cast.voting[2]
    votes = [Vote(CHAIN, 5, bytes([byte]) * 32) for byte in (1, 2)]
    signed = [SignedVote(v, voting.public, voting.sign(vote_digest(v))) for v in votes]
    evidence = Evidence(DoubleVote(*signed))
    assert isinstance(near.body(1).perform(Judge(b"", evidence), 0), Judged)
    assert near.watch(1).docket.guilty[near.number(2)].words == "it voted twice for height 5"
    near.steps(2)
    assert set(near.watch(3).docket.guilty) == {near.number(2)}
    same = Evidence(DoubleVote(signed[0], signed[0]))
    near.hear(1, 3, Accusation(Lie(TwoVotes(same))))
    near.steps(1)
    assert is_bad_now(near, 1, 3)


# --- questions ------------------------------------------------------------------------------------


def asked(near, index):
    """Whom a node has just asked what."""
    near.town.network.faults = msgspec.structs.replace(near.town.network.faults, lost=1000)
    watch = near.watch(index)
    while True:
        near.steps(1)
        if watch._asked is not None:
            at = watch._asked[0]
            peer = next(i for i, node in enumerate(near.cast.nodes) if near.number(i) == at)
            return peer, watch._asked[1]


def test_a_wrong_answer_is_held_against_who_gives_it():
    near = fresh()
    peer, question = asked(near, 1)
    near.hear(1, peer, Answer(question.nonce, b"\x01" * 32))
    near.steps(1)
    assert is_bad_now(near, 1, peer)


def test_an_answer_of_another_or_to_another_question_counts_for_nothing():
    near = fresh()
    peer, question = asked(near, 1)
    before = latest(near, 1, peer)
    right = questions.proof(near.body(0).ledger, question, near.cast.nodes[peer])
    other = next(i for i in (0, 2, 3) if i != peer)
    near.hear(1, other, Answer(question.nonce, right))
    near.hear(1, peer, Answer(bytes(32), right))
    near.hear(1, peer, Answer(question.nonce, b""))  # "I am not there yet"
    near.steps(1)
    assert latest(near, 1, peer) == before  # it has nothing to say


def test_an_answer_cannot_be_passed_on(settled):
    question = Question(b"\x05" * 32, 3)
    answers = {questions.proof(settled.body(0).ledger, question, n) for n in settled.cast.nodes}
    assert len(answers) == 4
    assert settled.hear(1, 2, question)[0].proof in answers
    assert settled.hear(1, 2, Question(bytes(32), 10**9))[0].proof == b""


# --- bounds ---------------------------------------------------------------------------------------


def test_a_flood_is_not_looked_at():
    near = fresh()
    near.steps(1)
    answered = sum(bool(near.hear(1, 2, Question(bytes(32), 1))) for _ in range(3 * FRAMES_MAX))
    assert 0 < answered <= FRAMES_MAX
    near.steps(1)
    assert near.hear(1, 2, Question(bytes(32), 1))


def test_an_unknown_version_is_refused_and_what_is_spoken_is_told():
    near = fresh()
    address = near.cast.nodes[2]
    ((to, frame),) = near.watch(1).hear(address, b"\x00\x09something").out
    assert to == address
    refusal = read_refusal(frame)
    assert (refusal.reason, refusal.versions) == ("version", speech.LANGUAGE.versions)
    assert near.watch(2).hear(near.cast.nodes[1], frame).out == []  # refusals are not answered
    assert near.watch(2).versions == {near.number(1): speech.LANGUAGE.versions}
    near.steps(1)
    assert not is_bad_now(near, 1, 2)


INDEX = st.integers(0, 5)
MESSAGES = st.one_of(
    st.builds(Question, st.just(bytes(32)), st.sampled_from([0, 1, 2, 2**63])),
    st.builds(Answer, st.just(bytes(32)), st.binary(max_size=32)),
    st.builds(Known, st.just((bytes(32),))),
    st.builds(Accusation, st.builds(Lie, st.builds(FalseBlock, st.binary(max_size=40)))),
    st.builds(gossip.Offer, st.integers(0, 9), INDEX, st.just(bytes(256))),
    st.builds(gossip.Steps, st.integers(0, 9), st.just((1, 2)), st.binary(max_size=8)),
    st.builds(
        gossip.News, step=st.integers(0, 9), wanted=st.tuples(INDEX), bases=st.binary(max_size=2)
    ),
    st.just(overlay.Join()),
    st.builds(overlay.Walk, INDEX, st.integers(0, 6)),
    st.builds(overlay.Link, st.booleans()),
    st.builds(overlay.Shuffle, INDEX, st.tuples(INDEX, INDEX), st.integers(0, 6)),
)
FRAMES = st.one_of(st.binary(max_size=60), MESSAGES.map(speech.write))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 2, 3]), FRAMES), max_size=10))
def test_nonsense_breaks_nothing_and_convicts_nobody(settled, frames):
    watch = settled.watch(1)
    watch._allowances.clear()
    for peer, frame in frames:
        watch.hear(settled.cast.nodes[peer], frame)
    assert not watch.docket.guilty
    assert len(watch.kernel) == 4


# --- execution trust ------------------------------------------------------------------------------


def test_a_maker_is_believed_once_it_has_earned_it_and_within_its_stake():
    near = Neighbours(stake=40, policy=Policy(audit=1))
    near.pay(18, coins=10)
    before = near.watch(3).credit.of(near.number(0))
    near.pay(18, coins=10)
    after = near.watch(3).credit.of(near.number(0))
    executed = after.accepted - before.accepted
    applied = after.applied - before.applied
    assert applied > 2 * executed > 0  # what passes its stake is audited, so never all
    assert int(after.exposure) <= 40
    assert near.watch(1).credit.of(near.number(0)).applied == 0  # who carries everything out
    decision = near.watch(3).decide(near.cast.nodes[0], 41, bytes(32))
    assert (decision.treatment, decision.reason) == (
        Treatment.EXECUTE, "41 coins are at stake, and its pledge is 40",
    )  # fmt: skip


def test_a_node_of_other_modes_asks_nobody_whom_it_trusts():
    near = Neighbours((Mode.EXECUTE, Mode.VERIFY, Mode.EXECUTE, Mode.APPLY))
    near.pay(6)
    assert near.watch(1).credit.of(near.number(0)).applied >= 5
    assert near.watch(3).credit.of(near.number(0)).applied == 0


# --- many nodes -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_many_nodes_look_at_few_know_of_all_and_replace_who_is_gone():
    count, gone = 14, (3, 6, 9)
    near = Neighbours((Mode.EXECUTE,) * count)
    near.steps(14)
    links = [near.watch(index).circle.active for index in range(count)]
    assert all(ACTIVE_MAX // 2 <= len(each) <= ACTIVE_MAX for each in links)
    assert [len(near.watch(index).kernel) for index in range(count)] == [count] * count
    for index in gone:
        near.town.machines[index].node = None
    near.steps(3 * ACTIVE_MAX + 6)
    alive = set(range(count)) - set(gone)
    names = {near.number(index): index for index in range(count)}
    for index in alive:
        watch = near.watch(index)
        kept = [names[at] for at in watch.circle.active]
        assert len(set(kept) & alive) >= ACTIVE_MAX // 2
        assert all(watch.why(near.number(other)).safe.is_trusted for other in alive - {index})
        assert not watch.docket.guilty
