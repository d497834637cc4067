"""What is drawn from a seed, against published values and the equations."""

import hashlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.proof.bn254 import G1, Q, R, fq2_multiply, is_in_g2
from numen.proof.ceremony import dice
from numen.proof.ceremony.dice import Dice, beacon_dice, is_larger, square_root
from numen.proof.errors import CeremonyError

ELEMENTS = st.tuples(*[st.one_of(st.integers(0, Q - 1), st.sampled_from([0, 1, Q - 1]))] * 2)


def test_the_generator_is_chacha20():
    drawn = Dice(bytes(32))
    words = [drawn.word() for _ in range(32)]

    # RFC 8439, A.1, test vectors 1 and 2: key and nonce of zeros, blocks 0 and 1.
    stream = struct.pack("<32I", *words)
    assert stream[:16].hex() == "76b8e0ada0f13d90405d6ae55386bd28"
    assert stream[64:80].hex() == "9f07e7be5551387a98ba977c732d080d"


@given(seed=st.binary(min_size=32, max_size=32))
@settings(max_examples=5)
def test_points_are_of_their_groups(seed):
    drawn = Dice(seed)
    first, second = drawn.g1(), drawn.g2()

    assert G1.contains(first)
    assert first is not None
    assert is_in_g2(second)
    assert second is not None
    assert 0 <= drawn.scalar() < R
    again = Dice(seed)
    assert (again.g1(), again.g2()) == (first, second)


@given(a=ELEMENTS)
@settings(max_examples=30)
def test_squares_have_two_roots_and_others_none(a):
    root = square_root(fq2_multiply(a, a))

    assert root in (a, (-a[0] % Q, -a[1] % Q))
    # u + 9 is no square: it twists the curve.
    if any(a):
        assert square_root(fq2_multiply(fq2_multiply(a, a), (9, 1))) is None


@given(a=ELEMENTS)
def test_one_of_an_element_and_its_negative_is_larger(a):
    negative = -a[0] % Q, -a[1] % Q

    assert is_larger(a) != is_larger(negative) or not any(a)


def test_a_beacon_is_hashed_so_often():
    value = b"beacon"
    for _ in range(1 << 10):
        value = hashlib.sha256(value).digest()

    assert beacon_dice(b"beacon", 10).scalar() == Dice(value).scalar()


def test_a_beacon_that_takes_too_long_is_refused():
    with pytest.raises(CeremonyError, match="too long"):
        beacon_dice(b"beacon", dice.BEACON_LOG_BEARABLE + 1)


def test_a_state_is_forgotten():
    drawn = Dice(bytes(range(32)))
    drawn.word()
    drawn.forget()

    held = vars(drawn)
    assert {word for words in held.values() for word in words} == {0}
