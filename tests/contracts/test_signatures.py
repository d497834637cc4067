"""What a contract hashes, and whose signatures it believes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.crypto import CURVE_ORDER, SigningKey, keccak256
from numen.testing import Chain, build

SOURCE = """
from numen import address, contract, map, message, view
from numen.std.signatures import keccak, signer

@contract
class Permits:
    used: map[u256, bool]
    count: map[address, u128]

    @view
    def hashed(self, raw: bytes[300]) -> u256:
        return keccak(raw)

    @view
    def who(self, digest: u256, signature: bytes[65]) -> u256:
        return signer(digest, signature)

    @message
    def permit(self, owner: address, raw: bytes[300], signature: bytes[65]):
        digest = keccak(raw)
        assert not self.used[digest], "used"
        assert signer(digest, signature) == u256(owner), "another account signed"
        self.used[digest] = True
        self.count[owner] += 1
"""

KEY = SigningKey.from_seed(b"owner")
OWNER = int.from_bytes(KEY.address, "big")
DIGEST = keccak256(b"what is signed")


@pytest.fixture(scope="module")
def permits():
    return Chain().deploy(build(SOURCE), name="permits")


def who(permits, signature: bytes) -> int:
    return permits.view("who", int.from_bytes(DIGEST, "big"), signature)


@settings(max_examples=30, deadline=None)
@given(raw=st.binary(max_size=300))
def test_the_digest_is_ethereums(raw):
    assert SHARED.view("hashed", raw) == int.from_bytes(keccak256(raw), "big")


SHARED = Chain().deploy(build(SOURCE), name="shared")


def test_a_signature_names_its_account_and_a_forged_one_nobody(permits):
    good = KEY.sign(DIGEST)
    s = int.from_bytes(good[32:64], "big")
    other = good[:32] + (CURVE_ORDER - s).to_bytes(32, "big") + bytes([55 - good[64]])

    assert who(permits, good) == OWNER
    for bad in (other, good[:64], good[:64] + b"\0", b"", bytes(65), good[:64] + b"\x1d"):
        assert who(permits, bad) == 0
    assert who(permits, SigningKey.from_seed(b"x").sign(DIGEST)) != OWNER


def test_a_contract_believes_what_was_signed_once(permits):
    raw = b"one for ann"
    signature = KEY.sign(keccak256(raw))

    permits.send("permit", KEY.address, raw, signature).unwrap()
    for given_raw, given_signature in ((raw, signature), (b"two", signature)):
        assert permits.send("permit", KEY.address, given_raw, given_signature).failure is not None
