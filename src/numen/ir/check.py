"""The check: what must be true of every module between any two passes, and after loading.

A module that passes cannot make an engine go wrong: every register is defined once, before its use
on every way, and has the type its reader asks for; every call goes to a function of the module and
none comes back to itself; storage is bounded.
"""

from collections.abc import Iterable, Mapping

import msgspec

from numen.base.errors import NumenError
from numen.ir import flow, limits
from numen.ir.interface import Leaf
from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Function,
    Instr,
    Label,
    Module,
    Reg,
    Return,
    edges,
    uses,
)
from numen.ir.ops import SPECS, Op, is_allowed
from numen.ir.types import BOOL, LENGTH_MAX, U64, U256, WORDS, Array, Kind, Memory, Type, Word


class CheckError(NumenError):
    """A module breaks a rule of the form.

    Where a pass made the module, the pass is at fault; where bytes did, their author.

    Attributes:
        function: Name of the function, or empty.
        block: Label of the block, or empty.
        instruction: Index in the block's body, or None for its head or terminator.
    """

    def __init__(
        self, message: str, function: str = "", block: str = "", instruction: int | None = None
    ) -> None:
        where = ".".join(part for part in (function, block) if part)
        at = f"{where}[{instruction}]" if instruction is not None else where
        super().__init__(f"{at}: {message}" if at else message)
        self.function = function
        self.block = block
        self.instruction = instruction


def check(module: Module, *, is_metered: bool = False) -> None:
    """Check a whole module.

    Args:
        module: Any value of the type.
        is_metered: Whether `Op.METER` is allowed, as only the metering pass may write it.

    Raises:
        CheckError: The first rule broken, with function, block and instruction.
    """
    if module.entry not in module.functions:
        raise CheckError(f"the entry {module.entry} is not a function of the module")
    if len(module.functions) > limits.FUNCTIONS_MAX:
        raise CheckError(f"more than {limits.FUNCTIONS_MAX} functions")
    blocks = [block for fn in module.functions.values() for block in fn.blocks.values()]
    if sum(len(block.body) + 1 for block in blocks) > limits.INSTRUCTIONS_MAX:
        raise CheckError(f"more than {limits.INSTRUCTIONS_MAX} instructions")
    for name, fn in module.functions.items():
        if name != fn.name:
            raise CheckError(f"the function {fn.name} is listed as {name}")
        check_function(fn, module.functions, is_metered=is_metered)
    _check_entry(module)
    storage_bytes(module)


def check_function(
    fn: Function, functions: Mapping[str, Function], *, is_metered: bool = False
) -> None:
    """Check one function against the functions it may call.

    Raises:
        CheckError: The first rule broken.
    """
    _FunctionCheck(fn, functions, is_metered).run()


def call_order(functions: Mapping[str, Function]) -> tuple[str, ...]:
    """List the functions so that callees come before their callers.

    Raises:
        CheckError: A function can call itself; the message draws the circle.
    """
    callees = {name: _callees(fn) for name, fn in functions.items()}
    order: dict[str, None] = {}
    for root in functions:
        path: dict[str, None] = {}
        stack = [(root, iter(callees[root]))] if root not in order else []
        path.update(dict.fromkeys([root] if stack else []))
        while stack:
            name, pending = stack[-1]
            callee = next(pending, None)
            if callee is None:
                stack.pop()
                del path[name]
                order[name] = None
            elif callee in path:
                circle = [*list(path)[list(path).index(callee) :], callee]
                raise CheckError(f"recursion: {' calls '.join(circle)}", function=name)
            elif callee in callees and callee not in order:
                path[callee] = None
                stack.append((callee, iter(callees[callee])))
    return tuple(order)


def storage_bytes(module: Module) -> int:
    """Bytes of arrays and memories a run can hold at once, the entry's own parameters included.

    Raises:
        CheckError: More than `limits.STORAGE_BYTES_MAX`, calls deeper than
            `limits.CALL_DEPTH_MAX`, or recursion.
    """
    totals: dict[str, tuple[int, int]] = {}
    for name in call_order(module.functions):
        fn = module.functions[name]
        own = frame_bytes(fn)
        below = [totals[callee] for callee in _callees(fn)]
        depth = 1 + max((depth for _, depth in below), default=0)
        totals[name] = (own + max((size for size, _ in below), default=0), depth)
        if depth > limits.CALL_DEPTH_MAX:
            raise CheckError(f"calls nest deeper than {limits.CALL_DEPTH_MAX}", function=name)
    entry = module.functions[module.entry]
    outside = sum(_size_bytes(param.type) for param in entry.params)
    total = outside + max(size for size, _ in totals.values())
    if total > limits.STORAGE_BYTES_MAX:
        raise CheckError(
            f"the program needs {total} bytes of arrays, over {limits.STORAGE_BYTES_MAX}"
        )
    return total


def frame_bytes(fn: Function) -> int:
    """Bytes of the arrays and memories that a function makes itself."""
    return sum(
        _size_bytes(instr.type)
        for block in fn.blocks.values()
        for instr in block.body
        if instr.op in (Op.ARRAY, Op.MEMORY) and instr.type is not None
    )


def _size_bytes(of: Type) -> int:
    return 0 if isinstance(of, Word) else of.size_bytes


def _callees(fn: Function) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            instr.symbol
            for block in fn.blocks.values()
            for instr in block.body
            if instr.op is Op.CALL
        )
    )


def _check_entry(module: Module) -> None:
    fn = module.functions[module.entry]
    found: tuple[Type, ...] = tuple(param.type for param in fn.params)
    inputs, result = module.input_leaves, module.result_leaves
    if len(inputs) + len(result) > limits.LEAVES_MAX:
        raise CheckError(f"the interface has more than {limits.LEAVES_MAX} leaves")
    wanted = _types([*inputs, *(leaf for leaf in result if leaf.count is not None)])
    if found != wanted:
        raise CheckError("the entry's parameters are not the interface's", function=fn.name)
    words: tuple[Type, ...] = _types(leaf for leaf in result if leaf.count is None)
    if fn.results != words:
        raise CheckError("the entry's results are not the interface's", function=fn.name)


def _types(of: Iterable[Leaf]) -> tuple[Type, ...]:
    return tuple(leaf.type for leaf in of)


class _Form(msgspec.Struct, frozen=True, gc=False):
    """The types that an opcode with its suffixes reads and writes, but a memory or a callee's."""

    operands: tuple[Type, ...]
    results: tuple[Type, ...]


_IMMEDIATE = frozenset({Op.CONST, Op.METER})


class _FunctionCheck:
    """One walk over a function; the fields are what the rules ask about."""

    def __init__(self, fn: Function, functions: Mapping[str, Function], is_metered: bool) -> None:
        self.fn = fn
        self.functions = functions
        self.is_metered = is_metered
        self.types: dict[Reg, Type] = {}
        self.forms: dict[tuple[Op, int, int], _Form] = {}
        self.block: Label = ""
        self.index: int | None = None

    def run(self) -> None:
        fn = self.fn
        if not fn.blocks:
            raise CheckError("a function needs a block", function=fn.name)
        if len(fn.blocks) > limits.BLOCKS_MAX:
            self._fail(f"more than {limits.BLOCKS_MAX} blocks")
        if max(len(fn.results), *(len(block.params) for block in fn.blocks.values())) > (
            limits.PARAMS_MAX
        ):
            self._fail(f"more than {limits.PARAMS_MAX} parameters or results")
        for word in fn.results:
            self._check_type(word)
        for label, block in fn.blocks.items():
            self.block, self.index = label, None
            if not label:
                self._fail("a label is empty")
            self._check_head(block)
        for label, block in fn.blocks.items():
            self.block = label
            for index, instr in enumerate(block.body):
                self.index = index
                self._check_instr(instr)
            self.index = None
            self._check_end(block)
        self._check_dominance()

    def _fail(self, message: str) -> None:
        raise CheckError(message, self.fn.name, self.block, self.index)

    def _check_head(self, block: BasicBlock) -> None:
        """Define every register of a block, so that uses can be checked in any order."""
        is_entry = block is self.fn.entry
        for param in block.params:
            if not is_entry and not isinstance(param.type, Word):
                self._fail(f"the parameter {param.reg} is a reference")
            self._check_type(param.type)
            self._define(param.reg, param.type)
        for index, instr in enumerate(block.body):
            self.index = index
            types = (
                self._callee(instr).results if instr.op is Op.CALL else self._form(instr).results
            )
            if len(types) != len(instr.dests):
                self._fail(f"{instr.op.value} writes {len(types)} registers")
            for reg, result in zip(instr.dests, types, strict=True):
                self._define(reg, result)
        self.index = None

    def _define(self, reg: Reg, of: Type) -> None:
        if not reg:
            self._fail("a register has no name")
        if reg in self.types:
            self._fail(f"{reg} is defined twice")
        self.types[reg] = of

    def _check_type(self, of: Type) -> None:
        match of:
            case Word():
                known = WORDS.get(of.name)
                if known is not of and known != of:
                    self._fail(f"{of.name} is not a type")
            case Array(element, length):
                self._check_type(element)
                if not 0 < length <= LENGTH_MAX:
                    self._fail(f"an array of {length} words; 1 to {LENGTH_MAX} are allowed")
            case Memory(size_bytes):
                if not 0 < size_bytes <= LENGTH_MAX:
                    self._fail(f"a memory of {size_bytes} bytes; 1 to {LENGTH_MAX} are allowed")

    def _form(self, instr: Instr) -> "_Form":
        """What an opcode with its suffixes asks for, checked once for each kind."""
        # Equal suffixes are mostly the same object; where they are not, they are checked again.
        key = (instr.op, id(instr.type), id(instr.to))
        if key not in self.forms:
            if not is_allowed(instr.op, instr.type):
                self._fail(f"{instr.op.value} cannot have the suffix {instr.type}")
            if instr.type is not None:
                self._check_type(instr.type)
            self._check_second_suffix(instr)
            spec = SPECS[instr.op]
            operands = spec.operands.removeprefix("m").replace("*", "")
            self.forms[key] = _Form(
                tuple(self._letter(letter, instr) for letter in operands),
                tuple(self._letter(letter, instr) for letter in spec.results.replace("*", "")),
            )
        return self.forms[key]

    def _callee(self, instr: Instr) -> Function:
        if instr.symbol not in self.functions:
            self._fail(f"no function is called {instr.symbol}")
        return self.functions[instr.symbol]

    def _letter(self, letter: str, instr: Instr) -> Type:
        """The type a letter of `ops.Spec` stands for in an instruction."""
        wanted: Type | None = None
        match letter:
            case "b":
                wanted = BOOL
            case "i":
                wanted = U64
            case "k":
                wanted = U256
            case "t" | "r":
                wanted = instr.type
            case "s":
                wanted = instr.to
            case "e":
                wanted = instr.type.element if isinstance(instr.type, Array) else None
        if wanted is None:
            self._fail(f"{instr.op.value} lacks a suffix")
        assert wanted is not None
        return wanted

    def _check_instr(self, instr: Instr) -> None:
        form = self._form(instr)
        self._check_attachments(instr)
        match instr.op:
            case Op.CALL:
                params = self._callee(instr).params
                self._check_operands(instr, tuple(param.type for param in params))
            case Op.METER:
                self._check_operands(instr, (U64,) * min(len(instr.args), 1))
            case Op.LOAD | Op.STORE:
                if not instr.args or not isinstance(self._type(instr.args[0]), Memory):
                    self._fail(f"{instr.op.value} needs a memory")
                self._check_operands(instr, (self._type(instr.args[0]), *form.operands))
            case _:
                self._check_operands(instr, form.operands)

    def _check_operands(self, instr: Instr, wanted: tuple[Type, ...]) -> None:
        if len(instr.args) != len(wanted):
            self._fail(f"{instr.op.value} takes {len(wanted)} operands, not {len(instr.args)}")
        for reg, of in zip(instr.args, wanted, strict=True):
            found = self._type(reg)
            if found is not of and found != of:
                self._fail(f"{instr.op.value} reads {reg} as {of}, but it is {found}")

    def _check_second_suffix(self, instr: Instr) -> None:
        match instr.op, instr.type, instr.to:
            case Op.CAST, Word(), Word() as to:
                self._check_type(to)
            case Op.TRUNCATE, Word(), Word(kind=Kind.UNSIGNED | Kind.SIGNED) as to:
                self._check_type(to)
            case Op.SLICE, Array(element, length), Array() as to:
                self._check_type(to)
                if to.element != element or to.length > length:
                    self._fail(f"{to} is not a part of {instr.type}")
            case ((Op.CAST | Op.TRUNCATE | Op.SLICE), _, _):
                self._fail(f"{instr.op.value} cannot give {instr.to}")
            case ((Op.EMIT | Op.HASH_BYTES), Array(element), None) if element != U256:
                self._fail(f"{instr.op.value} takes words of u256, not {instr.type}")
            case _, _, None:
                pass
            case _:
                self._fail(f"{instr.op.value} has one suffix")

    def _check_attachments(self, instr: Instr) -> None:
        """Check the immediate and the symbol: who must have one, and what it may be."""
        if instr.imm is None and not instr.symbol and not instr.data and instr.op not in _IMMEDIATE:
            return
        match instr.op:
            case Op.CONST:
                if instr.imm is None or not isinstance(instr.type, Word):
                    self._fail("a constant lacks its value")
                elif instr.imm not in instr.type:
                    self._fail(f"{instr.imm} is not a {instr.type}")
            case Op.METER:
                if not self.is_metered:
                    self._fail("only the metering pass may write meter")
                if instr.imm is None or not 0 <= instr.imm < 2**63:
                    self._fail("meter lacks its charge")
            case _ if instr.imm is not None:
                self._fail(f"{instr.op.value} has no immediate")
        if instr.data:
            self._check_data(instr)
        if instr.symbol and instr.op not in (Op.CALL, Op.REQUIRE):
            self._fail(f"{instr.op.value} has no symbol")
        if instr.op is Op.REQUIRE and len(instr.symbol) > limits.MESSAGE_LENGTH_MAX:
            self._fail(f"a message is longer than {limits.MESSAGE_LENGTH_MAX} characters")

    def _check_data(self, instr: Instr) -> None:
        if instr.op is not Op.ARRAY or not isinstance(instr.type, Array):
            self._fail(f"{instr.op.value} has no data")
            return
        if len(instr.data) > limits.DATA_MAX:
            self._fail(f"more than {limits.DATA_MAX} words of data")
        if len(instr.data) != instr.type.length:
            self._fail(f"{len(instr.data)} words of data for {instr.type}")
        if not all(value in instr.type.element for value in instr.data):
            self._fail(f"data that is not {instr.type.element}")

    def _check_end(self, block: BasicBlock) -> None:
        entry = next(iter(self.fn.blocks))
        match block.end:
            case Branch(cond):
                if self._type(cond) != BOOL:
                    self._fail(f"branch reads {cond}, which is not a bool")
            case Return(values):
                found: tuple[Type, ...] = tuple(self._type(reg) for reg in values)
                if found != self.fn.results:
                    self._fail(f"return gives {_list(found)}, not {_list(self.fn.results)}")
        for edge in edges(block.end):
            if edge.to not in self.fn.blocks or edge.to == entry:
                self._fail(f"no edge may lead to {edge.to}")
            wanted = tuple(param.type for param in self.fn.blocks[edge.to].params)
            if tuple(self._type(reg) for reg in edge.args) != wanted:
                self._fail(f"{edge.to} takes {_list(wanted)}")

    def _type(self, reg: Reg) -> Type:
        if reg not in self.types:
            self._fail(f"{reg} is not defined")
        return self.types[reg]

    def _check_dominance(self) -> None:
        """Every use is reached only through its definition; every block can be reached."""
        idom = flow.dominators(self.fn)
        if len(idom) != len(self.fn.blocks):
            self.block = next(label for label in self.fn.blocks if label not in idom)
            self._fail("no way leads here")
        home = self._homes()
        span = flow.dominance_intervals(idom)
        for label, block in self.fn.blocks.items():
            self.block = label
            low, high = span[label]
            seen = {param.reg for param in block.params}
            for index, (args, dests) in enumerate(_reads_and_writes(block)):
                self.index = index if index < len(block.body) else None
                for reg in args:
                    if reg not in seen:
                        start, stop = span[home[reg]]
                        if home[reg] == label or not (start <= low and high <= stop):
                            self._fail(f"{reg} is read where it may not be defined")
                seen.update(dests)

    def _homes(self) -> dict[Reg, Label]:
        return {
            reg: label
            for label, block in self.fn.blocks.items()
            for regs in (
                tuple(param.reg for param in block.params),
                *(instr.dests for instr in block.body),
            )
            for reg in regs
        }


def _reads_and_writes(block: BasicBlock) -> Iterable[tuple[tuple[Reg, ...], tuple[Reg, ...]]]:
    for instr in block.body:
        yield instr.args, instr.dests
    yield uses(block.end), ()


def _list(types: Iterable[Type]) -> str:
    return f"({', '.join(str(of) for of in types)})"
