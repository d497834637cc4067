"""Regions against the interpreter: how a frame ends, its gas and its output."""

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.evm.forks import fork
from numen.evm.halt import Halt
from numen.evm.tier.regions import USUAL, Bounds
from tests.evm.native.bare import Bare, Ran
from tests.evm.native.programs import Writer
from tests.evm.tier.assembly import assemble
from tests.evm.tier.compiled import CompiledBare, same

TINY = Bounds(cost=60, instances=3, clones=2)


@functools.cache
def interpreter(name: str) -> Bare:
    return Bare(fork(name))


@functools.cache
def compiled(name: str, bounds: Bounds = USUAL) -> CompiledBare:
    return CompiledBare(name, bounds)


def compare(
    code: bytes, data: bytes = b"", gas: int = 10**6, name: str = "cancun", bounds=USUAL
) -> Ran:
    compiled(name, bounds).prepare(code)
    return compare_prepared(code, data, gas, name, bounds)


def compare_prepared(code, data, gas, name="cancun", bounds=USUAL) -> Ran:
    ours = compiled(name, bounds).run(code, data, gas=gas, heat_limit=1 << 62)
    expected = interpreter(name).run(code, data, gas=gas)
    assert same(ours, expected), (ours, expected)
    return ours


LOOP = """
    0 0 loop: DUP1 1000 GT ISZERO @end JUMPI
    DUP1 SWAP2 ADD SWAP1 1 ADD @loop JUMP
    end: POP 0 MSTORE 32 0 RETURN
"""


def test_a_loop_gives_its_sum():
    ran = compare(assemble(LOOP))

    assert ran.halt is Halt.RETURN
    assert int.from_bytes(ran.output, "big") == 499_500


def test_every_gas_limit_ends_as_interpreted():
    code = assemble(LOOP.replace("1000", "3"))
    full = 10**6 - compare(code).gas

    for gas in range(full + 2):
        compare_prepared(code, b"", gas)


@pytest.mark.parametrize("bounds", [USUAL, TINY], ids=["usual", "tiny"])
@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    data=st.binary(max_size=100),
    gas=st.one_of(st.just(100_000), st.just(10**7), st.integers(0, 3000)),
)
def test_programs_end_as_interpreted(bounds, seed, data, gas):
    compare(Writer(fork("cancun"), seed).program(), data, gas, bounds=bounds)
