"""Bit operations that cost less together than one by one.

A program writes a choice or a majority with the operators it has. Where the last of them completes
the pattern, the whole is made at once; the bits in between lose their readers and are left out.
"""

from numen.proof import gadgets, lc
from numen.proof.gadgets import bit_and
from numen.proof.lc import LC, ONE
from numen.proof.number import Bit
from numen.proof.wires import Wires

__all__ = ["bit_and", "bit_or", "bit_xor"]


def bit_or(w: Wires, a: Bit, b: Bit) -> Bit:
    """Whether one holds."""
    if isinstance(a, int) or isinstance(b, int) or "and" not in (_name(w, a), _name(w, b)):
        return gadgets.bit_or(w, a, b)
    for x, y in ((a, b), (b, a)):
        found = _selection(w, x, y) or _majority_of_or(w, x, y)
        if found is not None:
            return found
    return gadgets.bit_or(w, a, b)


def bit_xor(w: Wires, a: Bit, b: Bit) -> Bit:
    """Whether just one holds."""
    if isinstance(a, int) or isinstance(b, int) or "and" not in (_name(w, a), _name(w, b)):
        return gadgets.bit_xor(w, a, b)
    for x, y in ((a, b), (b, a)):
        found = _selection(w, x, y) or _flip(w, x, y) or _majority_of_xor(w, x, y)
        if found is not None:
            return found
    return gadgets.bit_xor(w, a, b)


def _made(w: Wires, bit: LC) -> tuple[str, LC, LC] | None:
    """The operation that made a bit, and its operands."""
    if len(bit) != 1:
        return None
    ((wire, k),) = bit.items()
    return w.made.get(wire) if k == 1 else None


def _name(w: Wires, bit: LC) -> str:
    made = _made(w, bit)
    return made[0] if made else ""


def _parts(w: Wires, bit: LC, name: str) -> tuple[tuple[LC, LC], ...]:
    """The operands of a bit that such an operation made, in both orders."""
    made = _made(w, bit)
    if made is None or made[0] != name:
        return ()
    return (made[1], made[2]), (made[2], made[1])


def _selection(w: Wires, x: LC, y: LC) -> Bit | None:
    """``(e & f) op (~e & g)`` is a choice by ``e``."""
    for e, f in _parts(w, x, "and"):
        for not_e, g in _parts(w, y, "and"):
            if lc.add(e, not_e) == ONE:
                return gadgets.bit_choose(w, e, f, g)
    return None


def _flip(w: Wires, x: LC, y: LC) -> Bit | None:
    """``g ^ (e & (f ^ g))`` is a choice by ``e``."""
    for e, t in _parts(w, y, "and"):
        for f, g in _parts(w, t, "xor"):
            if g == x:
                return gadgets.bit_choose(w, e, f, g)
    return None


def _majority_of_or(w: Wires, x: LC, y: LC) -> Bit | None:
    """``(a & b) | (c & (a | b))``, or with ``a ^ b``, is the majority of three."""
    for a, b in _parts(w, x, "and"):
        for c, t in _parts(w, y, "and"):
            for name in ("or", "xor"):
                if (a, b) in _parts(w, t, name):
                    return _majority(w, a, b, c, both=x)
        break
    return None


def _majority_of_xor(w: Wires, x: LC, y: LC) -> Bit | None:
    """``(a & b) ^ (a & c) ^ (b & c)`` is the majority of three."""
    for p, q in _parts(w, x, "xor"):
        for b, c in _parts(w, y, "and"):
            for a, d in _parts(w, p, "and"):
                if d == b and (a, c) in _parts(w, q, "and"):
                    return _majority(w, b, c, a, both=y)
    return None


def _majority(w: Wires, a: LC, b: LC, c: LC, *, both: LC) -> LC:
    """Both, or else one of them and the third: at most one of these two is one.

    Formula: ``both + c * (a + b - 2 * both)`` with ``both = a * b``.
    """
    single = lc.sub(lc.add(a, b), lc.scale(both, 2))
    return lc.add(both, gadgets.multiply(w, c, single, "majority"))
