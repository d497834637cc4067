"""Everything that a transaction changes can be undone, and is handed out once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.evm.forks import CANCUN, FRONTIER, PRAGUE
from numen.evm.journal import Journal
from numen.evm.message import Log
from numen.evm.state import Account, State

A, B, C = b"\xaa" * 20, b"\xbb" * 20, b"\xcc" * 20
RIPEMD160 = (3).to_bytes(20, "big")
ADDRESSES = (A, B, C, RIPEMD160)
PRE = {A: Account(1, 100, b"\x00", {0: 1, 1: 2}), B: Account(balance=5), RIPEMD160: Account()}

address = st.sampled_from(ADDRESSES)
small = st.integers(0, 3)
moves = st.one_of(
    st.tuples(st.just("set_nonce"), address, small),
    st.tuples(st.just("set_balance"), address, small),
    st.tuples(st.just("add_balance"), address, small),
    st.tuples(st.just("set_code"), address, st.sampled_from([b"", b"\x01"])),
    st.tuples(st.just("set_storage"), address, small, small),
    st.tuples(st.just("set_transient"), address, small, small),
    st.tuples(st.just("warm"), address),
    st.tuples(st.just("warm_slot"), address, small),
    st.tuples(st.just("mark_created"), address),
    st.tuples(st.just("mark_destroyed"), address),
    st.tuples(st.just("add_refund"), st.integers(-5, 5)),
    st.tuples(st.just("add_log"), st.builds(Log, address, st.just(()), st.binary(max_size=2))),
)


def journal(fork=PRAGUE, pre=PRE):
    made = Journal(fork, State(pre))
    made.begin()
    return made


def play(j, script):
    for name, *arguments in script:
        getattr(j, name)(*arguments)


def view(j):
    """All that code can see, and all that decides what the end of the transaction does."""
    accounts = {a: (j.exists(a), j.nonce(a), j.balance(a), j.code(a)) for a in ADDRESSES}
    slots = {(a, k): j.storage(a, k) for a in ADDRESSES for k in range(4)}
    original = {(a, k): j.original_storage(a, k) for a in ADDRESSES for k in range(4)}
    transient = {(a, k): j.transient(a, k) for a in ADDRESSES for k in range(4)}
    marks = [(a in j._created, a in j._destroyed, a in j._warm) for a in ADDRESSES]
    return accounts, slots, original, transient, marks, j.logs(), j.refund()


@given(st.lists(moves, max_size=12), st.lists(moves, max_size=12))
def test_a_revert_brings_back_all_that_can_be_seen(before, after):
    j = journal()
    play(j, before)
    seen, moment = view(j), j.snapshot()

    play(j, after)
    j.revert(moment)

    assert view(j) == seen


@given(st.lists(moves, max_size=12), st.lists(moves, max_size=12))
def test_what_is_undone_is_in_no_difference(kept, undone):
    """But for touches of RIPEMD-160's account, which outlive their revert."""
    one, other = journal(), journal()
    play(one, kept)
    moment = one.snapshot()
    play(one, [move for move in undone if RIPEMD160 not in move])
    one.revert(moment)
    play(other, kept)
    one.finish()
    other.finish()

    assert one.take_diff() == other.take_diff()


@given(st.lists(st.lists(moves, max_size=8), max_size=4))
def test_differences_lead_from_state_to_state(transactions):
    """Taken after each transaction, or once after all, they come to what the journal shows."""
    each, whole = State(PRE), State(PRE)
    often, once = Journal(CANCUN, each), Journal(CANCUN, whole)
    for script in transactions:
        for j in (often, once):
            j.begin()
            for move in script:
                # Who writes storage is running, and has a nonce since EIP-161.
                if move[0] != "set_storage" or not j.is_empty(move[1]):
                    play(j, [move])
            j.finish()
        each.apply(often.take_diff())
    whole.apply(once.take_diff())
    shown = {a: (once.nonce(a), once.balance(a), once.code(a)) for a in ADDRESSES if once.exists(a)}

    assert dict(each.accounts) == dict(whole.accounts)
    assert {a: whole.account(a) for a in whole} == shown
    for a in whole:
        assert all(whole.slot(a, k) == once.storage(a, k) for k in range(4))
    assert not once.take_diff().accounts


def test_reading_changes_nothing():
    j = journal()
    view(j)
    j.finish()

    assert not j.take_diff().accounts


def test_a_difference_says_what_was_before():
    j = journal()
    j.set_storage(A, 0, 9)
    j.set_storage(A, 1, 7)
    j.set_storage(A, 1, 2)
    j.set_nonce(C, 1)

    first, second = j.take_diff().accounts

    assert (first.address, first.storage, first.nonce) == (A, {0: (1, 9)}, None)
    assert (second.address, second.existed, second.exists, second.nonce) == (C, False, True, (0, 1))


def test_original_storage_is_that_of_the_transactions_start():
    j = journal()
    j.set_storage(A, 0, 9)
    j.set_storage(A, 0, 8)
    first = j.original_storage(A, 0)
    j.finish()
    j.begin()

    assert (first, j.original_storage(A, 0)) == (1, 8)


def test_touched_empty_accounts_vanish_where_the_fork_says_so():
    for fork, is_there in ((FRONTIER, True), (PRAGUE, False)):
        j = journal(fork)
        j.add_balance(RIPEMD160, 0)
        j.add_balance(C, 0)
        j.finish()

        assert j.exists(RIPEMD160) is is_there
        assert j.exists(C) is is_there


def test_an_empty_account_that_is_not_touched_stays():
    j = journal()
    j.finish()

    assert j.exists(RIPEMD160)


@pytest.mark.parametrize(("touched", "stays"), [(RIPEMD160, False), (C, True)])
def test_only_the_touch_of_ripemd160_outlives_its_revert(touched, stays):
    j = journal(pre={touched: Account()})
    moment = j.snapshot()
    j.add_balance(touched, 0)
    j.revert(moment)
    j.finish()

    assert j.exists(touched) is stays


def test_a_destroyed_account_loses_its_storage_for_good():
    j = journal()
    j.mark_destroyed(A)
    j.finish()
    j.begin()
    gone = (j.exists(A), j.storage(A, 0), j.storage(A, 1), j.has_collision(A))
    j.add_balance(A, 1)
    j.set_storage(A, 1, 3)
    j.finish()
    (diff,) = j.take_diff().accounts

    assert gone == (False, 0, 0, False)
    assert (diff.is_wiped, diff.existed, diff.exists) == (True, True, True)
    assert diff.storage == {1: (0, 3)}
    assert diff.balance == (100, 1)


@pytest.mark.parametrize(
    ("account", "collides"),
    [
        (None, False),
        (Account(), False),
        (Account(balance=1), False),
        (Account(nonce=1), True),
        (Account(code=b"\x00"), True),
        (Account(storage={5: 1}), True),
    ],
)
def test_nonce_code_and_storage_take_an_address(account, collides):
    j = journal(pre={A: account} if account else {})
    j.storage(A, 0)

    assert j.has_collision(A) is collides
