"""The verifier: it hears the proof, draws the challenges itself, and checks every equation.

It needs SHA-256, integers and numpy, and nothing of the prover.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from numen.proof.stark import codec, deep, fri, logup, merkle
from numen.proof.stark.air import LOGUP, PREPROCESSED, QUOTIENT, Chip
from numen.proof.stark.conversation import Conversation
from numen.proof.stark.errors import StarkRejectedError, StatementError
from numen.proof.stark.evaluate import Algebra, Row, evaluate
from numen.proof.stark.field import Element, Extension, Felts, P, extension, root_of_unity
from numen.proof.stark.hiding import hidden
from numen.proof.stark.layout import Layout, Matrix, Tree
from numen.proof.stark.logup import Challenges
from numen.proof.stark.proof import Proof
from numen.proof.stark.statement import Statement, check_statement

_Values = dict[tuple[str, int], Felts]
"""Opened outside of the domain, by tree and chip."""


def verify(statement: Statement, data: bytes) -> tuple[Layout, Proof]:
    """Check a proof, and give it decoded, for what it says beside the statement.

    Raises:
        StatementError: The statement does not fit its machine.
        MalformedStarkError: The bytes are no proof of this machine and profile.
        StarkRejectedError: It does not prove the statement.

    Cost: linear in the sizes of proof and machine; below 100 ms for some 150 columns.
    """
    check_statement(statement.machine, statement.publics, statement.messages)
    machine = hidden(statement.machine, statement.profile)
    statement = msgspec.structs.replace(statement, machine=machine)
    layout, proof = codec.decode(data, statement.machine, statement.profile)
    ext = extension(statement.profile.degree)
    roots = _roots(statement, layout, proof)
    nonces = iter(proof.nonces)
    talk = Conversation(statement, layout, lambda _state, _bits: next(nonces))
    for tree in layout.trees:
        if tree.name not in (PREPROCESSED, LOGUP, QUOTIENT):
            talk.commit(tree.name, roots[tree.name])
    challenges = talk.logup()
    if LOGUP in roots:
        talk.commit(LOGUP, roots[LOGUP])
    alpha = talk.alpha(proof.sums)
    talk.commit(QUOTIENT, roots[QUOTIENT])
    zeta = talk.zeta()
    _check_constraints(statement, layout, proof, challenges, alpha, zeta)
    _check_sums(statement, proof, challenges, ext)
    gamma = talk.gamma(proof.values)
    betas = [talk.beta(root) for root in proof.layer_roots]
    indices = talk.queries(proof.last)
    batches = _open(layout, proof, roots, indices, zeta, gamma)
    commitments = (proof.layer_roots, proof.layer_openings, proof.last)
    fri.verify(layout, ext, batches, indices, betas, commitments)
    return layout, proof


def algebra_of(ext: Extension) -> Algebra[Element]:
    """Arithmetic with single elements of an extension."""
    return Algebra(ext.lift, ext.add, ext.subtract, ext.multiply, ext.negate)


def _roots(statement: Statement, layout: Layout, proof: Proof) -> dict[str, bytes]:
    names = [tree.name for tree in layout.trees]
    if PREPROCESSED not in names:
        return dict(zip(names, proof.roots, strict=True))
    if statement.preprocessed is None:
        raise StatementError("the machine has preprocessed columns, but no root of them is given")
    return dict(zip(names, (statement.preprocessed, *proof.roots), strict=True))


def _check_constraints(
    statement: Statement,
    layout: Layout,
    proof: Proof,
    challenges: Challenges,
    alpha: Element,
    zeta: Element,
) -> None:
    """Check that the constraints of each chip, at zeta, are its quotient times the vanishing."""
    ext = extension(statement.profile.degree)
    algebra, values = algebra_of(ext), deep.opened(layout, proof.values)
    sums = dict(zip(layout.summed, proof.sums, strict=True))
    for number, chip, log_rows in layout.present:
        vanishing = ext.subtract(ext.power(zeta, 1 << log_rows), ext.one)
        publics = statement.machine.publics_of(chip, statement.publics)
        row = _row(layout, number, values, zeta, vanishing, publics)
        nodes = evaluate(chip, row, algebra)
        found = [nodes[c.node] for c in chip.constraints]
        if number in sums:
            average = ext.scale(sums[number], pow(1 << log_rows, P - 2, P))
            terms = logup.Terms(challenges, statement.machine)
            found += _logup(terms, chip, nodes, values[LOGUP, number], average, ext)
        joined = ext.zero
        for value in found:
            joined = ext.add(ext.multiply(joined, alpha), value)
        low, high = _elements(ext, values[QUOTIENT, number])
        cut = ext.power(zeta, (1 << log_rows) + statement.profile.mask)
        quotient = ext.add(low, ext.multiply(cut, high))
        if joined != ext.multiply(quotient, vanishing):
            raise StarkRejectedError("constraints", f"those of {chip.name!r} do not hold at zeta")


def _row(
    layout: Layout,
    number: int,
    values: _Values,
    zeta: Element,
    vanishing: Element,
    publics: Sequence[int],
) -> Row[Element]:
    """What a chip's expressions read at zeta."""
    ext, chip = extension(layout.profile.degree), layout.machine.chips[number]
    log_rows = layout.log_rows[number]
    assert log_rows is not None
    main = ([ext.zero] * chip.width, [ext.zero] * chip.width)
    fixed = ([ext.zero] * len(chip.preprocessed), [ext.zero] * len(chip.preprocessed))
    for tree in layout.trees:
        if tree.name in (LOGUP, QUOTIENT):
            continue
        for matrix in tree.matrices:
            if matrix.chip == number:
                target = fixed if tree.name == PREPROCESSED else main
                _place(matrix, values[tree.name, number], target)

    def indicator(point: int) -> Element:
        # point (x**n - 1) / (n (x - point)) is 1 there and 0 in all other rows.
        factor = point * pow(1 << log_rows, P - 2, P) % P
        divisor = ext.invert(ext.subtract(zeta, ext.lift(point)))
        return ext.scale(ext.multiply(vanishing, divisor), factor)

    last = indicator(pow(root_of_unity(log_rows), P - 2, P))
    return Row(
        main=main,
        preprocessed=fixed,
        publics=[ext.lift(value) for value in publics],
        first=indicator(1),
        last=last,
        transition=ext.subtract(ext.one, last),
    )


def _place(matrix: Matrix, values: Felts, target: tuple[list[Element], list[Element]]) -> None:
    elements: list[Element] = [tuple(value) for value in values.tolist()]
    for place, column in enumerate(matrix.columns):
        target[0][column] = elements[place]
    for place, opened in enumerate(matrix.following, matrix.width):
        target[1][matrix.columns[opened]] = elements[place]


def _logup(
    terms: logup.Terms,
    chip: Chip,
    nodes: Sequence[Element],
    values: Felts,
    average: Element,
    ext: Extension,
) -> list[Element]:
    algebra = algebra_of(ext)
    *columns, following = _elements(ext, values)
    prints = [
        terms.fingerprint(one, nodes, algebra, ext.multiply, lambda element: element)
        for one in chip.interactions
    ]
    times = [ext.scale(nodes[one.multiplicity], one.sign % P) for one in chip.interactions]
    return logup.constraints(chip, prints, times, (columns, following), average, algebra)


def _elements(ext: Extension, values: Felts) -> list[Element]:
    """Join d opened values, of the coordinates of one column of the extension, to its value."""
    bases = np.eye(ext.degree, dtype=np.uint32)
    turned = ext.multiply_arrays(values.reshape(-1, ext.degree, ext.degree), bases)
    joined = turned.astype(np.uint64).sum(axis=1) % np.uint64(P)
    return [tuple(value) for value in joined.tolist()]


def _check_sums(statement: Statement, proof: Proof, challenges: Challenges, ext: Extension) -> None:
    total = logup.public_sum(statement.messages, statement.machine, challenges, ext)
    for one in proof.sums:
        total = ext.add(total, one)
    if total != ext.zero:
        raise StarkRejectedError("messages", "they do not balance")


def _open(
    layout: Layout,
    proof: Proof,
    roots: dict[str, bytes],
    indices: Sequence[int],
    zeta: Element,
    gamma: Element,
) -> dict[int, Felts]:
    """Check the openings of all trees, and compute each height's batch at each query."""
    ext, blowup = extension(layout.profile.degree), layout.profile.log_blowup
    log = layout.heights[0] + blowup
    openings = dict(zip([tree.name for tree in layout.trees], proof.openings, strict=True))
    for tree in layout.trees:
        merkle.verify(tree.name, tree.shape, roots[tree.name], openings[tree.name], indices, log)
    at = np.array(indices, dtype=np.int64)
    found = {}
    for height, parts in deep.batches(layout, ext, proof.values, zeta, gamma).items():
        here = at >> (log - height - blowup)
        leaves, which = np.unique(here, return_inverse=True)

        def rows(tree: Tree, matrix: Matrix, height: int = height) -> Felts:
            opened = openings[tree.name].rows[tree.heights.index(height)]
            start = 0
            for one in tree.at(height):
                if one is matrix:
                    break
                start += one.width
            return opened[:, start : start + matrix.width]

        points = fri.points(leaves, height + blowup)
        found[height] = deep.combine(ext, parts, rows, points, deep.dot)[which.reshape(-1)]
    return found
