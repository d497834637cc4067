"""FRI: a codeword is close to a polynomial of low degree.

A codeword of ``2**L`` values holds a polynomial F at the powers of a root of unity g: value i is
``F(g**reverse(i, L))``, where `reverse` reverses the bits, so that the 2, 4 or 8 values that are
folded into one stand side by side, and the value that they become stands at their place in the
next codeword. Folding F by beta gives ``F_0 + beta F_1 + beta**2 F_2 + ...``, where
``F(Y) = F_0(Y**a) + Y F_1(Y**a) + ...``; where shorter tables join, their batch is added with the
next power of beta.

Source: Ben-Sasson, Bentov, Horesh, Riabzev, "Fast Reed-Solomon interactive oracle proofs of
proximity" (2018); the order of the values is Plonky3's.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from numen.proof.stark import merkle
from numen.proof.stark.deep import dot
from numen.proof.stark.errors import StarkRejectedError
from numen.proof.stark.field import Element, Extension, Felts, P, add, multiply, root_of_unity
from numen.proof.stark.field import subtract as minus
from numen.proof.stark.layout import Layout
from numen.proof.stark.merkle import Opening, Shape

_HALF = (P + 1) // 2


def reverse(indices: NDArray[np.int64], log: int) -> NDArray[np.int64]:
    """Reverse the order of the lowest bits of integers."""
    out = np.zeros_like(indices)
    for bit in range(log):
        out |= (indices >> bit & 1) << (log - 1 - bit)
    return out


def points(indices: NDArray[np.int64], log: int) -> Felts:
    """The points of places in a codeword of ``2**log`` values."""
    root = root_of_unity(log)
    return np.array([pow(root, e, P) for e in reverse(indices, log).tolist()], dtype=np.uint32)


def fold(ext: Extension, groups: Felts, inverses: Felts, beta: Element) -> Felts:
    """Fold groups of values that stand side by side.

    Args:
        ext: Where the values are.
        groups: Shape ``(m, a, d)``, a power of two.
        inverses: Of the points of the first value of each group, shape ``(m,)``.
        beta: The challenge.

    Returns:
        Shape ``(m, d)``.
    """
    arity = groups.shape[1]
    while arity > 1:
        log = arity.bit_length() - 1
        steps = reverse(np.arange(0, arity, 2), log)
        root = pow(root_of_unity(log), P - 2, P)
        turns = np.array([pow(root, e, P) * _HALF % P for e in steps.tolist()], dtype=np.uint32)
        even, odd = groups[:, 0::2], groups[:, 1::2]
        factors = multiply(inverses[:, None], turns[None, :])
        slope = ext.scale_arrays(minus(even, odd), factors)
        mean = multiply(add(even, odd), _HALF)
        groups = add(mean, ext.multiply_arrays(slope, np.array(beta, dtype=np.uint32)))
        inverses, beta = multiply(inverses, inverses), ext.multiply(beta, beta)
        arity //= 2
    return groups[:, 0]


def evaluate(ext: Extension, coefficients: Felts, at: Felts) -> Felts:
    """Evaluate a polynomial of the extension at points of the base field; shape ``(n, d)``."""
    powers = np.ones((len(at), len(coefficients)), dtype=np.uint32)
    done, factor = 1, at
    while done < len(coefficients):
        step = min(done, len(coefficients) - done)
        powers[:, done : done + step] = multiply(powers[:, :step], factor[:, None])
        done, factor = done + step, multiply(factor, factor)
    return dot(ext, powers, coefficients)


def layer_shape(layout: Layout, place: int) -> Shape:
    """The shape of the tree of a codeword before it is folded."""
    layer, profile = layout.layers[place], layout.profile
    log = layer.log_height + profile.log_blowup - layer.log_arity
    return ((log, profile.degree << layer.log_arity),)


def verify(
    layout: Layout,
    ext: Extension,
    batches: dict[int, Felts],
    indices: Sequence[int],
    betas: Sequence[Element],
    commitments: tuple[Sequence[bytes], Sequence[Opening], Felts],
) -> None:
    """Check that the batches of all heights fold to the last polynomial.

    Args:
        layout: Of the proof.
        ext: Where challenges are.
        batches: For each height, the value of its batch at each index, shape ``(queries, d)``.
        indices: The queries, in the tallest codeword.
        betas: The challenge of each layer.
        commitments: Root and opening of each layer's codeword, and the last polynomial.

    Raises:
        StarkRejectedError: They do not.
    """
    roots, openings, last = commitments
    blowup = layout.profile.log_blowup
    log_top = layout.heights[0] + blowup
    values, at = batches[layout.heights[0]], np.array(indices, dtype=np.int64)
    queries = np.arange(len(at))
    for place, layer in enumerate(layout.layers):
        name, log = f"folding {place}", layer.log_height + blowup
        shape = layer_shape(layout, place)
        merkle.verify(name, shape, roots[place], openings[place], indices, log_top)
        inner, above = at & (1 << layer.log_arity) - 1, at >> layer.log_arity
        leaves = np.array(merkle.places(indices, shape[0][0], log_top))
        rows = openings[place].rows[0][np.searchsorted(leaves, above)]
        groups = rows.reshape(len(at), 1 << layer.log_arity, ext.degree)
        if not np.array_equal(groups[queries, inner], values):
            raise StarkRejectedError(name, "an opened value is not what was folded before")
        firsts = points(above << layer.log_arity, log)
        inverses = np.array([pow(x, P - 2, P) for x in firsts.tolist()], dtype=np.uint32)
        values, at = fold(ext, groups, inverses, betas[place]), above
        if layer.joins:
            factor = ext.power(betas[place], 1 << layer.log_arity)
            batch = batches[layer.log_height - layer.log_arity]
            values = add(values, ext.multiply_arrays(batch, np.array(factor, dtype=np.uint32)))
    ends = evaluate(ext, last, points(at, layout.log_final + blowup))
    if not np.array_equal(ends, values):
        raise StarkRejectedError("last polynomial", "it is not what the codewords fold to")
