"""The state of one function while it is lowered: what each variable holds at this point.

SSA form is built directly from the structure of the source. At a point, `env` maps each variable
that surely has a value to the registers that hold it. Where ways meet, a variable that holds
different registers on them becomes block parameters, and one that some way left without a value is
dropped. At the head of a loop, the variables that its body assigns become parameters beforehand.
"""

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from numen.ir.nodes import Instr, Label, Param, Reg
from numen.ir.ops import Op
from numen.ir.types import FELT, U64, Memory, Type, Word
from numen.lang import limits
from numen.lang.errors import LangError, RangeError, TooLargeError, TypesError
from numen.lang.scope import FunctionSymbol
from numen.lang.suggest import shown
from numen.lang.types import LangType, registers, spelled
from numen.lang.unit import Unit
from numen.lang.writer import Draft, Writer


class Literal(msgspec.Struct, frozen=True):
    """An integer that has no type yet: it takes that of its context."""

    value: int


class Value(msgspec.Struct, frozen=True):
    """What an expression came to.

    Attributes:
        type: Its type.
        regs: One register for each leaf of the type.
        is_fresh: Whether no name holds its arrays: they may be bound without a copy.
        known: The integer it is, where it is a typed constant.
        is_constant: Whether its arrays belong to a constant of a module.
    """

    type: LangType
    regs: tuple[Reg, ...]
    is_fresh: bool = True
    known: int | None = None
    is_constant: bool = False

    @property
    def reg(self) -> Reg:
        assert len(self.regs) == 1
        return self.regs[0]


class Arrival(msgspec.Struct, frozen=True):
    """A way to a point: its edge, and what the variables hold on it."""

    draft: Draft
    env: dict[str, Value]


class Loop(msgspec.Struct, frozen=True):
    """The loop around a statement, and the ways that leave its body early."""

    again: Label
    after: Label
    continues: list[Arrival]
    breaks: list[Arrival]


class LoopHead(msgspec.Struct, frozen=True):
    """The head of a loop: which registers its later edges must bring, in order."""

    label: Label
    slots: tuple[tuple[str, int], ...]
    extra: tuple[Reg, ...]


class Frame:
    """One function, half lowered.

    Attributes:
        unit: The program it belongs to.
        symbol: The function.
        scope: The file it stands in.
        sizes: The sizes this instance of a generic function was made for.
        is_plain: Whether it has no annotations, so that literals are field elements.
        writer: Where its instructions go.
        env: What the variables hold here; meaningless where `is_open` is false.
        types: The type of each variable, from its first assignment on.
        locals: Every name that the function assigns anywhere, as Python decides it.
        bindings: How often the text of the function binds each name.
        params: The names of its parameters.
        stored: The arrays of variables that are bound more than once.
        unshared: Whether nothing but the variable can hold the struct of a variable, once asked.
        views: The names of loops that stand for parts of arrays.
        iterated: The names whose arrays loops around this point go through.
        tables: The arrays of the constants it uses.
        result: What it returns; None until the first return of a function without annotations.
        out: The parameters in which the caller lends arrays for the result.
        host: What gives meaning to names beside those of the file.
        context: Where the methods of a contract read why they run.
    """

    def __init__(
        self,
        unit: Unit,
        symbol: FunctionSymbol,
        sizes: Mapping[str, int],
        *,
        evaluate: Callable[["Frame", ast.expr, LangType | None], "Value | Literal"],
    ) -> None:
        self.unit = unit
        self.symbol = symbol
        self.scope = symbol.scope
        self.sizes = sizes
        self.is_plain = symbol.is_plain
        self.writer = Writer()
        self.env: dict[str, Value] = {}
        self.types: dict[str, LangType] = {}
        self.locals: set[str] = set()
        self.bindings: dict[str, int] = {}
        self.params: frozenset[str] = frozenset()
        self.stored: dict[str, tuple[Reg, ...]] = {}
        self.unshared: dict[str, bool] = {}
        self.views: set[str] = set()
        self.iterated: list[str] = []
        self.tables: dict[str, Value] = {}
        self.result: LangType | None = None
        self.out: list[Param] = []
        self.loops: list[Loop] = []
        self.source = symbol.scope.source
        self.host = symbol.host
        self.context: Param | None = None
        self._evaluate = evaluate

    @property
    def default_word(self) -> Word:
        """The type of a literal that nothing else settles."""
        if self.host is not None:
            return self.host.default_word
        return FELT if self.is_plain else U64

    @property
    def is_standard(self) -> bool:
        """Whether the function is of a standard module, which may do what a program may not."""
        return self.scope.name.startswith("numen.std.")

    def refuse(
        self, error: type[LangError], node: ast.AST, message: str, hint: str = ""
    ) -> LangError:
        """Make an error that points at a node."""
        return self.source.refuse(error, node, message, hint)

    def at(self, node: ast.AST) -> Writer:
        """The writer, with a node's place on what is written next."""
        self.writer.place = self.source.place(node)
        return self.writer

    def raw(self, node: ast.expr, expected: LangType | None = None) -> Value | Literal:
        """Lower an expression; an integer constant stays without a type."""
        return self._evaluate(self, node, expected)

    def value(self, node: ast.expr, expected: LangType | None = None) -> Value:
        """Lower an expression; a constant takes the expected type, or the default one."""
        return self.typed(node, self.raw(node, expected), expected)

    def typed(self, node: ast.AST, found: Value | Literal, expected: LangType | None) -> Value:
        """Give a literal its type; other values are what they are."""
        if isinstance(found, Value):
            return found
        word = expected if expected is not None else self.default_word
        value = self.fitting(node, found, word)
        assert isinstance(word, Word)
        return Value(word, (self.at(node).const(value, word),), known=value)

    def fitting(self, node: ast.AST, found: Literal, word: LangType) -> int:
        """A literal as an integer of a word.

        Raises:
            TypesError: What is expected is no word of numbers.
            RangeError: The word does not hold it.
        """
        if not isinstance(word, Word) or word.name == "bool":
            hint = "write True or False" if isinstance(word, Word) else ""
            raise self.refuse(
                TypesError,
                node,
                f"expected {spelled(word)}, found the number {_short(found.value)}",
                hint,
            )
        value = found.value
        if word == FELT and -FELT.high <= value < 0:
            value += FELT.high + 1
        if value not in word:
            raise self.refuse(
                RangeError,
                node,
                f"{_short(value)} is not a {word} ({_short(word.low)} to {_short(word.high)})",
                _wider(found.value),
            )
        return value

    def of_type(self, node: ast.expr, wanted: LangType, what: str = "") -> Value:
        """Lower an expression that must have a type."""
        return self.require_type(node, self.value(node, wanted), wanted, what)

    def require_type(self, node: ast.expr, found: Value, wanted: LangType, what: str = "") -> Value:
        """Refuse a value of another type."""
        if found.type != wanted:
            prefix = f"{what}: " if what else ""
            raise self.refuse(
                TypesError,
                node,
                f"{prefix}expected {wanted}, found {found.type}",
                conversion_hint(node, found.type, wanted),
            )
        return found

    def merge(self, label: Label, arrivals: Sequence[Arrival]) -> None:
        """Begin a block where ways meet; without any way, what follows cannot be reached."""
        if not arrivals:
            self.env = {}
            return
        if len(arrivals) == 1:
            self.writer.enter(label)
            self.env = dict(arrivals[0].env)
            return
        first, rest = arrivals[0].env, [way.env for way in arrivals[1:]]
        env: dict[str, Value] = {}
        params: list[Param] = []
        for name, value in first.items():
            if all(other.get(name) is value for other in rest):
                env[name] = value
            elif all(name in other for other in rest):
                env[name] = self._merge_values(name, arrivals, params)
        self.writer.enter(label, tuple(params))
        self.env = env

    def leave(self, node: ast.AST, label: Label, others: Sequence[Arrival]) -> Arrival:
        """End the block by going to one, to which others go already.

        Raises:
            TooLargeError: Too many do.
        """
        if len(others) >= limits.WAYS_MAX:
            raise self.refuse(TooLargeError, node, f"more than {limits.WAYS_MAX} ways to one point")
        return Arrival(self.writer.jump(label), self.env)

    def open_loop(self, assigned: Iterable[str], *extra: tuple[Reg, Type]) -> LoopHead:
        """Begin the head of a loop; its edges carry the assigned variables and extra registers."""
        label = self.writer.announce("loop")
        draft = self.writer.jump(label)
        draft.args += [reg for reg, _ in extra]
        params = [Param(self.writer.fresh("k"), of) for _, of in extra]
        slots: list[tuple[str, int]] = []
        env = dict(self.env)
        for name in sorted(set(assigned) & set(env)):
            value, regs = env[name], list(env[name].regs)
            for index, of in enumerate(registers(value.type)):
                if isinstance(of, Word):
                    draft.args.append(regs[index])
                    regs[index] = self.writer.fresh(name)
                    params.append(Param(regs[index], of))
                    slots.append((name, index))
            env[name] = msgspec.structs.replace(value, regs=tuple(regs), known=None)
        self.writer.enter(label, tuple(params))
        self.env = env
        return LoopHead(label, tuple(slots), tuple(param.reg for param in params[: len(extra)]))

    def close_loop(self, head: LoopHead, *extra: Reg) -> None:
        """End the block by going back to the head of a loop."""
        draft = self.writer.jump(head.label)
        draft.args += [*extra, *(self.env[name].regs[index] for name, index in head.slots)]

    def storage(
        self, node: ast.AST, of: Type, *, early: bool = False, data: Sequence[int] = ()
    ) -> Reg:
        """Make an array or memory here, or at the start of the function; with data, or zero."""
        op = Op.MEMORY if isinstance(of, Memory) else Op.ARRAY
        writer = self.at(node)
        if not early:
            return writer.op(op, of, data=tuple(data) if any(data) else ())
        reg = writer.fresh("s")
        writer.early(Instr(op, (reg,), (), of, place=writer.place))
        return reg

    def settle_result(self, of: LangType) -> None:
        """Settle what the function returns, and receive storage for its arrays."""
        self.result = of
        self.out = [
            Param(self.writer.fresh("out"), part)
            for part in registers(of)
            if not isinstance(part, Word)
        ]

    def check_size(self, node: ast.AST, limit: int) -> None:
        """Refuse a function that has grown past a limit."""
        if self.writer.count > limit:
            raise self.refuse(TooLargeError, node, f"more than {limit} instructions")

    def _merge_values(self, name: str, arrivals: Sequence[Arrival], params: list[Param]) -> Value:
        values = [way.env[name] for way in arrivals]
        first = values[0]
        if all(value.regs == first.regs for value in values):
            return first
        regs = list(first.regs)
        for index, of in enumerate(registers(first.type)):
            if any(value.regs[index] != regs[index] for value in values):
                assert isinstance(of, Word), f"{name} is bound to two arrays"
                regs[index] = self.writer.fresh(name)
                params.append(Param(regs[index], of))
                for way, value in zip(arrivals, values, strict=True):
                    way.draft.args.append(value.regs[index])
        return msgspec.structs.replace(first, regs=tuple(regs), known=None)


def conversion_hint(node: ast.expr, found: LangType, wanted: LangType) -> str:
    """How to write a value of one type as another."""
    match found, wanted:
        case Word(name="bool"), Word():
            return f"write {wanted}({shown(node)})"
        case Word(), Word(name="bool"):
            return f"write {shown(node)} != 0"
        case Word(), Word():
            return f"write {wanted}({shown(node)})"
        case _:
            return ""


def _short(value: int) -> str:
    return str(value) if value.bit_length() <= 260 else f"a number of {value.bit_length()} bits"


def _wider(value: int) -> str:
    if value < 0:
        fitting = [name for name in ("i64", "i128", "i256") if value.bit_length() < int(name[1:])]
    else:
        fitting = [name for name in ("u64", "u128", "u256") if value.bit_length() <= int(name[1:])]
    return f"{fitting[0]} holds it" if fitting else ""
