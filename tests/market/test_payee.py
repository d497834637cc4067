"""Payer and payee: what each refuses, what a session costs to keep, what a liar can gain."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.codec import U256
from numen.base.crypto import SigningKey, keccak256
from numen.base.eip712 import Domain
from numen.market.payee import (
    SAMPLE_ONE_IN,
    PayeeError,
    Session,
    Terms,
    collect,
    make_quote,
    take,
    use_credit,
)
from numen.market.payer import Limits, PayerError, Purse, check_quote, pay
from numen.market.ticket import (
    NONCES_MAX,
    WIN_ONE,
    OddsError,
    SignedTicket,
    expected_value,
    rand,
    sign_ticket,
)

DOMAIN = Domain("Numen", "1", 1337, b"\xcc" * 20)
PAYER, PAYEE = SigningKey.from_seed(b"payer"), SigningKey.from_seed(b"payee")
SECRET, SEED = b"s" * 32, b"n" * 32
TERMS = Terms(10, NONCES_MAX, 1, 1, 1000, 7, keccak256(b"round"))
LIMITS = Limits(100, 10_000)
FLOAT = 10**9


def quote_of(terms: Terms = TERMS, float_max: int = FLOAT):
    return make_quote(SECRET, PAYEE.address, PAYER.address, terms, SEED, float_max)


def taking(session, signed, **changes):
    known = {"secret": SECRET, "domain": DOMAIN, "now_ms": 5, "float_max": FLOAT}
    return take(session, signed, **(known | changes))


def tickets_for(price: int, quote=None):
    return pay(Purse(quote or quote_of()), PAYER, DOMAIN, price, LIMITS)[1]


def test_an_honest_payment_is_taken_whole_and_pays_the_price_on_average():
    session = Session(PAYER.address, quote_of())
    for signed in tickets_for(1000):
        session, _ = taking(session, signed)

    assert session.credit == 1000
    assert use_credit(session, 1000).credit == 0
    with pytest.raises(PayeeError):
        use_credit(session, 1001)
    assert all(r.revealed == rand(SECRET, PAYER.address, quote_of()) for r in session.winners)


@given(prices=st.lists(st.integers(1, 200), max_size=12))
def test_credit_carries_over_so_that_rounding_is_paid_once(prices):
    purse, sent = Purse(quote_of()), 0
    for price in prices:
        purse, tickets = pay(purse, PAYER, DOMAIN, price, LIMITS)
        sent += len(tickets)

    assert 10 * sent == sum(prices) + purse.credit
    assert 0 <= purse.credit < 10


LIES = {
    "another recipient": {"recipient": b"x" * 20},
    "a smaller face": {"face": 99},
    "worse odds": {"win_prob": U256(1)},
    "certain odds": {"win_prob": U256(WIN_ONE)},
    "another secret": {"rand_hash": keccak256(b"other")},
    "another round": {"round": 8},
    "another round's hash": {"round_hash": bytes(32)},
    "a nonce too high": {"nonce": NONCES_MAX},
}


@pytest.mark.parametrize("change", LIES.values(), ids=LIES)
def test_a_ticket_that_was_not_quoted_is_not_taken(change):
    honest = tickets_for(10)[0].ticket
    lie = sign_ticket(PAYER, DOMAIN, msgspec.structs.replace(honest, **change))

    with pytest.raises(PayeeError):
        taking(Session(PAYER.address, quote_of()), lie)


def test_a_quote_that_was_changed_on_the_way_is_known_by_its_secret():
    """The payer's copy asks for more than the payee quoted; the payee kept none."""
    changed = msgspec.structs.replace(quote_of(), expires_ms=10**9)

    with pytest.raises(PayeeError, match="not one of ours"):
        taking(Session(PAYER.address, changed), tickets_for(10, changed)[0])


def test_a_nonce_draws_once():
    """HOPR #3613: a losing draw must not be tried again."""
    signed = tickets_for(10)[0]
    session, _ = taking(Session(PAYER.address, quote_of()), signed)

    with pytest.raises(PayeeError, match="come before"):
        taking(session, signed)


def test_the_economic_limits_hold_whatever_else_a_quote_says():
    """go-livepeer a6c4b1e: an expiry of zero once skipped the limits."""
    for expires in (1, 1000, 2**40):
        quote = quote_of(msgspec.structs.replace(TERMS, expires_ms=expires))
        session = Session(PAYER.address, quote)
        signed = tickets_for(10, quote)[0]
        with pytest.raises(PayeeError, match="covered"):
            taking(session, signed, now_ms=0, float_max=quote.face - 1)
        taking(session, signed, now_ms=0, float_max=quote.face)


def test_winners_together_stay_within_the_float():
    quote = quote_of(msgspec.structs.replace(TERMS, price=100))
    session = Session(PAYER.address, quote)
    one, two = tickets_for(200, quote)
    session, won = taking(session, one, float_max=100)

    assert won, "an expected value of the face value wins for certain"
    assert session.owed == 100
    with pytest.raises(PayeeError, match="covered"):
        taking(session, two, float_max=199)
    taking(session, two, float_max=200)


def test_tickets_come_late():
    signed = tickets_for(10)[0]
    taking(Session(PAYER.address, quote_of()), signed, now_ms=999)
    with pytest.raises(PayeeError, match="expired"):
        taking(Session(PAYER.address, quote_of()), signed, now_ms=1000)


def test_a_secret_that_was_shown_takes_no_more_tickets():
    quote = quote_of(msgspec.structs.replace(TERMS, price=100))
    one, two = tickets_for(200, quote)
    session, _ = taking(Session(PAYER.address, quote), one)
    session, winners = collect(session)

    assert len(winners) == 1
    with pytest.raises(PayeeError, match="shown"):
        taking(session, two)


def test_collecting_nothing_shows_nothing():
    session = Session(PAYER.address, quote_of())
    assert collect(session) == (session, ())


def forged(signed: SignedTicket, number: int) -> SignedTicket:
    return SignedTicket(signed.ticket, keccak256(bytes([number])) + bytes(31) + b"\x01\x1b")


def test_a_forged_signature_is_refused_or_sampled():
    signed = tickets_for(10)[0]
    with pytest.raises(PayeeError):
        taking(Session(PAYER.address, quote_of()), forged(signed, 1))


def test_a_forger_is_found_out_within_the_stated_bound():
    """With sampling, a payer of junk gets about SAMPLE_ONE_IN tickets' worth and no more."""
    session, taken = Session(PAYER.address, quote_of()), 0
    for number, signed in enumerate(tickets_for(2560)):
        try:
            session, _ = taking(session, forged(signed, number), sample_one_in=SAMPLE_ONE_IN)
        except PayeeError:
            break
        taken += 1

    assert taken < 4 * SAMPLE_ONE_IN
    assert not session.winners, "a winner is always checked"


def test_sampling_takes_every_honest_ticket():
    session = Session(PAYER.address, quote_of())
    for signed in tickets_for(2560):
        session, _ = taking(session, signed, sample_one_in=SAMPLE_ONE_IN)
    assert session.credit == 2560


def test_a_payee_keeps_a_session_of_one_size_however_many_tickets_come():
    """I7: what grows is the winners alone, and those leave when they are redeemed."""

    def size(count: int) -> int:
        quote = quote_of(msgspec.structs.replace(TERMS, redeem_cost=10**6), 10**12)
        session = Session(PAYER.address, quote)
        for signed in tickets_for(10 * count, quote):
            session, _ = taking(session, signed, float_max=10**12)
        session, _ = collect(session)
        assert session.seen.bit_length() <= NONCES_MAX, "one word of marks"
        return len(repr(msgspec.structs.replace(session, seen=0, credit=0)))

    assert size(1) == size(NONCES_MAX)


def test_a_quote_covers_every_ticket_winning():
    quote = quote_of(float_max=1050)
    assert (quote.face, quote.count) == (100, 10)
    with pytest.raises(OddsError):
        quote_of(float_max=99)


def test_a_payer_refuses_what_it_did_not_allow():
    quote = quote_of()
    assert check_quote(quote, LIMITS, deposit=1000, now_ms=0) == 10

    for limits, deposit, now, match in (
        (Limits(9, 10_000), 1000, 0, "worth"),
        (LIMITS, 99, 0, "deposit"),
        (Limits(100, 10_000, deposit_multiplier=11), 1000, 0, "deposit"),
        (LIMITS, 1000, 1000, "expired"),
    ):
        with pytest.raises(PayerError, match=match):
            check_quote(quote, limits, deposit, now)
    worthless = msgspec.structs.replace(quote, win_prob=U256(0))
    with pytest.raises(PayerError, match="worth"):
        check_quote(worthless, LIMITS, 1000, 0)


def test_a_payer_stays_within_its_total_and_its_nonces():
    with pytest.raises(PayerError, match="over"):
        pay(Purse(quote_of()), PAYER, DOMAIN, 1001, Limits(100, 1000))
    used = Purse(quote_of(), issued=NONCES_MAX - 1)
    assert len(pay(used, PAYER, DOMAIN, 10, LIMITS)[1]) == 1
    with pytest.raises(PayerError, match="nonces"):
        pay(used, PAYER, DOMAIN, 11, LIMITS)


def test_the_average_of_many_quotes_is_the_price():
    """Winnings over 600 payments of 100 coins lie within three deviations of 60,000."""
    won = 0
    for number in range(600):
        seed = keccak256(number.to_bytes(4, "big"))
        quote = make_quote(SECRET, PAYEE.address, PAYER.address, TERMS, seed, FLOAT)
        session = Session(PAYER.address, quote)
        for signed in pay(Purse(quote), PAYER, DOMAIN, 100, LIMITS)[1]:
            session, _ = taking(session, signed, sample_one_in=SAMPLE_ONE_IN)
        won += session.owed
    p, n = 0.1, 6000
    deviation = 100 * (n * p * (1 - p)) ** 0.5
    assert expected_value(quote.face, quote.win_prob) == 10
    assert abs(won - 60_000) < 3 * deviation
