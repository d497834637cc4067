"""Every instruction on words, at every type and at the edges, on every engine.

The expected results are computed here, from the documented meaning, and not by `ir.meaning`.
"""

import itertools
import math

import pytest

from numen.ir.interface import Input, Interface
from numen.ir.nodes import Edge, Module
from numen.ir.ops import SPECS, Op, is_allowed
from numen.ir.trap import Reason
from numen.ir.types import BOOL, FIELD_ORDER, U64, WORDS, Kind, Word
from tests.engines.all_engines import ENGINES, prepare
from tests.strategies.builder import Builder

P = FIELD_ORDER
PURE = [op for op, spec in SPECS.items() if spec.means is not None]
CONVERSIONS = (Op.CAST, Op.TRUNCATE)


def edges_of(word: Word) -> list[int]:
    """The ends of the range, zero and its neighbours, powers of two, and one number in between."""
    wanted = [0, 1, 2, 3, 7, word.high, word.high - 1, word.high // 2, word.high // 2 + 1]
    wanted += [
        word.bits - 1,
        word.bits,
        2**63,
        2**64 - 1,
        2**64,
        2**127,
        2**128 - 1,
        0x9E3779B97F4A7C15,
    ]
    if word.kind is Kind.SIGNED:
        wanted += [-1, -2, -3, -7, word.low, word.low + 1, word.low // 2, -word.bits]
    return sorted({value for value in wanted if value in word})


def wrapped(value: int, word: Word) -> int:
    value &= 2**word.bits - 1
    return value - 2**word.bits if value > word.high else value


def checked(value: int, word: Word) -> int | Reason:
    if word.kind is Kind.FIELD:
        return value % P
    return value if value in word else Reason.OVERFLOW


def divided(word: Word, a: int, b: int) -> int | Reason:
    if b == 0:
        return Reason.DIVISION_BY_ZERO
    return checked(a * pow(b, P - 2, P) if word.kind is Kind.FIELD else a // b, word)


def divided_modulo(a: int, b: int, m: int) -> int | Reason:
    if m == 0 or math.gcd(b, m) != 1:
        return Reason.DIVISION_BY_ZERO
    return a * pow(b, -1, m) % m


def shifted(word: Word, a: int, count: int, *, left: bool) -> int | Reason:
    if not 0 <= count < word.bits:
        return Reason.SHIFT
    return wrapped(a << count, word) if left else a >> count


EXPECTED = {
    Op.ADD: lambda t, a, b: checked(a + b, t),
    Op.SUB: lambda t, a, b: checked(a - b, t),
    Op.MUL: lambda t, a, b: checked(a * b, t),
    Op.WRAPPING_ADD: lambda t, a, b: wrapped(a + b, t),
    Op.WRAPPING_SUB: lambda t, a, b: wrapped(a - b, t),
    Op.WRAPPING_MUL: lambda t, a, b: wrapped(a * b, t),
    Op.DIV: divided,
    Op.REM: lambda t, a, b: a % b if b else Reason.DIVISION_BY_ZERO,
    Op.ADD_MOD: lambda t, a, b, m: (a + b) % m if m else Reason.DIVISION_BY_ZERO,
    Op.SUB_MOD: lambda t, a, b, m: (a - b) % m if m else Reason.DIVISION_BY_ZERO,
    Op.DIV_MOD: lambda t, a, b, m: divided_modulo(a, b, m),
    Op.MUL_MOD: lambda t, a, b, m: (a * b) % m if m else Reason.DIVISION_BY_ZERO,
    Op.AND: lambda t, a, b: a & b,
    Op.OR: lambda t, a, b: a | b,
    Op.XOR: lambda t, a, b: a ^ b,
    Op.NOT: lambda t, a: wrapped(~a, t),
    Op.SHL: lambda t, a, b: shifted(t, a, b, left=True),
    Op.SHR: lambda t, a, b: shifted(t, a, b, left=False),
    Op.EQ: lambda t, a, b: int(a == b),
    Op.LT: lambda t, a, b: int(a < b),
    Op.SELECT: lambda t, c, a, b: a if c else b,
}


def expected_conversion(op: Op, to: Word, a: int) -> int | Reason:
    if op is Op.TRUNCATE:
        return wrapped(a, to)
    if to.kind is Kind.FIELD:
        return a % P
    return a if a in to else Reason.CONVERSION


def test_every_pure_instruction_has_an_expectation_here():
    assert set(PURE) == {*EXPECTED, *CONVERSIONS}


class Selector:
    """A program of many cases: its first parameter says which one runs."""

    def __init__(self, inputs: list[Word], result: Word) -> None:
        self.inputs, self.result = inputs, result
        self.builder = Builder("main", (result,))
        start, (self.which, *self.params) = self.builder.block("start", U64, *inputs)
        self.builder.enter(start)
        self.count = 0

    def case(self) -> None:
        """Begin the next case; the caller writes it and returns."""
        number = self.builder.const(self.count, U64)
        is_it = self.builder.op(Op.EQ, U64, self.which, number)
        self.chosen, _ = self.builder.block("case")
        self.rest, _ = self.builder.block("rest")
        self.builder.branch(is_it, Edge(self.chosen), Edge(self.rest))
        self.builder.enter(self.chosen)
        self.count += 1

    def end(self, value: str) -> None:
        self.builder.returns(value)
        self.builder.enter(self.rest)

    def finish(self) -> Module:
        self.builder.stop(Reason.UNREACHABLE)
        inputs = [Input(f"x{i}", word) for i, word in enumerate([U64, *self.inputs])]
        interface = Interface(tuple(inputs), self.result)
        return Module({"main": self.builder.finish()}, "main", interface)


def answer(run, args) -> int | Reason:
    outcome = run(args)
    return outcome.trap.reason if outcome.trap else outcome.results[0]


def operands_of(op: Op, word: Word) -> list[tuple[int, ...]]:
    """Operands to try: all pairs of edges, and fewer of three."""
    letters = SPECS[op].operands
    values = edges_of(word)
    if len(letters) == 3:
        values = [*values[:: max(1, len(values) // 7)], word.high]
    return list(itertools.product(*([0, 1] if letter == "b" else values for letter in letters)))


def cases_for(word: Word, result: Word) -> list[Op]:
    return [
        op
        for op in PURE
        if op not in CONVERSIONS
        and is_allowed(op, word)
        and (BOOL if SPECS[op].results == "b" else word) == result
    ]


def kinds() -> list[tuple[Word, Word]]:
    return [
        (word, result)
        for word in WORDS.values()
        for result in dict.fromkeys((word, BOOL))
        if cases_for(word, result)
    ]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(("word", "result"), kinds(), ids=str)
def test_instructions_at_the_edges(name, word, result):
    ops = cases_for(word, result)
    selector = Selector([BOOL, word, word, word], result)
    for op in ops:
        selector.case()
        cond, *words = selector.params
        letters = SPECS[op].operands
        args = [cond, *words] if letters[0] == "b" else words
        selector.end(selector.builder.op(op, word, *args[: len(letters)]))
    run = prepare(name, selector.finish())

    for which, op in enumerate(ops):
        for operands in operands_of(op, word):
            cond, *words = operands if SPECS[op].operands[0] == "b" else (0, *operands)
            words += [0] * (3 - len(words))

            assert answer(run, [which, cond, *words]) == EXPECTED[op](word, *operands), (
                op,
                operands,
            )


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("word", WORDS.values(), ids=str)
def test_constant_operands_change_nothing(name, word):
    """Optimisers treat constants apart, so each side is a constant once."""
    ops = [op for op in cases_for(word, word) if SPECS[op].operands == "tt"]
    values = edges_of(word)
    picked = sorted(
        {0, 1, 2, word.high, word.low, word.bits - 1, values[len(values) // 2]} & set(values)
    )
    selector = Selector([word], word)
    wanted = []
    for op, constant, is_right in itertools.product(ops, picked, (False, True)):
        selector.case()
        fixed = selector.builder.const(constant, word)
        args = (selector.params[0], fixed) if is_right else (fixed, selector.params[0])
        selector.end(selector.builder.op(op, word, *args))
        wanted.append((op, constant, is_right))
    run = prepare(name, selector.finish())

    for which, (op, constant, is_right) in enumerate(wanted):
        for value in picked:
            operands = (value, constant) if is_right else (constant, value)

            assert answer(run, [which, value]) == EXPECTED[op](word, *operands), (op, operands)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("to", WORDS.values(), ids=str)
def test_conversions_at_the_edges(name, to):
    """From every type at once, the sources being parameters of one program."""
    sources = list(WORDS.values())
    selector = Selector(sources, to)
    wanted = []
    for op, (index, source) in itertools.product(CONVERSIONS, enumerate(sources)):
        is_bits = to.kind in (Kind.UNSIGNED, Kind.SIGNED)
        if is_allowed(op, source) and (op is Op.CAST or is_bits):
            selector.case()
            value = selector.builder.op(op, source, selector.params[index], to=to)
            selector.end(value)
            wanted.append((op, index))
    run = prepare(name, selector.finish())

    for which, (op, index) in enumerate(wanted):
        for value in edges_of(sources[index]):
            words = [0] * len(sources)
            words[index] = value

            expected = expected_conversion(op, to, value)

            assert answer(run, [which, *words]) == expected, (op, sources[index], value)
