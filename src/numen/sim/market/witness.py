"""What must hold of a market after every entry, whatever goes wrong.

No coin more or less; what is escrowed belongs to a task that lives, and a pledge to a seat that is
open; a seat is judged and a ticket paid once; whoever is fined is so by evidence that shows it
again, and an honest worker only for silence while it was away; every task ends, in time.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from numen.base.codec import decode
from numen.base.errors import NumenError
from numen.market import events
from numen.market.coins import Pocket
from numen.market.job import DISPUTE_MS, GRACE_MS, OBJECTION_MS, Job
from numen.market.offence import CASE_MAX_BYTES, LIES, Case, Outcome, judge
from numen.market.task import Task, escrowed
from numen.market.turn import Market, Turn, TurnRecord
from numen.market.verifier import EXECUTION_MS, OPENING_MS
from numen.node.market.buyer import TASK_LIFE_MS
from numen.node.market.notary import Notary
from numen.node.market.replica import Genesis
from numen.sim.market.remembering import Remembering
from numen.sim.witness import BrokenError

LIFE_MAX_MS: Final = (
    TASK_LIFE_MS + EXECUTION_MS + OPENING_MS + OBJECTION_MS + DISPUTE_MS + 2 * GRACE_MS + 20_000
)
"""Longest life of a task: all its phases one after the other, and a hall that is down meanwhile."""


class Witness:
    """Applies every entry that is on the hall's disk, and looks at what came of it.

    Args:
        genesis: What the market begins with.
        honest: Accounts of honest workers and verifiers.
        was_away: Tells whether somebody was away, or cut off, since some moment.
        truth: Tells what a task's claim should be, by its digest.

    Attributes:
        count: How often each kind of event happened.
        ended: How tasks ended, by their ids.
        wrong: Tasks whose settled answer is wrong.
        entries: Entries so far.
    """

    def __init__(
        self,
        genesis: Genesis,
        honest: frozenset[bytes],
        was_away: Callable[[bytes, int], bool],
        truth: Callable[[Task], bytes],
    ) -> None:
        self.count: Counter[str] = Counter()
        self.ended: dict[bytes, str] = {}
        self.wrong = 0
        self.entries = 0
        self._replica = Remembering(genesis, Notary())
        self._supply = genesis.supply
        self._honest, self._was_away, self._truth = honest, was_away, truth
        self._posted: dict[bytes, int] = {}
        self._judged: set[tuple[bytes, bytes]] = set()
        self._redeemed: set[str] = set()
        self._paid: Counter[bytes] = Counter()

    @property
    def head(self) -> bytes:
        """Digest of the last entry."""
        return self._replica.head

    @property
    def market(self) -> Market:
        """The market as it is."""
        return self._replica.market

    def look(self, raw: bytes) -> None:
        """See the next entry.

        Raises:
            BrokenError: Something does not hold.
        """
        before = self._replica.market
        happened = self._replica.read(raw)
        self.entries += 1
        for event in happened:
            self.count[type(event).__name__.lower()] += 1
            self._see(event, before)
        self._weigh(self._replica.market)

    def end(self) -> None:
        """See that nothing is left when all has come to rest.

        Raises:
            BrokenError: A task did not end, or coins are left where they belong to none.
        """
        market = self._replica.market
        missing = self._posted.keys() - self.ended.keys()
        if market.jobs or missing:
            raise BrokenError(f"{len(missing)} tasks did not end")
        for pocket in (Pocket.BID, Pocket.PLEDGE):
            if market.coins.in_pocket(pocket):
                raise BrokenError(f"coins are left in {pocket.value}")

    def _see(self, event: events.Event, before: Market) -> None:
        match event:
            case events.Posted(at_ms, task):
                self._posted[bytes.fromhex(task)] = at_ms
            case events.Judged(_, task, worker, _, paid):
                self._see_judged(bytes.fromhex(task), bytes.fromhex(worker), paid)
            case events.Redeemed(_, ticket):
                if ticket in self._redeemed:
                    raise BrokenError(f"ticket {ticket[:16]} was paid twice")
                self._redeemed.add(ticket)
            case events.Slashed():
                self._see_slashed(event, before)
            case events.Recalled(_, _, worker) if bytes.fromhex(worker) in self._honest:
                raise BrokenError(f"an answer of an honest {worker[:8]} was taken back")
            case events.Settled(_, task, claim):
                living = before.jobs[bytes.fromhex(task)]
                self.wrong += bytes.fromhex(claim) != self._truth(living.task)
            case events.Closed(at_ms, task, how, paid):
                self._see_closed(bytes.fromhex(task), at_ms, how, paid)
            case _:
                pass

    def _see_judged(self, task: bytes, worker: bytes, paid: int) -> None:
        if (task, worker) in self._judged:
            raise BrokenError("a seat was judged twice")
        self._judged.add((task, worker))
        self._paid[task] += paid

    def _see_closed(self, task: bytes, at_ms: int, how: str, paid: int) -> None:
        if task in self.ended:
            raise BrokenError("a task ended twice")
        if paid != self._paid[task]:
            raise BrokenError(f"{paid} coins for answers, where verdicts paid {self._paid[task]}")
        if at_ms - self._posted[task] > LIFE_MAX_MS:
            raise BrokenError(f"a task lived for {at_ms - self._posted[task]} ms")
        self.ended[task] = how

    def _see_slashed(self, event: events.Slashed, before: Market) -> None:
        worker, job = bytes.fromhex(event.worker), before.jobs.get(bytes.fromhex(event.task))
        outcome = Outcome(event.outcome)
        self._judge_again(event, worker, outcome, before, job)
        if worker not in self._honest:
            return
        if outcome in LIES or outcome is Outcome.WRONG_VOTE:
            raise BrokenError(f"an honest {worker.hex()[:8]} was fined for a {outcome.value}")
        if not self._was_away(worker, event.at_ms - EXECUTION_MS - OPENING_MS - 5_000):
            raise BrokenError(f"{worker.hex()[:8]} was fined for {outcome.value}, and was there")

    def _judge_again(
        self,
        event: events.Slashed,
        worker: bytes,
        outcome: Outcome,
        before: Market,
        job: Job | None,
    ) -> None:
        record = TurnRecord(Turn(before, event.at_ms, Notary()), job)
        try:
            case = decode(Case, bytes.fromhex(event.evidence), size_max=CASE_MAX_BYTES)
            found = judge(case.accusation, record)
        except NumenError as error:
            raise BrokenError(f"a fine without evidence: {error.message}") from error
        if (found.worker, found.outcome) != (worker, outcome):
            raise BrokenError("a fine for what the evidence does not show")

    def _weigh(self, market: Market) -> None:
        """See that every coin is where it belongs."""
        coins, open_pledges = 0, {}
        for account, held in market.coins.balances.items():
            coins += held
            if held <= 0:
                raise BrokenError(f"{held} coins in {account.pocket.value}")
            if account.pocket is Pocket.BID and account.purpose not in market.jobs:
                raise BrokenError("coins are escrowed for a task that is over")
            if account.pocket is Pocket.PLEDGE:
                open_pledges[account.purpose, account.owner] = held
        if coins != self._supply:
            raise BrokenError(f"{coins} coins where there are {self._supply}")
        _see_sureties(market)
        if open_pledges != market.stakes.bound:
            raise BrokenError("what is pledged is not what is bound")
        for task, job in market.jobs.items():
            held = market.coins.balance(job.escrow)
            if held != escrowed(job.task, job.request.ceiling) - job.paid:
                raise BrokenError(f"{held} coins escrowed for a task")
            for worker, seat in job.open_seats().items():
                if open_pledges.pop((task, worker), 0) != seat.pledge:
                    raise BrokenError("a seat is open and its pledge is not there")
        if open_pledges:
            raise BrokenError("a pledge is bound for a seat that is closed")


def _see_sureties(market: Market) -> None:
    """See that what stands for answers that were sold again is what they are sold with."""
    stands = {
        (account.purpose, account.owner): held
        for account, held in market.coins.balances.items()
        if account.pocket is Pocket.SURETY
    }
    sold = {
        (name, worker): held
        for name, entry in market.store.entries.items()
        for worker, held in zip(entry.workers, entry.sureties, strict=False)
        if held
    }
    if stands != sold:
        raise BrokenError("what stands for answers is not what they were sold with")
