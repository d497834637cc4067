"""A circuit under construction: wires, the constraints between them, and the plan of the witness.

Wires are numbered as they are made. `circuit_layout` gives them their final order.
"""

import itertools
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from numen.base.errors import Place
from numen.proof.circuit_errors import TooLargeError
from numen.proof.lc import LC, ONE
from numen.proof.witness import Hint, Step

Cut: TypeAlias = tuple[int, tuple[int, ...]]
"""A truth table, as `truth_table` has them, and the wires that it is a function of."""


class Limits(msgspec.Struct, frozen=True):
    """What a compilation may cost.

    Attributes:
        steps: Instructions executed symbolically, each round of a loop and each call anew, bits
            of integers that depend on the inputs, 8 to a step, and cells of arrays copied or
            compared, 16 to a step.
        constraints: Rows of the constraint system.
        terms: Entries of its three matrices together.
        rounds: Rounds of a loop whose condition depends on the inputs, each time it is entered: a
            run that needs more has no witness. Where the condition stands in the middle of the
            loop, it is what follows it that is counted. None refuses such loops, but where the
            ranges of words bound them.
    """

    steps: int = 1 << 21
    constraints: int = 1 << 20
    terms: int = 1 << 24
    rounds: int | None = None


class Rows:
    """One of the three matrices, row by row.

    Attributes:
        wires: Wire of each entry.
        coefficients: Integer of each entry, not reduced.
        ends: Where each row ends in the other two.
    """

    __slots__ = ("coefficients", "ends", "wires")

    def __init__(self) -> None:
        self.wires: list[int] = []
        self.coefficients: list[int] = []
        self.ends: list[int] = []

    def lengths(self) -> NDArray[np.int64]:
        """How many entries each row has."""
        ends = np.array(self.ends, dtype=np.int64)
        ends[1:] -= ends[:-1].copy()
        return ends

    def keep(self, stays: NDArray[np.bool_]) -> None:
        """Leave out the rows that do not stay."""
        lengths = self.lengths()
        entries = np.repeat(stays, lengths).tolist()
        self.wires = list(itertools.compress(self.wires, entries))
        self.coefficients = list(itertools.compress(self.coefficients, entries))
        self.ends = np.cumsum(lengths[stays]).tolist()

    def row(self, index: int) -> LC:
        """Read a row."""
        start = self.ends[index - 1] if index else 0
        span = slice(start, self.ends[index])
        return dict(zip(self.wires[span], self.coefficients[span], strict=True))


class Wires:
    """Where gadgets put their wires, constraints and hints.

    Attributes:
        place: The instruction that is being compiled; what is made next belongs to it.
        plan: How to fill the wires, in order.
        roles: What each wire is for, by wire.
        origins: Place of each wire.
        places: Place of each constraint.
        a: First factors.
        b: Second factors.
        c: Products.
        tests: Wire that says whether a value is zero, to the first of its two constraints.
        settled: What the program demands that such a wire holds.
        logic: Wire of a bit to the operation that made it.
        sums: Bits that are sums of wires, to the wire that holds the same.
        defined: Wire to the one constraint that says what it holds; where nothing else reads the
            wire, both may go.
        decisions: How often a constant has decided what is compiled and what is not, in another
            place than the end of a loop.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.place: Place | None = None
        self.plan: list[Step] = []
        self.roles: list[str] = ["one"]
        self.origins: list[Place | None] = [None]
        self.places: list[Place | None] = []
        self.a, self.b, self.c = Rows(), Rows(), Rows()
        self.tests: dict[int, int] = {}
        self.settled: dict[int, int] = {}
        self.logic: dict[int, Cut] = {}
        self.sums: dict[frozenset[tuple[int, int]], int] = {}
        self.defined: dict[int, int] = {}
        self.decisions = 0

    @property
    def constraint_count(self) -> int:
        """How many constraints there are."""
        return len(self.places)

    def new(self, role: str, count: int = 1) -> int:
        """Make wires that somebody else fills; the number of the first."""
        first = len(self.roles)
        if count == 1:
            self.roles.append(role)
            self.origins.append(self.place)
        else:
            self.roles.extend([role] * count)
            self.origins.extend([self.place] * count)
        return first

    def hint(self, role: str, count: int, fill: Hint, args: object) -> int:
        """Make wires that a hint fills; the number of the first."""
        first = self.new(role, count)
        if count:
            self.plan.append((fill, first, args))
        return first

    def check(self, fill: Hint, args: object) -> None:
        """Plan a check, which fills nothing."""
        self.plan.append((fill, 0, args))

    def constrain(self, a: LC, b: LC, c: LC) -> None:
        """Demand that ``a * b = c``.

        Raises:
            TooLargeError: There are too many constraints, or they have too many terms.
        """
        # Written out: most of the time that a circuit takes is spent here.
        rows = self.a
        rows.wires += a
        rows.coefficients += a.values()
        terms = len(rows.wires)
        rows.ends.append(terms)
        rows = self.b
        rows.wires += b
        rows.coefficients += b.values()
        more = len(rows.wires)
        rows.ends.append(more)
        terms += more
        rows = self.c
        rows.wires += c
        rows.coefficients += c.values()
        more = len(rows.wires)
        rows.ends.append(more)
        terms += more
        self.places.append(self.place)
        if len(self.places) > self.limits.constraints:
            self.require_room(0)
        if terms > self.limits.terms:
            raise TooLargeError("terms", terms, self.limits.terms, self.place)

    def demand(self, a: LC, b: LC = ONE) -> None:
        """Demand that ``a`` or ``b`` is zero.

        That a value is zero, or is not, needs no test of it: `layout` puts the demand in its place.
        """
        if b == ONE and len(a) == 1 + (0 in a):
            wire = max(a, default=0)
            weight = a.get(wire, 0)
            answer = -a.get(0, 0) * weight
            is_simple = weight in {1, -1} and answer in {0, 1}
            if wire in self.tests and wire not in self.settled and is_simple:
                self.settled[wire] = answer
                return
        self.constrain(a, b, {})

    def define(self, role: str, fill: Hint, args: object, row: tuple[LC, LC, LC | None]) -> LC:
        """Make a wire that stands only in the third part of one constraint and says what it is.

        Args:
            role: What it is for.
            fill: What fills it.
            args: Arguments of the hint.
            row: Factors, and the combination that is their product once the wire is taken off;
                None where the wire is their product.
        """
        wire = len(self.roles)
        self.roles.append(role)
        self.origins.append(self.place)
        self.plan.append((fill, wire, args))
        a, b, rest = row
        self.defined[wire] = len(self.places)
        self.constrain(a, b, {wire: 1} if rest is None else {**rest, wire: -1})
        return {wire: 1}

    def forget(self) -> None:
        """Drop everything but the plan and what describes the wires."""
        self.a, self.b, self.c = Rows(), Rows(), Rows()
        for held in (self.logic, self.sums, self.defined, self.tests, self.settled):
            held.clear()

    def require_room(self, constraints: int) -> None:
        """Refuse a gadget before it is built.

        Raises:
            TooLargeError: So many more constraints are too many.
        """
        needed = len(self.places) + constraints
        if needed > self.limits.constraints:
            raise TooLargeError("constraints", needed, self.limits.constraints, self.place)
