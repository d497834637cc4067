"""A region as a function of LLVM's, of the form that handlers have.

    entry   the stack's height is checked once; one that does not suit is the interpreter's
    fill    variables that may be read before they are written
    pc_…    a chain of instances, by the offset of its first block: gas of each section, then its
            instructions
    to_…    a way out: the stack is written back, and control goes on in another region or handler

A *chain* is a run of instances each of which leads to the next and is reached from nowhere else.
A *section* is a run of instructions that are paid for together, at its head. GAS and SSTORE end
one, because they look at the gas that is left. Out of gas is found earlier than the instruction
that cannot be paid for, which nobody can see: all gas and all effects of the frame are gone.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native import convention
from numen.evm.native.convention import Registers
from numen.evm.native.interpreter_body import WORD_BYTES
from numen.evm.native.layout import FRAME, STACK_LIMIT, WINDOW_BYTES
from numen.evm.native.opcodes import EMIT
from numen.evm.opcodes import BY_NAME, OPCODES
from numen.evm.tier.blocks import HALTS, JUMPDEST, Block, End, Instruction, Program
from numen.evm.tier.breath import breathe
from numen.evm.tier.region_body import RegionBody
from numen.evm.tier.regions import Computed, Edge, Inner, Instance, Outer, Region, name_of
from numen.evm.tier.slots import Known, known_at_entry
from numen.kernels.llvm import Function, Label, Module, Value

_LOOKS_AT_GAS: Final = frozenset({BY_NAME["GAS"].byte, BY_NAME["SSTORE"].byte})
_POP: Final = BY_NAME["POP"].byte
_INVALID: Final = BY_NAME["INVALID"].byte


def write_region(module: Module, program: Program, region: Region) -> None:
    """Write the function of a region.

    Args:
        module: Gets it, under `name_of` its head.
        program: The code.
        region: Grown in that program.
    """
    f, r = convention.open_function(module, name_of(region.head))
    _Writer(f, r, program, region).write()


def sections(
    instructions: Iterable[Instruction], fork: Fork
) -> Iterator[tuple[int, list[Instruction]]]:
    """Instructions in runs that are paid for together, each with its gas."""
    gas, run = 0, []
    for instruction in instructions:
        gas += fork.base_gas[instruction.byte]
        run.append(instruction)
        if instruction.byte in _LOOKS_AT_GAS:
            yield gas, run
            gas, run = 0, []
    if run:
        yield gas, run


def chains(region: Region) -> list[list[int]]:
    """The instances of a region by number, in chains; the first begins with the head."""
    successors = region.successors()
    entries = Counter(index for found in successors for index in found)
    entries[0] += 1
    following: dict[int, int] = {}
    for index, instance in enumerate(region.instances):
        edges = instance.edges()
        if len(edges) == 1 and isinstance(edges[0], Inner) and entries[edges[0].index] == 1:
            following[index] = edges[0].index
    inside = set(following.values())
    found = []
    for start in range(len(region.instances)):
        if start not in inside:
            chain = [start]
            while chain[-1] in following:
                chain.append(following[chain[-1]])
            found.append(chain)
    return found


class _Writer:
    """The writing of one region."""

    def __init__(self, f: Function, r: Registers, program: Program, region: Region) -> None:
        self._f = f
        self._r = r
        self._program = program
        self._region = region
        self._fits()
        self._fill = f.block("fill")
        self._body = RegionBody(f, r, program.code, program.fork)
        f.br(self._fill)
        self._chains = chains(region)
        self._labels = {
            chain[0]: f.block(f"pc_{region.instances[chain[0]].block.pc:x}")
            for chain in self._chains
        }

    def write(self) -> None:
        known = known_at_entry(self._region)
        for chain in self._chains:
            breathe()
            self._f.at(self._labels[chain[0]])
            self._chain([self._region.instances[index] for index in chain], known[chain[0]])
        self._f.at(self._fill)
        self._body.fill()
        self._f.br(self._labels[0])
        self._body.fail_everywhere()

    def _fits(self) -> None:
        """Leave to the interpreter what the stack is too low or too high for."""
        f, region = self._f, self._region
        if not region.need and not region.grow:
            return
        low, high = region.need * WORD_BYTES, (STACK_LIMIT - region.grow) * WORD_BYTES
        height = f.and_(f.cast("ptrtoint", self._r.sp, "i64"), WINDOW_BYTES - 1)
        # One comparison tells both, as what is below wraps around to what is far above.
        with f.when(f.icmp("ugt", f.sub(height, low), high - low), likely=False):
            self._interpret_head()

    def _interpret_head(self) -> None:
        """Go on in the interpreter, past the JUMPDEST that would lead here again."""
        f, head = self._f, self._region.head
        if head not in self._program.destinations:
            self._hand_to(self._byte(head), self._r)
            return
        left = f.sub(self._r.gas, self._program.fork.base_gas[JUMPDEST])
        with f.when(f.icmp("slt", left, 0), likely=False):
            convention.fail(f, self._r, Halt.OUT_OF_GAS)
        behind = f.gep("i8", self._r.pc, 1)
        after = msgspec.structs.replace(self._r, pc=behind, gas=left)
        self._hand_to(self._byte(head + 1), after)

    def _chain(self, chain: list[Instance], before: Known) -> None:
        body, after = self._body, before
        body.begin(chain[0], before)
        instructions = [i for instance in chain for i in instance.block.body]
        for gas, run in sections(instructions, self._program.fork):
            body.step(run[0])
            if gas:
                body.charge(gas)
            for instruction in run:
                body.step(instruction)
                if instruction.byte == _POP:
                    body.drop()
                elif instruction.byte != JUMPDEST:
                    EMIT[instruction.byte](body)
        for instance in chain:
            after = after.after(instance)
        last = chain[-1]
        top = last.height + last.block.delta
        written = {
            instance.height + slot for instance in chain for slot, _ in instance.block.writes
        }
        body.settle(slot for slot in written if slot < top)
        self._end(last, top, after)

    def _end(self, instance: Instance, top: int, after: Known) -> None:
        block = instance.block
        match block.end:
            case End.HAND_OVER:
                self._hand_over(block, top, after)
            case End.FALL:
                assert instance.follow is not None
                self._go([instance.follow], top, after)
            case End.JUMP:
                assert instance.taken is not None
                self._go([instance.taken], top, after)
            case End.BRANCH:
                assert instance.taken is not None
                assert instance.follow is not None
                self._go([instance.taken, instance.follow], top, after)

    def _go(self, edges: list[Edge], top: int, after: Known) -> None:
        """Branch along one edge, or along two as the block's condition says."""
        f, target = self._f, self._body.target
        labels = [self._label(edge) for edge in edges]
        if len(labels) == 1:
            f.br(labels[0])
        else:
            assert self._body.condition is not None
            f.cond_br(self._body.condition, labels[0], labels[1])
        for edge, label in zip(edges, labels, strict=True):
            if isinstance(edge, Outer):
                f.at(label)
                self._leave(edge.pc, top, after)
            elif isinstance(edge, Computed):
                assert target is not None
                f.at(label)
                self._compute(target, top, after)

    def _label(self, edge: Edge) -> Label:
        match edge:
            case Inner(index):
                return self._labels[index]
            case Outer(pc):
                return self._f.block(f"to_{pc:x}")
            case Computed():
                return self._f.block("to_computed")
            case _:
                return self._body.failure(Halt.BAD_JUMP)

    def _leave(self, pc: int, top: int, after: Known) -> None:
        """Leave to a place that is known: a JUMPDEST, or what the interpreter falls into."""
        f, body = self._f, self._body
        read = self._program.reads_below(pc)
        body.flush(after, top, None if read is None else top - read)
        r = body.at(self._pointer(pc), top)
        if pc in self._program.destinations:
            self._land(r)
            return
        if pc < len(self._program.code):
            regions = FRAME.load(f, r.frame, "regions", is_fixed=True)
            region = convention.load_region(f, r, regions)
            handler = f.load("ptr", f.gep("ptr", r.table, self._byte(pc)), is_fixed=True)
            is_compiled = f.icmp("ne", region, Value("ptr", "null"))
            convention.go_on(f, f.select(is_compiled, region, handler), r)
            return
        self._hand_to(0, r)

    def _compute(self, target: Value, top: int, after: Known) -> None:
        """Leave to where the stack says, if that is a JUMPDEST."""
        f, body = self._f, self._body
        is_outside = f.icmp("uge", target, len(self._program.code))
        body.fail_if(is_outside, Halt.BAD_JUMP)
        pc = f.trunc(target, "i64")
        mark = f.load("i8", f.gep("i8", body.field("jumps"), pc), is_fixed=True)
        body.fail_if(f.icmp("eq", mark, 0), Halt.BAD_JUMP)
        body.flush(after, top)
        self._land(body.at(f.gep("i8", body.field("code"), pc), top))

    def _land(self, r: Registers) -> None:
        # What was spent in here is no heat of the code that comes.
        FRAME.store(self._f, r.frame, "heat_gas", r.gas)
        convention.go_on(self._f, "land", r)

    def _hand_over(self, block: Block, top: int, after: Known) -> None:
        """Have the interpreter run the instruction that ends the block."""
        byte = self._byte(block.end_pc)
        if byte not in self._program.fork.base_gas or byte == _INVALID:
            self._f.br(self._body.failure(Halt.BAD_INSTRUCTION))
            return
        # Of a frame that ends, only the operands of its last instruction are read again.
        lowest = top - OPCODES[byte].pops if byte in HALTS else None
        self._body.flush(after, top, lowest)
        self._hand_to(byte, self._body.at(self._pointer(block.end_pc), top))

    def _hand_to(self, byte: int, r: Registers) -> None:
        """Go on in the handler of an opcode that is known."""
        f = self._f
        handler = f.load("ptr", f.gep("ptr", r.table, byte), is_fixed=True)
        convention.go_on(f, handler, r)

    def _byte(self, pc: int) -> int:
        code = self._program.code
        return code[pc] if pc < len(code) else 0

    def _pointer(self, pc: int) -> Value:
        code = FRAME.load(self._f, self._r.frame, "code", is_fixed=True)
        return self._f.gep("i8", code, pc)
