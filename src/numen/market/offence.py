"""What costs a worker its pledge or a verifier its stake, and evidence that anyone can check.

Nobody is fined on a say-so. Evidence is the signed chain of the seat in question and what
contradicts it; `judge` recomputes the contradiction from the bytes.

    OffenceError           the evidence does not show the offence
"""

from collections.abc import Mapping
from enum import Enum
from typing import Protocol, TypeAlias

import msgspec

from numen.base.errors import NumenError
from numen.market.hardware import check_quote
from numen.market.message import (
    Execution,
    Kept,
    Match,
    Offer,
    Recall,
    Request,
    Result,
    Signed,
    Vote,
    check,
)
from numen.market.moves import Run
from numen.market.receipt import CHAIN, check_chain
from numen.market.suffices import SOUND_BITS
from numen.market.task import Hardware, Optimistic, Quorum, Stark, Task, task_id
from numen.proof.statement import Claim, Evidence, claim_digest

PERMILLE = 1000

CASE_MAX_BYTES = 1 << 21
"""Longest accusation: a chain with an answer of full size, and the votes of all verifiers."""


class Outcome(Enum):
    """How a seat ends."""

    ACCEPTED = "accepted"
    WRONG_ANSWER = "wrong answer"
    FALSE_PROOF = "false proof"
    NO_REVEAL = "no reveal"
    NO_EXECUTION = "no execution"
    EQUIVOCATION = "equivocation"
    WRONG_VOTE = "wrong vote"
    """A verifier's; what it costs is a share of the stake."""
    LOST_CONTEST = "lost contest"
    """A worker's or a challenger's; the contest itself shows it (`contest.py`)."""
    RELEASED = "released"
    """The task ended without an answer; nobody is at fault and nobody is paid."""


# fmt: off
FINE_PERMILLE = {
    Outcome.ACCEPTED:        0,
    Outcome.WRONG_ANSWER: 1000,
    Outcome.FALSE_PROOF:  1000,
    Outcome.NO_REVEAL:    1000,
    Outcome.NO_EXECUTION:  250,
    Outcome.EQUIVOCATION: 1000,
    Outcome.WRONG_VOTE:    100,
    Outcome.LOST_CONTEST: 1000,
    Outcome.RELEASED:        0,
}
# fmt: on
"""Share of the pledge, or of a verifier's stake, that each outcome costs, in thousandths.

A worker that crashes before it binds itself has wasted time and deceived nobody; one that
stays silent after it bound itself may have copied what it cannot open.
"""

assert set(FINE_PERMILLE) == set(Outcome), "an outcome has no row"

LIES = frozenset({Outcome.WRONG_ANSWER, Outcome.FALSE_PROOF, Outcome.EQUIVOCATION})
"""What nobody does by accident: it costs the whole reputation too."""


class WrongAnswer(msgspec.Struct, frozen=True, array_like=True, tag="wrong/1"):
    """A result differs from what the verifiers got when they ran the task again.

    Attributes:
        chain: Request, offer, match, execution and result of the seat.
        votes: Signed by verifiers that hold more than half of all verifiers' stake.
    """

    chain: tuple[Signed, ...]
    votes: tuple[Signed, ...]


class FalseProof(msgspec.Struct, frozen=True, array_like=True, tag="false-proof/1"):
    """A result's proof does not verify.

    Attributes:
        chain: Request, offer, match, execution and result of the seat.
    """

    chain: tuple[Signed, ...]


class Silence(msgspec.Struct, frozen=True, array_like=True, tag="silence/1"):
    """A message is missing after its deadline.

    Attributes:
        chain: Request, offer and match, and the execution where only the result is missing.
    """

    chain: tuple[Signed, ...]


class Equivocation(msgspec.Struct, frozen=True, array_like=True, tag="equivocation/1"):
    """A worker signed two different messages where there is room for one.

    Attributes:
        chain: Request, offer and match, and the execution where the results differ.
        first: An execution or a result.
        second: Another one of the same kind.
    """

    chain: tuple[Signed, ...]
    first: Signed
    second: Signed


class Refuted(msgspec.Struct, frozen=True, array_like=True, tag="refuted/1"):
    """A proof shows that a result is false: the program gives another answer.

    Attributes:
        chain: Request, offer, match, execution and result of the seat.
        recall: The other answer, and the proof of it.
    """

    chain: tuple[Signed, ...]
    recall: Signed


class WrongVote(msgspec.Struct, frozen=True, array_like=True, tag="wrong-vote/1"):
    """A verifier voted for another answer than the majority that settled the task.

    Attributes:
        vote: Its vote.
        votes: Signed by verifiers that hold more than half of all verifiers' stake.
    """

    vote: Signed
    votes: tuple[Signed, ...]


Accusation: TypeAlias = WrongAnswer | FalseProof | Silence | Equivocation | WrongVote | Refuted


class Case(msgspec.Struct, frozen=True, array_like=True):
    """An accusation as it is written down.

    Attributes:
        accusation: Any kind.
    """

    accusation: Accusation


class Offence(msgspec.Struct, frozen=True):
    """What evidence shows.

    Attributes:
        worker: Who did it, a worker or a verifier.
        task: Id of the task.
        outcome: What it was.
    """

    worker: bytes
    task: bytes
    outcome: Outcome


class Record(Protocol):
    """What the market knows beside the evidence: who came when, and who holds stake."""

    @property
    def now_ms(self) -> int:
        """The present moment."""
        ...

    @property
    def born_ms(self) -> int:
        """Milliseconds since 1970 at which the market's time began."""
        ...

    @property
    def verifier_stakes(self) -> Mapping[bytes, int]:
        """Stake of every verifier that may vote, in coins."""
        ...

    def has_answered(self, match: bytes, kind: type[Execution | Result]) -> bool:
        """Tell whether a message of the kind came in time for a match."""
        ...

    def check_evidence(self, task: Task, claim: Claim, evidence: Evidence | Kept) -> None:
        """Check a proof under a task's policy; raises `NumenError` when it is false."""
        ...


class OffenceError(NumenError):
    """The evidence does not show the offence."""


def judge(accusation: Accusation, record: Record) -> Offence:
    """Find what an accusation proves.

    Args:
        accusation: Evidence from anyone.
        record: What the market knows.

    Returns:
        The offence; exactly one follows from each kind of evidence.

    Raises:
        OffenceError: The evidence does not show it.
        ReceiptError: The chain is not signed, or its messages do not follow from each other.

    Cost: one signature recovery for each message of the evidence.
    """
    if isinstance(accusation, WrongVote):
        return _wrong_vote(accusation, record)
    check_chain(accusation.chain)
    if len(accusation.chain) <= CHAIN.index(Match):
        raise OffenceError("the chain does not reach a match")
    match accusation:
        case WrongAnswer():
            outcome = _wrong_answer(accusation, record)
        case FalseProof():
            outcome = _false_proof(accusation, record)
        case Silence():
            outcome = _silence(accusation, record)
        case Equivocation():
            outcome = _equivocation(accusation)
        case Refuted():
            outcome = _refuted(accusation, record)
    request, offer = accusation.chain[0].body, accusation.chain[1].body
    assert isinstance(request, Request)
    assert isinstance(offer, Offer)
    return Offence(offer.worker, task_id(request.task), outcome)


def fine(pledge: int, outcome: Outcome) -> int:
    """Compute what an outcome costs of a pledge, in coins, rounded up."""
    return -(-pledge * FINE_PERMILLE[outcome] // PERMILLE)


def settled_by_votes(votes: tuple[Signed, ...], task: bytes, stakes: Mapping[bytes, int]) -> Claim:
    """Find the claim that more than half of the verifiers' stake voted for.

    Args:
        votes: Votes or recalls of anyone; only signed ones of verifiers with stake on this task
            count, and each verifier once.
        task: Id of the task.
        stakes: Stake of every verifier, in coins.

    Raises:
        OffenceError: The votes disagree, or too little stake stands behind them.
    """
    if len(votes) > len(stakes):
        raise OffenceError("more votes than verifiers")
    claims, voters = {}, set()
    for signed in votes:
        check(signed)
        body = signed.body
        if not isinstance(body, Vote | Recall) or body.task != task:
            raise OffenceError("a vote is on another task")
        claims[claim_digest(body.claim)] = body.claim
        voters.add(voter(body))
    if len(claims) != 1:
        raise OffenceError("the votes do not agree")
    if 2 * sum(stakes.get(voter, 0) for voter in voters) <= sum(stakes.values()):
        raise OffenceError("at most half of the stake stands behind the votes")
    return next(iter(claims.values()))


def voter(body: Vote | Recall) -> bytes:
    """Tell whose word a vote or a recall is."""
    return body.verifier if isinstance(body, Vote) else body.accuser


def _wrong_answer(accusation: WrongAnswer, record: Record) -> Outcome:
    request, result = accusation.chain[0].body, accusation.chain[-1].body
    if not isinstance(result, Result) or not isinstance(request, Request):
        raise OffenceError("the chain does not reach a result")
    settled = settled_by_votes(accusation.votes, task_id(request.task), record.verifier_stakes)
    if claim_digest(settled) == claim_digest(result.claim):
        raise OffenceError("the answer is what the verifiers got")
    return Outcome.WRONG_ANSWER


def _wrong_vote(accusation: WrongVote, record: Record) -> Offence:
    body = accusation.vote.body
    if not isinstance(body, Vote | Recall):
        raise OffenceError("that is no vote")
    check(accusation.vote)
    settled = settled_by_votes(accusation.votes, body.task, record.verifier_stakes)
    if claim_digest(settled) == claim_digest(body.claim):
        raise OffenceError("the vote is with the majority")
    return Offence(voter(body), body.task, Outcome.WRONG_VOTE)


def _false_proof(accusation: FalseProof, record: Record) -> Outcome:
    request, result = accusation.chain[0].body, accusation.chain[-1].body
    if not isinstance(result, Result) or not isinstance(request, Request):
        raise OffenceError("the chain does not reach a result")
    if isinstance(request.task.policy, Quorum | Optimistic):
        raise OffenceError("the task asked for no proof")
    if result.evidence is None or isinstance(result.evidence, Run):
        return Outcome.FALSE_PROOF
    matched = accusation.chain[CHAIN.index(Match)]
    try:
        if isinstance(request.task.policy, Hardware):
            assert isinstance(matched.body, Match)
            match, due_ms = check(matched), record.born_ms + matched.body.commit_by_ms
            check_quote(request.task, result.claim, result.evidence, match=match, due_ms=due_ms)
        else:
            record.check_evidence(request.task, result.claim, result.evidence)
    except NumenError:
        return Outcome.FALSE_PROOF
    raise OffenceError("the proof is true")


def refuting(task: Task) -> Task:
    """The same task for who would believe a proof of it, as recalls come with."""
    return msgspec.structs.replace(task, policy=Stark(conjectured_bits_min=SOUND_BITS))


def _refuted(accusation: Refuted, record: Record) -> Outcome:
    request, result = accusation.chain[0].body, accusation.chain[-1].body
    if not isinstance(result, Result) or not isinstance(request, Request):
        raise OffenceError("the chain does not reach a result")
    check(accusation.recall)
    body = accusation.recall.body
    if not isinstance(body, Recall) or body.proof is None or body.task != task_id(request.task):
        raise OffenceError("that is no proof of another answer to this task")
    if result.claim.work >= request.task.work_limit:
        raise OffenceError("the answer is that the work was not enough")
    if body.claim.output == result.claim.output:
        raise OffenceError("the proof is of the same answer")
    record.check_evidence(refuting(request.task), body.claim, body.proof)
    return Outcome.WRONG_ANSWER


def _silence(accusation: Silence, record: Record) -> Outcome:
    matched = accusation.chain[CHAIN.index(Match)]
    assert isinstance(matched.body, Match)
    identity = check(matched)
    if len(accusation.chain) == CHAIN.index(Execution):
        late, kind = record.now_ms > matched.body.commit_by_ms, Execution
        outcome = Outcome.NO_EXECUTION
    elif len(accusation.chain) == CHAIN.index(Result):
        late, kind = record.now_ms > matched.body.reveal_by_ms, Result  # type: ignore[assignment]
        outcome = Outcome.NO_REVEAL
    else:
        raise OffenceError("nothing is missing from the chain")
    if not late:
        raise OffenceError("the deadline has not passed")
    if record.has_answered(identity, kind):
        raise OffenceError("the message came in time")
    return outcome


def _equivocation(accusation: Equivocation) -> Outcome:
    chain, kind = accusation.chain, CHAIN[min(len(accusation.chain), CHAIN.index(Result))]
    if kind not in (Execution, Result):
        raise OffenceError("only executions and results can contradict each other")
    offer, before = chain[1].body, check(chain[-1])
    assert isinstance(offer, Offer)
    found = []
    for signed in (accusation.first, accusation.second):
        body = signed.body
        if not isinstance(body, kind) or not isinstance(body, Execution | Result):
            raise OffenceError("the two messages are not of the kind that should follow")
        link = body.match if isinstance(body, Execution) else body.execution
        if link != before or body.worker != offer.worker:
            raise OffenceError("the two messages are not of this seat")
        found.append(check(signed))
    if found[0] == found[1]:
        raise OffenceError("the two messages are one")
    return Outcome.EQUIVOCATION
