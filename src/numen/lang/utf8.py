"""Whether bytes are UTF-8, 32 of them at once.

A word holds 32 bytes. Bit k of each of them is a *plane*: a word that has that bit at the foot of
every byte. What a byte is (the first of two, of three, of four, or one that continues) is then a
formula over eight planes, and what must follow it is the same plane moved by one byte. What the
last bytes of a word ask of the next word is carried there.

Source: RFC 3629, section 4, the syntax of UTF-8 byte sequences.
"""

import ast
from typing import Final

import msgspec

from numen.ir.nodes import Param, Reg
from numen.ir.ops import Op
from numen.ir.texts import TEXT_WORD_BYTES
from numen.ir.types import U64, U256, Array
from numen.lang.frame import Frame, Value
from numen.lang.types import registers
from numen.lang.writer import Writer

FEET: Final = int.from_bytes(b"\x01" * TEXT_WORD_BYTES, "big")
"""The lowest bit of every byte."""

_TOPS: Final = FEET << 7
_HEADS: Final = ("two", "three", "four", "e0", "ed", "f0", "f4")
"""What a byte can say of those behind it, one bit each where it is carried to the next word."""

_UNFINISHED: Final = 0b111 | 0b110 << 8 | 0b100 << 16
"""Those that the last three bytes of a text cannot say."""


class _Plane(msgspec.Struct, frozen=True):
    """A word, with Python's operators."""

    writer: Writer
    reg: Reg

    def __and__(self, other: "_Plane") -> "_Plane":
        return self._with(Op.AND, other)

    def __or__(self, other: "_Plane") -> "_Plane":
        return self._with(Op.OR, other)

    def __invert__(self) -> "_Plane":
        return _Plane(self.writer, self.writer.op(Op.NOT, U256, self.reg))

    def __rshift__(self, bits: int) -> "_Plane":
        return self._with(Op.SHR, self.const(bits)) if bits else self

    def __lshift__(self, bits: int) -> "_Plane":
        return self._with(Op.SHL, self.const(bits)) if bits else self

    def const(self, value: int) -> "_Plane":
        """A word known now."""
        return _Plane(self.writer, self.writer.const(value, U256))

    def refuse(self, why: str) -> None:
        """Trap where any bit is set."""
        zero = self.writer.const(0, U256)
        is_zero = self.writer.op(Op.EQ, U256, self.reg, zero)
        self.writer.effect(Op.REQUIRE, None, is_zero, symbol=f"not UTF-8: {why}")

    def _with(self, op: Op, other: "_Plane") -> "_Plane":
        return _Plane(self.writer, self.writer.op(op, U256, self.reg, other.reg))


def require_utf8(f: Frame, node: ast.AST, text: Value) -> None:
    """Trap where a text is not UTF-8, and say why."""
    words = registers(text.type)[1]
    assert isinstance(words, Array)
    writer = f.at(node)
    zero = writer.const(0, U256)
    head = f.open_loop((), (writer.const(0, U64), U64), (zero, U256))
    at, carried = head.extra
    word, inside, after = (writer.announce(hint) for hint in ("word", "utf8", "utf8_end"))
    writer.branch(writer.op(Op.LT, U64, at, writer.const(words.length, U64)), word, after)
    writer.enter(word)
    found = writer.op(Op.GET, words, text.regs[1], at)
    tops = writer.op(Op.AND, U256, found, writer.const(_TOPS, U256))
    plain = writer.op(Op.EQ, U256, writer.op(Op.OR, U256, tops, carried), zero)
    following = writer.announce("utf8_next")
    skipped, _ = writer.branch(plain, following, inside)
    skipped.args.append(zero)
    writer.enter(inside)
    said = _check_word(_Plane(writer, found), _Plane(writer, carried))
    writer.jump(following).args.append(said.reg)
    carry = writer.fresh()
    writer.enter(following, (Param(carry, U256),))
    f.close_loop(head, writer.op(Op.WRAPPING_ADD, U64, at, writer.const(1, U64)), carry)
    writer.enter(after)
    end = _Plane(writer, carried)
    (end & end.const(_UNFINISHED)).refuse("a character is cut short")


def _check_word(word: _Plane, carried: _Plane) -> _Plane:
    """Refuse what is wrong in a word; what its bytes say of those behind them."""
    feet = word.const(FEET)
    low = [(word >> bit) & feet for bit in range(8)]
    no = [~plane & feet for plane in low]
    two = low[7] & low[6] & no[5]
    three = low[7] & low[6] & low[5] & no[4]
    four = low[7] & low[6] & low[5] & low[4] & no[3]
    said = {
        "two": two,
        "three": three,
        "four": four,
        "e0": three & no[3] & no[2] & no[1] & no[0],
        "ed": three & low[3] & low[2] & no[1] & low[0],
        "f0": four & no[2] & no[1] & no[0],
        "f4": four & low[2] & no[1] & no[0],
    }
    packed = word.const(0)
    for bit, name in enumerate(_HEADS):
        packed |= said[name] << bit

    def before(name: str, distance: int) -> _Plane:
        """Where the byte so many before said this."""
        moved = packed >> 8 * distance | carried << 8 * (TEXT_WORD_BYTES - distance)
        return (moved >> _HEADS.index(name)) & feet

    wanted = before("two", 1) | before("three", 1) | before("four", 1)
    wanted |= before("three", 2) | before("four", 2) | before("four", 3)
    continues = low[7] & no[6]
    five = low[7] & low[6] & low[5] & low[4] & low[3]
    (wanted & ~continues).refuse("a character is cut short")
    (continues & ~wanted).refuse("a byte continues no character")
    short = two & no[4] & no[3] & no[2] & no[1]
    short |= before("e0", 1) & no[5] | before("f0", 1) & no[5] & no[4]
    short.refuse("a character takes more bytes than it needs")
    (before("ed", 1) & low[5]).refuse("half of a surrogate pair")
    beyond = five | four & low[2] & (low[1] | low[0]) | before("f4", 1) & (low[5] | low[4])
    beyond.refuse("beyond U+10FFFF")
    return packed
