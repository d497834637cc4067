"""Coins leave the contract as their owner says, once; and a node is an account's as both say."""

from functools import partial

import pytest
from msgspec import structs

from numen.market.coins import OUTSIDE, wallet
from numen.market.contracts.asks import VERBS, Ask, node_args
from numen.market.escrow import UNLOCK_ROUNDS, deposit_of, reserve_of
from numen.market.exchange import ROUND_MS, Verb, step
from numen.market.message import Call, sign
from numen.market.registry import (
    NO_NODE,
    RegistryError,
    check_channel,
    check_consent,
    registration,
)
from numen.market.stake import UNBONDING_MS, stake_of
from numen.net.identity import NodeKey
from tests.market import byhand, town
from tests.market.byhand import ANN, BOB, NOTARY, PROVIDER, STRANGER
from tests.market.contracts.twin import TwinDesk, TwinOpening

ONE, OTHER = NodeKey.from_seed(b"one"), NodeKey.from_seed(b"other")


@pytest.fixture(autouse=True)
def _twinned(monkeypatch):
    monkeypatch.setattr(town, "Opening", TwinOpening)


def call(table: TwinDesk, key, verb: Verb, amount: int = 0) -> Call:
    nonce = table.market.nonces.get(key.address, 0)
    return Call(table.market.identity, key.address, nonce, verb.value, amount)


def told(body: Call, key) -> Ask:
    """What the contract would be asked, whatever the market says of it."""
    verb = VERBS.index(Verb(body.verb))
    return Ask("call", (body.owner, body.nonce, verb, body.amount, sign(key, body).signature))


def test_free_coins_leave_to_their_owner_once():
    table = TwinDesk()
    twin, free = table.twin, table.market.coins.balance(wallet(ANN.address))
    first = call(table, ANN, Verb.TAKE_OUT, 700)
    table.post(ANN, first)

    assert twin.chain.balance(ANN.address) == 700
    assert table.market.coins.balance(OUTSIDE) == 700
    assert table.refused(ANN, first) == "call number 1 where 2 should follow"
    assert "does not follow" in twin.refusal(told(first, ANN), table.now)
    for amount in (0, free - 700 + 1, 2**64 - 1):
        much = call(table, ANN, Verb.TAKE_OUT, amount)
        assert table.refused(ANN, much)
        assert twin.refusal(told(much, ANN), table.now)
    rest = call(table, ANN, Verb.TAKE_OUT, free - 700)
    for forged in (
        Ask("call", (*told(rest, ANN).args[:3], 1, sign(ANN, rest).signature)),
        Ask("call", (BOB.address, *told(rest, ANN).args[1:])),
        told(structs.replace(rest, market=bytes(32)), ANN),
    ):
        assert "another account" in twin.refusal(forged, table.now)
    table.post(ANN, rest)
    assert twin.chain.balance(ANN.address) == free
    assert table.market.coins.balance(wallet(ANN.address)) == 0


def test_what_is_staked_or_backs_tickets_does_not_leave_before_its_time():
    table = TwinDesk()
    twin, coins = table.twin, table.market.coins
    aside = sum(coins.balance(of(PROVIDER.address)) for of in (deposit_of, reserve_of))
    everything = coins.balance(wallet(PROVIDER.address)) + aside
    assert aside > 0
    too_much = call(table, PROVIDER, Verb.TAKE_OUT, everything)
    assert table.refused(PROVIDER, too_much)
    assert "not there" in twin.refusal(told(too_much, PROVIDER), table.now)
    early = call(table, PROVIDER, Verb.WITHDRAW)
    assert "locked" in twin.refusal(told(early, PROVIDER), table.now)
    table.post(PROVIDER, call(table, PROVIDER, Verb.UNLOCK))
    table.now = UNLOCK_ROUNDS * ROUND_MS - 1
    assert "locked" in table.refused(PROVIDER, call(table, PROVIDER, Verb.WITHDRAW))
    assert "locked" in twin.refusal(told(call(table, PROVIDER, Verb.WITHDRAW), PROVIDER), table.now)
    table.now += 1  # no time was told in between: rounds begin with the call
    table.post(PROVIDER, call(table, PROVIDER, Verb.WITHDRAW))
    table.post(PROVIDER, call(table, PROVIDER, Verb.TAKE_OUT, everything))
    assert twin.chain.balance(PROVIDER.address) == everything

    staked = table.market.coins.balance(stake_of(ANN.address))
    free = table.market.coins.balance(wallet(ANN.address))
    table.post(ANN, call(table, ANN, Verb.LEAVE))
    assert twin.refusal(told(call(table, ANN, Verb.TAKE_OUT, free + 1), ANN), table.now)
    table.now += UNBONDING_MS
    table.post(ANN, call(table, ANN, Verb.UNSTAKE))
    table.post(ANN, call(table, ANN, Verb.TAKE_OUT, free + staked))
    assert twin.chain.balance(ANN.address) == free + staked


def test_a_market_without_a_ledger_pays_nothing_out(monkeypatch):
    monkeypatch.undo()
    table = byhand.Desk()
    assert "no verb" in table.refused(ANN, call(table, ANN, Verb.TAKE_OUT, 5))


def registering(table: TwinDesk, key, node):
    nonce = table.market.nonces.get(key.address, 0)
    return registration(table.market.identity, key.address, nonce, node)


def asked(message, key) -> Ask:
    return Ask("register", (key.address, node_args(message), sign(key, message).signature))


def test_a_node_is_an_accounts_as_both_say_and_no_others():
    table = TwinDesk()
    body = partial(registering, table)
    first = body(ANN, ONE)
    table.post(ANN, first)
    twin, market = table.twin, table.market
    assert market.nodes == {ANN.address: ONE.id}
    check_channel(market, ANN.address, ONE.id)
    check_channel(market, BOB.address, OTHER.id)
    for account, node in ((ANN, OTHER), (BOB, ONE)):
        with pytest.raises(RegistryError):
            check_channel(market, account.address, node.id)

    # Again, by another account, for who has no stake, and signed by another account.
    assert "follow" in table.refused(ANN, first)
    assert "does not follow" in twin.refusal(asked(first, ANN), table.now)
    assert "another account" in table.refused(BOB, body(BOB, ONE))
    assert "another account" in twin.refusal(asked(body(BOB, ONE), BOB), table.now)
    assert "no stake" in twin.refusal(asked(body(STRANGER, OTHER), STRANGER), table.now)
    assert "stake" in table.refused(STRANGER, body(STRANGER, OTHER))
    args = asked(body(BOB, OTHER), BOB).args
    forged = Ask("register", (*args[:2], sign(ANN, body(ANN, OTHER)).signature))
    assert "another account signed" in twin.refusal(forged, table.now)

    # A node that did not agree: everybody who reads the ledger sees it, and no market takes it.
    for lie in (
        structs.replace(body(BOB, OTHER), node=NodeKey.from_seed(b"third").id),
        structs.replace(body(BOB, OTHER), possession=body(ANN, OTHER).possession),
        structs.replace(body(BOB, OTHER), node=NO_NODE),
        structs.replace(body(BOB, None), node=bytes([255]) * 32),
    ):
        assert table.refused(BOB, lie)


def test_a_registration_is_replaced_taken_off_and_goes_with_the_stake():
    table = TwinDesk()
    body, twin = partial(registering, table), table.twin
    table.post(ANN, body(ANN, ONE))
    table.post(ANN, body(ANN, OTHER))  # a change frees the old one
    table.post(BOB, body(BOB, ONE))
    key, nonce, *possession = twin.contract.view("node_of", BOB.address)
    raw = b"".join(part.to_bytes(32, "big") for part in possession)
    shown = body(BOB, ONE)
    check_consent(structs.replace(shown, nonce=nonce, node=key.to_bytes(32, "big"), possession=raw))
    table.post(ANN, body(ANN, None))
    assert table.market.nodes == {BOB.address: ONE.id}
    table.post(BOB, call(table, BOB, Verb.LEAVE))
    table.now += UNBONDING_MS
    table.post(BOB, call(table, BOB, Verb.UNSTAKE))
    assert not table.market.nodes, "a node goes with its owner's stake"


def test_a_registration_for_another_market_is_none():
    table = TwinDesk()
    body = registration(bytes(32), ANN.address, table.market.nonces[ANN.address], ONE)
    _, (event,) = step(table.market, byhand.Post(sign(ANN, body)), table.now, NOTARY)
    assert "another market" in event.reason
