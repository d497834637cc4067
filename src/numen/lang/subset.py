"""Python that is not of the language: what it is called, and what to write instead."""

import ast
from typing import Final

from numen.lang.errors import LangError, SubsetError
from numen.lang.source import Source

# fmt: off
_STATEMENTS: Final[dict[type[ast.stmt], tuple[str, str]]] = {
    ast.AsyncFor:          ("async for", "write for"),
    ast.AsyncFunctionDef:  ("an async function", "write def"),
    ast.AsyncWith:         ("async with", "nothing needs closing here"),
    ast.ClassDef:          ("a class inside of a function", "move it to the top of the file"),
    ast.Delete:            ("del", "let the name be"),
    ast.FunctionDef:       ("a function inside of a function", "move it to the top of the file"),
    ast.Global:            ("global", "pass the value as a parameter and return it"),
    ast.Import:            ("an import inside of a function", "move it to the top of the file"),
    ast.ImportFrom:        ("an import inside of a function", "move it to the top of the file"),
    ast.Match:             ("match", "write if and elif"),
    ast.Nonlocal:          ("nonlocal", "pass the value as a parameter and return it"),
    ast.Raise:             ("raise", 'write assert False, "message"'),
    ast.Try:               ("try", "errors end the program: test before, with if"),
    ast.TryStar:           ("try", "errors end the program: test before, with if"),
    ast.With:              ("with", "nothing needs closing here"),
}

_EXPRESSIONS: Final[dict[type[ast.expr], tuple[str, str]]] = {
    ast.Await:          ("await", "call the function"),
    ast.Dict:           ("a dict", "write a list, or a struct with @dataclass"),
    ast.DictComp:       ("a dict", "write a list, or a struct with @dataclass"),
    ast.FormattedValue: ("an f-string", "write texts: str[32], and numen.std.text"),
    ast.GeneratorExp:   ("a generator", "write a list in brackets: [... for ...]"),
    ast.JoinedStr:      ("an f-string", "write texts: str[32], and numen.std.text"),
    ast.Lambda:         ("lambda", "write a function with def"),
    ast.NamedExpr:      (":=", "assign in a statement of its own"),
    ast.Set:            ("a set", "write a list"),
    ast.SetComp:        ("a set", "write a list in brackets"),
    ast.Slice:          ("a slice", "write xs[a:b] with constants"),
    ast.Starred:        ("*", "write the values one by one"),
    ast.Yield:          ("yield", "fill a list and return it"),
    ast.YieldFrom:      ("yield from", "fill a list and return it"),
}
# fmt: on

FOREIGN_FUNCTIONS: Final = {
    "all": "write a loop with and",
    "any": "write a loop with or",
    "enumerate": "write for i, x in enumerate(xs):",
    "divmod": "write a // b and a % b",
    "eval": "the language never runs text",
    "exec": "the language never runs text",
    "float": "use fixed point: i64 or i128 times a power of two",
    "hash": "from numen.std.poseidon import poseidon",
    "input": "make it a parameter",
    "int": "write u64(x), i64(x) or another width",
    "isinstance": "types are known when the program is compiled",
    "list": "write xs.copy() or [0] * 8",
    "open": "programs see nothing of the host; make it a parameter",
    "print": "return the value, or assert it",
    "range": "write for i in range(n):",
    "reversed": "write for i in range(n - 1, -1, -1)",
    "round": "integers are exact",
    "sorted": "write a sorting function",
    "str": "write texts: str[32], and numen.std.text",
    "sum": "write a loop",
    "zip": "write for x, y in zip(xs, ys):",
    "type": "types are known when the program is compiled",
}
"""Python functions that people reach for, and what to write instead."""


def refuse_statement(source: Source, node: ast.stmt) -> LangError | None:
    """An error for a statement that the language lacks, if it is one."""
    found = _STATEMENTS.get(type(node))
    return _refuse(source, node, *found) if found else None


def refuse_expression(source: Source, node: ast.expr) -> LangError:
    """An error for an expression that the language lacks."""
    if isinstance(node, ast.Constant):
        return _refuse_constant(source, node)
    what, hint = _EXPRESSIONS.get(type(node), (type(node).__name__, ""))
    return _refuse(source, node, what, hint)


def _refuse(source: Source, node: ast.AST, what: str, hint: str) -> LangError:
    return source.refuse(SubsetError, node, f"{what} is not part of the language", hint)


def _refuse_constant(source: Source, node: ast.Constant) -> LangError:
    match node.value:
        case float() | complex():
            return _refuse(
                source, node, f"{node.value!r}", "use fixed point: i64 times a power of two"
            )
        case None:
            return _refuse(
                source, node, "None", "write a value; a function without result returns nothing"
            )
        case _:
            return _refuse(source, node, "...", "write pass")
