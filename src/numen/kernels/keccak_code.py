"""Keccak in native code: its permutation, and the sponge that absorbs a message.

A state is 25 words in memory, or 25 vectors with a word of each of several states, which are then
permuted side by side. Within one state nothing is gained by vectors: the rotations of a round all
differ.

Source: Keccak reference 3.0; FIPS 202 with Keccak's own padding, as Ethereum uses it.
"""

from collections.abc import Sequence
from typing import Final

from numen.kernels.keccak import LANES, RATE_BYTES, ROTATIONS, ROUNDS, round_constants
from numen.kernels.llvm import Callee, Function, Module, Value, const, mangled

UNROLLED: Final = 4
"""Rounds in the body of the loop; a divisor of `ROUNDS`. With 24 it takes a third longer."""

FIRST_PADDING: Final = 0x01
LAST_PADDING: Final = 0x80
"""What is added to the byte after a message, and to the last byte of its last block."""


def write_permutation(module: Module, states: int = 1) -> Callee:
    """Keccak-f[1600] of some states side by side: word i of all of them is element i."""
    word = "i64" if states == 1 else f"<{states} x i64>"
    params = {"state": "ptr noalias"}
    f = module.function("keccak_f", "void", params, internal=True, attributes="nounwind noinline")
    places = [f.gep(word, f.params[0], i) for i in range(LANES)]
    constants = module.words("keccak_constants", round_constants())
    lanes = [f.load(word, place) for place in places]
    with f.loop(0, ROUNDS, step=UNROLLED, carried=lanes) as loop:
        state: Sequence[Value] = loop.carried
        for i in range(UNROLLED):
            constant = f.load("i64", f.gep("i64", constants, f.add(loop.index, i)))
            state = _round(f, state, constant if states == 1 else f.splat(constant, states))
        loop.advance(*state)
    for lane, place in zip(loop.carried, places, strict=True):
        f.store(lane, place)
    f.ret()
    return f.callee


def write_sponge(f: Function, permute: Callee, data: Value, length: Value) -> Value:
    """Write into a function the absorption of a message; the state, which begins with its hash."""
    state = f.alloca("i64", LANES)
    f.fill(state, 0, const("i64", 8 * LANES))
    blocks = f.udiv(length, RATE_BYTES)
    with f.loop(0, blocks, carried=[data]) as loop:
        _absorb(f, state, loop.carried[0], const("i64", RATE_BYTES // 8))
        f.call(permute, state)
        loop.advance(f.gep("i8", loop.carried[0], RATE_BYTES))
    rest = f.sub(length, f.mul(blocks, RATE_BYTES))
    tail = loop.carried[0]
    words = f.lshr(rest, 3)
    _absorb(f, state, tail, words)
    with f.loop(f.shl(words, 3), rest) as byte:
        _xor_byte(f, f.gep("i8", state, byte.index), f.load("i8", f.gep("i8", tail, byte.index)))
    _xor_byte(f, f.gep("i8", state, rest), const("i8", FIRST_PADDING))
    _xor_byte(f, f.gep("i8", state, RATE_BYTES - 1), const("i8", LAST_PADDING))
    f.call(permute, state)
    return state


def _absorb(f: Function, state: Value, data: Value, words: Value) -> None:
    with f.loop(0, words) as word:
        place = f.gep("i64", state, word.index)
        given = f.load("i64", f.gep("i64", data, word.index), 1)
        f.store(f.xor(f.load("i64", place), given), place)


def _xor_byte(f: Function, place: Value, byte: Value) -> None:
    f.store(f.xor(f.load("i8", place), byte), place)


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
    if not count:
        return a
    return f.intrinsic(f"llvm.fshl.{mangled(a.type)}", a.type, a, a, const(a.type, count))
