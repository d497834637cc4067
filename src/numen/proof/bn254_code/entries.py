"""What Python calls of the native code for BN254. Points come and go in the bytes of EIP-196.

add(data, out)                  ``x1 ‖ y1 ‖ x2 ‖ y2``, finite points of the curve, to ``x ‖ y``
multiply(data, out)             ``x ‖ y ‖ scalar``, a finite point of the curve, to ``x ‖ y``
multiples(data, out)            ``x ‖ y`` to its first multiples, projective words
in_g2(data)                     1 where a finite point of the twist is in the subgroup, else 0
line_table(data, out)           a point of G2 to the lines of its Miller loop, words
miller(data, scratch, n, out)   n pairs to the product of their Miller loops, words
pairing(data, scratch, n)       1 where the product of n pairings is one, else 0
groth16(...)                    see `numen.proof.bn254_code.groth16`
"""

import ctypes
import functools
from collections.abc import Sequence
from typing import Any, Final

from numen.kernels import compiler
from numen.kernels.bn254 import FQ
from numen.kernels.llvm import Callee, Function, Module, Value, const
from numen.proof.bn254_code import groth16
from numen.proof.bn254_code.felts import WORD_BYTES, Arithmetic, from_bytes, read, write
from numen.proof.bn254_code.groups import G1, G2, MULTIPLES, Points, write_in_g2
from numen.proof.bn254_code.pairing import FQ12_WORDS, PAIR_WORDS, TABLE_WORDS, Pairing

POINT_BYTES: Final = 2 * WORD_BYTES
PAIR_BYTES: Final = PAIR_WORDS * WORD_BYTES
TABLE_BYTES: Final = TABLE_WORDS * WORD_BYTES
MULTIPLES_BYTES: Final = MULTIPLES * 3 * WORD_BYTES
VALUE_BYTES: Final = FQ12_WORDS * WORD_BYTES

ORDER_OF_POINT2: Final = (1, 0, 3, 2)
"""Which word of the bytes each word of a point of G2 is: EIP-197 writes the second first."""

_SCRATCH_BYTES: Final = POINT_BYTES + 8 + TABLE_BYTES
"""What a product of pairings needs for each: a point, an address, lines."""


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

    Cost: about 0.5 milliseconds and 0.25 for each pair, and 20 KiB of memory for each.
    """
    return bool(_native().pairing(b"".join(pairs), _scratch(len(pairs)), len(pairs)))


def multiples(data: bytes) -> bytes:
    """The first multiples of a finite point of G1, in the form that `check_groth16` takes."""
    out = ctypes.create_string_buffer(MULTIPLES_BYTES)
    _native().multiples(data, out)
    return out.raw


def line_table(data: bytes) -> bytes:
    """The lines of a finite point of G2, in the form that `check_groth16` takes."""
    out = ctypes.create_string_buffer(TABLE_BYTES)
    _native().line_table(data, out)
    return out.raw


def miller_value(pairs: Sequence[bytes]) -> bytes:
    """The product of the values of some Miller loops, in the form that `check_groth16` takes."""
    out = ctypes.create_string_buffer(VALUE_BYTES)
    _native().miller(b"".join(pairs), _scratch(len(pairs)), len(pairs), out)
    return out.raw


def check_groth16(proof: bytes, key: bytes, scalars: Sequence[int]) -> int:
    """Check a proof; see `numen.proof.bn254_code.groth16` for what the bytes are.

    Args:
        proof: 256 bytes.
        key: A value, two tables of lines, and the multiples of a point for each scalar.
        scalars: Numbers of at most 256 bits.

    Returns:
        `groth16.ACCEPTED`, `groth16.REJECTED` or `groth16.NOT_IN_G2`.
    """
    count = len(scalars)
    assert len(proof) == 8 * WORD_BYTES
    assert len(key) == groth16.KEY_WORDS * WORD_BYTES + count * MULTIPLES_BYTES
    words = b"".join([scalar.to_bytes(WORD_BYTES, "little") for scalar in scalars])
    digits = max([scalar.bit_length() + 3 for scalar in scalars], default=0) // 4
    table = ctypes.create_string_buffer(TABLE_BYTES)
    return int(_native().groth16(proof, key, words, count, digits, table))


def load() -> None:
    """Load the native code into this process, compiled or from the cache.

    Raises:
        CompileError: It cannot be had on this machine.
    """
    _native()


def is_loaded() -> bool:
    """Tell whether this process has the native code already."""
    return bool(_native.cache_info().currsize)


def _scratch(count: int) -> Any:
    return ctypes.create_string_buffer(max(count, 1) * _SCRATCH_BYTES)


def bn254_text() -> str:
    """A module with these functions."""
    module = Module()
    arithmetic = Arithmetic(module)
    points, pairing = Points(arithmetic, G1), Pairing(arithmetic)
    _write_add(arithmetic, points)
    _write_multiply(arithmetic, points)
    _write_multiples(arithmetic, points)
    _write_line_table(arithmetic, pairing)
    miller = _write_miller(arithmetic, pairing)
    _write_pairing(arithmetic, pairing, miller)
    groth16.write_groth16(arithmetic, points, pairing, _write_in_g2(arithmetic))
    return str(module)


class _Native:
    """The functions, linked into this process."""

    def __init__(self) -> None:
        library = compiler.load(bn254_text())
        code, integer = ctypes.c_char_p, ctypes.c_int64
        memory = ctypes.c_void_p
        self.add: Any = library.function("add", None, code, memory)
        self.multiply: Any = library.function("multiply", None, code, memory)
        self.multiples: Any = library.function("multiples", None, code, memory)
        self.in_g2: Any = library.function("in_g2", integer, code)
        self.line_table: Any = library.function("line_table", None, code, memory)
        self.miller: Any = library.function("miller", None, code, memory, integer, memory)
        self.pairing: Any = library.function("pairing", integer, code, memory, integer)
        self.groth16: Any = library.function(
            "groth16", integer, code, code, code, integer, integer, memory
        )


@functools.cache
def _native() -> _Native:
    return _Native()


def _write_multiply(arithmetic: Arithmetic, points: Points) -> None:
    f = arithmetic.module.function("multiply", "void", {"data": "ptr", "out": "ptr"})
    data, out = f.params
    point, product = f.alloca("i256", points.size), f.alloca("i256", points.size)
    scalar = f.alloca("i256")
    _read_point(f, arithmetic, data, point)
    word = f.byte_swap(f.load("i256", f.gep("i256", data, 2), align=1))
    f.store(word, scalar)
    f.call(points.multiply, product, point, scalar, const("i64", 64))
    _to_bytes(f, arithmetic, product, out)
    f.ret()


def _write_multiples(arithmetic: Arithmetic, points: Points) -> None:
    f = arithmetic.module.function("multiples", "void", {"data": "ptr", "out": "ptr"})
    data, out = f.params
    point = f.alloca("i256", points.size)
    _read_point(f, arithmetic, data, point)
    f.call(points.multiples, out, point)
    f.ret()


def _write_add(arithmetic: Arithmetic, points: Points) -> None:
    f = arithmetic.module.function("add", "void", {"data": "ptr", "out": "ptr"})
    data, out = f.params
    a, b = f.alloca("i256", points.size), f.alloca("i256", points.size)
    for point, at in ((a, 0), (b, 2)):
        _read_point(f, arithmetic, f.gep("i256", data, at), point)
    f.call(points.add, a, a, b)
    _to_bytes(f, arithmetic, a, out)
    f.ret()


def _read_point(f: Function, arithmetic: Arithmetic, data: Value, point: Value) -> None:
    """Emit reading a finite point of G1 as a projective one."""
    x, y = (from_bytes(f, arithmetic, data, index) for index in (0, 1))
    write(f, (x, y, 1), point)


def _to_bytes(f: Function, arithmetic: Arithmetic, point: Value, out: Value) -> None:
    """Emit writing a projective point of G1 as its coordinates."""
    x, y, z = read(f, arithmetic, point, G1.point)
    # The inverse of zero is zero, and makes infinity the zeros that stand for it.
    inverse = pow(z, -1, FQ.prime)
    for index, coordinate in enumerate((x, y)):
        plain = f.call(arithmetic.product, (coordinate * inverse).value, const("i256", 1))
        f.store(f.byte_swap(plain), f.gep("i256", out, index), align=1)


def _read_point2(f: Function, arithmetic: Arithmetic, data: Value, point: Value) -> None:
    """Emit reading a finite point of G2 as an affine one."""
    write(f, tuple(from_bytes(f, arithmetic, data, index) for index in ORDER_OF_POINT2), point)


def _write_in_g2(arithmetic: Arithmetic) -> Callee:
    points = Points(arithmetic, G2)
    check = write_in_g2(arithmetic, points)
    f = arithmetic.module.function("in_g2", "i64", {"data": "ptr"})
    (data,) = f.params
    point = f.alloca("i256", points.size)
    _read_point2(f, arithmetic, data, point)
    write(f, (1, 0), f.gep("i256", point, len(ORDER_OF_POINT2)))
    f.ret(f.call(check, point))
    return f.callee


def _write_line_table(arithmetic: Arithmetic, pairing: Pairing) -> None:
    f = arithmetic.module.function("line_table", "void", {"data": "ptr", "out": "ptr"})
    data, out = f.params
    point = f.alloca("i256", len(ORDER_OF_POINT2))
    _read_point2(f, arithmetic, data, point)
    f.call(pairing.lines, out, point)
    f.ret()


def _write_miller(arithmetic: Arithmetic, pairing: Pairing) -> Callee:
    names = {"data": "ptr", "scratch": "ptr", "n": "i64", "out": "ptr"}
    f = arithmetic.module.function("miller", "void", names)
    data, scratch, n, out = f.params
    point2 = f.alloca("i256", len(ORDER_OF_POINT2))
    form, table_form = f"[{PAIR_WORDS} x i256]", f"[{TABLE_WORDS} x i256]"
    tables = f.gep("[2 x i256]", scratch, n)
    places = f.gep(table_form, tables, n)
    with f.loop(0, n) as loop:
        pair, table = f.gep(form, data, loop.index), f.gep(table_form, tables, loop.index)
        point = tuple(from_bytes(f, arithmetic, pair, index) for index in (0, 1))
        write(f, point, f.gep("[2 x i256]", scratch, loop.index))
        _read_point2(f, arithmetic, f.gep("i256", pair, 2), point2)
        f.call(pairing.lines, table, point2)
        f.store(table, f.gep("ptr", places, loop.index))
    f.call(pairing.miller_loop, out, scratch, places, n)
    f.ret()
    return f.callee


def _write_pairing(arithmetic: Arithmetic, pairing: Pairing, miller: Callee) -> None:
    names = {"data": "ptr", "scratch": "ptr", "n": "i64"}
    f = arithmetic.module.function("pairing", "i64", names)
    value = f.alloca("i256", FQ12_WORDS)
    f.call(miller, *f.params, value)
    f.ret(f.call(pairing.is_one, value))
