"""Keccak-256 in native code against another implementation."""

import ctypes
import hashlib

import pytest
import sha3
from hypothesis import given
from hypothesis import strategies as st

from numen.evm.forks import fork
from numen.evm.native import keccak
from numen.evm.native.layout import MEMO, MEMO_ENTRIES, WORLD
from numen.kernels import compiler
from numen.kernels.compiler import Library
from numen.kernels.llvm import Module


@pytest.fixture(scope="module")
def library() -> Library:
    """``keccak`` and ``keccak_memo``, each behind a function that stores its word."""
    module = Module()
    keccak.write_keccak(module, fork("cancun"))
    for name in ("keccak", "keccak_memo"):
        callee = module.functions[name].callee
        params = {f"p{i}": type_ for i, type_ in enumerate(callee.params)}
        f = module.function(f"{name}_to", "void", {**params, "out": "ptr"})
        f.store(f.byte_swap(f.call(callee, *f.params[:-1])), f.params[-1], 1)
        f.ret()
    return compiler.load(str(module))


def digest(library: Library, data: bytes) -> bytes:
    out = ctypes.create_string_buffer(32)
    call = library.function("keccak_to", None, ctypes.c_char_p, ctypes.c_uint64, ctypes.c_void_p)
    call(data, len(data), out)
    return out.raw


def expected(data: bytes) -> bytes:
    return bytes(sha3.keccak_256(data).digest())


@pytest.mark.parametrize("size", [0, 1, 7, 8, 31, 32, 64, 135, 136, 137, 271, 272, 273, 5000])
def test_lengths_around_words_and_blocks(library: Library, size: int) -> None:
    data = hashlib.shake_128(b"numen").digest(size)

    assert digest(library, data) == expected(data)


@given(data=st.binary(max_size=600))
def test_any_bytes(library: Library, data: bytes) -> None:
    assert digest(library, data) == expected(data)


def test_remembered_digests_are_those_of_their_inputs(library: Library) -> None:
    world = ctypes.create_string_buffer(WORLD.size_bytes + 64)
    memo = ctypes.create_string_buffer(MEMO_ENTRIES * MEMO.size_bytes + 64)
    address = -(-ctypes.addressof(world) // 64) * 64
    WORLD.write(address, "memo", -(-ctypes.addressof(memo) // 64) * 64)
    out = ctypes.create_string_buffer(32)
    pointer, size = ctypes.c_void_p, ctypes.c_uint64
    call = library.function("keccak_memo_to", None, pointer, pointer, size, pointer)

    # More inputs than there are entries, twice, with lengths that share their first half.
    inputs = [i.to_bytes(32, "big") for i in range(MEMO_ENTRIES + 500)]
    inputs += [data + data for data in inputs] + [b"", b"x" * 33, b"y" * 65]
    for data in inputs * 2:
        buffer = ctypes.create_string_buffer(data, len(data) + 1)
        call(address, ctypes.addressof(buffer), len(data), out)
        assert out.raw == expected(data)
