"""Answers that can be bought again: settled claims with the receipts that show them.

Who wants the same program run on the same inputs, and is content with what was shown to the first
buyer (`suffices.py`), need not have it run. The evidence is checked again at every sale, by
everybody who applies it; those who gave the answer share the price, less the verifier's
commission. As in =nil;'s Proof Market.

    ResaleError        no such answer is for sale, or what shows it does not hold
"""

from collections.abc import Callable, Iterator, Mapping
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
from numen.market.reputation import Standing
from numen.market.suffices import suffices
from numen.market.task import Hardware, Optimistic, Policy, Quorum, Task, task_id
from numen.proof.statement import Claim, Evidence, claim_digest

CheckProof: TypeAlias = Callable[[Task, Claim, Evidence | Kept], None]

ENTRIES_MAX: Final = 1024
"""Most answers that are kept; those of least worth go first."""

BYTES_MAX: Final = 16 << 20
"""Most bytes of receipts that are kept."""

RIVALS_MAX: Final = 8
"""Most answers to one question that are kept, for those who want to see different evidence."""

HALVES_MS: Final = 3_600_000
"""After how long without a sale the worth of an answer halves."""

PRICE_PERMILLE: Final = 250
"""What an answer costs again, in thousandths of what was paid for all that showed it."""

COMMISSION_PERMILLE: Final = 100
"""What of that goes to the verifier of the first sale, in thousandths."""

_PERMILLE: Final = 1000


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
        workers: Who gave it, one for each receipt.
        backing: What made it credible.
        paid: What those seats were paid, in coins.
        size: Bytes of its receipts.
        since_ms: When its task was posted: none of its evidence is older.
        sold_ms: When it was last bought, or put on sale.
        earned: Commissions that it brought, in coins.
        sureties: Of each worker, coins of its stake that stand for the last sales.
        recalls: What verifiers say who ran it again and got another answer.
        is_doubted: Whether another answer to the same question came with evidence as good.
        misproved: Ids of the last messages that called it false with a proof that does not hold.
    """

    task: Task
    claim: Claim
    answer: bytes
    receipts: tuple[Receipt, ...]
    workers: tuple[bytes, ...]
    backing: Backing
    paid: int
    size: int
    since_ms: int = 0
    sold_ms: int = 0
    earned: int = 0
    sureties: tuple[int, ...] = ()
    recalls: tuple[Signed, ...] = ()
    is_doubted: bool = False
    misproved: tuple[bytes, ...] = ()

    @property
    def is_for_sale(self) -> bool:
        """Whether nobody with a stake, and no evidence as good, says that it is false."""
        return not self.recalls and not self.is_doubted

    @property
    def name(self) -> bytes:
        """Id of its task; 32 bytes."""
        return task_id(self.task)

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
    """Answers for sale.

    Attributes:
        entries: By the id of the task that each was first sold for, the oldest first.
        asked: Those ids by what they answer, from `name_of`.
        size: Bytes of all receipts.
    """

    entries: dict[bytes, Entry] = {}
    asked: dict[bytes, tuple[bytes, ...]] = {}
    size: int = 0

    def answering(self, program: bytes, inputs: bytes) -> tuple[Entry, ...]:
        """Give the answers there are to one question."""
        return tuple(self.entries[task] for task in self.asked.get(name_of(program, inputs), ()))


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """What an answer answers: a program on inputs."""

    program: Hash32
    inputs: Hash32


class ResaleError(NumenError):
    """No such answer is for sale, or what shows it does not hold."""


def name_of(program: bytes, inputs: bytes) -> bytes:
    """Name what is asked; 32 bytes."""
    return digest("numen/asked/1", Asked(program, inputs))


def add(store: Store, job: Job, backing: Backing, now_ms: int) -> Store:
    """Keep the answer of a settled task, if its receipts show it; what is worth less makes room.

    An answer that is not the better or the cheaper of two is not kept beside the other.

    Args:
        store: What is for sale.
        job: A task that has just ended.
        backing: What made its answer credible.
        now_ms: The present moment.
    """
    entry = _entry(job, backing, now_ms)
    if entry is None or entry.size > BYTES_MAX:
        return store
    rivals = store.answering(job.task.program, job.task.inputs)
    if any(_covers(rival, entry) for rival in rivals):
        return store
    entry = msgspec.structs.replace(entry, is_doubted=_is_contradicted(entry, rivals))
    for rival in rivals:
        if _covers(entry, rival) and not any(rival.sureties):
            store = drop(store, rival.name)
        elif _contradicts(entry, rival):
            store = put(store, msgspec.structs.replace(rival, is_doubted=True))
    rivals = store.answering(job.task.program, job.task.inputs)
    if len(rivals) >= RIVALS_MAX:
        store = _without_least(store, rivals, now_ms)
    while len(store.entries) >= ENTRIES_MAX or store.size + entry.size > BYTES_MAX:
        less = _without_least(store, tuple(store.entries.values()), now_ms)
        if less is store:
            return store
        store = less
    asked = name_of(job.task.program, job.task.inputs)
    names = store.asked.get(asked, ())
    if len(names) >= RIVALS_MAX:
        return store
    return Store(
        {**store.entries, entry.name: entry},
        {**store.asked, asked: (*names, entry.name)},
        store.size + entry.size,
    )


def put(store: Store, entry: Entry) -> Store:
    """Change an answer that is in the store."""
    assert entry.name in store.entries
    return msgspec.structs.replace(store, entries={**store.entries, entry.name: entry})


def drop(store: Store, name: bytes) -> Store:
    """Take an answer from the store, by the id of its task."""
    entries = {**store.entries}
    gone = entries.pop(name)
    asked = name_of(gone.task.program, gone.task.inputs)
    names = tuple(other for other in store.asked[asked] if other != name)
    rest = {**store.asked, asked: names}
    if not names:
        del rest[asked]
    return Store(entries, rest, store.size - gone.size)


def believe_again(store: Store, program: bytes, inputs: bytes) -> Store:
    """Put on sale again what was doubted for the sake of an answer that is gone."""
    rivals = store.answering(program, inputs)
    for rival in rivals:
        doubted = rival.is_doubted and _is_contradicted(rival, rivals)
        store = put(store, msgspec.structs.replace(rival, is_doubted=doubted))
    return store


def find(store: Store, program: bytes, inputs: bytes, wanted: Policy, now_ms: int) -> Entry | None:
    """Give the cheapest answer that is enough for a policy, or None.

    What a verifier with a stake says is false is not sold.
    """
    return min(
        (
            entry
            for entry in store.answering(program, inputs)
            if entry.is_for_sale
            and suffices(entry.task.policy, wanted, age_ms=max(now_ms - entry.since_ms, 0))
        ),
        key=lambda entry: (entry.price, entry.since_ms, entry.name),
        default=None,
    )


def check(
    entry: Entry,
    check_proof: CheckProof,
    standing: Callable[[bytes], Standing],
    *,
    born_ms: int = 0,
) -> None:
    """Check again what shows an answer: signatures, links, the answer, and the evidence.

    Args:
        entry: An answer for sale.
        check_proof: Checks proofs; raises `NumenError` when one does not hold.
        standing: Gives the reputation of a worker as it is now.
        born_ms: Milliseconds since 1970 at which the market's time began.

    Raises:
        ResaleError: Something does not hold.

    Cost: a signature recovery for each message of its receipts, and a check of each proof.
    """
    try:
        for receipt, worker in zip(entry.receipts, entry.workers, strict=False):
            verify(receipt)
            _check_receipt(entry, receipt, worker)
            if not isinstance(entry.task.policy, Quorum):
                _check_evidence(entry, receipt, check_proof, born_ms)
        if isinstance(entry.task.policy, Quorum):
            _check_quorum(entry, entry.task.policy, standing)
    except NumenError as error:
        raise ResaleError(f"the answer is not shown any more: {error.message}") from error


def in_question(store: Store, standings: Mapping[bytes, Standing]) -> tuple[Entry, ...]:
    """Give the answers of quorums that verifiers do well to run again.

    Those that a verifier calls false, or another answer, those that were just sold, and those of
    workers that have failed since more often than not: who was caught lying in company may have
    lied so before.

    Args:
        store: What is for sale.
        standings: Reputation by worker.
    """
    doubtful = {worker for worker, standing in standings.items() if standing.is_doubtful}
    return tuple(
        entry
        for entry in store.entries.values()
        if not entry.is_for_sale or entry.sureties or not doubtful.isdisjoint(entry.workers)
        if isinstance(entry.task.policy, Quorum)
    )


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


def _covers(one: Entry, other: Entry) -> bool:
    """Whether nobody has a reason to buy another answer to the same question."""
    if one.claim.output != other.claim.output or not one.is_for_sale:
        return False
    is_no_older = not isinstance(one.task.policy, Hardware) or one.since_ms >= other.since_ms
    is_enough = suffices(one.task.policy, other.task.policy) and is_no_older
    return is_enough and one.price <= other.price


def _contradicts(one: Entry, other: Entry) -> bool:
    """Whether one shows, to whom the other would have shown it, that the other is false."""
    is_other = one.claim.output != other.claim.output
    return is_other and suffices(one.task.policy, other.task.policy)


def _is_contradicted(entry: Entry, rivals: tuple[Entry, ...]) -> bool:
    return any(_contradicts(rival, entry) for rival in rivals)


def _without_least(store: Store, among: tuple[Entry, ...], now_ms: int) -> Store:
    """Take out the answer of least worth; of those without any, the oldest.

    Worth is what verifiers earned by it, since a buyer who is its own seller pays that too.
    An answer that somebody's stake still stands for stays.
    """
    free = [entry for entry in among if not any(entry.sureties)]
    if not free:
        return store
    return drop(store, min(free, key=lambda e: (_worth(e, now_ms), e.sold_ms, e.name)).name)


def _worth(entry: Entry, now_ms: int) -> int:
    return entry.earned >> min(max(now_ms - entry.sold_ms, 0) // HALVES_MS, 63)


def _entry(job: Job, backing: Backing, now_ms: int) -> Entry | None:
    # An answer that the work was not enough is none for who allows more of it.
    if job.claim is None or job.claim.work >= job.task.work_limit:
        return None
    receipts = tuple(_shown(job))
    if not receipts:
        return None
    size = sum(len(write(receipt)) for receipt in receipts)
    answer, workers = _result(receipts[0]).answer, tuple(_result(r).worker for r in receipts)
    return Entry(
        job.task, job.claim, answer, receipts, workers, backing, job.paid, size, job.posted_ms,
        now_ms,
    )  # fmt: skip


def _shown(job: Job) -> Iterator[Receipt]:
    """Receipts of the seats that were paid for the answer, by their verifier's verdict."""
    for seat in job.seats.values():
        if seat.outcome is Outcome.ACCEPTED and seat.verdict is not None:
            yield Receipt((*seat.chain, seat.verdict))


def _result(receipt: Receipt) -> Result:
    body = receipt.messages[-2].body
    assert isinstance(body, Result)
    return body


def _check_receipt(entry: Entry, receipt: Receipt, worker: bytes) -> None:
    request, result = receipt.messages[0].body, _result(receipt)
    assert isinstance(request, Request)
    if not receipt.is_complete or task_id(request.task) != task_id(entry.task):
        raise ResaleError("a receipt is of another task")
    if result.worker != worker or len(entry.receipts) != len(entry.workers):
        raise ResaleError("a receipt is of another worker")
    if (claim_digest(result.claim), result.answer) != (claim_digest(entry.claim), entry.answer):
        raise ResaleError("a receipt is of another answer")


def _check_quorum(entry: Entry, policy: Quorum, standing: Callable[[bytes], Standing]) -> None:
    settled = claim_digest(entry.claim)
    if entry.backing.votes:
        voted = settled_by_votes(entry.backing.votes, task_id(entry.task), entry.backing.stakes)
        found: bytes | None = claim_digest(voted)
    else:
        # Whoever has been trusted less since then, or was found lying, stands for no more now.
        now = {worker: standing(worker) for worker in entry.workers}
        answers = {worker: settled for worker in entry.workers if not now[worker].is_doubtful}
        scores = {w: min(entry.backing.scores.get(w, 0), now[w].score) for w in answers}
        found = quorum.consensus(answers, scores, policy.trust)
    if found != settled:
        raise ResaleError("too little stands behind it")


def _check_evidence(entry: Entry, receipt: Receipt, check_proof: CheckProof, born_ms: int) -> None:
    task, evidence = entry.task, _result(receipt).evidence
    matched = receipt.messages[2].body
    assert isinstance(matched, Match)
    if isinstance(task.policy, Optimistic) and isinstance(evidence, Run):
        return  # that its window passed is what the verdict, which names the claim, says
    if evidence is None or isinstance(evidence, Run):
        raise ResaleError("it was sold without evidence that stands by itself")
    if isinstance(task.policy, Hardware):
        match, due_ms = message_id(matched), born_ms + matched.commit_by_ms
        check_quote(task, entry.claim, evidence, match=match, due_ms=due_ms)
    else:
        check_proof(task, entry.claim, evidence)
