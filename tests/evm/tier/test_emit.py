"""Regions against the interpreter: how a frame ends, its gas, its output and its effects."""

import ctypes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.evm.forks import fork
from numen.evm.halt import Halt
from numen.evm.native import interpreter as native
from numen.evm.native.layout import WORLD
from numen.evm.tier import slots
from numen.evm.tier.regions import USUAL
from tests.evm.native.programs import Writer
from tests.evm.tier.assembly import assemble
from tests.evm.tier.compiled import TINY, Ran, compiled, interpreter, run
from tests.evm.tier.structured import structured

BOUNDS = pytest.mark.parametrize("bounds", [USUAL, TINY], ids=["usual", "tiny"])

LOOP = """
    0 0 loop: DUP1 1000 GT ISZERO @end JUMPI
    DUP1 SWAP2 ADD SWAP1 1 ADD @loop JUMP
    end: POP 0 MSTORE 32 0 RETURN
"""


def compare(
    code: bytes, data: bytes = b"", gas: int = 10**6, name: str = "cancun", bounds=USUAL
) -> Ran:
    ours = run(compiled(name, bounds), code, data, gas)
    expected = run(interpreter(name), code, data, gas)
    assert ours.is_like(expected), f"{code.hex()} {data.hex()} {gas}\n{ours}\n{expected}"
    return ours


def test_a_loop_gives_its_sum():
    ran = compare(assemble(LOOP))

    assert ran.result.halt is Halt.RETURN
    assert int.from_bytes(ran.result.output, "big") == 499_500


def test_compiled_code_asks_no_handler_for_what_it_can_do_itself():
    machine = compiled("cancun")
    engine = native.interpreter(machine.fork)
    handlers = [engine.address("fail.BAD_INSTRUCTION")] * 256
    handlers[0xF3] = engine.address("op.f3")
    table = (ctypes.c_uint64 * 256)(*handlers)
    before = WORLD.read(machine._world, "table")

    try:
        WORLD.write(machine._world, "table", ctypes.addressof(table))
        ran = run(machine, assemble(LOOP))
    finally:
        WORLD.write(machine._world, "table", before)

    assert int.from_bytes(ran.result.output, "big") == 499_500


@BOUNDS
@pytest.mark.parametrize(
    "text",
    [
        LOOP.replace("1000", "3"),
        "1 0 SSTORE 2 0 SSTORE GAS 1 SSTORE 0 SLOAD 1 SLOAD ADD 2 SSTORE 0 0 SSTORE STOP",
        "5 0 MSTORE 64 0 KECCAK256 200 MSTORE8 GAS 32 MSTORE 0 96 LOG0 256 0 RETURN",
        "0 l: 1 ADD DUP1 DUP1 1024 MUL MSTORE DUP1 4 GT @l JUMPI MSIZE 0 SSTORE STOP",
        "@a @f JUMP a: @b @f JUMP b: 0 SSTORE STOP f: 7 SLOAD 1 ADD 7 SSTORE JUMP",
        "0 0 0 0 0 4 GAS CALL RETURNDATASIZE ADD l: 1 ADD DUP1 3 GT @l JUMPI 0 MSTORE 0 32 REVERT",
    ],
)
def test_every_gas_limit_ends_as_interpreted(text, bounds):
    code = assemble(text)
    full = 10**6 - compare(code, bounds=bounds).result.gas_left

    for gas in range(full + 2) if full < 3000 else [*range(0, full, full // 3000), full - 1, full]:
        compare(code, b"", gas, bounds=bounds)


@BOUNDS
@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    data=st.binary(max_size=100),
    gas=st.one_of(st.just(100_000), st.just(10**7), st.integers(0, 3000)),
)
def test_programs_end_as_interpreted(bounds, seed, data, gas):
    compare(Writer(fork("cancun"), seed).program(), data, gas, bounds=bounds)


@BOUNDS
@settings(max_examples=100)
@given(code=structured(), gas=st.one_of(st.just(10**6), st.integers(0, 2000)))
def test_structured_programs_end_as_interpreted(bounds, code, gas):
    compare(code, b"\x01" * 40, gas, bounds=bounds)


@settings(max_examples=60)
@given(code=structured())
def test_regions_of_which_nothing_is_known_end_as_interpreted(code):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slots, "VISITS_MAX", 0)
        compare(code + b"\xfe", b"\x01" * 40)


@BOUNDS
@settings(max_examples=100)
@given(code=st.binary(max_size=60), gas=st.integers(0, 2000))
def test_bytes_that_are_no_program_end_as_interpreted(bounds, code, gas):
    compare(code, b"data", gas, bounds=bounds)


@pytest.mark.parametrize("height", [0, 1, 2, 3, 1020, 1022, 1023, 1024])
def test_stacks_at_their_bounds_end_as_interpreted(height):
    for body in ("", "POP", "DUP1", "DUP2 DUP2", "SWAP2", "1 2 3 ADD ADD", "POP POP POP POP 9"):
        compare(assemble("1 " * height + f"there: {body} PC POP STOP"))
