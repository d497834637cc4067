"""Colluders get next to nothing through; fixed replication is dearer, or worse, or both."""

import pytest

from numen.sim.credibility import ALONE, Colluders, Setting, adaptive, fixed

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


def test_who_lies_only_where_nobody_contradicts_is_held_by_looking_again():
    found = adaptive(Setting(Colluders.CUNNING))
    blind = adaptive(Setting(Colluders.CUNNING, is_vigilant=False, audit_one_in=10**6))

    assert found.wrong * 1000 < found.tasks
    assert found.replicas <= 2.5
    assert found.recalled <= found.wrong == sum(found.tenths)
    assert blind.wrong > 10 * found.wrong


@pytest.mark.slow
@pytest.mark.parametrize("colluders", sorted(ALONE, key=repr))
def test_whoever_waits_or_comes_back_gets_no_more_through(colluders):
    """One in a thousand is what is expected of the worst of them, and seeds differ."""
    found = [adaptive(Setting(colluders, seed=seed)) for seed in range(12)]

    assert sum(each.wrong_permille for each in found) / len(found) < 1.25
    assert sum(each.standing_permille for each in found) < sum(
        each.wrong_permille for each in found
    )


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
