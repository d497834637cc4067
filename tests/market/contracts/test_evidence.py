"""Evidence that a contract cannot check is what most of the verifiers' stake finds: on both sides."""

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import structs

from numen.base import merkle
from numen.base.codec import digest
from numen.base.errors import NumenError
from numen.market import events
from numen.market.actor import Answer
from numen.market.bisection import MOVE_MS
from numen.market.coins import BURNT
from numen.market.contracts.asks import Ask, asks, judged
from numen.market.exchange import Post, Verb, step
from numen.market.hearing import FINDING_MS, RECHECK_MS
from numen.market.job import GRACE_MS
from numen.market.message import Call, Cancel, Finding, Kept, message_id, sign
from numen.market.moves import Challenge, Midpoint, Run, Stance, Step
from numen.market.offence import Equivocation, FalseProof, Outcome, Silence
from numen.market.stake import stake_of
from numen.market.task import Optimistic, Snark, Stark
from numen.proof.statement import Snark as SnarkEvidence
from numen.proof.statement import claim_digest, encode_words
from tests.market import test_contest as ring
from tests.market import town
from tests.market.byhand import ANN, BOB, CAT, PROVIDER, STRANGER, VERIFIERS
from tests.market.contracts.twin import TwinDesk, TwinOpening

PRODUCT = town.Job(town.PRODUCT, encode_words((7, 9)), Snark(town.KEY))
RIGHT = town.Machine().run(PRODUCT.program, PRODUCT.inputs, 10**6)
RUN = town.Job(ring.PROGRAM.id, ring.RAW, Optimistic(1_000))


class Auditor(ring.Checker):
    """Checks products by multiplying, steps by taking them, and all else by a name."""

    def check(self, task, claim, evidence) -> None:
        if isinstance(task.policy, Snark):
            town.Notary().check(task, claim, evidence)
        elif evidence != shown_by(claim):
            raise NumenError("that shows nothing")


def shown_by(claim) -> Kept:
    return Kept(digest("test/shown/1", claim_digest(claim)))


class Desk(TwinDesk):
    """A task that wants evidence: of a product, or of a run."""

    checker = Auditor()

    def proof(self, key, *, is_true=True):
        result = self.result(key, RIGHT)
        if isinstance(self.task.policy, Stark):
            return structs.replace(result, evidence=shown_by(result.claim) if is_true else None)
        evidence = town.Notary().prove(self.task, PRODUCT.inputs)
        false = SnarkEvidence(town.KEY, b"nothing", evidence.public)
        return structs.replace(result, evidence=evidence if is_true else false)

    def prove(self, key, *, is_true=True):
        """Seat a worker that binds itself and opens."""
        self.seat(key)
        self.post(key, self.execution(key, RIGHT))
        return self.post(key, self.proof(key, is_true=is_true))

    def found(self, key, holds, about=None):
        about = about or next(reversed(self.market.hearings))
        return Finding(self.id, key.address, about, holds)

    def find(self, *holds, about=None):
        for key, each in zip(VERIFIERS, holds, strict=False):
            self.post(key, self.found(key, each, about))

    def finding_of(self, key, about):
        """What the contract would be told of a finding, whatever the market says of it."""
        signature = sign(key, self.found(key, True, about)).signature
        task, named = (int.from_bytes(raw, "big") for raw in (self.id, about))
        return task, key.address, named, True, signature

    def ask(self, key, body) -> Ask:
        """What the contract would be asked of a message that the market takes."""
        submission = Post(sign(key, body))
        after, happened = step(self.market, submission, self.now, self.checker)
        (ask,) = asks(self.market, after, submission, happened)
        return ask


@pytest.fixture(autouse=True)
def _twinned(monkeypatch):
    monkeypatch.setattr(town, "Opening", TwinOpening)


POLICIES = (Snark(town.KEY), Stark(), Snark(town.KEY, bytes(32)))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_true_proof_is_settled_by_most_of_the_stake_and_paid(policy):
    table = Desk(PRODUCT, policy=policy)
    table.prove(ANN)
    assert table.job.phase.value == "examined"
    table.find(True)
    assert table.job.phase.value == "examined", "a third of the stake decides nothing"
    table.find(True, True)
    assert table.job.phase.value == "settled"
    table.judge(table.verdict(ANN))
    assert table.market.standing(ANN.address).score == 1, "what was shown counts as replicated"


def test_a_false_proof_costs_the_pledge_once_most_of_the_stake_found_it_false():
    table = Desk(PRODUCT)
    table.prove(ANN, is_true=False)
    chain = table.job.seats[ANN.address].chain
    body = structs.replace(table.verdict(ANN, Outcome.FALSE_PROOF), claim=bytes(32))
    early = judged(sign(VERIFIERS[0], body), FalseProof(chain))
    assert "not found" in table.twin.refusal(early, table.now)
    assert "not found" in table.misjudged(body, FalseProof(chain))
    table.find(False, False)
    table.judge(body, FalseProof(chain))
    assert table.market.standing(ANN.address).faults == 1
    assert table.market.standing(ANN.address).score == 0
    table.post(BOB, table.offer(BOB))
    table.post(VERIFIERS[0], table.match(BOB))
    table.post(BOB, table.execution(BOB, RIGHT))
    table.post(BOB, table.proof(BOB))
    table.find(True, True)
    assert table.job.phase.value == "settled"


def test_who_finds_otherwise_loses_a_tenth_of_its_stake():
    table = Desk(PRODUCT)
    table.prove(ANN)
    (about,) = table.market.hearings
    stakes = {key: table.market.coins.balance(stake_of(key.address)) for key in VERIFIERS}

    def lost():
        return [stakes[k] - table.market.coins.balance(stake_of(k.address)) for k in VERIFIERS]

    table.find(True, False, False)
    tenth = 50_000 // 10
    assert lost() == [tenth, 0, 0]
    assert table.job.phase.value == "working", "most of the stake found it false"
    assert table.market.coins.balance(BURNT) == tenth
    assert table.market.hearings[about].holds is False


def test_a_majority_is_turned_by_a_larger_one_while_its_stake_is_here():
    table = Desk(PRODUCT)
    table.prove(ANN)
    (about,) = table.market.hearings
    table.find(False, False)
    assert table.market.hearings[about].holds is False
    # The provider has the coins to become the largest verifier, and no say in the first decision.
    identity, first = table.market.identity, table.market.nonces[PROVIDER.address]
    table.wait(3 * 60_000)
    for offset, (verb, amount) in enumerate(
        ((Verb.UNLOCK, 0), (Verb.WITHDRAW, 0), (Verb.JOIN_AS_VERIFIER, 190_000))
    ):
        table.post(PROVIDER, Call(identity, PROVIDER.address, first + offset, verb.value, amount))
        table.wait(3 * 60_000)
    burnt = table.market.coins.balance(BURNT)
    table.post(PROVIDER, table.found(PROVIDER, True, about))
    hearing = table.market.hearings[about]
    assert (hearing.holds, hearing.is_turned) == (True, True)
    assert table.market.coins.balance(BURNT) == burnt + 2 * 5_000
    # It is turned once, and within its time.
    assert table.refused(VERIFIERS[2], table.found(VERIFIERS[2], False, about))
    table.wait(RECHECK_MS)
    assert not table.market.hearings


def test_verifiers_that_find_nothing_cost_nobody_a_pledge():
    table = Desk(PRODUCT)
    table.prove(ANN)
    table.find(True)
    table.wait(FINDING_MS + 1)
    assert table.job.phase.value == "failed"
    assert table.refused(VERIFIERS[1], table.found(VERIFIERS[1], True))
    table.judge(table.verdict(ANN, Outcome.RELEASED))
    assert table.market.standing(ANN.address).faults == 0


def test_a_finding_is_its_verifiers_about_this_once():
    table = Desk(PRODUCT)
    table.prove(ANN)
    (about,) = table.market.hearings
    ask = table.ask(VERIFIERS[0], table.found(VERIFIERS[0], True))
    task, who, about_, holds, signature = ask.args
    twin = table.twin

    def refusal(*args, name="finding"):
        return twin.refusal(Ask(name, args), table.now)

    assert "another account" in refusal(task, who, about_, not holds, signature)
    assert "another account" in refusal(task, who, about_ ^ 1, holds, signature)
    assert "another account" in refusal(task, VERIFIERS[1].address, about_, holds, signature)
    assert "nothing is heard" in refusal(*table.finding_of(ANN, bytes(32)))
    table.find(True)
    assert "a finding already" in twin.refusal(ask, table.now)
    assert table.refused(VERIFIERS[0], table.found(VERIFIERS[0], False, about))
    assert "no stake" in refusal(*table.finding_of(ANN, about))
    assert table.refused(ANN, table.found(ANN, True, about))
