"""Contests between nodes: a liar loses to who walked, whoever is killed in between."""

import asyncio

import msgspec
import pytest

import numen
from numen.api import evidence
from numen.api.market import Market
from numen.base.errors import NumenError
from numen.market import events
from numen.market.task import Optimistic, Task
from numen.market.worker import Behaviour
from numen.node.market.goods import name_of
from numen.node.market.notary import Notary
from numen.node.market.snapshot import market_of, read_state, state_of, write_state
from numen.node.market.tools import WALK_STEPS_MAX, Goods, TooLongError, Walks
from numen.proof.statement import commit_inputs
from numen.proof.walk import DONE, FALSE
from numen.vm.payload import encode_inputs
from tests.market import test_contest as ring
from tests.node.market.test_market import BID, identity, played, sandbox  # noqa: F401

COUNT = numen.compile(
    "def main(n: u64) -> u64:\n"
    "    steps = 0\n"
    "    while n > 1:\n"
    "        n = n // 2 if n % 2 == 0 else 3 * n + 1\n"
    "        steps += 1\n"
    "    return steps\n"
)  # fmt: skip


def test_a_lie_is_bisected_by_nodes_of_which_one_is_killed(played):  # noqa: F811
    async def story(town):
        town.verifier()
        town.worker("bob", Behaviour.WRONG)
        await town.until(lambda: len(town.of(events.Called)) == 2)
        wanted = evidence.optimistic(COUNT, window_ms=2_000)
        async with Market(town.place, identity("buyer")) as market:
            buying = asyncio.create_task(market.run(COUNT, 27, evidence=wanted, bid=BID))
            await town.until(lambda: town.of(events.Claimed))
            town.worker("ada")
            await town.until(lambda: len(town.of(events.Halved)) > 2)
            for name in ("ada", "bob"):
                await town.stop(name)
            town.worker("ada")
            town.worker("bob", Behaviour.WRONG)
            bought = await buying
            await town.until(lambda: town.of(events.Closed))
        less = evidence.optimistic(COUNT, window_ms=1_000)
        async with Market(town.place, identity("other")) as market:
            again = await market.run(COUNT, 27, evidence=less, bid=BID)

        assert (again.value, again.sold.how) == (111, "bought again")
        (resold,) = town.of(events.Resold)
        assert (resold.shown, resold.wanted) == ("optimistic for 2000 ms", "optimistic for 1000 ms")
        assert resold.surety == town.of(events.Earned)[0].paid
        liar, ada = (identity(name).account.address for name in ("bob", "ada"))
        assert bought.value == 111
        assert (bought.sold.answers, bought.sold.fined) == ((ada,), (liar,))
        (decided,) = town.of(events.Decided)
        assert decided.winner == "challenger"
        (slashed,) = town.of(events.Slashed)
        assert (slashed.worker, slashed.reporter) == (liar.hex(), ada.hex())
        assert town.of(events.Settled)[0].evidence == "optimistic"
        member = town.members["ada"].replica
        await town.until(lambda: member.height == town.members["verifier"].replica.height)
        assert member.head == town.members["verifier"].replica.head

    played(story)


def test_a_market_in_the_middle_of_a_contest_has_a_snapshot(monkeypatch):
    plays, seen = [], []

    class Watched(ring.Play):
        def __init__(self, *given):
            super().__init__(*given)
            plays.append(self)

    class Watch(ring.Checker):
        def following(self, task, answer, shown):
            seen.append(plays[0].market)
            return super().following(task, answer, shown)

    monkeypatch.setattr(ring, "Play", Watched)
    monkeypatch.setattr(ring, "Checker", Watch)
    ring.played([(ring.LIAR, None), (ring.HONEST, None)])
    (market,) = seen
    assert any(job.contests for job in market.jobs.values())
    raw = write_state(state_of(market, 9, bytes(32), 5, set()))
    again = read_state(raw)
    assert write_state(again) == raw
    assert market_of(again).jobs == market.jobs


def goods_of(program, raw) -> Goods:
    goods = Goods()
    goods.add(program.program.code)
    goods.add(raw)
    return goods


def task_of(program, raw, work_limit=1_000) -> Task:
    return Task(
        bytes(32), bytes(20), bytes(20), 0, program.program.id, commit_inputs(raw),
        Optimistic(5_000), work_limit, 10, 1, 10, 1,
    )  # fmt: skip


def test_what_cannot_be_walked_is_left_alone():
    raw = encode_inputs(COUNT.program, (27,))
    walks = Walks(goods_of(COUNT, raw))
    assert walks.is_able(task_of(COUNT, raw))
    assert walks(task_of(COUNT, raw), raw, None) is walks(task_of(COUNT, raw), raw, None)
    assert not walks.is_able(task_of(COUNT, raw, work_limit=WALK_STEPS_MAX + 1))
    with pytest.raises(TooLongError):
        walks(task_of(COUNT, raw, work_limit=2**50), raw, None)
    assert not walks.is_able(task_of(COUNT, b"no inputs of this program"))
    short = goods_of(COUNT, raw)
    short.answer_max = 31  # the answer has 32 bytes, and a contract is told all of them
    assert not Walks(short).is_able(task_of(COUNT, raw))
    other = bytes(32)
    assert not Walks(goods_of(COUNT, other * 2)).is_able(task_of(COUNT, other * 2))


def test_a_notary_takes_the_step_of_a_walk_and_no_other():
    raw = encode_inputs(COUNT.program, (6,))
    task, notary = task_of(COUNT, raw), Notary()
    for goods in (COUNT.program.code, raw):
        notary.bring(name_of(goods), goods)
    walk = Walks(goods_of(COUNT, raw))(task, raw, None)
    assert notary.following(task, walk.answer, walk.show(walk.steps - 1)) == DONE.digest
    shown = walk.show(walk.steps - 2)
    assert notary.following(task, bytes(32), shown) == FALSE.digest
    with pytest.raises(NumenError):
        notary.following(task, walk.answer, msgspec.structs.replace(shown, leaves=()))
