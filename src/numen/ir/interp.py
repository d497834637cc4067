"""The reference interpreter: short, slow, and the arbiter of what a program means.

Words are Python integers in the range of their type, arrays are views of Python lists, memories are
bytearrays. Every pure instruction is read from `meaning` over the integers.
"""

import math
from typing import TypeAlias

import msgspec

from numen.ir.host import (
    WORD_BYTES,
    Host,
    hash_bytes,
    hash_words,
    record_bytes,
    recover_signer,
)
from numen.ir.nodes import Branch, Function, Instr, Jump, Module, Reg, Return, Stop
from numen.ir.ops import HOST, SPECS, Op
from numen.ir.outcome import Outcome
from numen.ir.trap import Reason, Trap, TrapError
from numen.ir.types import FIELD_ORDER, Array, Kind, Memory, Type, Word


class View(msgspec.Struct, frozen=True):
    """A reference to part of an array: its words, and where it begins in them."""

    words: list[int]
    start: int


Value: TypeAlias = int | View | bytearray


class IntegerAlgebra:
    """The exact integers, as Python has them."""

    def const(self, value: int, _word: Word) -> int:
        return value

    def add(self, a: int, b: int) -> int:
        return a + b

    def sub(self, a: int, b: int) -> int:
        return a - b

    def mul(self, a: int, b: int) -> int:
        return a * b

    def floor_div(self, a: int, b: int) -> int:
        return a // b

    def floor_mod(self, a: int, b: int) -> int:
        return a % b

    def divide_modulo(self, a: int, b: int, m: int, reason: Reason) -> int:
        if math.gcd(b, m) != 1:
            raise TrapError(Trap(reason))
        return a * pow(b, -1, m) % m

    def inverse(self, a: int) -> int:
        return pow(a, -1, FIELD_ORDER)

    def bit_and(self, a: int, b: int) -> int:
        return a & b

    def bit_or(self, a: int, b: int) -> int:
        return a | b

    def bit_xor(self, a: int, b: int) -> int:
        return a ^ b

    def shift_left(self, a: int, count: int) -> int:
        return a << count

    def shift_right(self, a: int, count: int) -> int:
        return a >> count

    def equal(self, a: int, b: int) -> int:
        return int(a == b)

    def less(self, a: int, b: int) -> int:
        return int(a < b)

    def select(self, cond: int, then: int, other: int) -> int:
        return then if cond else other

    def fit(self, a: int, word: Word, reason: Reason) -> int:
        if a not in word:
            raise TrapError(Trap(reason))
        return a

    def wrap(self, a: int, word: Word) -> int:
        if word.kind is Kind.FIELD:
            return a % FIELD_ORDER
        return ((a - word.low) & ((1 << word.bits) - 1)) + word.low

    def require(self, cond: int, reason: Reason) -> None:
        if not cond:
            raise TrapError(Trap(reason))


INTEGERS = IntegerAlgebra()


def run(
    module: Module, args: list[int | list[int]], *, work_limit: int, host: Host | None = None
) -> Outcome:
    """Run a checked and metered module.

    Args:
        module: A module that `check` accepts, with meters; one without them is not bounded.
        args: One integer, or list of integers, for each leaf of the inputs, as
            `interface.flatten` gives them. Not changed.
        work_limit: Work units, 1 or more; `Reason.WORK_LIMIT` ends the run when they are used up.
        host: What a contract speaks to; a program that is none needs none.

    Returns:
        What the run came to; every other engine must agree with it.
    """
    machine = _Machine(module, work_limit, host)
    fn = module.functions[module.entry]
    values: list[Value] = [arg if isinstance(arg, int) else View(list(arg), 0) for arg in args]
    outs = [
        View([0] * param.type.length, 0)
        for param in fn.params[len(args) :]
        if isinstance(param.type, Array)
    ]
    try:
        words = machine.call(fn, [*values, *outs])
    except TrapError as error:
        return Outcome(None, error.trap, machine.work)
    return Outcome(_results(module, words, outs), None, machine.work)


def _results(module: Module, words: list[int], outs: list[View]) -> tuple[int | list[int], ...]:
    from_words, from_outs = iter(words), iter(outs)
    return tuple(
        next(from_words) if leaf.count is None else next(from_outs).words
        for leaf in module.result_leaves
    )


class _Machine:
    """A run in progress: the module, and the work charged."""

    def __init__(self, module: Module, work_limit: int, host: Host | None) -> None:
        self.functions = module.functions
        self.work = 0
        self.work_limit = work_limit
        self.host = host

    def call(self, fn: Function, args: list[Value]) -> list[int]:
        regs: dict[Reg, Value] = dict(zip((param.reg for param in fn.params), args, strict=True))
        block = fn.entry
        while True:
            for instr in block.body:
                self._execute(instr, regs)
            match block.end:
                case Jump(edge):
                    pass
                case Branch(cond, then, other):
                    edge = then if regs[cond] else other
                case Return(values):
                    return [_word(regs[reg]) for reg in values]
                case Stop(reason, message, place):
                    raise TrapError(Trap(reason, message, place))
            block = fn.blocks[edge.to]
            # Read every argument before any parameter is written: an edge may permute them.
            passed = [regs[reg] for reg in edge.args]
            regs.update(zip((param.reg for param in block.params), passed, strict=True))

    def _execute(self, instr: Instr, regs: dict[Reg, Value]) -> None:
        means = SPECS[instr.op].means
        try:
            if means is not None:
                words = (regs[reg] for reg in instr.args)
                regs[instr.dests[0]] = means(INTEGERS, instr.to or instr.type, *words)
            else:
                self._effect(instr, [regs[reg] for reg in instr.args], regs)
        except TrapError as error:
            if error.trap.place is None and instr.op is not Op.CALL:
                raise TrapError(msgspec.structs.replace(error.trap, place=instr.place)) from None
            raise

    def _effect(self, instr: Instr, args: list[Value], regs: dict[Reg, Value]) -> None:
        match instr.op, args:
            case Op.CONST, []:
                assert instr.imm is not None
                regs[instr.dests[0]] = instr.imm
            case Op.REQUIRE, [int() as cond]:
                if not cond:
                    raise TrapError(Trap(Reason.REQUIREMENT, instr.symbol))
            case Op.ARRAY, []:
                words = list(instr.data) or [0] * _length(instr.type)
                regs[instr.dests[0]] = View(words, 0)
            case Op.MEMORY, []:
                assert isinstance(instr.type, Memory)
                regs[instr.dests[0]] = bytearray(instr.type.size_bytes)
            case Op.CALL, _:
                results = self.call(self.functions[instr.symbol], args)
                regs.update(zip(instr.dests, results, strict=True))
            case Op.METER, _:
                assert instr.imm is not None
                self._charge(instr.imm * (_word(args[0]) if args else 1))
            case _:
                result = _access(instr, args) if instr.op not in HOST else self._speak(instr, args)
                if result is not None:
                    regs[instr.dests[0]] = result

    def _speak(self, instr: Instr, args: list[Value]) -> int | None:
        """Do what a contract asks of its host; the word that it answers, if any."""
        assert self.host is not None, "a contract runs without a host"
        match instr.op, args:
            case Op.STATE_LOAD, [int() as key]:
                return self.host.load(key)
            case Op.STATE_STORE, [int() as key, int() as value]:
                self.host.store(key, value)
            case Op.EMIT, [int() as kind, View(words, start), int() as count]:
                if count > _length(instr.type):
                    raise TrapError(Trap(Reason.INDEX))
                self.host.emit(kind, record_bytes(words[start : start + count]))
            case Op.RECOVER, [int() as digest, int() as r, int() as s, int() as v]:
                return recover_signer(digest, r, s, v)
            case _:
                raise AssertionError(instr)
        return None

    def _charge(self, units: int) -> None:
        self.work += units
        if self.work > self.work_limit:
            self.work = self.work_limit
            raise TrapError(Trap(Reason.WORK_LIMIT))


def _access(instr: Instr, args: list[Value]) -> Value | None:
    """Read or change what is stored; the value read, if any."""
    match instr.op, args:
        case Op.GET, [View(words, start), int() as index]:
            return words[start + _index(instr.type, index)]
        case Op.SET, [View(words, start), int() as index, int() as value]:
            words[start + _index(instr.type, index)] = value
        case Op.SLICE, [View(words, start), int() as index]:
            return View(words, start + _index(instr.type, index, instr.to))
        case Op.COPY, [View(into, to), View(words, start)]:
            length = _length(instr.type)
            into[to : to + length] = words[start : start + length]
        case Op.HASH, [int() as first, int() as second]:
            return hash_words(first, second)
        case Op.HASH_BYTES, [View(words, start), int() as size]:
            if size > WORD_BYTES * _length(instr.type):
                raise TrapError(Trap(Reason.INDEX))
            return hash_bytes(words[start : start + _length(instr.type)], size)
        case Op.LOAD, [bytearray() as memory, int() as offset]:
            return _load(memory, offset, instr.type)
        case Op.STORE, [bytearray() as memory, int() as offset, int() as value]:
            _store(memory, offset, instr.type, value)
        case _:
            raise AssertionError(instr)
    return None


def _word(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _length(of: Type | None) -> int:
    assert isinstance(of, Array)
    return of.length


def _index(of: Type | None, index: int, part: Type | None = None) -> int:
    """An index that an array has, or at which the whole of a part fits."""
    last = _length(of) - (1 if part is None else _length(part))
    if index > last:
        raise TrapError(Trap(Reason.INDEX))
    return index


def _load(memory: bytearray, offset: int, word: Type | None) -> int:
    assert isinstance(word, Word)
    raw = memory[_offset(memory, offset, word) : offset + word.size_bytes]
    value = int.from_bytes(raw, "little", signed=word.kind is Kind.SIGNED)
    return INTEGERS.fit(value, word, Reason.CONVERSION)


def _store(memory: bytearray, offset: int, word: Type | None, value: int) -> None:
    assert isinstance(word, Word)
    at = _offset(memory, offset, word)
    is_signed = word.kind is Kind.SIGNED
    memory[at : at + word.size_bytes] = value.to_bytes(word.size_bytes, "little", signed=is_signed)


def _offset(memory: bytearray, offset: int, word: Word) -> int:
    if offset > len(memory) - word.size_bytes:
        raise TrapError(Trap(Reason.INDEX))
    return offset
