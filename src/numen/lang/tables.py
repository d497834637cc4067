"""Constants of modules where functions use them.

The arrays of a constant are made once, when the program starts, and lent to every function that
uses them, itself or through others.
"""

import ast

from msgspec.structs import replace

from numen.ir.nodes import Instr, Param, Reg
from numen.ir.ops import Op
from numen.ir.types import Array, Word
from numen.lang.frame import Frame, Literal, Value
from numen.lang.scope import ConstantSymbol
from numen.lang.types import references, registers


def constant(f: Frame, node: ast.AST, symbol: ConstantSymbol) -> Value | Literal:
    """The value of a module's constant."""
    if symbol.type is None:
        number = symbol.parts[0]
        assert isinstance(number, int)
        return Literal(number)
    if references(symbol.type):
        return f.tables[symbol.key]
    regs = []
    for part, of in zip(symbol.parts, registers(symbol.type), strict=True):
        assert isinstance(part, int)
        assert isinstance(of, Word)
        regs.append(f.at(node).const(part, of))
    known = symbol.parts[0] if isinstance(symbol.type, Word) else None
    assert not isinstance(known, list)
    return Value(symbol.type, tuple(regs), known=known)


def lend(f: Frame, tables: tuple[ConstantSymbol, ...]) -> list[Param]:
    """Receive the arrays of constants as parameters of a function."""
    params: list[Param] = []
    for symbol in tables:
        assert symbol.type is not None
        own = [Param(f.writer.fresh("t"), of) for of in registers(symbol.type)]
        params += own
        _hold(f, symbol, [param.reg for param in own])
    return params


def build(f: Frame, tables: tuple[ConstantSymbol, ...]) -> None:
    """Make the arrays of constants at the start of the entry."""
    for symbol in tables:
        assert symbol.type is not None
        f.writer.place = symbol.scope.source.place(symbol.node)
        regs = [
            _build_part(f, part, of)
            for part, of in zip(symbol.parts, registers(symbol.type), strict=True)
        ]
        _hold(f, symbol, regs)


def lent(f: Frame, tables: tuple[ConstantSymbol, ...]) -> list[Reg]:
    """The registers that pass constants on to a callee."""
    return [reg for symbol in tables for reg in f.tables[symbol.key].regs]


def _hold(f: Frame, symbol: ConstantSymbol, regs: list[Reg]) -> None:
    assert symbol.type is not None
    f.tables[symbol.key] = Value(symbol.type, tuple(regs), is_fresh=False, is_constant=True)


def _build_part(f: Frame, part: int | list[int], of: object) -> Reg:
    if isinstance(part, int):
        assert isinstance(of, Word)
        return _early_const(f, part, of)
    assert isinstance(of, Array)
    data = tuple(part) if any(part) else ()
    return _early(f, Instr(Op.ARRAY, (), (), of, place=f.writer.place, data=data))


def _early_const(f: Frame, value: int, word: Word) -> Reg:
    return _early(f, Instr(Op.CONST, (), (), word, imm=value, place=f.writer.place))


def _early(f: Frame, instr: Instr) -> Reg:
    reg = f.writer.fresh("t")
    f.writer.early(replace(instr, dests=(reg,)))
    return reg
