"""The clerk writes down what changes something, once, and tells nothing that is not on the disk."""

from numen.base.codec import U256, encode
from numen.base.crypto import SigningKey
from numen.base.eip712 import Domain
from numen.market.exchange import ROUND_MS, Verb
from numen.market.message import Call, sign
from numen.market.ticket import Quote
from numen.node.market.clerk import Clerk, Fetch, Keep, Pass, Tell, Visit
from numen.node.market.goods import parts
from numen.node.market.notary import Notary
from numen.node.market.replica import Genesis, Posted
from numen.node.market.speech import Bill, Declined, Follow, Hand, Parcel, Want, Welcome

HALL, ADA = SigningKey.from_seed(b"hall"), SigningKey.from_seed(b"ada")
GENESIS = Genesis(
    Domain("Numen", "1", 1337, b"\xcc" * 20), HALL.address, HALL.address, 10**9, 10**6, 0
)


def begun() -> tuple[Clerk, Visit]:
    clerk, visit = Clerk(GENESIS, Notary()), Visit(ADA.address)
    (welcome,) = clerk.hear(visit, Follow(0), 5)
    assert welcome == Tell(Welcome(GENESIS, 1, 5))
    return clerk, visit


def stake(clerk: Clerk, coins: int = 5000) -> Hand:
    call = Call(clerk.replica.market.identity, ADA.address, 0, Verb.JOIN_AS_WORKER.value, coins)
    return Hand((Posted(sign(ADA, call)),))


def test_nothing_is_told_before_it_is_on_the_disk():
    clerk, visit = begun()
    assert not list(clerk.hear(visit, stake(clerk), 6))

    assert not clerk.has_news(visit)
    assert not list(clerk.told_next(visit))
    assert len(clerk.unwritten) == 2, "the grant, and the stake"
    clerk.written(1)
    (told,) = clerk.told_next(visit)
    assert told is not None
    assert len(told.entries) == 1
    (happened,) = clerk.written(1)
    assert happened.verb == Verb.JOIN_AS_WORKER.value
    (told,) = clerk.told_next(visit)
    assert told.entries == (clerk.entries[1],)
    assert not clerk.has_news(visit)


def test_what_comes_twice_is_in_the_record_once():
    clerk, visit = begun()
    hand = stake(clerk)
    list(clerk.hear(visit, hand, 6))
    height = clerk.replica.height

    (effect,) = clerk.hear(visit, hand, 7)

    assert isinstance(effect.message, Declined)
    assert clerk.replica.height == height
    assert clerk.replica.market.nonces[ADA.address] == 1


def test_time_that_changes_nothing_is_not_written_down():
    clerk, _ = begun()
    clerk.pass_time(10)
    height = clerk.replica.height
    assert clerk.replica.market.escrow.round == 1

    for now_ms in range(11, ROUND_MS, ROUND_MS // 7):
        clerk.pass_time(now_ms)
    assert clerk.replica.height == height

    # A day of silence is one entry, and the round is what it would have been.
    clerk.pass_time(1440 * ROUND_MS)
    assert clerk.replica.height == height + 1
    assert clerk.replica.market.escrow.round == 1441


def test_a_record_restores_the_clerk_that_wrote_it():
    clerk, visit = begun()
    list(clerk.hear(visit, stake(clerk), 6))
    again = Clerk(GENESIS, Notary())
    for raw in clerk.entries:
        again.restore(raw)

    assert again.replica.head == clerk.replica.head
    assert again.replica.market == clerk.replica.market
    assert again.entries == clerk.entries


def test_parcels_are_passed_on_and_goods_kept():
    clerk, visit = begun()
    quote = Quote(ADA.address, 1, U256(1), bytes(32), bytes(32), 1, 1, 1, 1, bytes(32))
    bill = Bill(bytes(32), ADA.address, 1, quote)
    assert list(clerk.hear(visit, Parcel(HALL.address, bill), 6)) == [
        Pass(HALL.address, Parcel(ADA.address, bill))
    ]
    raw = encode(b"some inputs")
    (part,) = parts(b"d" * 32, raw)
    assert list(clerk.hear(visit, part, 6)) == [Keep(b"d" * 32, raw)]
    want = Want(b"d" * 32, 0)
    assert list(clerk.hear(visit, want, 6)) == [Fetch(want)]
    (declined,) = clerk.hear(visit, Follow(0), 6)
    assert isinstance(declined.message, Declined), "a visit follows once"
