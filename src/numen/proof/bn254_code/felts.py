"""Elements of Fq that write code: formulas in Python integers become LLVM functions.

A `Felt` behaves as the integers in `numen.proof` do, but every operation on it emits instructions.
So a formula that has no branches, such as the square of an element of Fq12, is written once: run on
integers it computes, run on felts it writes the function that computes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from numen.kernels import montgomery
from numen.kernels.bn254 import FQ
from numen.kernels.llvm import Callee, Function, Module, Value, const

Shape: TypeAlias = tuple["Shape", ...] | None
"""None for an element of Fq, a tuple for a tuple."""

FELT: Final[Shape] = None
FELT2: Final[Shape] = (FELT, FELT)
FELT12: Final[Shape] = (((FELT2,) * 3),) * 2

WORD_BYTES: Final = 32

_SMALL: Final = 16
"""A product with less is written as sums."""


class Arithmetic:
    """The functions of Fq in one module: product and inverse of words in Montgomery form."""

    def __init__(self, module: Module) -> None:
        mulx = montgomery.has_mulx()
        self.module = module
        self.product = montgomery.word_product(module, FQ, mulx=mulx)
        self.inverse = montgomery.word_inverse(module, FQ, mulx=mulx)


class Felt:
    """An element of Fq in a register, in Montgomery form and below the prime."""

    __slots__ = ("arithmetic", "f", "value")

    def __init__(self, f: Function, arithmetic: Arithmetic, value: Value) -> None:
        self.f = f
        self.arithmetic = arithmetic
        self.value = value

    def _of(self, value: Value) -> "Felt":
        return Felt(self.f, self.arithmetic, value)

    def _lift(self, other: "Felt | int") -> Value:
        return other.value if isinstance(other, Felt) else const("i256", FQ.encode(other))

    def __add__(self, other: "Felt | int") -> "Felt":
        if isinstance(other, int) and other % FQ.prime == 0:
            return self
        return self._of(montgomery.add(self.f, FQ, self.value, self._lift(other)))

    __radd__ = __add__

    def __sub__(self, other: "Felt | int") -> "Felt":
        return self._of(montgomery.sub(self.f, FQ, self.value, self._lift(other)))

    def __rsub__(self, other: int) -> "Felt":
        return -self if other == 0 else self._of(const("i256", FQ.encode(other))) - self

    def __neg__(self) -> "Felt":
        return self._of(montgomery.neg(self.f, FQ, self.value))

    def __mul__(self, other: "Felt | int") -> "Felt":
        if isinstance(other, int) and 0 < other < _SMALL:
            return self._times(other)
        product = self.f.call(self.arithmetic.product, self.value, self._lift(other))
        return self._of(product)

    __rmul__ = __mul__

    def _times(self, count: int) -> "Felt":
        total = self
        for bit in f"{count:b}"[1:]:
            total = total + total
            if bit == "1":
                total = total + self
        return total

    def __mod__(self, prime: int) -> "Felt":
        assert prime == FQ.prime
        return self

    def __pow__(self, exponent: int, prime: int) -> "Felt":
        assert (exponent, prime) == (-1, FQ.prime), "inverses only"
        return self._of(self.f.call(self.arithmetic.inverse, self.value))


def size_of(shape: Shape) -> int:
    """Felts of a shape."""
    return 1 if shape is None else sum(map(size_of, shape))


def read(f: Function, arithmetic: Arithmetic, pointer: Value, shape: Shape) -> Any:
    """Emit loading felts that lie one after the other, as nested tuples."""
    words = iter(range(size_of(shape)))

    def take(part: Shape) -> Any:
        if part is None:
            place = f.gep("i256", pointer, next(words))
            return Felt(f, arithmetic, montgomery.load(f, place))
        return tuple(map(take, part))

    return take(shape)


def write(f: Function, felts: Any, pointer: Value) -> None:
    """Emit storing nested tuples of felts one after the other; plain integers are constants."""
    for index, felt in enumerate(_flat(felts)):
        value = felt.value if isinstance(felt, Felt) else const("i256", FQ.encode(felt))
        f.store(value, f.gep("i256", pointer, index), align=8)


def from_bytes(f: Function, arithmetic: Arithmetic, data: Value, index: int) -> Felt:
    """Emit reading coordinate ``index`` of some bytes: big-endian, not in Montgomery form."""
    word = f.byte_swap(f.load("i256", f.gep("i256", data, index), align=1))
    # The form of the form of 1, times a plain number, is the number's form.
    radix = const("i256", FQ.square_of_radix)
    return Felt(f, arithmetic, f.call(arithmetic.product, radix, word))


def _flat(felts: Any) -> Iterator[Any]:
    if isinstance(felts, tuple):
        for part in felts:
            yield from _flat(part)
    else:
        yield felts


def trace(
    arithmetic: Arithmetic,
    name: str,
    params: Mapping[str, Shape],
    outputs: Sequence[str],
    formula: Callable[..., Any],
) -> Callee:
    """Define a function of a formula.

    Args:
        arithmetic: Of the module it is written into.
        name: Of the function.
        params: Its parameters, pointers to felts, and their shapes.
        outputs: Where the results of the formula go, by names of parameters. A parameter that is
            not read by the formula is one that is not in its signature.
        formula: Takes the parameters it names; gives a tuple with a result for each output.
    """
    f = arithmetic.module.function(
        name, "void", dict.fromkeys(params, "ptr"), internal=True, attributes="nounwind noinline"
    )
    places = dict(zip(params, f.params, strict=True))
    names = formula.__code__.co_varnames[: formula.__code__.co_argcount]
    given = {key: read(f, arithmetic, places[key], params[key]) for key in names}
    results = formula(**given)
    for key, result in zip(outputs, results, strict=True):
        write(f, result, places[key])
    f.ret()
    return f.callee
