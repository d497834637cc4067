"""Keccak's permutation in native code.

Nothing is gained by vectors: a round's rotations all differ, and AVX2 has none.

Source: Keccak reference 3.0; FIPS 202 with Keccak's own padding, as Ethereum uses it.
"""

from collections.abc import Sequence
from typing import Final

from numen.kernels.keccak import LANES, ROTATIONS, ROUNDS, round_constants
from numen.kernels.llvm import Callee, Function, Module, Value, const

UNROLLED: Final = 4
"""Rounds in the body of the loop; a divisor of `ROUNDS`. With 24 it takes a third longer."""


def write_permutation(module: Module) -> Callee:
    """Keccak-f[1600] on 25 words in memory."""
    params = {"state": "ptr noalias"}
    f = module.function("keccak_f", "void", params, internal=True, attributes="nounwind noinline")
    places = [f.gep("i64", f.params[0], i) for i in range(LANES)]
    constants = module.words("keccak_constants", round_constants())
    lanes = [f.load("i64", place) for place in places]
    with f.loop(0, ROUNDS, step=UNROLLED, carried=lanes) as loop:
        state: Sequence[Value] = loop.carried
        for i in range(UNROLLED):
            constant = f.load("i64", f.gep("i64", constants, f.add(loop.index, i)))
            state = _round(f, state, constant)
        loop.advance(*state)
    for lane, place in zip(loop.carried, places, strict=True):
        f.store(lane, place)
    f.ret()
    return f.callee


def _round(f: Function, a: Sequence[Value], constant: Value) -> list[Value]:
    """Theta, rho, pi, chi and iota; lane (x, y) is word x + 5 y."""
    columns = []
    for x in range(5):
        parity = a[x]
        for y in range(1, 5):
            parity = f.xor(parity, a[x + 5 * y])
        columns.append(parity)
    moved: list[Value] = [constant] * LANES
    for x in range(5):
        change = f.xor(columns[(x + 4) % 5], _rotate(f, columns[(x + 1) % 5], 1))
        for y in range(5):
            lane = _rotate(f, f.xor(a[x + 5 * y], change), ROTATIONS[x][y])
            moved[y + 5 * ((2 * x + 3 * y) % 5)] = lane
    result = []
    for y in range(5):
        row = moved[5 * y : 5 * y + 5]
        for x in range(5):
            mask = f.and_(f.not_(row[(x + 1) % 5]), row[(x + 2) % 5])
            result.append(f.xor(row[x], mask))
    result[0] = f.xor(result[0], constant)
    return result


def _rotate(f: Function, a: Value, count: int) -> Value:
    return f.intrinsic("llvm.fshl.i64", "i64", a, a, const("i64", count)) if count else a
