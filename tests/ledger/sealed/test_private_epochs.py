"""Private state over time: epochs end, and nobody turns a disk back unseen."""

import pytest

from numen.base.crypto import keccak256
from numen.ir.host import PRIVATE_FROM
from numen.ledger import tariff
from numen.ledger.ledger import BadBlockError
from numen.ledger.sealed.errors import EpochError, SealedError, StaleStateError
from numen.ledger.sealed.keyring import Keyring, seal_request
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.state import MemoryKV, State
from numen.ledger.state import diff as diffs
from numen.ledger.world import World
from numen.testing import Chain
from numen.testing.chain import Request
from numen.vm.host import Reason
from tests.ledger.sealed.test_private_contracts import town


def test_an_epoch_ends_in_one_block_for_all_who_have_the_keys():
    chain, contract = town()
    ann = chain.people[0]
    contract.send("put", 5, sender=ann).unwrap()
    followers = [Chain(), Chain()]
    for follower in followers:
        follower.world.keys.add(other_keys(chain, contract))
        for height in range(1, chain.height + 1):
            follower.ledger.take(chain.ledger.block(height))
    old = EpochKeys(secret_of(contract), contract.address, 0)
    name = old.name(b"slot", (PRIVATE_FROM + 3).to_bytes(32, "big"))
    public = chain.world.keys.of(contract.address).public
    assert chain.world.state.slot(contract.address, name)

    fresh = b"\x51" * 32
    for world in (chain.world, followers[0].world):
        world.rotate(contract.address, fresh)
    contract.send("put", 6, sender=ann).unwrap()
    block = chain.ledger.block(chain.height)
    followers[0].ledger.take(block)
    with pytest.raises(BadBlockError, match="state"):
        followers[1].ledger.take(block)

    assert followers[0].world.state.root == chain.world.state.root
    assert chain.world.state.slot(contract.address, name) == b""
    secrets = chain.world.keys.of(contract.address)
    assert secrets.keys.epoch == 1
    assert secrets.public != public
    contract.send("put", 7, sender=ann).unwrap()
    assert contract.view("mine", sender=ann) == 18
    again = World(chain.world.kv, keys=Keyring([old.next(fresh)]), root=chain.world.state.root)
    assert again.cell(contract.address).slots.load(PRIVATE_FROM + 3) == 18

    payload = contract.request("put", 9).payload
    late = seal_request(payload, contract.address, ann.address, public, b"\1" * 32)
    (sent,) = chain.send_all(Request(contract.address, late), sender=ann)
    assert sent.failure.reason is Reason.REVERTED


def test_who_takes_over_a_block_goes_on_with_its_cells():
    chain, contract = town()
    ann = chain.people[0]
    contract.send("put", 5, sender=ann).unwrap()
    checker, follower = Chain(), Chain()
    for each in (checker, follower):
        each.world.keys.add(other_keys(chain, contract))
        for height in range(1, chain.height + 1):
            each.ledger.take(chain.ledger.block(height))
    assert follower.world.cell(contract.address).slots.load(PRIVATE_FROM + 3) == 5

    for n in (6, 7):
        contract.send("put", n, sender=ann).unwrap()
        block = chain.ledger.block(chain.height)
        made = checker.ledger.check(block)
        checker.ledger.keep(made)
        follower.ledger.keep(follower.ledger.adopt(block, made.diff))
    # Its guard saw these cells two blocks ago.
    contract.send("put", 8, sender=ann).unwrap()
    follower.ledger.take(chain.ledger.block(chain.height))
    assert follower.world.state.root == chain.world.state.root
    assert follower.world.cell(contract.address).slots.load(PRIVATE_FROM + 3) == 26

    follower.world.rotate(contract.address, b"\x51" * 32)
    contract.send("put", 9, sender=ann).unwrap()
    block = chain.ledger.block(chain.height)
    with pytest.raises(BadBlockError, match="not adopted"):
        follower.ledger.adopt(block, checker_diff(checker, chain))


def checker_diff(checker, chain):
    """The diff of the newest block, from somebody who carries out all of them."""
    checker.ledger.take(chain.ledger.block(checker.ledger.height + 1))
    return checker.ledger.check(chain.ledger.block(chain.height)).diff


def secret_of(contract) -> bytes:
    return keccak256(b"a secret of tests", contract.address)


def other_keys(chain, contract) -> EpochKeys:
    """The keys once more, for another node."""
    assert chain.world.keys.of(contract.address).keys.epoch == 0
    return EpochKeys(secret_of(contract), contract.address, 0)


def test_an_epoch_that_was_abandoned_begins_in_the_block_after():
    chain, contract = town()
    ann = chain.people[0]
    contract.send("put", 5, sender=ann).unwrap()
    chain.world.rotate(contract.address, b"\x51" * 32)
    chain.world.root()
    chain.world.abandon()
    assert chain.world.keys.of(contract.address).keys.epoch == 0
    chain.advance()
    assert chain.world.keys.of(contract.address).keys.epoch == 1
    contract.send("put", 6, sender=ann).unwrap()
    assert chain.world.keys.of(contract.address).keys.epoch == 1
    assert contract.view("mine", sender=ann) == 11


def test_no_epoch_begins_while_a_contract_waits_or_without_keys(monkeypatch):
    chain, contract = town()
    ann = chain.people[0]
    monkeypatch.setattr(tariff, "DELIVERIES_MAX", 1)
    request = contract.request("slow", 4)
    raw = chain._sign((chain._call(request, ann),), ann, ())
    chain._block((raw,))
    assert chain.world.cell(contract.address).account.awaits == 1
    with pytest.raises(EpochError, match="waits"):
        chain.world.rotate(contract.address, b"\x51" * 32)
    with pytest.raises(EpochError, match="keys"):
        chain.world.rotate(b"\1" * 20, b"\x51" * 32)


# --- roll-back ------------------------------------------------------------------------------------


def test_a_disk_that_is_turned_back_is_noticed_at_the_start():
    chain, contract = town(MemoryKV())
    contract.send("put", 5, sender=chain.people[0]).unwrap()
    root, version = chain.world.state.root, chain.world.state.tree.version
    contract.send("put", 6, sender=chain.people[0]).unwrap()
    newest = chain.world.state.root
    chain.world.state.tree.roll_back(version)

    with pytest.raises(StaleStateError):
        World(chain.world.kv, keys=chain.world.keys, root=newest)
    World(chain.world.kv, keys=chain.world.keys, root=root)


def test_a_disk_that_is_turned_back_is_noticed_while_it_runs():
    chain, contract = town(MemoryKV())
    ann = chain.people[0]
    contract.send("put", 5, sender=ann).unwrap()
    version = chain.world.state.tree.version
    contract.send("put", 6, sender=ann).unwrap()
    forgetful = World(chain.world.kv, keys=chain.world.keys, root=chain.world.state.root)
    forgetful.state.tree.roll_back(version)  # every byte of it is genuine

    with pytest.raises(StaleStateError):
        forgetful.cell(contract.address).slots.load(PRIVATE_FROM + 3)


def test_a_cell_that_is_replayed_alone_is_noticed():
    chain, contract = town(MemoryKV())
    ann, secrets = chain.people[0], chain.world.keys.of(contract.address)
    names = [secrets.keys.name(b"slot", (PRIVATE_FROM + 3).to_bytes(32, "big"))]
    contract.send("put", 5, sender=ann).unwrap()
    old = [chain.world.state.slot(contract.address, name) for name in names]
    contract.send("put", 6, sender=ann).unwrap()
    assert chain.world.cell(contract.address).slots.load(PRIVATE_FROM + 3) == 11

    class Replaying(State):
        def open_slot(self, address, slot, version=None):
            _, opening = super().open_slot(address, slot, version)
            return old[0], opening

    world = World(chain.world.kv, keys=chain.world.keys)
    world.state.__class__ = Replaying
    with pytest.raises(StaleStateError):
        world.cell(contract.address).slots.load(PRIVATE_FROM + 3)


def test_an_old_cell_under_a_root_that_commits_to_it_is_noticed_by_its_version():
    """Whoever can make roots can put an old cell there; a node that saw the new one refuses it."""
    chain, contract = town(MemoryKV())
    ann, secrets = chain.people[0], chain.world.keys.of(contract.address)
    name = secrets.keys.name(b"slot", (PRIVATE_FROM + 3).to_bytes(32, "big"))
    contract.send("put", 5, sender=ann).unwrap()
    old = chain.world.state.slot(contract.address, name)
    contract.send("put", 6, sender=ann).unwrap()
    guard = chain.world._guard(contract.address)
    changes = diffs.AccountChanges(
        contract.address, (diffs.SlotChanges(name, (diffs.SlotChange(0, old),)),)
    )
    prepared = chain.world.state.prepare((changes,))
    diff = diffs.Diff(chain.world.state.root, prepared.version.root, 1, (changes,))
    chain.world.state.commit(diff, prepared)
    chain.world._root = prepared.version.root

    with pytest.raises(SealedError, match="rolled back"):
        guard.load(PRIVATE_FROM + 3)
