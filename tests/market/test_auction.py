"""The book: price first, then time; a raise is signed anew; money always comes back."""

from math import sqrt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.market import auction
from numen.market.auction import (
    Book,
    BookFullError,
    Estimate,
    LowerBidError,
    NoOrderError,
    StaleBidError,
    clearing_price,
    decide,
    place,
    ranked,
    remove,
)
from numen.market.coins import issue
from numen.market.message import Ramp, Request
from numen.market.task import Quorum, Task, TaskError, escrowed, task_id

ANN, BOB = b"a" * 20, b"b" * 20
TASK = Task(
    market=keccak256(b"market"),
    provider=ANN,
    verifier=BOB,
    number=0,
    program=keccak256(b"program"),
    inputs=keccak256(b"inputs"),
    policy=Quorum(3, 10),
    work_limit=1000,
    price_max=10_000,
    fee=7,
    pledge=10_000,
    expires_ms=9999,
)


def numbered(number: int) -> Task:
    return msgspec.structs.replace(TASK, number=number)


def filled(*bids: int) -> Book:
    book = Book()
    for number, bid in enumerate(bids):
        book, _ = place(book, Request(numbered(number), bid, 0), now_ms=number)
    return book


def order(book: Book) -> list[int]:
    return [o.request.task.number for o in ranked(book, 0)]


def test_the_highest_bid_comes_first_and_the_older_of_equals():
    assert order(filled(5, 9, 5, 7)) == [1, 3, 0, 2]


def test_a_raised_bid_goes_behind_its_equals():
    book, moves = place(filled(5, 9, 7), Request(numbered(0), 9, 1), now_ms=100)

    assert order(book) == [1, 0, 2]
    assert [m.amount for m in moves] == [3 * (9 - 5)], "three answers, the fee is there already"


def test_a_replacement_at_the_same_price_keeps_its_time():
    book, moves = place(filled(5, 5), Request(numbered(0), 5, 1), now_ms=100)

    assert order(book) == [0, 1]
    assert [m.amount for m in moves] == [0]


@pytest.mark.parametrize("nonce", [0, 2, 7])
def test_a_replacement_out_of_turn_is_refused(nonce):
    with pytest.raises(StaleBidError) as caught:
        place(filled(5), Request(numbered(0), 6, nonce), now_ms=1)
    assert (caught.value.nonce, caught.value.expected) == (nonce, 1)


def test_a_first_request_starts_at_zero():
    with pytest.raises(StaleBidError):
        place(Book(), Request(TASK, 5, 1), now_ms=0)


def test_a_bid_is_not_lowered():
    with pytest.raises(LowerBidError):
        place(filled(5), Request(numbered(0), 4, 1), now_ms=1)


def test_a_bid_stays_in_the_providers_own_limit_and_under_the_pledge():
    place(Book(), Request(TASK, 10_000, 0), now_ms=0)
    with pytest.raises(TaskError, match="limit"):
        place(Book(), Request(TASK, 10_001, 0), now_ms=0)
    low = msgspec.structs.replace(TASK, pledge=4)
    with pytest.raises(TaskError, match="pledge"):
        place(Book(), Request(low, 5, 0), now_ms=0)


def test_a_full_book_takes_raises_and_no_orders(monkeypatch):
    monkeypatch.setattr(auction, "ORDERS_MAX", 2)
    book = filled(5, 6)

    with pytest.raises(BookFullError):
        place(book, Request(numbered(2), 9, 0), now_ms=9)
    assert order(place(book, Request(numbered(0), 7, 1), now_ms=9)[0]) == [0, 1]


@given(
    bid=st.integers(0, 5000),
    more=st.integers(0, 5000),
    starts=st.integers(0, 100),
    lasts=st.integers(1, 100),
    moments=st.lists(st.integers(0, 300), min_size=2),
)
def test_a_ramp_rises_in_a_line_and_stays_between_its_ends(bid, more, starts, lasts, moments):
    request = Request(TASK, bid, 0, Ramp(bid + more, starts, lasts))
    bids = [request.bid_at(moment) for moment in sorted(moments)]

    assert bids == sorted(bids)
    assert request.bid_at(starts) == bid
    assert request.bid_at(starts + lasts) == request.bid_at(10**9) == request.ceiling == bid + more
    for moment in range(starts, starts + lasts):
        assert abs((request.bid_at(moment) - bid) * lasts - more * (moment - starts)) < lasts


@given(
    work=st.integers(0, 10**6),
    price=st.integers(0, 2_000_000),
    aversion=st.integers(0, 4000),
)
def test_the_least_bid_is_taken_and_one_coin_less_is_not(work, price, aversion):
    def decided(bid):
        return decide(bid, Estimate(work, price, 16, 250, aversion))

    least = auction.least_bid(decided)

    if least is None:
        assert aversion > 2000, "nine tenths of what is bid would be for the fear of the lottery"
    else:
        assert decided(least).is_taken
        assert not decided(least - 1).is_taken


def test_what_is_not_there_is_not_removed():
    with pytest.raises(NoOrderError):
        remove(filled(5), task_id(numbered(1)))


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 50), st.integers(0, 3), st.booleans()),
        max_size=30,
    )
)
def test_the_escrow_holds_what_the_orders_in_force_bind(steps):
    book, coins = Book(), issue({ANN: 10**9})
    for now, (number, bid, nonce, is_removal) in enumerate(steps):
        task = numbered(number)
        try:
            if is_removal:
                book, gone = remove(book, task_id(task))
                held = coins.balance(auction.escrow_of(gone))
                back = auction.Transfer(
                    auction.escrow_of(gone), auction.wallet(ANN), held, "refund"
                )
                coins = coins.apply((back,))
            else:
                book, moves = place(book, Request(task, bid, nonce), now)
                coins = coins.apply(moves)
        except auction.AuctionError:
            continue

    assert coins.total() == 10**9
    for o in book.orders.values():
        assert coins.balance(auction.escrow_of(o)) == escrowed(o.request.task, o.request.bid)
    bound = sum(escrowed(o.request.task, o.request.bid) for o in book.orders.values())
    assert coins.balance(auction.wallet(ANN)) == 10**9 - bound


@given(asks=st.lists(st.integers(0, 99), max_size=9).map(sorted), count=st.integers(0, 9))
def test_all_seats_have_one_price_that_no_worker_can_raise_by_asking_more(asks, count):
    price = clearing_price(asks, 100, count)

    assert all(ask <= price <= 100 for ask in asks[:count])
    assert all(price <= ask for ask in asks[count:])
    for i in range(min(count, len(asks))):
        others = asks[:i] + asks[i + 1 :]
        for lie in range(0, 101, 10):
            lied = sorted([*others, lie])
            gets_seat = lied.index(lie) < count
            if gets_seat and lied.count(lie) == 1:
                assert clearing_price(lied, 100, count) == price


@given(
    bid=st.integers(0, 10**6),
    work=st.integers(0, 10**6),
    price=st.integers(0, 2_000_000),
    tickets=st.integers(1, 400),
    win=st.integers(1, 1000),
    aversion=st.integers(0, 2000),
)
def test_a_worker_takes_what_leaves_something_after_cost_and_uncertainty(
    bid, work, price, tickets, win, aversion
):
    decision = decide(bid, Estimate(work, price, tickets, win, aversion))
    p = win / 1000
    premium = bid * sqrt((1 - p) / (tickets * p)) * aversion / 1000

    assert decision.cost == -(-work * price // 1_000_000)
    assert abs(decision.premium - premium) <= 2 + aversion / 1000 + premium * 1e-9
    assert decision.is_taken == (bid > decision.cost + decision.premium)
    assert not decision.is_taken or decision.ask <= bid
