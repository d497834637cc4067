"""The arithmetic of a chip, over whatever the caller computes with.

`evaluate` is the one reading of `air.Node`: over arrays of rows for the checker and for the
prover, over elements of an extension for the verifier.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from numen.proof.stark.air import Chip, Node, Op

T = TypeVar("T")


class Algebra(msgspec.Struct, Generic[T], frozen=True):
    """How to compute with values of some type.

    Attributes:
        const: Takes an integer of ``[0, P)`` to a value.
        add: Of two values.
        subtract: The second from the first.
        multiply: Of two values.
        negate: Of one.
    """

    const: Callable[[int], T]
    add: Callable[[T, T], T]
    subtract: Callable[[T, T], T]
    multiply: Callable[[T, T], T]
    negate: Callable[[T], T]


class Row(msgspec.Struct, Generic[T], frozen=True):
    """What the expressions of a chip read.

    Attributes:
        main: The columns of the trace in this row and in the next. Those that no expression
            reads may be anything.
        preprocessed: Likewise.
        publics: In the chip's order.
        first: The selector of the first row.
        last: The selector of the last.
        transition: The selector of all others.
    """

    main: tuple[Sequence[T], Sequence[T]]
    preprocessed: tuple[Sequence[T], Sequence[T]]
    publics: Sequence[T]
    first: T
    last: T
    transition: T


def evaluate(chip: Chip, row: Row[T], algebra: Algebra[T]) -> list[T]:
    """Compute the value of every node of a chip."""
    values: list[T] = []
    for node in chip.nodes:
        values.append(_value(node, values, row, algebra))
    return values


def _value(node: Node, values: list[T], row: Row[T], algebra: Algebra[T]) -> T:
    match node.op:
        case Op.ADD:
            return algebra.add(values[node.a], values[node.b])
        case Op.SUB:
            return algebra.subtract(values[node.a], values[node.b])
        case Op.MUL:
            return algebra.multiply(values[node.a], values[node.b])
        case Op.NEG:
            return algebra.negate(values[node.a])
        case Op.CONST:
            return algebra.const(node.a)
        case Op.MAIN:
            return row.main[node.b][node.a]
        case Op.PREPROCESSED:
            return row.preprocessed[node.b][node.a]
        case Op.PUBLIC:
            return row.publics[node.a]
        case Op.FIRST:
            return row.first
        case Op.LAST:
            return row.last
        case Op.TRANSITION:
            return row.transition
