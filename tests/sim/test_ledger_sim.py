"""Ledgers of several nodes, of which each seed breaks something else."""

import pytest

from numen.ledger import penalty
from numen.ledger.cell import Cell
from numen.ledger.order.certificate import Electorate
from numen.ledger.order.vote import Entry, follows
from numen.ledger.stakes import Pledges
from numen.node.replica import agree, views
from numen.sim import double_spend, ledger, town
from numen.sim.machine import MemoryBook
from numen.sim.network import NO_FAULTS, Faults
from numen.sim.witness import BrokenError


@pytest.mark.parametrize("seed", range(3))
def test_what_must_hold_holds_whatever_goes_wrong(seed):
    report = ledger.run(seed, faults=700)
    faults = report.faults
    assert faults.total >= 700
    assert min(faults.lost, faults.twice, faults.reordered) > 0
    assert report.blocks >= 4
    assert report.transactions >= 8
    assert report.messages > report.transactions
    assert (report.accused, report.punished) == (1, 1)


@pytest.mark.slow
def test_a_long_storm_is_survived():
    report = ledger.run(11, faults=4_000)
    faults = report.faults
    assert min(faults.lost, faults.twice, faults.reordered, faults.crashes, faults.cut) > 0
    assert report.rejected > 0


def test_a_seed_replays_to_the_last_bit():
    first, again, other = (ledger.run(seed, faults=100) for seed in (5, 5, 6))
    assert first == again
    assert first.root != other.root


def test_without_faults_nothing_is_counted():
    assert ledger.run(1, faults=0, rates=NO_FAULTS).faults.total == 0


@pytest.mark.parametrize("seed", range(40))
def test_one_of_two_payments_of_the_same_coins_is_final(seed):
    report = double_spend.run(seed)
    assert report.winner in "bc"


@pytest.mark.slow
def test_both_payments_win_sometimes_and_payees_are_told():
    reports = [double_spend.run(seed) for seed in range(100, 160)]
    assert {report.winner for report in reports} == {"b", "c"}
    assert sum(report.cancelled for report in reports) > 10
    assert sum(report.faults.crashes for report in reports) > 20


def test_without_faults_payees_who_passed_them_on_are_told():
    reports = [double_spend.run(seed, NO_FAULTS) for seed in range(12)]
    assert sum(report.cancelled for report in reports) >= 4


@pytest.mark.parametrize("seed", range(4))
def test_a_proposer_that_forks_is_accused_and_makes_no_two_final_blocks(seed):
    report = ledger.run(seed, faults=300, liar=ledger.Liar.PROPOSER)
    assert (report.accused, report.punished) == (1, 1)
    assert report.blocks >= 1


@pytest.mark.parametrize("seed", [1, 4])
def test_a_thief_loses_its_bond_and_proposes_no_more(seed):
    report = ledger.run(seed, faults=700, liar=ledger.Liar.THIEF)
    assert (report.accused, report.punished) == (0, 1)
    assert report.blocks >= ledger.THEFT


@pytest.mark.slow
@pytest.mark.parametrize("liar", [each for each in ledger.Liar if each.index >= 0])
def test_exactly_the_liars_lose_their_bonds_under_many_seeds(liar):
    reports = [ledger.run(seed, 1_500, liar=liar) for seed in range(200, 206)]
    lost = sum(report.punished for report in reports)
    assert lost == 0 if liar is ledger.Liar.MUTE else lost > 3


@pytest.mark.parametrize("seed", range(3))
def test_others_propose_where_the_proposer_says_nothing(seed):
    report = ledger.run(seed, faults=300, liar=ledger.Liar.MUTE)
    assert report.accused == 0
    assert report.blocks >= 1


HARSH = Faults(lost=450, twice=50, late=500, cut=150)
"""Views that fail more often than not."""


@pytest.mark.parametrize("seed", [8, 11])
@pytest.mark.parametrize("liar", [ledger.Liar.VOTER, ledger.Liar.PROPOSER])
def test_views_that_fail_decide_nothing_twice_and_end(seed, liar, monkeypatch):
    monkeypatch.setattr(town, "VIEW_MS", 250)
    begun = []
    begin = views._begin
    monkeypatch.setattr(views, "_begin", lambda t, view: (begun.append(view), begin(t, view)))
    report = ledger.run(seed, 600, HARSH, liar)
    assert report.blocks >= 1
    assert begun


@pytest.mark.slow
def test_views_that_fail_are_survived_under_many_seeds(monkeypatch):
    monkeypatch.setattr(town, "VIEW_MS", 250)
    reports = [ledger.run(seed, 500, HARSH, ledger.Liar.PROPOSER) for seed in range(100, 108)]
    assert all(report.blocks for report in reports)


@pytest.mark.parametrize("seed", range(3))
def test_what_must_hold_holds_where_a_log_orders_blocks_that_all_make(seed):
    report = ledger.run(seed, faults=250, is_logged=True)
    assert (report.accused, report.punished) == (1, 1)
    assert report.blocks >= 3


# That the simulation finds what is broken. -------------------------------------------------------


def run_many(seeds, faults, **options):
    for seed in seeds:
        ledger.run(seed, faults, **options)


def test_half_of_the_stake_would_let_a_forking_proposer_part_the_ledger(monkeypatch):
    monkeypatch.setattr(Electorate, "is_enough", lambda self, stake: 2 * stake >= self.total)
    with pytest.raises(BrokenError, match="two final blocks"):
        run_many(range(10), 100, liar=ledger.Liar.PROPOSER)


def test_voters_that_forget_their_votes_would_part_it_too(monkeypatch):
    monkeypatch.setattr(MemoryBook, "enter", lambda self, vote, since: None)
    rates = Faults(crash=60)
    with pytest.raises(BrokenError):
        run_many(range(6, 30), 300, rates=rates, liar=ledger.Liar.PROPOSER)


@pytest.mark.slow
def test_voters_without_locks_would_part_it_too(monkeypatch):
    def enter(book, vote, since):
        if follows(book.entries(vote.height), vote, 1 << 40):  # as if anything were prepared
            entry = Entry(int(vote.view), vote.is_commit, vote.block)
            book._entries.setdefault(vote.height, []).append(entry)

    def remembered(turn, event):
        hear(turn, event)
        turn.set(prepared=None)

    hear = agree.remembered
    monkeypatch.setattr(town, "VIEW_MS", 250)
    monkeypatch.setattr(MemoryBook, "enter", enter)
    monkeypatch.setattr(agree, "_is_free", lambda turn, candidate: True)
    monkeypatch.setattr(agree, "remembered", remembered)
    with pytest.raises(BrokenError, match="two final blocks"):
        run_many(range(8, 40), 600, rates=HARSH)


def test_a_state_that_makes_coins_is_noticed(monkeypatch):
    credit = Cell.credit
    monkeypatch.setattr(Cell, "credit", lambda self, coins: credit(self, coins + (coins % 10 == 7)))
    with pytest.raises(BrokenError, match="coins where there are"):
        run_many(range(3), 600)


def test_a_liar_that_keeps_its_vote_is_noticed(monkeypatch):
    stay = Pledges.without
    monkeypatch.setattr(Pledges, "without", lambda self, keys: stay(self, frozenset()))
    with pytest.raises(BrokenError, match="who has no bond voted"):
        run_many(range(4), 1_000)


def test_bonds_that_are_paid_back_are_noticed(monkeypatch):
    monkeypatch.setattr(penalty, "REPORTER_PART", 1)
    carry_out = penalty.carry_out

    def twice(found, own, maker):
        carry_out(found, own, maker)
        maker.credit(found.reward)

    monkeypatch.setattr(penalty, "carry_out", twice)
    with pytest.raises(BrokenError, match="coins where there are"):
        run_many(range(3), 600)
