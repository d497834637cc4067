"""Quotes of TPMs: what is signed by a restricted, known key about registers that hold."""

import hashlib

import msgspec
import pytest

from numen.base.crypto import keccak256
from numen.proof.quote import DistrustError, Tcb, Trust, accept
from numen.proof.tee import tpm
from numen.proof.tee.errors import ForgedQuoteError, MalformedQuoteError, TeeError
from tests.proof.tee import tpms

MEASUREMENT, REPORT = keccak256(b"code"), keccak256(b"report")
TRUST = Trust(frozenset({tpm.name_of(tpms.public())}), Tcb.UNRATED)
DIGEST = hashlib.sha256(tpm.extended(MEASUREMENT)).digest()
GENUINE = tpms.quote(tpms.attest(REPORT, DIGEST))


def examine(quote, trust=TRUST):
    return tpm.examine(quote, trust, 0)


def test_a_quote_says_what_was_extended():
    quoted = examine(GENUINE)
    assert quoted.launch == tpm.launch_of({13: tpm.extended(MEASUREMENT)})
    assert quoted.report == REPORT
    accept(quoted, TRUST)


def test_extending_is_what_the_standard_says():
    once = hashlib.sha256(bytes(32) + MEASUREMENT).digest()
    assert tpm.extended() == bytes(32)
    assert tpm.extended(MEASUREMENT) == once
    assert tpm.extended(MEASUREMENT, REPORT) == hashlib.sha256(once + REPORT).digest()


def test_other_code_another_order_or_register_is_another_launch():
    launch = tpm.launch_of({13: tpm.extended(MEASUREMENT)})
    assert launch.identity != tpm.launch_of({12: tpm.extended(MEASUREMENT)}).identity
    both = {tpm.launch_of({13: tpm.extended(*order)}).identity
            for order in ((MEASUREMENT, REPORT), (REPORT, MEASUREMENT))}  # fmt: skip
    assert len(both | {launch.identity}) == 3


@pytest.mark.parametrize("register", [16, 23])
def test_registers_that_anyone_can_reset_prove_nothing(register):
    quoted = examine(tpms.quote(tpms.attest(REPORT, DIGEST, register=register)))
    with pytest.raises(DistrustError, match="can be reset"):
        accept(quoted, TRUST)


@pytest.mark.parametrize(
    ("attributes", "scheme"),
    [
        (0x50072 & ~0x10000, 0x18),  # not restricted: signs whatever looks like a quote
        (0x50072 & ~0x2, 0x18),  # can be copied out of the TPM
        (0x50072 & ~0x20, 0x18),  # made outside of it
        (0x50072 | 0x20000, 0x18),  # decrypts as well
        (0x50072 & ~0x40000, 0x18),  # does not sign
        (0x50072, 0x14),  # of another scheme
    ],
)
def test_a_key_that_signs_more_than_quotes_is_refused_though_trusted(attributes, scheme):
    key = tpms.public(attributes, scheme)
    trust = Trust(frozenset({tpm.name_of(key)}), Tcb.UNRATED)
    with pytest.raises(ForgedQuoteError, match="attestation key"):
        examine(tpms.quote(GENUINE.document, key), trust)


def test_a_key_that_is_not_known_is_refused():
    with pytest.raises(ForgedQuoteError, match="not trusted"):
        examine(GENUINE, Trust(frozenset({bytes(34)}), Tcb.UNRATED))


@pytest.mark.parametrize("change", [{"magic": 0}, {"kind": 0x8014}])
def test_what_only_looks_like_a_quote_is_refused(change):
    with pytest.raises(MalformedQuoteError):
        examine(tpms.quote(tpms.attest(REPORT, DIGEST, **change)))


def test_no_byte_can_be_changed():
    parts = (GENUINE.document, *GENUINE.endorsements)
    for i, part in enumerate(parts):
        for position in range(len(part)):
            lie = bytearray(part)
            lie[position] ^= 0x40
            lied = (*parts[:i], bytes(lie), *parts[i + 1 :])
            with pytest.raises(TeeError):
                examine(msgspec.structs.replace(GENUINE, document=lied[0], endorsements=lied[1:]))


def test_nothing_may_be_missing_or_follow():
    for data in (GENUINE.document[:-1], GENUINE.document + b"\0", b""):
        with pytest.raises(MalformedQuoteError):
            examine(tpms.quote(data))
    with pytest.raises(MalformedQuoteError):
        examine(msgspec.structs.replace(GENUINE, endorsements=()))
