"""A node of a ledger of several shows its blocks, whom it trusts, and all bonds."""

import asyncio
from functools import partial

import pytest

from numen.ledger.stakes import REPORTER_PART
from numen.ledger.tree import TreeError
from numen.node.ledger.follower import Follower
from numen.node.replica.body import Body
from numen.node.replica.liar import Liar
from numen.node.replica.plan import Mode
from numen.watch.market import About
from numen.watch.replica import ReplicaSource, of_stakes
from tests.node.trust.neighbours import Neighbours
from tests.watch.test_metrics import of, read

MODES = (Mode.EXECUTE, Mode.EXECUTE, Mode.APPLY)


@pytest.fixture(scope="module")
def near():
    made = Neighbours(MODES, bodies=dict.fromkeys(range(3), partial(Body, is_indexed=True)))
    made.pay(3)
    made.steps(6)
    return made


def follower(near, index) -> Follower:
    body = near.body(index)
    members = body.watch.members.roster.members
    names = tuple(f"node-{near.cast.nodes.index(address)}" for address in members)
    key = near.cast.keys[index]
    return Follower(body.world, key, body.plan, body.watch, names, lambda _: None)


def source_of(near, index) -> ReplicaSource:
    """A source that has looked once."""
    node = follower(near, index)

    async def look(work):
        return work(node)

    async def once():
        source = ReplicaSource(About("ledger", "node", f"node-{index}"), look)
        assert source.sections() == {}
        following = asyncio.create_task(source.follow())
        while not source.sections():
            await asyncio.sleep(0)
        following.cancel()
        return source

    return asyncio.run(once())


@pytest.mark.parametrize("index", [1, 2])
def test_blocks_and_trust_are_the_node_s(near, index):
    source = source_of(near, index)
    shown, watch = source.sections(), near.body(index).watch

    assert shown["ledger"]["height"] == 3
    assert [block.transactions for block in shown["blocks"]] == [1, 1, 1]
    assert sorted(shown["about"].names.values()) == ["node-0", "node-1", "node-2"]
    roles = {node["id"]: node["role"] for node in shown["trust"]["nodes"]}
    assert roles[watch.members.address(watch.me).hex()] == "observer"
    assert shown["trust"]["edges"]
    assert not any(edge["bad"] for edge in shown["trust"]["edges"])
    found = read(source.metrics())
    assert of(found, "numen_trust_nodes", verdict="trusted") == list(roles.values()).count(
        "trusted"
    )
    assert of(found, "numen_ledger_height") == 3
    bonds = shown["bonds"]["bonds"]
    assert {bond["id"] for bond in bonds} == {
        address for address, name in shown["about"].names.items() if name != "node-2"
    }  # which applies only
    assert {(bond["left"], bond["votes"], bond["loss"]) for bond in bonds} == {(10**6, True, None)}
    assert of(found, "numen_ledger_bond_coins", to="left") == len(bonds) * 10**6
    assert of(found, "numen_ledger_bonds_taken") == 0


@pytest.fixture(scope="module")
def robbed():
    """The same, where the maker steals from block 2 on, and is found out."""
    bodies = {index: partial(Body, is_indexed=True) for index in range(1, 4)}
    bodies[0] = partial(Liar, start=2, is_indexed=True)
    made = Neighbours((Mode.EXECUTE,) * 4, bodies=bodies)
    made.pay(3)
    made.steps(12)
    return made


def test_a_bond_that_was_taken_is_on_top_with_what_for_and_who_got_what(robbed):
    source = source_of(robbed, 1)
    shown, stakes = source.sections(), robbed.body(1).world.stakes()
    (loss,) = stakes.losses
    names, bonds = shown["about"].names, shown["bonds"]
    first, *others = bonds["bonds"]

    assert (names[first["id"]], first["pledged"], first["left"]) == ("node-0", 10**6, 0)
    assert first["loss"] == {
        "height": loss.height,
        "offence": "a false block",
        "lie": loss.lie.hex(),
        "reporter": loss.reporter.hex(),
        "rewarded": 10**6 // REPORTER_PART,
        "burnt": 10**6 - 10**6 // REPORTER_PART,
    }
    assert [bond["loss"] for bond in others] == [None] * 3
    assert bonds["left"] + bonds["rewarded"] + bonds["burnt"] == 4 * 10**6
    found = read(source.metrics())
    assert of(found, "numen_ledger_bond_coins", to="burnt") == loss.burnt
    assert of(found, "numen_ledger_bonds_taken") == 1


def test_a_ledger_without_bonds_shows_none():
    assert of_stakes(None, 3) == {"left": 0, "rewarded": 0, "burnt": 0, "bonds": []}


def test_it_says_why_it_trusts_a_node_and_what_became_of_a_message(near):
    source = source_of(near, 1)
    told = asyncio.run(source.explained("node-0"))
    address = next(a for a, name in source.sections()["about"].names.items() if name == "node-0")
    message = source.sections()["trees"][0]["branches"][0]["id"]

    assert any("node-0" in said for said in told)
    assert asyncio.run(source.explained(address)) == told
    assert any("block 3" in said for said in asyncio.run(source.explained(message)))
    assert asyncio.run(source.tree(message))["branches"]
    with pytest.raises(TreeError):
        asyncio.run(source.explained("ffffffff"))
