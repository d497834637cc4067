"""A ledger that stops after any block goes on as one that did not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.codec import encode
from numen.ledger import tariff
from numen.ledger.block import write_block
from numen.ledger.deliver import Moment
from numen.ledger.ledger import Ledger
from numen.ledger.state.errors import StorageError
from numen.ledger.state.kv import MemoryKV
from numen.ledger.wire import read_receipts, write_receipts
from numen.ledger.world import World
from tests.examples import one_in
from tests.ledger import scripts
from tests.ledger.test_rounds import blocks
from tests.ledger.town import CHAIN, CONTRACTS, MAKER, Town


def reopened(town: Town) -> None:
    """Forget everything but what was kept."""
    kv = town.world.kv
    assert isinstance(kv, MemoryKV)
    town.world = World(kv, (), {scripts.CODE: scripts.Scripted()})
    town.ledger = Ledger(CHAIN, town.world)


@one_in(3)  # each plays up to three blocks
@given(blocks, st.integers(1, 4))
def test_a_restart_changes_nothing(plan, room):
    before = tariff.DELIVERIES_MAX
    tariff.DELIVERIES_MAX = room
    try:
        whole, broken = Town(), Town()
        for batch in [*plan, [], [], []]:
            transactions = [
                [town.call(to, script, who=who, value=value) for who, to, value, script in batch]
                for town in (whole, broken)
            ]
            whole.block(*transactions[0])
            broken.block(*transactions[1])
            reopened(broken)
            assert broken.ledger.head == whole.ledger.head
            assert broken.ledger.pending == whole.ledger.pending
    finally:
        tariff.DELIVERIES_MAX = before


@one_in(3)  # each plays up to three blocks
@given(blocks)
def test_blocks_and_receipts_are_kept(plan):
    town = Town()
    made = [
        town.block(*(town.call(to, s, who=who, value=value) for who, to, value, s in batch))
        for batch in plan
    ]
    reopened(town)
    for height, one in enumerate(made, 1):
        assert town.ledger.block(height) == one.block
        assert town.ledger.receipts(height) == one.receipts
        assert write_block(one.block) == encode(one.block)
        assert read_receipts(write_receipts(one.receipts)) == one.receipts
    assert town.ledger.block(len(made) + 1) is None


@one_in(3)  # each plays up to three blocks
@given(blocks)
def test_a_block_that_is_abandoned_leaves_no_trace(plan):
    town, other = Town(), Town()
    batches = [
        [town.call(to, script, who=who, value=value) for who, to, value, script in batch]
        for batch in plan
    ]
    for batch in batches:
        root = town.world.state.root
        town.ledger._execute(batch, (), _moment(town), MAKER.address)
        town.world.abandon()
        assert town.world.root() == root
        town.world.abandon()
        assert town.block(*batch).block == other.block(*batch).block


def _moment(town: Town):
    return Moment(town.ledger.height + 1, town.ledger.time_ms + 1, town.price)


class Full(MemoryKV):
    """A disk that may be full."""

    is_full = False

    def commit(self, writes):
        if self.is_full:
            raise StorageError("no room")
        super().commit(writes)


def test_a_block_that_the_disk_refuses_did_not_happen():
    town, other = Town(), Town()
    town.world.kv = town.world.state._kv = town.world.state.tree._kv = kv = Full()
    kv._values = dict(other.world.kv._values)
    script = scripts.Script(((1, 1),))
    raw = town.call(CONTRACTS[0], script, value=5)
    kv.is_full = True
    with pytest.raises(StorageError):
        town.block(raw)
    kv.is_full = False

    assert town.world.peek(CONTRACTS[0]).balance == 1000
    assert town.block(raw).block == other.block(raw).block
    assert town.world.state.root == other.world.state.root
