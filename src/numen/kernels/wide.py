"""Division of wide words, as LLVM functions.

LLVM turns ``udiv i128`` into a call of libgcc and ``udiv i256`` into a loop over bits (two
microseconds). These functions divide limb by limb instead: Knuth's algorithm D on 64-bit limbs,
over the machine's own 128-by-64 division where there is one (``divq`` of x86-64).

    udiv urem sdiv srem   of i128 and i256      (a, b)    -> a / b, a mod b
    addmod mulmod         of i256               (a, b, m) -> (a + b) mod m, (a * b) mod m

Every function is total: a divisor of zero gives zero, and the most negative number divided by -1
gives itself. Signed division truncates, and the sign of a remainder is the dividend's.

Divisors of four limbs go through a reciprocal: see `reciprocal`.

Source: Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D; Warren, Hacker's
Delight, 2nd edition, 9-4 and 9-5.
"""

import platform

from numen.kernels import reciprocal
from numen.kernels.llvm import Callee, Function, Label, Module, Value, const

WIDTHS = {
    "udiv": (128, 256),
    "urem": (128, 256),
    "sdiv": (128, 256),
    "srem": (128, 256),
    "addmod": (256,),
    "mulmod": (256,),
}
"""Every operation, and the widths in bits it exists for."""

_PAIR = "{i64, i64}"


def has_divq() -> bool:
    """Whether this machine divides 128 bits by 64 in one instruction."""
    return platform.machine() in {"x86_64", "AMD64"}


def division(module: Module, operation: str, bits: int, *, native: bool | None = None) -> Callee:
    """The function of an operation; its text joins the module when it is first asked for.

    Args:
        module: Where the caller is.
        operation: A key of `WIDTHS`.
        bits: One of its widths.
        native: Whether to use ``divq``; by default, where the machine has it.

    Returns:
        A callee of two (``addmod``, ``mulmod``: three) words that returns a word.
    """
    assert bits in WIDTHS[operation]
    name = name_of(operation, bits)
    if name in module.provided:
        word = f"i{bits}"
        return module.declare(name, word, (word,) * (3 if operation.endswith("mod") else 2))
    if name not in module.functions:
        _need_primitive(module, native=native)
        _write(module, name, operation, bits)
    return module.functions[name].callee


def name_of(operation: str, bits: int) -> str:
    """Name of the function of an operation, where it is defined or provided."""
    return f"numen.{operation}{bits}"


def divide2by1(f: Function, high: Value, low: Value, d: Value) -> tuple[Value, Value]:
    """Emit (high, low) divided by d, all i64; high < d, so that the quotient fits."""
    _need_primitive(f.module, native=None)
    return _divide2by1(f, high, low, d)


def _write(module: Module, name: str, operation: str, bits: int) -> None:
    word = f"i{bits}"
    operands = "abm" if operation.endswith("mod") else "ab"
    f = module.function(name, word, dict.fromkeys(operands, word), internal=True)
    match operation:
        case "udiv" | "urem":
            (_unsigned128 if bits == 128 else _unsigned256)(f, quotient=operation == "udiv")
        case "sdiv" | "srem":
            _signed(f, operation)
        case "addmod":
            _addmod(f)
        case "mulmod":
            _mulmod(f)


def _high(f: Function, a: Value) -> Value:
    """The upper 64 bits of an i128."""
    return f.trunc(f.lshr(a, 64), "i64")


def _join(f: Function, high: Value, low: Value) -> Value:
    """An i128 of two i64."""
    return f.or_(f.shl(f.zext(high, "i128"), 64), f.zext(low, "i128"))


def _leading_zeros(f: Function, a: Value) -> Value:
    return f.intrinsic(f"llvm.ctlz.{a.type}", a.type, a, const("i1", 0))


def _unsigned128(f: Function, *, quotient: bool) -> None:
    """Hacker's Delight's udivdi3, one size up: at most two 128-by-64 divisions."""
    a, b = f.params
    zero = const("i128", 0)
    with f.when(f.icmp("ult", a, b)):
        f.ret(zero if quotient else a)
    with f.when(f.icmp("ule", b, 2**64 - 1)):
        small = f.trunc(b, "i64")
        with f.when(f.icmp("eq", small, 0), likely=False):
            f.ret(zero)
        with f.when(f.icmp("ult", _high(f, a), small), likely=True):
            q, r = _divide2by1(f, _high(f, a), f.trunc(a, "i64"), small)
            f.ret(f.zext(q if quotient else r, "i128"))
        q1, r1 = _divide2by1(f, const("i64", 0), _high(f, a), small)
        q0, r0 = _divide2by1(f, r1, f.trunc(a, "i64"), small)
        f.ret(_join(f, q1, q0) if quotient else f.zext(r0, "i128"))
    # b has more than 64 bits, so the quotient has less: estimate it from the top of b, which
    # is at most one too large once halved, and correct.
    shift = _leading_zeros(f, _high(f, b))
    top = _high(f, f.shl(b, f.zext(shift, "i128")))
    half = f.lshr(a, 1)
    q, _ = _divide2by1(f, _high(f, half), f.trunc(half, "i64"), top)
    estimate = f.lshr(q, f.sub(const("i64", 63), shift))
    guess = f.sub(estimate, f.zext(f.icmp("ne", estimate, 0), "i64"))
    rest = f.sub(a, f.mul(f.zext(guess, "i128"), b))
    over = f.icmp("uge", rest, b)
    if quotient:
        f.ret(f.zext(f.add(guess, f.zext(over, "i64")), "i128"))
    else:
        f.ret(f.select(over, f.sub(rest, b), rest))


def _unsigned256(f: Function, *, quotient: bool) -> None:
    """Quick ways for small operands, algorithm D for the rest."""
    a, b = f.params
    zero = const("i256", 0)
    with f.when(f.icmp("ult", a, b)):
        f.ret(zero if quotient else a)
    # b <= a from here on, so a small dividend means a small divisor.
    with f.when(f.icmp("ule", a, 2**128 - 1)):
        half = division(f.module, "udiv" if quotient else "urem", 128)
        f.ret(f.zext(f.call(half, f.trunc(a, "i128"), f.trunc(b, "i128")), "i256"))
    with f.when(f.icmp("eq", b, 0), likely=False):
        f.ret(zero)
    pair = f.call(_long_division(f.module, 4), a, b)
    f.ret(f.extract(pair, 0 if quotient else 1, "i256"))


def _signed(f: Function, operation: str) -> None:
    """Divide magnitudes, then give the result its sign."""
    a, b = f.params
    bits = int(a.type[1:])
    a_negative, b_negative = f.icmp("slt", a, 0), f.icmp("slt", b, 0)
    unsigned = division(f.module, "u" + operation[1:], bits)
    size = f.call(unsigned, f.select(a_negative, f.neg(a), a), f.select(b_negative, f.neg(b), b))
    negative = a_negative if operation == "srem" else f.xor(a_negative, b_negative)
    f.ret(f.select(negative, f.neg(size), size))


def _addmod(f: Function) -> None:
    a, b, m = f.params
    with f.when(f.icmp("eq", m, 0), likely=False):
        f.ret(const("i256", 0))
    rem = division(f.module, "urem", 256)
    total, over = f.overflow("uadd", f.call(rem, a, m), f.call(rem, b, m))
    # Both are below m, so one subtraction is enough, and it wraps back what the sum wrapped.
    large = f.or_(over, f.icmp("uge", total, m))
    f.ret(f.select(large, f.sub(total, m), total))


def _mulmod(f: Function) -> None:
    a, b, m = f.params
    with f.when(f.icmp("eq", m, 0), likely=False):
        f.ret(const("i256", 0))
    with f.when(f.icmp("ule", f.or_(a, b), 2**128 - 1)):
        f.ret(f.call(division(f.module, "urem", 256), f.mul(a, b), m))
    product = f.mul(f.zext(a, "i512"), f.zext(b, "i512"))
    f.ret(f.extract(f.call(_long_division(f.module, 8), product, m), 1, "i256"))


def _long_division(module: Module, limbs: int) -> Callee:
    """A dividend of 4 or 8 limbs by a divisor of 4, not zero: quotient (low 256) and rest."""
    name = f"numen.divide{limbs}by4"
    if name in module.functions:
        return module.functions[name].callee
    wide, pair = f"i{64 * limbs}", "{i256, i256}"
    f = module.function(name, pair, {"a": wide, "d": "i256"}, internal=True)
    a, d = f.params
    # One limb more than the dividend has, for the bits that normalising shifts out of it.
    u, v = f.alloca("i64", limbs + 2), f.alloca("i64", 4)
    q = f.alloca("i64", limbs + 2)
    with f.when(f.icmp("ule", d, 2**64 - 1)):
        f.ret(_by_one_limb(f, a, d, limbs))
    with f.when(f.icmp("ugt", d, 2**192 - 1)):
        quotient, rest = reciprocal.divide(f, a, d, lambda top: _inverse(f, top))
        result = f.insert(Value(pair, "poison"), quotient, 0)
        f.ret(f.insert(result, rest, 1))
    zeros = f.trunc(_leading_zeros(f, d), "i64")
    count = f.sub(const("i64", 4), f.lshr(zeros, 6))
    shift = f.and_(zeros, 63)
    wider = f"i{64 * (limbs + 1)}"
    f.store(f.shl(f.zext(a, wider), f.zext(shift, wider)), u, align=8)
    f.store(f.shl(d, f.zext(shift, "i256")), v, align=8)
    for i in range(4):
        f.store(const("i64", 0), f.gep("i64", q, i))
    f.call(_knuth_d(module), u, v, q, const("i64", limbs), count)
    # The rest is the low `count` limbs of u; what lies above them is zero by then.
    rest = f.lshr(f.load("i256", u, align=8), f.zext(shift, "i256"))
    result = f.insert(Value(pair, "poison"), f.load("i256", q, align=8), 0)
    f.ret(f.insert(result, rest, 1))
    return f.callee


def _inverse(f: Function, d: Value) -> Value:
    """``(2**128 - 1) / d - 2**64`` of a normalised limb."""
    return _divide2by1(f, f.not_(d), const("i64", -1), d)[0]


def _by_one_limb(f: Function, a: Value, d: Value, limbs: int) -> Value:
    """Long division by a single digit, from the top limb down."""
    digit, rest = f.trunc(d, "i64"), const("i64", 0)
    quotient = const("i256", 0)
    for i in reversed(range(limbs)):
        limb = f.trunc(f.lshr(a, 64 * i), "i64")
        q, rest = _divide2by1(f, rest, limb, digit)
        if i < 4:
            quotient = f.or_(quotient, f.shl(f.zext(q, "i256"), 64 * i))
    result = f.insert(Value("{i256, i256}", "poison"), quotient, 0)
    return f.insert(result, f.zext(rest, "i256"), 1)


def _knuth_d(module: Module) -> Callee:
    """Algorithm D: u (m + 1 limbs) becomes the rest, q gets m - n + 1 limbs; n >= 2.

    The divisor v (n limbs) is normalised: its top bit is set.
    """
    name = "numen.knuth"
    if name in module.functions:
        return module.functions[name].callee
    params = {"u": "ptr noalias", "v": "ptr noalias", "q": "ptr noalias", "m": "i64", "n": "i64"}
    f = module.function(name, "void", params, internal=True)
    u, v, q, m, n = f.params
    v1 = f.load("i64", f.gep("i64", v, f.sub(n, 1)))
    v0 = f.load("i64", f.gep("i64", v, f.sub(n, 2)))
    with f.loop(f.sub(m, n), -1, step=-1) as digit:
        window = f.gep("i64", u, digit.index)
        top = f.gep("i64", window, n)
        u2, u1, u0 = (f.load("i64", f.gep("i64", top, -i)) for i in range(3))
        guess = f.call(_digit(module), u2, u1, u0, v1, v0)
        borrow = _multiply_subtract(f, window, v, n, guess)
        f.store(f.sub(u2, borrow), top)
        place = f.gep("i64", q, digit.index)
        f.store(guess, place)
        # Once in 2**63 the guess is one too large.
        with f.when(f.icmp("ult", u2, borrow), likely=False):
            carry = _add_back(f, window, v, n)
            f.store(f.add(f.load("i64", top), carry), top)
            f.store(f.sub(guess, 1), place)
    f.ret()
    return f.callee


def _multiply_subtract(f: Function, u: Value, v: Value, n: Value, digit: Value) -> Value:
    """Subtract: u -= digit * v over n limbs; the limb still to be subtracted above them."""
    with f.loop(0, n, carried=[const("i64", 0)]) as loop:
        place = f.gep("i64", u, loop.index)
        limb = f.load("i64", f.gep("i64", v, loop.index))
        product = f.mul(f.zext(digit, "i128"), f.zext(limb, "i128"))
        product = f.add(product, f.zext(loop.carried[0], "i128"))
        rest, under = f.overflow("usub", f.load("i64", place), f.trunc(product, "i64"))
        f.store(rest, place)
        loop.advance(f.add(_high(f, product), f.zext(under, "i64")))
    return loop.carried[0]


def _add_back(f: Function, u: Value, v: Value, n: Value) -> Value:
    """Add: u += v over n limbs; the carry."""
    with f.loop(0, n, carried=[const("i64", 0)]) as loop:
        place = f.gep("i64", u, loop.index)
        limb = f.load("i64", f.gep("i64", v, loop.index))
        total = f.add(f.zext(f.load("i64", place), "i128"), f.zext(limb, "i128"))
        total = f.add(total, f.zext(loop.carried[0], "i128"))
        f.store(f.trunc(total, "i64"), place)
        loop.advance(_high(f, total))
    return loop.carried[0]


def _digit(module: Module) -> Callee:
    """Guess a digit of the quotient from three limbs over two: right, or one too large."""
    name = "numen.digit"
    if name in module.functions:
        return module.functions[name].callee
    params = dict.fromkeys(("u2", "u1", "u0", "v1", "v0"), "i64")
    f = module.function(name, "i64", params, internal=True)
    u2, u1, u0, v1, v0 = f.params
    full, check, give = f.block("full"), f.block("check"), f.block("give")
    plain = f.block("plain")
    f.cond_br(f.icmp("uge", u2, v1), full, plain, likely=False)
    f.at(full)
    # u2 = v1: the guess is the largest digit, and the rest u1 + v1, if it is a limb.
    rest, over = f.overflow("uadd", u1, v1)
    largest = const("i64", -1)
    f.cond_br(over, give, check)
    f.at(plain)
    q, r = _divide2by1(f, u2, u1, v1)
    after_plain = f.current
    f.br(check)
    f.at(check)
    guess = f.phi("i64", (largest, full), (q, after_plain))
    remainder = f.phi("i64", (rest, full), (r, after_plain))
    product = f.mul(f.zext(guess, "i128"), f.zext(v0, "i128"))
    lower = f.block("lower")
    f.cond_br(f.icmp("ugt", product, _join(f, remainder, u0)), lower, give)
    f.at(lower)
    less = f.sub(guess, 1)
    more, done = f.overflow("uadd", remainder, v1)
    f.incoming(guess, less, lower)
    f.incoming(remainder, more, lower)
    f.cond_br(done, give, check)
    f.at(give)
    f.ret(f.phi("i64", (largest, full), (guess, check), (less, lower)))
    return f.callee


def _need_primitive(module: Module, *, native: bool | None) -> None:
    if "numen.div2by1" not in module.functions:
        _write_primitive(module, native=has_divq() if native is None else native)


def _divide2by1(f: Function, high: Value, low: Value, d: Value) -> tuple[Value, Value]:
    """(high, low) divided by d; high < d, so that the quotient fits."""
    pair = f.call(f.module.functions["numen.div2by1"].callee, high, low, d)
    return f.extract(pair, 0, "i64"), f.extract(pair, 1, "i64")


def _write_primitive(module: Module, *, native: bool) -> None:
    params = dict.fromkeys(("high", "low", "d"), "i64")
    attributes = "nounwind alwaysinline" if native else "nounwind"
    f = module.function("numen.div2by1", _PAIR, params, internal=True, attributes=attributes)
    high, low, d = f.params
    if native:
        constraints = "={ax},={dx},{ax},{dx},r,~{flags}"
        f.ret(f.asm(_PAIR, "divq $4", constraints, low, high, d))
    else:
        _portable2by1(f)


def _portable2by1(f: Function) -> None:
    """Hacker's Delight's divlu: two digits of 32 bits, each guessed and corrected."""
    high, low, d = f.params
    shift = _leading_zeros(f, d)
    d = f.shl(d, shift)
    dividend = f.shl(_join(f, high, low), f.zext(shift, "i128"))
    rest, lower = _high(f, dividend), f.trunc(dividend, "i64")
    digits = []
    for part in (f.lshr(lower, 32), f.and_(lower, 2**32 - 1)):
        digit = _half_digit(f, rest, part, d)
        digits.append(digit)
        rest = f.sub(f.or_(f.shl(rest, 32), part), f.mul(digit, d))
    pair = f.insert(Value(_PAIR, "poison"), f.or_(f.shl(digits[0], 32), digits[1]), 0)
    f.ret(f.insert(pair, f.lshr(rest, shift), 1))


def _half_digit(f: Function, u: Value, part: Value, d: Value) -> Value:
    """The quotient of u * 2**32 + part by d, exactly; u < d, and d is normalised."""
    d1, d0 = f.lshr(d, 32), f.and_(d, 2**32 - 1)
    q, r = f.udiv(u, d1), f.urem(u, d1)
    before: Label = f.current
    check, lower, done = f.block("check"), f.block("lower"), f.block("found")
    f.br(check)
    f.at(check)
    guess, rest = f.phi("i64", (q, before)), f.phi("i64", (r, before))
    too_wide = f.icmp("ugt", guess, 2**32 - 1)
    too_large = f.icmp("ugt", f.mul(guess, d0), f.or_(f.shl(rest, 32), part))
    f.cond_br(f.or_(too_wide, too_large), lower, done)
    f.at(lower)
    less, more = f.sub(guess, 1), f.add(rest, d1)
    f.incoming(guess, less, lower)
    f.incoming(rest, more, lower)
    stop = f.icmp("ugt", more, 2**32 - 1)
    f.cond_br(stop, done, check)
    f.at(done)
    return f.phi("i64", (guess, check), (less, lower))
