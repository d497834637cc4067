"""Keys, hashes and signatures, against vectors of other people."""

import copy
import hashlib
import json
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.crypto import (
    CURVE_ORDER,
    BadKeyError,
    BadSignatureError,
    CryptoError,
    SigningKey,
    address_of,
    hmac_sha256,
    keccak256,
    recover,
    recover_checked,
    verify_signer,
)

VECTORS = Path(os.environ.get("NUMEN_VECTORS", Path(__file__).parents[3] / "shared" / "vectors"))
WYCHEPROOF = VECTORS / "wycheproof"

# Wycheproof files and how many cases each has.
COUNTS = {"ecdsa_secp256k1_sha256_bitcoin_test": 463, "ecdsa_secp256k1_sha256_test": 476}

# Valid cases that Ethereum's v cannot express: the point's x lies above the group order, which
# an honest signer meets once in 2**127 signatures.
BEYOND_V = "k*G has a large x-coordinate"

needs_vectors = pytest.mark.skipif(
    not WYCHEPROOF.is_dir(), reason=f"no Wycheproof vectors in {WYCHEPROOF} (set NUMEN_VECTORS)"
)


def strict_der(raw: bytes) -> tuple[int, int] | None:
    """Read r and s from DER, or give nothing when any byte is not as DER demands."""
    body = raw[2:]
    if len(raw) < 2 or raw[0] != 0x30 or raw[1] != len(body) or raw[1] > 127:
        return None
    numbers = []
    for _ in range(2):
        if len(body) < 3 or body[0] != 2:
            return None
        size, digits, body = body[1], body[2 : 2 + body[1]], body[2 + body[1] :]
        padded = size > 1 and digits[0] == 0 and digits[1] < 128
        if size == 0 or len(digits) != size or digits[0] > 127 or padded:
            return None
        numbers.append(int.from_bytes(digits, "big"))
    return None if body else (numbers[0], numbers[1])


def accepts(public_key: bytes, message: bytes, der: bytes) -> bool:
    parsed = strict_der(der)
    if parsed is None or max(parsed) >= 1 << 256:
        return False
    body = parsed[0].to_bytes(32, "big") + parsed[1].to_bytes(32, "big")
    digest = hashlib.sha256(message).digest()
    for v in (27, 28):
        try:
            verify_signer(address_of(public_key), digest, body + bytes([v]))
        except BadSignatureError:
            continue
        return True
    return False


@needs_vectors
@pytest.mark.parametrize("name", COUNTS)
def test_wycheproof_signatures(name):
    suite = json.loads((WYCHEPROOF / f"{name}.json").read_text())
    cases = [(g["publicKey"]["uncompressed"], t) for g in suite["testGroups"] for t in g["tests"]]
    assert len(cases) == suite["numberOfTests"] == COUNTS[name]

    for key, case in cases:
        wanted = case["result"] == "valid"
        parsed = strict_der(bytes.fromhex(case["sig"]))
        if wanted and parsed and parsed[1] > CURVE_ORDER // 2:
            wanted = False  # plain ECDSA allows the upper half; we refuse it everywhere
        if case["comment"] == BEYOND_V:
            wanted = False
        got = accepts(*map(bytes.fromhex, (key, case["msg"], case["sig"])))
        assert got == wanted, (case["tcId"], case["comment"])


def test_keccak_of_nothing_and_of_parts():
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256().hex() == keccak256(b"").hex() == empty
    assert keccak256(b"ab", b"c") == keccak256(b"abc")


def test_hmac_matches_rfc_4231_case_1():
    tag = hmac_sha256(b"\x0b" * 20, b"Hi There").hex()
    assert tag == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"


def test_the_key_of_one_has_its_published_address():
    key = SigningKey((1).to_bytes(32, "big"))
    assert key.address.hex() == "7e5f4552091a69125d5dfcb7b8c2659029395bdf"


@given(seed=st.binary(max_size=64), digest=st.binary(min_size=32, max_size=32))
def test_a_signature_recovers_to_its_signer_and_never_varies(seed, digest):
    key = SigningKey.from_seed(seed)
    signature = key.sign(digest)

    assert recover(digest, signature) == key.address
    assert key.sign(digest) == signature
    assert int.from_bytes(signature[32:64], "big") <= CURVE_ORDER // 2


@given(digest=st.binary(min_size=32, max_size=32), data=st.data())
def test_a_changed_signature_is_never_the_signers(digest, data):
    key = SigningKey.from_seed(b"signer")
    changed = bytearray(key.sign(digest))
    changed[data.draw(st.integers(0, 64))] ^= data.draw(st.integers(1, 255))

    with pytest.raises(BadSignatureError):
        verify_signer(key.address, digest, bytes(changed))


def test_the_mirror_of_a_signature_is_refused():
    key, digest = SigningKey.from_seed(b"signer"), keccak256(b"message")
    signature = key.sign(digest)
    s = CURVE_ORDER - int.from_bytes(signature[32:64], "big")
    mirror = signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])

    with pytest.raises(BadSignatureError, match="malleable"):
        recover(digest, mirror)


@given(seed=st.binary(max_size=64), digest=st.binary(min_size=32, max_size=32))
def test_both_forms_of_a_signature_are_the_signers_where_the_mirror_is_allowed(seed, digest):
    key = SigningKey.from_seed(seed)
    signature = key.sign(digest)
    r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    parity = signature[64] - 27

    assert recover_checked(digest, r, s, parity) == key.address
    assert recover_checked(digest, r, CURVE_ORDER - s, 1 - parity) == key.address
    assert recover_checked(digest, r, s, 1 - parity) != key.address


@given(digest=st.binary(max_size=40), signature=st.binary(max_size=70))
def test_junk_is_refused_or_recovers_to_a_stranger(digest, signature):
    try:
        found = recover(digest, signature)
    except CryptoError:
        return
    assert len(found) == 20


@pytest.mark.parametrize(
    ("r", "s", "v"),
    [
        (0, 1, 27),
        (CURVE_ORDER, 1, 27),
        (1, 0, 27),
        (1, CURVE_ORDER, 28),
        (5, 1, 27),  # no point has x = 5
        (1, 1, 0),
        (1, 1, 29),
    ],
)
def test_numbers_out_of_range_are_refused(r, s, v):
    with pytest.raises(BadSignatureError):
        recover(keccak256(), r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v]))


@pytest.mark.parametrize(
    "secret", [b"", b"\1" * 31, b"\0" * 32, b"\xff" * 32, CURVE_ORDER.to_bytes(32, "big")]
)
def test_a_secret_out_of_range_is_refused_without_showing_it(secret):
    with pytest.raises(BadKeyError) as caught:
        SigningKey(secret)
    assert secret.hex() not in str(caught.value) or not secret


def test_a_key_shows_its_address_and_nothing_else():
    secret = bytes(range(1, 33))
    key = SigningKey(secret)

    assert repr(key) == str(key) == f"SigningKey(address=0x{key.address.hex()})"
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            write(key)
