"""Opcodes on memory, but for copies into it."""

from typing import Final

from numen.evm.native.body import MEMORY, Body, Emitter
from numen.evm.opcodes import BY_NAME


def mload(body: Body) -> None:
    """MLOAD."""
    place, _ = body.memory(body.pop(), 32)
    body.push(body.f.byte_swap(body.f.load("i256", place, 1, alias=MEMORY)))


def mstore(body: Body) -> None:
    """MSTORE."""
    offset, word = body.pop(), body.pop()
    place, _ = body.memory(offset, 32)
    body.f.store(body.f.byte_swap(word), place, 1, alias=MEMORY)


def mstore8(body: Body) -> None:
    """MSTORE8: the least byte of the word."""
    offset, word = body.pop(), body.pop()
    place, _ = body.memory(offset, 1)
    body.f.store(body.f.trunc(word, "i8"), place, alias=MEMORY)


def msize(body: Body) -> None:
    """MSIZE."""
    body.push(body.msize())


EMIT: Final[dict[int, Emitter]] = {
    BY_NAME[name].byte: emit
    for name, emit in {"MLOAD": mload, "MSTORE": mstore, "MSTORE8": mstore8, "MSIZE": msize}.items()
}
"""By byte."""
