"""Numbers as people read them."""

import pytest

from numen.base.words import counted, percent


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 steps"), (1, "1 step"), (2, "2 steps"), (1234, "1,234 steps")]
)
def test_one_thing_is_no_plural(count, words):
    assert counted(count, "step") == words


@pytest.mark.parametrize(
    ("millionths", "words"),
    [(0, "0%"), (262_500, "26.2%"), (499_999, "49.9%"), (500_000, "50%"), (1_000_000, "100%")],
)
def test_a_share_that_is_not_reached_does_not_read_as_if_it_were(millionths, words):
    assert percent(millionths) == words
