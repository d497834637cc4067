"""Messages as bytes: there and back, and what is no message."""

from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.ledger.order.abci import messages as m
from numen.ledger.order.abci import wire
from numen.ledger.order.abci.wire import WireError, at


class Inner(msgspec.Struct, frozen=True):
    """A message in a message."""

    number: Annotated[int, at(1, signed=True)] = 0
    text: Annotated[str, at(2)] = ""


class Outer(msgspec.Struct, frozen=True):
    """A field of each kind, with numbers of each length."""

    flag: Annotated[bool, at(1)] = False
    word: Annotated[int, at(2)] = 0
    raw: Annotated[bytes, at(15)] = b""
    one: Annotated[Inner, at(16)] = Inner()
    many: Annotated[tuple[Inner, ...], at(2047)] = ()
    words: Annotated[tuple[int, ...], at(2048)] = ()
    texts: Annotated[tuple[str, ...], at((1 << 29) - 1)] = ()


signed = st.integers(-(1 << 63), (1 << 63) - 1)
unsigned = st.integers(0, (1 << 64) - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
inner = st.builds(Inner, signed, texts)
outer = st.builds(
    Outer, st.booleans(), unsigned, st.binary(max_size=200), inner,
    st.lists(inner, max_size=3).map(tuple), st.lists(unsigned, max_size=3).map(tuple),
    st.lists(texts, max_size=3).map(tuple),
)  # fmt: skip


@given(outer)
def test_a_message_comes_back(message):
    assert wire.decode(Outer, wire.encode(message)) == message


@given(outer, outer)
def test_of_two_messages_in_a_row_fields_are_joined_as_the_format_says(first, second):
    joined = wire.decode(Outer, wire.encode(first) + wire.encode(second))

    assert joined.many == first.many + second.many
    assert joined.words == first.words + second.words
    assert joined.word == (second.word or first.word)
    assert joined.one == Inner(
        second.one.number or first.one.number, second.one.text or first.one.text
    )


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(raw):
    for read in (m.read_request, m.read_response, lambda raw: wire.decode(Outer, raw)):
        try:
            message = read(raw)
        except WireError:
            continue
        again = m.write(message) if not isinstance(message, Outer) else wire.encode(message)
        assert read(again) == message


@given(outer, st.data())
def test_a_message_that_is_cut_is_refused_or_shorter(message, data):
    raw = wire.encode(message)
    cut = raw[: data.draw(st.integers(0, len(raw)))]
    try:
        assert len(wire.encode(wire.decode(Outer, cut))) <= len(cut) + 20
    except WireError:
        assert cut != raw


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\x08", "inside an integer"),
        (b"\x08" + b"\xff" * 10, "64 bits"),
        (b"\x10" + b"\xff" * 9 + b"\x02", "64 bits"),
        (b"\x00\x00", "no number of a field"),
        (b"\x0b", "wire type"),
        (b"\x0e\x00", "wire type"),
        (b"\x7a\x05abc", "5 bytes where 3"),
        (b"\x78\x01", "wire type 0"),
        (b"\x0a\x00", "wire type 2"),
        (b"\x19abc", "8 bytes where 3"),
        (wire.prefixed(16, b"\x12\x01\xff"), "UTF-8"),
        (wire.prefixed(2048, b"\x80"), "inside an integer"),
    ],
)
def test_what_is_no_message_is_refused(raw, said):
    with pytest.raises(WireError, match=said):
        wire.decode(Outer, raw)


def test_unknown_fields_are_skipped_and_packed_numbers_read():
    raw = b"\x18\x07" + b"\x21" + bytes(8) + b"\x2d" + bytes(4) + wire.prefixed(6, b"x")
    raw += wire.prefixed(2048, b"\x01\x80\x01") + wire.varint(2048 << 3) + b"\x05"

    assert wire.decode(Outer, raw) == Outer(words=(1, 128, 5))


def test_elements_are_bounded(monkeypatch):
    monkeypatch.setattr(wire, "ITEMS_MAX", 3)
    three = wire.varint(2048 << 3) + b"\x00"

    assert wire.decode(Outer, three * 3).words == (0, 0, 0)
    with pytest.raises(WireError, match="more than 3"):
        wire.decode(Outer, three * 4)


def test_every_request_has_its_answer():
    names = {kind.__name__.removesuffix("Request"): n for n, kind in m.REQUESTS.items()}
    answers = {kind.__name__.removesuffix("Response"): n for n, kind in m.RESPONSES.items()}

    assert answers.pop("Exception") == 1
    assert answers == {name: number + 1 for name, number in names.items()}
    for kind in (*m.REQUESTS.values(), *m.RESPONSES.values()):
        read = m.read_request if kind in m.REQUESTS.values() else m.read_response
        assert read(m.write(kind())) == kind()
