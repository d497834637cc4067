"""Who examines the quotes of each platform, and the roots of its maker."""

from typing import Final

from numen.proof.quote import Quote, Quoted, Tcb, Trust
from numen.proof.tee import intel, nitro, snp, tpm

EXAMINERS: Final = {
    "sgx": intel.examine,
    "tdx": intel.examine,
    "snp": snp.examine,
    "nitro": nitro.examine,
    "tpm": tpm.examine,
}

MAKERS: Final = {
    "sgx": Trust(intel.ROOTS),
    "tdx": Trust(intel.ROOTS),
    "snp": Trust(snp.ARKS),
    "nitro": Trust(nitro.ROOTS, Tcb.UNRATED),
}
"""The makers' own roots. A TPM has none: a reader names the attestation keys that it knows."""


def examine(quote: Quote, trust: Trust, at: int) -> Quoted:
    """Check that a quote is genuine, and say what is in it.

    Args:
        quote: Bytes from anywhere.
        trust: Whom the reader trusts for this platform.
        at: The reader's time, in seconds since 1970, UTC.

    Raises:
        TeeError: It is malformed, or no trusted root stands behind it at that time.
    """
    return EXAMINERS[quote.platform](quote, trust, at)
