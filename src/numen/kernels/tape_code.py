"""An LLVM function that follows a tape: the steps that fill the wires of a circuit.

The tape is data, so one function serves every circuit and is compiled once. A step is eight
integers: its operation, the first wire it fills, a count, the first of its combinations, how many
of those make its first and its second operand, the first of its wide constants, and nothing.

    LINEAR        wire = x
    PRODUCT       wire = x * y
    EITHER        wire = 1 where x and y differ, else 0
    CHOICE        wire = y where x is not zero, else z
    BITS          the bits of x from the second up, so many
    ALL_BITS      the bits of x, so many
    ZERO_TEST     wire = 1 / x, or 0 for 0; the next one = whether x is zero
    INVERSE       wire = 1 / x; stops where x is zero
    QUOTIENT      the bits of a / b - base, so many; stops where b is not positive
    REMAINDER     the bits of a mod b - base, so many; stops where b is not positive
    CHECK_RANGE   stops where x is not zero and a is not between two constants
    CHECK_TRUTH   stops where x is not zero and y is
    INVERSE_MODULO  the bits of 1 / a modulo b, less base, so many; stops where there is none
    DIVIDE_MODULO   the bits of a / b modulo a constant, less base, so many; stops likewise

Here x, y and z are combinations: sums of wires times constants. The operands a and b are integers
of up to seven limbs, ``sum((low + combination) * 2**(64 * i))``.

The values of wires are plain numbers below the prime. Constants come twice, plain and in Montgomery
form, so that a constant times a value is one product.
"""

from collections.abc import Callable
from enum import IntEnum

from numen.kernels import montgomery, wide
from numen.kernels.llvm import Callee, Function, Label, Module, Value, const
from numen.kernels.montgomery import Field, load

STEP_WORDS = 8
"""Integers of a step."""

LIMBS_MAX = 7
"""Limbs of an operand of a division or a range check."""

WIDE_BITS = 704
"""Of the integers that seven limbs make, and their sign: each limb has 254 bits, and 64 more."""

_WORD, _WIDE = "i256", f"i{WIDE_BITS}"
_ARRAYS = ("values", "starts", "wires", "kinds", "plain", "forms", "wides")


class Action(IntEnum):
    """The operation of a step."""

    LINEAR = 0
    PRODUCT = 1
    EITHER = 2
    CHOICE = 3
    BITS = 4
    ALL_BITS = 5
    ZERO_TEST = 6
    INVERSE = 7
    QUOTIENT = 8
    REMAINDER = 9
    CHECK_RANGE = 10
    CHECK_TRUTH = 11
    INVERSE_MODULO = 12
    DIVIDE_MODULO = 13


def tape_function(field: Field, *, mulx: bool) -> str:
    """The text of a module with one function.

    ``follow(steps, count, values, starts, wires, kinds, plain, forms, wides)`` gives the number of
    the step that it stopped at, or ``count``.
    """
    return str(_Writer(field, mulx=mulx).module)


class _Writer:
    """The function being written."""

    def __init__(self, field: Field, *, mulx: bool) -> None:
        self.module = Module()
        self.field = field
        self.times = montgomery.word_product(self.module, field, mulx=mulx)
        self.invert = montgomery.word_inverse(self.module, field, mulx=mulx)
        self.dot = self._dot()
        self.divide = self._divide()
        self.invert_modulo = self._invert_modulo()
        params = {"steps": "ptr", "count": "i64"} | dict.fromkeys(_ARRAYS, "ptr")
        self.f = f = self.module.function("follow", "i64", params)
        self.arrays = f.params[2:]
        self.values, self.wides = f.params[2], f.params[-1]
        self._loop(f.params[0], f.params[1])

    def _dot(self) -> Callee:
        """The value of a combination."""
        params = dict.fromkeys(_ARRAYS[:-1], "ptr") | {"index": "i64"}
        f = self.module.function("dot", _WORD, params, internal=True)
        values, starts, wires, kinds, plain, forms, index = f.params
        begin = f.load("i64", f.gep("i64", starts, index))
        end = f.load("i64", f.gep("i64", starts, f.add(index, 1)))
        with f.loop(begin, end, carried=[const(_WORD, 0)]) as term:
            wire = f.zext(f.load("i32", f.gep("i32", wires, term.index)), "i64")
            kind = f.zext(f.load("i32", f.gep("i32", kinds, term.index)), "i64")
            value = load(f, f.gep(_WORD, values, wire))
            scaled = self._scaled(f, value, kind, plain, forms)
            term.advance(montgomery.add(f, self.field, term.carried[0], scaled))
        f.ret(term.carried[0])
        return f.callee

    def _scaled(self, f: Function, value: Value, kind: Value, plain: Value, forms: Value) -> Value:
        """A value times a constant; without a product where the value is 0 or 1."""
        small, large, done = f.block("small"), f.block("large"), f.block("scaled")
        f.cond_br(f.icmp("ult", value, 2), small, large)
        f.at(small)
        constant = load(f, f.gep(_WORD, plain, kind))
        low = f.select(f.icmp("eq", value, 0), const(_WORD, 0), constant)
        f.br(done)
        f.at(large)
        ones, others = f.block("ones"), f.block("others")
        f.cond_br(f.icmp("eq", kind, 0), ones, others)
        f.at(ones)
        f.br(done)
        f.at(others)
        high = f.call(self.times, value, load(f, f.gep(_WORD, forms, kind)))
        last = f.current
        f.br(done)
        f.at(done)
        return f.phi(_WORD, (low, small), (value, ones), (high, last))

    def _divide(self) -> Callee:
        """Quotient of integers that are not negative, bit by bit; the divisor is positive."""
        f = self.module.function("divide", _WIDE, {"a": _WIDE, "b": _WIDE}, internal=True)
        a, b = f.params
        both = f.or_(a, b)
        with f.when(f.icmp("eq", f.lshr(both, 64), 0), likely=True):
            f.ret(f.zext(f.udiv(f.trunc(a, "i64"), f.trunc(b, "i64")), _WIDE))
        with f.when(f.icmp("eq", f.lshr(both, 256), 0), likely=True):
            by = wide.division(self.module, "udiv", 256)
            f.ret(f.zext(f.call(by, f.trunc(a, _WORD), f.trunc(b, _WORD)), _WIDE))
        skipped = f.trunc(f.leading_zeros(a), "i64")
        zero = const(_WIDE, 0)
        top = f.shl(a, f.zext(skipped, _WIDE))
        with f.loop(skipped, WIDE_BITS, carried=[top, zero, zero]) as loop:
            rest, over, quotient = loop.carried
            over = f.or_(f.shl(over, 1), f.lshr(rest, WIDE_BITS - 1))
            fits = f.icmp("uge", over, b)
            over = f.sub(over, f.select(fits, b, zero))
            loop.advance(f.shl(rest, 1), over, f.or_(f.shl(quotient, 1), f.zext(fits, _WIDE)))
        f.ret(loop.carried[2])
        return f.callee

    def _invert_modulo(self) -> Callee:
        """The inverse modulo a positive number, one modulo one, and 0 where there is none.

        Euclid's algorithm keeps the size of one factor, whose signs alternate.
        """
        f = self.module.function("invert_modulo", _WIDE, {"a": _WIDE, "m": _WIDE}, internal=True)
        a, m = f.params
        zero, one = const(_WIDE, 0), const(_WIDE, 1)
        turned = f.sub(a, f.mul(_rounded_down(self, f, a, m), m))
        start, head, step, done = f.current, f.block("head"), f.block("step"), f.block("done")
        f.br(head)
        f.at(head)
        above, rest = f.phi(_WIDE, (m, start)), f.phi(_WIDE, (turned, start))
        factor_above, factor = f.phi(_WIDE, (zero, start)), f.phi(_WIDE, (one, start))
        is_even = f.phi("i1", (const("i1", 1), start))
        f.cond_br(f.icmp("eq", rest, 0), done, step)
        f.at(step)
        quotient = f.call(self.divide, above, rest)
        for phi, value in (
            (above, rest),
            (rest, f.sub(above, f.mul(quotient, rest))),
            (factor_above, factor),
            (factor, f.add(factor_above, f.mul(quotient, factor))),
            (is_even, f.not_(is_even)),
        ):
            f.incoming(phi, value, f.current)
        f.br(head)
        f.at(done)
        value = f.select(is_even, f.sub(m, factor_above), factor_above)
        f.ret(f.select(f.icmp("eq", above, 1), value, zero))
        return f.callee

    def _loop(self, steps: Value, count: Value) -> None:
        f = self.f
        with f.loop(0, count) as loop:
            step = f.gep("i64", steps, f.mul(loop.index, STEP_WORDS))
            fields = [f.load("i64", f.gep("i64", step, i)) for i in range(STEP_WORDS - 1)]
            after, stop = f.block("next"), f.block("stop")
            labels = [(action.value, f.block(action.name.lower())) for action in Action]
            f.switch(fields[0], stop, labels)
            for action, label in labels:
                f.at(label)
                _EMITTERS[Action(action)](self, fields, stop)
                f.br(after)
            f.at(stop)
            f.ret(loop.index)
            f.at(after)
        f.ret(count)

    def sum(self, index: Value, offset: int = 0) -> Value:
        """The value of a combination of a step."""
        at = self.f.add(index, offset) if offset else index
        return self.f.call(self.dot, *self.arrays[:-1], at)

    def put(self, wire: Value, value: Value, offset: int = 0) -> None:
        at = self.f.add(wire, offset) if offset else wire
        self.f.store(value, self.f.gep(_WORD, self.values, at), align=8)

    def product(self, a: Value, b: Value) -> Value:
        """The product of two plain numbers."""
        square = const(_WORD, self.field.square_of_radix)
        return self.f.call(self.times, self.f.call(self.times, square, a), b)

    def inverse(self, a: Value) -> Value:
        """One over a plain number, 0 for 0: its inverse as a form, made plain twice."""
        f, one = self.f, const(_WORD, 1)
        square = const(_WORD, self.field.square_of_radix)
        form = f.call(self.invert, f.call(self.times, square, a))
        return f.call(self.times, form, one)

    def spread(self, value: Value, first: Value, count: Value) -> None:
        """Fill wires with the bits of a value, the lowest first."""
        f = self.f
        with f.loop(0, count, carried=[value]) as loop:
            (rest,) = loop.carried
            self.put(f.add(first, loop.index), f.zext(f.trunc(rest, "i1"), _WORD))
            loop.advance(f.lshr(rest, 1))

    def constant(self, index: Value) -> Value:
        """A wide constant."""
        f = self.f
        at = f.mul(index, WIDE_BITS // 64)
        return f.load(_WIDE, f.gep("i64", self.wides, at), align=8)

    def total(self, first: Value, count: Value, lows: Value) -> Value:
        """The integer that limbs stand for."""
        f = self.f
        with f.loop(0, count, carried=[const(_WIDE, 0)]) as loop:
            limb = f.zext(self.sum(f.add(first, loop.index)), _WIDE)
            limb = f.add(limb, self.constant(f.add(lows, loop.index)))
            shift = f.zext(f.mul(loop.index, 64), _WIDE)
            loop.advance(f.add(loop.carried[0], f.shl(limb, shift)))
        return loop.carried[0]

    def stop_where(self, cond: Value, stop: Label) -> None:
        on = self.f.block("on")
        self.f.cond_br(cond, stop, on, likely=False)
        self.f.at(on)


_Emit = Callable[[_Writer, list[Value], Label], None]


def _linear(w: _Writer, s: list[Value], _: Label) -> None:
    w.put(s[1], w.sum(s[3]))


def _product(w: _Writer, s: list[Value], _: Label) -> None:
    w.put(s[1], w.product(w.sum(s[3]), w.sum(s[3], 1)))


def _either(w: _Writer, s: list[Value], _: Label) -> None:
    w.put(s[1], w.f.zext(w.f.icmp("ne", w.sum(s[3]), w.sum(s[3], 1)), _WORD))


def _choice(w: _Writer, s: list[Value], _: Label) -> None:
    taken = w.f.zext(w.f.icmp("eq", w.sum(s[3]), 0), "i64")
    w.put(s[1], w.sum(w.f.add(w.f.add(s[3], 1), taken)))


def _bits(w: _Writer, s: list[Value], _: Label) -> None:
    w.spread(w.f.lshr(w.sum(s[3]), 1), s[1], s[2])


def _all_bits(w: _Writer, s: list[Value], _: Label) -> None:
    w.spread(w.sum(s[3]), s[1], s[2])


def _zero_test(w: _Writer, s: list[Value], _: Label) -> None:
    value = w.sum(s[3])
    w.put(s[1], w.inverse(value))
    w.put(s[1], w.f.zext(w.f.icmp("eq", value, 0), _WORD), 1)


def _inverse(w: _Writer, s: list[Value], stop: Label) -> None:
    value = w.sum(s[3])
    w.stop_where(w.f.icmp("eq", value, 0), stop)
    w.put(s[1], w.inverse(value))


def _operands(w: _Writer, s: list[Value], stop: Label) -> tuple[Value, Value, Value]:
    """Both operands of a division, and its base."""
    f = w.f
    a = w.total(s[3], s[4], s[6])
    b = w.total(f.add(s[3], s[4]), s[5], f.add(s[6], s[4]))
    w.stop_where(f.icmp("sle", b, 0), stop)
    return a, b, w.constant(f.add(f.add(s[6], s[4]), s[5]))


def _rounded_down(w: _Writer, f: Function, a: Value, b: Value) -> Value:
    """``a // b`` for a positive b: of a negative a by way of ``-1 - a``, which is not negative."""
    is_negative = f.icmp("slt", a, 0)
    turned = f.sub(const(_WIDE, -1), a)
    quotient = f.call(w.divide, f.select(is_negative, turned, a), b)
    return f.select(is_negative, f.sub(const(_WIDE, -1), quotient), quotient)


def _quotient(w: _Writer, s: list[Value], stop: Label) -> None:
    a, b, base = _operands(w, s, stop)
    w.spread(w.f.sub(_rounded_down(w, w.f, a, b), base), s[1], s[2])


def _remainder(w: _Writer, s: list[Value], stop: Label) -> None:
    a, b, base = _operands(w, s, stop)
    rest = w.f.sub(a, w.f.mul(_rounded_down(w, w.f, a, b), b))
    w.spread(w.f.sub(rest, base), s[1], s[2])


def _inverse_modulo(w: _Writer, s: list[Value], stop: Label) -> None:
    a, b, base = _operands(w, s, stop)
    found = w.f.call(w.invert_modulo, a, b)
    w.stop_where(w.f.icmp("eq", found, 0), stop)
    # Modulo one it is zero, of which the function says one.
    reduced = w.f.select(w.f.icmp("eq", found, b), const(_WIDE, 0), found)
    w.spread(w.f.sub(reduced, base), s[1], s[2])


def _divide_modulo(w: _Writer, s: list[Value], stop: Label) -> None:
    f = w.f
    a = w.total(s[3], s[4], s[6])
    b = w.total(f.add(s[3], s[4]), s[5], f.add(s[6], s[4]))
    base, m = (w.constant(f.add(f.add(f.add(s[6], s[4]), s[5]), i)) for i in range(2))
    w.stop_where(f.icmp("sle", m, 0), stop)
    found = f.call(w.invert_modulo, b, m)
    w.stop_where(f.icmp("eq", found, 0), stop)
    rest = f.sub(a, f.mul(_rounded_down(w, f, a, m), m))
    product = f.mul(rest, found)
    rest = f.sub(product, f.mul(_rounded_down(w, f, product, m), m))
    w.spread(f.sub(rest, base), s[1], s[2])


def _check_range(w: _Writer, s: list[Value], stop: Label) -> None:
    f = w.f
    value = w.total(f.add(s[3], 1), s[4], s[6])
    low, high = (w.constant(f.add(f.add(s[6], s[4]), i)) for i in range(2))
    is_outside = f.or_(f.icmp("slt", value, low), f.icmp("sgt", value, high))
    is_taken = f.icmp("ne", w.sum(s[3]), 0)
    w.stop_where(f.and_(is_outside, is_taken), stop)


def _check_truth(w: _Writer, s: list[Value], stop: Label) -> None:
    f = w.f
    is_taken = f.icmp("ne", w.sum(s[3]), 0)
    fails = f.icmp("eq", w.sum(s[3], 1), 0)
    w.stop_where(f.and_(is_taken, fails), stop)


_EMITTERS: dict[Action, _Emit] = {
    Action.LINEAR: _linear,
    Action.PRODUCT: _product,
    Action.EITHER: _either,
    Action.CHOICE: _choice,
    Action.BITS: _bits,
    Action.ALL_BITS: _all_bits,
    Action.ZERO_TEST: _zero_test,
    Action.INVERSE: _inverse,
    Action.QUOTIENT: _quotient,
    Action.REMAINDER: _remainder,
    Action.CHECK_RANGE: _check_range,
    Action.CHECK_TRUTH: _check_truth,
    Action.INVERSE_MODULO: _inverse_modulo,
    Action.DIVIDE_MODULO: _divide_modulo,
}
