"""The ledger for tests, with contracts of Solidity on it."""

import json
from pathlib import Path

import pytest

from numen.testing import Chain, SentError, explore

ROOT = Path(__file__).parents[2]
CODES = json.loads((ROOT / "bench/contracts/artifacts.json").read_text())["contracts"]


@pytest.fixture
def chain() -> Chain:
    return Chain()


def token_on(chain: Chain):
    token = chain.deploy(CODES["Token"], name="token")
    token.send("initialize", "Coin", "C", chain.people[0], 1000).unwrap()
    return token


def test_a_contract_is_deployed_asked_and_looked_at(chain):
    ann, bob = chain.people[:2]
    token = token_on(chain)
    sent = token.send("transfer", bob, 30, sender=ann)

    assert sent.result() is True
    assert token.view("balanceOf", bob) == 30
    assert sent.events() == [("Transfer", {"from": ann.address, "to": bob.address, "value": 30})]


def test_a_refusal_is_told_with_its_error(chain):
    token = token_on(chain)
    sent = token.send("transfer", chain.people[0], 30, sender=chain.people[1])

    assert sent.failure is not None
    with pytest.raises(SentError, match="InsufficientBalance"):
        sent.result()


def test_what_followed_is_drawn_as_a_tree(chain):
    token = token_on(chain)
    payroll = chain.deploy(CODES["Payroll"], name="payroll")
    # The contract expects an answer of a call, which there is none of: it reverts.
    sent = payroll.send("pay", token, 1, 1, 5)

    assert "request ann -> payroll pay: failed, reverted" in sent.tree()


def test_coins_are_paid(chain):
    ann, bob = chain.people[:2]
    before = chain.balance(bob)
    assert chain.pay(bob, 5, sender=ann).failure is None
    assert chain.balance(bob) == before + 5


def test_every_order_of_two_senders_is_tried():
    def story():
        chain = Chain()
        ann, bob, cleo = chain.people[:3]
        token = token_on(chain)
        token.send("transfer", bob, 10, sender=ann)
        race = [
            (ann, token.request("transfer", bob, 995)),
            (bob, token.request("transfer", ann, 10)),
            (cleo, token.request("approve", ann, 1)),
        ]
        return chain, race

    outcomes = list(explore(story))
    assert len(outcomes) == 6  # 3! orders of three senders
    assert len({o.choices for o in outcomes}) == 6
    succeeded = [sum(r.failure is None for r in o.receipts) for o in outcomes]
    assert sorted(succeeded) == [2, 2, 2, 3, 3, 3]  # ann has 990 until bob pays her

    drawn = list(explore(story, orders=5, seed=3))
    assert len(drawn) == 5
