"""Interval arithmetic: between which integers an instruction's result lies, given its operands.

One transfer function for each pure instruction. Intervals are pairs ``(low, high)``, both ends
included. For what the instruction would trap on, a function may assume that it did not: what
follows runs only then.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from numen.ir.nodes import Instr
from numen.ir.ops import SPECS, Effect, Op
from numen.ir.types import BOOL, Kind, Word

Interval: TypeAlias = tuple[int, int]

TRUTH: Final[Interval] = (0, 1)


def full(word: Word) -> Interval:
    """All values of a word."""
    return word.low, word.high


def within(inner: Interval, outer: Interval) -> bool:
    """Whether one interval lies in another."""
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def meet(a: Interval, b: Interval) -> Interval:
    """What two intervals share; if nothing, no run comes here and the first is as right as any."""
    low, high = max(a[0], b[0]), min(a[1], b[1])
    return (low, high) if low <= high else a


def hull(a: Interval, b: Interval) -> Interval:
    """The least interval that holds two."""
    return min(a[0], b[0]), max(a[1], b[1])


def exact(op: Op, a: Interval, b: Interval) -> Interval:
    """Between which integers an exact sum, difference or product lies."""
    match op:
        case Op.ADD | Op.WRAPPING_ADD:
            return a[0] + b[0], a[1] + b[1]
        case Op.SUB | Op.WRAPPING_SUB:
            return a[0] - b[1], a[1] - b[0]
        case _:
            return _corners(lambda x, y: x * y, a, b)


def result(instr: Instr) -> Word:
    """The type of the word that an instruction with a meaning writes."""
    word = BOOL if SPECS[instr.op].results == "b" else instr.to or instr.type
    assert isinstance(word, Word)
    return word


def result_interval(instr: Instr, operands: Sequence[Interval]) -> Interval:
    """Between which integers the result of an instruction with a meaning lies."""
    return TRANSFER[instr.op](result(instr), *operands)


def can_trap(instr: Instr, operands: Sequence[Interval]) -> bool:
    """Whether an instruction with a meaning may trap, for operands in intervals."""
    if instr.op not in _TRAPPING:
        return False
    word = result(instr)
    match instr.op:
        case Op.ADD | Op.SUB | Op.MUL:
            found = exact(instr.op, operands[0], operands[1])
            return word.kind is not Kind.FIELD and not within(found, full(word))
        case Op.CAST:
            return word.kind is not Kind.FIELD and not within(operands[0], full(word))
        case Op.SHL | Op.SHR:
            return not within(operands[1], (0, word.bits - 1))
        case Op.DIV if word.kind is Kind.FIELD:
            return operands[1][0] == 0
        case Op.DIV | Op.REM:
            # Below zero there is one quotient that does not fit.
            return operands[1][0] <= 0
        case Op.ADD_MOD | Op.SUB_MOD | Op.MUL_MOD:
            return operands[2][0] <= 0
        case Op.DIV_MOD:
            return operands[2] != (1, 1)
        case _:
            raise AssertionError(instr)


_TRAPPING: Final = frozenset(
    op for op in Op if SPECS[op].means is not None and SPECS[op].effect & Effect.TRAP
)


def _corners(of: Callable[[int, int], int], a: Interval, b: Interval) -> Interval:
    """The ends of a function that is monotone in each of its two arguments."""
    ends = [of(x, y) for x in a for y in b]
    return min(ends), max(ends)


def _checked(op: Op) -> Callable[[Word, Interval, Interval], Interval]:
    def transfer(word: Word, a: Interval, b: Interval) -> Interval:
        found = exact(op, a, b)
        if word.kind is Kind.FIELD:
            return found if within(found, full(word)) else full(word)
        return meet(full(word), found)

    return transfer


def _wrapping(op: Op) -> Callable[[Word, Interval, Interval], Interval]:
    def transfer(word: Word, a: Interval, b: Interval) -> Interval:
        found = exact(op, a, b)
        return found if within(found, full(word)) else full(word)

    return transfer


def _div(word: Word, a: Interval, b: Interval) -> Interval:
    if word.kind is Kind.FIELD:
        return full(word)
    if b[0] <= 0 <= b[1]:
        if b[0] < 0:
            most = max(abs(a[0]), abs(a[1]))
            return meet(full(word), (-most, most))
        b = (1, max(b[1], 1))
    return meet(full(word), _corners(lambda x, y: x // y, a, b))


def _rem(word: Word, a: Interval, b: Interval) -> Interval:
    if b[0] < 0:
        return meet(full(word), (b[0] + 1, max(b[1] - 1, 0)))
    if a[0] >= 0 and a[1] < b[0]:
        return a
    high = max(b[1] - 1, 0)
    return 0, min(a[1], high) if a[0] >= 0 else high


def _modulo(_word: Word, _a: Interval, _b: Interval, m: Interval) -> Interval:
    return 0, max(m[1] - 1, 0)


def _and(word: Word, a: Interval, b: Interval) -> Interval:
    highs = [high for low, high in (a, b) if low >= 0]
    return (0, min(highs)) if highs else full(word)


def _or(word: Word, a: Interval, b: Interval) -> Interval:
    if a[0] < 0 or b[0] < 0:
        return full(word)
    return max(a[0], b[0]), (1 << max(a[1], b[1]).bit_length()) - 1


def _xor(word: Word, a: Interval, b: Interval) -> Interval:
    if a[0] < 0 or b[0] < 0:
        return full(word)
    return 0, (1 << max(a[1], b[1]).bit_length()) - 1


def _not(word: Word, a: Interval) -> Interval:
    last = -1 if word.kind is Kind.SIGNED else word.high
    return last - a[1], last - a[0]


def _count(word: Word, count: Interval) -> Interval:
    low, high = max(count[0], 0), min(count[1], word.bits - 1)
    # A count that always traps may be a number that nothing can be shifted by.
    return (low, high) if low <= high else (0, 0)


def _shl(word: Word, a: Interval, count: Interval) -> Interval:
    found = _corners(lambda x, y: x << y, a, _count(word, count))
    return found if within(found, full(word)) else full(word)


def _shr(word: Word, a: Interval, count: Interval) -> Interval:
    return _corners(lambda x, y: x >> y, a, _count(word, count))


def _eq(_word: Word, a: Interval, b: Interval) -> Interval:
    if a[1] < b[0] or b[1] < a[0]:
        return 0, 0
    return (1, 1) if a == b and a[0] == a[1] else TRUTH


def _lt(_word: Word, a: Interval, b: Interval) -> Interval:
    if a[1] < b[0]:
        return 1, 1
    return (0, 0) if a[0] >= b[1] else TRUTH


def _select(_word: Word, cond: Interval, then: Interval, other: Interval) -> Interval:
    if cond[0] == cond[1]:
        return then if cond[0] else other
    return hull(then, other)


def _cast(word: Word, a: Interval) -> Interval:
    if word.kind is Kind.FIELD:
        return a if within(a, full(word)) else full(word)
    return meet(full(word), a)


def _truncate(word: Word, a: Interval) -> Interval:
    return a if within(a, full(word)) else full(word)


# fmt: off
TRANSFER: Final[dict[Op, Callable[..., Interval]]] = {
    Op.ADD:          _checked(Op.ADD),
    Op.SUB:          _checked(Op.SUB),
    Op.MUL:          _checked(Op.MUL),
    Op.WRAPPING_ADD: _wrapping(Op.ADD),
    Op.WRAPPING_SUB: _wrapping(Op.SUB),
    Op.WRAPPING_MUL: _wrapping(Op.MUL),
    Op.DIV:          _div,
    Op.REM:          _rem,
    Op.ADD_MOD:      _modulo,
    Op.SUB_MOD:      _modulo,
    Op.MUL_MOD:      _modulo,
    Op.DIV_MOD:      _modulo,
    Op.AND:          _and,
    Op.OR:           _or,
    Op.XOR:          _xor,
    Op.NOT:          _not,
    Op.SHL:          _shl,
    Op.SHR:          _shr,
    Op.EQ:           _eq,
    Op.LT:           _lt,
    Op.SELECT:       _select,
    Op.CAST:         _cast,
    Op.TRUNCATE:     _truncate,
}
# fmt: on

assert set(TRANSFER) == {op for op in Op if SPECS[op].means is not None}
