"""Entries follow from each other, and goods are what their names say."""

import msgspec
import pytest

import numen
from numen.base.codec import encode
from numen.base.crypto import SigningKey
from numen.base.eip712 import Domain
from numen.market.coins import wallet
from numen.market.exchange import Verb
from numen.market.message import Call, sign
from numen.node.market.goods import Gathering, GoodsError, Shelf, name_of, parts
from numen.node.market.notary import Notary
from numen.node.market.place import Place, PlaceError, read_place
from numen.node.market.replica import Genesis, Granted, Passed, Posted, Replica, ReplicaError
from numen.node.market.speech import PART_BYTES_MAX, Part
from numen.proof.statement import commit_inputs

HALL, ADA = SigningKey.from_seed(b"hall"), SigningKey.from_seed(b"ada")
GENESIS = Genesis(
    Domain("Numen", "1", 1337, b"\xcc" * 20), HALL.address, HALL.address, 10**9, 10**6, 0
)
ADD = numen.compile("def main(a: u64, b: u64) -> u64:\n    return a + b\n").program


def replica() -> Replica:
    return Replica(GENESIS, Notary())


def told(found: Replica, *whats) -> Replica:
    for at_ms, what in enumerate(whats):
        found.apply(found.next(what, at_ms))
    return found


def stake(found: Replica, coins: int):
    nonce = found.market.nonces.get(ADA.address, 0)
    verb = Verb.JOIN_AS_WORKER.value
    return Posted(sign(ADA, Call(found.market.identity, ADA.address, nonce, verb, coins)))


def test_equal_entries_give_equal_markets():
    one, other = replica(), replica()
    for what in (Passed(), Granted(ADA.address), stake(one, 5000), Passed()):
        entry = one.next(what, 7)
        one.apply(entry)
        other.apply(entry)

    assert one.head == other.head
    assert one.market == other.market
    assert ADA.address in one.market.stakes.stakers


def test_an_entry_that_was_changed_left_out_or_put_in_is_refused():
    found = told(replica(), Passed(), Granted(ADA.address))
    good = found.next(Passed(), 10)
    for wrong in (
        msgspec.structs.replace(good, number=good.number + 1),
        msgspec.structs.replace(good, before=bytes(32)),
        msgspec.structs.replace(good, at_ms=0),
    ):
        with pytest.raises(ReplicaError):
            found.apply(wrong)
    head = found.head
    found.apply(good)
    assert found.head != head
    with pytest.raises(ReplicaError, match="does not follow"):
        found.apply(good)


def test_coins_are_granted_once_and_never_made():
    found = told(replica(), Granted(ADA.address))

    assert found.market.coins.balance(wallet(ADA.address)) == 10**6
    assert sum(found.market.coins.balances.values()) == 10**9
    assert not found.may_grant(ADA.address)
    assert not found.may_grant(HALL.address)
    with pytest.raises(ReplicaError, match="may not be granted"):
        found.apply(found.next(Granted(ADA.address), 5))


def test_what_makes_no_sense_stays_in_the_record_and_changes_nothing():
    found = told(replica(), Passed())
    before = found.market

    (refused,) = found.apply(found.next(stake(found, 10**8), 1))

    assert found.market == before
    assert found.height == 2
    assert "to stake" in refused.reason


def test_goods_are_what_their_names_say(tmp_path):
    shelf = Shelf(tmp_path)
    inputs = b"\x01" * 64
    shelf.put(ADD.id, ADD.code)
    shelf.put(commit_inputs(inputs), inputs)

    assert shelf.get(ADD.id) == ADD.code
    assert ADD.id in Shelf(tmp_path)
    assert name_of(inputs) == commit_inputs(inputs)
    with pytest.raises(GoodsError, match="not what their name says"):
        shelf.put(ADD.id[::-1], ADD.code)
    assert shelf.get(bytes(32)) is None
    assert shelf.part(bytes(32), 0) is None
    assert shelf.part(ADD.id, len(ADD.code)) is None


def test_goods_come_in_parts_in_order():
    raw = bytes(range(256)) * (PART_BYTES_MAX // 128)
    cut = parts(commit_inputs(raw), raw)
    assert len(cut) == 2
    gathering = Gathering()

    assert gathering.add(cut[0]) is None
    assert gathering.add(cut[1]) == raw
    with pytest.raises(GoodsError, match="out of order"):
        gathering.add(cut[1])
    assert [gathering.add(part) for part in (cut[0], cut[0], cut[1])][-1] == raw
    with pytest.raises(GoodsError, match="out of order"):
        gathering.add(Part(bytes(32), 0, 1, b"ab"))
    with pytest.raises(GoodsError, match="bytes"):
        parts(bytes(32), b"")


def test_a_place_is_a_word():
    place = Place("127.0.0.1:7300", bytes(range(32)))

    assert read_place(str(place)) == place
    for text in ("", "@", "127.0.0.1:7300", "00@127.0.0.1:1", f"{bytes(32).hex()}@"):
        with pytest.raises(PlaceError):
            read_place(text)


def test_an_entry_has_one_encoding():
    found = told(replica(), Passed())
    assert encode(found.next(stake(found, 5000), 9)) == encode(found.next(stake(found, 5000), 9))
