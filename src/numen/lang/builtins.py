"""The functions of the language, in one table: names, operands and how they are lowered."""

import ast
from collections.abc import Callable
from typing import Final

import msgspec

from numen.ir.host import PRIVATE_FROM
from numen.ir.interface import ListShape, StructShape, TupleShape, is_text
from numen.ir.ops import Op
from numen.ir.types import BOOL, FELT, LENGTH_MAX, U64, U256, WORDS, Array, Kind, Memory, Word
from numen.lang import arrays, constants, operators, texts
from numen.lang.errors import RangeError, TypesError
from numen.lang.frame import Frame, Literal, Value
from numen.lang.suggest import shown
from numen.lang.types import NOTHING, LangType, is_integer

Operand = Value | Literal
Lowering = Callable[[Frame, ast.Call, LangType | None], Operand]


class Builtin(msgspec.Struct, frozen=True):
    """One row of the table.

    Attributes:
        usage: How a person calls it.
        least: Fewest arguments.
        most: Most arguments.
        lower: Writes it.
    """

    usage: str
    least: int
    most: int
    lower: Lowering


def call(f: Frame, node: ast.Call, name: str, expected: LangType | None) -> Operand:
    """Lower a call of a function of the language.

    Raises:
        LangError: Its arguments do not fit.
    """
    row = BUILTINS.get(name) or STANDARD_ONLY[name]
    if node.keywords or not row.least <= len(node.args) <= row.most:
        message = f"{name} takes other arguments than {len(node.args) + len(node.keywords)}"
        raise f.refuse(TypesError, node, message, f"write {row.usage}")
    for arg in node.args:
        if isinstance(arg, ast.Starred):
            raise f.refuse(TypesError, arg, "arguments are written one by one")
    return row.lower(f, node, expected)


_WORDS_BY_NAME: Final = [StructShape(name, (("word", U256),)) for name in ("address", "bytes32")]
"""Words of a contract that are no numbers, until somebody says so."""


def convert(f: Frame, node: ast.Call, to: Word) -> Operand:
    """Lower ``u8(x)``: the same integer in another type, or a trap."""
    if len(node.args) != 1 or node.keywords:
        raise f.refuse(TypesError, node, f"{to} takes one number", f"write {to}(x)")
    found = f.raw(node.args[0], to if to != BOOL else None)
    if isinstance(found, Literal):
        if to == BOOL:
            return Value(BOOL, (f.at(node).const(int(found.value != 0), BOOL),))
        return f.typed(node.args[0], found, to)
    if to == U256 and found.type in _WORDS_BY_NAME:
        return Value(U256, found.regs)
    word = _word(f, node.args[0], found)
    writer = f.at(node)
    if word == to:
        return found
    if to == BOOL:
        return Value(
            BOOL, (writer.invert(writer.op(Op.EQ, word, found.reg, writer.const(0, word))),)
        )
    known = found.known if found.known is not None and found.known in to else None
    return Value(to, (writer.op(Op.CAST, word, found.reg, to=to),), known=known)


def truncate(f: Frame, node: ast.Call, to: Word) -> Value:
    """Lower ``u8.wrapping(x)``: the integer modulo the width."""
    if len(node.args) != 1 or node.keywords:
        raise f.refuse(TypesError, node, "wrapping takes one number", f"write {to}.wrapping(x)")
    if not is_integer(to):
        raise f.refuse(TypesError, node, f"{to} does not wrap at a width", f"write {to}(x)")
    found = f.raw(node.args[0], None)
    if isinstance(found, Literal):
        value = ((found.value - to.low) & ((1 << to.bits) - 1)) + to.low
        return Value(to, (f.at(node).const(value, to),), known=value)
    word = _word(f, node.args[0], found)
    if word.kind is Kind.FIELD:
        hint = f"write {to}.wrapping(u256({shown(node.args[0])}))"
        raise f.refuse(TypesError, node, "a field element has no bits", hint)
    if word == to:
        return found
    return Value(to, (f.at(node).op(Op.TRUNCATE, word, found.reg, to=to),))


def _word(f: Frame, node: ast.expr, found: Value) -> Word:
    if not isinstance(found.type, Word):
        raise f.refuse(TypesError, node, f"only words convert, not {found.type}")
    return found.type


def _len(f: Frame, node: ast.Call, _expected: LangType | None) -> Operand:
    found = f.value(node.args[0])
    of = found.type
    match of:
        case StructShape() if is_text(of):
            return texts.size(f, node.args[0], found)
        case ListShape(_, length):
            return Literal(length)
        case TupleShape(items):
            return Literal(len(items))
        case Memory(size_bytes):
            return Literal(size_bytes)
        case _:
            raise f.refuse(TypesError, node.args[0], f"{of} has no length")


def _extreme(f: Frame, node: ast.Call, expected: LangType | None, *, least: bool) -> Operand:
    name = "min" if least else "max"
    found = _operands(f, node, expected)
    numbers = [operand.value for operand in found if isinstance(operand, Literal)]
    if len(numbers) == len(found):
        return Literal(min(numbers) if least else max(numbers))
    values = operators.same(f, list(zip(node.args, found, strict=True)), "and")
    word = values[0].type
    if not isinstance(word, Word) or not is_integer(word):
        raise f.refuse(TypesError, node, f"{name} takes integers, not {word}")
    total, writer = values[0].reg, f.at(node)
    for value in values[1:]:
        is_less = writer.op(Op.LT, word, value.reg, total)
        pair = (value.reg, total) if least else (total, value.reg)
        total = writer.op(Op.SELECT, word, is_less, *pair)
    return Value(word, (total,))


def _abs(f: Frame, node: ast.Call, expected: LangType | None) -> Operand:
    found = f.raw(node.args[0], expected)
    if isinstance(found, Literal):
        return Literal(abs(found.value))
    word = found.type
    if not isinstance(word, Word) or not is_integer(word):
        raise f.refuse(TypesError, node, f"abs takes integers, not {word}")
    if word.kind is Kind.UNSIGNED:
        return found
    writer = f.at(node)
    zero = writer.const(0, word)
    is_negative = writer.op(Op.LT, word, found.reg, zero)
    # The negation of the least number has no place in the type: it traps, as it should.
    part = writer.op(Op.SELECT, word, is_negative, found.reg, zero)
    negated = writer.op(Op.SUB, word, zero, part)
    return Value(word, (writer.op(Op.SELECT, word, is_negative, negated, found.reg),))


def _pow(f: Frame, node: ast.Call, expected: LangType | None) -> Operand:
    left = f.raw(node.args[0], expected)
    right = f.raw(node.args[1], None)
    if isinstance(left, Literal) and isinstance(right, Literal):
        return Literal(constants.fold_binary(f.source, node, ast.Pow(), left.value, right.value))
    return operators.power(f, node, left, right, expected)


def _wrapping(op: Op) -> Lowering:
    def lower(f: Frame, node: ast.Call, expected: LangType | None) -> Operand:
        word, regs = _same_integers(f, node, expected)
        return Value(word, (f.at(node).op(op, word, *regs),))

    return lower


def _modular(op: Op) -> Lowering:
    def lower(f: Frame, node: ast.Call, expected: LangType | None) -> Operand:
        word, regs = _same_integers(f, node, expected)
        if word.kind is not Kind.UNSIGNED:
            message = f"{op.value} takes unsigned integers, not {word}"
            raise f.refuse(TypesError, node, message)
        return Value(word, (f.at(node).op(op, word, *regs),))

    return lower


def _same_integers(
    f: Frame, node: ast.Call, expected: LangType | None
) -> tuple[Word, tuple[str, ...]]:
    found = _operands(f, node, expected)
    if all(isinstance(operand, Literal) for operand in found) and isinstance(expected, Word):
        found = [f.typed(node.args[0], found[0], expected), *found[1:]]
    values = operators.same(f, list(zip(node.args, found, strict=True)), "and")
    word = values[0].type
    if not isinstance(word, Word) or not is_integer(word):
        hint = "field elements wrap by themselves: write +, - or *" if word == FELT else ""
        raise f.refuse(TypesError, node, f"integers are needed here, not {word}", hint)
    return word, tuple(value.reg for value in values)


def _operands(f: Frame, node: ast.Call, expected: LangType | None) -> list[Operand]:
    found: list[Operand] = []
    hint = expected
    for arg in node.args:
        found.append(f.raw(arg, hint))
        hint = next((one.type for one in found if isinstance(one, Value)), expected)
    return found


def _memory(f: Frame, node: ast.Call, _expected: LangType | None) -> Operand:
    size = arrays.constant(f, node.args[0])
    if not 0 < size <= LENGTH_MAX:
        message = f"a memory of {size} bytes; 1 to {LENGTH_MAX} are allowed"
        raise f.refuse(RangeError, node.args[0], message)
    of = Memory(size)
    return Value(of, (f.storage(node, of),))


def _hash_pair(f: Frame, node: ast.Call, _expected: LangType | None) -> Operand:
    regs = [f.of_type(arg, U256).reg for arg in node.args]
    writer = f.at(node)
    key = writer.op(Op.HASH, None, *regs)
    if f.unit.is_halved:
        key = writer.op(Op.AND, U256, key, writer.const(PRIVATE_FROM - 1, U256))
    return Value(U256, (key,))


def _hash_bytes(f: Frame, node: ast.Call, _expected: LangType | None) -> Operand:
    words = f.value(node.args[0])
    of = words.type
    if not isinstance(of, ListShape) or of.element != U256:
        raise f.refuse(TypesError, node.args[0], f"expected a list of u256, found {of}")
    size = f.of_type(node.args[1], U64)
    array = Array(U256, of.length)
    return Value(U256, (f.at(node).op(Op.HASH_BYTES, array, words.regs[0], size.reg),))


def _of_words(op: Op) -> Lowering:
    def lower(f: Frame, node: ast.Call, _expected: LangType | None) -> Operand:
        regs = [f.of_type(arg, U256).reg for arg in node.args]
        if op is Op.STATE_STORE:
            f.at(node).effect(op, None, *regs)
            return Value(NOTHING, ())
        return Value(U256, (f.at(node).op(op, None, *regs),))

    return lower


# fmt: off
BUILTINS: Final = {
    "abs":          Builtin("abs(x)", 1, 1, _abs),
    "add_mod":      Builtin("add_mod(a, b, m)", 3, 3, _modular(Op.ADD_MOD)),
    "div_mod":      Builtin("div_mod(a, b, m)", 3, 3, _modular(Op.DIV_MOD)),
    "len":          Builtin("len(xs)", 1, 1, _len),
    "max":          Builtin("max(a, b)", 2, 64, lambda f, n, e: _extreme(f, n, e, least=False)),
    "memory":       Builtin("memory(64)", 1, 1, _memory),
    "min":          Builtin("min(a, b)", 2, 64, lambda f, n, e: _extreme(f, n, e, least=True)),
    "mul_mod":      Builtin("mul_mod(a, b, m)", 3, 3, _modular(Op.MUL_MOD)),
    "pow":          Builtin("pow(a, b)", 2, 2, _pow),
    "sub_mod":      Builtin("sub_mod(a, b, m)", 3, 3, _modular(Op.SUB_MOD)),
    "wrapping_add": Builtin("wrapping_add(a, b)", 2, 2, _wrapping(Op.WRAPPING_ADD)),
    "wrapping_mul": Builtin("wrapping_mul(a, b)", 2, 2, _wrapping(Op.WRAPPING_MUL)),
    "wrapping_sub": Builtin("wrapping_sub(a, b)", 2, 2, _wrapping(Op.WRAPPING_SUB)),
}
# fmt: on
"""Every function of the language; `WORDS` are conversions beside them."""

# fmt: off
STANDARD_ONLY: Final = {
    "hash_pair":  Builtin("hash_pair(a, b)", 2, 2, _hash_pair),
    "hash_bytes": Builtin("hash_bytes(words, size)", 2, 2, _hash_bytes),
    "load_slot":  Builtin("load_slot(slot)", 1, 1, _of_words(Op.STATE_LOAD)),
    "recover":    Builtin("recover(digest, r, s, v)", 4, 4, _of_words(Op.RECOVER)),
    "store_slot": Builtin("store_slot(slot, word)", 2, 2, _of_words(Op.STATE_STORE)),
}
# fmt: on
"""What only the standard modules can call: above all, the slots of whoever runs them."""

assert not set(BUILTINS) & set(WORDS)
