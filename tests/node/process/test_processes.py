"""The article's example, with a process for each node and for each who pays."""

import json

import pytest

from tests.node.process.cluster import Cluster

COUNTER = """
from numen import contract, message

@contract
class Counter:
    count: u64

    @message
    def add(self):
        self.count += 1
"""


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path / "ledger", {"a": 10, "b": 0, "c": 0, "d": 0})
    yield made
    made.stop()


@pytest.mark.slow
def test_ten_coins_are_spent_once_and_everybody_learns_why(cluster):
    # Each of two nodes counts on what it was told, before there are enough to agree.
    cluster.start("node-1")
    to_b = cluster.pay("a", "b", 10, at="node-1")
    to_b.until("pending")
    from_b = cluster.pay("b", "d", 10, at="node-1")
    from_b.until("pending")
    cluster.start("node-2")
    to_c = cluster.pay("a", "c", 10, at="node-2")
    to_c.until("pending")
    from_c = cluster.pay("c", "d", 10, at="node-2")
    from_c.until("pending")
    assert cluster.status()["coins"] == {"a": "10", "b": "0", "c": "0", "d": "0"}

    cluster.start("node-0", "node-3")
    ends = {name: each.end() for name, each in (("b", to_b), ("c", to_c))}
    winner, loser = ("b", "c") if ends["b"][0] == "held" else ("c", "b")
    assert ends == {winner: ("held", 0), loser: ("rejected", 1)}
    reason = (to_b if loser == "b" else to_c).news[-1]["why"]
    assert "of the same account has its nonce, final in block" in reason

    passed = {"b": from_b, "c": from_c}
    assert passed[winner].end() == ("held", 0)
    assert passed[loser].end() == ("cancelled", 1)
    assert reason.split(";")[0] in passed[loser].news[-1]["why"]

    # A node that is killed comes back, and gets what it missed: also a contract of three nodes.
    cluster.kill("node-3")
    assert cluster.pay("d", "a", 4, at="node-2").end() == ("held", 0)
    cluster.kill("node-0")  # who makes the blocks
    late = cluster.pay("d", "a", 1, at="node-2")
    late.until("pending")
    cluster.start("node-0")
    assert late.end() == ("held", 0)
    (cluster.folder / "counter.py").write_text(COUNTER)
    said = cluster.run("create", "a", str(cluster.folder / "counter.py"), "--needed=3")
    created = json.loads(said.splitlines()[-1])
    assert created["attested"] == 3
    cluster.start("node-3")
    status = cluster.equal()
    assert len(status["nodes"]) == 4
    assert status["coins"] == {"a": "5", "b": "0", "c": "0", "d": "5"}
    assert {node["root"] for node in status["nodes"]} == {created["root"]}


@pytest.mark.slow
def test_the_others_go_on_when_the_proposer_is_killed(cluster):
    cluster.start("node-0", "node-1", "node-2", "node-3")
    assert cluster.pay("a", "b", 4, at="node-1").end() == ("held", 0)
    pending = cluster.pay("a", "c", 1, at="node-2")
    cluster.kill("node-0")  # who makes the blocks
    assert pending.end() == ("held", 0)
    for payer, payee in (("b", "c"), ("c", "d")):
        assert cluster.pay(payer, payee, 1, at="node-3").end() == ("held", 0)
    nodes = cluster.status()["nodes"]
    assert [node["is_up"] for node in nodes] == [False, True, True, True]
    height = max(node["height"] for node in nodes[1:])

    cluster.start("node-0")  # it makes none that contradict, and gets what it missed
    assert cluster.pay("d", "a", 1, at="node-0").end() == ("held", 0)
    status = cluster.equal()
    assert status["nodes"][0]["height"] > height
    assert status["coins"] == {"a": "6", "b": "3", "c": "1", "d": "0"}
