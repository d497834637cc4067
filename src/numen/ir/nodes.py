"""The shape of a program: functions of basic blocks of instructions.

The form is SSA. Where other compilers write a phi, a block here takes parameters and each
edge passes arguments, so a pass that moves an edge moves its values with it.
"""

from typing import TypeAlias

import msgspec

from numen.base.errors import Place
from numen.ir.interface import Interface, Leaf, leaves
from numen.ir.ops import Op
from numen.ir.trap import Reason
from numen.ir.types import Type, Word

Reg: TypeAlias = str
Label: TypeAlias = str


class Param(msgspec.Struct, frozen=True, gc=False):
    """A register that a block receives, with its type."""

    reg: Reg
    type: Type


class Instr(msgspec.Struct, frozen=True, gc=False):
    """``dests = op.type.to args``.

    Attributes:
        op: What it does; `ops.SPECS` says the rest.
        dests: Registers written, in order; at most one but for a call.
        args: Registers read, in order.
        type: The suffix: a word, an array or a memory; None where the op has none.
        to: The second suffix, of conversions and slices.
        imm: The constant of `CONST` (in the range of its type), the charge of `METER`.
        symbol: The callee of `CALL`, the message of `REQUIRE`.
        data: What `ARRAY` fills its array with, one integer a word; empty for zeros.
        place: Where in the source it comes from.
    """

    op: Op
    dests: tuple[Reg, ...] = ()
    args: tuple[Reg, ...] = ()
    type: Type | None = None
    to: Type | None = None
    imm: int | None = None
    symbol: str = ""
    place: Place | None = None
    data: tuple[int, ...] = ()


class Edge(msgspec.Struct, frozen=True, gc=False):
    """A jump to a block, with the arguments for its parameters."""

    to: Label
    args: tuple[Reg, ...] = ()


class Jump(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Go to one block."""

    edge: Edge


class Branch(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Go to ``then`` where ``cond`` holds, and to ``other`` where it does not.

    Attributes:
        place: Where in the source the decision stands: what cannot decide it names the place.
    """

    cond: Reg
    then: Edge
    other: Edge
    place: Place | None = None


class Return(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Leave the function with its results, all words."""

    values: tuple[Reg, ...] = ()


class Stop(msgspec.Struct, frozen=True, gc=False, tag=True):
    """End the program with a trap."""

    reason: Reason
    message: str = ""
    place: Place | None = None


Terminator: TypeAlias = Jump | Branch | Return | Stop


class BasicBlock(msgspec.Struct, frozen=True, gc=False):
    """Instructions that run one after another, and the one way out."""

    params: tuple[Param, ...]
    body: tuple[Instr, ...]
    end: Terminator


class Function(msgspec.Struct, frozen=True):
    """Blocks in layout order; the first is the entry and its parameters are the function's.

    No edge leads to the entry. Words and references are parameters, only words are results.
    """

    name: str
    results: tuple[Word, ...]
    blocks: dict[Label, BasicBlock]

    @property
    def entry(self) -> BasicBlock:
        return next(iter(self.blocks.values()))

    @property
    def params(self) -> tuple[Param, ...]:
        return self.entry.params


class Module(msgspec.Struct, frozen=True):
    """A whole program: functions that do not call themselves, by any way.

    Attributes:
        functions: By name.
        entry: Name of the function that runs. Its parameters are the leaves of the interface's
            parameters, then a reference for each array leaf of the result; it returns the word
            leaves of the result.
        interface: What a person passes and receives.
    """

    functions: dict[str, Function]
    entry: str
    interface: Interface

    @property
    def input_leaves(self) -> tuple[Leaf, ...]:
        return tuple(
            leaf for field in self.interface.inputs for leaf in leaves(field.shape, field.name)
        )

    @property
    def result_leaves(self) -> tuple[Leaf, ...]:
        return leaves(self.interface.result)


def edges(end: Terminator) -> tuple[Edge, ...]:
    """List the edges that leave a block, in the order the text form prints them."""
    match end:
        case Jump(edge):
            return (edge,)
        case Branch(_, then, other):
            return (then, other)
        case Return() | Stop():
            return ()


def uses(end: Terminator) -> tuple[Reg, ...]:
    """List the registers a terminator reads."""
    match end:
        case Jump(edge):
            return edge.args
        case Branch(cond, then, other):
            return (cond, *then.args, *other.args)
        case Return(values):
            return values
        case Stop():
            return ()
