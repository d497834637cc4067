"""Sums of Montgomery products as one block of assembly, for processors with ``mulx`` and ADX.

The whole product comes first, eight limbs that wait for nothing; only the reduction of its lower
half, where each limb waits for the one before, is a long chain, and the next product can begin
within it. A row, four limbs by one, adds low halves and high halves in one chain each, which the
two carry flags of ADX keep apart. Numbers are read from memory where they are multiplied: there are
registers for no more than the product.

Source of the sums: Longa, "Efficient Algorithms for Large Prime Characteristic Fields and Their
Application to Bilinear Pairings", CHES 2023; of the order: Koç, Acar, Kaliski, "Analyzing and
Comparing Montgomery Multiplication Algorithms", IEEE Micro 16 (1996), method SOS.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from numen.kernels.llvm import Function, Value

Word: TypeAlias = tuple[Value, int]
"""Where a word is: an address, and so many bytes behind it."""

_LIMBS = 4
_TOTAL = [f"${i}" for i in range(2 * _LIMBS)]
_LOW, _HIGH, _LOW_HALF = "$8", "$9", "${8:k}"
_OUTPUTS = 11
"""$0-$7 the product, $8 and $9 halves of a limb's, $10 rdx; then come the addresses."""


def sum_of_products(f: Function, modulus: Value, pairs: Sequence[tuple[Word, Word]]) -> list[Value]:
    """Emit the limbs of ``sum(x * y) / 2**256 mod p``, up to one subtraction of p.

    Args:
        f: Where to.
        modulus: Address of the limbs of p, below 2**254, and of the reciprocal of -p modulo 2**64.
        pairs: One pair, x below p and y any word, or two, all below p.
    """
    bases = list(dict.fromkeys([modulus, *(base for pair in pairs for base, _ in pair)]))

    def limbs(word: Word, count: int = _LIMBS) -> list[str]:
        base, offset = word
        return [f"{offset + 8 * i}(${_OUTPUTS + bases.index(base)})" for i in range(count)]

    lines: list[str] = []
    for index in range(_LIMBS):
        total = _TOTAL[index : index + _LIMBS + 1]
        for which, (x, y) in enumerate(pairs):
            lines.append(f"movq {limbs(y)[index]}, %rdx")
            if which or index:
                lines += _row(total, limbs(x), is_top_empty=not which)
            else:
                lines += _first_row(total, limbs(x))
    lines += _reduction(limbs((modulus, 0), _LIMBS + 1))
    constraints = ["=&r"] * (_OUTPUTS - 1) + ["=&{dx}"] + ["r"] * len(bases)
    result = "{" + ", ".join(["i64"] * _OUTPUTS) + "}"
    clobbers = ["~{memory}", "~{flags}"]
    text, operands = "\n".join(lines), ",".join([*constraints, *clobbers])
    out = f.asm(result, text, operands, *bases, effects=True)
    return [f.extract(out, _LIMBS + i, "i64") for i in range(_LIMBS)]


def _first_row(total: Sequence[str], x: Sequence[str]) -> Iterator[str]:
    yield f"mulxq {x[0]}, {total[0]}, {total[1]}"
    for i in range(1, _LIMBS):
        yield f"mulxq {x[i]}, {_LOW}, {total[i + 1]}"
        yield f"{'adcq' if i > 1 else 'addq'} {_LOW}, {total[i]}"
    yield f"adcq $$0, {total[_LIMBS]}"


def _row(total: Sequence[str], x: Sequence[str], *, is_top_empty: bool) -> Iterator[str]:
    """Add x times rdx to five limbs, of which the highest may have no value yet."""
    yield f"xorl {_LOW_HALF}, {_LOW_HALF}"
    for i in range(_LIMBS):
        is_fresh = is_top_empty and i == _LIMBS - 1
        high = total[_LIMBS] if is_fresh else _HIGH
        yield f"mulxq {x[i]}, {_LOW}, {high}"
        yield f"adcxq {_LOW}, {total[i]}"
        if not is_fresh:
            yield f"adoxq {_HIGH}, {total[i + 1]}"
    yield f"movl $$0, {_LOW_HALF}"
    yield f"adcxq {_LOW}, {total[_LIMBS]}"
    if is_top_empty:
        yield f"adoxq {_LOW}, {total[_LIMBS]}"


def _reduction(modulus: Sequence[str]) -> Iterator[str]:
    """Make the lower half zero by multiples of p, and add what they carry to the upper half."""
    *prime, factor = modulus
    for index in range(_LIMBS):
        # A limb that became zero takes the highest of its round.
        total = [_TOTAL[(index + i) % _LIMBS] for i in range(_LIMBS + 1)]
        yield f"movq {factor}, %rdx"
        yield f"imulq {total[0]}, %rdx"
        yield from _row(total, prime, is_top_empty=True)
    for i in range(_LIMBS):
        yield f"{'adcq' if i else 'addq'} {_TOTAL[i]}, {_TOTAL[_LIMBS + i]}"
