"""Assignment: to variables, elements and fields.

A variable that holds an array is a name of its storage. Python's names share arrays; here each
array that a function makes has one name, so that storing into it says what Python would do:
binding a name again writes into its storage, and what might be shared is refused.
"""

import ast

import msgspec

from numen.ir.interface import ListShape, StructShape, TupleShape, is_text
from numen.ir.ops import Op
from numen.ir.types import U64, Array, Memory, Word
from numen.lang import arrays, operators
from numen.lang.errors import SharingError, SubsetError, TypesError
from numen.lang.expressions import field, part
from numen.lang.facts import meaning, root_name
from numen.lang.frame import Frame, Value
from numen.lang.scope import RESERVED, FunctionSymbol
from numen.lang.source import walk
from numen.lang.suggest import shown
from numen.lang.types import (
    LangType,
    contains_struct,
    field_span,
    references,
    registers,
    stores_struct,
)


def assign(f: Frame, target: ast.expr, value: ast.expr) -> None:
    """Lower ``target = value``."""
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple):
        _assign_parallel(f, target, value)
        return
    bind(f, target, f.value(value, target_type(f, target)), value)


def target_type(f: Frame, target: ast.expr) -> LangType | None:
    """The type a target asks for, where it is known before the value."""
    if f.host is not None:
        of: LangType | None = f.host.target_type(f, target)
        if of is not None:
            return of
    match target:
        case ast.Name(id=name):
            return f.types.get(name)
        case ast.Subscript(value=inner):
            of = target_type(f, inner)
            return of.element if isinstance(of, ListShape) else None
        case ast.Attribute(value=inner, attr=name):
            of = target_type(f, inner)
            return dict(of.fields).get(name) if isinstance(of, StructShape) else None
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            parts = [target_type(f, part) for part in targets]
            known = [part for part in parts if part is not None and not isinstance(part, Memory)]
            return TupleShape(tuple(known)) if len(known) == len(parts) else None
        case _:
            return None


def bind(f: Frame, target: ast.expr, value: Value, node: ast.expr) -> None:
    """Give a target a value.

    Args:
        f: The function.
        target: What stands left of ``=``, or after ``for``.
        value: The value; arrays in it that a name holds already are refused.
        node: The expression it comes from, for errors.
    """
    if f.host is not None and f.host.assign(f, target, value, node):
        return
    match target:
        case ast.Name(id=name):
            bind_name(f, target, name, value, node)
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            for inner, item in zip(targets, take_apart(f, target, targets, value), strict=True):
                bind(f, inner, item, node)
        case ast.Subscript():
            _set_element(f, target, value, node)
        case ast.Attribute():
            _set_field(f, target, value, node)
        case _:
            raise f.refuse(SubsetError, target, f"nothing can be assigned to {shown(target)}")


def take_apart(f: Frame, node: ast.expr, targets: list[ast.expr], value: Value) -> list[Value]:
    """The items of a tuple, or the elements of a list, for as many targets."""
    for target in targets:
        if isinstance(target, ast.Starred):
            raise f.refuse(SubsetError, target, "* is not part of the language", "name every item")
    match value.type:
        case TupleShape(items):
            count = len(items)
        case ListShape(_, length):
            count = length
        case _:
            raise f.refuse(TypesError, node, f"{value.type} cannot be taken apart")
    if count != len(targets):
        raise f.refuse(TypesError, node, f"{count} values for {len(targets)} names")
    if isinstance(value.type, TupleShape):
        return [part(value, position) for position in range(count)]
    writer = f.at(node)
    items_of = [arrays.element(f, node, value, writer.const(i, U64)) for i in range(count)]
    for target, item in zip(targets, items_of, strict=True):
        if references(item.type):
            raise f.refuse(SharingError, target, "a part of an array would have two names")
    return items_of


def bind_name(f: Frame, target: ast.expr, name: str, value: Value, node: ast.expr) -> None:
    """Give a variable a value; one called ``_`` is thrown away."""
    if name == "_":
        return
    declare(f, target, name, value.type, node)
    if not references(value.type):
        f.env[name] = msgspec.structs.replace(value, known=None)
        return
    value = arrays.own(f, node, value)
    if name in f.params:
        hint = "write its elements in a loop, or use another name"
        raise f.refuse(SharingError, target, f"the caller's array {name} cannot be replaced", hint)
    if name in f.views:
        message = f"{name} stands for a part of the array its loop goes through"
        raise f.refuse(SharingError, target, message, "use another name")
    if name in f.iterated:
        raise f.refuse(SharingError, target, f"{name} is replaced while a loop goes through it")
    if f.bindings.get(name, 0) <= 1:
        f.env[name] = msgspec.structs.replace(value, is_fresh=False)
        return
    if isinstance(value.type, Memory):
        raise f.refuse(
            SharingError, target, f"the memory {name} is bound twice", "use another name"
        )
    f.env[name] = _stored(f, target, name, value)


def view_name(f: Frame, target: ast.expr, name: str, value: Value, node: ast.expr) -> None:
    """Let the variable of a loop stand for a part of the array the loop goes through."""
    if name == "_":
        return
    declare(f, target, name, value.type, node)
    if name in f.params or name in f.stored or name in f.env:
        message = f"{name} is a name of another array"
        raise f.refuse(SharingError, target, message, "use another name for the loop")
    f.views.add(name)
    f.env[name] = value


def declare(f: Frame, target: ast.AST, name: str, of: LangType, node: ast.expr) -> None:
    """Settle the type of a variable, or hold a value against it."""
    if name in RESERVED:
        raise f.refuse(TypesError, target, f"{name} is a word of the language", "use another name")
    if name in f.sizes:
        raise f.refuse(TypesError, target, f"{name} is a size of the function", "use another name")
    if not registers(of):
        raise f.refuse(TypesError, node, f"{shown(node)} gives no value")
    known = f.types.setdefault(name, of)
    if known != of:
        f.require_type(node, Value(of, ()), known, name)


def _stored(f: Frame, target: ast.AST, name: str, value: Value) -> Value:
    """Copy the arrays of a value into the storage of a variable."""
    if name not in f.stored:
        f.stored[name] = tuple(
            "" if isinstance(of, Word) else f.storage(target, of, early=True)
            for of in registers(value.type)
        )
    regs = []
    for own, reg, of in zip(f.stored[name], value.regs, registers(value.type), strict=True):
        if isinstance(of, Array):
            f.at(target).effect(Op.COPY, of, own, reg)
        regs.append(own or reg)
    return Value(value.type, tuple(regs), is_fresh=False)


def _assign_parallel(f: Frame, target: ast.Tuple | ast.List, value: ast.Tuple) -> None:
    """Lower ``a, b = b, a``: every value before any target."""
    if len(target.elts) != len(value.elts):
        message = f"{len(value.elts)} values for {len(target.elts)} names"
        raise f.refuse(TypesError, target, message)
    values = []
    for inner, node in zip(target.elts, value.elts, strict=True):
        found = f.value(node, target_type(f, inner))
        # A text is copied before the name that has it may get another.
        values.append(arrays.own(f, node, found) if is_text(found.type) else found)
    for inner, node, found in zip(target.elts, value.elts, values, strict=True):
        bind(f, inner, found, node)


def _set_element(f: Frame, target: ast.Subscript, value: Value, node: ast.expr) -> None:
    base = f.value(target.value)
    if not isinstance(base.type, ListShape):
        hint = "make a new one" if isinstance(base.type, TupleShape) else ""
        raise f.refuse(TypesError, target, f"{base.type} has no elements to assign", hint)
    check_writable(f, target, base)
    if isinstance(target.slice, ast.Slice):
        raise f.refuse(SubsetError, target, "a slice cannot be assigned", "write a loop")
    at, _ = arrays.index(f, target.slice, base.type.length)
    f.require_type(node, value, base.type.element, "the element")
    if references(base.type.element):
        arrays.own(f, node, value)
        _check_whole(f, target)
    arrays.set_element(f, target, base, at, value)


def check_writable(f: Frame, node: ast.AST, base: Value) -> None:
    """Refuse to write into the array of a constant."""
    if base.is_constant:
        hint = "write a copy of it: xs = TABLE.copy()"
        raise f.refuse(SharingError, node, "a constant cannot change", hint)


def _check_whole(f: Frame, target: ast.expr) -> None:
    """Refuse to replace an array within an array that another name may reach.

    The standard modules may do it in a parameter: the call has seen to it that no loop of the
    caller has a name for a part of it.
    """
    name = root_name(target)
    if name in f.params and f.is_standard:
        return
    if name is None or name in f.params or name in f.views or name in f.iterated:
        hint = "write its elements in a loop"
        raise f.refuse(SharingError, target, "another name may hold the array replaced here", hint)


def _set_field(f: Frame, target: ast.Attribute, value: Value, node: ast.expr) -> None:
    if not isinstance(target.value, ast.Name) or target.value.id not in f.locals:
        hint = "build a new struct and assign that"
        raise f.refuse(SharingError, target, "only a variable's own fields are assigned", hint)
    name = target.value.id
    base = f.value(target.value)
    old = field(f, target, base, target.attr)
    assert isinstance(base.type, StructShape)
    f.require_type(node, value, old.type, target.attr)
    _check_unshared(f, target, name, base.type)
    if references(old.type):
        raise f.refuse(
            SharingError, target, "an array field cannot be replaced", "write its elements"
        )
    names = [known for known, _ in base.type.fields]
    _, start, _ = field_span(base.type, names.index(target.attr))
    regs = (*base.regs[:start], *value.regs, *base.regs[start + len(value.regs) :])
    f.env[name] = Value(base.type, regs, is_fresh=base.is_fresh)


def _check_unshared(f: Frame, target: ast.AST, name: str, struct: StructShape) -> None:
    """Refuse to change a struct that anything but one variable of this function may hold."""
    if struct.name in f.scope.frozen:
        raise f.refuse(SharingError, target, f"{struct.name} is frozen", "build a new one")
    hint = f"build a new one: {name} = {struct.name}(...)"
    if name in f.params:
        raise f.refuse(SharingError, target, f"{name} belongs to the caller", hint)
    if name not in f.unshared:
        f.unshared[name] = _is_unshared(f, name, struct)
    if not f.unshared[name]:
        message = f"another name may hold the struct {name}"
        raise f.refuse(SharingError, target, message, hint)


def _is_unshared(f: Frame, name: str, struct: StructShape) -> bool:
    """Whether every mention of a variable in the function keeps its struct to that variable."""
    nodes = walk(f.symbol.node.body)
    mentions = sum(isinstance(node, ast.Name) and node.id == name for node in nodes)
    return mentions == sum(_harmless(f, node, name, struct) for node in nodes)


def _harmless(f: Frame, node: ast.AST, name: str, struct: StructShape) -> int:
    """How many mentions of a variable right below a node cannot share its struct."""
    match node:
        case ast.Attribute(value=ast.Name(id=found)) | ast.Return(value=ast.Name(id=found)):
            return found == name
        case ast.Assign(targets=[ast.Name(id=found)], value=ast.Call(func=func)):
            return found == name and isinstance(meaning(func, f.scope), StructShape)
        case ast.AnnAssign(target=ast.Name(id=found), value=ast.Call(func=func)):
            return found == name and isinstance(meaning(func, f.scope), StructShape)
        case ast.Call(func=func, args=args):
            callee = meaning(func, f.scope)
            if not isinstance(callee, FunctionSymbol) or not _forgets(f, callee, struct):
                return 0
            return sum(isinstance(arg, ast.Name) and arg.id == name for arg in args)
        case _:
            return 0


def _forgets(f: Frame, callee: FunctionSymbol, struct: StructShape) -> bool:
    """Whether a function can neither return a struct it is given nor store it."""
    outline = f.unit.outline(callee)
    is_held = any(stores_struct(param.type, struct) for param in outline.params)
    result = outline.result
    return not is_held and result is not None and not contains_struct(result, struct)


def augmented(f: Frame, node: ast.AugAssign) -> None:
    """Lower ``target op= value``: the target's parts are computed once."""
    target, load = node.target, _as_load(node.target)
    binary = ast.copy_location(ast.BinOp(load, node.op, node.value), node)
    if isinstance(target, ast.Subscript):
        base = f.value(target.value)
        if not isinstance(base.type, ListShape):
            raise f.refuse(TypesError, target, f"{base.type} has no elements to assign")
        check_writable(f, target, base)
        at, _ = arrays.index(f, target.slice, base.type.length)
        old = arrays.element(f, target, base, at)
        arrays.set_element(f, target, base, at, combined(f, binary, old))
        return
    old = f.value(load)
    bind(f, target, combined(f, binary, old), node.value)


def combined(f: Frame, node: ast.BinOp, old: Value) -> Value:
    """What ``target op= value`` gives its target, whose old value is at hand."""
    hint = None if isinstance(node.op, ast.Pow | ast.LShift | ast.RShift) else old.type
    found = operators.binary(f, node, old, f.raw(node.right, hint), old.type)
    return f.require_type(node, f.typed(node, found, old.type), old.type)


def _as_load(target: ast.expr) -> ast.expr:
    """The target as an expression that reads it."""
    match target:
        case ast.Name(id=name):
            return ast.copy_location(ast.Name(name, ast.Load()), target)
        case ast.Attribute(value=value, attr=attr):
            return ast.copy_location(ast.Attribute(value, attr, ast.Load()), target)
        case ast.Subscript(value=value, slice=index):
            return ast.copy_location(ast.Subscript(value, index, ast.Load()), target)
        case _:
            return target
