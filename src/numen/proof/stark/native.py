"""The work of a prover on native kernels, in the place of `numen.proof.stark.portable`."""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from numen.kernels import koalabear, lde, sha256
from numen.kernels.extension import Extension as Native
from numen.proof.stark import evaluator
from numen.proof.stark.deep import Batch, Rows
from numen.proof.stark.field import GENERATOR, Element, Extension, Felts, P, add, subtract
from numen.proof.stark.portable import Digests, Kernels
from numen.proof.stark.transcript import NONCE_BYTES, has_work

_FEW = 4
"""Copying the columns that are read pays where they are so small a part of a matrix."""

_NONCES = 1 << 14
"""Nonces that are tried at once."""


def extend(table: Felts, log_size: int, mask: Felts | None = None) -> Felts:
    """As `domain.extend`."""
    if mask is None:
        return lde.extend(table, (1 << log_size) // len(table), GENERATOR)
    coefficients, rows = lde.interpolate(table), len(table)
    wide = _lengthened(coefficients, rows + len(mask))
    wide[: len(mask)] = subtract(wide[: len(mask)], mask)
    ends = slice(rows, rows + len(mask))
    wide[ends] = add(wide[ends], mask)
    return lde.evaluate(wide, (1 << log_size) // len(wide), GENERATOR)


def evaluate(coefficients: Felts, log_size: int) -> Felts:
    """As `domain.evaluate`."""
    wide = _lengthened(coefficients, len(coefficients))
    return lde.evaluate(wide, (1 << log_size) // len(wide), GENERATOR)


def recover(codeword: Felts) -> Felts:
    """As `domain.recover`, of elements of an extension."""
    order = koalabear.reversed_order(len(codeword).bit_length() - 1)
    coefficients = lde.interpolate(codeword[order])
    unshift = koalabear.powers(pow(GENERATOR, P - 2, P), len(codeword))
    tails = {len(tail): tail for tail in (koalabear.QUARTIC, koalabear.SEXTIC)}
    return Native(tails[codeword.shape[1]]).scale(coefficients, unshift)


def levels(heights: Sequence[Sequence[Felts]]) -> list[Digests]:
    """As `portable.levels`."""
    return sha256.tree([matrix for group in heights for matrix in group])


def weights(ext: Extension, log_size: int, point: Element) -> Felts:
    """As `domain.weights`."""
    size, native = 1 << log_size, Native(ext.tail)
    x = koalabear.domain(log_size, GENERATOR)
    end = pow(GENERATOR, size, P)
    # The reciprocals are of x - z, and z - x is asked for.
    factor = ext.subtract(ext.lift(end), ext.power(point, size))
    factor = ext.scale(factor, pow(size * end, P - 2, P))
    factors = np.tile(np.array(factor, np.uint32), (size, 1))
    return native.mul(native.scale(native.reciprocals(x, point), x), factors)


def weigh(ext: Extension, codeword: Felts, factors: Felts) -> Felts:
    """As `domain.weigh`."""
    return Native(ext.tail).column_sums(factors, np.ascontiguousarray(codeword))


def combine(ext: Extension, parts: list[Batch], rows: Rows, log_size: int) -> Felts:
    """As `portable.combine`."""
    native = Native(ext.tail)
    x = koalabear.domain(log_size, GENERATOR)
    reciprocals: dict[Element, Felts] = {}
    out = np.zeros((1 << log_size, ext.degree), np.uint32)
    for part in parts:
        if part.point not in reciprocals:
            reciprocals[part.point] = native.reciprocals(x, part.point)
        used = np.flatnonzero(part.weights.any(axis=1))
        matrix, factors = rows(part.tree, part.matrix), part.weights
        if len(used) * _FEW <= len(factors):
            matrix, factors = np.ascontiguousarray(matrix[:, used]), factors[used]
        sums = native.row_sums(matrix, factors) if len(used) else np.zeros_like(out)
        native.add_quotients(out, sums, reciprocals[part.point], ext.one, part.constant)
    return out


def fold(ext: Extension, word: Felts, log_arity: int, beta: Element) -> Felts:
    """As `portable.fold`."""
    return Native(ext.tail).fold(word, beta, 1 << log_arity, 1)


def grind(state: bytes, bits: int) -> int:
    """As `transcript.find_nonce`."""
    assert hashlib.sha256().block_size > len(state) + NONCE_BYTES + 8
    messages = np.zeros((_NONCES, (len(state) + NONCE_BYTES) // 4), np.uint32)
    messages[:, : len(state) // 4] = np.frombuffer(state, "<u4")
    start = 0
    while True:
        nonces = np.arange(start, start + _NONCES, dtype=np.uint64)
        messages[:, -2] = (nonces & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        messages[:, -1] = (nonces >> np.uint64(32)).astype(np.uint32)
        digests = sha256.hash_rows([messages])
        heads = digests[:, :8].copy().view(">u8")[:, 0]
        found = np.flatnonzero(heads >> np.uint64(64 - bits) == 0) if bits else nonces
        if len(found):
            nonce = start + int(found[0])
            assert has_work(state, bits, nonce)
            return nonce
        start += _NONCES


def _lengthened(coefficients: Felts, least: int) -> Felts:
    """Coefficients with zeros up to a power of two that is at least some number."""
    rows = 1 << (least - 1).bit_length()
    if rows == len(coefficients):
        return coefficients
    out = np.zeros((rows, coefficients.shape[1]), np.uint32)
    out[: len(coefficients)] = coefficients
    return out


NATIVE: Final = Kernels(
    extend=extend,
    evaluate=evaluate,
    recover=recover,
    levels=levels,
    fractions=evaluator.fractions,
    quotient=evaluator.join,
    weights=weights,
    weigh=weigh,
    combine=combine,
    fold=fold,
    grind=grind,
)
"""Compiled for this machine at first use, on all its processors."""
