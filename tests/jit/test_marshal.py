"""Values on their way into memory and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.ir.interface import Leaf
from numen.ir.types import FELT, FIELD_ORDER, I64, U16, U256, WORDS
from numen.jit import marshal
from numen.jit.layout import Slot
from tests.strategies.ir import values


@given(data=st.data())
def test_values_come_back(data):
    word = data.draw(st.sampled_from(list(WORDS.values())))
    count = data.draw(st.none() | st.integers(1, 5))
    slot = Slot(Leaf("x", word, count), 8)
    given_ = [data.draw(values(word)) for _ in range(count or 1)]
    memory = memoryview(bytearray(8 + slot.size_bytes + 8))

    marshal.write(memory, slot, given_[0] if count is None else given_)

    assert marshal.read(memory, slot) == (given_[0] if count is None else given_)
    assert not any(memory[:8])
    assert not any(memory[-8:])


@pytest.mark.parametrize(
    ("word", "value", "raw"),
    [(U16, 0x1234, "3412"), (I64, -2, "fe" + 7 * "ff"), (U256, 1, "01" + 31 * "00")],
)
def test_words_are_little_endian(word, value, raw):
    slot = Slot(Leaf("x", word, None), 0)
    memory = memoryview(bytearray(slot.size_bytes))

    marshal.write(memory, slot, value)

    assert bytes(memory).hex() == raw


def test_an_array_may_be_given_as_its_bytes():
    slot = Slot(Leaf("x", U16, 3), 0)
    memory = memoryview(bytearray(6))

    marshal.write(memory, slot, bytes([1, 0, 2, 0, 3, 0]))

    assert marshal.read(memory, slot) == [1, 2, 3]


@pytest.mark.parametrize(("word", "value"), [(FELT, FIELD_ORDER), (WORDS["bool"], 2)])
def test_what_is_out_of_range_does_not_get_in(word, value):
    slot = Slot(Leaf("x", word, 1), 0)

    with pytest.raises(AssertionError):
        marshal.write(memoryview(bytearray(slot.size_bytes)), slot, [value])
