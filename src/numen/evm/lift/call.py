"""One pure call of a contract: what the instructions see that are not pure words.

The call carries a known selector, words as arguments, no wei; it may touch its own memory and read
its own code, and nothing else. Memory at offsets known before the run is kept in `Cells`. Where a
function computes offsets, everything from some offset on is in a byte memory instead.
"""

from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from numen.base.crypto import keccak256
from numen.evm.lift.cells import WORD_BYTES, Cells, Words
from numen.evm.lift.errors import DynamicMemoryError, ImpureError, LiftLimitError, ShapeError
from numen.evm.lift.instructions import Instruction
from numen.evm.lift.limits import (
    CELL_BYTES_MAX,
    FUNCTION_STEPS_MAX,
    HASH_BYTES_MAX,
    WORDS_MAX,
)
from numen.evm.lift.signature import SELECTOR_BYTES

V = TypeVar("V")


class Values(Words[V], Protocol):
    """Words of some domain, and the memories that it computes offsets of."""

    def known(self, value: V) -> int | None:
        """The word, where it is known before the run."""

    def head(self, value: V, top: int) -> V:
        """A word that is known to begin with four bytes."""

    def pure(self, byte: int, args: Sequence[V]) -> V:
        """The word that an opcode of `meaning.PURE` makes."""

    def load(self, offset: V) -> V:
        """A word of the byte memory."""

    def store(self, offset: V, value: V) -> None:
        """A word to the byte memory."""

    def store_byte(self, offset: V, value: V) -> None:
        """A byte, a number below 256, to the byte memory."""

    def clear(self, offset: V, length: V) -> None:
        """Zeros to the byte memory."""

    def load_input(self, offset: V, ahead: int) -> V:
        """A word of the calldata, so many bytes after an offset; zeros past the end."""

    def copy_input(self, offset: V, source: V, length: V) -> None:
        """So many bytes of calldata, and zeros past their end, to the byte memory."""

    def digest_memory(self, offset: V, length: V) -> V:
        """Keccak-256 of so many bytes of the byte memory."""

    def digest(self, words: Sequence[V], length: int) -> V:
        """Keccak-256 of so many bytes, at least one: words, the last one filled up with zeros."""


REVERT_BYTES_MAX: Final = 1100
"""Longest output of a REVERT that is looked into: ``Error(string)`` with a message of the IR."""

_IMPURE: Final = {
    "GAS": "a lifted function has no gas",
    "MSIZE": "a lifted function's memory has no size",
    "SLOAD": "it reads storage",
    "TLOAD": "it reads transient storage",
    "SSTORE": "it writes storage",
    "TSTORE": "it writes transient storage",
    "CREATE": "it makes a contract",
    "CREATE2": "it makes a contract",
    "SELFDESTRUCT": "it gives the contract up",
}
_CALLS: Final = frozenset({"CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"})


def impurity(name: str) -> str:
    """Why an opcode is not pure."""
    if name in _CALLS:
        return "it calls another contract"
    if name.startswith("LOG"):
        return "it writes a log"
    return _IMPURE.get(name, "it depends on more than the arguments of the call")


class PureCall(Generic[V]):
    """The domain of a call.

    Attributes:
        memory: What memory holds at this point of the walk, at known offsets.
        work: Pieces moved beside the steps of the walk.
        computed: Offsets in the code of the stores whose place in memory was not known in this
            walk. A second walk, which knows more, begins with those of the first.
    """

    def __init__(
        self,
        code: bytes,
        values: Values[V],
        selector: int,
        arguments: Sequence[V],
        bytes_from: int | None,
    ) -> None:
        """Make the call.

        Args:
            code: Of the contract.
            values: The words.
            selector: What the calldata begin with.
            arguments: The words after it.
            bytes_from: Offset from which on memory is in bytes; None where there is no such part.
        """
        self.memory: Cells[V] | None = Cells()
        self.work = 0
        self.computed: set[int] = set()
        self._code = code
        self._values = values
        self._selector = selector
        self._bytes_from = bytes_from
        self._input: Cells[V] = Cells()
        self._input.write(values, 0, SELECTOR_BYTES, values.const(selector))
        for index, argument in enumerate(arguments):
            self._input.write(values, SELECTOR_BYTES + WORD_BYTES * index, WORD_BYTES, argument)
        self._input_size = SELECTOR_BYTES + WORD_BYTES * len(arguments)

    def const(self, value: int) -> V:
        """A known word."""
        return self._values.const(value)

    def pure(self, instr: Instruction, args: Sequence[V]) -> V:
        """Compute."""
        return self._values.pure(instr.opcode.byte, args)

    def effect(self, instr: Instruction, args: Sequence[V]) -> V | None:
        """Do what is within the call, and refuse the rest.

        Raises:
            ImpureError: The instruction sees or changes more.
            DynamicMemoryError: An offset or a length has to be known, and is not.
            LiftLimitError: An offset is over `limits.CELL_BYTES_MAX`.
        """
        match instr.name:
            case "CALLDATASIZE" | "CALLVALUE" | "RETURNDATASIZE" | "CODESIZE" | "PC":
                return self.const(self._fact(instr))
            case "CALLDATALOAD":
                return self._read_input(args[0], 0, WORD_BYTES)
            case "MLOAD":
                return self.load(instr, args[0])
            case "MSTORE":
                self._store(instr, args[0], 0, WORD_BYTES, args[1])
            case "MSTORE8":
                self._store(instr, args[0], 0, 1, self._values.low_bits(args[1], 8))
            case "CALLDATACOPY":
                self._copy(instr, args, lambda at, size: self._read_input(args[1], at, size))
            case "CODECOPY":
                self._copy(instr, args, lambda at, size: self._read_code(instr, args[1], at, size))
            case "KECCAK256":
                return self._digest(instr, args[0], args[1])
            case "MCOPY":
                self._copy(instr, args, lambda at, size: self._part(instr, args[1], at, size))
            case _:
                raise ImpureError(impurity(instr.name), instr.offset, instr.name)
        return None

    def _fact(self, instr: Instruction) -> int:
        """What is the same in every call."""
        match instr.name:
            case "CALLDATASIZE":
                return self._input_size
            case "CODESIZE":
                return len(self._code)
            case "PC":
                return instr.offset
            case _:
                return 0

    def load(self, instr: Instruction, offset: V) -> V:
        """A word of memory."""
        return self._part(instr, offset, 0, WORD_BYTES)

    def results(self, instr: Instruction, offset: V, length: V) -> list[V]:
        """The words that RETURN gives.

        Raises:
            ShapeError: They are not a fixed number, or not words.
        """
        size = self._values.known(length)
        if size is None:
            raise ShapeError("the length of the result is not known", instr.offset, instr.name)
        if size % WORD_BYTES or size > WORD_BYTES * WORDS_MAX:
            raise ShapeError(f"a result of {size} bytes is not words", instr.offset, instr.name)
        return [self._part(instr, offset, at, WORD_BYTES) for at in range(0, size, WORD_BYTES)]

    def _digest(self, instr: Instruction, offset: V, length: V) -> V:
        """Hash a part of memory."""
        size = self._values.known(length)
        if size is None:
            if self._place(instr, offset, 0, 1) is not None:
                raise DynamicMemoryError(
                    "the length of what is hashed is not known", instr.offset, instr.name
                )
            return self._values.digest_memory(offset, length)
        if size > HASH_BYTES_MAX:
            raise LiftLimitError(
                f"a hash of {size} bytes; at most {HASH_BYTES_MAX} are lifted",
                instr.offset,
                instr.name,
            )
        if not size:
            return self.const(int.from_bytes(keccak256(b""), "big"))
        words = [
            self._part(instr, offset, at, WORD_BYTES) for at in range(0, size - 31, WORD_BYTES)
        ]
        if rest := size % WORD_BYTES:
            last = self._part(instr, offset, size - rest, rest)
            words.append(self._values.shift_left(last, 8 * (WORD_BYTES - rest)))
        return self._values.digest(words, size)

    def known_bytes(self, offset: V, length: V) -> bytes | None:
        """The bytes of a part of memory, where every one is known."""
        start, size = self._values.known(offset), self._values.known(length)
        if start is None or size is None or size > REVERT_BYTES_MAX:
            return None
        if start + size > min(CELL_BYTES_MAX, self._bytes_from or CELL_BYTES_MAX):
            return None
        found = b""
        while len(found) < size:
            part = min(WORD_BYTES, size - len(found))
            self._count()
            number = self._values.known(self._cells().read(self._values, start + len(found), part))
            if number is None:
                return None
            found += number.to_bytes(part, "big")
        return found

    def _copy(self, instr: Instruction, args: Sequence[V], read: Callable[[int, int], V]) -> None:
        """Copy to memory what ``read`` gives of each chunk, by its place in the copy and size."""
        length = self._values.known(args[2])
        if length is None:
            self._copy_some(instr, args)
            return
        if length > CELL_BYTES_MAX:
            raise LiftLimitError(f"{length} bytes of memory", instr.offset, instr.name)
        # All is read before anything is written: the two may overlap.
        chunks = [(at, min(WORD_BYTES, length - at)) for at in range(0, length, WORD_BYTES)]
        parts = [(at, size, read(at, size)) for at, size in chunks]
        for at, size, value in parts:
            self._store(instr, args[0], at, size, value)

    def _copy_some(self, instr: Instruction, args: Sequence[V]) -> None:
        """Copy a length that is not known, which is done with calldata."""
        is_input = instr.name == "CALLDATACOPY"
        if not is_input or self._place(instr, args[0], 0, 1) is not None:
            raise DynamicMemoryError("the length is not known", instr.offset, instr.name)
        if self._values.known(args[0]) is None:
            self.computed.add(instr.offset)
        source = self._values.known(args[1])
        if source is not None and source >= self._input_size:
            self._values.clear(args[0], args[2])
        else:
            self._values.copy_input(args[0], args[1], args[2])

    def _read_input(self, offset: V, at: int, size: int) -> V:
        start = self._values.known(offset)
        self._count()
        if start is None:
            word = self._values.load_input(offset, at)
            return self._values.shift_right(word, 8 * (WORD_BYTES - size)) if size < 32 else word
        if start + at >= self._input_size:
            return self.const(0)
        value = self._input.read(self._values, start + at, size)
        is_head = start + at == 0 and size == WORD_BYTES
        return self._values.head(value, self._selector) if is_head else value

    def _read_code(self, instr: Instruction, offset: V, at: int, size: int) -> V:
        start = self._values.known(offset)
        if start is None:
            raise DynamicMemoryError(
                "it copies code from an offset that is not known", instr.offset, instr.name
            )
        raw = self._code[start + at : start + at + size]
        return self.const(int.from_bytes(raw, "big") << 8 * (size - len(raw)))

    def _part(self, instr: Instruction, offset: V, at: int, size: int) -> V:
        """A number in memory, ``at`` bytes from an offset."""
        place = self._place(instr, offset, at, size)
        if place is not None:
            return self._cells().read(self._values, place, size)
        word = self._values.load(self._values.plus(offset, at))
        return self._values.shift_right(word, 8 * (WORD_BYTES - size)) if size < 32 else word

    def _store(self, instr: Instruction, offset: V, at: int, size: int, value: V) -> None:
        place = self._place(instr, offset, at, size)
        values = self._values
        if place is None and values.known(offset) is None:
            self.computed.add(instr.offset)
        if place is not None and instr.offset in self.computed:
            # The ways were found as if cells did not change here.
            raise DynamicMemoryError("the offset is known too late", instr.offset, instr.name)
        if place is not None:
            self._cells().write(values, place, size, value)
        elif size == WORD_BYTES:
            values.store(values.plus(offset, at), value)
        else:
            for index in range(size):
                byte = values.low_bits(values.shift_right(value, 8 * (size - 1 - index)), 8)
                values.store_byte(values.plus(offset, at + index), byte)

    def _place(self, instr: Instruction, offset: V, at: int, size: int) -> int | None:
        """Where cells hold a number, or None where it is in the byte memory."""
        self._count()
        known, limit = self._values.known(offset), self._bytes_from
        if known is None:
            if limit is None:
                raise DynamicMemoryError("the offset is not known", instr.offset, instr.name)
            return None
        start = known + at
        if limit is not None and start >= limit:
            return None
        if limit is not None and start + size > limit:
            raise DynamicMemoryError(
                f"the access crosses 0x{limit:x}, where memory at computed offsets begins",
                instr.offset,
                instr.name,
            )
        if start + size > CELL_BYTES_MAX:
            raise LiftLimitError(
                f"an offset of {start}; lifted functions reach {CELL_BYTES_MAX}",
                instr.offset,
                instr.name,
            )
        return start

    def _count(self) -> None:
        self.work += 1
        if self.work > FUNCTION_STEPS_MAX:
            raise LiftLimitError(f"more than {FUNCTION_STEPS_MAX} pieces of memory are moved")

    def _cells(self) -> Cells[V]:
        assert self.memory is not None
        return self.memory
