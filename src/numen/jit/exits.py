"""Traps in native code: how a function leaves early, and what the number it leaves with means.

A function that traps returns a code other than zero, and every caller passes it on. The code names
the instruction by its position in the module and the reason, so nothing needs to be kept beside the
native code to say what happened: the module says it.
"""

from collections.abc import Callable

from numen.ir.nodes import BasicBlock, Label, Module, Stop
from numen.ir.ops import Op
from numen.ir.trap import Reason, Trap
from numen.kernels import llvm

_REASONS = tuple(Reason)
_STRIDE = 16
assert len(_REASONS) <= _STRIDE, "a reason does not fit into a trap code"


def positions(module: Module) -> dict[tuple[str, Label], int]:
    """Number instructions and terminators: the first of each block, by function and label."""
    found, count = {}, 0
    for name, fn in module.functions.items():
        for label, block in fn.blocks.items():
            found[name, label] = count
            count += len(block.body) + 1
    return found


def code_of(position: int, reason: Reason) -> int:
    """The code of a trap; positive, below 2**31 for every module that `check` accepts."""
    return position * _STRIDE + _REASONS.index(reason) + 1


def trap_of(code: int, module: Module) -> Trap:
    """What the interpreter would have said where native code left with ``code``."""
    position, reason = divmod(code - 1, _STRIDE)
    block, index = _find(module, position)
    if index < len(block.body):
        instr = block.body[index]
        message = instr.symbol if instr.op is Op.REQUIRE else ""
        return Trap(_REASONS[reason], message, instr.place)
    assert isinstance(block.end, Stop)
    return Trap(block.end.reason, block.end.message, block.end.place)


def _find(module: Module, position: int) -> tuple[BasicBlock, int]:
    for fn in module.functions.values():
        for block in fn.blocks.values():
            if position <= len(block.body):
                return block, position
            position -= len(block.body) + 1
    raise AssertionError("native code left with a code that no instruction has")


class Exits:
    """The early ways out of one function; all meet in one cold block.

    Attributes:
        position: Of the instruction being written; traps are charged to it.
    """

    def __init__(self, f: llvm.Function, leave: Callable[[llvm.Value], None]) -> None:
        """Prepare to leave.

        Args:
            f: The function.
            leave: Writes the return, given the code.
        """
        self.position = 0
        self._f = f
        self._leave = leave
        self._cold: llvm.Label | None = None
        self._code: llvm.Value | None = None

    def unless(self, cond: llvm.Value, reason: Reason) -> None:
        """Trap where an i1 is not set; go on writing where it is."""
        if cond.name == "true":
            return
        code = llvm.const("i32", code_of(self.position, reason))
        after = self._f.block("ok")
        cold = self._arrive(code)
        self._f.cond_br(cond, after, cold, likely=True)
        self._f.at(after)

    def where(self, cond: llvm.Value, reason: Reason) -> None:
        """Trap where an i1 is set."""
        if cond.name == "false":
            return
        code = llvm.const("i32", code_of(self.position, reason))
        after = self._f.block("ok")
        cold = self._arrive(code)
        self._f.cond_br(cond, cold, after, likely=False)
        self._f.at(after)

    def pass_on(self, code: llvm.Value) -> None:
        """Leave with a callee's code, unless it is zero."""
        after = self._f.block("ok")
        cold = self._arrive(code)
        self._f.cond_br(self._f.icmp("eq", code, 0), after, cold, likely=True)
        self._f.at(after)

    def stop(self, reason: Reason) -> None:
        """Trap here; nothing follows."""
        self._f.br(self._arrive(llvm.const("i32", code_of(self.position, reason))))

    def finish(self) -> None:
        """Write the cold block, if anything leads to it."""
        if self._cold is not None:
            assert self._code is not None
            self._f.at(self._cold)
            self._leave(self._code)

    def _arrive(self, code: llvm.Value) -> llvm.Label:
        """Tell the cold block that control comes from here with a code."""
        here = self._f.current
        if self._cold is None:
            self._cold = self._f.block("trap")
            self._f.at(self._cold)
            self._code = self._f.phi("i32")
            self._f.at(here)
        assert self._code is not None
        self._f.incoming(self._code, code, here)
        return self._cold
