"""A pure function of a contract as a program of the register machine.

The call is followed through the contract twice: once over what is known before the run, which finds
the ways, and once over registers, which writes them down. What the stack machine does is the same
text both times (`walk`, `call`); the dispatch on the selector, the free memory pointer and return
addresses are constants in the first walk, and so are not in the program of the second.

A frame that reverts or fails is a program that traps. Gas is not counted, and the call carries no
wei.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from numen.base.errors import Place
from numen.evm.forks import fork as fork_by_name
from numen.evm.lift.algebra import Constant, Register, Value, Writer
from numen.evm.lift.call import PureCall, impurity
from numen.evm.lift.cells import WORD_BYTES, Cells
from numen.evm.lift.clear import clear_function
from numen.evm.lift.copying import copy_function
from numen.evm.lift.decide import decide_again
from numen.evm.lift.draft import Draft, Passing, build, settle
from numen.evm.lift.errors import ImpureError, LiftLimitError, ShapeError
from numen.evm.lift.graph import Context
from numen.evm.lift.instructions import Instruction, disassemble
from numen.evm.lift.limits import MEMORY_BYTES_DEFAULT, MEMORY_BYTES_MAX
from numen.evm.lift.listing import labels
from numen.evm.lift.power import power_function
from numen.evm.lift.prologue import open_function
from numen.evm.lift.reverts import stop_of_revert
from numen.evm.lift.signature import SELECTOR_BYTES, Signature, parse_signature
from numen.evm.lift.sponge import HASH, hash_functions, hash_name, memory_hash_functions
from numen.evm.lift.tails import merge_hashing_tails
from numen.evm.lift.tidy import add_constants_once, drop_dead_stores
from numen.evm.lift.values import (
    CLEAR_FUNCTION,
    COPY_FUNCTION,
    EXP_FUNCTION,
    MEMORY,
    ByteMemory,
    RegisterValues,
)
from numen.evm.lift.walk import BAD_TARGET, Branch, End, Fail, Fall, Jump, Leave, walk
from numen.evm.lift.ways import Ways, find_ways
from numen.ir import flow, nodes
from numen.ir.check import check
from numen.ir.interface import Interface, TupleShape
from numen.ir.nodes import Edge, Function, Label, Module, Return, Stop
from numen.ir.ops import Op
from numen.ir.pipeline import PASSES
from numen.ir.trap import Reason
from numen.ir.types import BOOL, U256

FILE: Final = "bytecode"
"""The file of a lifted instruction's place; the line is the offset in the code."""

INSTRUCTIONS_MAX: Final = 50_000
"""Most instructions of a lifted function: what the passes of the IR take on."""

_CLEAN: Final = ("fold", "simplify_cfg", "number_values", "eliminate_dead_code")
_ROUNDS: Final = 2
_ANYWHERE: Final = Edge("")


def lift_function(
    code: bytes,
    signature: str,
    *,
    fork: str = "prague",
    memory_bytes: int = MEMORY_BYTES_DEFAULT,
    array_bound: int | None = None,
    private: frozenset[int] = frozenset(),
    file: str = FILE,
) -> Module:
    """Lift a pure function of a contract.

    Args:
        code: The contract's code, as deployed.
        signature: Like ``gcd(uint256,uint256)``; the contract is called with its selector.
        fork: Whose opcodes the code is read with, a name that `forks.fork` knows.
        memory_bytes: How much memory the function may reach at computed offsets, 32 to
            `limits.MEMORY_BYTES_MAX`; more is a trap. Not used where every offset is known.
        array_bound: Most elements of an array without a length, and bytes of ``bytes`` and
            ``string``: calldata have room for so many. None refuses them.
        private: Which parameters a proof hides, counted from 0.
        file: Name for the places of the instructions, whose lines are offsets in the code.

    Returns:
        A program that takes the words of the call and gives the words of the result: it agrees with
        the contract, called with enough gas and no wei, and traps where the contract reverts or
        fails.

    Raises:
        SignatureError: It is not the signature of a function with parameters of bounded size.
        UnknownForkError: No fork has the name.
        LiftError: The function cannot be lifted: the offset and the reason are named.
    """
    if not WORD_BYTES <= memory_bytes <= MEMORY_BYTES_MAX:
        raise LiftLimitError(f"a memory of {memory_bytes} bytes; 32 to {MEMORY_BYTES_MAX} can be")
    named = parse_signature(signature, array_bound=array_bound, private=private)
    bytecode = disassemble(code, fork_by_name(fork))
    ways = find_ways(bytecode, named)
    memory = None if ways.bytes_from is None else ByteMemory(ways.bytes_from, memory_bytes)
    module = _Lifting(named, ways, memory, file).run()
    check(module)
    return _clean(module)


def _clean(module: Module) -> Module:
    """Drop the traces of the stack: parameters that every way passes alike, what nobody reads."""
    fn = module.functions[module.entry]
    if sum(len(block.body) + 1 for block in fn.blocks.values()) > INSTRUCTIONS_MAX:
        raise LiftLimitError(f"a function of more than {INSTRUCTIONS_MAX} instructions")
    for _ in range(_ROUNDS):
        for name in _CLEAN:
            fn = PASSES[name].run(fn)
        fn = add_constants_once(decide_again(fn))
    for name in _CLEAN:
        fn = PASSES[name].run(fn)
    fn = merge_hashing_tails(drop_dead_stores(fn, MEMORY), module.functions)
    module = Module({**module.functions, module.entry: fn}, module.entry, module.interface)
    check(module)
    return module


class _Placed:
    """The domain of a call, saying of each instruction where in the code it comes from."""

    def __init__(self, call: PureCall[Value], writer: Writer, file: str) -> None:
        self._call = call
        self._writer = writer
        self._file = file

    def const(self, value: int) -> Value:
        return self._call.const(value)

    def pure(self, instr: Instruction, args: Sequence[Value]) -> Value:
        self.at(instr)
        return self._call.pure(instr, args)

    def effect(self, instr: Instruction, args: Sequence[Value]) -> Value | None:
        self.at(instr)
        return self._call.effect(instr, args)

    def at(self, instr: Instruction) -> Place:
        self._writer.place = place = Place(self._file, instr.offset, 1)
        return place


class _Lifting:
    """A call in the making."""

    def __init__(
        self, signature: Signature, ways: Ways, memory: ByteMemory | None, file: str
    ) -> None:
        self.signature = signature
        self.contexts = ways.graph.contexts
        self.writer = Writer()
        size = SELECTOR_BYTES + WORD_BYTES * len(signature.words)
        self.values = RegisterValues(self.writer, memory, size)
        self.arguments: list[Value] = [
            Constant(word, U256) if isinstance(word, int) else Register(f"word{index}", U256)
            for index, word in enumerate(signature.words)
        ]
        self.call: PureCall[Value] = PureCall(
            ways.graph.bytecode.code,
            self.values,
            signature.selector,
            self.arguments,
            ways.bytes_from,
        )
        self.domain = _Placed(self.call, self.writer, file)
        self.labels = labels(self.contexts)
        self.drafts: dict[Label, Draft] = {}
        self.passed: dict[Label, list[Passing]] = {label: [] for label in self.labels}
        self.states: dict[Label, tuple[tuple[Value, ...], Cells[Value]]] = {}
        self.ways_in = [0] * len(self.contexts)
        for context in self.contexts:
            for edge in context.edges:
                self.ways_in[edge.to] += 1
        self.result_count: int | None = None

    def run(self) -> Module:
        nexts = {
            label: tuple(self.labels[edge.to] for edge in context.edges)
            for label, context in zip(self.labels, self.contexts, strict=True)
        }
        self.ways_in[0] += 1
        assert self.call.memory is not None
        first = self.labels[0]
        self.pass_on(0, [], self.call.memory)
        numbers = {label: number for number, label in enumerate(self.labels)}
        left = list(flow.reverse_postorder(first, nexts))
        # What is known in the second walk may close a way that the first left open.
        while ready := [label for label in left if self.passed[label]]:
            for label in ready if self.drafts else left:
                if self.passed[label]:
                    self.write(numbers[label])
            left = [label for label in left if label not in self.drafts]
        if self.result_count is None:
            raise ShapeError("no way through the contract returns: has it the function?")
        return self.module(first)

    def module(self, first: Label) -> Module:
        blocks = build(self.values, self.drafts)
        entry = open_function(self.signature, self.values, self.arguments, first)
        count = self.result_count or 0
        name = self.signature.name
        name = f"_{name}" if name.startswith("$") else name
        functions: dict[str, Function] = {
            name: Function(name, (U256,) * count, {"start": entry, **blocks})
        }
        functions |= self.helpers()
        result = U256 if count == 1 else TupleShape((U256,) * count)
        return Module(functions, name, Interface(self.signature.inputs, result))

    def helpers(self) -> dict[str, Function]:
        """The functions that the function calls."""
        values, found = self.values, dict[str, Function]()
        at = values.places.get
        memory = None if values.memory is None else values.memory.type
        if values.has_powers:
            found[EXP_FUNCTION] = power_function(EXP_FUNCTION)
        if values.has_clears and memory is not None:
            found[CLEAR_FUNCTION] = clear_function(CLEAR_FUNCTION, memory, at(CLEAR_FUNCTION))
        if values.has_copies and memory is not None:
            found[COPY_FUNCTION] = copy_function(
                COPY_FUNCTION, memory, values.input_type, at(COPY_FUNCTION)
            )
        hashed = {length: at(hash_name(length)) for length in values.hashed}
        found |= hash_functions(hashed)
        if values.hashes_memory and memory is not None:
            found |= memory_hash_functions(memory, at(HASH))
        return found

    def write(self, number: int) -> None:
        """Write the block of a context that some way leads to."""
        context, label = self.contexts[number], self.labels[number]
        draft = self.drafts[label] = Draft()
        self.writer.body = draft.body
        stack, memory = self.enter(number, draft)
        self.call.memory = memory
        self.call.computed = set(context.computed)
        self.end(draft, context, walk(context.block, stack, self.domain), stack)

    def enter(self, number: int, draft: Draft) -> tuple[list[Value], Cells[Value]]:
        """What a block begins with: constants, what every way brings alike, and parameters."""
        context, label = self.contexts[number], self.labels[number]
        if self.ways_in[number] == 1:
            kept, cells = self.states[label]
            return list(kept), cells
        passed = self.passed[label]
        is_whole = len(passed) == self.ways_in[number]
        found: list[Value] = []
        for index, (value, word) in enumerate(settle(self.values, passed, is_whole=is_whole)):
            found.append(value)
            if word is not None:
                assert isinstance(value, Register)
                draft.params.append((index, nodes.Param(value.name, word)))
        words = iter(found)
        stack = [
            self.values.const(slot) if isinstance(slot, int) else next(words)
            for slot in context.state.stack
        ]
        memory: Cells[Value] = Cells()
        for at, size, known in _pieces(context):
            value = next(words) if known is None else self.values.const(known)
            memory.pieces[at] = (size, value)
        return stack, memory

    def pass_on(self, to: int, stack: Sequence[Value], memory: Cells[Value]) -> Passing:
        """Lead a way into a context."""
        context, label = self.contexts[to], self.labels[to]
        if self.ways_in[to] == 1:
            # The one way brings everything with it.
            self.states[label] = (tuple(stack), memory.copy())
            passing = Passing(label, ())
            self.passed[label].append(passing)
            return passing
        args = [
            value
            for value, slot in zip(stack, context.state.stack, strict=True)
            if not isinstance(slot, int)
        ]
        args += [
            memory.read(self.values, at, size)
            for at, size, known in _pieces(context)
            if known is None
        ]
        passing = Passing(label, tuple(args))
        self.passed[label].append(passing)
        return passing

    def end(self, draft: Draft, context: Context, end: End[Value], stack: list[Value]) -> None:
        match end:
            case Fall():
                self.go(draft, context, "fall", None, stack)
            case Jump(instr, target):
                self.domain.at(instr)
                self.go(draft, context, "jump", target, stack)
            case Branch():
                self.branch(draft, context, end, stack)
            case Leave(instr, args):
                draft.finish(self.leave(instr, args))
            case Fail(instr, reason):
                draft.finish(Stop(Reason.REQUIREMENT, reason, self.domain.at(instr)))

    def branch(
        self, draft: Draft, context: Context, end: Branch[Value], stack: list[Value]
    ) -> None:
        place = self.domain.at(end.instr)
        cond = self.values.truth(end.cond)
        if not isinstance(cond, Register):
            kind, target = ("then", end.target) if cond.value else ("else", None)
            self.go(draft, context, kind, target, stack)
            return
        assert cond.type == BOOL
        ways: list[Passing] = []
        for kind, target in (("then", end.target), ("else", None)):
            inner = Draft()
            # What is written for one way only stands in a block of its own.
            self.writer.body = inner.body
            self.go(inner, context, kind, target, stack)
            if isinstance(inner.end, nodes.Jump) and not inner.body:
                ways += inner.passing
            else:
                ways.append(Passing(self.add(inner), ()))
        draft.finish(nodes.Branch(cond.name, _ANYWHERE, _ANYWHERE, place), *ways)

    def go(
        self,
        draft: Draft,
        context: Context,
        kind: str,
        target: Value | None,
        stack: list[Value],
    ) -> None:
        """End a block by a way of one kind, to a target, or any where none is asked for."""
        known = None if target is None else self.values.known(target)
        edges = [edge for edge in context.edges if edge.kind == kind]
        if known is not None:
            edges = [edge for edge in edges if self.contexts[edge.to].block.start == known]
        assert self.call.memory is not None
        if not edges:
            draft.finish(Stop(Reason.REQUIREMENT, BAD_TARGET, self.writer.place))
            return
        for edge in edges[:-1]:
            assert target is not None
            # A jump with several targets compares the address with one after another.
            start = self.values.const(self.contexts[edge.to].block.start)
            is_it = self.writer.write(Op.EQ, BOOL, self.values.word(target), start, of=U256)
            passing = self.pass_on(edge.to, stack, self.call.memory)
            rest = Draft()
            branch = nodes.Branch(is_it.name, _ANYWHERE, _ANYWHERE, self.writer.place)
            draft.finish(branch, passing, Passing(self.add(rest), ()))
            draft, self.writer.body = rest, rest.body
        passing = self.pass_on(edges[-1].to, stack, self.call.memory)
        draft.finish(nodes.Jump(_ANYWHERE), passing)

    def add(self, draft: Draft) -> Label:
        label = self.writer.fresh("w")
        self.drafts[label] = draft
        return label

    def leave(self, instr: Instruction, args: tuple[Value, ...]) -> nodes.Terminator:
        place = self.domain.at(instr)
        if instr.name == "REVERT":
            return stop_of_revert(self.call.known_bytes(*args), place)
        if instr.name == "SELFDESTRUCT":
            raise ImpureError(impurity(instr.name), instr.offset, instr.name)
        found = self.call.results(instr, *args) if instr.name == "RETURN" else []
        if self.result_count not in (None, len(found)):
            raise ShapeError(
                f"a result of {len(found)} words, elsewhere of {self.result_count}",
                instr.offset,
                instr.name,
            )
        self.result_count = len(found)
        return Return(tuple(self.writer.reg(self.values.word(value)) for value in found))


def _pieces(context: Context) -> list[tuple[int, int, int | None]]:
    """Offset, size and number, where it is known, of what memory holds on entry."""
    memory = context.state.memory
    pieces: Mapping[int, tuple[int, object]] = memory.pieces if memory is not None else {}
    return [
        (at, size, value if isinstance(value, int) else None)
        for at, (size, value) in sorted(pieces.items())
    ]
