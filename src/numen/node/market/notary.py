"""Checks the evidence of a market between processes, alike on every machine.

What evidence needs beside itself (a verifying key, a proof too long for a message) are goods, named
by their digests: an entry of the record is applied when they are there, and until then not at all.
So everybody finds the same of it, now and in a year.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final

from numen.base.codec import encode
from numen.base.crypto import keccak256
from numen.base.errors import NumenError
from numen.market import resale
from numen.market.message import Body, Buy, Kept, Recall, Request, Result, Signed, Verdict, check
from numen.market.moves import Run, Step
from numen.market.offence import FalseProof, refuting
from numen.market.task import Policy, Snark, Stark, Task, task_id
from numen.market.turn import Market
from numen.node.market.keys import rule_of
from numen.node.market.replica import Judged, Posted, What
from numen.proof.machine.evidence import stark_rule
from numen.proof.statement import (
    Claim,
    Evidence,
    UnboundError,
    UnprovenError,
    claim_digest,
    verify,
)
from numen.proof.statement import Snark as SnarkEvidence
from numen.proof.statement import Stark as StarkEvidence
from numen.proof.walk import Shown
from numen.vm.course import Course, course, judge

VERDICTS_MAX: Final = 1024
"""Verdicts that are remembered: evidence is looked at when it comes, when it is applied, and
perhaps when it is accused."""

CUPBOARD_BYTES_MAX: Final = 64 << 20
"""Most bytes of goods that a member keeps for its notary; the oldest go first."""

Check = tuple[Task, Claim, "Evidence | Kept"]


class Notary:
    """A `numen.market.turn.Checker` over goods.

    Args:
        get: Gives goods by their name, or None; without it they are those that it is brought.
    """

    def __init__(self, get: Callable[[bytes], bytes | None] | None = None) -> None:
        self._cupboard = Cupboard()
        self._get = get or self._cupboard.get
        self._verdicts: OrderedDict[bytes, NumenError | None] = OrderedDict()

    def check(self, task: Task, claim: Claim, evidence: Evidence | Kept) -> None:
        """Check evidence under a task's policy; what it needs has to be there.

        Raises:
            NumenError: It does not hold.
        """
        found = self._judge(task, claim, evidence)
        if found is not None:
            raise found.with_traceback(None)

    def following(self, task: Task, answer: bytes, shown: Shown) -> bytes:
        """Take a step of a run; the program and the inputs have to be there.

        Raises:
            NumenError: What is shown is not a state and the cells that the step touches.
        """
        return judge(self._course(task, answer), shown)

    def bring(self, name: bytes, raw: bytes) -> None:
        """Take goods that entries may need."""
        self._cupboard.put(name, raw)

    def lacks(self, market: Market, what: What) -> list[bytes]:
        """Name the goods without which an entry cannot be applied, and which are not here."""
        return [name for name in needed(market, what) if self._get(name) is None]

    def look(self, market: Market, what: What) -> None:
        """Find out what is to be found about an entry, so that applying it takes no time.

        Nothing is looked at for whoever has no say in it: that costs, and comes from anybody.
        """
        if not _has_say(market, what):
            return
        for task, claim, evidence in _checks(market, what):
            self._judge(task, claim, evidence)
        if isinstance(what, Posted) and isinstance(step := what.signed.body, Step):
            job = market.jobs[step.task]
            with contextlib.suppress(NumenError):
                self._course(job.task, b"")  # lowers the program, which takes longest

    def _judge(self, task: Task, claim: Claim, evidence: Evidence | Kept) -> NumenError | None:
        name = keccak256(task_id(task), claim_digest(claim), encode(evidence))
        if name not in self._verdicts:
            self._verdicts[name] = self._found(task, claim, evidence)
            while len(self._verdicts) > VERDICTS_MAX:
                self._verdicts.popitem(last=False)
        return self._verdicts[name]

    def _found(self, task: Task, claim: Claim, evidence: Evidence | Kept) -> NumenError | None:
        try:
            if claim.program != task.program or claim.inputs != task.inputs:
                raise UnboundError("task")
            self._verify(task, claim, evidence)
        except NumenError as error:
            return error
        return None

    def _verify(self, task: Task, claim: Claim, evidence: Evidence | Kept) -> None:
        match task.policy, evidence:
            case Snark(key), SnarkEvidence():
                rule = rule_of(self._goods(key), task.program)
                verify(claim, evidence, snark=rule)
            case Stark(proven, conjectured), Kept(name):
                demands = stark_rule(proven_bits_min=proven, conjectured_bits_min=conjectured)
                verify(claim, StarkEvidence(self._goods(name)), stark=demands)
            case _:
                raise UnprovenError("the evidence is not of the kind that the task asks for")

    def _course(self, task: Task, answer: bytes) -> Course:
        return course(
            self._goods(task.program), self._goods(task.inputs), answer, task.work_limit
        )  # fmt: skip

    def _goods(self, name: bytes) -> bytes:
        raw = self._get(name)
        assert raw is not None, "an entry is applied only when what it needs is here"
        return raw


class Cupboard:
    """Goods in memory, as many as fit."""

    def __init__(self) -> None:
        self._goods: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, name: bytes) -> bytes | None:
        """Goods by their name, or None."""
        return self._goods.get(name)

    def put(self, name: bytes, raw: bytes) -> None:
        """Keep goods; the oldest make room."""
        self._bytes += len(raw) - len(self._goods.pop(name, b""))
        self._goods[name] = raw
        while self._bytes > CUPBOARD_BYTES_MAX:
            _, old = self._goods.popitem(last=False)
            self._bytes -= len(old)


def needed(market: Market, what: What) -> Iterator[bytes]:
    """Name the goods that it takes to apply an entry."""
    if isinstance(what, Posted) and isinstance(policy := _wanted(what.signed.body), Snark):
        yield policy.key
    if isinstance(what, Posted) and isinstance(what.signed.body, Step):
        job = market.jobs.get(what.signed.body.task)
        if job is not None:
            yield from (job.task.program, job.task.inputs)
    for task, _, evidence in _checks(market, what):
        if isinstance(task.policy, Snark):
            yield task.policy.key
        elif isinstance(task.policy, Stark) and isinstance(evidence, Kept):
            yield evidence.name


def _wanted(body: Body) -> Policy | None:
    """The policy of who wants an answer."""
    match body:
        case Request(task):
            return task.policy
        case Buy():
            return body.policy
    return None


def _checks(market: Market, what: What) -> Iterator[Check]:
    """What evidence an entry may have the market look at."""
    match what:
        case Posted(Signed(Result() as body)):
            found = (_task_of(market, body), body.claim, body.evidence)
        case Posted(Signed(Buy() as body)):
            entry = resale.find(market.store, body.program, body.inputs, body.policy, 0)
            if entry is None:
                return
            found = (entry.task, entry.claim, entry.evidence)
        case Posted(Signed(Recall() as body)):
            doubted = market.store.entries.get(body.task)
            if doubted is None:
                return
            found = (refuting(doubted.task), body.claim, body.proof)
        case Judged(_, FalseProof(chain)) if len(chain) > 1:
            first, last = chain[0].body, chain[-1].body
            if not isinstance(first, Request) or not isinstance(last, Result):
                return
            found = (first.task, last.claim, last.evidence)
        case _:
            return
    task, claim, evidence = found
    is_asked = task is not None and isinstance(task.policy, Snark | Stark)
    if is_asked and task is not None and evidence is not None and not isinstance(evidence, Run):
        yield task, claim, evidence


def _has_say(market: Market, what: What) -> bool:
    """Whether who signed an entry has a part in the task that it is about."""
    if not isinstance(what, Posted | Judged):
        return False
    body = what.signed.body
    try:
        check(what.signed)
    except NumenError:
        return False
    match body:
        case Verdict():
            job = market.jobs.get(body.task)
            return job is not None and job.task.verifier == body.verifier
        case Step():
            job = market.jobs.get(body.task)
            return job is not None and body.worker in job.seats
        case Recall():
            return body.accuser in market.stakes.stakers
    return True


def _task_of(market: Market, result: Result) -> Task | None:
    for job in market.jobs.values():
        if any(seat.last == result.execution for seat in job.seats.values()):
            return job.task
    return None
