"""Coins move; they are never made and never lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from numen.market.coins import (
    BURNT,
    SUPPLY_MAX,
    Account,
    Ledger,
    NotEnoughError,
    Pocket,
    Transfer,
    issue,
    wallet,
)

OWNERS = [bytes([i]) * 20 for i in range(3)]
accounts = st.builds(Account, st.sampled_from(Pocket), st.sampled_from(OWNERS))
amounts = st.sampled_from([0, 1, 2**63 - 1]) | st.integers(-10, 2_000)
transfers = st.builds(Transfer, accounts, accounts, amounts, st.just("test"))


class Bank(RuleBasedStateMachine):
    """Random transfers, refused ones included, against a plain dictionary."""

    def __init__(self):
        super().__init__()
        self.ledger = issue(dict.fromkeys(OWNERS, 1_000))
        self.plain = {wallet(owner): 1_000 for owner in OWNERS}

    @rule(batch=st.lists(transfers, max_size=4))
    def move(self, batch):
        want = dict(self.plain)
        possible = True
        for t in batch:
            possible = possible and 0 <= t.amount <= want.get(t.source, 0)
            if possible:
                want[t.source] = want.get(t.source, 0) - t.amount
                want[t.target] = want.get(t.target, 0) + t.amount
        if possible:
            self.ledger = self.ledger.apply(batch)
            self.plain = want
        else:
            with pytest.raises(NotEnoughError):
                self.ledger.apply(batch)

    @invariant()
    def nothing_is_made_or_lost(self):
        assert self.ledger.total() == 3_000
        assert self.ledger.balances == {a: held for a, held in self.plain.items() if held}
        assert sum(self.ledger.in_pocket(pocket) for pocket in Pocket) == 3_000


TestBank = Bank.TestCase
TestBank.settings = settings(max_examples=30, stateful_step_count=15)


def test_a_refused_batch_changes_nothing():
    ledger = issue({OWNERS[0]: 10})
    good = Transfer(wallet(OWNERS[0]), BURNT, 10, "burn")
    bad = Transfer(wallet(OWNERS[0]), BURNT, 1, "burn")

    with pytest.raises(NotEnoughError) as caught:
        ledger.apply((good, bad))

    assert (caught.value.transfer, caught.value.held) == (bad, 0)
    assert ledger == issue({OWNERS[0]: 10})


def test_burnt_coins_are_still_counted():
    ledger = issue({OWNERS[0]: 10}).apply((Transfer(wallet(OWNERS[0]), BURNT, 4, "burn"),))

    assert (ledger.balance(BURNT), ledger.total()) == (4, 10)


@given(held=st.integers(0, SUPPLY_MAX - 1))
def test_accounts_without_coins_are_absent(held):
    ledger = issue({OWNERS[0]: held})
    emptied = ledger.apply((Transfer(wallet(OWNERS[0]), wallet(OWNERS[1]), held, "all"),))

    assert emptied == issue({OWNERS[1]: held})
    assert 0 not in emptied.balances.values()
    assert Ledger({}).total() == 0
