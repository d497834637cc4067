"""Hardware evidence, lied about: no changed byte is believed or read as another."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.errors import NumenError
from numen.proof.quote import Quote
from numen.proof.tee.errors import TeeError
from numen.proof.tee.platforms import MAKERS, examine
from tests.proof.tee import vectors
from tests.proof.tee.vectors import needs_vectors

pytestmark = needs_vectors

REAL = {
    "snp": (vectors.snp, vectors.SNP_TIME),
    "nitro": (vectors.nitro, vectors.NITRO_TIME),
    "sgx": (vectors.sgx, vectors.COLLATERAL_TIME),
    "tdx": (vectors.tdx, vectors.COLLATERAL_TIME),
}


def spellings(quote: Quote) -> range:
    """Where Intel's quotes carry PEM text, of which one meaning has several spellings."""
    begin, end = quote.document.find(b"-----BEGIN"), quote.document.rfind(b"-----\n\0") + 7
    return range(begin, end) if begin >= 0 else range(0)


def changed(data: bytes, position: int, mask: int) -> bytes:
    return data[:position] + bytes([data[position] ^ mask]) + data[position + 1 :]


def believed(quote: Quote, at: int):
    try:
        return examine(quote, MAKERS[quote.platform], at)
    except TeeError:
        return None


def check_every(name: str, step: int, mask: int) -> None:
    make, at = REAL[name]
    quote = make()
    truth, texts = believed(quote, at), spellings(quote)
    for position in range(0, len(quote.document), step):
        told = believed(
            msgspec.structs.replace(quote, document=changed(quote.document, position, mask)), at
        )
        assert told is None or (position in texts and told == truth), position
    if name != "snp":
        return
    for i, raw in enumerate(quote.endorsements):
        for position in range(0, len(raw), step):
            lied = list(quote.endorsements)
            lied[i] = changed(raw, position, mask)
            told = believed(msgspec.structs.replace(quote, endorsements=tuple(lied)), at)
            assert told is None, (i, position)


@pytest.mark.parametrize("name", REAL)
def test_changed_bytes_are_not_believed(name):
    check_every(name, 61, 0x01)


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_no_changed_byte_is_believed(name):
    check_every(name, 1, 0x80)


@pytest.mark.parametrize("name", REAL)
def test_cut_off_and_extended_evidence_is_refused(name):
    make, at = REAL[name]
    quote = make()
    for size in range(0, spellings(quote).stop or len(quote.document), 97):
        assert believed(msgspec.structs.replace(quote, document=quote.document[:size]), at) is None
    assert believed(msgspec.structs.replace(quote, endorsements=(b"",) * 3), at) is None
    if not spellings(quote):
        longer = msgspec.structs.replace(quote, document=quote.document + b"\0")
        assert believed(longer, at) is None


@pytest.mark.parametrize("name", REAL)
def test_evidence_of_one_platform_is_none_of_another(name):
    quote, at = REAL[name][0](), REAL[name][1]
    for other in {"sgx", "tdx", "snp", "nitro"} - {name}:
        assert believed(msgspec.structs.replace(quote, platform=other), at) is None


@settings(max_examples=60)
@given(
    platform=st.sampled_from(["sgx", "tdx", "snp", "nitro", "tpm"]),
    document=st.binary(max_size=1300),
    endorsements=st.lists(st.binary(max_size=200), max_size=4),
)
def test_noise_is_refused_by_name(platform, document, endorsements):
    trust = MAKERS.get(platform, MAKERS["snp"])
    with pytest.raises(NumenError):
        examine(Quote(platform, document, tuple(endorsements)), trust, vectors.SNP_TIME)


@settings(max_examples=150)
@given(
    name=st.sampled_from(["sgx", "tdx"]),
    position=st.integers(0, 14_000),
    drop=st.integers(0, 60),
    put=st.binary(max_size=8),
)
def test_changed_collateral_is_refused_or_means_the_same(name, position, drop, put):
    make, at = REAL[name]
    quote = make()
    (collateral,) = quote.endorsements
    lie = collateral[:position] + put + collateral[position + drop :]
    told = believed(msgspec.structs.replace(quote, endorsements=(lie,)), at)
    assert told is None or told == believed(quote, at)


def test_collateral_that_is_none_is_refused():
    quote = vectors.sgx()
    for lie in (b"", b"{}", b"[", b"\xff", b'{"tcb_info_issuer_chain": "x"}', b"[" * 60_000):
        told = believed(
            msgspec.structs.replace(quote, endorsements=(lie,)), vectors.COLLATERAL_TIME
        )
        assert told is None


def test_collateral_of_another_machine_is_refused():
    other = msgspec.structs.replace(vectors.sgx(), endorsements=vectors.tdx().endorsements)
    assert believed(other, vectors.COLLATERAL_TIME) is None
