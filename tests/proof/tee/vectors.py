"""Real evidence of trusted hardware: where it is, when it was valid, and how it is read."""

import base64
import os
from pathlib import Path

import pytest

from numen.proof.quote import Quote
from numen.proof.tee.pem import certificates

VECTORS = Path(os.environ.get("NUMEN_VECTORS", Path(__file__).parents[4] / "shared" / "vectors"))
TEE = VECTORS / "tee"

needs_vectors = pytest.mark.skipif(
    not TEE.is_dir(), reason=f"no hardware evidence in {TEE} (set NUMEN_VECTORS)"
)

SNP_TIME = 1_700_000_000  # 2023-11-14, VCEK and chain are valid from 2022 to 2029
NITRO_TIME = 1_665_651_483  # the second after the document was signed, 2022-10-13
DEBUG_TIME = 1_695_049_411  # the same of the one in debug mode, 2023-09-18
COLLATERAL_TIME = 1_750_500_000  # 2025-06-21, in the middle of the collateral's month
OUTDATED_TIME = 1_771_600_000  # 2026-02-20, the same of the outdated machine's

COUNTED = {
    "intel/sgx_quote": 4600,
    "intel/sgx_quote_collateral.json": 14050,
    "intel/tdx_quote": 5006,
    "intel/tdx_quote_collateral.json": 16072,
    "intel/tdx_quote_outdated": 5006,
    "intel/tdx_quote_outdated_collateral.json": 18793,
    "intel/tdx_prod_quote_SPR_E4.dat": 4974,
    "nitro/debug-mode.b64": 6332,
    "nitro/valid.bin": 4654,
    "sev-snp/attestation.bin": 1184,
    "sev-snp/milan.testcer": 4602,
    "sev-snp/vcek.testcer": 1360,
}
"""Every file, and its size in bytes."""


def snp() -> Quote:
    chain = (
        *certificates(_bytes("sev-snp/vcek.testcer")),
        *certificates(_bytes("sev-snp/milan.testcer")),
    )
    return Quote("snp", _bytes("sev-snp/attestation.bin"), chain)


def nitro() -> Quote:
    return Quote("nitro", _bytes("nitro/valid.bin"))


def nitro_debug() -> Quote:
    return Quote("nitro", base64.b64decode(_bytes("nitro/debug-mode.b64")))


def sgx() -> Quote:
    return Quote("sgx", _bytes("intel/sgx_quote"), (_bytes("intel/sgx_quote_collateral.json"),))


def tdx(name: str = "tdx_quote") -> Quote:
    return Quote("tdx", _bytes(f"intel/{name}"), (_bytes(f"intel/{name}_collateral.json"),))


def _bytes(name: str) -> bytes:
    return (TEE / name).read_bytes()
