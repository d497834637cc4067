"""The first block of a lifted function: its parameters, constants and memories."""

from collections.abc import Sequence

from numen.evm.lift.algebra import Constant, Register, Value, Writer
from numen.evm.lift.cells import WORD_BYTES
from numen.evm.lift.signature import SELECTOR_BYTES, Given, Length, Signature
from numen.evm.lift.values import INPUT, MEMORY, RegisterValues
from numen.ir.interface import leaves
from numen.ir.nodes import BasicBlock, Edge, Instr, Jump, Label, Param, Reg
from numen.ir.ops import Op
from numen.ir.types import BOOL, U32, U64, U256, Array


def open_function(
    signature: Signature, values: RegisterValues, words: Sequence[Value], first: Label
) -> BasicBlock:
    """Make the block that the program begins with; everything else is written already.

    Args:
        signature: Of the function.
        values: What the others were written with.
        words: The registers of the arguments' words, which are defined here.
        first: The block to go to.
    """
    found = [leaf for field in signature.inputs for leaf in leaves(field.shape, field.name)]
    params = [Param(f"arg{index}", leaf.type) for index, leaf in enumerate(found)]
    writer = values.writer
    writer.body, writer.place = [], None
    for word, place in zip(words, signature.words, strict=True):
        match place:
            case Given(leaf, None):
                params[leaf] = Param(_name(word), U256)
            case Given(leaf, int() as index):
                at = writer.reg(Constant(index, U64))
                array = params[leaf]
                writer.body.append(Instr(Op.GET, (_name(word),), (array.reg, at), array.type))
            case Length():
                _write_length(place, params[place.leaf], _name(word), writer)
    if values.memory is not None:
        writer.body.append(Instr(Op.MEMORY, (MEMORY,), (), values.memory.type))
    if values.reads_input:
        _write_input(signature, values, words, writer)
    body = (*writer.definitions(), *writer.body)
    return BasicBlock(tuple(params), body, Jump(Edge(first)))


def _write_length(length: Length, param: Param, reg: Reg, writer: Writer) -> None:
    """Require that an array has room, and take its length out of a table of all that can be.

    What comes out of the table is known to be no more than the last number in it, in a circuit too,
    where loops over the array end by that.
    """
    given, beyond = Register(param.reg, U64), Constant(length.most + 1, U64)
    is_short = writer.write(Op.LT, BOOL, given, beyond, of=U64)
    writer.require(is_short, f"{length.name} has room for {length.most} elements")
    table = Array(U64, length.most + 1)
    names = writer.fresh("t"), writer.fresh("t")
    numbers = tuple(range(length.most + 1))
    writer.body.append(Instr(Op.ARRAY, (names[0],), (), table, data=numbers))
    writer.body.append(Instr(Op.GET, (names[1],), (names[0], given.name), table))
    writer.body.append(Instr(Op.TRUNCATE, (reg,), (names[1],), U64, U256))


def _write_input(
    signature: Signature, values: RegisterValues, words: Sequence[Value], writer: Writer
) -> None:
    """Lay the calldata out in a memory."""
    writer.body.append(Instr(Op.MEMORY, (INPUT,), (), values.input_type))
    parts: list[tuple[int, int, Value]] = [
        (0, SELECTOR_BYTES, Constant(signature.selector, U32)),
        *(
            (SELECTOR_BYTES + WORD_BYTES * index, WORD_BYTES, word)
            for index, word in enumerate(words)
        ),
    ]
    for offset, size, value in parts:
        at = Constant(values.input_index(offset, size), U64)
        regs = (INPUT, writer.reg(at), writer.reg(value))
        writer.body.append(Instr(Op.STORE, (), regs, value.type))


def _name(word: Value) -> str:
    assert isinstance(word, Register)
    return word.name
