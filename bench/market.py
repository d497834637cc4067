"""What the market costs beside the work it sells: tickets, credibility, whole tasks.

A redemption's gas is that of `Broker.vy` on our EVM; that pyrevm counts the same is a test. The
rival of a ticket is the bare secp256k1 operation inside it: nothing can be faster that checks
or makes a signature each time. The rival of a task is the bar of 20 ms from bid to payment; between
processes, of 100 ms, and of 1,000 runs a second where they are sold together. That of answers by
reputation is fixed replication, which takes the first answer that so many workers gave: the least
number that lets as little through, found in the same run. Those counts follow from seeds and are
the same on every machine.
"""

import itertools
import os
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import coincurve

from harness import Contest, Row, Trial, main
from numen.api.compiled import compile_
from numen.api.sync import SyncMarket
from numen.base.codec import U256, digest
from numen.base.crypto import SigningKey, keccak256
from numen.base.eip712 import Domain
from numen.demo.processes import Processes
from numen.evm import EVM
from numen.market.actor import Answer
from numen.market.broker import artifact, batches
from numen.market.coins import issue
from numen.market.escrow import Redemption
from numen.market.exchange import Verb
from numen.market.payee import SAMPLE_ONE_IN, Session, Terms, make_quote, take
from numen.market.payer import Limits, Purse, pay
from numen.market.play import Opening, Play, dice_of, key_of
from numen.market.provider import Provider, Wanted
from numen.market.task import Quorum, Task
from numen.market.ticket import WIN_ONE, SignedTicket, Ticket, sign_ticket, ticket_digest
from numen.market.turn import new_market
from numen.market.verifier import AUDIT_ONE_IN, Verifier
from numen.market.worker import Behaviour, Profile, Tools, Worker
from numen.proof.statement import Claim, Evidence, commit_inputs
from numen.sim.credibility import ALONE, Colluders, Setting, adaptive, fixed

DOMAIN = Domain("Numen", "1", 1337, b"\xcc" * 20)
PAYER, PAYEE, SECRET = SigningKey.from_seed(b"payer"), SigningKey.from_seed(b"payee"), b"s" * 32
PROGRAM = digest("bench/program/1", b"nothing")
TASK_BAR_S = 0.020
BETWEEN_BAR_S = 0.100
EMPTY = compile_("def main(a: u64) -> u64:\n    return a\n")
REDEEM_BAR_GAS = 12_000

CHECKED_TARGET, SAMPLED_TARGET, ISSUED_TARGET = 2.0, 0.5, 2.0
CHECKED_BAR, SAMPLED_BAR = 11_000, 50_000

FIXED_FROM = 6
"""Fewer equal answers let about one in a hundred through: `numen sim quorum`."""


def contests(quick: bool) -> Iterator[Contest | Row]:
    """Everything that is compared."""
    yield from tickets(32 if quick else 128)
    yield redemption(1)
    yield redemption(32)
    for count in (1,) if quick else (1, 20):
        yield tasks(count)
    yield from between_processes(quick)
    yield from answers(2 if quick else 5)


def answers(seeds: int) -> Iterator[Row]:
    """Count answers bought, and wrong ones accepted, with a fifth of colluders, over 4000 tasks."""
    for colluders in Colluders:
        ours = [adaptive(Setting(colluders, seed=seed)) for seed in range(seeds)]
        name = f"a fifth colludes {colluders.value}"
        # Who comes back as a stranger has to be tried anew each time: that is bought too.
        promised = None if colluders is Colluders.REBORN else 1.0
        yield Row(
            f"answers a task, {name}; bar", _mean(t.replicas for t in ours), 2.5, "", promised
        )
        wrong = _mean(t.wrong_permille for t in ours)
        yield Row(f"wrong in 1000 tasks, {name}; bar", wrong, 1.0, "", 1.0)
        if colluders in ALONE:
            missed = _mean(t.standing_permille for t in ours)
            yield Row(f"of those never found, {name}; bar", missed, 1.0, "", 1.0)
            runs = _mean(t.runs for t in ours)
            yield Row(f"verifiers' runs a task, {name}; one each", runs, 1.0, "")
    yield _fixed_rival(seeds)
    yield from _watched_less(seeds)


def _watched_less(seeds: int) -> Iterator[Row]:
    """Count what one check in so many lets through, and what checks cost where nobody lies."""
    for one_in in (AUDIT_ONE_IN, 2):
        ours = [
            adaptive(Setting(Colluders.CUNNING, seed=seed, audit_one_in=one_in, is_vigilant=False))
            for seed in range(seeds)
        ]
        name = f"{Colluders.CUNNING.value}, and just one task in {one_in} is run again"
        wrong = _mean(t.wrong_permille for t in ours)
        yield Row(f"wrong in 1000 tasks, a fifth colludes {name}; bar", wrong, 1.0, "")
    for tasks in (4_000, 16_000):
        calm = adaptive(Setting(Colluders.ALWAYS, percent=0, tasks=tasks))
        name = f"verifiers' runs a task, nobody lies in {tasks:,}; one in {AUDIT_ONE_IN}"
        yield Row(name, calm.runs, 1 / AUDIT_ONE_IN, "")


def _fixed_rival(seeds: int) -> Row:
    """Compare with the least fixed number of equal answers that lets under one in 1000 through."""
    ours = _mean(adaptive(Setting(Colluders.ALWAYS, seed=s)).replicas for s in range(seeds))
    for equal in range(FIXED_FROM, 40):
        rivals = [fixed(Setting(Colluders.ALWAYS, seed=seed), equal) for seed in range(seeds)]
        if _mean(t.wrong_permille for t in rivals) < 1:
            theirs = _mean(t.replicas for t in rivals)
            return Row(f"answers a task; fixed, first {equal} equal", ours, theirs, "", 0.25)
    raise AssertionError("no fixed number holds a fifth of colluders")


def _mean(values: Iterable[float]) -> float:
    return statistics.fmean(values)


def redemption(count: int) -> Row:
    """Count the gas of redeeming winners of one secret in one transaction, by the contract."""
    rich = {key.address: {"balance": hex(10**21)} for key in (PAYER, PAYEE)}
    evm = EVM(state=rich)
    evm.mine(1)
    contract = evm.deploy(artifact(), 1, 0, sender=PAYER.address)
    contract.transact("enroll", sender=PAYEE.address)
    evm.mine(1)
    contract.transact("begin_round", sender=PAYEE.address)
    contract.transact("fund", PAYER.address, 10**6, 0, sender=PAYER.address, value=10**6)
    domain = Domain("Numen", "1", 1, contract.address)
    seal = contract.call("hashes", 1)
    signed = [
        sign_ticket(
            PAYER,
            domain,
            Ticket(
                PAYEE.address, PAYER.address, 10, U256(WIN_ONE), nonce, keccak256(SECRET), 1, seal
            ),
        )
        for nonce in range(count)
    ]
    (batch,) = batches(Redemption(one, SECRET) for one in signed)
    outcome = contract.transact("redeem", *batch.arguments, sender=PAYEE.address)
    assert contract.events(outcome)[0][1]["amount"] == 10 * count
    name = f"redeem a ticket, {count} at once; bar"
    return Row(name, outcome.gas_used / count, REDEEM_BAR_GAS, "gas", 1.0 if count > 1 else None)


def tickets(count: int) -> Iterator[Contest]:
    """Compare making and taking tickets with making and recovering signatures."""
    terms = Terms(10, count, 1, 1, 1000, 7, keccak256(b"round"))
    quote = make_quote(SECRET, PAYEE.address, PAYER.address, terms, b"n" * 32, 10**9)
    limits = Limits(100, 10**6)

    def issued() -> tuple[SignedTicket, ...]:
        return pay(Purse(quote), PAYER, DOMAIN, 10 * count, limits)[1]

    made = issued()
    digests = [ticket_digest(DOMAIN, signed.ticket) for signed in made]
    bare_key = coincurve.PrivateKey(keccak256(b"bare"))
    signatures = [bare_key.sign_recoverable(d, hasher=None) for d in digests]

    def taken(one_in: int) -> int:
        return take_all(Session(PAYER.address, quote), made, one_in)

    def recovered() -> int:
        pairs = zip(digests, signatures, strict=True)
        for message, signature in pairs:
            coincurve.PublicKey.from_signature_and_message(signature, message, hasher=None)
        return 10 * count

    yield Contest(
        f"issue {count} tickets",
        issued,
        {"bare signatures": lambda: [bare_key.sign_recoverable(d, hasher=None) for d in digests]},
        targets={"bare signatures": ISSUED_TARGET},
        same=None,
    )
    yield Contest(
        f"take {count} tickets, all checked",
        lambda: taken(1),
        {"bare recoveries": recovered},
        targets={"bare recoveries": CHECKED_TARGET},
    )
    yield Contest(
        f"take {count} tickets, winners and one in {SAMPLE_ONE_IN} checked",
        lambda: taken(SAMPLE_ONE_IN),
        {"bare recoveries": recovered},
        targets={"bare recoveries": SAMPLED_TARGET},
    )
    for one_in, bar in ((1, CHECKED_BAR), (SAMPLE_ONE_IN, SAMPLED_BAR)):
        yield Contest(
            f"take {count} tickets, one loser in {one_in} checked",
            lambda one_in=one_in: taken(one_in),
            {f"{bar:,} a second and core": count / bar},
            targets={f"{bar:,} a second and core": 1.0},
            clock=time.process_time,
        )


def take_all(session: Session, made: tuple[SignedTicket, ...], one_in: int) -> int:
    """Take tickets one by one, checking all winners and one in so many others."""
    for signed in made:
        session, _ = take(
            session,
            signed,
            secret=SECRET,
            domain=DOMAIN,
            now_ms=5,
            float_max=10**9,
            sample_one_in=one_in,
        )
    return session.credit


def tasks(count: int) -> Contest:
    """Sell tasks without work, from the bid to the payment, two answers each."""
    ready: list[Play] = []
    return Contest(
        f"sell {count} empty tasks to a quorum",
        Trial(lambda: sum(1 for _ in ready[-1].run()), lambda: ready.append(_town(count))),
        {"bar of 20 ms each": TASK_BAR_S * count},
        targets={"bar of 20 ms each": 1.0},
        same=None,
    )


def between_processes(quick: bool) -> Iterator[Contest | Row]:
    """Sell empty tasks to commands on loopback: a hall, a verifier and three workers.

    All share the processors of this machine, so that a busy one shows in every figure by the
    clock. The rival is the same market in one process, without sockets and sandboxes.
    """
    count, lot = (100, 50) if quick else (1000, 250)
    fresh = itertools.count(1)
    with (
        Processes(price=0) as processes,
        SyncMarket() as here,
        SyncMarket(processes.place, processes.identity("buyer")) as there,
    ):
        for market in (here, there):  # everybody has compiled what is sold
            for _ in range(8):
                market.run(EMPTY, next(fresh), bid=5)
        yield Contest(
            "sell an empty task between processes",
            lambda: there.run(EMPTY, next(fresh), bid=5),
            {
                "in one process": lambda: here.run(EMPTY, next(fresh), bid=5),
                "bar of 100 ms": BETWEEN_BAR_S,
            },
            targets={"bar of 100 ms": 1.0},
            same=None,
        )

        def together() -> object:
            inputs = [next(fresh) for _ in range(count)]
            return there.map(EMPTY, inputs, bid=50, together=lot, at_once=4)

        together()
        yield Contest(
            f"sell {count:,} empty runs between processes, {lot} together",
            together,
            {"bar of 1,000 a second": count / 1000},
            targets={"bar of 1,000 a second": 1.0},
            same=None,
        )
        for sold, at_once in ((20, 1), (100 if quick else 200, 64)):
            spent = processor_s(processes.ids)
            there.map(EMPTY, [next(fresh) for _ in range(sold)], bid=5, at_once=at_once)
            now = processor_s(processes.ids)
            for name in ("hall", "verifier"):
                each_ms = (now[name] - spent[name]) / sold * 1e3
                what = f"a task's processor time in the {name}, {at_once} at a time; bar"
                yield Row(what, each_ms, 1.0, "ms")


def processor_s(ids: Mapping[str, int]) -> dict[str, float]:
    """Seconds of processor time that each process has taken; as Linux has it."""
    tick = os.sysconf("SC_CLK_TCK")
    spent = {}
    for name, number in ids.items():
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        spent[name] = (int(fields[11]) + int(fields[12])) / tick
    return spent


class _Nothing:
    """A machine that does no work, and a checker that is never asked."""

    def run(self, _program: bytes, inputs: bytes, _work_limit: int) -> Answer:
        return Answer(inputs, 1)

    def check(self, _task: Task, _claim: Claim, _evidence: Evidence) -> None:
        raise AssertionError("no task asks for a proof")


def _town(count: int) -> Play:
    provider, verifier = key_of(1, "provider"), key_of(1, "verifier")
    workers = [key_of(1, f"worker {i}") for i in range(5)]
    holders = dict.fromkeys((k.address for k in (provider, verifier, *workers)), 2_000_000)
    opening = Opening(new_market(DOMAIN, issue(holders)), _Nothing())
    for key in workers:
        opening.call(key, Verb.JOIN_AS_WORKER, 1_000_000)
    opening.call(verifier, Verb.JOIN_AS_VERIFIER, 1_000_000)
    opening.call(provider, Verb.DEPOSIT, 100_000)
    opening.call(provider, Verb.RESERVE, 1_000_000)
    inputs = {commit_inputs(bytes([i])): bytes([i]) for i in range(count)}
    wanted = [
        Wanted(
            Task(
                market=opening.market.identity,
                provider=provider.address,
                verifier=verifier.address,
                number=number,
                program=PROGRAM,
                inputs=commitment,
                policy=Quorum(3, 4),
                work_limit=10,
                price_max=1000,
                fee=1,
                pledge=1000,
                expires_ms=600_000,
            ),
            500,
            0,
        )
        for number, commitment in enumerate(inputs)
    ]
    tools = Tools(_Nothing(), None, inputs, lambda _task: 1)
    profile = Profile(Behaviour.HONEST, price_per_million=100_000_000)
    actors = [
        Provider(provider, wanted, dice_of(1, "provider"), Limits(1000, 100_000)),
        *(Worker(key, profile, tools, dice_of(1, repr(key))) for key in workers),
        Verifier(verifier, _Nothing(), inputs, dice_of(1, "verifier")),
    ]
    return Play(opening.market, actors, _Nothing())


if __name__ == "__main__":
    main(__doc__, contests)
