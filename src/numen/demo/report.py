"""What a run of the demo came to: jobs, people, tickets and every coin."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from numen.demo.catalogue import TITLES, Sale
from numen.demo.town import Town
from numen.market import events, log
from numen.market.coins import Ledger, Pocket
from numen.market.message import Result
from numen.proof.statement import claim_digest
from numen.vm.payload import decode_output


class JobReport(msgspec.Struct, frozen=True):
    """One of the three jobs.

    Attributes:
        name: Its short name.
        title: What it is.
        tasks: Tasks it was sold as.
        settled: Tasks whose answer stands.
        answer: What it came to, in a sentence.
        value: The same as data.
        paid: Coins for answers.
        fees: Coins for verifiers.
        workers: Who was paid, and for how many answers.
        evidence: Tasks by the evidence they were settled on.
        work: Work units of the settled answers.
        tickets: Tickets drawn.
        won: Tickets that won.
    """

    name: str
    title: str
    tasks: tuple[str, ...]
    settled: int
    answer: str
    value: Any
    paid: int
    fees: int
    workers: dict[str, int]
    evidence: dict[str, int]
    work: int
    tickets: int
    won: int


class Caught(msgspec.Struct, frozen=True):
    """Somebody who lost part of a pledge.

    Attributes:
        name: Who.
        kind: What it is like, which nobody in the market was told.
        offences: How often it was caught, by what the evidence shows.
        lost: Coins.
    """

    name: str
    kind: str
    offences: dict[str, int]
    lost: int


class Holding(msgspec.Struct, frozen=True):
    """Coins of one person, wherever they lie: wallet, stake, pledge, deposit, reserve.

    Attributes:
        name: Who.
        kind: What it is.
        before: Coins at the start.
        after: Coins at the end.
    """

    name: str
    kind: str
    before: int
    after: int


class Report(msgspec.Struct, frozen=True):
    """The whole run.

    Attributes:
        seed: What it follows from.
        time_ms: Logical time that it took.
        jobs: The three jobs.
        caught: Who was caught.
        holdings: Everyone's coins.
        burnt: Coins that fines destroyed.
        total_before: All coins at the start.
        total_after: All coins at the end, burnt ones included: the same.
        events: How many things happened.
    """

    seed: int
    time_ms: int
    jobs: tuple[JobReport, ...]
    caught: tuple[Caught, ...]
    holdings: tuple[Holding, ...]
    burnt: int
    total_before: int
    total_after: int
    events: int


def report(town: Town) -> Report:
    """Sum a finished run up."""
    happened = town.play.log
    before, after = town.opening.market.coins, town.play.market.coins
    by_job: dict[str, dict[str, Sale]] = {name: {} for name in TITLES}
    for identity, sale in town.tasks.items():
        by_job[sale.job][identity.hex()] = sale
    return Report(
        seed=town.seed,
        time_ms=max((event.at_ms for event in happened), default=0),
        jobs=tuple(_job(town, name, sales) for name, sales in by_job.items()),
        caught=tuple(_caught(town)),
        holdings=tuple(_holdings(town, before, after)),
        burnt=after.in_pocket(Pocket.BURNT),
        total_before=before.total(),
        total_after=after.total(),
        events=len(happened),
    )


def log_of(town: Town) -> bytes:
    """The log of a finished run, from the first stake on, as `market.log` reads it."""
    names = {address.hex(): name for address, name in town.names.items()}
    return b"".join(log.lines(town.seed, names, [*town.opening.events, *town.play.log]))


def _job(town: Town, name: str, sales: dict[str, Sale]) -> JobReport:
    mine = [event for event in town.play.log if getattr(event, "task", "") in sales]
    settled = {e.task: e for e in mine if isinstance(e, events.Settled)}
    outputs = {task: _output(town, task, settled[task].claim) for task in settled}
    judged = [e for e in mine if isinstance(e, events.Judged) and e.paid]
    drawn = [e for e in mine if isinstance(e, events.Drawn)]
    values = {
        task: decode_output(sales[task].program.program, raw) for task, (raw, _) in outputs.items()
    }
    answer, value = _ANSWERS[name](sales, values)
    return JobReport(
        name=name,
        title=TITLES[name],
        tasks=tuple(sales),
        settled=len(settled),
        answer=answer,
        value=value,
        paid=sum(e.paid for e in judged),
        fees=sum(e.fee for e in mine if isinstance(e, events.Closed)),
        workers=dict(Counter(town.names[bytes.fromhex(e.worker)] for e in judged)),
        evidence=dict(Counter(e.evidence for e in settled.values())),
        work=sum(work for _, work in outputs.values()),
        tickets=len(drawn),
        won=sum(e.won for e in drawn),
    )


def _output(town: Town, task: str, claim: str) -> tuple[bytes, int]:
    """The answer that was settled, from the signed results of those who gave it."""
    for receipt in town.play.receipts.values():
        for message in receipt.messages:
            body = message.body
            if isinstance(body, Result) and claim_digest(body.claim).hex() == claim:
                return body.answer, body.claim.work
    raise AssertionError(f"nobody gave the answer that task {task} was settled on")


def _add(_sales: dict[str, Sale], values: dict[str, Any]) -> tuple[str, Any]:
    value = next(iter(values.values()), None)
    return f"{value}", value


def _digits(sales: dict[str, Sale], values: dict[str, Any]) -> tuple[str, Any]:
    found = [
        (digit, label)
        for task, value in values.items()
        for digit, label in zip(
            value if isinstance(value, list) else [value], sales[task].labels, strict=True
        )
    ]
    right = sum(digit == label for digit, label in found)
    return f"{right} of {len(found)} right", {"right": right, "images": len(found)}


def _folding(_sales: dict[str, Sale], values: dict[str, Any]) -> tuple[str, Any]:
    fold = next(iter(values.values()), None)
    return (f"energy -{fold['contacts']}" if fold else "none"), fold


_ANSWERS = {"add": _add, "digits": _digits, "folding": _folding}


def _caught(town: Town) -> Iterator[Caught]:
    slashed = [event for event in town.play.log if isinstance(event, events.Slashed)]
    for address, kind in town.kinds.items():
        mine = [event for event in slashed if event.worker == address.hex()]
        if mine:
            offences = dict(Counter(event.outcome for event in mine))
            lost = sum(event.reward + event.burnt for event in mine)
            yield Caught(town.names[address], kind.value, offences, lost)


def _holdings(town: Town, before: Ledger, after: Ledger) -> Iterator[Holding]:
    for address, name in town.names.items():
        kind = town.kinds.get(address)
        role = kind.value if kind else ("job provider" if name == "provider" else "verifier")
        yield Holding(name, role, _owned(before, address), _owned(after, address))


def _owned(ledger: Ledger, owner: bytes) -> int:
    return sum(
        coins
        for account, coins in ledger.balances.items()
        if account.owner == owner and account.pocket is not Pocket.BURNT
    )
