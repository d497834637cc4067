"""Views of nodes together: who is gone is followed, and whoever is alone waits."""

from numen.node.replica.packet import Held, Wish
from numen.sim.liars import Honest
from numen.sim.town import VIEW_MS
from tests.node.replica.test_life import (  # noqa: F401 - `start` is a fixture
    BOB,
    CAST,
    call,
    heights,
    roots,
    start,
    tell,
)


def test_another_proposes_for_who_is_gone_and_goes_on_without_waiting(start):  # noqa: F811
    town, probe = start(up=range(1, 5))
    tell(town, 2, call(0, BOB, coins=5))
    town.wait(3 * VIEW_MS)
    assert heights(Up(town)) == [1] * 4
    maker = town.machines[1].body.ledger.block(1).header.maker
    assert maker == CAST.nodes[1]

    tell(town, 2, call(1, BOB, coins=5))
    town.wait(VIEW_MS // 2)  # who made the last block makes the next: nothing runs out
    assert heights(Up(town)) == [2] * 4
    town.machines[0].start()
    tell(town, 0, call(2, BOB, coins=5))
    town.wait(VIEW_MS)
    assert heights(town) == [3] * 5
    assert len(roots(town)) == 1
    assert len(probe.heard[Held]) == 3


class Up:
    """The machines of a town but the first."""

    def __init__(self, town):
        self.machines = town.machines[1:]


def test_who_is_alone_wishes_and_stays_where_it_is(start):  # noqa: F811
    town, _ = start(up=[1])
    tell(town, 1, call(0, BOB, coins=5))
    town.wait(20 * VIEW_MS)
    replica = town.machines[1].node.replica
    assert (replica.view, replica.wish, replica.height) == (0, 1, 0)


def test_less_than_a_third_of_liars_begin_no_view(start):  # noqa: F811
    class Hurried(Honest):
        def say(self, honest):
            yield honest
            if not isinstance(honest.packet, Wish):
                yield type(honest)(honest.to, Wish(1, 1_000_000, 7))

    town, _ = start({3: Hurried()})
    town.wait(20 * VIEW_MS)
    assert max(machine.node.replica.view for machine in town.machines[:3]) < 10
    tell(town, 1, call(0, BOB, coins=5))
    town.wait(200 * VIEW_MS)
    assert heights(town) == [1] * 5


class NoCommits(Honest):
    """Loses votes to commit for a while."""

    is_on = True

    def say(self, honest):
        signed = getattr(honest.packet, "signed", None)
        if not self.is_on or signed is None or not signed.vote.is_commit:
            yield honest


def test_what_was_prepared_is_proposed_again_by_others_after_everybody_crashed(start):  # noqa: F811
    mouths = {index: NoCommits() for index in range(5)}
    town, probe = start(mouths)
    tell(town, 1, call(0, BOB, coins=5))
    town.wait(VIEW_MS // 2)
    prepared = {machine.node.replica.prepared.block for machine in town.machines[:4]}
    assert len(prepared) == 1
    assert heights(town) == [0] * 5
    for machine in town.machines:
        machine.node = None
    for mouth in mouths.values():
        mouth.is_on = False
    for machine in town.machines[1:]:
        machine.start()
    assert town.machines[1].node.replica.lock is not None
    town.wait(8 * VIEW_MS)
    assert heights(Up(town)) == [1] * 4
    (block,) = prepared
    assert town.machines[2].body.ledger.raw_block(1) == block
    assert len(probe.heard[Held]) == 0  # nobody remembers who asked
