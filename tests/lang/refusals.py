# ruff: noqa: E501  (a table: one row, one line)
"""Refusals: the source, the class of the error, its place, what it says and what it suggests."""

from numen.lang import errors
from tests.lang.running import body

# fmt: off
MEANING = {
    "unknown name": (body("return aa"),
        errors.UnknownNameError, (2, 12), "unknown name aa", "did you mean a?"),
    "unknown name near": (body("total = 1", "return totl"),
        errors.UnknownNameError, (3, 12), "unknown name totl", "did you mean total?"),
    "mixed": (body("return a + b"),
        errors.TypesError, (2, 16), "u64 + u32: the types differ", "write u64(b)"),
    "mixed rev": (body("return b + a"),
        errors.TypesError, (2, 16), "u32 + u64: the types differ", "write u64(b)"),
    "true division": (body("return a / 2"),
        errors.TypesError, (2, 12), "u64 has no /", "write // for the quotient rounded down"),
    "felt floor": (body("return u64(f // 2)"),
        errors.TypesError, (2, 16), "felt has no //", "write / for the quotient in the field"),
    "felt order": (body("return 1 if f < 2 else 0"),
        errors.TypesError, (2, 17), "felt has no order", "write u256(f) and u256(2)"),
    "felt bits": (body("return u64(f & 1)"),
        errors.TypesError, (2, 16), "felt has no &", "convert both with u256(...)"),
    "cond int": (body("if a:", "    return 1", "return 2"),
        errors.TypesError, (2, 8), "a condition is a bool, not u64", "write a != 0"),
    "cond not": (body("return 1 if not a else 2"),
        errors.TypesError, (2, 21), "a condition is a bool, not u64", "write a != 0"),
    "and int": (body("return 1 if a and t else 2"),
        errors.TypesError, (2, 17), "a condition is a bool, not u64", "write a != 0"),
    "literal range": (body("x: u8 = 256", "return a"),
        errors.RangeError, (2, 13), "256 is not a u8 (0 to 255)", "u64 holds it"),
    "literal default": (body("x = 2**64", "return a"),
        errors.RangeError, (2, 9), "18446744073709551616 is not a u64 (0 to 18446744073709551615)", "u128 holds it"),
    "literal negative": (body("x = -1", "return a"),
        errors.RangeError, (2, 9), "-1 is not a u64 (0 to 18446744073709551615)", "i64 holds it"),
    "neg unsigned": (body("return -a"),
        errors.TypesError, (2, 12), "u64 has no negative numbers", "write -i64(a), or wrapping_sub(0, a)"),
    "bool plus": (body("return t + 1"),
        errors.TypesError, (2, 16), "expected bool, found the number 1", "write True or False"),
    "index const": (body("return xs[4]"),
        errors.RangeError, (2, 15), "the index 4 is outside of 4 elements", ""),
    "index neg": (body("return xs[-5]"),
        errors.RangeError, (2, 15), "the index -5 is outside of 4 elements", ""),
    "index felt": (body("return xs[f]"),
        errors.TypesError, (2, 15), "an index is an integer, not felt", "write u64(f)"),
    "index bool": (body("return xs[t]"),
        errors.TypesError, (2, 15), "an index is an integer, not bool", "write u64(t)"),
    "no elements": (body("return a[0]"), errors.TypesError, (2, 12), "u64 has no elements", ""),
    "append": (body("xs.append(1)", "return a"),
        errors.UnknownNameError, (2, 5), "a list has no append here", "lists have a fixed length: keep a count"),
    "shared rows": (body("g = [[0] * 4] * 3", "return a"),
        errors.TypesError, (2, 9), "every element would be the same array", "write [[0] * 4 for _ in range(3)]"),
    "no result": (
        ("def main(a: u64):\n"
            "    return a\n"),
        errors.TypesError, (2, 12), "main returns nothing", "write def ... -> type:"),
    "bare return": (body("return"),
        errors.TypesError, (2, 5), "main returns u64", "return a value"),
    "result type": (body("return b"),
        errors.TypesError, (2, 12), "the result: expected u64, found u32", "write u64(b)"),
    "arg count": (
        ("def g(x: u64) -> u64:\n"
            "    return x\n"
            "def main(a: u64) -> u64:\n"
            "    return g(a, a)\n"),
        errors.TypesError, (4, 12), "g takes 1 arguments, not 2", "write g(x)"),
    "arg type": (
        ("def g(x: u64) -> u64:\n"
            "    return x\n"
            "def main(a: u32) -> u64:\n"
            "    return g(a)\n"),
        errors.TypesError, (4, 14), "the argument x: expected u64, found u32", "write u64(a)"),
    "arg name": (
        ("def g(x: u64) -> u64:\n"
            "    return x\n"
            "def main(a: u64) -> u64:\n"
            "    return g(y=a)\n"),
        errors.UnknownNameError, (4, 16), "g has no y", "write g(x)"),
    "arg twice": (
        ("def g(x: u64) -> u64:\n"
            "    return x\n"
            "def main(a: u64) -> u64:\n"
            "    return g(a, x=a)\n"),
        errors.TypesError, (4, 19), "x is given twice", ""),
    "unknown fn": (body("return maxx(a, 1)"),
        errors.UnknownNameError, (2, 12), "unknown function maxx", "did you mean max?"),
    "print": (body("print(a)", "return a"),
        errors.UnknownNameError, (2, 5), "unknown function print", "return the value, or assert it"),
    "int()": (body("return int(a)"),
        errors.UnknownNameError, (2, 12), "unknown function int", "write u64(x), i64(x) or another width"),
    "step zero": (body("for i in range(0, 4, 0):", "    pass", "return a"),
        errors.RangeError, (2, 26), "the step of a range is zero", ""),
    "step runtime": (body("for i in range(0, 4, a):", "    pass", "return a"),
        errors.TypesError, (2, 26), "a is not known when the program is compiled", "write a number, a constant of the module, or a size of the function"),
    "range felt": (body("for i in range(f):", "    pass", "return a"),
        errors.TypesError, (2, 20), "a range is of integers, not felt", "write u64(f)"),
    "iter word": (body("for i in a:", "    pass", "return a"),
        errors.TypesError, (2, 14), "a loop cannot go through u64", "write range(a)"),
    "eq lists": (body("return 1 if xs == xs else 0"),
        errors.TypesError, (2, 17), "list[u64, 4] cannot be compared", "compare its parts"),
    "shadow type": (body("u64 = 1", "return a"),
        errors.TypesError, (2, 5), "u64 is a word of the language", "use another name"),
    "shadow builtin": (body("len = 1", "return a"),
        errors.TypesError, (2, 5), "len is a word of the language", "use another name"),
    "def shadow": (
        ("def max(a, b):\n"
            "    return a\n"
            "def main(a): return a\n"),
        errors.TypesError, (1, 1), "max is a word of the language", "choose another name"),
    "shift count": (body("return a << 64"),
        errors.RangeError, (2, 17), "a shift of u64 by 64: 0 to 63", ""),
    "shift neg": (body("return a >> -1"),
        errors.RangeError, (2, 17), "a shift of u64 by -1: 0 to 63", ""),
    "pow neg": (body("return a ** -1"), errors.RangeError, (2, 17), "a negative exponent: -1", ""),
    "pow signed": (body("return a ** s"),
        errors.TypesError, (2, 17), "an exponent is an unsigned integer, not i64", "write u64(s)"),
    "const div zero": (body("return 1 // 0"), errors.RangeError, (2, 12), "division by zero", ""),
    "const huge": (body("return 2 ** 100000"),
        errors.RangeError, (2, 12), "a constant of more than 4096 bits", ""),
    "wrapping felt": (body("return u64.wrapping(f)"),
        errors.TypesError, (2, 12), "a field element has no bits", "write u64.wrapping(u256(f))"),
    "wrapping_add felt": (body("x = wrapping_add(f, f)", "return a"),
        errors.TypesError, (2, 9), "integers are needed here, not felt", "field elements wrap by themselves: write +, - or *"),
    "conv list": (body("return u64(xs)"),
        errors.TypesError, (2, 16), "only words convert, not list[u64, 4]", ""),
    "mul_mod signed": (body("x = mul_mod(s, s, s)", "return a"),
        errors.TypesError, (2, 9), "mul_mod takes unsigned integers, not i64", ""),
    "attr": (body("return a.x"), errors.UnknownNameError, (2, 12), "u64 has no field x", ""),
    "struct field": (
        ("@dataclass\n"
            "class P:\n"
            "    x: u64\n"
            "    y: u64\n"
            "def main(a: u64) -> u64:\n"
            "    p = P(a, a)\n"
            "    return p.z\n"),
        errors.UnknownNameError, (7, 12), "P has no field z", "its fields are x, y"),
    "struct arg": (
        ("@dataclass\n"
            "class P:\n"
            "    x: u64\n"
            "    y: u64\n"
            "def main(a: u64) -> u64:\n"
            "    p = P(a)\n"
            "    return p.x\n"),
        errors.TypesError, (6, 9), "P takes 2 arguments, not 1", "write P(x, y)"),
    "type int": (
        ("def main(a: int) -> u64:\n"
            "    return a\n"),
        errors.UnknownNameError, (1, 13), "int is not a type", "write u64, i64 or another width"),
    "type unknown": (
        ("def main(a: u46) -> u64:\n"
            "    return a\n"),
        errors.UnknownNameError, (1, 13), "u46 is not a type", "did you mean u64?"),
    "type list": (
        ("def main(a: list[u64]) -> u64:\n"
            "    return 1\n"),
        errors.TypesError, (1, 13), "a list has a type and a length", "write list[u64, 8]"),
    "list zero": (
        ("def main(a: list[u64, 0]) -> u64:\n"
            "    return 1\n"),
        errors.RangeError, (1, 13), "a list of 0 elements; 1 to 16777216 words are allowed", ""),
    "size name": (
        ("def main(a: list[u64, n]) -> u64:\n"
            "    return 1\n"),
        errors.UnknownNameError, (1, 23), "the size n is not known here", "write a number, a constant of the module, or a size of a generic function"),
    "generic entry": (
        ("def main(a: list[u64, N]) -> u64:\n"
            "    return 1\n"),
        errors.TypesError, (1, 1), "the size N of the entry is not known", "define N = 8 above, or write the number"),
    "half annotated": (
        ("def main(a: u64, b) -> u64:\n"
            "    return a\n"),
        errors.TypesError, (1, 18), "the parameter b has no type", "write b: u64, or annotate nothing for field elements"),
    "const call": (
        ("x = f(1)\n"
            "def main(a): return a\n"),
        errors.TypesError, (1, 5), "a module holds constants of integers only", "write a number, a list of numbers, or move it into a function"),
    "import name": (
        ("from numen.std.poseidon import poseidn\n"
            "def main(a): return a\n"),
        errors.UnknownNameError, (1, 32), "numen.std.poseidon has no poseidn", "did you mean poseidon?"),
    "no main": (("def other(a): return a\n"),
        errors.UnknownNameError, (1, 1), "the file has no function main", "the file has other"),
    "empty": ("",
        errors.UnknownNameError, (1, 1), "the file has no function main", "write def main(a, b):"),
    "dup": (
        ("def main(a): return a\n"
            "def main(a): return a\n"),
        errors.TypesError, (2, 1), "main is defined twice", "rename one"),
    "mem entry": (
        ("def main(m: memory[8]) -> u64:\n"
            "    return 1\n"),
        errors.TypesError, (1, 10), "the entry cannot take a memory", "take a list[u8, N] and copy it"),
    "mem method": (body("m = memory(8)", "return m.load_u65(0)"),
        errors.UnknownNameError, (3, 12), "a memory has no method load_u65", "did you mean load_u64?"),
    "mem addr": (body("m = memory(8)", "return m.load_u64(9)"),
        errors.RangeError, (3, 23), "the index 9 is outside of 8 elements", ""),
    "type change": (body("z = 1", "z = b", "return a"),
        errors.TypesError, (3, 9), "z: expected u64, found u32", "write u64(b)"),
    "unpack": (body("p, q = xs", "return a"),
        errors.TypesError, (2, 5), "4 values for 2 names", ""),
    "tuple index": (body("z = (1, 2)", "return z[2]"),
        errors.RangeError, (3, 14), "the index 2 is outside of 2 items", ""),
    "cmp mixed": (body("return 1 if a < b else 0"),
        errors.TypesError, (2, 21), "u64 and u32: the types differ", "write u64(b)"),
    "ifexp types": (body("x = a if t else b", "return a"),
        errors.TypesError, (2, 21), "the two values differ: u64 and u32", ""),
    "not const size": (body("z = [0] * a", "return a"),
        errors.TypesError, (2, 15), "a is not known when the program is compiled", "write a number, a constant of the module, or a size of the function"),
    "empty list": (body("z = []", "return a"),
        errors.TypesError, (2, 9), "an empty list has no use: lists have a fixed length", ""),
    "max felt": (body("return max(f, f)"),
        errors.TypesError, (2, 12), "max takes integers, not felt", ""),
    "call var": (body("return a(1)"), errors.TypesError, (2, 12), "a is not a function", ""),
    "fn value": (
        ("def g(x): return x\n"
            "def main(a):\n"
            "    return g\n"),
        errors.TypesError, (3, 12), "g is a function", "call it: g(...)"),
    "size local": (
        ("def g(xs: list[u64, N]) -> u64:\n"
            "    N = 1\n"
            "    return N\n"
            "def main(a: u64) -> u64:\n"
            "    return g([a])\n"),
        errors.TypesError, (2, 5), "N is a size of the function", "use another name"),
}
"""Names, types and numbers that do not fit."""

FORM = {
    "float": (body("return 1.5"),
        errors.SubsetError, (2, 12), "1.5 is not part of the language", "use fixed point: i64 times a power of two"),
    "text": (body('return "hello"'),
        errors.TypesError, (2, 12), "expected u64, found a text", ""),
    "text without a type": (body('x = "hello"', "return a"),
        errors.TypesError, (2, 9), "a text has no type here", "write name: str[32] = ..."),
    "text too long": (body('x: str[4] = "héll"', "return a"),
        errors.RangeError, (2, 17), "5 bytes are no str[4]", ""),
    "half of a pair": (body("x: str[4] = '\\ud800'", "return a"),
        errors.RangeError, (2, 17), "half of a surrogate pair is no text", ""),
    "bytes for text": (body('x: str[4] = b"hi"', "return a"),
        errors.TypesError, (2, 17), "expected str[4]", ""),
    "text field": (body('x: str[4] = "hi"', "return x.length"),
        errors.UnknownNameError, (3, 12), "a text has no length", "numen.std.text has functions for it"),
    "text index": (body('x: str[4] = "hi"', "return u64(x[0])"),
        errors.TypesError, (3, 16), "str[4] has no such parts", "from numen.std.text import slice"),
    "text len": (body('x: str[4] = "hi"', "return len(x)"),
        errors.TypesError, (3, 16), "a text has characters and bytes", "from numen.std.text import length, or encode"),
    "text order": (body('x: str[4] = "hi"', 'return u64(x < "ho")'),
        errors.TypesError, (3, 16), "str[4] has no order here", "from numen.std.text import compare"),
    "text kinds": (body('x: str[4] = "hi"', 'y: bytes[4] = b"hi"', "return u64(x == y)"),
        errors.TypesError, (4, 16), "str[4] and bytes[4]: the types differ", ""),
    "text of a number": (body("x = str[4](a)", "return a"),
        errors.TypesError, (2, 16), "a u64 is no text", "from numen.std.text import format_u128"),
    "text of words": (body("x = str[4](a, b)", "return a"),
        errors.TypesError, (2, 9), "str[4] is made of a text", "write str[4](text)"),
    "bytes at a signed index": (body('x: bytes[4] = b"hi"', "return u64(x[s])"),
        errors.TypesError, (3, 18), "an index into bytes is unsigned", ""),
    "none": (body("return None"),
        errors.SubsetError, (2, 12), "None is not part of the language", "write a value; a function without result returns nothing"),
    "fstring": (body('return f"{a}"'),
        errors.SubsetError, (2, 12), "an f-string is not part of the language", "write texts: str[32], and numen.std.text"),
    "alias": (body("ys = xs", "return a"),
        errors.SharingError, (2, 10), "xs would have two names", "write xs.copy()"),
    "alias ret": (
        ("def main(xs: list[u64, 4]) -> list[u64, 4]:\n"
            "    return xs\n"),
        errors.SharingError, (2, 12), "xs would have two names", "write xs.copy()"),
    "rebind param": (body("xs = [1, 2, 3, 4]", "return a"),
        errors.SharingError, (2, 5), "the caller's array xs cannot be replaced", "write its elements in a loop, or use another name"),
    "row alias": (body("g = [[0] * 4 for _ in range(3)]", "row = g[0]", "return a"),
        errors.SharingError, (3, 11), "g[0] would have two names", "write g[0].copy()"),
    "maybe": (body("if t:", "    y = 1", "return y"),
        errors.FlowError, (4, 12), "y may have no value here", "give it one before the if or the loop"),
    "maybe loop": (body("for i in range(a):", "    y = i", "return y"),
        errors.FlowError, (4, 12), "y may have no value here", "give it one before the if or the loop"),
    "missing return": (body("if t:", "    return 1"),
        errors.FlowError, (1, 1), "main can end without a result", "return a u64 on every way, or end it with assert False"),
    "recursion": (
        ("def main(n: u64) -> u64:\n"
            "    return main(n - 1)\n"),
        errors.RecursionCycleError, (2, 12), "recursion: main calls main", "write a loop, with a list as the stack"),
    "mutual": (
        ("def f(n: u64) -> u64:\n"
            "    return g(n)\n"
            "def g(n: u64) -> u64:\n"
            "    return f(n)\n"
            "def main(n: u64) -> u64:\n"
            "    return f(n)\n"),
        errors.RecursionCycleError, (4, 12), "recursion: f calls g calls f", "write a loop, with a list as the stack"),
    "lambda": (body("g = lambda x: x", "return a"),
        errors.SubsetError, (2, 9), "lambda is not part of the language", "write a function with def"),
    "try": (body("try:", "    pass", "except:", "    pass", "return a"),
        errors.SubsetError, (2, 5), "try is not part of the language", "errors end the program: test before, with if"),
    "raise": (body("raise ValueError"),
        errors.SubsetError, (2, 5), "raise is not part of the language", 'write assert False, "message"'),
    "with": (body("with a:", "    pass", "return a"),
        errors.SubsetError, (2, 5), "with is not part of the language", "nothing needs closing here"),
    "class in fn": (body("class P:", "    pass", "return a"),
        errors.SubsetError, (2, 5), "a class inside of a function is not part of the language", "move it to the top of the file"),
    "def in fn": (body("def g():", "    pass", "return a"),
        errors.SubsetError, (2, 5), "a function inside of a function is not part of the language", "move it to the top of the file"),
    "global": (body("global q", "return a"),
        errors.SubsetError, (2, 5), "global is not part of the language", "pass the value as a parameter and return it"),
    "del": (body("del a", "return 1"),
        errors.SubsetError, (2, 5), "del is not part of the language", "let the name be"),
    "walrus": (body("return (z := a)"),
        errors.SubsetError, (2, 13), ":= is not part of the language", "assign in a statement of its own"),
    "set": (body("z = {1, 2}", "return a"),
        errors.SubsetError, (2, 9), "a set is not part of the language", "write a list"),
    "dict": (body("z = {}", "return a"),
        errors.SubsetError, (2, 9), "a dict is not part of the language", "write a list, or a struct with @dataclass"),
    "star": (body("p, *q = xs", "return a"),
        errors.SubsetError, (2, 8), "* is not part of the language", "name every item"),
    "chain assign": (body("p = q = [a]", "return a"),
        errors.SharingError, (2, 5), "the array would have several names", "write one assignment a line, each with its own"),
    "while else": (body("while t:", "    break", "else:", "    pass", "return a"),
        errors.SubsetError, (5, 9), "a loop has no else", "note in a variable whether the loop was left early"),
    "break outside": (body("break"), errors.SubsetError, (2, 5), "break outside of a loop", ""),
    "assert msg": (body("assert t, a", "return a"),
        errors.SubsetError, (2, 15), "a message is plain text", 'write "what went wrong"'),
    "in": (body("return 1 if a in xs else 0"),
        errors.SubsetError, (2, 17), "in and is are not part of the language", "write a loop"),
    "is": (body("return 1 if a is 1 else 0"),
        errors.SubsetError, (2, 17), "in and is are not part of the language", "write =="),
    "field param": (
        ("@dataclass\n"
            "class P:\n"
            "    x: u64\n"
            "def g(p: P) -> u64:\n"
            "    p.x = 1\n"
            "    return p.x\n"
            "def main(a: u64) -> u64:\n"
            "    return g(P(a))\n"),
        errors.SharingError, (5, 5), "p belongs to the caller", "build a new one: p = P(...)"),
    "field shared": (
        ("@dataclass\n"
            "class P:\n"
            "    x: u64\n"
            "def main(a: u64) -> u64:\n"
            "    p = P(a)\n"
            "    q = p\n"
            "    p.x = 1\n"
            "    return q.x\n"),
        errors.SharingError, (7, 5), "another name may hold the struct p", "build a new one: p = P(...)"),
    "field element": (
        ("@dataclass\n"
            "class P:\n"
            "    x: u64\n"
            "def main(a: u64) -> u64:\n"
            "    ps = [P(a)]\n"
            "    ps[0].x = 1\n"
            "    return a\n"),
        errors.SharingError, (6, 5), "only a variable's own fields are assigned", "build a new struct and assign that"),
    "frozen": (
        ("@dataclass(frozen=True)\n"
            "class P:\n"
            "    x: u64\n"
            "def main(a: u64) -> u64:\n"
            "    p = P(a)\n"
            "    p.x = 1\n"
            "    return a\n"),
        errors.SharingError, (6, 5), "P is frozen", "build a new one"),
    "class plain": (
        ("class P:\n"
            "    x: u64\n"
            "def main(a): return a\n"),
        errors.SubsetError, (1, 1), "a class is a struct here", "write @dataclass above class Name:"),
    "method": (
        ("@dataclass\n"
            "class P:\n"
            "    x: u64\n"
            "    def f(self): pass\n"
            "def main(a): return a\n"),
        errors.SubsetError, (4, 5), "a struct has fields only", "write name: type; make functions of methods"),
    "default": (
        ("def main(a: u64 = 1) -> u64:\n"
            "    return a\n"),
        errors.SubsetError, (1, 19), "a parameter has no default", "pass it in every call"),
    "varargs": (
        ("def main(*a):\n"
            "    return 1\n"),
        errors.SubsetError, (1, 11), "only plain parameters are allowed", "write f(a, b)"),
    "decorator": (
        ("@cached\n"
            "def main(a):\n"
            "    return a\n"),
        errors.SubsetError, (1, 2), "functions take no decorator", "remove the line"),
    "toplevel": (
        ("x = 1\n"
            "for i in x: pass\n"
            "def main(a): return a\n"),
        errors.SubsetError, (2, 1), "a module holds functions, structs, constants and imports", "move the statement into a function"),
    "import os": (
        ("import os\n"
            "def main(a): return a\n"),
        errors.ImportsError, (1, 8), "no module os beside this file", "a program imports its own files and numen.std, nothing of the host"),
    "import near": (
        ("from numen.std.posidon import poseidon\n"
            "def main(a): return a\n"),
        errors.ImportsError, (1, 1), "no module numen.std.posidon", "did you mean numen.std.poseidon?"),
    "import numen x": (
        ("from numen import u65\n"
            "def main(a): return a\n"),
        errors.ImportsError, (1, 19), "numen has no u65 for programs", "did you mean u64?"),
    "relative": (
        ("from . import x\n"
            "def main(a): return a\n"),
        errors.ImportsError, (1, 1), "a relative import", "write from other import ..."),
    "const write": (
        ("T = [1, 2]\n"
            "def main(a: u64) -> u64:\n"
            "    T[0] = a\n"
            "    return a\n"),
        errors.SharingError, (3, 5), "a constant cannot change", "write a copy of it: xs = TABLE.copy()"),
    "const pass": (
        ("T = [1, 2]\n"
            "def g(xs: list[u64, 2]):\n"
            "    xs[0] = 1\n"
            "def main(a: u64) -> u64:\n"
            "    g(T)\n"
            "    return a\n"),
        errors.SharingError, (5, 7), "g changes xs, and T is a constant", "write T.copy()"),
    "syntax": (("def main(a:\n"),
        errors.ParseError, (1, 9), "not Python syntax: '(' was never closed", ""),
    "indent": (
        ("def main(a):\n"
            "return a\n"),
        errors.ParseError, (2, 1), "not Python syntax: expected an indented block after function definition on line 1", ""),
    "iter rebind": (body("ys = xs.copy()", "for y in ys:", "    ys = [0] * 4", "return a"),
        errors.SharingError, (4, 9), "ys is replaced while a loop goes through it", ""),
    "slice step": (body("z = xs[0:4:2]", "return a"),
        errors.SubsetError, (2, 16), "a slice has no step", "write a loop"),
    "matmul": (body("return a @ a"),
        errors.SubsetError, (2, 12), "@ is not part of the language", "write the loops"),
    "private inner": (
        ("def main(a: list[Private[u64], 4]) -> u64:\n"
            "    return 1\n"),
        errors.SubsetError, (1, 18), "Private is for whole parameters", "write x: Private[...] around the whole type of a parameter of the entry"),
    "async": (
        ("async def main(a):\n"
            "    return a\n"),
        errors.SubsetError, (1, 1), "an async function is not part of the language", "write def"),
    "unicode": (
        ("def main(é):\n"
            "    return é\n"),
        errors.SubsetError, (2, 12), "the name é is not plain ASCII", "use a to z, 0 to 9 and _"),
    "yield": (body("yield a"),
        errors.SubsetError, (2, 5), "yield is not part of the language", "fill a list and return it"),
    "match": (body("match a:", "    case 1:", "        pass", "return a"),
        errors.SubsetError, (2, 5), "match is not part of the language", "write if and elif"),
}
"""Python outside of the language, sharing, flow, modules."""
# fmt: on
