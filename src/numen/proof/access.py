"""Arrays and memories in a circuit: free at constant indices, a choice among cells elsewhere.

A value is read through a tree of choices over the bits of the index, n - 1 constraints for n cells;
from a table of wide constants, as their sum, each times whether it is the one. It is written by
decoding the index to one truth a cell, n - 2 constraints, and choosing each cell anew, n more.
"""

from collections.abc import Mapping, Sequence

from numen.ir.nodes import Instr
from numen.ir.ops import Op
from numen.ir.trap import Reason
from numen.ir.types import U8, Array, Kind, Memory, Type, Word
from numen.proof import bounds, felt_bytes, gadgets, lc, wide
from numen.proof.algebra import R1csAlgebra
from numen.proof.lc import LC
from numen.proof.number import (
    Bit,
    Number,
    Value,
    Wide,
    high_of,
    low_of,
    value_from_bits,
    value_from_lc,
)
from numen.proof.residues import Any256
from numen.proof.storage import Cell, Piece, Ref, Slot, Store

_DECODED_MIN = 16
"""Constants of 256 bits from which the index is decoded, once for all their limbs."""


def cost(instr: Instr, args: Sequence[object], store: Store) -> int:
    """Steps that an instruction takes beside its own, for the cells it looks at."""
    match instr.op, args:
        case Op.ARRAY, _:
            return len(instr.data) // 16
        case Op.COPY, [Ref(_, int(), _), Ref(slot, int(), _)]:
            return len(store.objects[slot]) // 16
        case Op.COPY, [Ref(_, _, length), Ref(slot)]:
            return length * (1 + len(store.objects[slot])) // 4
        case Op.GET | Op.SET | Op.LOAD | Op.STORE, [Ref(slot), Number(), *_]:
            return len(store.objects[slot]) // 4
        case _:
            return 0


class Access:
    """Executes the instructions that read or change what is stored."""

    def __init__(self, algebra: R1csAlgebra) -> None:
        self.algebra = algebra
        self.wires = algebra.wires
        self._indices: dict[tuple[int, int, int], tuple[Value, Value, Value]] = {}
        self._decoded: dict[tuple[int, int], tuple[Number, list[LC]]] = {}

    def execute(
        self, instr: Instr, call: int, args: Sequence[object], store: Store
    ) -> Any256 | Ref | None:
        """Execute an instruction; what it writes to its register, if any."""
        match instr.op, args:
            case Op.REQUIRE, [int() | Number() as cond]:
                self.algebra.require(cond, Reason.REQUIREMENT, instr.symbol)
            case Op.ARRAY | Op.MEMORY, []:
                return _make(instr, (call, instr.dests[0]), store)
            case Op.GET, [Ref() as ref, int() | Number() as index]:
                return self._get(ref, index, store)
            case Op.SET, [
                Ref() as ref,
                int() | Number() as index,
                int() | Number() | Wide() as value,
            ]:
                self._write(store, ref, self._index(index, ref.length - 1), value)
            case Op.SLICE, [Ref() as ref, int() | Number() as index]:
                return self._slice(ref, index, instr.to)
            case Op.COPY, [Ref() as into, Ref() as of]:
                self._copy(into, of, store)
            case Op.LOAD, [Ref() as ref, int() | Number() as index]:
                return self._load(ref, index, _word(instr.type), store)
            case Op.STORE, [
                Ref() as ref,
                int() | Number() as index,
                int() | Number() | Wide() as value,
            ]:
                self._store(ref, index, _word(instr.type), value, store)
            case _:
                raise AssertionError(instr)
        return None

    def merge(self, truth: LC, then: Store, into: Store) -> None:
        """Choose, cell by cell, between two paths' objects; the second becomes their merger.

        Args:
            truth: Whether the first is taken.
            then: The first; it has the same objects.
            into: The second.
        """
        for slot, cells in list(into.objects.items()):
            others = then.objects.get(slot)
            if others is None or others is cells:
                continue
            into.make(slot, self._merged(truth, others, cells, is_wide=slot in into.wide))

    def _merged(
        self, truth: LC, then: Mapping[int, Cell], other: Mapping[int, Cell], *, is_wide: bool
    ) -> dict[int, Cell]:
        merged: dict[int, Cell] = {}
        for index in sorted(other.keys() | then.keys()):
            if index in merged:
                continue
            a, b = then.get(index, 0), other.get(index, 0)
            if a is b or a == b:
                merged[index] = b
                continue
            word = _word_at(then, index) or _word_at(other, index) or U8
            x = y = None
            if word != U8:
                x, y = _whole(then, index, word), _whole(other, index, word)
            if x is None or y is None:
                merged[index] = self._choose(truth, self.word(a), self.word(b), is_wide=is_wide)
                continue
            chosen = self._choose(truth, x, y, is_wide=word.bits == 256)
            merged |= {index + i: _cell(chosen, word, i) for i in range(word.size_bytes)}
        return merged

    def word(self, cell: Cell) -> Any256:
        """The value of a cell, also where it is a byte of a word."""
        if not isinstance(cell, Piece):
            return cell
        bits = self._word_bits(cell.value, cell.word)
        return value_from_bits(bits[8 * cell.index : 8 * cell.index + 8], is_signed=False)

    def _choose(self, cond: LC, then: Any256, other: Any256, *, is_wide: bool) -> Any256:
        return wide.choose(self.wires, cond, then, other, is_wide=is_wide)

    def _word_bits(self, value: Number | Wide, word: Word) -> list[Bit]:
        if isinstance(value, Wide):
            return wide.word_bits(self.algebra, value)
        if word.kind is Kind.FIELD and value.high >= 1 << 250:
            bits = list(bounds.canonical_bits(self.wires, value))
        else:
            bits = list(gadgets.bits_of(self.wires, value))
        fill = bits[-1] if value.low < 0 else 0
        return bits + [fill] * (8 * word.size_bytes - len(bits))

    def _get(self, ref: Ref, index: Value, store: Store) -> Any256:
        return self._read(store, ref, self._index(index, ref.length - 1))

    def _index(self, index: Value, last: int) -> Value:
        """An index proven to be at most ``last``; zero where the path is not taken."""
        if low_of(index) >= 0 and high_of(index) <= last:
            return index
        if last < 0:
            self.algebra.require(0, Reason.INDEX)
        key = (id(index), last, id(self.algebra.path))
        if key not in self._indices:
            bound = Word("index", Kind.UNSIGNED, last.bit_length(), 0, last, 8)
            found = self.algebra.fit(index, bound, Reason.INDEX)
            assert isinstance(found, int | Number)
            # The operands are kept, so that nothing else can get their identities.
            self._indices[key] = (index, self.algebra.path, found)
        return self._indices[key][2]

    def _slice(self, ref: Ref, index: Value, to: Type | None) -> Ref:
        assert isinstance(to, Array)
        start = self._index(index, ref.length - to.length)
        return Ref(ref.slot, _plus(ref.offset, start), to.length)

    def _read(self, store: Store, ref: Ref, index: Value, extra: int = 0) -> Any256:
        """The cell at an index that the reference has."""
        at = _plus(_plus(ref.offset, index), extra)
        if isinstance(at, int):
            return self.word(store.read(ref.slot, at))
        # Cells that were never written stay out of the tree: only the others take work.
        count = at.high - at.low + 1
        cells = {
            index - at.low: self.word(cell)
            for index, cell in store.objects[ref.slot].items()
            if at.low <= index <= at.high
        }
        is_wide = ref.slot in store.wide
        constants = {i: cell for i, cell in cells.items() if isinstance(cell, int) and cell >= 0}
        if is_wide and count >= _DECODED_MIN and len(constants) == len(cells):
            return wide.of_constants(self.wires, self._decode(at), constants)
        for bit in self._relative_bits(at):
            cells = self._halved(cells, count, bit, is_wide=is_wide)
            count = count + 1 >> 1
        return cells.get(0, 0)

    def _halved(
        self, cells: dict[int, Any256], count: int, bit: Bit, *, is_wide: bool
    ) -> dict[int, Any256]:
        """Choose one of each pair of cells by a bit of the index."""
        halved: dict[int, Any256] = {}
        for index in sorted({index >> 1 for index in cells}):
            even = cells.get(2 * index, 0)
            odd = cells.get(2 * index + 1, 0) if 2 * index + 1 < count else even
            if isinstance(bit, int):
                halved[index] = odd if bit else even
            else:
                halved[index] = self._choose(bit, odd, even, is_wide=is_wide)
        return halved

    def _write(self, store: Store, ref: Ref, index: Value, value: Cell, extra: int = 0) -> None:
        """Change the cell at an index that the reference has."""
        at = _plus(_plus(ref.offset, index), extra)
        if isinstance(at, int):
            store.write(ref.slot, at, value)
            return
        cells, is_wide = store.to_write(ref.slot), ref.slot in store.wide
        for i, hit in enumerate(self._decode(at)):
            if not hit:
                continue
            old = self.word(cells.get(at.low + i, 0))
            cells[at.low + i] = self._choose(hit, self.word(value), old, is_wide=is_wide)

    def _relative_bits(self, at: Number) -> tuple[Bit, ...]:
        """The bits of a position, counted from the first possible one."""
        relative = _plus(at, -at.low)
        if at.low == 0:
            relative = at
        assert isinstance(relative, Number)
        return gadgets.bits_of(self.wires, relative)[: relative.high.bit_length()]

    def _decode(self, at: Number) -> list[LC]:
        """For each possible position whether it is the one."""
        key = (id(at), at.low)
        if key in self._decoded:
            return self._decoded[key][1]
        count = at.high - at.low + 1
        self.wires.require_room(count)
        bits = self._relative_bits(at)
        hits: list[LC] = [lc.ONE]
        for level in reversed(range(len(bits))):
            below: list[LC] = []
            for hit in hits:
                odd = self._both(hit, bits[level])
                below += [lc.sub(hit, odd) if odd else hit, odd]
            hits = below[: -(-count >> level)]
        self._decoded[key] = (at, hits)
        return hits

    def _both(self, hit: LC, bit: Bit) -> LC:
        if isinstance(bit, int):
            return hit if bit else {}
        if not hit or hit is lc.ONE:
            return bit if hit else {}
        return gadgets.multiply(self.wires, hit, bit, "decoded")

    def _copy(self, into: Ref, of: Ref, store: Store) -> None:
        length = into.length
        if isinstance(into.offset, int) and isinstance(of.offset, int):
            source, start = store.objects[of.slot], of.offset
            found = {i: cell for i, cell in source.items() if start <= i < start + length}
            cells = store.to_write(into.slot)
            for index in [i for i in cells if into.offset <= i < into.offset + length]:
                del cells[index]
            for i, cell in found.items():
                cells[i - start + into.offset] = cell
            return
        values = [self._read(store, of, 0, i) for i in range(length)]
        for i, value in enumerate(values):
            self._write(store, into, 0, value, i)

    def _load(self, ref: Ref, index: Value, word: Word, store: Store) -> Any256:
        at = self._index(index, ref.length - word.size_bytes)
        if isinstance(at, int):
            whole = _whole(store.objects[ref.slot], at, word)
            if whole is not None and not isinstance(whole, int):
                return whole
        bytes_of = [self._read(store, ref, at, i) for i in range(word.size_bytes)]
        return self._join([_settled(byte) for byte in bytes_of], word)

    def _join(self, parts: list[Value], word: Word) -> Any256:
        """A word of its bytes."""
        is_signed = word.kind is Kind.SIGNED
        value: Value
        if all(isinstance(part, int) for part in parts):
            raw = bytes(part for part in parts if isinstance(part, int))
            value = int.from_bytes(raw, "little", signed=is_signed)
        elif word.kind is Kind.FIELD:
            return felt_bytes.felt_from_bytes(self.algebra, parts)
        else:
            bits: list[Bit] = []
            for part in parts:
                bits += _bits(part) if isinstance(part, int) else self._word_bits(part, U8)
            if word.bits == 256:
                return wide.wide_from_bits(bits, is_signed=is_signed)
            value = value_from_bits(bits, is_signed=is_signed)
        return _settled(self.algebra.fit(value, word, Reason.CONVERSION))

    def _store(self, ref: Ref, index: Value, word: Word, value: Any256, store: Store) -> None:
        at = self._index(index, ref.length - word.size_bytes)
        for i in range(word.size_bytes):
            self._write(store, ref, at, _cell(value, word, i), i)


def _word_at(cells: Mapping[int, Cell], index: int) -> Word | None:
    """The type of a word of which the first byte is here."""
    cell = cells.get(index, 0)
    return cell.word if isinstance(cell, Piece) and cell.index == 0 else None


def _whole(cells: Mapping[int, Cell], index: int, word: Word) -> Any256 | None:
    """The word in consecutive bytes, if they were stored as one or are all constants."""
    bytes_of = [cells.get(index + i, 0) for i in range(word.size_bytes)]
    if all(isinstance(byte, int) for byte in bytes_of) and word.kind is Kind.UNSIGNED:
        return int.from_bytes(bytes(byte for byte in bytes_of if isinstance(byte, int)), "little")
    first = bytes_of[0]
    is_one = isinstance(first, Piece) and all(
        isinstance(byte, Piece)
        and byte.value is first.value
        and byte.word == word
        and byte.index == i
        for i, byte in enumerate(bytes_of)
    )
    return first.value if isinstance(first, Piece) and is_one else None


def _cell(value: Any256, word: Word, index: int) -> Cell:
    """A byte of a word that is stored."""
    return value >> 8 * index & 255 if isinstance(value, int) else Piece(value, word, index)


def _bits(byte: int) -> list[Bit]:
    return [byte >> i & 1 for i in range(8)]


def _make(instr: Instr, slot: Slot, store: Store) -> Ref:
    cells: dict[int, Cell] = {index: word for index, word in enumerate(instr.data) if word}
    if isinstance(instr.type, Memory):
        store.make(slot, cells)
        return Ref(slot, 0, instr.type.size_bytes)
    assert isinstance(instr.type, Array)
    store.make(slot, cells, instr.type.element)
    return Ref(slot, 0, instr.type.length)


def _plus(a: Value, b: Value) -> Value:
    """The exact sum; the very same number where the other is zero."""
    if isinstance(b, int):
        return a if b == 0 else gadgets.shifted(a, b)
    if isinstance(a, int):
        return b if a == 0 else gadgets.shifted(b, a)
    return value_from_lc(lc.add(a.lc, b.lc), a.low + b.low, a.high + b.high)


def _word(of: Type | None) -> Word:
    assert isinstance(of, Word)
    return of


def _settled(value: object) -> Value:
    assert isinstance(value, int | Number)
    return value
