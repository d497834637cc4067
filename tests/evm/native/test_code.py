"""Jump maps of native code against the rule in a few lines of Python."""

import ctypes
import functools
from random import Random
from typing import Any

import pytest

from numen.evm.forks import fork
from numen.evm.native.code import write_jump_map
from numen.kernels import compiler
from numen.kernels.llvm import Module
from numen.kernels.options import Options

PADDING = bytes(64)


@functools.cache
def native() -> Any:
    module = Module()
    write_jump_map(module, fork("prague"))
    library = compiler.load(str(module), options=Options(cached=False))
    types = (ctypes.c_char_p, ctypes.c_int64, ctypes.c_void_p)
    return library.function("map_jumps", None, *types)


def mapped(code: bytes) -> bytes:
    marks = ctypes.create_string_buffer(b"\xaa" * (len(code) + 64))
    native()(code + PADDING, len(code), marks)
    assert marks.raw[len(code) : len(code) + 64] == b"\xaa" * 64, "written behind the end"
    return marks.raw[: len(code)]


def expected(code: bytes) -> bytes:
    marks, at = bytearray(len(code)), 0
    while at < len(code):
        marks[at] = code[at] == 0x5B
        at += code[at] - 0x5E if 0x60 <= code[at] <= 0x7F else 1
    return bytes(marks)


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 63, 64, 65, 96, 97, 500])
def test_maps_are_what_the_rule_says(size: int) -> None:
    dice = Random(size)
    for _ in range(200):
        density = dice.random()
        opcodes = [0x5B, dice.randint(0x60, 0x7F), 0x7F, dice.randint(0, 255)]
        code = bytes(dice.choice(opcodes) if dice.random() < density else 0x5B for _ in range(size))
        assert mapped(code) == expected(code), code.hex()


@pytest.mark.parametrize("at", range(64))
def test_a_push_takes_its_bytes_wherever_it_stands(at: int) -> None:
    for opcode in (0x60, 0x6F, 0x7F):
        code = b"\x5b" * at + bytes([opcode]) + b"\x5b" * 80
        assert mapped(code) == expected(code)
