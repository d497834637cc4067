"""The market in five lines: tasks, sales, events, cancellation, and what goes wrong."""

import asyncio
import socket

import pytest

import numen
from numen.api import market
from numen.api.market import MarketClosedError, WantError
from numen.api.sale import (
    EVENTS_MAX,
    AnswerTrapError,
    LaggedError,
    LateError,
    Listener,
    UnsoldError,
)
from numen.api.together import together
from numen.ir.interface import InputError
from numen.market import events
from numen.node.market.buyer import OrderError

LIMIT = 100


@numen.task
def square(x: numen.u64) -> numen.u64:
    return x * x


@numen.task(work_limit=10_000)
def below(x: numen.u64, limit: numen.u64) -> numen.u64:
    assert x < limit, "too large"
    return limit - x + LIMIT - 100


def bought(story):
    """Run a story on a market of one's own."""

    async def run():
        async with numen.Market() as market:
            return await story(market)

    return asyncio.run(run())


def test_a_task_is_run_here_when_it_is_called():
    assert square(7) == 49
    assert below(30, 100) == 70
    assert below(x=1, limit=3) == 2
    assert square.__name__ == "square"
    with pytest.raises(InputError, match="missing a required argument"):
        square()
    with pytest.raises(numen.NumenError, match="is not a function"):
        numen.task(len)


def test_a_task_is_sold_and_the_sale_says_what_happened():
    async def story(market):
        sale = market.sell(square, 12, bid=5)
        kinds = [type(event) async for event in sale.events()]
        late = [type(event) async for event in sale.events()]
        return await sale, kinds, late

    found, kinds, late = bought(story)
    assert found.value == 144
    assert found.sold.paid > 0
    assert len(found.sold.answers) == 2
    wanted = [events.Posted, events.Matched, events.Revealed, events.Settled, events.Judged]
    assert [kind for kind in dict.fromkeys(kinds) if kind in wanted] == wanted
    assert late == kinds
    assert kinds[-1] is events.Closed


def test_many_tasks_go_at_once_and_come_in_order():
    async def story(market):
        results = await market.map(square, range(10), bid=5)
        pairs = await market.map(below, [(1, 5), (2, 9)], bid=5, at_once=1)
        return results, pairs

    results, pairs = bought(story)
    assert [one.value for one in results] == [i * i for i in range(10)]
    assert [one.value for one in pairs] == [4, 7]
    assert len({one.sold.task for one in results}) == 10


def test_everything_that_happens_can_be_heard():
    async def story(market):
        async def listen():
            return [event async for event in market.events()]

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0)
        await market.run(square, 3, bid=5)
        return listening

    async def run():
        async with numen.Market() as market:
            listening = await story(market)
        return await asyncio.wait_for(listening, 60)

    heard = asyncio.run(run())
    assert {type(event) for event in heard} >= {events.Posted, events.Settled, events.Closed}


def test_what_goes_wrong_has_a_type_of_its_own():
    async def story(market):
        with pytest.raises(AnswerTrapError, match="too large") as trapped:
            await market.run(below, 200, 100, bid=5)
        assert trapped.value.sold.paid > 0
        with pytest.raises(WantError, match="no evidence is called 'hope'"):
            market.sell(square, 1, bid=5, evidence="hope")
        with pytest.raises(InputError):
            market.sell(square, "x", bid=5)
        with pytest.raises(OrderError, match="market refuses"):
            market.sell(square, 1, bid=10**14)
        with pytest.raises(numen.NumenError):
            await market.map(below, [(1, 5), (7, 5)], bid=5)

    bought(story)
    with pytest.raises(MarketClosedError, match="not entered"):
        numen.Market().sell(square, 1, bid=5)


def test_a_task_is_taken_back_where_nobody_works_on_it():
    async def story(market):
        before = market.sell(square, 5, bid=5)
        before.cancel()
        with pytest.raises(UnsoldError, match="taken back"):
            await before.result(20)
        # More than there are workers: nobody can be given a seat before it is taken back.
        after = market.sell(square, 6, bid=5, trust=1000)
        async for event in after.events():
            if isinstance(event, events.Posted):
                after.cancel()
        with pytest.raises(UnsoldError):
            await after.result(20)
        assert (await market.run(square, 7, bid=5)).value == 49

    bought(story)


def test_a_market_that_is_not_there_is_complained_of_once(monkeypatch, caplog):
    monkeypatch.setattr(market, "HALL_S", 1.5)

    async def story():
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        async with numen.Market(f"{'00' * 32}@127.0.0.1:{port}"):
            raise AssertionError("nobody is there")

    with pytest.raises(MarketClosedError, match=r"no market answered in 2 s: 127.* reached"):
        asyncio.run(story())
    assert len([each for each in caplog.records if each.name == "numen.market"]) == 1


def test_who_does_not_wait_is_told_so():
    async def story(market):
        with pytest.raises(LateError) as late:
            await market.run(square, 21, bid=5, timeout_s=0.0)
        assert late.value.waited_s == 0
        task = asyncio.create_task(market.run(square, 22, bid=5))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await market.run(square, 23, bid=5)).value == 529

    bought(story)


def test_a_sale_of_a_market_that_was_left_is_over():
    async def story():
        async with numen.Market() as market:
            sale = market.sell(square, 31, bid=5)
        with pytest.raises(MarketClosedError, match="was left"):
            await sale

    asyncio.run(story())


def test_a_listener_that_lags_is_told_and_costs_no_memory():
    async def story():
        listener = Listener()
        for number in range(EVENTS_MAX + 5):
            listener.put(events.Called(number, "", "deposit", 1))
        heard = aiter(listener)
        for _ in range(EVENTS_MAX):
            await anext(heard)
        with pytest.raises(LaggedError):
            await anext(heard)

    asyncio.run(story())


def test_scripts_need_no_event_loop():
    with numen.SyncMarket() as market:
        assert market.run(square, 9, bid=5).value == 81
        assert [one.value for one in market.map(square, [1, 2], bid=5)] == [1, 4]
        with pytest.raises(AnswerTrapError):
            market.run(below, 9, 8, bid=5)


def test_types_may_be_written_as_a_file_of_python_has_them():
    @numen.compile
    def add(a: numen.u8, b: numen.Private[numen.u8]) -> numen.u8:
        return a + b

    assert add(2, 3) == 5
    with pytest.raises(numen.NumenError, match="words is not a type"):
        numen.compile("def main(a: numen.words) -> u64:\n    return 1\n")


def test_inputs_may_be_sold_together():
    async def story(market):
        found = await market.map(square, range(7), bid=5, together=3)
        pairs = await market.map(below, [(1, 5), (2, 9)], bid=5, together=2)
        with pytest.raises(AnswerTrapError, match="too large"):
            await market.map(below, [(1, 5), (9, 5)], bid=5, together=2)
        return found, pairs

    found, pairs = bought(story)
    assert [one.value for one in found] == [i * i for i in range(7)]
    assert [one.value for one in pairs] == [4, 7]
    assert len({one.sold.task for one in found}) == 3


def test_what_cannot_be_sold_together_says_why():
    hidden = numen.compile("def main(a: Private[u64]) -> u64:\n    return a\n")
    untyped = numen.compile("def main(a, b):\n    return a + b\n")

    with pytest.raises(WantError, match="hides inputs"):
        together(hidden, 2)
    with pytest.raises(WantError, match="its type"):
        together(untyped, 2)
    with pytest.raises(WantError, match="at most"):
        together(square.compiled, 5000)
