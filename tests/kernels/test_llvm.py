"""The builder writes text that LLVM accepts and that means what the method says."""

import ctypes

import pytest

from numen.kernels import compiler
from numen.kernels.llvm import Module, Value, const, vector

U64 = ctypes.c_uint64
MASK = 2**64 - 1


def run(module: Module, *args: int) -> int:
    return compiler.load(str(module)).function("f", U64, *[U64] * len(args))(*args)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("add", (7 + MASK - 3) & MASK),
        ("sub", (7 - (MASK - 3)) & MASK),
        ("mul", (7 * (MASK - 3)) & MASK),
        ("udiv", 0),
        ("urem", 7),
        ("sdiv", (-1) & MASK),
        ("srem", 3),
        ("and_", 7 & (MASK - 3)),
        ("or_", MASK),
        ("xor", 7 ^ (MASK - 3)),
    ],
)
def test_a_binary_method_computes_its_name(method: str, expected: int) -> None:
    module = Module()
    f = module.function("f", "i64", {"a": "i64", "b": "i64"})
    f.ret(getattr(f, method)(*f.params))

    assert run(module, 7, MASK - 3) == expected


def test_an_integer_may_stand_for_a_second_operand() -> None:
    module = Module()
    f = module.function("f", "i64", {"a": "i64"})
    f.ret(f.ashr(f.shl(f.params[0], 60), 60))

    assert run(module, 9) == (9 - 16) & MASK


def test_a_loop_carries_values() -> None:
    module = Module()
    f = module.function("f", "i64", {"n": "i64"})
    with f.loop(0, f.params[0], carried=[const("i64", 1), const("i64", 0)]) as loop:
        a, b = loop.carried
        loop.advance(f.add(a, b), a)
    f.ret(loop.carried[1])

    assert [run(module, n) for n in (0, 1, 2, 10)] == [0, 1, 1, 55]


def test_a_loop_may_count_down_and_hold_another() -> None:
    module = Module()
    f = module.function("f", "i64", {"n": "i64"})
    with f.loop(f.params[0], -1, step=-1, carried=[const("i64", 0)]) as outer:
        with f.loop(0, outer.index, carried=[outer.carried[0]]) as inner:
            inner.advance(f.add(inner.carried[0], 1))
        outer.advance(inner.carried[0])
    f.ret(outer.carried[0])

    assert run(module, 5) == 15


def test_when_runs_its_code_only_where_the_condition_holds() -> None:
    module = Module()
    f = module.function("f", "i64", {"n": "i64"})
    cell = f.alloca("i64")
    f.store(const("i64", 1), cell)
    with f.when(f.icmp("ugt", f.params[0], 3)):
        f.store(const("i64", 2), cell)
    with f.when(f.icmp("ugt", f.params[0], 5), likely=False):
        f.ret(const("i64", 3))
    f.ret(f.load("i64", cell))

    assert [run(module, n) for n in (3, 4, 6)] == [1, 2, 3]


def test_overflow_is_reported() -> None:
    module = Module()
    f = module.function("f", "i64", {"a": "i64", "b": "i64"})
    total, over = f.overflow("uadd", *f.params)
    f.ret(f.select(over, const("i64", 99), total))

    assert run(module, 1, 2) == 3
    assert run(module, 1, MASK) == 99


def test_calls_switches_phis_and_constants() -> None:
    module = Module()
    table = module.words("table", [10, 2**64 - 1, 30])
    g = module.function("g", "i64", {"i": "i64"}, internal=True, convention="fastcc")
    g.ret(g.load("i64", g.gep("i64", table, g.params[0])))
    f = module.function("f", "i64", {"i": "i64"})
    known, other, end = f.block(), f.block(), f.block()
    f.switch(f.params[0], other, [(0, known), (1, known), (2, known)])
    f.at(known)
    found = f.call(g.callee, f.params[0])
    f.br(end)
    f.at(other)
    f.br(end)
    f.at(end)
    f.ret(f.phi("i64", (found, known), (const("i64", 7), other)))

    assert [run(module, i) for i in (0, 1, 2, 3)] == [10, MASK, 30, 7]


def test_vectors_and_aggregates() -> None:
    module = Module()
    f = module.function("f", "i64", {"a": "i64"})
    lanes = f.add(f.splat(f.params[0], 4), vector("i64", [1, 2, 3, 4]))
    turned = f.shuffle(lanes, lanes, [3, 2, 1, 0])
    pair = f.insert(Value("{i64, i64}", "poison"), f.extract_lane(turned, 0, "i64"), 1)
    f.ret(f.extract(pair, 1, "i64"))

    assert run(module, 10) == 14


def test_an_integer_may_stand_for_a_whole_vector() -> None:
    module = Module()
    f = module.function("f", "i64", {"a": "i64"})
    total = f.add(f.splat(f.params[0], 4), 5)
    is_large = f.icmp("ugt", total, 7)
    chosen = f.select(is_large, total, 1)
    f.ret(f.add(f.extract_lane(chosen, 0, "i64"), f.extract_lane(chosen, 3, "i64")))

    assert [run(module, a) for a in (2, 3)] == [2, 16]


@pytest.mark.parametrize("count", [0, 1, 3, 4])
def test_lanes_outside_a_mask_are_neither_read_nor_written(count: int) -> None:
    module = Module()
    f = module.function("f", "i64", {"from": "ptr", "to": "ptr", "n": "i64"})
    source, target, n = f.params
    mask = f.icmp("ult", vector("i32", range(4)), f.splat(f.trunc(n, "i32"), 4))
    f.store_lanes(f.load_lanes("<4 x i32>", source, mask, 4), target, mask, 4)
    f.ret(n)
    words, out = (ctypes.c_uint32 * 4)(1, 2, 3, 4), (ctypes.c_uint32 * 4)(9, 9, 9, 9)
    copy = compiler.load(str(module)).function("f", U64, *[ctypes.c_void_p] * 2, U64)

    copy(ctypes.addressof(words), ctypes.addressof(out), count)

    assert list(out) == [1, 2, 3, 4][:count] + [9] * (4 - count)


def test_inline_assembly_is_parsed() -> None:
    module = Module()
    f = module.function("f", "i64", {"a": "i64"})
    f.ret(f.asm("i64", "", "=r,0", f.params[0]))

    assert run(module, 5) == 5


def test_a_block_without_an_end_is_our_own_mistake() -> None:
    f = Module().function("f", "void", {})

    with pytest.raises(AssertionError, match="no terminator"):
        str(f)


def test_functions_of_one_convention_call_each_other_through_pointers_without_a_stack() -> None:
    module = Module()
    params = {"table": "ptr", "n": "i64", "out": "ptr"}
    down = module.function("down", "void", params, internal=True, convention="preserve_nonecc")
    done = module.function("done", "void", params, internal=True, convention="preserve_nonecc")
    table, n, out = down.params
    following = down.gep("ptr", table, down.zext(down.icmp("eq", n, 0), "i64"))
    handler = down.load("ptr", following, is_fixed=True)
    down.tail_call(handler, down.callee, table, down.sub(n, 1), out)
    done.store(const("i64", 7), done.params[2])
    done.tail_call(
        ret := module.function("back", "void", params, convention="preserve_nonecc").callee,
        done.callee,
        *done.params,
    )
    module.functions[ret.name].ret()
    table_data = module.constant("table", "[2 x ptr]", "[ptr @down, ptr @done]")
    f = module.function("f", "i64", {"n": "i64"})
    cell = f.alloca("i64")
    f.call(down.callee, table_data, f.params[0], cell)
    f.ret(f.load("i64", cell))

    assert run(module, 10_000_000) == 7


def test_bytes_are_copied_filled_and_turned() -> None:
    module = Module()
    f = module.function("f", "i64", {"a": "i64"})
    cell = f.alloca("i64", 3)
    f.store(f.params[0], cell)
    f.fill(f.gep("i64", cell, 1), 0xEE, const("i64", 16))
    f.copy(f.gep("i8", cell, 9), cell, const("i64", 4))
    f.copy(f.gep("i8", cell, 8), f.gep("i8", cell, 9), const("i64", 4), may_overlap=True)
    f.ret(f.byte_swap(f.load("i64", f.gep("i64", cell, 1), alias="a")))

    assert run(module, 0x04030201) == 0x0102030404EEEEEE


def test_leading_zeros_of_zero_are_the_width() -> None:
    module = Module()
    f = module.function("f", "i64", {"a": "i64"})
    f.ret(f.leading_zeros(f.params[0]))

    assert [run(module, a) for a in (0, 1, MASK)] == [64, 63, 0]


def test_a_store_to_one_class_of_memory_leaves_a_load_from_another_alone() -> None:
    module = Module()
    f = module.function("f", "i64", {"a": "i64"})
    cell = f.alloca("i64", 2)
    f.store(f.params[0], cell, alias="one")
    f.store(const("i64", 3), f.gep("i64", cell, 1), alias="other")
    f.ret(
        f.add(f.load("i64", cell, alias="one"), f.load("i64", f.gep("i64", cell, 1), alias="other"))
    )

    assert run(module, 4) == 7
    assert str(module).count("!tbaa") == 4
    assert len({module.alias_class("one"), module.alias_class("other")}) == 2
