"""Accusations: what evidence shows, and that nothing less shows it."""

import msgspec
import pytest

from numen.base.codec import decode, encode
from numen.base.crypto import SigningKey, keccak256
from numen.base.errors import NumenError
from numen.market.events import Slashed
from numen.market.message import Execution, Result, Signed, Vote, message_id, sign
from numen.market.offence import (
    CASE_MAX_BYTES,
    Case,
    Equivocation,
    FalseProof,
    OffenceError,
    Outcome,
    Silence,
    WrongAnswer,
    judge,
    settled_by_votes,
)
from numen.market.receipt import ReceiptError
from numen.market.task import Quorum, Snark, task_id
from numen.proof.statement import Snark as Proof
from numen.proof.statement import claim_digest
from tests.market.record import Record
from tests.market.town import QUORUM_JOBS, SNARK_JOBS, build

TOWN = build(3)
EVENTS = list(TOWN.play.run())
SLASHED = [e for e in EVENTS if isinstance(e, Slashed)]
STAKES = {key.address: 50_000 for key in TOWN.verifiers}
KEYS = {key.address: key for key in (TOWN.provider, *TOWN.workers, *TOWN.verifiers)}


def case_of(event: Slashed):
    return decode(Case, bytes.fromhex(event.evidence), size_max=CASE_MAX_BYTES).accusation


def first(kind: type, *, length: int = 0):
    cases = (case_of(e) for e in SLASHED)
    return next(c for c in cases if isinstance(c, kind) and len(c.chain) >= length)


@pytest.mark.parametrize("event", SLASHED, ids=lambda e: f"{e.outcome} {e.task[:6]}")
def test_the_log_alone_convicts(event):
    """Whoever has the log can judge each fine again and comes to the same offence."""
    offence = judge(case_of(event), Record(verifier_stakes=STAKES))

    assert (offence.worker.hex(), offence.task.hex()) == (event.worker, event.task)
    assert offence.outcome.value == event.outcome


def whole_chain(policy: type, *, accepted: bool):
    for receipt in TOWN.play.receipts.values():
        is_kind = isinstance(receipt.messages[0].body.task.policy, policy)
        is_accepted = receipt.messages[-1].body.outcome == Outcome.ACCEPTED.value
        if receipt.is_complete and is_kind and is_accepted == accepted:
            return receipt.messages[:-1]
    raise AssertionError("the run has no such seat")


def votes_on(chain, claim, keys=TOWN.verifiers):
    task = task_id(chain[0].body.task)
    signature = b"\x01" * 65
    return tuple(sign(k, Vote(task, k.address, claim, signature)) for k in keys)


def other(claim):
    return msgspec.structs.replace(claim, output=keccak256(b"something else"))


def test_an_answer_the_verifiers_got_too_is_no_offence():
    chain = whole_chain(Quorum, accepted=True)
    votes = votes_on(chain, chain[-1].body.claim)

    with pytest.raises(OffenceError, match="what the verifiers got"):
        judge(WrongAnswer(chain, votes), Record(verifier_stakes=STAKES))


def test_half_of_the_stake_convicts_nobody_and_more_than_half_does():
    chain = whole_chain(Quorum, accepted=True)
    claim = other(chain[-1].body.claim)
    stakes = dict(zip(STAKES, (10, 5, 5), strict=True))

    with pytest.raises(OffenceError, match="half"):
        judge(
            WrongAnswer(chain, votes_on(chain, claim, TOWN.verifiers[:1])),
            Record(verifier_stakes=stakes),
        )
    judge(
        WrongAnswer(chain, votes_on(chain, claim, TOWN.verifiers[:2])),
        Record(verifier_stakes=stakes),
    )


def test_a_verifier_counts_once_and_a_stranger_never():
    chain = whole_chain(Quorum, accepted=True)
    claim, one = other(chain[-1].body.claim), TOWN.verifiers[0]
    strangers = [SigningKey.from_seed(bytes([i])) for i in range(2)]

    for keys in ((one, one, one), (one, *strangers)):
        with pytest.raises(OffenceError, match="half"):
            judge(WrongAnswer(chain, votes_on(chain, claim, keys)), Record(verifier_stakes=STAKES))


def test_votes_that_differ_or_are_on_another_task_settle_nothing():
    chain = whole_chain(Quorum, accepted=True)
    claim = chain[-1].body.claim
    task = task_id(chain[0].body.task)
    one, two, three = votes_on(chain, claim)
    odd = votes_on(chain, other(claim))[2]
    stray = sign(TOWN.verifiers[2], msgspec.structs.replace(three.body, task=b"t" * 32))

    for votes in ((one, two, odd), (one, two, stray), (one, two, chain[0]), (), (one,) * 9):
        with pytest.raises(OffenceError):
            settled_by_votes(votes, task, STAKES)
    assert settled_by_votes((one, two), task, STAKES) == claim


def test_a_forged_vote_convicts_nobody():
    chain = whole_chain(Quorum, accepted=True)
    votes = votes_on(chain, other(chain[-1].body.claim))
    forged = Signed(votes[0].body, TOWN.provider.sign(message_id(votes[0].body)))

    with pytest.raises(NumenError):
        judge(WrongAnswer(chain, (forged, *votes[1:])), Record(verifier_stakes=STAKES))


def test_silence_is_judged_by_the_clock_and_by_what_came():
    for length, kind, outcome in (
        (3, Execution, Outcome.NO_EXECUTION),
        (4, Result, Outcome.NO_REVEAL),
    ):
        chain = first(Silence, length=4).chain[:length]
        match = chain[2].body
        due = match.commit_by_ms if length == 3 else match.reveal_by_ms

        assert (
            judge(Silence(chain), Record(verifier_stakes=STAKES, now_ms=due + 1)).outcome is outcome
        )
        with pytest.raises(OffenceError, match="deadline"):
            judge(Silence(chain), Record(verifier_stakes=STAKES, now_ms=due))
        with pytest.raises(OffenceError, match="in time"):
            judge(Silence(chain), Record(verifier_stakes=STAKES, answered=frozenset([kind])))


def test_who_has_answered_is_not_silent():
    chain = whole_chain(Quorum, accepted=True)
    with pytest.raises(OffenceError, match="nothing is missing"):
        judge(Silence(chain), Record(verifier_stakes=STAKES))


def test_a_true_proof_is_no_offence_and_a_false_one_is():
    chain = whole_chain(Snark, accepted=True)
    with pytest.raises(OffenceError, match="true"):
        judge(FalseProof(chain), Record(verifier_stakes=STAKES))

    result = chain[-1].body
    a, b, c = result.evidence.public
    for evidence in (
        None,
        Proof(result.evidence.key, b"forged", (a, b, c)),
        Proof(result.evidence.key, result.evidence.proof, (a, c, b)),
        Proof(keccak256(b"another key"), result.evidence.proof, (a, b, c)),
    ):
        body = msgspec.structs.replace(result, evidence=evidence)
        lie = (*chain[:-1], sign(KEYS[result.worker], body))
        assert judge(FalseProof(lie), Record(verifier_stakes=STAKES)).outcome is Outcome.FALSE_PROOF


def test_a_quorum_task_asks_for_no_proof():
    with pytest.raises(OffenceError, match="no proof"):
        judge(FalseProof(whole_chain(Quorum, accepted=True)), Record(verifier_stakes=STAKES))


def test_two_executions_for_one_seat_convict():
    chain = whole_chain(Quorum, accepted=True)
    worker = KEYS[chain[1].body.worker]
    second = sign(worker, msgspec.structs.replace(chain[3].body, commitment=b"c" * 32))

    offence = judge(Equivocation(chain[:3], chain[3], second), Record(verifier_stakes=STAKES))
    assert offence.outcome is Outcome.EQUIVOCATION
    with pytest.raises(OffenceError, match="are one"):
        judge(Equivocation(chain[:3], chain[3], chain[3]), Record(verifier_stakes=STAKES))


def test_two_results_for_one_execution_convict():
    chain = whole_chain(Quorum, accepted=True)
    worker = KEYS[chain[1].body.worker]
    second = sign(worker, msgspec.structs.replace(chain[4].body, salt=b"x" * 32))

    offence = judge(Equivocation(chain[:4], chain[4], second), Record(verifier_stakes=STAKES))
    assert offence.outcome is Outcome.EQUIVOCATION


def test_messages_of_other_seats_or_kinds_contradict_nothing():
    chain = whole_chain(Quorum, accepted=True)
    stray = whole_chain(Snark, accepted=True)
    for first_message, second in ((chain[3], stray[3]), (chain[3], chain[4]), (chain[0], chain[1])):
        with pytest.raises(OffenceError):
            judge(Equivocation(chain[:3], first_message, second), Record(verifier_stakes=STAKES))


@pytest.mark.parametrize("length", [0, 1, 2])
def test_before_a_match_there_is_nothing_to_break(length):
    chain = whole_chain(Quorum, accepted=True)[:length]
    for accusation in (Silence(chain), FalseProof(chain), WrongAnswer(chain, ())):
        with pytest.raises((OffenceError, ReceiptError)):
            judge(accusation, Record(verifier_stakes=STAKES))


def test_a_chain_with_a_forged_link_convicts_nobody():
    good = first(Silence, length=4)
    forged = msgspec.structs.replace(good.chain[3].body, match=b"m" * 32)
    lie = (*good.chain[:3], sign(KEYS[forged.worker], forged))

    with pytest.raises(ReceiptError):
        judge(Silence(lie), Record(verifier_stakes=STAKES))


def test_the_town_has_offenders_of_every_kind_it_was_built_with():
    found = {e.outcome for e in SLASHED}
    assert {Outcome.WRONG_ANSWER.value, Outcome.NO_REVEAL.value} <= found
    assert len(QUORUM_JOBS) == 4
    assert len(SNARK_JOBS) == 2
    assert all(
        claim_digest(r.messages[4].body.claim) for r in TOWN.play.receipts.values() if r.is_complete
    )
    assert encode(Case(case_of(SLASHED[0]))).hex() == SLASHED[0].evidence
