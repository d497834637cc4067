"""LLVM instructions that compute a register from registers, one method each."""

from collections.abc import Sequence
from typing import Protocol

from numen.kernels.values import Value, const, lanes_of, poison


class Arithmetic(Protocol):
    """What every writer of instructions can say, once it can define a register.

    Operands that are Python integers take the type of the first operand.
    """

    def define(self, type_: str, text: str) -> Value:
        """Append an instruction, and give the register that holds its result."""

    def binary(self, opcode: str, a: Value, b: Value | int) -> Value:
        """Any instruction of two operands of one type, by its LLVM name."""
        other = b.name if isinstance(b, Value) else const(a.type, b).name
        assert not isinstance(b, Value) or a.type == b.type, f"{opcode}: {a} and {b}"
        return self.define(a.type, f"{opcode} {a.type} {a.name}, {other}")

    def add(self, a: Value, b: Value | int) -> Value:
        return self.binary("add", a, b)

    def sub(self, a: Value, b: Value | int) -> Value:
        return self.binary("sub", a, b)

    def mul(self, a: Value, b: Value | int) -> Value:
        return self.binary("mul", a, b)

    def udiv(self, a: Value, b: Value | int) -> Value:
        return self.binary("udiv", a, b)

    def urem(self, a: Value, b: Value | int) -> Value:
        return self.binary("urem", a, b)

    def sdiv(self, a: Value, b: Value | int) -> Value:
        return self.binary("sdiv", a, b)

    def srem(self, a: Value, b: Value | int) -> Value:
        return self.binary("srem", a, b)

    def and_(self, a: Value, b: Value | int) -> Value:
        return self.binary("and", a, b)

    def or_(self, a: Value, b: Value | int) -> Value:
        return self.binary("or", a, b)

    def xor(self, a: Value, b: Value | int) -> Value:
        return self.binary("xor", a, b)

    def shl(self, a: Value, b: Value | int) -> Value:
        return self.binary("shl", a, b)

    def lshr(self, a: Value, b: Value | int) -> Value:
        return self.binary("lshr", a, b)

    def ashr(self, a: Value, b: Value | int) -> Value:
        return self.binary("ashr", a, b)

    def neg(self, a: Value) -> Value:
        return self.binary("sub", const(a.type, 0), a)

    def not_(self, a: Value) -> Value:
        return self.binary("xor", a, -1)

    def icmp(self, predicate: str, a: Value, b: Value | int) -> Value:
        """Compare integers: ``eq ne ult ule ugt uge slt sle sgt sge``; gives an i1.

        Of vectors it gives a vector of i1.
        """
        other = b.name if isinstance(b, Value) else const(a.type, b).name
        result = f"<{lanes_of(a.type)[0]} x i1>" if a.type[0] == "<" else "i1"
        return self.define(result, f"icmp {predicate} {a.type} {a.name}, {other}")

    def select(self, cond: Value, then: Value, other: Value | int) -> Value:
        """``then`` where the i1 (or vector of i1) is set, else ``other``."""
        if not isinstance(other, Value):
            other = const(then.type, other)
        return self.define(then.type, f"select {cond}, {then}, {other}")

    def cast(self, opcode: str, a: Value, type_: str) -> Value:
        """Any conversion, by its LLVM name; free when the type is the value's own."""
        return a if a.type == type_ else self.define(type_, f"{opcode} {a} to {type_}")

    def zext(self, a: Value, type_: str) -> Value:
        return self.cast("zext", a, type_)

    def sext(self, a: Value, type_: str) -> Value:
        return self.cast("sext", a, type_)

    def trunc(self, a: Value, type_: str) -> Value:
        return self.cast("trunc", a, type_)

    def extract(self, aggregate: Value, index: int, type_: str) -> Value:
        """Element ``index`` of a structure or array; ``type_`` is the element's."""
        return self.define(type_, f"extractvalue {aggregate}, {index}")

    def insert(self, aggregate: Value, element: Value, index: int) -> Value:
        return self.define(aggregate.type, f"insertvalue {aggregate}, {element}, {index}")

    def extract_lane(self, vector_: Value, lane: Value | int, type_: str) -> Value:
        index = lane if isinstance(lane, Value) else const("i64", lane)
        return self.define(type_, f"extractelement {vector_}, {index}")

    def insert_lane(self, vector_: Value, element: Value, lane: Value | int) -> Value:
        index = lane if isinstance(lane, Value) else const("i64", lane)
        return self.define(vector_.type, f"insertelement {vector_}, {element}, {index}")

    def shuffle(self, a: Value, b: Value, lanes: Sequence[int]) -> Value:
        """Lanes of a followed by b, by index."""
        element = lanes_of(a.type)[1]
        mask = ", ".join(f"i32 {lane}" for lane in lanes)
        return self.define(
            f"<{len(lanes)} x {element}>",
            f"shufflevector {a}, {b}, <{len(lanes)} x i32> <{mask}>",
        )

    def splat(self, element: Value, lanes: int) -> Value:
        """A vector with the same element in every lane."""
        seed = self.insert_lane(poison(f"<{lanes} x {element.type}>"), element, 0)
        return self.shuffle(seed, seed, [0] * lanes)
