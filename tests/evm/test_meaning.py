"""What pure opcodes mean, against their definitions over the integers."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from numen.evm.meaning import PREDICATES, PURE
from numen.evm.opcodes import BY_NAME, OPCODES
from numen.ir.interp import INTEGERS

M = 2**256
EDGES = [0, 1, 2, 31, 32, 33, 255, 256, 257, 2**64, 2**128, 2**255 - 1, 2**255, M - 2, M - 1]
words = st.one_of(
    st.sampled_from(EDGES), st.integers(0, 300), st.integers(0, M - 1), st.integers(M - 300, M - 1)
)


def signed(x):
    return x - M if x >= M // 2 else x


def towards_zero(a, b):
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def signextend(k, x):
    if k > 30:
        return x
    bits = 8 * (k + 1)
    low = x % 2**bits
    return low - 2**bits if low >= 2 ** (bits - 1) else low


DEFINED = {
    "ADD": lambda a, b: a + b,
    "MUL": lambda a, b: a * b,
    "SUB": lambda a, b: a - b,
    "DIV": lambda a, b: a // b if b else 0,
    "SDIV": lambda a, b: towards_zero(signed(a), signed(b)) if b else 0,
    "MOD": lambda a, b: a % b if b else 0,
    "SMOD": lambda a, b: signed(a) - signed(b) * towards_zero(signed(a), signed(b)) if b else 0,
    "ADDMOD": lambda a, b, m: (a + b) % m if m else 0,
    "MULMOD": lambda a, b, m: (a * b) % m if m else 0,
    "SIGNEXTEND": signextend,
    "LT": lambda a, b: a < b,
    "GT": lambda a, b: a > b,
    "SLT": lambda a, b: signed(a) < signed(b),
    "SGT": lambda a, b: signed(a) > signed(b),
    "EQ": lambda a, b: a == b,
    "ISZERO": lambda a: a == 0,
    "AND": lambda a, b: a & b,
    "OR": lambda a, b: a | b,
    "XOR": lambda a, b: a ^ b,
    "NOT": lambda a: -1 - a,
    "BYTE": lambda i, x: x.to_bytes(32, "big")[i] if i < 32 else 0,
    "SHL": lambda n, x: x << n if n < 256 else 0,
    "SHR": lambda n, x: x >> n if n < 256 else 0,
    "SAR": lambda n, x: signed(x) >> min(n, 255),
    "CLZ": lambda x: 256 - x.bit_length(),
}


@pytest.mark.parametrize("name", DEFINED)
@given(operands=st.tuples(words, words, words))
def test_a_meaning_is_its_definition(name, operands):
    byte = BY_NAME[name].byte
    taken = operands[: OPCODES[byte].pops]

    found = PURE[byte](INTEGERS, *taken)

    assert 0 <= found < M
    assert found == DEFINED[name](*taken) % M


@settings(max_examples=25)
@given(base=words, exponent=words)
@example(0, 0)
@example(2, 255)
@example(M - 1, M - 1)
def test_exp_folds_its_steps_to_the_power(base, exponent):
    assert PURE[BY_NAME["EXP"].byte](INTEGERS, base, exponent) == pow(base, exponent, M)


def test_every_pure_opcode_is_defined_here():
    assert {OPCODES[byte].name for byte in PURE} == {*DEFINED, "EXP"}
    assert all(OPCODES[byte].pushes == 1 for byte in PURE)


def test_predicates_give_a_truth():
    assert {OPCODES[byte].name for byte in PREDICATES} == {"LT", "GT", "SLT", "SGT", "EQ", "ISZERO"}
    assert set(PREDICATES) < set(PURE)
