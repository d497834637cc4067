"""The first block of a lifted function: its parameters, constants and memories."""

from collections.abc import Sequence

from numen.evm.lift.algebra import Constant, Register, Value, Writer
from numen.evm.lift.cells import WORD_BYTES
from numen.evm.lift.signature import SELECTOR_BYTES, Signature
from numen.evm.lift.values import INPUT, MEMORY, RegisterValues
from numen.ir.interface import leaves
from numen.ir.nodes import BasicBlock, Edge, Instr, Jump, Label, Param
from numen.ir.ops import Op
from numen.ir.types import U32, U64, U256


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
    for word, (leaf, index) in zip(words, signature.words, strict=True):
        reg = _name(word)
        if index is None:
            params[leaf] = Param(reg, U256)
        else:
            at = writer.reg(Constant(index, U64))
            array = params[leaf]
            writer.body.append(Instr(Op.GET, (reg,), (array.reg, at), array.type))
    if values.memory is not None:
        writer.body.append(Instr(Op.MEMORY, (MEMORY,), (), values.memory.type))
    if values.reads_input:
        _write_input(signature, values, words, writer)
    body = [
        Instr(Op.CONST, (reg,), (), word, imm=value)
        for (value, _), (reg, word) in writer.constants.items()
    ]
    return BasicBlock(tuple(params), (*body, *writer.body), Jump(Edge(first)))


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
