"""Conditional jumps that a handler sees coming, and does itself.

Most truths are made to be jumped on at once, as ``LT [ISZERO] PUSH2 target JUMPI``, and most jumps
have their target pushed just before. The handler that leaves a truth, or pushes two bytes, looks at
the opcodes behind it; where they are these it goes on behind them, and neither truth nor target
ever reaches the stack. Where gas or stack might not suffice it does not look ahead, so that each
opcode fails by itself.
"""

from typing import Final

import msgspec

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native import convention, landing
from numen.evm.native.convention import Registers
from numen.evm.native.layout import FRAME
from numen.evm.opcodes import BY_NAME
from numen.kernels.llvm import Function, Value, const

ISZERO: Final = BY_NAME["ISZERO"].byte
PUSH2: Final = BY_NAME["PUSH2"].byte
JUMP: Final = BY_NAME["JUMP"].byte
JUMPI: Final = BY_NAME["JUMPI"].byte

_BRANCH_BYTES: Final = 4
"""PUSH2, two bytes of target, JUMPI."""


def branch_on(f: Function, fork: Fork, r: Registers, truth: Value, has_room: Value) -> Value:
    """Emit the way on for ``[ISZERO] PUSH2 target JUMPI`` next; anything else continues here.

    Args:
        f: Function being written.
        fork: The rules.
        r: After the opcode that made the truth, which is not on the stack.
        truth: An i1.
        has_room: Whether the truth and a target fit on the stack, an i1.

    Returns:
        The truth as a word of 64 bits, for who goes on here.
    """
    # Through nothing at all in assembly, or LLVM compares anew in each block that needs the truth.
    held = f.asm("i64", "", "=r,0", f.zext(truth, "i64"))
    truth = f.icmp("ne", held, 0)
    ahead = f.load("i64", r.pc, 1, is_fixed=True)
    is_turned = f.icmp("eq", f.trunc(ahead, "i8"), ISZERO)
    ahead = f.select(is_turned, f.lshr(ahead, 8), ahead)
    price = fork.base_gas[PUSH2] + fork.base_gas[JUMPI]
    prices = f.select(is_turned, const("i64", price + fork.base_gas[ISZERO]), price)
    left = f.sub(r.gas, prices)
    pattern = PUSH2 | JUMPI << 24
    is_branch = f.icmp("eq", f.and_(f.trunc(ahead, "i32"), 0xFF0000FF), pattern)
    with f.when(f.and_(is_branch, f.and_(has_room, f.icmp("sge", left, 0)))):
        after = f.gep("i8", r.pc, f.add(f.zext(is_turned, "i64"), _BRANCH_BYTES))
        target = f.byte_swap(f.trunc(f.lshr(ahead, 8), "i16"))
        go = msgspec.structs.replace(r, pc=after, gas=left)
        _branch(f, fork, go, f.xor(truth, is_turned), target)
    return held


def jump_to(f: Function, fork: Fork, r: Registers, target: Value, has_truth: Value) -> None:
    """Emit the ways on for JUMP and JUMPI next; anything else continues here.

    Args:
        f: Function being written.
        fork: The rules.
        r: After PUSH2, whose word is not on the stack.
        target: What it pushes, an i16.
        has_truth: Whether the stack has a word besides, an i1.
    """
    opcode = f.load("i8", r.pc, is_fixed=True)
    after = f.gep("i8", r.pc, 1)
    left = f.sub(r.gas, fork.base_gas[JUMPI])
    is_branch = f.and_(f.icmp("eq", opcode, JUMPI), f.and_(has_truth, f.icmp("sge", left, 0)))
    with f.when(is_branch):
        below = f.gep("i256", r.sp, -1)
        limbs = [f.load("i64", f.gep("i64", below, i), is_volatile=True) for i in range(4)]
        truth = f.icmp("ne", f.or_(f.or_(limbs[0], limbs[1]), f.or_(limbs[2], limbs[3])), 0)
        _branch(f, fork, msgspec.structs.replace(r, pc=after, sp=below, gas=left), truth, target)
    left = f.sub(r.gas, fork.base_gas[JUMP])
    with f.when(f.and_(f.icmp("eq", opcode, JUMP), f.icmp("sge", left, 0))):
        _jump(f, fork, msgspec.structs.replace(r, gas=left), target)


def _branch(f: Function, fork: Fork, r: Registers, truth: Value, target: Value) -> None:
    """End in the target where the truth is set, else at pc."""
    with f.when(truth):
        _jump(f, fork, r, target)
    convention.dispatch(f, r)


def _jump(f: Function, fork: Fork, r: Registers, target: Value) -> None:
    to = f.zext(target, "i64")
    bad = f.block("bad")
    inside, good = f.block("inside"), f.block("good")
    length = FRAME.load(f, r.frame, "code_length", is_fixed=True)
    f.cond_br(f.icmp("ult", to, length), inside, bad, likely=True)
    f.at(inside)
    jumps = FRAME.load(f, r.frame, "jumps", is_fixed=True)
    mark = f.load("i8", f.gep("i8", jumps, to), is_fixed=True)
    f.cond_br(f.icmp("ne", mark, 0), good, bad, likely=True)
    f.at(bad)
    convention.fail(f, r, Halt.BAD_JUMP)
    f.at(good)
    code = FRAME.load(f, r.frame, "code", is_fixed=True)
    landing.land(f, fork, msgspec.structs.replace(r, pc=f.gep("i8", code, to)))
