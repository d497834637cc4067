"""Prompt workers, verifiers and providers say in one go what their own word decides."""

import msgspec
import pytest

from numen.market.actor import Bill, Do, Payment, Send
from numen.market.dice import Dice
from numen.market.exchange import Judge, Post
from numen.market.job import Phase
from numen.market.message import Assent, Execution, Result, Vote
from numen.market.payee import Terms, make_quote
from numen.market.payer import Limits
from numen.market.provider import Provider
from numen.market.verifier import AGAIN_MS, Verifier
from numen.market.vigilance import CLASSES
from numen.market.worker import OPEN_AGAIN_MS, Behaviour, Profile, Tools, Worker
from numen.proof.statement import claim_digest, commit_inputs
from tests.market.byhand import ANN, BOB, FALSE, INPUTS, PROVIDER, TRUE, VERIFIERS, Desk
from tests.market.town import Machine

FIRST, SECOND, THIRD = VERIFIERS
GOODS = {commit_inputs(INPUTS): INPUTS}


def calm_desk() -> Desk:
    """A market in which no lie was found for so long that hardly anything is run again."""
    desk = Desk()
    desk.market = msgspec.structs.replace(desk.market, calm=(1 << 60,) * CLASSES)
    return desk


def worker(key=ANN) -> Worker:
    tools = Tools(Machine(), None, GOODS, lambda _task: 1)
    return Worker(key, Profile(Behaviour.HONEST), tools, Dice(b"worker"), is_prompt=True)


def verifier(audit_one_in: int) -> Verifier:
    dice = Dice(b"verifier")
    return Verifier(FIRST, Machine(), GOODS, dice, is_prompt=True, audit_one_in=audit_one_in)


def thought(actor, desk) -> list[object]:
    """What an actor hands in, woken now."""
    return [act.submission for act in actor.wake(desk.market, desk.now) if isinstance(act, Do)]


def kinds(submissions) -> list[type]:
    return [
        type(each.signed.body) if isinstance(each, Post) else type(each) for each in submissions
    ]


def assented(desk, *verifiers):
    for key in verifiers:
        desk.post(key, Assent(desk.id, key.address, claim_digest(desk.job.claim)))


def test_who_is_bound_last_opens_in_one_go():
    desk = Desk()
    desk.seat(ANN, BOB)
    ann, bob = worker(ANN), worker(BOB)
    first = thought(ann, desk)
    assert kinds(first) == [Execution]
    desk.submit(*first)
    both = thought(bob, desk)
    assert kinds(both) == [Execution, Result]
    for each in both:
        desk.submit(each)
    assert desk.job.seats[BOB.address].result is not None
    assert kinds(thought(ann, desk)) == [Result]


def test_a_result_that_came_too_early_is_repeated():
    desk = Desk()
    desk.seat(ANN)
    desk.post(BOB, desk.offer(BOB))
    ann = worker()
    execution, result = thought(ann, desk)
    desk.post(FIRST, desk.match(BOB))  # comes between
    desk.submit(execution)
    desk.refused(ANN, result.signed.body)
    assert kinds(thought(ann, desk)) == []
    desk.post(BOB, desk.execution(BOB))
    assert kinds(thought(ann, desk)) == []
    desk.now += OPEN_AGAIN_MS
    assert thought(ann, desk) == [result]
    desk.submit(result)
    assert desk.job.seats[ANN.address].result is not None


@pytest.mark.parametrize(("audit_one_in", "word"), [(1 << 64, Assent), (1, Vote)])
def test_whose_word_settles_a_task_judges_in_one_go(audit_one_in, word):
    desk = calm_desk()
    desk.answer({ANN: TRUE, BOB: TRUE})
    first = verifier(audit_one_in)
    assented(desk, SECOND, THIRD)
    said = thought(first, desk)
    assert kinds(said) == [word, Judge, Judge]
    for each in said:
        desk.submit(each)
    assert desk.id not in desk.market.jobs


def test_whose_word_does_not_settle_a_task_waits_to_see():
    desk = calm_desk()
    desk.answer({ANN: TRUE, BOB: TRUE})
    assented(desk, SECOND)
    first = verifier(1 << 64)
    assert kinds(thought(first, desk)) == [Assent]


def test_an_audit_that_finds_another_answer_judges_nobody():
    desk = calm_desk()
    desk.answer({ANN: FALSE, BOB: FALSE})
    assented(desk, SECOND, THIRD)
    assert kinds(thought(verifier(1), desk)) == [Vote]


def test_verdicts_that_an_objection_makes_void_are_thought_of_again():
    desk = calm_desk()
    desk.answer({ANN: TRUE, BOB: TRUE})
    assented(desk, SECOND, THIRD)
    first = verifier(1 << 64)
    said = thought(first, desk)
    desk.post(SECOND, desk.vote(SECOND, FALSE))  # comes between
    before = desk.market
    for each in said:
        desk.submit(each)
    assert desk.market == before
    for each in thought(first, desk):
        desk.submit(each)
    desk.post(THIRD, desk.vote(THIRD))
    assert desk.job.phase is Phase.SETTLED
    assert kinds(thought(first, desk)) == []
    desk.now += AGAIN_MS
    for each in thought(first, desk):
        desk.submit(each)
    assert desk.id not in desk.market.jobs


def quoted(desk, key):
    """An offer that is paid in tickets."""
    escrow = desk.market.escrow
    terms = Terms(10, 32, 1, 1, 10**6, escrow.round, escrow.hashes[escrow.round])
    quote = make_quote(b"s" * 32, key.address, PROVIDER.address, terms, b"n" * 32, 10**5)
    return desk.offer(key, quote=quote)


def test_a_bill_that_is_ahead_of_its_answer_is_paid_when_that_is_settled():
    desk = calm_desk()
    desk.post(PROVIDER, desk.request())
    for key in (ANN, BOB):
        desk.post(key, quoted(desk, key))
    for key in (ANN, BOB):
        desk.post(FIRST, desk.match(key))
    for key in (ANN, BOB):
        desk.post(key, desk.execution(key))
    for key in (ANN, BOB):
        desk.post(key, desk.result(key))
    assented(desk, SECOND, THIRD)
    first = verifier(1 << 64)
    acts = list(first.wake(desk.market, desk.now))
    bills = [act.parcel for act in acts if isinstance(act, Send)]
    assert [type(bill) for bill in bills] == [Bill, Bill]

    provider = Provider(PROVIDER, (), Dice(b"provider"), Limits(10**4, 10**5))
    forged = Bill(desk.id, ANN.address, bills[0].price + 1, bills[0].quote)
    for bill in (*bills, forged):
        assert list(provider.receive(bill, desk.market, desk.now)) == []
    assert list(provider.wake(desk.market, desk.now)) == []
    for act in acts:
        if isinstance(act, Do):
            desk.submit(act.submission)
    paid = [act.parcel for act in provider.wake(desk.market, desk.now)]
    assert [type(each) for each in paid] == [Payment, Payment]
    assert list(provider.wake(desk.market, desk.now)) == []

    verdicts = [
        act.submission
        for each in paid
        for act in first.receive(each, desk.market, desk.now)
        if isinstance(act, Do)
    ]
    for each in verdicts:
        assert each.signed.body.ticketed
        desk.submit(each)
    assert desk.id not in desk.market.jobs
