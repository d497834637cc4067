"""Global value numbering: what was computed, checked or read before is not done again."""

from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from numen.ir import flow
from numen.ir.nodes import BasicBlock, Function, Instr, Label, Reg
from numen.ir.ops import SPECS, Effect, Op
from numen.ir.passes.fold import COMMUTATIVE
from numen.ir.passes.registers import rename_end, resolve, with_args
from numen.ir.types import Array, Memory, Type, Word

Key: TypeAlias = tuple[Any, ...]
"""What two instructions with the same result have in common."""

OUTSIDE: Final = ""
"""The class of storage of all references that come from the caller: they may be the same."""


def number_values(fn: Function) -> Function:
    """Drop what an instruction that dominates it has done already.

    An instruction that may trap counts as well: where the second stands, the first did not trap,
    and so neither would the second. A read counts while nothing in between may have written to the
    same storage, on the one way from the first to the second; what was written is known without
    reading.

    Needs: SSA form. Keeps: SSA form, block order, every trap with its place.
    Cost: linear in instructions.
    """
    return _Numbering(fn).run()


class _Store:
    """When each class of storage was last written, at one point of the program.

    Attributes:
        epoch: For classes that are not listed.
        times: For classes written since.
    """

    def __init__(self, epoch: int, times: dict[Reg, int]) -> None:
        self.epoch = epoch
        self.times = times

    def time(self, storage: Reg) -> int:
        return self.times.get(storage, self.epoch)


class _Numbering:
    """One walk down the dominator tree.

    Attributes:
        names: Registers that take the place of others.
        table: What is known here; leaving a block takes its part away.
        roots: For each reference the class of the storage it leads to.
        stores: The storage at the end of each block.
    """

    def __init__(self, fn: Function) -> None:
        self.fn = fn
        self.names: dict[Reg, Reg] = {}
        self.table: dict[Key, Reg] = {}
        self.roots = {
            param.reg: OUTSIDE for param in fn.params if isinstance(param.type, Array | Memory)
        }
        self.stores: dict[Label, _Store] = {}
        self.clock = 0
        self.before = flow.predecessors(fn)
        self.changed = False

    def run(self) -> Function:
        children: dict[Label, list[Label]] = {label: [] for label in self.fn.blocks}
        idom = flow.dominators(self.fn)
        for label in flow.reverse_postorder(next(iter(self.fn.blocks)), flow.successors(self.fn)):
            if idom[label] != label:
                children[idom[label]].append(label)
        blocks = dict(self.fn.blocks)
        # Enter a block, then its children, then take away what it added.
        todo: list[tuple[Label, list[Key] | None]] = [(next(iter(blocks)), None)]
        while todo:
            label, added = todo.pop()
            if added is not None:
                for key in added:
                    del self.table[key]
                continue
            added = []
            blocks[label] = self.block(label, blocks[label], added)
            todo.append((label, added))
            todo += [(child, None) for child in reversed(children[label])]
        return replace(self.fn, blocks=blocks) if self.changed else self.fn

    def block(self, label: Label, block: BasicBlock, added: list[Key]) -> BasicBlock:
        before = self.before[label]
        above = self.stores.get(before[0]) if len(before) == 1 else None
        store = _Store(self.tick(), {}) if above is None else _Store(above.epoch, {**above.times})
        self.stores[label] = store
        body: list[Instr] = []
        for written in block.body:
            instr = written
            if any(arg in self.names for arg in instr.args):
                instr = with_args(instr, tuple(resolve(self.names, arg) for arg in instr.args))
            if self.is_known(instr, store, added):
                self.changed = True
            else:
                body.append(instr)
        end = rename_end(block.end, self.names) if self.names else block.end
        return BasicBlock(block.params, tuple(body), end)

    def is_known(self, instr: Instr, store: _Store, added: list[Key]) -> bool:
        """Whether an instruction need not be executed; else learn what it shows."""
        key = self.key(instr, store)
        if key is not None:
            known = self.table.get(key)
            if known is not None:
                if instr.dests:
                    self.names[instr.dests[0]] = known
                return True
            self.learn(key, instr.dests[0] if instr.dests else key[0].value, added)
        self.follow(instr, store, added)
        return False

    def learn(self, key: Key, reg: Reg, added: list[Key]) -> None:
        if key not in self.table:
            self.table[key] = reg
            added.append(key)

    def key(self, instr: Instr, store: _Store) -> Key | None:
        op, args = instr.op, instr.args
        if op in (Op.GET, Op.LOAD):
            time = store.time(self.roots[args[0]])
            return (op, _name(instr.type), args[0], args[1], time)
        if op not in _NUMBERED:
            return None
        if op in COMMUTATIVE and args[1] < args[0]:
            args = (args[1], args[0])
        return (op, _name(instr.type), _name(instr.to), instr.imm, args)

    def follow(self, instr: Instr, store: _Store, added: list[Key]) -> None:
        """Keep track of where references lead, and of what is written."""
        args = instr.args
        match instr.op:
            case Op.ARRAY | Op.MEMORY:
                self.roots[instr.dests[0]] = instr.dests[0]
                store.times[instr.dests[0]] = self.tick()
            case Op.SLICE:
                self.roots[instr.dests[0]] = self.roots[args[0]]
            case Op.SET | Op.STORE:
                storage = self.roots[args[0]]
                store.times[storage] = self.tick()
                read = Op.GET if instr.op is Op.SET else Op.LOAD
                key = (read, _name(instr.type), *args[:2], store.time(storage))
                self.learn(key, args[2], added)
            case Op.COPY:
                store.times[self.roots[args[0]]] = self.tick()
            case Op.CALL:
                for arg in args:
                    if arg in self.roots:
                        store.times[self.roots[arg]] = self.tick()

    def tick(self) -> int:
        self.clock += 1
        return self.clock


_NUMBERED: Final = frozenset(
    op for op in Op if not SPECS[op].effect & ~Effect.TRAP and op is not Op.METER
)
"""Instructions that depend on their operands alone."""


def _name(of: Type | None) -> object:
    """What stands for a type in a key: words are many, and dear to hash."""
    return of.name if isinstance(of, Word) else of
