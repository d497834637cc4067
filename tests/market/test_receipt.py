"""Receipts: whole, in order, and false as soon as any message is another."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.codec import CodecError
from numen.base.crypto import BadSignatureError, SigningKey
from numen.market import reputation
from numen.market.message import (
    Execution,
    Match,
    Offer,
    Result,
    Signed,
    Verdict,
    author,
    message_id,
    sign,
)
from numen.market.offence import LIES, Outcome
from numen.market.quorum import commit
from numen.market.receipt import (
    CHAIN,
    BadMessageError,
    BrokenLinkError,
    Receipt,
    ReceiptError,
    check_chain,
    read,
    verify,
    write,
)
from numen.market.reputation import Entry, replay
from numen.market.task import task_id
from tests.market.town import build

TOWN = build(1)
EVENTS = list(TOWN.play.run())
RECEIPTS = list(TOWN.play.receipts.values())
WHOLE = [r for r in RECEIPTS if r.is_complete]
BROKEN = [r for r in RECEIPTS if not r.is_complete]
KEYS = {key.address: key for key in (TOWN.provider, *TOWN.workers, *TOWN.verifiers)}


def test_a_run_leaves_receipts_of_seats_that_ended_and_of_seats_that_failed():
    assert len(WHOLE) >= 5
    assert {len(r.messages) for r in BROKEN} == {4, 5}, "without a result, without an execution"


@pytest.mark.parametrize("receipt", RECEIPTS, ids=lambda r: r.identity.hex()[:8])
def test_a_receipt_survives_export_and_proves_itself(receipt):
    again = read(write(receipt))

    assert again == receipt
    assert again.identity == receipt.identity


def relinked(messages, index, **changes):
    """Change a message and sign it and all after it again, so that the links hold."""
    made = list(messages)
    body = msgspec.structs.replace(made[index].body, **changes)
    made[index] = Signed(body, KEYS[author(body)].sign(message_id(body)))
    for i in range(index + 1, len(made)):
        previous = message_id(made[i - 1].body)
        link = {Offer: "request", Match: "offer", Execution: "match", Result: "execution"}
        field = link.get(type(made[i].body), "last")
        body = msgspec.structs.replace(made[i].body, **{field: previous})
        made[i] = Signed(body, KEYS[author(body)].sign(message_id(body)))
    return Receipt(tuple(made))


WRONG = {
    "the worker asks for more than the price": (1, {"ask": 10**6}),
    "the worker pledges too little": (1, {"pledge": 1}),
    "the price is over the task's limit": (2, {"price": 10**6}),
    "the deadlines are reversed": (2, {"commit_by_ms": 2**40}),
    "the commitment is another": (3, {"commitment": b"c" * 32}),
    "the salt is another": (4, {"salt": b"x" * 32}),
    "the answer is another": (4, {"answer": b"x"}),
    "the verdict pays another price": (5, {"paid": 1}),
    "the verdict fines more than the pledge": (5, {"fined": 10**6}),
    "the verdict is on another task": (5, {"task": b"t" * 32}),
    "the verdict is on another worker": (5, {"worker": b"w" * 20}),
}


def test_signing_again_without_a_change_gives_the_same_receipt():
    assert relinked(WHOLE[0].messages, 0) == WHOLE[0]


@pytest.mark.parametrize(("index", "changes"), WRONG.values(), ids=WRONG)
def test_a_receipt_that_breaks_a_rule_is_refused_though_all_signatures_hold(index, changes):
    lie = relinked(WHOLE[0].messages, index, **changes)

    with pytest.raises(BrokenLinkError):
        verify(lie)


def test_a_worker_cannot_open_anothers_commitment():
    request, offer, match, execution, result, verdict = WHOLE[0].messages
    task = task_id(request.body.task)
    bob = next(key for key in TOWN.workers if key.address != result.body.worker)
    other = commit(task, bob.address, result.body.claim, result.body.salt)

    lie = relinked((request, offer, match, execution, result, verdict), 3, commitment=other)
    with pytest.raises(BrokenLinkError, match="opens to something else"):
        verify(lie)


@settings(max_examples=100)
@given(data=st.data())
def test_messages_left_out_swapped_or_of_another_receipt_break_it(data):
    messages = list(WHOLE[0].messages)
    others = [m for r in RECEIPTS[1:] for m in r.messages if m not in messages]
    match data.draw(st.sampled_from(["drop", "swap", "replace"])):
        case "drop":
            del messages[data.draw(st.integers(0, 5))]
        case "swap":
            i, j = data.draw(st.lists(st.integers(0, 5), min_size=2, max_size=2, unique=True))
            messages[i], messages[j] = messages[j], messages[i]
        case "replace":
            messages[data.draw(st.integers(0, 5))] = data.draw(st.sampled_from(others))

    with pytest.raises(ReceiptError):
        verify(Receipt(tuple(messages)))


@settings(max_examples=100)
@given(data=st.data())
def test_bytes_with_a_changed_bit_are_no_receipt(data):
    raw = bytearray(write(WHOLE[0]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises((CodecError, ReceiptError)):
        read(bytes(raw))


@given(raw=st.binary(max_size=200))
def test_junk_is_no_receipt(raw):
    with pytest.raises((CodecError, ReceiptError)):
        read(raw)


def test_a_forged_verdict_is_named_by_its_place():
    stranger = SigningKey.from_seed(b"stranger")
    *rest, verdict = WHOLE[0].messages
    forged = Signed(verdict.body, stranger.sign(message_id(verdict.body)))

    with pytest.raises(BadMessageError) as caught:
        verify(Receipt((*rest, forged)))
    assert caught.value.index == 5


def test_empty_and_overlong_chains_are_refused():
    for chain in ((), WHOLE[0].messages, WHOLE[0].messages * 2):
        with pytest.raises(ReceiptError):
            check_chain(chain)
    with pytest.raises(ReceiptError):
        verify(Receipt(()))
    assert len(CHAIN) == 6


def test_published_scores_follow_from_the_receipts():
    """Anyone who holds the receipts recomputes every reputation to the byte."""
    histories: dict[bytes, list[Entry]] = {}
    for event in EVENTS:
        if type(event).__name__ != "Scored":
            continue
        receipt = TOWN.play.receipts[bytes.fromhex(event.receipt)]
        verdict = receipt.messages[-1].body
        assert isinstance(verdict, Verdict)
        assert verdict.worker.hex() == event.worker
        is_accepted = verdict.outcome == "accepted"
        is_lie = Outcome(verdict.outcome) in LIES
        entry = Entry(receipt.identity, is_accepted, event.after > event.before, is_lie)
        histories.setdefault(verdict.worker, []).append(entry)

    assert histories
    for worker, history in histories.items():
        assert replay(history) == TOWN.play.market.standings[worker]
        assert len(history) < 2 or replay(history[::-1]) != replay(history)
        assert replay(history[:-1]).head != replay(history).head


@given(st.lists(st.booleans(), max_size=60))
def test_a_fault_costs_a_third_and_unreplicated_work_earns_nothing(outcomes):
    score = 0
    standing = reputation.Standing()
    for accepted in outcomes:
        score = score + 1 if accepted else score * 2 // 3
        standing = reputation.after(standing, Entry(bytes(32), accepted, accepted))
        alone = reputation.after(standing, Entry(bytes(32), True, False))
        assert alone.score == standing.score == score
    assert standing.accepted + standing.faults == len(outcomes)


def test_another_signer_of_the_same_words_breaks_nothing_else():
    """A receipt of other people is another receipt, not a broken one."""
    assert len({r.identity for r in RECEIPTS}) == len(RECEIPTS)
    with pytest.raises((BadMessageError, BadSignatureError)):
        verify(Receipt((*WHOLE[0].messages[:-1], sign_as(TOWN.provider, WHOLE[0].messages[-1]))))


def sign_as(key, signed):
    return Signed(signed.body, key.sign(message_id(signed.body)))


def test_signing_is_by_the_author():
    with pytest.raises(AssertionError):
        sign(TOWN.verifiers[0], WHOLE[0].messages[0].body)
