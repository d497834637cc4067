"""Who is told at once, and goods that come before they are asked for."""

import pytest

from numen.base.crypto import SigningKey
from numen.base.eip712 import Domain
from numen.market import events
from numen.market.message import Assent
from numen.node.market.errand import Visitor
from numen.node.market.follower import PANTRY_BYTES_MAX, PANTRY_MAX, Follower
from numen.node.market.goods import name_of
from numen.node.market.haste import Haste
from numen.node.market.notary import Notary
from numen.node.market.replica import Genesis
from numen.node.market.speech import Part, Want, Welcome
from numen.proof.statement import claim_digest
from tests.market.byhand import ANN, BOB, PROVIDER, TRUE, VERIFIERS, Desk

HALL = SigningKey.from_seed(b"hall")
GENESIS = Genesis(Domain("Numen", "1", 1337, b"\xcc" * 20), HALL.address, HALL.address, 9, 1, 0)


def told(*keys):
    return frozenset(key.address for key in keys)


def test_who_may_act_is_told_at_once_and_nobody_else():
    desk, haste = Desk(), Haste()

    def said(key, body):
        return haste.of(desk.post(key, body), desk.market)

    assert said(PROVIDER, desk.request()) is None
    for key in (ANN, BOB):
        assert said(key, desk.offer(key)) == told(VERIFIERS[0])
    for key in (ANN, BOB):
        assert said(VERIFIERS[0], desk.match(key)) == told(key)
    assert said(ANN, desk.execution(ANN, TRUE)) == told()
    assert said(BOB, desk.execution(BOB, TRUE)) == told(ANN, BOB)
    assert said(ANN, desk.result(ANN, TRUE)) == told()
    assert said(BOB, desk.result(BOB, TRUE)) == told(*VERIFIERS)
    claim = claim_digest(desk.job.claim)
    for key in VERIFIERS[:2]:
        assert said(key, Assent(desk.id, key.address, claim)) == told(*VERIFIERS)
    last = VERIFIERS[2]
    assert said(last, Assent(desk.id, last.address, claim)) == told(PROVIDER, *VERIFIERS)
    assert haste.of(desk.judge(desk.verdict(ANN)), desk.market) == told()
    assert haste.of(desk.judge(desk.verdict(BOB)), desk.market) == told(PROVIDER)


@pytest.mark.parametrize(
    "event",
    [
        events.Closed(1, "00" * 32, "settled", 1, 1, 1),
        events.Called(1, "00" * 20, "deposit", 1),
    ],
)
def test_of_what_is_not_known_everybody_is_told(event):
    assert Haste().of((event,), Desk().market) is None


class Cook(Visitor):
    """Needs goods, and keeps what it is brought."""

    def __init__(self, needs: bytes) -> None:
        super().__init__(bytes(20))
        self.needs, self.has = name_of(needs), []

    def lacks(self, replica):
        return [] if self.has else [self.needs]

    def bring(self, raw):
        self.has.append(raw)


def follower() -> Follower:
    found = Follower(Notary(), lambda _: None)
    found.enter(Welcome(GENESIS, 0, 0), HALL.address, 0)
    return found


def whole(raw: bytes, name: bytes | None = None) -> Part:
    return Part(name or name_of(raw), 0, len(raw), raw)


def test_goods_that_came_with_a_task_are_not_asked_for():
    raw = b"inputs"
    cook, one = Cook(raw), follower()
    assert list(one.hear(whole(raw), cook, 0)) == []
    assert cook.has == [], "nothing is taken that is not needed"
    assert list(one.wants(cook, 0)) == []
    assert cook.has == [raw]


def test_goods_under_another_name_are_asked_for():
    raw = b"inputs"
    cook, one = Cook(raw), follower()
    list(one.hear(whole(b"lies", name_of(raw)), cook, 0))
    assert list(one.wants(cook, 0)) == [Want(name_of(raw), 0)]
    list(one.hear(whole(raw), cook, 0))
    assert cook.has == [raw]


def test_goods_that_nobody_needs_are_bounded():
    raw, long = b"inputs", b"a" * (PANTRY_BYTES_MAX + 1)
    cook, one = Cook(raw), follower()
    list(one.hear(whole(raw), cook, 0))
    for number in range(PANTRY_MAX):
        list(one.hear(whole(b"%d" % number), cook, 0))
    assert list(one.wants(cook, 0)) == [Want(name_of(raw), 0)]
    other, one = Cook(long), follower()
    list(one.hear(whole(long), other, 0))
    list(one.hear(Part(name_of(raw), 0, len(raw) + 1, raw), other, 0))
    assert list(one.wants(other, 0)) == [Want(name_of(long), 0)]
