"""Evidence that makers' hardware really signed, verified offline at the time it was valid."""

import pytest

from numen.proof.quote import DistrustError, Quoted, Tcb, Trust, accept
from numen.proof.tee import intel
from numen.proof.tee.errors import ExpiredQuoteError, ForgedQuoteError, MalformedQuoteError
from numen.proof.tee.platforms import MAKERS, examine
from tests.proof.tee import vectors
from tests.proof.tee.vectors import COUNTED, TEE, needs_vectors

pytestmark = needs_vectors

GENUINE = {
    "snp": (vectors.snp, vectors.SNP_TIME, Tcb.UNRATED),
    "nitro": (vectors.nitro, vectors.NITRO_TIME, Tcb.UNRATED),
    "nitro in debug mode": (vectors.nitro_debug, vectors.DEBUG_TIME, Tcb.UNRATED),
    "sgx": (vectors.sgx, vectors.COLLATERAL_TIME, Tcb.CONFIGURATION_NEEDED),
    "tdx": (vectors.tdx, vectors.COLLATERAL_TIME, Tcb.UP_TO_DATE),
}


def registers(quoted):
    return {register.name: register.value.hex() for register in quoted.launch.registers}


def test_the_vectors_are_all_here():
    found = {str(p.relative_to(TEE)): p.stat().st_size for p in TEE.rglob("*") if p.is_file()}
    assert found == COUNTED


@pytest.mark.parametrize("name", GENUINE)
def test_real_evidence_is_genuine(name):
    make, at, rating = GENUINE[name]
    quote = make()

    quoted = examine(quote, MAKERS[quote.platform], at)

    assert quoted.tcb is rating
    assert quoted.root in MAKERS[quote.platform].roots


@pytest.mark.parametrize("name", GENUINE)
@pytest.mark.parametrize("at", [0, 1_600_000_000, 2_500_000_000])
def test_real_evidence_is_not_valid_at_another_time(name, at):
    quote = GENUINE[name][0]()
    with pytest.raises(ExpiredQuoteError):
        examine(quote, MAKERS[quote.platform], at)


@pytest.mark.parametrize("name", GENUINE)
def test_real_evidence_is_nothing_to_a_reader_who_trusts_others(name):
    make, at, _ = GENUINE[name]
    quote = make()
    with pytest.raises(ForgedQuoteError):
        examine(quote, Trust(frozenset({bytes(32)})), at)


def test_what_the_documents_say():
    amd = examine(vectors.snp(), MAKERS["snp"], vectors.SNP_TIME)
    assert registers(amd)["measurement"].startswith("b07af9620f3b")
    assert amd.report[:6] == bytes.fromhex("010203040500")
    sgx = examine(vectors.sgx(), MAKERS["sgx"], vectors.COLLATERAL_TIME)
    assert registers(sgx)["mrenclave"].startswith("33d8736db756ed49")
    assert sgx.report.rstrip(b"\0") == b"Hello, world!"
    assert sgx.advisories == ("INTEL-SA-00289", "INTEL-SA-00615")
    tdx = examine(vectors.tdx(), MAKERS["tdx"], vectors.COLLATERAL_TIME)
    assert registers(tdx)["mrtd"].startswith("91eb2b44d141d4ec")
    aws = examine(vectors.nitro(), MAKERS["nitro"], vectors.NITRO_TIME)
    assert registers(aws)["pcr0"].startswith("f4d48b81a460c991")


@pytest.mark.parametrize("name", ["snp", "nitro in debug mode"])
def test_enclaves_that_their_owner_can_look_into_are_refused(name):
    make, at, _ = GENUINE[name]
    quote = make()
    trust = Trust(MAKERS[quote.platform].roots, Tcb.REVOKED)
    with pytest.raises(DistrustError, match="debug"):
        accept(examine(quote, trust, at), trust)


def test_firmware_below_what_is_asked_for_is_refused():
    quoted = examine(vectors.sgx(), MAKERS["sgx"], vectors.COLLATERAL_TIME)
    with pytest.raises(DistrustError, match="configuration_needed"):
        accept(quoted, MAKERS["sgx"])
    accept(quoted, Trust(MAKERS["sgx"].roots, Tcb.CONFIGURATION_NEEDED))


@pytest.mark.parametrize(
    ("floor", "rating"),
    [
        (None, Tcb.UNRATED),
        ((2, 0, 5, 68), Tcb.UP_TO_DATE),
        ((2, 0, 5, 69), Tcb.OUT_OF_DATE),
        ((2, 0, 5), Tcb.OUT_OF_DATE),
    ],
)
def test_amds_firmware_is_rated_by_the_readers_floor(floor, rating):
    trust = Trust(MAKERS["snp"].roots, floor=floor)
    assert examine(vectors.snp(), trust, vectors.SNP_TIME).tcb is rating


def test_a_machine_whose_firmware_intel_no_longer_rates_is_refused():
    with pytest.raises(ForgedQuoteError, match="No matching TCB level"):
        examine(vectors.tdx("tdx_quote_outdated"), MAKERS["tdx"], vectors.OUTDATED_TIME)


def test_a_quote_without_collateral_is_read_and_not_believed():
    data = (TEE / "intel/tdx_prod_quote_SPR_E4.dat").read_bytes()
    with pytest.raises(MalformedQuoteError, match="does not end at 4935"):  # text follows it
        intel.read_body(data)
    body = intel.read_body(data[:4935])
    assert (body.platform, body.open_because) == ("tdx", "")
    assert len(body.report) == 64


@pytest.mark.parametrize(
    ("name", "position"),
    [("sgx_quote", 48 + 48), ("tdx_quote", 48 + 120), ("tdx_quote_outdated", 54 + 120)],
)
def test_intels_debug_bits_are_read_where_they_are(name, position):
    data = bytearray((TEE / "intel" / name).read_bytes())
    assert intel.read_body(bytes(data)).open_because == ""
    data[position] |= 2  # SGX: DEBUG; TDX: one of the bits that make a machine untrusted
    body = intel.read_body(bytes(data))
    assert "debug" in body.open_because
    trust = Trust(frozenset({bytes(32)}), Tcb.REVOKED)
    with pytest.raises(DistrustError, match="debug"):
        accept(
            Quoted(body.launch, body.report, Tcb.UP_TO_DATE, bytes(32), body.open_because), trust
        )
