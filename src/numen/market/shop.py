"""The market's shop: answers go on sale when their task ends, and are bought again."""

from numen.market import events, resale
from numen.market.job import Job, Phase
from numen.market.message import Buy
from numen.market.resale import Backing
from numen.market.turn import MarketError, Turn, verifier_stakes
from numen.proof.statement import claim_digest


def display(turn: Turn, job: Job) -> None:
    """Put the answer of a task that ends on sale, if it has one."""
    if job.phase is not Phase.SETTLED or job.claim is None:
        return
    votes = job.votes_for(claim_digest(job.claim))
    stakes = verifier_stakes(turn.market) if votes else {}
    backing = Backing(turn.scores(job.answers_for(job.claim)), stakes, votes)
    turn.set(store=resale.add(turn.market.store, job, backing))


def buy(turn: Turn, body: Buy) -> None:
    """Sell an answer again, once its evidence has been checked again."""
    if body.market != turn.market.identity:
        raise MarketError("the purchase is from another market")
    turn.count(body.buyer, body.nonce)
    entry = resale.find(turn.market.store, body.program, body.inputs, body.policy)
    if entry is None:
        raise MarketError("no such answer is for sale: post a task")
    if entry.price > body.price_max:
        raise MarketError(f"the answer costs {entry.price} coins, not {body.price_max}")
    resale.check(entry, turn.checker.check, born_ms=turn.market.born_ms)
    moves = resale.shares(entry, body.buyer)
    turn.move(moves)
    claim = claim_digest(entry.claim).hex()
    buyer = body.buyer.hex()
    turn.emit(events.Resold(turn.now_ms, buyer, entry.task.program.hex(), claim, entry.price))
    for worker, move in zip(entry.workers, moves[1:], strict=True):
        turn.emit(events.Earned(turn.now_ms, worker.hex(), buyer, claim, move.amount))
