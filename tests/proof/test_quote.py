"""Quotes as evidence for claims: exactly this code, claim and nonce, on hardware that is shut."""

from datetime import timedelta

import msgspec
import pytest

from numen.base.codec import decode, encode
from numen.base.crypto import keccak256
from numen.proof.quote import Quote, QuoteRule, Tcb, Trust, bind
from numen.proof.statement import (
    Claim,
    DistrustedError,
    NoRuleError,
    UnboundError,
    UnprovenError,
    claim_digest,
    commit_inputs,
    commit_output,
    verify,
)
from numen.proof.tee.errors import RevokedQuoteError
from numen.proof.tee.platforms import examine
from tests.proof.tee import forge

OURS = forge.authority()
PROGRAM, MEASUREMENT, NONCE = (keccak256(word) for word in (b"program", b"measured", b"nonce"))
CLAIM = Claim(PROGRAM, commit_inputs(b"3, 4"), commit_output(b"7"), 5)
REPORT = bind(MEASUREMENT, claim_digest(CLAIM), NONCE)
QUOTES = {"snp": forge.snp(OURS, REPORT), "nitro": forge.nitro_document(OURS, REPORT)}
LAUNCHES = frozenset(
    examine(quote, forge.trust(OURS), forge.NOW).launch.identity for quote in QUOTES.values()
)
RULE = QuoteRule(
    PROGRAM, MEASUREMENT, NONCE, LAUNCHES,
    {platform: forge.trust(OURS) for platform in QUOTES}, forge.NOW, examine,
)  # fmt: skip

quotes = pytest.mark.parametrize("platform", QUOTES)


def but(**changes):
    return msgspec.structs.replace(RULE, **changes)


def made(platform, report, **how):
    make = {"snp": forge.snp, "nitro": forge.nitro_document}[platform]
    return make(OURS, report, **how)


@quotes
def test_a_quote_of_the_claim_carries_it(platform):
    verify(CLAIM, QUOTES[platform], quote=RULE)


@quotes
def test_a_reader_without_a_rule_believes_no_quote(platform):
    with pytest.raises(NoRuleError, match="quote"):
        verify(CLAIM, QUOTES[platform])


@quotes
@pytest.mark.parametrize("field", ["inputs", "output", "work", "diff"])
def test_a_quote_of_another_claim_does_not_carry_it(platform, field):
    lie = 6 if field == "work" else keccak256(b"lie")
    with pytest.raises(UnboundError):
        verify(msgspec.structs.replace(CLAIM, **{field: lie}), QUOTES[platform], quote=RULE)


@quotes
@pytest.mark.parametrize(
    "change",
    [{"measurement": keccak256(b"x")}, {"nonce": keccak256(b"x")}, {"launches": frozenset()}],
)
def test_other_code_another_nonce_or_launch_is_refused(platform, change):
    with pytest.raises(UnboundError):
        verify(CLAIM, QUOTES[platform], quote=but(**change))


@quotes
def test_a_claim_of_another_program_is_refused(platform):
    claim = msgspec.structs.replace(CLAIM, program=keccak256(b"other"))
    quote = made(platform, bind(MEASUREMENT, claim_digest(claim), NONCE))
    with pytest.raises(UnboundError, match="program"):
        verify(claim, quote, quote=RULE)


@quotes
@pytest.mark.parametrize("report", [b"", REPORT[:-1], REPORT + b"\1", REPORT[::-1]])
def test_every_other_report_is_refused(platform, report):
    with pytest.raises(UnboundError):
        verify(CLAIM, made(platform, report), quote=RULE)


@quotes
@pytest.mark.parametrize("days", [-11, 91])
def test_certificates_that_are_not_valid_now_are_refused(platform, days):
    at = forge.NOW + int(timedelta(days=days).total_seconds())
    with pytest.raises(UnprovenError, match=r"expired|not valid"):
        verify(CLAIM, QUOTES[platform], quote=but(at=at))


@pytest.mark.parametrize(
    "quote",
    [
        forge.snp(OURS, REPORT, policy=1 << 17 | 1 << 19),
        forge.nitro_document(OURS, REPORT, pcr0=bytes(48)),
    ],
    ids=QUOTES,
)
def test_enclaves_in_debug_mode_are_refused_whatever_their_launch(quote):
    launch = examine(quote, forge.trust(OURS), forge.NOW).launch.identity
    with pytest.raises(DistrustedError, match="debug"):
        verify(CLAIM, quote, quote=but(launches=frozenset({launch})))


@quotes
def test_platforms_and_roots_that_are_not_trusted_are_refused(platform):
    with pytest.raises(DistrustedError):
        verify(CLAIM, QUOTES[platform], quote=but(trusted={}))
    others = {platform: forge.trust(forge.authority())}
    with pytest.raises(UnprovenError, match="not trusted"):
        verify(CLAIM, QUOTES[platform], quote=but(trusted=others))


@pytest.mark.parametrize(("floor", "is_fine"), [((3, 1, 8, 115), True), ((3, 1, 8, 116), False)])
def test_firmware_below_the_floor_is_refused(floor, is_fine):
    rule = but(trusted={"snp": Trust(OURS.roots, Tcb.UP_TO_DATE, floor)})
    if is_fine:
        verify(CLAIM, QUOTES["snp"], quote=rule)
    else:
        with pytest.raises(DistrustedError, match="out_of_date"):
            verify(CLAIM, QUOTES["snp"], quote=rule)


def test_firmware_that_nobody_rates_is_refused_unless_the_reader_says_so():
    with pytest.raises(DistrustedError, match="unrated"):
        verify(CLAIM, QUOTES["snp"], quote=but(trusted={"snp": Trust(OURS.roots)}))


@pytest.mark.parametrize(
    ("at", "value"),
    [
        ("at_30", b"\1"),  # a lower privilege level
        ("at_90", b"\xff"),  # another measurement
        ("at_c0", b"\1"),  # data of another host
        ("at_08", b"\1"),  # another policy
    ],
)
def test_a_machine_launched_otherwise_is_another_launch(at, value):
    with pytest.raises(UnboundError, match="launch"):
        verify(CLAIM, forge.snp(OURS, REPORT, **{at: value}), quote=RULE)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        ("at_0", b"\x09"),  # a version of the format that nobody knows
        ("at_34", b"\2"),  # another algorithm
        ("at_48", b"\4"),  # signed by the owner's key
        ("at_1a0", b"\xff"),  # another chip than the certificate's
        ("at_180", b"\2"),  # other firmware than the certificate's
    ],
)
def test_reports_that_contradict_their_certificates_are_refused(at, value):
    with pytest.raises(UnprovenError):
        verify(CLAIM, forge.snp(OURS, REPORT, **{at: value}), quote=RULE)


def test_a_chip_may_leave_its_name_out():
    anonymous = forge.snp(OURS, REPORT, at_1a0=bytes(64))
    verify(CLAIM, anonymous, quote=RULE)


def test_a_revoked_authority_is_refused():
    quote = QUOTES["snp"]
    fine = msgspec.structs.replace(quote, endorsements=(*quote.endorsements, OURS.revoke(77)))
    verify(CLAIM, fine, quote=RULE)
    revoked = msgspec.structs.replace(
        quote, endorsements=(*quote.endorsements, OURS.revoke(77, 11))
    )
    with pytest.raises(UnprovenError, match="revoked") as caught:
        verify(CLAIM, revoked, quote=RULE)
    assert isinstance(caught.value.__cause__, RevokedQuoteError)


@pytest.mark.parametrize(
    "listed",
    [
        OURS.revoke(ends=forge.BEGINS + timedelta(days=1)),
        OURS.revoke(signer=1),
        forge.authority().revoke(),
        b"\x30\x00",
    ],
    ids=["old", "of another", "forged", "none"],
)
def test_lists_that_say_nothing_now_are_refused(listed):
    quote = msgspec.structs.replace(QUOTES["snp"], endorsements=(*OURS.chain, listed))
    with pytest.raises(UnprovenError):
        verify(CLAIM, quote, quote=RULE)


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ((0, 2, 2), "not issued by"),
        ((0, 1, 1), "is not trusted"),
        ((1, 1, 2), "another chip"),
        ((2, 1, 0), "another chip"),
        ((0, 1), "should go with"),
        ((0,), "should go with"),
    ],
)
def test_chains_with_missing_links_are_refused(order, why):
    chain = tuple(OURS.chain[i] for i in order)
    quote = msgspec.structs.replace(QUOTES["snp"], endorsements=chain)
    with pytest.raises(UnprovenError, match=why):
        verify(CLAIM, quote, quote=RULE)


def test_an_authority_that_may_not_vouch_is_refused():
    weak = forge.authority(middle_vouches=False)
    rule = but(trusted={"snp": forge.trust(weak)})
    with pytest.raises(UnprovenError, match="may not vouch"):
        verify(CLAIM, forge.snp(weak, REPORT), quote=rule)


def test_every_byte_of_forged_evidence_counts():
    for quote in QUOTES.values():
        for position in range(0, len(quote.document), 13):
            lie = bytearray(quote.document)
            lie[position] ^= 0x10
            with pytest.raises((UnprovenError, UnboundError)):
                verify(CLAIM, msgspec.structs.replace(quote, document=bytes(lie)), quote=RULE)


@quotes
def test_quotes_have_canonical_bytes(platform):
    assert decode(Quote, encode(QUOTES[platform])) == QUOTES[platform]
