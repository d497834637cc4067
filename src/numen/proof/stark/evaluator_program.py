"""A chip's arithmetic as a program of the vector instructions of `numen.kernels.tiles_code`.

Nodes of one depth and operation are one instruction with many operands, so that there are few
instructions and long loops; cells are used again when their number is not read any more.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from numen.kernels.koalabear_code import form
from numen.kernels.tile_rows_code import TILE
from numen.kernels.tiles_code import Instruction
from numen.proof.stark import logup
from numen.proof.stark.air import Chip, Op, operands

_SELECTORS = (Op.FIRST, Op.LAST, Op.TRANSITION)
_LEAVES = frozenset((Op.CONST, Op.MAIN, Op.PREPROCESSED, Op.PUBLIC, *_SELECTORS))
_BINARY = {Op.ADD: Instruction.ADD, Op.SUB: Instruction.SUB, Op.MUL: Instruction.MUL}

Element = int
"""The first of the cells of an element of the extension."""


class Program:
    """What is computed for each tile, while it is written.

    Attributes:
        chip: Whose nodes.
        degree: Of the extension.
        columns: First cell of a kind: of the columns of ``main``, ``fixed`` and ``sums``, in this
            row and in the next (``main next``); ``selector``, ``result`` and ``denominator``.
        cells: How many there are.
        constants: Cell to the word that it holds in all tiles.
        given: Cell to the challenge that it holds in all tiles.
        code: The instructions.
    """

    def __init__(self, chip: Chip, degree: int) -> None:
        self.chip, self.degree = chip, degree
        self.pairs = logup.pairs(chip)
        self.sums_width = logup.width(chip) * degree if chip.interactions else 0
        self.cells = 0
        self.constants: dict[int, int] = {}
        self.given: dict[int, int] = {}
        self.code: list[int] = []
        self._constants: dict[int, int] = {}
        self._given: dict[int, int] = {}
        self._free: list[int] = []
        self._nodes: dict[int, int] = {}
        self._reached: set[int] = set()
        widths = {"main": chip.width, "fixed": len(chip.preprocessed), "sums": self.sums_width}
        self.columns = {
            kind: self.take(width)
            for name, width in widths.items()
            for kind in (name, f"{name} next")
        }
        self.columns["selector"] = self.take(len(_SELECTORS))

    @property
    def has_selectors(self) -> bool:
        """Whether a node asks for the first or the last row."""
        return any(node.op in _SELECTORS for node in self.chip.nodes)

    def take(self, count: int = 1) -> int:
        """The first of some cells that nothing else uses."""
        self.cells += count
        return self.cells - count

    def element(self) -> Element:
        return self.take(self.degree)

    def reads(self, name: str) -> tuple[list[int], list[int]]:
        """Columns of ``main``, ``fixed`` or ``sums`` that are read in this row and in the next."""
        if name == "sums":
            width, d = self.sums_width, self.degree
            return list(range(width)), list(range(width - d, width))
        op = Op.MAIN if name == "main" else Op.PREPROCESSED
        nodes = [self.chip.nodes[i] for i in self._reached]
        found = [{n.a for n in nodes if n.op is op and n.b == offset} for offset in (0, 1)]
        return sorted(found[0]), sorted(found[1])

    def word(self, word: int) -> int:
        """A cell that holds a word in every row."""
        if word not in self._constants:
            self._constants[word] = cell = self.take()
            self.constants[cell] = word
        return self._constants[word]

    def one(self) -> Element:
        """An element whose form is that of one."""
        cell = self.element()
        self.constants |= {cell: form(1), **dict.fromkeys(range(cell + 1, cell + self.degree), 0)}
        return cell

    def challenge(self, kind: str, index: int = 0) -> int:
        """Where a challenge begins: ``public factor alpha beta average``; ``end`` is their size."""
        d, longest = self.degree, max((len(i.values) for i in self.chip.interactions), default=0)
        joined = len(self.chip.constraints) + self.sums_width // d
        messages = len(self.chip.interactions)
        start = 0
        for name, count, width in (
            ("public", len(self.chip.publics), 1),
            ("factor", joined, d),
            ("alpha", messages, d),
            ("beta", longest, d),
            ("average", 1, d),
            ("end", 0, d),
        ):
            if name == kind:
                return start + width * index
            start += count * width
        raise AssertionError(kind)

    def challenge_element(self, kind: str, index: int = 0) -> Element:
        """Cells that hold a challenge in every row."""
        return self._challenges(self.challenge(kind, index), self.degree)

    def emit(self, kind: Instruction, *lists: Sequence[int]) -> None:
        """Append an instruction with lists of operands: cells, and negative challenges.

        A challenge c is given as ``-1 - c``.
        """
        if lists:
            self.code += [kind, len(lists)]
            self.code += [TILE * x if x >= 0 else -1 - x for operands_ in lists for x in operands_]

    def words(self) -> npt.NDArray[np.int32]:
        """The program."""
        return np.array([*self.code, Instruction.END, 0], np.int32)

    def node(self, number: int) -> int:
        """The cell of a node that has been computed, or of a leaf."""
        node = self.chip.nodes[number]
        match node.op:
            case Op.CONST:
                return self.word(form(node.a))
            case Op.MAIN | Op.PREPROCESSED:
                kind = "main" if node.op is Op.MAIN else "fixed"
                return self.columns[f"{kind} next" if node.b else kind] + node.a
            case Op.PUBLIC:
                return self._challenges(self.challenge("public", node.a), 1)
            case Op.FIRST | Op.LAST | Op.TRANSITION:
                return self.columns["selector"] + _SELECTORS.index(node.op)
            case _:
                return self._nodes[number]

    def compute(self, numbers: set[int], kept: set[int], joined: dict[int, list[int]]) -> None:
        """Compute nodes level by level, and join constraints as soon as they are there.

        Args:
            numbers: Of all nodes, their operands among them.
            kept: Nodes whose cells are read after all.
            joined: Node to the challenges that it is joined with.
        """
        self._reached = numbers
        depths: dict[int, int] = {}
        levels: dict[int, list[int]] = defaultdict(list)
        last_use: dict[int, int] = {}
        for number in sorted(numbers):
            node = self.chip.nodes[number]
            below = operands(node)
            depth = 0 if node.op in _LEAVES else 1 + max(depths[i] for i in below)
            depths[number] = depth
            levels[depth].append(number)
            last_use[number] = depth
            for i in below:
                last_use[i] = max(last_use[i], depth)
        ending: dict[int, list[int]] = defaultdict(list)
        for number, depth in last_use.items():
            if number not in kept and depths[number]:
                ending[depth].append(number)
        for depth in sorted(levels):
            if depth:
                self._level(levels[depth])
            pairs = [(n, c) for n in levels[depth] for c in joined.get(n, ())]
            self._join(pairs)
            self._free += [self._nodes[number] for number in ending[depth]]

    def _level(self, numbers: Sequence[int]) -> None:
        lists: dict[Instruction, list[tuple[int, int, int]]] = defaultdict(list)
        for number in numbers:
            node = self.chip.nodes[number]
            self._nodes[number] = cell = self._free.pop() if self._free else self.take()
            if node.op is Op.NEG:
                lists[Instruction.SUB].append((cell, self.word(0), self.node(node.a)))
            else:
                both = self.node(node.a), self.node(node.b)
                lists[_BINARY[node.op]].append((cell, *both))
        for kind, some in lists.items():
            self.emit(kind, *some)

    def _join(self, pairs: Sequence[tuple[int, int]]) -> None:
        zero, lists = self.word(0), []
        for begin in range(0, len(pairs), 4):
            some = pairs[begin : begin + 4]
            cells = [self.node(number) for number, _ in some] + [zero] * (4 - len(some))
            challenges = [-1 - c for _, c in some] + [-1] * (4 - len(some))
            lists.append((self.columns["result"], *cells, *challenges))
        self.emit(Instruction.JOIN, *lists)

    def _challenges(self, start: int, count: int) -> int:
        if start not in self._given:
            self._given[start] = cell = self.take(count)
            self.given.update((cell + k, start + k) for k in range(count))
        return self._given[start]


class _Messages:
    """The fractions of a chip's messages, column by column."""

    def __init__(self, p: Program) -> None:
        self._p, self._zero = p, p.word(0)
        self.one = p.one()
        self._prints = [p.element() for _ in p.chip.interactions]
        p.emit(
            Instruction.SET,
            *[(cell, -1 - p.challenge("alpha", i)) for i, cell in enumerate(self._prints)],
        )
        p.emit(Instruction.JOIN, *[x for i in range(len(self._prints)) for x in self._terms(i)])

    def fractions(self, unit: int | None) -> tuple[list[Element], list[Element]]:
        """Compute the numerator and the denominator of each column.

        Args:
            unit: A cell that numerators are multiplied with.
        """
        p = self._p
        tops, bottoms = ([p.element() for _ in p.pairs] for _ in range(2))
        times = self._times(unit)
        first = [(times[pair[0]], self._prints[pair[0]]) for pair in p.pairs]
        second = [
            (times[pair[1]], self._prints[pair[1]]) if len(pair) > 1 else (self._zero, self.one)
            for pair in p.pairs
        ]
        both = list(zip(first, second, strict=True))
        p.emit(
            Instruction.EXTENSION_MUL,
            *[(q, c, d) for q, ((_, c), (_, d)) in zip(bottoms, both, strict=True)],
        )
        p.emit(
            Instruction.CROSS,
            *[(n, a, b, c, d) for n, ((a, c), (b, d)) in zip(tops, both, strict=True)],
        )
        return tops, bottoms

    def _terms(self, number: int) -> list[tuple[int, ...]]:
        """The products of a fingerprint, four at a time."""
        p, values = self._p, self._p.chip.interactions[number].values
        terms = [(p.node(v), -1 - p.challenge("beta", j)) for j, v in enumerate(values)]
        terms += [(self._zero, -1)] * (-len(terms) % 4)
        return [
            (self._prints[number], *[c for c, _ in some], *[c for _, c in some])
            for some in (terms[i : i + 4] for i in range(0, len(terms), 4))
        ]

    def _times(self, unit: int | None) -> list[int]:
        """Cells of the multiplicities, negative where messages are received."""
        p, found, negated, scaled = self._p, [], [], []
        for interaction in p.chip.interactions:
            cell = p.node(interaction.multiplicity)
            if interaction.sign < 0:
                negated.append((p.take(), self._zero, cell))
                cell = negated[-1][0]
            if unit is not None:
                scaled.append((p.take(), cell, unit))
                cell = scaled[-1][0]
            found.append(cell)
        p.emit(Instruction.SUB, *negated)
        p.emit(Instruction.MUL, *scaled)
        return found


def quotient_program(chip: Chip, degree: int) -> Program:
    """Join all constraints: the result is their sum, each times its factor."""
    p = Program(chip, degree)
    p.columns["result"] = result = p.element()
    zero = p.word(0)
    p.emit(Instruction.ADD, *[(result + k, zero, zero) for k in range(degree)])
    joined: dict[int, list[int]] = defaultdict(list)
    for i, constraint in enumerate(chip.constraints):
        joined[constraint.node].append(p.challenge("factor", i))
    p.compute(set(range(len(chip.nodes))), _roots(chip), joined)
    if chip.interactions:
        _join_fractions(p, result)
    return p


def _join_fractions(p: Program, result: Element) -> None:
    d, columns = p.degree, p.columns["sums"]
    tops, bottoms = _Messages(p).fractions(None)
    count = len(tops)
    values = [p.element() for _ in range(count + 1)]
    fractions = [columns + i * d for i in range(count)]
    p.emit(Instruction.EXTENSION_MUL, *zip(values, fractions, bottoms, strict=False))
    p.emit(
        Instruction.SUB,
        *[(v + k, v + k, n + k) for v, n in zip(values, tops, strict=False) for k in range(d)],
    )
    # s.next - (s - average + h[0] + h[1] + ...)
    total, average = values[-1], p.challenge_element("average")
    running, following = columns + count * d, p.columns["sums next"] + count * d
    p.emit(Instruction.SUB, *[(total + k, running + k, average + k) for k in range(d)])
    p.emit(Instruction.ADD, *[(total + k, total + k, h + k) for h in fractions for k in range(d)])
    p.emit(Instruction.SUB, *[(total + k, following + k, total + k) for k in range(d)])
    start = len(p.chip.constraints)
    factors = [p.challenge_element("factor", start + i) for i in range(count + 1)]
    p.emit(Instruction.EXTENSION_MUL, *zip(values, values, factors, strict=True))
    p.emit(Instruction.ADD, *[(result + k, result + k, v + k) for v in values for k in range(d)])


def fractions_program(chip: Chip, degree: int) -> Program:
    """Compute the columns of fractions, with one inversion for all, and their sum, all plain."""
    p = Program(chip, degree)
    roots = _roots(chip)
    reached = set(roots)
    for number in range(len(chip.nodes) - 1, -1, -1):
        if number in reached:
            reached.update(operands(chip.nodes[number]))
    p.compute(reached, roots, {})
    messages = _Messages(p)
    tops, bottoms = messages.fractions(p.word(1))
    prefixes = [messages.one, *[p.element() for _ in bottoms]]
    p.emit(Instruction.EXTENSION_MUL, *zip(prefixes[1:], prefixes, bottoms, strict=False))
    p.columns["denominator"] = prefixes[-1]
    p.columns["result"] = result = p.take(p.sums_width)
    inverse, reciprocal = p.element(), p.element()
    p.emit(Instruction.EXTENSION_INVERSE, (inverse, prefixes[-1]))
    lists = []
    for i in range(len(tops) - 1, -1, -1):
        lists.append((reciprocal, inverse, prefixes[i]))
        lists.append((result + i * degree, reciprocal, tops[i]))
        lists.append((inverse, inverse, bottoms[i]))
    p.emit(Instruction.EXTENSION_MUL, *lists)
    total, zero = result + len(tops) * degree, p.word(0)
    p.emit(Instruction.ADD, *[(total + k, zero, zero) for k in range(degree)])
    places = [(total + k, result + i * degree + k) for i in range(len(tops)) for k in range(degree)]
    p.emit(Instruction.ADD, *[(t, t, h) for t, h in places])
    return p


def _roots(chip: Chip) -> set[int]:
    """Nodes that messages are made of."""
    found = {i.multiplicity for i in chip.interactions}
    return found.union(*[i.values for i in chip.interactions])
