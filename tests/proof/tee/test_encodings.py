"""DER, CBOR and PEM: one encoding for each value, bounds, and errors that say what is wrong."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.errors import NumenError
from numen.proof.tee import cbor, der, pem
from numen.proof.tee.certificates import follow, read_certificate, show_time
from numen.proof.tee.errors import ForgedQuoteError, MalformedQuoteError
from tests.proof.tee import forge

SMALL = (
    st.integers(0, 65_535)
    | st.binary(max_size=300)
    | st.text(max_size=40)
    | st.none()
    | st.booleans()
)
ITEMS = st.recursive(
    SMALL, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 99), inner),
    max_leaves=12,
)  # fmt: skip


def dump(value) -> bytes:
    match value:
        case None | bool():
            return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
        case int():
            return cbor.head(0, value)
        case bytes():
            return cbor.byte_string(value)
        case str():
            return cbor.text_string(value)
        case list():
            return cbor.head(4, len(value)) + b"".join(map(dump, value))
    return cbor.head(5, len(value)) + b"".join(dump(k) + dump(v) for k, v in value.items())


def deep(value) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(deep, inner), default=-1)


@given(value=ITEMS)
def test_cbor_reads_what_was_written(value):
    if deep(value) > cbor.DEPTH_MAX:
        with pytest.raises(MalformedQuoteError):
            cbor.loads(dump(value))
    else:
        assert cbor.loads(dump(value)) == value


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "cut off"),
        ("1817", "shortest"),  # 23 in two bytes
        ("190017", "shortest"),
        ("1a00000017", "shortest"),
        ("1b0000000000000017", "shortest"),
        ("5f4101ff", "indefinite"),
        ("9fff", "indefinite"),
        ("a201000100", "twice"),
        ("a1f600", "no name"),
        ("c000", "a tag"),
        ("f93c00", "simple value"),
        ("fb3ff0000000000000", "simple value"),
        ("61ff", "UTF-8"),
        ("0000", "follow"),
        ("420", "cut off"),
        ("81" * 6 + "00", "deep"),
        ("9b7fffffffffffffff00", "cut off"),
        ("bb7fffffffffffffff0000", "cut off"),
        ("5b7fffffffffffffff00", "cut off"),
        ("99ffff" + "00" * 2000, "over"),
    ],
)
def test_cbor_refuses_other_spellings_and_bombs(raw, why):
    with pytest.raises(MalformedQuoteError, match=why):
        cbor.loads(bytes.fromhex(raw + "0" * (len(raw) % 2)))


def test_cbor_reads_negative_numbers():
    assert cbor.loads(bytes.fromhex("3822")) == -35


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "head"),
        ("30", "head"),
        ("3080", "indefinite"),
        ("308103020100", "shortest"),
        ("30820003020100", "shortest"),
        ("3084000000030201", "too long"),
        ("300402", "cut off"),
        ("1f8101", "several bytes"),
        ("300000", "follow"),
        ("020100", "should be"),
    ],
)
def test_der_refuses_other_spellings(raw, why):
    with pytest.raises(MalformedQuoteError, match=why):
        der.read(bytes.fromhex(raw), der.SEQUENCE)


def test_der_bounds_how_many_values_one_may_hold():
    many = b"\5\0" * (der.CHILDREN_MAX + 1)
    with pytest.raises(MalformedQuoteError, match="more than"):
        der.children(der.Value(der.SEQUENCE, many, many))


@given(raw=st.binary(max_size=400))
def test_noise_is_no_certificate(raw):
    with pytest.raises(NumenError):
        read_certificate(raw)


def test_certificates_are_read_from_pem_and_der():
    chain = forge.authority().chain
    text = b"".join(
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(raw) + b"-----END CERTIFICATE-----\n"
        for raw in chain
    )
    assert pem.certificates(b"a comment\n" + text) == chain
    assert pem.certificates(chain[0]) == (chain[0],)
    with pytest.raises(MalformedQuoteError, match="blocks"):
        pem.certificates(text * 3)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_chains_have_a_length(count):
    one = read_certificate(forge.authority().chain[2])
    with pytest.raises(ForgedQuoteError, match=f"a chain of {count}"):
        follow([one] * count, roots=[one.fingerprint], at=forge.NOW)


@pytest.mark.parametrize("depth", [0, 1])
def test_authorities_vouch_only_for_chains_as_short_as_they_say(depth):
    of = forge.authority(leaf_signs=True, depth=depth)
    chain = [read_certificate(raw) for raw in (forge.vouched_by_chip(of), *of.chain)]
    if depth:
        assert follow(chain, roots=of.roots, at=forge.NOW) == chain[-1].fingerprint
    else:
        with pytest.raises(ForgedQuoteError, match="so long a chain"):
            follow(chain, roots=of.roots, at=forge.NOW)


def test_a_chip_vouches_for_nobody():
    of = forge.authority()
    chain = [read_certificate(raw) for raw in (forge.vouched_by_chip(of), *of.chain)]
    with pytest.raises(ForgedQuoteError, match="may not vouch"):
        follow(chain, roots=of.roots, at=forge.NOW)


def test_times_are_shown_as_people_read_them():
    assert show_time(0) == "1970-01-01T00:00:00Z"
    assert show_time(1_665_651_483) == "2022-10-13T08:58:03Z"
