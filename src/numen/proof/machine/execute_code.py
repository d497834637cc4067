"""The provable machine as native code: a loop that takes steps and, where asked, records them."""

from functools import reduce
from typing import Final

from numen.kernels import llvm
from numen.kernels.llvm import Value
from numen.kernels.values import const
from numen.proof.machine.isa import HALT_PC, Hint, Switch, Table

FIELDS: Final = 8
"""i32 words of an instruction in memory: switches, a, b, c, t, and three unused."""

STEP_BYTES: Final = 64
"""Of a record; see `record.STEP`."""

DONE, HALTED, ASKS, STUCK = range(4)
"""Why the loop ended: all steps taken, the program is at its end, it cannot compute a hint or a
precompile itself, the step has no next."""

_QUOTIENT: Final = Hint.pack(Hint.QUOTIENT, 1, 1, 0)
_REMAINDER: Final = Hint.pack(Hint.REMAINDER, 1, 1, 0)


def module_text() -> str:
    """Write the module: ``take(state, code, memory, times, steps) -> i64``.

    ``state`` is i64 words: pc, flag, steps taken, steps to take, whether to go on at the end of the
    program, cells. ``steps`` is null where nothing is to be recorded; ``times`` is then not read.
    """
    module = llvm.Module()
    names = ("state", "code", "memory", "times", "steps")
    _Loop(module.function("take", "i64", dict.fromkeys(names, "ptr"))).write()
    return str(module)


class _Loop:
    """The function in the making; attributes are values of the step in hand."""

    def __init__(self, f: llvm.Function) -> None:
        self.f = f
        self.params = {
            name: Value("ptr", f"%{name}") for name in ("state", "code", "memory", "times", "steps")
        }

    def write(self) -> None:
        f = self.f
        first = [self._word(index) for index in range(6)]
        self.count, self.goes_on, self.cells = first[3], first[4], first[5]
        start, head = f.current, f.block("head")
        f.br(head)
        f.at(head)
        self.pc = f.phi("i64", (first[0], start))
        self.flag = f.phi("i64", (first[1], start))
        self.index = f.phi("i64", (first[2], start))
        self._leave_when(f.icmp("eq", self.index, self.count), DONE)
        ended = f.and_(f.icmp("eq", self.pc, HALT_PC), f.icmp("eq", self.goes_on, 0))
        self._leave_when(ended, HALTED)
        self._fetch()
        self._compute()
        following = self._decide()
        self._record()
        f.store(self.c, self._cell(self.c_address))
        for phi, value in (
            (self.pc, following),
            (self.flag, self.flag_out),
            (self.index, f.add(self.index, 1)),
        ):
            f.incoming(phi, value, f.current)
        f.br(head)

    def _word(self, index: int) -> Value:
        return self.f.load("i64", self.f.gep("i64", self.params["state"], index))

    def _leave_when(self, cond: Value, why: int) -> None:
        f = self.f
        with f.when(cond, likely=False):
            for index, value in enumerate((self.pc, self.flag, self.index)):
                f.store(value, f.gep("i64", self.params["state"], index))
            f.ret(const("i64", why))

    def _cell(self, address: Value) -> Value:
        return self.f.gep("i64", self.params["memory"], address)

    def _on(self, switch: Switch) -> Value:
        """Whether a switch of the step is on, an i1."""
        return self.f.icmp("ne", self.f.and_(self.word, int(switch)), 0)

    def _fetch(self) -> None:
        f = self.f
        at = f.gep("i32", self.params["code"], f.mul(self.pc, FIELDS))
        fields = [f.load("i32", f.gep("i32", at, index)) for index in range(5)]
        self.word, self.a_address, b, c = (f.zext(field, "i64") for field in fields[:4])
        self.t = f.sext(fields[4], "i64")
        self.a = f.load("i64", self._cell(self.a_address))
        zero = const("i64", 0)
        self.b_address = f.add(b, f.select(self._on(Switch.INDEXED_READ), self.a, zero))
        self.c_address = f.add(c, f.select(self._on(Switch.INDEXED_WRITE), self.a, zero))
        for address in (self.b_address, self.c_address):
            self._leave_when(f.icmp("uge", address, self.cells), STUCK)
        self.b = f.load("i64", self._cell(self.b_address))

    def _compute(self) -> None:
        f, a, b = self.f, self.a, self.b
        zero = const("i64", 0)
        carry_in = f.select(self._on(Switch.CARRY_IN), self.flag, zero)
        total, lost = self._twice("uadd", a, b, carry_in)
        difference, borrowed = self._twice("usub", a, b, carry_in)
        is_add, is_table = self._on(Switch.ADD), self._on(Switch.TABLE)
        is_call = f.icmp("uge", self.t, Table.PRECOMPILE_MIN)
        self._leave_when(f.and_(is_table, is_call), ASKS)
        is_sum = f.or_(is_add, self._on(Switch.SUBTRACT))
        carry = f.select(is_sum, f.select(is_add, lost, borrowed), const("i1", 0))
        moved = f.or_(self._on(Switch.INDEXED_READ), self._on(Switch.INDEXED_WRITE))
        chosen = f.select(f.icmp("ne", self.flag, 0), a, b)
        looked_up, fits = self._table()
        c = f.select(is_sum, f.select(is_add, total, difference), b)
        c = f.select(self._on(Switch.SELECT), chosen, c)
        c = f.select(is_table, looked_up, c)
        plain = f.current
        hint, after = f.block("hint"), f.block("after")
        is_known = f.or_(f.or_(is_sum, is_table), f.or_(moved, self._on(Switch.SELECT)))
        f.cond_br(is_known, after, hint, likely=True)
        f.at(hint)
        guess = self._hint()
        f.br(after)
        guessed = f.current
        f.at(after)
        self.c = f.phi("i64", (c, plain), (guess, guessed))
        self.carry = f.zext(carry, "i64")
        self.is_stuck = f.and_(is_table, f.not_(fits))

    def _twice(self, op: str, a: Value, b: Value, carry: Value) -> tuple[Value, Value]:
        one, over = self.f.overflow(op, a, b)
        two, again = self.f.overflow(op, one, carry)
        return two, self.f.or_(over, again)

    def _table(self) -> tuple[Value, Value]:
        """What a table says, and whether it says anything."""
        f, a, b = self.f, self.a, self.b
        product = f.mul(f.zext(a, "i128"), f.zext(b, "i128"))
        low, high = f.trunc(product, "i64"), f.trunc(f.lshr(product, 64), "i64")
        found = low
        for function, value in (
            (Table.MULTIPLY_HIGH, high),
            (Table.AND, f.and_(a, b)),
            (Table.OR, f.or_(a, b)),
            (Table.XOR, f.xor(a, b)),
        ):
            found = f.select(f.icmp("eq", self.t, function), value, found)
        is_whole = f.or_(f.icmp("ne", self.t, Table.MULTIPLY_CHECKED), f.icmp("eq", high, 0))
        return found, is_whole

    def _hint(self) -> Value:
        f = self.f
        is_quotient = f.icmp("eq", self.t, _QUOTIENT)
        is_ours = f.or_(is_quotient, f.icmp("eq", self.t, _REMAINDER))
        self._leave_when(f.not_(is_ours), ASKS)
        is_zero = f.icmp("eq", self.b, 0)
        divisor = f.select(is_zero, const("i64", 1), self.b)
        found = f.select(is_quotient, f.udiv(self.a, divisor), f.urem(self.a, divisor))
        return f.select(is_zero, const("i64", 0), found)

    def _decide(self) -> Value:
        """Whether the step has a next, and which."""
        f = self.f
        has_carry = f.icmp("ne", self.carry, 0)
        is_zero = f.icmp("eq", self.c, 0)
        self.is_zero = f.zext(is_zero, "i64")
        jumps_back = f.and_(self._on(Switch.IF_ZERO), f.icmp("eq", self.t, -1))
        stuck = [
            self.is_stuck,
            f.and_(self._on(Switch.NEED_CARRY), f.not_(has_carry)),
            f.and_(self._on(Switch.NEED_NO_CARRY), has_carry),
            f.and_(self._on(Switch.NEED_ZERO), f.not_(is_zero)),
            f.and_(jumps_back, f.icmp("ne", self.pc, HALT_PC)),
        ]
        self._leave_when(reduce(f.or_, stuck), STUCK)
        taken = [
            f.and_(self._on(Switch.IF_CARRY), has_carry),
            f.and_(self._on(Switch.IF_NO_CARRY), f.not_(has_carry)),
            f.and_(self._on(Switch.IF_ZERO), is_zero),
            f.and_(self._on(Switch.IF_NOT_ZERO), f.not_(is_zero)),
        ]
        jump = f.select(reduce(f.or_, taken), self.t, const("i64", 0))
        following = f.add(f.add(self.pc, 1), jump)
        flag = f.select(self._on(Switch.FLAG_CARRY), self.carry, self.flag)
        flag = f.select(self._on(Switch.FLAG_ZERO), self.is_zero, flag)
        both = f.and_(self.is_zero, self.flag)
        self.flag_out = f.select(self._on(Switch.FLAG_ZERO_AND), both, flag)
        return f.select(self._on(Switch.RETURN), self.a, following)

    def _record(self) -> None:
        f = self.f
        is_wanted = f.icmp("ne", f.cast("ptrtoint", self.params["steps"], "i64"), 0)
        with f.when(is_wanted):
            row = f.gep("i8", self.params["steps"], f.mul(self.index, STEP_BYTES))
            before = f.load("i64", self._cell(self.c_address))
            for index, wide in enumerate((self.a, self.b, self.c, before)):
                f.store(wide, f.gep("i64", row, index))
            for index, value in enumerate((self.pc, self.b_address, self.c_address)):
                f.store(f.trunc(value, "i32"), f.gep("i32", row, 8 + index))
            now = f.trunc(f.mul(self.index, 3), "i32")
            for index, address in enumerate((self.a_address, self.b_address, self.c_address)):
                place = f.gep("i32", self.params["times"], address)
                f.store(f.load("i32", place), f.gep("i32", row, 11 + index))
                f.store(f.add(now, index + 1), place)
            f.store(f.trunc(self.flag, "i32"), f.gep("i32", row, 14))
            f.store(const("i32", 0), f.gep("i32", row, 15))
