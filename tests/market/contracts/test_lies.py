"""Whoever lies to the market's contract is refused, and nothing has changed."""

import msgspec
import pytest

from numen.base.codec import encode
from numen.base.crypto import keccak256
from numen.market.actor import claim_of
from numen.market.coins import Pocket
from numen.market.contracts.asks import (
    TEXT_MAX,
    Ask,
    AskError,
    asks,
    judged,
    require_judgeable,
)
from numen.market.exchange import Judge, Post, Verb, step
from numen.market.message import Call, Execution, Recall, Request, Result, sign
from numen.market.moves import Run
from numen.market.offence import Equivocation, Outcome, Silence, WrongAnswer
from numen.market.stake import UNBONDING_MS, stake_of
from numen.market.task import Hardware, Snark
from numen.proof.statement import claim_digest
from tests.market import town
from tests.market.byhand import ANN, BOB, CAT, FALSE, NOTARY, PROVIDER, STRANGER, TRUE, VERIFIERS
from tests.market.contracts.twin import TwinDesk, TwinOpening

DIGEST = keccak256(b"something else")
CLOSED = "there is no such seat to close"


@pytest.fixture(autouse=True)
def _twinned(monkeypatch):
    monkeypatch.setattr(town, "Opening", TwinOpening)


def refusal(table: TwinDesk, ask: Ask, **changes) -> str:
    return table.twin.refusal(ask, table.now, **changes)


def verdict(table: TwinDesk, body, key=VERIFIERS[0], accusation=None) -> Ask:
    """What the contract would be asked, whatever the market says of it."""
    return judged(sign(key, body), accusation)


def told(table: TwinDesk, submission) -> Ask:
    """What a submission that the market takes asks of the contract."""
    after, happened = step(table.market, submission, table.now, NOTARY)
    (ask,) = asks(table.market, after, submission, happened)
    return ask


def test_only_the_hall_hands_in_each_thing_once_and_forward_in_time():
    table = TwinDesk()
    ask = told(table, Post(sign(PROVIDER, table.request())))
    twin = table.twin

    assert "only the hall" in refusal(table, ask, sender=twin.chain.people[1])
    for number in (twin.number - 1, twin.number + 1):
        assert "something else" in refusal(table, ask, number=number)
    table.now = 7
    table.post(PROVIDER, table.request())
    raised = told(table, Post(sign(PROVIDER, table.request(900, 1))))
    assert "goes back" in twin.refusal(raised, 6)
    twin.chain.ledger.time_ms = 10**7
    assert "clock" in twin.refusal(raised, 7)


def test_what_somebody_else_signed_is_refused_whichever_signature_it_is():
    table, seen = TwinDesk(), []

    def submit(submission):
        after, happened = step(table.market, submission, table.now, NOTARY)
        for ask in asks(table.market, after, submission, happened):
            seen.append(ask.name)
            for place, arg in enumerate(ask.args):
                if isinstance(arg, bytes) and len(arg) == 65:
                    forged = (*ask.args[:place], STRANGER.sign(DIGEST), *ask.args[place + 1 :])
                    assert "another account" in refusal(table, Ask(ask.name, forged))
        return TwinDesk.submit(table, submission)

    table.submit = submit
    table.answer({ANN: TRUE, BOB: FALSE})
    table.post(VERIFIERS[1], table.vote(VERIFIERS[1]))
    table.post(CAT, Call(table.market.identity, CAT.address, 1, Verb.LEAVE.value))
    assert {"request", "match", "execution", "result", "vote", "call"} <= set(seen)


def test_terms_that_differ_in_anything_are_not_what_was_signed():
    table = TwinDesk()
    ask = told(table, Post(sign(PROVIDER, table.request())))
    terms, text, bid, nonce, ramp, signature = ask.args
    for place in range(3, len(terms)):
        part = terms[place]
        changed = (part[0], part[1] + 1, part[2]) if isinstance(part, tuple) else part + 1
        other = (*terms[:place], changed, *terms[place + 1 :])
        assert "another account" in refusal(
            table, Ask("request", (other, text, bid, nonce, ramp, signature))
        )
    window = (*terms[:6], (2, 5_000, 0), *terms[7:])
    proof = encode(Snark(bytes(32)))
    for changed in (
        (terms, text, bid + 1, nonce, ramp),
        (terms, text, bid, nonce, (True, bid, 0, 1)),
        (window, text, bid, nonce, ramp),
        ((*terms[:6], (3, 0, 0), *terms[7:]), proof, bid, nonce, ramp),
    ):
        assert "another account" in refusal(table, Ask("request", (*changed, signature)))


def test_a_commitment_opens_to_what_it_was_made_of_alone():
    table = TwinDesk()
    table.seat(ANN)
    table.post(ANN, table.execution(ANN))
    task, worker, claim, salt, digest, signature = told(
        table, Post(sign(ANN, table.result(ANN)))
    ).args

    for lie in (
        (task, worker, claim, salt ^ 1, digest, signature),
        (task, worker, (*claim[:2], claim[2] ^ 1, *claim[3:]), salt, digest, signature),
    ):
        assert "something else" in refusal(table, Ask("result", lie))
    assert "no result" in refusal(
        table, Ask("result", (task, BOB.address, claim, salt, digest, signature))
    )


def test_nobody_is_fined_without_a_fault():
    table = TwinDesk()
    table.answer({ANN: TRUE, BOB: TRUE})
    held = table.market.coins.balance(stake_of(ANN.address))
    for outcome in (Outcome.WRONG_ANSWER, Outcome.NO_EXECUTION, Outcome.NO_REVEAL):
        assert refusal(table, verdict(table, table.verdict(ANN, outcome)))
    for outcome in (Outcome.LOST_CONTEST, Outcome.WRONG_VOTE):
        body = table.verdict(ANN, outcome)
        assert "other evidence" in refusal(table, verdict(table, body))
    false = verdict(table, table.verdict(ANN, Outcome.FALSE_PROOF))
    assert "not found the evidence false" in refusal(table, false)
    assert "not the settled" in refusal(table, verdict(table, table.verdict(ANN)))
    assert "not failed" in refusal(table, verdict(table, table.verdict(ANN, Outcome.RELEASED)))
    assert table.market.coins.balance(stake_of(ANN.address)) == held


def test_silence_is_no_fault_before_its_time():
    table = TwinDesk()
    table.seat(ANN, BOB)
    ask = verdict(table, table.verdict(ANN, Outcome.NO_EXECUTION))
    table.now += 1000
    assert "not late" in refusal(table, ask)
    table.now += 1
    table.judge(
        table.verdict(ANN, Outcome.NO_EXECUTION), Silence(table.job.seats[ANN.address].chain)
    )
    assert CLOSED in refusal(table, ask)


def test_equivocation_takes_two_different_commitments_of_this_worker_in_this_seat():
    table = TwinDesk()
    table.seat(ANN, BOB)
    table.post(ANN, table.execution(ANN))
    chain = table.job.seats[ANN.address].chain
    body = table.verdict(ANN, Outcome.EQUIVOCATION)
    one, other = (sign(ANN, table.execution(ANN, answer)) for answer in (TRUE, FALSE))
    strange = Execution(keccak256(b"another seat"), ANN.address, bytes(32))
    copied = sign(BOB, table.execution(BOB))

    for first, second in ((one, one), (one, sign(ANN, strange)), (one, copied)):
        assert refusal(
            table, verdict(table, body, accusation=Equivocation(chain[:3], first, second))
        )
    (judged, *_) = table.judge(body, Equivocation(chain[:3], one, other))
    assert judged.fined == table.task.pledge
    assert CLOSED in refusal(
        table, verdict(table, body, accusation=Equivocation(chain[:3], one, other))
    )


def test_a_liar_is_fined_once_and_pays_half_to_who_showed_it():
    table = TwinDesk()
    table.answer({ANN: TRUE, BOB: FALSE})
    for key in VERIFIERS[:2]:
        table.post(key, table.vote(key))
    votes = tuple(table.job.votes.values())
    seat = table.job.seats[BOB.address]
    body = table.verdict(BOB, Outcome.WRONG_ANSWER)
    for field, value in (("fined", seat.pledge - 1), ("paid", 1), ("claim", bytes(32))):
        changed = msgspec.structs.replace(body, **{field: value})
        assert refusal(table, verdict(table, changed))
    other = msgspec.structs.replace(body, verifier=VERIFIERS[1].address)
    assert "another verifier" in refusal(table, verdict(table, other, VERIFIERS[1]))

    table.judge(body, WrongAnswer(seat.chain, votes))
    assert CLOSED in refusal(table, verdict(table, body))
    assert table.twin.books.burnt == seat.pledge - seat.pledge // 2
    assert table.market.coins.in_pocket(Pocket.BURNT) == table.twin.books.burnt


def test_a_stake_stays_as_long_as_it_may_be_needed():
    table = TwinDesk()
    table.seat(ANN)

    def call(verb, nonce):
        body = Call(table.market.identity, ANN.address, nonce, verb.value)
        signed = sign(ANN, body)
        return Ask("call", (ANN.address, nonce, list(Verb).index(verb), 0, signed.signature))

    assert "bound" in refusal(table, call(Verb.LEAVE, 1))
    assert "does not follow" in refusal(table, call(Verb.LEAVE, 2))
    table.wait(400_001)  # the task expires, and its seat is released
    table.wait(10_000)
    assert not table.market.jobs
    assert "not free" in refusal(table, call(Verb.UNSTAKE, 1))
    body = Call(table.market.identity, ANN.address, 1, Verb.LEAVE.value)
    table.post(ANN, body)
    table.now += UNBONDING_MS - 1
    assert "not free" in refusal(table, call(Verb.UNSTAKE, 2))
    table.now += 1
    table.post(ANN, Call(table.market.identity, ANN.address, 2, Verb.UNSTAKE.value))
    assert "no stake" in refusal(table, call(Verb.LEAVE, 3))


def test_a_market_on_a_ledger_takes_nothing_that_the_contract_cannot_judge():
    table = TwinDesk()
    table.seat(ANN)
    roots = tuple(bytes([i]) * 34 for i in range(16))
    policy = Hardware(bytes(32), "tpm", roots, tuple(root[:32] for root in roots))
    quote = msgspec.structs.replace(table.task, policy=policy)
    chain = table.job.seats[ANN.address].chain
    body = sign(VERIFIERS[0], table.verdict(ANN, Outcome.FALSE_PROOF))
    claim = claim_of(table.task, TRUE)
    result = Result(bytes(32), ANN.address, bytes(32), claim, b"", ANN.sign(claim_digest(claim)))
    run = Run(1, 1, bytes(32))
    long = msgspec.structs.replace(result, answer=bytes(TEXT_MAX + 1), evidence=run)
    result = sign(ANN, result)

    for submission in (
        Post(sign(PROVIDER, Request(quote, 1, 0))),
        Post(sign(ANN, long)),
        Post(sign(ANN, Recall(bytes(32), ANN.address, claim, ANN.sign(claim_digest(claim))))),
        Judge(body, Equivocation(chain, result, result)),
    ):
        with pytest.raises(AskError):
            require_judgeable(submission)
