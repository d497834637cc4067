"""The market's shop: answers go on sale when their task ends, are bought again, and recalled.

Who sells an answer again answers for it. With each sale of one that no proof carries, as much of
its makers' stake as they earn by it is bound, until nobody has bought it for `RECALL_MS`. What
shows it to be false takes that: votes of more than half of the verifiers' stake that another answer
came out, or a proof of a run that gives another one.
"""

from typing import Final

import msgspec

from numen.base.codec import encode
from numen.base.errors import NumenError
from numen.market import events, offence, reputation, resale, settlement
from numen.market.coins import BURNT, Account, Pocket, Transfer, wallet
from numen.market.job import Job, Phase
from numen.market.message import Buy, Recall, Signed, message_id
from numen.market.offence import CASE_MAX_BYTES, Case, OffenceError, Refuted, WrongAnswer
from numen.market.resale import Backing, Entry
from numen.market.stake import NotStakedError, Role, stake_of
from numen.market.suffices import is_plain, suffices
from numen.market.task import Optimistic, Quorum, policy_name
from numen.market.turn import MarketError, Turn, verifier_stakes
from numen.proof.statement import claim_digest, verify_attestation

RECALL_MS: Final = 60_000
"""How long after its last sale an answer is answered for."""


MISPROVED_MAX: Final = 64
"""Most false proofs against one answer that are remembered, so that nobody else posts them again.
Each costs what the answer does."""


def display(turn: Turn, job: Job) -> None:
    """Put the answer of a task that ends on sale, if it has one."""
    if job.phase is not Phase.SETTLED or job.claim is None:
        return
    votes = job.votes_for(claim_digest(job.claim))
    stakes = verifier_stakes(turn.market) if votes else {}
    backing = Backing(turn.scores(job.answers_for(job.claim)), stakes, votes)
    turn.set(store=resale.add(turn.market.store, job, backing, turn.now_ms))


def hear(turn: Turn, signed: Signed, body: Buy | Recall) -> None:
    """Take what somebody says about answers of the store."""
    if isinstance(body, Buy):
        buy(turn, body)
    else:
        recall(turn, signed, body)


def buy(turn: Turn, body: Buy) -> None:
    """Sell an answer again, once its evidence has been checked again."""
    market = turn.market
    if body.market != market.identity:
        raise MarketError("the purchase is from another market")
    turn.count(body.buyer, body.nonce)
    entry = resale.find(market.store, body.program, body.inputs, body.policy, turn.now_ms)
    if entry is None:
        raise MarketError(_missing(turn, body))
    if market.on_ledger and not is_plain(entry.task.policy, body.policy):
        raise MarketError("the contract cannot see that it is enough: post a task")
    if entry.price > body.price_max:
        raise MarketError(f"the answer costs {entry.price} coins, not {body.price_max}")
    resale.check(entry, turn.checker.check, market.standing, born_ms=market.born_ms)
    moves = resale.shares(entry, body.buyer)
    turn.move(moves)
    sureties = _stand_for(turn, entry, moves[1:])
    earned = entry.earned + moves[0].amount
    sold = msgspec.structs.replace(entry, sold_ms=turn.now_ms, earned=earned, sureties=sureties)
    turn.set(store=resale.put(turn.market.store, sold))
    claim, buyer = claim_digest(entry.claim).hex(), body.buyer.hex()
    turn.emit(
        events.Resold(
            turn.now_ms, buyer, entry.task.program.hex(), claim, entry.price, entry.name.hex(),
            policy_name(entry.task.policy), policy_name(body.policy), sum(sureties),
            turn.now_ms - entry.since_ms,
        )
    )  # fmt: skip
    for worker, move in zip(entry.workers, moves[1:], strict=True):
        turn.emit(events.Earned(turn.now_ms, worker.hex(), buyer, claim, move.amount))


def recall(turn: Turn, signed: Signed, body: Recall) -> None:
    """Hear that an answer in the store is false, and take it back once that is shown."""
    entry = turn.market.store.entries.get(body.task)
    if entry is None:
        raise MarketError("no such answer is in the store")
    claim = body.claim
    if (claim.program, claim.inputs) != (entry.task.program, entry.task.inputs):
        raise MarketError("the claim is about another program or other inputs")
    if claim.output == entry.claim.output and (body.proof is not None or not entry.recalls):
        raise MarketError("that is the same answer, which nobody doubts")
    verify_attestation(body.accuser, claim, body.attestation)
    if body.proof is None:
        _hear_verifier(turn, entry, signed, body)
    else:
        _hear_proof(turn, entry, signed, body)


def release(turn: Turn) -> None:
    """Give back what stood for answers that nobody has bought for a while."""
    for entry in turn.market.store.entries.values():
        if any(entry.sureties) and turn.now_ms > entry.sold_ms + RECALL_MS:
            pairs = zip(entry.workers, entry.sureties, strict=True)
            turn.move(
                Transfer(surety_of(entry.name, worker), stake_of(worker), held, "release")
                for worker, held in pairs
            )
            free = msgspec.structs.replace(entry, sureties=())
            turn.set(store=resale.put(turn.market.store, free))


def surety_of(task: bytes, worker: bytes) -> Account:
    """Name what a worker's stake has bound to an answer that was sold again."""
    return Account(Pocket.SURETY, worker, task)


def _missing(turn: Turn, body: Buy) -> str:
    """Say why nothing is sold: a quote that is only too old can be had by who accepts its age."""
    old = [
        entry
        for entry in turn.market.store.answering(body.program, body.inputs)
        if entry.is_for_sale and suffices(entry.task.policy, body.policy)
    ]
    if not old:
        return "no such answer is for sale: post a task"
    age_ms = min(turn.now_ms - entry.since_ms for entry in old)
    return (
        f"the quote was made for somebody else's match, up to {age_ms} ms ago: accept that age, "
        f"or post a task"
    )


def _stand_for(turn: Turn, entry: Entry, earned: tuple[Transfer, ...]) -> tuple[int, ...]:
    """Bind of each maker's stake what it earns by a sale; what is bound of each afterwards.

    Raises:
        NotStakedError: One of them takes no part any more.
        NotEnoughError: One of them has not so much that is free.
    """
    if not isinstance(entry.task.policy, Quorum | Optimistic):
        return ()
    before = entry.sureties or (0,) * len(earned)
    for worker, move in zip(entry.workers, earned, strict=True):
        if not turn.market.stakes.is_active(worker, Role.WORKER):
            raise NotStakedError(worker, Role.WORKER)
        source, target = stake_of(worker), surety_of(entry.name, worker)
        turn.move((Transfer(source, target, move.amount, "surety"),))
    return tuple(held + move.amount for held, move in zip(before, earned, strict=True))


def _hear_verifier(turn: Turn, entry: Entry, signed: Signed, body: Recall) -> None:
    """Count a verifier's word against an answer of workers, as in a dispute."""
    if not turn.market.stakes.is_active(body.accuser, Role.VERIFIER):
        raise NotStakedError(body.accuser, Role.VERIFIER)
    if not isinstance(entry.task.policy, Quorum):
        raise MarketError("only quorums are decided by votes: show a proof")
    if any(_accuser(other) == body.accuser for other in entry.recalls):
        raise MarketError("this verifier has said so before")
    entry = msgspec.structs.replace(entry, recalls=(*entry.recalls, signed))
    turn.set(store=resale.put(turn.market.store, entry))
    claim = claim_digest(body.claim)
    is_same = body.claim.output == entry.claim.output
    said = (entry.name.hex(), body.accuser.hex(), claim.hex(), is_same)
    turn.emit(events.Doubted(turn.now_ms, *said))
    votes = tuple(other for other in entry.recalls if _claimed(other) == claim)
    try:
        settled = offence.settled_by_votes(votes, entry.name, verifier_stakes(turn.market))
    except OffenceError:
        return
    settlement.fine_wrong_votes(turn, entry.name, entry.recalls, settled)
    if is_same:
        cleared = msgspec.structs.replace(entry, recalls=())
        turn.set(store=resale.put(turn.market.store, cleared))
    else:
        _take_back(turn, entry, body.accuser, votes)


def _hear_proof(turn: Turn, entry: Entry, signed: Signed, body: Recall) -> None:
    """Check a proof of another answer; one that is false costs what the answer does, once.

    Whoever saw it could post it again, at the accuser's cost, and have everybody check it again.
    """
    if body.accuser not in turn.market.stakes.stakers:
        raise NotStakedError(body.accuser, Role.WORKER)
    if message_id(body) in entry.misproved:
        raise MarketError("this proof was found not to hold before")
    source = stake_of(body.accuser)
    if turn.market.coins.balance(source) < entry.price:
        raise MarketError(f"who shows a proof has {entry.price} coins of stake free to lose by it")
    assert body.proof is not None
    try:
        turn.checker.check(offence.refuting(entry.task), body.claim, body.proof)
    except NumenError as error:
        lost = entry.price
        turn.move((Transfer(source, BURNT, lost, "burn"),))
        known = (*entry.misproved[1 - MISPROVED_MAX :], message_id(body))
        noted = msgspec.structs.replace(entry, misproved=known)
        turn.set(store=resale.put(turn.market.store, noted))
        turn.emit(
            events.Misproved(
                turn.now_ms, entry.name.hex(), body.accuser.hex(), error.message, lost
            )
        )  # fmt: skip
        return
    _take_back(turn, entry, body.accuser, (signed,))


def _take_back(turn: Turn, entry: Entry, accuser: bytes, shown: tuple[Signed, ...]) -> None:
    """Take an answer from the store, and from its makers what stood for it, and their names."""
    sureties = entry.sureties or (0,) * len(entry.workers)
    rest = resale.drop(turn.market.store, entry.name)
    turn.set(store=resale.believe_again(rest, entry.task.program, entry.task.inputs))
    for receipt, worker, held in zip(entry.receipts, entry.workers, sureties, strict=True):
        chain = receipt.messages[:-1]
        is_proven = isinstance(shown[0].body, Recall) and shown[0].body.proof is not None
        accusation = Refuted(chain, shown[0]) if is_proven else WrongAnswer(chain, shown)
        source, reward = surety_of(entry.name, worker), held // 2
        turn.move(
            (
                Transfer(source, wallet(accuser), reward, "report"),
                Transfer(source, BURNT, held - reward, "burn"),
            )
        )
        turn.emit(
            events.Recalled(
                turn.now_ms, entry.name.hex(), worker.hex(), accuser.hex(), reward, held - reward,
                encode(Case(accusation), size_max=CASE_MAX_BYTES).hex(),
            )
        )  # fmt: skip
        _score(turn, worker, receipt.identity)


def _score(turn: Turn, worker: bytes, receipt: bytes) -> None:
    before = turn.market.standing(worker)
    lied = reputation.Entry(receipt, is_accepted=False, is_replicated=False, is_lie=True)
    after = reputation.after(before, lied)
    turn.set(standings={**turn.market.standings, worker: after})
    turn.emit(
        events.Scored(
            turn.now_ms, worker.hex(), before.score, after.score, receipt.hex(), after.head.hex()
        )
    )  # fmt: skip


def _accuser(signed: Signed) -> bytes:
    assert isinstance(signed.body, Recall)
    return signed.body.accuser


def _claimed(signed: Signed) -> bytes:
    assert isinstance(signed.body, Recall)
    return claim_digest(signed.body.claim)
