"""The token of the examples, against a dictionary."""

from collections import Counter
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.vm.host import Event, Kind, Reason
from tests.contracts.stage import (
    ALICE,
    BOB,
    CAROL,
    Stage,
    example,
    number,
    refusal,
    selector,
    words,
)

SUPPLY = 1000
PEOPLE = (ALICE, BOB, CAROL)


@cache
def token_contract():
    return example("erc20")


@pytest.fixture
def token() -> Stage:
    stage = Stage(token_contract())
    stage.create(SUPPLY)
    return stage


def balance(stage: Stage, owner: bytes) -> int:
    return number(stage.look("balanceOf(address)", owner))


def test_the_constructor_gives_everything_to_the_creator(token):
    assert balance(token, ALICE) == SUPPLY
    assert number(token.look("totalSupply()")) == SUPPLY


def test_a_transfer_moves_coins_and_says_so_in_ethereums_shape(token):
    outcome = token.told("transfer(address,uint128)", BOB, 300)
    assert outcome.result == words(True)
    topics = (keccak256(b"Transfer(address,address,uint128)"), words(ALICE), words(BOB))
    assert outcome.effects == (Event(topics, words(300)),)
    assert (balance(token, ALICE), balance(token, BOB)) == (700, 300)


def test_slots_are_where_solidity_keeps_them(token):
    assert token.state[0] == SUPPLY
    key = int.from_bytes(keccak256(words(ALICE, 1)), "big")
    assert token.state[key] == SUPPLY
    token.told("approve(address,uint128)", BOB, 5)
    outer = keccak256(words(ALICE, 2))
    assert token.state[int.from_bytes(keccak256(words(BOB), outer), "big")] == 5


def test_too_much_is_refused_with_the_error_of_the_contract(token):
    outcome = token.ask("transfer(address,uint128)", BOB, SUPPLY + 1)
    assert outcome.failure is not None
    assert outcome.failure.reason is Reason.REVERTED
    data = selector("Insufficient(uint128,uint128)") + words(SUPPLY, SUPPLY + 1)
    assert outcome.failure.data == data


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.ABSENT),
        (b"\1\2\3", Reason.ABSENT),
        (selector("burn()"), Reason.ABSENT),
        (selector("move(address,address,uint128)") + words(ALICE, BOB, 1), Reason.ABSENT),
        (selector("transfer(address,uint128)"), Reason.REVERTED),
        (selector("transfer(address,uint128)") + words(BOB, 1)[:-1], Reason.REVERTED),
        (selector("transfer(address,uint128)") + words(BOB, 1) + b"\0", Reason.REVERTED),
        (selector("transfer(address,uint128)") + bytes(10_000), Reason.REVERTED),
        (selector("transfer(address,uint128)") + words(1 << 160, 1), Reason.REVERTED),
        (selector("transfer(address,uint128)") + words(BOB, 1 << 128), Reason.TRAPPED),
    ],
)
def test_what_is_not_a_message_is_refused(token, payload, reason):
    outcome = token.play(Kind.REQUEST, payload)
    assert outcome.failure is not None
    assert outcome.failure.reason is reason


def test_coins_are_taken_only_where_the_message_is_payable(token):
    outcome = token.ask("transfer(address,uint128)", BOB, 1, value=1)
    assert refusal(outcome) == "transfer takes no coins"


def test_work_is_bounded(token):
    needed = token.ask("transfer(address,uint128)", BOB, 1).work
    enough = token.ask("transfer(address,uint128)", BOB, 1, work=needed)
    assert enough.failure is None
    short = token.ask("transfer(address,uint128)", BOB, 1, work=needed - 1)
    assert short.failure is not None
    assert short.failure.reason is Reason.OUT_OF_WORK


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["transfer", "approve", "transferFrom"]),
            st.sampled_from(PEOPLE),
            st.sampled_from(PEOPLE),
            st.sampled_from(PEOPLE),
            st.integers(0, 700),
        ),
        max_size=12,
    )
)
@settings(deadline=None)
def test_any_play_is_that_of_a_dictionary(play):
    stage = Stage(token_contract())
    stage.create(SUPPLY)
    coins, allowed = Counter({ALICE: SUPPLY}), Counter()
    for what, caller, owner, to, amount in play:
        if what == "approve":
            stage.told("approve(address,uint128)", to, amount, sender=caller)
            allowed[caller, to] = amount
            continue
        if what == "transfer":
            payer, may = caller, True
            outcome = stage.ask("transfer(address,uint128)", to, amount, sender=caller)
        else:
            payer, may = owner, allowed[owner, caller] >= amount
            signature = "transferFrom(address,address,uint128)"
            outcome = stage.ask(signature, owner, to, amount, sender=caller)
        assert (outcome.failure is None) == (may and coins[payer] >= amount)
        if outcome.failure is None:
            coins[payer] -= amount
            coins[to] += amount
            if what == "transferFrom":
                allowed[owner, caller] -= amount
    assert {owner: balance(stage, owner) for owner in PEOPLE} == {o: coins[o] for o in PEOPLE}
