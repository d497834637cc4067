"""The market step: what each message needs, what liars in every role get, and that it holds."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.crypto import SigningKey, keccak256
from numen.market import desk, exchange, stake
from numen.market.actor import Answer, claim_of
from numen.market.coins import Pocket, wallet
from numen.market.events import Closed, Disputed, Judged, Refused, Settled, Slashed
from numen.market.exchange import Judge, Post, Redeem, Tick, Verb, step
from numen.market.job import DISPUTE_MS, GRACE_MS, OBJECTION_MS, RAISES_MAX, Phase
from numen.market.message import (
    Call,
    Cancel,
    Execution,
    Match,
    Offer,
    Request,
    Result,
    Verdict,
    Vote,
    message_id,
    sign,
)
from numen.market.offence import Equivocation, Outcome, Silence, WrongAnswer, fine
from numen.market.quorum import commit
from numen.market.task import Quorum, task_id
from numen.market.turn import new_market
from numen.proof.statement import claim_digest, commit_inputs
from tests.market.town import COLLATZ, DOMAIN, Job, Machine, Notary, build, open_market, task_of

KEYS = [SigningKey.from_seed(bytes([i])) for i in range(8)]
PROVIDER, ANN, BOB, CAT, *VERIFIERS = KEYS[:7]
STRANGER = KEYS[7]
INPUTS = b"\x1b"
JOB = Job(COLLATZ, INPUTS, Quorum(3, 4), bid=800)
TRUE = Machine().run(COLLATZ, INPUTS, 10**6)
FALSE = Answer(b"nonsense", TRUE.work)
NOTARY = Notary()


class Desk:
    """A market driven by hand: every message in its turn, every refusal visible."""

    def __init__(self, job: Job = JOB, **changes):
        opening = open_market(PROVIDER, (ANN, BOB, CAT), VERIFIERS)
        self.market, self.now = opening.market, 1
        self.total = self.market.coins.total()
        self.submit(Tick())
        task = task_of(job, 0, opening, PROVIDER, VERIFIERS[0])
        self.task = msgspec.structs.replace(task, **changes)
        self.id = task_id(self.task)
        self.salts = {}

    def submit(self, submission):
        self.market, happened = step(self.market, submission, self.now, NOTARY)
        assert self.market.coins.total() == self.total
        return happened

    def post(self, key, body):
        return self.submit(Post(sign(key, body)))

    def refused(self, key, body) -> str:
        """Hand something in that must change nothing; give the reason."""
        before = self.market
        (event,) = self.post(key, body)
        assert isinstance(event, Refused), event
        assert self.market == before
        return event.reason

    @property
    def job(self):
        return self.market.jobs[self.id]

    def request(self, bid=800, nonce=0):
        return Request(self.task, bid, nonce)

    def offer(self, key, ask=50, **changes):
        request = message_id(self.request())
        return msgspec.structs.replace(
            Offer(request, key.address, ask, self.task.pledge), **changes
        )

    def match(self, key, **changes):
        body = Match(
            self.job.offers[key.address].identity,
            VERIFIERS[0].address,
            500,
            self.now + 1000,
            self.now + 2000,
        )
        return msgspec.structs.replace(body, **changes)

    def seat(self, *keys):
        """Bring the task to where these workers have seats."""
        self.post(PROVIDER, self.request())
        for key in keys:
            self.post(key, self.offer(key))
        for key in keys:
            self.post(VERIFIERS[0], self.match(key))
            assert key.address in self.job.seats

    def execution(self, key, answer=TRUE):
        salt = keccak256(key.address)
        claim = claim_of(self.task, answer)
        commitment = commit(self.id, key.address, claim, salt)
        return Execution(self.job.seats[key.address].match, key.address, commitment)

    def result(self, key, answer=TRUE):
        claim = claim_of(self.task, answer)
        return Result(
            self.job.seats[key.address].last,
            key.address,
            keccak256(key.address),
            claim,
            answer.output,
            key.sign(claim_digest(claim)),
        )

    def answer(self, answers):
        """Seat workers and let them bind themselves and open."""
        self.seat(*answers)
        for key, answer in answers.items():
            self.post(key, self.execution(key, answer))
        for key, answer in answers.items():
            happened = self.post(key, self.result(key, answer))
        return happened

    def vote(self, key, answer=TRUE):
        claim = claim_of(self.task, answer)
        return Vote(self.id, key.address, claim, key.sign(claim_digest(claim)))

    def verdict(self, key, outcome=Outcome.ACCEPTED, **changes):
        seat, settled = self.job.seats[key.address], self.job.claim
        body = Verdict(
            seat.last,
            VERIFIERS[0].address,
            self.id,
            key.address,
            outcome.value,
            claim_digest(settled) if settled else bytes(32),
            seat.price if outcome is Outcome.ACCEPTED else 0,
            0,
            bytes(32),
            fine(seat.pledge, outcome),
        )
        return msgspec.structs.replace(body, **changes)

    def judge(self, body, accusation=None, key=VERIFIERS[0]):
        return self.submit(Judge(sign(key, body), accusation))

    def misjudged(self, body, accusation=None, key=VERIFIERS[0]) -> str:
        before = self.market
        (event,) = self.judge(body, accusation, key)
        assert isinstance(event, Refused), event
        assert self.market == before
        return event.reason

    def wait(self, ms):
        self.now += ms
        return self.submit(Tick())

    def held(self, key) -> int:
        return self.market.coins.balance(wallet(key.address))


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


def test_a_task_with_seats_is_not_cancelled():
    table = Desk()
    table.seat(ANN)
    assert "seats" in table.refused(PROVIDER, Cancel(PROVIDER.address, table.id))


def test_raises_are_bounded_and_end_with_the_first_seat():
    table = Desk()
    table.post(PROVIDER, table.request())
    for nonce in range(1, RAISES_MAX + 1):
        table.post(PROVIDER, table.request(800 + nonce, nonce))
    assert table.job.bid == 800 + RAISES_MAX
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

    table.post(VERIFIERS[0], table.match(ANN))
    assert "does not seek" in table.refused(ANN, table.offer(ANN, ask=30))


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
