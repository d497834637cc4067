"""Answers are sold again to who wants no more, with everything that shows them, and shared."""

import msgspec
import pytest

from numen.market import resale
from numen.market.events import Earned, Resold
from numen.market.job import Job as Living
from numen.market.job import Phase, Seat
from numen.market.message import Buy, Request
from numen.market.offence import Outcome
from numen.market.resale import ResaleError, check, find, name_of, satisfies
from numen.market.task import Quorum, Snark
from numen.proof.statement import claim_digest
from tests.market.byhand import ANN, BOB, NOTARY, PROVIDER, STRANGER, TRUE, VERIFIERS, Desk
from tests.market.town import COLLATZ, KEY


def sold(**changes) -> Desk:
    """A market in which two workers answered a task and were paid."""
    table = Desk(**changes)
    table.answer({ANN: TRUE, BOB: TRUE})
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
    assert bought == Resold(table.now, PROVIDER.address.hex(), COLLATZ.hex(), claim, price)
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
    check(found, NOTARY.check)

    less = msgspec.structs.replace(found.backing, votes=found.backing.votes[:1])
    with pytest.raises(ResaleError, match="half of the stake"):
        check(msgspec.structs.replace(found, backing=less), NOTARY.check)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"answer": b"another"}, "another answer"),
        ({"receipts": "unsigned"}, "is signed by|signature"),
        ({"receipts": "one"}, "too little"),
        ({"receipts": "cut"}, "end with a verdict|ends with a verdict"),
    ],
)
def test_whatever_is_changed_of_an_entry_is_seen(change, reason):
    found = entry(sold())
    check(found, NOTARY.check)
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
        check(msgspec.structs.replace(found, **changed), NOTARY.check)


def test_the_store_is_bounded_and_the_oldest_goes_first(monkeypatch):
    found = entry(sold())
    size = found.size
    monkeypatch.setattr(resale, "BYTES_MAX", 3 * size)
    store = resale.Store()
    for number in range(5):
        inputs = bytes([number]) * 32
        job = _job_like(found, inputs)
        store = resale.add(store, job, found.backing)
        assert store.size == sum(e.size for e in store.entries.values()) <= 3 * size
    assert list(store.entries) == [name_of(COLLATZ, bytes([n]) * 32) for n in (2, 3, 4)]
    monkeypatch.setattr(resale, "ENTRIES_MAX", 2)
    store = resale.add(store, _job_like(found, b"z" * 32), found.backing)
    assert len(store.entries) == 2
    assert find(store, COLLATZ, b"z" * 32, Quorum(5, 1)) is not None


def _job_like(found, inputs):
    task = msgspec.structs.replace(found.task, inputs=inputs)
    seats = {
        r.messages[-1].body.worker: Seat(
            r.messages[:-1], b"", b"", 500, 1, 1, 1, Outcome.ACCEPTED, r.messages[-1]
        )
        for r in found.receipts
    }
    return Living(
        b"", task, 0, Request(task, 1, 0), 0, {}, Phase.SETTLED, seats=seats, claim=found.claim,
        paid=1000,
    )  # fmt: skip


def test_a_proof_is_enough_for_who_wants_that_proof_and_a_trust_for_who_wants_less():
    assert satisfies(Quorum(3, 100), Quorum(5, 100))
    assert satisfies(Quorum(3, 100), Quorum(5, 4))
    assert not satisfies(Quorum(3, 4), Quorum(5, 100))
    assert satisfies(Snark(KEY), Snark(KEY))
    assert not satisfies(Snark(KEY), Snark(bytes(32)))
    assert not satisfies(Snark(KEY), Quorum(3, 4))
