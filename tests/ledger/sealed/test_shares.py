"""Shares of a secret: any t have it, fewer have nothing, and wrong ones are found."""

import itertools
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.crypto import CURVE_ORDER
from numen.ledger.sealed import shares
from numen.ledger.sealed.envelope import disclose, enclose, public_key
from numen.ledger.sealed.errors import ShareError, UnsealError
from numen.ledger.sealed.shares import Share, deal, join, verify

SECRET = random.Random(0).randbytes(32)


def dealt(needed: int, nodes: int, seed: int = 1) -> shares.Dealt:
    return deal(SECRET, needed, nodes, random.Random(seed).randbytes(32 * (needed - 1)))


@pytest.mark.parametrize("needed", [1, 2, 3, 5])
def test_any_nodes_that_suffice_have_the_secret(needed):
    hand = dealt(needed, 5)

    for share in hand.shares:
        verify(share, hand.commitments)
    for some in itertools.combinations(hand.shares, needed):
        assert join(some, hand.commitments) == SECRET
    for few in itertools.combinations(hand.shares, needed - 1):
        with pytest.raises(ShareError, match=f"where {needed} are needed"):
            join(few, hand.commitments)


@settings(max_examples=20)
@given(candidate=st.integers(1, CURVE_ORDER - 1))
def test_too_few_shares_fit_any_secret_as_well(candidate):
    """With two of three shares there is a polynomial through them and any value at 0."""
    one, two, _ = dealt(3, 3).shares
    places = [0, one.node, two.node]
    values = [candidate, int.from_bytes(one.value, "big"), int.from_bytes(two.value, "big")]

    def at(x: int) -> int:
        total = 0
        for i, value in zip(places, values, strict=True):
            term = value
            for j in places:
                if j != i:
                    term = term * (x - j) * pow(i - j, -1, CURVE_ORDER) % CURVE_ORDER
            total += term
        return total % CURVE_ORDER

    third = at(3).to_bytes(32, "big")
    weights = {1: 3, 2: -3, 3: 1}
    parts = {1: one.value, 2: two.value, 3: third}
    joined = sum(weights[i] * int.from_bytes(parts[i], "big") for i in weights) % CURVE_ORDER
    assert joined == candidate


def test_wrong_shares_are_found_and_left_out():
    hand, other = dealt(3, 7), dealt(3, 7, seed=2)
    first = hand.shares[0]
    wrong = [
        other.shares[0],
        msgspec.structs.replace(first, node=2),
        msgspec.structs.replace(first, value=bytes(32)),
        msgspec.structs.replace(first, value=b"\xff" * 32),
        Share(0, first.value),
        Share(256, first.value),
    ]
    for share in wrong:
        with pytest.raises(ShareError):
            verify(share, hand.commitments)

    assert join([*wrong, *hand.shares[3:], *wrong], hand.commitments) == SECRET
    with pytest.raises(ShareError, match="2 shares fit"):
        join([*wrong, *hand.shares[:2], hand.shares[0]], hand.commitments)


@pytest.mark.parametrize("commitments", [(), (b"",), (b"\x02" + b"\xff" * 32,), (b"x" * 33,) * 300])
def test_commitments_that_are_none_are_refused(commitments):
    with pytest.raises(ShareError):
        verify(dealt(2, 3).shares[0], commitments)
    with pytest.raises(ShareError):
        join(dealt(2, 3).shares, commitments)


def test_a_share_does_not_show_itself():
    share = dealt(2, 3).shares[0]

    assert share.value.hex() not in repr(share)
    assert repr(share.value) not in repr(share)


def test_a_share_travels_in_an_envelope_that_its_node_alone_opens():
    share, node = dealt(2, 3).shares[0], b"\x05" * 32
    envelope = enclose(share.value, public_key(node), b"epoch 1", b"\x06" * 32)

    assert share.value not in envelope
    assert disclose(envelope, node, b"epoch 1") == share.value
    for letter, secret, about in (
        (envelope, b"\x07" * 32, b"epoch 1"),
        (envelope, node, b"epoch 2"),
        (envelope[:-1], node, b"epoch 1"),
        (envelope[:40], node, b"epoch 1"),
        (envelope[:31], node, b"epoch 1"),
        (bytes(32) + envelope[32:], node, b"epoch 1"),
    ):
        with pytest.raises(UnsealError):
            disclose(letter, secret, about)
    with pytest.raises(UnsealError):
        enclose(b"", bytes(32), b"", b"\x06" * 32)
