"""Compile a source and run it in the reference interpreter."""

from typing import Any

import pytest

from numen.ir import interp
from numen.ir.interface import flatten, unflatten
from numen.ir.trap import Trap
from numen.lang import LangError, Texts, compile_source

HEAD = "def main(a: u64, b: u32, f: felt, s: i64, t: bool, xs: list[u64, 4]) -> u64:\n"
"""A head that gives the bodies of short programs something of every type."""


def body(*lines: str) -> str:
    """A program of these lines below `HEAD`."""
    return HEAD + "".join(f"    {line}\n" for line in lines)


def run(source: str, *args: Any, files: dict[str, str] | None = None) -> Any:
    """The result of ``main``, or the trap that ended it."""
    module = compile_source(source, file="t.py", resolver=Texts(files or {}))
    parts: list[int | list[int]] = []
    for wanted, arg in zip(module.interface.inputs, args, strict=True):
        parts += flatten(wanted.shape, arg)
    outcome = interp.run(module, parts, work_limit=1)
    if outcome.results is None:
        assert outcome.trap is not None
        return outcome.trap
    return unflatten(module.interface.result, list(outcome.results))


def value(expression: str, of: str, **names: tuple[str, Any]) -> Any:
    """The value of an expression of a type, over names with types and values."""
    params = ", ".join(f"{name}: {type_}" for name, (type_, _) in names.items())
    source = f"def main({params}) -> {of}:\n    return {expression}\n"
    return run(source, *(given for _, given in names.values()))


def refusal(source: str, files: dict[str, str] | None = None) -> LangError:
    """The error that a source meets."""
    with pytest.raises(LangError) as caught:
        compile_source(source, file="t.py", resolver=Texts(files or {}))
    return caught.value


def reason(found: Any) -> str:
    """Why a run ended."""
    assert isinstance(found, Trap), f"no trap but {found}"
    return found.reason.value
