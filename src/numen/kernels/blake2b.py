"""BLAKE2b, as native code: its compression, and a hash whose state can be taken out and put back.

`hashlib` has the hash and is faster, but does not show its state, which ceremonies keep in files.

Source: RFC 7693, section 3.2.
"""

import ctypes
import functools
import struct
from collections.abc import Callable, Sequence
from typing import Final

from numen.kernels import compiler
from numen.kernels.llvm import Callee, Function, Module, Value, const
from numen.kernels.options import Options

WORDS_BYTES: Final = struct.calcsize("<8Q16Q2Q")
"""Memory of a compression: state h, message m, offset t."""

STATE_BYTES: Final = struct.calcsize("<8Q")

BLOCK_BYTES: Final = 128

_OFFSET_PLACE: Final = STATE_BYTES + BLOCK_BYTES

_IV: Final = (
    0x6A09E667F3BCC908,
    0xBB67AE8584CAA73B,
    0x3C6EF372FE94F82B,
    0xA54FF53A5F1D36F1,
    0x510E527FADE682D1,
    0x9B05688C2B3E6C1F,
    0x1F83D9ABFB41BD6B,
    0x5BE0CD19137E2179,
)
# fmt: off
_SIGMA: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)
# fmt: on
_QUARTERS: Final = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)  # fmt: skip
"""Which words each of the eight mixings of a round takes: columns, then diagonals."""


@functools.cache
def compressor() -> Callable[[int, int, ctypes.Array[ctypes.c_char]], None]:
    """The function ``compress(rounds, final, words)``.

    ``final`` is 0, or -1 for the last block; ``words`` are h, m and t, and h is written over.
    """
    function: Callable[[int, int, ctypes.Array[ctypes.c_char]], None] = _library().function(
        "compress", None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p
    )
    return function


@functools.cache
def _absorber() -> Callable[[ctypes.Array[ctypes.c_char], bytes, int], None]:
    """The function ``absorb(words, blocks, n)``, for blocks that others follow."""
    function: Callable[[ctypes.Array[ctypes.c_char], bytes, int], None] = _library().function(
        "absorb", None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64
    )
    return function


@functools.cache
def _library() -> compiler.Library:
    return compiler.load(_text(), options=Options(passes="O2"))


def _text() -> str:
    module = Module()
    sigma = module.words("sigma", [index for row in _SIGMA for index in row])
    params = {"rounds": "i64", "final": "i64", "words": "ptr noalias"}
    f = module.function("compress", "void", params)
    rounds, final, words = f.params
    h, m, t = (f.gep("i64", words, at) for at in (0, 8, 24))
    v = [_word(f, h, i) for i in range(8)] + [const("i64", word) for word in _IV]
    v[12] = f.xor(_word(f, t, 0), v[12])
    v[13] = f.xor(_word(f, t, 1), v[13])
    v[14] = f.xor(final, v[14])
    with f.loop(0, rounds, carried=v) as loop:
        row = f.gep("i64", sigma, f.mul(f.urem(loop.index, len(_SIGMA)), 16))
        picked = [f.load("i64", f.gep("i64", m, _word(f, row, i))) for i in range(16)]
        mixed = list(loop.carried)
        for index, quarter in enumerate(_QUARTERS):
            x, y = picked[2 * index : 2 * index + 2]
            _mix(f, mixed, quarter, x, y)
        loop.advance(*mixed)
    for i in range(8):
        word = f.xor(_word(f, h, i), f.xor(loop.carried[i], loop.carried[i + 8]))
        f.store(word, f.gep("i64", h, i), align=1)
    f.ret()
    _write_absorb(module, f.callee)
    return str(module)


def _write_absorb(module: Module, compress: Callee) -> None:
    names = {"words": "ptr noalias", "blocks": "ptr noalias", "n": "i64"}
    f = module.function("absorb", "void", names)
    words, blocks, n = f.params
    m, t = f.gep("i64", words, 8), f.gep("i64", words, 24)
    with f.loop(0, n) as loop:
        block = f.gep("i8", blocks, f.mul(loop.index, BLOCK_BYTES))
        f.copy(m, block, const("i64", BLOCK_BYTES))
        f.store(f.add(f.load("i64", t, align=1), BLOCK_BYTES), t, align=1)
        f.call(compress, const("i64", 12), const("i64", 0), words)
    f.ret()


def _word(f: Function, array: Value, index: int) -> Value:
    return f.load("i64", f.gep("i64", array, index), align=1)


def _mix(f: Function, v: list[Value], quarter: Sequence[int], x: Value, y: Value) -> None:
    """Emit the function G on four of the sixteen words."""
    a, b, c, d = (v[i] for i in quarter)
    for word, (first, second) in ((x, (32, 24)), (y, (16, 63))):
        a = f.add(f.add(a, b), word)
        d = _rotate(f, f.xor(d, a), first)
        c = f.add(c, d)
        b = _rotate(f, f.xor(b, c), second)
    for i, value in zip(quarter, (a, b, c, d), strict=True):
        v[i] = value


def _rotate(f: Function, word: Value, count: int) -> Value:
    """Emit a rotation to the right."""
    return f.intrinsic("llvm.fshr.i64", "i64", word, word, const("i64", count))


class Hasher:
    """A hash of 64 bytes that takes bytes as they come.

    The last block waits, however full, until a byte follows or the hash is asked for.
    """

    def __init__(self) -> None:
        self._words = (ctypes.c_char * WORDS_BYTES)()
        # The parameters of a hash of 64 bytes without a key.
        first = _IV[0] ^ 0x01010040
        struct.pack_into("<8Q", self._words, 0, first, *_IV[1:])
        self._waiting = b""

    @property
    def length(self) -> int:
        """How many bytes were taken."""
        (done,) = struct.unpack_from("<Q", self._words, _OFFSET_PLACE)
        return int(done) + len(self._waiting)

    def update(self, data: bytes) -> None:
        """Take bytes."""
        data = self._waiting + data
        count = max(0, len(data) - 1) // BLOCK_BYTES
        if count:
            _absorber()(self._words, data, count)
        self._waiting = data[count * BLOCK_BYTES :]

    def digest(self) -> bytes:
        """The hash of what was taken; more can be taken afterwards."""
        words = type(self._words).from_buffer_copy(self._words)
        struct.pack_into(f"{BLOCK_BYTES}s", words, STATE_BYTES, self._waiting)
        struct.pack_into("<Q", words, _OFFSET_PLACE, self.length)
        compressor()(12, -1, words)
        return words.raw[:STATE_BYTES]

    def state(self) -> tuple[bytes, bytes, int]:
        """The state h, the bytes that wait, and how many bytes were taken before them."""
        return self._words.raw[:STATE_BYTES], self._waiting, self.length - len(self._waiting)

    @classmethod
    def from_state(cls, state: bytes, waiting: bytes, done: int) -> "Hasher":
        """Go on where another stopped.

        Args:
            state: 64 bytes.
            waiting: At most `BLOCK_BYTES`.
            done: A multiple of `BLOCK_BYTES` below ``2**64``.
        """
        assert len(state) == STATE_BYTES
        assert len(waiting) <= BLOCK_BYTES
        hasher = cls()
        struct.pack_into(f"{STATE_BYTES}s", hasher._words, 0, state)
        struct.pack_into("<Q", hasher._words, _OFFSET_PLACE, done)
        hasher._waiting = waiting
        return hasher
