"""Zeros: the loop of a CALLDATACOPY from past the end, as a function of the IR.

Solidity clears the memory of an array whose length is computed so.
"""

from numen.base.errors import Place
from numen.evm.lift.algebra import Constant, Register, Writer
from numen.evm.lift.cells import WORD_BYTES
from numen.ir.nodes import BasicBlock, Branch, Edge, Function, Instr, Jump, Param, Return
from numen.ir.ops import Op
from numen.ir.types import BOOL, U8, U64, U256, Memory


def clear_function(name: str, memory: Memory, place: Place | None = None) -> Function:
    """Make ``memory[low : low + count] = 0``; all of it is inside."""
    writer = Writer()
    writer.place = place
    at, end, byte_at = (Register(reg, U64) for reg in ("at", "end", "byte_at"))
    size = Constant(WORD_BYTES, U64)
    left = writer.write(Op.WRAPPING_SUB, U64, end, at)
    is_short = writer.write(Op.LT, BOOL, left, size, of=U64)
    words = BasicBlock(
        (Param("at", U64),),
        tuple(writer.body),
        Branch(is_short.name, Edge("bytes", ("at",)), Edge("word"), place),
    )
    word = _step(writer, at, WORD_BYTES, Constant(0, U256), "words")
    writer.body = []
    is_over = writer.write(Op.EQ, BOOL, byte_at, end, of=U64)
    bytes_ = BasicBlock(
        (Param("byte_at", U64),),
        tuple(writer.body),
        Branch(is_over.name, Edge("done"), Edge("byte"), place),
    )
    byte = _step(writer, byte_at, 1, Constant(0, U8), "bytes")
    last = Instr(Op.WRAPPING_ADD, ("end",), ("low", "count"), U64)
    params = (Param("memory", memory), Param("low", U64), Param("count", U64))
    start = BasicBlock(params, (*writer.definitions(), last), Jump(Edge("words", ("low",))))
    blocks = {
        "start": start,
        "words": words,
        "word": word,
        "bytes": bytes_,
        "byte": byte,
        "done": BasicBlock((), (), Return(())),
    }
    return Function(name, (), blocks)


def _step(writer: Writer, at: Register, size: int, zero: Constant, back: str) -> BasicBlock:
    """Clear so many bytes and go on behind them."""
    writer.body = [Instr(Op.STORE, (), ("memory", at.name, writer.reg(zero)), zero.type)]
    after = writer.write(Op.WRAPPING_ADD, U64, at, Constant(size, U64))
    return BasicBlock((), tuple(writer.body), Jump(Edge(back, (after.name,))))
