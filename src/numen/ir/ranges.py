"""Range analysis: between which integers every register lies, wherever it is read.

The analysis walks down the dominator tree. A register has one interval for the whole function, and
narrower ones where a condition is known to hold: behind a branch, a requirement, or an instruction
that would have trapped otherwise. Parameters of blocks take the hull of what the edges pass; where
that keeps growing around a loop it is widened until it holds, then narrowed again. The end is an
invariant, whatever the way to it: it is reached when one more sweep changes nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from numen.ir import flow
from numen.ir.intervals import TRANSFER, Interval, full, hull, meet, result, within
from numen.ir.nodes import Branch, Edge, Function, Instr, Jump, Label, Param, Reg, Terminator
from numen.ir.ops import SPECS, Op
from numen.ir.types import BOOL, U64, U256, Array, Kind, Type, Word

Env: TypeAlias = dict[Reg, Interval]
"""What is known at one point beyond what is known everywhere."""

Facts: TypeAlias = dict[Label, list[tuple[Interval, ...]]]
"""For each instruction of each block, and last its branch, the intervals of its operands."""

_UNKNOWN: Final[Interval] = (0, 0)
"""Stands where an operand is no word."""

WIDE_SWEEPS: Final = 8
"""Sweeps that widen to the next bound that the function knows; then to the end of the type."""

NARROWING_SWEEPS: Final = 2
"""Sweeps that take back what widening gave away."""

DEPTH_MAX: Final = 4
"""How many definitions a condition is followed through."""


def analyse(fn: Function) -> tuple[Facts, Env]:
    """Find the intervals of all operands where they are read, and of all registers anywhere.

    Args:
        fn: A checked function.

    Returns:
        Per block one tuple an instruction, then one for the condition of a branch; of an operand
        that is not a word it says nothing. And the interval of each register that is a word, but
        for results of calls.

    Cost: about ten walks over the function; two where it has no loop.
    """
    analysis = _Analysis(fn)
    analysis.run()
    return analysis.facts(), analysis.known


def proven_indices(fn: Function) -> frozenset[tuple[Label, int]]:
    """Find the `GET`, `SET` and `SLICE` instructions whose index cannot be out of bounds.

    Returns:
        The block and the place in its body of each: an engine need not check those.

    Cost: that of `analyse`.
    """
    facts, _ = analyse(fn)
    found: set[tuple[Label, int]] = set()
    for label, block in fn.blocks.items():
        for place, instr in enumerate(block.body):
            if instr.op in (Op.GET, Op.SET, Op.SLICE) and isinstance(instr.type, Array):
                part = instr.to.length if isinstance(instr.to, Array) else 1
                if facts[label][place][1][1] <= instr.type.length - part:
                    found.add((label, place))
    return frozenset(found)


def operand_words(instr: Instr) -> tuple[Word | None, ...]:
    """The types of an instruction's operands; None for references and where a callee says."""
    if instr.op in (Op.CALL, Op.METER):
        return (None,) * len(instr.args)
    return tuple(_word(letter, instr) for letter in SPECS[instr.op].operands)


def _word(letter: str, instr: Instr) -> Word | None:
    match letter:
        case "t":
            return instr.type if isinstance(instr.type, Word) else None
        case "b":
            return BOOL
        case "i":
            return U64
        case "k":
            return U256
        case "e":
            return instr.type.element if isinstance(instr.type, Array) else None
        case _:
            return None


_TEACHING: Final = frozenset(
    {Op.REQUIRE, Op.GET, Op.SET, Op.SLICE, Op.CAST, Op.SUB, Op.DIV, Op.REM, Op.SHL, Op.SHR}
)
"""Instructions that would have trapped unless something held."""


class _Step:
    """One instruction of the walk, with what the walks before found.

    Attributes:
        instr: The instruction.
        operands: Its operands, each with the interval that holds where nothing is known of it.
        transfer: Gives the interval of the result; None where there is none, or it never changes.
        word: The type of the result.
        teaches: Whether something is known where it did not trap.
        facts: The intervals of the operands.
        seen: Those for which the result was computed last.
    """

    __slots__ = ("facts", "instr", "operands", "seen", "teaches", "transfer", "word")

    def __init__(self, instr: Instr) -> None:
        words = operand_words(instr)
        self.instr = instr
        self.operands = [
            (reg, full(word) if word else _UNKNOWN)
            for reg, word in zip(instr.args, words, strict=True)
        ]
        self.transfer = None if instr.op is Op.SELECT else TRANSFER.get(instr.op)
        self.word = result(instr) if SPECS[instr.op].means else None
        self.teaches = instr.op in _TEACHING
        self.facts: list[Interval] = []
        self.seen: list[Interval] | None = None


class _Analysis:
    """The state of the walk.

    Attributes:
        known: The interval of each register for the whole function, as far as it was reached.
        ends: What is known at the end of each block.
    """

    def __init__(self, fn: Function) -> None:
        self.fn = fn
        self.order = flow.reverse_postorder(next(iter(fn.blocks)), flow.successors(fn))
        self.idom = flow.dominators(fn)
        self.span = flow.dominance_intervals(self.idom)
        self.before = flow.predecessors(fn)
        self.ends: dict[Label, Env] = {}
        self.lows, self.highs = _thresholds(fn)
        self.known: Env = {
            param.reg: full(param.type) for param in fn.params if isinstance(param.type, Word)
        }
        self.defs: dict[Reg, Instr] = {}
        self.steps: dict[Label, list[_Step]] = {}
        for label, block in fn.blocks.items():
            self.steps[label] = [_Step(instr) for instr in block.body]
            for instr in block.body:
                for dest in instr.dests:
                    self.defs[dest] = instr
                self.know_always(instr)

    def know_always(self, instr: Instr) -> None:
        """Note the interval of a result that does not depend on operands."""
        if instr.op is Op.CONST and instr.imm is not None:
            self.known[instr.dests[0]] = (instr.imm, instr.imm)
        elif instr.op is Op.GET and isinstance(instr.type, Array):
            self.known[instr.dests[0]] = full(instr.type.element)
        elif instr.op is Op.LOAD and isinstance(instr.type, Word):
            self.known[instr.dests[0]] = full(instr.type)

    def run(self) -> None:
        rank = {label: index for index, label in enumerate(self.order)}
        has_loop = any(rank[up] >= rank[label] for label in self.order for up in self.before[label])
        sweeps = 0
        while self.sweep(sweeps) and has_loop:
            sweeps += 1
        if has_loop:
            for _ in range(NARROWING_SWEEPS):
                self.sweep(None)

    def facts(self) -> Facts:
        found: Facts = {}
        for label, steps in self.steps.items():
            found[label] = [tuple(step.facts) for step in steps]
            end = self.fn.blocks[label].end
            if isinstance(end, Branch):
                found[label].append((self.read(self.ends[label], end.cond, BOOL),))
        return found

    def sweep(self, number: int | None) -> bool:
        """Walk over the function once; say whether a parameter's interval grew.

        Args:
            number: How many sweeps came before, or None to narrow.
        """
        has_grown = False
        for label in self.order:
            params = self.fn.blocks[label].params
            if params and label != self.order[0]:
                for param, found in zip(params, self.passed(label, params), strict=True):
                    has_grown |= self.settle(param, found, number)
            self.walk(label, self.entry_env(label))
        return has_grown

    def settle(self, param: Param, found: Interval, number: int | None) -> bool:
        reg, word = param.reg, param.type
        assert isinstance(word, Word)
        before = self.known.get(reg)
        if before is None or number is None:
            self.known[reg] = found
            return before is None
        if number >= WIDE_SWEEPS:
            # The end of patience, for all at once: what is left out now comes back by narrowing.
            self.known[reg] = full(word)
            return before != full(word)
        if within(found, before):
            return False
        self.known[reg] = self.widen(before, hull(before, found), word)
        return True

    def widen(self, before: Interval, after: Interval, word: Word) -> Interval:
        low, high = after
        if low < before[0]:
            low = max((t for t in self.lows if t <= low), default=word.low)
        if high > before[1]:
            high = min((t for t in self.highs if t >= high), default=word.high)
        return meet((low, high), full(word))

    def entry_env(self, label: Label) -> Env:
        up = self.idom[label]
        if up == label:
            return {}
        env = dict(self.ends[up])
        if all(before == up or self.is_below(before, label) for before in self.before[label]):
            # One way in: what decided it still holds after any number of ways back.
            end = self.fn.blocks[up].end
            if isinstance(end, Branch) and end.then.to != end.other.to:
                self.assume(env, end.cond, end.then.to == label, 0)
        return env

    def is_below(self, label: Label, above: Label) -> bool:
        low, high = self.span[above]
        return low <= self.span[label][0] and self.span[label][1] <= high

    def passed(self, label: Label, params: Sequence[Param]) -> list[Interval]:
        """For each parameter the hull of what the edges that were reached pass."""
        found: list[Interval] = []
        for up in self.before[label]:
            if up not in self.ends:
                continue
            end = self.fn.blocks[up].end
            for edge, truth in _edges_to(end, label):
                env = self.ends[up]
                if truth is not None and isinstance(end, Branch):
                    env = dict(env)
                    self.assume(env, end.cond, truth, 0)
                row = [
                    self.read(env, reg, param.type)
                    for reg, param in zip(edge.args, params, strict=True)
                ]
                found = list(map(hull, found, row)) if found else row
        assert found, "a block is walked after one that leads to it"
        return found

    def read(self, env: Env, reg: Reg, of: Type | None) -> Interval:
        found = env.get(reg) or self.known.get(reg)
        if found is None:
            return full(of) if isinstance(of, Word) else _UNKNOWN
        return found

    def walk(self, label: Label, env: Env) -> None:
        """Define the registers of a block and learn from what did not trap."""
        known = self.known
        for step in self.steps[label]:
            operands = [
                env.get(reg) or known.get(reg) or otherwise for reg, otherwise in step.operands
            ]
            step.facts = operands
            if step.transfer is not None:
                if operands != step.seen:
                    step.seen = operands
                    known[step.instr.dests[0]] = step.transfer(step.word, *operands)
            elif step.instr.op is Op.SELECT:
                known[step.instr.dests[0]] = self.choice(env, step.instr)
            if step.teaches:
                self.learn(env, step.instr, operands)
        self.ends[label] = env

    def choice(self, env: Env, instr: Instr) -> Interval:
        """The result of a `select`: each value as it is where the condition chooses it."""
        cond, then, other = instr.args
        word = instr.type
        assert isinstance(word, Word)
        truth = self.read(env, cond, BOOL)
        found: Interval | None = None
        for reg, is_then in ((then, True), (other, False)):
            if within((int(is_then),) * 2, truth):
                chosen = dict(env)
                self.assume(chosen, cond, is_then, 0)
                one = self.read(chosen, reg, word)
                found = one if found is None else hull(found, one)
        return found or full(word)

    def learn(self, env: Env, instr: Instr, operands: Sequence[Interval]) -> None:
        """Note what must hold where an instruction did not trap."""
        op, args, word = instr.op, instr.args, instr.type
        is_unsigned = isinstance(word, Word) and word.kind is Kind.UNSIGNED
        if op is Op.REQUIRE:
            self.assume(env, args[0], True, 0)
        elif op in (Op.GET, Op.SET) and isinstance(word, Array):
            self.refine(env, args[1], (0, word.length - 1), U64)
        elif op is Op.SLICE and isinstance(word, Array) and isinstance(instr.to, Array):
            self.refine(env, args[1], (0, word.length - instr.to.length), U64)
        elif op is Op.CAST and isinstance(instr.to, Word) and instr.to.kind is not Kind.FIELD:
            assert isinstance(word, Word)
            self.refine(env, args[0], full(instr.to), word)
        elif op is Op.SUB and is_unsigned:
            assert isinstance(word, Word)
            self.refine(env, args[0], (operands[1][0], word.high), word)
            self.refine(env, args[1], (0, operands[0][1]), word)
        elif op in (Op.DIV, Op.REM) and is_unsigned:
            assert isinstance(word, Word)
            self.refine(env, args[1], (1, word.high), word)
        elif op in (Op.SHL, Op.SHR) and isinstance(word, Word):
            self.refine(env, args[1], (0, word.bits - 1), word)

    def refine(self, env: Env, reg: Reg, to: Interval, word: Word, depth: int = 0) -> None:
        before = self.read(env, reg, word)
        after = meet(before, to)
        if after == before:
            return
        env[reg] = after
        source = self.defs.get(reg)
        if source is None or depth >= DEPTH_MAX or source.op not in (Op.CAST, Op.TRUNCATE):
            return
        # A conversion that keeps the integer tells as much about what it was given.
        inner = source.type
        assert isinstance(inner, Word)
        of = self.read(env, source.args[0], inner)
        is_same = source.op is Op.CAST and word.kind is not Kind.FIELD
        if is_same or within(of, full(word)):
            self.refine(env, source.args[0], after, inner, depth + 1)

    def assume(self, env: Env, cond: Reg, truth: bool, depth: int) -> None:
        """Note that a condition holds, or does not, and what follows for what it compares."""
        value = int(truth)
        env[cond] = meet(self.read(env, cond, BOOL), (value, value))
        instr = self.defs.get(cond)
        if instr is None or depth >= DEPTH_MAX:
            return
        match instr.op:
            case Op.NOT:
                self.assume(env, instr.args[0], not truth, depth + 1)
            case Op.AND | Op.OR if truth == (instr.op is Op.AND):
                for arg in instr.args:
                    self.assume(env, arg, truth, depth + 1)
            case Op.LT:
                self.assume_less(env, instr, truth)
            case Op.EQ:
                self.assume_equal(env, instr, truth, depth)

    def assume_less(self, env: Env, instr: Instr, truth: bool) -> None:
        left, right = instr.args
        word = instr.type
        assert isinstance(word, Word)
        a, b = self.read(env, left, word), self.read(env, right, word)
        if truth:
            self.refine(env, left, (word.low, b[1] - 1), word)
            self.refine(env, right, (a[0] + 1, word.high), word)
        else:
            self.refine(env, left, (b[0], word.high), word)
            self.refine(env, right, (word.low, a[1]), word)

    def assume_equal(self, env: Env, instr: Instr, truth: bool, depth: int) -> None:
        left, right = instr.args
        word = instr.type
        assert isinstance(word, Word)
        a, b = self.read(env, left, word), self.read(env, right, word)
        if truth:
            self.refine(env, left, b, word, depth)
            self.refine(env, right, a, word, depth)
            return
        for reg, one, value in ((left, a, b), (right, b, a)):
            if value[0] == value[1] and one[0] < one[1]:
                low = one[0] + (one[0] == value[0])
                high = one[1] - (one[1] == value[0])
                self.refine(env, reg, (low, high), word, depth)


def _edges_to(end: Terminator, label: Label) -> Iterable[tuple[Edge, bool | None]]:
    match end:
        case Jump(edge):
            yield edge, None
        case Branch(_, then, other):
            if then.to == label:
                yield then, True
            if other.to == label:
                yield other, False


def _thresholds(fn: Function) -> tuple[list[int], list[int]]:
    """Where a growing interval may stop, below and above.

    A loop that compares with a constant ends at it or one beyond, on the side it came from.
    """
    constants = {
        instr.dests[0]: instr.imm
        for block in fn.blocks.values()
        for instr in block.body
        if instr.op is Op.CONST and instr.imm is not None
    }
    bounds = {
        constants[arg]
        for block in fn.blocks.values()
        for instr in block.body
        if instr.op in (Op.LT, Op.EQ)
        for arg in instr.args
        if arg in constants
    }
    lows = {bound - below for bound in bounds for below in (0, 1)}
    highs = {bound + above for bound in bounds for above in (0, 1)}
    return sorted(lows | {0}), sorted(highs)
