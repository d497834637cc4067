"""A function in the making: blocks whose parameters are settled last.

A block that several ways lead to takes what differs between them as parameters. Which words differ
is known when all ways are, so an edge keeps the words it would pass, and the parameters are chosen
at the end.
"""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from numen.evm.lift.algebra import Constant, Register, Value
from numen.evm.lift.values import RegisterValues
from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Edge,
    Instr,
    Jump,
    Label,
    Param,
    Return,
    Stop,
    Terminator,
)
from numen.ir.types import BOOL, U256, Word


class Passing(msgspec.Struct, frozen=True):
    """An edge with every word that its block might take as a parameter."""

    to: Label
    args: tuple[Value, ...]


class Draft:
    """A block in the making.

    Attributes:
        body: Its instructions so far.
        params: Its parameters, with their place among what the edges pass.
        end: Its terminator, whose edges have no arguments yet.
        passing: What they pass.
    """

    def __init__(self) -> None:
        self.body: list[Instr] = []
        self.params: list[tuple[int, Param]] = []
        self.end: Terminator | None = None
        self.passing: tuple[Passing, ...] = ()

    def finish(self, end: Terminator, *passing: Passing) -> None:
        """Settle how the block ends."""
        self.end, self.passing = end, passing


def settle(
    values: RegisterValues, passed: Sequence[Passing], *, is_whole: bool
) -> Iterator[tuple[Value, Word | None]]:
    """Decide for each word that a block might take whether it is a parameter.

    Args:
        values: Makes the registers.
        passed: The ways to the block that are known.
        is_whole: Whether there are no others.

    Yields:
        The word in the block, and its type where it is a parameter.
    """
    for column in zip(*(passing.args for passing in passed), strict=True):
        if is_whole and all(value == column[0] for value in column):
            yield column[0], None
            continue
        word = BOOL if is_whole and _are_truths(column) else U256
        yield Register(values.writer.fresh("p"), word), word


def _are_truths(column: Sequence[Value]) -> bool:
    is_some = any(value.type == BOOL for value in column)
    return is_some and all(
        value.type == BOOL or (isinstance(value, Constant) and value.value < 2) for value in column
    )


def build(values: RegisterValues, drafts: dict[Label, Draft]) -> dict[Label, BasicBlock]:
    """Give every edge its arguments; every draft has its end."""
    return {label: _build(values, draft, drafts) for label, draft in drafts.items()}


def _build(values: RegisterValues, draft: Draft, drafts: dict[Label, Draft]) -> BasicBlock:
    values.writer.body = draft.body
    edges = [Edge(p.to, _arguments(values, p, drafts[p.to])) for p in draft.passing]
    end = draft.end
    match end:
        case Jump():
            end = Jump(*edges)
        case Branch():
            end = replace(end, then=edges[0], other=edges[1])
        case Return() | Stop():
            pass
        case None:
            raise AssertionError("a block without an end")
    return BasicBlock(tuple(param for _, param in draft.params), tuple(draft.body), end)


def _arguments(values: RegisterValues, passing: Passing, target: Draft) -> tuple[str, ...]:
    found: list[str] = []
    for index, param in target.params:
        value = passing.args[index]
        if param.type == BOOL:
            value = Constant(value.value, BOOL) if isinstance(value, Constant) else value
        else:
            value = values.word(value)
        found.append(values.writer.reg(value))
    return tuple(found)
