"""The prover's reading of a chip: the columns of fractions, and the quotient of the constraints.

In numpy over chunks of rows: readable, and what compiled evaluators are tested against.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from numen.proof.stark import domain, logup
from numen.proof.stark.air import Chip
from numen.proof.stark.evaluate import Algebra, Row, evaluate
from numen.proof.stark.field import (
    GENERATOR,
    Element,
    Extension,
    Felts,
    P,
    add,
    extension,
    felts,
    invert,
    multiply,
    root_of_unity,
    subtract,
)

Rows = NDArray[np.int64]

_CHUNK = 1 << 13

BASE: Algebra[Rows] = Algebra(
    const=lambda value: np.array([value], dtype=np.int64),
    add=lambda a, b: (a + b) % P,
    subtract=lambda a, b: (a - b) % P,
    multiply=lambda a, b: a * b % P,
    negate=lambda a: -a % P,
)
"""One element of the base field for each row."""


def arrays_of(ext: Extension) -> Algebra[Felts]:
    """One element of the extension for each row."""
    return Algebra(
        const=lambda value: _array(ext.lift(value)),
        add=add,
        subtract=subtract,
        multiply=ext.multiply_arrays,
        negate=lambda a: subtract(np.zeros_like(a), a),
    )


def fractions(
    chip: Chip, main: Felts, fixed: Felts, publics: Sequence[int], terms: logup.Terms, degree: int
) -> tuple[Felts, Element]:
    """The columns of LogUp over the rows of a table.

    Returns:
        Shape ``(n, columns * d)``: the fractions of each pair, then the running sum; and the
        total.
    """
    ext, rows = extension(degree), len(main)
    columns = np.zeros((rows, logup.width(chip), degree), dtype=np.uint32)
    for start in range(0, rows, _CHUNK):
        at = np.arange(start, min(start + _CHUNK, rows))
        row = _over_rows(main, fixed, publics, at)
        nodes = [np.broadcast_to(v, at.shape) for v in evaluate(chip, row, BASE)]
        prints, times = _messages(chip, nodes, terms, ext)
        inverses = ext.invert_arrays(np.stack(prints))
        for k, members in enumerate(logup.pairs(chip)):
            for i in members:
                part = ext.scale_arrays(inverses[i], times[i])
                columns[at, k] = add(columns[at, k], part)
    sums = columns.astype(np.uint64).sum(axis=1) % np.uint64(P)
    total = sums.sum(axis=0) % np.uint64(P)
    average = multiply(total.astype(np.uint32), pow(rows, P - 2, P))
    steps = subtract(sums.astype(np.uint32), average).astype(np.uint64)
    columns[1:, -1] = np.cumsum(steps, axis=0)[:-1] % np.uint64(P)
    return columns.reshape(rows, -1), tuple(total.tolist())


def quotient(
    chip: Chip,
    codewords: tuple[Felts, Felts, Felts | None],
    log_rows: int,
    publics: Sequence[int],
    terms: logup.Terms,
    total: Element | None,
    alpha: Element,
) -> Felts:
    """The joined constraints over a coset, divided by the vanishing polynomial of the rows.

    Args:
        chip: Which.
        codewords: Of the trace, of the preprocessed columns and of LogUp's, all over the same
            coset.
        log_rows: Of the table.
        publics: In the chip's order.
        terms: LogUp's challenges.
        total: Of the fractions, where the chip has interactions.
        alpha: Joins the constraints: the last has the factor 1.

    Returns:
        Shape ``(size, d)``.
    """
    main, fixed, sums = codewords
    ext = extension(len(alpha))
    log_size = len(main).bit_length() - 1
    x = multiply(domain.coset(log_size), GENERATOR)
    vanishing = subtract(_power(x, log_rows), 1)
    last_point = pow(root_of_unity(log_rows), P - 2, P)
    selectors = [_indicator(x, vanishing, log_rows, point) for point in (1, last_point)]
    inverse, after = invert(vanishing), domain.following(log_size, log_rows)
    average = None
    if total is not None:
        average = _array(ext.scale(total, pow(1 << log_rows, P - 2, P)))
    out = np.zeros((len(main), ext.degree), dtype=np.uint32)
    for start in range(0, len(main), _CHUNK):
        at = np.arange(start, min(start + _CHUNK, len(main)))
        first, last = (selector[at].astype(np.int64) for selector in selectors)
        row = Row(
            main=(_columns(main, at), _columns(main, after[at])),
            preprocessed=(_columns(fixed, at), _columns(fixed, after[at])),
            publics=[BASE.const(value) for value in publics],
            first=first,
            last=last,
            transition=(1 - last) % P,
        )
        nodes = [np.broadcast_to(v, at.shape) for v in evaluate(chip, row, BASE)]
        found = [_lift(ext, nodes[c.node]) for c in chip.constraints]
        if sums is not None and average is not None:
            here, there = (sums[rows].reshape(len(at), -1, ext.degree) for rows in (at, after[at]))
            found += _of_sums(chip, nodes, terms, ext, (here, there[:, -1]), average)
        out[at] = ext.scale_arrays(_joined(ext, found, alpha, len(at)), inverse[at])
    return out


def _of_sums(
    chip: Chip,
    nodes: Sequence[Rows],
    terms: logup.Terms,
    ext: Extension,
    columns: tuple[Felts, Felts],
    average: Felts,
) -> list[Felts]:
    """The constraints of LogUp, from its columns and the running sum of the next row."""
    prints, times = _messages(chip, nodes, terms, ext)
    here, there = columns
    read = ([here[:, k] for k in range(here.shape[1])], there)
    lifted = [_lift(ext, one) for one in times]
    return logup.constraints(chip, prints, lifted, read, average, arrays_of(ext))


def _joined(ext: Extension, values: Sequence[Felts], alpha: Element, rows: int) -> Felts:
    """The sum of values, each times a power of alpha; the last has the factor 1."""
    joined = np.zeros((rows, ext.degree), dtype=np.uint32)
    for value in values:
        joined = add(ext.multiply_arrays(joined, _array(alpha)), value)
    return joined


def _messages(
    chip: Chip, nodes: Sequence[Rows], terms: logup.Terms, ext: Extension
) -> tuple[list[Felts], list[Felts]]:
    """Fingerprint and signed multiplicity of each interaction."""
    algebra = arrays_of(ext)
    prints = [
        terms.fingerprint(
            one,
            nodes,
            algebra,
            lambda beta, value: multiply(value[:, None].astype(np.uint32), _array(beta)),
            _array,
        )
        for one in chip.interactions
    ]
    times = [felts(nodes[one.multiplicity] * one.sign) for one in chip.interactions]
    return prints, times


def _over_rows(main: Felts, fixed: Felts, publics: Sequence[int], at: Rows) -> Row[Rows]:
    """What expressions read in some rows of a table."""
    after = (at + 1) % len(main)
    last = (at == len(main) - 1).astype(np.int64)
    return Row(
        main=(_columns(main, at), _columns(main, after)),
        preprocessed=(_columns(fixed, at), _columns(fixed, after)),
        publics=[BASE.const(value) for value in publics],
        first=(at == 0).astype(np.int64),
        last=last,
        transition=1 - last,
    )


def _columns(table: Felts, at: Rows) -> list[Rows]:
    return list(table[at].astype(np.int64).T) if table.shape[1] else []


def _indicator(x: Felts, vanishing: Felts, log_rows: int, point: int) -> Felts:
    """The polynomial that is 1 in the row at a point and 0 in the others."""
    factor = point * pow(1 << log_rows, P - 2, P) % P
    return multiply(multiply(vanishing, invert(subtract(x, point))), factor)


def _power(x: Felts, log: int) -> Felts:
    for _ in range(log):
        x = multiply(x, x)
    return x


def _lift(ext: Extension, values: NDArray[np.integer]) -> Felts:
    out = np.zeros((len(values), ext.degree), dtype=np.uint32)
    out[:, 0] = values
    return out


def _array(element: Element) -> Felts:
    return np.array(element, dtype=np.uint32)
