"""What loops go through: ranges, and the elements of lists.

Every loop counts a register up from a start, by a constant step, while it is less than a bound;
the sum cannot pass the end of its type. A range that does not count so by itself (downwards, or by
a step that might pass the end) is counted from zero, and its items are computed from the count.
"""

import ast
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from numen.ir.interface import ListShape, TupleShape
from numen.ir.nodes import Reg
from numen.ir.ops import Op
from numen.ir.types import U64, WORDS, Kind, Memory, Word
from numen.lang import arrays
from numen.lang.errors import LangError, RangeError, SubsetError, TypesError
from numen.lang.facts import root_name
from numen.lang.frame import Frame, Literal, Value
from numen.lang.scope import RESERVED
from numen.lang.suggest import shown
from numen.lang.types import LangType, is_integer, references, registers

Item: TypeAlias = Callable[[Reg], Value]


class Counting(msgspec.Struct, frozen=True):
    """A loop before it is written.

    Attributes:
        word: The type that counts.
        start: Where the count begins.
        stop: The count that ends it.
        step: How far the count goes on each time, 1 or more.
        item: Writes what the loop's variable is at a count.
        roots: The variables whose arrays it goes through.
        length: How many times it goes around, where that is known.
    """

    word: Word
    start: Reg
    stop: Reg
    step: int
    item: Item
    roots: tuple[str, ...] = ()
    length: int | None = None


def plan(f: Frame, node: ast.expr) -> Counting:
    """Lower what stands after ``in``.

    Raises:
        LangError: It is neither a range nor a list, nor `enumerate` or `zip` of lists.
    """
    match node:
        case ast.Call(func=ast.Name(id="range"), args=args, keywords=[]):
            return _range(f, node, args)
        case ast.Call(func=ast.Name(id="enumerate"), args=[inner], keywords=[]):
            return _enumerate(f, inner)
        case ast.Call(func=ast.Name(id="zip"), args=[_, *_] as inners, keywords=[]):
            return _zip(f, node, inners)
        case ast.Call(func=ast.Name(id="reversed")):
            hint = "write for i in range(n - 1, -1, -1)"
            raise f.refuse(SubsetError, node, "reversed is not part of the language", hint)
        case _:
            return _elements(f, node)


def advance(f: Frame, counting: Counting, count: Reg) -> Reg:
    """Write the next count."""
    step = f.writer.const(counting.step, counting.word)
    return f.writer.op(Op.WRAPPING_ADD, counting.word, count, step)


def comprehension(f: Frame, node: ast.ListComp, expected: LangType | None) -> Value:
    """Lower ``[value for x in ...]`` into an array of its own."""
    if len(node.generators) != 1 or node.generators[0].ifs or node.generators[0].is_async:
        raise f.refuse(SubsetError, node, "a list takes one for and no if", "write the loops")
    target, counting = node.generators[0].target, plan(f, node.generators[0].iter)
    if counting.length is None:
        hint = "lists have a fixed length: write a range of constants, or go through a list"
        raise f.refuse(TypesError, node, "the length of the list is not known", hint)
    hint_type = expected.element if isinstance(expected, ListShape) else None
    writer = f.at(node)
    head = f.open_loop((), (counting.start, counting.word), (writer.const(0, U64), U64))
    count, position = head.extra
    inside, after = writer.announce("fill"), writer.announce("filled")
    writer.branch(writer.op(Op.LT, counting.word, count, counting.stop), inside, after)
    writer.enter(inside)
    saved = f.env, f.locals, f.types
    f.env, f.locals, f.types = dict(f.env), set(f.locals), dict(f.types)
    _bind_names(f, target, counting.item(count))
    value = arrays.own(f, node.elt, f.value(node.elt, hint_type))
    f.env, f.locals, f.types = saved
    made = arrays.make(f, node, arrays.list_type(f, node, value.type, counting.length), early=True)
    arrays.set_element(f, node, made, position, value)
    f.at(node)
    following = writer.op(Op.WRAPPING_ADD, U64, position, writer.const(1, U64))
    f.close_loop(head, advance(f, counting, count), following)
    writer.enter(after)
    return made


def _bind_names(f: Frame, target: ast.expr, value: Value) -> None:
    match target:
        case ast.Name(id=name):
            if name in RESERVED:
                raise f.refuse(TypesError, target, f"{name} is a word of the language", "rename it")
            f.env[name] = value
            f.locals.add(name)
        case ast.Tuple(elts=targets) if isinstance(value.type, TupleShape) and len(targets) == len(
            value.type.items
        ):
            start = 0
            for inner, of in zip(targets, value.type.items, strict=True):
                stop = start + len(registers(of))
                _bind_names(f, inner, Value(of, value.regs[start:stop], not references(of)))
                start = stop
        case _:
            raise f.refuse(TypesError, target, f"{value.type} cannot be taken apart so")


def _range(f: Frame, node: ast.Call, args: list[ast.expr]) -> Counting:
    if not 1 <= len(args) <= 3:
        raise f.refuse(
            TypesError, node, "range takes one to three numbers", "range(start, stop, step)"
        )
    step = arrays.constant(f, args[2]) if len(args) == 3 else 1
    if step == 0:
        raise f.refuse(RangeError, args[2], "the step of a range is zero")
    start_node = args[0] if len(args) > 1 else None
    stop_node = args[1] if len(args) > 1 else args[0]
    start = f.raw(start_node) if start_node is not None else Literal(0)
    stop = f.raw(stop_node, start.type if isinstance(start, Value) else None)
    word = _range_word(f, node, (start_node or stop_node, start), (stop_node, stop))
    if isinstance(start, Literal) and isinstance(stop, Literal):
        return _constant_range(f, node, word, range(start.value, stop.value, step))
    first = f.typed(start_node or stop_node, start, word).reg
    if step < 0:
        return _descending(f, node, word, first, (stop_node, stop), step)
    bound = f.typed(stop_node, stop, word)
    if step == 1 or (bound.known is not None and bound.known - 1 + step <= word.high):
        return Counting(word, first, bound.reg, step, lambda count: Value(word, (count,)))
    is_some = f.at(node).op(Op.LT, word, first, bound.reg)
    count = _count(f, word, is_some, bound.reg, first, step)
    return _counted(f, node, word, first, count, step)


def _range_word(
    f: Frame,
    node: ast.expr,
    start: tuple[ast.expr, Value | Literal],
    stop: tuple[ast.expr, Value | Literal],
) -> Word:
    words = [(at, found.type) for at, found in (start, stop) if isinstance(found, Value)]
    for at, of in words:
        if not is_integer(of):
            hint = f"write u64({shown(at)})" if isinstance(of, Word) else ""
            raise f.refuse(TypesError, at, f"a range is of integers, not {of}", hint)
    if len({of.name for _, of in words if isinstance(of, Word)}) > 1:
        message = f"the ends of the range differ: {words[0][1]} and {words[1][1]}"
        raise f.refuse(TypesError, node, message, f"write {words[0][1]}({shown(words[1][0])})")
    return words[0][1] if words and isinstance(words[0][1], Word) else U64


def _constant_range(f: Frame, node: ast.expr, word: Word, items: range) -> Counting:
    for edge in items[:1], items[-1:]:
        if edge and edge[0] not in word:
            hint = "write range(i64(a), b) for numbers below zero"
            raise f.refuse(RangeError, node, f"{edge[0]} is not a {word}", hint)
    length = _length(f, node, items)
    writer = f.at(node)
    stop = items.start + length * items.step
    if items.step > 0 and stop in word and items.start in word:
        direct = writer.const(items.start, word), writer.const(stop, word)
        return Counting(
            word, *direct, items.step, lambda count: Value(word, (count,)), length=length
        )
    unsigned = _unsigned(word)
    first = writer.const(items.start if length else 0, word)
    counted = _counted(f, node, word, first, writer.const(length, unsigned), items.step)
    return msgspec.structs.replace(counted, length=length)


def _length(f: Frame, node: ast.expr, items: range) -> int:
    length = max(0, -(-(items.stop - items.start) // items.step))
    if length >= 1 << 63:
        raise f.refuse(RangeError, node, "a range of more than 2**63 numbers")
    return length


def _descending(
    f: Frame,
    node: ast.expr,
    word: Word,
    first: Reg,
    stop: tuple[ast.expr, Value | Literal],
    step: int,
) -> Counting:
    stop_node, found = stop
    if isinstance(found, Literal) and found.value == word.low - 1:
        # range(n - 1, -1, -1): every number down to the least of the type.
        writer, unsigned = f.at(node), _unsigned(word)
        last = writer.const(word.low, word)
        rounds = writer.op(
            Op.DIV, unsigned, _distance(f, word, first, last), writer.const(-step, unsigned)
        )
        count = writer.op(Op.ADD, unsigned, rounds, writer.const(1, unsigned))
        return _counted(f, node, word, first, count, step)
    bound = f.typed(stop_node, found, word).reg
    is_some = f.at(node).op(Op.LT, word, bound, first)
    return _counted(f, node, word, first, _count(f, word, is_some, first, bound, -step), step)


def _count(f: Frame, word: Word, is_some: Reg, high: Reg, low: Reg, step: int) -> Reg:
    """How many steps lie between two numbers, the first one included; zero unless ``is_some``."""
    writer, unsigned = f.writer, _unsigned(word)
    one = writer.const(1, unsigned)
    between = writer.op(Op.WRAPPING_SUB, unsigned, _distance(f, word, high, low), one)
    rounds = writer.op(Op.DIV, unsigned, between, writer.const(step, unsigned))
    count = writer.op(Op.WRAPPING_ADD, unsigned, rounds, one)
    return writer.op(Op.SELECT, unsigned, is_some, count, writer.const(0, unsigned))


def _distance(f: Frame, word: Word, high: Reg, low: Reg) -> Reg:
    """``high - low`` in the unsigned type of the same width, which holds it."""
    distance = f.writer.op(Op.WRAPPING_SUB, word, high, low)
    if word.kind is Kind.SIGNED:
        distance = f.writer.op(Op.TRUNCATE, word, distance, to=_unsigned(word))
    return distance


def _counted(f: Frame, node: ast.expr, word: Word, first: Reg, count: Reg, step: int) -> Counting:
    unsigned = _unsigned(word)
    if abs(step) > unsigned.high:
        raise f.refuse(RangeError, node, f"a step of {step} is too wide for {word}")

    def item(at: Reg) -> Value:
        writer = f.at(node)
        far = writer.op(Op.WRAPPING_MUL, unsigned, at, writer.const(abs(step), unsigned))
        if word.kind is Kind.SIGNED:
            far = writer.op(Op.TRUNCATE, unsigned, far, to=word)
        op = Op.WRAPPING_SUB if step < 0 else Op.WRAPPING_ADD
        return Value(word, (writer.op(op, word, first, far),))

    return Counting(unsigned, f.at(node).const(0, unsigned), count, 1, item)


def _unsigned(word: Word) -> Word:
    return WORDS[f"u{word.bits}"]


def _elements(f: Frame, node: ast.expr) -> Counting:
    base = f.value(node)
    if not isinstance(base.type, ListShape):
        raise _not_iterable(f, node, base)
    roots = (root_name(node),)
    return _through(f, node, base.type.length, roots, lambda at: arrays.element(f, node, base, at))


def _enumerate(f: Frame, node: ast.expr) -> Counting:
    inner = _elements(f, node)

    def item(at: Reg) -> Value:
        return _pair([Value(U64, (at,)), inner.item(at)])

    return msgspec.structs.replace(inner, item=item)


def _zip(f: Frame, node: ast.expr, inners: list[ast.expr]) -> Counting:
    parts = [_elements(f, inner) for inner in inners]
    length = min(part.length or 0 for part in parts)
    roots = tuple(root for part in parts for root in part.roots)
    return _through(f, node, length, roots, lambda at: _pair([part.item(at) for part in parts]))


def _pair(values: list[Value]) -> Value:
    """A tuple of the items that loops over several lists are at."""
    items = [value.type for value in values if not isinstance(value.type, Memory)]
    return Value(
        TupleShape(tuple(items)),
        tuple(reg for value in values for reg in value.regs),
        is_fresh=all(value.is_fresh for value in values),
        is_constant=any(value.is_constant for value in values),
    )


def _through(
    f: Frame, node: ast.expr, length: int, roots: tuple[str | None, ...], item: Item
) -> Counting:
    writer = f.at(node)
    start, stop = writer.const(0, U64), writer.const(length, U64)
    named = tuple(root for root in roots if root)
    return Counting(U64, start, stop, 1, item, named, length)


def _not_iterable(f: Frame, node: ast.expr, base: Value) -> LangError:
    hint = f"write range({shown(node)})" if isinstance(base.type, Word) else ""
    return f.refuse(TypesError, node, f"a loop cannot go through {base.type}", hint)
