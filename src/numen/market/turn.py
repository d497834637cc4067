"""One step of the market while it is being made: state that moves, events that gather."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from numen.base.codec import digest
from numen.base.crypto import Hash32
from numen.base.eip712 import Domain
from numen.base.errors import NumenError
from numen.market import events
from numen.market.auction import Book
from numen.market.coins import Ledger, Transfer
from numen.market.escrow import Escrow
from numen.market.hearing import Hearing
from numen.market.job import Job
from numen.market.message import Execution, Kept, Result
from numen.market.reputation import Standing
from numen.market.resale import Store
from numen.market.stake import Role, Stakes, stake_of
from numen.market.task import Task
from numen.market.vigilance import NO_CALM, Calm
from numen.proof.statement import Claim, Evidence
from numen.proof.walk import Shown

JOBS_MAX = 4096
"""Most tasks that live in one market at a time."""


class Checker(Protocol):
    """Checks evidence of kinds that carry themselves, such as proofs."""

    def check(self, task: Task, claim: Claim, evidence: Evidence | Kept) -> None:
        """Check evidence under a task's policy; raises `NumenError` when it does not hold."""
        ...

    def following(self, task: Task, answer: bytes, shown: Shown) -> bytes:
        """Take a step of the walk that ends where an answer is right (`numen.proof.walk`).

        Returns:
            Digest of the state after it.

        Raises:
            NumenError: What is shown is not a state and the cells that the step touches.
        """
        ...


class Market(msgspec.Struct, frozen=True):
    """The whole state of a market.

    Attributes:
        identity: Its id; messages for another market are refused.
        coins: Every coin there is.
        escrow: Payers' deposits and reserves, and which tickets were paid.
        book: Tasks that wait for workers.
        stakes: Who has a stake, and what of it is pledged.
        jobs: Tasks that live, by id.
        done: When each finished task would have expired; it cannot come again before.
        standings: Reputation by worker.
        nonces: Calls that each owner has made.
        head: Digest over all messages so far.
        born_ms: Milliseconds since 1970 at which its time began: what certificates go by.
        store: Answers that can be bought again.
        calm: Quorums that were settled since a lie was found that no worker contradicted.
        on_ledger: Whether a contract settles it: coins can leave, and what the contract cannot see
            is what the verifiers find.
        nodes: Which node is whose, by owner.
        hearings: What verifiers find, by the digests of the messages that they look at.
    """

    identity: bytes
    coins: Ledger
    escrow: Escrow
    book: Book = Book()
    stakes: Stakes = Stakes()
    jobs: dict[bytes, Job] = {}
    done: dict[bytes, int] = {}
    standings: dict[bytes, Standing] = {}
    nonces: dict[bytes, int] = {}
    head: bytes = bytes(32)
    born_ms: int = 0
    store: Store = Store()
    calm: Calm = NO_CALM
    on_ledger: bool = False
    nodes: dict[bytes, bytes] = {}
    hearings: dict[bytes, Hearing] = {}

    def standing(self, worker: bytes) -> Standing:
        """Reputation of a worker, known or not."""
        return self.standings.get(worker, Standing())


class Head(msgspec.Struct, frozen=True, array_like=True):
    """A step of the digest over all messages.

    Attributes:
        before: The digest so far.
        message: Id of the message that is added.
    """

    before: Hash32
    message: Hash32


class MarketError(NumenError):
    """A message makes no sense in the present state of the market, which it does not change."""


class Turn:
    """One step in the making. It is thrown away when the step is refused.

    Attributes:
        market: State as changed so far.
        now_ms: The present moment.
        checker: Checks proofs.
        events: What happened so far.
    """

    def __init__(self, market: Market, now_ms: int, checker: Checker) -> None:
        self.market = market
        self.now_ms = now_ms
        self.checker = checker
        self.events: list[events.Event] = []

    def set(self, **changes: object) -> None:
        """Replace parts of the state."""
        self.market = msgspec.structs.replace(self.market, **changes)

    def move(self, transfers: Iterable[Transfer]) -> None:
        """Move coins; raises `coins.NotEnoughError` when they are not there."""
        self.set(coins=self.market.coins.apply(transfers))

    def put(self, job: Job) -> Job:
        """Store a job and give it back."""
        self.set(jobs={**self.market.jobs, job.identity: job})
        return job

    def change(self, job: Job, **changes: object) -> Job:
        """Replace parts of a job and store it."""
        return self.put(msgspec.structs.replace(job, **changes))

    def emit(self, event: events.Event) -> None:
        """Say what happened."""
        self.events.append(event)

    def hear(self, message: bytes) -> None:
        """Add a message to the digest over all of them."""
        self.set(head=digest("numen/head/1", Head(self.market.head, message)))

    def count(self, owner: bytes, nonce: int) -> None:
        """Count a call or purchase of an owner; raises `MarketError` when it is not the next."""
        expected = self.market.nonces.get(owner, 0)
        if nonce != expected:
            raise MarketError(f"call number {nonce} where {expected} should follow")
        self.set(nonces={**self.market.nonces, owner: expected + 1})

    def job(self, identity: bytes) -> Job:
        """Find a living task; raises `MarketError` when there is none."""
        if identity not in self.market.jobs:
            raise MarketError(f"no living task 0x{identity.hex()}")
        return self.market.jobs[identity]

    def score(self, worker: bytes) -> int:
        """Reputation of a worker."""
        return self.market.standing(worker).score

    def scores(self, workers: Iterable[bytes]) -> dict[bytes, int]:
        """Reputations of workers."""
        return {worker: self.score(worker) for worker in workers}


class TurnRecord:
    """What evidence is judged against: the market at one moment."""

    def __init__(self, turn: Turn, job: Job | None) -> None:
        self._turn = turn
        self._job = job

    @property
    def now_ms(self) -> int:
        return self._turn.now_ms

    @property
    def born_ms(self) -> int:
        return self._turn.market.born_ms

    @property
    def verifier_stakes(self) -> Mapping[bytes, int]:
        return verifier_stakes(self._turn.market)

    def has_answered(self, match: bytes, kind: type[Execution | Result]) -> bool:
        found = None if self._job is None else self._job.seat_of_match(match)
        return found is not None and any(isinstance(s.body, kind) for s in found[1].chain)

    def check_evidence(self, task: Task, claim: Claim, evidence: Evidence | Kept) -> None:
        self._turn.checker.check(task, claim, evidence)


def verifier_stakes(market: Market) -> dict[bytes, int]:
    """Give the stake of every active verifier, in coins."""
    return {
        owner: market.coins.balance(stake_of(owner))
        for owner in market.stakes.stakers
        if market.stakes.is_active(owner, Role.VERIFIER)
    }


def new_market(
    domain: Domain, coins: Ledger, born_ms: int = 0, *, on_ledger: bool = False
) -> Market:
    """Make a market with coins and nothing else."""
    identity, escrow = market_id(domain), Escrow(domain)
    return Market(identity, coins, escrow, born_ms=born_ms, on_ledger=on_ledger)


def market_id(domain: Domain) -> bytes:
    """Name a market by the chain and contract it settles on; 32 bytes."""
    return digest("numen/market/1", domain.separator())
