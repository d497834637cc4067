"""The way into a contract: one function that reads why it is run and calls what that asks for.

It takes the context, and the arguments as words from the last to the first, so that the bytes of a
message turned round are the words as a little-endian machine keeps them.
"""

import ast
from collections.abc import Sequence

import msgspec

from numen.ir.interface import Input, Interface, ListShape
from numen.ir.nodes import Function, Param, Reg
from numen.ir.ops import Op
from numen.ir.trap import Reason
from numen.ir.types import BOOL, U64, U256, Array, Word
from numen.lang import calls, tables
from numen.lang.contracts import emit, records, texts
from numen.lang.contracts.cells import At, Words, from_word, take
from numen.lang.contracts.layout import selector, size_words
from numen.lang.contracts.model import (
    CONTEXT,
    CONTEXT_WORDS,
    Context,
    ContractSymbol,
    Method,
    Role,
)
from numen.lang.contracts.split import Continuation
from numen.lang.expressions import evaluate
from numen.lang.frame import Frame, Value
from numen.lang.scope import ConstantSymbol, FunctionSymbol
from numen.lang.types import NOTHING
from numen.lang.unit import Unit

ENTRY = "contract"
"""The name of the function that runs; no method has it, for theirs have a dollar."""

WORD_BYTES = 32


class Resumed(msgspec.Struct, frozen=True):
    """A continuation, and what calls it.

    Attributes:
        number: By which it is known.
        part: The function, and what is saved for it.
        reply: The words of the answer.
        tables: The constants that its method is lent.
        node: Where it waits.
    """

    number: int
    part: Continuation
    reply: tuple[Word, ...]
    tables: tuple[ConstantSymbol, ...]
    node: ast.AST


def entry_number(method: Method) -> int:
    """By which number a method is run; methods that only the contract calls have none."""
    remote = method.remote
    match method.role:
        case Role.CONSTRUCTOR:
            return records.CREATE_ENTRY
        case Role.RECEIVE:
            return records.RECEIVE_ENTRY
        case Role.ON_BOUNCE:
            return records.BOUNCE_ENTRY
        case Role.TIMER:
            return records.TIMERS + selector(remote.name, remote.params)
        case _:
            return selector(remote.name, remote.params)


def argument_words(methods: Sequence[Method], resumed: Sequence[Resumed]) -> int:
    """Words that the longest arguments take; at least one."""
    sizes = [argument_size(method) for method in methods]
    sizes += [2 + len(each.part.saved) + len(each.reply) for each in resumed]
    return max(1, *sizes)


def argument_size(method: Method) -> int:
    """Words of the longest arguments of a method."""
    return texts.most_words([field.type for field in method.remote.params])


def write(
    unit: Unit, contract: ContractSymbol, methods: Sequence[Method], resumed: Sequence[Resumed]
) -> tuple[Function, Interface]:
    """Write the entry of a contract.

    Args:
        unit: The program; methods are lowered already, or asked for here.
        contract: The contract.
        methods: Those that have a number, in any order.
        resumed: Its continuations.
    """
    return _Dispatch(unit, contract, argument_words(methods, resumed)).write(methods, resumed)


class _Dispatch:
    def __init__(self, unit: Unit, contract: ContractSymbol, words: int) -> None:
        self.node = contract.node
        stub = ast.copy_location(
            ast.FunctionDef(ENTRY, ast.arguments([], [], None, [], [], None, []), [], []),
            contract.node,
        )
        symbol = FunctionSymbol(ENTRY, stub, contract.scope, contract.host)
        self.f = Frame(unit, symbol, {}, evaluate=evaluate)
        self.f.writer.enter("start")
        self.context = Param("context", CONTEXT)
        self.arguments = Param("arguments", Array(U256, words))
        self.f.context = self.context
        self.words = Words(self.arguments.reg, Array(U256, words), is_backward=True)

    def write(
        self, methods: Sequence[Method], resumed: Sequence[Resumed]
    ) -> tuple[Function, Interface]:
        f, unit = self.f, self.f.unit
        used = [table for m in methods for table in unit.facts[m.symbol.key].tables]
        used += [table for each in resumed for table in each.tables]
        tables.build(f, tuple({table.key: table for table in used}.values()))
        number = self._context(Context.ENTRY)
        for method in methods:
            self._case(number, entry_number(method), lambda m=method: self._method(m))
        for each in resumed:
            start = records.CONTINUATIONS + 2 * each.number
            self._case(number, start, lambda r=each: self._resume(r, True))
            self._case(number, start + 1, lambda r=each: self._resume(r, False))
        f.at(self.node).stop(Reason.UNREACHABLE, "no such message")
        fn = f.writer.finish(ENTRY, (self.context, self.arguments), ())
        inputs = (
            Input("context", ListShape(U256, CONTEXT_WORDS), False),
            Input("arguments", ListShape(U256, self.words.of.length), False),
        )
        return fn, Interface(inputs, NOTHING)

    def _case(self, number: Reg, wanted: int, body: object) -> None:
        """Write what happens where the entry has a number."""
        assert callable(body)
        writer = self.f.at(self.node)
        is_it = writer.op(Op.EQ, U256, number, writer.const(wanted, U256))
        then, other = writer.announce("case"), writer.announce("next")
        writer.branch(is_it, then, other)
        writer.enter(then)
        body()
        if self.f.writer.is_open:
            self.f.writer.returns(())
        self.f.writer.enter(other)

    def _method(self, method: Method) -> None:
        f, node, remote = self.f, method.node, method.remote
        if not remote.is_payable and method.role not in (Role.RECEIVE, Role.ON_BOUNCE):
            self._require_word(node, Context.VALUE, 0, f"{remote.name} takes no coins")
        values = self._arguments(method)
        call = ast.copy_location(ast.Call(ast.Name(remote.name, ast.Load()), [], []), node)
        found = f.unit.instance(method.symbol, {}, method.symbol, node)
        value = calls.write_call(f, call, found, values)
        if not method.is_async and remote.result != NOTHING:
            emit.result(f, node, value)

    def _arguments(self, method: Method) -> list[Value]:
        """Read the arguments of a method, and nothing else."""
        f, node, remote = self.f, method.node, method.remote
        types = [field.type for field in remote.params]
        if texts.is_dynamic(types):
            return texts.take_all(f, node, self.words, types, self._context(Context.SIZE))
        size = WORD_BYTES * argument_size(method)
        if method.role not in (Role.RECEIVE, Role.ON_BOUNCE):
            self._require_word(node, Context.SIZE, size, f"{remote.name} takes {size} bytes")
        values, at = list[Value](), At()
        for of in types:
            values.append(take(f, node, self.words, at, of))
            at = at.plus(size_words(of))
        return values

    def _resume(self, each: Resumed, is_answered: bool) -> None:
        f, node, saved = self.f, each.node, each.part.saved
        assert self.context is not None
        size = 2 + len(saved) + (len(each.reply) if is_answered else 0)
        self._require_word(node, Context.SIZE, WORD_BYTES * size, "an answer of another size")
        for position, index in enumerate((Context.SENDER, Context.VALUE)):
            word = self.words.get(f, node, At(position))
            writer = f.at(node)
            writer.effect(Op.SET, CONTEXT, self.context.reg, writer.const(index, U64), word)
        given, at = [], At(2)
        for of in (*saved, *each.reply):
            if is_answered or at.known < 2 + len(saved):
                given.append(from_word(f, node, self.words.get(f, node, at), of))
            else:
                given.append(f.at(node).const(0, of))
            at = at.plus(1)
        is_ok = f.at(node).const(int(is_answered), BOOL)
        given.insert(len(saved), is_ok)
        shared = [*tables.lent(f, each.tables), self.context.reg]
        f.at(node).call(each.part.function.name, (), (*given, *shared))

    def _context(self, index: int) -> Reg:
        writer = self.f.at(self.node)
        return writer.op(Op.GET, CONTEXT, self.context.reg, writer.const(index, U64))

    def _require_word(self, node: ast.AST, index: int, wanted: int, message: str) -> None:
        found = self._context(index)
        writer = self.f.at(node)
        holds = writer.op(Op.EQ, U256, found, writer.const(wanted, U256))
        writer.effect(Op.REQUIRE, None, holds, symbol=message)
