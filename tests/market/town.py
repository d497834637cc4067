"""A small town with a market: real programs, a real checker, and people of every kind."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from numen.base.codec import U256, digest
from numen.base.crypto import SigningKey, keccak256
from numen.base.eip712 import Domain
from numen.base.errors import NumenError
from numen.market.actor import Answer, Attester
from numen.market.coins import issue
from numen.market.exchange import Verb
from numen.market.message import Kept
from numen.market.payer import Limits
from numen.market.play import Opening, Play, dice_of, key_of
from numen.market.provider import Provider, Wanted
from numen.market.task import Policy, Quorum, Snark, Stark, Task
from numen.market.turn import new_market
from numen.market.verifier import Verifier
from numen.market.worker import Behaviour, Profile, Tools, Worker
from numen.proof.statement import (
    Claim,
    Evidence,
    SnarkRule,
    commit_inputs,
    commit_output,
    encode_words,
    verify,
)
from numen.proof.statement import Snark as SnarkEvidence

DOMAIN = Domain("Numen", "1", 1337, b"\xcc" * 20)
KEY = digest("test/key/1", b"product")


def collatz(raw: bytes) -> Answer:
    """Count the steps of the Collatz sequence of a number."""
    value, steps = int.from_bytes(raw, "big"), 0
    while value > 1:
        value, steps = (value * 3 + 1 if value & 1 else value // 2), steps + 1
    return Answer(steps.to_bytes(8, "big"), 10 * steps + 1)


def product(raw: bytes) -> Answer:
    """Multiply two words modulo 2**256."""
    a, b = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")
    return Answer((a * b % 2**256).to_bytes(32, "big"), 3)


def chain(raw: bytes) -> Answer:
    """Hash bytes a hundred times."""
    for _ in range(100):
        raw = keccak256(raw)
    return Answer(raw, 100)


PROGRAMS: Mapping[bytes, Callable[[bytes], Answer]] = {
    digest("test/program/1", f.__name__.encode()): f for f in (collatz, product, chain)
}
COLLATZ, PRODUCT, CHAIN = PROGRAMS


class Machine:
    """Runs the programs of this town."""

    def run(self, program: bytes, inputs: bytes, work_limit: int) -> Answer:
        answer = PROGRAMS[program](inputs)
        return answer if answer.work <= work_limit else Answer(b"out of work", work_limit)


class Notary:
    """Proves products by showing them, and checks them by multiplying: sound, if not succinct."""

    def prove(self, task: Task, inputs: bytes) -> Evidence:
        a, b = int.from_bytes(inputs[:32], "big"), int.from_bytes(inputs[32:64], "big")
        return SnarkEvidence(KEY, b"shown", (U256(a * b % 2**256), U256(a), U256(b)))

    def check(self, task: Task, claim, evidence: Evidence) -> None:
        if isinstance(task.policy, Stark):
            return _run(claim, evidence)
        assert isinstance(task.policy, Snark)
        rule = SnarkRule(task.policy.key, PRODUCT, 1, _multiply, encode_words)
        verify(claim, evidence, snark=rule)
        return None


def shown_run(inputs: bytes) -> Kept:
    """A proof of a run, as long as a name: the inputs themselves, which do not begin with 0."""
    return Kept(inputs.rjust(32, b"\x00"))


def _run(claim: Claim, evidence: Evidence) -> None:
    assert isinstance(evidence, Kept)
    inputs = evidence.name.lstrip(b"\x00")
    answer = PROGRAMS[claim.program](inputs)
    if (commit_inputs(inputs), commit_output(answer.output)) != (claim.inputs, claim.output):
        raise NumenError("that is not the run")


def _multiply(proof: bytes, public: tuple[int, ...]) -> None:
    if proof != b"shown" or len(public) != 3 or public[1] * public[2] % 2**256 != public[0]:
        raise NumenError("that is not the product")


class Job(msgspec.Struct, frozen=True):
    """What somebody wants done."""

    program: bytes
    inputs: bytes
    policy: Policy
    bid: int = 800
    price_max: int = 4000


QUORUM_JOBS = tuple(Job(COLLATZ, (27 + i).to_bytes(4, "big"), Quorum(5, 4)) for i in range(4))
SNARK_JOBS = tuple(Job(PRODUCT, encode_words((7 + i, 9)), Snark(KEY), bid=600) for i in range(2))
PEOPLE = (
    Profile(Behaviour.HONEST),
    Profile(Behaviour.WRONG),
    Profile(Behaviour.CRASH),
    Profile(Behaviour.COPY),
    Profile(Behaviour.SLOW, speed=10),
)


class Town(msgspec.Struct, frozen=True):
    """A market about to open."""

    play: Play
    opening: Opening
    provider: SigningKey
    workers: tuple[SigningKey, ...]
    verifiers: tuple[SigningKey, ...]
    people: tuple[Profile, ...]


def build(
    seed: int,
    jobs: Sequence[Job] = QUORUM_JOBS + SNARK_JOBS,
    people: Sequence[Profile] = PEOPLE,
    verifier_count: int = 3,
    attester: Attester | None = None,
) -> Town:
    """Give everyone coins, stakes and something to do."""
    provider = key_of(seed, "provider")
    workers = tuple(key_of(seed, f"worker {i}") for i in range(len(people)))
    verifiers = tuple(key_of(seed, f"verifier {i}") for i in range(verifier_count))
    opening = open_market(provider, workers, verifiers)
    inputs = {commit_inputs(job.inputs): job.inputs for job in jobs}
    wanted = [
        Wanted(task_of(job, i, opening, provider, verifiers[i % verifier_count]), job.bid, i * 50)
        for i, job in enumerate(jobs)
    ]
    tools = Tools(Machine(), Notary(), inputs, lambda _task: 1000, attester)
    actors = [
        Provider(provider, wanted, dice_of(seed, "provider"), Limits(1000, 100_000)),
        *(
            Worker(key, profile, tools, dice_of(seed, f"worker {i}"))
            for i, (key, profile) in enumerate(zip(workers, people, strict=True))
        ),
        *(
            Verifier(key, Machine(), inputs, dice_of(seed, f"verifier {i}"))
            for i, key in enumerate(verifiers)
        ),
    ]
    play = Play(opening.market, actors, Notary())
    return Town(play, opening, provider, workers, verifiers, tuple(people))


def open_market(
    provider: SigningKey, workers: Sequence[SigningKey], verifiers: Sequence[SigningKey]
) -> Opening:
    """Open a market in which everyone has stakes and the provider has coins for tickets."""
    holders = {key.address: 200_000 for key in (provider, *workers, *verifiers)}
    opening = Opening(new_market(DOMAIN, issue(holders)), Notary())
    for key in workers:
        opening.call(key, Verb.JOIN_AS_WORKER, 100_000)
    for key in verifiers:
        opening.call(key, Verb.JOIN_AS_VERIFIER, 50_000)
    opening.call(provider, Verb.DEPOSIT, 20_000)
    opening.call(provider, Verb.RESERVE, 100_000)
    return opening


def task_of(
    job: Job, number: int, opening: Opening, provider: SigningKey, verifier: SigningKey
) -> Task:
    """Write a job down as a task."""
    return Task(
        market=opening.market.identity,
        provider=provider.address,
        verifier=verifier.address,
        number=number,
        program=job.program,
        inputs=commit_inputs(job.inputs),
        policy=job.policy,
        work_limit=100_000,
        price_max=job.price_max,
        fee=100,
        pledge=job.price_max,
        expires_ms=400_000,
    )
