"""The engine: what it keeps, what it refuses, what it survives."""

import threading

import pytest

from numen.ir import interp
from numen.ir.interface import Input, Interface
from numen.ir.nodes import Module
from numen.ir.ops import Op
from numen.ir.parse import parse_module
from numen.ir.program import Program, program_from_module
from numen.ir.types import U64, U256, Word
from numen.jit import engine, native
from numen.kernels.errors import CompileError, CompileTimeoutError, TooLargeError
from tests.strategies.builder import Builder

LIMIT = 10**9


def adder(number: int) -> Program:
    b = Builder("main", (U64,))
    start, (x,) = b.block("start", U64)
    b.enter(start)
    b.returns(b.op(Op.ADD, U64, x, b.const(number, U64)))
    return program_from_module(Module({"main": b.finish()}, "main", _interface(U64)))


def chain(length: int, word: Word, calls: int = 0) -> Module:
    """A function of so many dependent products, called in a row by so many others."""
    functions = {}
    for index in range(calls + 1):
        name = "main" if index == calls else f"f{index}"
        b = Builder(name, (word,))
        start, (x,) = b.block("start", word)
        b.enter(start)
        values = [x, b.const(3, word)]
        for _ in range(length):
            # All stay live until the end, so that a frame has to hold them.
            values.append(b.op(Op.WRAPPING_MUL, word, values[-1], values[-2]))
        total = b.call(f"f{index - 1}", (word,), values[-1])[0] if index else values[-1]
        for value in values:
            total = b.op(Op.XOR, word, total, value)
        b.returns(total)
        functions[name] = b.finish()
    return Module(functions, "main", _interface(word))


def _interface(word: Word) -> Interface:
    return Interface((Input("x", word),), word)


def test_native_code_is_kept_for_the_programs_used_last(monkeypatch):
    monkeypatch.setattr(engine, "LOADED_MAX", 4)
    engine.forget()
    programs = [adder(number) for number in range(6)]

    for program in [*programs, programs[2]]:
        engine.run(program, [1], work_limit=LIMIT)

    assert list(engine._loaded) == [programs[i].id for i in (3, 4, 5, 2)]


def test_a_damaged_object_on_disk_is_made_again(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMEN_CACHE", str(tmp_path / "cache"))
    program = adder(77)
    engine.forget()
    assert engine.run(program, [1], work_limit=LIMIT).results == (78,)
    objects = [path for path in (tmp_path / "cache/objects").rglob("*") if path.is_file()]
    assert len(objects) == 1
    good = objects[0].read_bytes()

    for bad in (b"", good[:100], good[:-1] + bytes([good[-1] ^ 1]), b"\x7fELF" * 100):
        objects[0].write_bytes(bad)
        engine.forget()

        assert engine.run(program, [2], work_limit=LIMIT).results == (79,)
        assert objects[0].read_bytes()[32:] == good[32:]


def test_programs_of_one_id_keep_their_own_places():
    text = """
    program main(x: u64) -> u64

    func main -> (u64)
    start(x: u64):
        y = div.u64 x, x @ "FILE":7:1
        return y
    """
    programs = [
        program_from_module(parse_module(text.replace("FILE", file))) for file in ("one", "two")
    ]
    assert programs[0].id == programs[1].id

    traps = [engine.run(program, [0], work_limit=LIMIT).trap for program in programs]

    assert [trap.place.file for trap in traps] == ["one", "two"]


def test_another_version_of_the_compiler_makes_its_own_objects(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMEN_CACHE", str(tmp_path))
    program, counts = adder(31), []

    for version in ("first", "second", "first"):
        monkeypatch.setattr(engine, "_sources", lambda version=version: version)
        engine.forget()
        assert engine.run(program, [1], work_limit=LIMIT).results == (32,)
        counts.append(sum(path.is_file() for path in (tmp_path / "objects").rglob("*")))

    assert counts == [1, 2, 2]


def test_a_stranger_s_program_is_compiled_within_limits(monkeypatch):
    monkeypatch.setitem(engine._BOUNDED, "limit_ms", 300)
    program = program_from_module(chain(2000, U256), level="O0")
    engine.forget()

    with pytest.raises(CompileTimeoutError):
        engine.compile_program(program, is_untrusted=True)


def test_a_stranger_s_small_program_runs_natively(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMEN_CACHE", str(tmp_path))
    engine.forget()

    outcome = engine.run(adder(5), [6], work_limit=LIMIT, is_untrusted=True)

    assert outcome.results == (11,)


def test_a_program_over_the_size_is_refused_before_llvm_sees_it(monkeypatch):
    monkeypatch.setattr(engine, "_EFFORTS", engine._EFFORTS[:1])
    program = program_from_module(chain(4000, U256), level="O0")
    engine.forget()

    with pytest.raises(TooLargeError) as caught:
        engine.compile_program(program)

    assert isinstance(caught.value, CompileError)


def test_a_large_program_is_compiled_within_limits_whoever_wrote_it(monkeypatch):
    monkeypatch.setitem(engine._BOUNDED, "limit_ms", 300)
    program = program_from_module(chain(3000, U256), level="O0")
    engine.forget()

    with pytest.raises(CompileTimeoutError):
        engine.compile_program(program)


def test_code_that_may_need_much_stack_gets_a_stack_of_its_own(monkeypatch):
    program = program_from_module(chain(4, U256, calls=20), level="O0")
    engine.forget()
    compiled = engine.compile_program(program)
    expected = interp.run(program.metered, [5], work_limit=LIMIT)
    threads = set()
    entry = compiled._entry
    monkeypatch.setattr(
        compiled, "_entry", lambda address: (threads.add(threading.get_ident()), entry(address))
    )

    # Every value of every frame on the stack at once would fit into the estimate.
    assert compiled.stack_bytes > 20 * 4 * 32
    for shared in (0, compiled.stack_bytes):
        monkeypatch.setattr(native, "SHARED_STACK_BYTES", shared)
        assert compiled.run([5], work_limit=LIMIT) == expected

    assert len(threads) == 2
    assert threading.get_ident() in threads
    assert threading.stack_size() == 0
