"""The types of the language, and how they lie in the machine's registers.

A type is a shape of `ir.interface` or a byte memory. Its *leaves* are words and arrays of words; a
value of the type is one register for each leaf.
"""

from functools import lru_cache
from typing import Final, TypeAlias

from numen.ir.interface import DEPTH_MAX, ListShape, Shape, StructShape, TupleShape, leaves
from numen.ir.types import LENGTH_MAX, U256, WORDS, Array, Kind, Memory, Type, Word

LangType: TypeAlias = Shape | Memory

NOTHING: Final = TupleShape(())
"""What a function without result returns."""

UNKNOWN_LENGTH: Final = -1
"""The length in an expected type that only the value will settle."""

LEAVES_MAX: Final = 1024
"""Most leaves of one type."""

TOO_LARGE: Final = f"a type of more than {LEAVES_MAX} parts, or nested deeper than {DEPTH_MAX}"
"""What is said of a type that `is_bounded` refuses."""

CONSTRUCTORS: Final = frozenset({"list", "tuple", "memory", "Private"})
"""The names that build types of others."""

TYPE_NAMES: Final = frozenset(WORDS) | CONSTRUCTORS


@lru_cache(maxsize=4096)
def registers(of: LangType) -> tuple[Type, ...]:
    """The types of the registers that hold a value, one for each leaf."""
    return (of,) if isinstance(of, Memory) else tuple(leaf.type for leaf in leaves(of))


def references(of: LangType) -> bool:
    """Whether a value of a type is, or contains, a reference to storage."""
    return any(not isinstance(part, Word) for part in registers(of))


def parts(of: StructShape | TupleShape) -> list[Shape]:
    """The types of the fields or items, in order."""
    return [part for _, part in of.fields] if isinstance(of, StructShape) else list(of.items)


@lru_cache(maxsize=4096)
def field_span(of: StructShape | TupleShape, index: int) -> tuple[LangType, int, int]:
    """The type of a field or item, and which of the registers of the whole are its own."""
    known = parts(of)
    start = sum(len(registers(part)) for part in known[:index])
    return known[index], start, start + len(registers(known[index]))


@lru_cache(maxsize=4096)
def leaf_count(of: LangType) -> int:
    """Registers that a value takes, without listing them."""
    match of:
        case Word() | Memory():
            return 1
        case ListShape(element):
            return leaf_count(element)
        case StructShape(_, fields):
            return sum(leaf_count(part) for _, part in fields)
        case TupleShape(items):
            return sum(leaf_count(part) for part in items)


@lru_cache(maxsize=4096)
def depth(of: LangType) -> int:
    """How deeply a type nests; 0 for a word."""
    match of:
        case Word() | Memory():
            return 0
        case ListShape(element):
            return 1 + depth(element)
        case StructShape(_, fields):
            return 1 + max((depth(part) for _, part in fields), default=0)
        case TupleShape(items):
            return 1 + max((depth(part) for part in items), default=0)


def is_bounded(of: LangType) -> bool:
    """Whether a type is within the limits on nesting and parts."""
    return depth(of) <= DEPTH_MAX and leaf_count(of) <= LEAVES_MAX


def spelled(of: LangType) -> str:
    """A type as a person writes it, with N for a length that a call has not settled."""
    return str(of).replace(f"{UNKNOWN_LENGTH}]", "N]")


def contains_struct(of: LangType, struct: StructShape) -> bool:
    """Whether a value of a type may hold a struct."""
    match of:
        case Word() | Memory():
            return False
        case ListShape(element):
            return contains_struct(element, struct)
        case TupleShape(items):
            return any(contains_struct(part, struct) for part in items)
        case StructShape(_, fields):
            return of == struct or any(contains_struct(part, struct) for _, part in fields)


def stores_struct(of: LangType, struct: StructShape) -> bool:
    """Whether a struct can be stored into a value of a type: whether a list in it holds such."""
    match of:
        case Word() | Memory():
            return False
        case ListShape(element):
            return contains_struct(element, struct)
        case TupleShape(items):
            return any(stores_struct(part, struct) for part in items)
        case StructShape(_, fields):
            return any(stores_struct(part, struct) for _, part in fields)


def is_handle(of: LangType) -> bool:
    """Whether a type is a struct of one u256, as an address is: two of them can be equal."""
    return isinstance(of, StructShape) and registers(of) == (U256,)


def is_number(of: LangType) -> bool:
    """Whether a type is a word that counts: all but bool."""
    return isinstance(of, Word) and of.kind is not Kind.BOOL


def is_integer(of: LangType) -> bool:
    """Whether a type is an integer of some width, not a field element."""
    return isinstance(of, Word) and of.kind in (Kind.UNSIGNED, Kind.SIGNED)


def fits_length(element: LangType, length: int) -> bool:
    """Whether an array may have so many elements of a type."""
    widest = max(
        (part.length if isinstance(part, Array) else 1 for part in registers(element)), default=1
    )
    return length > 0 and length * widest <= LENGTH_MAX
