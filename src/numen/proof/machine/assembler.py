"""Writes code of the provable machine: labels, constants, cells and the checks of a step."""

from typing import Final

from numen.base.errors import Place
from numen.ir.trap import Trap
from numen.proof.machine.errors import ProgramTooLargeError
from numen.proof.machine.isa import (
    CELLS_MAX,
    CELLS_MIN,
    INSTRUCTIONS_MAX,
    JUNK_CELL,
    ZERO_CELL,
    Code,
    Hint,
    Instruction,
    Switch,
)

ADD: Final = int(Switch.ADD)
SUBTRACT: Final = int(Switch.SUBTRACT)


class Label:
    """A place in the code that may not be known yet."""

    __slots__ = ("pc",)

    def __init__(self) -> None:
        self.pc: int | None = None


class Assembler:
    """A program in the making.

    Attributes:
        place: Where in the source what is written comes from.
    """

    def __init__(self) -> None:
        self.place: Place | None = None
        self._code: list[Instruction] = []
        self._targets: dict[int, Label] = {}
        self._addresses: dict[int, Label] = {}
        self._traps: dict[int, Trap] = {}
        self._places: dict[int, Place] = {}
        self._initial: dict[int, int] = {}
        self._constants: dict[int, int] = {0: ZERO_CELL}
        self._cells = ZERO_CELL + 1
        self._temporaries: list[int] = []
        self._temporary_count = 0
        self._powers: dict[bool, int] = {}
        self._scratch: dict[str, int] = {}
        self._barrier = 0
        self._called: set[int] = set()
        halt = self.here()
        self.jump(halt)

    # --- memory ---------------------------------------------------------------------------------

    def cells(self, count: int) -> int:
        """Reserve cells; the address of the first."""
        address = self._cells
        self._cells += count
        if self._cells > CELLS_MAX:
            raise ProgramTooLargeError("cells", self._cells, CELLS_MAX, self.place)
        return address

    def preset(self, address: int, value: int) -> None:
        """Say what a cell holds before the first step."""
        if value:
            self._initial[address] = value

    def constant(self, value: int) -> int:
        """A cell that holds a value for ever."""
        if value not in self._constants:
            self._constants[value] = self.cells(1)
            self.preset(self._constants[value], value)
        return self._constants[value]

    def return_address(self, label: Label) -> int:
        """A cell that holds the address of a label for ever."""
        address = self.cells(1)
        self._addresses[address] = label
        return address

    def temporary(self) -> int:
        """A cell for use until `release`."""
        if self._temporary_count == len(self._temporaries):
            self._temporaries.append(self.cells(1))
        self._temporary_count += 1
        return self._temporaries[self._temporary_count - 1]

    def release(self) -> None:
        """Forget what the temporaries hold."""
        self._temporary_count = 0

    def powers(self, *, is_falling: bool) -> int:
        """64 cells with the powers of two from 2**0 up, or from 2**63 down."""
        if is_falling not in self._powers:
            base = self._powers[is_falling] = self.cells(64)
            for index in range(64):
                self.preset(base + index, 1 << (63 - index if is_falling else index))
        return self._powers[is_falling]

    def scratch(self, name: str, count: int) -> int:
        """Cells that everyone who gives this name shares; 0 until they are written."""
        key = f"{name} {count}"
        if key not in self._scratch:
            self._scratch[key] = self.cells(count)
        return self._scratch[key]

    def adjacent(self, cells: tuple[int, ...], slot: int) -> int:
        """The first of cells that stand one after another; copies of them, unless they do.

        Copies last until the next call with this slot.
        """
        if cells == tuple(range(cells[0], cells[0] + len(cells))):
            return cells[0]
        base = self.scratch(f"adjacent {slot}", len(cells))
        self.move_all([(base + index, cell) for index, cell in enumerate(cells)])
        return base

    # --- code -----------------------------------------------------------------------------------

    def here(self) -> Label:
        """A label for what is written next."""
        label = Label()
        self.set(label)
        return label

    def set(self, label: Label) -> None:
        """Let a label stand for what is written next."""
        assert label.pc is None
        label.pc = self._barrier = len(self._code)

    def emit(
        self,
        switches: int,
        a: int = ZERO_CELL,
        b: int = ZERO_CELL,
        c: int | None = None,
        t: int = 0,
        *,
        to: Label | None = None,
        trap: Trap | None = None,
    ) -> int:
        """Write an instruction; the address of C, a temporary unless one is given."""
        c = self.temporary() if c is None else c
        pc = len(self._code)
        if pc >= INSTRUCTIONS_MAX:
            raise ProgramTooLargeError("instructions", pc + 1, INSTRUCTIONS_MAX, self.place)
        if to is not None:
            self._targets[pc] = to
        if trap is not None:
            self._traps[pc] = trap
        if self.place is not None:
            self._places[pc] = self.place
        self._code.append(Instruction(int(switches), a, b, c, t))
        return c

    def test(
        self,
        switches: int,
        a: int,
        b: int = ZERO_CELL,
        *,
        to: Label | None = None,
        trap: Trap | None = None,
    ) -> None:
        """Write an instruction whose C nobody wants."""
        self.emit(switches, a, b, JUNK_CELL, to=to, trap=trap)

    def move(self, c: int, a: int) -> None:
        """C = A."""
        if c != a:
            self.emit(ADD, a, ZERO_CELL, c)

    def jump(self, label: Label) -> None:
        """Go to a label."""
        self.test(SUBTRACT | Switch.IF_ZERO, ZERO_CELL, ZERO_CELL, to=label)

    def stop(self, trap: Trap) -> None:
        """Never get any further."""
        label = self.here()
        self.test(SUBTRACT | Switch.IF_ZERO, ZERO_CELL, ZERO_CELL, to=label, trap=trap)

    def table(self, function: int, a: int, b: int, *, trap: Trap | None = None) -> int:
        """C = a function of A and B that another table proves."""
        return self.emit(Switch.TABLE, a, b, t=function, trap=trap)

    def call(self, function: int, state: int, block: int = ZERO_CELL) -> None:
        """Call a precompile with the addresses that two cells hold."""
        self._called.add(function)
        self.emit(Switch.TABLE, state, block, JUNK_CELL, t=function)

    def load(self, base: int, index: int) -> int:
        """The cell at ``base`` plus what the cell ``index`` holds."""
        return self.emit(Switch.INDEXED_READ, index, base)

    def store(self, base: int, index: int, value: int) -> None:
        """Write the cell at ``base`` plus what the cell ``index`` holds."""
        self.emit(Switch.INDEXED_WRITE, index, value, base)

    def hint(self, kind: int, a: int, n: int, b: int, m: int, i: int) -> int:
        """A cell with any value, which the machine finds as `Hint` says."""
        return self.emit(0, a, b, t=Hint.pack(kind, n, m, i))

    def redirect(self, sources: tuple[int, ...], dests: tuple[int, ...]) -> None:
        """Put values into cells; where the last instructions wrote them, let those write there.

        That is possible where no later one of them reads what an earlier one wrote or writes.
        """
        last = self._code[-len(sources) :]
        start = len(self._code) - len(sources)
        taken = set(self._temporaries[: self._temporary_count])
        if (
            start >= self._barrier
            and tuple(instruction.c for instruction in last) == sources
            and taken.issuperset(sources)
            and not any(
                {later.a, later.b} & {dests[i], sources[i]}
                or later.switches & (Switch.INDEXED_READ | Switch.INDEXED_WRITE)
                for i in range(len(last))
                for later in last[i + 1 :]
            )
            and not any(one.switches & Switch.INDEXED_WRITE for one in last)
        ):
            for index, instruction in enumerate(last):
                self._code[start + index] = instruction._replace(c=dests[index])
            return
        self.move_all(list(zip(dests, sources, strict=True)))

    def move_all(self, moves: list[tuple[int, int]]) -> None:
        """Write every pair's first cell with its second, as if at once; the firsts differ."""
        waiting = {to: source for to, source in moves if to != source}
        while waiting:
            sources = set(waiting.values())
            free = [to for to in waiting if to not in sources]
            if not free:
                # Only cycles are left: set one cell aside, and its readers free it.
                to = next(iter(waiting))
                aside = self.temporary()
                self.move(aside, to)
                waiting = {into: aside if of == to else of for into, of in waiting.items()}
                continue
            for to in free:
                self.move(to, waiting.pop(to))

    def finish(
        self, public: tuple[int, ...], private: tuple[int, ...], outputs: tuple[int, ...]
    ) -> Code:
        """Settle the labels; the inputs and outputs are as in `Code`."""
        for address, label in self._addresses.items():
            assert label.pc is not None
            self._initial[address] = label.pc
        instructions = list(self._code)
        for pc, label in self._targets.items():
            assert label.pc is not None
            # A step goes on to the next by itself.
            instructions[pc] = instructions[pc]._replace(t=label.pc - pc - 1)
        cells = max(CELLS_MIN, 1 << (self._cells - 1).bit_length())
        return Code(
            tuple(instructions), cells, dict(self._initial), public, private, outputs,
            dict(self._traps), tuple(sorted(self._called)), dict(self._places),
        )  # fmt: skip
