"""What is known of a word before the run: the values of the exploration."""

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from numen.base.crypto import keccak256
from numen.evm.lift.cells import WORD_BYTES, Cells
from numen.evm.lift.limits import TARGETS_MAX
from numen.evm.meaning import PURE
from numen.evm.opcodes import BY_NAME
from numen.ir.interp import INTEGERS


class Head(msgspec.Struct, frozen=True, gc=False):
    """A word of which the greatest four bytes are known: calldata begins with the selector."""

    top: int


Known: TypeAlias = "int | frozenset[int] | Head | None"
"""A constant, one of several return addresses, the word that holds the selector, or anything."""

_EXP, _SHR, _DIV = (BY_NAME[name].byte for name in ("EXP", "SHR", "DIV"))
_TOP_SHIFT: Final = 224
_MEMO_MAX: Final = 1 << 16
_WORD_MAX: Final = (1 << 256) - 1

_memo: dict[tuple[int, tuple[int, ...]], int] = {}


def compute(byte: int, args: Sequence[int]) -> int:
    """The word that a pure opcode makes of constants."""
    if byte == _EXP:
        return pow(args[0], args[1], 1 << 256)
    key = (byte, tuple(args))
    found = _memo.get(key)
    if found is None:
        if len(_memo) >= _MEMO_MAX:
            _memo.clear()
        found = _memo[key] = int(PURE[byte](INTEGERS, *args))
    return found


def digest(words: Sequence[int], length: int) -> int:
    """Keccak-256 of the first ``length`` bytes of words."""
    message = b"".join(word.to_bytes(WORD_BYTES, "big") for word in words)
    return int.from_bytes(keccak256(message[:length]), "big")


def selector_of(byte: int, args: Sequence[object], head: int) -> int | None:
    """What the usual ways to take the selector out of the first word give.

    Args:
        byte: A pure opcode.
        args: Its operands in the order popped; constants are integers.
        head: The greatest four bytes of the operand that is no constant.
    """
    if byte == _SHR and isinstance(args[0], int) and args[0] >= _TOP_SHIFT:
        return head >> min(args[0] - _TOP_SHIFT, 32)
    if byte == _DIV and args[1] == 1 << _TOP_SHIFT:
        return head
    return None


def join_cells(
    old: Cells[Known], other: Cells[Known], targets: frozenset[int]
) -> Cells[Known] | None:
    """What is known of a memory that is one of two; None where that is what was known already."""
    is_changed = False
    if any(
        at not in old.pieces or old.pieces[at][0] != size for at, (size, _) in other.pieces.items()
    ):
        ends = {end for at, (size, _) in old.pieces.items() for end in (at, at + size)}
        ends |= {end for at, (size, _) in other.pieces.items() for end in (at, at + size)}
        cuts = sorted(ends)
        before = len(old.pieces)
        old, other = old.recut(KNOWN, cuts), other.recut(KNOWN, cuts)
        is_changed = len(old.pieces) != before
    joined = Cells(old.pieces)
    for at in sorted({*old.pieces, *other.pieces}):
        size = (old.pieces.get(at) or other.pieces[at])[0]
        was: Known = old.pieces[at][1] if at in old.pieces else 0
        value = join(was, other.pieces[at][1] if at in other.pieces else 0, targets)
        if at not in old.pieces or value != was:
            joined.pieces[at] = (size, value)
            is_changed = True
    return joined if is_changed else None


def join(old: Known, other: Known, targets: frozenset[int]) -> Known:
    """What is known of a word that is one of two.

    Two constants are kept only where both are return addresses: else loop counters would be
    followed to their end.
    """
    if old == other or old is None:
        return old
    a = frozenset((old,)) if isinstance(old, int) else old
    b = frozenset((other,)) if isinstance(other, int) else other
    if not isinstance(a, frozenset) or not isinstance(b, frozenset):
        return None
    union = a | b
    if 0 in union or not union <= targets or len(union) > TARGETS_MAX:
        return None
    return old if union == a else union


class KnownValues:
    """Arithmetic with what is known."""

    def const(self, value: int) -> Known:
        """A known word."""
        return value

    def known(self, value: Known) -> int | None:
        """The word, where it is one."""
        return value if isinstance(value, int) else None

    def head(self, value: Known, top: int) -> Known:
        """A word of which only the greatest four bytes are known."""
        return value if isinstance(value, int) else Head(top)

    def pure(self, byte: int, args: Sequence[Known]) -> Known:
        """The word that a pure opcode makes, its operands in the order popped."""
        numbers = [arg for arg in args if isinstance(arg, int)]
        if len(numbers) == len(args):
            return compute(byte, numbers)
        heads = [arg.top for arg in args if isinstance(arg, Head)]
        return selector_of(byte, args, heads[0]) if heads else None

    def shift_left(self, value: Known, bits: int) -> Known:
        """``value * 2**bits`` modulo 2**256."""
        return (value << bits) & _WORD_MAX if isinstance(value, int) else None

    def shift_right(self, value: Known, bits: int) -> Known:
        """``value / 2**bits`` rounded down."""
        return value >> bits if isinstance(value, int) else None

    def low_bits(self, value: Known, bits: int) -> Known:
        """``value`` modulo ``2**bits``."""
        return value & ((1 << bits) - 1) if isinstance(value, int) else None

    def either(self, a: Known, b: Known) -> Known:
        """Bitwise or."""
        return a | b if isinstance(a, int) and isinstance(b, int) else None

    def plus(self, value: Known, amount: int) -> Known:
        """``value + amount`` modulo 2**256."""
        return (value + amount) & _WORD_MAX if isinstance(value, int) else None

    def load(self, offset: Known) -> Known:  # noqa: ARG002
        """A word of the byte memory, which is not followed."""
        return None

    def store(self, offset: Known, value: Known) -> None:
        """A word to the byte memory, which is not followed."""

    def store_byte(self, offset: Known, value: Known) -> None:
        """A byte to the byte memory, which is not followed."""

    def clear(self, offset: Known, length: Known) -> None:
        """Zeros to the byte memory, which is not followed."""

    def load_input(self, offset: Known, ahead: int) -> Known:  # noqa: ARG002
        """A word of the calldata at an unknown offset."""
        return None

    def copy_input(self, offset: Known, source: Known, length: Known) -> None:
        """Calldata to the byte memory, which is not followed."""

    def digest_memory(self, offset: Known, length: Known) -> Known:  # noqa: ARG002
        """The hash of a part of the byte memory, which is not followed."""
        return None

    def digest(self, words: Sequence[Known], length: int) -> Known:
        """The hash of a message, where all of it is known."""
        numbers = [word for word in words if isinstance(word, int)]
        return digest(numbers, length) if len(numbers) == len(words) else None


KNOWN: Final = KnownValues()
"""The arithmetic: it holds nothing."""
