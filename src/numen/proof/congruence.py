"""Sums and products modulo a constant: worked out late, by one equation of integers.

A `Residue` is what a word is congruent to: a sum of words, and of limbs of products. Sums of
residues modulo the same constant cost nothing. One division makes a word of it, when somebody asks
for more than its class: the quotient q and the rest r are found by hints, and

    sum - m * q - r = 0        0 <= r <= m - 1

holds as an equation of integers. Its terms stand at places, powers of two; consecutive places are
put together as far as a sum of them stays below 2**250 in size, so that the field tells its
integers apart, and a carry, whose range its bits prove, goes on to the next. So ``m * q + r`` is
the sum, q and r are the only such integers, and there is one witness.

Limbs are of 52 bits where the bits of both factors are known, for two carries instead of three.
"""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from numen.base.errors import Place
from numen.proof import bounds, gadgets, limbs, places, witness
from numen.proof.number import Bit, Number, Value, Wide, high_of, low_of
from numen.proof.places import Terms
from numen.proof.wires import Wires

Linear: TypeAlias = tuple[tuple[int, Wide], ...]
"""Words, and how often each is counted."""

_BOTH, _NONE = (52, 52), (64, 64)
_ONE = (64, 32)
"""Bits of the limbs of two factors: where both, none, or only the second has its bits known."""

_WORDS_MAX = 6
"""Words in a sum before it is worked out."""

_TIMES_MAX = 64
"""How often a word may be counted in such a sum."""

_PRODUCTS_MAX = 16
"""Products in it, those of words that are not worked out among them."""


class Residue(msgspec.Struct, frozen=True, eq=False):
    """A class of integers modulo a constant, as a sum.

    Attributes:
        linear: Words; one that is not worked out when the sum is may be read as the sum it is.
        constant: A constant.
        products: Limbs of products.
        low: The products together are not below this.
        high: The products together are not above this.
        sizes: Bits of the limbs that the products were made of.
    """

    linear: Linear
    constant: int
    products: Terms
    low: int
    high: int
    sizes: tuple[int, int] = _BOTH


class Late(msgspec.Struct, frozen=True, eq=False):
    """A residue as a word that is not worked out.

    Attributes:
        w: The circuit.
        residue: The sum.
        modulus: The constant.
        place: The instruction that wants it.
    """

    w: Wires
    residue: Residue
    modulus: int
    place: Place | None

    def settle(self) -> tuple[Value, ...]:
        """The limbs of the word."""
        before, self.w.place = self.w.place, self.place
        bits = _remainder(self.w, self.residue, self.modulus)
        self.w.place = before
        return word_limbs(bits)


def word_limbs(bits: Sequence[Bit]) -> tuple[Value, ...]:
    """The four limbs of a word of as many bits or fewer."""
    return tuple(limbs.limbs_from_bits([*bits, *([0] * (256 - len(bits)))], is_signed=False))


def word(w: Wires, residue: Residue, modulus: int) -> Wide:
    """A residue as a word."""
    late = Late(w, residue, modulus, w.place)
    return Wide(is_word=True, late=late, most=modulus - 1)


def read(of: int | Number | Wide, modulus: int) -> Residue:
    """What an unsigned word is congruent to: the word, or the sum that it is of reduced words."""
    if isinstance(of, int):
        return Residue((), of, {}, 0, 0)
    if isinstance(of, Number):
        of = Wide((of,))
    inner = _unsettled(of, modulus)
    if inner is not None and not inner.products and _are_reduced(inner, modulus):
        return inner
    return Residue(((1, of),), 0, {}, 0, 0)


def _are_reduced(of: Residue, modulus: int) -> bool:
    """Whether the words of a sum are worked out and below the modulus."""
    return all(
        each.late is None and each.most is not None and each.most < modulus for _, each in of.linear
    )


def settled(of: int | Number | Wide, modulus: int) -> Residue:
    """The same for who needs the words worked out: the sum of those that are wanted elsewhere too.

    A product that is a part of a sum is hardly wanted alone, so then the whole is worked out.
    """
    found = read(of, modulus)
    inner = _unsettled(of, modulus) if isinstance(of, Wide) else None
    if inner is not None and not inner.products:
        parts = (_unsettled(each, modulus) for _, each in inner.linear)
        if not any(part is not None and part.products for part in parts):
            found = inner
    for _, each in found.linear:
        assert each.parts
    return found


def size_of(of: Residue, modulus: int) -> int:
    """The greatest size of a sum."""
    whole = _expanded(of, modulus)
    return max(abs(whole.low), abs(whole.high))


def add(a: Residue, b: Residue, factor: int, modulus: int) -> Residue | None:
    """``a + factor * b`` for a factor of one or minus one; None where it grows too long."""
    linear: list[tuple[int, Wide]] = list(a.linear)
    for times, of in b.linear:
        for index, (before, other) in enumerate(linear):
            if other is of:
                linear[index] = (before + factor * times, of)
                break
        else:
            linear.append((factor * times, of))
    linear = [(times, of) for times, of in linear if times]
    if len(linear) > _WORDS_MAX or any(abs(times) > _TIMES_MAX for times, _ in linear):
        return None
    products = dict(a.products)
    for place, term in b.products.items():
        places.put(products, place, term, factor)
    low, high = (b.low, b.high) if factor == 1 else (-b.high, -b.low)
    sizes = a.sizes if a.products else b.sizes
    constant = a.constant + factor * b.constant
    total = Residue(tuple(linear), constant, products, a.low + low, a.high + high, sizes)
    return total if _weight(total, modulus) <= _PRODUCTS_MAX else None


def _unsettled(of: Wide, modulus: int) -> Residue | None:
    """The sum that a word is, until it is worked out."""
    late = of.late
    return late.residue if isinstance(late, Late) and late.modulus == modulus else None


def _weight(of: Residue, modulus: int) -> int:
    """How many products a sum has."""
    total = int(bool(of.products))
    for times, each in of.linear:
        inner = _unsettled(each, modulus)
        if inner is not None:
            total += abs(times) * _weight(inner, modulus)
    return total


def _expanded(of: Residue, modulus: int) -> Residue:
    """A sum with what its words are that are not worked out; its ends are those of the whole."""
    linear: list[tuple[int, Wide]] = []
    products, constant = dict(of.products), of.constant
    low, high, sizes = of.low + constant, of.high + constant, of.sizes
    has_products = bool(products)
    for times, each in of.linear:
        inner = _unsettled(each, modulus)
        if inner is None:
            linear.append((times, each))
            ends = (0, times * _most(each))
        else:
            whole = _expanded(inner, modulus)
            linear += [(times * count, deeper) for count, deeper in whole.linear]
            constant += times * whole.constant
            for place, term in whole.products.items():
                places.put(products, place, places.scaled(term, times), 1)
            if whole.products and not has_products:
                sizes, has_products = whole.sizes, True
            ends = (times * whole.low, times * whole.high)
        low, high = low + min(ends), high + max(ends)
    return Residue(tuple(linear), constant, products, low, high, sizes)


def _most(of: Wide) -> int:
    assert all(low_of(part) >= 0 for part in of.parts)
    high = sum(high_of(part) << 64 * index for index, part in enumerate(of.parts))
    return high if of.most is None else min(high, of.most)


def multiply(w: Wires, a: Residue, b: Residue, modulus: int) -> Residue:
    """The product of two sums without products, whose words are worked out."""
    assert not a.products
    assert not b.products
    ends = [(each.low, each.high) for each in (_expanded(a, modulus), _expanded(b, modulus))]
    corners = [x * y for x in ends[0] for y in ends[1]]
    if not _has_bits(b) and _has_bits(a):
        a, b = b, a
    sizes = (_BOTH if _has_bits(a) else _ONE) if _has_bits(b) else _NONE
    is_square = a.linear == b.linear and a.constant == b.constant
    xs = _limbs(a, sizes[0])
    ys = xs if is_square else _limbs(b, sizes[1])
    terms: Terms = {}
    for i, x in xs.items():
        for j, y in ys.items():
            if not is_square or j >= i:
                times = 2 if is_square and i != j else 1
                places.put(terms, i + j, places.scaled(places.times(w, x, y), times), 1)
    return Residue((), 0, terms, min(corners), max(corners), sizes)


def divide(w: Wires, a: Residue, b: Residue, modulus: int) -> Wide:
    """The word r below the modulus with ``b * r = a``; something else has proven that b is a unit.

    Formula: ``b * r - a - m * k = 0``.
    """
    width = modulus.bit_length()
    over, under = _expanded(a, modulus), _expanded(b, modulus)
    operands = (places.hinted(_all_terms(over)), places.hinted(_all_terms(under)), modulus)
    bits = gadgets.fresh_bits(w, "quotient", 0, width, witness.divide_modulo, operands)
    bounds.demand_at_most(w, bits, modulus - 1)
    rest = Wide(word_limbs(bits), is_word=True, most=modulus - 1)
    whole = multiply(w, b, Residue(((1, rest),), 0, {}, 0, 0), modulus)
    total = msgspec.structs.replace(whole, linear=((-1, word(w, a, modulus)),))
    _demand_multiple(w, _expanded(total, modulus), modulus, [])
    return rest


def _remainder(w: Wires, residue: Residue, modulus: int) -> Sequence[Bit]:
    """The bits of the remainder."""
    of = _expanded(residue, modulus)
    if of.low >= 0 and of.high < modulus and not of.products and len(of.linear) == 1:
        ((times, of_word),) = of.linear
        if times == 1 and of.constant == 0 and _are_bits(of_word):
            return _bits(of_word)
    width = modulus.bit_length()
    operands = (places.hinted(_all_terms(of)), places.hinted(places.constant_limbs(modulus, 64)))
    bits = gadgets.fresh_bits(w, "remainder", 0, width, witness.remainder, operands)
    bounds.demand_at_most(w, bits, modulus - 1)
    _demand_multiple(w, of, modulus, bits)
    return bits


def _demand_multiple(w: Wires, of: Residue, modulus: int, rest: Sequence[Bit]) -> None:
    """Demand that an expanded sum is a multiple of the modulus, and so many bits."""
    terms = _all_terms(of)
    low, high = of.low // modulus, of.high // modulus
    ours, theirs = of.sizes
    operands = (places.hinted(terms), places.hinted(places.constant_limbs(modulus, 64)))
    found = gadgets.fresh_bits(
        w, "quotient", low, (high - low).bit_length(), witness.quotient, operands
    )
    for i, digit in places.grouped(found, ours).items():
        for j, m in places.constant_limbs(modulus, theirs).items():
            places.put(terms, i + j, places.times(w, digit, m), -1)
    for place, limb in places.grouped(rest, ours).items():
        places.put(terms, place, limb, -1)
    for place, limb in places.constant_limbs(low * modulus, theirs).items():
        places.put(terms, place, limb, -1)
    places.demand_zero(w, terms)


def _all_terms(of: Residue) -> Terms:
    """The words of a sum at the places of its products, beside these."""
    terms = dict(of.products)
    size = 52 if of.sizes == _BOTH and all(_are_bits(word) for _, word in of.linear) else 64
    for place, limb in _limbs(of, size).items():
        places.put(terms, place, limb, 1)
    return terms


def _limbs(of: Residue, size: int) -> Terms:
    """A sum of words in limbs of so many bits; of 64 where some of its bits are not known."""
    terms = places.constant_limbs(of.constant, size)
    for times, each in of.linear:
        if size == 64:
            parts = {64 * index: part for index, part in enumerate(each.parts)}
        else:
            parts = places.grouped(_bits(each), size)
        for place, part in parts.items():
            places.put(terms, place, places.scaled(part, times), 1)
    return terms


def _has_bits(of: Residue) -> bool:
    return all(_are_bits(each) for _, each in of.linear)


def _are_bits(of: Wide) -> bool:
    """Whether the bits of an unsigned word are known."""
    return all(
        isinstance(part, int) or (part.late is None and part.low >= 0 and part.bits is not None)
        for part in of.parts
    )


def _bits(of: Wide) -> list[Bit]:
    found: list[Bit] = []
    for part in of.parts:
        if isinstance(part, int):
            found += [part >> index & 1 for index in range(64)]
        else:
            bits = part.bits
            assert bits is not None
            found += [*bits, *([0] * (64 - len(bits)))]
    return found
