"""What a step of the market asks of its contract on the ledger.

The market is carried out by `numen.market.exchange`; the contract is told the same, in the same
order and with the same times, and has to come to the same. What nobody is paid or fined for stays
off the ledger: offers without a seat, refusals, and how an owner's free coins are set aside.

    AskError      a submission that the contract cannot judge
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from numen.base.codec import encode
from numen.base.errors import NumenError
from numen.base.merkle import Opening
from numen.market.events import Event, Redeemed
from numen.market.exchange import Judge, Post, Redeem, Submission, Tick, Verb
from numen.market.job import Job
from numen.market.message import (
    Assent,
    Buy,
    Call,
    Cancel,
    Execution,
    Finding,
    Match,
    Offer,
    Ramp,
    Recall,
    Register,
    Request,
    Result,
    Signed,
    Verdict,
    Vote,
    message_id,
)
from numen.market.moves import PATH_MAX, Challenge, Midpoint, Run, Stance, Step
from numen.market.offence import Accusation, Equivocation, Outcome
from numen.market.resale import find
from numen.market.task import (
    Hardware,
    Optimistic,
    Policy,
    Quorum,
    Snark,
    Stark,
    Task,
    task_id,
)
from numen.market.ticket import Quote, Ticket, ticket_id
from numen.market.turn import Market
from numen.proof.statement import Claim

OUTCOMES: Final = (
    None, Outcome.ACCEPTED, Outcome.WRONG_ANSWER, Outcome.FALSE_PROOF, Outcome.NO_REVEAL,
    Outcome.NO_EXECUTION, Outcome.EQUIVOCATION, Outcome.WRONG_VOTE, Outcome.RELEASED,
    Outcome.LOST_CONTEST,
)  # fmt: skip
"""Outcomes by their numbers in the contract; 0 is an open seat."""

VERBS: Final = tuple(Verb)
"""Verbs by their numbers in the contract."""

KINDS: Final = (None, Quorum, Optimistic, Snark, Stark, Hardware)
"""Kinds of evidence that a task asks for, by their numbers in the contract."""

TEXT_MAX: Final = 1024
"""Longest policy, and longest answer that can be challenged, of which the contract is told."""

assert set(OUTCOMES) == {None, *Outcome}, "an outcome has no number"


class Ask(msgspec.Struct, frozen=True):
    """A message to the contract, but for its number and its time, which come first.

    Attributes:
        name: Of the message.
        args: The other arguments, as the ABI takes them.
        value: Coins that go with it.
    """

    name: str
    args: tuple[Any, ...]
    value: int = 0


class AskError(NumenError):
    """A submission that the contract cannot judge, so that a market on a ledger must refuse it."""


def require_judgeable(submission: Submission) -> None:
    """Refuse what the contract has no rule for, before the market takes it.

    Raises:
        AskError: It is more than fits into a message to the contract: a policy or an answer that
            can be challenged of more than `TEXT_MAX` bytes, or two results of one seat.
    """
    match submission:
        case Post(Signed(Request(task))):
            _require_short(len(encode(task.policy)), "a policy")
        case Post(Signed(Buy() as body)):
            _require_short(len(encode(body.policy)), "a policy")
        case Post(Signed(Result() as body)) if isinstance(body.evidence, Run):
            _require_short(len(body.answer), "an answer that can be challenged")
        case Post(Signed(Recall())):
            raise AskError("a market on a ledger takes no answer back")
        case Judge(_, Equivocation(_, first, _)) if not isinstance(first.body, Execution):
            raise AskError("a market on a ledger judges contradictory executions, not results")
        case _:
            pass


def _require_short(size: int, what: str) -> None:
    if size > TEXT_MAX:
        raise AskError(f"{what} has at most {TEXT_MAX} bytes in a market on a ledger, not {size}")


def funded(to: bytes, coins: int) -> Ask:
    """Coins for somebody, which come with the message."""
    return Ask("fund", (to,), coins)


def granted(to: bytes, coins: int) -> Ask:
    """Coins for somebody out of the hall's own."""
    return Ask("grant", (to, coins))


def asks(
    before: Market, after: Market, submission: Submission, happened: Sequence[Event]
) -> Iterator[Ask]:
    """Tell what the contract has to be told of one step.

    Args:
        before: The market before it.
        after: The market after it; the same object where the submission was refused.
        submission: What came.
        happened: The step's events.
    """
    if isinstance(submission, Redeem):
        yield from _redeemed(submission, happened)
    elif isinstance(submission, Tick):
        yield from (_advance(name) for name, job in before.jobs.items() if _moved(job, after))
    elif after is not before:
        match submission:
            case Post(signed):
                yield from _posted(before, after, signed)
            case Judge(signed, accusation):
                yield judged(signed, accusation)


def _posted(before: Market, after: Market, signed: Signed) -> Iterator[Ask]:
    body, signature = signed.body, signed.signature
    match body:
        case Call():
            verb = VERBS.index(Verb(body.verb))
            yield Ask("call", (body.owner, body.nonce, verb, body.amount, signature))
        case Request():
            ramp = ramp_args(body.ramp)
            text = policy_text(body.task.policy)
            terms = (terms_args(body.task), text, body.bid, body.nonce, ramp)
            yield Ask("request", (*terms, signature))
        case Register():
            yield Ask("register", (body.owner, node_args(body), signature))
        case Cancel():
            yield Ask("cancel", (_word(body.task), signature))
        case Buy():
            yield Ask("buy", (*_bought(before, body), signature))
        case Offer():
            # An offer is no news for the contract, but what time has brought may be.
            job = next(j for j in before.jobs.values() if body.request in j.requests)
            if _moved(job, after):
                yield _advance(job.identity)
        case Match() | Execution() | Result() | Vote() | Assent() | Finding():
            yield _worked(before, body, signature)
        case Challenge() | Midpoint() | Stance() | Step():
            yield _moved_in_contest(body, signature)
        case Verdict() | Recall():
            raise AssertionError("a verdict is handed in with its accusation; no recall is")


def _worked(
    before: Market, body: Match | Execution | Result | Vote | Assent | Finding, signature: bytes
) -> Ask:
    match body:
        case Match():
            return _matched(before, body, signature)
        case Execution():
            task = _task_of_seat(before, body.match)
            return Ask("execution", (task, body.worker, _word(body.commitment), signature))
        case Result():
            return _opened(_task_of_seat(before, body.execution), body, signature)
        case Vote():
            claim = claim_args(body.claim)
            return Ask(
                "vote", (_word(body.task), body.verifier, claim, body.attestation, signature)
            )
        case Assent():
            return Ask("assent", (_word(body.task), body.verifier, _word(body.claim), signature))
        case Finding():
            said = (_word(body.task), body.verifier, _word(body.about), body.holds)
            return Ask("finding", (*said, signature))


def _opened(task: int, body: Result, signature: bytes) -> Ask:
    opened = (claim_args(body.claim), _word(body.salt))
    if not isinstance(body.evidence, Run):
        return Ask("result", (task, body.worker, *opened, _word(message_id(body)), signature))
    run = (body.evidence.steps, body.evidence.interval, _word(body.evidence.root))
    shown = (body.answer, body.attestation, run)
    return Ask("run_result", (task, body.worker, *opened, *shown, signature))


def _moved_in_contest(body: Challenge | Midpoint | Stance | Step, signature: bytes) -> Ask:
    task = _word(body.task)
    match body:
        case Challenge():
            return Ask("challenge", (task, _word(body.result), body.challenger, signature))
        case Midpoint():
            said = (body.step, _word(body.state), *opening_args(body.opening))
            return Ask("midpoint", (task, body.challenger, *said, signature))
        case Stance():
            return Ask("stance", (task, body.challenger, body.step, body.agrees, signature))
        case Step():
            return Ask("show", (task, body.challenger, _word(message_id(body)), signature))


def _bought(market: Market, body: Buy) -> tuple[Any, ...]:
    entry = find(market.store, body.program, body.inputs, body.policy, 0)
    assert entry is not None, "it was sold"
    purchase = (
        body.buyer, body.nonce, _word(body.program), _word(body.inputs),
        policy_args(body.policy), body.price_max,
    )  # fmt: skip
    return _word(task_id(entry.task)), purchase, policy_text(body.policy)


def _matched(market: Market, body: Match, signature: bytes) -> Ask:
    bidder = next(
        bidder
        for job in market.jobs.values()
        for bidder in job.offers.values()
        if bidder.identity == body.offer
    )
    offer = bidder.offer
    promise = (_word(offer.request), offer.worker, offer.ask, offer.pledge)
    place = (body.verifier, body.price, body.commit_by_ms, body.reveal_by_ms)
    return Ask(
        "match", (promise, quote_args(offer.quote), place, bidder.signed.signature, signature)
    )


def judged(signed: Signed, accusation: Accusation | None) -> Ask:
    """A verdict, with what it rests on where the contract has not seen that before."""
    body = signed.body
    assert isinstance(body, Verdict)
    outcome = OUTCOMES.index(Outcome(body.outcome))
    ending = (
        _word(body.last), body.verifier, _word(body.task), body.worker, outcome, _word(body.claim),
        body.paid, body.ticketed, _word(body.tickets), body.fined,
    )  # fmt: skip
    if not isinstance(accusation, Equivocation):
        return Ask("verdict", (ending, signed.signature))
    shown: list[Any] = []
    for message in (accusation.first, accusation.second):
        assert isinstance(message.body, Execution), "refused before: `require_judgeable`"
        shown += [_word(message.body.commitment), message.signature]
    return Ask("equivocation", (ending, signed.signature, *shown))


def _redeemed(submission: Redeem, happened: Sequence[Event]) -> Iterator[Ask]:
    paid = {event.ticket for event in happened if isinstance(event, Redeemed)}
    for redemption in submission.batch:
        ticket = redemption.signed.ticket
        name = ticket_id(ticket).hex() if paid else ""
        if name in paid:
            paid.remove(name)  # shown twice in one batch, it is paid once
            revealed = _word(redemption.revealed)
            yield Ask("redeem", (ticket_args(ticket), revealed, redemption.signed.signature))


def _advance(task: bytes) -> Ask:
    return Ask("advance", (_word(task),))


def _moved(job: Job, after: Market) -> bool:
    """Whether something happened to a task that the contract would see, too."""
    now = after.jobs.get(job.identity)
    return now is None or msgspec.structs.replace(now, offers=job.offers) != job


def _task_of_seat(market: Market, last: bytes) -> int:
    return next(
        _word(job.identity)
        for job in market.jobs.values()
        for seat in job.seats.values()
        if seat.last == last
    )


def terms_args(task: Task) -> tuple[Any, ...]:
    """A task as the contract's `Terms`."""
    return (
        _word(task.market), task.provider, task.verifier, task.number, _word(task.program),
        _word(task.inputs), policy_args(task.policy), task.work_limit, task.price_max,
        task.fee, task.pledge, task.expires_ms,
    )  # fmt: skip


def policy_args(policy: Policy) -> tuple[int, int, int]:
    """What evidence is wanted as the contract's `Policy`."""
    kind = KINDS.index(type(policy))
    match policy:
        case Quorum():
            return kind, policy.replicas, policy.trust
        case Optimistic():
            return kind, policy.window_ms, 0
        case _:
            return kind, 0, 0


def policy_text(policy: Policy) -> bytes:
    """The bytes of a policy of which the contract is told no fields; empty of the others."""
    return b"" if isinstance(policy, Quorum | Optimistic) else encode(policy)


def opening_args(opening: Opening | None) -> tuple[tuple[Any, ...], list[int]]:
    """Where a state is among those committed to as the contract's `Opening`, and its path."""
    if opening is None:
        return (False, 0, 0, 0), [0] * PATH_MAX
    path = [_word(node) for node in opening.path]
    return (
        (True, opening.index, opening.count, len(path)),
        path + [0] * (PATH_MAX - len(path)),
    )


def ramp_args(ramp: Ramp | None) -> tuple[Any, ...]:
    """How a bid rises as the contract's `Ramp`."""
    return (True, *msgspec.structs.astuple(ramp)) if ramp else (False, 0, 0, 0)


def node_args(body: Register) -> tuple[int, ...]:
    """A registration as the contract's `Node`."""
    word = body.possession
    return (_word(body.node), body.nonce, _word(word[:32]), _word(word[32:]))


def claim_args(claim: Claim) -> tuple[int, ...]:
    """A claim as the contract's `Claim`."""
    parts = (claim.program, claim.inputs, claim.output)
    return (*(_word(part) for part in parts), claim.work, _word(claim.diff))


def quote_args(quote: Quote | None) -> tuple[Any, ...]:
    """How a worker wants to be paid as the contract's `Quote`."""
    if quote is None:
        return (False, *(0,) * 9)
    return (
        True, quote.face, int(quote.win_prob), _word(quote.rand_hash), _word(quote.seed),
        quote.expires_ms, quote.price, quote.count, quote.round, _word(quote.round_hash),
    )  # fmt: skip


def ticket_args(ticket: Ticket) -> tuple[Any, ...]:
    """A ticket as the contract's `Ticket`."""
    return (
        ticket.recipient, ticket.sender, ticket.face, int(ticket.win_prob), ticket.nonce,
        _word(ticket.rand_hash), ticket.round, _word(ticket.round_hash),
    )  # fmt: skip


def _word(raw: bytes) -> int:
    return int.from_bytes(raw, "big")
