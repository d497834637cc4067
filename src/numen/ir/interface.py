"""What a person passes to a program and receives from it: shapes over the machine's words.

A shape is a tree: words at the leaves, arrays, structs and tuples above. The machine knows only
words and flat arrays of words, so a shape has *leaves*: one for each word in the tree, which is a
register where no array stands above it, and an array of the product of their lengths (row-major)
where some do. An array of structs is thus a struct of arrays.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import msgspec

from numen.base.errors import NumenError
from numen.ir.texts import TEXT_WORD_BYTES, text_raw, text_words
from numen.ir.types import U64, U256, Array, Kind, Type, Word

DEPTH_MAX: Final = 16
"""Deepest nesting of a shape."""


class ListShape(msgspec.Struct, frozen=True, tag=True):
    """``length`` values of one shape."""

    element: "Shape"
    length: int

    def __str__(self) -> str:
        return f"list[{self.element}, {self.length}]"


class StructShape(msgspec.Struct, frozen=True, tag=True):
    """Named values, in order."""

    name: str
    fields: tuple[tuple[str, "Shape"], ...]

    def __str__(self) -> str:
        return self.name


class TupleShape(msgspec.Struct, frozen=True, tag=True):
    """Values in order; the empty tuple is what a function without result returns."""

    items: tuple["Shape", ...] = ()

    def __str__(self) -> str:
        return f"tuple[{', '.join(str(item) for item in self.items)}]"


Shape: TypeAlias = Word | ListShape | StructShape | TupleShape


def text_shape(name: str, length: int) -> StructShape:
    """``str[N]`` or ``bytes[N]``, by the name before the bracket."""
    words = ListShape(U256, -(-length // TEXT_WORD_BYTES))
    return StructShape(f"{name}[{length}]", (("length", U64), ("words", words)))


def is_text(of: object) -> bool:
    """Whether a type is ``str[N]`` or ``bytes[N]``."""
    return isinstance(of, StructShape) and of.name.endswith("]")


def text_bytes(of: StructShape) -> int:
    """The most bytes of a text."""
    return int(of.name.partition("[")[2][:-1])


class Input(msgspec.Struct, frozen=True):
    """A parameter of the whole program.

    Attributes:
        name: As in the source.
        shape: What it looks like.
        is_private: Whether a proof hides it.
    """

    name: str
    shape: Shape
    is_private: bool = False


class Interface(msgspec.Struct, frozen=True):
    """The parameters and the result of a program."""

    inputs: tuple[Input, ...]
    result: Shape


class Leaf(msgspec.Struct, frozen=True):
    """One word of a shape, or one array of words.

    Attributes:
        path: How to reach it, as a person would write it: ``p.x``, ``rows[].left``.
        word: Its type.
        count: Number of words, or None for a single one outside every array.
    """

    path: str
    word: Word
    count: int | None

    @property
    def type(self) -> Type:
        return self.word if self.count is None else Array(self.word, self.count)


class InputError(NumenError):
    """A value does not have the shape a program asks for."""


def leaves(shape: Shape, path: str = "") -> tuple[Leaf, ...]:
    """List the leaves of a shape, in the order in which the machine receives them."""
    return tuple(_leaves(shape, path, None))


def flatten(shape: Shape, value: Any, path: str = "value") -> list[int | list[int]]:
    """Turn a value as JSON has it into one integer, or list of integers, for each leaf.

    Structs are given as objects by field name or as lists in field order; words as integers (bool
    also as truths); texts as texts, and a `bytes` also as bytes, or as 0x and hexadecimal digits.
    Every integer is in the range of its word.

    Raises:
        InputError: The value has another shape; the message names the path.
    """
    columns: list[list[int]] = [[] for _ in leaves(shape)]
    _pour(shape, value, path, columns, 0)
    return [
        column if leaf.count is not None else column[0]
        for leaf, column in zip(leaves(shape), columns, strict=True)
    ]


def unflatten(shape: Shape, parts: list[int | list[int]]) -> Any:
    """The inverse of `flatten`: lists, tuples as lists, structs as dicts, bools as truths.

    A `str` is a text, a `bytes` is one of 0x and hexadecimal digits.
    """
    streams = [iter([part] if isinstance(part, int) else part) for part in parts]
    value, used = _draw(shape, streams, 0)
    assert used == len(streams), "more parts than leaves"
    return value


def _leaves(shape: Shape, path: str, count: int | None) -> Iterator[Leaf]:
    match shape:
        case Word():
            yield Leaf(path, shape, count)
        case ListShape(element, length):
            yield from _leaves(element, f"{path}[]", length * (1 if count is None else count))
        case StructShape(_, fields):
            for name, inner in fields:
                yield from _leaves(inner, f"{path}.{name}" if path else name, count)
        case TupleShape(items):
            for index, inner in enumerate(items):
                yield from _leaves(inner, f"{path}[{index}]", count)


def _pour(shape: Shape, value: Any, path: str, columns: list[list[int]], at: int) -> int:
    """Append the words of a value to the columns from ``at`` on; return the next column."""
    match shape:
        case Word():
            columns[at].append(_word(shape, value, path))
            return at + 1
        case ListShape(element, length):
            items = _items(value, length, path, shape)
            for index, item in enumerate(items):
                _pour(element, item, f"{path}[{index}]", columns, at)
            return at + len(leaves(element))
        case StructShape() if is_text(shape) and isinstance(value, str | bytes):
            raw = _raw(shape, value, path)
            columns[at].append(len(raw))
            columns[at + 1] += text_words(raw, -(-text_bytes(shape) // TEXT_WORD_BYTES))
            return at + 2
        case StructShape(_, fields):
            names = tuple(name for name, _ in fields)
            if isinstance(value, dict):
                _require_names(value, names, path)
                items = [value[name] for name in names]
            else:
                items = _items(value, len(names), path, shape)
            for (name, inner), item in zip(fields, items, strict=True):
                at = _pour(inner, item, f"{path}.{name}", columns, at)
            return at
        case TupleShape(inners):
            items = _items(value, len(inners), path, shape)
            for index, (inner, item) in enumerate(zip(inners, items, strict=True)):
                at = _pour(inner, item, f"{path}[{index}]", columns, at)
            return at


def _draw(shape: Shape, streams: list[Iterator[int]], at: int) -> tuple[Any, int]:
    match shape:
        case Word():
            word = next(streams[at])
            return (bool(word) if shape.kind is Kind.BOOL else word), at + 1
        case ListShape(element, length):
            items = [_draw(element, streams, at)[0] for _ in range(length)]
            return items, at + len(leaves(element))
        case StructShape() if is_text(shape):
            length, count = next(streams[at]), -(-text_bytes(shape) // TEXT_WORD_BYTES)
            raw = text_raw([next(streams[at + 1]) for _ in range(count)], length)
            is_str = shape.name.startswith("str")
            return (raw.decode(errors="replace") if is_str else f"0x{raw.hex()}"), at + 2
        case StructShape(_, fields):
            record = {}
            for name, inner in fields:
                record[name], at = _draw(inner, streams, at)
            return record, at
        case TupleShape(inners):
            row = []
            for inner in inners:
                item, at = _draw(inner, streams, at)
                row.append(item)
            return row, at


def _word(word: Word, value: Any, path: str) -> int:
    if isinstance(value, bool) and word.kind is not Kind.BOOL:
        raise InputError(f"{path}: expected {word}, found {str(value).lower()}")
    if not isinstance(value, int):
        raise InputError(f"{path}: expected {word}, found {_describe(value)}")
    if value not in word:
        raise InputError(f"{path}: {_short(value)} is not a {word} ({word.low} to {word.high})")
    return int(value)


def _raw(shape: StructShape, value: str | bytes, path: str) -> bytes:
    """The bytes of a text."""
    if shape.name.startswith("str"):
        if isinstance(value, bytes):
            raise InputError(f"{path}: expected {shape}, found bytes")
        try:
            raw = value.encode()
        except UnicodeEncodeError:
            raise InputError(f"{path}: half of a surrogate pair is no text") from None
    elif isinstance(value, str):
        try:
            raw = bytes.fromhex(value.removeprefix("0x"))
        except ValueError:
            raise InputError(f"{path}: expected 0x and hexadecimal digits") from None
    else:
        raw = value
    if len(raw) > text_bytes(shape):
        raise InputError(f"{path}: {len(raw)} bytes are no {shape}")
    return raw


def _items(value: Any, length: int, path: str, shape: Shape) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise InputError(f"{path}: expected {shape}, found {_describe(value)}")
    if len(value) != length:
        raise InputError(f"{path}: expected {length} values, found {len(value)}")
    return list(value)


def _require_names(value: dict[Any, Any], names: tuple[str, ...], path: str) -> None:
    if set(value) != set(names):
        raise InputError(
            f"{path}: expected the fields {', '.join(names)}, "
            f"found {', '.join(str(name)[:40] for name in list(value)[:16]) or 'none'}"
        )


def _describe(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return f"the text {value[:40]!r}"
        case list() | tuple():
            return f"a list of {len(value)}"
        case dict():
            return "an object"
        case _:
            return f"a {type(value).__name__}"


def _short(value: int) -> str:
    if value.bit_length() > 1024:
        return f"a number of {value.bit_length()} bits"
    return str(value)
