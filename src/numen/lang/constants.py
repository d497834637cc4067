"""Exact arithmetic on integers that are known when the program is compiled."""

import ast
from collections.abc import Callable
from typing import Final

from numen.lang import limits
from numen.lang.errors import RangeError, TypesError
from numen.lang.source import Source

_WIDE: Final = limits.CONSTANT_BITS_MAX

_OPERATIONS: Final[dict[type[ast.operator], Callable[[int, int], int]]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a**b,
    ast.LShift: lambda a, b: a << b,
    ast.RShift: lambda a, b: a >> b,
    ast.BitAnd: lambda a, b: a & b,
    ast.BitOr: lambda a, b: a | b,
    ast.BitXor: lambda a, b: a ^ b,
}


def fold_binary(source: Source, node: ast.AST, op: ast.operator, a: int, b: int) -> int:
    """Compute an operation on constants as Python does.

    Raises:
        RangeError: It divides by zero, shifts or raises by a negative number, or grows too wide.
        TypesError: It is not an operation on integers.
    """
    if type(op) not in _OPERATIONS:
        hint = "write // for the quotient rounded down" if isinstance(op, ast.Div) else ""
        raise source.refuse(TypesError, node, "integers have no such operation", hint)
    if isinstance(op, ast.FloorDiv | ast.Mod) and b == 0:
        raise source.refuse(RangeError, node, "division by zero")
    if isinstance(op, ast.Pow | ast.LShift | ast.RShift) and b < 0:
        raise source.refuse(RangeError, node, f"a negative count: {b}")
    if _width(op, a, b) > _WIDE:
        raise source.refuse(RangeError, node, f"a constant of more than {_WIDE} bits")
    return _OPERATIONS[type(op)](a, b)


def fold_unary(source: Source, node: ast.AST, op: ast.unaryop, a: int) -> int:
    """Compute ``-a``, ``+a`` or ``~a``."""
    match op:
        case ast.USub():
            return -a
        case ast.UAdd():
            return a
        case ast.Invert():
            return ~a
        case _:
            raise source.refuse(TypesError, node, "not is for bools", "compare: x == 0")


def literal(source: Source, node: ast.Constant) -> int | None:
    """The integer a constant of the tree is, or None where it is something else."""
    if isinstance(node.value, bool) or not isinstance(node.value, int):
        return None
    if node.value.bit_length() > _WIDE:
        raise source.refuse(RangeError, node, f"a constant of more than {_WIDE} bits")
    return node.value


def evaluate(
    source: Source, node: ast.expr, lookup: Callable[[ast.expr], int | None]
) -> int | None:
    """The value of an expression of constants, or None where a part of it is not one.

    Args:
        source: For errors.
        node: The expression.
        lookup: The value of a name, or of ``len(name)``; None where it is not a constant.
    """
    match node:
        case ast.Constant():
            return literal(source, node)
        case ast.UnaryOp(op, operand) if not isinstance(op, ast.Not):
            inner = evaluate(source, operand, lookup)
            return None if inner is None else fold_unary(source, node, op, inner)
        case ast.BinOp():
            return _evaluate_chain(source, node, lookup)
        case _:
            return lookup(node)


def chain(node: ast.BinOp) -> tuple[ast.expr, list[ast.BinOp]]:
    """The first operand of operators side by side, and the operators from left to right."""
    spine: list[ast.BinOp] = []
    first: ast.expr = node
    while isinstance(first, ast.BinOp):
        spine.append(first)
        first = first.left
    return first, spine[::-1]


def _evaluate_chain(
    source: Source, node: ast.BinOp, lookup: Callable[[ast.expr], int | None]
) -> int | None:
    first, spine = chain(node)
    total = evaluate(source, first, lookup)
    for part in spine:
        right = evaluate(source, part.right, lookup) if total is not None else None
        if total is None or right is None:
            return None
        total = fold_binary(source, part, part.op, total, right)
    return total


def _width(op: ast.operator, a: int, b: int) -> int:
    """At least the bits of the result, without computing it."""
    match op:
        case ast.Pow():
            return a.bit_length() * b if abs(a) > 1 else 1
        case ast.LShift():
            return a.bit_length() + b if a else 1
        case ast.Mult():
            return a.bit_length() + b.bit_length()
        case _:
            return 0
