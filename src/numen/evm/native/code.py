"""Codes: which of their bytes a jump may go to."""

from numen.evm.forks import Fork
from numen.evm.native.runtime_types import define
from numen.kernels.llvm import Module, const

_JUMPDEST, _PUSH1 = 0x5B, 0x60


def write_jump_map(module: Module, _fork: Fork) -> None:
    """Define ``map_jumps``: 1 for each JUMPDEST that is not inside a PUSH, 0 elsewhere.

    The map has a byte for each of the code's, all written.
    """
    f = define(module, "map_jumps", "code", "length", "map")
    code, length, marks = f.params
    f.fill(marks, 0, length)
    entry, head, body, done = f.current, f.block("head"), f.block("body"), f.block("done")
    f.br(head)
    f.at(head)
    at = f.phi("i64", (const("i64", 0), entry))
    f.cond_br(f.icmp("ult", at, length), body, done)
    f.at(body)
    opcode = f.load("i8", f.gep("i8", code, at))
    with f.when(f.icmp("eq", opcode, _JUMPDEST)):
        f.store(const("i8", 1), f.gep("i8", marks, at))
    # PUSH1 to PUSH32 are one row of 32 opcodes, and PUSHn has n bytes after it.
    number = f.sub(opcode, _PUSH1)
    skipped = f.select(f.icmp("ult", number, 32), f.add(f.zext(number, "i64"), 2), 1)
    f.incoming(at, f.add(at, skipped), f.current)
    f.br(head)
    f.at(done)
    f.ret()
