"""Signatures of functions: their selectors, and their parameters as words.

Parameters are of fixed size: elementary types, fixed arrays and tuples of them. Each elementary
value is one word of calldata, in order (contract ABI specification, "Formal Specification of the
Encoding").
"""

import re
from typing import Final, NoReturn

import msgspec

from numen.base.crypto import keccak256
from numen.evm.lift.errors import SignatureError
from numen.evm.lift.limits import SIGNATURE_LENGTH_MAX, WORDS_MAX
from numen.ir.interface import DEPTH_MAX, Input, ListShape, Shape, TupleShape
from numen.ir.types import U256

SELECTOR_BYTES: Final = 4


class Signature(msgspec.Struct, frozen=True):
    """A function as a caller names it.

    Attributes:
        name: Of the function.
        canonical: With the types' full names: what the selector is the hash of.
        selector: The first four bytes of that hash, as a number.
        inputs: The parameters; every elementary value is a `U256`.
        words: For each word of calldata, in order, the leaf of the inputs that holds it, and its
            index there; None where the leaf is a single word.
    """

    name: str
    canonical: str
    selector: int
    inputs: tuple[Input, ...]
    words: tuple[tuple[int, int | None], ...]


def parse_signature(text: str) -> Signature:
    """Read ``name(type,...)``, spaces allowed; ``uint`` and ``int`` mean 256 bits.

    Raises:
        SignatureError: It is no signature, or a parameter's size depends on its value.
    """
    return _Parser(text).signature()


_TOKEN = re.compile(r"\s*([A-Za-z_$][A-Za-z0-9_$]*|[0-9]+|[(),\[\]])")
_ELEMENTARY = re.compile(r"address|bool|function|(u?)int([0-9]*)|bytes([0-9]+)")


class _Parser:
    """Tokens of a signature, taken from the left."""

    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > SIGNATURE_LENGTH_MAX:
            raise SignatureError(f"a signature of {len(text)} characters")
        self.tokens: list[str] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                self.fail(f"it has {text[at:].strip()[0]!r}")
            self.tokens.append(match[1])
            at = match.end()
        self.at = 0

    def fail(self, reason: str) -> NoReturn:
        raise SignatureError(
            f"{self.text[:80]!r} is not a signature like gcd(uint256,uint256): {reason}"
        )

    def signature(self) -> Signature:
        name = self.take()
        if not re.fullmatch(r"[A-Za-z_$][A-Za-z0-9_$]*", name):
            self.fail("it does not begin with a name")
        self.expect("(")
        members = self.members(0)
        if self.at < len(self.tokens):
            self.fail(f"it goes on with {self.tokens[self.at]!r}")
        canonical = f"{name}({','.join(text for text, _ in members)})"
        selector = int.from_bytes(keccak256(canonical.encode())[:SELECTOR_BYTES], "big")
        inputs = tuple(Input(f"arg{i}", shape) for i, (_, shape) in enumerate(members))
        words: list[tuple[int, int | None]] = []
        leaf = 0
        for field in inputs:
            words += _words(field.shape, leaf)
            leaf += _leaf_count(field.shape)
        return Signature(name, canonical, selector, inputs, tuple(words))

    def members(self, depth: int) -> list[tuple[str, Shape]]:
        """Types up to the closing parenthesis."""
        found: list[tuple[str, Shape]] = []
        if self.peek() == ")":
            self.at += 1
            return found
        while True:
            found.append(self.type(depth))
            if self.peek() == ")":
                self.at += 1
                return found
            self.expect(",")

    def type(self, depth: int) -> tuple[str, Shape]:
        if depth >= DEPTH_MAX:
            self.fail(f"it is nested deeper than {DEPTH_MAX}")
        text, shape = self.single(depth)
        while self.peek() == "[":
            self.at += 1
            if self.peek() == "]":
                self.fail(f"the length of {text}[] depends on the call; write {text}[n]")
            digits = self.take()
            if not digits.isdecimal() or not 0 < int(digits[:9]) <= WORDS_MAX or len(digits) > 9:
                self.fail(f"an array has 1 to {WORDS_MAX} elements")
            self.expect("]")
            text, shape = f"{text}[{int(digits)}]", ListShape(shape, int(digits))
            depth += 1
            if depth >= DEPTH_MAX or _size(shape) > WORDS_MAX:
                self.fail(f"it has more than {WORDS_MAX} words")
        return text, shape

    def single(self, depth: int) -> tuple[str, Shape]:
        token = self.take()
        if token == "(":  # noqa: S105 - a parenthesis is no secret
            members = self.members(depth + 1)
            shape = TupleShape(tuple(shape for _, shape in members))
            if not members or _size(shape) > WORDS_MAX:
                self.fail(f"a tuple has 1 to {WORDS_MAX} words")
            return f"({','.join(text for text, _ in members)})", shape
        return self.elementary(token), U256

    def elementary(self, token: str) -> str:
        match = _ELEMENTARY.fullmatch(token)
        if token in ("bytes", "string"):
            self.fail(f"the length of {token} depends on the call")
        if match is None:
            self.fail(f"{token!r} is not a type")
        if "int" in token:
            bits = int(match[2][:4] or 256)
            if bits % 8 or not 8 <= bits <= 256 or match[2].startswith("0"):
                self.fail(f"{token!r} is not a type")
            return f"{match[1]}int{bits}"
        if match[3] is not None and (match[3].startswith("0") or int(match[3][:4]) > 32):
            self.fail(f"{token!r} is not a type")
        return token

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            self.fail("it ends too early")
        self.at += 1
        return token

    def expect(self, token: str) -> None:
        found = self.take()
        if found != token:
            self.fail(f"it has {found!r} where {token!r} belongs")


def _size(shape: Shape) -> int:
    """Words of a shape."""
    match shape:
        case ListShape(element, length):
            return _size(element) * length
        case TupleShape(items):
            return sum(_size(item) for item in items)
        case _:
            return 1


def _leaf_count(shape: Shape) -> int:
    match shape:
        case ListShape(element):
            return _leaf_count(element)
        case TupleShape(items):
            return sum(_leaf_count(item) for item in items)
        case _:
            return 1


def _words(shape: Shape, leaf: int, index: int | None = None) -> list[tuple[int, int | None]]:
    """Where each word of a shape lies: the ABI lays elements out one after another."""
    match shape:
        case ListShape(element, length):
            base = (index or 0) * length
            rows = (_words(element, leaf, base + i) for i in range(length))
            return [place for row in rows for place in row]
        case TupleShape(items):
            found: list[tuple[int, int | None]] = []
            for item in items:
                found += _words(item, leaf, index)
                leaf += _leaf_count(item)
            return found
        case _:
            return [(leaf, index)]
