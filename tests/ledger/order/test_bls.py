"""BLS signatures: the standard's answers, and what is refused."""

import copy
import pickle
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.ledger.order import bls
from numen.ledger.order.bls import BlsError, VotingKey
from tests.ledger.order.verifiers import key

INFINITY_KEY = bytes([0xC0]) + bytes(47)
INFINITY_SIGNATURE = bytes([0xC0]) + bytes(95)
MESSAGE = b"\x11" * 32

PRIME = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    16,
)


@pytest.mark.judges
@pytest.mark.parametrize("seed", [bytes(32), bytes(range(32)), b"\xff" * 48])
def test_keys_and_signatures_are_those_of_the_standard(seed):
    judge = pytest.importorskip("py_ecc.bls", reason="py_ecc is a judge").G2ProofOfPossession
    secret = judge.KeyGen(seed)
    ours = VotingKey(seed)

    assert ours.public == judge.SkToPk(secret)
    assert ours.sign(MESSAGE) == judge.Sign(secret, MESSAGE)
    assert ours.prove_possession() == judge.PopProve(secret)
    others = [key(i) for i in range(2)]
    total = bls.add_signatures([k.sign(MESSAGE) for k in (ours, *others)])
    assert judge.FastAggregateVerify([k.public for k in (ours, *others)], MESSAGE, total)


def test_a_key_and_a_signature_are_what_the_judge_gave():
    """The second of the answers above, for machines without the judge."""
    ours = VotingKey(bytes(range(32)))

    assert ours.public.hex() == (
        "9112a0386a2340714ba0c6d2df235377a8679c3899d03e6e"
        "f04dba7a50ef49e5a1dc93105e9374e93ed301b63487e17c"
    )
    assert ours.sign(MESSAGE).hex() == (
        "91c8b15d818941142eabf4cfa10db26378e9d23d88bbcda8dab8c09f3caa4203"
        "609baf19ee57fa7d66c4c412278baa0f0a2f297a911a5068b0976d091d325372"
        "28d9808533d094d2c2fad75b5ea1b3f1d822e15819075e634a43aa711dd4b454"
    )


def test_a_signature_is_its_keys_and_its_messages():
    a, b = key(1), key(2)
    signature = a.sign(MESSAGE)
    bls.verify(bls.read_key(a.public), MESSAGE, signature)
    for who, message, what in (
        (b, MESSAGE, signature),
        (a, MESSAGE + b"\0", signature),
        (a, MESSAGE, b.sign(MESSAGE)),
        (a, a.public, a.prove_possession()),  # another domain
    ):
        with pytest.raises(BlsError):
            bls.verify(bls.read_key(who.public), message, what)


def test_a_sum_is_signed_by_all_and_only_by_all():
    owners = [key(i) for i in range(4)]
    points = [bls.read_key(owner.public) for owner in owners]
    total = bls.add_signatures([owner.sign(MESSAGE) for owner in owners])
    bls.verify(bls.add_keys(points), MESSAGE, total)
    for some in (points[:3], [*points, points[0]]):
        with pytest.raises(BlsError):
            bls.verify(bls.add_keys(some), MESSAGE, total)


def test_a_key_made_of_others_is_no_key_without_its_secret():
    """The rogue key: what I know, minus your key, so that the sum of ours is mine alone."""
    yours, mine = key(1), key(2)
    rogue = bls.read_key(mine.public) - bls.read_key(yours.public)
    raw = bytes(rogue.to_compressed_bytes())
    together = bls.add_keys([bls.read_key(yours.public), rogue])
    bls.verify(together, MESSAGE, mine.sign(MESSAGE))  # that is the attack

    with pytest.raises(BlsError, match="possession"):
        bls.check_possession(raw, mine.prove_possession())


def test_a_possession_is_the_keys_own():
    bls.check_possession(key(1).public, key(1).prove_possession())
    for proof in (key(2).prove_possession(), key(1).sign(key(1).public)):
        with pytest.raises(BlsError, match="possession"):
            bls.check_possession(key(1).public, proof)


def off_subgroup_key() -> bytes:
    """A point of the curve that is not of the group."""
    x = next(x for x in range(1, 99) if pow(x**3 + 4, (PRIME - 1) // 2, PRIME) == 1)
    return bytes([0x80]) + x.to_bytes(47, "big")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(47),
        bytes(48),
        bytes(49),
        b"\xff" * 48,
        INFINITY_KEY,
        bytes([0xE0]) + bytes(47),  # infinity again, as arkworks reads it
        bytes([0xC0]) + bytes(46) + b"\1",
        bytes([0x80 | PRIME >> 376]) + (PRIME & (1 << 376) - 1).to_bytes(47, "big"),  # x = p
        off_subgroup_key(),
    ],
)
def test_what_is_no_key_is_refused(raw):
    with pytest.raises(BlsError):
        bls.read_key(raw)


def test_infinity_is_nobodys_signature():
    point = bls.read_key(key(1).public)
    for raw in (INFINITY_SIGNATURE, bytes(96), b"", bytes([0xE0]) + bytes(95)):
        with pytest.raises(BlsError, match="signature"):
            bls.verify(point, MESSAGE, raw)
    with pytest.raises(BlsError, match="infinity"):
        bls.add_signatures([INFINITY_SIGNATURE])


def test_keys_and_signatures_that_cancel_are_refused():
    point = bls.read_key(key(1).public)
    with pytest.raises(BlsError, match="cancel"):
        bls.add_keys([point, -point])
    signature = key(1).sign(MESSAGE)
    negated = bytes([signature[0] ^ 0x20]) + signature[1:]
    with pytest.raises(BlsError, match="cancel"):
        bls.add_signatures([signature, negated])
    for empty in (bls.add_keys, bls.add_signatures):
        with pytest.raises(BlsError):
            empty([])


@given(st.binary(min_size=48, max_size=48), st.binary(min_size=96, max_size=96))
def test_no_bytes_do_more_than_be_refused(raw, signature):
    for read in (lambda: bls.read_key(raw), lambda: bls.add_signatures([signature])):
        with suppress(BlsError):
            assert read() is not None


def test_a_key_keeps_its_secret():
    secret = key(5)
    assert repr(secret) == f"VotingKey(public=0x{secret.public.hex()})"
    for leak in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="not written"):
            leak(secret)
    with pytest.raises(BlsError, match="32 bytes"):
        VotingKey(b"short")
