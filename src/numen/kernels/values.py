"""Operands of LLVM instructions: registers, constants, labels, callees."""

from collections.abc import Sequence

import msgspec


class Value(msgspec.Struct, frozen=True, gc=False):
    """An operand: an SSA register, a global or a constant.

    Attributes:
        type: LLVM type, without attributes.
        name: As it stands in the text: ``%x``, ``@x``, ``17``, ``true``.
    """

    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


class Label(msgspec.Struct, frozen=True, gc=False):
    """A basic block of the function that made it."""

    name: str


class Callee(msgspec.Struct, frozen=True):
    """What a direct call needs to know of a function.

    Attributes:
        name: Without the ``@``.
        result: Type it returns, or ``void``.
        params: Types of its parameters.
        convention: Calling convention such as ``fastcc``, or empty for C's.
    """

    name: str
    result: str
    params: tuple[str, ...]
    convention: str = ""


def bits_of(type_: str) -> int:
    """Width in bits of an integer type ``iN``."""
    assert type_[0] == "i", type_
    return int(type_[1:])


def lanes_of(type_: str) -> tuple[int, str]:
    """Lanes and element type of a vector type such as ``<8 x i32>``."""
    lanes, element = type_[1:-1].split(" x ", 1)
    return int(lanes), element


def const(type_: str, value: int) -> Value:
    """An integer constant, reduced modulo 2**width; of a vector type, the same in every lane."""
    if type_[0] == "<":
        lanes, element = lanes_of(type_)
        return vector(element, [value] * lanes)
    if type_ == "i1":
        return Value("i1", "true" if value & 1 else "false")
    return Value(type_, str(value & ((1 << bits_of(type_)) - 1)))


def vector(type_: str, values: Sequence[int]) -> Value:
    """A vector constant of ``len(values)`` elements of an integer type."""
    return Value(
        f"<{len(values)} x {type_}>", "<" + ", ".join(str(const(type_, v)) for v in values) + ">"
    )


def poison(type_: str) -> Value:
    """A value that must not reach anything observable; the seed of an aggregate."""
    return Value(type_, "poison")


NULL = Value("ptr", "null")
"""The null pointer."""


class Loop:
    """The values of a counted loop; see `Function.loop`.

    Attributes:
        index: The counter, an i64.
        carried: The carried values as they are in this round; after the ``with``, as they are
            after the last.
        following: What they will be in the next round.
    """

    def __init__(self, index: Value, carried: list[Value]) -> None:
        self.index = index
        self.carried = carried
        self.following: Sequence[Value] = carried

    def advance(self, *values: Value) -> None:
        """Give the carried values of the next round; each keeps its value otherwise."""
        self.following = values
