"""Arrays and byte memories in native code: pointers into the run's memory, each access checked."""

import hashlib

import msgspec

from numen.ir.nodes import Reg
from numen.ir.trap import Reason
from numen.ir.types import BOOL, FIELD_ORDER, Array, Kind, Memory, Word
from numen.jit import felts
from numen.jit.exits import Exits
from numen.jit.words import Typed, align, in_register, storage_type
from numen.kernels.llvm import Function, Module, Value, const


class Reference(msgspec.Struct, frozen=True, gc=False):
    """An array or memory in a register.

    Attributes:
        pointer: Where it begins.
        of: What it refers to.
    """

    pointer: Value
    of: Array | Memory


class Storage:
    """Writes the instructions that touch arrays and memories of one function."""

    def __init__(self, f: Function, exits: Exits, frame: Value, offsets: dict[Reg, int]) -> None:
        self._f = f
        self._exits = exits
        self._frame = frame
        self._offsets = offsets

    def make(self, reg: Reg, of: Array | Memory, data: tuple[int, ...]) -> Reference:
        """Give an array or memory its slot, filled with data, or with zeros where there is none."""
        slot = Reference(self._f.gep("i8", self._frame, self._offsets[reg]), of)
        if data:
            assert isinstance(of, Array)
            self.copy(slot, Reference(_constants(self._f.module, of, data), of))
        else:
            length = const("i64", of.size_bytes)
            zero, is_volatile = const("i8", 0), const("i1", 0)
            self._f.intrinsic("llvm.memset.p0.i64", "void", slot.pointer, zero, length, is_volatile)
        return slot

    def get(self, array: Reference, index: Value) -> Typed:
        """Read an element."""
        word, place = self._element(array, index)
        return Typed(read_element(self._f, place, word), word)

    def set(self, array: Reference, index: Value, value: Value) -> None:
        """Write an element."""
        word, place = self._element(array, index)
        write_element(self._f, place, word, value)

    def slice(self, array: Reference, index: Value, part: Array) -> Reference:
        """A view of some elements, all inside."""
        assert isinstance(array.of, Array)
        last = array.of.length - part.length
        self._exits.unless(self._f.icmp("ule", index, last), Reason.INDEX)
        pointer = self._f.gep(storage_type(part.element), array.pointer, index)
        return Reference(pointer, part)

    def copy(self, into: Reference, source: Reference) -> None:
        """Write all of one array with another, which may overlap it."""
        length = const("i64", into.of.size_bytes)
        self._f.intrinsic(
            "llvm.memmove.p0.p0.i64", "void", into.pointer, source.pointer, length, const("i1", 0)
        )

    def load(self, memory: Reference, offset: Value, word: Word) -> Typed:
        """Read a word at any byte offset."""
        place = self._bytes(memory, offset, word)
        raw = self._f.load(storage_type(word), place, align=1)
        if word == BOOL:
            self._exits.unless(self._f.icmp("ule", raw, 1), Reason.CONVERSION)
            raw = self._f.trunc(raw, "i1")
        elif word.kind is Kind.FIELD:
            self._exits.unless(self._f.icmp("ult", raw, FIELD_ORDER), Reason.CONVERSION)
            raw = felts.enter(self._f, raw)
        return Typed(raw, word)

    def store(self, memory: Reference, offset: Value, value: Typed) -> None:
        """Write a word at any byte offset."""
        word = value.word
        place = self._bytes(memory, offset, word)
        raw = value.value
        if word.kind is Kind.FIELD:
            raw = felts.leave(self._f, raw)
        self._f.store(self._f.zext(raw, storage_type(word)), place, align=1)

    def _element(self, array: Reference, index: Value) -> tuple[Word, Value]:
        assert isinstance(array.of, Array)
        word = array.of.element
        self._exits.unless(self._f.icmp("ult", index, array.of.length), Reason.INDEX)
        return word, self._f.gep(storage_type(word), array.pointer, index)

    def _bytes(self, memory: Reference, offset: Value, word: Word) -> Value:
        last = memory.of.size_bytes - word.size_bytes
        fits = self._f.icmp("ule", offset, last) if last >= 0 else const("i1", 0)
        self._exits.unless(fits, Reason.INDEX)
        return self._f.gep("i8", memory.pointer, offset)


def _constants(module: Module, of: Array, data: tuple[int, ...]) -> Value:
    """Constant data of the module; equal data of one type is there once."""
    type_ = storage_type(of.element)
    words = [in_register(each, of.element) for each in data]
    digest = hashlib.blake2b(repr(words).encode(), digest_size=16).hexdigest()
    return module.words(f"data.{of.element}.{digest}", words, type_)


def read_element(f: Function, place: Value, word: Word) -> Value:
    """Read an element of an array as it is in a register."""
    raw = f.load(storage_type(word), place, align=align(word))
    return f.trunc(raw, "i1") if word == BOOL else raw


def write_element(f: Function, place: Value, word: Word, value: Value) -> None:
    """Write a register as an element of an array."""
    f.store(f.zext(value, storage_type(word)), place, align=align(word))
