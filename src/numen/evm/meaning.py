"""What each pure opcode means, written once over `ir.meaning.Algebra`.

A function takes the algebra and the operands in the order they are popped, all words of `U256`, and
gives a word of `U256`; those named in `PREDICATES` give a `BOOL` (a word of 0 or 1 where it is
pushed). None of them can trap: a divisor of zero is replaced before it divides. The reference reads
them over Python's integers, native code over LLVM's values, the lifter over nodes of the IR.

EXP is a fold of `exp_step` over the 256 bits of its exponent. That is its meaning, and far too long
to run: each engine has one loop instead, and its tests compare the loop with `PURE[EXP]`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

from numen.evm.opcodes import BY_NAME
from numen.ir import meaning
from numen.ir.meaning import Algebra
from numen.ir.trap import Reason
from numen.ir.types import BOOL, I256, U256

V = TypeVar("V")

Meaning: TypeAlias = Callable[..., Any]
"""An algebra and one to three operands to a value of the algebra."""

_BITS = 256
_BYTES = 32


def add(e: Algebra[V], a: V, b: V) -> V:
    """The sum modulo 2**256."""
    return meaning.wrapping_add(e, U256, a, b)


def sub(e: Algebra[V], a: V, b: V) -> V:
    """The difference modulo 2**256."""
    return meaning.wrapping_sub(e, U256, a, b)


def mul(e: Algebra[V], a: V, b: V) -> V:
    """The product modulo 2**256."""
    return meaning.wrapping_mul(e, U256, a, b)


def div(e: Algebra[V], a: V, b: V) -> V:
    """The quotient rounded down; 0 by 0."""
    is_zero, divisor = _divisor(e, b)
    quotient = e.fit(e.floor_div(a, divisor), U256, Reason.OVERFLOW)
    return e.select(is_zero, _word(e, 0), quotient)


def mod(e: Algebra[V], a: V, b: V) -> V:
    """The remainder; 0 by 0."""
    is_zero, divisor = _divisor(e, b)
    return e.select(is_zero, _word(e, 0), e.floor_mod(a, divisor))


def sdiv(e: Algebra[V], a: V, b: V) -> V:
    """The signed quotient rounded towards zero; 0 by 0. -2**255 by -1 is -2**255."""
    quotient = div(e, _magnitude(e, a), _magnitude(e, b))
    is_below = e.bit_xor(_is_negative(e, a), _is_negative(e, b))
    return e.select(is_below, _negated(e, quotient), quotient)


def smod(e: Algebra[V], a: V, b: V) -> V:
    """The signed remainder with the sign of the dividend; 0 by 0."""
    remainder = mod(e, _magnitude(e, a), _magnitude(e, b))
    return e.select(_is_negative(e, a), _negated(e, remainder), remainder)


def addmod(e: Algebra[V], a: V, b: V, m: V) -> V:
    """The remainder of the exact sum; 0 by 0."""
    is_zero, divisor = _divisor(e, m)
    return e.select(is_zero, _word(e, 0), e.floor_mod(e.add(a, b), divisor))


def mulmod(e: Algebra[V], a: V, b: V, m: V) -> V:
    """The remainder of the exact product; 0 by 0."""
    is_zero, divisor = _divisor(e, m)
    return e.select(is_zero, _word(e, 0), e.floor_mod(e.mul(a, b), divisor))


def exp_step(e: Algebra[V], power: V, base: V, bit: V) -> V:
    """One bit of the exponent, from the highest down: square, and multiply if it is set.

    Args:
        e: The algebra.
        power: ``base`` to the bits before; 1 at first.
        base: What is raised.
        bit: A `BOOL`.
    """
    square = mul(e, power, power)
    return e.select(bit, mul(e, square, base), square)


def exp(e: Algebra[V], base: V, exponent: V) -> V:
    """The power modulo 2**256; 0 to the power 0 is 1."""
    power = _word(e, 1)
    for position in reversed(range(_BITS)):
        bit = e.bit_and(e.shift_right(exponent, _word(e, position)), _word(e, 1))
        power = exp_step(e, power, base, e.equal(bit, _word(e, 1)))
    return power


def signextend(e: Algebra[V], k: V, x: V) -> V:
    """``x`` with everything above its byte ``k`` set to that byte's highest bit."""
    is_short = e.less(k, _word(e, _BYTES - 1))
    top = sub(e, _word(e, _BITS - 8), mul(e, k, _word(e, 8)))
    count = e.select(is_short, top, _word(e, 0))
    raised = e.wrap(e.shift_left(x, count), U256)
    return e.wrap(e.shift_right(e.wrap(raised, I256), count), U256)


def lt(e: Algebra[V], a: V, b: V) -> V:
    """Whether a < b."""
    return e.less(a, b)


def gt(e: Algebra[V], a: V, b: V) -> V:
    """Whether a > b."""
    return e.less(b, a)


def slt(e: Algebra[V], a: V, b: V) -> V:
    """Whether a < b as signed words."""
    return e.less(e.wrap(a, I256), e.wrap(b, I256))


def sgt(e: Algebra[V], a: V, b: V) -> V:
    """Whether a > b as signed words."""
    return slt(e, b, a)


def eq(e: Algebra[V], a: V, b: V) -> V:
    """Whether two words are the same."""
    return e.equal(a, b)


def iszero(e: Algebra[V], a: V) -> V:
    """Whether a word is zero."""
    return e.equal(a, _word(e, 0))


def bit_and(e: Algebra[V], a: V, b: V) -> V:
    """Bitwise and."""
    return e.bit_and(a, b)


def bit_or(e: Algebra[V], a: V, b: V) -> V:
    """Bitwise or."""
    return e.bit_or(a, b)


def bit_xor(e: Algebra[V], a: V, b: V) -> V:
    """Bitwise exclusive or."""
    return e.bit_xor(a, b)


def bit_not(e: Algebra[V], a: V) -> V:
    """Every bit turned."""
    return meaning.bit_not(e, U256, a)


def byte(e: Algebra[V], i: V, x: V) -> V:
    """Byte ``i`` of ``x`` from the greatest on; 0 past the last."""
    is_inside = e.less(i, _word(e, _BYTES))
    above = sub(e, _word(e, _BITS - 8), mul(e, i, _word(e, 8)))
    count = e.select(is_inside, above, _word(e, 0))
    found = e.bit_and(e.shift_right(x, count), _word(e, 0xFF))
    return e.select(is_inside, found, _word(e, 0))


def shl(e: Algebra[V], count: V, x: V) -> V:
    """Bits moved up; 0 from 256 on."""
    is_inside, safe = _count(e, count, instead=0)
    return e.select(is_inside, e.wrap(e.shift_left(x, safe), U256), _word(e, 0))


def shr(e: Algebra[V], count: V, x: V) -> V:
    """Bits moved down; 0 from 256 on."""
    is_inside, safe = _count(e, count, instead=0)
    return e.select(is_inside, e.shift_right(x, safe), _word(e, 0))


def sar(e: Algebra[V], count: V, x: V) -> V:
    """Bits moved down, the sign coming in; all sign from 256 on."""
    _, safe = _count(e, count, instead=_BITS - 1)
    return e.wrap(e.shift_right(e.wrap(x, I256), safe), U256)


def clz(e: Algebra[V], x: V) -> V:
    """Zero bits above the highest one; 256 of zero."""
    count, rest = _word(e, 0), x
    for step in (128, 64, 32, 16, 8, 4, 2, 1):
        # Nothing in the highest `step` bits: count them and look at what is below.
        is_clear = e.less(rest, _word(e, 1 << (_BITS - step)))
        below = e.wrap(e.shift_left(rest, _word(e, step)), U256)
        rest = e.select(is_clear, below, rest)
        count = e.select(is_clear, add(e, count, _word(e, step)), count)
    return add(e, count, e.select(iszero(e, x), _word(e, 1), _word(e, 0)))


def _word(e: Algebra[V], value: int) -> V:
    return e.const(value, U256)


def _divisor(e: Algebra[V], b: V) -> tuple[V, V]:
    """Whether a divisor is zero, and one that is not."""
    is_zero = iszero(e, b)
    return is_zero, e.select(is_zero, _word(e, 1), b)


def _count(e: Algebra[V], count: V, instead: int) -> tuple[V, V]:
    """Whether a shift's count is below the width, and one that is."""
    is_inside = e.less(count, _word(e, _BITS))
    return is_inside, e.select(is_inside, count, _word(e, instead))


def _is_negative(e: Algebra[V], a: V) -> V:
    return e.less(e.wrap(a, I256), e.const(0, I256))


def _negated(e: Algebra[V], a: V) -> V:
    return sub(e, _word(e, 0), a)


def _magnitude(e: Algebra[V], a: V) -> V:
    return e.select(_is_negative(e, a), _negated(e, a), a)


_BY_NAME: Final[Mapping[str, Meaning]] = {
    "ADD": add,
    "MUL": mul,
    "SUB": sub,
    "DIV": div,
    "SDIV": sdiv,
    "MOD": mod,
    "SMOD": smod,
    "ADDMOD": addmod,
    "MULMOD": mulmod,
    "EXP": exp,
    "SIGNEXTEND": signextend,
    "LT": lt,
    "GT": gt,
    "SLT": slt,
    "SGT": sgt,
    "EQ": eq,
    "ISZERO": iszero,
    "AND": bit_and,
    "OR": bit_or,
    "XOR": bit_xor,
    "NOT": bit_not,
    "BYTE": byte,
    "SHL": shl,
    "SHR": shr,
    "SAR": sar,
    "CLZ": clz,
}

PURE: Final[Mapping[int, Meaning]] = MappingProxyType(
    {BY_NAME[name].byte: function for name, function in _BY_NAME.items()}
)
"""The meaning of each opcode that only computes a word from words, by byte."""

PREDICATES: Final = frozenset(
    BY_NAME[name].byte for name in ("LT", "GT", "SLT", "SGT", "EQ", "ISZERO")
)
"""The bytes in `PURE` whose meaning gives a truth, a `BOOL`."""

assert BOOL.high == 1, "a truth is pushed as the word of its value"
