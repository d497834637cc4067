"""Numen's words as Python objects, so that CPython itself can run a program of the language.

A `Number` is an int that knows its word and traps where the word ends. Everything else (names,
control flow, evaluation order, lists, sharing) is left to CPython, which is what the compiler is
held against.
"""

import builtins
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numen.ir.trap import Reason
from numen.ir.types import FIELD_ORDER, WORDS, Kind, Word


class StopError(Exception):
    """The end of a program that cannot go on."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Number(int):
    """An integer of a word."""

    word: Word

    def __new__(cls, value: int, word: Word) -> "Number":
        number = super().__new__(cls, value)
        number.word = word
        return number

    def settle(self, exact: int, reason: Reason = Reason.OVERFLOW) -> "Number":
        if self.word.kind is Kind.FIELD:
            return Number(exact % FIELD_ORDER, self.word)
        if exact not in self.word:
            raise StopError(reason)
        return Number(exact, self.word)

    def other(self, other: int) -> int:
        if isinstance(other, Number):
            assert other.word == self.word, "the generator mixes types"
        return int(other)

    def __neg__(self) -> "Number":
        return self.settle(-int(self))

    def __abs__(self) -> "Number":
        return self.settle(abs(int(self)))

    def __invert__(self) -> "Number":
        last = -1 if self.word.kind is Kind.SIGNED else self.word.high
        return Number(last - int(self), self.word)

    def __lshift__(self, count: int) -> "Number":
        return wrap(int(self) << self.count(count), self.word)

    def __rshift__(self, count: int) -> "Number":
        return Number(int(self) >> self.count(count), self.word)

    def __truediv__(self, other: int) -> "Number":
        if other == 0:
            raise StopError(Reason.DIVISION_BY_ZERO)
        return self.settle(int(self) * pow(int(other), -1, FIELD_ORDER))

    def __pow__(self, count: int) -> "Number":  # type: ignore[override]
        return self.settle(int(self) ** int(count))

    def count(self, count: int) -> int:
        if not 0 <= int(count) < self.word.bits:
            raise StopError(Reason.SHIFT)
        return int(count)


def _lift(name: str) -> None:
    exact = getattr(operator, name)

    def forward(self: Number, other: int) -> Number:
        return self.settle(exact(int(self), self.other(other)))

    def backward(self: Number, other: int) -> Number:
        return self.settle(exact(int(other), int(self)))

    short = name.strip("_")
    setattr(Number, f"__{short}__", forward)
    setattr(Number, f"__r{short}__", backward)


for _name in ("add", "sub", "mul", "floordiv", "mod", "and_", "or_", "xor"):
    _lift(_name)


def wrap(exact: int, word: Word) -> Number:
    """An integer modulo the width of a word."""
    return Number(((exact - word.low) & ((1 << word.bits) - 1)) + word.low, word)


class Type:
    """A word as the language names it: ``u8(x)``, ``u8.wrapping(x)``."""

    def __init__(self, word: Word) -> None:
        self.word = word

    def __call__(self, value: int) -> Any:
        if self.word.kind is Kind.BOOL:
            return bool(value)
        return Number(0, self.word).settle(int(value), Reason.CONVERSION)

    def wrapping(self, value: int) -> Number:
        return wrap(int(value), self.word)


def _range(*args: int) -> Iterator[Number]:
    word = next((arg.word for arg in args[:2] if isinstance(arg, Number)), WORDS["u64"])
    for number in builtins.range(*map(int, args)):
        yield Number(number, word)


def _enumerate(items: list[Any]) -> Iterator[tuple[Number, Any]]:
    for index, item in builtins.enumerate(items):
        yield Number(index, WORDS["u64"]), item


def _wrapping(exact: Any) -> Any:
    return lambda a, b: wrap(exact(int(a), int(b)), a.word)


NAMES: dict[str, Any] = {
    **{name: Type(word) for name, word in WORDS.items()},
    "dataclass": dataclass,
    "enumerate": _enumerate,
    "range": _range,
    "wrapping_add": _wrapping(operator.add),
    "wrapping_mul": _wrapping(operator.mul),
    "wrapping_sub": _wrapping(operator.sub),
}
"""What a program of the language finds when CPython runs it."""


def plain(value: Any) -> Any:
    """A result as the machine gives it."""
    match value:
        case bool():
            return value
        case int():
            return int(value)
        case list() | tuple():
            return [plain(item) for item in value]
        case None:
            return []
        case _:
            return {name: plain(item) for name, item in vars(value).items()}


def run(source: str, arguments: list[Any]) -> Any:
    """What CPython makes of a program of the language: its result, or the reason of its end."""
    names = dict(NAMES)
    exec(compile("from __future__ import annotations\n" + source, "program", "exec"), names)
    names["TABLE"] = [Number(item, WORDS["u64"]) for item in names["TABLE"]]
    try:
        return plain(names["main"](*arguments))
    except StopError as stop:
        return stop.reason
    except ZeroDivisionError:
        return Reason.DIVISION_BY_ZERO
    except IndexError:
        return Reason.INDEX
    except AssertionError:
        return Reason.REQUIREMENT
