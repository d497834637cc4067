"""Random well-formed modules, and inputs for them.

Every instruction occurs, on every type it allows; so do branches that join, loops that end, early
exits, calls, and references handed to callees. Operands are mostly steered away from traps (an
index is reduced, a divisor made odd), else few programs would come to their end; now and then one
is not. Every instruction has a line of its own, so that engines can be asked where they trapped.
"""

from collections.abc import Callable

import msgspec
from hypothesis import strategies as st

from numen.base.errors import Place
from numen.ir import codes
from numen.ir.check import check
from numen.ir.interface import (
    Input,
    Interface,
    ListShape,
    Shape,
    StructShape,
    TupleShape,
    leaves,
    text_shape,
)
from numen.ir.nodes import Edge, Function, Instr, Module, Param, Reg
from numen.ir.ops import SPECS, Op, is_allowed
from numen.ir.types import BOOL, U8, U64, U256, WORDS, Array, Kind, Memory, Type, Word
from tests.strategies.builder import Builder

ALL_WORDS = tuple(WORDS.values())
PURE = {
    word: [op for op in Op if SPECS[op].means is not None and is_allowed(op, word)]
    for word in ALL_WORDS
}
"""The instructions that have a meaning, for each suffix."""

NEEDS_DIVISOR = frozenset({Op.DIV, Op.REM, Op.ADD_MOD, Op.SUB_MOD, Op.MUL_MOD, Op.DIV_MOD})
NEEDS_SMALL = frozenset({Op.ADD, Op.SUB, Op.MUL})
NEEDS_COUNT = frozenset({Op.SHL, Op.SHR})
REASONS = tuple(codes.REASONS)
MIXED_MAX = 4
"""Registers that a result is made of."""

DEPTH_MAX = 2
"""How deep branches and loops nest."""


def edge_values(word: Word) -> list[int]:
    """The values of a word where things go wrong: its ends, small ones, and ends of other words."""
    near = [edge + delta for edge in (word.low, word.high, 0) for delta in (-2, -1, 0, 1, 2)]
    powers = [(1 << bits) + delta for bits in (7, 31, 32, 63, 64, 127, 128) for delta in (-1, 0)]
    found = [*near, 7, word.bits, *powers, *(-power for power in powers)]
    return sorted({value for value in found if value in word}, key=abs)


EDGES = {word: edge_values(word) for word in ALL_WORDS}


def values(word: Word) -> st.SearchStrategy[int]:
    """Values of a word, edges first."""
    return st.sampled_from(EDGES[word]) | st.integers(word.low, word.high)


def arguments(module: Module) -> st.SearchStrategy[list[int | list[int]]]:
    """What `interp.run` takes: an integer, or a list of them, for each leaf of the inputs."""
    return st.tuples(
        *(
            values(leaf.word)
            if leaf.count is None
            else st.lists(values(leaf.word), min_size=leaf.count, max_size=leaf.count)
            for leaf in module.input_leaves
        )
    ).map(list)


@st.composite
def modules(
    draw: st.DrawFn,
    *,
    words: tuple[Word, ...] = ALL_WORDS,
    functions_max: int = 3,
    statements_max: int = 16,
    has_memory: bool = True,
) -> Module:
    """Draw a checked module.

    Args:
        draw: Given by Hypothesis.
        words: Types of its registers. `bool` and `u64` occur anyway.
        functions_max: Most functions.
        statements_max: Most statements of all functions together.
        has_memory: Whether byte memories occur.
    """
    maker = _Maker(draw, tuple(dict.fromkeys((*words, BOOL, U64))), statements_max, has_memory)
    for index in range(draw(st.integers(0, functions_max - 1))):
        maker.callee(f"f{index}")
    module = maker.entry()
    check(module)
    return module


@st.composite
def runs(
    draw: st.DrawFn, **options: int | bool | tuple[Word, ...]
) -> tuple[Module, list[int | list[int]]]:
    """Draw a module with arguments for it; the options are those of `modules`."""
    module = draw(modules(**options))  # type: ignore[arg-type]
    return module, draw(arguments(module))


class Scope(msgspec.Struct):
    """Registers that may be read here."""

    words: dict[Word, list[Reg]]
    references: list[tuple[Reg, Type]]

    def copy(self) -> "Scope":
        return Scope({word: list(regs) for word, regs in self.words.items()}, [*self.references])

    def add(self, reg: Reg, of: Type) -> None:
        if isinstance(of, Word):
            self.words.setdefault(of, []).append(reg)
        else:
            self.references.append((reg, of))


class _Maker:
    """The functions made so far, and what is left to draw."""

    def __init__(
        self, draw: st.DrawFn, words: tuple[Word, ...], budget: int, has_memory: bool
    ) -> None:
        self.draw = draw
        self.words = words
        self.budget = budget
        self.has_memory = has_memory
        self.functions: dict[str, Function] = {}
        self.line = 0

    def word(self) -> Word:
        return self.draw(st.sampled_from(self.words))

    def callee(self, name: str) -> None:
        params = [self._type() for _ in range(self.draw(st.integers(0, 3)))]
        results = tuple(self.word() for _ in range(self.draw(st.integers(0, 2))))
        self.functions[name] = _Body(self, name, params, results).finish()

    def entry(self) -> Module:
        inputs = tuple(
            Input(f"x{index}", self._shape(), self.draw(st.booleans()))
            for index in range(self.draw(st.integers(1, 3)))
        )
        result = self.draw(st.sampled_from([self._shape, self._pair]))()
        params = [leaf.type for field in inputs for leaf in leaves(field.shape)]
        outs = leaves(result)
        params += [leaf.type for leaf in outs if leaf.count is not None]
        results = tuple(leaf.word for leaf in outs if leaf.count is None)
        self.functions["main"] = _Body(self, "main", params, results).finish()
        return Module(self.functions, "main", Interface(inputs, result))

    def _type(self) -> Type:
        if self.draw(st.integers(0, 2)):
            return self.word()
        if self.has_memory and not self.draw(st.integers(0, 2)):
            return Memory(self.draw(st.sampled_from([1, 8, 40])))
        return Array(self.word(), self.draw(st.integers(1, 4)))

    def _shape(self) -> Shape:
        match self.draw(st.integers(0, 5)):
            case 0:
                return ListShape(self.word(), self.draw(st.integers(1, 4)))
            case 1:
                fields = (("a", self.word()), ("b", ListShape(self.word(), 2)))
                return StructShape("Pair", fields)
            case 2:
                return text_shape(
                    self.draw(st.sampled_from(["str", "bytes"])), self.draw(st.integers(1, 40))
                )
            case _:
                return self.word()

    def _pair(self) -> Shape:
        return TupleShape((self.word(), ListShape(self.word(), 2)))


class _Body:
    """Writes one function, statement by statement."""

    def __init__(
        self, maker: _Maker, name: str, params: list[Type], results: tuple[Word, ...]
    ) -> None:
        self.maker = maker
        self.draw = maker.draw
        self.builder = Builder(name, results)
        self.results = results
        label, regs = self.builder.block("start", *params)
        self.builder.enter(label)
        self.scope = Scope({}, [])
        for reg, of in zip(regs, params, strict=True):
            self.scope.add(reg, of)

    def finish(self) -> Function:
        self.statements(0)
        if self.builder.is_open:
            self.returns()
        return self.builder.finish()

    def statements(self, depth: int) -> None:
        for _ in range(self.draw(st.integers(0, 6))):
            if self.maker.budget <= 0 or not self.builder.is_open:
                return
            self.maker.budget -= 1
            self.maker.line += 1
            self.builder.place = Place("f.py", self.maker.line, 1)
            kinds = FLAT if depth >= DEPTH_MAX else FLAT + NESTED
            self.draw(st.sampled_from(kinds))(self, depth)

    def returns(self) -> None:
        """Return words that depend on much of what was computed, lest it all be dead."""
        self.builder.returns(*(self.mixed(word) for word in self.results))

    def mixed(self, word: Word) -> Reg:
        mix = Op.ADD if word.kind is Kind.FIELD else Op.XOR
        sum_ = self.pick(word)
        for reg in self.scope.words.get(word, [])[-MIXED_MAX:]:
            sum_ = self.op(mix, word, sum_, reg)
        return sum_

    # --- operands -------------------------------------------------------------------------------

    def chance(self, odds: int) -> bool:
        """Draw something that is seldom true; the simplest draw is false."""
        return self.draw(st.integers(0, odds)) == odds

    def pick(self, word: Word) -> Reg:
        """Draw a register of a type, or write a constant."""
        known = self.scope.words.get(word, [])
        # A constant is the simplest choice, but programs of constants fold to nothing.
        index = self.draw(st.integers(0, 3 * len(known)))
        if index:
            return known[-(index % len(known)) - 1]
        value = self.draw(st.sampled_from(EDGES[word]))
        return self.keep(self.builder.const(value, word), word)

    def keep(self, reg: Reg, of: Type) -> Reg:
        self.scope.add(reg, of)
        return reg

    def op(self, op: Op, word: Word, *args: Reg) -> Reg:
        return self.builder.op(op, word, *args)

    def const(self, value: int, word: Word) -> Reg:
        return self.builder.const(value, word)

    def index(self, length: int) -> Reg:
        """Draw an index, seldom one out of bounds."""
        if self.chance(9):
            return self.pick(U64)
        if self.chance(1):
            return self.const(self.draw(st.integers(0, length - 1)), U64)
        return self.op(Op.REM, U64, self.pick(U64), self.const(length, U64))

    def small(self, word: Word) -> Reg:
        """Draw a value of a few bits."""
        value = self.pick(word)
        if word.kind is Kind.FIELD:
            return value
        mask = word.high >> 1 if word.kind is Kind.BOOL else (1 << word.bits // 2 - 1) - 1
        return self.op(Op.AND, word, value, self.const(mask, word))

    def reference(self, of: Type) -> Reg:
        """Draw a reference of a type, or make one."""
        known = [reg for reg, kind in self.scope.references if kind == of]
        index = self.draw(st.integers(0, len(known)))
        if index:
            return known[-index]
        if isinstance(of, Memory):
            return self.keep(self.builder.op(Op.MEMORY, of), of)
        if not self.chance(2):
            return self.keep(self.builder.op(Op.ARRAY, of), of)
        data = tuple(self.draw(st.sampled_from(EDGES[of.element])) for _ in range(of.length))
        dest = self.builder._fresh("v")
        self.builder._append(Instr(Op.ARRAY, (dest,), type=of, place=self.builder.place, data=data))
        return self.keep(dest, of)

    def array(self) -> tuple[Reg, Array]:
        """Draw a reference to some array, or make one."""
        known = [(reg, of) for reg, of in self.scope.references if isinstance(of, Array)]
        index = self.draw(st.integers(0, len(known)))
        if index:
            return known[-index]
        of = Array(self.maker.word(), self.draw(st.integers(1, 4)))
        return self.reference(of), of

    # --- statements -----------------------------------------------------------------------------

    def pure(self, _depth: int) -> None:
        word = self.maker.word()
        op = self.draw(st.sampled_from(PURE[word]))
        if op in (Op.CAST, Op.TRUNCATE):
            self.convert(op, word)
            return
        is_safe = not self.chance(7)
        take = self.small if is_safe and op in NEEDS_SMALL else self.pick
        args = [take(BOOL if letter == "b" else word) for letter in SPECS[op].operands]
        if is_safe and op is Op.DIV_MOD:
            # An odd number has an inverse modulo a power of two.
            args[1:] = self.divisor(word, args[1]), self.power(word, args[2])
        elif is_safe and op in NEEDS_DIVISOR:
            args[-1] = self.divisor(word, args[-1])
        if is_safe and op in NEEDS_COUNT:
            args[-1] = self.op(Op.AND, word, args[-1], self.const(word.bits - 1, word))
        result = BOOL if SPECS[op].results == "b" else word
        self.keep(self.op(op, word, *args), result)

    def power(self, word: Word, reg: Reg) -> Reg:
        count = self.op(Op.AND, word, reg, self.const(word.bits - 1, word))
        return self.op(Op.SHL, word, self.const(1, word), count)

    def divisor(self, word: Word, reg: Reg) -> Reg:
        one = self.const(1, word)
        if word.kind is not Kind.FIELD:
            return self.op(Op.OR, word, reg, one)
        zero = self.op(Op.EQ, word, reg, self.const(0, word))
        return self.op(Op.SELECT, word, zero, one, reg)

    def convert(self, op: Op, word: Word) -> None:
        targets = [
            to
            for to in self.maker.words
            if op is Op.CAST or to.kind in (Kind.UNSIGNED, Kind.SIGNED)
        ]
        to = self.draw(st.sampled_from(targets))
        value = self.pick(word)
        if op is Op.CAST and word.kind is not Kind.FIELD and not self.chance(3):
            mask = 1 if BOOL in (word, to) else 0x7F
            value = self.op(Op.AND, word, value, self.const(mask, word))
        self.keep(self.builder.op(op, word, value, to=to), to)

    def require(self, _depth: int) -> None:
        cond = self.pick(BOOL)
        if not self.chance(3):
            cond = self.op(Op.OR, BOOL, cond, self.op(Op.NOT, BOOL, cond))
        self.builder.require(cond, self.draw(st.sampled_from(["", "no", "é"])))

    def get(self, _depth: int) -> None:
        ref, of = self.array()
        self.keep(self.builder.get(of, ref, self.index(of.length)), of.element)

    def set(self, _depth: int) -> None:
        ref, of = self.array()
        self.builder.set(of, ref, self.index(of.length), self.pick(of.element))

    def slice(self, _depth: int) -> None:
        ref, of = self.array()
        part = Array(of.element, self.draw(st.integers(1, of.length)))
        at = self.index(of.length - part.length + 1)
        self.keep(self.builder.op(Op.SLICE, of, ref, at, to=part), part)

    def copy(self, _depth: int) -> None:
        ref, of = self.array()
        self.builder.effect(Op.COPY, of, ref, self.reference(of))

    def memory(self, _depth: int) -> None:
        if not self.maker.has_memory:
            return
        word = self.maker.word()
        sizes = [size for size in (1, 8, 40) if size >= word.size_bytes]
        of = Memory(self.draw(st.sampled_from(sizes)))
        ref = self.reference(of)
        at = self.index(of.size_bytes - word.size_bytes + 1)
        if self.draw(st.booleans()):
            self.builder.effect(Op.STORE, word, ref, at, self.pick(word))
        else:
            self.keep(self.op(Op.LOAD, word, ref, at), word)

    def call(self, _depth: int) -> None:
        if not self.maker.functions:
            return
        callee = self.draw(st.sampled_from(list(self.maker.functions.values())))
        args = [self._argument(param) for param in callee.params]
        dests = self.builder.call(callee.name, callee.results, *args)
        for dest, word in zip(dests, callee.results, strict=True):
            self.keep(dest, word)

    def _argument(self, param: Param) -> Reg:
        if isinstance(param.type, Word):
            return self.pick(param.type)
        return self.reference(param.type)

    def leave(self, depth: int) -> None:
        if not depth:
            return
        if self.draw(st.booleans()):
            self.returns()
        else:
            self.builder.stop(self.draw(st.sampled_from(REASONS)), "end")

    def branch(self, depth: int) -> None:
        builder = self.builder
        joined = [self.maker.word() for _ in range(self.draw(st.integers(0, 2)))]
        cond = self.pick(BOOL)
        arms = [builder.block("arm")[0], builder.block("arm")[0]]
        end, regs = builder.block("join", *joined)
        builder.branch(cond, Edge(arms[0]), Edge(arms[1]))
        is_joined = False
        for arm in arms:
            outer, self.scope = self.scope, self.scope.copy()
            builder.enter(arm)
            self.statements(depth + 1)
            if builder.is_open:
                builder.jump(end, *(self.pick(word) for word in joined))
                is_joined = True
            self.scope = outer
        if is_joined:
            builder.enter(end)
            for reg, word in zip(regs, joined, strict=True):
                self.keep(reg, word)

    def loop(self, depth: int) -> None:
        """Write a loop that counts up to a bound of at most 4."""
        builder = self.builder
        counter = self.draw(st.sampled_from([U64, U64, U8, U256]))
        carried = [self.maker.word() for _ in range(self.draw(st.integers(0, 2)))]
        bound = self._bound(counter)
        start = self.const(self.draw(st.integers(0, 1)), counter)
        begin = [self.pick(word) for word in carried]
        head, (at, *held) = builder.block("head", counter, *carried)
        body, _ = builder.block("body")
        after, regs = builder.block("after", *carried)
        builder.jump(head, start, *begin)
        builder.enter(head)
        more = self.op(Op.LT, counter, at, bound)
        builder.branch(more, Edge(body), Edge(after, tuple(held)))
        outer, self.scope = self.scope, self.scope.copy()
        builder.enter(body)
        for reg, of in zip((at, *held), (counter, *carried), strict=True):
            self.keep(reg, of)
        self.statements(depth + 1)
        if builder.is_open and self.chance(3):
            rest, _ = builder.block("rest")
            leave = tuple(self.pick(word) for word in carried)
            builder.branch(self.pick(BOOL), Edge(after, leave), Edge(rest))
            builder.enter(rest)
        if builder.is_open:
            add = self.draw(st.sampled_from([Op.ADD, Op.WRAPPING_ADD]))
            step = self.const(self.draw(st.integers(1, 2)), counter)
            following = self.op(add, counter, at, step)
            builder.jump(head, following, *(self.pick(word) for word in carried))
        self.scope = outer
        builder.enter(after)
        for reg, word in zip(regs, carried, strict=True):
            self.keep(reg, word)

    def _bound(self, counter: Word) -> Reg:
        if self.draw(st.booleans()):
            return self.const(self.draw(st.integers(0, 4)), counter)
        return self.op(Op.REM, counter, self.pick(counter), self.const(5, counter))


Statement = Callable[[_Body, int], None]
FLAT: tuple[Statement, ...] = (
    *(_Body.pure,) * 8,
    _Body.get,
    _Body.set,
    _Body.slice,
    _Body.copy,
    _Body.memory,
    _Body.call,
    _Body.require,
    _Body.leave,
)
"""Statements that stay in their block, or end it."""

NESTED: tuple[Statement, ...] = (*(_Body.branch,) * 3, *(_Body.loop,) * 3)
"""Statements that contain others."""
