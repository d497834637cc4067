"""Every block of Numen in the documentation compiles and does what its comments say.

The comments are described in docs/contributing.md.
"""

import ast
import re

import pytest

from numen.base.errors import NumenError
from numen.ir.program import Program, program_from_module
from numen.lang.compile import compile_source
from numen.lang.modules import Texts
from numen.vm import machine
from tests.markdown import Block, blocks, pages

CALL = re.compile(r"^# (?P<function>\w+)\((?P<arguments>.*)\) -> (?P<result>.+)$", re.MULTILINE)
ERROR = re.compile(r"#\s*error: (?P<text>.+)$")

BLOCKS = [
    block
    for page in pages()
    for block in blocks(page)
    if block.language == "numen" and not block.not_run
]


def compile_block(block: Block, entry: str) -> Program:
    """Compile a block; it can import the files that the same page shows."""
    files = {
        other.file_name.removesuffix(".py"): other.text
        for other in blocks(block.page)
        if other.file_name and other != block
    }
    module = compile_source(block.text, file=str(block), entry=entry, resolver=Texts(files))
    return program_from_module(module)


def entry_of(block: Block) -> str:
    """Name the function to compile where no comment calls one: the last."""
    try:
        body = ast.parse(block.text).body
    except SyntaxError:
        return "main"
    return next((n.name for n in reversed(body) if isinstance(n, ast.FunctionDef)), "main")


def outcome(program: Program, arguments: tuple, engine: machine.Engine) -> str:
    """Run, and write the result as a comment does."""
    result = machine.run(program, arguments, engine=engine)
    trap = result.trap
    return f"trap: {trap.message} ({trap.reason.value})" if trap else repr(result.value)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_does_what_it_says(block):
    wrong = [
        (number, said["text"])
        for number, line in enumerate(block.text.splitlines(), 1)
        if (said := ERROR.search(line))
    ]
    if wrong:
        refuse(block, wrong)
    else:
        accept(block)


def refuse(block: Block, wrong: list[tuple[int, str]]) -> None:
    assert len(wrong) == 1, f"{block}: a compiler reports one error at a time"
    ((line, text),) = wrong

    with pytest.raises(NumenError) as caught:
        compile_block(block, entry_of(block))

    assert text in str(caught.value), f"{block}: the error is: {caught.value}"
    assert caught.value.place is not None
    assert caught.value.place.line == line, f"{block}: the error is at {caught.value.place}"


def accept(block: Block) -> None:
    calls = list(CALL.finditer(block.text))
    for call in calls:
        program = compile_block(block, call["function"])
        arguments = ast.literal_eval(f"({call['arguments']},)" if call["arguments"] else "()")
        expected = call["result"].strip()
        is_trap = expected.startswith("trap")
        for engine in ("interp", "jit"):
            actual = outcome(program, arguments, engine)
            where = f"{block}: {call[0]}\n{engine} gives {actual}"
            assert is_trap == actual.startswith("trap"), where
            if is_trap:
                assert expected.removeprefix("trap:").strip() in actual, where
            else:
                assert repr(ast.literal_eval(expected)) == actual, where
    if not calls:
        assert compile_block(block, entry_of(block)).id


def block(text: str) -> Block:
    return Block("docs/contributing.md", 1, "numen", text)


HALF = "def half(a: u64) -> u64:\n    return a // 2\n\n"


def test_comments_that_tell_the_truth_are_accepted():
    accept(block(HALF + "# half(7) -> 3\n"))
    accept(
        block("def d(a: u64, b: u64) -> u64:\n    return a // b\n\n# d(1, 0) -> trap: division\n")
    )
    refuse(block("def f(a: u64) -> u64:\n    return b  # error: b\n"), [(2, "b")])


@pytest.mark.parametrize("lie", ["half(7) -> 4", "half(7) -> trap: division", "half(7) -> True"])
def test_comments_that_lie_are_caught(lie):
    with pytest.raises(AssertionError):
        accept(block(f"{HALF}# {lie}\n"))


def test_errors_that_lie_are_caught():
    unknown = block("def f(a: u64) -> u64:\n    return b  # error\n")
    for line, text in [(1, "b"), (2, "division")]:
        with pytest.raises(AssertionError):
            refuse(unknown, [(line, text)])
    with pytest.raises(pytest.fail.Exception):
        refuse(block(HALF), [(1, "b")])
