"""Stakes: what is pledged stays, fines are split, and nobody pays twice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from numen.market import stake
from numen.market.coins import BURNT, CoinsError, Pocket, issue, wallet
from numen.market.offence import FINE_PERMILLE, Outcome, fine
from numen.market.stake import (
    STAKE_MIN,
    UNBONDING_MS,
    BoundError,
    NotStakedError,
    Role,
    Stakes,
    TooEarlyError,
    TwiceError,
    bind,
    close,
    join,
    leave,
    pledge_of,
    stake_of,
    withdraw,
)

ANN, BOB, CAT = b"a" * 20, b"b" * 20, b"c" * 20
OWNERS, TASKS = [ANN, BOB], [b"t" * 32, b"u" * 32]
owners, tasks = st.sampled_from(OWNERS), st.sampled_from(TASKS)


class Bonds(RuleBasedStateMachine):
    """Joining, pledging, fining and leaving in any order."""

    def __init__(self):
        super().__init__()
        self.stakes, self.coins, self.now = Stakes(), issue(dict.fromkeys(OWNERS, 10_000)), 0

    def attempt(self, action):
        try:
            stakes, moves = action()
            self.coins = self.coins.apply(moves)
        except (stake.StakeError, CoinsError):
            return
        self.stakes = stakes

    @rule(owner=owners, role=st.sampled_from(Role), amount=st.integers(0, 9_000))
    def join(self, owner, role, amount):
        self.attempt(lambda: join(self.stakes, self.coins, owner, role, amount))

    @rule(owner=owners, task=tasks, amount=st.integers(0, 9_000))
    def bind(self, owner, task, amount):
        self.attempt(lambda: bind(self.stakes, task, owner, amount))

    @rule(owner=owners, task=tasks, outcome=st.sampled_from(Outcome))
    def close(self, owner, task, outcome):
        lost = fine(self.stakes.bound.get((task, owner), 0), outcome)
        self.attempt(lambda: close(self.stakes, task, owner, lost, CAT))

    @rule(owner=owners)
    def leave(self, owner):
        self.attempt(lambda: (leave(self.stakes, owner, self.now), ()))

    @rule(owner=owners)
    def withdraw(self, owner):
        self.attempt(lambda: withdraw(self.stakes, self.coins, owner, self.now))

    @rule(ms=st.sampled_from([1, UNBONDING_MS - 1, UNBONDING_MS]))
    def wait(self, ms):
        self.now += ms

    @invariant()
    def every_open_pledge_is_covered_to_the_coin(self):
        assert self.coins.total() == 20_000
        for (task, worker), amount in self.stakes.bound.items():
            assert self.coins.balance(pledge_of(task, worker)) == amount
            assert self.stakes.is_active(worker, Role.WORKER), "nobody leaves with open pledges"
        assert self.coins.in_pocket(Pocket.PLEDGE) == sum(self.stakes.bound.values())
        for owner in OWNERS:
            if owner not in self.stakes.stakers:
                assert self.coins.balance(stake_of(owner)) == 0


TestBonds = Bonds.TestCase
TestBonds.settings = settings(max_examples=40, stateful_step_count=25)


def pledged(amount: int = 4_000):
    coins = issue({ANN: 10_000})
    stakes, moves = join(Stakes(), coins, ANN, Role.WORKER, 5_000)
    coins = coins.apply(moves)
    stakes, moves = bind(stakes, TASKS[0], ANN, amount)
    return stakes, coins.apply(moves)


def test_half_of_a_fine_is_burnt_so_that_reporting_oneself_costs():
    stakes, coins = pledged()
    _, moves = close(stakes, TASKS[0], ANN, 4_000, reporter=ANN)
    coins = coins.apply(moves)

    assert coins.balance(BURNT) == 2_000
    assert coins.balance(wallet(ANN)) + coins.balance(stake_of(ANN)) == 8_000


@given(pledge=st.integers(0, 10_000), outcome=st.sampled_from(Outcome))
def test_a_fine_is_within_the_pledge_and_never_rounds_to_nothing(pledge, outcome):
    lost = fine(pledge, outcome)

    assert 0 <= lost <= pledge
    assert bool(lost) == bool(pledge and FINE_PERMILLE[outcome])


def test_a_pledge_is_closed_once():
    stakes, _ = pledged()
    stakes, _ = close(stakes, TASKS[0], ANN, 4_000, CAT)

    with pytest.raises(TwiceError):
        close(stakes, TASKS[0], ANN, 4_000, CAT)


def test_a_worker_pledges_once_to_a_task():
    stakes, _ = pledged()
    with pytest.raises(TwiceError):
        bind(stakes, TASKS[0], ANN, 1)


def test_nobody_leaves_a_dispute():
    stakes, _ = pledged()
    with pytest.raises(BoundError):
        leave(stakes, ANN, now_ms=0)


def test_a_stake_leaves_after_the_unbonding_and_takes_no_part_meanwhile():
    coins = issue({ANN: 10_000})
    stakes, moves = join(Stakes(), coins, ANN, Role.WORKER, 5_000)
    coins = coins.apply(moves)
    stakes = leave(stakes, ANN, now_ms=10)

    assert not stakes.is_active(ANN, Role.WORKER)
    with pytest.raises(NotStakedError):
        bind(stakes, TASKS[0], ANN, 1)
    with pytest.raises(TooEarlyError):
        withdraw(stakes, coins, ANN, 10 + UNBONDING_MS - 1)
    _, moves = withdraw(stakes, coins, ANN, 10 + UNBONDING_MS)
    assert coins.apply(moves) == issue({ANN: 10_000})


def test_an_identity_costs_the_least_stake():
    coins = issue({ANN: 10_000})
    with pytest.raises(NotStakedError):
        join(Stakes(), coins, ANN, Role.WORKER, STAKE_MIN - 1)
    join(Stakes(), coins, ANN, Role.WORKER, STAKE_MIN)


def test_a_worker_is_no_verifier_with_the_same_stake():
    coins = issue({ANN: 10_000})
    stakes, moves = join(Stakes(), coins, ANN, Role.WORKER, 5_000)
    with pytest.raises(BoundError):
        join(stakes, coins.apply(moves), ANN, Role.VERIFIER, 5_000)
