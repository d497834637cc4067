"""Evidence that a contract cannot check is what most of the stake finds, on both sides."""

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import structs

from numen.base import merkle
from numen.base.codec import digest, encode
from numen.base.errors import NumenError
from numen.market.actor import Answer
from numen.market.bisection import MOVE_MS
from numen.market.coins import BURNT
from numen.market.contracts.asks import Ask, asks, judged
from numen.market.duel import Bluff, committed
from numen.market.exchange import Post, Verb, step
from numen.market.hearing import FINDING_MS, RECHECK_MS
from numen.market.job import GRACE_MS
from numen.market.message import Buy, Call, Cancel, Finding, Kept, sign
from numen.market.moves import Challenge, Midpoint, Stance, Step
from numen.market.offence import Equivocation, FalseProof, Outcome, Silence
from numen.market.stake import stake_of
from numen.market.task import Optimistic, Snark, Stark, task_id
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

    def renew(self):
        """Want the same again, in a new task."""
        number, expires_ms = self.task.number + 1, self.now + 400_000
        self.task = structs.replace(self.task, number=number, expires_ms=expires_ms)
        self.id = task_id(self.task)

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
    assert table.market.hearings[about].is_wrong, "everybody sees that the evidence holds"
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
    assert (hearing.holds, hearing.is_turned, hearing.is_wrong) == (True, True, False)
    assert table.market.coins.balance(BURNT) == burnt + 2 * 5_000
    # It is turned once, and within its time.
    assert table.refused(VERIFIERS[2], table.found(VERIFIERS[2], False, about))
    table.wait(RECHECK_MS)
    assert not table.market.hearings


def test_a_proof_is_sold_again_under_the_very_policy_it_was_made_for():
    table = Desk(PRODUCT)
    table.prove(ANN)
    table.find(True, True)
    table.judge(table.verdict(ANN))
    market, task = table.market, table.task
    nonce, free = market.nonces[CAT.address], table.held(ANN)
    wanted = (task.program, task.inputs, task.policy, 10_000)
    bought = Buy(market.identity, CAT.address, nonce, *wanted)
    t, purchase, text, signature = table.ask(CAT, bought).args
    other = structs.replace(bought, policy=Snark(bytes(32)))
    lie = (t, purchase, encode(other.policy), sign(CAT, other).signature)
    assert "the evidence is another" in table.twin.refusal(Ask("buy", lie), table.now)
    lie = (t, purchase, encode(other.policy), signature)
    assert "another account" in table.twin.refusal(Ask("buy", lie), table.now)
    assert text == encode(task.policy)
    table.post(CAT, bought)
    assert table.held(ANN) > free


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


class Histories(RuleBasedStateMachine):
    """Everybody hands in anything at any moment about a task for evidence."""

    job, answer = PRODUCT, RIGHT

    def __init__(self) -> None:
        super().__init__()
        town.Opening, self.plain = TwinOpening, town.Opening
        self.table = Desk(self.job)

    def teardown(self) -> None:
        town.Opening = self.plain

    workers = st.sampled_from([ANN, BOB, CAT])
    anyone = st.sampled_from([*VERIFIERS, *VERIFIERS, PROVIDER, ANN, STRANGER])

    @property
    def living(self):
        return self.table.market.jobs.get(self.table.id)

    @property
    def seats(self):
        return self.living.seats if self.living else {}

    @rule(key=workers, far=st.sampled_from([1, 2, 3, 3, 3]), is_true=st.booleans())
    def work(self, key, far, is_true):
        """A worker gets as far as it will: to a seat, a commitment, an answer."""
        table = self.table
        if not self.living:
            table.renew()
        table.post(PROVIDER, table.request())
        if self.living and key.address not in self.seats:
            table.post(key, table.offer(key))
            if key.address in self.living.offers:
                table.post(VERIFIERS[0], table.match(key))
        if key.address in self.seats and far > 1:
            table.post(key, table.execution(key, self.answer))
        if key.address in self.seats and far > 2:
            table.post(key, self.opened(key, is_true=is_true))

    def opened(self, key, *, is_true):
        return self.table.proof(key, is_true=is_true)

    @rule(key=anyone, holds=st.booleans(), place=st.sampled_from([0, 0, 1, 2]))
    def find(self, key, holds, place):
        abouts = [*reversed(self.table.market.hearings), bytes(32)]
        self.table.post(key, self.table.found(key, holds, abouts[place % len(abouts)]))

    @rule(holds=st.lists(st.booleans(), min_size=3, max_size=3))
    def agree(self, holds):
        if self.table.market.hearings:
            self.table.find(*holds)

    @rule(key=workers, outcome=st.sampled_from(list(Outcome)))
    def judge(self, key, outcome):
        if key.address not in self.seats:
            return
        chain = self.seats[key.address].chain
        two = (self.table.execution(key, answer) for answer in (RIGHT, Answer(b"other", 1)))
        accusations = {
            Outcome.FALSE_PROOF: FalseProof(chain),
            Outcome.NO_EXECUTION: Silence(chain),
            Outcome.NO_REVEAL: Silence(chain),
            Outcome.EQUIVOCATION: Equivocation(chain[:3], *(sign(key, body) for body in two)),
        }
        self.table.judge(self.table.verdict(key, outcome), accusations.get(outcome))

    @rule(key=anyone, verb=st.sampled_from(list(Verb)), amount=st.sampled_from([0, 700, 60_000]))
    def call(self, key, verb, amount):
        market = self.table.market
        nonce = market.nonces.get(key.address, 0)
        self.table.post(key, Call(market.identity, key.address, nonce, verb.value, amount))

    @rule(ms=st.sampled_from([1, 900, 1100, GRACE_MS + 1, FINDING_MS + 1, 400_000, 0]))
    def wait(self, ms):
        if ms:
            self.table.wait(ms)
        else:
            self.table.post(PROVIDER, Cancel(PROVIDER.address, self.table.id))

    @invariant()
    def books_agree(self):
        self.table.twin.require_equal(self.table.market)


class Runs(Histories):
    """The same about a run, whose answer is challenged and bisected, rightly and wrongly."""

    job = RUN

    def __init__(self) -> None:
        super().__init__()
        true = ring.walker(self.table.task, ring.RAW, None)
        self.walks = {True: true, False: Bluff(true, bytes(31) + b"\x07")}
        self.answer, self.is_true = Answer(true.answer, true.steps), {}

    def opened(self, key, *, is_true):
        self.is_true.setdefault(key.address, is_true)
        run = committed(self.walks[self.is_true[key.address]])
        return structs.replace(self.table.result(key, self.answer), evidence=run)

    @rule(
        key=Histories.workers, rounds=st.integers(1, 12), wrong=st.sampled_from([0, 0, 0, 1]),
        agrees=st.none() | st.booleans(),
    )  # fmt: skip
    def argue(self, key, rounds, wrong, agrees):
        """Somebody challenges; it and the worker make their moves, or one that is none."""
        for seat in self.seats.values():
            self.table.post(key, Challenge(self.table.id, seat.last, key.address))
        for _ in range(rounds):
            contest = self.living and self.living.contests.get(key.address)
            if not contest:
                return
            at = contest.bisection
            (worker, *_) = (w for w, seat in self.seats.items() if seat.is_open)
            walk, step = self.walks[self.is_true[worker]], at.half + wrong
            who = next(k for k in (ANN, BOB, CAT) if k.address == worker)
            names = (self.table.id, worker, key.address)
            if at.middle is not None:
                says = self.walks[True].digest(step) == at.middle if agrees is None else agrees
                self.table.post(key, Stance(self.table.id, key.address, step, says))
            elif at.is_one_step:
                self.table.post(who, Step(*names, walk.show(at.low)))
                return
            else:
                opening, run = None, at.run
                if step % run.interval == 0:
                    opening = merkle.prove(walk.checkpoints(run.interval), step // run.interval)
                self.table.post(who, Midpoint(*names, step, walk.digest(step), opening))

    @rule(ms=st.sampled_from([MOVE_MS, MOVE_MS + 1]))
    def be_silent(self, ms):
        self.table.wait(ms)


TestProofs, TestRuns = Histories.TestCase, Runs.TestCase
TestProofs.settings = TestRuns.settings = settings(
    max_examples=3, stateful_step_count=25, deadline=None, phases=[Phase.generate]
)


def test_moves_of_others_and_moves_again_are_refused():
    """Of every message about evidence: signed by somebody else, changed, or handed in twice."""
    runs, seen = Runs(), set()
    forgery = sign(STRANGER, Cancel(STRANGER.address, bytes(32))).signature
    table, plain = runs.table, runs.table.submit

    def submit(submission):
        after, happened = step(table.market, submission, table.now, table.checker)
        told = list(asks(table.market, after, submission, happened))
        for ask in told:
            *args, signature = ask.args or (b"",)
            if isinstance(signature, bytes) and len(signature) == 65:
                seen.add(ask.name)
                forged = Ask(ask.name, (*args, forgery))
                assert "another account" in table.twin.refusal(forged, table.now)
        given = plain(submission)
        for ask in told:
            if ask.name in ("run_result", "challenge", "midpoint", "stance", "show", "finding"):
                assert table.twin.refusal(ask, table.now)
        return given

    table.submit = submit
    try:
        runs.work(key=ANN, far=3, is_true=False)
        runs.argue(key=BOB, rounds=40, wrong=0, agrees=None)
        runs.agree(holds=[False, False, True])
    finally:
        runs.teardown()
    assert {"run_result", "challenge", "midpoint", "stance", "show", "finding"} <= seen
    assert table.job.seats[ANN.address].outcome is Outcome.LOST_CONTEST
    assert table.market.standing(ANN.address).faults == 1
