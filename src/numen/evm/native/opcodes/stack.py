"""Opcodes that only move words on the stack."""

from typing import Final

from numen.evm.native.body import Body, Emitter
from numen.evm.opcodes import BY_NAME
from numen.kernels.llvm import const


def pop(body: Body) -> None:
    """POP."""
    body.drop()


def push_zero(body: Body) -> None:
    """PUSH0 (EIP-3855)."""
    body.push(const("i256", 0))


def _push(size: int) -> Emitter:
    return lambda body: body.push(body.immediate(size))


def _duplicate(depth: int) -> Emitter:
    return lambda body: body.duplicate(depth)


def _exchange(depth: int) -> Emitter:
    return lambda body: body.exchange(depth)


EMIT: Final[dict[int, Emitter]] = {
    BY_NAME["POP"].byte: pop,
    BY_NAME["PUSH0"].byte: push_zero,
    **{BY_NAME[f"PUSH{n}"].byte: _push(n) for n in range(1, 33)},
    **{BY_NAME[f"DUP{n}"].byte: _duplicate(n) for n in range(1, 17)},
    **{BY_NAME[f"SWAP{n}"].byte: _exchange(n) for n in range(1, 17)},
}
"""By byte."""
