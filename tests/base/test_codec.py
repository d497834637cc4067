"""One value, one encoding: and whatever else arrives is refused with a typed error."""

import resource
from typing import Annotated

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Meta

from numen.base.codec import (
    U64,
    U256,
    CodecError,
    MalformedError,
    NotCanonicalTypeError,
    TooLargeError,
    decode,
    digest,
    encode,
)


class Circle(msgspec.Struct, frozen=True, array_like=True, tag="circle"):
    """A shape of one number."""

    radius: U64


class Label(msgspec.Struct, frozen=True, array_like=True, tag="label"):
    """A shape with a default."""

    text: str
    shown: bool = True


class Drawing(msgspec.Struct, frozen=True, array_like=True):
    """One field of every kind that the codec takes."""

    name: str
    shapes: tuple[Circle | Label, ...]
    weight: U256
    seal: Annotated[bytes, Meta(min_length=4, max_length=4)]
    parent: bytes | None = None
    offset: int = 0


shapes = st.one_of(
    st.builds(Circle, st.integers(0, 2**64 - 1)), st.builds(Label, st.text(max_size=40))
)
drawings = st.builds(
    Drawing,
    st.text(max_size=300),
    st.lists(shapes, max_size=20).map(tuple),
    st.integers(0, 2**256 - 1).map(U256),
    st.binary(min_size=4, max_size=4),
    st.none() | st.binary(max_size=300),
    st.integers(-(2**63), 2**64 - 1),
)
SAMPLE = Drawing("d", (Circle(5), Label("x")), U256(7), b"seal")


@given(value=drawings)
def test_decoding_inverts_encoding(value):
    assert decode(Drawing, encode(value)) == value


@given(raw=st.binary(max_size=200))
@example(encode(SAMPLE))
@example(encode(SAMPLE)[:-1])
def test_bytes_from_anywhere_are_canonical_or_refused(raw):
    try:
        value = decode(Drawing, raw)
    except CodecError:
        return
    assert encode(value) == raw


@given(value=drawings, data=st.data())
def test_a_changed_byte_gives_another_value_or_is_refused(value, data):
    raw = bytearray(encode(value))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = decode(Drawing, bytes(raw))
    except CodecError:
        return
    assert other != value


LOOSE = {
    "an integer in more bytes than it needs": b"\x92\xa6circle\xcc\x05",
    "a missing last field that has a default": b"\x92\xa5label\xa1x",
    "a field too many": b"\x93\xa6circle\x05\x05",
    "bytes after the end": b"\x92\xa6circle\x05\x00",
    "a truth written as an integer": b"\x93\xa5label\xa1x\x01",
    "an integer written as a float": b"\x92\xa6circle\xcb\x40\x14\x00\x00\x00\x00\x00\x00",
    "a string in a longer form": b"\x93\xa5label\xd9\x01x\xc3",
    "a map in place of an array": b"\x81\xa6radius\x05",
    "a string that is not UTF-8": b"\x93\xa5label\xa1\xff\xc3",
    "nothing": b"",
}


@pytest.mark.parametrize("raw", LOOSE.values(), ids=LOOSE)
@pytest.mark.parametrize("kind", [Circle, Label])
def test_loose_encodings_are_refused(kind, raw):
    with pytest.raises(MalformedError):
        decode(kind, raw)


def test_a_count_larger_than_the_input_takes_no_memory():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    for header in (b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"):
        with pytest.raises(MalformedError):
            decode(Drawing, b"\x96\xa1d" + header)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_the_size_limit_counts_at_its_edge():
    raw = encode(SAMPLE)

    assert decode(Drawing, raw, size_max=len(raw)) == SAMPLE
    assert encode(SAMPLE, size_max=len(raw)) == raw
    with pytest.raises(TooLargeError):
        decode(Drawing, raw, size_max=len(raw) - 1)
    with pytest.raises(TooLargeError):
        encode(SAMPLE, size_max=len(raw) - 1)


@pytest.mark.parametrize(
    "value",
    [
        Circle(-1),
        Circle(2**64),
        Circle("5"),
        Circle(True),
        Label("\ud800"),
        Drawing("d", (), U256(0), b"long seal"),
        Drawing("d", (), 5, b"seal"),
    ],
)
def test_a_value_that_breaks_its_own_type_is_not_written(value):
    with pytest.raises(MalformedError):
        encode(value)


def test_wide_integers_take_32_bytes_and_stay_in_range():
    assert U256(2**256 - 1).to_bytes(32, "big") in encode(
        Drawing("d", (), U256(2**256 - 1), b"seal")
    )
    for value in (-1, 2**256):
        with pytest.raises(ValueError, match="256 bits"):
            U256(value)


def test_types_without_canonical_bytes_are_refused():
    class Float(msgspec.Struct, frozen=True, array_like=True):
        x: float

    class Mapped(msgspec.Struct, frozen=True, array_like=True):
        x: dict[str, int]

    class Listed(msgspec.Struct, frozen=True, array_like=True):
        x: list[int]

    class Anything(msgspec.Struct, frozen=True, array_like=True):
        x: tuple[Circle, "object"]

    class Named(msgspec.Struct, frozen=True):
        x: int

    class Mutable(msgspec.Struct, array_like=True):
        x: int

    for kind in (Float, Mapped, Listed, Anything, Named, Mutable):
        with pytest.raises(NotCanonicalTypeError):
            decode(kind, b"\x91\x00")


class Nest(msgspec.Struct, frozen=True, array_like=True):
    """A type that never ends."""

    inner: "Nest | None"


def test_a_type_of_unbounded_depth_is_refused():
    with pytest.raises(NotCanonicalTypeError, match="contains itself"):
        decode(Nest, b"\x91" * 100_000)


def test_digests_are_separated_by_domain():
    assert digest("ab", b"c") != digest("a", b"bc")
    assert digest("numen/a/1", SAMPLE) == digest("numen/a/1", encode(SAMPLE))
    assert digest("numen/a/1", SAMPLE) != digest("numen/a/2", SAMPLE)
