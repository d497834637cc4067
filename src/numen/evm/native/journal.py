"""Undoing: a list of fields and what they held.

Whoever changes a field that a revert must restore calls `record` first. A revert puts the fields
back from the end of the list to a mark, so the order of changes does not matter and nothing has to
know what a field means.
"""

from numen.evm.native.layout import JOURNAL_ENTRY, WORLD
from numen.evm.native.table import begin, give_up
from numen.kernels.llvm import Callee, Function, Module, Value, bits_of, const

SLACK = 4096
"""Entries beyond `World.journal_limit` that there is room for: one opcode makes a few at most, and
the next check ends the run."""

_RECORD_NUMBER = Callee("record_number", "void", ("ptr", "ptr"))
_RECORD_WORD = Callee("record_word", "void", ("ptr", "ptr"))
_UNDO = Callee("undo", "void", ("ptr", "i64"))


def write_journal(module: Module) -> None:
    """Define recording and undoing."""
    _write_record(module, _RECORD_NUMBER, "i64", "number")
    _write_record(module, _RECORD_WORD, "i256", "word")
    _write_undo(module)


def record(f: Function, world: Value, field: Value, type_: str) -> None:
    """Emit noting what a field holds; ``type_`` is ``i256``, or ``i64`` for all else."""
    f.call(_RECORD_WORD if bits_of(type_) == 256 else _RECORD_NUMBER, world, field)


def undo(f: Function, world: Value, mark: Value) -> None:
    """Emit putting back everything that was noted since the journal had ``mark`` entries."""
    f.call(_UNDO, world, mark)


def _write_record(module: Module, callee: Callee, type_: str, kept: str) -> None:
    f = begin(module, callee, "world", "field")
    world, field = f.params
    count = WORLD.load(f, world, "journal_count")
    limit = WORLD.load(f, world, "journal_limit")
    with f.when(f.icmp("uge", count, limit), likely=False):
        give_up(f, world)
        with f.when(f.icmp("uge", count, f.add(limit, SLACK))):
            f.ret()
    entry = _entry(f, world, count)
    JOURNAL_ENTRY.store(f, entry, "target", field)
    JOURNAL_ENTRY.store(f, entry, "is_word", const("i64", int(kept == "word")))
    JOURNAL_ENTRY.store(f, entry, kept, f.load(type_, field, 8))
    WORLD.store(f, world, "journal_count", f.add(count, 1))
    f.ret()


def _entry(f: Function, world: Value, index: Value) -> Value:
    offset = f.mul(index, JOURNAL_ENTRY.size_bytes)
    return f.gep("i8", WORLD.load(f, world, "journal"), offset)


def _write_undo(module: Module) -> None:
    f = begin(module, _UNDO, "world", "mark", attributes="nounwind noinline")
    world, mark = f.params
    count = WORLD.load(f, world, "journal_count")
    with f.loop(f.sub(count, 1), f.sub(mark, 1), step=-1) as loop:
        entry = _entry(f, world, loop.index)
        target = JOURNAL_ENTRY.load(f, entry, "target")
        is_word = f.icmp("ne", JOURNAL_ENTRY.load(f, entry, "is_word"), 0)
        word, number, after = map(f.block, ("word", "number", "undone"))
        f.cond_br(is_word, word, number)
        for label, kept in ((word, "word"), (number, "number")):
            f.at(label)
            f.store(JOURNAL_ENTRY.load(f, entry, kept), target, 8)
            f.br(after)
        f.at(after)
    WORLD.store(f, world, "journal_count", mark)
    f.ret()
