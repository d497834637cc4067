"""Isolated methods: no update is lost, nothing is asked twice, and nothing is kept of a failure."""

from functools import cache
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.ir.tariff import DELIVERY_WORK, FRAME_BYTE_WORK
from numen.lang.contracts.records import LEAST_WORK
from numen.ledger.messages import Await, Owed, Paid
from numen.ledger.records import RecordError, read_await, write_await
from numen.testing import Chain, build, explore
from numen.vm.host import Continuation, Reason
from numen.vm.isolated import AGAIN_MAX
from tests.contracts.stage import ALICE, BOB, CAROL, Stage, compiled, number

ORACLE = """
from numen import contract, message, view

@contract
class Oracle:
    asked: u128

    @message
    def price(self) -> u128:
        self.asked += 1
        return self.asked

    @message
    def fail(self) -> u128:
        assert False, "never"
        return 0

    @view
    def count(self) -> u128:
        return self.asked
"""

ADDER = """
from numen import contract, interface, isolated, message, view

@interface
class Oracle:
    async def price() -> u128: ...

@contract
class Adder:
    oracle: Oracle
    total: u128

    def __init__(self, oracle: Oracle):
        self.oracle = oracle

    @message
    @isolated
    async def add(self) -> u128:
        before = self.total
        price = await self.oracle.price()
        self.total = before + price
        return self.total

    @view
    def look(self) -> u128:
        return self.total
"""

CARELESS = ADDER.replace("    @isolated\n", "")

BANK = """
from numen import address, contract, interface, isolated, map, message, payable, view, Bounce

@interface
class Oracle:
    @view
    async def rate(of: u128) -> u128: ...
    async def move(amount: u128) -> bool: ...

@contract
class Bank:
    oracle: Oracle
    scale: u128
    held: map[address, u128]

    def __init__(self, oracle: Oracle):
        self.oracle = oracle
        self.scale = 1

    @message
    def set_scale(self, scale: u128):
        self.scale = scale

    @message
    @payable
    @isolated
    async def buy(self) -> u128:
        scale = self.scale
        try:
            rate = await self.oracle.rate(scale)
        except Bounce:
            rate = 7
        assert rate > 0, "no rate"
        self.held[self.sender] += rate * self.value
        return rate

    @message
    @payable
    @isolated
    async def swap(self, to: address, n: u128) -> u128:
        first = await self.oracle.rate(5)
        moved = await self.oracle.move(first * self.scale)
        assert moved
        second = await self.oracle.rate(6)
        self.held[to] += first + second + n
        return self.held[to]

    @message
    @isolated
    async def tour(self, n: u128) -> u128:
        first = await self.oracle.rate(self.scale)
        second = await self.oracle.rate(first * self.held[self.sender])
        third = await self.oracle.rate(second + self.scale)
        self.held[self.sender] += n
        return first + second + third

    @view
    def of(self, who: address) -> u128:
        return self.held[who]
"""

TOKEN = b"\x77" * 20


@cache
def bank():
    return compiled(BANK)


@pytest.fixture
def stage() -> Stage:
    made = Stage(bank())
    made.create(TOKEN)
    return made


def race(text: str):
    """Two people add at once; what the total can come to, and how often the oracle was asked."""
    adders = []

    def story():
        chain = Chain()
        oracle = chain.deploy(build(ORACLE), name="oracle")
        adder = chain.deploy(build(text), oracle, name="adder")
        adders.append((adder, oracle))
        return chain, [(person, adder.request("add")) for person in chain.people[:2]]

    outcomes = list(explore(story))
    assert len(outcomes) == len(adders) > 2
    return {(adder.view("look"), oracle.view("count")) for adder, oracle in adders}


def test_a_method_that_is_not_isolated_loses_an_update_in_some_order():
    assert race(CARELESS) == {(2, 2), (3, 2)}  # 1 + 2, or the 1 is lost


def test_an_isolated_method_loses_none_in_any_order_and_asks_once():
    assert race(ADDER) == {(3, 2)}


SERIAL = """
from numen import contract, interface, isolated, message, view

@interface
class Oracle:
    async def price() -> u128: ...

@contract
class Serial:
    oracle: Oracle
    total: u128

    def __init__(self, oracle: Oracle):
        self.oracle = oracle
        self.total = 3

    @message
    @isolated
    async def add(self, n: u128):
        before = self.total
        price = await self.oracle.price()
        self.total = before + n

    @message
    @isolated
    async def times(self, n: u128):
        before = self.total
        price = await self.oracle.price()
        again = await self.oracle.price()
        self.total = before * n

    @view
    def look(self) -> u128:
        return self.total
"""


def test_whatever_the_order_isolated_methods_are_as_if_one_came_after_another():
    made = []
    oracle_code, code = build(ORACLE), build(SERIAL)

    def story():
        chain = Chain()
        contract = chain.deploy(code, chain.deploy(oracle_code))
        made.append(contract)
        asked = [("add", 5), ("times", 7), ("add", 11)]
        people = zip(chain.people, asked, strict=False)
        return chain, [(who, contract.request(*what)) for who, what in people]

    steps = [lambda x: x + 5, lambda x: x * 7, lambda x: x + 11]
    serial = {c(b(a(3))) for a, b, c in permutations(steps)}
    found = set()
    for outcome in explore(story, orders=60, seed=5):
        assert all(receipt.failure is None for receipt in outcome.receipts)
        found.add(made[-1].view("look"))
    assert found <= serial
    assert len(found) > 1


def test_the_warning_names_isolation_as_the_way_out():
    (warned,) = build(CARELESS).description.warnings
    assert warned.kind == "stale"
    assert "@isolated" in warned.message
    assert build(ADDER).description.warnings == ()


def test_it_goes_on_where_nothing_has_changed(stage):
    waiting = stage.told("buy()", value=10)
    stage.told("set_scale(uint128)", 1)  # as it was
    done = stage.answer(waiting, 3)
    assert number(done.result) == 3
    assert number(stage.look("of(address)", ALICE)) == 30


def test_it_asks_again_what_only_looks_where_the_question_is_another(stage):
    waiting = stage.told("buy()", value=10, sender=BOB)
    assert number(waiting.effects[0].payload[4:]) == 1
    stage.told("set_scale(uint128)", 4)
    again = stage.answer(waiting, 3)
    assert again.waits
    assert number(again.effects[0].payload[4:]) == 4
    assert number(stage.answer(again, 5).result) == 5
    assert number(stage.look("of(address)", BOB)) == 50


def test_a_bounce_is_an_answer_too(stage):
    waiting = stage.told("buy()", value=10)
    stage.told("set_scale(uint128)", 4)
    again = stage.bounce(waiting)
    assert number(again.effects[0].payload[4:]) == 4
    stage.told("set_scale(uint128)", 5)
    stage.told("set_scale(uint128)", 4)  # the same as before: nothing has changed
    assert number(stage.bounce(again).result) == 7


def test_it_begins_again_so_often_and_not_more_often(stage):
    outcome = stage.told("buy()", value=10)
    for turn in range(AGAIN_MAX):
        stage.told("set_scale(uint128)", 10 + turn)
        outcome = stage.answer(outcome, 3)
        assert outcome.waits
    stage.told("set_scale(uint128)", 99)
    failed = stage.answer(outcome, 3)
    assert failed.failure.reason is Reason.CONFLICT


def test_answers_are_used_again_and_what_had_an_effect_is_not_asked_twice(stage):
    first = stage.told("swap(address,uint128)", CAROL, 1)
    second = stage.answer(first, 20)
    assert number(second.effects[0].payload[4:]) == 20
    third = stage.answer(second, True)
    # Neither question depends on what changes here, but the last part reads it.
    other = stage.told("swap(address,uint128)", CAROL, 2)
    other = stage.answer(stage.answer(stage.answer(other, 1), True), 1)
    assert number(other.result) == 1 + 1 + 2
    done = stage.answer(third, 30)
    assert not done.waits
    assert number(done.result) == 4 + 20 + 30 + 1


def test_what_had_an_effect_and_would_be_asked_otherwise_ends_it(stage):
    waiting = stage.answer(stage.told("swap(address,uint128)", CAROL, 1), 20)
    stage.told("set_scale(uint128)", 2)
    failed = stage.answer(waiting, True)
    assert failed.failure.reason is Reason.CONFLICT
    assert "cannot be unasked" in failed.failure.detail


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=12, max_size=12))
@settings(deadline=None, max_examples=30)
def test_the_work_that_is_kept_back_is_enough(turns):
    stage = touring()
    stage.state.clear()
    stage.create(TOKEN)
    outcome = stage.told("tour(uint128)", 1)
    for scale, answer in turns:
        if not outcome.waits:
            break
        kept = outcome.effects[0].continuation
        all_of_it = kept.work + FRAME_BYTE_WORK * len(kept.frame)
        if scale:
            stage.told("set_scale(uint128)", scale)
        outcome = stage.answer(outcome, answer, work=all_of_it)
        if outcome.failure is not None:
            assert outcome.failure.reason is Reason.CONFLICT
            break
        for sent in outcome.effects:
            passed_on = DELIVERY_WORK + FRAME_BYTE_WORK * len(sent.continuation.frame)
            passed_on += sent.continuation.work + LEAST_WORK
            assert outcome.work + passed_on <= all_of_it
    else:
        pytest.fail("it never ends")


@cache
def touring() -> Stage:
    return Stage(bank())


# --- coins ----------------------------------------------------------------------------------------


MARKET = """
from numen import contract, interface, isolated, message, payable, view

@interface
class Oracle:
    async def fail() -> u128: ...
    @view
    async def count() -> u128: ...

@interface
class Market:
    @payable
    async def sure(n: u128) -> u128: ...

@contract
class Market2:
    oracle: Oracle
    sold: u128

    def __init__(self, oracle: Oracle):
        self.oracle = oracle

    @message
    @payable
    @isolated
    async def sure(self, n: u128) -> u128:
        price = await self.oracle.count()
        assert price > n, "too dear"
        self.sold += 1
        return price

    @message
    @payable
    async def loose(self, n: u128) -> u128:
        price = await self.oracle.count()
        assert price > n, "too dear"
        self.sold += 1
        return price

@contract
class Buyer:
    market: Market
    back: u128

    def __init__(self, market: Market):
        self.market = market

    @message
    @payable
    async def go(self) -> u128:
        before = self.balance
        try:
            price = await self.market.sure(9, value=self.value)
        except Bounce:
            self.back = self.balance - (before - self.value)
            return 0
        return price

    @view
    def got_back(self) -> u128:
        return self.back
""".replace("from numen import contract", "from numen import Bounce, contract")


def test_coins_go_back_when_an_isolated_method_fails_after_a_wait():
    chain = Chain()
    ann = chain.people[0]
    oracle = chain.deploy(build(ORACLE))
    market = chain.deploy(build(MARKET, name="Market2"), oracle)
    before = chain.balance(ann)

    assert market.send("sure", 9, value=500, sender=ann).failure is not None
    assert chain.balance(market) == 0
    assert chain.balance(ann) == before

    assert market.send("loose", 9, value=500, sender=ann).failure is not None
    assert chain.balance(market) == 500  # the contract's own business, as everywhere else


def test_coins_go_back_to_a_contract_that_waits():
    chain = Chain()
    ann = chain.people[0]
    oracle = chain.deploy(build(ORACLE))
    market = chain.deploy(build(MARKET, name="Market2"), oracle)
    buyer = chain.deploy(build(MARKET, name="Buyer"), market)

    assert buyer.send("go", value=300, sender=ann).result() == 0
    assert buyer.view("got_back") == 300
    assert chain.balance(market) == 0
    assert chain.balance(buyer) == 300


@given(st.none() | st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1)))
def test_what_is_kept_of_coins_survives_on_a_disk(coins):
    paid = Paid(BOB, *coins) if coins is not None else None
    kept = Continuation(3, b"frame", 77, is_isolated=paid is not None)
    awaited = Await(kept, Owed(ALICE, bytes(32)), CAROL, 5, bytes(32), 9, paid)
    raw = write_await(awaited)
    assert read_await(raw) == awaited
    with pytest.raises(RecordError):
        read_await(raw[:-1])
