"""The market's contract comes to what `numen.market` comes to, byte for byte."""

import inspect
from contextlib import suppress

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import structs

from numen.market.contracts.asks import AskError
from numen.market.contracts.books import of_market
from numen.market.exchange import Verb
from numen.market.job import OBJECTION_MS
from numen.market.message import Assent, Buy, Call, Cancel, Ramp, sign
from numen.market.offence import Equivocation, Outcome, Silence, WrongAnswer
from numen.market.registry import registration
from numen.market.stake import UNBONDING_MS
from numen.market.task import Quorum
from numen.net.identity import NodeKey
from numen.proof.statement import Snark, claim_digest
from tests.market import (
    test_contest,
    test_desk,
    test_exchange,
    test_hardware,
    test_resale,
    town,
)
from tests.market.byhand import ANN, BOB, CAT, FALSE, JOB, PROVIDER, STRANGER, TRUE, VERIFIERS
from tests.market.contracts.twin import TwinDesk, TwinOpening, TwinPlay

NODES = [NodeKey.from_seed(bytes([i])) for i in range(2)]
ALL_JOBS = town.QUORUM_JOBS + town.SNARK_JOBS
MODULES = (test_desk, test_exchange, test_resale)
STORIES = [
    story
    for module in MODULES
    for name, story in vars(module).items()
    if name.startswith("test_") and not hasattr(story, "hypothesis")
    if "Desk" in vars(module) and not inspect.signature(story).parameters
    if "Desk(" in (text := inspect.getsource(story)) or "disputed(" in text or "sold(" in text
]
PLAYS = [
    story
    for module in (test_contest, test_hardware)
    for name, story in vars(module).items()
    if name.startswith("test_") and "played(" in inspect.getsource(story)
    if not inspect.signature(story).parameters
    if "sold_again" not in name  # the contract cannot see that a quote suffices
]


@pytest.fixture
def _twinned(monkeypatch):
    monkeypatch.setattr(town, "Opening", TwinOpening)
    monkeypatch.setattr(town, "Play", TwinPlay)
    monkeypatch.setattr(test_contest, "Play", TwinPlay)
    for module in MODULES:
        monkeypatch.setattr(module, "Desk", TwinDesk)


def test_the_stories_were_found():
    assert len(STORIES) > 40


@pytest.mark.usefixtures("_twinned")
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_every_story_of_the_exchange_is_the_contracts_too(story):
    with suppress(AskError):  # what a market on a ledger refuses: `test_lies`
        story()


@pytest.mark.usefixtures("_twinned")
@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.__name__)
def test_every_play_of_contests_and_quotes_is_the_contracts_too(play):
    play()
    assert TwinOpening.latest.number > len(TwinOpening.latest.books.people)


@pytest.mark.usefixtures("_twinned")
@pytest.mark.parametrize(("seed", "jobs"), [(0, town.QUORUM_JOBS), (1, ALL_JOBS)])
def test_whole_markets_agree_step_by_step(seed, jobs):
    built = town.build(seed, jobs)
    list(built.play.run())
    books = built.play.twin.books

    assert books == of_market(built.play.market)
    assert books.identity == of_market(built.play.market).identity
    assert sum(person.faults for person in books.people) >= 1
    assert sum(person.accepted for person in books.people) >= len(jobs)
    assert books.burnt > 0


@pytest.mark.usefixtures("_twinned")
def test_a_proof_that_nobody_asked_for_earns_no_reputation():
    """Else a worker alone could write one into any answer, and be trusted for it."""
    table = TwinDesk(structs.replace(JOB, policy=Quorum(1, 1)))
    table.seat(ANN)
    table.post(ANN, table.execution(ANN))
    shown = Snark(bytes(32), b"nothing", ())
    table.post(ANN, structs.replace(table.result(ANN), evidence=shown))
    table.wait(OBJECTION_MS + 1)
    table.judge(table.verdict(ANN))

    standing = table.market.standing(ANN.address)
    assert (standing.score, standing.accepted) == (0, 1)


class Histories(RuleBasedStateMachine):
    """Everybody hands in anything at any moment; what is refused changes neither side."""

    def __init__(self) -> None:
        super().__init__()
        town.Opening, self.plain = TwinOpening, town.Opening
        self.table = TwinDesk(JOB, policy=Quorum(2, 4))
        self.executed = {}

    def teardown(self) -> None:
        town.Opening = self.plain

    workers = st.sampled_from([ANN, BOB, CAT])
    anyone = st.sampled_from([PROVIDER, ANN, BOB, *VERIFIERS, STRANGER])

    @property
    def seats(self):
        job = self.table.market.jobs.get(self.table.id)
        return job.seats if job else {}

    @rule(
        bid=st.sampled_from([300, 800, 4000]),
        nonce=st.integers(0, 2),
        ramp=st.none()
        | st.builds(
            Ramp,
            st.sampled_from([300, 900, 4000]),
            st.sampled_from([0, 500, 5000, 2**64 - 1]),
            st.sampled_from([1, 1000, 900_000]),
        ),
    )
    def request(self, bid, nonce, ramp):
        request = structs.replace(self.table.request(bid, nonce), ramp=ramp)
        self.table.post(PROVIDER, request)

    @rule(key=st.sampled_from([PROVIDER, ANN, STRANGER]), trust=st.sampled_from([1, 4, 5]))
    def buy(self, key, trust):
        market, task = self.table.market, self.table.task
        nonce = market.nonces.get(key.address, 0)
        policy = Quorum(2, trust)
        bought = Buy(market.identity, key.address, nonce, task.program, task.inputs, policy, 10_000)
        self.table.post(key, bought)

    @rule(key=workers, ask=st.sampled_from([50, 400]))
    def offer(self, key, ask):
        self.table.post(key, self.table.offer(key, ask))

    @rule(key=workers)
    def match(self, key):
        job = self.table.market.jobs.get(self.table.id)
        if job is not None and key.address in job.offers:
            self.table.post(VERIFIERS[0], self.table.match(key))

    @rule(key=workers, answer=st.sampled_from([TRUE, TRUE, FALSE]))
    def execute(self, key, answer):
        if key.address in self.seats:
            self.executed.setdefault(key.address, answer)
            self.table.post(key, self.table.execution(key, answer))

    @rule(key=workers)
    def open(self, key):
        if key.address in self.seats and key.address in self.executed:
            self.table.post(key, self.table.result(key, self.executed[key.address]))

    @rule(key=st.sampled_from([*VERIFIERS, ANN]), answer=st.sampled_from([TRUE, TRUE, FALSE]))
    def vote(self, key, answer):
        self.table.post(key, self.table.vote(key, answer))

    @rule(key=st.sampled_from([*VERIFIERS, ANN]))
    def assent(self, key):
        job = self.table.market.jobs.get(self.table.id)
        if job is not None and job.claim is not None:
            claim = claim_digest(job.claim)
            self.table.post(key, Assent(self.table.id, key.address, claim))

    @rule(key=workers, outcome=st.sampled_from(list(Outcome)))
    def judge(self, key, outcome):
        if key.address not in self.seats:
            return
        chain = self.seats[key.address].chain
        votes = tuple(self.table.job.votes.values())
        first = self.table.execution(key, TRUE), self.table.execution(key, FALSE)
        accusations = {
            Outcome.WRONG_ANSWER: WrongAnswer(chain, votes),
            Outcome.NO_EXECUTION: Silence(chain),
            Outcome.NO_REVEAL: Silence(chain),
            Outcome.EQUIVOCATION: Equivocation(chain[:3], *(sign(key, body) for body in first)),
        }
        self.table.judge(self.table.verdict(key, outcome), accusations.get(outcome))

    @rule(
        key=anyone,
        verb=st.sampled_from(list(Verb)),
        amount=st.sampled_from([0, 500, 1000, 60_000, 10**6]),
    )
    def call(self, key, verb, amount):
        market = self.table.market
        nonce = market.nonces.get(key.address, 0)
        self.table.post(key, Call(market.identity, key.address, nonce, verb.value, amount))

    @rule(key=anyone, of=st.sampled_from([*NODES, None]), stale=st.sampled_from([0, 0, 1]))
    def register(self, key, of, stale):
        market = self.table.market
        nonce = market.nonces.get(key.address, 0)
        body = registration(market.identity, key.address, nonce - min(stale, nonce), of)
        self.table.post(key, structs.replace(body, nonce=nonce))

    @rule(key=st.sampled_from([PROVIDER, ANN]))
    def cancel(self, key):
        self.table.post(key, Cancel(key.address, self.table.id))

    @rule(ms=st.sampled_from([1, 900, 1100, 2100, 11_000, 400_000, UNBONDING_MS]))
    def wait(self, ms):
        if self.table.now < 4 * UNBONDING_MS:
            self.table.wait(ms)

    @invariant()
    def books_agree(self):
        self.table.twin.require_equal(self.table.market)


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=5, stateful_step_count=25, deadline=None, phases=[Phase.generate]
)
