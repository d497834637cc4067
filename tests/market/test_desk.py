"""The front desk: what tasks, bids, offers, matches and calls need to be taken."""

import msgspec

from numen.market import desk
from numen.market.events import Closed, Refused, Withdrawn
from numen.market.exchange import Post, Verb
from numen.market.job import RAISES_MAX, Phase
from numen.market.message import (
    Call,
    Cancel,
    Offer,
    Ramp,
    Request,
    message_id,
    sign,
)
from numen.market.offence import Outcome, Silence
from numen.market.task import Quorum
from numen.market.turn import new_market
from tests.market.byhand import (
    ANN,
    BOB,
    CAT,
    PROVIDER,
    STRANGER,
    VERIFIERS,
    Desk,
)
from tests.market.town import DOMAIN, open_market


def test_a_request_needs_a_market_a_verifier_a_time_and_money():
    for changes, reason in (
        ({"market": b"m" * 32}, "another market"),
        ({"verifier": ANN.address}, "not staked as verifier"),
        ({"expires_ms": 1}, "expires within"),
        ({"expires_ms": 1 + desk.TASK_LIFE_MAX_MS + 1}, "expires within"),
        ({"pledge": 1}, "pledge"),
        ({"price_max": 10**9, "pledge": 10**9, "fee": 10**9}, "holds"),
    ):
        table = Desk(**changes)
        assert reason in table.refused(PROVIDER, table.request())


def test_a_request_signed_by_another_is_refused():
    table = Desk()
    signed = sign(PROVIDER, table.request())
    forged = msgspec.structs.replace(signed, signature=ANN.sign(message_id(signed.body)))
    (event,) = table.submit(Post(forged))

    assert isinstance(event, Refused)
    assert "signed by" in event.reason


def test_a_task_that_is_over_cannot_come_again():
    table = Desk()
    table.post(PROVIDER, table.request())
    table.post(PROVIDER, Cancel(PROVIDER.address, table.id))

    assert "was here already" in table.refused(PROVIDER, table.request())
    table.now = table.task.expires_ms
    table.wait(1)
    assert table.market.done == {}
    assert "expires" in table.refused(PROVIDER, table.request())


def test_cancelling_gives_the_whole_escrow_back_and_is_for_the_provider_alone():
    table = Desk()
    before = table.held(PROVIDER)
    table.post(PROVIDER, table.request())
    assert table.held(PROVIDER) == before - 3 * 800 - 100

    assert "only its provider" in table.refused(ANN, Cancel(ANN.address, table.id))
    table.post(PROVIDER, Cancel(PROVIDER.address, table.id))
    assert table.held(PROVIDER) == before
    assert not table.market.jobs
    assert "no living task" in table.refused(PROVIDER, Cancel(PROVIDER.address, table.id))


def test_a_task_that_is_taken_back_gives_no_seat_and_pays_who_has_worked():
    table = Desk()
    before = table.held(PROVIDER)
    table.seat(ANN)
    table.post(BOB, table.offer(BOB))
    (withdrawn,) = table.post(PROVIDER, Cancel(PROVIDER.address, table.id))
    assert withdrawn == Withdrawn(table.now, table.id.hex(), 1)

    assert "seeks no workers" in table.refused(CAT, table.offer(CAT))
    assert "expired" in table.refused(VERIFIERS[0], table.match(BOB))
    assert "seeks no workers" in table.refused(PROVIDER, Cancel(PROVIDER.address, table.id))
    table.post(ANN, table.execution(ANN))
    table.post(ANN, table.result(ANN))
    assert table.job.phase is Phase.DISPUTED, "one answer is not enough, and no other will come"
    for verifier in VERIFIERS[:2]:
        table.post(verifier, table.vote(verifier))
    table.judge(table.verdict(ANN))
    assert table.held(PROVIDER) == before - 500 - table.task.fee
    assert not table.market.jobs


def test_a_task_that_is_taken_back_ends_though_its_worker_stays_away():
    table = Desk()
    before = table.held(PROVIDER)
    table.seat(ANN)
    table.post(PROVIDER, Cancel(PROVIDER.address, table.id))
    table.wait(10_000)
    table.judge(
        table.verdict(ANN, Outcome.NO_EXECUTION), Silence(table.job.seats[ANN.address].chain)
    )

    assert table.held(PROVIDER) == before
    assert not table.market.jobs


def test_what_a_worker_asks_waits_for_a_bid_that_rises_by_itself():
    table = Desk()
    ramp = Ramp(ceiling=1800, starts_ms=1000, lasts_ms=10_000)
    before = table.held(PROVIDER)
    (posted,) = table.post(PROVIDER, Request(table.task, 800, 0, ramp))
    assert before - table.held(PROVIDER) == posted.escrowed == 3 * 1800 + table.task.fee
    offer = Offer(
        message_id(Request(table.task, 800, 0, ramp)), ANN.address, 1300, table.task.pledge
    )
    table.post(ANN, offer)
    assert "another offer" in table.refused(VERIFIERS[0], table.match(ANN, price=1300))

    table.now = 5_999
    assert "another offer" in table.refused(VERIFIERS[0], table.match(ANN, price=1300))
    table.now = 6_000
    assert "price" in table.refused(VERIFIERS[0], table.match(ANN, price=1301))
    table.post(VERIFIERS[0], table.match(ANN, price=1300))
    assert ANN.address in table.job.seats


def test_a_ramp_is_replaced_by_nothing_that_ever_bids_less():
    table = Desk()
    ramp = Ramp(1800, 1000, 10_000)
    table.post(PROVIDER, Request(table.task, 800, 0, ramp))
    table.now = 6_000

    assert "1299" in table.refused(PROVIDER, Request(table.task, 1299, 1))
    assert "1800" in table.refused(PROVIDER, Request(table.task, 1300, 1))
    later = Ramp(1800, 1000, 20_000)
    assert "cannot replace" in table.refused(PROVIDER, Request(table.task, 1300, 1, later))
    falls = Ramp(1700, 1000, 20_000)
    assert "cannot fall" in table.refused(PROVIDER, Request(table.task, 1800, 1, falls))
    table.post(PROVIDER, Request(table.task, 1300, 1, Ramp(1800, 6_000, 5_000)))
    table.post(PROVIDER, Request(table.task, 1800, 2))
    assert table.job.bid_at(table.now) == 1800


def test_raises_are_bounded_and_end_with_the_first_seat():
    table = Desk()
    table.post(PROVIDER, table.request())
    for nonce in range(1, RAISES_MAX + 1):
        table.post(PROVIDER, table.request(800 + nonce, nonce))
    assert table.job.request.bid == 800 + RAISES_MAX
    last = table.request(900, RAISES_MAX + 1)
    assert "raised only" in table.refused(PROVIDER, last)

    seated = Desk()
    seated.seat(ANN)
    assert "raised only" in seated.refused(PROVIDER, seated.request(900, 1))


def test_an_offer_needs_a_stake_a_pledge_and_a_task_of_another():
    table = Desk()
    assert "no living task" in table.refused(ANN, table.offer(ANN))
    table.post(PROVIDER, table.request())

    assert "not staked as worker" in table.refused(STRANGER, table.offer(STRANGER))
    assert "not staked as worker" in table.refused(VERIFIERS[1], table.offer(VERIFIERS[1]))
    assert "pledges" in table.refused(ANN, table.offer(ANN, pledge=table.task.pledge - 1))


def test_a_provider_does_not_work_for_itself():
    table = Desk(provider=ANN.address)
    table.post(ANN, table.request())
    assert "other than the provider" in table.refused(ANN, table.offer(ANN))


def test_a_worker_may_offer_again_until_it_has_a_seat():
    table = Desk()
    table.post(PROVIDER, table.request())
    table.post(ANN, table.offer(ANN, ask=50))
    table.post(ANN, table.offer(ANN, ask=40))
    assert table.job.offers[ANN.address].offer.ask == 40
    for ask in (50, 40):
        assert "has made this offer" in table.refused(ANN, table.offer(ANN, ask=ask))
    table.post(PROVIDER, table.request(900, 1))
    later = Offer(message_id(table.request(900, 1)), ANN.address, 60, table.task.pledge)
    table.post(ANN, later)
    assert "has made this offer" in table.refused(ANN, table.offer(ANN, ask=30))

    table.post(VERIFIERS[0], table.match(ANN))
    assert "has had a seat" in table.refused(ANN, table.offer(ANN, ask=30))


def test_a_match_is_the_verifiers_and_goes_to_the_best_offer_at_a_fair_price_and_time():
    table = Desk()
    table.post(PROVIDER, table.request())
    table.post(ANN, table.offer(ANN, ask=60))
    table.post(BOB, table.offer(BOB, ask=50))

    assert "better" in table.refused(VERIFIERS[0], table.match(ANN))
    other = table.match(BOB, verifier=VERIFIERS[1].address)
    assert "another verifier" in table.refused(VERIFIERS[1], other)
    for changes, reason in (
        ({"price": 49}, "from 50"),
        ({"price": 801}, "to 800"),
        ({"offer": b"o" * 32}, "no living task"),
        ({"commit_by_ms": table.now}, "execution is due"),
        ({"commit_by_ms": table.now + desk.WORK_MAX_MS + 1}, "execution is due"),
        ({"reveal_by_ms": table.now + 1000}, "result is due"),
        ({"reveal_by_ms": table.now + 1000 + desk.WORK_MAX_MS + 1}, "result is due"),
    ):
        assert reason in table.refused(VERIFIERS[0], table.match(BOB, **changes))
    table.post(VERIFIERS[0], table.match(BOB))
    table.post(VERIFIERS[0], table.match(ANN))
    assert set(table.job.seats) == {ANN.address, BOB.address}


def test_no_task_has_more_seats_than_its_escrow_pays():
    table = Desk(policy=Quorum(2, 4))
    table.seat(ANN, BOB)
    table2 = Desk(policy=Quorum(2, 4))
    table2.post(PROVIDER, table2.request())
    for key in (ANN, BOB, CAT):
        table2.post(key, table2.offer(key))
    for key in (ANN, BOB):
        table2.post(VERIFIERS[0], table2.match(key))

    assert table.job.seats_left() == 0
    assert "no seat" in table2.refused(VERIFIERS[0], table2.match(CAT))


def test_an_expired_task_is_not_matched_and_returns_its_escrow():
    table = Desk()
    before = table.held(PROVIDER)
    table.post(PROVIDER, table.request())
    table.post(ANN, table.offer(ANN))
    table.now = table.task.expires_ms
    match = table.match(ANN, commit_by_ms=table.now + 9, reveal_by_ms=table.now + 99)
    table.now += 1

    assert "expired" in table.refused(VERIFIERS[0], match)
    (closed,) = table.wait(0)
    assert isinstance(closed, Closed)
    assert table.held(PROVIDER) == before


def test_a_stake_cannot_leave_while_a_seat_is_open():
    table = Desk()
    table.seat(ANN)
    nonce = table.market.nonces[ANN.address]
    call = Call(table.market.identity, ANN.address, nonce, Verb.LEAVE.value)
    assert "bound" in table.refused(ANN, call)


def test_a_worker_pledges_no_more_than_its_stake():
    table = Desk(pledge=100_001, price_max=100_001)
    table.post(PROVIDER, table.request())
    table.post(ANN, table.offer(ANN))
    assert "better" in table.refused(VERIFIERS[0], table.match(ANN)), "it is not eligible"


def test_calls_come_in_order_for_this_market_with_known_verbs():
    table = Desk()
    nonce = table.market.nonces[ANN.address]

    def call(**changes):
        body = Call(table.market.identity, ANN.address, nonce, Verb.DEPOSIT.value, 5)
        return msgspec.structs.replace(body, **changes)

    assert "should follow" in table.refused(ANN, call(nonce=nonce - 1))
    assert "should follow" in table.refused(ANN, call(nonce=nonce + 1))
    assert "another market" in table.refused(ANN, call(market=b"m" * 32))
    assert "no verb" in table.refused(ANN, call(verb="print"))
    assert "holds" in table.refused(ANN, call(amount=10**9))
    table.post(ANN, call())
    assert "should follow" in table.refused(ANN, call()), "a call replayed moves nothing"


def test_another_chain_is_another_market():
    here = new_market(DOMAIN, open_market(PROVIDER, (), ()).market.coins)
    there = new_market(msgspec.structs.replace(DOMAIN, chain_id=1), here.coins)
    assert here.identity != there.identity


def test_dear_offers_do_not_crowd_out_cheap_ones(monkeypatch):
    monkeypatch.setattr(desk, "OFFERS_MAX", 2)
    table = Desk()
    table.post(PROVIDER, table.request())
    table.post(ANN, table.offer(ANN, ask=700))
    table.post(BOB, table.offer(BOB, ask=750))

    assert "better offers" in table.refused(CAT, table.offer(CAT, ask=750))
    table.post(CAT, table.offer(CAT, ask=749))
    assert set(table.job.offers) == {ANN.address, CAT.address}
    table.post(ANN, table.offer(ANN, ask=600))
    assert table.job.offers[ANN.address].offer.ask == 600, "one's own offer can be replaced"
