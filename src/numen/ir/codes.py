"""The numbers that stand for things in the bytecode. A number is never given a second meaning."""

from typing import Final

from numen.ir.ops import Op
from numen.ir.trap import Reason
from numen.ir.types import WORDS

# fmt: off
OPCODES: Final = {
    Op.CONST:        0x01,
    Op.ADD:          0x10, Op.SUB:          0x11, Op.MUL:          0x12,
    Op.WRAPPING_ADD: 0x13, Op.WRAPPING_SUB: 0x14, Op.WRAPPING_MUL: 0x15,
    Op.DIV:          0x16, Op.REM:          0x17, Op.ADD_MOD:      0x18, Op.MUL_MOD: 0x19,
    Op.SUB_MOD:      0x1A, Op.DIV_MOD:      0x1B,
    Op.AND:          0x20, Op.OR:           0x21, Op.XOR:          0x22, Op.NOT:     0x23,
    Op.SHL:          0x24, Op.SHR:          0x25,
    Op.EQ:           0x30, Op.LT:           0x31, Op.SELECT:       0x32,
    Op.CAST:         0x38, Op.TRUNCATE:     0x39,
    Op.REQUIRE:      0x40, Op.CALL:         0x41,
    Op.ARRAY:        0x50, Op.GET:          0x51, Op.SET:          0x52,
    Op.SLICE:        0x53, Op.COPY:         0x54,
    Op.MEMORY:       0x58, Op.LOAD:         0x59, Op.STORE:        0x5A,
    Op.HASH:         0x60, Op.STATE_LOAD:   0x61, Op.STATE_STORE:  0x62, Op.EMIT:    0x63,
    Op.HASH_BYTES:   0x64, Op.RECOVER:      0x65,
}
"""The first byte of an instruction."""

JUMP, BRANCH, RETURN, STOP = 0xF0, 0xF1, 0xF2, 0xF3
"""The first byte of a terminator."""

REASONS: Final = {
    Reason.OVERFLOW:         0,
    Reason.DIVISION_BY_ZERO: 1,
    Reason.SHIFT:            2,
    Reason.CONVERSION:       3,
    Reason.INDEX:            4,
    Reason.REQUIREMENT:      5,
    Reason.UNREACHABLE:      6,
}
"""What a `Stop` may say. Only the meter says that the work limit is reached, and
only a host what it allows."""
# fmt: on

WORD_CODES: Final = {word: code for code, word in enumerate(WORDS.values())}
"""Types that are words; the order of `types.WORDS`."""

ARRAY, MEMORY = 0x20, 0x21
"""Types that are references: an element and a length, a size."""

LIST, STRUCT, TUPLE, STR, BYTES = 0x30, 0x31, 0x32, 0x33, 0x34
"""Shapes of an interface that are not words."""

# The meter is put in when a program is loaded, so no stranger can say what its work costs.
assert set(OPCODES) == set(Op) - {Op.METER}, "an instruction has no byte"
assert set(REASONS) == set(Reason) - {Reason.WORK_LIMIT, Reason.HOST}, "a reason has no byte"
assert len({*OPCODES.values(), JUMP, BRANCH, RETURN, STOP}) == len(OPCODES) + 4
