"""Whom nodes look at: everybody where they are few, else a small world that mends itself."""

from collections import deque

import pytest

from numen.node.trust.circle import LOST_STEPS, SHUFFLE_STEPS, Circle, Dice
from numen.trust.overlay import ACTIVE_MAX


class Circles:
    """Circles of many nodes, and the messages between them."""

    def __init__(self, count):
        self.circles = {
            at: Circle(at, count, Dice(b"secret %d" % at, b"life 1")) for at in range(count)
        }
        self.step = 0
        self.waiting = deque()
        for at in range(count):
            self.send(at, self.circles[at].begin())
            self.settle()

    def send(self, sender, out):
        self.waiting.extend((sender, to, message) for to, message in out)

    def settle(self):
        while self.waiting:
            sender, to, message = self.waiting.popleft()
            if to in self.circles:
                self.circles[to].heard(sender)
                self.send(to, self.circles[to].receive(sender, message))

    def run(self, steps):
        """Each node asks one of its circle in each step, and mends its links."""
        for _ in range(steps):
            self.step += 1
            for at, circle in self.circles.items():
                if circle.active:
                    target = circle.active[self.step % len(circle.active)]
                    if target in self.circles:
                        circle.heard(target)
                    else:
                        self.send(at, circle.silent(target))
                self.send(at, circle.mend(self.step))
            self.settle()

    def reached(self):
        """How many nodes links lead to from the first."""
        first = next(iter(self.circles))
        seen, queue = {first}, [first]
        while queue:
            fresh = set(self.circles[queue.pop()].active) & set(self.circles) - seen
            seen |= fresh
            queue += fresh
        return len(seen)


@pytest.mark.parametrize("count", [2, ACTIVE_MAX + 1])
def test_few_nodes_look_at_everybody_and_need_no_messages(count):
    circle = Circle(1, count, Dice(b"", b""))
    assert circle.is_whole
    assert circle.active == tuple(at for at in range(count) if at != 1)
    assert circle.begin() == circle.mend(SHUFFLE_STEPS) == []
    assert [circle.silent(0) for _ in range(LOST_STEPS + 1)] == [[]] * (LOST_STEPS + 1)
    assert circle.is_silent(0)
    circle.heard(0)
    assert not circle.is_silent(0)


def test_many_nodes_have_few_links_that_lead_to_all():
    town = Circles(64)
    town.run(12)
    assert town.reached() == 64
    links = [len(circle.active) for circle in town.circles.values()]
    assert min(links) >= ACTIVE_MAX // 2
    assert max(links) <= ACTIVE_MAX
    assert all(at not in circle.active for at, circle in town.circles.items())


def test_links_to_nodes_that_vanish_are_replaced():
    town = Circles(64)
    town.run(12)
    for gone in range(0, 64, 2):
        del town.circles[gone]
    town.run(60)
    assert town.reached() == 32
    alive = [sum(at in town.circles for at in circle.active) for circle in town.circles.values()]
    assert min(alive) >= 3


def test_chance_differs_between_nodes_and_lives_and_replays():
    draws = [
        [Dice(secret, salt).below(1000) for _ in range(2)]
        for secret, salt in ((b"a", b"1"), (b"a", b"1"), (b"a", b"2"), (b"b", b"1"))
    ]
    assert draws[0] == draws[1]
    assert len({tuple(each) for each in draws}) == 3
