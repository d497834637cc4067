"""RLP against pyrlp, which was written by other people, and hostile bytes."""

import random
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from numen.base.errors import NumenError
from numen.evm import rlp

judge = pytest.importorskip("rlp", reason="pyrlp is a judge; `make judges` installs it")
pytestmark = pytest.mark.judges

strings = st.binary(max_size=3) | st.binary(min_size=53, max_size=58) | st.binary(max_size=300)
items = st.recursive(strings, lambda inner: st.lists(inner, max_size=6), max_leaves=40)


def theirs_of(data):
    """Decode as the judge does; None where it refuses."""
    try:
        return judge.decode(data)
    except judge.exceptions.DecodingError:
        return None


def ours_of(data):
    """Decode; None where it is refused."""
    try:
        return rlp.decode(data)
    except rlp.DecodeError as error:
        offset = error.offset
    assert 0 <= offset <= len(data)
    return None


@given(item=items)
def test_an_item_is_written_as_the_judge_writes_it_and_read_again(item):
    data = rlp.encode(item)

    assert data == judge.encode(item)
    assert rlp.decode(data) == item


@given(number=st.integers(0, 2**300))
@example(number=0)
def test_integers_are_written_without_leading_zeros(number):
    data = rlp.encode(number)

    assert data == judge.encode(number)
    assert rlp.to_int(rlp.decode(data), bytes_max=40) == number


@given(
    data=st.binary(max_size=80)
    | st.lists(
        st.sampled_from(
            [0x00, 0x7F, 0x80, 0x81, 0xB7, 0xB8, 0xBF, 0xC0, 0xC1, 0xF7, 0xF8, 0xFF, 0x38]
        ),
        max_size=60,
    ).map(bytes)
)
@example(data=b"")
@example(data=b"\x81\x00")
@example(data=b"\xb8\x37" + bytes(0x37))
@example(data=b"\xb9\x00\x38" + bytes(0x38))
@example(data=b"\xc1\xc1")
@example(data=b"\xf8\x38\xb8")
def test_bytes_are_refused_exactly_where_the_judge_refuses(data):
    wanted = theirs_of(data)

    assert ours_of(data) == (None if wanted is None else _listed(wanted))


def _listed(item):
    return item if isinstance(item, bytes) else [_listed(inner) for inner in item]


@given(item=items, place=st.integers(0, 10**6), value=st.integers(0, 255))
def test_one_changed_byte_is_read_as_the_judge_reads_it(item, place, value):
    data = bytearray(rlp.encode(item))
    data[place % len(data)] = value
    wanted = theirs_of(bytes(data))

    assert ours_of(bytes(data)) == (None if wanted is None else _listed(wanted))


@given(item=items, cut=st.integers(1, 10**6), more=st.binary(min_size=1, max_size=9))
def test_every_cut_and_every_continuation_is_refused(item, cut, more):
    data = rlp.encode(item)

    assert ours_of(data[: -(cut % len(data) + 1)]) is None
    assert ours_of(data + more) is None
    assert rlp.decode(data + more, strict=False) == item


def test_what_is_read_has_one_encoding():
    """All inputs of two bytes, and of three that begin like a list or a long form."""
    for number in range(1 << 16):
        _check_canonical(number.to_bytes(2, "big"))
    for first in (0x80, 0x81, 0x82, 0xB8, 0xB9, 0xC0, 0xC1, 0xC2, 0xF8):
        for number in range(0, 1 << 16, 7):
            _check_canonical(bytes([first]) + number.to_bytes(2, "big"))


def _check_canonical(data):
    try:
        item = rlp.decode(data)
    except rlp.DecodeError:
        return
    assert rlp.encode(item) == data


@pytest.mark.parametrize("depth", [63, 64, 65])
def test_depth_is_bounded(depth):
    data = b"\xc0"
    for _ in range(depth - 1):
        data = rlp.wrap(data)

    if depth <= 64:
        assert rlp.encode(rlp.decode(data)) == data
    else:
        with pytest.raises(rlp.TooDeepError) as raised:
            rlp.decode(data)
        assert 0 < raised.value.offset < len(data)


@pytest.mark.parametrize("count", [8, 9, 10])
def test_items_are_bounded(count):
    bounds = rlp.Bounds(items_max=10)
    data = rlp.wrap(b"\xc0" * count)

    if count < 10:
        assert rlp.decode(data, bounds=bounds) == [[]] * count
    else:
        with pytest.raises(rlp.TooManyItemsError):
            rlp.decode(data, bounds=bounds)


@pytest.mark.parametrize("size", [9, 10, 11])
def test_bytes_are_bounded(size):
    bounds = rlp.Bounds(bytes_max=10)
    data = rlp.encode_bytes(bytes(size - 1))

    if size <= 10:
        assert rlp.decode(data, bounds=bounds) == bytes(size - 1)
    else:
        with pytest.raises(rlp.TooLongError) as raised:
            rlp.decode(data, bounds=bounds)
        assert (raised.value.size, raised.value.size_max) == (11, 10)


def test_lists_inside_lists_cost_no_recursion():
    bounds = rlp.Bounds(depth_max=10**6)
    data = b"\xc0"
    for _ in range(5_000):
        data = rlp.wrap(data)

    item = rlp.decode(data, bounds=bounds)

    depth = 0
    while item:
        item, depth = item[0], depth + 1
    assert depth == 5_000


@pytest.mark.parametrize(
    ("item", "reason"), [([], "list"), (b"\0", "zero"), (b"\0\1", "zero"), (bytes(33), "33 bytes")]
)
def test_what_is_no_integer_is_refused(item, reason):
    with pytest.raises(rlp.IntegerError, match=reason):
        rlp.to_int(item)


def test_a_length_beyond_memory_is_refused_at_once():
    for first in (0xBF, 0xFF):
        with pytest.raises(rlp.DecodeError, match="announced"):
            rlp.decode(bytes([first]) + b"\xff" * 8 + bytes(100))


def test_bytes_that_nobody_made_raise_nothing_else():
    chance = random.Random(1)
    for _ in range(3000):
        head = bytes(chance.choice((0xC8, 0xF8, 0xF9, 0xB8, 0x83, 0x05)) for _ in range(20))
        data = head + chance.randbytes(chance.randrange(300))
        with suppress(NumenError):
            rlp.decode(data, strict=chance.random() < 0.5)
