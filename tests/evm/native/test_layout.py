"""Both sides of shared memory agree where its fields lie."""

import ctypes
import re

import pytest

from numen.evm.native import layout
from numen.evm.native.layout import Record
from numen.kernels import compiler
from numen.kernels.llvm import Module, bits_of

RECORDS = [value for value in vars(layout).values() if isinstance(value, Record)]


def size_of(type_: str) -> int:
    """Bytes of a type, by LLVM's own rules."""
    found = re.fullmatch(r"(?:\[(\d+) x )?(\w+)\]?", type_)
    assert found
    return int(found[1] or 1) * (8 if found[2] == "ptr" else bits_of(found[2]) // 8)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_fields_do_not_overlap_and_end_inside_the_record(record: Record) -> None:
    used = [False] * record.size_bytes
    for field, _, _ in record.rows:
        size = size_of(record.type(field))
        for byte in range(record.offset(field), record.offset(field) + size):
            assert not used[byte]
            used[byte] = True


def test_native_code_reads_what_python_wrote_and_python_what_native_code_wrote() -> None:
    record = Record("Pair", (("small", "i64", "a number"), ("wide", "i256", "a word")))
    module = Module()
    f = module.function("swap", "void", {"pair": "ptr"})
    small, wide = (record.load(f, f.params[0], field) for field in ("small", "wide"))
    record.store(f, f.params[0], "small", f.trunc(wide, "i64"))
    record.store(f, f.params[0], "wide", f.zext(small, "i256"))
    f.ret()
    swap = compiler.load(str(module)).function("swap", None, ctypes.c_void_p)
    memory = (ctypes.c_uint64 * (record.size_bytes // 8 + 2))()
    address = -(-ctypes.addressof(memory) // 16) * 16

    record.write(address, "small", -1)
    record.write(address, "wide", 2**256 - 2)
    swap(address)

    assert record.read(address, "small") == 2**64 - 2
    assert record.read(address, "wide") == 2**64 - 1


def test_a_field_may_not_be_there_twice() -> None:
    with pytest.raises(AssertionError, match="x is there twice"):
        Record("Twice", (("x", "i64", ""), ("x", "i64", "")))
