"""Colluders get next to nothing through; fixed replication is dearer, or worse, or both."""

import pytest

from numen.sim.credibility import Colluders, Setting, adaptive, fixed

HONEST_MOSTLY = (Colluders.ALWAYS, Colluders.AT_TIMES, Colluders.SLEEPERS)


@pytest.mark.parametrize("colluders", HONEST_MOSTLY)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_fifth_of_colluders_is_held_at_two_and_a_half_answers(colluders, seed):
    """The bar: at most 2.5 answers a task, learning included, and under one wrong in a thousand."""
    found = adaptive(Setting(colluders, seed=seed))

    assert found.replicas <= 2.5
    assert found.late_replicas <= 2.05
    assert found.wrong * 1000 < found.tasks
    assert found.caught >= 20, "every colluder was found at least once"


def test_who_lies_only_when_alone_is_held_by_spot_checks_alone():
    rare, often = (adaptive(Setting(Colluders.CUNNING, audit_one_in=each)) for each in (10**6, 2))

    assert rare.wrong > 10 * often.wrong
    assert often.wrong * 1000 < often.tasks


def test_nobody_is_hurt_where_nobody_lies():
    found = adaptive(Setting(Colluders.ALWAYS, percent=0))

    assert found.wrong == found.caught == 0
    assert found.late_replicas <= 2.05


def test_fixed_replication_is_worse_at_more_answers():
    ours = adaptive(Setting(Colluders.ALWAYS))
    three, twelve = fixed(Setting(Colluders.ALWAYS), 3), fixed(Setting(Colluders.ALWAYS), 12)

    assert three.wrong > 100 * max(ours.wrong, 1)
    assert three.replicas > ours.replicas
    assert twelve.wrong * 1000 < twelve.tasks
    assert twelve.replicas > 5 * ours.replicas


def test_one_seed_is_one_run():
    setting = Setting(Colluders.SLEEPERS, tasks=300, seed=7)
    assert adaptive(setting) == adaptive(setting)
