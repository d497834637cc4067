"""Small machines that tests prove: a sequence, and a memory whose cells are range-checked."""

import random

import msgspec
import numpy as np

from numen.proof.stark.air import Chip, ChipBuilder, Machine
from numen.proof.stark.field import P
from numen.proof.stark.fixed import preprocess
from numen.proof.stark.profile import Profile
from numen.proof.stark.prover import Secrets, prove
from numen.proof.stark.statement import PublicMessage, Statement


class Toy(msgspec.Struct, frozen=True):
    """A machine with a run of it."""

    machine: Machine
    traces: dict[str, np.ndarray]
    preprocessed: dict[str, np.ndarray]
    publics: tuple[int, ...]
    messages: tuple[PublicMessage, ...] = ()

    def fits(self) -> tuple:
        """The arguments of the checker."""
        return self.machine, self.traces, self.preprocessed, self.publics, self.messages


def fibonacci_chip() -> Chip:
    b = ChipBuilder("fibonacci")
    x, y = b.column("x"), b.column("y")
    b.require("x starts", b.first * (x - b.public("start")))
    b.require("y starts", b.first * (y - 1))
    b.require("x moves on", b.transition * (x.next - y))
    b.require("y is the sum", b.transition * (y.next - x - y))
    b.require("y ends", b.last * (y - b.public("end")))
    return b.build()


def fibonacci(rows: int = 16, start: int = 1) -> Toy:
    """A chip without messages."""
    x, y, table = start, 1, []
    for _ in range(rows):
        table.append((x, y))
        x, y = y, (x + y) % P
    machine = Machine.of([fibonacci_chip()], ["start", "end"])
    return Toy(machine, {"fibonacci": np.array(table, dtype=np.uint32)}, {}, (start, table[-1][1]))


RANGE = 16
"""Values of the range table of the memory machine."""


def range_chip() -> Chip:
    b = ChipBuilder("range")
    value, times = b.preprocessed("value"), b.column("times")
    b.receive("range", (value,), times)
    return b.build()


def memory_chip() -> Chip:
    """Each row replaces the value of a cell; a value is below 16, and so is the step in time."""
    b = ChipBuilder("memory")
    real, address = b.column("real"), b.column("address")
    old, new = b.column("old", "image_in"), b.column("new")
    before, clock = b.column("before"), b.column("clock")
    product = b.column("product")
    b.require_boolean("real is a truth", real)
    b.require("product of the values", product - old * new * real)
    b.require("padding stays", b.transition * (1 - real) * real.next)
    b.require("time moves", b.transition * (clock.next - clock - 1))
    b.receive("memory", (address, old, before), real)
    b.send("memory", (address, new, clock), real)
    b.send("range", (new,), real)
    b.send("range", (clock - before - 1,), real)
    b.send("square", (new, new * new), real)
    return b.build()


def square_chip() -> Chip:
    b = ChipBuilder("square")
    x, times = b.column("x"), b.column("times")
    b.receive("square", (x, x * x), times)
    return b.build()


def idle_chip() -> Chip:
    """A chip that needs no rows."""
    b = ChipBuilder("idle")
    x = b.column("x")
    b.send("range", (x,), x)
    return b.build()


def memory_machine() -> Machine:
    return Machine.of([memory_chip(), range_chip(), idle_chip(), square_chip()])


def memory(rows: int = 32, cells: int = 4, seed: int = 1) -> Toy:
    """Chips of different heights, one of them absent, and the cells' ends as public messages."""
    rng = random.Random(seed)
    held = dict.fromkeys(range(cells), (0, 0))
    table, seen, squares = [], [0] * RANGE, {}
    used = rows - 3
    for clock in range(1, rows + 1):
        if clock > used:
            table.append((0, 0, 0, 0, 0, clock, 0))
            continue
        address = min(held, key=lambda a: held[a][1]) if clock % 3 else rng.randrange(cells)
        old, before = held[address]
        new = rng.randrange(RANGE)
        table.append((1, address, old, new, before, clock, old * new))
        held[address] = (new, clock)
        seen[new] += 1
        seen[clock - before - 1] += 1
        squares[new] = squares.get(new, 0) + 1
    height = 1
    while height < len(squares):
        height *= 2
    pairs = [*squares.items(), *[(0, 0)] * (height - len(squares))]
    starts = [PublicMessage("memory", (a, 0, 0), 1) for a in held]
    ends = [PublicMessage("memory", (a, *v), -1) for a, v in held.items()]
    return Toy(
        memory_machine(),
        {
            "memory": np.array(table, dtype=np.uint32),
            "range": np.array(seen, dtype=np.uint32)[:, None],
            "square": np.array(pairs, dtype=np.uint32),
        },
        {"range": np.arange(RANGE, dtype=np.uint32)[:, None]},
        (),
        (*starts, *ends),
    )


TINY = Profile("tiny", 4, 1, 6, 2, 2, 3, 3)
"""Quick and worthless: for tests of everything but the number of bits."""

TINY_SIX = Profile("tiny-six", 6, 3, 5, 3, 0, 3, 3)

TINY_HIDING = Profile("tiny-hiding", 4, 2, 4, 2, 0, 6, 3, 32)

TINIES = (TINY, TINY_SIX, TINY_HIDING)

SECRETS = Secrets(bytes(range(32)))


def proven(toy: Toy, profile: Profile = TINY, **changes) -> tuple[Statement, bytes]:
    """A statement about a toy, and a proof of it; changes are put in the place of the toy's."""
    fixed = preprocess(toy.machine, toy.preprocessed, profile)
    told = Statement(toy.machine, toy.publics, toy.messages, fixed.root, profile)
    traces = changes.pop("traces", toy.traces)
    secrets = changes.pop("secrets", SECRETS)
    assert not changes
    data = prove(toy.machine, traces, fixed, toy.publics, toy.messages, profile, secrets)
    return told, data
