"""Why things went as they did: the rule, the numbers and the way out, from the log alone.

WhyError
├── UnknownIdError     nothing in the log has this id
└── AmbiguousIdError   several things begin like this
"""

from collections.abc import Iterable, Iterator

from numen.base.codec import decode
from numen.base.errors import NumenError
from numen.base.words import counted
from numen.market import events
from numen.market.contest import Transcript
from numen.market.log import FORMAT, Header, Log, ids
from numen.market.message import Result, Vote
from numen.market.moves import Stance, Step
from numen.market.offence import CASE_MAX_BYTES, Case, Outcome, WrongAnswer
from numen.market.ticket import WIN_ONE
from numen.proof.statement import claim_digest
from numen.proof.walk import Phase

PREFIX_MIN = 4
"""Fewest hexadecimal digits that are taken for an id."""

SHOWN_MAX = 8
"""Most candidates that an ambiguous id is answered with."""

_SHORT = 10


class WhyError(NumenError):
    """Root of why there is no answer."""


class UnknownIdError(WhyError):
    """Nothing in the log has this id."""


class AmbiguousIdError(WhyError):
    """Several things in the log begin like this."""


def explain(log: Log, identity: str) -> list[str]:
    """Explain a task, a worker or other account, a ticket, a receipt or a refused message.

    Args:
        log: What happened.
        identity: The id in hexadecimal, or its beginning; ``0x`` before it is allowed. Names
            from the log's header work too.

    Returns:
        Sentences, in the order of time.

    Raises:
        UnknownIdError: The log has nothing like it.
        AmbiguousIdError: It has several.

    Cost: linear in the log.
    """
    found, kind = _find(log, identity)
    teller = _Teller(log)
    match kind:
        case "task":
            return [f"Task {found}", *teller.task(found)]
        case "ticket":
            return [f"Ticket {found}", *teller.ticket(found)]
        case "receipt":
            return [f"Receipt {found}", *teller.receipt(found)]
        case "message":
            return [f"Message {found}", *teller.message(found)]
        case _:
            return [f"Account {found} ({teller.name(found)})", *teller.account(found)]


def tell(names: dict[str, str], event: events.Event) -> str:
    """Say in a sentence what happened; ``names`` are people's, by address in hexadecimal."""
    return _Teller(Log(Header(FORMAT, 0, names), (event,))).sentence(event)


def unfilled(task: str, happened: Iterable[events.Event]) -> str:
    """Say why nobody has a seat in a task, from what happened to it; empty where somebody has."""
    return " ".join(_Teller(Log(Header(FORMAT, 0, {}), tuple(happened))).unfilled(task))


def _find(log: Log, identity: str) -> tuple[str, str]:
    known = ids(log.events)
    by_name = {name: address for address, name in log.header.names.items()}
    wanted = by_name.get(identity, identity).lower().removeprefix("0x")
    if wanted in known:
        return wanted, known[wanted]
    if len(wanted) < PREFIX_MIN:
        raise UnknownIdError(
            f"nobody is called {identity!r}, and an id has at least {PREFIX_MIN} hexadecimal digits"
        )
    fits = sorted(i for i in known if i.startswith(wanted))
    if not fits:
        raise UnknownIdError(
            f"nothing in the log begins with {wanted!r}",
            hint="names, and ids of tasks, people, tickets, receipts and refused messages",
        )
    if len(fits) > 1:
        shown = ", ".join(f"{known[i]} {i[:_SHORT]}" for i in fits[:SHOWN_MAX])
        raise AmbiguousIdError(f"{len(fits)} things begin with {wanted!r}: {shown}")
    return fits[0], known[fits[0]]


def is_still(event: events.Event) -> bool:
    """Whether an event says that something stayed as it was."""
    return isinstance(event, events.Scored) and event.before == event.after


class _Teller:
    """Turns events into sentences."""

    def __init__(self, log: Log) -> None:
        self._names = log.header.names
        self._events = log.events

    def name(self, address: str) -> str:
        return self._names.get(address, f"0x{address[:_SHORT]}")

    def task(self, identity: str) -> Iterator[str]:
        for event in self._events:
            if getattr(event, "task", None) == identity and not isinstance(event, events.Drawn):
                yield f"{event.at_ms:>7} ms  {self.sentence(event)}"
        yield from self._tickets_of(identity)
        yield from self.unfilled(identity)

    def account(self, identity: str) -> Iterator[str]:
        for event in self._events:
            is_about = any(getattr(event, field, None) == identity for field in _WHO)
            if is_about and not is_still(event):
                about = getattr(event, "task", "")
                suffix = f" (task {about[:_SHORT]})" if about else ""
                yield f"{event.at_ms:>7} ms  {self.sentence(event)}{suffix}"
        mine = [e for e in self._events if isinstance(e, events.Drawn) and e.recipient == identity]
        paid = sum(
            e.paid
            for e in self._events
            if isinstance(e, events.Redeemed) and e.recipient == identity
        )
        if mine:
            won = sum(e.won for e in mine)
            yield f"It drew {len(mine)} tickets, of which {won} won; {paid:,} coins were redeemed."

    def ticket(self, identity: str) -> Iterator[str]:
        for event in self._events:
            if getattr(event, "ticket", None) == identity:
                yield f"{event.at_ms:>7} ms  {self.sentence(event)}"

    def receipt(self, identity: str) -> Iterator[str]:
        for event in self._events:
            if getattr(event, "receipt", None) == identity:
                yield f"{event.at_ms:>7} ms  {self.sentence(event)}"

    def message(self, identity: str) -> Iterator[str]:
        for event in self._events:
            if isinstance(event, events.Refused) and event.message == identity:
                yield f"{event.at_ms:>7} ms  {self.sentence(event)}"

    def _tickets_of(self, task: str) -> Iterator[str]:
        drawn = [e for e in self._events if isinstance(e, events.Drawn) and e.task == task]
        if drawn:
            won = sum(event.won for event in drawn)
            yield f"{len(drawn)} tickets were drawn for it, of which {won} won."

    def unfilled(self, task: str) -> Iterator[str]:
        of = [e for e in self._events if getattr(e, "task", None) == task]
        if any(isinstance(e, events.Matched) for e in of):
            return
        offers = {e.worker: e for e in of if isinstance(e, events.Offered)}
        declined = {e.worker: e for e in of if isinstance(e, events.Declined)}.values()
        if offers:
            yield _asked(sorted(offers.values(), key=lambda e: e.ask), _highest_bid(of))
        elif declined and all(e.is_uncovered for e in declined):
            most = max(e.staked for e in declined)
            pledge = min(e.pledge for e in declined)
            yield (
                f"Nobody worked on it: a seat takes a pledge of {pledge:,} coins, and the largest "
                f"stake of a worker that looked at it has {most:,}."
            )
        elif declined:
            least = min(e.cost + e.premium for e in declined if not e.is_uncovered) + 1
            yield (
                f"Nobody worked on it: every bid was at or under what the work costs. "
                f"A bid of {least:,} coins would have been worth the while of one worker."
            )
        else:
            yield "Nobody worked on it: no worker made an offer."

    def sentence(self, event: events.Event) -> str:
        """Say what happened."""
        match event:
            case events.Posted() | events.Raised() | events.Withdrawn():
                return self._of_provider(event)
            case events.Closed() | events.Called() | events.Registered():
                return self._of_provider(event)
            case events.Declined() | events.Offered() | events.Matched() | events.Executed():
                return self._of_worker(event)
            case events.Revealed() | events.Refused():
                return self._of_worker(event)
            case events.Resold() | events.Earned() | events.Doubted():
                return self._of_resale(event)
            case events.Misproved() | events.Recalled():
                return self._of_resale(event)
            case events.Drawn() | events.Redeemed() | events.Unredeemed():
                return self._of_ticket(event)
            case _:
                return self._of_verdict(event)

    def _of_provider(self, event: events.Event) -> str:
        match event:
            case events.Posted():
                return (
                    f"{self.name(event.provider)} bid {event.bid:,} coins an answer"
                    f"{_rising(event)} under {event.policy}; "
                    f"{event.escrowed:,} were escrowed, place {event.place}."
                )
            case events.Raised():
                return (
                    f"The bid was raised from {event.before:,} to {event.bid:,}{_rising(event)}, "
                    f"place {event.place}."
                )
            case events.Withdrawn():
                return (
                    f"Its provider took it back: {event.seats} workers end what they began, and "
                    f"nobody else gets a seat."
                )
            case events.Closed():
                return (
                    f"Closed ({event.how}): {event.paid:,} coins for answers, {event.fee:,} for "
                    f"the verifier, {event.refunded:,} back to the provider."
                )
            case events.Called():
                return (
                    f"{self.name(event.owner)} called {event.verb!r} with {event.amount:,} coins."
                )
            case events.Registered():
                return f"{self.name(event.owner)} says that node {event.node[:_SHORT]} is its own."
        raise AssertionError(event)

    def _of_worker(self, event: events.Event) -> str:
        match event:
            case events.Declined() if event.is_uncovered:
                return (
                    f"{self.name(event.worker)} declined: a seat takes a pledge of "
                    f"{event.pledge:,} coins, and its stake of {event.staked:,} does not cover it."
                )
            case events.Declined():
                return (
                    f"{self.name(event.worker)} declined a bid of {event.bid:,}: the run costs it "
                    f"{event.cost:,} and the lottery is worth {event.premium:,} to avoid, which "
                    f"leaves {event.bid - event.cost - event.premium:,}."
                )
            case events.Offered():
                return (
                    f"{self.name(event.worker)} offered to do it for {event.ask:,} coins and "
                    f"pledged {event.pledge:,}."
                )
            case events.Matched():
                return (
                    f"{self.name(event.worker)} got a seat at {event.price:,} coins, due to bind "
                    f"itself by {event.commit_by_ms} ms and to open by {event.reveal_by_ms} ms."
                )
            case events.Executed():
                return f"{self.name(event.worker)} bound itself to an answer it did not show."
            case events.Revealed():
                return (
                    f"{self.name(event.worker)} opened claim {event.claim[:_SHORT]} after "
                    f"{event.work:,} work units."
                )
            case events.Refused():
                return f"A {event.kind} of {self.name(event.author)} was refused: {event.reason}."
        raise AssertionError(event)

    def _of_resale(self, event: events.Event) -> str:
        match event:
            case events.Resold():
                return (
                    f"{self.name(event.buyer)} bought claim {event.claim[:_SHORT]} again, for "
                    f"{event.price:,} coins: shown under {event.shown}, {event.age_ms} ms old at "
                    f"most, it is enough for {event.wanted}; its evidence was checked, nothing was "
                    f"run, and {event.surety} coins of stake stand for it."
                )
            case events.Earned():
                return (
                    f"{self.name(event.worker)} got {event.paid:,} coins, because "
                    f"{self.name(event.buyer)} bought claim {event.claim[:_SHORT]} again."
                )
            case events.Doubted():
                found = "the same, though it was doubted" if event.is_same else "another"
                return (
                    f"Verifier {self.name(event.accuser)} ran it again and got {found}, claim "
                    f"{event.claim[:_SHORT]}; while it is in doubt it is not sold."
                )
            case events.Misproved():
                return (
                    f"{self.name(event.accuser)} called it false with a proof that does not hold: "
                    f"{event.reason}. {event.burnt} coins of its stake were burnt."
                )
            case events.Recalled():
                return (
                    f"It was false, by {_shown_by(event)}: {self.name(event.worker)} lost its "
                    f"reputation and {event.reward + event.burnt} coins that stood for it, of "
                    f"which {event.reward} went to {self.name(event.accuser)}."
                )
        raise AssertionError(event)

    def _of_ticket(self, event: events.Event) -> str:
        match event:
            case events.Drawn():
                one_in = -(-WIN_ONE // max(int(event.win_prob, 16), 1))
                verb, sign = ("won", "<") if event.won else ("did not win", "is not <")
                return (
                    f"It {verb} {event.face:,} coins: a ticket wins when its draw is less than its "
                    f"win probability, one in {one_in}; 0x{event.draw[:_SHORT]}… {sign} "
                    f"0x{event.win_prob[:_SHORT]}…."
                )
            case events.Redeemed():
                return f"{event.paid:,} coins were paid to {self.name(event.recipient)}."
            case events.Unredeemed():
                return f"It was shown to the escrow and not paid: {event.reason}."
        raise AssertionError(event)

    def _of_verdict(self, event: events.Event) -> str:
        match event:
            case events.Answered():
                return (
                    f"{event.answers} equal answers weigh {event.weight:,}, enough for a trust of "
                    f"{event.trust}; objections were possible until {event.until_ms} ms."
                )
            case events.Disputed():
                return f"The verifiers had to run it themselves: {event.reason}."
            case events.Assented():
                return f"Verifier {self.name(event.verifier)} will not object."
            case events.Claimed() | events.Challenged() | events.Halved() | events.Decided():
                return self._of_contest(event)
            case events.Voted():
                return f"Verifier {self.name(event.verifier)} got claim {event.claim[:_SHORT]}."
            case events.Found():
                what = "holds" if event.holds else "does not hold"
                return f"Verifier {self.name(event.verifier)} finds that the evidence {what}."
            case events.Settled():
                return f"Claim {event.claim[:_SHORT]} was settled by {event.evidence}."
            case events.Judged():
                return (
                    f"{self.name(event.worker)}: {event.outcome}; paid {event.paid:,} "
                    f"({event.ticketed:,} in tickets), fined {event.fined:,}."
                )
            case events.Slashed():
                return self._slashed(event)
            case events.Scored():
                return (
                    f"The reputation of {self.name(event.worker)} went from {event.before} to "
                    f"{event.after}."
                )
        raise AssertionError(event)

    def _of_contest(self, event: events.Event) -> str:
        match event:
            case events.Claimed():
                return (
                    f"{self.name(event.worker)} bound itself to a run of {event.steps:,} steps "
                    f"that ends with its answer; it could be challenged until {event.until_ms} ms."
                )
            case events.Challenged():
                return (
                    f"{self.name(event.challenger)} pledged {event.pledge:,} coins that the run of "
                    f"{self.name(event.worker)} does not end with its answer."
                )
            case events.Halved():
                return (
                    f"{self.name(event.challenger)} and the worker agreed up to step {event.low}, "
                    f"and no more at step {event.high}."
                )
            case events.Decided():
                return (
                    f"The {event.winner} won the contest of {self.name(event.worker)} with "
                    f"{self.name(event.challenger)}: {event.reason}. After {event.rounds} rounds "
                    f"both agreed up to step {event.step}."
                )
        raise AssertionError(event)

    def _slashed(self, event: events.Slashed) -> str:
        lost = event.reward + event.burnt
        return (
            f"{self.name(event.worker)} lost {lost:,} of its pledge of {event.pledge:,} for "
            f"{event.outcome}: {_reason(event)} {event.reward:,} coins went to "
            f"{self.name(event.reporter)}, {event.burnt:,} were burnt."
        )


def _rising(event: events.Posted | events.Raised) -> str:
    if event.ceiling <= event.bid:
        return ""
    return f", rising by itself to {event.ceiling:,} until {event.rises_until_ms} ms,"


def _highest_bid(of: list[events.Event]) -> int:
    """What a task bid in the end: a ramp goes on until it closes."""
    bid = 0
    for event in of:
        if isinstance(event, events.Posted | events.Raised):
            ended = next((e.at_ms for e in of if isinstance(e, events.Closed)), of[-1].at_ms)
            lasts = max(event.rises_until_ms - event.at_ms, 1)
            risen = min(max(ended - event.at_ms, 0), lasts)
            bid = event.bid + max(event.ceiling - event.bid, 0) * risen // lasts
    return bid


def _asked(offers: list[events.Offered], bid: int) -> str:
    """Say what would have filled a bid, by what workers asked, the least first."""
    shown = ", ".join(f"{e.ask:,} for {n}" for n, e in enumerate(offers[:SHOWN_MAX], 1))
    fitting = [e for e in offers if e.ask <= bid]
    if not fitting:
        return (
            f"Nobody worked on it: it bid {bid:,} coins at most, and "
            f"{counted(len(offers), 'worker')} asked for more. Coins that would have given it "
            f"seats: {shown}."
        )
    pledge = max(e.pledge for e in offers)
    poor = sum(e.lacking > 0 for e in fitting)
    reason = (
        f"of {poor} of them the stake did not cover it"
        if poor
        else "their stakes have less free, or they are too few for the trust it wants, or its "
        "verifier gave no seat"
    )
    return (
        f"Nobody worked on it, though {counted(len(fitting), 'worker')} asked no more than its "
        f"{bid:,} coins. A seat takes a pledge of {pledge:,} coins, as much as the highest bid: "
        f"{reason}."
    )


_WHO = (
    "worker", "owner", "author", "reporter", "provider", "verifier", "buyer", "challenger",
    "accuser",
)  # fmt: skip
"""Fields of events that name who did something."""

_REASONS = {
    "wrong vote": "its own run gave another answer than those of most verifiers' stake.",
    "false proof": "the proof in its signed result does not verify.",
    "no reveal": "it signed a commitment and nothing that opens it came in time.",
    "no execution": "it signed a pledge, took the seat, and bound itself to nothing in time.",
    "equivocation": "it signed two different messages for one place.",
}


def _reason(event: events.Slashed) -> str:
    """Say what the evidence shows; read from the evidence, not from the event's own words."""
    if event.outcome == Outcome.LOST_CONTEST.value:
        return _lost(event)
    try:
        case = decode(Case, bytes.fromhex(event.evidence), size_max=CASE_MAX_BYTES).accusation
    except NumenError:
        return "the evidence in the log cannot be read."
    if isinstance(case, WrongAnswer) and case.chain and case.votes:
        result, vote = case.chain[-1].body, case.votes[0].body
        if isinstance(result, Result) and isinstance(vote, Vote):
            return (
                f"it signed claim {claim_digest(result.claim).hex()[:_SHORT]}, and "
                f"{counted(len(case.votes), 'staked verifier')} that ran the task again signed "
                f"{claim_digest(vote.claim).hex()[:_SHORT]}."
            )
    return _REASONS.get(event.outcome, "the evidence is in the log.")


def _shown_by(event: events.Recalled) -> str:
    """Say what shows that a sold answer is false, from the evidence."""
    try:
        case = decode(Case, bytes.fromhex(event.evidence), size_max=CASE_MAX_BYTES).accusation
    except NumenError:
        return "evidence that cannot be read"
    if isinstance(case, WrongAnswer):
        return f"{len(case.votes)} staked verifiers that ran it again"
    return "a proof of the run that gives another answer"


def _lost(event: events.Slashed) -> str:
    """Say how far a contest came, from its transcript."""
    try:
        raw = bytes.fromhex(event.evidence)
        found = decode(Transcript, raw, size_max=CASE_MAX_BYTES)
    except NumenError:
        return "the evidence in the log cannot be read."
    rounds = sum(isinstance(signed.body, Stance) for signed in found.moves)
    last = found.moves[-1].body
    if isinstance(last, Step):
        state = last.shown.state
        return (
            f"after {rounds} halvings step {state.index} of the part called "
            f"{Phase(state.phase).name.lower()} was left, and everybody who took it found against "
            f"it."
        )
    return f"after {rounds} halvings it was its turn, and it said nothing in time."
