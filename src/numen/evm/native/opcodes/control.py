"""Jumps, and what an instruction can ask about the run itself."""

from typing import Final

from numen.evm.native.body import Body, Emitter
from numen.evm.opcodes import BY_NAME


def jump(body: Body) -> None:
    """JUMP."""
    body.jump(body.pop())


def jumpi(body: Body) -> None:
    """JUMPI. Where it does not jump, nothing is asked of the target."""
    target, cond = body.pop(), body.pop_truth()
    body.jump_if(target, cond)


def pc(body: Body) -> None:
    """PC."""
    body.push(body.pc())


def gas(body: Body) -> None:
    """GAS: what is left after it."""
    body.push(body.gas())


EMIT: Final[dict[int, Emitter]] = {
    BY_NAME[name].byte: emit
    for name, emit in {"JUMP": jump, "JUMPI": jumpi, "PC": pc, "GAS": gas}.items()
}
"""By byte. JUMPDEST is not among them: drivers know it, as `landing` says."""
