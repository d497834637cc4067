"""The prover's reading of a chip, run natively: as `numen.proof.stark.quotient`.

Tables of fewer rows than a tile are left to numpy.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numen.kernels import koalabear, threads
from numen.kernels.arrays import address
from numen.kernels.extension import Extension as Native
from numen.kernels.koalabear_code import form
from numen.kernels.native import Kernels
from numen.kernels.options import Options
from numen.kernels.tile_rows_code import MOVE, TILE, starts
from numen.kernels.tiles_code import ARGUMENTS, tile_functions
from numen.proof.stark import logup, quotient
from numen.proof.stark.air import Chip
from numen.proof.stark.errors import TraceError
from numen.proof.stark.evaluator_program import Program, fractions_program, quotient_program
from numen.proof.stark.field import GENERATOR, Element, Felts, P, extension, root_of_unity

_LEAST = 1 << 4
"""Tiles of a part that is worth a thread."""


def fractions(
    chip: Chip, main: Felts, fixed: Felts, publics: Sequence[int], terms: logup.Terms, degree: int
) -> tuple[Felts, Element]:
    """As `quotient.fractions`.

    Raises:
        TraceError: A fingerprint is zero, which happens with negligible probability.
    """
    rows = len(main)
    if rows < TILE:
        return quotient.fractions(chip, main, fixed, publics, terms, degree)
    program = _fractions(chip, degree)
    out = np.empty((rows, program.sums_width), np.uint32)
    challenges = _challenges(program, publics, terms)
    tiles = _Tiles(program, {"main": main, "fixed": fixed}, challenges)
    sizes = {"log_rows": rows.bit_length() - 1, "width": program.sums_width}
    if any(tiles.run("over_rows", rows, sizes | {"out": address(out)})):
        raise TraceError(chip.name, "a fingerprint is zero: prove again with other challenges")
    total = out[:, -degree:].sum(axis=0, dtype=np.uint64) % np.uint64(P)
    average = [int(x) * pow(rows, P - 2, P) % P for x in total]
    Native(extension(degree).tail).running_sums(out, program.sums_width - degree, average)
    return out, tuple(total.tolist())


def join(
    chip: Chip,
    codewords: tuple[Felts, Felts, Felts | None],
    log_rows: int,
    publics: Sequence[int],
    terms: logup.Terms,
    total: Element | None,
    alpha: Element,
) -> Felts:
    """As `quotient.quotient`."""
    if 1 << log_rows < TILE:
        return quotient.quotient(chip, codewords, log_rows, publics, terms, total, alpha)
    main, fixed, sums = codewords
    program, log_size = _quotient(chip, len(alpha)), len(main).bit_length() - 1
    out = np.empty((len(main), program.degree), np.uint32)
    blocks = _blocks(log_size, log_rows)
    selectors = _selectors(log_size, log_rows) if program.has_selectors else (out, out)
    challenges = _challenges(program, publics, terms, (total, 1 << log_rows), alpha)
    matrices = {"main": main, "fixed": fixed}
    if sums is not None:
        matrices["sums"] = sums
    places = {"out": out, "blocks": blocks, "firsts": selectors[0], "lasts": selectors[1]}
    sizes = {name: address(a) for name, a in places.items()} | {"log_rows": log_rows}
    _Tiles(program, matrices, challenges).run("over_coset", len(main), sizes)
    return out


class _Tiles:
    """A program, ready to run."""

    def __init__(self, program: Program, matrices: dict[str, Felts], challenges: Felts) -> None:
        self._program, self._challenges = program, challenges
        self._words = program.words()
        self._memory = np.zeros((program.cells, TILE), np.uint32)
        for cell, word in program.constants.items():
            self._memory[cell] = word
        for cell, place in program.given.items():
            self._memory[cell] = challenges[place]
        self._kept: list[npt.NDArray[Any]] = []
        self._moves = np.array(
            [move for name, a in matrices.items() for move in self._moves_of(name, a)], np.int64
        ).reshape(-1, len(MOVE))

    def run(self, name: str, rows: int, sizes: dict[str, int]) -> list[int]:
        """Run the program over the rows; the answers of all threads."""
        program, answers = self._program, []
        cells = {key: TILE * program.columns.get(key, 0) for key in ("result", "denominator")}
        cells["selectors"] = TILE * program.columns["selector"] if program.has_selectors else -1

        def part(first: int, last: int) -> None:
            memory = self._memory.copy()
            arrays: dict[str, npt.NDArray[Any]] = {
                "memory": memory,
                "challenges": self._challenges,
                "program": self._words,
                "moves": self._moves,
            }
            given = sizes | cells | {key: address(a) for key, a in arrays.items()}
            given |= {"move_count": len(self._moves), "first": TILE * first, "last": TILE * last}
            arguments = np.array([given.get(key, 0) for key in ARGUMENTS], np.int64)
            answers.append(_kernels(program.degree).ask(name, address(arguments)))

        threads.over_ranges(rows // TILE, _LEAST, part)
        return answers

    def _moves_of(self, name: str, matrix: Felts) -> Iterator[list[int]]:
        """What is read of a matrix: the columns that the program has a use for."""
        program, width = self._program, matrix.shape[1]
        for is_next, columns in enumerate(program.reads(name)):
            if not columns:
                continue
            blocks = np.array(starts(width, columns), np.int64)
            self._kept += [blocks, matrix]
            cell = TILE * program.columns[f"{name} next" if is_next else name]
            yield [address(matrix), width, address(blocks), len(blocks), is_next, cell]


def _challenges(
    program: Program,
    publics: Sequence[int],
    terms: logup.Terms,
    total: tuple[Element | None, int] = (None, 1),
    alpha: Element | None = None,
) -> Felts:
    """The words of `Program.challenge`; without alpha those that messages need.

    Args:
        program: What for.
        publics: In the chip's order.
        terms: LogUp's challenges.
        total: Of the fractions, where there are any, and over how many rows.
        alpha: Joins the constraints.
    """
    degree, chip = program.degree, program.chip
    ext, words = extension(degree), np.zeros(program.challenge("end") + degree, np.uint32)

    def put(kind: str, index: int, some: Sequence[int]) -> None:
        start = program.challenge(kind, index)
        words[start : start + len(some)] = some

    put("public", 0, [form(value) for value in publics])
    if alpha is not None:
        joined = len(chip.constraints) + program.sums_width // degree
        factor = ext.one
        for index in reversed(range(joined)):
            put("factor", index, factor)
            factor = ext.multiply(factor, alpha)
    for index, interaction in enumerate(chip.interactions):
        number = terms.machine.buses[interaction.bus].number
        point = ext.subtract(terms.challenges.alpha, ext.lift(number))
        put("alpha", index, [form(x) for x in point])
    longest = max((len(i.values) for i in chip.interactions), default=0)
    for index, beta in enumerate(terms.challenges.betas[:longest]):
        put("beta", index, [form(x) for x in ext.negate(beta)])
    fractions_total, rows = total
    if fractions_total is not None:
        average = ext.scale(fractions_total, pow(rows, P - 2, P))
        put("average", 0, [form(x) for x in average])
    return words


def _selectors(log_size: int, log_rows: int) -> tuple[Felts, Felts]:
    """The reciprocals of ``x - 1`` and ``x - p`` over the coset, for the last row's point p."""
    x = koalabear.domain(log_size, GENERATOR)
    last = pow(root_of_unity(log_rows), P - 2, P)
    found = []
    for point in (1, last):
        # Below 2**32, and reduced by the smaller of two differences.
        rest = x - np.uint32(point)
        found.append(koalabear.inverse(np.minimum(rest, rest + np.uint32(P))))
    return found[0], found[1]


def _blocks(log_size: int, log_rows: int) -> Felts:
    """What `evaluator_code` reads of each coset of rows, shape ``(cosets, 3)``."""
    rows, last = 1 << log_rows, pow(root_of_unity(log_rows), P - 2, P)
    shift = pow(GENERATOR, rows, P)
    found = []
    for power in koalabear.domain(log_size - log_rows, shift).tolist():
        vanishing = power - 1
        factor = vanishing * pow(rows, P - 2, P)
        # A selector is a plain reciprocal times twice the form of a number.
        words = [form(form(factor)), form(form(factor * last)), form(pow(vanishing, P - 2, P))]
        found.append(words)
    return np.array(found, np.uint32)


@functools.lru_cache(64)
def _fractions(chip: Chip, degree: int) -> Program:
    return fractions_program(chip, degree)


@functools.lru_cache(64)
def _quotient(chip: Chip, degree: int) -> Program:
    return quotient_program(chip, degree)


@functools.cache
def _kernels(degree: int) -> Kernels:
    tail = extension(degree).tail
    return Kernels(lambda: tile_functions(tail), Options(passes="O1"))
