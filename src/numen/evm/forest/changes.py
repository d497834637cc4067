"""Putting keys into native tries, and taking them out.

Both return the index of the trie's root afterwards. Every node on the way loses its reference.
"""

from numen.evm.forest.nodes import (
    DIGITS,
    NODE,
    child_place,
    digit,
    forget_reference,
    node_at,
    read_index,
    write_give_back,
    write_index,
    write_take,
)
from numen.kernels.llvm import Callee, Function, Module, Value, const


def write_changes(module: Module) -> tuple[Callee, Callee, Callee]:
    """Define ``put``, ``delete`` and ``drop``.

    put(pool, root, key, value, length)    stores a value
    delete(pool, root, key)                forgets a key, if it is there
    drop(pool, root)                       gives all nodes of a trie back
    """
    take, give_back = write_take(module), write_give_back(module)
    return (
        _write_put(module, take),
        _write_delete(module, give_back),
        _write_drop(module, give_back),
    )


def _write_put(module: Module, take: Callee) -> Callee:
    params = {"pool": "ptr", "root": "i64", "key": "i256", "value": "ptr", "length": "i64"}
    f = module.function("put", "i64", params, internal=True, attributes="nounwind noinline")
    pool, root, key, value, length = f.params
    top = f.alloca("i32")
    write_index(f, root, top)
    start, step, empty = f.current, f.block("step"), f.block("empty")
    f.br(step)
    f.at(step)
    place = f.phi("ptr", (top, start))
    index = read_index(f, place)
    here = f.block("here")
    f.cond_br(f.icmp("eq", index, 0), empty, here)

    f.at(here)
    node = node_at(f, pool, index)
    depth = NODE.load(f, node, "depth")
    other = NODE.load(f, node, "key")
    shared = f.lshr(f.trunc(f.leading_zeros(f.xor(key, other)), "i64"), 2)
    forget_reference(f, node)
    with f.when(f.icmp("ult", shared, depth)):
        branch = f.call(take, pool, shared, key)
        at = node_at(f, pool, branch)
        f.fill(NODE.at(f, at, "payload"), 0, const("i64", 4 * 16))
        write_index(f, index, child_place(f, at, digit(f, other, shared)))
        leaf = _leaf(f, take, pool, key, value, length)
        write_index(f, leaf, child_place(f, at, digit(f, key, shared)))
        write_index(f, branch, place)
        f.ret(read_index(f, top))
    with f.when(f.icmp("eq", depth, DIGITS)):
        _set_value(f, node, value, length)
        f.ret(read_index(f, top))
    f.incoming(place, child_place(f, node, digit(f, key, depth)), f.current)
    f.br(step)

    f.at(empty)
    write_index(f, _leaf(f, take, pool, key, value, length), place)
    f.ret(read_index(f, top))
    return f.callee


def _leaf(f: Function, take: Callee, pool: Value, key: Value, value: Value, length: Value) -> Value:
    leaf = f.call(take, pool, const("i64", DIGITS), key)
    _set_value(f, node_at(f, pool, leaf), value, length)
    return leaf


def _set_value(f: Function, leaf: Value, value: Value, length: Value) -> None:
    f.copy(NODE.at(f, leaf, "payload"), value, length)
    NODE.store(f, leaf, "length", length)


def _write_delete(module: Module, give_back: Callee) -> Callee:
    params = {"pool": "ptr", "root": "i64", "key": "i256"}
    f = module.function("delete", "i64", params, internal=True, attributes="nounwind noinline")
    pool, root, key = f.params
    with f.when(f.icmp("eq", f.call(_write_has(module), pool, root, key), 0)):
        f.ret(root)
    top = f.alloca("i32")
    write_index(f, root, top)
    node = node_at(f, pool, root)
    with f.when(f.icmp("eq", NODE.load(f, node, "depth"), DIGITS)):
        f.call(give_back, pool, root)
        f.ret(const("i64", 0))

    # Walk down to the branch that holds the leaf, with the place that holds the branch.
    start, step, found = f.current, f.block("step"), f.block("found")
    f.br(step)
    f.at(step)
    above, branch = f.phi("ptr", (top, start)), f.phi("ptr", (node, start))
    forget_reference(f, branch)
    place = child_place(f, branch, digit(f, key, NODE.load(f, branch, "depth")))
    index = read_index(f, place)
    below = node_at(f, pool, index)
    f.incoming(above, place, f.current)
    f.incoming(branch, below, f.current)
    f.cond_br(f.icmp("eq", NODE.load(f, below, "depth"), DIGITS), found, step)
    f.at(found)
    write_index(f, const("i64", 0), place)
    f.call(give_back, pool, index)
    _collapse(f, give_back, pool, branch, above)
    f.ret(read_index(f, top))
    return f.callee


def _collapse(f: Function, give_back: Callee, pool: Value, branch: Value, above: Value) -> None:
    """Put the only child of a branch, if it has one child, in the branch's place."""
    zero = const("i64", 0)
    with f.loop(0, 16, carried=[zero, zero]) as loop:
        count, last = loop.carried
        child = read_index(f, child_place(f, branch, loop.index))
        is_there = f.icmp("ne", child, 0)
        loop.advance(f.add(count, f.zext(is_there, "i64")), f.select(is_there, child, last))
    count, last = loop.carried
    with f.when(f.icmp("eq", count, 1)):
        f.call(give_back, pool, read_index(f, above))
        write_index(f, last, above)
        forget_reference(f, node_at(f, pool, last))


def _write_has(module: Module) -> Callee:
    """Define ``has(pool, root, key)``: 1 where there is such a key, else 0."""
    params = {"pool": "ptr", "root": "i64", "key": "i256"}
    f = module.function("has", "i64", params, internal=True)
    pool, root, key = f.params
    start, step, absent, here = f.current, f.block("step"), f.block("absent"), f.block("here")
    f.br(step)
    f.at(step)
    index = f.phi("i64", (root, start))
    f.cond_br(f.icmp("eq", index, 0), absent, here)
    f.at(here)
    node = node_at(f, pool, index)
    depth = NODE.load(f, node, "depth")
    with f.when(f.icmp("eq", depth, DIGITS)):
        f.ret(f.zext(f.icmp("eq", NODE.load(f, node, "key"), key), "i64"))
    f.incoming(index, read_index(f, child_place(f, node, digit(f, key, depth))), f.current)
    f.br(step)
    f.at(absent)
    f.ret(const("i64", 0))
    return f.callee


def _write_drop(module: Module, give_back: Callee) -> Callee:
    """Recursion is as deep as a key has digits."""
    params = {"pool": "ptr", "index": "i64"}
    f = module.function("drop", "void", params)
    pool, index = f.params
    with f.when(f.icmp("eq", index, 0)):
        f.ret()
    node = node_at(f, pool, index)
    with f.when(f.icmp("ne", NODE.load(f, node, "depth"), DIGITS)), f.loop(0, 16) as loop:
        f.call(f.callee, pool, read_index(f, child_place(f, node, loop.index)))
    f.call(give_back, pool, index)
    f.ret()
    return f.callee
