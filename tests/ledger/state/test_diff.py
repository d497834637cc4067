"""Diffs: what they do, the laws they obey, and what strangers may not put into them."""

import contextlib
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base import codec
from numen.base.codec import U256, CodecError
from numen.ledger.state import diff as diffs
from numen.ledger.state.account import NOBODY, Account, code_hash
from numen.ledger.state.calculus import compose, invert
from numen.ledger.state.diff import (
    AccountChanges,
    BalanceChange,
    CountChange,
    Diff,
    SlotChange,
    SlotChanges,
)
from numen.ledger.state.draft import Draft
from numen.ledger.state.errors import (
    CorruptError,
    DiffError,
    OpeningError,
    RootMismatchError,
    WriteSetError,
)
from numen.ledger.state.kv import MemoryKV
from numen.ledger.state.state import State, verify_account, verify_slot

ADDRESSES = [bytes([i]) * 20 for i in range(4)]
SLOTS = [bytes([i]) * 32 for i in range(4)]

ADDRESS, SLOT = st.sampled_from(ADDRESSES), st.sampled_from(SLOTS)
ACTIONS = st.one_of(
    st.tuples(st.just("set_balance"), ADDRESS, st.integers(0, 2**128 - 1)),
    st.tuples(st.just("set_nonce"), ADDRESS, st.integers(0, 2**64 - 1)),
    st.tuples(st.just("set_sequence"), ADDRESS, st.integers(0, 3)),
    st.tuples(st.just("set_code"), ADDRESS, st.binary(max_size=3)),
    st.tuples(st.just("set_slot"), ADDRESS, SLOT, st.binary(max_size=3)),
    st.tuples(st.just("slot"), ADDRESS, SLOT),
    st.just(("next_step",)),
    st.just(("mark",)),
    st.just(("back",)),
)
PROGRAMS = st.lists(ACTIONS, max_size=25)


def play(state: State, program: list[tuple]) -> Diff:
    """Run a program on a draft of a state, and a model beside it that knows no steps."""
    draft, marks = Draft(state), [0]
    for name, *args in program:
        if name == "mark":
            marks.append(draft.mark())
        elif name == "back":
            draft.revert(marks.pop() if len(marks) > 1 else 0)
            marks = [mark for mark in marks if mark <= draft.mark()]
        else:
            getattr(draft, name)(*args)
    return draft.finish().diff


def content(state: State) -> dict:
    """Everything a state says of the addresses and slots of the programs."""
    found = {(a, s): state.slot(a, s) for a in ADDRESSES for s in SLOTS}
    return found | {a: (state.account(a), state.code(a)) for a in ADDRESSES}


def state_of(*programs: list[tuple]) -> State:
    state = State(MemoryKV())
    for program in programs:
        state.apply(play(state, program))
    return state


@given(first=PROGRAMS, second=PROGRAMS)
def test_applying_a_diff_gives_what_running_the_steps_gave(first, second):
    leader, follower = state_of(first), state_of(first)
    draft = Draft(leader)
    for name, *args in second:
        if name not in {"mark", "back"}:
            getattr(draft, name)(*args)
    done = draft.finish()
    leader.commit(done.diff, done.prepared)

    follower.apply(diffs.decode(diffs.encode(done.diff)))

    assert follower.root == leader.root == done.diff.post_root
    assert content(follower) == content(leader)
    for address in ADDRESSES:
        assert follower.account(address).balance == draft.balance(address)
        assert follower.code(address) == draft.code(address)
        assert all(follower.slot(address, slot) == draft.slot(address, slot) for slot in SLOTS)


@given(first=PROGRAMS, second=PROGRAMS, third=PROGRAMS)
def test_diffs_compose(first, second, third):
    state = state_of()
    a = play(state, first)
    state.apply(a)
    b = play(state, second)
    state.apply(b)
    c = play(state, third)
    state.apply(c)
    at_once = state_of()

    whole = compose(compose(a, b), c)
    assert whole == compose(a, compose(b, c))
    at_once.apply(diffs.decode(diffs.encode(whole)))

    assert at_once.root == state.root
    assert content(at_once) == content(state)


@given(first=PROGRAMS, second=PROGRAMS)
def test_diffs_can_be_undone(first, second):
    state = state_of(first)
    before, root = content(state), state.root
    there = play(state, second)
    back = invert(there, state)
    state.apply(there)
    state.apply(diffs.decode(diffs.encode(back)))

    assert (state.root, content(state)) == (root, before)


def test_a_step_that_is_taken_back_leaves_its_reads_only():
    state = state_of([("set_slot", ADDRESSES[0], SLOTS[0], b"was")])
    draft = Draft(state)
    mark = draft.mark()
    draft.set_balance(ADDRESSES[1], 5)
    draft.set_slot(ADDRESSES[0], SLOTS[0], b"is")
    draft.revert(mark)
    diff = draft.finish().diff

    assert draft.slot(ADDRESSES[0], SLOTS[0]) == b"was"
    assert diff.accounts == (AccountChanges(ADDRESSES[0], reads=(SLOTS[0],)),)
    assert diff.pre_root == diff.post_root


def test_the_diff_has_each_step_and_no_change_that_is_none():
    draft = Draft(state_of())
    address = ADDRESSES[0]
    draft.set_slot(address, SLOTS[1], b"a")
    draft.set_slot(address, SLOTS[1], b"b")
    draft.next_step()
    draft.set_slot(address, SLOTS[1], b"c")
    draft.set_slot(address, SLOTS[1], b"b")
    draft.next_step()
    draft.set_slot(address, SLOTS[1], b"")
    draft.set_balance(address, 7)
    diff = draft.finish().diff

    slot = SlotChanges(SLOTS[1], (SlotChange(0, b"b"), SlotChange(2, b"")))
    assert diff.steps == 3
    assert diff.accounts == (AccountChanges(address, (slot,), (), (BalanceChange(2, U256(7)),)),)


def test_a_diff_for_another_state_or_with_another_end_changes_nothing():
    state = state_of([("set_nonce", ADDRESSES[0], 1)])
    diff = play(state, [("set_balance", ADDRESSES[0], 9)])
    before = (state.root, state.tree.version)

    for field, which in (("pre_root", "pre"), ("post_root", "post")):
        lie = msgspec.structs.replace(diff, **{field: bytes(32)})
        with pytest.raises(RootMismatchError, match=f"the {which}-root"):
            state.apply(lie)
        assert (state.root, state.tree.version) == before
    state.apply(diff)


def test_a_diff_may_write_what_is_attested_and_no_more():
    state = state_of()
    program = [("set_slot", ADDRESSES[1], SLOTS[0], b"x"), ("set_nonce", ADDRESSES[0], 1)]
    diff = play(state, program)
    attested = diffs.writes(diff)
    assert attested == {(ADDRESSES[1], SLOTS[0]), (ADDRESSES[0], None)}

    for missing, name in ((ADDRESSES[0], "account itself"), (ADDRESSES[1], "slot 0x00")):
        kept = frozenset(write for write in attested if write[0] != missing)
        with pytest.raises(WriteSetError, match=name):
            state.apply(diff, kept)
    state.apply(diff, attested)


GOOD = AccountChanges(
    ADDRESSES[1],
    (SlotChanges(SLOTS[1], (SlotChange(0, b"a"), SlotChange(1, b"b"))),),
    (SLOTS[0], SLOTS[2]),
    (BalanceChange(0, U256(1)),),
    (CountChange(0, 1), CountChange(1, 2)),
)


def altered(**fields: object) -> Diff:
    account = msgspec.structs.replace(GOOD, **fields)
    return Diff(bytes(32), bytes(32), 2, (account,))


slot = GOOD.storage[0]
BAD = {
    "accounts: not sorted": Diff(bytes(32), bytes(32), 2, (GOOD, GOOD)),
    "slots of account 0x01.*: not sorted": altered(storage=(slot, slot)),
    "reads of account 0x01.*: not sorted": altered(reads=(SLOTS[2], SLOTS[0])),
    "among reads and writes": altered(reads=(SLOTS[1],)),
    "no change": altered(storage=(SlotChanges(SLOTS[1], ()),)),
    "slot 0x01.*the steps are not in order": altered(
        storage=(SlotChanges(SLOTS[1], (SlotChange(1, b""), SlotChange(1, b"x"))),)
    ),
    "nonces of account 0x01.*: step 2 where there are 2": altered(nonces=(CountChange(2, 1),)),
    "more than 128 bits": altered(balances=(BalanceChange(0, U256(2**128)),)),
}


@pytest.mark.parametrize("reason", BAD)
def test_what_breaks_the_form_is_refused_on_every_way_in(reason):
    for refuse in (
        lambda: diffs.encode(BAD[reason]),
        lambda: diffs.decode(codec.encode(BAD[reason])),
        lambda: State(MemoryKV()).apply(BAD[reason]),
    ):
        with pytest.raises(DiffError, match=reason):
            refuse()
    diffs.encode(altered())


def test_bytes_of_strangers_are_refused_by_name():
    raw = diffs.encode(altered())
    rng = random.Random(1)
    for _ in range(2000):
        cut = bytearray(raw[: rng.randrange(len(raw) + 1)] if rng.random() < 0.3 else raw)
        for _ in range(rng.randrange(1, 4)):
            if cut:
                cut[rng.randrange(len(cut))] ^= 1 << rng.randrange(8)
        if bytes(cut) == raw:
            continue
        with contextlib.suppress(CodecError, DiffError):
            assert diffs.encode(diffs.decode(bytes(cut))) == bytes(cut)
    with pytest.raises(CodecError, match="at most"):
        diffs.decode(bytes(diffs.DIFF_BYTES_MAX + 1))


def test_a_digest_is_of_one_diff():
    assert diffs.digest(altered()) != diffs.digest(altered(reads=()))


def test_accounts_and_slots_can_be_shown_to_who_has_the_root():
    state = state_of(
        [("set_balance", ADDRESSES[0], 5), ("set_slot", ADDRESSES[0], SLOTS[0], b"x")],
        [("set_slot", ADDRESSES[0], SLOTS[0], b"y"), ("set_code", ADDRESSES[2], b"code")],
    )
    account, opening = state.open_account(ADDRESSES[0])
    verify_account(state.root, ADDRESSES[0], account, opening)
    absent, opening_absent = state.open_account(ADDRESSES[3])
    verify_account(state.root, ADDRESSES[3], absent, opening_absent)
    value, way = state.open_slot(ADDRESSES[0], SLOTS[0])
    verify_slot(state.root, ADDRESSES[0], SLOTS[0], value, way)

    assert (account, absent, value) == (Account(balance=5), NOBODY, b"y")
    assert state.account(ADDRESSES[2]).code_hash == code_hash(b"code")
    assert state.slot(ADDRESSES[0], SLOTS[0], 1) == b"x"
    with pytest.raises(OpeningError):
        verify_account(state.root, ADDRESSES[0], Account(balance=6), opening)
    with pytest.raises(OpeningError):
        verify_slot(state.root, ADDRESSES[0], SLOTS[0], b"", way)


def test_code_that_is_missing_is_told():
    state = State(kv := MemoryKV())
    state.apply(play(state, [("set_code", ADDRESSES[0], b"code")]))
    kv.commit([(b"c" + code_hash(b"code"), None)])

    with pytest.raises(CorruptError, match="the code of account"):
        state.code(ADDRESSES[0])
