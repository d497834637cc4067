"""What a program costs: constraints of its circuit and work units, line by line."""

from collections import Counter

import msgspec

from numen.base.errors import NumenError, Place
from numen.ir.program import Program, work_by_place
from numen.proof.circuit import Circuit
from numen.proof.pins import find_pins


class Line(msgspec.Struct, frozen=True):
    """The cost of one source line.

    Attributes:
        file: Name of the file.
        line: Counted from 1.
        text: The line, where it is of the main file.
        constraints: Constraints that it asks for; None where the program has no circuit.
        work: Work units of its instructions, each taken once.
        wires: What the constraints are about: how many wires the line made, by their role.
    """

    file: str
    line: int
    text: str
    constraints: int | None
    work: int
    wires: dict[str, int] = {}


class Free(msgspec.Struct, frozen=True):
    """A wire that a proof does not pin down.

    Attributes:
        name: Its name.
        reason: Why that is no harm.
    """

    name: str
    reason: str


class Inspection(msgspec.Struct, frozen=True):
    """The cost of a program.

    Attributes:
        program: Its id, in hexadecimal.
        constraints: In all; None where it has no circuit.
        refusal: Why it has no circuit, or empty.
        work: Work units of all instructions, each taken once: a run through loops costs more.
        lines: By file and line.
        free: Wires that a proof does not pin down, and why that is no harm.
        loose: Other wires that the static check cannot show to be pinned; None where it was not
            asked, or there is no circuit.
    """

    program: str
    constraints: int | None
    refusal: str
    work: int
    lines: tuple[Line, ...]
    free: tuple[Free, ...] = ()
    loose: tuple[str, ...] | None = None


def inspect(
    program: Program,
    circuit: Circuit | NumenError,
    file: str,
    text: str,
    *,
    with_pins: bool = False,
) -> Inspection:
    """Count what each line costs.

    Args:
        program: What is inspected.
        circuit: Its circuit, or why it has none.
        file: Name of its main file.
        text: The source in that file, or empty.
        with_pins: Whether to check that the constraints pin every wire.
    """
    works: Counter[tuple[str, int]] = Counter()
    for place, units in work_by_place(program.module).items():
        works[_key(place)] += units
    total = works.total()
    del works["", 0]
    counts: Counter[tuple[str, int]] = Counter()
    roles: dict[tuple[str, int], dict[str, int]] = {}
    free: tuple[Free, ...] = ()
    loose: tuple[str, ...] | None = None
    is_bounded = isinstance(circuit, Circuit)
    if isinstance(circuit, Circuit):
        counts.update(circuit.lines())
        roles = circuit.roles()
        free = tuple(Free(wire.name, wire.reason) for wire in circuit.free_wires())
        if with_pins:
            loose = tuple(map(circuit.name, find_pins(circuit.r1cs).loose))
    source = dict(enumerate(text.split("\n"), start=1))
    return Inspection(
        program=program.id.hex(),
        constraints=circuit.constraint_count if isinstance(circuit, Circuit) else None,
        refusal="" if isinstance(circuit, Circuit) else str(circuit),
        work=total,
        free=free,
        loose=loose,
        lines=tuple(
            Line(
                where,
                line,
                source.get(line, "").rstrip() if where == file else "",
                counts[where, line] if is_bounded else None,
                works[where, line],
                roles.get((where, line), {}),
            )
            for where, line in sorted(works.keys() | counts.keys())
        ),
    )


def _key(place: Place | None) -> tuple[str, int]:
    return (place.file, place.line) if place else ("", 0)
