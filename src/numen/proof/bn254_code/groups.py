"""Native multiplication of points of BN254, and the test of the subgroup of the twist.

Points are projective, ``(x, y, z)`` standing for ``(x / z, y / z)`` and ``(0, 1, 0)`` for infinity.
The formulas hold for every pair of points of a curve of odd order, which both are, in the subgroup
or not: there is no special case to get wrong, and no branch.

Source: Renes, Costello, Batina, "Complete addition formulas for prime order elliptic curves",
EUROCRYPT 2016, algorithms 7 and 9.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from numen.kernels.llvm import Callee, Function, Value, const
from numen.proof import bn254
from numen.proof.bn254 import (
    X,
    fq2_add,
    fq2_conjugate,
    fq2_multiply,
    fq2_scale,
    fq2_subtract,
    twist_frobenius,
)
from numen.proof.bn254_code.felts import (
    FELT,
    FELT2,
    Arithmetic,
    Shape,
    read,
    size_of,
    trace,
    write,
)


class Group(msgspec.Struct, frozen=True):
    """A curve over Fq or Fq2, as its formulas need it.

    Attributes:
        name: ``g1`` or ``g2``.
        coordinate: Shape of a coordinate.
        zero: The coordinate 0.
        one: The coordinate 1.
        add: Of coordinates.
        subtract: Of coordinates.
        multiply: Of coordinates.
        three_b: Three times the constant of the equation.
    """

    name: str
    coordinate: Shape
    zero: Any
    one: Any
    add: Callable[[Any, Any], Any]
    subtract: Callable[[Any, Any], Any]
    multiply: Callable[[Any, Any], Any]
    three_b: Any

    @property
    def point(self) -> Shape:
        """Shape of a projective point."""
        return (self.coordinate,) * 3


G1: Final = Group(
    "g1", FELT, 0, 1, lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, 3 * bn254.G1.b
)
G2: Final = Group(
    "g2", FELT2, (0, 0), (1, 0), fq2_add, fq2_subtract, fq2_multiply, fq2_scale(bn254.G2.b, 3)
)


_WINDOW_BITS: Final = 4
"""Bits of a scalar that one addition stands for."""

MULTIPLES: Final = 1 << _WINDOW_BITS
"""Points that a digit may stand for."""

assert X < 2**64, "one limb holds the parameter"


def add_points(group: Group, a: Any, b: Any) -> Any:
    """Algorithm 7."""
    add, subtract, multiply = group.add, group.subtract, group.multiply
    (x1, y1, z1), (x2, y2, z2) = a, b
    t0, t1, t2 = multiply(x1, x2), multiply(y1, y2), multiply(z1, z2)
    t3 = subtract(multiply(add(x1, y1), add(x2, y2)), add(t0, t1))
    t4 = subtract(multiply(add(y1, z1), add(y2, z2)), add(t1, t2))
    t5 = subtract(multiply(add(x1, z1), add(x2, z2)), add(t0, t2))
    t0 = add(add(t0, t0), t0)
    t2, t5 = multiply(group.three_b, t2), multiply(group.three_b, t5)
    z3, t1 = add(t1, t2), subtract(t1, t2)
    return (
        subtract(multiply(t3, t1), multiply(t4, t5)),
        add(multiply(t1, z3), multiply(t5, t0)),
        add(multiply(z3, t4), multiply(t0, t3)),
    )


def double_point(group: Group, a: Any) -> Any:
    """Algorithm 9."""
    add, subtract, multiply = group.add, group.subtract, group.multiply
    x, y, z = a
    t0 = multiply(y, y)
    z3 = add(t0, t0)
    z3 = add(z3, z3)
    z3 = add(z3, z3)
    t1, t2 = multiply(y, z), multiply(group.three_b, multiply(z, z))
    x3, y3 = multiply(t2, z3), add(t0, t2)
    z3 = multiply(t1, z3)
    t0 = subtract(t0, add(add(t2, t2), t2))
    y3 = add(x3, multiply(t0, y3))
    x3 = multiply(t0, multiply(x, y))
    return add(x3, x3), y3, z3


class Points:
    """The functions of a group in one module.

    Attributes:
        add: Function ``(out, a, b)``; any of them may be the same.
        double: Function ``(out, a)``.
        multiply: Function ``(out, a, scalar, digits)``: adds a point to itself so often as the
            lowest digits, in base 16, of the number at ``scalar`` say. ``out`` and ``a`` are apart.
        multiples: Function ``(table, a)``: the first `MULTIPLES` multiples, from infinity on.
    """

    def __init__(self, arithmetic: Arithmetic, group: Group) -> None:
        self._arithmetic = arithmetic
        self._group = group
        self.size = size_of(group.point)
        points = dict.fromkeys(("out", "a", "b"), group.point)
        self.add = trace(
            arithmetic,
            f"{group.name}.add",
            points,
            ["out"],
            lambda a, b: (add_points(group, a, b),),
        )
        points = dict.fromkeys(("out", "a"), group.point)
        self.double = trace(
            arithmetic,
            f"{group.name}.double",
            points,
            ["out"],
            lambda a: (double_point(group, a),),
        )
        self.multiples = self._write_multiples()
        self.multiply = self._write_multiply()

    @property
    def infinity(self) -> Any:
        """The coordinates of infinity."""
        return self._group.zero, self._group.one, self._group.zero

    def _write_multiples(self) -> Callee:
        params = {"table": "ptr", "a": "ptr"}
        f = self._arithmetic.module.function(
            f"{self._group.name}.multiples", "void", params, internal=True
        )
        table, a = f.params
        write(f, self.infinity, table)
        with f.loop(1, MULTIPLES) as loop:
            multiple = f.gep(f"[{self.size} x i256]", table, loop.index)
            f.call(self.add, multiple, f.gep("i256", multiple, -self.size), a)
        f.ret()
        return f.callee

    def _write_multiply(self) -> Callee:
        params = {"out": "ptr", "a": "ptr", "scalar": "ptr", "digits": "i64"}
        f = self._arithmetic.module.function(
            f"{self._group.name}.multiply", "void", params, internal=True
        )
        out, a, scalar, digits = f.params
        form = f"[{self.size} x i256]"
        multiples = f.alloca("i256", self.size << _WINDOW_BITS)
        f.call(self.multiples, multiples, a)
        write(f, self.infinity, out)
        with f.loop(f.sub(digits, 1), -1, step=-1) as loop:
            for _ in range(_WINDOW_BITS):
                f.call(self.double, out, out)
            digit = _digit(f, scalar, loop.index)
            f.call(self.add, out, out, f.gep(form, multiples, digit))
        f.ret()
        return f.callee


def _digit(f: Function, scalar: Value, index: Value) -> Value:
    """Emit reading a digit, of `_WINDOW_BITS`, of the number at an address."""
    limb = f.load("i64", f.gep("i64", scalar, f.lshr(index, 4)), align=8)
    shift = f.shl(f.and_(index, 15), 2)
    return f.and_(f.lshr(limb, shift), MULTIPLES - 1)


def write_combine(arithmetic: Arithmetic, points: Points) -> Callee:
    """Define ``combine(out, tables, scalars, n, digits)``: a sum of multiples of n points.

    ``tables`` holds each point's `Points.multiples`; scalars are words, and have so many digits.
    """
    params = dict.fromkeys(("out", "tables", "scalars"), "ptr") | {"n": "i64", "digits": "i64"}
    f = arithmetic.module.function("combine", "void", params, internal=True)
    out, tables, scalars, n, digits = f.params
    form = f"[{points.size} x i256]"
    write(f, points.infinity, out)
    with f.loop(f.sub(digits, 1), -1, step=-1) as loop:
        for _ in range(_WINDOW_BITS):
            f.call(points.double, out, out)
        with f.loop(0, n) as each:
            digit = _digit(f, f.gep("i256", scalars, each.index), loop.index)
            # Nothing here is secret: a zero may be seen.
            with f.when(f.icmp("ne", digit, 0)):
                place = f.add(f.mul(each.index, MULTIPLES), digit)
                f.call(points.add, out, out, f.gep(form, tables, place))
    f.ret()
    return f.callee


def write_in_g2(arithmetic: Arithmetic, points: Points) -> Callee:
    """Define ``in_g2(point)``: 1 where a projective point of the twist is in the subgroup, else 0.

    The criterion is that of `numen.proof.bn254.is_in_g2`.
    """
    frobenius = trace(
        arithmetic,
        "g2.frobenius",
        {"out": G2.point, "a": G2.point},
        ["out"],
        lambda a: ((*twist_frobenius((a[0], a[1])), fq2_conjugate(a[2])),),
    )
    module = arithmetic.module
    loop_count = module.words("g2.x", [X])
    f = module.function("g2.in_subgroup", "i64", {"point": "ptr"}, internal=True)
    (point,) = f.params
    once, left, right = (f.alloca("i256", points.size) for _ in range(3))
    f.call(points.multiply, once, point, loop_count, const("i64", 64 // _WINDOW_BITS))
    f.call(points.add, left, once, point)
    f.call(frobenius, right, once)
    f.call(points.add, left, left, right)
    f.call(frobenius, right, right)
    f.call(points.add, left, left, right)
    f.call(points.double, right, once)
    for _ in range(3):
        f.call(frobenius, right, right)
    (x1, y1, z1), (x2, y2, z2) = (read(f, arithmetic, place, G2.point) for place in (left, right))
    differs: Value = const("i256", 0)
    for a, b in ((x1, x2), (y1, y2)):
        crossed: Any = zip(fq2_multiply(a, z2), fq2_multiply(b, z1), strict=True)
        for one, other in crossed:
            differs = f.or_(differs, f.xor(one.value, other.value))
    f.ret(f.zext(f.icmp("eq", differs, 0), "i64"))
    return f.callee
