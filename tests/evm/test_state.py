"""Accounts between transactions, and differences as values and as JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.evm.errors import EvmError, MalformedDiffError
from numen.evm.state import Account, AccountDiff, State, StateDiff

A, B = b"\xaa" * 20, b"\xbb" * 20

word = st.integers(0, 2**256 - 1)
changes = st.one_of(st.none(), st.tuples(word, word))
diffs = st.builds(
    AccountDiff,
    address=st.binary(min_size=20, max_size=20),
    existed=st.booleans(),
    exists=st.booleans(),
    nonce=st.one_of(st.none(), st.tuples(*[st.integers(0, 2**64 - 1)] * 2)),
    balance=changes,
    code=st.one_of(st.none(), st.tuples(st.binary(max_size=9), st.binary(max_size=9))),
    storage=st.dictionaries(word, st.tuples(word, word), max_size=4).map(
        lambda slots: dict(sorted(slots.items()))
    ),
    is_wiped=st.booleans(),
)


def change(address, **parts):
    return StateDiff((AccountDiff(address, existed=True, **{"exists": True, **parts}),))


def test_zero_words_are_no_storage():
    state = State({A: Account(storage={1: 0, 2: 5})})

    assert state.accounts[A].storage == {2: 5}
    assert not State({A: Account(storage={1: 0})}).has_storage(A)
    assert state.has_storage(A)
    assert not state.has_storage(B)


def test_a_difference_changes_only_what_it_names():
    state = State({A: Account(1, 2, b"\x00", {1: 1, 2: 2, 3: 3})})

    state.apply(change(A, balance=(2, 9), storage={1: (1, 0), 2: (2, 7)}))

    assert state.account(A) == (1, 9, b"\x00")
    assert dict(state.accounts[A].storage) == {2: 7, 3: 3}
    assert state.slot(A, 1) == 0


def test_wiped_storage_is_gone_before_new_words_come():
    state = State({A: Account(storage={1: 1, 2: 2})})

    state.apply(change(A, is_wiped=True, storage={3: (0, 3)}))

    assert dict(state.accounts[A].storage) == {3: 3}


def test_an_account_goes_and_comes_back_empty():
    state = State({A: Account(1, 1, b"", {1: 1})})
    assert len(state) == 1

    state.apply(change(A, exists=False))
    gone = state.account(A)
    state.apply(StateDiff((AccountDiff(A, existed=False, exists=True, storage={2: (0, 2)}),)))

    assert gone is None
    assert state.account(A) == (0, 0, b"")
    assert dict(state.accounts[A].storage) == {2: 2}


def test_copies_do_not_see_each_others_changes():
    first = State({A: Account(storage={1: 1}), B: Account(balance=1)})
    second = first.copy()

    first.apply(change(A, storage={1: (1, 2)}))
    second.apply(change(A, storage={5: (0, 5)}))
    second.apply(change(B, exists=False))

    assert dict(first.accounts[A].storage) == {1: 2}
    assert dict(second.accounts[A].storage) == {1: 1, 5: 5}
    assert (set(first), set(second)) == ({A, B}, {A})


def test_the_root_of_copies_and_of_what_was_applied_is_that_of_a_new_state():
    state = State({A: Account(1, 2, b"\x00", {1: 1, 2: 2})})
    state.root()

    twin = state.copy()
    twin.apply(change(A, is_wiped=True, nonce=(1, 4), storage={3: (0, 3)}))
    state.apply(change(A, exists=False))
    state.apply(StateDiff((AccountDiff(A, existed=False, exists=True, storage={2: (0, 9)}),)))

    assert twin.root() == State({A: Account(4, 2, b"\x00", {3: 3})}).root()
    assert state.root() == State({A: Account(storage={2: 9})}).root()


@given(st.lists(diffs, max_size=4, unique_by=lambda d: d.address))
def test_a_difference_is_read_back_as_it_was_written(accounts):
    diff = StateDiff(tuple(sorted(accounts, key=lambda a: a.address)))

    text = diff.to_json()

    assert StateDiff.from_json(text) == diff
    assert StateDiff.from_json(text).to_json() == text


def test_the_json_of_a_difference_is_stable():
    diff = change(A, nonce=(1, 2), storage={1: (0, 255)})

    assert json.loads(diff.to_json()) == {
        "0x" + "aa" * 20: {
            "existed": True,
            "exists": True,
            "nonce": ["0x1", "0x2"],
            "storage": {"0x1": ["0x0", "0xff"]},
        }
    }


def one(**parts):
    """An account's difference in JSON, with some parts replaced."""
    return json.dumps({"0x" + "aa" * 20: {"existed": True, "exists": True} | parts})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"\xff",
        b"null",
        '{"0x00": {"existed": true, "exists": true}}',
        one(existed=1),
        one(more=1),
        one(nonce=["0x0"]),
        one(nonce=["0x0", "0x1_0"]),
        one(nonce=["0x0", "0x" + "f" * 17]),
        one(balance=["0x0", "-0x1"]),
        one(balance=["0x0", "0x"]),
        one(balance=["0x0", "0xà"]),
        one(balance=["0x0", "0x\u0663"]),
        one(code=["0x", "0x0 1"]),
        one(code=["0x", "0x 00"]),
        one(code=["0x", "0x0"]),
        one(storage={"1": ["0x0", "0x1"]}),
    ],
)
def test_other_text_is_no_difference(text):
    with pytest.raises(MalformedDiffError) as caught:
        StateDiff.from_json(text)

    assert isinstance(caught.value, EvmError)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader_of_differences(data):
    try:
        read = StateDiff.from_json(data)
    except MalformedDiffError:
        return
    assert StateDiff.from_json(read.to_json()) == read
