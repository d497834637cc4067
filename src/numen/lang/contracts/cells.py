"""Values as words of 256 bits: in arguments, results, slots and saved frames.

The order is that of the ABI: item by item, so a list of structs is struct after struct, though the
machine keeps a list for each field.
"""

import ast
from typing import Final, Protocol

import msgspec

from numen.ir.host import PRIVATE_FROM
from numen.ir.interface import ListShape, Shape, StructShape, TupleShape
from numen.ir.nodes import Reg
from numen.ir.ops import Op
from numen.ir.types import I256, U64, U256, Array, Kind, Type, Word
from numen.lang import arrays
from numen.lang.contracts.layout import is_address, size_words
from numen.lang.errors import TypesError
from numen.lang.frame import Frame, Value
from numen.lang.types import parts, registers

ADDRESS_BITS: Final = 160


class At(msgspec.Struct, frozen=True):
    """A place among words: a number known now, and one that a register holds, a u64."""

    known: int = 0
    moving: Reg | None = None

    def plus(self, words: int) -> "At":
        """The place some words on."""
        return At(self.known + words, self.moving)


class Cells(Protocol):
    """Words by their places."""

    def get(self, f: Frame, node: ast.AST, at: At) -> Reg:
        """Read a word, a u256."""
        ...

    def set(self, f: Frame, node: ast.AST, at: At, word: Reg) -> None:
        """Write a word."""
        ...


class Words(msgspec.Struct, frozen=True):
    """The words of an array of the machine.

    Attributes:
        array: The array of u256.
        of: Its type.
        is_backward: Whether its last word comes first, as in the arguments of a run.
    """

    array: Reg
    of: Array
    is_backward: bool = False

    def get(self, f: Frame, node: ast.AST, at: At) -> Reg:
        """Read a word."""
        return f.at(node).op(Op.GET, self.of, self.array, self._index(f, node, at))

    def set(self, f: Frame, node: ast.AST, at: At, word: Reg) -> None:
        """Write a word."""
        f.at(node).effect(Op.SET, self.of, self.array, self._index(f, node, at), word)

    def _index(self, f: Frame, node: ast.AST, at: At) -> Reg:
        writer = f.at(node)
        known = self.of.length - 1 - at.known if self.is_backward else at.known
        start = writer.const(known, U64)
        if at.moving is None:
            return start
        op = Op.WRAPPING_SUB if self.is_backward else Op.WRAPPING_ADD
        return writer.op(op, U64, start, at.moving)


class Slots(msgspec.Struct, frozen=True):
    """Slots of a contract, from the one that a register names.

    Attributes:
        first: The key of the first.
        realm: Which slots these are, in a contract that has private ones.
    """

    first: Reg
    realm: "Realm | None" = None

    def get(self, f: Frame, node: ast.AST, at: At) -> Reg:
        """Read a slot."""
        return f.at(node).op(Op.STATE_LOAD, None, self._key(f, node, at))

    def set(self, f: Frame, node: ast.AST, at: At, word: Reg) -> None:
        """Write a slot."""
        f.at(node).effect(Op.STATE_STORE, None, self._key(f, node, at), word)

    def _key(self, f: Frame, node: ast.AST, at: At) -> Reg:
        writer, key = f.at(node), self.first
        if at.known:
            key = writer.op(Op.WRAPPING_ADD, U256, key, writer.const(at.known, U256))
        if at.moving is not None:
            far = writer.op(Op.CAST, U64, at.moving, to=U256)
            key = writer.op(Op.WRAPPING_ADD, U256, key, far)
        if self.realm is not None and self.realm.is_private:
            self.realm.secret_keys.add((f.symbol.key, key))
        return key


class Realm(msgspec.Struct, frozen=True, eq=False):
    """One half of the slots of a contract that has private ones.

    Attributes:
        is_private: Which half.
        secret_keys: Takes note of the registers that name private slots, by their function.
    """

    is_private: bool
    secret_keys: set[tuple[str, Reg]]

    def key(self, f: Frame, node: ast.AST, key: Reg) -> Reg:
        """The key of this half that a hash stands for."""
        writer = f.at(node)
        if self.is_private:
            return writer.op(Op.OR, U256, key, writer.const(PRIVATE_FROM, U256))
        return writer.op(Op.AND, U256, key, writer.const(PRIVATE_FROM - 1, U256))


def copied(f: Frame, node: ast.AST, value: Value) -> Value:
    """The same words in registers of their own.

    Raises:
        TypesError: There is an array among them.
    """
    regs = zip(value.regs, registers(value.type), strict=True)
    return Value(value.type, tuple(_copied(f, node, reg, of) for reg, of in regs))


def _copied(f: Frame, node: ast.AST, reg: Reg, of: Type) -> Reg:
    match of:
        case Word(kind=Kind.FIELD):
            return f.at(node).op(Op.ADD, of, reg, f.at(node).const(0, of))
        case Word():
            return f.at(node).op(Op.OR, of, reg, reg)
        case _:
            hint = "reveal its elements, one by one"
            raise f.refuse(TypesError, node, "a list or text cannot be revealed whole", hint)


def take(f: Frame, node: ast.AST, cells: Cells, at: At, of: Shape) -> Value:
    """Read a value; a word that is not of its type traps."""
    match of:
        case Word():
            return Value(of, (from_word(f, node, cells.get(f, node, at), of),))
        case StructShape() if is_address(of):
            word = cells.get(f, node, at)
            if isinstance(cells, Words):
                require_address(f, node, word)
            return Value(of, (word,))
        case ListShape(element, length):
            made, size = arrays.make(f, node, of), size_words(element)

            def fill(index: Reg) -> None:
                item = take(f, node, cells, _moved(f, node, at, index, size), element)
                arrays.set_element(f, node, made, index, item)

            arrays.each(f, node, length, fill)
            return made
        case StructShape() | TupleShape():
            regs: list[Reg] = []
            for part in parts(of):
                regs += take(f, node, cells, at, part).regs
                at = at.plus(size_words(part))
            return Value(of, tuple(regs))


def put(f: Frame, node: ast.AST, cells: Cells, at: At, value: Value) -> None:
    """Write a value."""
    match value.type:
        case Word() as word:
            cells.set(f, node, at, to_word(f, node, value.reg, word))
        case ListShape(element, length):
            size = size_words(element)

            def fill(index: Reg) -> None:
                item = arrays.element(f, node, value, index)
                put(f, node, cells, _moved(f, node, at, index, size), item)

            arrays.each(f, node, length, fill)
        case StructShape() | TupleShape() as of:
            if is_address(of):
                cells.set(f, node, at, value.reg)
                return
            regs = list(value.regs)
            for part in parts(of):
                count = len(registers(part))
                put(f, node, cells, at, Value(part, tuple(regs[:count])))
                regs = regs[count:]
                at = at.plus(size_words(part))
        case _:
            raise AssertionError(value.type)


def to_word(f: Frame, node: ast.AST, reg: Reg, word: Word) -> Reg:
    """A word as a u256; negative numbers as in two's complement."""
    if word == U256:
        return reg
    op = Op.TRUNCATE if word.kind is Kind.SIGNED else Op.CAST
    return f.at(node).op(op, word, reg, to=U256)


def from_word(f: Frame, node: ast.AST, reg: Reg, word: Word) -> Reg:
    """A u256 as a word; traps where it is none."""
    if word == U256:
        return reg
    if word.kind is not Kind.SIGNED:
        return f.at(node).op(Op.CAST, U256, reg, to=word)
    signed = f.at(node).op(Op.TRUNCATE, U256, reg, to=I256)
    return signed if word == I256 else f.at(node).op(Op.CAST, I256, signed, to=word)


def require_address(f: Frame, node: ast.AST, word: Reg) -> None:
    """Refuse a word of more than 20 bytes."""
    writer = f.at(node)
    is_short = writer.op(Op.LT, U256, word, writer.const(1 << ADDRESS_BITS, U256))
    writer.effect(Op.REQUIRE, None, is_short, symbol="an address has 20 bytes")


def _moved(f: Frame, node: ast.AST, at: At, index: Reg, size: int) -> At:
    writer = f.at(node)
    far = index
    if size != 1:
        far = writer.op(Op.WRAPPING_MUL, U64, index, writer.const(size, U64))
    if at.moving is not None:
        far = writer.op(Op.WRAPPING_ADD, U64, at.moving, far)
    return At(at.known, far)
