"""From execution to payment: what liars in every role get, and that the books hold."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.codec import U256, decode
from numen.market import exchange, stake
from numen.market.actor import claim_of
from numen.market.coins import Pocket
from numen.market.escrow import Redemption
from numen.market.events import Closed, Disputed, Judged, Refused, Settled, Slashed
from numen.market.exchange import Post, Redeem, Tick, step
from numen.market.job import DISPUTE_MS, GRACE_MS, OBJECTION_MS, Phase
from numen.market.message import (
    Assent,
    Call,
    Request,
    Result,
    Signed,
    sign,
)
from numen.market.offence import (
    CASE_MAX_BYTES,
    Case,
    Equivocation,
    OffenceError,
    Outcome,
    Silence,
    WrongAnswer,
    WrongVote,
    judge,
)
from numen.market.ticket import SignedTicket, Ticket
from numen.proof.statement import claim_digest, commit_inputs
from tests.market.byhand import (
    ANN,
    BOB,
    CAT,
    FALSE,
    NOTARY,
    PROVIDER,
    TRUE,
    VERIFIERS,
    Desk,
)
from tests.market.record import Record
from tests.market.town import build


def test_an_execution_comes_once_in_time_and_from_its_worker():
    table = Desk()
    table.seat(ANN, BOB)
    stolen = msgspec.structs.replace(table.execution(ANN), worker=BOB.address)

    assert "no execution" in table.refused(BOB, stolen)
    assert "no living task" in table.refused(
        ANN, msgspec.structs.replace(table.execution(ANN), match=b"m" * 32)
    )
    table.post(ANN, table.execution(ANN))
    assert "no execution" in table.refused(ANN, table.execution(ANN))
    table.now += 1001
    assert "due" in table.refused(BOB, table.execution(BOB))


def test_answers_open_when_all_are_bound_or_too_late_to_be():
    table = Desk()
    table.seat(ANN, BOB)
    table.post(ANN, table.execution(ANN))
    early = table.result(ANN)

    assert "every seat is bound" in table.refused(ANN, early)
    table.now += 1001
    table.post(ANN, early)
    assert table.job.seats[ANN.address].result is not None


def test_a_result_comes_in_time_and_opens_what_was_bound():
    table = Desk()
    table.seat(ANN)
    table.post(ANN, table.execution(ANN))

    assert "opens to something else" in table.refused(ANN, table.result(ANN, FALSE))
    lie = msgspec.structs.replace(table.result(ANN), answer=b"x")
    assert "not the claim's" in table.refused(ANN, lie)
    unsworn = msgspec.structs.replace(table.result(ANN), attestation=BOB.sign(bytes(32)))
    assert "signature" in table.refused(ANN, unsworn)
    table.now += 2001
    assert "due" in table.refused(ANN, table.result(ANN))


def test_a_copied_commitment_cannot_be_opened_by_the_copier():
    table = Desk()
    table.seat(ANN, BOB)
    table.post(ANN, table.execution(ANN))
    copied = msgspec.structs.replace(
        table.execution(BOB), commitment=table.execution(ANN).commitment
    )
    table.post(BOB, copied)
    table.post(ANN, table.result(ANN))
    # It has even learnt the claim and the salt.
    seen = table.job.seats[ANN.address].result
    copy = Result(
        table.job.seats[BOB.address].last,
        BOB.address,
        seen.salt,
        seen.claim,
        seen.answer,
        BOB.sign(claim_digest(seen.claim)),
    )

    assert "opens to something else" in table.refused(BOB, copy)


def test_equal_answers_stand_after_the_time_for_objections():
    table = Desk()
    table.answer({ANN: TRUE, BOB: TRUE})
    assert table.job.phase is Phase.ANSWERED
    assert "not settled" in table.misjudged(table.verdict(ANN))

    assert not table.wait(OBJECTION_MS)
    (settled,) = table.wait(1)
    assert isinstance(settled, Settled)
    assert settled.evidence == "quorum"


def test_an_answer_stands_at_once_when_all_who_may_object_will_not():
    table = Desk()
    table.answer({ANN: TRUE, BOB: TRUE})
    claim = claim_digest(table.job.claim)

    def assent(key, to=claim):
        return Assent(table.id, key.address, to)

    first, second, last = VERIFIERS
    assert "another answer" in table.refused(first, assent(first, bytes(32)))
    assert "not staked" in table.refused(CAT, assent(CAT))
    table.post(first, assent(first))
    assert "no assent" in table.refused(first, assent(first))
    table.post(second, table.vote(second))
    assert table.job.phase is Phase.ANSWERED, "one of them may still object"
    *_, settled = table.post(last, assent(last))

    assert isinstance(settled, Settled)
    assert table.job.phase is Phase.SETTLED


def test_whoever_assented_may_still_be_outvoted():
    table = Desk()
    table.answer({ANN: FALSE, BOB: FALSE})
    first, second, last = VERIFIERS
    table.post(first, Assent(table.id, first.address, claim_digest(table.job.claim)))
    table.post(second, table.vote(second))
    assert table.job.phase is Phase.DISPUTED
    assert not table.job.assents
    table.post(last, table.vote(last))

    assert table.job.phase is Phase.SETTLED
    assert claim_digest(table.job.claim) == claim_digest(table.vote(last).claim)


def test_a_verdict_pays_what_is_due_to_whom_it_is_due_once():
    table = Desk()
    table.answer({ANN: TRUE, BOB: TRUE})
    table.wait(OBJECTION_MS + 1)
    before = table.held(ANN)

    for changes in (
        {"paid": 501},
        {"paid": 499},
        {"fined": 1},
        {"outcome": "released"},
        {"outcome": "wrong answer"},
        {"claim": b"c" * 32},
        {"ticketed": 500},
        {"ticketed": 500, "tickets": b"t" * 32},
        {"tickets": b"t" * 32},
        {"last": b"l" * 32},
    ):
        table.misjudged(msgspec.structs.replace(table.verdict(ANN), **changes))
    other = table.verdict(ANN, verifier=VERIFIERS[1].address)
    table.misjudged(other, key=VERIFIERS[1])
    (judged, _scored) = table.judge(table.verdict(ANN))
    assert isinstance(judged, Judged)
    assert table.held(ANN) == before + 500
    assert "no such seat" in table.misjudged(table.verdict(ANN))
    assert "with its accusation" in table.refused(VERIFIERS[0], table.verdict(BOB))


def test_the_task_ends_with_its_last_seat_and_the_fee_is_paid():
    table = Desk()
    provider, verifier = table.held(PROVIDER), table.held(VERIFIERS[0])
    table.answer({ANN: TRUE, BOB: TRUE})
    table.wait(OBJECTION_MS + 1)
    table.judge(table.verdict(ANN))
    *_, closed = table.judge(table.verdict(BOB))

    assert isinstance(closed, Closed)
    assert table.held(PROVIDER) == provider - 2 * 500 - 100
    assert table.held(VERIFIERS[0]) == verifier + 100
    assert not table.market.jobs


def disputed():
    table = Desk()
    happened = table.answer({ANN: TRUE, BOB: FALSE})
    assert isinstance(happened[-1], Disputed)
    return table


def test_different_answers_are_settled_by_the_verifiers_and_the_liar_pays():
    table = disputed()
    votes = [sign(key, table.vote(key)) for key in VERIFIERS[:2]]
    for vote in votes:
        happened = table.submit(Post(vote))
    assert isinstance(happened[-1], Settled)
    chain = table.job.seats[BOB.address].chain
    body = table.verdict(BOB, Outcome.WRONG_ANSWER)

    assert "needs an accusation" in table.misjudged(body)
    innocent = table.verdict(ANN, Outcome.WRONG_ANSWER)
    assert "another seat" in table.misjudged(innocent, WrongAnswer(chain, tuple(votes)))
    assert "half" in table.misjudged(body, WrongAnswer(chain, tuple(votes[:1])))
    before, stake_before = (
        table.held(VERIFIERS[0]),
        table.market.coins.balance(stake.stake_of(BOB.address)),
    )
    happened = table.judge(body, WrongAnswer(chain, tuple(votes)))
    slashed = next(e for e in happened if isinstance(e, Slashed))
    assert slashed.reward == slashed.burnt == 2000
    assert table.held(VERIFIERS[0]) == before + 2000
    # The pledge had left the stake when the seat was given; nothing of it comes back.
    assert table.market.coins.balance(stake.stake_of(BOB.address)) == stake_before
    assert "no such seat" in table.misjudged(body, WrongAnswer(chain, tuple(votes)))


def test_an_honest_minority_is_paid_and_the_agreeing_liars_are_fined():
    table = Desk()
    table.answer({ANN: TRUE, BOB: FALSE, CAT: FALSE})
    votes = [sign(key, table.vote(key)) for key in VERIFIERS[:2]]
    for vote in votes:
        table.submit(Post(vote))
    before = table.held(ANN)
    table.judge(table.verdict(ANN))
    for liar in (BOB, CAT):
        chain = table.job.seats[liar.address].chain
        table.judge(table.verdict(liar, Outcome.WRONG_ANSWER), WrongAnswer(chain, tuple(votes)))

    assert table.held(ANN) == before + 500
    assert table.market.coins.in_pocket(Pocket.BURNT) == 4000
    assert not table.market.jobs


def test_votes_are_of_staked_verifiers_once_and_on_this_task():
    table = disputed()
    assert "not staked as verifier" in table.refused(ANN, table.vote(ANN))
    stray = msgspec.structs.replace(
        table.vote(VERIFIERS[0]),
        claim=msgspec.structs.replace(claim_of(table.task, TRUE), inputs=commit_inputs(b"x")),
    )
    assert "other inputs" in table.refused(VERIFIERS[0], stray)
    unsworn = msgspec.structs.replace(table.vote(VERIFIERS[0]), attestation=bytes(65))
    assert "signature" in table.refused(VERIFIERS[0], unsworn)
    table.post(VERIFIERS[0], table.vote(VERIFIERS[0]))
    assert "no vote" in table.refused(VERIFIERS[0], table.vote(VERIFIERS[0], FALSE))


def test_an_objection_opens_a_dispute_on_answers_that_agree():
    table = Desk()
    table.answer({ANN: FALSE, BOB: FALSE})
    (_, opened) = table.post(VERIFIERS[1], table.vote(VERIFIERS[1]))
    assert isinstance(opened, Disputed)
    *_, settled = table.post(VERIFIERS[2], table.vote(VERIFIERS[2]))

    assert isinstance(settled, Settled)
    assert settled.claim == claim_digest(claim_of(table.task, TRUE)).hex()


def test_a_vote_that_agrees_disputes_nothing():
    table = Desk()
    table.answer({ANN: TRUE, BOB: TRUE})
    table.post(VERIFIERS[1], table.vote(VERIFIERS[1]))
    assert table.job.phase is Phase.ANSWERED


def test_a_verifier_outvoted_by_the_others_loses_a_share_of_its_stake():
    table = disputed()
    table.post(VERIFIERS[0], table.vote(VERIFIERS[0], FALSE))
    table.post(VERIFIERS[1], table.vote(VERIFIERS[1]))
    fined, settled = table.post(VERIFIERS[2], table.vote(VERIFIERS[2]))[1:]

    assert isinstance(settled, Settled)
    assert settled.claim == claim_digest(claim_of(table.task, TRUE)).hex()
    assert (fined.outcome, fined.reward, fined.burnt) == ("wrong vote", 0, 5_000)
    stakes = {key.address: 50_000 for key in VERIFIERS}
    case = decode(Case, bytes.fromhex(fined.evidence), size_max=CASE_MAX_BYTES).accusation
    offence = judge(case, Record(verifier_stakes=stakes))
    assert (offence.worker, offence.outcome) == (VERIFIERS[0].address, Outcome.WRONG_VOTE)
    stake_left = table.market.coins.balance(stake.stake_of(VERIFIERS[0].address))
    assert stake_left == 45_000


def test_a_vote_with_the_majority_and_a_vote_against_a_minority_are_no_offence():
    table = disputed()
    right = tuple(sign(key, table.vote(key)) for key in VERIFIERS)
    wrong = sign(VERIFIERS[0], table.vote(VERIFIERS[0], FALSE))
    stakes = {key.address: 50_000 for key in VERIFIERS}

    for vote, votes in ((right[0], right[1:]), (wrong, right[1:2]), (wrong, ())):
        with pytest.raises(OffenceError):
            judge(WrongVote(vote, votes), Record(verifier_stakes=stakes))
    case = WrongVote(wrong, right[1:])
    assert "closes no seat" in table.misjudged(table.verdict(ANN, Outcome.WRONG_VOTE), case)


def test_verifiers_that_do_not_agree_leave_everyone_with_what_was_theirs():
    table = disputed()
    before = table.market.coins.balance(stake.stake_of(BOB.address))
    table.post(VERIFIERS[0], table.vote(VERIFIERS[0]))
    table.post(VERIFIERS[1], table.vote(VERIFIERS[1], FALSE))
    table.wait(DISPUTE_MS + 1)
    assert table.job.phase is Phase.FAILED
    assert "'released'" in table.misjudged(table.verdict(ANN))
    for key in (ANN, BOB):
        table.judge(table.verdict(key, Outcome.RELEASED))

    assert not table.market.jobs
    assert table.market.coins.balance(stake.stake_of(BOB.address)) == before + 4000
    assert table.market.coins.in_pocket(Pocket.BURNT) == 0


def test_a_verifier_that_vanishes_strands_nobodys_pay():
    """Golem #3126: the worker is paid from the escrow though nobody signs a verdict."""
    table = Desk()
    table.answer({ANN: TRUE, BOB: TRUE})
    before = table.held(ANN), table.held(BOB)
    table.wait(OBJECTION_MS + 1)
    table.wait(GRACE_MS + 1)

    assert (table.held(ANN), table.held(BOB)) == (before[0] + 500, before[1] + 500)
    assert not table.market.jobs
    assert table.market.coins.in_pocket(Pocket.PLEDGE) == 0


def test_without_a_verifier_silent_seats_are_released_too():
    table = Desk()
    before = table.held(PROVIDER)
    table.seat(ANN, BOB)
    for _ in range(4):
        table.now = max(table.now, table.task.expires_ms)
        table.wait(GRACE_MS + 2001)

    assert not table.market.jobs
    assert table.held(PROVIDER) == before
    assert table.market.coins.in_pocket(Pocket.PLEDGE) == 0


def test_silence_is_fined_after_its_deadline_and_frees_the_seat():
    table = Desk()
    table.seat(ANN)
    chain = table.job.seats[ANN.address].chain
    body = table.verdict(ANN, Outcome.NO_EXECUTION)
    assert "deadline" in table.misjudged(body, Silence(chain))
    table.wait(1001)
    dear = table.verdict(ANN, Outcome.NO_REVEAL)
    assert "'no execution'" in table.misjudged(dear, Silence(chain))
    table.judge(body, Silence(chain))

    assert table.market.coins.in_pocket(Pocket.BURNT) == 500
    assert table.job.seats_left() == 3
    assert table.job.phase is Phase.SEEKING


def test_nobody_is_silent_who_has_answered():
    table = Desk()
    table.seat(ANN)
    chain = table.job.seats[ANN.address].chain
    table.post(ANN, table.execution(ANN))
    table.now += 1001
    body = table.verdict(ANN, Outcome.NO_EXECUTION)

    assert "in time" in table.misjudged(body, Silence(chain))


def test_two_executions_cost_the_pledge():
    table = Desk()
    table.seat(ANN)
    chain = table.job.seats[ANN.address].chain
    first = sign(ANN, table.execution(ANN))
    second = sign(ANN, table.execution(ANN, FALSE))
    table.submit(Post(first))
    table.submit(Post(second))
    happened = table.judge(
        table.verdict(ANN, Outcome.EQUIVOCATION), Equivocation(chain, first, second)
    )

    assert any(isinstance(e, Slashed) for e in happened)
    assert table.market.coins.in_pocket(Pocket.BURNT) == 2000


def submissions(seed: int):
    """Everything that was handed in during a run, in order."""
    seen, honest = [], exchange.step
    town = build(seed)

    def recording(market, submission, now_ms, checker):
        seen.append((now_ms, submission))
        return honest(market, submission, now_ms, checker)

    exchange.step = recording
    try:
        list(town.play.run())
    finally:
        exchange.step = honest
    return town.opening.market, seen


OPENING, SEEN = submissions(2)
FINAL_TICKS = [Tick()] * 3


@settings(max_examples=30)
@given(data=st.data())
def test_lost_repeated_late_and_reordered_messages_never_break_the_books(data):
    """What a network can do: the coins stay, nobody is paid twice, and every task ends."""
    order = list(SEEN)
    for _ in range(data.draw(st.integers(0, 60))):
        i = data.draw(st.integers(0, len(order) - 1))
        match data.draw(st.sampled_from(["lose", "repeat", "delay", "swap"])):
            case "lose":
                del order[i]
            case "repeat":
                order.insert(data.draw(st.integers(0, len(order))), order[i])
            case "delay":
                order.append(order.pop(i))
            case "swap":
                j = data.draw(st.integers(0, len(order) - 1))
                order[i], order[j] = order[j], order[i]
    market, now, paid = OPENING, 0, []
    for at, submission in order:
        now = max(now, at)
        market, happened = step(market, submission, now, NOTARY)
        assert market.coins.total() == OPENING.coins.total()
        paid += [(e.task, e.worker) for e in happened if isinstance(e, Judged)]
    for _ in range(8):
        now += 10**6
        market, _ = step(market, Tick(), now, NOTARY)

    assert len(paid) == len(set(paid)), "no seat is judged twice"
    assert not market.jobs
    assert market.coins.in_pocket(Pocket.BID) == market.coins.in_pocket(Pocket.PLEDGE) == 0
    assert market.coins.total() == OPENING.coins.total()


def test_an_empty_batch_redeems_nothing():
    table = Desk()
    before = table.market
    assert table.submit(Redeem(())) == ()
    assert table.market == before


def test_redemptions_that_are_no_tickets_are_passed_over():
    table = Desk()
    ticket = Ticket(b"x", b"y", -1, U256(0), -1, b"", 0, b"")
    before = table.market

    assert table.submit(Redeem((Redemption(SignedTicket(ticket, b""), b""),))) == ()
    assert table.market == before


HOSTILE = {
    "a negative bid": Request(Desk().task, -1, 0),
    "an endless verb": Call(b"m" * 32, PROVIDER.address, 0, "x" * 33),
    "a short address": Call(b"m" * 32, b"short", 0, "deposit"),
    "a wide nonce": Call(b"m" * 32, PROVIDER.address, 2**64, "deposit"),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_messages_that_break_their_own_type_are_refused(body):
    table = Desk()
    before = table.market
    (event,) = table.submit(Post(Signed(body, bytes(65))))

    assert isinstance(event, Refused)
    assert event.message == ""
    assert table.market == before
