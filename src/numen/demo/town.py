"""The people of the demo: a job provider, five workers of five kinds, three staked verifiers."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from numen.base.crypto import SigningKey
from numen.base.eip712 import Domain
from numen.demo.catalogue import Sale, sales
from numen.demo.tools import Notary, Proving, VirtualMachine, set_up
from numen.market.actor import Actor
from numen.market.coins import issue
from numen.market.exchange import Verb
from numen.market.payer import Limits
from numen.market.play import Opening, Play, dice_of, key_of
from numen.market.provider import Provider, Wanted
from numen.market.task import Policy, Quorum, Snark, Task, task_id
from numen.market.turn import Market, new_market
from numen.market.verifier import Verifier
from numen.market.worker import Behaviour, Profile, Tools, Worker
from numen.proof.statement import commit_inputs
from numen.sandbox.runner import Sandbox
from numen.vm.payload import encode_inputs

DOMAIN: Final = Domain("Numen demo", "1", 1337, b"\xde" * 20)
"""Where the demo's tickets can be redeemed, and nowhere else."""

# Those who do not mean to work can afford to ask for less.
# fmt: off
WORKERS: Final = (
    ("Ada",    Profile(Behaviour.HONEST, price_per_million=200, speed=200_000)),
    ("Loki",   Profile(Behaviour.WRONG,  price_per_million=150, speed=200_000, lie=b"loki")),
    ("Icarus", Profile(Behaviour.CRASH,  price_per_million=180, speed=200_000)),
    ("Echo",   Profile(Behaviour.COPY,   price_per_million=160, speed=200_000)),
    ("Gaia",   Profile(Behaviour.SLOW,   price_per_million=190, speed=40_000)),
)
# fmt: on
"""Names and kinds. Speed is in work units a millisecond of the market's time."""

VERIFIERS: Final = ("Themis", "Minos", "Solon")

WALLET: Final = 50_000_000
"""Coins that everyone begins with."""

STAKE, VERIFIER_STAKE, DEPOSIT, RESERVE = 10_000_000, 5_000_000, 10_000_000, 30_000_000
"""What workers and verifiers put at risk, and what the provider sets aside for tickets."""

REPLICAS, TRUST = 5, 4
"""At most so many answers; and the chance of a wrong one has to be below one in so many."""

WORK_LIMIT: Final = 4_000_000_000
"""Work units that a task may take."""

PROOF_WORK, CONSTRAINT_WORK = 2_000_000, 2_000
"""Work units that a worker reckons for a proof, and for each constraint in it."""

EXPIRES_MS: Final = 400_000
"""Until when a task may be matched."""

DEAREST: Final = max(profile.price_per_million for _, profile in WORKERS)
"""What the dearest worker asks for a million work units."""

LOW_PERCENT, FAIR_PERCENT = 60, 150
"""The first bid of the first task and of the others, of what the dearest worker asks."""


class Town(msgspec.Struct, frozen=True, eq=False):
    """A market about to open.

    Attributes:
        seed: What everything follows from.
        play: The run to come.
        opening: The market when everyone has stakes, and the events until then.
        tasks: What is sold, by the id of its task, in order.
        names: What people are called, by address.
        kinds: What each worker is like, by address.
    """

    seed: int
    play: Play
    opening: Opening
    tasks: Mapping[bytes, Sale]
    names: Mapping[bytes, str]
    kinds: Mapping[bytes, Behaviour]


def build(seed: int, sandbox: Sandbox | None = None) -> Town:
    """Give everyone a key, coins, a stake and something to do; equal seeds give equal towns.

    Args:
        seed: What all follows from.
        sandbox: Where programs run; None for this process.
    """
    sold = sales()
    programs = {sale.program.program.id: sale.program for sale in sold}
    proven = {sale.program.program.id for sale in sold if sale.is_proven}
    provings = {identity: set_up(programs[identity], seed) for identity in sorted(proven)}
    notary, computer = Notary(provings, seed), VirtualMachine(programs, sandbox)
    provider = key_of(seed, "provider")
    workers = {name: key_of(seed, name) for name, _ in WORKERS}
    verifiers = {name: key_of(seed, name) for name in VERIFIERS}

    opening = _open(provider, [*workers.values()], [*verifiers.values()], notary)
    desk = _Desk(opening.market, provider, [*verifiers.values()], provings, computer)
    wanted = [desk.wanted(sale, number) for number, sale in enumerate(sold)]
    tools = Tools(computer, notary, desk.inputs, desk.estimate)
    buyer = Provider(provider, wanted, dice_of(seed, "provider"), Limits(WALLET, WALLET))
    actors: list[Actor] = [buyer]
    for name, profile in WORKERS:
        actors.append(Worker(workers[name], profile, tools, dice_of(seed, name)))
    for name, key in verifiers.items():
        actors.append(Verifier(key, computer, desk.inputs, dice_of(seed, name)))
    return Town(
        seed,
        Play(opening.market, actors, notary),
        opening,
        {task_id(want.task): sale for want, sale in zip(wanted, sold, strict=True)},
        {provider.address: "provider"}
        | {key.address: name for name, key in (workers | verifiers).items()},
        {workers[name].address: profile.behaviour for name, profile in WORKERS},
    )


def _open(
    provider: SigningKey,
    workers: Sequence[SigningKey],
    verifiers: Sequence[SigningKey],
    notary: Notary,
) -> Opening:
    holders = {key.address: WALLET for key in (provider, *workers, *verifiers)}
    opening = Opening(new_market(DOMAIN, issue(holders)), notary)
    for key in workers:
        opening.call(key, Verb.JOIN_AS_WORKER, STAKE)
    for key in verifiers:
        opening.call(key, Verb.JOIN_AS_VERIFIER, VERIFIER_STAKE)
    opening.call(provider, Verb.DEPOSIT, DEPOSIT)
    opening.call(provider, Verb.RESERVE, RESERVE)
    return opening


class _Desk:
    """The provider's desk: writes sales down as tasks, and prices them."""

    def __init__(
        self,
        market: Market,
        provider: SigningKey,
        verifiers: Sequence[SigningKey],
        provings: Mapping[bytes, Proving],
        computer: VirtualMachine,
    ) -> None:
        self._market = market
        self._provider = provider
        self._verifiers = verifiers
        self._provings = provings
        self._computer = computer
        self._work: dict[bytes, int] = {}
        self.inputs: dict[bytes, bytes] = {}

    def wanted(self, sale: Sale, number: int) -> Wanted:
        """Write a sale down. The first task's bid is under its cost: it will have to be raised."""
        inputs = encode_inputs(sale.program.program, sale.args)
        commitment, identity = commit_inputs(inputs), sale.program.program.id
        self.inputs[commitment] = inputs
        if identity not in self._work:
            # One run on a machine of one's own tells what the others will ask.
            self._work[identity] = self._computer.run(identity, inputs, WORK_LIMIT).work
        proof = Snark(self._provings[identity].key) if sale.is_proven else None
        policy: Policy = proof or Quorum(REPLICAS, TRUST)
        cost = self._total(identity, policy) * DEAREST // 1_000_000 + 1
        task = Task(
            market=self._market.identity,
            provider=self._provider.address,
            verifier=self._verifiers[number % len(self._verifiers)].address,
            number=number,
            program=identity,
            inputs=commitment,
            policy=policy,
            work_limit=WORK_LIMIT,
            price_max=4 * cost,
            fee=cost // 10 + 1,
            pledge=4 * cost,
            expires_ms=EXPIRES_MS,
        )
        percent = FAIR_PERCENT if number else LOW_PERCENT
        return Wanted(task, cost * percent // 100, 100 * number)

    def estimate(self, task: Task) -> int:
        """Work units that a worker reckons with, a proof included."""
        return self._total(task.program, task.policy)

    def _total(self, identity: bytes, policy: Policy) -> int:
        if isinstance(policy, Quorum):
            return self._work[identity]
        count = self._provings[identity].program.circuit.constraint_count
        return self._work[identity] + PROOF_WORK + CONSTRAINT_WORK * count
