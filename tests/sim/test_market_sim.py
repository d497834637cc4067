"""A market is run for days while everything breaks: all must hold, and what does not is seen."""

import msgspec
import pytest

from numen.base.codec import decode, encode
from numen.market import coins, stake
from numen.market.coins import Pocket
from numen.node.market.replica import Replica
from numen.node.market.snapshot import read_state
from numen.sim.market import day
from numen.sim.market.day import run
from numen.sim.market.remembering import Remembering
from numen.sim.network import NO_FAULTS
from numen.sim.witness import BrokenError

QUICK = {"hours": 3, "tasks": 6}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everything_holds_in_a_day_in_which_much_breaks(seed):
    report = run(seed, **QUICK)

    assert report.tasks
    assert sum(report.ended.values()) == report.tasks
    assert report.faults.total
    assert report.refused == 0, "what changes nothing is not written down"


@pytest.mark.slow
def test_everything_holds_in_whole_days():
    reports = [run(seed) for seed in range(100, 105)]

    assert sum(report.ended.get("settled", 0) for report in reports) > 40
    for what in ("slashed", "redeemed", "resold", "deceived"):
        assert sum(getattr(report, what) for report in reports), what
    for fault in ("lost", "twice", "cut", "crashes"):
        assert sum(getattr(report.faults, fault) for report in reports), fault


def test_one_seed_is_one_run():
    one, again = run(7, **QUICK), run(7, **QUICK)

    assert one == again
    assert one.head != run(8, **QUICK).head


def test_nothing_breaks_where_nothing_breaks():
    report = run(5, rates=NO_FAULTS, **QUICK)
    assert report.faults.crashes == report.faults.lost == 0


def run_some(**given) -> None:
    for seed in range(1, 6):
        run(seed, **QUICK | given)


def sabotage(monkeypatch, kind, name, change):
    original = getattr(kind, name)
    monkeypatch.setattr(kind, name, lambda *given, **more: change(original(*given, **more)))


def test_a_coin_that_appears_is_seen_with_the_seed(monkeypatch):
    def one_more(ledger):
        for account, held in ledger.balances.items():
            if account.pocket is Pocket.BURNT:
                return msgspec.structs.replace(
                    ledger, balances={**ledger.balances, account: held + 1}
                )
        return ledger

    sabotage(monkeypatch, coins.Ledger, "apply", one_more)
    with pytest.raises(BrokenError, match=r"coins where there are .*numen sim market --seed"):
        run_some()


def test_a_pledge_that_is_forgotten_is_seen(monkeypatch):
    def forgotten(closed):
        stakes, moves = closed
        return stakes, tuple(m for m in moves if m.reason != "release")

    sabotage(monkeypatch, stake, "close", forgotten)
    with pytest.raises(BrokenError, match="pledge"):
        run_some()


def test_a_task_that_does_not_end_is_seen(monkeypatch):
    monkeypatch.setattr(day, "REST_MS", 1)
    monkeypatch.setattr(day, "HOUR_MS", 40_000)
    with pytest.raises(BrokenError, match=r"did not end|another market"):
        run_some(hours=2, tasks=12)


def test_who_remembers_is_who_applies():
    """A replica that remembers gives what one that does not gives, snapshots too."""
    seen = []

    day_ = day._Day(3, 3, NO_FAULTS)
    genesis = day_._witness._replica.genesis
    day_._hall._witness = lambda raw: (seen.append(raw), day_._witness.look(raw))
    day_.run(8)
    plain, known = (kind(genesis, day.Notary()) for kind in (Replica, Remembering))
    for raw in seen:
        assert plain.read(raw) == known.read(raw)
    assert plain.head == known.head
    assert plain.market == known.market
    state = read_state(plain.snapshot())
    assert Replica.restored(genesis, state, day.Notary()).market == plain.market
    assert plain.market.store.entries
    assert encode(decode(day.Entry, seen[0])) == seen[0]
    Remembering.forget()
