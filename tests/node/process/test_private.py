"""A contract with private state on nodes that are processes: nothing of theirs shows what it is."""

import json

import pytest

from numen.cli import asking
from tests.ledger.sealed.test_private_contracts import SECRETS, traces
from tests.node.process.cluster import Cluster

PURSE = """
from numen import Private, address, contract, map, message, rotate, view

@contract
class Purse:
    owner: address
    held: Private[map[address, u128]]
    total: Private[u128]

    def __init__(self):
        self.owner = self.sender

    @message
    def put(self, n: Private[u128]):
        self.held[self.sender] += n
        self.total += n

    @message
    def renew(self):
        assert self.sender == self.owner, "not yours"
        rotate()

    @view
    def mine(self) -> u128:
        return self.held[self.sender]
"""

SECRET, OTHER = SECRETS[:2]


@pytest.mark.slow
def test_disks_logs_and_answers_of_processes_show_nothing_private(tmp_path):
    cluster = Cluster(tmp_path / "ledger", {"a": 10, "b": 0}, nodes=3)
    try:
        live(cluster, tmp_path)
    finally:
        cluster.stop()


def live(cluster: Cluster, tmp_path) -> None:
    cluster.start("node-0", "node-1", "node-2", options=("--rpc", "0"))
    source = tmp_path / "purse.py"
    source.write_text(PURSE)
    said = cluster.run("create", "a", str(source), "--needed=2", "--shares=2")
    purse = json.loads(said.splitlines()[-1])["contract"]
    shown = [said]
    shown.append(cluster.run("send", "a", purse, "put", str(SECRET), "--at=node-1"))
    shown.append(cluster.run("send", "b", purse, "put", str(OTHER), "--at=node-2"))

    # All stop, and have one share each on their disks: two of them are the keys again.
    for name in list(cluster.processes):
        cluster.kill(name)
    cluster.start("node-0", "node-1", "node-2", options=("--rpc", "0"))
    shown.append(cluster.run("send", "a", purse, "renew", "--at=node-1"))

    def mine(who: str, at: str) -> int:
        answer = cluster.run("view", who, purse, "mine()(uint128)", f"--at={at}")
        return json.loads(answer)["result"]

    assert mine("a", "node-0") == SECRET
    assert mine("b", "node-2") == OTHER
    shown += answers(cluster.url("node-2"), purse)
    status = cluster.equal()
    assert len({node["root"] for node in status["nodes"]}) == 1

    disks = [p.read_bytes() for p in cluster.folder.rglob("*") if p.is_file()]
    assert any(len(raw) > 10_000 for raw in disks)
    errors = [cluster.end(name) for name in list(cluster.processes)]
    assert not any("Traceback" in text for text in errors)
    everything = [*disks, *(text.encode() for text in (*shown, *errors))]
    hidden = [SECRET, OTHER, SECRET + OTHER]
    assert [n for n in hidden for trace in traces(n) for raw in everything if trace in raw] == []


def answers(url: str, purse: str) -> list[str]:
    """What a node says to who asks it by JSON-RPC."""
    height = int(asking.ask(url, "eth_blockNumber"), 16)
    blocks = [asking.ask(url, "eth_getBlockByNumber", hex(n), True) for n in range(height + 1)]
    found = [*blocks, asking.ask(url, "numen_getContract", purse)]
    for block in blocks:
        for tx in block["transactions"]:
            found += [tx, asking.ask(url, "numen_getMessageTree", tx["hash"])]
    slots = [hex(2**255 + n) for n in range(4)]
    found += [asking.ask(url, "eth_getStorageAt", purse, slot, "latest") for slot in slots]
    found.append(asking.ask(url, "numen_getProof", purse, slots, "latest"))
    assert found[height + 1]["charter"]["epoch"] == 1
    return [json.dumps(each) for each in found]
