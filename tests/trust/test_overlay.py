"""Views stay within their bounds whatever is sent, and links are mutual when it is quiet."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from numen.sim.healing import Town, heal
from numen.trust.overlay import (
    ACTIVE_MAX,
    ACTIVE_WALK,
    PASSIVE_MAX,
    Join,
    Link,
    Linked,
    Overlay,
    Shuffle,
    Shuffled,
    Unlink,
    Walk,
)

NODES = st.integers(0, 200)
LISTS = st.lists(NODES, max_size=13).map(tuple)
MESSAGES = st.one_of(
    st.just(Join()), st.just(Unlink()), st.builds(Walk, NODES, st.integers(0, ACTIVE_WALK)),
    st.builds(Link, st.booleans()), st.builds(Linked, st.booleans()), st.builds(Shuffled, LISTS),
    st.builds(Shuffle, NODES, LISTS, st.integers(0, ACTIVE_WALK)),
)  # fmt: skip


@given(st.lists(st.tuples(NODES, MESSAGES | st.none()), max_size=120), st.integers(0, 99))
def test_no_stranger_can_fill_or_poison_a_view(events, seed):
    node = Overlay(0, Random(seed).randrange)
    for sender, message in events:
        out = node.lost(sender) if message is None else node.receive(sender, message)

        assert len(node.active) <= ACTIVE_MAX
        assert len(node.passive) <= PASSIVE_MAX
        assert 0 not in node.active + node.passive
        assert len(set(node.active + node.passive)) == len(node.active) + len(node.passive)
        assert len(out) <= ACTIVE_MAX + 2


def test_links_are_mutual_and_everybody_is_connected():
    town = Town(120, 7)

    assert town.connected() == 1.0
    mutual = sum(
        index in town.alive[other].active
        for index, node in town.alive.items()
        for other in node.active
    )
    assert mutual >= 0.97 * sum(len(node.active) for node in town.alive.values())
    assert all(len(node.active) >= 2 for node in town.alive.values())


def test_survivors_of_nine_in_ten_grow_together():
    found = heal(300, 0.9, 3, seed=3)

    assert found.removed == 270
    assert found.before < 0.7
    assert found.after[-1] >= 0.99


def test_a_seed_replays():
    assert heal(80, 0.5, 2, seed=4) == heal(80, 0.5, 2, seed=4)
