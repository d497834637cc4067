"""What Python calls of the native code for BN254. Points come and go in the bytes of EIP-196.

multiply(data, out)         ``x ‖ y ‖ scalar``, a finite point of the curve, to ``x ‖ y``
in_g2(data)                 1 where a finite point of the twist is in the subgroup, else 0
pairing(data, scratch, n)   1 where the product of n pairings is one, else 0
"""

import ctypes
import functools
from collections.abc import Sequence
from typing import Any

from numen.kernels import compiler
from numen.kernels.bn254 import FQ
from numen.kernels.llvm import Function, Module, Value, const
from numen.proof.bn254_code.felts import WORD_BYTES, Arithmetic, Felt, read, write
from numen.proof.bn254_code.groups import G1, G2, Points, write_in_g2
from numen.proof.bn254_code.pairing import PAIR_WORDS, RUNNING_WORDS, write_pairing

POINT_BYTES = 2 * WORD_BYTES
PAIR_BYTES = PAIR_WORDS * WORD_BYTES

_ORDER_OF_PAIR = (0, 1, 3, 2, 5, 4)
"""Which word of the bytes each word of a pair is: EIP-197 writes the second coefficient first."""

_SCRATCH_BYTES = (PAIR_WORDS + RUNNING_WORDS) * WORD_BYTES


def add(data: bytes) -> bytes:
    """Add two finite points of G1, in 128 bytes.

    Returns:
        The sum in 64 bytes, zeros for infinity.

    Cost: about 12 microseconds.
    """
    out = ctypes.create_string_buffer(POINT_BYTES)
    _native().add(data, out)
    return out.raw


def multiply(data: bytes) -> bytes:
    """Multiply a finite point of G1 by a number; both valid, in 96 bytes.

    Returns:
        The product in 64 bytes, zeros for infinity.

    Cost: about 75 microseconds; the first call of these on a machine compiles for two seconds.
    """
    out = ctypes.create_string_buffer(POINT_BYTES)
    _native().multiply(data, out)
    return out.raw


def is_in_g2(data: bytes) -> bool:
    """Tell whether a finite point of the twist, in 128 bytes, is in the subgroup.

    Cost: about 100 microseconds.
    """
    return bool(_native().in_g2(data))


def is_product_one(pairs: Sequence[bytes]) -> bool:
    """Tell whether the product of pairings is one.

    Args:
        pairs: In 192 bytes each; finite points of the two groups.

    Cost: about 0.5 milliseconds, and 0.25 for each pair.
    """
    scratch = ctypes.create_string_buffer(max(len(pairs), 1) * _SCRATCH_BYTES)
    return bool(_native().pairing(b"".join(pairs), scratch, len(pairs)))


def bn254_text() -> str:
    """A module with these functions."""
    module = Module()
    arithmetic = Arithmetic(module)
    points = Points(arithmetic, G1)
    _write_add(arithmetic, points)
    _write_multiply(arithmetic, points)
    _write_in_g2(arithmetic)
    _write_pairing(arithmetic)
    return str(module)


class _Native:
    """The functions, linked into this process."""

    def __init__(self) -> None:
        library = compiler.load(bn254_text())
        self.add: Any = library.function("add", None, ctypes.c_char_p, ctypes.c_void_p)
        self.multiply: Any = library.function("multiply", None, ctypes.c_char_p, ctypes.c_void_p)
        self.in_g2: Any = library.function("in_g2", ctypes.c_int64, ctypes.c_char_p)
        self.pairing: Any = library.function(
            "pairing", ctypes.c_int64, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int64
        )


@functools.cache
def _native() -> _Native:
    return _Native()


def _from_bytes(f: Function, arithmetic: Arithmetic, data: Value, index: int) -> Felt:
    """Emit reading a coordinate: big-endian, not in Montgomery form."""
    word = f.byte_swap(f.load("i256", f.gep("i256", data, index), align=1))
    # The form of the form of 1, times a plain number, is the number's form.
    radix = const("i256", FQ.square_of_radix)
    return Felt(f, arithmetic, f.call(arithmetic.product, radix, word))


def _write_multiply(arithmetic: Arithmetic, points: Points) -> None:
    f = arithmetic.module.function("multiply", "void", {"data": "ptr", "out": "ptr"})
    data, out = f.params
    point, product = f.alloca("i256", points.size), f.alloca("i256", points.size)
    scalar = f.alloca("i256")
    coordinates = (_from_bytes(f, arithmetic, data, index) for index in (0, 1))
    write(f, (*coordinates, 1), point)
    word = f.byte_swap(f.load("i256", f.gep("i256", data, 2), align=1))
    f.store(word, scalar)
    f.call(points.multiply, product, point, scalar, const("i64", 64))
    _to_bytes(f, arithmetic, product, out)
    f.ret()


def _write_add(arithmetic: Arithmetic, points: Points) -> None:
    f = arithmetic.module.function("add", "void", {"data": "ptr", "out": "ptr"})
    data, out = f.params
    a, b = f.alloca("i256", points.size), f.alloca("i256", points.size)
    for point, at in ((a, 0), (b, 2)):
        x, y = (_from_bytes(f, arithmetic, data, at + index) for index in (0, 1))
        write(f, (x, y, 1), point)
    f.call(points.add, a, a, b)
    _to_bytes(f, arithmetic, a, out)
    f.ret()


def _to_bytes(f: Function, arithmetic: Arithmetic, point: Value, out: Value) -> None:
    """Emit writing a projective point of G1 as its coordinates."""
    x, y, z = read(f, arithmetic, point, G1.point)
    # The inverse of zero is zero, and makes infinity the zeros that stand for it.
    inverse = pow(z, -1, FQ.prime)
    for index, coordinate in enumerate((x, y)):
        plain = f.call(arithmetic.product, (coordinate * inverse).value, const("i256", 1))
        f.store(f.byte_swap(plain), f.gep("i256", out, index), align=1)


def _write_in_g2(arithmetic: Arithmetic) -> None:
    points = Points(arithmetic, G2)
    check = write_in_g2(arithmetic, points)
    f = arithmetic.module.function("in_g2", "i64", {"data": "ptr"})
    (data,) = f.params
    point = f.alloca("i256", points.size)
    x1, x0, y1, y0 = (_from_bytes(f, arithmetic, data, index) for index in range(4))
    write(f, (x0, x1, y0, y1, (1, 0)), point)
    f.ret(f.call(check, point))


def _write_pairing(arithmetic: Arithmetic) -> None:
    pair = write_pairing(arithmetic)
    params = {"data": "ptr", "scratch": "ptr", "n": "i64"}
    f = arithmetic.module.function("pairing", "i64", params)
    data, scratch, n = f.params
    form = f"[{PAIR_WORDS} x i256]"
    with f.loop(0, n) as loop:
        source, target = (f.gep(form, array, loop.index) for array in (data, scratch))
        words = tuple(_from_bytes(f, arithmetic, source, index) for index in _ORDER_OF_PAIR)
        write(f, words, target)
    f.ret(f.call(pair, scratch, f.gep(form, scratch, n), n))
