"""The provable machine in Python: readable, slow, and what the fast one must agree with."""

import math
from collections.abc import Iterator, MutableSequence, Sequence

import msgspec

from numen.ir.types import FIELD_ORDER
from numen.proof.machine.errors import MachineTrapError, RunTooLongError, StrayError
from numen.proof.machine.isa import (
    CELL_BITS,
    CELL_MASK,
    ENTRY_PC,
    HALT_PC,
    Code,
    Hint,
    Instruction,
    Switch,
    Table,
)
from numen.proof.machine.precompiles.every import PRECOMPILES
from numen.proof.machine.precompiles.spec import Call, call


class Step(msgspec.Struct, frozen=True):
    """What a step read and wrote.

    Attributes:
        pc: Which instruction it was.
        flag: The flag before it.
        b_address: Where B was read.
        c_address: Where C was written.
        a: A.
        b: B.
        c: C.
        before: What C replaced.
        call: The call of a precompile that it was, if any.
    """

    pc: int
    flag: int
    b_address: int
    c_address: int
    a: int
    b: int
    c: int
    before: int
    call: Call | None = None


class State(msgspec.Struct):
    """A machine between two steps.

    Attributes:
        memory: Every cell.
        pc: What comes next.
        flag: 0 or 1.
    """

    memory: list[int]
    pc: int = ENTRY_PC
    flag: int = 0


def start(code: Code, public: Sequence[int], private: Sequence[int]) -> State:
    """A machine before its first step, with its inputs, one integer a cell."""
    memory = [0] * code.cells
    for address, value in code.initial.items():
        memory[address] = value
    for address, value in zip(code.public_inputs, public, strict=True):
        memory[address] = value
    for address, value in zip(code.private_inputs, private, strict=True):
        memory[address] = value
    return State(memory)


def run(code: Code, state: State, *, cycles_max: int) -> int:
    """Run until the machine halts; the cycles that took.

    Raises:
        MachineTrapError: A step has no next.
        RunTooLongError: It goes on for longer.
    """
    cycles = 0
    while state.pc != HALT_PC:
        if cycles == cycles_max:
            raise RunTooLongError(cycles_max)
        step(code, state)
        cycles += 1
    return cycles


def outputs(code: Code, state: State) -> list[int]:
    """What a machine that halted gives, one integer a cell."""
    return [state.memory[address] for address in code.outputs]


def steps(code: Code, state: State, count: int) -> Iterator[Step]:
    """Take so many steps; a machine that halted jumps on the spot."""
    for _ in range(count):
        yield step(code, state)


def step(code: Code, state: State) -> Step:
    """Take one step.

    Raises:
        MachineTrapError: It has no next.
        StrayError: The same, of a state to which no run comes.
    """
    pc, memory, flag = state.pc, state.memory, state.flag
    one = code.instructions[pc]
    a = memory[one.a]
    b_address = one.b + (a if one.switches & Switch.INDEXED_READ else 0)
    c_address = one.c + (a if one.switches & Switch.INDEXED_WRITE else 0)
    b = memory[b_address]
    called = called_by(one, a, b, memory)
    c, carry, is_allowed = _result(one, a, b, flag, memory)
    before, memory[c_address] = memory[c_address], c
    is_zero = int(c == 0)
    if not is_allowed or not _may_go_on(one.switches, carry, is_zero) or _is_end(pc, one):
        trap = code.traps.get(pc)
        raise StrayError(pc) if trap is None else MachineTrapError(trap)
    if one.switches & Switch.FLAG_CARRY:
        state.flag = carry
    elif one.switches & Switch.FLAG_ZERO:
        state.flag = is_zero
    elif one.switches & Switch.FLAG_ZERO_AND:
        state.flag = flag & is_zero
    state.pc = _next(pc, one, a, carry, is_zero)
    return Step(pc, flag, b_address, c_address, a, b, c, before, called)


def called_by(one: Instruction, a: int, b: int, memory: MutableSequence[int]) -> Call | None:
    """Call the precompile that a step calls, if it does."""
    if not one.switches & Switch.TABLE or one.t < Table.PRECOMPILE_MIN:
        return None
    return call(PRECOMPILES[one.t], a, b, memory)


def _result(
    one: Instruction, a: int, b: int, flag: int, memory: Sequence[int]
) -> tuple[int, int, bool]:
    """C, the carry, and whether a table allows it."""
    switches = one.switches
    carry_in = flag if switches & Switch.CARRY_IN else 0
    if switches & Switch.ADD:
        total = a + b + carry_in
        return total & CELL_MASK, total >> CELL_BITS, True
    if switches & Switch.SUBTRACT:
        total = a - b - carry_in
        return total & CELL_MASK, int(total < 0), True
    if switches & Switch.SELECT:
        return (a if flag else b), 0, True
    if switches & (Switch.INDEXED_READ | Switch.INDEXED_WRITE):
        return b, 0, True
    if switches & Switch.TABLE:
        return _table(one.t, a, b)
    return hint(one, memory), 0, True


def _table(function: int, a: int, b: int) -> tuple[int, int, bool]:
    match function:
        case Table.MULTIPLY:
            return a * b & CELL_MASK, 0, True
        case Table.MULTIPLY_HIGH:
            return a * b >> CELL_BITS, 0, True
        case Table.MULTIPLY_CHECKED:
            return a * b & CELL_MASK, 0, a * b <= CELL_MASK
        case Table.AND:
            return a & b, 0, True
        case Table.OR:
            return a | b, 0, True
        case Table.XOR:
            return a ^ b, 0, True
        case _:
            assert function in PRECOMPILES, function
            return 0, 0, True


def hint(one: Instruction, memory: Sequence[int]) -> int:
    """What a hint computes; see `Hint`."""
    kind, n, m, i = Hint.unpack(one.t)
    a, b = _number(memory, one.a, n), _number(memory, one.b, m)
    match kind:
        case Hint.QUOTIENT:
            found = a // b if b else 0
        case Hint.REMAINDER:
            found = a % b if b else 0
        case Hint.INVERSE:
            found = pow(a, -1, FIELD_ORDER) if a % FIELD_ORDER else 0
        case Hint.INVERSE_MODULO:
            found = pow(a, -1, b) if b and math.gcd(a, b) == 1 else 0
        case _:
            raise AssertionError(kind)
    return found >> CELL_BITS * i & CELL_MASK


def _number(memory: Sequence[int], address: int, count: int) -> int:
    return sum(int(memory[address + i]) << CELL_BITS * i for i in range(count))


def _may_go_on(switches: int, carry: int, is_zero: int) -> bool:
    if switches & Switch.NEED_CARRY:
        return carry == 1
    if switches & Switch.NEED_NO_CARRY:
        return carry == 0
    return bool(is_zero) if switches & Switch.NEED_ZERO else True


def _is_end(pc: int, one: Instruction) -> bool:
    return pc != HALT_PC and bool(one.switches & Switch.IF_ZERO) and one.t == -1


def _next(pc: int, one: Instruction, a: int, carry: int, is_zero: int) -> int:
    switches = one.switches
    if switches & Switch.RETURN:
        return a
    is_taken = (
        (switches & Switch.IF_CARRY and carry)
        or (switches & Switch.IF_NO_CARRY and not carry)
        or (switches & Switch.IF_ZERO and is_zero)
        or (switches & Switch.IF_NOT_ZERO and not is_zero)
    )
    return pc + 1 + (one.t if is_taken else 0)
