"""Powers modulo a number of many limbs, in native code.

An odd modulus q takes Montgomery's form (`numen.kernels.montgomery` says what that is), a power of
two products that are cut off. Another modulus is one times the other, and the two powers are put
together: ``x = x_q + q * ((x_2 - x_q) / q mod 2**k)``.

Source: Koç, Acar, Kaliski, "Analyzing and Comparing Montgomery Multiplication Algorithms", IEEE
Micro 16 (1996), method CIOS; Menezes et al., "Handbook of Applied Cryptography", algorithm 14.82,
for the window.
"""

import ctypes
import functools
from typing import Any, Final

from numen.kernels import compiler
from numen.kernels.llvm import Callee, Function, Module, Value, const
from numen.kernels.options import Options

MODULUS_BYTES_MAX: Final = 4096
"""Beyond it Python's own algorithms, whose cost grows more slowly, are as fast."""

_EXPONENT_BITS_MIN: Final = 48
"""Below it Python has finished before native code could begin."""

_WINDOW_BITS: Final = 4
_WINDOW_WORTH_BITS: Final = 128
"""An exponent of so many bits pays for a table of 16 powers."""

_LIMB_BITS: Final = 64


def power(base: int, exponent: int, modulus: int) -> int:
    """Compute ``base ** exponent % modulus``.

    Args:
        base: Not negative.
        exponent: Not negative.
        modulus: Positive.

    Cost: for n limbs, about ``2 * n**2`` nanoseconds for each bit of the exponent.
    """
    size = (modulus.bit_length() + 7) // 8
    if size > MODULUS_BYTES_MAX or exponent.bit_length() < _EXPONENT_BITS_MIN:
        return pow(base, exponent, modulus)
    twos = (modulus & -modulus).bit_length() - 1
    odd = modulus >> twos
    result = _odd_power(base, exponent, odd) if odd > 1 else 0
    if twos:
        cut = (1 << twos) - 1
        even_result = _cut_power(base & cut, exponent, twos)
        result += odd * ((even_result - result) * pow(odd, -1, 1 << twos) & cut)
    return result


def _odd_power(base: int, exponent: int, modulus: int) -> int:
    limbs = -(-modulus.bit_length() // _LIMB_BITS)
    radix_bits = _LIMB_BITS * limbs
    radix = 1 << radix_bits
    factor = -pow(modulus, -1, 1 << _LIMB_BITS) % (1 << _LIMB_BITS)
    numbers = (modulus, radix % modulus, (base << radix_bits) % modulus, 1)
    return _run(_native().power_odd, numbers, exponent, limbs, factor)


def _cut_power(base: int, exponent: int, bits: int) -> int:
    limbs = -(-bits // _LIMB_BITS)
    result = _run(_native().power_cut, (0, 1, base, 1), exponent, limbs, 0)
    return result & ((1 << bits) - 1)


def _run(function: Any, numbers: tuple[int, ...], exponent: int, limbs: int, factor: int) -> int:
    size = 8 * limbs
    window = _WINDOW_BITS if exponent.bit_length() >= _WINDOW_WORTH_BITS else 1
    given = b"".join([number.to_bytes(size, "little") for number in numbers])
    digits = exponent.to_bytes((exponent.bit_length() + 7) // 8, "little")
    out = ctypes.create_string_buffer(size)
    # The table, the running product, and the two limbs more that a product needs.
    scratch = ctypes.create_string_buffer(size * ((1 << window) + 2) + 16)
    function(out, given, limbs, factor, digits, 8 * len(digits) // window, window, scratch)
    return int.from_bytes(out.raw, "little")


class _Native:
    """The functions, linked into this process."""

    def __init__(self) -> None:
        library = compiler.load(powers_text(), options=Options(passes="O2"))
        i64, pointer, text = ctypes.c_int64, ctypes.c_void_p, ctypes.c_char_p
        params = (pointer, text, i64, ctypes.c_uint64, text, i64, i64, pointer)
        self.power_odd: Any = library.function("power_odd", None, *params)
        self.power_cut: Any = library.function("power_cut", None, *params)


@functools.cache
def _native() -> _Native:
    return _Native()


def powers_text() -> str:
    """A module with two functions, for an odd modulus and for a power of two.

    ``(out, numbers, limbs, factor, digits, count, window, scratch)``, where ``numbers`` are the
    modulus, the form of 1, the form of the base and 1, limb after limb, and ``digits`` the exponent
    in ``count`` digits of ``window`` bits, 1 or 4, all with the lowest first.
    """
    module = Module()
    _write_power(module, "power_odd", _write_odd_product(module))
    _write_power(module, "power_cut", _write_cut_product(module))
    return str(module)


_PRODUCT: Final = {
    "out": "ptr",
    "a": "ptr",
    "b": "ptr",
    "modulus": "ptr",
    "limbs": "i64",
    "factor": "i64",
    "room": "ptr",
}
"""Parameters of a product; ``room`` has two limbs more than a number, ``out`` may be ``a`` or b."""


def _limb(f: Function, number: Value, index: Value | int) -> Value:
    return f.gep("i64", number, index)


def _multiply_add(f: Function, a: Value, b: Value, c: Value, d: Value) -> tuple[Value, Value]:
    """The two limbs of ``a + b * c + d``, low and high, which cannot overflow them."""
    wide = f.mul(f.zext(b, "i128"), f.zext(c, "i128"))
    wide = f.add(f.add(wide, f.zext(a, "i128")), f.zext(d, "i128"))
    return f.trunc(wide, "i64"), f.trunc(f.lshr(wide, 64), "i64")


def _write_odd_product(module: Module) -> Callee:
    f = module.function("product_odd", "void", _PRODUCT, internal=True)
    out, a, b, modulus, limbs, factor, room = f.params
    zero = const("i64", 0)
    f.fill(room, 0, f.shl(f.add(limbs, 2), 3))
    with f.loop(0, limbs) as outer:
        digit = f.load("i64", _limb(f, b, outer.index), 8)
        low, carry = _multiply_add(f, f.load("i64", room), f.load("i64", a, 8), digit, zero)
        multiple = f.mul(low, factor)
        _, carry_back = _multiply_add(f, low, multiple, f.load("i64", modulus, 1), zero)
        with f.loop(1, limbs, carried=[carry, carry_back]) as inner:
            carry, carry_back = inner.carried
            at = _limb(f, room, inner.index)
            limb = f.load("i64", _limb(f, a, inner.index), 8)
            low, carry = _multiply_add(f, f.load("i64", at), limb, digit, carry)
            limb = f.load("i64", _limb(f, modulus, inner.index), 1)
            low, carry_back = _multiply_add(f, low, limb, multiple, carry_back)
            f.store(low, f.gep("i64", at, -1))
            inner.advance(carry, carry_back)
        carry, carry_back = inner.carried
        top = _limb(f, room, limbs)
        wide = f.add(f.zext(f.load("i64", top), "i128"), f.zext(carry, "i128"))
        wide = f.add(wide, f.zext(carry_back, "i128"))
        f.store(f.trunc(wide, "i64"), f.gep("i64", top, -1))
        f.store(f.trunc(f.lshr(wide, 64), "i64"), top)
    _write_reduced(f, out, room, modulus, limbs)
    f.ret()
    return f.callee


def _write_reduced(f: Function, out: Value, room: Value, modulus: Value, limbs: Value) -> None:
    """Emit copying a number below twice the modulus, less the modulus where that fits."""
    with f.loop(0, limbs, carried=[const("i64", 0)]) as loop:
        limb = f.zext(f.load("i64", _limb(f, room, loop.index)), "i128")
        less = f.zext(f.load("i64", _limb(f, modulus, loop.index), 1), "i128")
        rest = f.sub(f.sub(limb, less), f.zext(loop.carried[0], "i128"))
        f.store(f.trunc(rest, "i64"), _limb(f, out, loop.index), 8)
        loop.advance(f.trunc(f.lshr(rest, 127), "i64"))
    top = f.load("i64", _limb(f, room, limbs))
    with f.when(f.icmp("ult", top, loop.carried[0])):
        f.copy(out, room, f.shl(limbs, 3))


def _write_cut_product(module: Module) -> Callee:
    f = module.function("product_cut", "void", _PRODUCT, internal=True)
    out, a, b, _, limbs, _, room = f.params
    f.fill(room, 0, f.shl(limbs, 3))
    with f.loop(0, limbs) as outer:
        digit = f.load("i64", _limb(f, b, outer.index), 8)
        target = _limb(f, room, outer.index)
        with f.loop(0, f.sub(limbs, outer.index), carried=[const("i64", 0)]) as inner:
            at = _limb(f, target, inner.index)
            limb = f.load("i64", _limb(f, a, inner.index), 8)
            low, carry = _multiply_add(f, f.load("i64", at), limb, digit, inner.carried[0])
            f.store(low, at)
            inner.advance(carry)
    f.copy(out, room, f.shl(limbs, 3))
    f.ret()
    return f.callee


def _write_power(module: Module, name: str, product: Callee) -> None:
    params = {
        "out": "ptr",
        "numbers": "ptr",
        "limbs": "i64",
        "factor": "i64",
        "digits": "ptr",
        "count": "i64",
        "window": "i64",
        "scratch": "ptr",
    }
    f = module.function(name, "void", params)
    out, modulus, limbs, factor, digits, count, window, scratch = f.params
    one, base, plain_one = (_limb(f, modulus, f.mul(limbs, i)) for i in (1, 2, 3))
    size = f.shl(limbs, 3)
    entries = f.shl(const("i64", 1), window)
    table, room = scratch, f.gep("i8", scratch, f.mul(entries, size))

    def multiply(to: Value, a: Value, b: Value) -> None:
        f.call(product, to, a, b, modulus, limbs, factor, room)

    f.copy(table, one, size)
    with f.loop(1, entries) as loop:
        entry = f.gep("i8", table, f.mul(loop.index, size))
        multiply(entry, f.gep("i8", entry, f.sub(const("i64", 0), size)), base)
    f.copy(out, one, size)
    with f.loop(f.sub(count, 1), -1, step=-1) as loop:
        with f.loop(0, window):
            multiply(out, out, out)
        bit = f.mul(loop.index, window)
        byte = f.zext(f.load("i8", f.gep("i8", digits, f.lshr(bit, 3))), "i64")
        digit = f.and_(f.lshr(byte, f.and_(bit, 7)), f.sub(entries, 1))
        with f.when(f.icmp("ne", digit, 0)):
            multiply(out, out, f.gep("i8", table, f.mul(digit, size)))
    multiply(out, out, plain_one)
    f.ret()
