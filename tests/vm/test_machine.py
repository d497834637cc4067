"""Running programs on values."""

import pytest

from numen.ir import parse
from numen.ir.interface import InputError
from numen.ir.program import program_from_module
from numen.ir.trap import Reason
from numen.jit import engine
from numen.kernels.errors import CompileError
from numen.vm import machine

DIVIDE = """
program main(pair: struct Pair(top: u64, bottom: u64), flag: bool) -> struct Out(q: u64, ok: bool)

func main -> (u64, bool)
start(top: u64, bottom: u64, flag: bool):
    q = div.u64 top, bottom @ "job.num":3:5
    require flag, "flag wanted" @ "job.num":4:5
    return q, flag
"""

PROGRAM = program_from_module(parse.parse_module(DIVIDE.strip()))
ENGINES = ["auto", "jit", "interp"]


@pytest.mark.parametrize("name", ENGINES)
def test_a_value_comes_back_in_the_shape_of_the_result(name):
    result = machine.run(PROGRAM, [{"top": 84, "bottom": 2}, True], engine=name)

    assert result.value == {"q": 42, "ok": True}
    assert result.trap is None
    assert result.engine == ("jit" if name == "auto" else name)


@pytest.mark.parametrize("name", ENGINES)
def test_traps_say_what_happened_and_where(name):
    by_zero = machine.run(PROGRAM, [[1, 0], True], engine=name)
    unwanted = machine.run(PROGRAM, [[1, 1], False], engine=name)

    assert by_zero.value is None
    assert by_zero.trap.reason is Reason.DIVISION_BY_ZERO
    assert str(by_zero.trap) == "job.num:3:5: division by zero"
    assert str(unwanted.trap) == "job.num:4:5: flag wanted"


def test_work_is_the_same_on_every_engine():
    used = {machine.run(PROGRAM, [[1, 1], True], engine=name).work for name in ENGINES}

    assert len(used) == 1
    assert used.pop() > 0


def test_what_cannot_be_compiled_is_interpreted(monkeypatch):
    def refuse(*_args, **_options):
        raise CompileError("no compiler here")

    monkeypatch.setattr(engine, "compile_program", refuse)

    result = machine.run(PROGRAM, [[9, 3], True])

    assert (result.value["q"], result.engine) == (3, "interp")
    assert result.fallback == "no compiler here"
    with pytest.raises(CompileError):
        machine.run(PROGRAM, [[9, 3], True], engine="jit")


@pytest.mark.parametrize(
    "inputs",
    [[], [[1, 2]], [[1, 2], True, 3], [[1, -1], True], [[1, 2], 7], ["x", True], [1, True]],
)
def test_inputs_of_another_shape_are_refused(inputs):
    with pytest.raises(InputError):
        machine.run(PROGRAM, inputs)


@pytest.mark.parametrize("limit", [0, -5])
def test_a_limit_must_allow_something(limit):
    with pytest.raises(machine.LimitError):
        machine.run(PROGRAM, [[1, 1], True], work_limit=limit)


def test_storage_is_limited():
    text = DIVIDE.strip().replace(
        "    return", "    a = array.[100 x u64]\n    set.[100 x u64] a, q, q\n    return"
    )
    program = program_from_module(parse.parse_module(text))

    assert machine.run(program, [[1, 1], True], storage_limit_bytes=800).trap is None
    with pytest.raises(machine.StorageError) as caught:
        machine.run(program, [[1, 1], True], storage_limit_bytes=799)
    assert (caught.value.needed_bytes, caught.value.limit_bytes) == (800, 799)
