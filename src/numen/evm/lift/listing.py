"""The registers that a contract became, to read: every context with its offsets.

    at000f:                                     6 instructions, 33 gas
      0012  r2 = CALLDATASIZE
      0015  r3 = LT r2, 0x4
      0017  branch r3, at00b4, at0019

Stack instructions are gone: what they moved has a name. A context that one way leads to reads the
registers above it; others take the words that differ as parameters. Instructions with effects
stand in the order of the code.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

from numen.evm.lift.constants import compute
from numen.evm.lift.graph import Context, Edge, Graph
from numen.evm.lift.instructions import Instruction
from numen.evm.lift.walk import Branch, End, Fail, Fall, Jump, Leave, walk
from numen.ir import flow

LINES_MAX: Final = 100_000
"""Most lines of a listing; it says what it leaves out."""

_GAS_COLUMN: Final = 48

Name: TypeAlias = int | str
"""A constant, or the name of a register."""


def print_registers(graph: Graph) -> str:
    """Write a contract as register code."""
    return _Listing(graph).text()


def labels(contexts: Sequence[Context]) -> tuple[str, ...]:
    """A label for each context: where its block stands, and a number where it has others."""
    seen: dict[int, int] = {}
    found: list[str] = []
    for context in contexts:
        start = context.block.start
        seen[start] = seen.get(start, 0) + 1
        suffix = f"_{seen[start]}" if seen[start] > 1 else ""
        found.append(f"at{start:04x}{suffix}")
    return tuple(found)


def summary(graph: Graph) -> str:
    """One line about a graph."""
    blocks = len({context.block.start for context in graph.contexts})
    unresolved = len(graph.unresolved)
    jumps = f"{_count(unresolved, 'jump')} unresolved" if unresolved else "every jump resolved"
    return (
        f"{_count(len(graph.bytecode.code), 'byte')}, {_count(blocks, 'block')} in "
        f"{_count(len(graph.contexts), 'context')}, {jumps}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class _Listing:
    """Text in the making; the domain of its own walk."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.lines: list[str] = []
        self.count = 0
        self.labels = labels(graph.contexts)
        self.numbers = {label: number for number, label in enumerate(self.labels)}
        self.stacks: dict[int, list[Name]] = {}
        self.ways_in = [0] * len(graph.contexts)
        self.ways_in[0] = 1
        for context in graph.contexts:
            for edge in context.edges:
                self.ways_in[edge.to] += 1

    def text(self) -> str:
        contexts = self.graph.contexts
        nexts = {
            label: tuple(self.labels[edge.to] for edge in context.edges)
            for label, context in zip(self.labels, contexts, strict=True)
        }
        self.lines += [f"# {summary(self.graph)}", ""]
        order = flow.reverse_postorder(self.labels[0], nexts)
        for done, label in enumerate(order):
            if len(self.lines) > LINES_MAX:
                self.lines.append(f"# {len(order) - done:,} more contexts")
                break
            self.context(self.numbers[label])
        return "\n".join(self.lines) + "\n"

    def context(self, number: int) -> None:
        context, label = self.graph.contexts[number], self.labels[number]
        slots = context.state.stack
        params = ""
        if self.ways_in[number] == 1:
            stack = self.stacks.pop(number, [])
        else:
            # A slot of one context is one register on every way.
            stack = [
                slot if isinstance(slot, int) else f"s{index}.{number}"
                for index, slot in enumerate(slots)
            ]
            names = [str(name) for name in stack if isinstance(name, str)]
            params = f"({', '.join(names)})" if names else ""
        block = context.block
        head = f"{label}{params}:"
        count = len(block.body)
        self.lines.append(
            f"{head:<{_GAS_COLUMN}} {_count(count, 'instruction')}, {block.gas:,} gas"
        )
        end = walk(block, stack, self)
        self.end(context, end, stack)
        self.lines.append("")

    def const(self, value: int) -> Name:
        return value

    def pure(self, instr: Instruction, args: Sequence[Name]) -> Name:
        numbers = [arg for arg in args if isinstance(arg, int)]
        if len(numbers) == len(args):
            return compute(instr.opcode.byte, numbers)
        return self.register(instr, args)

    def effect(self, instr: Instruction, args: Sequence[Name]) -> Name | None:
        if instr.opcode.pushes:
            return self.register(instr, args)
        self.line(instr, _call(instr.name, args))
        return None

    def register(self, instr: Instruction, args: Sequence[Name]) -> Name:
        self.count += 1
        self.line(instr, f"r{self.count} = {_call(instr.name, args)}")
        return f"r{self.count}"

    def line(self, instr: Instruction, text: str) -> None:
        self.lines.append(f"  {instr.offset:04x}  {text}")

    def end(self, context: Context, end: End[Name], stack: list[Name]) -> None:
        match end:
            case Fall():
                self.lines.append(f"        jump {self.ways(context, 'fall', stack)}")
            case Jump(instr, target):
                ways = self.ways(context, "jump", stack)
                self.line(instr, f"jump {_unknown(context, ways, target)}")
            case Branch(instr, target, cond):
                ways = self.ways(context, "then", stack)
                then = _unknown(context, ways, target)
                other = self.ways(context, "else", stack)
                if isinstance(cond, int):
                    self.line(instr, f"jump {then if cond else other}")
                else:
                    self.line(instr, f"branch {cond}, {then or 'never'}, {other}")
            case Leave(instr, args):
                self.line(instr, _call(instr.name, args))
            case Fail(instr, reason):
                self.line(instr, f"{instr.name}  # {reason}")

    def ways(self, context: Context, kind: str, stack: list[Name]) -> str:
        """Where ways of a kind lead, with what they pass."""
        return " or ".join(self.way(edge, stack) for edge in context.edges if edge.kind == kind)

    def way(self, edge: Edge, stack: list[Name]) -> str:
        label = self.labels[edge.to]
        if self.ways_in[edge.to] == 1:
            self.stacks[edge.to] = list(stack)
            return label
        slots = self.graph.contexts[edge.to].state.stack
        passed = [
            _name(value)
            for value, slot in zip(stack, slots, strict=True)
            if not isinstance(slot, int)
        ]
        return f"{label}({', '.join(passed)})" if passed else label


def _unknown(context: Context, ways: str, target: Name) -> str:
    """Ways of a jump, where the target is not known or there is none."""
    if context.unresolved is not None:
        return f"{_name(target)}  # target not known"
    return ways or f"{_name(target)}  # no JUMPDEST"


def _call(name: str, args: Sequence[Name]) -> str:
    return f"{name} {', '.join(_name(arg) for arg in args)}".rstrip()


def _name(value: Name) -> str:
    return f"0x{value:x}" if isinstance(value, int) else value
