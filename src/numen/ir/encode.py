"""The code section of the bytecode: a module as the bytes that its id is the hash of.

    code      = interface, count of functions, functions (callees before callers, the entry last)
    interface = count of inputs, (name, is_private, shape)..., shape of the result
    function  = results, count of blocks, parameters of each block, blocks
    block     = instructions, terminator

Functions, blocks and registers have numbers where the module has names: a function its place among
the functions, a block its place in the function, a register its place among the parameters of all
blocks and then the results of all instructions. So the bytes do not depend on any name but those of
the interface.
"""

from numen.ir import check, codes
from numen.ir.interface import ListShape, Shape, StructShape, TupleShape, is_text, text_bytes
from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Edge,
    Function,
    Instr,
    Jump,
    Label,
    Module,
    Reg,
    Return,
    Stop,
    Terminator,
)
from numen.ir.ops import Op
from numen.ir.types import Array, Word
from numen.ir.wire import Writer


def canonical_order(module: Module) -> tuple[str, ...]:
    """List what the entry needs: callees before callers, in the order of the first calls.

    Functions that no way of calls leads to are left out: they are no part of the program.

    Raises:
        check.CheckError: A function can call itself.
    """
    entry = {module.entry: module.functions[module.entry]}
    order = check.call_order(entry | module.functions)
    return order[: order.index(module.entry) + 1]


def encode_code(module: Module) -> bytes:
    """Write the code section of a module that `check` accepts, without meters.

    Raises:
        EncodeError: A name or message cannot be written.
    """
    out = Writer()
    _interface(out, module)
    order = canonical_order(module)
    out.number(len(order))
    numbers: dict[str, int] = {}
    for name in order:
        _function(out, module.functions[name], numbers)
        numbers[name] = len(numbers)
    return bytes(out.out)


def encode_leaf(fn: Function) -> bytes:
    """Write a function that calls no other, as it stands in a code section.

    Raises:
        EncodeError: A message cannot be written.
    """
    out = Writer()
    _function(out, fn, {})
    return bytes(out.out)


def _interface(out: Writer, module: Module) -> None:
    out.number(len(module.interface.inputs))
    for field in module.interface.inputs:
        out.name(field.name, "a parameter")
        out.byte(int(field.is_private))
        _shape(out, field.shape)
    _shape(out, module.interface.result)


def _shape(out: Writer, shape: Shape) -> None:
    match shape:
        case Word():
            out.byte(codes.WORD_CODES[shape])
        case ListShape(element, length):
            out.byte(codes.LIST)
            out.number(length)
            _shape(out, element)
        case StructShape(name) if is_text(shape):
            out.byte(codes.STR if name.startswith("str") else codes.BYTES)
            out.number(text_bytes(shape))
        case StructShape(name, fields):
            out.byte(codes.STRUCT)
            out.name(name, "a struct")
            out.number(len(fields))
            for field, of in fields:
                out.name(field, "a field")
                _shape(out, of)
        case TupleShape(items):
            out.byte(codes.TUPLE)
            out.number(len(items))
            for item in items:
                _shape(out, item)


def _function(out: Writer, fn: Function, numbers: dict[str, int]) -> None:
    out.number(len(fn.results))
    for word in fn.results:
        out.byte(codes.WORD_CODES[word])
    out.number(len(fn.blocks))
    for block in fn.blocks.values():
        out.number(len(block.params))
        for param in block.params:
            out.type(param.type)
    labels = {label: index for index, label in enumerate(fn.blocks)}
    regs = _registers(fn)
    for block in fn.blocks.values():
        for instr in block.body:
            _instr(out, instr, regs, numbers)
        _end(out, block.end, regs, labels)


def _registers(fn: Function) -> dict[Reg, int]:
    blocks: list[BasicBlock] = list(fn.blocks.values())
    params = [param.reg for block in blocks for param in block.params]
    dests = [reg for block in blocks for instr in block.body for reg in instr.dests]
    return {reg: index for index, reg in enumerate([*params, *dests])}


def _instr(out: Writer, instr: Instr, regs: dict[Reg, int], numbers: dict[str, int]) -> None:
    out.byte(codes.OPCODES[instr.op])
    if instr.type is not None:
        out.type(instr.type)
    if instr.to is not None:
        out.type(instr.to)
    if instr.op is Op.CALL:
        out.number(numbers[instr.symbol])
    if instr.imm is not None:
        assert isinstance(instr.type, Word)
        out.constant(instr.imm, instr.type)
    if isinstance(instr.type, Array) and instr.op is Op.ARRAY:
        out.number(len(instr.data))
        for value in instr.data:
            out.constant(value, instr.type.element)
    for reg in instr.args:
        out.number(regs[reg])
    if instr.op is Op.REQUIRE:
        out.text(instr.symbol, "a message")


def _end(out: Writer, end: Terminator, regs: dict[Reg, int], labels: dict[Label, int]) -> None:
    match end:
        case Jump(edge):
            out.byte(codes.JUMP)
            _edge(out, edge, regs, labels)
        case Branch(cond, then, other):
            out.byte(codes.BRANCH)
            out.number(regs[cond])
            _edge(out, then, regs, labels)
            _edge(out, other, regs, labels)
        case Return(values):
            out.byte(codes.RETURN)
            for reg in values:
                out.number(regs[reg])
        case Stop(reason, message):
            out.byte(codes.STOP)
            out.byte(codes.REASONS[reason])
            out.text(message, "a message")


def _edge(out: Writer, edge: Edge, regs: dict[Reg, int], labels: dict[Label, int]) -> None:
    out.number(labels[edge.to])
    for reg in edge.args:
        out.number(regs[reg])
