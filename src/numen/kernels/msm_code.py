"""LLVM functions of sums of many points times scalars.

add (out, a, b, n, lists, scratch)          out[i] = a[i] + b[i]
recode (digits, scalars, n, bits, count)    scalars to signed digits of ``bits`` bits
sort (buffer, points, digits, n, counts, starts, sums, buckets)
                                            points to their buckets, behind the sums so far
reduce (buffer, counts, starts, buckets, lists, scratch)
                                            every bucket to its sum, in place
keep (sums, buffer, counts, starts, buckets)
                                            sums of buckets to where they are not in the way
collect (out, sums, buckets)                the sum of bucket i times i + 1, Jacobian
combine (out, windows, count, bits)         windows to one affine point
accumulate (sums, table, digits, n, lists, scratch, copies)
                                            sums[i] += digit i times the table's base
"""

from numen.kernels.coordinates import Coordinates, Elements
from numen.kernels.curve_code import BATCH, Points, copy_point, off_curve
from numen.kernels.llvm import Function, Module, Value, const
from numen.kernels.montgomery import Field

_ZERO = const("i64", 0)


def group_functions(field: Field, b: tuple[int, ...], *, mulx: bool) -> str:
    """The text of a module with the functions of this file, for one group.

    Args:
        field: Of the coordinates, or below it.
        b: The constant of the curve's equation: one number for Fq, two for Fq2.
        mulx: As for `numen.kernels.montgomery.mul`.
    """
    points = Points(Coordinates(Module(), field, len(b), mulx=mulx))
    _write_add(points)
    _write_recode(points.module)
    _write_sort(points)
    _write_reduce(points)
    _write_keep(points)
    _write_collect(points)
    _write_combine(points)
    _write_accumulate(points)
    off_curve(points, b)
    return str(points.module)


class _Pending:
    """Sums that wait for their batch, in ``lists``; the count is in memory."""

    def __init__(self, f: Function, points: Points, lists: Value, scratch: Value) -> None:
        self.f, self.points, self.lists, self.scratch = f, points, lists, scratch
        self.count = f.alloca("i64")
        f.store(_ZERO, self.count)

    def push(self, a: Value, b: Value, out: Value) -> None:
        """Add a sum; a full batch is computed at once."""
        f = self.f
        n = f.load("i64", self.count)
        for which, place in enumerate((a, b, out)):
            f.store(place, f.gep("ptr", f.gep("ptr", self.lists, which * BATCH), n))
        f.store(f.add(n, 1), self.count)
        with f.when(f.icmp("eq", n, BATCH - 1), likely=False):
            self.flush()

    def flush(self) -> None:
        """Compute what waits."""
        f = self.f
        n = f.load("i64", self.count)
        with f.when(f.icmp("ne", n, 0)):
            f.call(self.points.batch, self.lists, self.scratch, n)
        f.store(_ZERO, self.count)


def _pointers(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "ptr")


def _write_add(points: Points) -> None:
    names = _pointers("out", "a", "b") | {"n": "i64"} | _pointers("lists", "scratch")
    f = points.module.function("add", "void", names)
    out, a, b, n, lists, scratch = f.params
    pending = _Pending(f, points, lists, scratch)
    with f.loop(0, n) as loop:
        pending.push(*[f.gep(points.affine, array, loop.index) for array in (a, b, out)])
    pending.flush()
    f.ret()


def _write_recode(module: Module) -> None:
    """Digits lie in [-half, half]; a digit above half borrows from the next."""
    names = _pointers("digits", "scalars") | dict.fromkeys(("n", "bits", "count"), "i64")
    f = module.function("recode", "void", names)
    digits, scalars, n, bits, count = f.params
    radix = f.shl(const("i64", 1), bits)
    half, mask = f.lshr(radix, 1), f.sub(radix, 1)
    with f.loop(0, n) as row:
        scalar = f.load("i256", f.gep("i256", scalars, row.index), align=8)
        with f.loop(0, count, carried=[scalar, _ZERO]) as window:
            rest, carry = window.carried
            digit = f.add(f.and_(f.trunc(rest, "i64"), mask), carry)
            large = f.icmp("ugt", digit, half)
            signed = f.select(large, f.sub(digit, radix), digit)
            place = f.gep("i32", digits, f.add(f.mul(window.index, n), row.index))
            f.store(f.trunc(signed, "i32"), place)
            window.advance(f.lshr(rest, f.zext(bits, "i256")), f.zext(large, "i64"))
    f.ret()


def _magnitude(f: Function, digits: Value, index: Value) -> tuple[Value, Value]:
    """The absolute value of a digit as an i64, and whether it is negative."""
    digit = f.sext(f.load("i32", f.gep("i32", digits, index)), "i64")
    negative = f.icmp("slt", digit, 0)
    return f.select(negative, f.neg(digit), digit), negative


def _signed_copy(f: Function, points: Points, out: Value, a: Value, negative: Value) -> None:
    """Copy a point, or its negative."""
    e = Elements(f, points.coordinates)
    copy_point(e, out, a)
    with f.when(negative):
        y = e.at(out, 1)
        e.copy(y, e.neg(y))


def _write_sort(points: Points) -> None:
    """Counting sort; digit d goes to bucket abs(d) - 1, zero to none, each behind its sum."""
    names = _pointers("buffer", "points", "digits") | {"n": "i64"}
    names |= _pointers("counts", "starts", "sums") | {"buckets": "i64"}
    f = points.module.function("sort", "void", names)
    buffer, given, digits, n, counts, starts, sums, buckets = f.params
    e = Elements(f, points.coordinates)

    def is_held(bucket: Value) -> tuple[Value, Value]:
        """The address of a bucket's sum, and whether it counts: infinity need not."""
        total = f.gep(points.affine, sums, bucket)
        return total, f.not_(e.is_zero(total, e.at(total, 1)))

    with f.loop(0, buckets) as loop:
        _, held = is_held(loop.index)
        f.store(f.zext(held, "i64"), f.gep("i64", counts, loop.index))
    with f.loop(0, n) as loop:
        size, _ = _magnitude(f, digits, loop.index)
        with f.when(f.icmp("ne", size, 0)):
            cell = f.gep("i64", counts, f.sub(size, 1))
            f.store(f.add(f.load("i64", cell), 1), cell)
    with f.loop(0, buckets, carried=[_ZERO]) as loop:
        cell, (start,) = f.gep("i64", counts, loop.index), loop.carried
        f.store(start, f.gep("i64", starts, loop.index))
        after = f.add(start, f.load("i64", cell))
        f.store(_ZERO, cell)
        total, held = is_held(loop.index)
        with f.when(held):
            copy_point(e, f.gep(points.affine, buffer, start), total)
            f.store(const("i64", 1), cell)
        loop.advance(after)
    with f.loop(0, n) as loop:
        size, negative = _magnitude(f, digits, loop.index)
        with f.when(f.icmp("ne", size, 0)):
            bucket = f.sub(size, 1)
            cell = f.gep("i64", counts, bucket)
            filled = f.load("i64", cell)
            f.store(f.add(filled, 1), cell)
            place = f.add(f.load("i64", f.gep("i64", starts, bucket)), filled)
            source = f.gep(points.affine, given, loop.index)
            _signed_copy(f, points, f.gep(points.affine, buffer, place), source, negative)
    f.ret()


def _write_reduce(points: Points) -> None:
    """Rounds of sums of neighbours, each halving every bucket, until all hold one point."""
    names = _pointers("buffer", "counts", "starts") | {"buckets": "i64"}
    f = points.module.function("reduce", "void", names | _pointers("lists", "scratch"))
    buffer, counts, starts, buckets, lists, scratch = f.params
    pending = _Pending(f, points, lists, scratch)
    again, done = f.block("round"), f.block("reduced")
    f.br(again)
    f.at(again)
    with f.loop(0, buckets, carried=[_ZERO]) as loop:
        count = f.load("i64", f.gep("i64", counts, loop.index))
        base = f.gep(points.affine, buffer, f.load("i64", f.gep("i64", starts, loop.index)))
        pairs = f.lshr(count, 1)
        # Sum j goes where points 2j and 2j + 1 have been read already.
        with f.loop(0, pairs) as pair:
            first = f.gep(points.affine, base, f.shl(pair.index, 1))
            second = f.gep(points.affine, first, 1)
            pending.push(first, second, f.gep(points.affine, base, pair.index))
        loop.advance(f.or_(loop.carried[0], pairs))
    pending.flush()
    _move_the_odd(f, points, buffer, counts, starts, buckets)
    f.cond_br(f.icmp("ne", loop.carried[0], 0), again, done)
    f.at(done)
    f.ret()


def _move_the_odd(
    f: Function, points: Points, buffer: Value, counts: Value, starts: Value, buckets: Value
) -> None:
    """Put the point without a partner behind the sums, and count what is left."""
    e = Elements(f, points.coordinates)
    with f.loop(0, buckets) as loop:
        cell = f.gep("i64", counts, loop.index)
        count = f.load("i64", cell)
        with f.when(f.icmp("ugt", count, 1)):
            base = f.gep(points.affine, buffer, f.load("i64", f.gep("i64", starts, loop.index)))
            pairs, odd = f.lshr(count, 1), f.and_(count, 1)
            with f.when(f.icmp("ne", odd, 0)):
                last = f.gep(points.affine, base, f.sub(count, 1))
                copy_point(e, f.gep(points.affine, base, pairs), last)
            f.store(f.add(pairs, odd), cell)


def _write_keep(points: Points) -> None:
    names = _pointers("sums", "buffer", "counts", "starts") | {"buckets": "i64"}
    f = points.module.function("keep", "void", names)
    sums, buffer, counts, starts, buckets = f.params
    e = Elements(f, points.coordinates)
    with f.loop(0, buckets) as loop:
        count = f.load("i64", f.gep("i64", counts, loop.index))
        place = f.load("i64", f.gep("i64", starts, loop.index))
        with f.when(f.icmp("ne", count, 0)):
            total = f.gep(points.affine, sums, loop.index)
            copy_point(e, total, f.gep(points.affine, buffer, place))
    f.ret()


def _write_collect(points: Points) -> None:
    """From the top: the running sum of buckets is added once for each bucket below."""
    f = points.module.function("collect", "void", _pointers("out", "sums") | {"buckets": "i64"})
    out, sums, buckets = f.params
    e = Elements(f, points.coordinates)
    running = f.alloca(points.jacobian)
    for place in (running, out):
        e.set(e.at(place, 2), 0)
    with f.loop(f.sub(buckets, 1), -1, step=-1) as loop:
        f.call(points.add_affine, running, f.gep(points.affine, sums, loop.index))
        f.call(points.add, out, running)
    f.ret()


def _write_combine(points: Points) -> None:
    names = _pointers("out", "windows") | {"count": "i64", "bits": "i64"}
    f = points.module.function("combine", "void", names)
    out, windows, count, bits = f.params
    e = Elements(f, points.coordinates)
    total = f.alloca(points.jacobian)
    e.set(total, 0)
    e.set(e.at(total, 1), 0)
    e.set(e.at(total, 2), 0)
    with f.loop(f.sub(count, 1), -1, step=-1) as window:
        with f.loop(0, bits):
            f.call(points.double, total)
        f.call(points.add, total, f.gep(points.jacobian, windows, window.index))
    f.call(points.to_affine, out, total)
    f.ret()


def _write_accumulate(points: Points) -> None:
    """Entry i of the table is (i + 1) times its base; ``copies`` holds BATCH points."""
    names = _pointers("sums", "table", "digits") | {"n": "i64"}
    names |= _pointers("lists", "scratch", "copies")
    f = points.module.function("accumulate", "void", names)
    sums, table, digits, n, lists, scratch, copies = f.params
    pending = _Pending(f, points, lists, scratch)
    with f.loop(0, n) as loop:
        size, negative = _magnitude(f, digits, loop.index)
        with f.when(f.icmp("ne", size, 0)):
            copy = f.gep(points.affine, copies, f.load("i64", pending.count))
            entry = f.gep(points.affine, table, f.sub(size, 1))
            _signed_copy(f, points, copy, entry, negative)
            place = f.gep(points.affine, sums, loop.index)
            pending.push(place, copy, place)
    pending.flush()
    f.ret()
