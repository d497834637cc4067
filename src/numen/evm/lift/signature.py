"""Signatures of functions: their selectors, and their parameters as words.

Of fixed size are elementary types, fixed arrays and tuples of them: each elementary value is one
word of calldata, in order. An array whose length depends on the call, ``bytes`` and ``string`` have
room for so many elements as a bound says, whatever their length: its words follow the others, the
length first, and among the others stands where (contract ABI specification, "Formal Specification
of the Encoding"; decoders accept the room that is left).
"""

import re
from typing import Final, NoReturn, TypeAlias

import msgspec

from numen.base.crypto import keccak256
from numen.evm.lift.errors import SignatureError
from numen.evm.lift.limits import SIGNATURE_LENGTH_MAX, WORDS_MAX
from numen.ir.interface import DEPTH_MAX, Input, ListShape, Shape, StructShape, TupleShape, leaves
from numen.ir.types import U64, U256

SELECTOR_BYTES: Final = 4
WORD_BYTES: Final = 32


class Given(msgspec.Struct, frozen=True):
    """A word of calldata that the caller gives.

    Attributes:
        leaf: Of the inputs, which holds it.
        index: Its index there; None where the leaf is a single word.
    """

    leaf: int
    index: int | None


class Length(msgspec.Struct, frozen=True):
    """A word of calldata that says how long an array is.

    Attributes:
        leaf: Of the inputs, which holds it.
        most: The longest that there is room for.
        name: Of the parameter.
    """

    leaf: int
    most: int
    name: str


Place: TypeAlias = Given | Length | int
"""What a word of calldata is: a number is the same in every call."""


class Signature(msgspec.Struct, frozen=True):
    """A function as a caller names it.

    Attributes:
        name: Of the function.
        canonical: With the types' full names: what the selector is the hash of.
        selector: The first four bytes of that hash, as a number.
        inputs: The parameters. Every elementary value is a `U256`; an array of any length is a
            struct of its ``length``, a `U64`, and its ``items``.
        words: What the words of calldata are, in order.
    """

    name: str
    canonical: str
    selector: int
    inputs: tuple[Input, ...]
    words: tuple[Place, ...]


def parse_signature(
    text: str, *, array_bound: int | None = None, private: frozenset[int] = frozenset()
) -> Signature:
    """Read ``name(type,...)``, spaces allowed; ``uint`` and ``int`` mean 256 bits.

    Args:
        text: The signature.
        array_bound: Most elements of an array without a length, and bytes of ``bytes`` and
            ``string``, 1 to `limits.WORDS_MAX`; None refuses them.
        private: Which parameters a proof hides, counted from 0.

    Raises:
        SignatureError: It is no signature, or has a parameter that cannot be bounded; or no such
            parameter as is private.
    """
    if array_bound is not None and not 0 < array_bound <= WORDS_MAX:
        raise SignatureError(f"arrays of {array_bound} elements; 1 to {WORDS_MAX} can be")
    return _Parser(text, array_bound).signature(private)


_TOKEN = re.compile(r"\s*([A-Za-z_$][A-Za-z0-9_$]*|[0-9]+|[(),\[\]])")
_ELEMENTARY = re.compile(r"address|bool|function|(u?)int([0-9]*)|bytes([0-9]+)")


class _Parser:
    """Tokens of a signature, taken from the left."""

    def __init__(self, text: str, array_bound: int | None) -> None:
        self.text = text
        self.array_bound = array_bound
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

    def signature(self, private: frozenset[int]) -> Signature:
        name = self.take()
        if not re.fullmatch(r"[A-Za-z_$][A-Za-z0-9_$]*", name):
            self.fail("it does not begin with a name")
        self.expect("(")
        members = self.members(0)
        if self.at < len(self.tokens):
            self.fail(f"it goes on with {self.tokens[self.at]!r}")
        canonical = f"{name}({','.join(text for text, _ in members)})"
        selector = int.from_bytes(keccak256(canonical.encode())[:SELECTOR_BYTES], "big")
        inputs = tuple(
            Input(f"arg{i}", shape, is_private=i in private) for i, (_, shape) in enumerate(members)
        )
        for index in sorted(private):
            if not 0 <= index < len(inputs):
                self.fail(f"it has no parameter {index} to be private, counted from 0")
        words = self.lay_out(inputs)
        return Signature(name, canonical, selector, inputs, words)

    def lay_out(self, inputs: tuple[Input, ...]) -> tuple[Place, ...]:
        """The words of calldata: first those of fixed size, then the arrays in order."""
        heads: list[Place] = []
        tails: list[Place] = []
        fixed = sum(1 if isinstance(f.shape, StructShape) else _size(f.shape) for f in inputs)
        leaf = 0
        for field in inputs:
            match field.shape:
                case StructShape(_, ((_, _), (_, items))):
                    heads.append(WORD_BYTES * (fixed + len(tails)))
                    most = self.array_bound or 0
                    tails += [Length(leaf, most, field.name), *_words(items, leaf + 1)]
                case shape:
                    heads += _words(shape, leaf)
            leaf += len(leaves(field.shape))
            if len(heads) + len(tails) > WORDS_MAX:
                self.fail(f"it has more than {WORDS_MAX} words")
        return (*heads, *tails)

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
        is_inside = depth > 0
        text, shape = self.single(depth)
        while self.peek() == "[":
            self.at += 1
            if self.peek() == "]":
                return self.array(text, shape, is_inside=is_inside)
            digits = self.take()
            if not digits.isdecimal() or not 0 < int(digits[:9]) <= WORDS_MAX or len(digits) > 9:
                self.fail(f"an array has 1 to {WORDS_MAX} elements")
            self.expect("]")
            text, shape = f"{text}[{int(digits)}]", ListShape(shape, int(digits))
            depth += 1
            if depth >= DEPTH_MAX or _size(shape) > WORDS_MAX:
                self.fail(f"it has more than {WORDS_MAX} words")
        return text, shape

    def array(self, text: str, element: Shape, *, is_inside: bool) -> tuple[str, Shape]:
        """The rest of an array whose length depends on the call."""
        self.expect("]")
        text = f"{text}[]"
        return text, self.bounded(text, element, 1, is_inside=is_inside)

    def bounded(self, text: str, element: Shape, size: int, *, is_inside: bool) -> Shape:
        """A length, and elements of a parameter, so many to a word of calldata."""
        if self.array_bound is None:
            self.fail(
                f"the length of {text} depends on the call; give the most elements that it may "
                f"have (`--array-bound N`), or write {text.removesuffix('[]')}[n]"
            )
        if is_inside or self.peek() == "[":
            self.fail(f"{text} is inside another type")
        items = ListShape(element, -(-self.array_bound // size))
        if _size(items) > WORDS_MAX:
            self.fail(f"it has more than {WORDS_MAX} words")
        name = text.capitalize() if size > 1 else "Array"
        return StructShape(name, (("length", U64), ("items", items)))

    def single(self, depth: int) -> tuple[str, Shape]:
        token = self.take()
        if token == "(":  # noqa: S105 - a parenthesis is no secret
            members = self.members(depth + 1)
            shape = TupleShape(tuple(shape for _, shape in members))
            if not members or _size(shape) > WORDS_MAX:
                self.fail(f"a tuple has 1 to {WORDS_MAX} words")
            return f"({','.join(text for text, _ in members)})", shape
        if token in ("bytes", "string"):
            return token, self.bounded(token, U256, WORD_BYTES, is_inside=depth > 0)
        return self.elementary(token), U256

    def elementary(self, token: str) -> str:
        match = _ELEMENTARY.fullmatch(token)
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


def _words(shape: Shape, leaf: int, index: int | None = None) -> list[Given]:
    """Where each word of a shape lies: the ABI lays elements out one after another."""
    match shape:
        case ListShape(element, length):
            base = (index or 0) * length
            rows = (_words(element, leaf, base + i) for i in range(length))
            return [place for row in rows for place in row]
        case TupleShape(items):
            found: list[Given] = []
            for item in items:
                found += _words(item, leaf, index)
                leaf += len(leaves(item))
            return found
        case _:
            return [Given(leaf, index)]
