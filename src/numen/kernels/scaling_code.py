"""LLVM functions of many points that are each multiplied by a scalar of their own.

gather (sums, table, digits, n, lists, scratch, copies)
                        sums[i] += digit i times point i, of which a table holds the multiples
turn (out, a, n, factor)
                        x times a constant of Fq, which is an endomorphism where it is a cube root
                        of one
"""

from numen.kernels.coordinates import Coordinates, Elements
from numen.kernels.curve_code import BATCH, Points, copy_point
from numen.kernels.llvm import Module, const
from numen.kernels.montgomery import Field


def scaling_functions(field: Field, degree: int, *, mulx: bool) -> str:
    """The text of a module with the functions of this file, for one group.

    Args:
        field: Of the coordinates, or below it.
        degree: 1 for Fq, 2 for Fq2.
        mulx: As for `numen.kernels.montgomery.mul`.
    """
    points = Points(Coordinates(Module(), field, degree, mulx=mulx))
    _write_gather(points)
    _write_turn(points)
    return str(points.module)


def _write_gather(points: Points) -> None:
    """Entry ``[d, i]`` of the table is d + 1 times point i; at most BATCH points."""
    names = dict.fromkeys(("sums", "table", "digits"), "ptr") | {"n": "i64"}
    names |= dict.fromkeys(("lists", "scratch", "copies"), "ptr")
    f = points.module.function("gather", "void", names)
    e = Elements(f, points.coordinates)
    sums, table, digits, n, lists, scratch, copies = f.params
    waiting = f.alloca("i64")
    f.store(const("i64", 0), waiting)
    with f.loop(0, n) as loop:
        digit = f.sext(f.load("i32", f.gep("i32", digits, loop.index)), "i64")
        with f.when(f.icmp("ne", digit, 0)):
            is_negative = f.icmp("slt", digit, 0)
            size = f.select(is_negative, f.neg(digit), digit)
            place = f.add(f.mul(f.sub(size, 1), n), loop.index)
            count = f.load("i64", waiting)
            copy = f.gep(points.affine, copies, count)
            copy_point(e, copy, f.gep(points.affine, table, place))
            with f.when(is_negative):
                y = e.at(copy, 1)
                e.copy(y, e.neg(y))
            total = f.gep(points.affine, sums, loop.index)
            for which, address in enumerate((total, copy, total)):
                f.store(address, f.gep("ptr", f.gep("ptr", lists, which * BATCH), count))
            f.store(f.add(count, 1), waiting)
    count = f.load("i64", waiting)
    with f.when(f.icmp("ne", count, 0)):
        f.call(points.batch, lists, scratch, count)
    f.ret()


def _write_turn(points: Points) -> None:
    names = {"out": "ptr", "a": "ptr", "n": "i64", "factor": "ptr"}
    f = points.module.function("turn", "void", names)
    e = Elements(f, points.coordinates)
    out, a, n, factor = f.params
    with f.loop(0, n) as loop:
        to, given = (f.gep(points.affine, array, loop.index) for array in (out, a))
        e.mul(given, factor, to)
        e.copy(e.at(to, 1), e.at(given, 1))
    f.ret()
