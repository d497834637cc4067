"""Answers are sold again to who wants no more, with everything that shows them, and shared."""

import msgspec
import pytest

from numen.base.codec import decode
from numen.base.errors import NumenError
from numen.market import events, resale, shop
from numen.market.actor import Answer, claim_of
from numen.market.coins import Pocket
from numen.market.events import Earned, Resold
from numen.market.job import Job as Living
from numen.market.job import Phase, Seat
from numen.market.log import FORMAT, Header, Log
from numen.market.message import Buy, Call, Kept, Recall, Request, sign
from numen.market.offence import CASE_MAX_BYTES, Case, Outcome, Refuted, judge
from numen.market.play import dice_of
from numen.market.resale import ResaleError, check, find
from numen.market.shop import surety_of
from numen.market.stake import stake_of
from numen.market.task import Quorum, task_id
from numen.market.turn import verifier_stakes
from numen.market.verifier import Verifier
from numen.market.why import explain
from numen.proof.statement import claim_digest, commit_inputs
from tests.market.byhand import (
    ANN,
    BOB,
    CAT,
    FALSE,
    INPUTS,
    NOTARY,
    PROVIDER,
    STRANGER,
    TRUE,
    VERIFIERS,
    Desk,
)
from tests.market.record import Record
from tests.market.town import COLLATZ, Machine, shown_run


def sold(answer=TRUE, **changes) -> Desk:
    """A market in which two workers gave one answer to a task and were paid."""
    table = Desk(**changes)
    table.answer({ANN: answer, BOB: answer})
    table.wait(3_000)
    for key in (ANN, BOB):
        table.judge(table.verdict(key))
    assert not table.market.jobs
    return table


def entry(table):
    (found,) = table.market.store.entries.values()
    return found


def purchase(table, key=PROVIDER, **changes) -> Buy:
    nonce = table.market.nonces.get(key.address, 0)
    body = Buy(
        table.market.identity, key.address, nonce, table.task.program, table.task.inputs,
        Quorum(3, 4), 10**6,
    )  # fmt: skip
    return msgspec.structs.replace(body, **changes)


def test_an_answer_is_bought_again_and_those_who_gave_it_share_the_price():
    table = sold()
    found = entry(table)
    before = {key: table.held(key) for key in (PROVIDER, ANN, BOB, VERIFIERS[0])}

    bought, *earned = table.post(PROVIDER, purchase(table))

    price = 2 * 500 // 4
    claim = claim_digest(found.claim).hex()
    assert found.answer == TRUE.output
    assert bought == Resold(
        table.now, PROVIDER.address.hex(), COLLATZ.hex(), claim, price, table.id.hex(),
        "quorum of trust 4", "quorum of trust 4", 225, table.now - found.since_ms,
    )  # fmt: skip
    assert [(e.worker, e.paid) for e in earned] == [
        (ANN.address.hex(), 113), (BOB.address.hex(), 112)
    ]  # fmt: skip
    assert all(isinstance(e, Earned) for e in earned)
    gained = {key: table.held(key) - held for key, held in before.items()}
    assert gained == {PROVIDER: -price, ANN: 113, BOB: 112, VERIFIERS[0]: 25}


def test_a_purchase_is_made_once_by_its_buyer_and_within_its_limit():
    table = sold()
    body = purchase(table)
    assert "costs 250 coins, not 249" in table.refused(PROVIDER, purchase(table, price_max=249))
    assert "another market" in table.refused(PROVIDER, purchase(table, market=bytes(32)))
    table.post(PROVIDER, body)
    assert "should follow" in table.refused(PROVIDER, body)
    assert "holds 0" in table.refused(STRANGER, purchase(table, STRANGER))
    other = purchase(table, inputs=bytes(32))
    assert "no such answer" in table.refused(PROVIDER, other)
    strict = purchase(table, policy=Quorum(3, 5))
    assert "no such answer" in table.refused(PROVIDER, strict), "it was shown to a trust of 4"


def test_a_task_without_an_answer_leaves_nothing_to_sell():
    table = Desk()
    table.post(PROVIDER, table.request())
    table.wait(500_000)
    assert not table.market.jobs
    assert not table.market.store.entries


def test_what_verifiers_settled_is_shown_by_their_votes():
    table = Desk()
    table.answer({ANN: TRUE})
    table.wait(500_000)
    for key in VERIFIERS[:2]:
        table.post(key, table.vote(key))
    table.judge(table.verdict(ANN))
    found = entry(table)
    assert len(found.backing.votes) == 2
    check(found, NOTARY.check, table.market.standing)

    less = msgspec.structs.replace(found.backing, votes=found.backing.votes[:1])
    shown = msgspec.structs.replace(found, backing=less)
    with pytest.raises(ResaleError, match="half of the stake"):
        check(shown, NOTARY.check, table.market.standing)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"answer": b"another"}, "another answer"),
        ({"receipts": "unsigned"}, "is signed by|signature"),
        ({"receipts": "one"}, "another worker"),
        ({"receipts": "one", "workers": (ANN.address,)}, "too little"),
        ({"workers": (BOB.address, ANN.address)}, "another worker"),
        ({"receipts": "cut"}, "end with a verdict|ends with a verdict"),
    ],
)
def test_whatever_is_changed_of_an_entry_is_seen(change, reason):
    table = sold()
    found = entry(table)
    check(found, NOTARY.check, table.market.standing)
    receipts = found.receipts
    first = receipts[0]
    forged = msgspec.structs.replace(first.messages[-1], signature=bytes(64) + b"\x1b")
    lies = {
        "unsigned": (resale.Receipt((*first.messages[:-1], forged)), *receipts[1:]),
        "one": receipts[:1],
        "cut": (resale.Receipt(first.messages[:-1]), *receipts[1:]),
    }
    changed = {k: lies.get(v, v) if isinstance(v, str) else v for k, v in change.items()}

    with pytest.raises(ResaleError, match=reason):
        check(msgspec.structs.replace(found, **changed), NOTARY.check, table.market.standing)


def test_the_store_is_bounded_and_what_brought_least_goes_first(monkeypatch):
    found = entry(sold())
    size = found.size
    monkeypatch.setattr(resale, "BYTES_MAX", 3 * size)
    store = resale.Store()
    for number in range(5):
        job = job_like(found, inputs=bytes([number]) * 32)
        store = resale.add(store, job, found.backing, number)
        assert store.size == sum(e.size for e in store.entries.values()) <= 3 * size
    assert [e.task.inputs[0] for e in store.entries.values()] == [2, 3, 4]
    oldest = next(iter(store.entries.values()))
    store = resale.put(store, msgspec.structs.replace(oldest, earned=9))
    monkeypatch.setattr(resale, "ENTRIES_MAX", 2)
    store = resale.add(store, job_like(found, inputs=b"z" * 32), found.backing, 9)
    assert [e.task.inputs[0] for e in store.entries.values()] == [2, ord("z")]
    hours = 5 * resale.HALVES_MS
    store = resale.add(store, job_like(found, inputs=b"y" * 32), found.backing, hours)
    assert [e.task.inputs[0] for e in store.entries.values()] == [ord("z"), ord("y")], "it faded"
    assert store.asked.keys() == {
        resale.name_of(COLLATZ, bytes([place]) * 32) for place in b"zy"
    }  # fmt: skip


def test_what_somebody_stands_for_is_not_pushed_out(monkeypatch):
    found = entry(sold())
    monkeypatch.setattr(resale, "ENTRIES_MAX", 1)
    store = resale.add(resale.Store(), job_like(found), found.backing, 0)
    (name,) = store.entries
    bound = resale.put(store, msgspec.structs.replace(store.entries[name], sureties=(1, 1)))
    assert resale.add(bound, job_like(found, inputs=b"z" * 32), found.backing, 9) is bound


def test_of_answers_to_one_question_those_stay_that_somebody_may_prefer():
    found = entry(sold())
    store = resale.Store()
    for number, (trust, paid) in enumerate([(4, 1000), (4, 1200), (100, 2000), (4, 400), (9, 300)]):
        job = job_like(found, policy=Quorum(3, trust), number=number, paid=paid)
        store = resale.add(store, job, found.backing, number)
    kept = [(e.task.policy.trust, e.paid) for e in store.entries.values()]
    assert kept == [(100, 2000), (9, 300)], "the dearer, or no better and as dear, is not kept"
    assert find(store, COLLATZ, found.task.inputs, Quorum(3, 5), 0).paid == 300
    assert find(store, COLLATZ, found.task.inputs, Quorum(3, 50), 0).paid == 2000
    assert find(store, COLLATZ, found.task.inputs, Quorum(3, 101), 0) is None


def test_two_answers_to_one_question_are_not_both_sold():
    found = entry(sold())
    claim = msgspec.structs.replace(found.claim, output=bytes(32))
    job, question = job_like(found), (COLLATZ, found.task.inputs)
    other = msgspec.structs.replace(job_like(found, number=7), claim=claim)
    store = resale.add(resale.Store(), job, found.backing, 0)
    assert find(resale.add(store, other, found.backing, 1), *question, Quorum(3, 4), 2) is None
    weak = msgspec.structs.replace(
        job_like(found, number=7, policy=Quorum(3, 2)), claim=claim
    )  # fmt: skip
    kept = resale.add(store, weak, found.backing, 1)
    assert find(kept, *question, Quorum(3, 1), 2).claim == found.claim


def test_verifiers_find_out_which_of_two_answers_is_true_and_it_is_sold_again():
    table = sold(FALSE)
    table.task = msgspec.structs.replace(table.task, number=8)
    table.id = task_id(table.task)
    table.answer({CAT: TRUE})
    table.wait(500_000)
    for key in VERIFIERS[:2]:
        table.post(key, table.vote(key))
    table.judge(table.verdict(CAT))
    assert [e.is_doubted for e in table.market.store.entries.values()] == [True, True]
    assert "no such answer" in table.refused(PROVIDER, purchase(table))

    for key in VERIFIERS[:2]:
        for act in looking_back(table, key, 10**9):
            table.submit(act.submission)

    assert entry(table).answer == TRUE.output
    (bought, *_) = table.post(PROVIDER, purchase(table))
    assert isinstance(bought, Resold)
    assert table.market.standing(ANN.address).is_doubtful


def test_that_the_work_was_not_enough_is_no_answer_for_who_allows_more():
    table = Desk(work_limit=TRUE.work)
    table.answer({ANN: TRUE, BOB: TRUE})
    table.wait(3_000)
    for key in (ANN, BOB):
        table.judge(table.verdict(key))
    assert not table.market.store.entries


def job_like(found, *, paid=1000, **changes):
    task = msgspec.structs.replace(found.task, **changes)
    seats = {
        r.messages[-1].body.worker: Seat(
            r.messages[:-1], b"", b"", 500, 1, 1, 1, Outcome.ACCEPTED, r.messages[-1]
        )
        for r in found.receipts
    }
    return Living(
        b"", task, 0, Request(task, 1, 0), 0, {}, Phase.SETTLED, seats=seats, claim=found.claim,
        paid=paid,
    )  # fmt: skip


# --- who answers for an answer that is sold again -------------------------------------------------


def recall(table, key, answer=FALSE, **changes) -> Recall:
    claim = claim_of(table.task, answer)
    body = Recall(table.id, key.address, claim, key.sign(claim_digest(claim)))
    return msgspec.structs.replace(body, **changes)


def test_who_earns_by_a_sale_stands_for_it_until_nobody_bought_for_a_while():
    table = sold()
    table.post(PROVIDER, purchase(table))
    table.wait(shop.RECALL_MS)
    table.post(PROVIDER, purchase(table))
    stands = {
        key: table.market.coins.balance(surety_of(table.id, key.address)) for key in (ANN, BOB)
    }
    assert stands == {ANN: 226, BOB: 224}
    table.wait(shop.RECALL_MS)
    assert entry(table).sureties == (226, 224)
    table.wait(1)
    assert entry(table).sureties == ()
    assert not table.market.coins.in_pocket(Pocket.SURETY)


def test_an_answer_whose_makers_cannot_answer_for_it_is_not_sold():
    table = sold()
    call = Call(table.market.identity, ANN.address, 1, "leave", 0)
    table.post(ANN, call)
    assert "not staked" in table.refused(PROVIDER, purchase(table))


def test_verifiers_take_an_answer_back_and_what_stood_for_it():
    """The town's programs are known: here the verifiers are the liars, and the rule is the same."""
    table = sold()
    table.post(PROVIDER, purchase(table))
    scores = table.market.standing(ANN.address).score
    before = {key: table.held(key) for key in VERIFIERS[:2]}

    (doubted,) = table.post(VERIFIERS[0], recall(table, VERIFIERS[0]))
    assert isinstance(doubted, events.Doubted)
    assert "no such answer" in table.refused(PROVIDER, purchase(table)), "nobody is sold a doubt"
    assert "said so before" in table.refused(VERIFIERS[0], recall(table, VERIFIERS[0]))
    _, *happened = table.post(VERIFIERS[1], recall(table, VERIFIERS[1]))

    recalled = [e for e in happened if isinstance(e, events.Recalled)]
    assert [(e.worker, e.reward, e.burnt) for e in recalled] == [
        (ANN.address.hex(), 56, 57), (BOB.address.hex(), 56, 56)
    ]  # fmt: skip
    assert table.held(VERIFIERS[1]) - before[VERIFIERS[1]] == 112
    assert table.held(VERIFIERS[0]) == before[VERIFIERS[0]]
    standing = table.market.standing(ANN.address)
    assert scores > standing.score == standing.accepted == 0
    assert standing.is_doubtful
    assert not table.market.store.entries
    assert not table.market.store.asked
    assert not table.market.store.size
    for event in recalled:
        case = decode(Case, bytes.fromhex(event.evidence), size_max=CASE_MAX_BYTES)
        found = judge(case.accusation, Record(verifier_stakes=verifier_stakes(table.market)))
        assert (found.worker.hex(), found.outcome) == (event.worker, Outcome.WRONG_ANSWER)
    log = Log(Header(FORMAT, 0, {}), tuple(happened))
    assert any("2 staked verifiers" in line for line in explain(log, ANN.address.hex()))


def looking_back(table, key, one_in) -> list:
    inputs = {commit_inputs(INPUTS): INPUTS}
    actor = Verifier(key, Machine(), inputs, dice_of(1, repr(key)), audit_one_in=one_in)
    acts = [*actor.wake(table.market, table.now)]
    assert not [*actor.wake(table.market, table.now)], "each answer is run again once"
    return acts


@pytest.mark.parametrize("answer", [TRUE, FALSE])
def test_what_a_liar_answered_before_is_run_again(answer):
    table = sold(answer)
    assert not looking_back(table, VERIFIERS[0], 1)
    standing = msgspec.structs.replace(table.market.standing(ANN.address), faults=2)
    standings = {**table.market.standings, ANN.address: standing}
    table.market = msgspec.structs.replace(table.market, standings=standings)

    for key in VERIFIERS[:2]:  # the second is told to look by what the first said
        for act in looking_back(table, key, 10**9):
            table.submit(act.submission)

    assert bool(table.market.store.entries) == (answer is TRUE)
    assert table.market.standing(BOB.address).is_doubtful == (answer is FALSE)


def test_a_false_doubt_costs_who_had_it_and_the_answer_is_sold_again():
    table = sold()
    liar = VERIFIERS[0]
    table.post(liar, recall(table, liar))
    assert not entry(table).is_for_sale
    staked = table.market.coins.balance(stake_of(liar.address))

    happened = []
    for key in VERIFIERS[1:]:
        for act in looking_back(table, key, 10**9):
            happened += table.submit(act.submission)

    assert entry(table).is_for_sale
    (slashed,) = [event for event in happened if isinstance(event, events.Slashed)]
    assert (slashed.worker, slashed.outcome) == (liar.address.hex(), "wrong vote")
    assert table.market.coins.balance(stake_of(liar.address)) == staked - staked // 10
    case = decode(Case, bytes.fromhex(slashed.evidence), size_max=CASE_MAX_BYTES)
    found = judge(case.accusation, Record(verifier_stakes=verifier_stakes(table.market)))
    assert (found.worker, found.outcome) == (liar.address, Outcome.WRONG_VOTE)
    assert isinstance(table.post(PROVIDER, purchase(table))[0], Resold)


def test_some_of_what_was_just_sold_is_run_again():
    table = sold(FALSE)
    table.post(PROVIDER, purchase(table))
    assert not looking_back(table, VERIFIERS[0], 10**9)
    for key in VERIFIERS[:2]:
        for act in looking_back(table, key, 1):
            table.submit(act.submission)
    assert not table.market.store.entries
    assert table.market.coins.balance(surety_of(table.id, ANN.address)) == 0


@pytest.mark.parametrize(
    ("who", "change", "reason"),
    [
        (ANN, {}, "not staked"),
        (STRANGER, {"proof": Kept(bytes(32))}, "not staked"),
        (VERIFIERS[0], {"task": bytes(32)}, "no such answer"),
        (VERIFIERS[0], {"attestation": bytes(64) + b"\x1b"}, "signature"),
    ],
)
def test_a_recall_that_makes_no_sense_changes_nothing(who, change, reason):
    table = sold()
    assert reason in table.refused(who, recall(table, who, **change))
    same = recall(table, VERIFIERS[0], TRUE)
    assert "same answer" in table.refused(VERIFIERS[0], same)


def test_a_proof_takes_a_false_answer_back_whoever_brings_it():
    table = sold(FALSE)
    table.post(PROVIDER, purchase(table))
    wrong = recall(table, CAT, Answer(b"another lie", 3), proof=shown_run(INPUTS))
    staked = table.market.coins.balance(stake_of(CAT.address))
    (misproved,) = table.post(CAT, wrong)
    assert (misproved.reason, misproved.burnt) == ("that is not the run", 250)
    assert "found not to hold before" in table.refused(CAT, wrong), "somebody else posts it again"
    assert table.market.coins.balance(stake_of(CAT.address)) == staked - 250
    assert entry(table).is_for_sale

    happened = table.post(CAT, recall(table, CAT, TRUE, proof=shown_run(INPUTS)))

    recalled = [e for e in happened if isinstance(e, events.Recalled)]
    assert [e.reward + e.burnt for e in recalled] == [113, 112]
    assert not table.market.store.entries
    assert "no such answer" in table.refused(PROVIDER, purchase(table))
    for event in recalled:
        case = decode(Case, bytes.fromhex(event.evidence), size_max=CASE_MAX_BYTES)
        assert judge(case.accusation, Record()).outcome is Outcome.WRONG_ANSWER
        innocent = msgspec.structs.replace(case.accusation.recall.body, proof=shown_run(b"\x1c"))
        with pytest.raises(NumenError, match="not the run"):
            judge(Refuted(case.accusation.chain, sign(CAT, innocent)), Record())
    log = Log(Header(FORMAT, 0, {}), tuple(happened))
    assert any("gives another answer" in line for line in explain(log, table.id.hex()))


@pytest.mark.parametrize("faults", [2, 9])
def test_a_worker_found_lying_stands_for_nothing_that_it_said_before(faults):
    table = sold()
    standing = msgspec.structs.replace(table.market.standing(ANN.address), faults=faults)
    standings = {**table.market.standings, ANN.address: standing}
    table.market = msgspec.structs.replace(table.market, standings=standings)
    assert "too little" in table.refused(PROVIDER, purchase(table))
