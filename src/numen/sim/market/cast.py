"""Who is in a simulated market: verifiers, workers and buyers, honest and otherwise, by a seed."""

from collections.abc import Callable, Iterable
from enum import Enum
from functools import lru_cache
from typing import Final

import msgspec

from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.ir.program import Program, load, program_from_module
from numen.lang.compile import compile_source
from numen.market.actor import Act, Answer, Parcel
from numen.market.turn import Market
from numen.market.worker import Behaviour, Profile
from numen.node.market import people
from numen.node.market.buyer import Buyer
from numen.node.market.follower import Player
from numen.node.market.people import Joined
from numen.node.market.tools import Goods
from numen.proof.statement import commit_inputs
from numen.sim.network import Network
from numen.vm.machine import run
from numen.vm.payload import decode_inputs, encode_inputs, encode_output

SOURCES: Final = (
    "def main(a: u64, b: u64) -> u64:\n    return a * b\n",
    "def main(a: u64, b: u64) -> u64:\n    return a // b\n",
)
"""What is run: a product, and a quotient that traps where there is none."""

GRANT: Final = 10_000_000
STAKE: Final = 1_000_000
DEPOSIT: Final = 500_000
RESERVE: Final = 2_000_000


class Kind(Enum):
    """What somebody is like."""

    HONEST = "honest"
    LIAR = "liar"
    """A worker that gives a wrong answer of its own; a verifier whose runs give one."""
    COLLUDER = "colluder"
    """A worker that gives the wrong answer that others of its kind give."""
    LAZY = "lazy"
    """A worker that runs nothing and copies what others have bound themselves to."""
    FRAIL = "frail"
    """A worker that stops before it has bound itself, or before it opens."""
    SLOW = "slow"
    """A worker that is late for every seat."""
    ABSENT = "absent"
    """A verifier that has a stake and does nothing."""
    MEAN = "mean"
    """A buyer that sends no tickets."""


WORKERS: Final = (
    Kind.LIAR, Kind.COLLUDER, Kind.COLLUDER, Kind.LAZY, Kind.FRAIL, Kind.SLOW, Kind.HONEST,
)  # fmt: skip
"""What those workers are like that are not honest by rule."""

VERIFIERS: Final = (Kind.HONEST, Kind.LIAR, Kind.ABSENT)
BUYERS: Final = (Kind.HONEST, Kind.MEAN)


class Person(msgspec.Struct, frozen=True):
    """Somebody in the market.

    Attributes:
        key: Its key.
        kind: What it is like.
        make: Makes its player, anew for each visit.
    """

    key: SigningKey
    kind: Kind
    make: Callable[[], Player]

    @property
    def address(self) -> bytes:
        """Its account."""
        return self.key.address


class Interpreter:
    """Runs programs that a member has by the interpreter: an `Executor`.

    Args:
        goods: What the member has.
        is_lying: Whether it says something else than what came out.
    """

    def __init__(self, goods: Goods, *, is_lying: bool) -> None:
        self._goods, self._is_lying = goods, is_lying

    def run(self, program: bytes, inputs: bytes, work_limit: int) -> Answer:
        """As `Executor.run`."""
        answer = true_answer(self._goods.programs[program].code, inputs, work_limit)
        self._goods.work[program, commit_inputs(inputs)] = answer.work
        return Answer(answer.output[::-1] + b"!", answer.work) if self._is_lying else answer


@lru_cache(maxsize=4096)
def true_answer(code: bytes, inputs: bytes, work_limit: int) -> Answer:
    """What a run of a program really gives."""
    program = load(code)
    try:
        values = decode_inputs(program, inputs)
    except NumenError:
        return Answer(b"\x00inputs are not the program's\x00", 0)
    result = run(program, values, work_limit=work_limit, engine="interp")
    return Answer(encode_output(result), result.work)


@lru_cache(maxsize=1)
def programs() -> tuple[Program, ...]:
    """The programs of this market."""
    return tuple(program_from_module(compile_source(text)) for text in SOURCES)


def inputs_of(program: Program, number: int) -> bytes:
    """Some inputs; a few numbers only, so that the same is wanted again."""
    return encode_inputs(program, (number % 7 + 1, number % 3))


class _Absent:
    """A player that does nothing once it has joined."""

    def __init__(self, joined: Joined) -> None:
        self._joined = joined
        self.lacks, self.bring, self.made = joined.lacks, joined.bring, joined.made
        self.address, self.listen, self.watch = joined.address, joined.listen, joined.watch

    @property
    def is_quick(self) -> bool:
        return self._joined.is_quick

    def wake(self, market: Market, now_ms: int) -> Iterable[Act]:
        return () if self._joined.has_called(market) else self._joined.wake(market, now_ms)

    def receive(self, parcel: Parcel, market: Market, now_ms: int) -> Iterable[Act]:  # noqa: ARG002
        return ()


class Mean(Buyer):
    """A buyer that leaves every bill unpaid."""

    def receive(self, parcel: Parcel, market: Market, now_ms: int) -> Iterable[Act]:  # noqa: ARG002
        return ()


def worker(seed: int, number: int, kind: Kind, price: int) -> Person:
    """Make a worker."""
    key = _key(seed, f"worker {number}")
    behaviour = {
        Kind.LIAR: Behaviour.WRONG, Kind.COLLUDER: Behaviour.WRONG, Kind.LAZY: Behaviour.COPY,
        Kind.FRAIL: Behaviour.CRASH,
    }.get(kind, Behaviour.HONEST)  # fmt: skip
    lie = b"ours" if kind is Kind.COLLUDER else key.address
    profile = Profile(behaviour, price_per_million=price, speed=10**6, lie=lie)

    def make() -> Player:
        goods = Goods()
        return people.worker(key, profile, goods, Interpreter(goods, is_lying=False), STAKE)

    return Person(key, kind, make)


def verifier(seed: int, number: int, kind: Kind) -> Person:
    """Make a verifier."""
    key = _key(seed, f"verifier {number}")

    def make() -> Player:
        goods = Goods()
        machine = Interpreter(goods, is_lying=kind is Kind.LIAR)
        joined = people.verifier(key, goods, machine, STAKE)
        return _Absent(joined) if kind is Kind.ABSENT else joined

    return Person(key, kind, make)


def buyer(seed: int, number: int, kind: Kind) -> Person:
    """Make a buyer, which is the same at every visit."""
    key = _key(seed, f"buyer {number}")
    found = (Mean if kind is Kind.MEAN else Buyer)(key, DEPOSIT, RESERVE)
    return Person(key, kind, lambda: found)


def cast(seed: int, network: Network) -> tuple[list[Person], list[Person], list[Person]]:
    """Choose verifiers, workers and buyers; two verifiers and three workers are honest at least."""
    dice = network.dice
    verifiers = [Kind.HONEST, Kind.HONEST, dice.choice(VERIFIERS)]
    workers = [Kind.HONEST] * 3 + dice.choices(WORKERS, k=3)
    dice.shuffle(verifiers)
    dice.shuffle(workers)
    return (
        [verifier(seed, i, kind) for i, kind in enumerate(verifiers)],
        [worker(seed, i, kind, dice.randint(20, 400) * 10**6) for i, kind in enumerate(workers)],
        [buyer(seed, i, kind) for i, kind in enumerate((Kind.HONEST, dice.choice(BUYERS)))],
    )


def _key(seed: int, name: str) -> SigningKey:
    return SigningKey.from_seed(f"market simulation {seed}/{name}".encode())
