"""Words modulo a constant as the algebra meets them: which of them stay sums, and for how long.

What an instruction gives is a word that is worked out late, see `congruence`. As an operand of
another one with the same modulus it is read as the sum that it is, as long as that stays short.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from numen.proof import congruence, gadgets
from numen.proof.congruence import Residue
from numen.proof.number import Number, Value, Wide
from numen.proof.wires import Wires

Any256: TypeAlias = Value | Wide
"""A word of any width, or an exact result."""

Op: TypeAlias = Literal["add", "sub", "mul"]

_FACTOR_MAX = 8
"""A factor's sum is at most so many times the modulus in size."""


class Exact(msgspec.Struct, frozen=True, eq=False):
    """An exact result that is worked out if nothing better comes of it.

    Attributes:
        op: What of.
        a: First operand.
        b: Second operand.
        limbs: Works it out.
    """

    op: Op
    a: Any256
    b: Any256
    limbs: Callable[[Op, Any256, Any256], tuple[Value, ...]]

    def settle(self) -> tuple[Value, ...]:
        """Its limbs."""
        return self.limbs(self.op, self.a, self.b)


def is_modulus(m: int) -> bool:
    """Whether a constant is a modulus that is served here: powers of two cost less elsewhere."""
    return m > 1 and m & (m - 1) != 0


def remainder(w: Wires, a: Any256, modulus: int) -> Wide:
    """A word, or an exact result of unsigned words, modulo a constant; worked out late."""
    return congruence.word(w, _residue(w, a, modulus), modulus)


def quotient(w: Wires, a: Any256, b: Any256, modulus: int, more: Value = 0) -> Wide:
    """``a`` times the inverse of ``b + more``, which something else has proven to have one."""
    under = _factor(b, modulus)
    if isinstance(more, Number):
        gadgets.bits_of(w, more)
    under = _sum(under, congruence.read(more, modulus), 1, modulus)
    return congruence.divide(w, congruence.read(a, modulus), under, modulus)


def compared(w: Wires, b: Any256, modulus: int) -> tuple[Any256, Any256]:
    """Two words that are equal exactly where a word is zero modulo a constant.

    A difference of two words below the modulus is zero modulo it just where they are equal.
    """
    residue = congruence.settled(b, modulus)
    if residue.constant == 0:
        words = [word for _, word in residue.linear]
        if all(word.most is not None and word.most < modulus for word in words):
            match residue.linear:
                case ((1 | -1, x),):
                    return x, 0
                case ((1, x), (-1, y)) | ((-1, x), (1, y)):
                    return x, y
    if isinstance(b, Wide) and isinstance(b.late, congruence.Late) and b.most == modulus - 1:
        reduced = b
    else:
        reduced = remainder(w, b, modulus)
    assert reduced.parts
    return reduced, 0


def _residue(w: Wires, a: Any256, modulus: int) -> Residue:
    """What a word or an exact result is congruent to."""
    exact = a.late if isinstance(a, Wide) else None
    if not isinstance(exact, Exact):
        return congruence.read(a, modulus)
    if exact.op == "mul":
        factors = _factor(exact.a, modulus), _factor(exact.b, modulus)
        return congruence.multiply(w, *factors, modulus)
    factor = 1 if exact.op == "add" else -1
    x, y = congruence.read(exact.a, modulus), congruence.read(exact.b, modulus)
    total = congruence.add(x, y, factor, modulus)
    if total is not None:
        return total
    of = _worked_out(exact.a, modulus), _worked_out(exact.b, modulus)
    return _sum(*of, factor, modulus)


def _sum(x: Residue, y: Residue, factor: int, modulus: int) -> Residue:
    total = congruence.add(x, y, factor, modulus)
    assert total is not None, "few words are a short sum"
    return total


def _factor(a: Any256, modulus: int) -> Residue:
    """A sum that may be multiplied: short, and of words that are worked out."""
    residue = congruence.settled(a, modulus)
    is_small = congruence.size_of(residue, modulus) <= _FACTOR_MAX << 256
    return residue if is_small else _worked_out(a, modulus)


def _worked_out(a: Any256, modulus: int) -> Residue:
    if isinstance(a, Wide):
        assert a.parts
    return congruence.read(a, modulus)
