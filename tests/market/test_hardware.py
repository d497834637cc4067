"""Tasks that want a quote: true ones are paid, false ones fined, and anyone judges alike later."""

from datetime import UTC, datetime

import msgspec
import pytest

from numen.base.codec import CodecError, decode, digest, encode
from numen.base.errors import NumenError
from numen.market import events
from numen.market.actor import claim_of
from numen.market.coins import Pocket
from numen.market.exchange import Post, step
from numen.market.hardware import check_quote
from numen.market.message import Buy, sign
from numen.market.offence import (
    CASE_MAX_BYTES,
    Case,
    FalseProof,
    OffenceError,
    Outcome,
    judge,
)
from numen.market.task import Hardware, Quorum, Task
from numen.market.worker import Behaviour, Profile
from numen.proof.quote import Tcb, bind
from numen.proof.statement import UnboundError, UnprovenError, claim_digest
from numen.proof.tee.platforms import examine
from tests.market.record import Record
from tests.market.town import COLLATZ, Job, Machine, Notary, build
from tests.proof.tee import forge

# The clock of the town begins in 1970, and so do the certificates of its chips.
CHIP = forge.authority(begins=datetime(1970, 1, 1, tzinfo=UTC))
MEASUREMENT = digest("test/measurement/1", COLLATZ)
LAUNCH = examine(forge.snp(CHIP, b""), forge.trust(CHIP), 1).launch.identity
POLICY = Hardware(MEASUREMENT, "snp", tuple(CHIP.roots), (LAUNCH,))
JOBS = tuple(Job(COLLATZ, (27 + i).to_bytes(4, "big"), POLICY, bid=600) for i in range(3))
STAKES: dict[bytes, int] = {}
DEBUG = 1 << 17 | 1 << 19


class Enclave:
    """Trusted hardware of the town."""

    def run(self, task, inputs, nonce):
        answer = Machine().run(task.program, inputs, task.work_limit)
        report = bind(MEASUREMENT, claim_digest(claim_of(task, answer)), nonce)
        return answer, forge.snp(CHIP, report)


class Open(Enclave):
    """An enclave in debug mode, into which its owner can look."""

    def run(self, task, inputs, nonce):
        answer, quote = super().run(task, inputs, nonce)
        return answer, forge.snp(CHIP, quote.document[0x50:0x70], policy=DEBUG)


class Broken(Enclave):
    """An enclave that does not answer."""

    def run(self, task, inputs, nonce):
        raise NumenError("the hardware does not answer")


def played(people, attester, jobs=JOBS):
    town = build(5, jobs, people, attester=attester)
    return town, list(town.play.run())


HONEST = (Profile(Behaviour.HONEST),) * 2


def of(log, kind):
    return [event for event in log if isinstance(event, kind)]


def test_a_quoted_answer_is_settled_at_once_and_paid():
    town, log = played(HONEST, Enclave())

    assert [event.evidence for event in of(log, events.Settled)] == ["quote"] * len(JOBS)
    assert {event.outcome for event in of(log, events.Judged)} == {"accepted"}
    assert {event.policy for event in of(log, events.Posted)} == {"quote of snp"}
    assert not of(log, events.Slashed)
    assert town.play.market.coins.total() == town.opening.market.coins.total()


def test_a_quote_is_sold_again_to_who_accepts_its_age():
    """Its nonce is the first buyer's match: it is fresh for nobody else."""
    town, _ = played(HONEST, Enclave())
    market, now_ms = town.play.market, town.play.now_ms + 5_000
    (entry,) = (e for e in market.store.entries.values() if e.task.number == 0)

    def buy(policy):
        key = town.provider
        nonce = market.nonces.get(key.address, 0)
        task = entry.task
        body = Buy(market.identity, key.address, nonce, task.program, task.inputs, policy, 10**6)
        return step(market, Post(sign(key, body)), now_ms, Notary())

    _, (refused,) = buy(POLICY)
    assert "somebody else's match" in refused.reason
    age_ms = now_ms - entry.since_ms
    assert f"{age_ms} ms ago" in refused.reason
    _, (refused,) = buy(msgspec.structs.replace(POLICY, age_max_ms=age_ms - 1))
    assert "accept that age" in refused.reason
    other = msgspec.structs.replace(POLICY, age_max_ms=age_ms, measurement=bytes(32))
    _, (refused,) = buy(other)
    assert "no such answer" in refused.reason
    after, (resold, *_) = buy(msgspec.structs.replace(POLICY, age_max_ms=age_ms))
    assert after is not market
    assert (resold.age_ms, resold.surety) == (age_ms, 0)


def test_a_false_quote_costs_the_pledge_and_settles_nothing():
    town, log = played((Profile(Behaviour.WRONG),) * 2, Enclave())

    assert not of(log, events.Settled)
    fines = of(log, events.Slashed)
    assert {fine.outcome for fine in fines} == {"false proof"}
    for fine in fines:
        case = decode(Case, bytes.fromhex(fine.evidence), size_max=CASE_MAX_BYTES)
        assert judge(case.accusation, Record(verifier_stakes=STAKES)).worker.hex() == fine.worker
    assert town.play.market.coins.in_pocket(Pocket.BURNT) == sum(fine.burnt for fine in fines)


@pytest.mark.parametrize("attester", [Broken(), Open()], ids=["broken", "in debug mode"])
def test_an_honest_worker_shows_no_quote_that_does_not_hold(attester):
    _, log = played(HONEST, attester)

    assert not of(log, events.Settled)
    assert not of(log, events.Executed)
    assert {fine.outcome for fine in of(log, events.Slashed)} == {"no execution"}


def test_workers_without_hardware_leave_such_tasks_alone():
    town, log = played(HONEST, None)

    assert not of(log, events.Offered)
    assert not of(log, events.Settled)
    assert town.play.market.coins.in_pocket(Pocket.BID) == 0


def whole_chain():
    town, _ = played(HONEST, Enclave())
    receipt = next(r for r in town.play.receipts.values() if r.is_complete)
    keys = {key.address: key for key in town.workers}
    return receipt.messages[:5], keys


def test_a_true_quote_is_no_offence_and_each_lie_about_it_is():
    chain, keys = whole_chain()
    with pytest.raises(OffenceError, match="true"):
        judge(FalseProof(chain), Record(verifier_stakes=STAKES))

    result = chain[-1].body
    report = result.evidence.document[0x50:0x70]
    old = bind(MEASUREMENT, claim_digest(result.claim), bytes(32))
    other = bind(bytes(32), claim_digest(result.claim), chain[3].body.match)
    for evidence in (
        None,
        forge.snp(CHIP, old),
        forge.snp(CHIP, other),
        forge.snp(CHIP, report, policy=DEBUG),
        forge.snp(CHIP, report, at_90=b"\xff"),
        msgspec.structs.replace(result.evidence, platform="nitro"),
        msgspec.structs.replace(result.evidence, endorsements=forge.authority().chain),
    ):
        body = msgspec.structs.replace(result, evidence=evidence)
        lie = (*chain[:-1], sign(keys[result.worker], body))
        found = judge(FalseProof(lie), Record(verifier_stakes=STAKES))
        assert found.outcome is Outcome.FALSE_PROOF


def test_the_time_of_a_quote_counts_from_when_its_market_was_born():
    chain, _ = whole_chain()
    with pytest.raises(OffenceError, match="true"):
        judge(FalseProof(chain), Record(verifier_stakes=STAKES, born_ms=1_000))
    late = Record(verifier_stakes=STAKES, born_ms=100 * 86_400_000)
    assert judge(FalseProof(chain), late).outcome is Outcome.FALSE_PROOF


def test_the_time_of_a_quote_is_the_matchs_whenever_it_is_judged():
    chain, _ = whole_chain()
    task, match, result = chain[0].body.task, chain[2].body, chain[4].body
    about = {"task": task, "claim": result.claim, "evidence": result.evidence}
    nonce = chain[3].body.match
    check_quote(**about, match=nonce, due_ms=match.commit_by_ms)
    with pytest.raises(UnprovenError, match="expired"):
        check_quote(**about, match=nonce, due_ms=match.commit_by_ms + 100 * 86_400_000)
    with pytest.raises(UnboundError):
        check_quote(**about, match=bytes(32), due_ms=match.commit_by_ms)
    other = msgspec.structs.replace(result.claim, inputs=bytes(32))
    with pytest.raises(UnboundError, match="input"):
        check_quote(task, other, result.evidence, match=nonce, due_ms=match.commit_by_ms)


@pytest.mark.parametrize(
    "change",
    [
        {"roots": ()},
        {"launches": ()},
        {"platform": "sgx"},
        {"roots": (bytes(31),)},
        {"floor": (1, 2, 3)},
        {"floor": (1, 2, 3, 256)},
        {"tcb_min": 9},
    ],
)
def test_a_policy_that_makes_no_sense_is_no_task(change):
    chain, _ = whole_chain()
    task = chain[0].body.task
    policy = msgspec.structs.replace(POLICY, **change)
    with pytest.raises(CodecError, match="not a canonical"):
        encode(msgspec.structs.replace(task, policy=policy))


def test_policies_have_canonical_bytes():
    chain, _ = whole_chain()
    task = chain[0].body.task
    for policy in (
        POLICY,
        msgspec.structs.replace(POLICY, tcb_min=Tcb.UP_TO_DATE, floor=(3, 0, 8, 115)),
        Quorum(3, 4),
    ):
        wanted = msgspec.structs.replace(task, policy=policy)
        assert decode(Task, encode(wanted)) == wanted
