"""Operators on words: which types they take, and which instruction they are."""

import ast
from typing import Final

from numen.ir.interface import is_text
from numen.ir.nodes import Reg
from numen.ir.ops import Op
from numen.ir.types import BOOL, FELT, U256, Kind, Word
from numen.lang import constants, texts
from numen.lang.errors import LangError, RangeError, SubsetError, TypesError
from numen.lang.frame import Frame, Literal, Value, conversion_hint
from numen.lang.suggest import shown
from numen.lang.types import LangType, is_handle, is_integer, is_number

Operand = Value | Literal

SYMBOLS: Final[dict[type[ast.operator], str]] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|",
    ast.BitXor: "^", ast.MatMult: "@",
}  # fmt: skip

_PLAIN: Final[dict[type[ast.operator], Op]] = {
    ast.Add: Op.ADD, ast.Sub: Op.SUB, ast.Mult: Op.MUL, ast.Div: Op.DIV, ast.FloorDiv: Op.DIV,
    ast.Mod: Op.REM, ast.LShift: Op.SHL, ast.RShift: Op.SHR, ast.BitAnd: Op.AND, ast.BitOr: Op.OR,
    ast.BitXor: Op.XOR,
}  # fmt: skip

_BITWISE: Final = (ast.BitAnd, ast.BitOr, ast.BitXor)
_SHIFTS: Final = (ast.LShift, ast.RShift)


def binary(
    f: Frame, node: ast.BinOp, left: Operand, right: Operand, expected: LangType | None
) -> Operand:
    """Lower ``left op right``, whose operands are lowered.

    Raises:
        LangError: The operator does not take the operands.
    """
    if isinstance(left, Literal) and isinstance(right, Literal):
        if isinstance(node.op, ast.Div) and f.is_plain:
            a, b = f.typed(node.left, left, FELT), f.typed(node.right, right, FELT)
            return Value(FELT, (f.at(node).op(Op.DIV, FELT, a.reg, b.reg),))
        return Literal(constants.fold_binary(f.source, node, node.op, left.value, right.value))
    if isinstance(node.op, ast.Pow):
        return power(f, node, left, right, expected)
    if isinstance(node.op, _SHIFTS):
        return _shift(f, node, left, right, expected)
    a, b = same(f, [(node.left, left), (node.right, right)], SYMBOLS[type(node.op)])
    _check_operator(f, node, a.type)
    return Value(a.type, (f.at(node).op(_PLAIN[type(node.op)], _word(a), a.reg, b.reg),))


def same(f: Frame, parts: list[tuple[ast.expr, Operand]], what: str) -> list[Value]:
    """Give operands one type: that of the first one that has any.

    Raises:
        TypesError: They have several.
    """
    settled = next((found.type for _, found in parts if isinstance(found, Value)), None)
    values = [f.typed(node, found, settled) for node, found in parts]
    first = values[0]
    for (node, _), value in zip(parts[1:], values[1:], strict=True):
        if value.type != first.type:
            raise f.refuse(
                TypesError,
                node,
                f"{first.type} {what} {value.type}: the types differ",
                _unify_hint(parts[0][0], first.type, node, value.type),
            )
    return values


def unary(f: Frame, node: ast.UnaryOp, expected: LangType | None) -> Operand:
    """Lower ``-a``, ``+a``, ``~a`` or ``not a``."""
    if isinstance(node.op, ast.Not):
        return Value(BOOL, (f.at(node).invert(truth(f, node.operand)),))
    found = f.raw(node.operand, expected)
    if isinstance(found, Literal):
        return Literal(constants.fold_unary(f.source, node, node.op, found.value))
    if not is_number(found.type):
        hint = f"write not {shown(node.operand)}" if found.type == BOOL else ""
        raise f.refuse(TypesError, node, f"the operator takes numbers, not {found.type}", hint)
    word = _word(found)
    match node.op:
        case ast.UAdd():
            return found
        case ast.USub() if word.kind is Kind.UNSIGNED:
            hint = f"write -i64({shown(node.operand)}), or wrapping_sub(0, {shown(node.operand)})"
            raise f.refuse(TypesError, node, f"{word} has no negative numbers", hint)
        case ast.USub():
            writer = f.at(node)
            return Value(word, (writer.op(Op.SUB, word, writer.const(0, word), found.reg),))
        case _ if word.kind is Kind.FIELD:
            hint = f"write u256({shown(node.operand)}) for its bits"
            raise f.refuse(TypesError, node, "a field element has no bits", hint)
        case _:
            return Value(word, (f.at(node).op(Op.NOT, word, found.reg),))


def truth(f: Frame, node: ast.expr) -> Reg:
    """Lower a condition, which must be a bool."""
    found = f.raw(node, None)
    if isinstance(found, Literal) or found.type != BOOL:
        of = "a number" if isinstance(found, Literal) else str(found.type)
        is_word = isinstance(found, Literal) or isinstance(found.type, Word)
        hint = f"write {shown(node)} != 0" if is_word else ""
        raise f.refuse(TypesError, node, f"a condition is a bool, not {of}", hint)
    return found.reg


def compare(
    f: Frame,
    node: ast.AST,
    op: ast.cmpop,
    left: tuple[ast.expr, Operand],
    right: tuple[ast.expr, Operand],
) -> Value:
    """Lower one comparison."""
    if isinstance(op, ast.In | ast.NotIn | ast.Is | ast.IsNot):
        hint = "write a loop" if isinstance(op, ast.In | ast.NotIn) else "write =="
        raise f.refuse(SubsetError, node, "in and is are not part of the language", hint)
    if isinstance(left[1], Value) and isinstance(right[1], Value) and is_text(left[1].type):
        return _compare_texts(f, node, op, left[1], right[1])
    a, b = same(f, [left, right], "and")
    if is_handle(a.type) and isinstance(op, ast.Eq | ast.NotEq):
        a, b = (Value(U256, value.regs) for value in (a, b))
    if not isinstance(a.type, Word):
        raise f.refuse(TypesError, node, f"{a.type} cannot be compared", "compare its parts")
    if isinstance(op, ast.Eq | ast.NotEq):
        equal = f.at(node).op(Op.EQ, a.type, a.reg, b.reg)
        return Value(BOOL, (f.writer.invert(equal) if isinstance(op, ast.NotEq) else equal,))
    if not is_integer(a.type):
        hint = f"write u256({shown(left[0])}) and u256({shown(right[0])})" if a.type == FELT else ""
        raise f.refuse(TypesError, node, f"{a.type} has no order", hint)
    swapped = isinstance(op, ast.Gt | ast.LtE)
    first, second = (b, a) if swapped else (a, b)
    less = f.at(node).op(Op.LT, a.type, first.reg, second.reg)
    return Value(BOOL, (f.writer.invert(less) if isinstance(op, ast.LtE | ast.GtE) else less,))


def _compare_texts(f: Frame, node: ast.AST, op: ast.cmpop, a: Value, b: Value) -> Value:
    kinds = [str(value.type).partition("[")[0] for value in (a, b)]
    if kinds[0] != kinds[1]:
        raise f.refuse(TypesError, node, f"{a.type} and {b.type}: the types differ")
    if not isinstance(op, ast.Eq | ast.NotEq):
        hint = "from numen.std.text import compare"
        raise f.refuse(TypesError, node, f"{a.type} has no order here", hint)
    same_bytes = texts.equal(f, node, a, b)
    return Value(BOOL, (f.writer.invert(same_bytes) if isinstance(op, ast.NotEq) else same_bytes,))


def power(
    f: Frame, node: ast.AST, left: Operand, right: Operand, expected: LangType | None
) -> Operand:
    """Lower ``left ** right``.

    A constant exponent becomes squarings and products; any other a loop over its bits. Neither
    passes through a number greater than the result, so neither overflows where the result does not.
    """
    left_node, right_node = _operand_nodes(node)
    base = f.typed(left_node, left, _number_or_none(expected))
    if not is_number(base.type):
        raise f.refuse(TypesError, node, f"** takes numbers, not {base.type}")
    known = right.value if isinstance(right, Literal) else right.known
    if known is not None:
        if known < 0:
            raise f.refuse(RangeError, right_node, f"a negative exponent: {known}")
        return _constant_power(f, node, base, known)
    assert isinstance(right, Value)
    if not isinstance(right.type, Word) or right.type.kind is not Kind.UNSIGNED:
        hint = f"write u64({shown(right_node)})" if isinstance(right.type, Word) else ""
        raise f.refuse(
            TypesError, right_node, f"an exponent is an unsigned integer, not {right.type}", hint
        )
    return _run_time_power(f, node, base, right)


def _constant_power(f: Frame, node: ast.AST, base: Value, exponent: int) -> Value:
    writer, word = f.at(node), _word(base)
    if exponent == 0:
        return Value(word, (writer.const(1, word),))
    result = base.reg
    for bit in bin(exponent)[3:]:
        result = writer.op(Op.MUL, word, result, result)
        if bit == "1":
            result = writer.op(Op.MUL, word, result, base.reg)
    return Value(word, (result,))


def _run_time_power(f: Frame, node: ast.AST, base: Value, exponent: Value) -> Value:
    writer, word, count = f.at(node), _word(base), _word(exponent)
    one, zero = writer.const(1, word), writer.const(0, count)
    single = writer.const(1, count)
    head = f.open_loop((), (one, word), (base.reg, word), (exponent.reg, count))
    result, square, left = head.extra
    inside, after = writer.announce("power"), writer.announce("raised")
    writer.branch(writer.op(Op.EQ, count, left, zero), after, inside)
    writer.enter(inside)
    is_odd = writer.op(Op.EQ, count, writer.op(Op.AND, count, left, single), single)
    factor = writer.op(Op.SELECT, word, is_odd, square, one)
    product = writer.op(Op.MUL, word, result, factor)
    rest = writer.op(Op.SHR, count, left, single)
    # The last square is not needed, and might overflow.
    is_last = writer.op(Op.EQ, count, rest, zero)
    root = writer.op(Op.SELECT, word, is_last, one, square)
    f.close_loop(head, product, writer.op(Op.MUL, word, root, root), rest)
    writer.enter(after)
    return Value(word, (result,))


def _shift(
    f: Frame, node: ast.BinOp, left: Operand, right: Operand, expected: LangType | None
) -> Value:
    value = f.typed(node.left, left, _number_or_none(expected))
    if not is_integer(value.type):
        hint = f"write u256({shown(node.left)})" if value.type == FELT else ""
        raise f.refuse(TypesError, node, f"a shift takes integers, not {value.type}", hint)
    word = _word(value)
    known = right.value if isinstance(right, Literal) else right.known
    if known is not None and not 0 <= known < word.bits:
        raise f.refuse(
            RangeError, node.right, f"a shift of {word} by {known}: 0 to {word.bits - 1}"
        )
    if known is not None:
        count = f.at(node.right).const(known, word)
    else:
        assert isinstance(right, Value)
        if not is_integer(right.type):
            raise f.refuse(TypesError, node.right, f"a shift is by integers, not {right.type}")
        count = right.reg
        if right.type != word:
            count = f.at(node.right).op(Op.CAST, _word(right), count, to=word)
    return Value(word, (f.at(node).op(_PLAIN[type(node.op)], word, value.reg, count),))


def _check_operator(f: Frame, node: ast.BinOp, of: LangType) -> None:
    symbol = SYMBOLS[type(node.op)]
    match node.op:
        case ast.BitAnd() | ast.BitOr() | ast.BitXor():
            if not (of == BOOL or is_integer(of)):
                hint = "convert both with u256(...)" if of == FELT else ""
                raise _refuse_operator(f, node, symbol, of, hint)
        case ast.Div():
            if of != FELT:
                hint = "write // for the quotient rounded down" if is_integer(of) else ""
                raise _refuse_operator(f, node, symbol, of, hint)
        case ast.FloorDiv() | ast.Mod():
            if not is_integer(of):
                hint = "write / for the quotient in the field" if of == FELT else ""
                raise _refuse_operator(f, node, symbol, of, hint)
        case ast.MatMult():
            raise f.refuse(SubsetError, node, "@ is not part of the language", "write the loops")
        case _:
            if not is_number(of):
                hint = "convert with u64(...)" if of == BOOL else ""
                raise _refuse_operator(f, node, symbol, of, hint)


def _refuse_operator(f: Frame, node: ast.AST, symbol: str, of: LangType, hint: str) -> LangError:
    return f.refuse(TypesError, node, f"{of} has no {symbol}", hint)


def _unify_hint(left: ast.expr, a: LangType, right: ast.expr, b: LangType) -> str:
    if isinstance(a, Word) and isinstance(b, Word):
        wider_is_left = a.low <= b.low and b.high <= a.high
        return conversion_hint(right, b, a) if wider_is_left else conversion_hint(left, a, b)
    return ""


def _operand_nodes(node: ast.AST) -> tuple[ast.expr, ast.expr]:
    match node:
        case ast.BinOp(left=left, right=right) | ast.Call(args=[left, right]):
            return left, right
        case ast.AugAssign(value=right):
            return right, right
        case _:
            raise AssertionError(node)


def _number_or_none(expected: LangType | None) -> LangType | None:
    return expected if expected is not None and is_number(expected) else None


def _word(value: Value) -> Word:
    assert isinstance(value.type, Word)
    return value.type
