"""Many runs as one: a program that runs another on each of so many inputs.

It is written in the language, a loop around the function, so that it is run, priced, proven and
believed like any other program.
"""

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from numen.api.compiled import Compiled, from_text
from numen.api.evidence import WantError
from numen.api.folder import Folder, NoFolder

TOGETHER_MAX: Final = 4096
"""Most inputs of one task."""

_PRIVATE: Final = "Private"


def together(program: Compiled, count: int) -> Compiled:
    """Make the program that runs another so many times; each input is a list of that length.

    Raises:
        WantError: The program has no source, hides inputs, or there are too many.
        NumenError: The loop around it is refused.
    """
    if not 1 <= count <= TOGETHER_MAX:
        raise WantError(f"{count} inputs in one task, at most {TOGETHER_MAX}")
    source = program.source
    definition = _definition(source.text, source.entry)
    if definition is None or definition.returns is None:
        raise WantError("only a function whose source is there, and its type, is sold together")
    names = [arg.arg for arg in definition.args.args]
    types = [
        "felt" if a.annotation is None else ast.unparse(a.annotation) for a in definition.args.args
    ]
    if any(_PRIVATE in of for of in types):
        raise WantError("a function that hides inputs is not sold together")
    entry = f"{source.entry}_together"
    given = ", ".join(f"{name}: list[{of}, {count}]" for name, of in zip(names, types, strict=True))
    called = ", ".join(f"{name}[i]" for name in names)
    text = (
        f"{source.text}\n\n"
        f"def {entry}({given}) -> list[{ast.unparse(definition.returns)}, {count}]:\n"
        f"    return [{source.entry}({called}) for i in range({count})]\n"
    )
    path = Path(source.file)
    resolver = Folder(path.parent) if path.is_file() else NoFolder()
    return from_text(text, entry=entry, file=source.file, resolver=resolver)


def transposed(inputs: Sequence[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    """Inputs of many runs as those of the one: a list for each parameter."""
    return tuple(map(list, zip(*inputs, strict=True)))


def _definition(text: str, entry: str) -> ast.FunctionDef | None:
    if not text:
        return None
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == entry:
            return node
    return None
