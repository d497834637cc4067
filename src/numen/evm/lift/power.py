"""Powers: the loop of EXP as a function of the IR."""

from numen.evm.lift.algebra import Constant, IrAlgebra, Register, Value, Writer
from numen.evm.meaning import exp_step
from numen.ir.nodes import BasicBlock, Branch, Edge, Function, Jump, Param, Return
from numen.ir.ops import Op
from numen.ir.types import BOOL, U256


def power_function(name: str) -> Function:
    """Make ``base ** exponent`` modulo 2**256: `exp_step` over the bits, from the highest on.

    The loop always takes 256 turns, so that a circuit can have it.
    """
    writer = Writer()
    turn = Register("turn", U256)
    base, exponent, power, rest = (
        Register(reg, U256) for reg in ("base", "exponent", "power", "rest")
    )
    is_over = writer.write(Op.EQ, BOOL, turn, Constant(256, U256), of=U256)
    head = BasicBlock(
        (Param("turn", U256), Param("power", U256), Param("rest", U256)),
        tuple(writer.body),
        Branch(is_over.name, Edge("done"), Edge("body")),
    )
    writer.body = []
    bit = writer.write(Op.SHR, U256, rest, Constant(255, U256))
    is_set = writer.write(Op.EQ, BOOL, bit, Constant(1, U256), of=U256)
    step: Value = exp_step(IrAlgebra(writer), power, base, is_set)  # type: ignore[assignment]
    shifted = writer.write(Op.SHL, U256, rest, Constant(1, U256))
    following = writer.write(Op.WRAPPING_ADD, U256, turn, Constant(1, U256))
    args = (following.name, writer.reg(step), shifted.name)
    body = BasicBlock((), tuple(writer.body), Jump(Edge("head", args)))
    zero, one = writer.reg(Constant(0, U256)), writer.reg(Constant(1, U256))
    start = BasicBlock(
        (Param(base.name, U256), Param(exponent.name, U256)),
        tuple(writer.definitions()),
        Jump(Edge("head", (zero, one, exponent.name))),
    )
    done = BasicBlock((), (), Return((power.name,)))
    return Function(name, (U256,), {"start": start, "head": head, "body": body, "done": done})
