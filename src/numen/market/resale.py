"""Answers that can be bought again: settled claims with the receipts that show them.

Who wants the same program run on the same inputs, and believes what the first buyer believed, need
not have it run. The evidence is checked again at every sale, by everybody who applies it; those
who gave the answer share the price, less the verifier's commission. As in =nil;'s Proof Market.

    ResaleError        no such answer is for sale, or what shows it does not hold
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from numen.base.codec import digest
from numen.base.crypto import Hash32
from numen.base.errors import NumenError
from numen.market import quorum
from numen.market.coins import Transfer, wallet
from numen.market.hardware import check_quote
from numen.market.job import Job
from numen.market.message import Kept, Match, Request, Result, Signed, message_id
from numen.market.moves import Run
from numen.market.offence import Outcome, settled_by_votes
from numen.market.receipt import Receipt, verify, write
from numen.market.task import Hardware, Policy, Quorum, Snark, Task, task_id
from numen.proof.statement import Claim, Evidence, claim_digest

CheckProof: TypeAlias = Callable[[Task, Claim, Evidence | Kept], None]

ENTRIES_MAX: Final = 1024
"""Most answers that are kept; the oldest go first."""

BYTES_MAX: Final = 16 << 20
"""Most bytes of receipts that are kept."""

PRICE_PERMILLE: Final = 250
"""What an answer costs again, in thousandths of what was paid for all that showed it."""

COMMISSION_PERMILLE: Final = 100
"""What of that goes to the verifier of the first sale, in thousandths."""

_PERMILLE: Final = 1000
_SELLS: Final = (Quorum, Snark, Hardware)


class Backing(msgspec.Struct, frozen=True):
    """What made a quorum credible when it was settled.

    Attributes:
        scores: Reputation of those who gave the answer, when the task ended.
        stakes: Stake of every verifier, in coins.
        votes: Of the verifiers that ran the task again, where they settled it.
    """

    scores: dict[bytes, int]
    stakes: dict[bytes, int]
    votes: tuple[Signed, ...]


class Entry(msgspec.Struct, frozen=True):
    """An answer for sale.

    Attributes:
        task: The task that it was first sold for.
        claim: What was settled.
        answer: The output itself.
        receipts: Of the seats that were paid for it; at least one.
        backing: What made it credible.
        paid: What those seats were paid, in coins.
        size: Bytes of its receipts.
    """

    task: Task
    claim: Claim
    answer: bytes
    receipts: tuple[Receipt, ...]
    backing: Backing
    paid: int
    size: int

    @property
    def workers(self) -> tuple[bytes, ...]:
        """Who gave the answer."""
        return tuple(_result(receipt).worker for receipt in self.receipts)

    @property
    def evidence(self) -> Evidence | Kept | None:
        """The proof or quote of one of them; None where equal answers are the evidence."""
        evidence = _result(self.receipts[0]).evidence
        return None if isinstance(evidence, Run) else evidence

    @property
    def price(self) -> int:
        """What it costs now, in coins."""
        return max(self.paid * PRICE_PERMILLE // _PERMILLE, 1)


class Store(msgspec.Struct, frozen=True):
    """Answers for sale, the oldest first.

    Attributes:
        entries: By what they answer, from `name_of`.
        size: Bytes of their receipts.
    """

    entries: dict[bytes, Entry] = {}
    size: int = 0


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """What an answer answers: a program on inputs."""

    program: Hash32
    inputs: Hash32


class ResaleError(NumenError):
    """No such answer is for sale, or what shows it does not hold."""


def name_of(program: bytes, inputs: bytes) -> bytes:
    """Name what is asked; 32 bytes."""
    return digest("numen/asked/1", Asked(program, inputs))


def satisfies(had: Policy, wanted: Policy) -> bool:
    """Tell whether evidence of one policy is enough for who wants another."""
    if isinstance(had, Quorum) and isinstance(wanted, Quorum):
        return had.trust >= wanted.trust
    return had == wanted


def add(store: Store, job: Job, backing: Backing) -> Store:
    """Keep the answer of a settled task, if its receipts show it; the oldest make room.

    Args:
        store: What is for sale.
        job: A task that has just ended.
        backing: What made its answer credible.
    """
    entry = _entry(job, backing)
    if entry is None or entry.size > BYTES_MAX:
        return store
    name = name_of(job.task.program, job.task.inputs)
    old = store.entries.get(name)
    if old is not None and satisfies(old.task.policy, job.task.policy):
        return store
    entries = {n: e for n, e in store.entries.items() if n != name}
    size = store.size - (old.size if old else 0) + entry.size
    while len(entries) >= ENTRIES_MAX or size > BYTES_MAX:
        size -= entries.pop(next(iter(entries))).size
    return Store({**entries, name: entry}, size)


def find(store: Store, program: bytes, inputs: bytes, policy: Policy) -> Entry | None:
    """Give an answer that is enough for a policy, or None."""
    entry = store.entries.get(name_of(program, inputs))
    return entry if entry is not None and satisfies(entry.task.policy, policy) else None


def check(entry: Entry, check_proof: CheckProof, *, born_ms: int = 0) -> None:
    """Check again what shows an answer: signatures, links, the answer, and the evidence.

    Args:
        entry: An answer for sale.
        check_proof: Checks proofs; raises `NumenError` when one does not hold.
        born_ms: Milliseconds since 1970 at which the market's time began.

    Raises:
        ResaleError: Something does not hold.

    Cost: a signature recovery for each message of its receipts, and a check of each proof.
    """
    try:
        for receipt in entry.receipts:
            verify(receipt)
            _check_receipt(entry, receipt)
            if not isinstance(entry.task.policy, Quorum):
                _check_evidence(entry, receipt, check_proof, born_ms)
        if isinstance(entry.task.policy, Quorum):
            _check_quorum(entry, entry.task.policy)
    except NumenError as error:
        raise ResaleError(f"the answer is not shown any more: {error.message}") from error


def shares(entry: Entry, buyer: bytes) -> tuple[Transfer, ...]:
    """Split the price of an answer: the verifier's commission, and the rest among workers.

    What does not divide goes to the first of them, so that all of it is paid.
    """
    commission = entry.price * COMMISSION_PERMILLE // _PERMILLE
    each, odd = divmod(entry.price - commission, len(entry.workers))
    return (
        Transfer(wallet(buyer), wallet(entry.task.verifier), commission, "commission"),
        *(
            Transfer(wallet(buyer), wallet(worker), each + odd * (index == 0), "share")
            for index, worker in enumerate(entry.workers)
        ),
    )


def _entry(job: Job, backing: Backing) -> Entry | None:
    if job.claim is None or not isinstance(job.task.policy, _SELLS):
        return None
    receipts = tuple(
        Receipt((*seat.chain, seat.verdict))
        for seat in job.seats.values()
        if seat.outcome is Outcome.ACCEPTED and seat.verdict is not None
    )
    if not receipts:
        return None
    size = sum(len(write(receipt)) for receipt in receipts)
    answer = _result(receipts[0]).answer
    return Entry(job.task, job.claim, answer, receipts, backing, job.paid, size)


def _result(receipt: Receipt) -> Result:
    body = receipt.messages[-2].body
    assert isinstance(body, Result)
    return body


def _check_receipt(entry: Entry, receipt: Receipt) -> None:
    request, result = receipt.messages[0].body, _result(receipt)
    assert isinstance(request, Request)
    if not receipt.is_complete or task_id(request.task) != task_id(entry.task):
        raise ResaleError("a receipt is of another task")
    if (claim_digest(result.claim), result.answer) != (claim_digest(entry.claim), entry.answer):
        raise ResaleError("a receipt is of another answer")


def _check_quorum(entry: Entry, policy: Quorum) -> None:
    settled = claim_digest(entry.claim)
    if entry.backing.votes:
        voted = settled_by_votes(entry.backing.votes, task_id(entry.task), entry.backing.stakes)
        found: bytes | None = claim_digest(voted)
    else:
        answers = dict.fromkeys(entry.workers, settled)
        found = quorum.consensus(answers, entry.backing.scores, policy.trust)
    if found != settled:
        raise ResaleError("too little stands behind it")


def _check_evidence(entry: Entry, receipt: Receipt, check_proof: CheckProof, born_ms: int) -> None:
    task, evidence = entry.task, _result(receipt).evidence
    matched = receipt.messages[2].body
    assert isinstance(matched, Match)
    if evidence is None or isinstance(evidence, Run):
        raise ResaleError("it was sold without evidence that stands by itself")
    if isinstance(task.policy, Hardware):
        match, due_ms = message_id(matched), born_ms + matched.commit_by_ms
        check_quote(task, entry.claim, evidence, match=match, due_ms=due_ms)
    else:
        check_proof(task, entry.claim, evidence)
