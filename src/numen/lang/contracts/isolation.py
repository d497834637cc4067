"""What an isolated method may not do before it waits: anything that it would do twice, run again.

Up to its last wait it reads, and asks. Then nothing of it has happened when it goes on, and if what
it read has changed by then, it can begin again as if it had never run.
"""

from collections.abc import Iterable, Mapping

from numen.ir import flow
from numen.ir.nodes import Function, Instr, Label, Reg
from numen.ir.ops import Op
from numen.lang.contracts import records
from numen.lang.errors import SubsetError
from numen.lang.source import Source

_HARMLESS = frozenset({records.CALL, records.FRAME, records.REVERT})
"""Records of a wait, and of a run that ends in a failure."""

_WHAT = {
    records.EVENT: "an event is emitted",
    records.SEND: "a message is sent",
    records.SCHEDULE: "a timer is set",
    records.CANCEL: "a timer is cancelled",
    records.ROTATE: "new keys are wanted",
}


def require_isolation(
    fn: Function, marks: Iterable[str], functions: Mapping[str, Function], source: Source
) -> None:
    """Refuse a method that changes something and may wait after it.

    Args:
        fn: An isolated method, as lowered, before it is cut.
        marks: The names of the functions that are called where it waits.
        functions: What it calls.
        source: Where it stands.

    Raises:
        SubsetError: It does; at the place of the change.
    """
    waits = frozenset(marks)
    changes, constants = _Changes(functions, waits), _constants(fn)
    nexts = flow.successors(fn)
    may_wait = _may_wait(fn, waits, nexts)
    for label, block in fn.blocks.items():
        follows = any(may_wait[to] for to in nexts[label])
        for instr in reversed(block.body):
            follows = follows or instr.symbol in waits
            change = changes.of(instr, constants) if follows else ""
            if change:
                assert instr.place is not None
                message = f"{change} before a wait of an isolated method, which may be run again"
                hint = "move it behind the last await"
                raise source.refuse_at(SubsetError, instr.place, message, hint)


def _may_wait(
    fn: Function, waits: frozenset[str], nexts: Mapping[Label, tuple[Label, ...]]
) -> dict[Label, bool]:
    """Whether a wait may come once a block has begun."""
    found = {
        label: any(instr.symbol in waits for instr in block.body)
        for label, block in fn.blocks.items()
    }
    grew = True
    while grew:
        grew = False
        for label in fn.blocks:
            if not found[label] and any(found[to] for to in nexts[label]):
                found[label] = grew = True
    return found


class _Changes:
    """Says what instructions change, themselves or through what they call."""

    def __init__(self, functions: Mapping[str, Function], waits: frozenset[str]) -> None:
        self._functions = functions
        self._waits = waits
        self._known: dict[str, str] = {}

    def of(self, instr: Instr, constants: Mapping[Reg, int]) -> str:
        """What an instruction changes; nothing for most."""
        match instr.op:
            case Op.STATE_STORE:
                return "state is written"
            case Op.EMIT:
                kind = constants.get(instr.args[0], 0)
                return "" if kind in _HARMLESS else _WHAT.get(kind, "a result is given")
            case Op.CALL if instr.symbol not in self._waits:
                return self._inside(instr.symbol)
            case _:
                return ""

    def _inside(self, name: str) -> str:
        """The first change in a function; none calls itself."""
        if name not in self._known:
            fn = self._functions[name]
            constants = _constants(fn)
            found = (self.of(i, constants) for block in fn.blocks.values() for i in block.body)
            self._known[name] = next((change for change in found if change), "")
        return self._known[name]


def _constants(fn: Function) -> dict[Reg, int]:
    return {
        instr.dests[0]: instr.imm or 0
        for block in fn.blocks.values()
        for instr in block.body
        if instr.op is Op.CONST
    }
