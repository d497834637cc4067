"""The market as one pure step: ``step(market, submission, now) -> market, events``.

Everything that happens is a submission: a signed message, a verdict with its accusation, a
batch of winning tickets, or the passing of time. What makes no sense changes nothing and is
answered with a `Refused` event that says why.
"""

from collections.abc import Callable
from enum import Enum
from typing import TypeAlias

import msgspec

from numen.base.errors import NumenError
from numen.market import (
    contest,
    desk,
    escrow,
    events,
    finding,
    registry,
    settlement,
    shop,
    stake,
    work,
)
from numen.market.coins import OUTSIDE, Transfer, wallet
from numen.market.escrow import BATCH_MAX, Reason, Redemption, deposit_of, reserve_of
from numen.market.message import (
    Assent,
    Body,
    Buy,
    Call,
    Cancel,
    Execution,
    Finding,
    Match,
    Offer,
    Recall,
    Register,
    Request,
    Result,
    Signed,
    Verdict,
    Vote,
    author,
    check,
    message_id,
)
from numen.market.moves import Challenge, Midpoint, Stance, Step
from numen.market.offence import Accusation
from numen.market.stake import Role
from numen.market.task import task_id
from numen.market.ticket import ticket_id
from numen.market.turn import Checker, Market, MarketError, Turn

ROUND_MS = 60_000
"""Length of a round of the escrow."""


class Verb(Enum):
    """What an owner can do with its own coins."""

    JOIN_AS_WORKER = "join as worker"
    JOIN_AS_VERIFIER = "join as verifier"
    LEAVE = "leave"
    UNSTAKE = "unstake"
    DEPOSIT = "deposit"
    RESERVE = "reserve"
    UNLOCK = "unlock"
    WITHDRAW = "withdraw"
    TAKE_OUT = "take out"


class Post(msgspec.Struct, frozen=True):
    """Hand in a signed message.

    Attributes:
        signed: Any message but a verdict.
    """

    signed: Signed


class Judge(msgspec.Struct, frozen=True):
    """Hand in a verdict.

    Attributes:
        signed: The verdict.
        accusation: Evidence for a fine, where the verdict fines.
    """

    signed: Signed
    accusation: Accusation | None = None


class Redeem(msgspec.Struct, frozen=True):
    """Hand in winning tickets.

    Attributes:
        batch: At most `BATCH_MAX` of them.
    """

    batch: tuple[Redemption, ...]


class Tick(msgspec.Struct, frozen=True):
    """Time has passed."""


Submission: TypeAlias = Post | Judge | Redeem | Tick


def step(
    market: Market, submission: Submission, now_ms: int, checker: Checker
) -> tuple[Market, tuple[events.Event, ...]]:
    """Advance the market by one submission.

    Args:
        market: The state.
        submission: What came, from anyone.
        now_ms: The present moment, not before that of the step before.
        checker: Checks proofs.

    Returns:
        The state afterwards and what happened. What changes nothing gives the very same state; a
        message that is refused also gives one `Refused` event.

    Cost: linear in the tasks that live, and a signature recovery for each message handed in.
    """
    turn = Turn(market, now_ms, checker)
    match submission:
        case Post(signed):
            return _guard(turn, signed, lambda: _post(turn, signed))
        case Judge(signed, accusation):
            return _guard(turn, signed, lambda: _judge(turn, signed, accusation))
        case Redeem(batch):
            _redeem(turn, batch)
        case Tick():
            _tick(turn)
    return turn.market, tuple(turn.events)


def _guard(
    turn: Turn, signed: Signed, action: Callable[[], None]
) -> tuple[Market, tuple[events.Event, ...]]:
    before = turn.market
    try:
        action()
    except NumenError as error:
        identity = _identity(signed.body)
        refused = events.Refused(
            turn.now_ms,
            identity.hex(),
            type(signed.body).__name__.lower(),
            author(signed.body).hex() if identity else "",
            _task_of(before, signed.body).hex() if identity else "",
            error.message,
        )
        return before, (refused,)
    return turn.market, tuple(turn.events)


def _post(turn: Turn, signed: Signed) -> None:
    identity, body = check(signed), signed.body
    touched = _task_of(turn.market, body)
    match body:
        case Call() | Buy() | Recall() | Register():
            _of_owner(turn, signed, body)
        case Request():
            desk.request(turn, signed, identity, body)
        case Cancel():
            desk.cancel(turn, body)
        case Offer():
            desk.offer(turn, signed, identity, body)
        case Match():
            desk.match(turn, signed, identity, body)
        case Execution():
            work.execution(turn, signed, identity, body)
        case Result():
            work.result(turn, signed, identity, body)
        case Vote() | Assent() | Finding():
            work.opinion(turn, signed, body)
        case Challenge() | Midpoint() | Stance() | Step():
            contest.move(turn, signed, body)
        case Verdict():
            raise MarketError("a verdict is handed in with its accusation")
    turn.hear(identity)
    work.progress(turn, touched)


def _of_owner(turn: Turn, signed: Signed, body: Call | Buy | Recall | Register) -> None:
    """Take what is about no task that lives."""
    if isinstance(body, Call):
        _call(turn, body)
    elif isinstance(body, Register):
        registry.register(turn, body)
    else:
        shop.hear(turn, signed, body)


def _judge(turn: Turn, signed: Signed, accusation: Accusation | None) -> None:
    identity, body = check(signed), signed.body
    if not isinstance(body, Verdict):
        raise MarketError("only verdicts judge")
    settlement.verdict(turn, signed, body, accusation)
    turn.hear(identity)
    work.progress(turn, body.task)


def _begin_rounds(turn: Turn) -> None:
    market = turn.market
    if turn.now_ms >= market.escrow.round * ROUND_MS:
        pool = frozenset(
            w for w in market.stakes.stakers if market.stakes.is_active(w, Role.WORKER)
        )
        due = turn.now_ms // ROUND_MS + 1
        turn.set(escrow=escrow.begin_rounds(market.escrow, due, market.head, pool))


def _tick(turn: Turn) -> None:
    _begin_rounds(turn)
    market = turn.market
    done = {task: expires for task, expires in market.done.items() if expires >= turn.now_ms}
    if len(done) < len(market.done):
        turn.set(done=done)
    hearings = finding.forget(market, turn.now_ms)
    if len(hearings) < len(market.hearings):
        turn.set(hearings=hearings)
    shop.release(turn)
    for identity in tuple(market.jobs):
        work.progress(turn, identity)


def _call(turn: Turn, body: Call) -> None:
    market, owner, amount = turn.market, body.owner, body.amount
    if body.market != market.identity:
        raise MarketError("the call is for another market")
    turn.count(owner, body.nonce)
    match body.verb:
        case Verb.JOIN_AS_WORKER.value | Verb.JOIN_AS_VERIFIER.value:
            role = Role.WORKER if body.verb == Verb.JOIN_AS_WORKER.value else Role.VERIFIER
            stakes, moves = stake.join(market.stakes, market.coins, owner, role, amount)
            turn.set(stakes=stakes)
            turn.move(moves)
        case Verb.LEAVE.value:
            turn.set(stakes=stake.leave(market.stakes, owner, turn.now_ms))
        case Verb.UNSTAKE.value:
            shop.release(turn)
            market = turn.market
            stakes, moves = stake.withdraw(market.stakes, market.coins, owner, turn.now_ms)
            turn.set(stakes=stakes)
            turn.move(moves)
            registry.forget(turn, owner)
        case Verb.DEPOSIT.value | Verb.RESERVE.value:
            target = deposit_of(owner) if body.verb == Verb.DEPOSIT.value else reserve_of(owner)
            turn.move((Transfer(wallet(owner), target, amount, body.verb),))
            turn.set(escrow=escrow.lock(market.escrow, owner))
        case Verb.UNLOCK.value:
            _begin_rounds(turn)  # that of the moment, whether or not time was told
            turn.set(escrow=escrow.unlock(turn.market.escrow, owner))
        case Verb.WITHDRAW.value:
            _begin_rounds(turn)
            state, moves = escrow.withdraw(turn.market.escrow, market.coins, owner)
            turn.set(escrow=state)
            turn.move(moves)
        case Verb.TAKE_OUT.value if market.on_ledger and amount:
            turn.move((Transfer(wallet(owner), OUTSIDE, amount, body.verb),))
        case _:
            raise MarketError(f"no verb {body.verb!r} of {amount} coins here")
    turn.emit(events.Called(turn.now_ms, owner.hex(), body.verb, amount))


def _redeem(turn: Turn, batch: tuple[Redemption, ...]) -> None:
    kept = batch[:BATCH_MAX]
    market = turn.market
    state, coins, outcomes = escrow.redeem_batch(market.escrow, market.coins, kept)
    if any(reason is None for reason in outcomes):
        turn.set(escrow=state, coins=coins)
    for redemption, reason in zip(kept, outcomes, strict=True):
        if reason is Reason.MALFORMED:
            continue  # it has no name to be told by
        ticket = redemption.signed.ticket
        who = (ticket_id(ticket).hex(), ticket.sender.hex(), ticket.recipient.hex())
        if reason is None:
            turn.emit(events.Redeemed(turn.now_ms, *who, ticket.face))
        else:
            turn.emit(events.Unredeemed(turn.now_ms, *who, reason.value))


def _task_of(market: Market, body: Body) -> bytes:
    """Find the task that a message is about; empty bytes when there is none."""
    match body:
        case Request():
            return task_id(body.task)
        case Cancel() | Vote() | Assent() | Finding() | Verdict():
            return body.task
        case Challenge() | Midpoint() | Stance() | Step():
            return body.task
        case Call() | Buy() | Recall() | Register():
            return b""
    for job in market.jobs.values():
        match body:
            case Offer() if body.request in job.requests:
                return job.identity
            case Match() if any(b.identity == body.offer for b in job.offers.values()):
                return job.identity
            case Execution() if job.seat_of_match(body.match) is not None:
                return job.identity
            case Result() if any(s.last == body.execution for s in job.seats.values()):
                return job.identity
    return b""


def _identity(body: Body) -> bytes:
    """Name a message; empty bytes when it breaks its own type and so has no name."""
    try:
        return message_id(body)
    except NumenError:
        return b""
