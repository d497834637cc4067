"""Private state over time: epochs end, and nobody turns a disk back unseen."""

import pytest

from numen.base.crypto import keccak256
from numen.ir.host import PRIVATE_FROM
from numen.ledger import tariff
from numen.ledger.deliver import EPOCH
from numen.ledger.sealed.charter import read_charter, shares_of, write_charter
from numen.ledger.sealed.errors import MissingKeysError, SealedError, StaleStateError
from numen.ledger.sealed.keyring import Keyring, Secrets, seal_request
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.sealed.shares import join, verify
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
        follow(follower, chain)
    old = EpochKeys(secret_of(contract), contract.address, 0)
    name = old.name(b"slot", (PRIVATE_FROM + 3).to_bytes(32, "big"))
    public = chain.world.keys.of(contract.address).public
    assert chain.world.state.slot(contract.address, name)
    assert chain.world.charter(contract.address).mail == public

    renewed = contract.send("renew", sender=ann)
    assert renewed.receipt.events[-1].topics == (EPOCH, (1).to_bytes(32, "big"))
    take_over(followers[1], followers[0], chain)

    charter = chain.world.charter(contract.address)
    for world in (chain.world, followers[0].world, followers[1].world):
        assert world.state.root == chain.world.state.root
        secrets = world.keys.of(contract.address)
        assert (secrets.keys.epoch, secrets.public) == (1, charter.mail)
        assert world.cell(contract.address).slots.load(PRIVATE_FROM + 3) == 5
    assert chain.world.state.slot(contract.address, name) == b""
    assert charter.mail != public
    contract.send("put", 6, sender=ann).unwrap()
    contract.send("put", 7, sender=ann).unwrap()
    assert contract.view("mine", sender=ann) == 18
    for follower in followers:
        follow(follower, chain)
    again = World(
        chain.world.kv, keys=Keyring([old.next(charter.salt)]), root=chain.world.state.root
    )
    assert again.cell(contract.address).slots.load(PRIVATE_FROM + 3) == 18

    payload = contract.request("put", 9).payload
    late = seal_request(payload, contract.address, ann.address, public, b"\1" * 32)
    (sent,) = chain.send_all(Request(contract.address, late), sender=ann)
    assert sent.failure.reason is Reason.REVERTED


def follow(follower, chain):
    """Carry out the blocks that there are."""
    for height in range(follower.height + 1, chain.height + 1):
        follower.ledger.take(chain.ledger.block(height))


def test_who_takes_over_a_block_goes_on_with_its_cells():
    chain, contract = town()
    ann = chain.people[0]
    contract.send("put", 5, sender=ann).unwrap()
    checker, follower = Chain(), Chain()
    for each in (checker, follower):
        follow(each, chain)
    assert follower.world.cell(contract.address).slots.load(PRIVATE_FROM + 3) == 5

    for n in (6, 7):
        contract.send("put", n, sender=ann).unwrap()
        take_over(follower, checker, chain)
    # Its guard saw these cells two blocks ago.
    contract.send("put", 8, sender=ann).unwrap()
    follow(follower, chain)
    follow(checker, chain)
    assert follower.world.state.root == chain.world.state.root
    assert follower.world.cell(contract.address).slots.load(PRIVATE_FROM + 3) == 26


def take_over(follower, checker, chain):
    """Apply the newest block as somebody found it who carried it out."""
    block = chain.ledger.block(chain.height)
    made = checker.ledger.check(block)
    checker.ledger.keep(made)
    follower.ledger.keep(follower.ledger.adopt(block, made.diff))


def test_who_missed_two_epochs_has_no_keys_any_more_and_goes_on_when_it_gets_them():
    chain, contract = town()
    contract.send("put", 5).unwrap()
    checker, late = Chain(), Chain()
    follow(checker, chain)
    made = []
    for _ in range(2):
        contract.send("renew").unwrap()
        made.append(checker.ledger.check(chain.ledger.block(chain.height)))
        checker.ledger.keep(made[-1])
    follow(late, StoppedAt(chain, chain.height - 2))
    keys = late.world.keys.of(contract.address).keys
    late.world.keys = Keyring()
    for each in made:
        late.ledger.keep(late.ledger.adopt(each.block, each.diff))
    late.world.keys.add(keys)
    with pytest.raises(MissingKeysError):
        late.world.cell(contract.address)
    late.world.keys.add(chain.world.keys.of(contract.address).keys)
    assert late.world.cell(contract.address).slots.load(PRIVATE_FROM + 3) == 5


class StoppedAt:
    """A chain as it was."""

    def __init__(self, chain, height):
        self.ledger, self.height = chain.ledger, height


def secret_of(contract) -> bytes:
    return keccak256(b"a secret of tests", contract.address)


def test_an_epoch_of_an_abandoned_block_does_not_begin():
    chain, contract = town()
    contract.send("put", 5).unwrap()
    ann = chain.people[0]
    raw = chain._sign((chain._call(contract.request("renew"), ann),), ann, ())
    for _ in range(2):
        made = chain.ledger.draft((raw,), chain.ledger.time_ms + 1, 0, chain._maker)
        assert made.receipts[0].events
        chain.ledger.abandon()
        assert chain.world.keys.of(contract.address).keys.epoch == 0
        assert chain.world.cell(contract.address).slots.load(PRIVATE_FROM + 3) == 5
    assert chain.world.charter(contract.address).epoch == 0
    chain._block((raw,))
    assert chain.world.charter(contract.address).epoch == 1
    contract.send("put", 6).unwrap()
    assert contract.view("mine") == 11


def test_an_epoch_waits_until_a_contract_waits_for_nothing(monkeypatch):
    chain, contract = town()
    ann, bob = chain.people[:2]
    monkeypatch.setattr(tariff, "DELIVERIES_MAX", 1)
    found = []
    for asked in ((ann, "slow", 4), (bob, "renew"), (), ()):
        raws = []
        if asked:
            sender, name, *args = asked
            call = chain._call(contract.request(name, *args), sender)
            raws.append(chain._sign((call,), sender, ()))
        chain._block(raws)
        awaits = chain.world.cell(contract.address).account.awaits
        found.append((awaits, chain.world.charter(contract.address).epoch))
    # The question goes out, is answered, new keys are wanted, and the answer comes.
    assert found == [(1, 0), (1, 0), (1, 0), (0, 1)]
    assert contract.view("mine", sender=ann) == 2


def test_new_keys_are_paid_for_by_the_slot():
    chain, contract = town()
    contract.send("put", 5).unwrap()
    slots = 3
    needed = tariff.RESEAL_WORK * (1 + slots)
    assert contract.send("renew", work=needed).failure.reason is Reason.OUT_OF_WORK
    assert chain.world.charter(contract.address).epoch == 0
    renewed = contract.send("renew", work=needed + 10_000)
    assert renewed.failure is None
    assert renewed.receipt.work > needed
    assert chain.world.charter(contract.address).epoch == 1


def test_what_is_not_private_has_no_keys_to_be_changed():
    chain, contract = town(is_private=False)
    assert chain.world.charter(contract.address) is None
    assert "nothing of it is private" in contract.send("renew").failure.detail


def test_shares_of_every_epoch_are_those_that_its_charter_commits_to():
    chain, contract = town()
    contract.send("renew").unwrap()
    secrets = Secrets(chain.world.keys.of(contract.address).keys, needed=3)
    charter = secrets.charter(bytes(32))
    dealt = shares_of(secrets.keys, 3, 5)
    for share in dealt.shares:
        verify(share, charter.commitments)
    assert join(dealt.shares[2:], charter.commitments) == secrets.keys.secret
    assert read_charter(write_charter(charter)) == charter
    assert secrets.fits(charter)
    assert not secrets.next(bytes(32)).fits(charter)


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
    guard = chain.world._guards[contract.address]
    changes = diffs.AccountChanges(
        contract.address, (diffs.SlotChanges(name, (diffs.SlotChange(0, old),)),)
    )
    prepared = chain.world.state.prepare((changes,))
    diff = diffs.Diff(chain.world.state.root, prepared.version.root, 1, (changes,))
    chain.world.state.commit(diff, prepared)
    chain.world._root = prepared.version.root

    with pytest.raises(SealedError, match="rolled back"):
        guard.load(PRIVATE_FROM + 3)
