"""Every message of a real run is its author's, and nobody else's once a bit has changed."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.codec import CodecError, decode, encode
from numen.base.crypto import BadSignatureError, SigningKey
from numen.market.message import (
    Body,
    Call,
    Cancel,
    Match,
    Signed,
    WrongAuthorError,
    author,
    check,
    message_id,
    sign,
)
from tests.market.town import build

TOWN = build(1)
EVENTS = list(TOWN.play.run())
RECEIPTS = list(TOWN.play.receipts.values())
CHAIN = next(r for r in RECEIPTS if r.is_complete).messages
MESSAGES = (
    *CHAIN,
    sign(TOWN.provider, Cancel(TOWN.provider.address, b"t" * 32)),
    sign(TOWN.provider, Call(b"m" * 32, TOWN.provider.address, 0, "deposit", 5)),
)


@pytest.mark.parametrize("signed", MESSAGES, ids=lambda s: type(s.body).__name__)
def test_a_message_survives_the_wire_and_is_its_authors(signed):
    raw = encode(signed)

    assert decode(Signed, raw) == signed
    assert check(signed) == message_id(signed.body)
    assert len(author(signed.body)) == 20


@pytest.mark.parametrize("signed", MESSAGES, ids=lambda s: type(s.body).__name__)
def test_a_message_under_another_key_is_refused(signed):
    stranger = SigningKey.from_seed(b"stranger")
    forged = Signed(signed.body, stranger.sign(message_id(signed.body)))

    with pytest.raises(WrongAuthorError) as caught:
        check(forged)
    assert caught.value.signer == stranger.address


@settings(max_examples=150)
@given(index=st.integers(0, len(MESSAGES) - 1), data=st.data())
def test_a_changed_bit_is_no_message_or_somebody_elses(index, data):
    raw = bytearray(encode(MESSAGES[index]))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        changed = decode(Signed, bytes(raw))
    except CodecError:
        return

    with pytest.raises((WrongAuthorError, BadSignatureError)):
        check(changed)


@given(raw=st.binary(max_size=300))
def test_junk_is_no_message(raw):
    with pytest.raises(CodecError):
        decode(Signed, raw)


def test_every_kind_has_its_own_domain():
    tags = [kind.__struct_config__.tag for kind in Body.__args__]
    assert len(set(tags)) == len(tags) == 18
    assert all(tag.partition("/")[2].isdecimal() for tag in tags), "the version is in the tag"


def test_nobody_signs_for_another():
    match = next(s.body for s in CHAIN if isinstance(s.body, Match))
    with pytest.raises(AssertionError):
        sign(TOWN.provider, match)
    assert msgspec.structs.replace(match, price=1) != match
