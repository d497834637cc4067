"""`numen_`: markets that are settled on the ledger: bids, claims, stakes, reputations, fines.

What is shown is what the market's contract has (`numen.market.contracts`), looked at in the last
block; every number can be asked of the contract itself by `eth_call`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, TypeVar

import msgspec

from numen.base.errors import NumenError
from numen.market.contracts import artifact
from numen.market.contracts.asks import OUTCOMES
from numen.market.contracts.books import PHASE_AT, PHASES, ROLES, address, shown_node
from numen.market.job import Phase
from numen.node.ledger.node import LedgerNode
from numen.node.rpc import lookup
from numen.node.rpc.cells import LedgerSession
from numen.node.rpc.faults import INVALID_PARAMS, RpcError
from numen.node.rpc.lookup import LATEST
from numen.node.rpc.shapes import Hex
from numen.node.rpc.table import rows
from numen.node.rpc.values import Address, Quantity, Word, data, word
from numen.node.simulate import Call

PAGE: Final = 100
"""Most bids, people or entries of one answer."""

SCANNED_MAX: Final = 1_000
"""Most places that are looked at for one answer."""

LOOK_WORK: Final = 200_000
"""Work units that a look may take: at our contract a tenth of it, at any other no more."""

KINDS: Final = ("", "quorum", "optimistic", "snark", "stark", "quote")
"""Kinds of evidence, by their numbers in the contract."""

ENDINGS: Final = ("", "settled", "failed", "expired", "cancelled")
"""How a task ended, by its number in the contract."""

T = TypeVar("T")

IS_VOTED_AT: Final = PHASE_AT + 3

State = Literal["open", "done", "all"]

_LOOKER: Final = bytes(20)
_START: Final = Quantity(0)


class TotalsShape(msgspec.Struct, rename="camel"):
    """Sums since the market began: tasks by their end, answers and coins by what they were for."""

    posted: int
    settled: int
    unsettled: int
    answers: int
    paid: Hex
    fees: Hex
    slashed: int
    fined: Hex
    rewarded: Hex
    burnt: Hex
    redeemed: Hex
    resold: Hex


class MarketShape(msgspec.Struct, rename="camel", kw_only=True):
    """A market: who orders it, how far it is, and what was paid and fined so far."""

    address: Hex
    hall: Hex
    identity: Hex
    born_ms: int
    now_ms: int
    messages: int
    verifiers: int
    verifiers_stake: Hex
    tasks: int
    people: int
    totals: TotalsShape


class BidShape(msgspec.Struct, rename="camel", kw_only=True):
    """A task and its bid; `state` is a phase or how it ended, `evidence` what it asks for."""

    task: Hex
    evidence: str
    state: str
    provider: Hex
    verifier: Hex
    program: Hex
    inputs: Hex
    bid: Hex
    ceiling: Hex
    rises_until_ms: int | None
    price_max: Hex
    raises: int
    fee: Hex
    pledge: Hex
    escrowed: Hex
    paid: Hex
    replicas: int
    trust: int
    work_limit: int
    expires_ms: int
    open_seats: int
    claim: Hex | None


class SeatShape(msgspec.Struct, rename="camel", kw_only=True):
    """A worker's seat in a task; `outcome` is empty while it is open."""

    worker: Hex
    price: Hex
    pledge: Hex
    commit_by_ms: int
    reveal_by_ms: int
    commitment: Hex | None
    claim: Hex | None
    last: Hex
    outcome: str
    receipt: Hex | None


class VoteShape(msgspec.Struct, rename="camel"):
    """What a verifier got when it ran a task again."""

    verifier: Hex
    claim: Hex


class FindingShape(msgspec.Struct, rename="camel"):
    """What a verifier found of a result: whether its evidence holds."""

    about: Hex
    verifier: Hex
    holds: bool


class ClaimShape(msgspec.Struct, rename="camel", kw_only=True):
    """An answer, why it is believed, and everybody who had a part in it."""

    bid: BidShape
    claim: Hex | None
    evidence: str
    equal_answers: int
    seats: list[SeatShape]
    votes: list[VoteShape]
    findings: list[FindingShape]


class BidsShape(msgspec.Struct, rename="camel"):
    """Bids, and the place to go on from; null where there are no more."""

    bids: list[BidShape]
    next: int | None


class PersonShape(msgspec.Struct, rename="camel", kw_only=True):
    """Somebody in a market: coins, stake, standing and node.

    A node is shown where its own word is there that it is this account's.
    """

    address: Hex
    role: str
    free: Hex
    reserved: Hex
    stake: Hex
    pledges: int
    leaves_ms: int | None
    score: int
    accepted: int
    faults: int
    entries: int
    node: Hex | None


class PeopleShape(msgspec.Struct, rename="camel"):
    """People, and the place to go on from; null where there are no more."""

    people: list[PersonShape]
    next: int | None


class EntryShape(msgspec.Struct, rename="camel"):
    """A settled seat, by its receipt: the digest of its verdict."""

    receipt: Hex
    is_accepted: bool
    is_replicated: bool
    is_lie: bool


class ReputationShape(msgspec.Struct, rename="camel", kw_only=True):
    """A worker's reputation: its score, and the history that explains it, from a place on."""

    address: Hex
    score: int
    accepted: int
    faults: int
    head: Hex
    start: int
    total: int
    entries: list[EntryShape]


class _Look:
    """Looks at the contract of a market."""

    def __init__(self, node: LedgerNode, market: bytes) -> None:
        description = node.names.description(market)
        if description is None or description.name != artifact.NAME:
            raise RpcError(INVALID_PARAMS, f"{data(market)} is no market")
        self._node, self._market = node, market
        self._moment = node.moment(lookup.require(node, LATEST))

    def __call__(self, name: str, *args: Any) -> Any:
        asked = Call(_LOOKER, self._market, 0, artifact.payload(name, *args), LOOK_WORK)
        raw = self._node.calls.call(asked, self._moment)
        try:
            return artifact.output(name, len(args), raw)
        except NumenError as error:
            raise RpcError(INVALID_PARAMS, f"{data(self._market)} is no market") from error

    def places(self, name: str, task: int) -> range:
        """Places of what a task has several of; a contract that is not ours may say any number."""
        count = self(name, task)
        if count > SCANNED_MAX:
            raise RpcError(INVALID_PARAMS, f"the contract says {count}, more than {SCANNED_MAX}")
        return range(count)


def get_market(session: LedgerSession, market: Address) -> MarketShape:
    """A market that is settled here: who orders it, and what was paid and fined so far."""
    look = _Look(session.node, market)
    hall, identity, born_ms, now_ms, messages, stake, verifiers, tasks, people = look("state")
    return MarketShape(
        address=data(market),
        hall=data(address(hall)),
        identity=word(identity),
        born_ms=born_ms,
        now_ms=now_ms,
        messages=messages,
        verifiers=verifiers,
        verifiers_stake=hex(stake),
        tasks=tasks,
        people=people,
        totals=_totals(look("statistics")),
    )


def get_bids(
    session: LedgerSession, market: Address, state: State = "open", start: Quantity = _START
) -> BidsShape:
    """Bids of a market, the oldest first: those that are `open`, `done`, or `all`.

    At most 100 are given, from the place `start` on among all tasks that there ever were.
    """
    look = _Look(session.node, market)
    found: list[BidShape] = []
    total = look("state")[7]
    for place in range(start, min(total, start + SCANNED_MAX)):
        if len(found) == PAGE:
            return BidsShape(found, place)
        bid = _bid(*look("task_at", place))
        if state == "all" or (bid.state in ENDINGS) == (state == "done"):
            found.append(bid)
    return BidsShape(found, int(start) + SCANNED_MAX if total > start + SCANNED_MAX else None)


def get_bid(session: LedgerSession, market: Address, task: Word) -> BidShape | None:
    """A task and its bid; null where the market never had it."""
    found = _Look(session.node, market)("task_of", task)
    return _bid(task, found) if found[PHASE_AT] else None


def get_claim(session: LedgerSession, market: Address, task: Word) -> ClaimShape | None:
    """The answer to a task, and who gave it; null where the market never had the task.

    `evidence` is `quorum` where equal answers were credible enough, and `verifiers` where more than
    half of their stake got the same. It is `optimistic` where nobody refuted the answer in time,
    and `snark`, `stark` or `quote` where more than half of the verifiers' stake found that the
    evidence holds. Before that, `claim` is null or may still be objected to.
    """
    look = _Look(session.node, market)
    found = look("task_of", task)
    if not found[PHASE_AT]:
        return None
    seats = [_seat(*look("seat_at", task, at)) for at in look.places("seat_count", task)]
    votes = [look("vote_at", task, at) for at in look.places("vote_count", task)]
    bid = _bid(task, found)
    how = "verifiers" if found[IS_VOTED_AT] else bid.evidence
    return ClaimShape(
        bid=bid,
        claim=bid.claim,
        evidence=how if bid.state == "settled" else "",
        equal_answers=sum(seat.claim is not None and seat.claim == bid.claim for seat in seats),
        seats=seats,
        votes=[VoteShape(data(address(who)), word(claim)) for who, claim in votes],
        findings=list(_findings(look, seats)),
    )


def _findings(look: _Look, seats: Sequence[SeatShape]) -> Iterator[FindingShape]:
    """What verifiers found of the results of a task."""
    for seat in seats:
        about = int(seat.last, 16)
        _, count = look("hearing_of", about)
        for place in range(count):
            who, holds = look("finding_at", about, place)
            yield FindingShape(seat.last, data(address(who)), holds)


def get_people(
    session: LedgerSession,
    market: Address,
    role: Literal["worker", "verifier", "all"] = "all",
    start: Quantity = _START,
) -> PeopleShape:
    """People of a market with their stakes and standings: workers, verifiers, or everybody.

    At most 100 are given, from the place `start` on, in the order in which they came.
    """
    look = _Look(session.node, market)
    found: list[PersonShape] = []
    total = look("state")[8]
    for place in range(start, min(total, start + SCANNED_MAX)):
        if len(found) == PAGE:
            return PeopleShape(found, place)
        who = address(look("person_at", place))
        shape = _person(look, who)
        if role in ("all", shape.role):
            found.append(shape)
    return PeopleShape(found, int(start) + SCANNED_MAX if total > start + SCANNED_MAX else None)


def get_reputation(
    session: LedgerSession, market: Address, who: Address, start: Quantity = _START
) -> ReputationShape:
    """Reputation of a worker, with its history: each entry names the receipt behind a change.

    At most 100 entries are given, from the place `start` on. `head` commits to all of them:
    `numen.market.reputation.replay` of the whole history gives the same.
    """
    look = _Look(session.node, market)
    _, _, _, (score, accepted, faults, head), total = look("person", who)
    entries = (look("entry_at", who, at) for at in range(start, min(total, start + PAGE)))
    return ReputationShape(
        address=data(who),
        score=score,
        accepted=accepted,
        faults=faults,
        head=word(head),
        start=int(start),
        total=total,
        entries=[EntryShape(word(receipt), *flags) for receipt, *flags in entries],
    )


def why_task(session: LedgerSession, market: Address, task: Word) -> list[str]:
    """Why a task of a market came to what it came to, in sentences."""
    found = get_claim(session, market, task)
    if found is None:
        raise RpcError(INVALID_PARAMS, f"the market never had task {word(task)}")
    return list(_sentences(found))


def _sentences(found: ClaimShape) -> Iterator[str]:
    bid = found.bid
    yield (
        f"Task {bid.task} of {bid.provider} bid {int(bid.bid, 16)} coins for each of up to "
        f"{bid.replicas} answers, raised {bid.raises} times; it is {bid.state}."
    )
    for seat in found.seats:
        ended = f"ended as {seat.outcome}" if seat.outcome else "is open"
        gave = f"gave claim {seat.claim}" if seat.claim else "opened no answer"
        yield (
            f"{seat.worker} had a seat for {int(seat.price, 16)} coins with a pledge of "
            f"{int(seat.pledge, 16)}, {gave}, and {ended}."
        )
    for opinion in found.findings:
        what = "holds" if opinion.holds else "does not hold"
        yield f"Verifier {opinion.verifier} found that the evidence of {opinion.about} {what}."
    for vote in found.votes:
        yield f"Verifier {vote.verifier} ran it again, and got claim {vote.claim}."
    if found.evidence:
        yield f"Claim {found.claim} stands by the {found.evidence}."
    if bid.state == "seeking" and not found.seats:
        yield "No worker has a seat: where nobody asks less than the bid, raise the bid."


def _totals(found: Any) -> TotalsShape:
    posted, settled, unsettled, answers, paid, fees, slashed, *coins = found
    return TotalsShape(
        posted, settled, unsettled, answers, hex(paid), hex(fees), slashed, *map(hex, coins)
    )


def _bid(identity: int, task: Any) -> BidShape:
    provider, verifier, program, inputs, replicas, trust, work_limit = task[:7]
    price_max, fee, pledge, expires_ms = task[7:11]
    bid, ceiling, rises_ms, lasts_ms, nonce, held, paid, _ = task[11:PHASE_AT]
    phase, _, claim, _, open_seats, ending, kind, *_ = task[PHASE_AT:]
    name = _named(PHASES, phase)
    return BidShape(
        task=word(identity),
        evidence=_named(KINDS, kind),
        state=_named(ENDINGS, ending) or (name.value if isinstance(name, Phase) else ""),
        provider=data(address(provider)),
        verifier=data(address(verifier)),
        program=word(program),
        inputs=word(inputs),
        bid=hex(bid),
        ceiling=hex(ceiling),
        rises_until_ms=rises_ms + lasts_ms if ceiling > bid else None,
        price_max=hex(price_max),
        raises=nonce,
        fee=hex(fee),
        pledge=hex(pledge),
        escrowed=hex(held),
        paid=hex(paid),
        replicas=replicas,
        trust=trust,
        work_limit=work_limit,
        expires_ms=expires_ms,
        open_seats=open_seats,
        claim=word(claim) if claim else None,
    )


def _seat(worker: Any, seat: Any) -> SeatShape:
    _, last, price, pledge, commit_by_ms, reveal_by_ms, commitment, claim, outcome, receipt = seat
    ended = _named(OUTCOMES, outcome)
    return SeatShape(
        worker=data(address(worker)),
        price=hex(price),
        pledge=hex(pledge),
        commit_by_ms=commit_by_ms,
        reveal_by_ms=reveal_by_ms,
        commitment=word(commitment) if commitment else None,
        claim=word(claim) if claim else None,
        last=word(last),
        outcome=ended.value if ended is not None else "",
        receipt=word(receipt) if receipt else None,
    )


def _person(look: _Look, who: bytes) -> PersonShape:
    found, (reserved, _) = look("person", who), look("reserved", who)
    free, _, (role, stake, bound, leaves_ms), (score, accepted, faults, _), entries = found
    node = shown_node(look, who)
    named = _named(ROLES, role)
    return PersonShape(
        address=data(who),
        role=named.value if named is not None else "",
        free=hex(free),
        reserved=hex(reserved),
        stake=hex(stake),
        pledges=bound,
        leaves_ms=leaves_ms or None,
        score=score,
        accepted=accepted,
        faults=faults,
        entries=entries,
        node=data(node) if node is not None else None,
    )


def _named(names: Sequence[T], number: int) -> T:
    """What a number of the contract stands for; one that is not ours may say anything."""
    if number >= len(names):
        raise RpcError(INVALID_PARAMS, f"the contract says {number}, which means nothing")
    return names[number]


METHODS = rows(
    {
        "numen_getMarket": get_market,
        "numen_getBids": get_bids,
        "numen_getBid": get_bid,
        "numen_getClaim": get_claim,
        "numen_getPeople": get_people,
        "numen_getReputation": get_reputation,
        "numen_whyTask": why_task,
    }
)
