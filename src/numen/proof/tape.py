"""The plan of a witness as a tape: flat arrays that native code follows.

Hints as `witness` has them are functions over Python's integers, the readable reference. A tape
says the same in numbers, and is followed some hundred times as fast. Where it stops, the plan is
followed from the beginning to say why: a run that traps is told by the plan alone.
"""

from array import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numen.ir.types import FIELD_ORDER
from numen.kernels.tape import WIDE_WORDS, Tape, check_tape
from numen.kernels.tape_code import LIMBS_MAX, STEP_WORDS, WIDE_BITS, Action
from numen.proof import lc, witness
from numen.proof.felts import felts_from_ints
from numen.proof.lc import LC
from numen.proof.witness import Exact, Hint, Step

_WIDE_HIGH = 1 << (WIDE_BITS - 1)


class _Recorder:
    """A tape being written."""

    def __init__(self) -> None:
        self.steps = array("q")
        self.starts = array("q", [0])
        self.wires = array("I")
        self.kinds = array("I")
        self.kind_of: dict[int, int] = {1: 0}
        self.wides: list[int] = []

    def combinations(self, *of: LC) -> int:
        """Write combinations, and give the number of the first."""
        first = len(self.starts) - 1
        wires, number = self.wires, self.kind_of
        for each in of:
            wires.extend(each)
            self.kinds.extend([number.setdefault(k, len(number)) for k in each.values()])
            self.starts.append(len(wires))
        return first

    def step(self, action: Action, wire: int, *of: LC, count: int = 0) -> None:
        """A step without operands of many limbs."""
        self.steps.extend((action, wire, count, self.combinations(*of), 0, 0, 0, 0))

    def wide_step(
        self,
        action: Action,
        wire: int,
        count: int,
        before: Sequence[LC],
        operands: Sequence[tuple[Exact, ...]],
        constants: Sequence[int],
    ) -> None:
        """A step with operands of many limbs."""
        sums = self.combinations(*before)
        lows = len(self.wides)
        sizes = [0, 0]
        for index, limbs in enumerate(operands):
            assert len(limbs) <= LIMBS_MAX, "an operand has too many limbs for a tape"
            sizes[index] = len(limbs)
            self.combinations(*(lc.shift(of, -low) for of, low in limbs))
            self.wides += (low for _, low in limbs)
        self.wides += constants
        self.steps.extend((action, wire, count, sums, *sizes, lows, 0))

    def tape(self, wire_count: int) -> Tape:
        """The arrays."""
        assert all(-_WIDE_HIGH <= value < _WIDE_HIGH for value in self.wides)
        data = b"".join(
            value.to_bytes(8 * WIDE_WORDS, "little", signed=True) for value in self.wides
        )
        tape = Tape(
            steps=np.array(self.steps, dtype=np.int64).reshape(-1, STEP_WORDS),
            starts=np.array(self.starts, dtype=np.int64),
            wires=np.array(self.wires, dtype=np.uint32),
            kinds=np.array(self.kinds, dtype=np.uint32),
            constants=felts_from_ints([k % FIELD_ORDER for k in self.kind_of]),
            wides=np.frombuffer(data, dtype="<u8").astype(np.uint64).reshape(-1, WIDE_WORDS),
            wire_count=wire_count,
        )
        check_tape(tape)
        return tape


def record(plan: Sequence[Step], wire_count: int) -> Tape:
    """Write a plan as a tape.

    Args:
        plan: The steps.
        wire_count: Wires of the construction.
    """
    recorder = _Recorder()
    for hint, wire, args in plan:
        _RECORDERS[hint](recorder, wire, args)
    return recorder.tape(wire_count)


def _linear(r: _Recorder, wire: int, of: LC) -> None:
    r.step(Action.LINEAR, wire, of)


def _product(r: _Recorder, wire: int, factors: tuple[LC, LC]) -> None:
    r.step(Action.PRODUCT, wire, *factors)


def _either(r: _Recorder, wire: int, args: tuple[LC, LC]) -> None:
    r.step(Action.EITHER, wire, *args)


def _choice(r: _Recorder, wire: int, args: tuple[LC, LC, LC]) -> None:
    r.step(Action.CHOICE, wire, *args)


def _bits(r: _Recorder, wire: int, args: tuple[LC, int, int]) -> None:
    of, base, width = args
    r.step(Action.BITS, wire, lc.shift(of, -base), count=max(width - 1, 0))


def _all_bits(r: _Recorder, wire: int, args: tuple[LC, int]) -> None:
    of, width = args
    r.step(Action.ALL_BITS, wire, of, count=width)


def _zero_test(r: _Recorder, wire: int, of: LC) -> None:
    r.step(Action.ZERO_TEST, wire, of)


def _inverse(r: _Recorder, wire: int, of: LC) -> None:
    r.step(Action.INVERSE, wire, of)


def _divided(action: Action) -> Callable[[_Recorder, int, Any], None]:
    def write(
        r: _Recorder, wire: int, args: tuple[tuple[Exact, ...], tuple[Exact, ...], int, int]
    ) -> None:
        a, b, base, count = args
        r.wide_step(action, wire, count, (), (a, b), (base,))

    return write


def _divide_modulo(
    r: _Recorder, wire: int, args: tuple[tuple[Exact, ...], tuple[Exact, ...], int, int, int]
) -> None:
    a, b, m, base, count = args
    r.wide_step(Action.DIVIDE_MODULO, wire, count, (), (a, b), (base, m))


def _check_unit(_r: _Recorder, _wire: int, _args: tuple[Any, ...]) -> None:
    """Nothing: the step that looks for the inverse comes next, and stops where there is none."""


def _check_range(r: _Recorder, wire: int, args: tuple[Any, ...]) -> None:
    path, limbs, low, high, _ = args
    r.wide_step(Action.CHECK_RANGE, wire, 0, (path,), (limbs,), (low, high))


def _check_truth(r: _Recorder, wire: int, args: tuple[Any, ...]) -> None:
    path, cond, _ = args
    r.step(Action.CHECK_TRUTH, wire, path, cond)


_RECORDERS: dict[Hint, Callable[[_Recorder, int, Any], None]] = {
    witness.linear: _linear,
    witness.product: _product,
    witness.either: _either,
    witness.choice: _choice,
    witness.bits: _bits,
    witness.all_bits: _all_bits,
    witness.zero_test: _zero_test,
    witness.inverse: _inverse,
    witness.quotient: _divided(Action.QUOTIENT),
    witness.remainder: _divided(Action.REMAINDER),
    witness.inverse_modulo: _divided(Action.INVERSE_MODULO),
    witness.divide_modulo: _divide_modulo,
    witness.check_unit: _check_unit,
    witness.check_range: _check_range,
    witness.check_truth: _check_truth,
}
