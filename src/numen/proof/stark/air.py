"""Tables of a machine: their columns, what every row must satisfy, and the messages they exchange.

A chip is a table of field elements whose height is a power of two, or which is absent. A
constraint is an expression that must be zero in every row; the row after the last is the first.
An interaction sends or receives a message on a bus, with a multiplicity; over all rows of all
chips and the statement, each message must be sent as often as it is received.

What a chip requires is written once, as a list of `Node` in which operands come before what is
made of them. The checker reads it with integers, the verifier at one point of an extension, the
prover over a domain.
"""

import hashlib
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import cached_property
from typing import Final, Self

import msgspec

from numen.proof.stark.errors import AirError
from numen.proof.stark.field import P

DEGREE_MAX: Final = 3
"""Of a constraint in the columns and the selectors, each of which has degree 1."""

WIDTH_MAX: Final = 1 << 12
"""Columns of a chip, of each kind."""

NODES_MAX: Final = 1 << 17
"""Of one chip."""

MAIN_GROUP: Final = "main"
"""The tree in which columns are committed unless they ask for another."""


PREPROCESSED: Final = "preprocessed"
LOGUP: Final = "logup"
QUOTIENT: Final = "quotient"
"""The trees that are not groups of the trace's columns."""


class Op(IntEnum):
    """What a node is. The operands ``a`` and ``b`` are indices of earlier nodes but where said."""

    CONST = 0
    """The integer ``a`` of ``[0, P)``."""
    MAIN = 1
    """Column ``a`` of the trace, in this row (``b`` is 0) or the next (1)."""
    PREPROCESSED = 2
    """Column ``a`` of the preprocessed trace, in this row or the next."""
    PUBLIC = 3
    """Element ``a`` of the chip's ``publics``."""
    FIRST = 4
    """1 in the first row, 0 elsewhere."""
    LAST = 5
    """1 in the last row, 0 elsewhere."""
    TRANSITION = 6
    """0 in the last row, 1 elsewhere."""
    ADD = 7
    SUB = 8
    MUL = 9
    NEG = 10


class Node(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One step of the arithmetic of a chip; unused operands are 0."""

    op: Op
    a: int = 0
    b: int = 0


class Column(msgspec.Struct, frozen=True, array_like=True):
    """A column of the trace.

    Attributes:
        name: For people.
        group: The tree in which it is committed. The root of a group other than `MAIN_GROUP`
            depends on its columns alone, so that it can be compared between proofs.
    """

    name: str
    group: str = MAIN_GROUP


class Constraint(msgspec.Struct, frozen=True, array_like=True):
    """An expression that must vanish in every row.

    Attributes:
        name: For people.
        node: Index of the expression.
        degree: Of the expression.
    """

    name: str
    node: int
    degree: int


class Interaction(msgspec.Struct, frozen=True, array_like=True):
    """A message that each row sends or receives.

    Attributes:
        bus: Name of the bus.
        values: Indices of the expressions of the message.
        multiplicity: Index of the expression that says how often; 0 is not at all.
        sign: 1 for a send, -1 for a receive.
        degree: The largest of the values' degrees.
    """

    bus: str
    values: tuple[int, ...]
    multiplicity: int
    sign: int
    degree: int


class Chip(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """A table: its columns, constraints and interactions.

    Attributes:
        name: Unique in a machine.
        columns: Of the trace, in order.
        preprocessed: Names of columns that are part of the machine, not of a run.
        publics: Names of the public values that it reads, each found in the machine's.
        nodes: The arithmetic; operands before what is made of them.
        constraints: What must be zero.
        interactions: What is sent and received.
    """

    name: str
    columns: tuple[Column, ...]
    preprocessed: tuple[str, ...]
    publics: tuple[str, ...]
    nodes: tuple[Node, ...]
    constraints: tuple[Constraint, ...]
    interactions: tuple[Interaction, ...]

    @property
    def width(self) -> int:
        """Columns of the trace."""
        return len(self.columns)

    @cached_property
    def next_main(self) -> tuple[int, ...]:
        """Columns of the trace that some expression reads in the next row."""
        return self._next(Op.MAIN)

    @cached_property
    def next_preprocessed(self) -> tuple[int, ...]:
        """Preprocessed columns that some expression reads in the next row."""
        return self._next(Op.PREPROCESSED)

    @cached_property
    def digest(self) -> bytes:
        """32 bytes that no chip with another meaning has."""
        raw = msgspec.msgpack.encode(self)
        return hashlib.sha256(b"numen/stark/chip/1" + len(raw).to_bytes(8, "little") + raw).digest()

    def _next(self, kind: Op) -> tuple[int, ...]:
        return tuple(sorted({node.a for node in self.nodes if node.op is kind and node.b}))


class Expr:
    """An expression over the columns of one chip; immutable.

    Integers may stand beside expressions, and are taken modulo P.
    """

    __slots__ = ("_builder", "degree", "node")

    def __init__(self, builder: "ChipBuilder", node: int, degree: int) -> None:
        self._builder: Final = builder
        self.node: Final = node
        self.degree: Final = degree

    @property
    def next(self) -> "Expr":
        """The same column in the next row; in the last row, that is the first."""
        return self._builder.next_row(self)

    def __add__(self, other: "Expr | int") -> "Expr":
        return self._builder.join(Op.ADD, self, other)

    def __radd__(self, other: int) -> "Expr":
        return self._builder.join(Op.ADD, other, self)

    def __sub__(self, other: "Expr | int") -> "Expr":
        return self._builder.join(Op.SUB, self, other)

    def __rsub__(self, other: int) -> "Expr":
        return self._builder.join(Op.SUB, other, self)

    def __mul__(self, other: "Expr | int") -> "Expr":
        return self._builder.join(Op.MUL, self, other)

    def __rmul__(self, other: int) -> "Expr":
        return self._builder.join(Op.MUL, other, self)

    def __neg__(self) -> "Expr":
        return self._builder.join(Op.SUB, 0, self)


class ChipBuilder:
    """Collects the columns and requirements of one chip.

    Equal expressions become one node, and products and sums with constants are folded.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._columns: list[Column] = []
        self._preprocessed: list[str] = []
        self._publics: list[str] = []
        self._nodes: list[Node] = []
        self._degrees: list[int] = []
        self._known: dict[Node, int] = {}
        self._constraints: list[Constraint] = []
        self._interactions: list[Interaction] = []

    def column(self, name: str, group: str = MAIN_GROUP) -> Expr:
        """Add a column of the trace; its group is the tree in which it is committed."""
        self._columns.append(Column(name, group))
        return self._leaf(Op.MAIN, len(self._columns) - 1)

    def columns(self, name: str, count: int, group: str = MAIN_GROUP) -> list[Expr]:
        """Add columns ``name[0]``, ``name[1]`` and so on."""
        return [self.column(f"{name}[{i}]", group) for i in range(count)]

    def preprocessed(self, name: str) -> Expr:
        """Add a column that is part of the machine."""
        self._preprocessed.append(name)
        return self._leaf(Op.PREPROCESSED, len(self._preprocessed) - 1)

    def public(self, name: str) -> Expr:
        """Read a public value of the machine; it has degree 0."""
        if name not in self._publics:
            self._publics.append(name)
        return self._leaf(Op.PUBLIC, self._publics.index(name), degree=0)

    @property
    def first(self) -> Expr:
        """1 in the first row, 0 elsewhere."""
        return self._leaf(Op.FIRST)

    @property
    def last(self) -> Expr:
        """1 in the last row, 0 elsewhere."""
        return self._leaf(Op.LAST)

    @property
    def transition(self) -> Expr:
        """0 in the last row, 1 elsewhere."""
        return self._leaf(Op.TRANSITION)

    def const(self, value: int) -> Expr:
        """An integer as an expression."""
        return self._leaf(Op.CONST, value % P, degree=0)

    def require(self, name: str, expression: Expr | int) -> None:
        """Let an expression vanish in every row.

        Raises:
            AirError: Its degree is above `DEGREE_MAX`, or it is a constant other than 0.
        """
        expression = self._own(expression)
        node = self._nodes[expression.node]
        if node.op is Op.CONST:
            if node.a:
                raise AirError(self._name, f"{name!r} requires {node.a} to be 0")
            return
        if expression.degree > DEGREE_MAX:
            raise AirError(self._name, f"{name!r} has degree {expression.degree}")
        self._constraints.append(Constraint(name, expression.node, expression.degree))

    def require_boolean(self, name: str, expression: Expr) -> None:
        """Let an expression be 0 or 1."""
        self.require(name, expression * (expression - 1))

    def send(self, bus: str, values: Sequence[Expr | int], multiplicity: Expr | int) -> None:
        """Send a message in every row, as often as the multiplicity says.

        Raises:
            AirError: There are no values, or something has a degree above 2.
        """
        self._interact(bus, values, multiplicity, 1)

    def receive(self, bus: str, values: Sequence[Expr | int], multiplicity: Expr | int) -> None:
        """Receive a message in every row; as `send`."""
        self._interact(bus, values, multiplicity, -1)

    def build(self) -> Chip:
        """Finish the chip, leaving out what no requirement uses.

        Raises:
            AirError: It has too many columns or nodes, or no columns at all.
        """
        if not self._columns or len(self._columns) > WIDTH_MAX:
            raise AirError(self._name, f"{len(self._columns)} columns, not 1 to {WIDTH_MAX}")
        if len(self._preprocessed) > WIDTH_MAX or len(self._nodes) > NODES_MAX:
            raise AirError(self._name, "too many preprocessed columns or expressions")
        nodes, renamed = self._prune()
        return Chip(
            self._name,
            tuple(self._columns),
            tuple(self._preprocessed),
            tuple(self._publics),
            nodes,
            tuple(Constraint(c.name, renamed[c.node], c.degree) for c in self._constraints),
            tuple(
                Interaction(
                    i.bus,
                    tuple(renamed[v] for v in i.values),
                    renamed[i.multiplicity],
                    i.sign,
                    i.degree,
                )
                for i in self._interactions
            ),
        )

    def join(self, op: Op, left: Expr | int, right: Expr | int) -> Expr:
        """Make an expression of two, as the operators of `Expr` do."""
        a, b = self._own(left), self._own(right)
        x, y = self._constant(a), self._constant(b)
        if x is not None and y is not None:
            return self.const({Op.ADD: x + y, Op.SUB: x - y, Op.MUL: x * y}[op])
        if y == 0:
            return b if op is Op.MUL else a
        if x == 0 and op is not Op.SUB:
            return a if op is Op.MUL else b
        if op is Op.MUL and 1 in (x, y):
            return b if x == 1 else a
        if x == 0:
            return self._node(Node(Op.NEG, b.node), b.degree)
        degree = a.degree + b.degree if op is Op.MUL else max(a.degree, b.degree)
        return self._node(Node(op, a.node, b.node), degree)

    def next_row(self, expression: Expr) -> Expr:
        """The column of an expression in the next row, as `Expr.next`."""
        node = self._nodes[self._own(expression).node]
        if node.op not in (Op.MAIN, Op.PREPROCESSED) or node.b:
            raise AirError(self._name, "only a column has a next row")
        return self._leaf(node.op, node.a, 1)

    def _interact(
        self, bus: str, values: Sequence[Expr | int], multiplicity: Expr | int, sign: int
    ) -> None:
        owned, times = [self._own(v) for v in values], self._own(multiplicity)
        degree = max((v.degree for v in owned), default=0)
        if not owned:
            raise AirError(self._name, f"a message on {bus!r} is empty")
        if degree > DEGREE_MAX - 1 or times.degree > DEGREE_MAX - 1:
            raise AirError(self._name, f"a message on {bus!r} has a degree above 2")
        if self._constant(times) == 0:
            return
        nodes = tuple(v.node for v in owned)
        self._interactions.append(Interaction(bus, nodes, times.node, sign, degree))

    def _own(self, value: Expr | int) -> Expr:
        if isinstance(value, int):
            return self.const(value)
        if value._builder is not self:  # noqa: SLF001
            raise AirError(self._name, "an expression of another chip")
        return value

    def _constant(self, expression: Expr) -> int | None:
        node = self._nodes[expression.node]
        return node.a if node.op is Op.CONST else None

    def _leaf(self, op: Op, a: int = 0, b: int = 0, degree: int = 1) -> Expr:
        return self._node(Node(op, a, b), degree)

    def _node(self, node: Node, degree: int) -> Expr:
        index = self._known.setdefault(node, len(self._nodes))
        if index == len(self._nodes):
            self._nodes.append(node)
            self._degrees.append(degree)
        return Expr(self, index, self._degrees[index])

    def _prune(self) -> tuple[tuple[Node, ...], dict[int, int]]:
        wanted = {c.node for c in self._constraints}
        for i in self._interactions:
            wanted |= {i.multiplicity, *i.values}
        for index in range(len(self._nodes) - 1, -1, -1):
            if index in wanted:
                wanted.update(operands(self._nodes[index]))
        renamed = {old: new for new, old in enumerate(sorted(wanted))}
        nodes = []
        for old in renamed:
            node = self._nodes[old]
            links = [renamed[i] for i in operands(node)]
            nodes.append(Node(node.op, *links) if links else node)
        return tuple(nodes), renamed


def operands(node: Node) -> tuple[int, ...]:
    """Indices of the nodes that a node reads."""
    match node.op:
        case Op.ADD | Op.SUB | Op.MUL:
            return (node.a, node.b)
        case Op.NEG:
            return (node.a,)
        case _:
            return ()


class Bus(msgspec.Struct, frozen=True, array_like=True):
    """Where messages of one length are exchanged.

    Attributes:
        name: Unique in a machine.
        number: Counted from 1, in the order in which chips first use them.
        length: Values of a message.
    """

    name: str
    number: int
    length: int


class Machine(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """Chips that exchange messages, and the public values they share.

    Attributes:
        chips: In the order of every commitment.
        publics: Names of the public values, in order.
        required: Names of chips that are not absent from any proof, beside those that read
            public values or have preprocessed columns. What an absent chip requires is not
            required: its messages are not exchanged, and that is all.
    """

    chips: tuple[Chip, ...]
    publics: tuple[str, ...]
    required: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, chips: Iterable[Chip], publics: Iterable[str] = (), required: Iterable[str] = ()
    ) -> Self:
        """Make a machine.

        Raises:
            AirError: Names repeat, a chip reads a public value that there is not, one that there
                is not is required, messages of one bus differ in length, or a group has the
                name of another tree.
        """
        machine = cls(tuple(chips), tuple(publics), tuple(required))
        if unknown := set(machine.required) - {chip.name for chip in machine.chips}:
            raise AirError("machine", f"no chip is called {min(unknown)!r}")
        for group in machine.groups:
            if not group.isascii() or group in (PREPROCESSED, LOGUP, QUOTIENT):
                raise AirError("machine", f"no group of columns may be called {group!r}")
        for names in (tuple(c.name for c in machine.chips), machine.publics):
            if len(set(names)) != len(names):
                raise AirError("machine", f"two of {names} have one name")
        for chip in machine.chips:
            for public in chip.publics:
                if public not in machine.publics:
                    raise AirError(chip.name, f"no public value is called {public!r}")
            for interaction in chip.interactions:
                length = machine.buses[interaction.bus].length
                if length != len(interaction.values):
                    raise AirError(
                        chip.name, f"messages on {interaction.bus!r} have {length} values"
                    )
        return machine

    @cached_property
    def buses(self) -> dict[str, Bus]:
        """Every bus by its name."""
        found: dict[str, Bus] = {}
        for chip in self.chips:
            for i in chip.interactions:
                found.setdefault(i.bus, Bus(i.bus, len(found) + 1, len(i.values)))
        return found

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The trees of the trace: `MAIN_GROUP`, then the others in order of first use."""
        used = [column.group for chip in self.chips for column in chip.columns]
        return tuple(dict.fromkeys([MAIN_GROUP, *used]))

    @cached_property
    def digest(self) -> bytes:
        """32 bytes that no machine with another meaning has."""
        raw = msgspec.msgpack.encode(
            ([chip.digest for chip in self.chips], self.publics, self.required)
        )
        tag = b"numen/stark/machine/1" + len(raw).to_bytes(8, "little")
        return hashlib.sha256(tag + raw).digest()

    def publics_of(self, chip: Chip, values: Sequence[int]) -> tuple[int, ...]:
        """Pick the public values that a chip reads, in its order."""
        return tuple(values[self.publics.index(name)] for name in chip.publics)
