"""What is committed in which tree, where it is opened, and how it is folded.

All of it follows from the machine, the profile and the heights of the tables, so that prover and
verifier agree on every length before they exchange a byte.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import msgspec

from numen.proof.stark import logup
from numen.proof.stark.air import LOGUP, PREPROCESSED, QUOTIENT, Chip, Machine
from numen.proof.stark.errors import MalformedStarkError
from numen.proof.stark.field import TWO_ADICITY, P
from numen.proof.stark.profile import FOLD_LOG, SALT_WIDTH, Profile

QUOTIENT_PARTS = 2
"""Polynomials that a quotient of degree up to three tables' heights is cut into."""


class Matrix(msgspec.Struct, frozen=True):
    """Columns of one chip in one tree.

    Attributes:
        chip: Number of the chip, or below 0 for the mask polynomial of a height.
        log_rows: Of the table.
        log_height: As which it is encoded.
        columns: Of the table, those that are here.
        following: Positions in `columns` of those that are opened also in the next row.
    """

    chip: int
    log_rows: int
    log_height: int
    columns: tuple[int, ...]
    following: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        return len(self.columns)

    @property
    def openings(self) -> int:
        """Values at points outside of the domain."""
        return len(self.columns) + len(self.following)


class Tree(msgspec.Struct, frozen=True):
    """One commitment.

    Attributes:
        name: A group of columns of the trace, or `PREPROCESSED`, `LOGUP` or `QUOTIENT`.
        matrices: In the order of chips.
        log_blowup: Of the code.
        salt: Width of the salt at each height.
    """

    name: str
    matrices: tuple[Matrix, ...]
    log_blowup: int
    salt: int

    @property
    def heights(self) -> tuple[int, ...]:
        """Distinct heights, the tallest first."""
        return tuple(sorted({m.log_height for m in self.matrices}, reverse=True))

    @property
    def shape(self) -> tuple[tuple[int, int], ...]:
        """The logarithm of the leaves and the width of a leaf, the tallest first."""
        return tuple((h + self.log_blowup, self.row_width(h)) for h in self.heights)

    def row_width(self, log_height: int) -> int:
        """Elements of one leaf of a height."""
        return self.salt + sum(m.width for m in self.at(log_height))

    def at(self, log_height: int) -> tuple[Matrix, ...]:
        """Matrices of one height, in the order of the leaf."""
        return tuple(m for m in self.matrices if m.log_height == log_height)


class Layer(msgspec.Struct, frozen=True):
    """One step of folding.

    Attributes:
        log_height: Before it: the codeword has ``2**(log_height + log_blowup)`` values.
        log_arity: Logarithm of how many values are folded into one.
        joins: Whether the batch of the height below is added after it.
    """

    log_height: int
    log_arity: int
    joins: bool


class Layout(msgspec.Struct, frozen=True, dict=True):
    """Every length of a proof.

    Attributes:
        machine: What is proven.
        profile: How.
        log_rows: Of each chip's table, None where it is absent.
    """

    machine: Machine
    profile: Profile
    log_rows: tuple[int | None, ...]

    @cached_property
    def present(self) -> tuple[tuple[int, Chip, int], ...]:
        """Number, chip and logarithm of the rows of each chip that has rows."""
        rows = zip(self.machine.chips, self.log_rows, strict=True)
        return tuple((i, chip, log) for i, (chip, log) in enumerate(rows) if log is not None)

    @cached_property
    def trees(self) -> tuple[Tree, ...]:
        """Every tree that is not empty, in the order of commitment."""
        profile, d = self.profile, self.profile.degree
        kinds = [(PREPROCESSED, self._preprocessed())]
        kinds += [(group, self._group(group)) for group in self.machine.groups]
        kinds += [(LOGUP, self._logup(d)), (QUOTIENT, self._quotient(d))]
        return tuple(
            Tree(
                name,
                tuple(matrices),
                profile.log_blowup,
                SALT_WIDTH if profile.is_hiding and name != PREPROCESSED else 0,
            )
            for name, matrices in kinds
            if matrices
        )

    @cached_property
    def heights(self) -> tuple[int, ...]:
        """Distinct heights of tables as they are encoded, the tallest first."""
        found = {self.profile.log_height(log) for _, _, log in self.present}
        return tuple(sorted(found, reverse=True))

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The steps of folding, down to the last polynomial."""
        stops = [h for h in self.heights[1:] if h > self.profile.log_final]
        stops.append(min(self.profile.log_final, self.heights[0]))
        layers, height = [], self.heights[0]
        for stop in stops:
            while height > stop:
                step = min(FOLD_LOG, height - stop)
                height -= step
                layers.append(Layer(height + step, step, height in self.heights))
        return tuple(layers)

    @cached_property
    def final_length(self) -> int:
        """Coefficients of the last polynomial."""
        bound = self.profile.bound(self.heights[0])
        for layer in self.layers:
            bound = -(-bound >> layer.log_arity)
            if layer.joins:
                bound = max(bound, self.profile.bound(layer.log_height - layer.log_arity))
        return bound

    @property
    def log_final(self) -> int:
        """Height of the last polynomial's codeword."""
        last = self.layers[-1] if self.layers else None
        return last.log_height - last.log_arity if last else self.heights[0]

    @property
    def values_count(self) -> int:
        """Values that are opened outside of the domain."""
        return sum(m.openings for tree in self.trees for m in tree.matrices)

    @property
    def summed(self) -> tuple[int, ...]:
        """Numbers of the present chips that have interactions."""
        return tuple(i for i, chip, _ in self.present if chip.interactions)

    def batch(self, log_height: int) -> Iterator[tuple[Tree, Matrix]]:
        """Matrices of a height, in the order of the batch."""
        for tree in self.trees:
            for matrix in tree.at(log_height):
                yield tree, matrix

    def _preprocessed(self) -> list[Matrix]:
        return [
            self._matrix(i, log, range(len(chip.preprocessed)), chip.next_preprocessed)
            for i, chip, log in self.present
            if chip.preprocessed
        ]

    def _group(self, group: str) -> list[Matrix]:
        found = []
        for i, chip, log in self.present:
            columns = [j for j, column in enumerate(chip.columns) if column.group == group]
            if columns:
                found.append(self._matrix(i, log, columns, chip.next_main))
        return found

    def _logup(self, d: int) -> list[Matrix]:
        found = []
        for i, chip, log in self.present:
            if chip.interactions:
                width = logup.width(chip) * d
                found.append(self._matrix(i, log, range(width), range(width - d, width)))
        return found

    def _quotient(self, d: int) -> list[Matrix]:
        found = [self._matrix(i, log, range(QUOTIENT_PARTS * d), ()) for i, _, log in self.present]
        if self.profile.is_hiding:
            # A batch is hidden by a random polynomial of its own length, at each height.
            found += [Matrix(-1 - h, h, h, tuple(range(d))) for h in self.heights]
        return found

    def _matrix(
        self, chip: int, log_rows: int, columns: Sequence[int], following: Sequence[int]
    ) -> Matrix:
        asked = set(following)
        return Matrix(
            chip,
            log_rows,
            self.profile.log_height(log_rows),
            tuple(columns),
            tuple(place for place, column in enumerate(columns) if column in asked),
        )


def layout_of(machine: Machine, profile: Profile, log_rows: Sequence[int | None]) -> Layout:
    """Lay out a proof.

    Raises:
        MalformedStarkError: No table has rows, one has too many, one that must be present is
            not, or so many messages may be exchanged that their number could wrap modulo P.
    """
    layout = Layout(machine, profile, tuple(log_rows))
    if not layout.present:
        raise MalformedStarkError("heights", "every table is empty")
    if layout.heights[0] + profile.log_blowup > TWO_ADICITY:
        raise MalformedStarkError("heights", "a table has too many rows")
    for chip, log in zip(machine.chips, layout.log_rows, strict=True):
        if log is None and (chip.preprocessed or chip.publics or chip.name in machine.required):
            raise MalformedStarkError("heights", f"{chip.name!r} is absent")
    if sum(len(chip.interactions) << log for _, chip, log in layout.present) >= P:
        raise MalformedStarkError("heights", "as many messages as the field has elements")
    return layout
