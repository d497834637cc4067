"""State variables in expressions and assignments: where ``self.a[b].c`` lies, and what is there."""

import ast
from collections.abc import Mapping

import msgspec

from numen.ir.host import PRIVATE_FROM
from numen.ir.interface import ListShape, StructShape
from numen.ir.nodes import Reg
from numen.ir.ops import Op
from numen.ir.types import U64, U256, Word
from numen.lang import arrays
from numen.lang.contracts import containers
from numen.lang.contracts.cells import At, Realm, Slots, put, take, to_word
from numen.lang.contracts.layout import size_words
from numen.lang.contracts.model import (
    NO_VALUES,
    DequeType,
    HeapType,
    IterableMapType,
    MapType,
    SetType,
    StateType,
    Variable,
    VectorType,
)
from numen.lang.errors import TypesError, UnknownNameError
from numen.lang.frame import Frame, Value
from numen.lang.suggest import did_you_mean, shown
from numen.lang.types import NOTHING


class Location(msgspec.Struct, frozen=True):
    """A part of the state: its type, the register that names its first slot, and its realm."""

    type: StateType
    slot: Reg
    realm: Realm | None = None

    @property
    def slots(self) -> Slots:
        """Its slots."""
        return Slots(self.slot, self.realm)

    def hashed(self, f: Frame, node: ast.AST, word: Reg) -> Reg:
        """The key of the first slot of an element."""
        key = f.at(node).op(Op.HASH, None, word, self.slot)
        return key if self.realm is None else self.realm.key(f, node, key)


def root(node: ast.AST) -> str | None:
    """The state variable that an expression leads into, or None."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return name
        node = node.value
    return None


def type_of(node: ast.AST, variables: Mapping[str, Variable]) -> StateType | None:
    """The type of a part of the state, without lowering anything."""
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return variables[name].type if name in variables else None
        case ast.Subscript(value=inner):
            match type_of(inner, variables):
                case MapType(value=part) | IterableMapType(value=part):
                    return part
                case VectorType(element=part) | DequeType(element=part) | ListShape(element=part):
                    return part
        case ast.Attribute(value=inner, attr=name):
            whole = type_of(inner, variables)
            return dict(whole.fields).get(name) if isinstance(whole, StructShape) else None
    return None


def locate(
    f: Frame,
    node: ast.expr,
    variables: Mapping[str, Variable],
    realms: tuple[Realm, Realm] | None,
) -> Location:
    """Lower the way to a part of the state, whose root is a variable.

    Args:
        f: Where.
        node: The way.
        variables: Of the contract.
        realms: Its public and its private slots; None where all are public.
    """
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            variable = variables[name]
            first = variable.slot + variable.is_private * PRIVATE_FROM
            realm = realms[variable.is_private] if realms is not None else None
            return Location(variable.type, f.at(node).const(first, U256), realm)
        case ast.Subscript(value=inner, slice=index):
            return _element(f, node, locate(f, inner, variables, realms), index)
        case ast.Attribute(value=inner, attr=name):
            return _field(f, node, locate(f, inner, variables, realms), name)
        case _:
            raise AssertionError(node)


def read(f: Frame, node: ast.expr, place: Location) -> Value:
    """Read a part of the state."""
    if isinstance(place.type, NO_VALUES):
        raise f.refuse(TypesError, node, f"{place.type} is no value", _part_of(node, place.type))
    return take(f, node, place.slots, At(), place.type)


def _part_of(node: ast.AST, of: StateType) -> str:
    """What to write instead of a whole container."""
    known = containers.verbs(of)
    if isinstance(of, SetType | HeapType):
        return f"write {shown(node)}.{known[0]}(...)"
    return f"write {shown(node)}[key]"


def entry(
    f: Frame,
    target: ast.expr,
    variables: Mapping[str, Variable],
    realms: tuple[Realm, Realm] | None,
) -> Location:
    """Lower the way to what is assigned: a key of an iterable map is there from then on."""
    if isinstance(target, ast.Subscript):
        of = type_of(target.value, variables)
        if isinstance(of, IterableMapType):
            base = locate(f, target.value, variables, realms)
            first = containers.reserve(f, target, of, base.slot, target.slice)
            return Location(of.value, first, base.realm)
    return locate(f, target, variables, realms)


def delete(
    f: Frame,
    target: ast.expr,
    variables: Mapping[str, Variable],
    realms: tuple[Realm, Realm] | None,
) -> None:
    """Lower ``del self.a[b]``: zeros, or a key less in an iterable map."""
    if isinstance(target, ast.Subscript):
        of = type_of(target.value, variables)
        if isinstance(of, IterableMapType):
            base = locate(f, target.value, variables, realms)
            containers.remove(f, target, of, base.slot, target.slice)
            return
    clear(f, target, locate(f, target, variables, realms))


def write(f: Frame, target: ast.expr, place: Location, value: Value, node: ast.expr) -> None:
    """Write a part of the state."""
    if isinstance(place.type, NO_VALUES):
        hint = "assign its elements"
        raise f.refuse(TypesError, target, f"{place.type} cannot be assigned", hint)
    f.require_type(node, value, place.type, shown(target))
    put(f, target, place.slots, At(), value)


def clear(f: Frame, node: ast.expr, place: Location) -> None:
    """Write zeros, as before anything was written."""
    if isinstance(place.type, NO_VALUES):
        raise f.refuse(TypesError, node, f"{place.type} cannot be cleared", "clear its elements")
    zero, slots = f.at(node).const(0, U256), place.slots
    if size_words(place.type) == 1:
        slots.set(f, node, At(), zero)
        return
    arrays.each(f, node, size_words(place.type), lambda at: slots.set(f, node, At(0, at), zero))


def length(f: Frame, node: ast.expr, place: Location) -> Value:
    """How many elements an array or another container has, a u64."""
    count = place.slots.get(f, node, At())
    return Value(U64, (f.at(node).op(Op.CAST, U256, count, to=U64),))


def append(f: Frame, node: ast.Call, place: Location) -> Value:
    """Lower ``self.items.append(value)``."""
    assert isinstance(place.type, VectorType)
    element = place.type.element
    if len(node.args) != 1 or node.keywords or isinstance(element, NO_VALUES):
        raise f.refuse(TypesError, node, f"append takes one {element}")
    value = f.of_type(node.args[0], element, "the element")
    count = place.slots.get(f, node, At())
    put(f, node, Slots(place.hashed(f, node, count), place.realm), At(), value)
    writer = f.at(node)
    more = writer.op(Op.ADD, U256, count, writer.const(1, U256))
    place.slots.set(f, node, At(), more)
    return Value(NOTHING, ())


def pop(f: Frame, node: ast.Call, place: Location) -> Value:
    """Lower ``self.items.pop()``: take the last element away."""
    assert isinstance(place.type, VectorType)
    element = place.type.element
    if node.args or node.keywords or isinstance(element, NO_VALUES):
        raise f.refuse(TypesError, node, "pop takes nothing", "write self.items.pop()")
    count = place.slots.get(f, node, At())
    writer = f.at(node)
    zero = writer.const(0, U256)
    some = writer.invert(writer.op(Op.EQ, U256, count, zero))
    writer.effect(Op.REQUIRE, None, some, symbol="pop from an empty array")
    last = writer.op(Op.SUB, U256, count, writer.const(1, U256))
    at = Location(element, place.hashed(f, node, last), place.realm)
    value = read(f, node, at)
    clear(f, node, at)
    place.slots.set(f, node, At(), last)
    return value


def _element(f: Frame, node: ast.Subscript, base: Location, index: ast.expr) -> Location:
    writer = f.at(node)
    match base.type:
        case MapType(key, value):
            found = f.of_type(index, key, "the key")
            word = found.reg
            if isinstance(key, Word):
                word = to_word(f, index, word, key)
            return Location(value, base.hashed(f, node, word), base.realm)
        case IterableMapType(_, value) as of:
            return Location(value, containers.find(f, node, of, base.slot, index), base.realm)
        case DequeType(element):
            return Location(element, containers.slot_at(f, node, base.slot, index), base.realm)
        case VectorType(element):
            at = f.of_type(index, U64, "the index").reg
            count = base.slots.get(f, node, At())
            writer = f.at(node)
            word = writer.op(Op.CAST, U64, at, to=U256)
            inside = writer.op(Op.LT, U256, word, count)
            writer.effect(Op.REQUIRE, None, inside, symbol="index out of bounds")
            return Location(element, base.hashed(f, node, word), base.realm)
        case ListShape(element, count):
            at, known = arrays.index(f, index, count)
            writer = f.at(node)
            if known is None:
                inside = writer.op(Op.LT, U64, at, writer.const(count, U64))
                writer.effect(Op.REQUIRE, None, inside, symbol="index out of bounds")
            word = writer.op(Op.CAST, U64, at, to=U256)
            far = writer.op(Op.WRAPPING_MUL, U256, word, writer.const(size_words(element), U256))
            first = writer.op(Op.WRAPPING_ADD, U256, base.slot, far)
            return Location(element, first, base.realm)
        case _:
            raise f.refuse(TypesError, node, f"{base.type} has no elements")


def _field(f: Frame, node: ast.Attribute, base: Location, name: str) -> Location:
    if not isinstance(base.type, StructShape):
        raise f.refuse(UnknownNameError, node, f"{base.type} has no field {name}")
    offset = 0
    for known, of in base.type.fields:
        if known == name:
            writer = f.at(node)
            slot = base.slot
            if offset:
                slot = writer.op(Op.WRAPPING_ADD, U256, slot, writer.const(offset, U256))
            return Location(of, slot, base.realm)
        offset += size_words(of)
    names = [known for known, _ in base.type.fields]
    raise f.refuse(
        UnknownNameError, node, f"{base.type} has no field {name}", did_you_mean(name, names)
    )
