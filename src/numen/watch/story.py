"""The story of a market: its events folded into what is worth showing, in bounded memory.

It is a pure fold: equal events give equal stories, in a hall that orders them, in a member that
follows, and from a log that was read. What was long ago is forgotten piece by piece; what was
counted stays counted.
"""

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

import msgspec

from numen.market import events
from numen.market.events import Event
from numen.market.ticket import WIN_ONE

LIVE_MAX: Final = 4096
"""Most tasks that are followed at a time: as many as a market lets live."""

DONE_MAX: Final = 256
"""Most finished tasks that are remembered."""

OFFERS_MAX: Final = 64
"""Most offers of a task that are remembered."""

SEATS_MAX: Final = 128
"""Most offers and seats of a task that are remembered."""

CONTESTS_MAX: Final = 8
"""Most contests of a task that are remembered."""

PEOPLE_MAX: Final = 8192
"""Most accounts that are told apart."""

SCORES_MAX: Final = 48
"""Most scores of one account that are remembered."""

TICKETS_MAX: Final = 240
"""Most tickets that are remembered."""

EVENTS_MAX: Final = 10_000
"""Most events that are remembered, for who asks why."""

EVENTS_BYTES_MAX: Final = 32 << 20
"""Most bytes of evidence among them."""

EDGES_MAX: Final = 4096
"""Most pairs of a verifier and a worker that are remembered."""

BUCKETS_MS: Final = (50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000)
"""Upper ends of the histogram of how long tasks take."""


class Seat(msgspec.Struct):
    """A worker's place in a task, as far as the events tell.

    Attributes:
        price: What its answer is paid.
        pledge: What it pledged.
        offered_ms, matched_ms, executed_ms, revealed_ms, judged_ms: When; 0 where it did not.
        claim: What it opened, in hexadecimal.
        work: Work units it said that took.
        outcome: How it ended; empty while it is open.
        paid, fined: Coins.
    """

    price: int = 0
    pledge: int = 0
    offered_ms: int = 0
    matched_ms: int = 0
    executed_ms: int = 0
    revealed_ms: int = 0
    judged_ms: int = 0
    claim: str = ""
    work: int = 0
    outcome: str = ""
    paid: int = 0
    fined: int = 0


class Contest(msgspec.Struct):
    """A challenge to a claimed run, as far as it went.

    Attributes:
        low, high: Steps that it is about.
        rounds: How often they were halved.
        winner: Who won, or empty.
        reason: Why.
    """

    low: int = 0
    high: int = 0
    rounds: int = 0
    winner: str = ""
    reason: str = ""


class Task(msgspec.Struct):
    """A task, as far as the events tell. Ids are in hexadecimal.

    Attributes:
        id, provider, verifier, program: As in `events.Posted`.
        policy: What evidence is wanted.
        bid: The bid in force.
        ceiling: What it rises to by itself, where that is more.
        raises: How often it was raised.
        escrowed: Coins that it binds.
        expires_ms: When no match is made any more.
        posted_ms, settled_ms, closed_ms: When; 0 where it is not yet.
        state: ``seeking``, ``working``, ``answered``, ``claimed``, ``contested``, ``disputed``,
            ``settled``, or how it closed.
        note: Why the verifiers had to run it, or what settled it.
        claim: The answer that stands.
        offers, declined, refused: How many.
        seats: By worker.
        steps: Of a run that was claimed, or 0.
        contests: About it, by challenger.
        paid, fee, refunded: Coins, once it is closed.
    """

    id: str
    provider: str
    verifier: str
    program: str
    policy: str
    bid: int
    escrowed: int
    expires_ms: int
    posted_ms: int
    ceiling: int = 0
    settled_ms: int = 0
    closed_ms: int = 0
    raises: int = 0
    state: str = "seeking"
    note: str = ""
    claim: str = ""
    offers: int = 0
    declined: int = 0
    refused: int = 0
    seats: dict[str, Seat] = {}
    steps: int = 0
    contests: dict[str, Contest] = {}
    paid: int = 0
    fee: int = 0
    refunded: int = 0


class Person(msgspec.Struct):
    """An account, as far as the events tell.

    Attributes:
        role: ``worker``, ``verifier``, ``provider``, or empty.
        staked: Coins at risk, pledged ones included: what it put up, less what it lost.
        scores: Reputation, the last `SCORES_MAX` of them.
        accepted, faults: Seats.
        earned: Coins of accepted answers, of fees, and for showing faults.
        lost: Coins of fines.
        slashes: How many fines.
    """

    role: str = ""
    staked: int = 0
    scores: list[int] = []
    accepted: int = 0
    faults: int = 0
    earned: int = 0
    lost: int = 0
    slashes: int = 0


class Ticket(msgspec.Struct, frozen=True):
    """A ticket that was drawn, or shown to the escrow.

    Attributes:
        id: In hexadecimal.
        face: Coins of a winner.
        odds: One in how many wins; 0 where only its redemption was seen.
        state: ``won``, ``lost``, ``paid`` or ``unpaid``.
        at_ms: When.
        recipient: Who has it.
        note: Why it was not paid.
    """

    id: str
    face: int
    odds: int
    state: str
    at_ms: int
    recipient: str
    note: str = ""


class Latency(msgspec.Struct):
    """How long settled tasks took from the bid to the closing.

    Attributes:
        counts: Tasks for each of `BUCKETS_MS`, and one more for those that took longer.
        sum_ms: All together.
    """

    counts: list[int]
    sum_ms: int = 0

    def add(self, took_ms: int) -> None:
        """Count a task."""
        slot = next((i for i, top in enumerate(BUCKETS_MS) if took_ms <= top), len(BUCKETS_MS))
        self.counts[slot] += 1
        self.sum_ms += took_ms

    @property
    def count(self) -> int:
        """How many tasks."""
        return sum(self.counts)


class Story:
    """What happened in a market.

    Attributes:
        now_ms: When the last event was.
        live: Tasks that live, by id, the oldest first.
        done: Tasks that are over, the newest last.
        people: By address.
        tickets: The last ones, by id.
        slashes: The last fines.
        recent: The last events, for who asks why.
        kinds: How many events there were of each kind.
        ends: How tasks ended.
        fines: Fines by what they were for.
        fined: Coins by the same.
        faces: Coins of tickets by what became of them.
        paid: Coins for answers, as they were accepted or bought again.
        resold: Coins for answers that were bought again.
        drawn: Tickets by what became of them.
        verdicts: Seats judged well and badly, by verifier and worker.
        latency: Of settled tasks.
    """

    def __init__(self) -> None:
        self.now_ms = 0
        self.live: dict[str, Task] = {}
        self.done: deque[Task] = deque(maxlen=DONE_MAX)
        self.people: dict[str, Person] = {}
        self.tickets: dict[str, Ticket] = {}
        self.slashes: deque[events.Slashed] = deque(maxlen=DONE_MAX)
        self.recent: deque[Event] = deque()
        self.kinds: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.fines: Counter[str] = Counter()
        self.fined: Counter[str] = Counter()
        self.faces: Counter[str] = Counter()
        self.paid = self.resold = 0
        self.drawn: Counter[str] = Counter()
        self.verdicts: dict[tuple[str, str], list[int]] = {}
        self.latency = Latency([0] * (len(BUCKETS_MS) + 1))
        self._evidence_bytes = 0

    def hear(self, happened: Iterable[Event]) -> list[Task]:
        """Take what happened; the tasks that ended with it.

        Cost: constant an event, but for evidence that is forgotten.
        """
        ended = []
        for event in happened:
            self.now_ms = max(self.now_ms, event.at_ms)
            self.kinds[_kind(event)] += 1
            self._remember(event)
            task = self._take(event)
            if task is not None:
                ended.append(task)
        return ended

    def person(self, address: str) -> Person:
        """An account; one that nobody keeps, where there are too many."""
        found = self.people.get(address)
        if found is None:
            found = Person()
            if len(self.people) < PEOPLE_MAX:
                self.people[address] = found
        return found

    def _remember(self, event: Event) -> None:
        self.recent.append(event)
        self._evidence_bytes += _evidence_bytes(event)
        while len(self.recent) > EVENTS_MAX or self._evidence_bytes > EVENTS_BYTES_MAX:
            self._evidence_bytes -= _evidence_bytes(self.recent.popleft())

    def _take(self, event: Event) -> Task | None:
        match event:
            case events.Posted():
                self._post(event)
            case events.Called():
                self._call(event)
            case events.Drawn() | events.Redeemed() | events.Unredeemed():
                self._ticket(event)
            case events.Scored():
                scores = self.person(event.worker).scores
                scores.append(event.after)
                del scores[:-SCORES_MAX]
            case events.Slashed():
                self._slash(event)
            case events.Earned():
                self.person(event.worker).earned += event.paid
                self.paid += event.paid
            case events.Resold():
                self.resold += event.price
            case events.Registered():
                pass
            case _:
                task = self.live.get(event.task)
                if task is not None:
                    return self._of_task(task, event)
        return None

    def _post(self, event: events.Posted) -> None:
        if len(self.live) >= LIVE_MAX:
            del self.live[next(iter(self.live))]
        self.person(event.provider).role = self.person(event.provider).role or "provider"
        self.live[event.task] = Task(
            event.task,
            event.provider,
            event.verifier,
            event.program,
            event.policy,
            event.bid,
            event.escrowed,
            event.expires_ms,
            event.at_ms,
            event.ceiling,
            seats={},
            contests={},
        )

    def _call(self, event: events.Called) -> None:
        person = self.person(event.owner)
        match event.verb:
            case "join as worker" | "join as verifier":
                person.role = event.verb.removeprefix("join as ")
                person.staked += event.amount
            case "unstake":
                person.staked = 0

    def _slash(self, event: events.Slashed) -> None:
        lost = event.reward + event.burnt
        self.slashes.append(msgspec.structs.replace(event, evidence=""))
        self.fines[event.outcome] += 1
        self.fined[event.outcome] += lost
        person = self.person(event.worker)
        person.staked = max(0, person.staked - lost)
        person.lost += lost
        person.slashes += 1
        self.person(event.reporter).earned += event.reward

    def _ticket(self, event: events.Drawn | events.Redeemed | events.Unredeemed) -> None:
        before = self.tickets.pop(event.ticket, None)
        face, odds, note = (before.face, before.odds, "") if before else (0, 0, "")
        match event:
            case events.Drawn():
                state, face, odds = "won" if event.won else "lost", event.face, _odds(event)
            case events.Redeemed():
                state, face = "paid", event.paid
            case events.Unredeemed():
                state, note = "unpaid", event.reason
        self.drawn[state] += 1
        self.faces[state] += face
        self.tickets[event.ticket] = Ticket(
            event.ticket, face, odds, state, event.at_ms, event.recipient, note
        )
        if len(self.tickets) > TICKETS_MAX:
            del self.tickets[next(iter(self.tickets))]

    def _of_task(self, task: Task, event: Event) -> Task | None:
        match event:
            case events.Raised():
                task.bid, task.ceiling, task.escrowed = event.bid, event.ceiling, event.escrowed
                task.raises += 1
            case events.Withdrawn():
                task.note = "its provider took it back"
            case events.Claimed() | events.Challenged() | events.Halved() | events.Decided():
                self._contest(task, event)
            case events.Declined():
                task.declined += 1
            case events.Refused():
                task.refused += 1
            case events.Answered():
                task.state, task.claim = "answered", event.claim
                task.note = f"{event.answers} equal answers"
            case events.Disputed():
                task.state, task.note = "disputed", event.reason
            case events.Settled():
                task.state, task.claim, task.note = "settled", event.claim, event.evidence
                task.settled_ms = event.at_ms
            case events.Closed():
                return self._close(task, event)
            case _:
                self._of_seat(task, event)
        return None

    def _contest(
        self,
        task: Task,
        event: events.Claimed | events.Challenged | events.Halved | events.Decided,
    ) -> None:
        if isinstance(event, events.Claimed):
            task.state, task.claim, task.steps = "claimed", event.claim, event.steps
            return
        contest = task.contests.get(event.challenger)
        if contest is None:
            if len(task.contests) >= CONTESTS_MAX:
                return
            contest = task.contests[event.challenger] = Contest(0, task.steps)
        match event:
            case events.Challenged():
                task.state = "contested"
            case events.Halved():
                contest.low, contest.high = event.low, event.high
                contest.rounds += 1
            case events.Decided():
                contest.winner, contest.reason = event.winner, event.reason
                contest.low, contest.high = event.step, event.step + 1

    def _of_seat(self, task: Task, event: Event) -> None:
        is_offer = isinstance(event, events.Offered)
        task.offers += is_offer
        worker = getattr(event, "worker", "")
        seat = task.seats.get(worker)
        if seat is None:
            if not worker or len(task.seats) >= (OFFERS_MAX if is_offer else SEATS_MAX):
                return
            seat = task.seats[worker] = Seat()
        match event:
            case events.Offered():
                seat.offered_ms, seat.price, seat.pledge = event.at_ms, event.ask, event.pledge
            case events.Matched():
                seat.matched_ms, seat.price, seat.pledge = event.at_ms, event.price, event.pledge
                task.state = "working" if task.state == "seeking" else task.state
            case events.Executed():
                seat.executed_ms = event.at_ms
            case events.Revealed():
                seat.revealed_ms, seat.claim, seat.work = event.at_ms, event.claim, event.work
            case events.Judged():
                self._judge(task, seat, event)

    def _judge(self, task: Task, seat: Seat, event: events.Judged) -> None:
        seat.judged_ms, seat.outcome = event.at_ms, event.outcome
        seat.paid, seat.fined = event.paid, event.fined
        is_good = event.outcome == "accepted"
        person = self.person(event.worker)
        person.accepted += is_good
        person.faults += bool(event.fined)
        person.earned += event.paid
        self.paid += event.paid
        pair = (task.verifier, event.worker)
        if (is_good or event.fined) and (pair in self.verdicts or len(self.verdicts) < EDGES_MAX):
            self.verdicts.setdefault(pair, [0, 0])[not is_good] += 1

    def _close(self, task: Task, event: events.Closed) -> Task:
        del self.live[task.id]
        task.closed_ms, task.state = event.at_ms, event.how
        task.paid, task.fee, task.refunded = event.paid, event.fee, event.refunded
        self.person(task.verifier).earned += event.fee
        self.ends[event.how] += 1
        if task.settled_ms:
            self.latency.add(event.at_ms - task.posted_ms)
        self.done.append(task)
        return task


def _kind(event: Event) -> str:
    return type(event).__name__.lower()


def _evidence_bytes(event: Event) -> int:
    return len(event.evidence) if isinstance(event, events.Slashed) else 0


def _odds(event: events.Drawn) -> int:
    """One in how many wins; a log may name a chance that is none."""
    return -(-WIN_ONE // max(int(event.win_prob or "0", 16), 1))
