"""How fast sheets spread, and for how many bytes, in each mode of gossip.

Every node makes a new sheet a step and talks to `PARTNERS` others a step, drawn by chance; at each
turn all talk at once, and tell what they knew before it. What a node knows of an attester is the
step of its newest sheet, and what happens to one attester's sheets does not depend on others': so a
network of a hundred thousand nodes is simulated exactly by following a few hundred attesters, drawn
by chance, and all nodes.

Bytes are those of the messages of `numen.trust.gossip`, whose sizes are measured by writing real
ones. The floor is that every node receives every new verdict once.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from numen.base.codec import encode
from numen.base.crypto import SigningKey
from numen.sim.graphs import Ends
from numen.trust.attestation import Line, Sheet, Ticket, sign_sheet, sign_ticket
from numen.trust.gossip import BUCKETS, HASH_BYTES
from numen.trust.history import NOW, STEPS
from numen.trust.patch import patch_of
from numen.trust.roster import Members

FOLLOWED_MAX: Final = 256
"""Attesters whose sheets are followed."""

PARTNERS: Final = 2
"""Others with whom a node talks in a step, one by one: steps are minutes, talks are not."""

KNOWN_SHARE: Final = 0.99
"""A sheet is known when this share of the nodes has it."""

_HEADER_BYTES: Final = 16
"""Bytes of a message besides what is in it, rounded up."""

_WANTED_BYTES: Final = 4
"""Bytes of the number of a wanted sheet, and of the age of its base."""


ROUNDS_MAX: Final = 100
"""Most rounds: a byte has a step of each."""

_BYTE: Final = 255
"""What a byte can count."""

_ROWS: Final = 2048
"""Nodes whose exchanges are counted at once, so that what is compared stays near the processor."""

Steps = NDArray[np.int8]
"""For each node, a row of the newest steps that it knows of the followed attesters; -1 for none."""

Nodes = NDArray[np.int64]


class Mode(StrEnum):
    """How nodes exchange what they know."""

    ENTRIES = "full, a signature an entry"
    FULL = "full"
    REDUCED = "reduced"
    TARGETED = "reduced + targeted"
    ONLY_TARGETED = "targeted only"


class Spread(msgspec.Struct, frozen=True):
    """What one mode costs and gives.

    Attributes:
        mode: Which.
        bytes_a_round: Bytes that a node receives in a round, on average.
        floor: Bytes of a patch for each attester, once.
        staleness: Mean age, in steps, of what a node knows of another.
        rounds: Rounds until 99 % of the nodes have a sheet, on average; None if they never have.
    """

    mode: Mode
    bytes_a_round: float
    floor: float
    staleness: float
    rounds: float | None


class Sizes(msgspec.Struct, frozen=True):
    """Bytes of what is exchanged, measured by writing it.

    Attributes:
        sheet: A sheet on all of a node's targets.
        patch: A patch without verdicts.
        verdict: What each verdict adds.
        entry: One signed attestation, as nodes exchange it that know no sheets.
    """

    sheet: int
    patch: int
    verdict: int
    entry: int


def sizes(degree: int, nodes: int) -> Sizes:
    """Measure the bytes of a sheet on so many targets, in a network of so many nodes."""
    key = SigningKey.from_seed(b"measure")
    members = Members.of(1, 1, [key.address])
    apart = max(1, nodes // (degree + 1))
    lines = tuple(Line(1 + i * apart, NOW >> i % STEPS, 0) for i in range(degree))
    signed = sign_sheet(Sheet(0, 1 << 20, lines), members, key)
    one, two = (patch_of(signed, signed.sheet.step - back) for back in (1, 2))
    assert one is not None
    assert two is not None
    verdict = len(encode(two)) - len(encode(one))
    entry = sign_ticket(Ticket(0, nodes - 1, 1 << 20, True, bytes(32), bytes(32)), members, key)
    # Two digests of a ticket stay with its attester; the rest is what facts need.
    return Sizes(len(encode(signed)), len(encode(one)) - verdict, verdict, len(encode(entry)) - 68)


def spread(ends: Ends, nodes: int, mode: Mode, rounds: int, chance: np.random.Generator) -> Spread:
    """Run one mode for some rounds.

    Args:
        ends: Who attests whom.
        nodes: How many there are.
        mode: How they exchange.
        rounds: How long, 24 to `ROUNDS_MAX`; the first third is not counted.
        chance: Where chance comes from.

    Cost: nodes × `FOLLOWED_MAX` × rounds steps of numpy, on bytes.
    """
    assert rounds <= ROUNDS_MAX
    return _Network(ends, nodes, mode, chance).run(rounds)


class _Network:
    """What every node knows of the followed attesters: steps, -1 for nothing."""

    def __init__(self, ends: Ends, nodes: int, mode: Mode, chance: np.random.Generator) -> None:
        self.source, self.target = ends
        self.nodes, self.mode, self.chance = nodes, mode, chance
        followed = min(FOLLOWED_MAX, nodes)
        self.followed = chance.permutation(nodes)[:followed]
        self.known: Steps = np.full((nodes, followed), -1, np.int8)
        self.scale = nodes / followed
        self.degree = len(self.source) // nodes
        self.sizes = sizes(self.degree, nodes)
        self.received = 0.0
        self.now = -1
        own = np.full(nodes, -1)
        own[self.followed] = np.arange(followed)
        # A new sheet goes to those who attest its attester: an edge's source hears of its target.
        self.column = own[self.target]

    def run(self, rounds: int) -> Spread:
        """Let time pass, and look at the last two thirds of it."""
        warm, received, ages = rounds // 3, 0.0, []
        arrivals: list[int] = []
        for round_ in range(rounds):
            if round_ == warm:
                received = self.received
            self.step()
            if round_ >= warm:
                ages.append(self.now - float(self.known.mean(dtype=np.float64)))
                arrivals += self.arrived()
        measured = rounds - warm
        return Spread(
            self.mode,
            (self.received - received) / (measured * self.nodes),
            float(self.nodes * (self.sizes.patch + self.sizes.verdict)),
            sum(ages) / len(ages),
            sum(arrivals) / len(arrivals) if arrivals else None,
        )

    def step(self) -> None:
        """New sheets, then one exchange for each node."""
        self.now += 1
        self.known[self.followed, np.arange(len(self.followed))] = self.now
        if self.mode in (Mode.TARGETED, Mode.ONLY_TARGETED):
            self.push()
        if self.mode is not Mode.ONLY_TARGETED:
            for _ in range(PARTNERS):
                self.exchange(self.chance.integers(0, self.nodes, self.nodes))

    def push(self) -> None:
        """The targeted mode: sheets of this step go to those who attest their attesters."""
        told = self.column >= 0
        self.known[self.source[told], self.column[told]] = self.now
        size = self.sizes.patch + self.sizes.verdict
        self.received += len(self.source) * (size + _HEADER_BYTES)

    def exchange(self, partners: Nodes) -> None:
        """Every node and its partner come to know what either knew when the round began."""
        after = np.empty_like(self.known)
        for first in range(0, self.nodes, _ROWS):
            rows = slice(first, first + _ROWS)
            mine, theirs = self.known[rows], self.known[partners[rows]]
            self.received += self.cost(mine, theirs)
            np.maximum(mine, theirs, out=after[rows])
        for askers, asked in _in_turn(partners):
            for first in range(0, len(asked), _ROWS):
                rows = slice(first, first + _ROWS)
                told = np.maximum(after[asked[rows]], self.known[askers[rows]])
                after[asked[rows]] = told
        self.known = after

    def cost(self, mine: Steps, theirs: Steps) -> float:
        """Bytes of some exchanges of a round, both ways."""
        known, other = (_sums(side >= 0) * self.scale for side in (mine, theirs))
        if self.mode is Mode.ENTRIES:
            return float((known + other).sum()) * self.degree * self.sizes.entry
        if self.mode is Mode.FULL:
            return float((known + other).sum()) * self.sizes.sheet
        differing = _sums(mine != theirs) * self.scale
        # A bucket is told of if one of its members differs.
        told = self.nodes * (1.0 - (1.0 - differing / self.nodes) ** (self.nodes / BUCKETS))
        wanted = _sums(theirs > mine) * self.scale * _WANTED_BYTES
        news = self.news(mine, theirs)
        reduced = 2 * told + wanted + news + 3 * _HEADER_BYTES * (differing > 0)
        full = other * self.sizes.sheet + _HEADER_BYTES
        offer = BUCKETS * HASH_BYTES + _HEADER_BYTES
        return float((np.where(2 * known < other, full, reduced) + offer).sum())

    def news(self, mine: Steps, theirs: Steps) -> NDArray[np.float64]:
        """Bytes of the sheets, or patches, that one of two lacks."""
        gap = np.abs(mine - theirs)
        patched = (np.minimum(mine, theirs) >= 0) & (gap > 0) & (gap < STEPS)
        whole = _sums((gap > 0) & ~patched)
        size = _sums(patched) * self.sizes.patch + whole * self.sizes.sheet
        size = size + _sums(gap * patched) * self.sizes.verdict
        return np.asarray(size * self.scale, np.float64)

    def arrived(self) -> list[int]:
        """How many rounds ago each followed attester's newest sheet that 99 % have was new."""
        needed = self.nodes - int((1 - KNOWN_SHARE) * self.nodes)
        waiting = _counts(self.known >= 0) >= needed
        ages: list[int] = []
        for age in range(self.now + 1):
            if not waiting.any():
                break
            have = waiting & (_counts(self.known >= self.now - age) >= needed)
            ages += [age + 1] * int(have.sum())
            waiting &= ~have
        return ages


def _in_turn(partners: Nodes) -> Iterator[tuple[Nodes, Nodes]]:
    """Who asks whom, in turns in each of which nobody is asked twice."""
    order = np.argsort(partners, kind="stable")
    asked = partners[order]
    begins = np.flatnonzero(np.append(True, asked[1:] != asked[:-1]))
    turn = np.arange(len(asked)) - np.repeat(begins, np.diff(np.append(begins, len(asked))))
    for number in range(int(turn.max()) + 1):
        now = turn == number
        yield order[now], asked[now]


def _sums(values: NDArray[Any]) -> NDArray[np.int64]:
    """Sums of rows of bytes, which are at most `FOLLOWED_MAX` times `ROUNDS_MAX`."""
    sums = np.add.reduce(values.view(np.uint8), axis=1, dtype=np.uint16)
    return np.asarray(sums, np.int64)


def _counts(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many of each column are true; as many rows at once as a byte counts."""
    whole = len(mask) // _BYTE * _BYTE
    ones = mask.view(np.uint8)
    blocks = ones[:whole].reshape(-1, _BYTE, ones.shape[1])
    counts = np.add.reduce(blocks, axis=1, dtype=np.uint8).sum(axis=0, dtype=np.int64)
    return np.asarray(counts + ones[whole:].sum(axis=0, dtype=np.int64), np.int64)
