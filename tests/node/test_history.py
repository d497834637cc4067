"""The history gives back every moment, whatever changed since."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.evm.snapshots import difference
from numen.evm.state import Account, AccountDiff, State, StateDiff
from numen.node import history as histories
from numen.node.history import History
from numen.node.sources import Changed

ADDRESSES = [bytes([n]) * 20 for n in range(1, 5)]
ACCOUNTS = st.builds(
    Account,
    nonce=st.integers(0, 2),
    balance=st.integers(0, 3),
    code=st.sampled_from([b"", b"\x01"]),
    storage=st.dictionaries(st.integers(0, 3), st.integers(1, 3), max_size=4),
)
STATES = st.dictionaries(st.sampled_from(ADDRESSES), ACCOUNTS, max_size=4)


def wiped(diff: StateDiff) -> StateDiff:
    """The same difference, as engines give it for accounts that were deleted and made again."""
    changes = []
    for change in diff.accounts:
        if change.existed and change.exists and change.nonce:
            storage = {key: (0, after) for key, (_, after) in change.storage.items() if after}
            changes.append(msgspec.structs.replace(change, storage=storage, is_wiped=True))
        else:
            changes.append(change)
    return StateDiff(tuple(changes))


def same(source, state: State) -> bool:
    """Whether a source says of every account what a state does."""
    return all(
        source.account(address) == state.account(address)
        and source.has_storage(address) == state.has_storage(address)
        and all(source.slot(address, key) == state.slot(address, key) for key in range(5))
        for address in ADDRESSES
    )


@given(STATES, st.lists(st.tuples(STATES, st.booleans()), max_size=6), st.data())
def test_every_moment_is_as_it_was_and_can_be_come_back_to(first, later, data):
    state, history = State(first), History(first)
    moments = [state.copy()]
    for accounts, is_wiping in later:
        diff = difference(state, State(accounts))
        diff = wiped(diff) if is_wiping else diff
        state.apply(diff)
        history.commit(diff)
        moments.append(state.copy())

    for moment, was in enumerate(moments):
        assert same(history.at(moment), was)
        back = state.copy()
        back.apply(history.back_to(moment))
        assert back.root() == was.root()

    target = data.draw(st.integers(0, len(moments) - 1))
    state.apply(history.rewind(target))
    assert history.moment == target
    assert state.root() == moments[target].root()
    for moment, was in enumerate(moments[: target + 1]):
        assert same(history.at(moment), was)


@given(st.lists(STATES, min_size=2, max_size=5))
def test_a_source_with_changes_is_the_changed_one(accounts):
    first, *others = map(State, accounts)
    above = Changed(first, lambda a: first.accounts[a].storage if a in first.accounts else {})
    before = first

    for after in others:
        above.put(difference(before, after))
        assert same(above, after)
        before = after


def test_what_is_too_old_is_forgotten_and_the_rest_stays(monkeypatch):
    monkeypatch.setattr(histories, "MOMENTS_MAX", 3)
    address = ADDRESSES[0]
    history = History({address: Account(balance=0)})

    for wei in range(1, 8):
        change = AccountDiff(address, True, True, balance=(wei - 1, wei), storage={1: (0, wei)})
        history.commit(StateDiff((change,)))

    assert history.first == 4
    assert [history.entry(address, moment)[1] for moment in range(4, 8)] == [4, 5, 6, 7]
    assert [history.slot(address, 1, moment) for moment in range(4, 8)] == [4, 5, 6, 7]
    assert history.rewind(4).accounts[0].balance == (7, 4)
    with pytest.raises(AssertionError):
        history.rewind(3)
