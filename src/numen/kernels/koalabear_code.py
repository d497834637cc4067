"""Arithmetic modulo the KoalaBear prime in vectors of lanes, and loops over arrays.

    scale (out, a, factor, n)       every element times one
    inverse (out, a, n)             0 for 0; n is a multiple of the number of lanes
    unreduced (a, n) -> 0 if every word is below the prime

A product is a Montgomery product, ``a * b / 2**32``: of two forms it is a form, of a form and a
plain number a plain number. Every result is below the prime if every operand is.
"""

from collections.abc import Callable, Sequence

import msgspec

from numen.kernels.llvm import Callee, Function, Module, Value, const, mangled, vector

PRIME = (1 << 31) - (1 << 24) + 1
"""https://github.com/Plonky3/Plonky3/tree/main/koala-bear"""

GENERATOR = 3
"""Of the multiplicative group."""

TWO_ADICITY = 24
"""Largest k for which there is a root of unity of order 2**k."""

LANES = 8
"""Elements computed side by side: a register of AVX2. LLVM splits it for shorter registers."""

RADIX = 1 << 32
"""Of the Montgomery form."""

PLAIN = pow(RADIX, -1, PRIME)
"""The Montgomery product with it divides by the radix twice: the reciprocal of a plain number,
taken for a form, becomes plain."""

BATCH = 32
"""Vectors that share an inversion."""

_INVERSE = pow(PRIME, -1, RADIX)
_NEGATED_INVERSE = RADIX - _INVERSE


def form(value: int) -> int:
    """The Montgomery form of a number."""
    return (value << 32) % PRIME


Pair = tuple[Value, Value]
"""Words of 64 bits for the even lanes, and for the odd ones."""


class Fixed(msgspec.Struct, frozen=True):
    """A factor that is the same in every lane.

    Attributes:
        factor: Words of 64 bits.
        by_inverse: Its product with the prime's negated reciprocal modulo 2**32.
    """

    factor: Value
    by_inverse: Value


class Lanes:
    """Writes arithmetic on vectors of elements to the end of a function.

    Attributes:
        f: The function.
        type: LLVM type of a vector.
    """

    def __init__(self, f: Function) -> None:
        self.f = f
        self.type = f"<{LANES} x i32>"
        self._wide = f"<{LANES // 2} x i64>"

    def constant(self, value: int) -> Value:
        """The Montgomery form of a number, in every lane."""
        return const(self.type, form(value))

    def zero(self) -> Value:
        return const(self.type, 0)

    def load(self, pointer: Value) -> Value:
        return self.f.load(self.type, pointer, align=4)

    def store(self, value: Value, pointer: Value) -> None:
        self.f.store(value, pointer, align=4)

    def broadcast(self, pointer: Value) -> Value:
        """The element at an address, in every lane."""
        return self.f.splat(self.f.load("i32", pointer), LANES)

    def add(self, a: Value, b: Value) -> Value:
        total = self.f.add(a, b)
        return self.smaller(total, self.f.sub(total, PRIME))

    def sub(self, a: Value, b: Value) -> Value:
        rest = self.f.sub(a, b)
        return self.smaller(rest, self.f.add(rest, PRIME))

    def mul(self, a: Value, b: Value) -> Value:
        """The Montgomery product; one factor may be any word of 32 bits."""
        products = self._products(a, b)
        return self._reduced(products, self._multiples(products, _NEGATED_INVERSE))

    def fixed(self, b: Value) -> Fixed:
        """Prepare a factor of many products, the same in every lane, outside their loop."""
        return Fixed(self._split(b)[0], self.f.mul(b, _NEGATED_INVERSE))

    def times(self, a: Value, b: Fixed) -> Value:
        """As `mul`, for a quarter less."""
        multiples = self._times_prime(self.f.mul(a, b.by_inverse))
        even, odd = (self.f.mul(half, b.factor) for half in self._split(a))
        return self._reduced((even, odd), multiples)

    def dot(self, pairs: Sequence[tuple[Value, Value]]) -> Value:
        """The sum of Montgomery products, with one reduction for every four of them."""
        total = None
        for begin in range(0, len(pairs), 4):
            some = [self._products(a, b) for a, b in pairs[begin : begin + 4]]
            even, odd = some[0]
            for more_even, more_odd in some[1:]:
                even, odd = self.f.add(even, more_even), self.f.add(odd, more_odd)
            # Two products are below PRIME * 2**32, four are below 2**64.
            sums = (even, odd)
            if len(some) <= 2:
                part = self._reduced(sums, self._multiples(sums, _NEGATED_INVERSE))
            else:
                part = self._reduced_long(sums)
            total = part if total is None else self.add(total, part)
        assert total is not None
        return total

    def smaller(self, a: Value, b: Value) -> Value:
        """The smaller of two words, in each lane."""
        return self.f.intrinsic(f"llvm.umin.{mangled(self.type)}", self.type, a, b)

    def _products(self, a: Value, b: Value) -> Pair:
        """The whole products of the even lanes, and of the odd ones."""
        (even_a, odd_a), (even_b, odd_b) = self._split(a), self._split(b)
        return self.f.mul(even_a, even_b), self.f.mul(odd_a, odd_b)

    def _split(self, a: Value) -> tuple[Value, Value]:
        """The even lanes and the odd ones, each as a word of 64 bits."""
        wide = self.f.cast("bitcast", a, self._wide)
        return self.f.and_(wide, 0xFFFFFFFF), self.f.lshr(wide, 32)

    def _halves(self, even: Value, odd: Value, half: int) -> Value:
        """The lower (0) or upper (1) halves of the even and the odd lanes, in order."""
        f = self.f
        words = (f.cast("bitcast", even, self.type), f.cast("bitcast", odd, self.type))
        lanes = [i + half if i % 2 == 0 else LANES + i - 1 + half for i in range(LANES)]
        return f.shuffle(*words, lanes)

    def _multiples(self, products: Pair, inverse: int) -> Pair:
        """The multiples of the prime by the lower halves of products times a word."""
        # In vectors of 32 bits, or LLVM would multiply words of 64 bits to know 32 of them.
        return self._times_prime(self.f.mul(self._halves(*products, 0), inverse))

    def _times_prime(self, factors: Value) -> Pair:
        even, odd = self._split(factors)
        return self.f.mul(even, PRIME), self.f.mul(odd, PRIME)

    def _reduced(self, products: Pair, multiples: Pair) -> Value:
        """Products below ``PRIME * 2**32``, divided by 2**32."""
        # The lower halves add up to zero. (LLVM would make something dear of a difference.)
        even, odd = (self.f.add(p, m) for p, m in zip(products, multiples, strict=True))
        total = self._halves(even, odd, 1)
        return self.smaller(total, self.f.sub(total, PRIME))

    def _reduced_long(self, products: Pair) -> Value:
        """Products below ``2 * PRIME * 2**32``, divided by 2**32."""
        upper = self._halves(*products, 1)
        upper = self.smaller(upper, self.f.sub(upper, PRIME))
        # The lower halves are equal, so the difference is that of the upper halves.
        return self.sub(upper, self._halves(*self._multiples(products, _INVERSE), 1))


Access = tuple[Callable[[Value], Value], Callable[[Value, Value], None]]
"""How to load a vector, and how to store one."""


def lane_mask(f: Function, count: Value) -> Value:
    """Set in the first ``count`` lanes, an i64."""
    numbers = vector("i32", range(LANES))
    return f.icmp("ult", numbers, f.splat(f.trunc(count, "i32"), LANES))


def over_vectors(f: Function, n: Value, emit: Callable[[Lanes, Value, Access], None]) -> None:
    """Write code for elements 0 to n, `LANES` at a time, the last ones with a mask.

    Args:
        f: Where to write.
        n: How many elements, an i64.
        emit: Writes one round, given arithmetic, the index of the first element, and access.
    """
    v = Lanes(f)
    whole = f.and_(n, -LANES)
    with f.loop(0, whole, step=LANES) as loop:
        emit(v, loop.index, (v.load, v.store))
    rest = f.sub(n, whole)
    with f.when(f.icmp("ne", rest, 0)):
        mask = lane_mask(f, rest)

        def load(pointer: Value) -> Value:
            return f.load_lanes(v.type, pointer, mask, 4)

        def store(value: Value, pointer: Value) -> None:
            f.store_lanes(value, pointer, mask, 4)

        emit(v, whole, (load, store))


def array_functions() -> str:
    """The text of a module with the functions of this file."""
    module = Module()
    _scale(module)
    _inverse(module)
    _unreduced(module)
    return str(module)


def _scale(module: Module) -> None:
    f = module.function("scale", "void", {"out": "ptr", "a": "ptr", "factor": "i64", "n": "i64"})
    out, a, factor, n = f.params
    factors = f.splat(f.trunc(factor, "i32"), LANES)

    def emit(v: Lanes, index: Value, access: Access) -> None:
        load, store = access
        store(v.mul(load(f.gep("i32", a, index)), factors), f.gep("i32", out, index))

    over_vectors(f, n, emit)
    f.ret()


def _unreduced(module: Module) -> None:
    f = module.function("unreduced", "i64", {"a": "ptr", "n": "i64"})
    a, n = f.params
    v = Lanes(f)
    whole = f.and_(n, -LANES)
    with f.loop(0, whole, step=LANES, carried=[v.zero()]) as loop:
        words = v.load(f.gep("i32", a, loop.index))
        wrong = f.zext(f.icmp("uge", words, PRIME), v.type)
        loop.advance(f.or_(loop.carried[0], wrong))
    found = f.intrinsic(f"llvm.vector.reduce.or.{mangled(v.type)}", "i32", loop.carried[0])
    with f.loop(whole, n, carried=[found]) as rest:
        word = f.load("i32", f.gep("i32", a, rest.index))
        rest.advance(f.or_(rest.carried[0], f.zext(f.icmp("uge", word, PRIME), "i32")))
    f.ret(f.zext(rest.carried[0], "i64"))


def _inverse(module: Module) -> None:
    invert = inversion(module)
    f = module.function("inverse", "void", {"out": "ptr", "a": "ptr", "n": "i64"})
    out, a, n = f.params
    v = Lanes(f)
    memory = f.alloca(v.type, BATCH)
    one, plain = v.constant(1), v.fixed(const(v.type, PLAIN))

    def given(index: Value) -> tuple[Value, Value]:
        words = v.load(f.gep("i32", a, index))
        is_zero = f.icmp("eq", words, 0)
        return f.select(is_zero, one, words), is_zero

    with f.loop(0, n, step=LANES * BATCH) as batch:
        end = f.intrinsic("llvm.smin.i64", "i64", n, f.add(batch.index, LANES * BATCH))
        with f.loop(batch.index, end, step=LANES, carried=[one]) as loop:
            v.store(loop.carried[0], f.gep("i32", memory, f.sub(loop.index, batch.index)))
            loop.advance(v.mul(loop.carried[0], given(loop.index)[0]))
        inverted, last = f.call(invert, loop.carried[0]), f.sub(end, LANES)
        with f.loop(last, f.sub(batch.index, 1), step=-LANES, carried=[inverted]) as loop:
            words, is_zero = given(loop.index)
            before = v.load(f.gep("i32", memory, f.sub(loop.index, batch.index)))
            found = v.times(v.mul(loop.carried[0], before), plain)
            v.store(f.select(is_zero, v.zero(), found), f.gep("i32", out, loop.index))
            loop.advance(v.mul(loop.carried[0], words))
    f.ret()


def inversion(module: Module) -> Callee:
    """A function of the reciprocals of forms in the field: the power ``p - 2``; 0 for 0."""
    type_ = f"<{LANES} x i32>"
    f = module.function("invert", type_, {"a": type_}, internal=True)
    v = Lanes(f)

    def raised(a: Value, squarings: int) -> Value:
        with f.loop(0, squarings, carried=[a]) as loop:
            loop.advance(v.mul(loop.carried[0], loop.carried[0]))
        return loop.carried[0]

    # ones(k) is the power 2**k - 1, and p - 2 is (2**6 - 1) * 2**25 + 2**24 - 1.
    assert PRIME - 2 == ((1 << 6) - 1 << 25) + (1 << 24) - 1
    ones = {1: f.params[0]}
    ones[2] = v.mul(raised(ones[1], 1), ones[1])
    ones[3] = v.mul(raised(ones[2], 1), ones[1])
    for k in (3, 6, 12):
        ones[2 * k] = v.mul(raised(ones[k], k), ones[k])
    f.ret(v.mul(raised(ones[6], 25), ones[24]))
    return f.callee
