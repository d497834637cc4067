"""Nodes as processes that attest each other: a lie is caught, and a kill loses nothing."""

import json
import time

import pytest
from click.testing import CliRunner

from numen.cli.reading import read_state
from numen.cli.trust import trust
from numen.ledger.stakes import NOTICE
from numen.node.asking import ask
from tests.node.process.cluster import WAIT_S, Cluster

LIE = 22


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(
        tmp_path / "ledger", {"a": 1000, "b": 0},
        options=("--stake=1000", "--step=250", "--mode=node-3=trust"),
    )  # fmt: skip
    yield made
    made.stop()


def until(found, url: str, method: str = "numen_explainTrust", params=("node-0",)):
    """Ask a node again and again until something is found."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        answer = ask(url, method, *params)
        if found(answer):
            return answer
        time.sleep(0.2)
    raise AssertionError(f"not found: {answer}")


def says(url: str, *words: str) -> str:
    """What `numen trust` prints about a node that runs."""
    result = CliRunner().invoke(trust, [*words, "--node", url])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.slow
def test_a_maker_that_was_trusted_is_caught_and_everybody_says_why(cluster):
    cluster.start("node-0", options=("--lie", str(LIE)))
    cluster.start("node-1", "node-2", "node-3", options=("--rpc", "0"))
    cluster.pay_many("a", "b", LIE // 2, at="node-1")
    before = until(lambda found: found["accepted"] >= 3, cluster.url("node-3"))
    assert before["isTrusted"]
    assert before["lie"] == ""

    # Kill a node: what it had found is still there.
    tickets = {ticket["step"] for ticket in before["tickets"]}
    cluster.kill("node-3")
    cluster.start("node-3", options=("--rpc", "0", "--dashboard", "0"))
    after = ask(cluster.url("node-3"), "numen_explainTrust", "node-0")
    assert after["accepted"] >= before["accepted"]
    kept = {ticket["step"] for ticket in after["tickets"]}
    assert {step for step in tickets if step >= min(kept)} <= kept  # it tells of the newest steps

    cluster.pay_many("a", "b", LIE, at="node-1")
    for name in ("node-1", "node-2", "node-3"):
        found = until(lambda found: found["lie"], cluster.url(name))
        assert found["lie"].startswith(f"its block {LIE} is false")
        assert "it is final here" not in found["lie"]
        later = until(lambda found: not found["votesFor"], cluster.url(name))
        assert later["decision"]["treatment"] == "execute"
        assert later["faults"] >= 1
        said = says(cluster.url(name), "why", "node-0", "--value", "5").splitlines()
        assert said[0] == f"{name} does not trust node-0"
        assert f"node-0 was shown to lie, as anybody can check: {later['lie']}" in said
        assert "  score: 0%, where 50% is asked for" in said
    assert "node-0: found bad" in says(cluster.url("node-3"), "peers")
    assert "it looks at node-1" in says(cluster.url("node-3"), "attest", "node-1")
    assert "node-3 (trust) trusts 2 of 3 others" in says(cluster.url("node-3"), "show")
    shown = ask(cluster.url("node-3"), "numen_getTrust")
    verdicts = {each["name"]: each["isTrusted"] for each in shown["nodes"]}
    assert verdicts == {"node-0": False, "node-1": True, "node-2": True, "node-3": True}
    record = next(each for each in shown["nodes"] if each["name"] == "node-0")
    assert record["applied"] > 0  # it had been believed
    page = read_state(cluster.said("node-3")["dashboard"])
    roles = {page["about"]["names"][n["id"]]: n["role"] for n in page["trust"]["nodes"]}
    assert roles["node-0"] == "distrusted"
    status = cluster.status()
    assert min(node["height"] for node in status["nodes"]) >= LIE - 1
    # The false block is final nowhere: others make that block, and no coin has come or gone.
    assert sum(map(int, status["coins"].values())) == 1000
    loses_its_bond_and_is_no_maker_any_more(cluster)


def loses_its_bond_and_is_no_maker_any_more(cluster):
    """Others go on without who lied, and everybody can see what it cost, and why."""
    for name in ("node-1", "node-2", "node-3"):
        shown = until(
            lambda found: found["bonds"][0]["loss"], cluster.url(name), "numen_stakes", ()
        )
    loss = shown["bonds"][0]["loss"]
    assert (loss["offence"], int(loss["burnt"], 16)) == ("a false block", 938)
    assert loss["reporter"] != "node-0"
    taken_at = loss["height"]
    cluster.pay_many("a", "b", NOTICE + 2, at="node-2")
    height = cluster.equal()["nodes"][1]["height"]
    assert height > taken_at + NOTICE
    address = shown["bonds"][0]["address"]
    for at in range(taken_at, height + 1):
        assert (
            ask(cluster.url("node-3"), "eth_getBlockByNumber", hex(at), False)["miner"] != address
        )
    pledge = ask(cluster.url("node-3"), "numen_explainTrust", "node-0")["pledge"]
    assert int(pledge, 16) == 0
    report = json.loads(cluster.run("stakes", "--at=node-1"))
    assert (report["left"], report["burnt"]) == (3000, 938)
    (liar,) = [each for each in report["bonds"] if not each["votes"]]
    assert (liar["name"], liar["loss"]["height"], liar["left"]) == ("node-0", taken_at, 0)
    # Who was away comes to the same by itself.
    cluster.kill("node-2")
    cluster.start("node-2", options=("--rpc", "0"))
    assert ask(cluster.url("node-2"), "numen_stakes")["bonds"][0]["votes"] is False
    log = cluster.end("node-1")
    assert "node-0: " in log
    assert address[2:10] not in log
