"""Cells and vaults: nobody reads, alters, moves or replays them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.ledger.sealed.cell import VALUE_BYTES_MAX, seal, unseal
from numen.ledger.sealed.errors import RollBackError, UnsealError
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.sealed.vault import Vault
from numen.ledger.state import Draft, LmdbKV, MemoryKV, State, compose, diff
from numen.ledger.stores import EmbeddedShelf, SharedShelf, Store

CONTRACT, OTHER = b"\x0c" * 20, b"\x0d" * 20
KEYS = EpochKeys(b"\x01" * 32, CONTRACT, 0)
FRESH = b"\x02" * 32
SLOT = st.sampled_from([b"a", b"b", b"balance/alice", b""])


@given(
    slot=st.binary(max_size=40), version=st.integers(1, 2**64 - 1), value=st.binary(max_size=300)
)
def test_a_cell_gives_what_was_sealed(slot, version, value):
    opened = unseal(KEYS, slot, seal(KEYS, slot, version, value))

    assert (opened.version, opened.value) == (version, value)


@given(value=st.binary(max_size=200), at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_bit_of_a_cell_can_be_changed(value, at, bit):
    cell = bytearray(seal(KEYS, b"slot", 7, value))
    cell[at % len(cell)] ^= 1 << bit

    with pytest.raises(UnsealError):
        unseal(KEYS, b"slot", bytes(cell))


@pytest.mark.parametrize(
    ("keys", "slot"),
    [
        (KEYS, b"other"),
        (EpochKeys(b"\x01" * 32, OTHER, 0), b"slot"),
        (EpochKeys(b"\x03" * 32, CONTRACT, 0), b"slot"),
        (EpochKeys(b"\x01" * 32, CONTRACT, 1), b"slot"),
    ],
)
def test_a_cell_opens_in_its_place_only(keys, slot):
    with pytest.raises(UnsealError):
        unseal(keys, slot, seal(KEYS, b"slot", 1, b"value"))


@pytest.mark.parametrize("size", [0, 1, 23, 24 + 63])
def test_bytes_that_are_too_few_are_no_cell(size):
    with pytest.raises(UnsealError, match="cut off"):
        unseal(KEYS, b"slot", bytes(size))


def test_sizes_tell_a_power_of_two_and_nothing_else():
    sizes = {n: len(seal(KEYS, b"s", 1, bytes(n))) - 40 for n in (0, 1, 60, 61, 124, 125, 1000)}

    assert sizes == {0: 64, 1: 64, 60: 64, 61: 128, 124: 128, 125: 256, 1000: 1024}
    assert len(seal(KEYS, b"s", 1, bytes(VALUE_BYTES_MAX))) - 40 == 1 << 15


def test_a_nonce_is_used_for_one_content():
    """A step that is taken back and run otherwise writes the same version again."""
    cells = [seal(KEYS, b"slot", 1, value) for value in (b"first", b"second", b"first")]

    assert cells[0] == cells[2]
    assert cells[0][12:24] != cells[1][12:24]


# Vaults.
# -------------------------------------------------------------------------------------------


WRITES = st.lists(st.tuples(SLOT, st.binary(max_size=80)) | st.just("rotate"), max_size=25)


@given(writes=WRITES)
def test_a_vault_is_a_dictionary_through_all_epochs(writes):
    state, vault, model = State(MemoryKV()), Vault(KEYS), {}
    for number, write in enumerate(writes):
        draft = Draft(state)
        if write == "rotate":
            vault.rotate(draft, bytes([number]) * 32)
        else:
            vault.set(draft, *write)
            model[write[0]] = write[1]
        state.apply(draft.finish().diff)
        vault.observe(state)
        assert {slot: vault.get(state, slot) for slot in model} == model

    assert vault.epoch == writes.count("rotate")
    assert {slot for slot, value in model.items() if value} <= set(vault.slots(state))


def written(state: State, vault: Vault, slot: bytes, value: bytes) -> None:
    draft = Draft(state)
    vault.set(draft, slot, value)
    state.apply(draft.finish().diff)


def test_what_is_put_back_is_noticed():
    state, vault = State(MemoryKV()), Vault(KEYS)
    name = KEYS.name(b"slot", b"s")
    cells = []
    for value in (b"10 coins", b"9 coins", b""):
        written(state, vault, b"s", value)
        cells.append(state.slot(CONTRACT, name))
    vault.observe(state)
    assert vault.get(state, b"s") == b""

    for old in (*cells[:2], b""):
        draft = Draft(state)
        draft.set_slot(CONTRACT, name, old)
        with pytest.raises(RollBackError, match="where version 3 was"):
            vault.get(draft, b"s")


def test_a_whole_state_that_is_put_back_is_noticed():
    state, vault = State(MemoryKV()), Vault(KEYS)
    written(state, vault, b"s", b"old")
    old = state.tree.version
    written(state, vault, b"s", b"new")
    vault.observe(state)
    state.tree.roll_back(old)

    with pytest.raises(RollBackError):
        vault.get(state, b"s")
    with pytest.raises(RollBackError):
        vault.observe(state)


def test_an_epoch_that_ended_opens_nothing_and_is_opened_by_nothing():
    state, vault = State(MemoryKV()), Vault(KEYS)
    written(state, vault, b"s", b"value")
    before = state.slot(CONTRACT, KEYS.name(b"slot", b"s"))
    draft = Draft(state)
    vault.rotate(draft, FRESH)
    state.apply(draft.finish().diff)
    after_keys = KEYS.next(FRESH)
    after = state.slot(CONTRACT, after_keys.name(b"slot", b"s"))

    assert state.slot(CONTRACT, KEYS.name(b"slot", b"s")) == b""
    assert vault.get(state, b"s") == b"value"
    with pytest.raises(UnsealError, match="of epoch 1, and the keys are of 0"):
        unseal(KEYS, b"slot/s", after)
    with pytest.raises(UnsealError, match="of epoch 0"):
        unseal(after_keys, b"slot/s", before)
    forced = EpochKeys(b"\x01" * 32, CONTRACT, 1)  # the old secret, for the new epoch
    with pytest.raises(UnsealError, match="altered"):
        unseal(forced, b"slot/s", after)
    assert KEYS.next(FRESH).cell_key != KEYS.next(b"\x04" * 32).cell_key


def test_nodes_that_run_the_same_steps_write_the_same_state():
    roots = set()
    for _ in range(2):
        state, vault = State(MemoryKV()), Vault(KEYS)
        written(state, vault, b"s", b"1")
        draft = Draft(state)
        vault.rotate(draft, FRESH)
        state.apply(draft.finish().diff)
        roots.add(state.root)

    assert len(roots) == 1


@pytest.mark.parametrize("written_count", [0, 1, 4])
def test_covered_steps_change_as_many_slots_whatever_they_write(written_count):
    state, vault = State(MemoryKV()), Vault(KEYS)
    slots = [b"slot %d" % i for i in range(40)]
    for slot in slots:
        written(state, vault, slot, b"0")
    some = slots[:written_count]
    changed = set()
    for turn in range(6):
        draft = Draft(state)
        for slot in some:
            vault.set(draft, slot, b"1")
        vault.cover(draft, some, 6, bytes([turn]) * 32)
        (account,) = draft.finish().diff.accounts
        assert len(account.storage) == 6
        assert {len(each.changes[0].value) for each in account.storage} == {104}
        changed |= {each.slot for each in account.storage}

    assert len(changed) > written_count + 6, "others are covered each time"
    vault.cover(draft := Draft(state), (), 99, FRESH)
    assert 30 < len(draft.finish().diff.accounts[0].storage) <= 40
    vault.cover(draft := Draft(State(MemoryKV())), (), 5, FRESH)
    assert all(not account.storage for account in draft.finish().diff.accounts)
    assert all(vault.get(state, slot) == b"0" for slot in slots)


SECRETS = (b"balance/alice-the-reader", b"one million doubloons", b"\x01" * 32)


def test_nothing_private_is_on_disk_in_diffs_or_in_stores(tmp_path):
    kv = LmdbKV(tmp_path / "state")
    state, vault, diffs = State(kv), Vault(KEYS), []
    slot, value, _ = SECRETS
    for content in (value, value + b" and one", value):
        draft = Draft(state)
        vault.set(draft, slot, content)
        draft.set_slot(CONTRACT, bytes(32), b"this is public")
        diffs.append(draft.finish().diff)
        state.apply(diffs[-1])
    draft = Draft(state)
    vault.rotate(draft, FRESH)
    diffs.append(draft.finish().diff)
    state.apply(diffs[-1])
    gossip = [diff.encode(each) for each in (*diffs, compose(diffs[0], diffs[1]))]
    for shelf in (EmbeddedShelf(kv), SharedShelf(tmp_path / "shared")):
        for each in gossip:
            Store(shelf).put(each)
    kv.close()

    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    everything = b"\n".join([*files, *gossip])
    assert everything.count(b"this is public") > 3, "the search finds what is not private"
    for secret in (*SECRETS, slot[:12], value[:12], KEYS.cell_key, KEYS.next(FRESH).cell_key):
        assert secret not in everything
        assert secret.hex().encode() not in everything
    assert "01" * 32 not in repr(KEYS)
