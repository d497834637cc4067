"""Containers in the state: arrays that make room, sets, iterable maps, heaps and deques.

What they do is written in the language, in ``std/containers.numen``, over the words of an element.
Here is what a contract may write, and how its values become those words.
"""

import ast
from typing import Final, TypeAlias

import msgspec

from numen.ir.interface import ListShape, Shape
from numen.ir.nodes import Reg
from numen.ir.ops import Op
from numen.ir.types import BOOL, U64, U256, Array, Kind, Memory, Word
from numen.lang import calls
from numen.lang.contracts.cells import At, Words, from_word, put, take, to_word
from numen.lang.contracts.layout import size_words
from numen.lang.contracts.model import (
    NO_VALUES,
    DequeType,
    HeapType,
    IterableMapType,
    SetType,
    StateType,
    VectorType,
)
from numen.lang.errors import TypesError
from numen.lang.frame import Frame, Value
from numen.lang.scope import FunctionSymbol, Scope
from numen.lang.types import LangType, registers

LIBRARY: Final = "containers"

Container: TypeAlias = SetType | IterableMapType | HeapType | DequeType
CONTAINERS: Final = (SetType, IterableMapType, HeapType, DequeType)

_SIGN: Final = 1 << 255


class _Verb(msgspec.Struct, frozen=True):
    """Something that a container does.

    Attributes:
        usage: How a person writes it.
        changes: Whether it changes the container.
    """

    usage: str
    changes: bool = True


# fmt: off
_VERBS: Final[dict[type, dict[str, _Verb]]] = {
    VectorType: {
        "insert":      _Verb("insert(i, x)"),
        "swap_remove": _Verb("swap_remove(i)"),
    },
    SetType: {
        "add":         _Verb("add(x)"),
        "discard":     _Verb("discard(x)"),
        "remove":      _Verb("remove(x)"),
        "at":          _Verb("at(i)", changes=False),
    },
    IterableMapType: {
        "get":         _Verb("get(key, default)", changes=False),
        "key_at":      _Verb("key_at(i)", changes=False),
        "pop":         _Verb("pop(key)"),
    },
    HeapType: {
        "peek":        _Verb("peek()", changes=False),
        "pop":         _Verb("pop()"),
        "push":        _Verb("push(x)"),
    },
    DequeType: {
        "append":      _Verb("append(x)"),
        "appendleft":  _Verb("appendleft(x)"),
        "pop":         _Verb("pop()"),
        "popleft":     _Verb("popleft()"),
    },
}
# fmt: on

CHANGING: Final = frozenset(
    {name for verbs in _VERBS.values() for name, verb in verbs.items() if verb.changes}
    | {"append", "pop"}
)
"""The methods that change a container, an array among them, whatever it is."""


def has_verb(of: StateType | None, name: str) -> bool:
    """Whether a container does something."""
    return name in _VERBS.get(type(of), {})


def verbs(of: StateType) -> list[str]:
    """All that a container does."""
    return list(_VERBS.get(type(of), {}))


def functions(scope: Scope) -> tuple[FunctionSymbol, ...]:
    """The functions that may be called where a container stands."""
    symbols = scope.library(LIBRARY).names.values()
    return tuple(symbol for symbol in symbols if isinstance(symbol, FunctionSymbol))


def call(f: Frame, node: ast.Call, of: StateType, base: Reg, name: str) -> Value:
    """Lower ``self.x.name(...)``.

    Raises:
        LangError: The arguments do not fit.
    """
    usage = _VERBS[type(of)][name].usage
    match of, name:
        case VectorType(element), "insert":
            at, item = _arguments(f, node, usage, U64, _shape(f, node, element))
            return _give(f, node, "array_insert", base, item, at)
        case VectorType(element), "swap_remove":
            at = _arguments(f, node, usage, U64)[0]
            return _receive(f, node, "array_swap_remove", base, _shape(f, node, element), at)
        case SetType(key), "at":
            at = _arguments(f, node, usage, U64)[0]
            return _key(f, node, _run(f, node, "set_at", base, at), key)
        case SetType(key), _:
            word = key_word(f, node, _arguments(f, node, usage, key)[0])
            return _run(f, node, f"set_{name}", base, word)
        case IterableMapType(key, _), "key_at":
            at = _arguments(f, node, usage, U64)[0]
            return _key(f, node, _run(f, node, "set_at", base, at), key)
        case IterableMapType(key, value), "get":
            found, default = _arguments(f, node, usage, key, value)
            words = _words_of(f, node, default)
            _run(f, node, "map_get", base, key_word(f, node, found), words)
            return take(f, node, Words(words.reg, _room(value)), At(), value)
        case IterableMapType(key, value), _:
            word = key_word(f, node, _arguments(f, node, usage, key)[0])
            return _receive(f, node, "map_pop", base, value, word)
        case HeapType(entry), "push":
            item = _arguments(f, node, usage, entry)[0]
            return _give(f, node, "heap_push", base, item, order=entry)
        case HeapType(entry), _:
            _arguments(f, node, usage)
            return _receive(f, node, f"heap_{name}", base, entry, order=entry)
        case DequeType(element), "append" | "appendleft":
            return _give(f, node, f"deque_{name}", base, _arguments(f, node, usage, element)[0])
        case DequeType(element), _:
            _arguments(f, node, usage)
            return _receive(f, node, f"deque_{name}", base, element)
        case _:
            raise AssertionError(of)


def contains(f: Frame, node: ast.Compare, of: StateType, base: Reg) -> Value:
    """Lower ``key in self.x`` or ``key not in self.x``."""
    assert isinstance(of, SetType | IterableMapType)
    word = key_word(f, node, f.of_type(node.left, of.key, "the key"))
    found = _run(f, node, "set_has", base, word)
    if isinstance(node.ops[0], ast.NotIn):
        return Value(BOOL, (f.at(node).invert(found.reg),))
    return found


def find(f: Frame, node: ast.AST, of: IterableMapType, base: Reg, index: ast.expr) -> Reg:
    """The first slot of the value of a key, which must be there."""
    word = key_word(f, index, f.of_type(index, of.key, "the key"))
    return _run(f, node, "map_find", base, word).reg


def reserve(f: Frame, node: ast.AST, of: IterableMapType, base: Reg, index: ast.expr) -> Reg:
    """The first slot of the value of a key, which is there from now on."""
    word = key_word(f, index, f.of_type(index, of.key, "the key"))
    return _run(f, node, "map_reserve", base, word).reg


def remove(f: Frame, node: ast.AST, of: IterableMapType, base: Reg, index: ast.expr) -> None:
    """Lower ``del self.x[key]``."""
    word = key_word(f, index, f.of_type(index, of.key, "the key"))
    _receive(f, node, "map_pop", base, of.value, word)


def slot_at(f: Frame, node: ast.AST, base: Reg, index: ast.expr) -> Reg:
    """The first slot of an element of a deque."""
    match index:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as back)) if back > 0:
            writer = f.at(node)
            return _run(f, node, "deque_from_end", base, Value(U64, (writer.const(back, U64),))).reg
        case _:
            return _run(f, node, "deque_at", base, f.of_type(index, U64, "the index")).reg


def key_word(f: Frame, node: ast.AST, key: Value) -> Value:
    """A key as a word."""
    reg = key.reg
    if isinstance(key.type, Word):
        reg = to_word(f, node, reg, key.type)
    return Value(U256, (reg,))


def _key(f: Frame, node: ast.AST, word: Value, of: Shape) -> Value:
    """A word as a key."""
    reg = word.reg
    if isinstance(of, Word):
        reg = from_word(f, node, reg, of)
    return Value(of, (reg,))


def _shape(f: Frame, node: ast.AST, of: StateType) -> Shape:
    if isinstance(of, NO_VALUES):
        raise f.refuse(TypesError, node, f"{of} is no value")
    return of


def _arguments(f: Frame, node: ast.Call, usage: str, *types: LangType) -> list[Value]:
    if node.keywords or len(node.args) != len(types):
        raise f.refuse(TypesError, node, f"it takes {len(types)} arguments", f"write {usage}")
    return [f.of_type(arg, of) for arg, of in zip(node.args, types, strict=True)]


def _give(
    f: Frame,
    node: ast.AST,
    name: str,
    base: Reg,
    item: Value,
    *args: Value,
    order: Shape | None = None,
) -> Value:
    """Call a function that takes the words of an element."""
    words = _words_of(f, node, item)
    if order is not None:
        _flip(f, node, words.reg, order)
    return _run(f, node, name, base, *args, words)


def _receive(
    f: Frame,
    node: ast.AST,
    name: str,
    base: Reg,
    of: Shape,
    *args: Value,
    order: Shape | None = None,
) -> Value:
    """Call a function that fills in the words of an element."""
    room = _room(of)
    array = f.storage(node, room)
    _run(f, node, name, base, *args, Value(ListShape(U256, room.length), (array,)))
    if order is not None:
        _flip(f, node, array, order)
    return take(f, node, Words(array, room), At(), of)


def _words_of(f: Frame, node: ast.AST, item: Value) -> Value:
    assert not isinstance(item.type, Memory)
    room = _room(item.type)
    array = f.storage(node, room)
    put(f, node, Words(array, room), At(), item)
    return Value(ListShape(U256, room.length), (array,))


def _room(of: Shape) -> Array:
    return Array(U256, size_words(of))


def _flip(f: Frame, node: ast.AST, array: Reg, of: Shape) -> None:
    """Turn the signs of signed words, so that words without sign have the order of the values."""
    parts = registers(of)
    words = Words(array, Array(U256, len(parts)))
    for index, part in enumerate(parts):
        if isinstance(part, Word) and part.kind is Kind.SIGNED:
            word = words.get(f, node, At(index))
            writer = f.at(node)
            words.set(f, node, At(index), writer.op(Op.XOR, U256, word, writer.const(_SIGN, U256)))


def _run(f: Frame, node: ast.AST, name: str, base: Reg, *args: Value) -> Value:
    """Call a function of the library."""
    symbol = f.scope.library(LIBRARY).names[name]
    assert isinstance(symbol, FunctionSymbol)
    lengths = [value.type.length for value in args if isinstance(value.type, ListShape)]
    sizes = {"W": lengths[-1]} if lengths else {}
    found = f.unit.instance(symbol, sizes, f.symbol, node)
    return calls.write_call(f, node, found, [Value(U256, (base,)), *args])
