"""A module of the register IR as LLVM IR.

Each function takes the work units that are left, its frame, the host where the program is a
contract's, and its own parameters, and returns the
work units left then, a trap code (see `exits`) and its results. Block parameters become phis,
meanings become instructions.
"""

from typing import TypeAlias

from numen.ir import check, flow
from numen.ir.host import needs_host
from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Edge,
    Function,
    Instr,
    Jump,
    Label,
    Module,
    Reg,
    Return,
    Stop,
)
from numen.ir.ops import HASHES, HOST, SPECS, Op
from numen.ir.trap import Reason
from numen.ir.types import I256, U256, Array, Memory, Word
from numen.jit import entry, products
from numen.jit.algebra import LlvmAlgebra
from numen.jit.exits import Exits, positions
from numen.jit.hosting import Routines
from numen.jit.layout import Frame, Layout
from numen.jit.storage import Reference, Storage
from numen.jit.words import Typed, constant, register_type
from numen.kernels import llvm
from numen.kernels.llvm import Value, const

_Register: TypeAlias = Typed | Reference
_Callee: TypeAlias = tuple[llvm.Callee, tuple[Word, ...]]
"""A function that is written, and the words it returns."""


def emit(module: Module, layout: Layout) -> str:
    """Write a checked and metered module, and the entry that `entry` describes.

    Names in the text are our own: nothing a program calls itself reaches LLVM.
    """
    target = llvm.Module()
    numbered = positions(module)
    shares = _wide_products(module) > products.INLINE_MAX
    routines = Routines(target) if needs_host(module) else None
    callees: dict[str, _Callee] = {}
    for index, name in enumerate(check.call_order(module.functions)):
        fn = module.functions[name]
        starts = {label: numbered[name, label] for label in fn.blocks}
        frame = layout.frames[name]
        writer = _FunctionWriter(
            target, f"f{index}", fn, frame, starts, callees, routines, shares_products=shares
        )
        callees[name] = writer.write(), fn.results
    entry.write(target, callees[module.entry][0], layout, has_host=routines is not None)
    return str(target)


class _FunctionWriter:
    """One function on its way to LLVM."""

    def __init__(
        self,
        target: llvm.Module,
        name: str,
        fn: Function,
        frame: Frame,
        starts: dict[Label, int],
        callees: dict[str, _Callee],
        routines: Routines | None,
        *,
        shares_products: bool,
    ) -> None:
        results = ", ".join(["i64", "i32", *(register_type(word) for word in fn.results)])
        params = {"left": "i64", "frame": "ptr noalias"}
        if routines is not None:
            params["host"] = "ptr"
        self.own = len(params)
        self.routines = routines or Routines(target)
        for index, param in enumerate(fn.params):
            params[f"a{index}"] = (
                register_type(param.type) if isinstance(param.type, Word) else "ptr"
            )
        self.fn = fn
        self.f = target.function(name, f"{{{results}}}", params, internal=True, convention="fastcc")
        self.frame = frame
        self.starts = starts
        self.callees = callees
        self.exits = Exits(self.f, lambda code: self._leave(code, ()))
        self.algebra = LlvmAlgebra(self.f, self.exits, shares_products=shares_products)
        self.storage = Storage(self.f, self.exits, self.f.params[1], frame.offsets)
        self.regs: dict[Reg, _Register] = {}
        self.labels: dict[Label, llvm.Label] = {}

    def write(self) -> llvm.Callee:
        f = self.f
        self.left = f.alloca("i64", align=8)
        f.store(f.params[0], self.left)
        for param, value in zip(self.fn.params, f.params[self.own :], strict=True):
            self.regs[param.reg] = _received(value, param.type)
        self._open_blocks()
        entry_label = next(iter(self.fn.blocks))
        for label in flow.reverse_postorder(entry_label, flow.successors(self.fn)):
            f.at(self.labels[label])
            self._block(self.fn.blocks[label], self.starts[label])
        self.exits.finish()
        return f.callee

    def _open_blocks(self) -> None:
        """Make every block parameter a phi before any block is filled: loops read ahead."""
        start = self.f.current
        for label, block in self.fn.blocks.items():
            if not self.labels:
                self.labels[label] = start
                continue
            self.labels[label] = self.f.block("b")
            self.f.at(self.labels[label])
            for param in block.params:
                assert isinstance(param.type, Word)
                self.regs[param.reg] = Typed(self.f.phi(register_type(param.type)), param.type)
        self.f.at(start)

    def _block(self, block: BasicBlock, position: int) -> None:
        for instr in block.body:
            self.exits.position = position
            self._instr(instr)
            position += 1
        self.exits.position = position
        match block.end:
            case Jump(edge):
                self.f.br(self._enter(edge))
            case Branch(cond, then, other):
                self._branch(self._value(cond), then, other)
            case Return(values):
                self._leave(const("i32", 0), tuple(self._value(reg) for reg in values))
            case Stop(reason):
                self.exits.stop(reason)

    def _branch(self, cond: Value, then: Edge, other: Edge) -> None:
        if then.to == other.to:
            # LLVM's phis know blocks, not edges, so two edges to one block need another between.
            between = self.f.block("edge")
            target = self._enter(other)
            self.f.cond_br(cond, between, target)
            self.f.at(between)
            self.f.br(self._enter(then))
        else:
            self.f.cond_br(cond, self._enter(then), self._enter(other))

    def _enter(self, edge: Edge) -> llvm.Label:
        """Pass the arguments of an edge that leaves from here."""
        for param, reg in zip(self.fn.blocks[edge.to].params, edge.args, strict=True):
            self.f.incoming(self._value(param.reg), self._value(reg), self.f.current)
        return self.labels[edge.to]

    def _leave(self, code: Value, values: tuple[Value, ...]) -> None:
        """Return the work left, a code and the results, if there are any."""
        f = self.f
        pair = Value(f.callee.result, "poison")
        for index, value in enumerate((f.load("i64", self.left), code, *values)):
            pair = f.insert(pair, value, index)
        f.ret(pair)

    def _instr(self, instr: Instr) -> None:
        means = SPECS[instr.op].means
        if means is not None:
            words = (self.regs[reg] for reg in instr.args)
            self.regs[instr.dests[0]] = means(self.algebra, instr.to or instr.type, *words)
            return
        match instr.op:
            case Op.CONST:
                assert instr.imm is not None
                assert isinstance(instr.type, Word)
                self.regs[instr.dests[0]] = constant(instr.imm, instr.type)
            case Op.REQUIRE:
                self.exits.unless(self._value(instr.args[0]), Reason.REQUIREMENT)
            case Op.METER:
                self._meter(instr)
            case Op.CALL:
                self._call(instr)
            case op if op in HOST or op in HASHES:
                self._speak(instr)
            case _:
                self._storage(instr)

    def _storage(self, instr: Instr) -> None:
        storage = self.storage
        match instr.op, instr.type, [self.regs[reg] for reg in instr.args]:
            case ((Op.ARRAY | Op.MEMORY), (Array() | Memory()) as of, []):
                self.regs[instr.dests[0]] = storage.make(instr.dests[0], of, instr.data)
            case Op.GET, _, [Reference() as array, Typed(index)]:
                self.regs[instr.dests[0]] = storage.get(array, index)
            case Op.SET, _, [Reference() as array, Typed(index), Typed(value)]:
                storage.set(array, index, value)
            case Op.SLICE, _, [Reference() as array, Typed(index)]:
                assert isinstance(instr.to, Array)
                self.regs[instr.dests[0]] = storage.slice(array, index, instr.to)
            case Op.COPY, _, [Reference() as into, Reference() as source]:
                storage.copy(into, source)
            case Op.LOAD, Word() as word, [Reference() as memory, Typed(offset)]:
                self.regs[instr.dests[0]] = storage.load(memory, offset, word)
            case Op.STORE, _, [Reference() as memory, Typed(offset), Typed() as value]:
                storage.store(memory, offset, value)
            case _:
                raise AssertionError(instr)

    def _meter(self, instr: Instr) -> None:
        """Take the charge from what is left; the product of a counted loop's saturates."""
        f = self.f
        assert instr.imm is not None
        charge = const("i64", instr.imm)
        if instr.args:
            charge, is_huge = f.overflow("umul", self._value(instr.args[0]), charge)
            self.exits.where(is_huge, Reason.WORK_LIMIT)
        rest, over = f.overflow("usub", f.load("i64", self.left), charge)
        # Where the limit is reached nobody asks what was left, so the register can be overwritten.
        f.store(rest, self.left)
        self.exits.where(over, Reason.WORK_LIMIT)

    def _call(self, instr: Instr) -> None:
        f, (callee, words) = self.f, self.callees[instr.symbol]
        frame = f.gep("i8", f.params[1], self.frame.own_bytes)
        left = f.load("i64", self.left)
        hosts = f.params[2 : self.own]
        returned = f.call(callee, left, frame, *hosts, *(self._value(reg) for reg in instr.args))
        f.store(f.extract(returned, 0, "i64"), self.left)
        self.exits.pass_on(f.extract(returned, 1, "i32"))
        for index, (reg, word) in enumerate(zip(instr.dests, words, strict=True)):
            self.regs[reg] = Typed(f.extract(returned, 2 + index, register_type(word)), word)

    def _speak(self, instr: Instr) -> None:
        """Ask the host, or hash as it does."""
        f, routines = self.f, self.routines
        args = [self._value(reg) for reg in instr.args]
        match instr.op:
            case Op.HASH:
                self.regs[instr.dests[0]] = Typed(f.call(routines.hash(), *args), U256)
            case Op.HASH_BYTES:
                assert isinstance(instr.type, Array)
                self.exits.unless(f.icmp("ule", args[1], instr.type.size_bytes), Reason.INDEX)
                self.regs[instr.dests[0]] = Typed(f.call(routines.hash_bytes(), *args), U256)
            case Op.RECOVER:
                pair = f.call(routines.recover(), f.params[2], *args)
                self.exits.unless(f.extract(pair, 1, "i1"), Reason.HOST)
                self.regs[instr.dests[0]] = Typed(f.extract(pair, 0, "i256"), U256)
            case Op.STATE_LOAD:
                pair = f.call(routines.load(), f.params[2], *args)
                self.exits.unless(f.extract(pair, 1, "i1"), Reason.HOST)
                self.regs[instr.dests[0]] = Typed(f.extract(pair, 0, "i256"), U256)
            case Op.STATE_STORE:
                self.exits.unless(f.call(routines.store(), f.params[2], *args), Reason.HOST)
            case _:
                assert isinstance(instr.type, Array)
                self.exits.unless(f.icmp("ule", args[2], instr.type.length), Reason.INDEX)
                self.exits.unless(f.call(routines.emit(), f.params[2], *args), Reason.HOST)

    def _value(self, reg: Reg) -> Value:
        register = self.regs[reg]
        return register.value if isinstance(register, Typed) else register.pointer


def _wide_products(module: Module) -> int:
    return sum(
        instr.op in (Op.MUL, Op.WRAPPING_MUL) and instr.type in (U256, I256)
        for fn in module.functions.values()
        for block in fn.blocks.values()
        for instr in block.body
    )


def _received(value: Value, of: Word | Array | Memory) -> _Register:
    return Typed(value, of) if isinstance(of, Word) else Reference(value, of)
