"""Read a code section written by anyone (see `encode`, its inverse).

What the bytes say is bounded before anything is made of it: counts by the bytes that remain and by
`limits`, numbers of functions, blocks and registers by how many there are. Types and dominance are
left to `check`, which the caller runs next; `Decoded.offset` leads from its errors to the bytes.
"""

from collections.abc import Sequence
from typing import Final

from numen.ir import codes, limits
from numen.ir.debug import PlaceReader
from numen.ir.encode import canonical_order
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
    Label,
    Module,
    Param,
    Reg,
    Return,
    Stop,
    Terminator,
)
from numen.ir.ops import SPECS, On, Op
from numen.ir.texts import TEXT_BYTES_MAX
from numen.ir.types import WORDS, Array, Word
from numen.ir.wire import Reader

_OPS: Final = {code: op for op, code in codes.OPCODES.items()}
_REASONS: Final = {code: reason for reason, code in codes.REASONS.items()}
_TYPED: Final = frozenset(op for op in _OPS.values() if SPECS[op].on is not On.NOTHING)
_CONVERSIONS: Final = frozenset(op for op in _OPS.values() if "s" in SPECS[op].results)
_WORDS: Final = tuple(WORDS.values())


class Decoded:
    """A module as read, and where its parts stood.

    Attributes:
        module: The form is right; `check` says whether the rest is.
    """

    def __init__(self, module: Module, starts: dict[tuple[str, Label], list[int]]) -> None:
        self.module = module
        self._starts = starts

    def offset(self, function: str, block: Label, instruction: int | None) -> int:
        """The byte where an instruction begins, or a terminator; 0 for the module as a whole."""
        starts = self._starts.get((function, block), [0])
        return starts[-1 if instruction is None else instruction]


def decode_code(reader: Reader, names: Sequence[str], places: PlaceReader | None) -> Decoded:
    """Read a code section to its end.

    Args:
        reader: Bytes of anyone.
        names: Names for the functions, from the debug section; numbers name the others.
        places: The places of the debug section, in the order of the instructions.

    Raises:
        DecodeError: The bytes are not the encoding of any module.
    """
    return _Decoder(reader, names, places).run()


class _Decoder:
    def __init__(self, reader: Reader, names: Sequence[str], places: PlaceReader | None) -> None:
        self.reader = reader
        self.names = names
        self.places = places
        self.functions: list[Function] = []
        self.starts: dict[tuple[str, Label], list[int]] = {}
        self.shapes = 0
        self.instructions = 0
        self.registers = 0

    def run(self) -> Decoded:
        reader = self.reader
        interface = self._interface()
        start = reader.at
        count = reader.count(limits.FUNCTIONS_MAX, "functions")
        if not count:
            raise reader.fail("a program needs a function", start)
        if self.names and len(self.names) != count:
            raise reader.fail(f"{len(self.names)} names for {count} functions", start)
        for index in range(count):
            name = self.names[index] if self.names else f"f{index}"
            self.functions.append(_FunctionDecoder(self, name).run())
        reader.finish("the last function")
        module = Module({fn.name: fn for fn in self.functions}, self.functions[-1].name, interface)
        # A second order of the same functions would be a second encoding of the same program.
        if canonical_order(module) != tuple(module.functions):
            raise reader.fail("the functions are not in the order of their calls", start)
        return Decoded(module, self.starts)

    def _interface(self) -> Interface:
        reader = self.reader
        start = reader.at
        inputs = tuple(
            Input(reader.name("a parameter"), is_private=bool(self._flag()), shape=self._shape(0))
            for _ in range(reader.count(limits.LEAVES_MAX, "parameters"))
        )
        result = self._shape(0)
        if len({field.name for field in inputs}) != len(inputs):
            raise reader.fail("two parameters have one name", start)
        return Interface(inputs, result)

    def _flag(self) -> int:
        return self.reader.number(1, "a truth")

    def _shape(self, depth: int) -> Shape:
        reader = self.reader
        start = reader.at
        self.shapes += 1
        if depth > DEPTH_MAX or self.shapes > limits.SHAPES_MAX:
            raise reader.fail("the interface is too large", start)
        code = reader.byte()
        if code < len(_WORDS):
            return _WORDS[code]
        shape: Shape
        if code == codes.LIST:
            length = reader.number(limits.VALUES_MAX, "length of a list")
            shape = ListShape(self._shape(depth + 1), length)
        elif code == codes.STRUCT:
            shape = self._struct(depth)
        elif code in (codes.STR, codes.BYTES):
            length = reader.number(TEXT_BYTES_MAX, "bytes of a text")
            if not length:
                raise reader.fail("a text without room", start)
            shape = text_shape("str" if code == codes.STR else "bytes", length)
        elif code == codes.TUPLE:
            count = reader.count(limits.LEAVES_MAX, "items of a tuple")
            shape = TupleShape(tuple(self._shape(depth + 1) for _ in range(count)))
        else:
            raise reader.fail(f"no shape has the code {code:#04x}", start)
        if depth == 0 and _values(shape) > limits.VALUES_MAX:
            raise reader.fail("a shape of too many values", start)
        return shape

    def _struct(self, depth: int) -> StructShape:
        reader = self.reader
        start = reader.at
        name = reader.name("a struct")
        count = reader.count(limits.LEAVES_MAX, "fields of a struct")
        fields = tuple((reader.name("a field"), self._shape(depth + 1)) for _ in range(count))
        if len({field for field, _ in fields}) != count:
            raise reader.fail("two fields have one name", start)
        return StructShape(name, fields)


class _FunctionDecoder:
    """Reads one function; the fields are what its instructions refer to."""

    def __init__(self, above: _Decoder, name: str) -> None:
        self.above = above
        self.reader = above.reader
        self.name = name
        self.results: tuple[Word, ...] = ()
        self.params: list[tuple[Param, ...]] = []
        self.labels: list[Label] = []
        self.register_count = 0
        self.highest = (-1, 0)

    def run(self) -> Function:
        reader = self.reader
        self.results = tuple(
            reader.word() for _ in range(reader.count(limits.PARAMS_MAX, "results"))
        )
        start = reader.at
        block_count = reader.count(limits.BLOCKS_MAX, "blocks")
        if not block_count:
            raise reader.fail("a function needs a block", start)
        self.labels = [f"b{index}" for index in range(block_count)]
        self.params = [self._params() for _ in range(block_count)]
        blocks = {
            label: self._block(label, params)
            for label, params in zip(self.labels, self.params, strict=True)
        }
        highest, at = self.highest
        if highest >= self.register_count:
            raise reader.fail(f"there is no register {highest}", at)
        self.above.registers += self.register_count
        return Function(self.name, self.results, blocks)

    def _params(self) -> tuple[Param, ...]:
        count = self.reader.count(limits.PARAMS_MAX, "parameters of a block")
        regs = self._fresh(count)
        return tuple(Param(reg, self.reader.type()) for reg in regs)

    def _block(self, label: Label, params: tuple[Param, ...]) -> BasicBlock:
        reader, above = self.reader, self.above
        starts = above.starts[self.name, label] = []
        body: list[Instr] = []
        while True:
            start = reader.at
            starts.append(start)
            above.instructions += 1
            if above.instructions > limits.INSTRUCTIONS_MAX:
                raise reader.fail(f"more than {limits.INSTRUCTIONS_MAX} instructions", start)
            code = reader.byte()
            op = _OPS.get(code)
            if op is None:
                return BasicBlock(params, tuple(body), self._end(code, start))
            body.append(self._instr(op))

    def _instr(self, op: Op) -> Instr:
        reader = self.reader
        kind = reader.type() if op in _TYPED else None
        to = reader.type() if op in _CONVERSIONS else None
        imm, symbol = None, ""
        data = self._data(kind) if isinstance(kind, Array) and op is Op.ARRAY else ()
        if op is Op.CALL:
            callee = self._callee()
            symbol = callee.name
            args, dests = self._regs(len(callee.params)), self._fresh(len(callee.results))
        else:
            if op is Op.CONST:
                if not isinstance(kind, Word):
                    raise reader.fail(f"no constant is a {kind}")
                imm = reader.constant(kind)
            spec = SPECS[op]
            args, dests = self._regs(len(spec.operands)), self._fresh(len(spec.results))
            if op is Op.REQUIRE:
                symbol = reader.text("a message")
        places = self.above.places
        place = places.read() if places else None
        return Instr(op, dests, args, kind, to, imm, symbol, place, data)

    def _data(self, array: Array) -> tuple[int, ...]:
        start = self.reader.at
        count = self.reader.count(limits.DATA_MAX, "words of data")
        if count not in (0, array.length):
            raise self.reader.fail(f"{count} words of data for {array}", start)
        return tuple(self.reader.constant(array.element) for _ in range(count))

    def _end(self, code: int, start: int) -> Terminator:
        reader, places = self.reader, self.above.places
        match code:
            case codes.JUMP:
                return Jump(self._edge())
            case codes.BRANCH:
                cond = self._regs(1)[0]
                then, other = self._edge(), self._edge()
                return Branch(cond, then, other, places.read() if places else None)
            case codes.RETURN:
                return Return(self._regs(len(self.results)))
            case codes.STOP:
                reason = _REASONS.get(reader.byte())
                if reason is None:
                    raise reader.fail("no reason has this code", reader.at - 1)
                message = reader.text("a message")
                return Stop(reason, message, places.read() if places else None)
            case _:
                raise reader.fail(f"no instruction has the code {code:#04x}", start)

    def _edge(self) -> Edge:
        index = self.reader.number(len(self.labels) - 1, "a block")
        return Edge(self.labels[index], self._regs(len(self.params[index])))

    def _callee(self) -> Function:
        start = self.reader.at
        index = self.reader.number(limits.FUNCTIONS_MAX, "a function")
        if index >= len(self.above.functions):
            raise self.reader.fail(f"there is no function {index} before this one", start)
        return self.above.functions[index]

    def _regs(self, count: int) -> tuple[Reg, ...]:
        """Read the numbers of registers, of which some may be defined further down."""
        reader = self.reader
        if count > reader.end - reader.at:
            raise reader.fail(f"{count} operands do not fit the bytes that remain")
        found: list[Reg] = []
        for _ in range(count):
            start = reader.at
            number = reader.number(limits.REGISTERS_MAX, "a register")
            if number > self.highest[0]:
                self.highest = (number, start)
            found.append(f"r{number}")
        return tuple(found)

    def _fresh(self, count: int) -> tuple[Reg, ...]:
        """Number the next registers."""
        first = self.register_count
        self.register_count += count
        if self.above.registers + self.register_count > limits.REGISTERS_MAX:
            raise self.reader.fail(f"more than {limits.REGISTERS_MAX} registers")
        return tuple(f"r{number}" for number in range(first, self.register_count))


def _values(shape: Shape) -> int:
    """How many values, words and those that contain them, a value of a shape is."""
    match shape:
        case Word():
            return 1
        case ListShape(element, length):
            return 1 + length * _values(element)
        case StructShape(_, fields):
            return 1 + sum(_values(of) for _, of in fields)
        case TupleShape(items):
            return 1 + sum(_values(item) for item in items)
