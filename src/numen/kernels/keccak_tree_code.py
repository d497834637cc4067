"""LLVM functions that hash many messages with Keccak-256, and fold digests into a Merkle tree.

    digests (data, ends, count, out)   of messages that lie one after the other, up to where each
                                       ends, counted in bytes from ``data``
    leaves (rows, count, out)          of ``0 ‖ row``, rows of 32 bytes
    nodes (rows, count, out)           of ``1 ‖ row``, rows of 64 bytes

`STATES` messages are hashed side by side, a word of each in a vector. Those that are shorter than
others wait until all are done; what their lanes then hold is thrown away. ``out`` may be where the
rows are.
"""

from collections.abc import Sequence
from typing import Final

from numen.kernels.keccak import LANES, RATE_BYTES
from numen.kernels.keccak_code import FIRST_PADDING, LAST_PADDING, write_permutation
from numen.kernels.llvm import Callee, Function, Module, Value, const

DIGEST_BYTES: Final = 32

STATES: Final = 4
"""As many as registers of AVX2 hold; with eight in AVX-512 it takes an eighth less."""

_WORDS: Final = RATE_BYTES // 8
_VECTOR: Final = f"<{STATES} x i64>"
_SHAPES: Final = {"leaves": (0, DIGEST_BYTES), "nodes": (1, 2 * DIGEST_BYTES)}
"""Tag of a hash of the tree, and bytes of what is hashed after it (RFC 6962, section 2.1)."""


def keccak_tree_functions() -> str:
    """The text of a module with the functions of this file."""
    module = Module()
    permute = write_permutation(module, STATES)
    _write_digests(module, permute)
    for name in _SHAPES:
        _write_rows(module, permute, name)
    return str(module)


class _Sponge:
    """States side by side in memory, and a block of each."""

    def __init__(self, f: Function, permute: Callee) -> None:
        self._f = f
        self._permute = permute
        self._state = f.alloca(_VECTOR, LANES, align=32)
        self.blocks = [f.alloca("i8", RATE_BYTES) for _ in range(STATES)]

    def clear(self) -> None:
        """Begin with new messages."""
        self._f.fill(self._state, 0, const("i64", 8 * LANES * STATES))

    def absorb(self) -> None:
        """Take a block of each message."""
        f = self._f
        for index in range(_WORDS):
            words = const(_VECTOR, 0)
            for lane, block in enumerate(self.blocks):
                words = f.insert_lane(words, f.load("i64", f.gep("i64", block, index)), lane)
            place = f.gep(_VECTOR, self._state, index)
            f.store(f.xor(f.load(_VECTOR, place), words), place)
        f.call(self._permute, self._state)

    def squeeze(self, lane: int, to: Value) -> None:
        """Write the digest of one message, wherever it may lie."""
        f = self._f
        for index in range(DIGEST_BYTES // 8):
            words = f.load(_VECTOR, f.gep(_VECTOR, self._state, index))
            f.store(f.extract_lane(words, lane, "i64"), f.gep("i64", to, index), 1)


def _write_digests(module: Module, permute: Callee) -> None:
    names = dict.fromkeys(("data", "ends", "count", "out"), "ptr") | {"count": "i64"}
    f = module.function("digests", "void", names)
    data, ends, count, out = f.params
    sponge = _Sponge(f, permute)
    with f.loop(0, count, step=STATES) as group:
        sponge.clear()
        places = _members(f, group.index, count)
        starts, sizes = zip(*(_extent(f, ends, place) for place in places), strict=True)
        rounds = _most(f, [f.udiv(size, RATE_BYTES) for size in sizes])
        with f.loop(0, f.add(rounds, 1)) as turn:
            done = f.mul(turn.index, RATE_BYTES)
            for start, size, block in zip(starts, sizes, sponge.blocks, strict=True):
                _fill(f, block, f.gep("i8", data, f.add(start, done)), f.sub(size, done))
            sponge.absorb()
            for lane, (place, size) in enumerate(zip(places, sizes, strict=True)):
                with f.when(f.icmp("eq", f.udiv(size, RATE_BYTES), turn.index)):
                    sponge.squeeze(lane, f.gep("i8", out, f.mul(place, DIGEST_BYTES)))
    f.ret()


def _write_rows(module: Module, permute: Callee, name: str) -> None:
    """Define the hash of rows of one size, below a block, after a tag."""
    tag, size = _SHAPES[name]
    f = module.function(name, "void", {"rows": "ptr", "count": "i64", "out": "ptr"})
    rows, count, out = f.params
    sponge = _Sponge(f, permute)
    for block in sponge.blocks:
        f.fill(block, 0, const("i64", RATE_BYTES))
        f.store(const("i8", tag), block)
        f.store(const("i8", FIRST_PADDING), f.gep("i8", block, 1 + size))
        f.store(const("i8", LAST_PADDING), f.gep("i8", block, RATE_BYTES - 1))
    with f.loop(0, count, step=STATES) as group:
        sponge.clear()
        places = _members(f, group.index, count)
        for place, block in zip(places, sponge.blocks, strict=True):
            row = f.gep("i8", rows, f.mul(place, size))
            f.copy(f.gep("i8", block, 1), row, const("i64", size))
        sponge.absorb()
        for lane, place in enumerate(places):
            sponge.squeeze(lane, f.gep("i8", out, f.mul(place, DIGEST_BYTES)))
    f.ret()


def _members(f: Function, first: Value, count: Value) -> list[Value]:
    """The messages of a group; lanes beyond the last hash it again."""
    end = f.sub(count, 1)
    return [f.intrinsic("llvm.smin.i64", "i64", f.add(first, i), end) for i in range(STATES)]


def _extent(f: Function, ends: Value, place: Value) -> tuple[Value, Value]:
    """Where a message begins, and how long it is."""
    before = f.gep("i64", ends, place)
    start, end = f.load("i64", before), f.load("i64", f.gep("i64", before, 1))
    return start, f.sub(end, start)


def _most(f: Function, numbers: Sequence[Value]) -> Value:
    most = numbers[0]
    for number in numbers[1:]:
        most = f.intrinsic("llvm.smax.i64", "i64", most, number)
    return most


def _fill(f: Function, block: Value, source: Value, left: Value) -> None:
    """Copy what is left of a message into a block, padded if this is its last.

    Of a message that has ended before nothing is read.
    """
    f.fill(block, 0, const("i64", RATE_BYTES))
    least = f.intrinsic("llvm.smin.i64", "i64", left, const("i64", RATE_BYTES))
    f.copy(block, source, f.intrinsic("llvm.smax.i64", "i64", least, const("i64", 0)))
    is_last = f.and_(f.icmp("sge", left, 0), f.icmp("slt", left, RATE_BYTES))
    with f.when(is_last):
        f.store(const("i8", FIRST_PADDING), f.gep("i8", block, left))
        last = f.gep("i8", block, RATE_BYTES - 1)
        f.store(f.xor(f.load("i8", last), LAST_PADDING), last)
