"""The loop of a CALLDATACOPY whose length is computed, as a function of the IR.

Arrays of the calldata are taken into memory so. Both memories are kept back to front (`values`).
"""

from typing import Final

from numen.base.errors import Place
from numen.evm.lift.algebra import Constant, Register, Value, Writer
from numen.evm.lift.cells import WORD_BYTES
from numen.ir.nodes import BasicBlock, Branch, Edge, Function, Instr, Jump, Param, Return
from numen.ir.ops import Op
from numen.ir.types import BOOL, U64, U256, Memory

_SHIFT: Final = Constant(5, U64)


def copy_function(
    name: str, memory: Memory, calldata: Memory, place: Place | None = None
) -> Function:
    """Make ``memory[to : to + count] = calldata[from : from + count]``, the count in two parts.

    ``to`` is the place in the memory's register of a word at the first byte, all of which are
    inside; ``from`` is the offset in the calldata, past whose end there are zeros; then whole
    ``words`` are copied, and the ``rest`` in bytes.
    """
    writer = Writer()
    writer.place = place
    words, turn = Register("words", U64), Register("turn", U64)
    is_whole = writer.write(Op.LT, BOOL, turn, words, of=U64)
    head = BasicBlock(
        (Param("turn", U64),),
        tuple(writer.body),
        Branch(is_whole.name, Edge("word"), Edge("after"), place),
    )

    writer.body = []
    _store(writer, _moved(writer, turn), _taken(writer, turn, calldata))
    following = writer.write(Op.WRAPPING_ADD, U64, turn, Constant(1, U64))
    word = BasicBlock((), tuple(writer.body), Jump(Edge("head", (following.name,))))

    writer.body = []
    is_over = writer.write(Op.EQ, BOOL, Register("rest", U64), Constant(0, U64), of=U64)
    after = BasicBlock((), tuple(writer.body), Branch(is_over.name, Edge("done"), Edge("cut")))

    writer.body = []
    _write_cut(writer, turn, calldata)
    cut = BasicBlock((), tuple(writer.body), Jump(Edge("done")))

    params = (
        Param("memory", memory),
        Param("calldata", calldata),
        *(Param(reg, U64) for reg in ("to", "from", "words", "rest")),
    )
    first = Jump(Edge("head", (writer.reg(Constant(0, U64)),)))
    blocks = {
        "start": BasicBlock(params, tuple(writer.definitions()), first),
        "head": head,
        "word": word,
        "after": after,
        "cut": cut,
        "done": BasicBlock((), (), Return(())),
    }
    return Function(name, (), blocks)


def _write_cut(writer: Writer, turn: Register, calldata: Memory) -> None:
    """Write what is left of less than a word, and leave the bytes behind it as they are."""
    to = _moved(writer, turn)
    old = writer.write(Op.LOAD, U256, Register("memory", U64), to)
    new = _taken(writer, turn, calldata)
    rest = writer.write(Op.TRUNCATE, U256, Register("rest", U64), of=U64, to=U256)
    bits = writer.write(Op.SHL, U256, rest, Constant(3, U256))
    behind = writer.write(Op.SHR, U256, Constant((1 << 256) - 1, U256), bits)
    kept = writer.write(Op.AND, U256, old, behind)
    mask = writer.write(Op.NOT, U256, behind)
    _store(writer, to, writer.write(Op.OR, U256, kept, writer.write(Op.AND, U256, new, mask)))


def _moved(writer: Writer, turn: Register) -> Register:
    """Where a word goes."""
    ahead = writer.write(Op.SHL, U64, turn, _SHIFT)
    return writer.write(Op.WRAPPING_SUB, U64, Register("to", U64), ahead)


def _taken(writer: Writer, turn: Register, calldata: Memory) -> Register:
    """A word of the calldata; behind them lie zeros for one more."""
    end = Constant(calldata.size_bytes - WORD_BYTES, U64)
    ahead = writer.write(Op.SHL, U64, turn, _SHIFT)
    offset = writer.write(Op.WRAPPING_ADD, U64, Register("from", U64), ahead)
    is_inside = writer.write(Op.LT, BOOL, offset, end, of=U64)
    near = writer.write(Op.SELECT, U64, is_inside, offset, end)
    index = writer.write(Op.WRAPPING_SUB, U64, end, near)
    return writer.write(Op.LOAD, U256, Register("calldata", U64), index)


def _store(writer: Writer, at: Value, value: Value) -> None:
    regs = ("memory", writer.reg(at), writer.reg(value))
    writer.body.append(Instr(Op.STORE, (), regs, U256))
