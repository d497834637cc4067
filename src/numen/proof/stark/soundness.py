"""How many bits a proof is worth: minus the logarithm of the chance to prove something false.

A cheating prover may try again at any challenge, so each challenge has bits of its own, raised by
the work before it, and the least is what counts (round-by-round soundness). With F the size of
the extension, n the length of a codeword, rho the rate, theta the distance up to which words are
decoded, L the number of codewords that near a word:

    logup       L 3 M / F                        M messages; see `logup`, eprint 2022/1530
    constraints L (C - 1) / F                    C constraints; Haboeck, eprint 2022/1216, theorem 8
    outside     L (3 (k + 1) + k - 1) / (F - P)  k coefficients; the same theorem
    batch       sum of (columns - 1) e(n)        over heights
    folding     (values folded into one - 1) e(n)
    queries     (1 - theta)**queries

    unique decoding   theta = (1 - rho) / 2           L = 1
                      e(n) = (theta n + 1) / F
    Johnson           theta = 1 - sqrt(rho) - eta     L = 1 / (2 eta sqrt(rho))
                      e(n) = ((2 (m + 1/2)**5 + 3 (m + 1/2) theta rho) n / (3 rho**1.5)
                              + (m + 1/2) / sqrt(rho)) / F,  m = max(ceil(sqrt(rho) / 2 eta), 3)
    conjectured       theta = 1 - rho - 1 / log2 F    L = 1
                      e(n) = n / F

Both proven regimes: Ben-Sasson, Carmon, Haboeck, Kopparty, Saraf, eprint 2025/2055, corollary 1.4
and theorem 4.2, which improve eprint 2020/654; as computed by ethereum/soundcalc. The conjectured
one is that of ethSTARK, eprint 2021/582, section 5.9, moved away from the capacity of the code,
where it is known to be false, by the entropy that list decoding costs at most. It stays a
conjecture.

Everything is rational arithmetic, rounded against the claim.
"""

from collections.abc import Iterator
from enum import StrEnum
from fractions import Fraction
from math import isqrt
from typing import Final

import msgspec

from numen.proof.stark import logup
from numen.proof.stark.air import LOGUP, PREPROCESSED, QUOTIENT
from numen.proof.stark.field import P
from numen.proof.stark.layout import Layout
from numen.proof.stark.statement import MESSAGES_MAX

HASH_BITS: Final = 128
"""Of collisions of SHA-256: no proof is worth more."""

_ROOT_BITS: Final = 64
_CAP: Final = 512
_MULTIPLICITIES: Final = (3, 6, 12, 25, 50, 100)


class Regime(StrEnum):
    """What is assumed about words that are far from codewords."""

    UNIQUE = "unique decoding"
    JOHNSON = "Johnson"
    CONJECTURED = "conjectured"


class Fold(msgspec.Struct, frozen=True):
    """A challenge that joins functions into one.

    Attributes:
        length: Of the codeword that they become.
        functions: How many.
    """

    length: int
    functions: int


class Parameters(msgspec.Struct, frozen=True):
    """Everything that soundness depends on.

    Attributes:
        field: Elements of the extension.
        subfield: Elements from which the outside point is not drawn.
        rate: Of the code.
        rows: Coefficients of the largest polynomial.
        constraints: Of the chip that has the most.
        messages: Of LogUp, over all rows; 0 where there are none.
        batches: What is joined before folding, one for each height.
        folds: Of the rounds.
        queries: Places that are opened.
        query_grinding: Bits of work.
        challenge_grinding: Bits of work before each other challenge.
    """

    field: int
    subfield: int
    rate: Fraction
    rows: int
    constraints: int
    messages: int
    batches: tuple[Fold, ...]
    folds: tuple[Fold, ...]
    queries: int
    query_grinding: int
    challenge_grinding: int


class Bits(msgspec.Struct, frozen=True):
    """What a proof is worth.

    Attributes:
        proven: By theorems alone, but for the hash, which is modelled as a random oracle.
        conjectured: If the conjecture holds.
    """

    proven: int
    conjectured: int


def bits(layout: Layout) -> Bits:
    """The bits of the proofs of one layout; neither number is above `HASH_BITS`."""
    parameters = parameters_of(layout)
    proven = max(least(parameters, Regime.UNIQUE), least(parameters, Regime.JOHNSON))
    return Bits(proven, max(proven, least(parameters, Regime.CONJECTURED)))


def least(parameters: Parameters, regime: Regime) -> int:
    """The bits of the weakest challenge, capped by the hash."""
    return min(HASH_BITS, *rounds(parameters, regime).values())


def rounds(parameters: Parameters, regime: Regime, gap: Fraction | None = None) -> dict[str, int]:
    """The bits of each challenge by its name.

    Args:
        parameters: Of the proof.
        regime: What is assumed.
        gap: eta of the Johnson regime, rounded to what favours nobody; the best is sought where
            it is left out.
    """
    if regime is not Regime.JOHNSON or gap is not None:
        return _rounds(parameters, _decoding(parameters, regime, gap))
    root = _root(parameters.rate)
    gaps = [root / (2 * m) for m in _MULTIPLICITIES]
    tried = [rounds(parameters, regime, eta) for eta in gaps if root + eta < 1]
    return max(tried, key=lambda found: min(found.values()))


class _Decoding(msgspec.Struct, frozen=True):
    """A regime with its numbers.

    Attributes:
        missed: ``1 - theta``: the chance that a query does not see a far word.
        decoded: L.
        slope: e(n) is at most ``(slope n + offset) / F``.
        offset: See above.
    """

    missed: Fraction
    decoded: Fraction
    slope: Fraction
    offset: Fraction


def _decoding(parameters: Parameters, regime: Regime, gap: Fraction | None) -> _Decoding:
    rate, one = parameters.rate, Fraction(1)
    match regime:
        case Regime.UNIQUE:
            theta = (1 - rate) / 2
            return _Decoding(1 - theta, one, theta, one)
        case Regime.CONJECTURED:
            missed = rate + Fraction(1, parameters.field.bit_length() - 1)
            return _Decoding(missed, one, one, Fraction(0))
        case Regime.JOHNSON:
            assert gap is not None
            root, low = _root(rate), _root(rate) - Fraction(2, 1 << _ROOT_BITS)
            m = max(-(-root // (2 * gap)), 3) + Fraction(1, 2)
            slope = (2 * m**5 + 3 * m * (1 - low - gap) * rate) / (3 * rate * low)
            return _Decoding(root + gap, 1 / (2 * gap * low), slope, m / low)


def _rounds(parameters: Parameters, decoding: _Decoding) -> dict[str, int]:
    size, k = parameters.field, parameters.rows
    found: dict[str, Fraction] = {}
    if parameters.messages:
        found["logup"] = decoding.decoded * 3 * parameters.messages / size
    found["constraints"] = decoding.decoded * max(parameters.constraints - 1, 1) / size
    outside = 3 * (k + 1) + k - 1
    found["outside"] = decoding.decoded * outside / (size - parameters.subfield)
    found["batch"] = sum((_joined(decoding, one, size) for one in parameters.batches), Fraction(0))
    for place, fold in enumerate(parameters.folds):
        found[f"folding {place}"] = _joined(decoding, fold, size)
    worked = {name: _bits(error) + parameters.challenge_grinding for name, error in found.items()}
    queries = _bits(decoding.missed**parameters.queries)
    return {**worked, "queries": queries + parameters.query_grinding}


def _joined(decoding: _Decoding, fold: Fold, size: int) -> Fraction:
    """The error of joining functions with powers of a challenge."""
    return (decoding.slope * fold.length + decoding.offset) * (fold.functions - 1) / size


def parameters_of(layout: Layout) -> Parameters:
    """What the soundness of the proofs of a layout depends on."""
    profile, blowup = layout.profile, layout.profile.log_blowup
    constraints = [
        len(chip.constraints) + (logup.width(chip) if chip.interactions else 0)
        for _, chip, _ in layout.present
    ]
    messages = sum(len(chip.interactions) << log for _, chip, log in layout.present)
    # All codes of a proof have the rate at which folding ends.
    rate = Fraction(layout.final_length, 1 << (layout.log_final + blowup))
    return Parameters(
        field=P**profile.degree,
        subfield=P,
        rate=rate,
        rows=-(-(rate.numerator << (layout.heights[0] + blowup)) // rate.denominator),
        constraints=max(constraints),
        messages=messages + MESSAGES_MAX if messages else 0,
        batches=tuple(
            Fold(1 << (height + blowup), sum(m.openings for _, m in layout.batch(height)))
            for height in layout.heights
        ),
        folds=tuple(_folds(layout)),
        queries=profile.queries,
        query_grinding=profile.query_grinding,
        challenge_grinding=profile.challenge_grinding,
    )


def _folds(layout: Layout) -> Iterator[Fold]:
    for layer in layout.layers:
        length = 1 << (layer.log_height - layer.log_arity + layout.profile.log_blowup)
        yield Fold(length, (1 << layer.log_arity) + layer.joins)


def hides(layout: Layout) -> bool:
    """Whether each secret polynomial has as many random coefficients as openings show values.

    These are two for each query, because the quotient there depends on the next row too, and the
    coordinates of two values outside. Twice as many are needed in trees that another proof may
    open again: all but those of this proof alone.
    """
    profile = layout.profile
    shown = 2 * profile.queries + 2 * profile.degree
    shared = {tree.name for tree in layout.trees} - {"main", PREPROCESSED, LOGUP, QUOTIENT}
    return profile.mask >= shown * (2 if shared else 1)


def _root(value: Fraction) -> Fraction:
    """The square root, rounded up by at most ``2**-63``."""
    scaled = value.numerator * (1 << 2 * _ROOT_BITS) // value.denominator
    return Fraction(isqrt(scaled) + 1, 1 << _ROOT_BITS)


def _bits(error: Fraction) -> int:
    """The largest k of which ``error <= 2**-k``; 0 where there is none."""
    if error <= 0:
        return _CAP
    guess = error.denominator.bit_length() - error.numerator.bit_length() + 1
    while guess > 0 and error.numerator << guess > error.denominator:
        guess -= 1
    return max(guess, 0)
