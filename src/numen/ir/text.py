"""The text form of a module: what the printer writes, the parser reads back.

    program main(private a: felt, b: list[u64, 4], p: struct Point(x: u64, y: u64)) -> felt

    func main -> (felt)
    start(a: felt, b: [4 x u64], x: u64, y: u64):
        i = const.u64 3
        v = get.[4 x u64] b, i @ "job.py":3:5
        w = cast.u64.felt v
        r = add.felt a, w
        return r

The first line is the interface and names the entry. A line of a function is a block's head, an
instruction, or a terminator: ``jump to(x)``, ``branch c, then(x), other()``, ``return x, y``,
``stop "overflow", "message"``. What fills an array stands in braces: ``{1 2 3}``. A place ends its
line: ``@ "file":line:column``. Strings are JSON's.
"""

import json
from collections.abc import Iterable

from numen.base.errors import Place
from numen.ir.interface import Input, ListShape, Shape, StructShape, TupleShape, is_text
from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Edge,
    Function,
    Instr,
    Jump,
    Module,
    Return,
    Stop,
    Terminator,
)
from numen.ir.ops import Op
from numen.ir.types import Word


def print_module(module: Module) -> str:
    """Write a module as text."""
    parts = [_program(module), *(print_function(fn) for fn in module.functions.values())]
    return "\n".join(parts)


def print_function(fn: Function) -> str:
    """Write a function as text, one instruction to a line."""
    lines = [f"func {fn.name} -> {_parens(word.name for word in fn.results)}"]
    for label, block in fn.blocks.items():
        lines += _block(label, block)
    return "\n".join(lines) + "\n"


def print_instr(instr: Instr) -> str:
    """Write an instruction as it stands in a function."""
    left = f"{', '.join(instr.dests)} = " if instr.dests else ""
    suffixes = "".join(f".{of}" for of in (instr.type, instr.to) if of is not None)
    operands = list(instr.args)
    if instr.op is Op.CALL:
        return f"{left}call {instr.symbol}{_parens(operands)}{_place(instr.place)}"
    if instr.imm is not None:
        operands.insert(0, str(instr.imm))
    if instr.op is Op.REQUIRE:
        operands.append(json.dumps(instr.symbol))
    if instr.data:
        operands.append(f"{{{' '.join(str(value) for value in instr.data)}}}")
    line = f"{left}{instr.op.value}{suffixes} {', '.join(operands)}".rstrip()
    return line + _place(instr.place)


def print_shape(shape: Shape) -> str:
    """Write a shape of the interface."""
    match shape:
        case Word():
            return shape.name
        case ListShape(element, length):
            return f"list[{print_shape(element)}, {length}]"
        case StructShape(name) if is_text(shape):
            return name
        case StructShape(name, fields):
            inner = (f"{field}: {print_shape(of)}" for field, of in fields)
            return f"struct {name}{_parens(inner)}"
        case TupleShape(items):
            return f"tuple[{', '.join(print_shape(item) for item in items)}]"


def _program(module: Module) -> str:
    inputs = _parens(_input(field) for field in module.interface.inputs)
    return f"program {module.entry}{inputs} -> {print_shape(module.interface.result)}\n"


def _input(field: Input) -> str:
    return f"{'private ' if field.is_private else ''}{field.name}: {print_shape(field.shape)}"


def _block(label: str, block: BasicBlock) -> list[str]:
    head = f"{label}{_parens(f'{param.reg}: {param.type}' for param in block.params)}:"
    body = [f"    {print_instr(instr)}" for instr in block.body]
    return [head, *body, f"    {_end(block.end)}"]


def _end(end: Terminator) -> str:
    match end:
        case Jump(edge):
            return f"jump {_edge(edge)}"
        case Branch(cond, then, other, place):
            return f"branch {cond}, {_edge(then)}, {_edge(other)}{_place(place)}"
        case Return(values):
            return f"return {', '.join(values)}".rstrip()
        case Stop(reason, message, place):
            return f"stop {json.dumps(reason.value)}, {json.dumps(message)}{_place(place)}"


def _edge(edge: Edge) -> str:
    return f"{edge.to}{_parens(edge.args)}"


def _place(place: Place | None) -> str:
    return f" @ {json.dumps(place.file)}:{place.line}:{place.column}" if place else ""


def _parens(items: Iterable[str]) -> str:
    return f"({', '.join(items)})"
