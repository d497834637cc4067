"""Native powers against Python's."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from numen.evm.precompiles.powers import MODULUS_BYTES_MAX, power

bits = st.sampled_from([1, 2, 63, 64, 65, 127, 128, 129, 192, 320, 1024])


@st.composite
def numbers(draw):
    """Numbers around powers of two, and any others of so many bits."""
    size = draw(bits)
    top = 1 << size
    return draw(st.sampled_from([top, top - 1, top + 1, 0]) | st.integers(0, top))


exponents = st.sampled_from([2**48, 2**127, 2**128 - 1, 2**128, 2**131 + 5]) | st.integers(
    2**47, 2**300
)


@settings(max_examples=400)
@given(
    base=numbers(), exponent=exponents, odd=numbers(), twos=st.sampled_from([0, 0, 1, 63, 64, 65])
)
@example(base=0, exponent=2**60, odd=0, twos=0)
@example(base=2**64 - 1, exponent=2**128 - 1, odd=2**320 - 1, twos=0)
def test_powers(base, exponent, odd, twos):
    modulus = (odd | 1) << twos

    assert power(base, exponent, modulus) == pow(base, exponent, modulus)


@given(base=numbers(), exponent=exponents, modulus=numbers().filter(bool))
def test_powers_modulo_anything(base, exponent, modulus):
    assert power(base, exponent, modulus) == pow(base, exponent, modulus)


def test_the_longest_modulus_that_is_native_and_one_longer():
    for size in (MODULUS_BYTES_MAX, MODULUS_BYTES_MAX + 1):
        modulus = 2 ** (8 * size) - 3
        base = int.from_bytes(b"\x77" * size, "big")
        assert power(base, 2**50 + 1, modulus) == pow(base, 2**50 + 1, modulus)
