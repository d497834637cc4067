"""The compile service: what it refuses, what it survives, what it keeps."""

import ctypes
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from numen.kernels import cache, compiler, errors
from numen.kernels.llvm import Module
from numen.kernels.options import Options

SMALL = "define i64 @f(i64 %x) {\n  %y = mul i64 %x, 3\n  ret i64 %y\n}\n"


def divisions(count: int) -> str:
    """A module LLVM works on for about ``count`` milliseconds: wide divisions become loops."""
    f = (module := Module()).function("f", "i256", {"a": "i256", "b": "i256"})
    x, y = f.params
    for i in range(count):
        x = f.udiv(f.mul(x, f.add(y, i)), f.or_(x, y))
    f.ret(x)
    return str(module)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMEN_CACHE", str(tmp_path))


def call(text: str, x: int, options: Options) -> int:
    library = compiler.load(text, options=options)
    return library.function("f", ctypes.c_uint64, ctypes.c_uint64)(x)


@pytest.mark.parametrize("passes", ["none", "quick", "lean", "O1", "O2", "loops", "O3"])
@pytest.mark.parametrize("codegen", [0, 2])
def test_every_pass_list_gives_the_same_answer(passes: str, codegen: int) -> None:
    assert call(SMALL, 14, Options(passes=passes, codegen=codegen)) == 42


def test_the_second_time_the_object_comes_from_disk(tmp_path: Path) -> None:
    first = compiler.compile_module(SMALL)
    (entry,) = tmp_path.glob("objects/*/*")

    assert entry.read_bytes()[cache.SEAL_BYTES :] == first
    assert compiler.compile_module(SMALL) == first


def test_a_tampered_object_is_compiled_again(tmp_path: Path) -> None:
    good = compiler.compile_module(SMALL)
    (entry,) = tmp_path.glob("objects/*/*")
    entry.write_bytes(entry.read_bytes()[:-1] + b"!")

    assert compiler.compile_module(SMALL) == good


def test_an_import_is_called() -> None:
    seen: list[int] = []
    kind = ctypes.CFUNCTYPE(None, ctypes.c_uint64)
    host = kind(seen.append)
    text = (
        "declare void @host(i64)\n"
        "define void @f(i64 %x) {\n  call void @host(i64 %x)\n  ret void\n}\n"
    )
    address = ctypes.cast(host, ctypes.c_void_p).value
    library = compiler.load(text, imports={"host": address})
    library.function("f", None, ctypes.c_uint64)(8)

    assert seen == [8]


def test_a_symbol_that_nobody_provides_is_an_error_not_a_crash() -> None:
    text = "declare void @g()\ndefine void @f() {\n  call void @g()\n  ret void\n}\n"

    with pytest.raises(errors.LinkError):
        compiler.load(text).address("f")
    with pytest.raises(errors.LinkError):
        compiler.load(SMALL).address("absent")


@pytest.mark.parametrize("untrusted", [False, True])
@pytest.mark.parametrize("text", ["define i64 @f() {\n  ret i32 0\n}\n", "what is this"])
def test_text_that_llvm_refuses_is_a_typed_error(text: str, *, untrusted: bool) -> None:
    with pytest.raises(errors.CompileError, match="LLVM refuses"):
        compiler.compile_module(text, options=Options(untrusted=untrusted))


def test_sizes_are_capped_at_the_cap_and_not_below() -> None:
    text = divisions(3)
    lines = text[: text.index("\n}")].count("\n")

    compiler.check_size(text, Options(cap_instructions=lines, cap_text_bytes=len(text)))
    for options in (
        Options(cap_instructions=lines - 1),
        Options(cap_text_bytes=len(text) - 1),
        Options(cap_functions=0),
    ):
        with pytest.raises(errors.TooLargeError):
            compiler.compile_module(text, options=options)


def test_the_helper_compiles_what_this_process_compiles() -> None:
    here = compiler.compile_module(SMALL, options=Options(cached=False))
    there = compiler.compile_module(SMALL, options=Options(cached=False, untrusted=True))

    assert there == here


def test_a_bomb_is_killed_and_the_next_one_is_served() -> None:
    bomb = divisions(3000)

    with pytest.raises(errors.CompileTimeoutError):
        compiler.compile_module(bomb, options=Options(untrusted=True, limit_ms=300))
    assert call(SMALL, 14, Options(untrusted=True)) == 42


def test_running_out_of_memory_is_a_typed_error() -> None:
    bomb = f'@g = global [{1 << 30} x i8] zeroinitializer, section "text"\n'

    with pytest.raises(errors.OutOfMemoryError):
        compiler.compile_module(bomb, options=Options(untrusted=True, limit_bytes=1 << 30))
    assert call(SMALL, 14, Options(untrusted=True)) == 42


def test_llvm_aborting_is_a_typed_error() -> None:
    text = 'define void @f() {\n  call void asm "nonsense", ""()\n  ret void\n}\n'

    with pytest.raises(errors.CompilerDiedError, match="invalid instruction mnemonic"):
        compiler.compile_module(text, options=Options(untrusted=True))
    assert call(SMALL, 14, Options(untrusted=True)) == 42


def test_a_helper_that_was_killed_is_replaced() -> None:
    compiler.compile_module(SMALL, options=Options(untrusted=True, cached=False))
    process = compiler._HELPER._process
    assert process is not None
    process.kill()
    process.wait()

    assert compiler.compile_module(SMALL, options=Options(untrusted=True, cached=False))


def test_threads_take_turns_at_the_helper() -> None:
    options = Options(untrusted=True, cached=False)
    texts = [SMALL.replace("3", str(factor)) for factor in range(2, 10)]
    with ThreadPoolExecutor(4) as pool:
        objects = list(pool.map(lambda text: compiler.compile_module(text, options=options), texts))

    assert objects == [
        compiler.compile_module(text, options=Options(cached=False)) for text in texts
    ]


def test_listings_are_optimised_text_and_assembly() -> None:
    optimised, assembly = compiler.listings(SMALL)

    assert "define i64 @f" in optimised
    assert "ret" in assembly
    with pytest.raises(errors.TooLargeError):
        compiler.listings(SMALL, options=Options(cap_text_bytes=1))


def test_what_can_be_named_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def make() -> bytes:
        made.append(1)
        return b"bytes"

    assert compiler.recall("a", make) == compiler.recall("a", make) == b"bytes"
    assert len(made) == 1
    compiler.recall("b", make)
    assert len(made) == 2
    monkeypatch.setenv("NUMEN_CACHE", "")
    assert compiler.recall("a", make) == b"bytes"
    assert len(made) == 3
