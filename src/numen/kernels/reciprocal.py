"""Division by four limbs through a reciprocal: what `wide` does where the divisor is that long.

Moduli of 256 bits are what wide remainders are mostly for. All is unrolled, and a digit of the
quotient costs some multiplications where the machine's own division takes several times as long.

Source: Möller and Granlund, "Improved division by invariant integers", IEEE Transactions on
Computers 60 (2011), algorithms 5 and 6; Knuth, volume 2, 4.3.1, for the correction of a digit.
"""

from collections.abc import Callable, Sequence

from numen.kernels.llvm import Function, Value, const

LIMBS = 4
"""Limbs of the divisor; its highest is not zero."""


def divide(
    f: Function, dividend: Value, divisor: Value, invert: Callable[[Value], Value]
) -> tuple[Value, Value]:
    """Emit the division of a word of at least four limbs.

    Args:
        f: Function being written.
        dividend: ``i256`` or wider, a multiple of 64 bits.
        divisor: ``i256`` whose highest limb is not zero.
        invert: Emits ``(2**128 - 1) / d - 2**64``, rounded down, of an i64 with its top bit set.

    Returns:
        The quotient modulo 2**256 and the rest, both i256.
    """
    limbs = int(dividend.type[1:]) // 64
    a, d = _limbs(f, dividend, limbs), _limbs(f, divisor, LIMBS)
    shift = f.leading_zeros(d[-1])
    zero = const("i64", 0)
    v = [_shifted(f, high, low, shift) for high, low in zip(d, [zero, *d], strict=False)]
    u = [_shifted(f, high, low, shift) for high, low in zip([*a, zero], [zero, *a], strict=True)]
    inverse = _inverse(f, v[3], v[2], invert(v[3]))
    # Fewer bits are above the first digit than the divisor has: the rest is below it throughout.
    rest = _joined(f, u[-LIMBS:])
    digits = []
    for limb in reversed(u[:-LIMBS]):
        digit, rest = _digit(f, rest, limb, v, inverse)
        digits.append(digit)
    quotient = _joined(f, digits[::-1][:LIMBS])
    # The rest is a multiple of the shift's power of two: nothing comes in from above.
    r = _limbs(f, rest, LIMBS)
    back = [
        f.intrinsic("llvm.fshr.i64", "i64", high, low, shift)
        for high, low in zip([*r[1:], zero], r, strict=True)
    ]
    return quotient, _joined(f, back)


def _digit(
    f: Function, rest: Value, limb: Value, v: Sequence[Value], inverse: Value
) -> tuple[Value, Value]:
    """One digit: the rest and one more limb over the divisor."""
    r0, r1, r2, r3 = _limbs(f, rest, LIMBS)
    divisor = _joined(f, v)
    window = _joined(f, [limb, r0, r1, r2])
    top, bound = _pair(f, r3, r2), _pair(f, v[3], v[2])
    usual, equal, done = f.block("usual"), f.block("equal"), f.block("digit")
    f.cond_br(f.icmp("ult", top, bound), usual, equal, likely=True)
    f.at(equal)
    # The digit is the largest there is: subtract the divisor 2**64 times, and give it back once.
    shifted = f.shl(divisor, 64)
    rest_equal = f.add(f.sub(window, shifted), divisor)
    f.br(done)
    f.at(usual)
    guess, above = _three_by_two(f, (r3, r2, r1), bound, inverse)
    low = f.mul(f.zext(guess, "i128"), f.zext(v[0], "i128"))
    high = f.add(f.mul(f.zext(guess, "i128"), f.zext(v[1], "i128")), f.zext(_high(f, low), "i128"))
    product = _joined(f, [_low(f, low), _low(f, high), _high(f, high), const("i64", 0)])
    upper = _joined(f, [limb, r0, _low(f, above), _high(f, above)])
    less, is_below = f.overflow("usub", upper, product)
    fix = f.block("fix")
    f.cond_br(is_below, fix, done, likely=False)
    f.at(fix)
    fixed, fewer = f.add(less, divisor), f.sub(guess, 1)
    f.br(done)
    f.at(done)
    digit = f.phi("i64", (const("i64", -1), equal), (guess, usual), (fewer, fix))
    return digit, f.phi("i256", (rest_equal, equal), (less, usual), (fixed, fix))


def _three_by_two(
    f: Function, u: tuple[Value, Value, Value], d: Value, inverse: Value
) -> tuple[Value, Value]:
    """Algorithm 5: quotient and rest of three limbs by two, of which the upper two are less."""
    u2, u1, u0 = u
    d1, d0 = _high(f, d), _low(f, d)
    estimate = f.mul(f.zext(inverse, "i128"), f.zext(u2, "i128"))
    estimate = f.add(estimate, _pair(f, u2, u1))
    q1, q0 = _high(f, estimate), _low(f, estimate)
    r1 = f.sub(u1, f.mul(q1, d1))
    taken = f.mul(f.zext(d0, "i128"), f.zext(q1, "i128"))
    rest = f.sub(f.sub(_pair(f, r1, u0), taken), d)
    is_over = f.icmp("uge", _high(f, rest), q0)
    quotient = f.add(q1, f.zext(f.not_(is_over), "i64"))
    rest = f.add(rest, f.select(is_over, d, 0))
    # Hardly ever one too small still.
    is_short = f.icmp("uge", rest, d)
    quotient = f.add(quotient, f.zext(is_short, "i64"))
    return quotient, f.sub(rest, f.select(is_short, d, 0))


def _inverse(f: Function, d1: Value, d0: Value, v: Value) -> Value:
    """Algorithm 6: the reciprocal of two limbs from that of the upper one."""
    p, over = f.overflow("uadd", f.mul(d1, v), d0)
    again = f.and_(over, f.icmp("uge", p, d1))
    v = f.sub(f.sub(v, f.zext(over, "i64")), f.zext(again, "i64"))
    p = f.sub(f.sub(p, f.select(over, d1, 0)), f.select(again, d1, 0))
    product = f.mul(f.zext(v, "i128"), f.zext(d0, "i128"))
    p, over = f.overflow("uadd", p, _high(f, product))
    low = _pair(f, p, _low(f, product))
    again = f.and_(over, f.icmp("uge", low, _pair(f, d1, d0)))
    return f.sub(f.sub(v, f.zext(over, "i64")), f.zext(again, "i64"))


def _shifted(f: Function, high: Value, low: Value, shift: Value) -> Value:
    return f.intrinsic("llvm.fshl.i64", "i64", high, low, shift)


def _limbs(f: Function, word: Value, count: int) -> list[Value]:
    """The lowest limbs of a word, lowest first."""
    return [f.trunc(f.lshr(word, 64 * i), "i64") for i in range(count)]


def _joined(f: Function, limbs: Sequence[Value]) -> Value:
    """An i256 of up to four limbs, lowest first."""
    word = f.zext(limbs[0], "i256")
    for i, limb in enumerate(limbs[1:], 1):
        word = f.or_(word, f.shl(f.zext(limb, "i256"), 64 * i))
    return word


def _pair(f: Function, high: Value, low: Value) -> Value:
    return f.or_(f.shl(f.zext(high, "i128"), 64), f.zext(low, "i128"))


def _high(f: Function, a: Value) -> Value:
    return f.trunc(f.lshr(a, 64), "i64")


def _low(f: Function, a: Value) -> Value:
    return f.trunc(a, "i64")
