"""Where values lie: state types and their slots, and the words of Ethereum's ABI.

Source: Solidity's documentation, "Layout of State Variables in Storage" (without packing) and
"Contract ABI Specification" (static types).
"""

import ast
from typing import Final

from numen.base.crypto import keccak256
from numen.ir.interface import ListShape, Shape, StructShape, TupleShape, is_text
from numen.ir.types import Kind, Memory, Word
from numen.lang import annotations
from numen.lang.contracts.model import (
    ADDRESS,
    BYTES32,
    DequeType,
    Field,
    HeapType,
    IterableMapType,
    MapType,
    SetType,
    StateType,
    VectorType,
)
from numen.lang.errors import TooLargeError, TypesError
from numen.lang.scope import Scope
from numen.lang.types import NOTHING, references, registers

INDEXED_MAX: Final = 3
"""Most indexed fields of an event: a log has four topics."""

SIZE_WORDS_MAX: Final = 1024
"""Most words of one argument, result or variable that is no map."""

HEAP_WORDS_MAX: Final = 8
"""Most words of an entry of a heap."""

_MAP_DEPTH_MAX: Final = 8

_EXAMPLES: Final = {
    "map": "map[address, u128]",
    "array": "array[u128]",
    "set": "set[address]",
    "iterable_map": "iterable_map[address, u128]",
    "heap": "heap[u128]",
    "deque": "deque[u128]",
}


def state_type(node: ast.expr, scope: Scope, depth: int = 0) -> StateType:
    """The type of a state variable.

    Raises:
        LangError: It is none.
    """
    if depth > _MAP_DEPTH_MAX:
        raise scope.source.refuse(TooLargeError, node, "maps nest too deeply")
    match node:
        case ast.Subscript(value=ast.Name(id="map"), slice=ast.Tuple(elts=[key, value])):
            return MapType(_key_type(key, scope), state_type(value, scope, depth + 1))
        case ast.Subscript(value=ast.Name(id="array"), slice=element):
            return VectorType(state_type(element, scope, depth + 1))
        case ast.Subscript(value=ast.Name(id="set"), slice=key):
            return SetType(_key_type(key, scope))
        case ast.Subscript(value=ast.Name(id="iterable_map"), slice=ast.Tuple(elts=[key, value])):
            return IterableMapType(_key_type(key, scope), _value_type(value, scope))
        case ast.Subscript(value=ast.Name(id="heap"), slice=entry):
            return HeapType(_ordered_type(entry, scope))
        case ast.Subscript(value=ast.Name(id="deque"), slice=element):
            return DequeType(_value_type(element, scope))
        case ast.Name(id=name) if name in _EXAMPLES:
            hint = f"write {_EXAMPLES[name]}"
            raise scope.source.refuse(TypesError, node, f"{name} needs its parts", hint)
    return _value_type(node, scope)


def _key_type(node: ast.expr, scope: Scope) -> Shape:
    of = annotations.resolve(node, scope, {})
    if isinstance(of, Memory) or size_words(of) != 1 or references(of):
        hint = "write map[address, u128], or nest maps"
        raise scope.source.refuse(TypesError, node, "a key is one word", hint)
    return of


def _ordered_type(node: ast.expr, scope: Scope) -> Shape:
    of = _value_type(node, scope)
    words = registers(of)
    is_flat = len(words) <= HEAP_WORDS_MAX and all(isinstance(word, Word) for word in words)
    if not is_flat or any(word.kind is Kind.FIELD for word in words if isinstance(word, Word)):
        hint = "write heap[u128], or heap[tuple[u128, address]]: the first item counts most"
        message = f"entries of a heap are up to {HEAP_WORDS_MAX} words that have an order"
        raise scope.source.refuse(TypesError, node, message, hint)
    return of


def _value_type(node: ast.expr, scope: Scope) -> Shape:
    found = annotations.resolve(node, scope, {})
    if isinstance(found, Memory) or found == NOTHING:
        raise scope.source.refuse(TypesError, node, "a state variable is no memory")
    if size_words(found) > SIZE_WORDS_MAX:
        hint = "write map[u64, T] or array[T]"
        raise scope.source.refuse(
            TooLargeError, node, f"more than {SIZE_WORDS_MAX} words in one variable", hint
        )
    return found


def slots(of: StateType) -> int:
    """How many slots of its own a variable takes."""
    match of:
        case MapType() | VectorType() | HeapType():
            return 1
        case SetType() | DequeType():
            return 2
        case IterableMapType():
            return 3
        case _:
            return size_words(of)


def size_words(of: Shape) -> int:
    """Words of a value in the ABI, and slots in the state."""
    match of:
        case Word():
            return 1
        case ListShape(element, length):
            return length * size_words(element)
        case StructShape(_, fields):
            return sum(size_words(part) for _, part in fields)
        case TupleShape(items):
            return sum(size_words(part) for part in items)


def head_words(of: Shape) -> int:
    """Words of a value where it stands among others: of a text only its offset stands there."""
    return 1 if is_text(of) else size_words(of)


def abi_type(of: Shape) -> str:
    """The name of a type in the ABI, as signatures spell it."""
    match of:
        case Word(kind=Kind.BOOL):
            return "bool"
        case Word(kind=Kind.UNSIGNED, bits=bits):
            return f"uint{bits}"
        case Word(kind=Kind.SIGNED, bits=bits):
            return f"int{bits}"
        case Word():
            return "uint256"
        case ListShape(element, length):
            return f"{abi_type(element)}[{length}]"
        case TupleShape(items):
            return f"({','.join(abi_type(item) for item in items)})"
        case StructShape():
            if is_address(of):
                return "address"
            if of == BYTES32:
                return "bytes32"
            if is_text(of):
                return "string" if of.name.startswith("str") else "bytes"
            return f"({','.join(abi_type(part) for _, part in of.fields)})"


def is_address(of: Shape) -> bool:
    """Whether a value is an address, or one that is known to answer an interface."""
    return of == ADDRESS or (isinstance(of, StructShape) and of.fields == (("address", ADDRESS),))


def signature(name: str, params: tuple[Field, ...]) -> str:
    """The text that names a message, error or event."""
    return f"{name}({','.join(abi_type(field.type) for field in params)})"


def selector(name: str, params: tuple[Field, ...]) -> int:
    """The first four bytes of the hash of a signature, as a number."""
    return int.from_bytes(keccak256(signature(name, params).encode())[:4], "big")


def topic(name: str, params: tuple[Field, ...]) -> int:
    """The hash of a signature, as a number."""
    return int.from_bytes(keccak256(signature(name, params).encode()), "big")
