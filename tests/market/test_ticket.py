"""Tickets: the digest a contract would compute, odds that hold, and no way to bias a draw."""

from math import sqrt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.codec import U256, decode, encode
from numen.base.crypto import SigningKey, keccak256, recover
from numen.base.eip712 import Domain
from numen.market.dice import Dice
from numen.market.ticket import (
    COST_MULTIPLIER,
    WIN_ONE,
    OddsError,
    Quote,
    SignedTicket,
    Ticket,
    WrongSecretError,
    batch_digest,
    choose_odds,
    draw,
    expected_value,
    rand,
    sign_ticket,
    ticket_digest,
    wins,
)

DOMAIN = Domain("Numen", "1", 1337, b"\xcc" * 20)
PAYER, PAYEE = SigningKey.from_seed(b"payer"), SigningKey.from_seed(b"payee")
SECRET = b"s" * 32
TICKET = Ticket(
    recipient=PAYEE.address,
    sender=PAYER.address,
    face=1000,
    win_prob=U256(WIN_ONE // 10),
    nonce=3,
    rand_hash=keccak256(SECRET),
    round=7,
    round_hash=keccak256(b"round"),
)
QUOTE = Quote(PAYEE.address, 1000, U256(5), bytes(32), b"n" * 32, 99, 10, 16, 7, b"r" * 32)


def test_the_digest_is_what_a_contract_computes_with_abi_encode():
    """The formula of EIP-712, spelled out with nothing of ours but the hash."""
    words = (
        bytes(12) + PAYEE.address,
        bytes(12) + PAYER.address,
        (1000).to_bytes(32, "big"),
        (WIN_ONE // 10).to_bytes(32, "big"),
        (3).to_bytes(32, "big"),
        keccak256(SECRET),
        (7).to_bytes(32, "big"),
        keccak256(b"round"),
    )
    kind = keccak256(
        b"Ticket(address recipient,address sender,uint256 faceValue,uint256 winProb,"
        b"uint256 senderNonce,bytes32 recipientRandHash,uint256 creationRound,"
        b"bytes32 creationRoundHash)"
    )
    domain = keccak256(
        keccak256(
            b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        ),
        keccak256(b"Numen"),
        keccak256(b"1"),
        (1337).to_bytes(32, "big"),
        bytes(12) + b"\xcc" * 20,
    )

    assert ticket_digest(DOMAIN, TICKET) == keccak256(b"\x19\x01", domain, keccak256(kind, *words))


changes = st.one_of(
    st.binary(min_size=20, max_size=20).map(lambda v: {"recipient": v}),
    st.binary(min_size=20, max_size=20).map(lambda v: {"sender": v}),
    st.integers(0, 2**63).map(lambda v: {"face": v}),
    st.integers(0, WIN_ONE).map(lambda v: {"win_prob": U256(v)}),
    st.integers(0, 2**63).map(lambda v: {"nonce": v}),
    st.binary(min_size=32, max_size=32).map(lambda v: {"rand_hash": v}),
    st.integers(0, 2**63).map(lambda v: {"round": v}),
    st.binary(min_size=32, max_size=32).map(lambda v: {"round_hash": v}),
)


@given(change=changes)
def test_every_field_is_signed(change):
    changed = msgspec.structs.replace(TICKET, **change)

    assert (ticket_digest(DOMAIN, changed) == ticket_digest(DOMAIN, TICKET)) == (changed == TICKET)


@pytest.mark.parametrize(
    "elsewhere",
    [
        Domain("Numen", "1", 1, b"\xcc" * 20),
        Domain("Numen", "1", 1337, b"\xcd" * 20),
        Domain("Numen", "2", 1337, b"\xcc" * 20),
    ],
)
def test_a_ticket_counts_on_one_chain_at_one_contract(elsewhere):
    signed = sign_ticket(PAYER, DOMAIN, TICKET)

    assert recover(ticket_digest(DOMAIN, TICKET), signed.signature) == PAYER.address
    assert recover(ticket_digest(elsewhere, TICKET), signed.signature) != PAYER.address


def test_a_ticket_has_one_signature():
    assert len({sign_ticket(PAYER, DOMAIN, TICKET).signature for _ in range(5)}) == 1


def test_a_ticket_survives_the_wire_and_its_size_is_bounded():
    signed = sign_ticket(PAYER, DOMAIN, TICKET)
    raw = encode(signed)

    assert decode(SignedTicket, raw) == signed
    assert len(raw) <= 256


@given(signature=st.binary(min_size=65, max_size=65))
def test_a_win_is_a_draw_under_the_odds(signature):
    signed = SignedTicket(TICKET, signature)
    number = int.from_bytes(keccak256(signature + SECRET), "big")

    assert draw(signature, SECRET) == number
    assert wins(signed, SECRET) == (number < WIN_ONE // 10)
    with pytest.raises(WrongSecretError):
        wins(signed, b"t" * 32)


terms = st.sampled_from(["face", "win_prob", "expires_ms", "price", "count", "round"])


@given(field=terms, value=st.integers(0, 2**63))
def test_every_term_of_a_quote_changes_its_secret(field, value):
    changed = msgspec.structs.replace(
        QUOTE, **{field: U256(value) if field == "win_prob" else value}
    )

    same = rand(SECRET, PAYER.address, changed) == rand(SECRET, PAYER.address, QUOTE)
    assert same == (changed == QUOTE)


def test_payer_seed_round_and_secret_change_the_secret_too():
    others = {
        rand(SECRET, PAYER.address, QUOTE),
        rand(b"t" * 32, PAYER.address, QUOTE),
        rand(SECRET, PAYEE.address, QUOTE),
        rand(SECRET, PAYER.address, msgspec.structs.replace(QUOTE, seed=b"m" * 32)),
        rand(SECRET, PAYER.address, msgspec.structs.replace(QUOTE, round_hash=b"q" * 32)),
    }
    assert len(others) == 5


@given(
    price=st.integers(1, 10**9),
    cost=st.integers(0, 10**6),
    limit=st.integers(0, 10**12),
    spread=st.integers(1, 20),
)
def test_odds_are_exact_in_expectation_or_refused(price, cost, spread, limit):
    try:
        face, win_prob = choose_odds(price, cost, spread, limit)
    except OddsError:
        assert max(cost * COST_MULTIPLIER, price * spread) > limit
        return
    assert expected_value(face, win_prob) == price
    assert max(cost * COST_MULTIPLIER, price * spread) <= face <= limit
    assert win_prob <= WIN_ONE // spread + 1


def test_a_batch_is_committed_to_in_order_with_its_signatures():
    one = sign_ticket(PAYER, DOMAIN, TICKET)
    two = sign_ticket(PAYER, DOMAIN, msgspec.structs.replace(TICKET, nonce=4))

    digests = {batch_digest(b) for b in ([], [one], [two], [one, two], [two, one])}
    assert len(digests) == 5
    assert batch_digest([]) == bytes(32)


def chi_square(one_in: int, tickets: int) -> float:
    """Draw tickets with fresh signatures and compare the wins with the odds."""
    limit, dice = WIN_ONE // one_in, Dice(f"odds {one_in}".encode())
    won = 0
    for _ in range(tickets):
        signature = dice.word() + dice.word() + b"\x1b"
        won += draw(signature, SECRET) < limit
    mean = tickets / one_in
    return (won - mean) ** 2 / mean + (won - mean) ** 2 / (tickets - mean)


ODDS = (10, 100, 1000)
JOINT_LIMIT = 11.34
"""Exceeded once in a hundred by chance: chi-square with three degrees of freedom."""


def test_signed_tickets_win_as_often_as_the_odds_say():
    """The real thing, RFC 6979 signatures and all; 3,000 tickets at one in ten."""
    won = sum(
        wins(sign_ticket(PAYER, DOMAIN, msgspec.structs.replace(TICKET, nonce=n)), SECRET)
        for n in range(3000)
    )
    assert abs(won - 300) < 3 * sqrt(3000 * 0.1 * 0.9)


@pytest.mark.slow
def test_wins_come_as_often_as_the_odds_say_over_a_million():
    assert sum(chi_square(one_in, 350_000) for one_in in ODDS) < JOINT_LIMIT
