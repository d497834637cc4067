"""Region tables, and divisions that regions import."""

import ctypes

from hypothesis import given
from hypothesis import strategies as st

from numen.evm.tier import tables
from numen.evm.tier.divisions import NAMES, addresses
from numen.evm.tier.tables import Tables
from numen.kernels import compiler
from numen.kernels.llvm import Callee, Module


def test_a_new_table_is_empty_and_tables_do_not_overlap():
    kept = Tables()
    first, second = kept.new(100), kept.new(50)

    first.publish(100, 7)
    first.set_heat(99, -5)

    assert first.has_region(100)
    assert not first.has_region(99)
    assert first.heats(range(100)) == {99: -5}
    assert second.heats(range(50)) == {}
    assert not any(second.has_region(pc) for pc in range(51))


def test_code_gets_no_table_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(tables, "CHUNKS_MAX", 1)
    kept = Tables()

    made = [kept.new(1 << 20) for _ in range(5)]

    assert made[:3] != [None] * 3
    assert made[-1] is None


def test_a_table_larger_than_a_chunk_is_made():
    assert Tables().new(tables.CHUNK_BYTES // 8).has_region(tables.CHUNK_BYTES // 8) is False


_M = 1 << 256


def _signed(a: int) -> int:
    return a - _M if a >> 255 else a


def _expected(name: str, a: int, b: int, m: int) -> int:
    if "mod" in name:
        exact = a * b if "mul" in name else a + b
        return exact % m if m else 0
    if b == 0:
        return 0
    if name.startswith("numen.u"):
        return a // b if "div" in name else a % b
    x, y = _signed(a), _signed(b)
    quotient = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
    return (quotient if "div" in name else x - quotient * y) % _M


def _caller() -> compiler.Library:
    """Functions that read their operands from memory, and ask what regions would ask."""
    module = Module(provided=NAMES)
    for name in NAMES:
        count = 3 if "mod" in name else 2
        f = module.function(f"call.{name}", "void", {"words": "ptr"})
        words = [f.load("i256", f.gep("i256", f.params[0], i)) for i in range(count)]
        found = f.call(module.declare(name, "i256", ("i256",) * count), *words)
        f.store(found, f.params[0])
        f.ret()
        assert isinstance(module.declare(name, "i256", ("i256",) * count), Callee)
    options = compiler.Options(is_far=True, cached=False)
    return compiler.load(str(module), options=options, imports=addresses())


LIBRARY = _caller()
CALLS = {name: LIBRARY.function(f"call.{name}", None, ctypes.c_void_p) for name in NAMES}
WORDS = st.one_of(
    st.integers(0, 3),
    st.integers(0, _M - 1),
    st.integers(0, 255).map(lambda bits: 1 << bits),
    st.integers(1, 255).map(lambda bits: _M - (1 << bits)),
)


@given(a=WORDS, b=WORDS, m=WORDS)
def test_imported_divisions_are_exact(a, b, m):
    for name, call in CALLS.items():
        memory = ctypes.create_string_buffer(128)
        start = -(-ctypes.addressof(memory) // 16) * 16
        ctypes.memmove(start, b"".join(x.to_bytes(32, "little") for x in (a, b, m)), 96)

        call(start)

        assert int.from_bytes(ctypes.string_at(start, 32), "little") == _expected(name, a, b, m)
