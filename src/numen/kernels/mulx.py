"""Sums of Montgomery products as one block of assembly, for processors with ``mulx``.

An addition with carry is what limits this on current processors. So a row of a product, four limbs
by one, adds its low halves in one chain and its high halves in another; the last high half lands in
the register that the multiplier no longer needs. Numbers are read from memory where they are
multiplied, so that registers are left for two rows.

Source of the sums: Longa, "Efficient Algorithms for Large Prime Characteristic Fields and Their
Application to Bilinear Pairings", CHES 2023, algorithm 2.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from numen.kernels.llvm import Function, Value

Word: TypeAlias = tuple[Value, int]
"""Where a word is: an address, and so many bytes behind it."""

_LIMBS = 4
_LOW, _HIGHS, _TOTALS = "$5", ("$6", "$7", "$8"), ("$0", "$1", "$2", "$3", "$4")
_FIRST_ADDRESS = 10


def sum_of_products(f: Function, modulus: Value, pairs: Sequence[tuple[Word, Word]]) -> list[Value]:
    """Emit the limbs of ``sum(x * y) / 2**256 mod p``, up to one subtraction of p.

    Args:
        f: Where to.
        modulus: Address of the limbs of p, below 2**254, and of the reciprocal of -p modulo 2**64.
        pairs: One pair, x below p and y any word, or two, all below p.
    """
    bases = list(dict.fromkeys([modulus, *(base for pair in pairs for base, _ in pair)]))

    def limb(word: Word, index: int) -> str:
        base, offset = word
        return f"{offset + 8 * index}(${_FIRST_ADDRESS + bases.index(base)})"

    lines: list[str] = []
    for index in range(_LIMBS):
        total = [_TOTALS[_place(index, i)] for i in range(_LIMBS + 1)]
        for which, (x, y) in enumerate(pairs):
            lines.append(f"movq {limb(y, index)}, %rdx")
            row = _next_row if which else _row if index else _first_row
            lines += row(total, [limb(x, i) for i in range(_LIMBS)])
        lines += _reduction(total, [limb((modulus, 0), i) for i in range(_LIMBS + 1)])
    # $0-$4 the running total, $5-$8 halves of products, $9 rdx, then the addresses.
    constraints = ["=&r"] * 9 + ["=&{dx}"] + ["r"] * len(bases) + ["~{memory}", "~{flags}"]
    result = "{" + ", ".join(["i64"] * 10) + "}"
    out = f.asm(result, "\n".join(lines), ",".join(constraints), *bases, effects=True)
    return [f.extract(out, _place(_LIMBS, i), "i64") for i in range(_LIMBS)]


def _place(index: int, limb: int) -> int:
    """Which operand holds a limb of the total in a round: each round shifts one out."""
    return (index + limb) % len(_TOTALS)


def _first_row(total: Sequence[str], factors: Sequence[str]) -> Iterator[str]:
    yield f"mulxq {factors[0]}, {total[0]}, {total[1]}"
    for i in range(1, _LIMBS):
        yield f"mulxq {factors[i]}, {_LOW}, {total[i + 1]}"
        yield f"{'adcq' if i > 1 else 'addq'} {_LOW}, {total[i]}"
    yield f"adcq $$0, {total[4]}"


def _row(total: Sequence[str], factors: Sequence[str]) -> Iterator[str]:
    """A row above which the total is empty."""
    highs = (*_HIGHS, total[4])
    yield from _lows(total, factors, highs)
    yield f"adcq $$0, {total[4]}"
    yield from _chain(_HIGHS, total[1:4])
    yield f"adcq $$0, {total[4]}"


def _next_row(total: Sequence[str], factors: Sequence[str]) -> Iterator[str]:
    highs = (*_HIGHS, "%rdx")
    yield from _lows(total, factors, highs)
    yield f"adcq $$0, {total[4]}"
    yield from _chain(highs, total[1:])


def _reduction(total: Sequence[str], modulus: Sequence[str]) -> Iterator[str]:
    """Add the multiple of p that makes the lowest limb zero, which then takes a high half."""
    *prime, factor = modulus
    highs = (*_HIGHS, total[0])
    yield f"movq {factor}, %rdx"
    yield f"imulq {total[0]}, %rdx"
    yield from _lows(total, prime, highs)
    yield f"adcq $$0, {total[0]}"
    yield from _chain(highs, total[1:])


def _lows(total: Sequence[str], factors: Sequence[str], highs: Sequence[str]) -> Iterator[str]:
    for i in range(_LIMBS):
        yield f"mulxq {factors[i]}, {_LOW}, {highs[i]}"
        yield f"{'adcq' if i else 'addq'} {_LOW}, {total[i]}"


def _chain(addends: Sequence[str], total: Sequence[str]) -> Iterator[str]:
    for i, (addend, place) in enumerate(zip(addends, total, strict=True)):
        yield f"{'adcq' if i else 'addq'} {addend}, {place}"
