"""Inverses modulo any number, in native code: Euclid's algorithm, with one of its two factors.

The signs of that factor alternate, so its size is kept, and whether it is negative follows from
how many divisions there were. It never passes the modulus.

Source: Knuth, volume 2, 4.5.2, algorithm X.
"""

from numen.jit.division import divide
from numen.kernels.llvm import Callee, Function, Module, Value, const


def inverse(f: Function, b: Value, m: Value) -> tuple[Value, Value]:
    """What ``b`` times it is 1 modulo ``m``, not zero, and an i1: whether there is such a number.

    The number is at most ``m``, and ``m`` itself where that is 1.
    """
    word = b.type
    pair = f.call(_function(f.module, word), b, m)
    return f.extract(pair, 0, word), f.extract(pair, 1, "i1")


def _function(module: Module, word: str) -> Callee:
    """A function of the module: every inverse of its words is taken there."""
    name = f"inverse.{word}"
    if name in module.functions:
        return module.functions[name].callee
    pair = f"{{{word}, i1}}"
    f = module.function(
        name, pair, {"b": word, "m": word}, internal=True, attributes="noinline nounwind"
    )
    b, m = f.params
    zero, one = const(word, 0), const(word, 1)
    first = divide(f, "urem", b, m)
    start, head, step, done = f.current, f.block("head"), f.block("step"), f.block("done")
    f.br(head)
    f.at(head)
    # Of the two rests in hand each is a multiple of b, give or take multiples of m.
    above, rest = f.phi(word, (m, start)), f.phi(word, (first, start))
    factor_above, factor = f.phi(word, (zero, start)), f.phi(word, (one, start))
    is_even = f.phi("i1", (const("i1", 1), start))
    f.cond_br(f.icmp("eq", rest, 0), done, step)
    f.at(step)
    quotient = divide(f, "udiv", above, rest)
    for phi, value in (
        (above, rest),
        (rest, f.sub(above, f.mul(quotient, rest))),
        (factor_above, factor),
        (factor, f.add(factor_above, f.mul(quotient, factor))),
        (is_even, f.not_(is_even)),
    ):
        f.incoming(phi, value, f.current)
    f.br(head)
    f.at(done)
    value = f.select(is_even, f.sub(m, factor_above), factor_above)
    found = f.insert(Value(pair, "poison"), value, 0)
    f.ret(f.insert(found, f.icmp("eq", above, 1), 1))
    return f.callee
