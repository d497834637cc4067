"""From the register IR to code of the provable machine.

What comes out depends on nothing but the module, so that a verifier who has the bytecode finds the
same code, and with it the same commitment. Meters are not lowered: a proof counts cycles, and says
so. A trap is a step that has no next, so a run that traps has no proof.

Every function has its cells: there is no recursion. A word of 64 bits or less takes one cell, wider
ones two or four, a byte of a byte memory one. Arrays lie in their elements' order. A function that
is a precompile has no code: a call of it is one step.
"""

import msgspec

from numen.ir.check import call_order
from numen.ir.host import first_of
from numen.ir.interface import leaves
from numen.ir.nodes import Function, Module
from numen.ir.ops import HASHES, HOST, Op
from numen.ir.trap import Reason
from numen.ir.types import Word
from numen.proof.machine.algebra import MachineAlgebra
from numen.proof.machine.assembler import Assembler, Label
from numen.proof.machine.body import BodyWriter
from numen.proof.machine.errors import ContractError
from numen.proof.machine.frame import Direct, Frame, Home, Pointer, frame
from numen.proof.machine.isa import CELL_BITS, HALT_PC, Code
from numen.proof.machine.precompiles.recognise import recognise
from numen.proof.machine.values import Value, cell_count


class Slot(msgspec.Struct, frozen=True):
    """Where an input or output lies.

    Attributes:
        word: Its type, or that of its elements.
        count: How many elements; None for a word outside every array.
        address: First cell.
        is_private: Whether a proof hides it.
    """

    word: Word
    count: int | None
    address: int
    is_private: bool = False

    @property
    def cells(self) -> range:
        """All its cells."""
        return range(self.address, self.address + cell_count(self.word) * (self.count or 1))


class Lowered(msgspec.Struct, frozen=True):
    """A program for the machine, and where its inputs and outputs lie.

    Attributes:
        code: What runs.
        inputs: One for each leaf of the inputs.
        outputs: One for each leaf of the result.
    """

    code: Code
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]


def lower(module: Module) -> Lowered:
    """Write a checked module without meters as code of the machine.

    Raises:
        ProgramTooLargeError: It needs more cells or instructions than the machine has.
        ContractError: It is a contract.
    """
    spoken = first_of(module, HOST | HASHES)
    if spoken is not None:
        raise ContractError(spoken.op.value, spoken.place)
    asm = Assembler()
    reached = _reached(module)
    fns = {name: module.functions[name] for name in call_order(module.functions) if name in reached}
    precompiles = recognise(fns, module.entry)
    fns = {name: fn for name, fn in fns.items() if name not in precompiles}
    frames = {
        name: frame(asm, fn, module.functions, is_entry=name == module.entry)
        for name, fn in fns.items()
    }
    entry = frames[module.entry]
    inputs, outputs = _slots(module, entry)
    _write_start(asm, entry, inputs)
    called = {callee for fn in fns.values() for callee in _callees(fn)}
    for name, own in frames.items():
        is_once = name == module.entry and name not in called
        BodyWriter(asm, own, frames, precompiles, is_once=is_once).write()
    public = tuple(cell for slot in inputs if not slot.is_private for cell in slot.cells)
    private = tuple(cell for slot in inputs if slot.is_private for cell in slot.cells)
    results = tuple(cell for slot in outputs for cell in slot.cells)
    return Lowered(asm.finish(public, private, results), inputs, outputs)


def _reached(module: Module) -> set[str]:
    found, waiting = {module.entry}, [module.entry]
    while waiting:
        for callee in _callees(module.functions[waiting.pop()]):
            if callee not in found:
                found.add(callee)
                waiting.append(callee)
    return found


def _callees(fn: Function) -> list[str]:
    return [
        instr.symbol for block in fn.blocks.values() for instr in block.body if instr.op is Op.CALL
    ]


def _slots(module: Module, entry: Frame) -> tuple[tuple[Slot, ...], tuple[Slot, ...]]:
    params = iter(entry.params)
    inputs = tuple(
        Slot(leaf.word, leaf.count, _address(next(params)), field.is_private)
        for field in module.interface.inputs
        for leaf in leaves(field.shape, field.name)
    )
    results = iter(entry.results)
    outputs = tuple(
        Slot(leaf.word, leaf.count, _address(next(results if leaf.count is None else params)))
        for leaf in module.result_leaves
    )
    return inputs, outputs


def _address(home: Home) -> int:
    match home:
        case Direct(base):
            return base
        case Value(cells):
            return cells[0]
        case Pointer():
            raise AssertionError(home)


def _write_start(asm: Assembler, entry: Frame, inputs: tuple[Slot, ...]) -> None:
    """Find the private inputs to be words of their types, run the entry, and halt."""
    asm.place = None
    algebra = MachineAlgebra(asm)
    for slot in inputs:
        size = cell_count(slot.word)
        # Two's complement fills its cells: whatever they hold is a word.
        if not slot.is_private or slot.word.low < 0:
            continue
        for first in slot.cells[::size]:
            cells = tuple(range(first, first + size))
            algebra.fit(Value(cells, 0, (1 << CELL_BITS * size) - 1), slot.word, Reason.CONVERSION)
            asm.release()
    back, halt = Label(), Label()
    asm.move(entry.back, asm.return_address(back))
    asm.jump(entry.start)
    asm.set(back)
    halt.pc = HALT_PC
    asm.jump(halt)
