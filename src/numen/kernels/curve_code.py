"""LLVM functions of points: affine sums in batches, and Jacobian sums.

An affine point is (x, y), all zero for infinity; a Jacobian one is (x, y, z) for
(x / z**2, y / z**3), z zero for infinity. The curve is y**2 = x**3 + b, which the formulas do not
read. Every case is handled: infinity, equal points, opposite points.

A sum of affine points costs six products, but needs an inverse; a batch shares one inverse
(Montgomery's trick), which makes it twice as fast as Jacobian sums.

Source of the Jacobian formulas: Bernstein and Lange, Explicit-Formulas Database, dbl-2009-l,
add-1998-cmo-2 and its mixed form.
"""

from numen.kernels.coordinates import Coordinates, Elements
from numen.kernels.llvm import Callee, Module, Value, const
from numen.kernels.montgomery import load

CHORD, TANGENT, FIRST, SECOND, INFINITY = range(5)
"""How a sum is formed: by the line through two points, by a tangent, or at once."""

BATCH = 1024
"""Sums that share an inverse: 380 products for 6 * BATCH."""

LISTS_BYTES = BATCH * (3 * 8 + 1)
"""Memory a batch needs for three lists of addresses and one of kinds, before its elements."""


class Points:
    """The functions of one group, written into one module.

    Attributes:
        coordinates: The field below.
        batch: Function ``(lists, scratch, n)``; see `_batch`.
        double: Function ``(p)``, Jacobian, in place.
        add: Function ``(p, q)``, Jacobian: p += q.
        add_affine: Function ``(p, q)``: p += q, where q is affine.
        to_affine: Function ``(out, p)``.
    """

    def __init__(self, coordinates: Coordinates) -> None:
        self.coordinates = coordinates
        self.affine = f"[{2 * coordinates.degree} x i256]"
        self.jacobian = f"[{3 * coordinates.degree} x i256]"
        classify, finish = _classify(coordinates), _finish(coordinates)
        self.batch = _batch(coordinates, classify, finish)
        self.double = _double(coordinates)
        self.add = _add(coordinates, self.double)
        self.add_affine = _add_affine(coordinates, self.double)
        self.to_affine = _to_affine(coordinates)

    @property
    def module(self) -> Module:
        return self.coordinates.module


def _classify(coordinates: Coordinates) -> Callee:
    """(delta, a, b) -> kind of the sum a + b; delta gets what it must divide by, or one."""
    names = {"delta": "ptr", "a": "ptr", "b": "ptr"}
    f = coordinates.module.function("classify", "i8", names, internal=True)
    e = Elements(f, coordinates)
    delta, a, b = f.params
    ay, by = e.at(a, 1), e.at(b, 1)
    e.set(delta, 1)
    with f.when(e.is_zero(b, by)):
        f.ret(const("i8", FIRST))
    with f.when(e.is_zero(a, ay)):
        f.ret(const("i8", SECOND))
    run = e.sub(b, a)
    with f.when(f.not_(e.is_zero(run)), likely=True):
        e.copy(delta, run)
        f.ret(const("i8", CHORD))
    twice = e.double(ay)
    # y = 0 doubles to infinity; the group has no such point, but an array may.
    is_tangent = f.and_(e.is_zero(e.sub(by, ay)), f.not_(e.is_zero(twice)))
    with f.when(is_tangent):
        e.copy(delta, twice)
        f.ret(const("i8", TANGENT))
    f.ret(const("i8", INFINITY))
    return f.callee


def _finish(coordinates: Coordinates) -> Callee:
    """(out, a, b, reciprocal, kind): out = a + b; out may be a or b."""
    names = dict.fromkeys(("out", "a", "b", "reciprocal"), "ptr") | {"kind": "i8"}
    f = coordinates.module.function("finish", "void", names, internal=True)
    e = Elements(f, coordinates)
    out, a, b, reciprocal, kind = f.params
    ay, by, out_y, slope = e.at(a, 1), e.at(b, 1), e.at(out, 1), e.new()
    first, second, infinity, tangent, chord, line = (f.block("case") for _ in range(6))
    cases = [(TANGENT, tangent), (FIRST, first), (SECOND, second), (INFINITY, infinity)]
    f.switch(kind, chord, cases)
    for label, x, y in ((first, a, ay), (second, b, by)):
        f.at(label)
        e.copy(out, x)
        e.copy(out_y, y)
        f.ret()
    f.at(infinity)
    e.set(out, 0)
    e.set(out_y, 0)
    f.ret()
    f.at(tangent)
    square = e.sqr(a)
    e.mul(e.add(e.double(square), square), reciprocal, slope)
    f.br(line)
    f.at(chord)
    e.mul(e.sub(by, ay), reciprocal, slope)
    f.br(line)
    f.at(line)
    x = e.sub(e.sub(e.sqr(slope), a), b)
    y = e.sub(e.mul(slope, e.sub(a, x)), ay)
    e.copy(out, x)
    e.copy(out_y, y)
    f.ret()
    return f.callee


def _batch(coordinates: Coordinates, classify: Callee, finish: Callee) -> Callee:
    """(lists, scratch, n): out[i] = a[i] + b[i] for n sums, n <= BATCH.

    ``lists`` holds BATCH addresses of a, then of b, then of out, then BATCH bytes. ``scratch``
    holds 2 * BATCH elements. Sums are written in order, each after its points were read, so an
    out may be a point of its own sum or of an earlier one.
    """
    module = coordinates.module
    names = {"lists": "ptr", "scratch": "ptr", "n": "i64"}
    f = module.function("batch", "void", names, internal=True, attributes="nounwind noinline")
    e = Elements(f, coordinates)
    lists, scratch, n = f.params
    kinds, prefixes = f.gep("ptr", lists, 3 * BATCH), e.at(scratch, BATCH)

    def point(which: int, index: Value) -> Value:
        return f.load("ptr", f.gep("ptr", f.gep("ptr", lists, which * BATCH), index))

    running, product = e.new(), e.new()
    e.set(running, 1)
    with f.loop(0, n) as loop:
        delta = e.at(scratch, loop.index)
        kind = f.call(classify, delta, point(0, loop.index), point(1, loop.index))
        f.store(kind, f.gep("i8", kinds, loop.index))
        e.copy(e.at(prefixes, loop.index), running)
        e.mul(running, delta, running)
    f.call(coordinates.inv, product, running)
    with f.loop(f.sub(n, 1), -1, step=-1) as loop:
        delta, prefix = e.at(scratch, loop.index), e.at(prefixes, loop.index)
        e.mul(prefix, product, prefix)
        e.mul(product, delta, product)
    with f.loop(0, n) as loop:
        a, b, out = (point(which, loop.index) for which in range(3))
        kind = f.load("i8", f.gep("i8", kinds, loop.index))
        f.call(finish, out, a, b, e.at(prefixes, loop.index), kind)
    f.ret()
    return f.callee


def _double(coordinates: Coordinates) -> Callee:
    f = coordinates.module.function("double", "void", {"p": "ptr"}, internal=True)
    e = Elements(f, coordinates)
    (x,) = f.params
    y, z = e.at(x, 1), e.at(x, 2)
    a, b = e.sqr(x), e.sqr(y)
    c = e.sqr(b)
    d = e.double(e.sub(e.sub(e.sqr(e.add(x, b)), a), c))
    slope = e.add(e.double(a), a)
    x3 = e.sub(e.sqr(slope), e.double(d))
    c8 = e.double(e.double(e.double(c)))
    y3 = e.sub(e.mul(slope, e.sub(d, x3)), c8)
    z3 = e.double(e.mul(y, z))
    for place, value in ((x, x3), (y, y3), (z, z3)):
        e.copy(place, value)
    f.ret()
    return f.callee


def _add_affine(coordinates: Coordinates, double: Callee) -> Callee:
    names = {"p": "ptr", "q": "ptr"}
    f = coordinates.module.function("add_affine", "void", names, internal=True)
    e = Elements(f, coordinates)
    x1, x2 = f.params
    y1, z1, y2 = e.at(x1, 1), e.at(x1, 2), e.at(x2, 1)
    with f.when(e.is_zero(x2, y2)):
        f.ret()
    with f.when(e.is_zero(z1)):
        e.copy(x1, x2)
        e.copy(y1, y2)
        e.set(z1, 1)
        f.ret()
    square = e.sqr(z1)
    u2, s2 = e.mul(x2, square), e.mul(y2, e.mul(z1, square))
    _sum(e, double, x1, (x1, y1, u2, s2, z1))
    return f.callee


def _add(coordinates: Coordinates, double: Callee) -> Callee:
    names = {"p": "ptr", "q": "ptr"}
    f = coordinates.module.function("add_jacobian", "void", names, internal=True)
    e = Elements(f, coordinates)
    x1, x2 = f.params
    y1, z1, y2, z2 = e.at(x1, 1), e.at(x1, 2), e.at(x2, 1), e.at(x2, 2)
    with f.when(e.is_zero(z2)):
        f.ret()
    with f.when(e.is_zero(z1)):
        for place, value in ((x1, x2), (y1, y2), (z1, z2)):
            e.copy(place, value)
        f.ret()
    square1, square2 = e.sqr(z1), e.sqr(z2)
    u1, u2 = e.mul(x1, square2), e.mul(x2, square1)
    s1, s2 = e.mul(y1, e.mul(z2, square2)), e.mul(y2, e.mul(z1, square1))
    _sum(e, double, x1, (u1, s1, u2, s2, e.mul(z1, z2)))
    return f.callee


def _sum(
    e: Elements, double: Callee, p: Value, given: tuple[Value, Value, Value, Value, Value]
) -> None:
    """Write the sum to p and return: u1, s1, u2, s2 over a common denominator, and z."""
    f = e.f
    u1, s1, u2, s2, z = given
    h, r = e.sub(u2, u1), e.sub(s2, s1)
    with f.when(e.is_zero(h), likely=False):
        with f.when(e.is_zero(r)):
            f.call(double, p)
            f.ret()
        e.set(e.at(p, 2), 0)
        f.ret()
    square = e.sqr(h)
    cube, v = e.mul(h, square), e.mul(u1, square)
    x3 = e.sub(e.sub(e.sqr(r), cube), e.double(v))
    y3 = e.sub(e.mul(r, e.sub(v, x3)), e.mul(s1, cube))
    z3 = e.mul(z, h)
    for i, value in enumerate((x3, y3, z3)):
        e.copy(e.at(p, i), value)
    f.ret()


def _to_affine(coordinates: Coordinates) -> Callee:
    names = {"out": "ptr", "p": "ptr"}
    f = coordinates.module.function("to_affine", "void", names, internal=True)
    e = Elements(f, coordinates)
    out, p = f.params
    # The inverse of zero is zero, so infinity becomes infinity.
    reciprocal = e.inv(e.at(p, 2))
    square = e.sqr(reciprocal)
    e.mul(p, square, out)
    e.mul(e.at(p, 1), e.mul(square, reciprocal), e.at(out, 1))
    f.ret()
    return f.callee


def copy_point(e: Elements, out: Value, a: Value) -> None:
    """Emit the copy of an affine point."""
    e.copy(out, a)
    e.copy(e.at(out, 1), e.at(a, 1))


def off_curve(points: Points, b: tuple[int, ...]) -> None:
    """Write ``off_curve (a, n)``: how many points are neither on the curve nor infinity.

    Args:
        points: The group.
        b: The constant of its equation, a number for each word of a coordinate.
    """
    f = points.module.function("off_curve", "i64", {"a": "ptr", "n": "i64"})
    e = Elements(f, points.coordinates)
    a, n = f.params
    constant = e.new()
    for i, number in enumerate(b):
        form = points.coordinates.field.encode(number)
        f.store(const("i256", form), e.part(constant, i), align=8)
    with f.loop(0, n, carried=[const("i64", 0)]) as loop:
        x = f.gep(points.affine, a, loop.index)
        y = e.at(x, 1)
        right = e.add(e.mul(e.sqr(x), x), constant)
        fine = f.or_(e.is_zero(e.sub(e.sqr(y), right)), e.is_zero(x, y))
        reduced = const("i1", 1)
        for i in range(2 * points.coordinates.degree):
            word = load(f, f.gep("i256", x, i))
            reduced = f.and_(reduced, f.icmp("ult", word, points.coordinates.field.prime))
        wrong = f.not_(f.and_(fine, reduced))
        loop.advance(f.add(loop.carried[0], f.zext(wrong, "i64")))
    f.ret(loop.carried[0])
