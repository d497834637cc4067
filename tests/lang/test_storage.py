# ruff: noqa: E501  (tables: one program, one line)
"""Arrays, structs, tuples and memories: what they hold, and who sees a change."""

import pytest

from tests.lang.running import reason, refusal, run

LIST = "list[u64, 4]"


def body(*lines: str, result: str = "u64", params: str = f"xs: {LIST}") -> str:
    return f"def main({params}) -> {result}:\n" + "".join(f"    {line}\n" for line in lines)


# fmt: off
CASES = {
    "elements": (body("return xs[0] + xs[-1] * 10"), 41),
    "a literal": (body("ys = [xs[0], 7, xs[1]]", "return ys[1] + ys[2]"), 9),
    "a repeated word": (body("ys = [xs[1]] * 5", "return ys[0] + ys[4]"), 4),
    "a comprehension over a range": (body("return [i * i for i in range(1, 5)]", result=LIST), [1, 4, 9, 16]),
    "a comprehension downwards": (body("return [i for i in range(3, -1, -1)]", result=LIST), [3, 2, 1, 0]),
    "a comprehension over a list": (body("return [x + 1 for x in xs]", result=LIST), [2, 3, 4, 5]),
    "a comprehension over pairs": (body("return [x * i for i, x in enumerate(xs)]", result=LIST), [0, 2, 6, 12]),
    "a copy is apart": (body("ys = xs.copy()", "ys[0] = 9", "return xs[0]"), 1),
    "a slice is a copy": (body("ys = xs[1:3]", "ys[0] = 9", "return xs[1] * 10 + ys[1]"), 23),
    "a slice from the end": (body("return xs[-2:][0]"), 3),
    "a swap": (body("xs[0], xs[3] = xs[3], xs[0]", "return xs[0] * 10 + xs[3]"), 41),
    "an element added to": (body("xs[xs[0]] += 5", "return xs[1]"), 7),
    "a rotation": (body("a, b, c, d = xs", "return a + 10 * b + 100 * c + 1000 * d"), 4321),
    "bound again": (body("ys = [0] * 4", "for x in xs:", "    ys = [x] * 4", "return ys[0]"), 4),
    "bound in both arms": (body("if xs[0] == 1:", "    ys = [1, 2]", "else:", "    ys = [3, 4]", "return ys[1]"), 2),
    "bound from itself": (body("ys = [1, 2]", "ys = [ys[1], ys[0]]", "return ys[0] * 10 + ys[1]"), 21),
    "zeroed each time": (body("n: u64 = 0", "for x in xs:", "    ys = [0] * 3", "    n += ys[0]", "    ys[0] = x", "return n"), 0),
    "rows": (body("g = [[0] * 3 for _ in range(2)]", "g[1][2] = 5", "g[0][2] = 6", "return g[1][2] * 10 + g[0][2]"), 56),
    "rows are apart": (body("g = [[x] * 2 for x in xs]", "g[0][0] = 9", "return g[1][0] * 10 + g[0][1]"), 21),
    "a row is a view": (body("g = [[0] * 2 for _ in range(2)]", "for row in g:", "    row[1] = 7", "return g[0][1] + g[1][1]"), 14),
    "a row is replaced": (body("g = [[0] * 4 for _ in range(2)]", "g[1] = xs.copy()", "g[1][0] = 8", "return g[1][3] * 100 + g[1][0] * 10 + xs[0]"), 481),
    "three dimensions": (body("c = [[[i * 9 + j * 3 + k for k in range(3)] for j in range(3)] for i in range(3)]", "return c[2][1][0] * 100 + c[0][2][1]"), 2107),
    "zip": (body("n: u64 = 0", "for x, y in zip(xs, [5, 6, 7]):", "    n += x * y", "return n"), 38),
    "len": (body("return len(xs) + len(xs[1:]) * 10 + len((1, 2)) * 100"), 234),
    "a signed index": (body("i: i64 = -1", "return xs[i] * 10 + xs[i - 1]"), 43),
    "an index of a byte": (body("i: u8 = 2", "return xs[i]"), 3),
    "a memory": (body("m = memory(16)", "m.store_u32(1, 0x01020304)", "m.store_u8(0, 255)", "return m.load_u64(0)"), 0x01020304FF),
    "a signed load": (body("m = memory(8)", "m.store_u64(0, 2**64 - 1)", "return u64(m.load_i64(0) + 2)"), 1),
    "the size of a memory": (body("m = memory(16)", "return len(m)"), 16),
    "a tuple": (body("t = (xs[0], True, 5)", "a, b, c = t", "return a + t[2] * 10 if b else c"), 51),
    "a tuple within": (body("t = ((1, 2), 3)", "(a, b), c = t", "return a * 100 + b * 10 + c"), 123),
    "nothing changes in the caller's words": (body("x = xs[0]", "x += 5", "return xs[0]"), 1),
}
# fmt: on


@pytest.mark.parametrize("name", CASES)
def test_a_program_gives_its_value(name):
    source, expected = CASES[name]

    assert run(source, [1, 2, 3, 4]) == expected


@pytest.mark.parametrize(
    "lines",
    [
        ("return xs[xs[3]]",),
        ("i: i64 = -5", "return xs[i]"),
        ("m = memory(8)", "return m.load_u64(xs[0])"),
    ],
)
def test_an_index_outside_traps(lines):
    assert reason(run(body(*lines), [1, 2, 3, 4])) == "index out of bounds"


POINT = "@dataclass\nclass P:\n    x: u64\n    y: u64\n"


def test_structs_are_built_read_and_passed():
    source = POINT + (
        "def add(p: P, q: P) -> P:\n    return P(p.x + q.x, y=p.y + q.y)\n"
        "def main(p: P, q: P) -> P:\n    return add(p, add(q, P(y=1, x=2)))\n"
    )

    assert run(source, {"x": 1, "y": 2}, {"x": 10, "y": 20}) == {"x": 13, "y": 23}


def test_a_struct_that_nobody_shares_can_change():
    source = POINT + (
        "def total(p: P) -> u64:\n    return p.x + p.y\n"
        "def main(a: u64) -> P:\n"
        "    p = P(a, 0)\n    for i in range(3):\n        p.x += i\n        p.y = total(p)\n    return p\n"
    )

    assert run(source, 10) == {"x": 13, "y": 34}


def test_arrays_of_structs_hold_values():
    source = POINT + (
        "def main(ps: list[P, 3]) -> list[P, 2]:\n"
        "    p = ps[2]\n    ps[2] = P(0, 0)\n"
        "    n: u64 = 0\n    for q in ps:\n        n += q.x\n"
        "    return [p, P(n, ps[2].y)]\n"
    )

    found = run(source, [{"x": i, "y": i * i} for i in (1, 2, 3)])

    assert found == [{"x": 3, "y": 9}, {"x": 3, "y": 0}]


def test_structs_hold_arrays_that_are_shared_as_in_python():
    source = (
        "@dataclass\nclass S:\n    xs: list[u64, 2]\n    n: u64\n"
        "def fill(s: S):\n    s.xs[0] = s.n\n"
        "def main(a: u64) -> S:\n    s = S([0] * 2, a)\n    fill(s)\n    s.xs[1] = 7\n    return s\n"
    )

    assert run(source, 5) == {"xs": [5, 7], "n": 5}


def test_a_function_changes_the_array_it_is_given():
    source = (
        "def bump(xs: list[u64, N], by: u64):\n    for i in range(N):\n        xs[i] += by\n"
        "def both(a: list[u64, 2], b: list[u64, 2]) -> u64:\n    a[0] = 5\n    return b[0]\n"
        "def main(xs: list[u64, 2]) -> u64:\n    bump(xs, 10)\n    g = [[0] * 2 for _ in range(2)]\n"
        "    bump(g[1], 3)\n    return both(xs, xs) * 1000 + xs[1] * 10 + g[1][0] + g[0][0]\n"
    )

    assert run(source, [1, 2]) == 5123


def test_a_function_returns_arrays_of_its_own():
    source = (
        "def pair(a: u64) -> tuple[list[u64, 2], u64]:\n    xs = [a, a]\n    return xs, a + 1\n"
        "def main(a: u64) -> tuple[list[u64, 2], list[u64, 2]]:\n"
        "    xs, b = pair(a)\n    ys, _ = pair(b)\n    xs[0] = 0\n    return xs, ys\n"
    )

    assert run(source, 5) == [[0, 5], [6, 6]]


def test_sizes_follow_the_arguments():
    source = (
        "def half(xs: list[u8, N]) -> list[u8, N // 2]:\n    return [xs[2 * i] for i in range(N // 2)]\n"
        "def flat(g: list[list[u8, COLS], ROWS]) -> u64:\n    return ROWS * 10 + COLS\n"
        "def main(xs: list[u8, 8]) -> tuple[list[u8, 2], u64]:\n"
        "    return half(half(xs)), flat([[1, 2, 3], [4, 5, 6]])\n"
    )

    assert run(source, list(range(8))) == [[0, 4], 23]


# fmt: off
SHARED = {
    "one array twice in a tuple": "def f(a: u64) -> tuple[list[u64, 2], list[u64, 2]]:\n    xs = [a, a]\n    return xs, xs\n",
    "a view returned": "def f(g: list[list[u64, 2], 2]) -> list[u64, 2]:\n    for row in g:\n        return row\n    return [0, 0]\n",
    "a field returned": "@dataclass\nclass S:\n    xs: list[u64, 2]\ndef f(s: S) -> list[u64, 2]:\n    return s.xs\n",
    "a parameter in a struct": "@dataclass\nclass S:\n    xs: list[u64, 2]\ndef f(xs: list[u64, 2]) -> S:\n    return S(xs)\n",
    "a parameter in a list": "def f(xs: list[u64, 2]) -> list[list[u64, 2], 1]:\n    return [xs]\n",
    "a struct with arrays": "@dataclass\nclass S:\n    xs: list[u64, 2]\ndef f(a: u64) -> u64:\n    s = S([a, a])\n    t = s\n    return t.xs[0]\n",
    "a row of a parameter replaced": "def f(g: list[list[u64, 2], 2]):\n    g[0] = [1, 2]\n",
    "a row replaced while a loop holds it": "def f(a: u64):\n    g = [[a] * 2 for _ in range(2)]\n    for row in g:\n        g[0] = [1, 2]\n",
    "a row kept": "def f(a: u64):\n    g = [[a] * 2 for _ in range(2)]\n    r = g[0]\n",
    "a shallow copy": "def f(g: list[list[u64, 2], 2]) -> list[list[u64, 2], 2]:\n    return g.copy()\n",
    "a shallow slice": "def f(g: list[list[u64, 2], 2]) -> list[list[u64, 2], 1]:\n    return g[0:1]\n",
    "a row bound again": "def f(a: u64):\n    g = [[a] * 2 for _ in range(2)]\n    for row in g:\n        if a > 1:\n            row = [1, 2]\n",
    "a constant changed in a list": "T = [[1, 2], [3, 4]]\ndef g(xs: list[u64, 2]) -> u64:\n    xs[0] = 1\n    return 1\ndef h(t: list[list[u64, 2], 2]) -> u64:\n    ys = [g(r) for r in t]\n    return ys[0]\ndef f(a: u64) -> u64:\n    return h(T)\n",
    "a struct stored by a function changed": "@dataclass\nclass P:\n    x: u64\n@dataclass\nclass S:\n    ps: list[P, 2]\ndef keep(s: S, p: P):\n    s.ps[0] = p\ndef f(s: S):\n    p = P(1)\n    keep(s, p)\n    p.x = 2\n",
    "a choice": "def f(xs: list[u64, 2], ys: list[u64, 2], t: bool) -> u64:\n    return (xs if t else ys)[0]\n",
    "a constant bound": "T = [1, 2]\ndef f(a: u64) -> u64:\n    xs = T\n    return xs[0]\n",
    "a constant's row changed": "T = [[1, 2], [3, 4]]\ndef f(a: u64):\n    for row in T:\n        row[0] = a\n",
    "a constant changed below": "T = [1, 2]\ndef g(xs: list[u64, 2]):\n    xs[0] = 1\ndef h(xs: list[u64, 2]):\n    g(xs)\ndef f(a: u64):\n    h(T)\n",
    "a struct in a list changed": "@dataclass\nclass P:\n    x: u64\ndef f(a: u64):\n    p = P(a)\n    ps = [p]\n    p.x = 2\n",
    "a struct that came back changed": "@dataclass\nclass P:\n    x: u64\ndef same(p: P) -> P:\n    return p\ndef f(a: u64):\n    p = P(a)\n    q = same(p)\n    p.x = 2\n",
}
# fmt: on


@pytest.mark.parametrize("name", SHARED)
def test_what_python_would_share_is_refused(name):
    error = refusal(SHARED[name] + "def main(a):\n    return a\n")

    assert type(error).__name__ == "SharingError"
    assert error.hint or "loop" in error.message
