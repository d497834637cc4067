"""The shielded pool: coins move unseen, none is made or spent twice, whatever anybody claims."""

import importlib.util
from functools import cache
from pathlib import Path

import pytest

import numen
from numen.proof.bn254 import R
from numen.testing import Chain, explore

EXAMPLE = Path(__file__).parents[2] / "examples" / "shielded" / "wallet.py"
HEIGHT = 3


@cache
def wallets():
    spec = importlib.util.spec_from_file_location("shielded_wallet", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def shield():
    return wallets().Shield(HEIGHT)


def note(value: int, owner: int, blinding: int = 5):
    return wallets().Note(shield(), value, owner, blinding)


class Scene:
    """A pool, into which ann paid 100 in two notes."""

    def __init__(self) -> None:
        self.chain = Chain()
        self.pool = shield().deploy(self.chain)
        self.ann, self.bob = self.chain.people[:2]
        self.tree = wallets().Tree(shield())
        self.hers = wallets().Wallet(shield(), self.tree, secret=111)
        self.his = wallets().Wallet(shield(), self.tree, secret=222)
        first, arguments = paid_in()
        self.send(arguments, value=100).unwrap()
        self.hers.settle([], first)

    def send(self, arguments, *, value: int = 0, sender=None):
        return self.pool.send("move", *arguments, value=value, sender=sender or self.ann)

    def why(self, arguments, *, value: int = 0) -> str:
        """Why a move is refused; nothing of it may stay."""
        root, coins = self.pool.view("root"), self.chain.balance(self.pool)
        hers = self.chain.balance(self.ann)
        failure = self.send(arguments, value=value).failure
        assert failure is not None
        assert self.pool.view("root") == root
        assert self.chain.balance(self.pool) == coins
        assert self.chain.balance(self.ann) == hers
        return failure.detail + failure.data.decode(errors="replace")


@cache
def paid_in():
    """A deposit of 100 as notes of 60 and 40; proven once."""
    wallet = wallets().Wallet(shield(), wallets().Tree(shield()), secret=111)
    arguments, _, made = wallet.move(
        note(60, wallet.owner, 1), note(40, wallet.owner, 2), deposit=100
    )
    return made, arguments


@cache
def transfer():
    """30 of ann's to bob: arguments, notes that are spent and made; proven once."""
    scene = Scene()
    return scene.hers.move(note(30, scene.his.owner))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_coins_go_in_across_and_out(scene):
    assert (scene.hers.balance, scene.chain.balance(scene.pool)) == (100, 100)
    arguments, spent, made = transfer()
    scene.send(arguments).unwrap()
    scene.hers.settle(spent, made)
    scene.his.notes.append(made[0])
    assert (scene.hers.balance, scene.his.balance) == (70, 30)

    before = scene.chain.balance(scene.bob)
    arguments, spent, made = scene.his.move(withdrawal=20, receiver=scene.bob.address)
    scene.send(arguments).unwrap()
    scene.his.settle(spent, made)
    assert scene.chain.balance(scene.bob) == before + 20
    assert scene.chain.balance(scene.pool) == 80 == scene.hers.balance + scene.his.balance
    assert scene.pool.view("root") == scene.tree.path(0)[0]


def test_two_notes_are_spent_at_once_and_change_comes_back(scene):
    arguments, spent, made = scene.hers.move(note(90, scene.his.owner))
    assert sorted(one.value for one in spent) == [40, 60]
    scene.send(arguments).unwrap()
    scene.hers.settle(spent, made)
    assert scene.hers.balance == 10


def test_nobody_reads_amounts_owners_or_secrets(scene):
    arguments, spent, made = transfer()
    sent = scene.send(arguments)
    payload = sent.receipt.message.payload[4:]
    words = {int.from_bytes(payload[at : at + 32], "big") for at in range(0, len(payload), 32)}
    hidden = {one.value for one in (*spent, *made)} | {scene.hers.owner, scene.his.owner, 111}
    hidden |= {one.blinding for one in (*spent, *made)} | {one.commitment for one in spent}
    assert not words & hidden
    (event,) = sent.events()
    assert event[1] == {"place": 2, "first": made[0].commitment, "second": made[1].commitment}


# --- lies -----------------------------------------------------------------------------------------


def test_a_note_is_not_spent_twice(scene):
    arguments, _, _ = transfer()
    scene.send(arguments).unwrap()
    assert "spent" in scene.why(arguments)
    # A new proof, under the new root, into other notes: the nullifier is the same.
    made = scene.tree
    made.grow(*arguments[2])
    again, _, _ = scene.hers.move(note(31, scene.his.owner, 9))
    assert "spent" in scene.why(again)


def test_a_note_is_not_spent_twice_in_one_move(scene):
    (big, *_) = sorted(scene.hers.notes, key=lambda one: -one.value)
    made = [note(120, scene.his.owner), note(0, scene.his.owner)]
    arguments = scene.hers.prove([big, big], made, 0, 0, bytes(20))
    assert "one note twice" in scene.why(arguments)


@pytest.mark.slow
def test_of_two_spends_that_race_one_is_carried_out_in_every_order():
    first, _, _ = transfer()
    second = other_transfer()
    scenes = []

    def story():
        made = Scene()
        scenes.append(made)
        race = [(made.ann, made.pool.request("move", *first))]
        race.append((made.bob, made.pool.request("move", *second)))
        return made.chain, race

    for outcome in explore(story):
        asked = [r for r in outcome.receipts if r.message.target == scenes[-1].pool.address]
        assert sum(len(receipt.events) for receipt in asked) == 1
        assert sum(receipt.failure is not None for receipt in asked) == 1
        scenes[-1] = scenes[-1].pool.view("root")
    assert len(scenes) > 2
    assert len(set(scenes)) == 2  # either may come first


@cache
def other_transfer():
    scene = Scene()
    return scene.hers.move(note(10, scene.his.owner, 77))[0]


@pytest.mark.parametrize("place", range(7))
def test_whatever_is_altered_is_not_proven(scene, place):
    arguments = list(transfer()[0])
    match place:
        case 0:
            arguments[0] += 1
        case 1 | 2:
            arguments[place] = [arguments[place][0], arguments[place][1] ^ 1]
        case 3:
            arguments[3] = 7
        case 4:
            arguments[4] = scene.bob.address
        case 5:
            arguments[5] ^= 1
        case _:
            arguments[6] = [*arguments[6][:7], arguments[6][7] ^ 1]
    assert ("no such root" if place == 0 else "not proven") in scene.why(arguments)


def test_another_name_of_a_nullifier_is_none(scene):
    root, (first, second), *rest = transfer()[0]
    for nullifiers in ([first + R, second], [first, second + R]):
        assert "not proven" in scene.why([root, nullifiers, *rest])


def test_coins_that_come_otherwise_than_proven_go_back(scene):
    assert "not proven" in scene.why(transfer()[0], value=5)
    _, arguments = paid_in()
    assert "spent" in scene.why(arguments, value=100)


def test_a_root_that_never_was_is_not_taken_and_an_old_one_is(scene):
    arguments, _, _ = transfer()
    tree = wallets().Tree(shield())
    rich = note(10**9, scene.hers.owner)
    tree.grow(rich.commitment)
    scene.hers.tree = tree
    forged = scene.hers.prove([rich], [note(10**9, scene.his.owner, 3)] * 2, 10**9, 0, bytes(20))
    assert "no such root" in scene.why(forged)
    other, _, _ = scene.his.move(deposit=3)
    scene.send(other, value=3).unwrap()
    scene.send(arguments).unwrap()


@pytest.mark.parametrize(
    ("values", "deposit", "withdrawal"),
    [
        ((61, 0), 0, 0),
        ((60, 0), 0, 1),
        ((2**64 - 1, 61), 0, 0),  # 60 modulo 2**64
        ((0, 0), 0, 60 + 2**64 - 1),
        ((R - 40, 100), 0, 0),  # 60 in the field
        ((59, 0), 0, 0),
    ],
)
def test_no_coin_is_made_or_lost(scene, values, deposit, withdrawal):
    (big,) = [one for one in scene.hers.notes if one.value == 60]
    made = [note(value, scene.his.owner) for value in values]
    with pytest.raises(numen.NumenError):
        scene.hers.prove([big], made, deposit, withdrawal, bytes(20))


def test_who_has_not_the_secret_does_not_spend(scene):
    (big,) = [one for one in scene.hers.notes if one.value == 60]
    made = [note(60, scene.his.owner), note(0, scene.his.owner)]
    with pytest.raises(numen.NumenError, match="not the nullifier"):
        scene.his.prove([big], made, 0, 0, bytes(20))
    pretended = note(60, scene.his.owner, big.blinding)
    with pytest.raises(numen.NumenError, match="the note is not there"):
        scene.his.prove([pretended], made, 0, 0, bytes(20))


@pytest.mark.slow
def test_a_full_tree_takes_nothing_more(scene):
    for _ in range(2**HEIGHT // 2 - 1):
        arguments, spent, made = scene.hers.move(deposit=1)
        scene.send(arguments, value=1).unwrap()
        scene.hers.settle(spent, made)
    arguments, _, _ = scene.hers.move(deposit=1)
    assert "the tree is full" in scene.why(arguments, value=1)


def test_the_constraints_leave_a_prover_no_choice():
    assert not shield().circuit.inspect(with_pins=True).loose
