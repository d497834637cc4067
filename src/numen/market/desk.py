"""The market's front desk: tasks come in, bids are raised, offers made and seats given."""

from numen.market import auction, events, shop, stake
from numen.market.coins import Transfer, wallet
from numen.market.job import OFFERS_MAX, RAISES_MAX, Bidder, Job, Phase, Seat, matched
from numen.market.message import Cancel, Match, Offer, Request, Signed
from numen.market.stake import NotStakedError, Role, stake_of
from numen.market.task import escrowed, policy_name, task_id
from numen.market.turn import JOBS_MAX, Market, MarketError, Turn

TASK_LIFE_MAX_MS = 900_000
"""Longest time a task may wait for workers."""

WORK_MAX_MS = 900_000
"""Longest time a match may give for execution, and again for opening."""

assert TASK_LIFE_MAX_MS + 2 * WORK_MAX_MS < stake.UNBONDING_MS, "a stake could leave a dispute"


def request(turn: Turn, signed: Signed, identity: bytes, body: Request) -> None:
    """Take a new task, or a raised bid for one that waits."""
    task = body.task
    name = task_id(task)
    if task.market != turn.market.identity:
        raise MarketError("the task is for another market")
    standing = turn.market.jobs.get(name)
    if standing is not None:
        _raise_bid(turn, standing, signed, identity, body)
        return
    if name in turn.market.done or len(turn.market.jobs) >= JOBS_MAX:
        raise MarketError("the task was here already, or there is no room")
    if not turn.market.stakes.is_active(task.verifier, Role.VERIFIER):
        raise NotStakedError(task.verifier, Role.VERIFIER)
    if not turn.now_ms < task.expires_ms <= turn.now_ms + TASK_LIFE_MAX_MS:
        raise MarketError(f"a task expires within {TASK_LIFE_MAX_MS} ms from now")
    book, moves = auction.place(turn.market.book, body, turn.now_ms)
    turn.set(book=book)
    turn.move(moves)
    turn.put(Job(name, task, turn.now_ms, body, turn.now_ms, {identity: signed}))
    turn.emit(
        events.Posted(
            turn.now_ms,
            name.hex(),
            task.provider.hex(),
            task.verifier.hex(),
            task.program.hex(),
            policy_name(task.policy),
            body.bid,
            escrowed(task, body.ceiling),
            _place(turn, name),
            task.expires_ms,
            body.ceiling,
            body.rises_until_ms,
        )
    )


def _raise_bid(turn: Turn, job: Job, signed: Signed, identity: bytes, body: Request) -> None:
    is_seeking = job.phase is Phase.SEEKING and turn.now_ms <= job.seeks_until_ms
    if not is_seeking or len(job.requests) > RAISES_MAX:
        raise MarketError("the bid can be raised only while the task seeks workers")
    book, moves = auction.place(turn.market.book, body, turn.now_ms)
    turn.set(book=book)
    turn.move(moves)
    before = job.request
    job = turn.change(
        job, request=body, bid_ms=turn.now_ms, requests={**job.requests, identity: signed}
    )
    turn.emit(
        events.Raised(
            turn.now_ms,
            job.identity.hex(),
            before.bid_at(turn.now_ms),
            body.bid_at(turn.now_ms),
            escrowed(job.task, body.ceiling) - escrowed(job.task, before.ceiling),
            _place(turn, job.identity),
            body.ceiling,
            body.rises_until_ms,
        )
    )


def cancel(turn: Turn, body: Cancel) -> None:
    """Take a task back.

    Before anyone has a seat the whole escrow returns at once. After that nobody gets one any more;
    those who have are judged and paid as if the task had expired now, and what they do not earn
    returns.
    """
    job = turn.job(body.task)
    if body.provider != job.task.provider:
        raise MarketError("only its provider cancels a task")
    if not job.seats:
        close(turn, job, "cancelled")
        return
    if job.phase not in (Phase.SEEKING, Phase.WORKING) or turn.now_ms > job.seeks_until_ms:
        raise MarketError("the task seeks no workers any more")
    turn.change(job, withdrawn_ms=turn.now_ms - 1)
    seats = len(job.open_seats())
    turn.emit(events.Withdrawn(turn.now_ms, job.identity.hex(), seats))


def offer(turn: Turn, signed: Signed, identity: bytes, body: Offer) -> None:
    """Take a worker's offer; it replaces a dearer one, or one on an earlier request.

    Nothing else is replaced: whoever kept an old offer could bring it again, and again.
    """
    job = next((j for j in turn.market.jobs.values() if body.request in j.requests), None)
    if job is None:
        raise MarketError("the offer is on no living task")
    # Offers gather while others work: more answers may come to be wanted.
    if job.phase not in (Phase.SEEKING, Phase.WORKING) or turn.now_ms > job.seeks_until_ms:
        raise MarketError("the task seeks no workers any more")
    if body.worker in job.seats:
        raise MarketError("the worker has had a seat in this task")
    if not turn.market.stakes.is_active(body.worker, Role.WORKER):
        raise NotStakedError(body.worker, Role.WORKER)
    if body.pledge < job.task.pledge or body.worker == job.task.provider:
        raise MarketError(f"a worker other than the provider pledges {job.task.pledge} coins")
    if body.quote is not None and body.quote.recipient != body.worker:
        raise MarketError("the quote pays somebody else")
    standing = job.offers.get(body.worker)
    if standing is not None and not _replaces(job, body, standing.offer):
        raise MarketError("the worker has made this offer, or a better or later one")
    sequence = 1 + max((b.sequence for b in job.offers.values()), default=-1)
    bidder = Bidder(signed, identity, sequence)
    kept = _make_room(turn.market, job, bidder)
    turn.change(job, offers={**kept, body.worker: bidder})
    ids = (job.identity.hex(), body.worker.hex())
    lacking = max(body.pledge - turn.market.coins.balance(stake_of(body.worker)), 0)
    turn.emit(events.Offered(turn.now_ms, *ids, body.ask, body.pledge, lacking))


def match(turn: Turn, signed: Signed, identity: bytes, body: Match) -> None:
    """Give a seat to the best offer, and bind its pledge."""
    job, bidder = _find_offer(turn, body.offer)
    worker = bidder.offer.worker
    _check_match(turn, job, bidder, body)
    stakes, moves = stake.bind(turn.market.stakes, job.identity, worker, bidder.offer.pledge)
    turn.set(stakes=stakes)
    turn.move(moves)
    chain = (job.requests[bidder.offer.request], bidder.signed, signed)
    seat = matched(chain, identity, body, bidder.offer)
    turn.change(job, seats={**job.seats, worker: seat}, phase=Phase.WORKING)
    turn.emit(
        events.Matched(
            turn.now_ms,
            job.identity.hex(),
            worker.hex(),
            body.price,
            bidder.offer.pledge,
            body.commit_by_ms,
            body.reveal_by_ms,
        )
    )


def close(turn: Turn, job: Job, how: str, fee: int = 0) -> None:
    """End a task: pay the verifier, give the rest of the escrow back, empty the book."""
    assert not job.open_seats(), "a seat is never left behind"
    held = turn.market.coins.balance(job.escrow)
    turn.move(
        (
            Transfer(job.escrow, wallet(job.task.verifier), fee, "fee"),
            Transfer(job.escrow, wallet(job.task.provider), held - fee, "refund"),
        )
    )
    shop.display(turn, job)
    book, _ = auction.remove(turn.market.book, job.identity)
    jobs = {name: j for name, j in turn.market.jobs.items() if name != job.identity}
    done = {**turn.market.done, job.identity: job.task.expires_ms}
    turn.set(book=book, jobs=jobs, done=done)
    turn.emit(events.Closed(turn.now_ms, job.identity.hex(), how, job.paid, fee, held - fee))


def eligible(market: Market, job: Job, now_ms: int) -> list[Bidder]:
    """Give the offers that could be matched at the bid of the moment, best first.

    The lowest ask is best, the older of equals; workers of doubtful reputation come last.
    """
    bid = job.bid_at(now_ms)
    fitting = [
        bidder
        for worker, bidder in job.offers.items()
        if worker not in job.seats
        and bidder.offer.ask <= bid
        and market.coins.balance(stake_of(worker)) >= bidder.offer.pledge
        and market.stakes.is_active(worker, Role.WORKER)
    ]
    return sorted(fitting, key=lambda b: _rank(market, b))


def is_doubtful(market: Market, bidder: Bidder) -> bool:
    """Tell whether the worker of an offer is asked last."""
    return market.standing(bidder.offer.worker).is_doubtful


def _replaces(job: Job, offer: Offer, standing: Offer) -> bool:
    if offer.request == standing.request:
        return offer.ask < standing.ask
    order = list(job.requests)  # they are kept in the order they came
    return order.index(offer.request) > order.index(standing.request)


def _make_room(market: Market, job: Job, bidder: Bidder) -> dict[bytes, Bidder]:
    """Drop the worst offer when there are too many, so that dear ones cannot crowd others out."""
    if bidder.offer.worker in job.offers or len(job.offers) < OFFERS_MAX:
        return job.offers
    waiting = [b for worker, b in job.offers.items() if worker not in job.seats]
    worst = max(waiting, key=lambda b: _rank(market, b), default=None)
    if worst is None or _rank(market, bidder) >= _rank(market, worst):
        raise MarketError(f"there are {OFFERS_MAX} better offers")
    return {worker: b for worker, b in job.offers.items() if b is not worst}


def _rank(market: Market, bidder: Bidder) -> tuple[bool, int, int]:
    return is_doubtful(market, bidder), bidder.offer.ask, bidder.sequence


def _check_match(turn: Turn, job: Job, bidder: Bidder, body: Match) -> None:
    if body.verifier != job.task.verifier:
        raise MarketError("another verifier handles this task")
    if not turn.market.stakes.is_active(body.verifier, Role.VERIFIER):
        raise NotStakedError(body.verifier, Role.VERIFIER)
    if job.phase not in (Phase.SEEKING, Phase.WORKING) or job.seats_left() <= 0:
        raise MarketError("the task has no seat to give")
    if any(_is_bound(seat, turn.now_ms) for seat in job.open_seats().values()):
        raise MarketError("seats are given before anyone has executed")
    if turn.now_ms > job.seeks_until_ms:
        raise MarketError("the task has expired")
    best, bid = eligible(turn.market, job, turn.now_ms), job.bid_at(turn.now_ms)
    if not best or best[0].identity != bidder.identity:
        raise MarketError("another offer is better")
    if not bidder.offer.ask <= body.price <= bid:
        raise MarketError(f"the price is from {bidder.offer.ask} to {bid}")
    if not turn.now_ms < body.commit_by_ms <= turn.now_ms + WORK_MAX_MS:
        raise MarketError(f"an execution is due within {WORK_MAX_MS} ms")
    if not body.commit_by_ms < body.reveal_by_ms <= body.commit_by_ms + WORK_MAX_MS:
        raise MarketError(f"a result is due within {WORK_MAX_MS} ms after the execution")


def _is_bound(seat: Seat, now_ms: int) -> bool:
    return seat.has_executed and seat.result is None and now_ms <= seat.reveal_by_ms


def _find_offer(turn: Turn, identity: bytes) -> tuple[Job, Bidder]:
    for job in turn.market.jobs.values():
        for bidder in job.offers.values():
            if bidder.identity == identity:
                return job, bidder
    raise MarketError("no living task has this offer")


def _place(turn: Turn, task: bytes) -> int:
    return auction.positions(auction.ranked(turn.market.book, turn.now_ms))[task]
