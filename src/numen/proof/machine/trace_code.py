"""The table of steps as native code: records in, rows of the trace out."""

from numen.kernels import llvm
from numen.kernels.llvm import Value
from numen.kernels.values import const
from numen.proof.machine.chips import cpu, program
from numen.proof.machine.isa import LIMBS, SWITCHES, Switch

STEP_BYTES = 64
"""Of a record; see `record.STEP`."""


def module_text() -> str:
    """Write ``rows(steps, program, inverses, out, counts, start, stop)``.

    ``steps`` are records, one more than rows are wanted; of the last only its pc and flag are read.
    ``counts`` are i64, one for each number of 16 bits, and are added to.
    """
    module = llvm.Module()
    pointers = ("steps", "program", "inverses", "out", "counts")
    params = dict.fromkeys(pointers, "ptr") | dict.fromkeys(("start", "stop"), "i64")
    f = module.function("rows", "void", params)
    start, stop = Value("i64", "%start"), Value("i64", "%stop")
    with f.loop(start, stop) as loop:
        _Row(f, loop.index).write()
        loop.advance()
    f.ret()
    return str(module)


class _Row:
    """One row in the making."""

    def __init__(self, f: llvm.Function, index: Value) -> None:
        self.f = f
        self.index = index
        self.step = f.gep("i8", Value("ptr", "%steps"), f.mul(index, STEP_BYTES))

    def write(self) -> None:
        """Write the cells in the order of `chips.cpu`."""
        f = self.f
        pc = self._word(8)
        fields = f.gep(
            "i32", Value("ptr", "%program"), f.mul(f.zext(pc, "i64"), len(program.FIELDS))
        )
        word, *operands, t = (f.load("i32", f.gep("i32", fields, i)) for i in range(1, 6))
        self.on = {switch: f.and_(f.lshr(word, bit), 1) for bit, switch in enumerate(SWITCHES)}
        x, y, z, before = (self._limbs(index) for index in range(4))
        flag, flag_out = self._word(14), self._word(16 + 14)
        step = f.trunc(self.index, "i32")
        times = [self._word(11 + access) for access in range(cpu.ACCESSES)]
        now = f.mul(step, cpu.ACCESSES)
        gaps = [f.sub(f.add(now, access), time) for access, time in enumerate(times)]
        low = [f.and_(gap, (1 << cpu.GAP_SHIFT) - 1) for gap in gaps]
        high = [f.lshr(gap, cpu.GAP_SHIFT) for gap in gaps]
        carry = self._carries(x, y, z, flag)
        total = f.add(f.add(z[0], z[1]), f.add(z[2], z[3]))
        is_zero = f.zext(f.icmp("eq", total, 0), "i32")
        inverse = f.load("i32", f.gep("i32", Value("ptr", "%inverses"), f.zext(total, "i64")))
        for cell in (*low, *high, *z):
            self._count(cell)
        cells = [
            pc, self._word(16 + 8), step, *self.on.values(), *operands, t,
            self._word(9), self._word(10), *x, *y, *z, *before, *times, *low, *high, *carry,
            flag, flag_out, is_zero, inverse, self._taken(carry[-1], is_zero),
        ]  # fmt: skip
        row = f.gep("i32", Value("ptr", "%out"), f.mul(self.index, len(cells)))
        for column, cell in enumerate(cells):
            f.store(cell, f.gep("i32", row, column))

    def _word(self, index: int) -> Value:
        """An i32 of the record; from 16 on, of the next record."""
        return self.f.load("i32", self.f.gep("i32", self.step, index))

    def _limbs(self, index: int) -> list[Value]:
        f = self.f
        return [
            f.zext(f.load("i16", f.gep("i16", self.step, LIMBS * index + limb)), "i32")
            for limb in range(LIMBS)
        ]

    def _carries(self, x: list[Value], y: list[Value], z: list[Value], flag: Value) -> list[Value]:
        f = self.f
        is_add = f.icmp("ne", self.on[Switch.ADD], 0)
        is_arithmetic = f.or_(self.on[Switch.ADD], self.on[Switch.SUBTRACT])
        carry = f.and_(self.on[Switch.CARRY_IN], flag)
        out = []
        for a, b, c in zip(x, y, z, strict=True):
            total = f.add(f.add(f.select(is_add, a, c), b), carry)
            carry = f.and_(f.lshr(total, 16), is_arithmetic)
            out.append(carry)
        return out

    def _taken(self, carry: Value, is_zero: Value) -> Value:
        f, on = self.f, self.on
        ways = (
            f.and_(on[Switch.IF_CARRY], carry),
            f.and_(on[Switch.IF_NO_CARRY], f.xor(carry, 1)),
            f.and_(on[Switch.IF_ZERO], is_zero),
            f.and_(on[Switch.IF_NOT_ZERO], f.xor(is_zero, 1)),
        )
        return f.or_(f.or_(ways[0], ways[1]), f.or_(ways[2], ways[3]))

    def _count(self, cell: Value) -> None:
        f = self.f
        place = f.gep("i64", Value("ptr", "%counts"), f.zext(cell, "i64"))
        f.store(f.add(f.load("i64", place), const("i64", 1)), place)
