"""What waits at a node: who leans on whom, and that it is as if what fell had never been there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.codec import U256
from numen.base.crypto import SigningKey
from numen.ledger.transactions import Call, Transaction, cost, read, sign
from numen.node.replica.pool import (
    AHEAD_MAX,
    RIVALS_MAX,
    Pool,
    PoolError,
    add,
    dependents,
    drop,
    expired,
    find,
    in_order,
    is_counted_on,
)

CHAIN = 7
KEYS = [SigningKey.from_seed(bytes([i])) for i in range(4)]
A, B, C, D = (key.address for key in KEYS)


def pay(who: int, to: bytes, coins: int = 10, nonce: int = 0, until: int = 100) -> bytes:
    call = Call(to, U256(coins), b"", 0)
    return sign(Transaction(CHAIN, nonce, 0, until, (call,)), KEYS[who])


def put(pool: Pool, raw: bytes, balance: int = 0, nonce: int = 0) -> Pool:
    return add(pool, raw, read(raw, CHAIN), nonce, balance)


def name(raw: bytes) -> bytes:
    return read(raw, CHAIN).id


def test_coins_that_are_to_come_can_be_spent_and_fall_with_their_source():
    first, second, third = pay(0, B), pay(1, C), pay(2, D)
    pool = put(put(put(Pool(), first, balance=10), second), third)
    assert list(in_order(pool)) == [first, second, third]
    assert dependents(pool, name(first)) == (name(second), name(third))
    assert dependents(pool, name(second)) == (name(third),)

    own = put(put(Pool(), first, balance=10), second, balance=10)
    assert dependents(own, name(first)) == ()


def test_who_has_too_little_is_refused():
    with pytest.raises(PoolError, match="may cost 10 coins and the account has 9"):
        put(Pool(), pay(0, B), balance=9)
    pool = put(Pool(), pay(0, B), balance=15)
    with pytest.raises(PoolError, match="has 5"):
        put(pool, pay(0, B, nonce=1), balance=15)
    pool = put(pool, pay(1, C))
    with pytest.raises(PoolError, match="has 0"):
        put(pool, pay(1, D, nonce=1))


def test_the_first_of_two_with_one_nonce_is_counted_on():
    first, second = pay(0, B), pay(0, C)
    pool = put(put(Pool(), first, balance=10), second, balance=10)
    assert list(in_order(pool)) == [first]
    assert is_counted_on(pool, name(first))
    assert not is_counted_on(pool, name(second))
    assert pool.flows == {A: -10, B: 10}
    with pytest.raises(PoolError, match="has 0"):
        put(pool, pay(2, D))  # c cannot spend what it will probably not get

    after = drop(pool, [name(first)])
    assert list(in_order(after)) == [second]
    assert after.flows == {A: -10, C: 10}


def test_what_waits_is_bounded():
    with pytest.raises(PoolError, match=f"nonce {AHEAD_MAX} where 0 is next"):
        put(Pool(), pay(0, B, nonce=AHEAD_MAX), balance=10)
    with pytest.raises(PoolError, match="nonce 3 where 4 is next"):
        put(Pool(), pay(0, B, nonce=3), balance=10, nonce=4)
    pool = Pool()
    for coins in range(RIVALS_MAX):
        pool = put(pool, pay(0, B, coins), balance=10)
    with pytest.raises(PoolError, match="with nonce 0 wait already"):
        put(pool, pay(0, B, 9), balance=10)


def test_nonces_rise_in_a_block_whatever_came_first():
    late, early = pay(0, B, nonce=1), pay(0, B, nonce=0)
    other = pay(1, C)
    pool = put(put(put(Pool(), late, balance=30), other, balance=10), early, balance=30)
    assert list(in_order(pool)) == [early, late, other]


def test_what_no_block_can_have_is_found():
    pool = put(put(Pool(), pay(0, B, until=5), balance=10), pay(1, C, until=6), balance=10)
    assert expired(pool, 6) == (name(pay(0, B, until=5)),)
    assert expired(pool, 5) == ()


MOVES = st.tuples(
    st.integers(0, 3), st.integers(0, 3), st.integers(0, 2), st.integers(0, 5), st.booleans()
)


@given(st.lists(MOVES, max_size=12))
def test_flows_are_those_of_what_is_counted_on(moves):
    pool = Pool()
    for who, to, nonce, coins, is_dropped in moves:
        raw = pay(who, KEYS[to].address, coins, nonce)
        if is_dropped:
            pool = drop(pool, [name(raw), b"unknown"])
        elif name(raw) not in pool.places:
            try:
                pool = put(pool, raw, balance=8)
            except PoolError:
                continue
        flows: dict[bytes, int] = {}
        for first in in_order(pool):
            admitted = read(first, CHAIN)
            (call,) = admitted.transaction.calls
            flows[admitted.sender] = flows.get(admitted.sender, 0) - cost(admitted.transaction)
            flows[call.to] = flows.get(call.to, 0) + int(call.value)
        assert pool.flows == {address: coins for address, coins in flows.items() if coins}
        assert all(find(pool, one) is not None for one in pool.places)
    assert drop(pool, list(pool.places)) == Pool()
