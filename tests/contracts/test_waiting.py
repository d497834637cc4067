"""Methods that wait: in straight code, in branches, in loops, and for requests that bounce."""

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.ir.text import print_module
from numen.vm.host import Continuation, Kind, Reason, Send
from tests.contracts.stage import ALICE, BOB, Stage, compiled, number, refusal, selector, words

TOKEN = b"\x77" * 20

SOURCE = """
from numen import address, contract, interface, message, payable, view, Bounce

WEIGHTS: list[u128, 3] = [1, 10, 100]

@interface
class Token:
    async def transfer(to: address, amount: u128) -> bool: ...
    @payable
    async def quote(a: u64, b: i64) -> tuple[u128, i64]: ...

@contract
class Shop:
    token: Token
    total: u128

    def __init__(self, token: Token):
        self.token = token

    @message
    async def pay(self, to: address, amount: u128) -> u128:
        ok = await self.token.transfer(to, amount, work=5000, deadline=self.height + 9)
        assert ok, "the token said no"
        self.total += amount
        return 2 * amount

    @message
    async def many(self, n: u64, weights: list[u128, 3]) -> u128:
        total: u128 = 0
        mine = [u64(1), 2, 3]
        for i in range(n):
            amount = weights[i % 3] * u128(mine[i % 3]) + WEIGHTS[i % 3]
            if amount > 15:
                try:
                    ok = await self.token.transfer(self.sender, amount, callback_work=100_000)
                    if ok:
                        total += amount
                    else:
                        total += 1000
                except Bounce:
                    total += 1
            else:
                total += 7
        return total

    @message
    async def two(self) -> i64:
        high, low = await self.token.quote(3, -4)
        again, lower = await self.token.quote(5, low, value=high)
        if again > high:
            return lower
        return low

    @view
    def paid(self) -> u128:
        return self.total
"""


@cache
def shop():
    return compiled(SOURCE)


@pytest.fixture
def stage() -> Stage:
    made = Stage(shop())
    made.create(TOKEN)
    return made


def test_a_wait_asks_and_ends_the_run(stage):
    outcome = stage.told("pay(address,uint128)", BOB, 300)
    assert outcome.waits
    assert outcome.result == b""
    (asked,) = outcome.effects
    payload = selector("transfer(address,uint128)") + words(BOB, 300)
    work = shop().description.continuations[0].work
    frame = words(ALICE, 0, 300)
    assert asked == Send(TOKEN, 0, payload, 5000, 109, Continuation(0, frame, work))


def test_an_answer_goes_on_where_the_method_waited(stage):
    outcome = stage.answer(stage.told("pay(address,uint128)", BOB, 300), True)
    assert not outcome.waits
    assert number(outcome.result) == 600
    assert number(stage.look("paid()")) == 300


def test_the_work_that_is_kept_back_is_that_of_the_longest_way(stage):
    waiting = stage.told("pay(address,uint128)", BOB, 300)
    kept = waiting.effects[0].continuation.work
    outcome = stage.answer(waiting, True)
    assert outcome.work <= kept <= outcome.work + 100
    short = stage.answer(waiting, True, work=outcome.work - 1)
    assert short.failure is not None
    assert short.failure.reason is Reason.OUT_OF_WORK


def test_an_answer_of_no_is_the_contracts_own_business(stage):
    outcome = stage.answer(stage.told("pay(address,uint128)", BOB, 300), False)
    assert refusal(outcome) == "the token said no"


def test_a_bounce_fails_the_method_that_does_not_catch_it(stage):
    outcome = stage.bounce(stage.told("pay(address,uint128)", BOB, 300))
    assert refusal(outcome) == "Token.transfer bounced"
    assert number(stage.look("paid()")) == 0


@pytest.mark.parametrize("reply", [b"", b"\1", words(2), words(True)[:-1]])
def test_an_answer_that_is_none_fails(stage, reply):
    waiting = stage.told("pay(address,uint128)", BOB, 300)
    kept = waiting.effects[0].continuation
    outcome = stage.play(Kind.REPLY, reply, sender=TOKEN, continuation=kept)
    assert outcome.failure is not None


def test_nobody_can_name_a_continuation_from_outside(stage):
    waiting = stage.told("pay(address,uint128)", BOB, 300)
    frame = waiting.effects[0].continuation.frame
    for head in (bytes(4), (0).to_bytes(4, "big"), (1 << 33).to_bytes(5, "big")):
        outcome = stage.play(Kind.REQUEST, head + frame + words(True))
        assert outcome.failure is not None
        assert outcome.failure.reason is Reason.ABSENT
    for entry in (-1, 3, 10**9):
        outcome = stage.play(
            Kind.REPLY, words(True), sender=TOKEN, continuation=Continuation(entry, frame, 1)
        )
        assert outcome.failure is not None


def test_a_frame_that_is_none_fails(stage):
    for frame in (b"", words(ALICE), words(ALICE, 0, 1 << 200), words(ALICE, 0, 1, 1)):
        outcome = stage.play(
            Kind.REPLY, words(True), sender=TOKEN, continuation=Continuation(0, frame, 1)
        )
        assert outcome.failure is not None


def test_what_was_told_before_the_wait_is_known_after(stage):
    waiting = stage.told("two()")
    assert waiting.effects[0].payload[4:] == words(3, -4)
    again = stage.answer(waiting, 1000, -9)
    assert again.waits
    assert again.effects[0].payload[4:] == words(5, -9)
    assert again.effects[0].value == 1000
    assert number(stage.answer(again, 1001, -7).result) == 2**256 - 7
    assert number(stage.answer(again, 1000, -7).result) == 2**256 - 9


@given(
    st.integers(0, 7),
    st.lists(st.integers(0, 20), min_size=3, max_size=3),
    st.lists(st.sampled_from(["yes", "no", "bounce"]), min_size=7, max_size=7),
)
@settings(deadline=None)
def test_a_loop_that_waits_is_the_loop_that_python_has(n, weights, answers):
    stage = Stage(shop())
    stage.create(TOKEN)
    expected, due = 0, iter(answers)
    outcome = stage.told("many(uint64,uint128[3])", n, *weights, sender=BOB)
    for i in range(n):
        amount = weights[i % 3] * (i % 3 + 1) + (1, 10, 100)[i % 3]
        if amount <= 15:
            expected += 7
            continue
        assert outcome.waits
        payload = selector("transfer(address,uint128)") + words(BOB, amount)
        assert outcome.effects[0].payload == payload
        match next(due):
            case "yes":
                expected += amount
                outcome = stage.answer(outcome, True)
            case "no":
                expected += 1000
                outcome = stage.answer(outcome, False)
            case _:
                expected += 1
                outcome = stage.bounce(outcome)
    assert not outcome.waits
    assert number(outcome.result) == expected


def test_a_method_is_cut_at_its_waits():
    text = print_module(shop().program.module)
    assert "await$" not in text
    resumes = shop().description.continuations
    assert [(each.method, each.asks) for each in resumes] == [
        ("pay", "Token.transfer"),
        ("many", "Token.transfer"),
        ("two", "Token.quote"),
        ("two", "Token.quote"),
    ]


def test_a_chain_of_waits_is_bounded_to_its_end():
    """Each wait keeps back what all behind it will, in whatever order their bounds are found."""
    waits = "\n".join("        n += await self.token.quote2(n)" for _ in range(4))
    text = f"""
from numen import contract, interface, message

@interface
class Token:
    async def quote2(n: u128) -> u128: ...

@contract
class Chained:
    token: Token

    @message
    async def go(self, n: u128) -> u128:
{waits}
        return n
"""
    works = [each.work for each in compiled(text).description.continuations]
    assert all(works)
    assert all(work > 200_000 + after for work, after in pairwise(works))
