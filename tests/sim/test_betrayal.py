"""A maker of blocks that lies once it is trusted, under many seeds."""

import pytest

from numen.node.replica.plan import Mode
from numen.node.trust.court import Court
from numen.node.trust.evidence import EvidenceError
from numen.sim import betrayal
from numen.sim.network import NO_FAULTS, Faults
from numen.sim.witness import BrokenError

ALL_TRUST = (Mode.EXECUTE, *[Mode.TRUST] * 4)


@pytest.mark.parametrize("seed", [2, 3])
def test_everybody_learns_who_lied_whatever_goes_wrong(seed):
    report = betrayal.run(seed, start=26)
    faults = report.faults
    assert min(faults.lost, faults.twice, faults.reordered) > 0
    assert report.applied > 10  # it had been trusted
    assert not report.is_final
    assert report.punished_ms > 0


@pytest.mark.slow
def test_audits_alone_find_the_lie_too_and_crashes_lose_nothing():
    rates = Faults(crash=2, cut=60)
    reports = [betrayal.run(seed, rates, ALL_TRUST, audit=300_000) for seed in (0, 2)]
    assert min(report.applied for report in reports) > 10
    assert sum(report.faults.crashes for report in reports) > 50


def test_with_an_audit_of_everything_nothing_false_is_ever_final():
    report = betrayal.run(3, NO_FAULTS, ALL_TRUST, start=30, audit=1_000_000)
    assert report.applied == 0
    assert not report.is_final
    assert report.punished_ms == 0  # nobody else makes blocks


def test_a_seed_replays():
    assert betrayal.run(5, start=8) == betrayal.run(5, start=8)


def test_the_simulation_sees_where_evidence_is_not_understood(monkeypatch):
    def judge(self, lie):
        raise EvidenceError("nothing is ever shown")

    monkeypatch.setattr(Court, "judge", judge)
    monkeypatch.setattr(betrayal, "WAIT_MS", 4_000)  # all know within 28
    with pytest.raises(BrokenError, match="know who lied"):
        betrayal.run(1, NO_FAULTS, start=10)
