"""A market on a ledger: a message to its contract, beside the same step in Python.

One side hands the message to the contract, natively, with its state as it was; the other carries
the submission out by `numen.market.exchange`, on the market as it was. Both check the same
signatures. What a ledger does around a delivery is not in it: `bench/ledger.py` has that. Work
units are counted, beside those of a transfer of the ERC-20 in `examples/contracts`.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from harness import Contest, Row, main
from numen.base.crypto import SigningKey, keccak256
from numen.base.eip712 import Domain
from numen.lang.contracts.build import build
from numen.market import exchange
from numen.market.actor import Answer
from numen.market.coins import issue
from numen.market.contracts import artifact
from numen.market.contracts.asks import Ask, asks, funded
from numen.market.exchange import Post, Submission, Verb
from numen.market.message import Call, Signed, sign
from numen.market.payer import Limits
from numen.market.play import Play, dice_of, key_of
from numen.market.provider import Provider, Wanted
from numen.market.task import Quorum, Task
from numen.market.turn import Market, new_market
from numen.market.verifier import Verifier
from numen.market.worker import Behaviour, Profile, Tools, Worker
from numen.proof.statement import commit_inputs
from numen.vm.contract import ContractService
from numen.vm.host import Delivery, Kind, Outcome

ROOT = Path(__file__).resolve().parents[1]
TOKEN = ROOT / "examples" / "contracts" / "erc20.py"
DOMAIN = Domain("Numen", "1", 1337, b"\xcc" * 20)
HERE, HALL = b"\x11" * 20, b"\xaa" * 20
INPUTS = [bytes([i]) for i in range(4)]
COINS = 300_000
PEOPLE = (Behaviour.HONEST, Behaviour.HONEST, Behaviour.WRONG, Behaviour.CRASH, Behaviour.HONEST)


class Slots(dict[int, int]):
    """The contract's state, in memory."""

    taken_back = 0

    def load(self, key: int) -> int:
        return self.get(key, 0)


class Machine:
    """Runs the one program of this market."""

    def run(self, program: bytes, inputs: bytes, work_limit: int) -> Answer:
        del program, work_limit
        return Answer(keccak256(inputs), 100)


class NoProofs:
    """Nothing is proven here."""

    def check(self, *_: object) -> None:
        raise AssertionError


class Sample(msgspec.Struct, frozen=True):
    """One message, with both sides as they were before it.

    Attributes:
        told: What the contract is told.
        slots: Its state.
        market: The market.
        submission: What the market is handed.
        now_ms: When.
        work: Work units that the contract takes.
    """

    told: Delivery
    slots: Slots
    market: Market
    submission: Submission
    now_ms: int
    work: int


class Watched(Play):
    """A market that tells a contract of each step.

    Attributes:
        samples: The dearest message of each kind.
    """

    def __init__(self, market: Market, actors: list, service: ContractService) -> None:
        super().__init__(market, actors, NoProofs())
        self.samples: dict[str, Sample] = {}
        self._service, self._slots, self._number = service, Slots(), 0
        identity, separator = market.identity, DOMAIN.separator()
        self._tell(Kind.CREATE, b"".join((identity, separator, bytes(32))), 0, 0)
        for account, held in market.coins.balances.items():
            self._ask(funded(account.owner, held), 0)

    def _tell(self, kind: Kind, payload: bytes, value: int, now_ms: int) -> Outcome:
        outcome = self._service.handle(delivery(kind, payload, value, now_ms), self._slots)
        assert outcome.failure is None, outcome.failure
        self._slots.update(outcome.writes)
        return outcome

    def _ask(self, ask: Ask, now_ms: int) -> tuple[Delivery, Outcome]:
        payload = artifact.payload(ask.name, self._number, now_ms, *ask.args)
        self._number += 1
        told = delivery(Kind.REQUEST, payload, ask.value, now_ms)
        return told, self._tell(Kind.REQUEST, payload, ask.value, now_ms)

    def submit(self, submission: Submission) -> list:
        """Carry a step out on both sides."""
        before, slots = self.market, self._slots.copy()
        after, happened = exchange.step(before, submission, self.now_ms, self._checker)
        for ask in asks(before, after, submission, happened):
            told, outcome = self._ask(ask, self.now_ms)
            name = "verdict, a fine" if _is_fine(ask) else ask.name
            found = Sample(told, Slots(slots), before, submission, self.now_ms, outcome.work)
            known = self.samples.get(name)
            if known is None or known.work < found.work:
                self.samples[name] = found
            slots = self._slots.copy()
        self.market = after
        return list(happened)

    def _submit(self, submission: Submission) -> Iterator:
        yield from self._record(self.submit(submission))


def _is_fine(ask: Ask) -> bool:
    return ask.name == "verdict" and bool(ask.args[0][-1])


def delivery(kind: Kind, payload: bytes, value: int, now_ms: int) -> Delivery:
    """Tell the contract something, as its hall."""
    return Delivery(kind, HERE, HALL, value, payload, 10**9, 1, now_ms, value)


def played() -> Watched:
    """A market of five workers, of whom one lies and one crashes."""
    provider, verifiers = key_of(1, "provider"), [key_of(1, f"verifier {i}") for i in range(3)]
    workers = [key_of(1, f"worker {i}") for i in range(len(PEOPLE))]
    market = new_market(DOMAIN, issue({k.address: COINS for k in (provider, *verifiers, *workers)}))
    inputs = {commit_inputs(raw): raw for raw in INPUTS}
    tools = Tools(Machine(), NoProofs(), inputs, lambda _: 1000, None)
    wanted = [
        Wanted(task(market, i, raw, provider, verifiers[i % 3]), 800, 50 * i)
        for i, raw in enumerate(INPUTS)
    ]
    actors = [
        Provider(provider, wanted, dice_of(1, "provider"), Limits(1000, 100_000)),
        *(
            Worker(key, Profile(kind), tools, dice_of(1, f"worker {i}"))
            for i, (key, kind) in enumerate(zip(workers, PEOPLE, strict=True))
        ),
        *(
            Verifier(key, Machine(), inputs, dice_of(1, f"verifier {i}"), is_prompt=True)
            for i, key in enumerate(verifiers)
        ),
    ]
    contract = artifact.contract()
    play = Watched(market, actors, ContractService(contract.program, contract.description))
    calls = [(key, Verb.JOIN_AS_WORKER, 100_000) for key in workers]
    calls += [(key, Verb.JOIN_AS_VERIFIER, 50_000) for key in verifiers]
    calls += [(provider, Verb.DEPOSIT, 20_000), (provider, Verb.RESERVE, 100_000)]
    for key, verb, amount in calls:
        play.submit(Post(call_of(play.market, key, verb, amount)))
    for _ in play.run():
        pass
    return play


def call_of(market: Market, key: SigningKey, verb: Verb, amount: int) -> Signed:
    """A signed call."""
    nonce = market.nonces.get(key.address, 0)
    return sign(key, Call(market.identity, key.address, nonce, verb.value, amount))


def task(
    market: Market, number: int, raw: bytes, provider: SigningKey, verifier: SigningKey
) -> Task:
    """A task for a quorum."""
    return Task(
        market.identity, provider.address, verifier.address, number, keccak256(b"program"),
        commit_inputs(raw), Quorum(5, 4), 100_000, 4000, 100, 4000, 400_000,
    )  # fmt: skip


def transfer_work() -> int:
    """Work units of a transfer of the ERC-20."""
    made = build(TOKEN.read_text(), file=TOKEN.name)
    service, slots = ContractService(made.program, made.description), Slots()
    created = service.handle(delivery(Kind.CREATE, (10**12).to_bytes(32, "big"), 0, 0), slots)
    slots.update(created.writes)
    payload = (
        made.description.selector("transfer") + HERE.rjust(32, b"\0") + (5).to_bytes(32, "big")
    )
    outcome = service.handle(delivery(Kind.REQUEST, payload, 0, 0), slots)
    assert outcome.failure is None
    return outcome.work


def contests(quick: bool) -> Iterator[Contest | Row]:
    """Time every kind of message, and count its work."""
    del quick
    play, transfer = played(), transfer_work()
    service = play._service  # noqa: SLF001 - the machine that is warm already
    for name, sample in sorted(play.samples.items()):

        def ours(sample: Sample = sample) -> bool:
            return service.handle(sample.told, sample.slots).failure is None

        def python(sample: Sample = sample) -> bool:
            after, _ = exchange.step(sample.market, sample.submission, sample.now_ms, NoProofs())
            return after is not sample.market

        yield Contest(name, ours, {"numen.market": python}, clock=time.process_time)
        yield Row(f"{name}, work; an ERC-20 transfer", sample.work, transfer, "work units")


if __name__ == "__main__":
    main(__doc__, contests)
