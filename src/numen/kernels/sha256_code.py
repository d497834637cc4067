"""LLVM functions of SHA-256 of many short messages of one length.

    hash_rows (out, sources, buffer, shape)     digests of rows of several matrices, joined

`sources` is an array of (address, bytes of a row) of ``sources`` matrices. `shape` is an array of
i64, `SHAPE` names its places. The buffer has a message of ``blocks`` blocks for each lane, whose
padding is there before the call. Messages of all lanes are hashed side by side: two with the
instructions of the processor, where it has them, or eight in vectors of words.

Reference: FIPS 180-4.
"""

from collections.abc import Sequence
from math import isqrt
from typing import Protocol

from numen.kernels.llvm import Function, Module, Value, const, mangled, vector

SHAPE = ("sources", "blocks", "first", "last")
"""What the array of i64 holds: how many matrices, blocks of a message, and which rows."""

BLOCK_BYTES, DIGEST_BYTES = 64, 32

_ROUNDS = 64


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _cube_root(number: int) -> int:
    low, high = 0, 1 << (number.bit_length() // 3 + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**3 <= number else (low, middle)
    return low


_PRIMES = _primes(_ROUNDS)
START = [isqrt(prime << 64) & 0xFFFFFFFF for prime in _PRIMES[:8]]
"""The first 32 bits of the fractions of square roots: the state before the first block."""
ROUND_CONSTANTS = [_cube_root(prime << 96) & 0xFFFFFFFF for prime in _PRIMES]
"""The first 32 bits of the fractions of cube roots."""


class Engine(Protocol):
    """One way to hash some messages side by side."""

    lanes: int

    def start(self) -> list[Value]:
        """The state of all lanes before the first block."""

    def block(self, f: Function, state: Sequence[Value], places: Sequence[Value]) -> list[Value]:
        """The state after a block, which lies at one place for each lane."""

    def finish(self, f: Function, state: Sequence[Value], places: Sequence[Value]) -> None:
        """Store the digests, one place for each lane."""


class Instructions:
    """The SHA extensions of x86: a state of two registers a lane; two lanes hide latencies.

    A register holds words of the state in the order f e b a, or h g d c, lowest first.
    """

    _TYPE = "<4 x i32>"

    def __init__(self, lanes: int = 2) -> None:
        self.lanes = lanes

    def start(self) -> list[Value]:
        a, b, c, d, e, f, g, h = START
        return [vector("i32", [f, e, b, a]), vector("i32", [h, g, d, c])] * self.lanes

    def block(self, f: Function, state: Sequence[Value], places: Sequence[Value]) -> list[Value]:
        ours = list(state)
        words = [
            [_swapped(f, f.load(self._TYPE, f.gep("i32", p, 4 * i), align=4)) for i in range(4)]
            for p in places
        ]
        for i in range(0, _ROUNDS, 4):
            constants = vector("i32", ROUND_CONSTANTS[i : i + 4])
            for lane in range(self.lanes):
                pair = slice(2 * lane, 2 * lane + 2)
                ours[pair] = self._four_rounds(f, ours[pair], f.add(words[lane][0], constants))
            for lane in range(self.lanes):
                words[lane] = [*words[lane][1:], self._more(f, words[lane])]
        return [f.add(x, y) for x, y in zip(state, ours, strict=True)]

    def finish(self, f: Function, state: Sequence[Value], places: Sequence[Value]) -> None:
        for lane, place in enumerate(places):
            feba, hgdc = state[2 * lane : 2 * lane + 2]
            low, high = f.shuffle(feba, hgdc, [3, 2, 7, 6]), f.shuffle(feba, hgdc, [1, 0, 5, 4])
            f.store(_swapped(f, low), place, align=1)
            f.store(_swapped(f, high), f.gep("i32", place, 4), align=1)

    def _four_rounds(self, f: Function, state: Sequence[Value], words: Value) -> list[Value]:
        feba, hgdc = state
        hgdc = f.intrinsic("llvm.x86.sha256rnds2", self._TYPE, hgdc, feba, words)
        upper = f.shuffle(words, words, [2, 3, 0, 1])
        return [f.intrinsic("llvm.x86.sha256rnds2", self._TYPE, feba, hgdc, upper), hgdc]

    def _more(self, f: Function, words: Sequence[Value]) -> Value:
        """The next four words of the message schedule, from the sixteen before."""
        first = f.intrinsic("llvm.x86.sha256msg1", self._TYPE, words[0], words[1])
        total = f.add(first, f.shuffle(words[2], words[3], [1, 2, 3, 4]))
        return f.intrinsic("llvm.x86.sha256msg2", self._TYPE, total, words[3])


class Vectors:
    """Plain vectors: a state of eight registers with a word of every lane."""

    def __init__(self, lanes: int = 8) -> None:
        self.lanes = lanes
        self._type = f"<{lanes} x i32>"

    def start(self) -> list[Value]:
        return [const(self._type, word) for word in START]

    def block(self, f: Function, state: Sequence[Value], places: Sequence[Value]) -> list[Value]:
        words = [self._gathered(f, places, i) for i in range(16)]
        ours = list(state)
        for i in range(_ROUNDS):
            if i >= 16:
                words.append(self._next_word(f, words[i - 16 :]))
            ours = self._round(f, ours, f.add(words[i], ROUND_CONSTANTS[i]))
        return [f.add(x, y) for x, y in zip(state, ours, strict=True)]

    def finish(self, f: Function, state: Sequence[Value], places: Sequence[Value]) -> None:
        for i, words in enumerate(state):
            swapped = _swapped(f, words)
            for lane, place in enumerate(places):
                word = f.extract_lane(swapped, lane, "i32")
                f.store(word, f.gep("i32", place, i), align=1)

    def _gathered(self, f: Function, places: Sequence[Value], index: int) -> Value:
        words = const(self._type, 0)
        for lane, place in enumerate(places):
            words = f.insert_lane(words, f.load("i32", f.gep("i32", place, index)), lane)
        return _swapped(f, words)

    def _rotated(self, f: Function, a: Value, *counts: int) -> list[Value]:
        name = f"llvm.fshr.{mangled(self._type)}"
        return [f.intrinsic(name, self._type, a, a, const(self._type, n)) for n in counts]

    def _mixed(self, f: Function, a: Value, *counts: int) -> Value:
        x, y, z = self._rotated(f, a, *counts)
        return f.xor(f.xor(x, y), z)

    def _scheduled(self, f: Function, a: Value, first: int, second: int, shift: int) -> Value:
        x, y = self._rotated(f, a, first, second)
        return f.xor(f.xor(x, y), f.lshr(a, shift))

    def _next_word(self, f: Function, words: Sequence[Value]) -> Value:
        low = f.add(words[0], self._scheduled(f, words[1], 7, 18, 3))
        return f.add(low, f.add(words[9], self._scheduled(f, words[14], 17, 19, 10)))

    def _round(self, f: Function, state: Sequence[Value], word: Value) -> list[Value]:
        a, b, c, d, e, g, h, k = state
        chosen = f.xor(h, f.and_(e, f.xor(g, h)))
        first = f.add(f.add(k, word), f.add(self._mixed(f, e, 6, 11, 25), chosen))
        most = f.xor(f.and_(a, b), f.and_(c, f.xor(a, b)))
        second = f.add(self._mixed(f, a, 2, 13, 22), most)
        return [f.add(first, second), a, b, c, f.add(d, first), e, g, h]


def _swapped(f: Function, words: Value) -> Value:
    """Words of a message have the highest byte first."""
    return f.intrinsic(f"llvm.bswap.{mangled(words.type)}", words.type, words)


def hash_functions(engine: Engine) -> str:
    """The text of a module with the functions of this file."""
    module = Module()
    params = dict.fromkeys(("out", "sources", "buffer", "shape"), "ptr")
    f = module.function("hash_rows", "void", params)
    out, sources, buffer, shape = f.params
    count, blocks, first, last = (
        f.load("i64", f.gep("i64", shape, i), is_fixed=True) for i in range(len(SHAPE))
    )
    size = f.shl(blocks, BLOCK_BYTES.bit_length() - 1)
    messages = [f.gep("i8", buffer, f.mul(size, lane)) for lane in range(engine.lanes)]
    end = f.sub(last, 1)
    with f.loop(first, last, step=engine.lanes) as group:
        # Lanes beyond the last row hash it again.
        rows = [
            f.intrinsic("llvm.smin.i64", "i64", f.add(group.index, lane), end)
            for lane in range(engine.lanes)
        ]
        for row, message in zip(rows, messages, strict=True):
            _join(f, sources, count, row, message)
        with f.loop(0, blocks, carried=engine.start()) as block:
            offset = f.shl(block.index, BLOCK_BYTES.bit_length() - 1)
            places = [f.gep("i8", message, offset) for message in messages]
            block.advance(*engine.block(f, block.carried, places))
        digests = [f.gep("i8", out, f.mul(row, DIGEST_BYTES)) for row in rows]
        engine.finish(f, block.carried, digests)
    f.ret()
    return str(module)


def _join(f: Function, sources: Value, count: Value, row: Value, message: Value) -> None:
    """Copy a row of every matrix to a message, one after the other."""
    with f.loop(0, count, carried=[message]) as source:
        entry = f.gep("{ptr, i64}", sources, source.index)
        matrix, size = f.load("ptr", entry), f.load("i64", f.gep("i64", entry, 1))
        f.copy(source.carried[0], f.gep("i8", matrix, f.mul(row, size)), size)
        source.advance(f.gep("i8", source.carried[0], size))
