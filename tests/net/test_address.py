"""Addresses: what each form says, and what is none."""

import asyncio
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.net.address import QuicAddress, parse, parse_quic, scheme, show
from numen.net.channel import everybody
from numen.net.errors import AddressError
from numen.net.networks import Networks
from tests.net.fabric import ALICE, BOB

hosts = st.sampled_from(["127.0.0.1", "::1", "2001:db8::7", "example.org", "a"])
relays = st.sampled_from(["", "https://relay.example.org", "http://127.0.0.1:3340/", "https://r./"])


@given(host=hosts, port=st.integers(0, 65535))
def test_a_place_is_read_as_it_is_shown(host, port):
    assert parse(show(host, port)) == (host, port)
    assert scheme(show(host, port)) == ""


@given(host=hosts | st.just(""), port=st.integers(0, 65535), relay=relays)
def test_an_address_of_quic_is_read_as_it_is_shown(host, port, relay):
    address = QuicAddress(host, port if host else 0, relay)
    if host or relay:
        assert parse_quic(str(address)) == address
    assert scheme(str(address)) == "iroh"


@pytest.mark.parametrize(
    "text",
    [
        "", "iroh://", "iroh://?relay=", "iroh://127.0.0.1", "iroh://127.0.0.1:65536",
        "iroh://127.0.0.1:1?relay=ftp://x", "iroh://127.0.0.1:1?relay=https://a b",
        "iroh://127.0.0.1:1/x", "iroh://127.0.0.1:1?relay=https://x&relay=https://y",
        "iroh://a@127.0.0.1:1", "https://127.0.0.1:1", "iroh://" + "a" * 300 + ":1",
        "iroh://127.0.0.1:1?relay=https://" + "a" * 300,
    ],
)  # fmt: skip
def test_what_is_no_address_of_quic(text):
    with pytest.raises(AddressError):
        parse_quic(text)


@given(text=st.text(max_size=40))
def test_any_text_is_an_address_or_none(text):
    for read in (parse, parse_quic):
        try:
            read(text)
        except AddressError:
            continue
        assert text.isascii()


@pytest.mark.parametrize("text", ["tcp://127.0.0.1:1", "nowhere", "iroh://", "://127.0.0.1:1"])
def test_no_network_has_other_addresses(text):
    async def talk():
        with pytest.raises(AddressError):
            await Networks(ALICE).dial(text, BOB.id)
        with pytest.raises(AddressError):
            await Networks(ALICE).listen(text, everybody)

    asyncio.run(talk())


def test_an_address_of_quic_without_the_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "numen.net.iroh", None)
    with pytest.raises(AddressError, match="library iroh") as caught:
        asyncio.run(Networks(ALICE).dial("iroh://127.0.0.1:1", BOB.id))
    assert "numen[wan]" in caught.value.hint
