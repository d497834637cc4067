"""Products of words wider than the machine's.

LLVM makes some sixty instructions of one product of 256 bits, and its register allocator takes the
better part of a second for a few hundred of them in one function. So a module with many of them
shares one copy; where there are few, each stands where it is used.
"""

from numen.ir.types import Word
from numen.kernels.llvm import Callee, Function, Value, const

INLINE_MAX = 24
"""Most products of 256 bits in a module that are not shared."""

_SHARED_TYPE = "i256"


def wrapping(f: Function, a: Value, b: Value, *, is_shared: bool) -> Value:
    """The product modulo 2**bits."""
    if not is_shared or a.type != _SHARED_TYPE:
        return f.mul(a, b)
    name = "wide.mul"
    if name not in f.module.functions:
        g = _open(f, name, a.type, a.type)
        g.ret(g.mul(*g.params))
    return f.call(f.module.functions[name].callee, a, b)


def unsigned(f: Function, a: Value, b: Value, *, is_shared: bool) -> tuple[Value, Value]:
    """The product, and an i1 that is set where it does not fit."""
    if not is_shared or a.type != _SHARED_TYPE:
        return f.overflow("umul", a, b)
    name = "wide.umul"
    if name not in f.module.functions:
        g = _open(f, name, a.type, _pair(a.type))
        g.ret(_paired(g, *g.overflow("umul", *g.params)))
    return _called(f, f.module.functions[name].callee, a, b)


def signed(f: Function, word: Word, a: Value, b: Value) -> tuple[Value, Value]:
    """The same of signed words, in a function of the module: LLVM would call one of C's."""
    name = f"wide.smul.{a.type}"
    if name not in f.module.functions:
        g = _open(f, name, a.type, _pair(a.type))
        g.ret(_paired(g, *_signed(g, word, *g.params)))
    slow = f.module.functions[name].callee
    if a.type == _SHARED_TYPE:
        return _called(f, slow, a, b)
    # Factors of 64 bits are the usual case, and their product always fits.
    x, y = f.trunc(a, "i64"), f.trunc(b, "i64")
    is_narrow = f.and_(f.icmp("eq", f.sext(x, a.type), a), f.icmp("eq", f.sext(y, a.type), b))
    narrow, wide, done = f.block("narrow"), f.block("wide"), f.block("product")
    f.cond_br(is_narrow, narrow, wide, likely=True)
    f.at(narrow)
    product = f.mul(f.sext(x, a.type), f.sext(y, a.type))
    f.br(done)
    f.at(wide)
    value, over = _called(f, slow, a, b)
    f.br(done)
    f.at(done)
    return f.phi(a.type, (product, narrow), (value, wide)), f.phi(
        "i1", (const("i1", 0), narrow), (over, wide)
    )


def _signed(f: Function, word: Word, a: Value, b: Value) -> tuple[Value, Value]:
    a_negative, b_negative = f.icmp("slt", a, 0), f.icmp("slt", b, 0)
    size, over = f.overflow(
        "umul", f.select(a_negative, f.neg(a), a), f.select(b_negative, f.neg(b), b)
    )
    negative = f.xor(a_negative, b_negative)
    highest = f.add(f.zext(negative, size.type), word.high)
    is_outside = f.or_(over, f.icmp("ugt", size, highest))
    return f.select(negative, f.neg(size), size), is_outside


def _pair(type_: str) -> str:
    return f"{{{type_}, i1}}"


def _open(f: Function, name: str, type_: str, result: str) -> Function:
    params = dict.fromkeys("ab", type_)
    return f.module.function(
        name, result, params, internal=True, attributes="noinline nounwind memory(none)"
    )


def _paired(f: Function, value: Value, over: Value) -> Value:
    pair = f.insert(Value(_pair(value.type), "poison"), value, 0)
    return f.insert(pair, over, 1)


def _called(f: Function, callee: Callee, a: Value, b: Value) -> tuple[Value, Value]:
    pair = f.call(callee, a, b)
    return f.extract(pair, 0, a.type), f.extract(pair, 1, "i1")
