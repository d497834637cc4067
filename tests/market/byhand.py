"""A market driven by hand: every message in its turn, every refusal visible."""

import msgspec

from numen.base.crypto import SigningKey, keccak256
from numen.market.actor import Answer, claim_of
from numen.market.coins import wallet
from numen.market.events import Refused
from numen.market.exchange import Judge, Post, Tick, step
from numen.market.message import (
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
from numen.market.offence import Outcome, fine
from numen.market.quorum import commit
from numen.market.task import Quorum, task_id
from numen.proof.statement import claim_digest
from tests.market.town import COLLATZ, Job, Machine, Notary, open_market, task_of

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
