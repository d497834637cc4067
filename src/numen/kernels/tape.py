"""Tapes: lists of steps that fill an array of field elements, followed at native speed.

What a step does is told in `tape_code`. A tape is checked when it is made, so that following it
never reads or writes outside its arrays, whatever its bytes are.
"""

import ctypes
import functools
from collections.abc import Callable
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from numen.kernels import arrays, bn254, compiler, montgomery
from numen.kernels.arrays import Indices, Words
from numen.kernels.errors import KernelInputError
from numen.kernels.field import FR
from numen.kernels.options import Options
from numen.kernels.tape_code import LIMBS_MAX, STEP_WORDS, WIDE_BITS, Action, tape_function

WIDE_WORDS = WIDE_BITS // 64
"""Limbs of a wide constant."""

_BITS_MAX = {Action.BITS: 256, Action.ALL_BITS: 256}
_WIDE_BITS_MAX = WIDE_BITS - 1

Narrow: TypeAlias = npt.NDArray[np.uint32]
"""Numbers of wires, and of constants."""

# fmt: off
_SHAPES = {
    #                   combinations, operands, wires it fills, wide constants
    Action.LINEAR:      (1, 0, 1, 0),
    Action.PRODUCT:     (2, 0, 1, 0),
    Action.EITHER:      (2, 0, 1, 0),
    Action.CHOICE:      (3, 0, 1, 0),
    Action.BITS:        (1, 0, None, 0),
    Action.ALL_BITS:    (1, 0, None, 0),
    Action.ZERO_TEST:   (1, 0, 2, 0),
    Action.INVERSE:     (1, 0, 1, 0),
    Action.QUOTIENT:    (0, 2, None, 1),
    Action.REMAINDER:   (0, 2, None, 1),
    Action.INVERSE_MODULO: (0, 2, None, 1),
    Action.DIVIDE_MODULO: (0, 2, None, 2),
    Action.CHECK_RANGE: (1, 1, 0, 2),
    Action.CHECK_TRUTH: (2, 0, 0, 0),
}
# fmt: on


class Tape(msgspec.Struct, frozen=True, eq=False):
    """The steps, and what they refer to.

    Attributes:
        steps: Shape ``(n, 8)``, int64; see `tape_code`.
        starts: Where each combination begins in the next two; int64, and the end at the end.
        wires: The wire of each term.
        kinds: The constant of each term, by number; number 0 is one.
        constants: Shape ``(k, 4)``: plain numbers below the prime.
        wides: Shape ``(m, 11)``: integers in two's complement.
        wire_count: Length of the array that it fills.
    """

    steps: Indices
    starts: Indices
    wires: Narrow
    kinds: Narrow
    constants: Words
    wides: Words
    wire_count: int

    def follow(self, values: Words) -> int:
        """Fill the wires that are not inputs.

        Args:
            values: Shape ``(wire_count, 4)``: plain numbers below the prime.

        Returns:
            The step that it stopped at, or the number of steps.
        """
        arrays.check(values, 4, "values", self.wire_count)
        forms = FR.to_montgomery(self.constants)
        given = (values, self.starts, self.wires, self.kinds, self.constants, forms, self.wides)
        return _function()(
            arrays.address(self.steps), len(self.steps), *(arrays.address(a) for a in given)
        )


def check_tape(tape: Tape) -> None:
    """See that a tape stays within its arrays.

    Raises:
        KernelInputError: It does not, or its arrays have other types or shapes.
    """
    _check_arrays(tape)
    starts, terms = tape.starts, len(tape.wires)
    if (
        len(starts) == 0
        or starts[0] != 0
        or starts[-1] != terms
        or np.any(starts[1:] < starts[:-1])
    ):
        raise KernelInputError("starts does not run from 0 to the number of terms")
    arrays.check_indices(tape.wires, "wires", tape.wire_count)
    arrays.check_indices(tape.kinds, "kinds", len(tape.constants))
    if tape.constants[:1].tolist() != [[1, 0, 0, 0]]:
        raise KernelInputError("constant 0 is not one")
    FR.check_reduced(tape.constants, "constants")
    action, first, count, sums, a, b, lows, rest = tape.steps.T
    _require(bool(np.isin(action, list(Action)).all()), "an action")
    _require(not rest.any(), "a last field")
    table = np.zeros((len(Action), 5), np.int64)
    for each, (combinations, operands, fills, constants) in _SHAPES.items():
        fixed = -1 if fills is None else fills
        table[each] = (combinations, operands >= 1, operands >= 2, fixed, constants)
    combinations, has_a, has_b, fills, constants = table[action].T
    filled = np.where(fills >= 0, fills, count)
    _require(bool(((count >= 0) & (count <= _limits()[action])).all()), "a count")
    _require(bool(((fills < 0) | (count == 0)).all()), "a count that says nothing")
    for limbs, is_there in ((a, has_a), (b, has_b)):
        low, high = is_there, is_there * LIMBS_MAX
        _require(bool(((limbs >= low) & (limbs <= high)).all()), "an operand")
    _require(_fit(first, filled, tape.wire_count), "a wire")
    _require(_fit(sums, combinations + a + b, len(starts) - 1), "a combination")
    _require(_fit(lows, a + b + constants, len(tape.wides)), "a wide constant")


def _check_arrays(tape: Tape) -> None:
    arrays.check(tape.constants, 4, "constants")
    arrays.check(tape.wides, WIDE_WORDS, "wides")
    shapes: tuple[tuple[npt.NDArray[np.generic], type, int], ...] = (
        (tape.steps, np.int64, 2), (tape.starts, np.int64, 1),
        (tape.wires, np.uint32, 1), (tape.kinds, np.uint32, 1),
    )  # fmt: skip
    for array, of, dimensions in shapes:
        good = array.dtype == of and array.ndim == dimensions and array.flags.c_contiguous
        _require(good and array.flags.aligned, "an array of another type")
    _require(tape.steps.shape[1] == STEP_WORDS, "steps of another length")


def _limits() -> Indices:
    """Most bits that each action spreads."""
    limits = [0] * len(Action)
    for action, shape in _SHAPES.items():
        if shape[2] is None:
            limits[action] = _BITS_MAX.get(action, _WIDE_BITS_MAX)
    return np.array(limits, dtype=np.int64)


def _fit(first: Indices, count: Indices, stop: int) -> bool:
    """Whether ranges lie within an array; the first bound keeps their ends from wrapping."""
    return bool(((first >= 0) & (first <= stop) & (first + count <= stop)).all())


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise KernelInputError(f"the tape has {what} that is not allowed")


@functools.cache
def _function() -> Callable[..., int]:
    text = tape_function(bn254.FR, mulx=montgomery.has_mulx())
    library = compiler.load(text, options=Options(passes="lean"))
    pointer = ctypes.c_void_p
    function: Callable[..., int] = library.function(
        "follow", ctypes.c_int64, pointer, ctypes.c_int64, *[pointer] * 7
    )
    return function
