"""Read the text form of a module (see `text`, its inverse)."""

import json
import re
from collections.abc import Callable
from typing import NoReturn, TypeVar

from numen.base.errors import NumenError, Place
from numen.ir.interface import (
    DEPTH_MAX,
    Input,
    Interface,
    ListShape,
    Shape,
    StructShape,
    TupleShape,
    text_shape,
)
from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Edge,
    Function,
    Instr,
    Jump,
    Module,
    Param,
    Return,
    Stop,
    Terminator,
)
from numen.ir.ops import Op
from numen.ir.texts import TEXT_BYTES_MAX
from numen.ir.trap import Reason
from numen.ir.types import WORDS, Array, Memory, Type, Word

T = TypeVar("T")

_TOKEN = re.compile(r'\s*(->|"(?:[^"\\]|\\.)*"|-?\d+|[A-Za-z_][\w$]*|[()\[\]{},:.=@])')

_TERMINATORS = frozenset({"jump", "branch", "return", "stop"})


class TextError(NumenError):
    """A text is not a module; the place names the line."""


def parse_module(text: str, *, file: str = "<ir>") -> Module:
    """Read a module from text. The form only: `check` says whether it makes sense.

    Raises:
        TextError: The text is not a module.
    """
    lines = _lines(text, file)
    if not lines:
        raise TextError("expected 'program'", place=Place(file, 1, 1))
    entry, interface = _program(lines[0])
    functions = {fn.name: fn for fn in _functions(lines[1:])}
    return Module(functions, entry, interface)


def parse_function(text: str, *, file: str = "<ir>") -> Function:
    """Read one function from text.

    Raises:
        TextError: The text is not a function.
    """
    found = _functions(_lines(text, file))
    if len(found) != 1:
        raise TextError(f"expected one function, found {len(found)}", place=Place(file, 1, 1))
    return found[0]


class _Line:
    """The tokens of one line, read from left to right."""

    def __init__(self, text: str, place: Place) -> None:
        self.text = text
        self.place = place
        self.tokens: list[str] = []
        self.next = 0
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                self.fail("unknown character")
            self.tokens.append(match[1])
            at = match.end()

    def fail(self, message: str) -> NoReturn:
        raise TextError(message, place=self.place, text=self.text)

    def peek(self, ahead: int = 0) -> str:
        at = self.next + ahead
        return self.tokens[at] if at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            self.fail(f"expected {wanted or 'more'}, found {token or 'the end of the line'}")
        self.next += 1
        return token

    def accept(self, token: str) -> bool:
        if self.peek() == token:
            self.next += 1
            return True
        return False

    def name(self) -> str:
        token = self.take()
        if not (token[0].isalpha() or token[0] == "_"):
            self.fail(f"expected a name, found {token}")
        return token

    def integer(self) -> int:
        token = self.take()
        if not token.lstrip("-").isdigit() or len(token) > 80:
            self.fail(f"expected a number, found {token[:80]}")
        return int(token)

    def string(self) -> str:
        token = self.take()
        try:
            value = json.loads(token)
        except ValueError:
            value = None
        if not isinstance(value, str):
            self.fail(f"expected a string, found {token[:80]}")
        return value

    def group(
        self, item: Callable[["_Line"], T], close: str = ")", separator: str = ","
    ) -> tuple[T, ...]:
        """Items with separators between them, up to and with the closing token."""
        items: list[T] = []
        while not self.accept(close):
            if items and separator:
                self.take(separator)
            items.append(item(self))
        return tuple(items)

    def end(self) -> None:
        if self.peek():
            self.fail(f"expected the end of the line, found {self.peek()}")


def _lines(text: str, file: str) -> list[_Line]:
    return [
        _Line(line, Place(file, number, 1))
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip() and not line.lstrip().startswith(";")
    ]


def _program(line: _Line) -> tuple[str, Interface]:
    line.take("program")
    entry = line.name()
    line.take("(")
    inputs = line.group(_input)
    line.take("->")
    result = _shape(line, 0)
    line.end()
    return entry, Interface(inputs, result)


def _input(line: _Line) -> Input:
    is_private = line.peek(1) != ":" and line.accept("private")
    name = line.name()
    line.take(":")
    return Input(name, _shape(line, 0), is_private)


def _shape(line: _Line, depth: int) -> Shape:
    if depth > DEPTH_MAX:
        line.fail(f"a shape nests deeper than {DEPTH_MAX}")
    match line.name():
        case "list":
            line.take("[")
            element = _shape(line, depth + 1)
            line.take(",")
            length = line.integer()
            line.take("]")
            return ListShape(element, length)
        case "tuple":
            line.take("[")
            return TupleShape(line.group(lambda inner: _shape(inner, depth + 1), "]"))
        case "struct":
            name = line.name()
            line.take("(")
            return StructShape(name, line.group(lambda inner: _field(inner, depth + 1)))
        case "str" | "bytes" as kind:
            line.take("[")
            length = line.integer()
            line.take("]")
            if not 0 < length <= TEXT_BYTES_MAX:
                line.fail(f"{kind}[{length}]; 1 to {TEXT_BYTES_MAX} bytes are allowed")
            return text_shape(kind, length)
        case name:
            return _word(line, name)


def _field(line: _Line, depth: int) -> tuple[str, Shape]:
    name = line.name()
    line.take(":")
    return name, _shape(line, depth)


def _word(line: _Line, name: str) -> Word:
    if name not in WORDS:
        line.fail(f"{name} is not a type")
    return WORDS[name]


def _functions(lines: list[_Line]) -> list[Function]:
    found: list[Function] = []
    at = 0
    while at < len(lines):
        head = lines[at]
        head.take("func")
        name = head.name()
        head.take("->")
        head.take("(")
        results = head.group(lambda line: _word(line, line.name()))
        head.end()
        at += 1
        blocks: dict[str, BasicBlock] = {}
        while at < len(lines) and lines[at].peek() != "func":
            at = _block(lines, at, blocks)
        found.append(Function(name, results, blocks))
    return found


def _block(lines: list[_Line], at: int, blocks: dict[str, BasicBlock]) -> int:
    """Read the block whose head is line ``at``; return the line after its terminator."""
    head = lines[at]
    label = head.name()
    if label in blocks:
        head.fail(f"the block {label} stands twice")
    head.take("(")
    params = head.group(_param)
    head.take(":")
    head.end()
    body: list[Instr] = []
    for index in range(at + 1, len(lines)):
        line = lines[index]
        if line.peek() in _TERMINATORS and line.peek(1) != "=":
            blocks[label] = BasicBlock(params, tuple(body), _end(line))
            return index + 1
        body.append(_instr(line))
    return head.fail(f"the block {label} has no end")


def _param(line: _Line) -> Param:
    reg = line.name()
    line.take(":")
    return Param(reg, _type(line))


def _type(line: _Line) -> Type:
    if line.accept("["):
        length = line.integer()
        line.take("x")
        element = _word(line, line.name())
        line.take("]")
        return Array(element, length)
    name = line.name()
    if name == "memory":
        line.take("[")
        size_bytes = line.integer()
        line.take("]")
        return Memory(size_bytes)
    return _word(line, name)


def _instr(line: _Line) -> Instr:
    dests: tuple[str, ...] = ()
    if "=" in line.tokens:
        dests = line.group(_Line.name, "=")
    op = _op(line)
    suffixes: list[Type] = []
    while line.accept("."):
        suffixes.append(_type(line))
    kind, to = [*suffixes, None, None][:2]
    symbol, imm = "", None
    args: tuple[str, ...] = ()
    data: tuple[int, ...] = ()
    if line.accept("{"):
        data = line.group(_Line.integer, "}", separator="")
    elif op is Op.CALL:
        symbol = line.name()
        line.take("(")
        args = line.group(_Line.name)
    else:
        if line.peek().lstrip("-").isdigit():
            imm = line.integer()
            line.accept(",")
        args, symbol = _operands(line)
    return Instr(op, dests, args, kind, to, imm, symbol, _place(line), data)


def _op(line: _Line) -> Op:
    name = line.name()
    try:
        return Op(name)
    except ValueError:
        line.fail(f"unknown instruction {name}")


def _operands(line: _Line) -> tuple[tuple[str, ...], str]:
    args: list[str] = []
    symbol = ""
    while line.peek() not in ("", "@"):
        if line.peek().startswith('"'):
            symbol = line.string()
        else:
            args.append(line.name())
        if not line.accept(","):
            break
    return tuple(args), symbol


def _place(line: _Line) -> Place | None:
    if not line.accept("@"):
        line.end()
        return None
    file = line.string()
    line.take(":")
    row = line.integer()
    line.take(":")
    column = line.integer()
    line.end()
    return Place(file, row, column)


def _end(line: _Line) -> Terminator:
    match line.take():
        case "jump":
            jump = Jump(_edge(line))
            line.end()
            return jump
        case "branch":
            cond = line.name()
            line.take(",")
            then = _edge(line)
            line.take(",")
            other = _edge(line)
            return Branch(cond, then, other, _place(line))
        case "return":
            values, _ = _operands(line)
            line.end()
            return Return(values)
        case _:
            return _stop(line)


def _stop(line: _Line) -> Stop:
    text = line.string()
    line.take(",")
    message = line.string()
    try:
        reason = Reason(text)
    except ValueError:
        line.fail(f"unknown reason {text}")
    return Stop(reason, message, _place(line))


def _edge(line: _Line) -> Edge:
    to = line.name()
    line.take("(")
    return Edge(to, line.group(_Line.name))
