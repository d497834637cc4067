"""State transitions of blocks, judged by the Ethereum execution specifications."""

import json
from io import StringIO
from typing import Any

import pytest

from numen.evm import alloc, t8nfiles
from numen.evm.forks import FORKS, Fork
from numen.evm.readers import parse
from numen.evm.state import State
from numen.evm.t8n import transition
from tests.evm import blocks

JUDGED = [fork for fork in FORKS.values() if fork.name != "constantinople"]
"""The judge has no Constantinople, only the fork that took part of it back."""

SAME = (
    "stateRoot",
    "txRoot",
    "receiptsRoot",
    "logsHash",
    "logsBloom",
    "gasUsed",
    "currentDifficulty",
    "currentBaseFee",
    "withdrawalsRoot",
    "currentExcessBlobGas",
    "requestsHash",
    "requests",
)
"""Fields of a result that must be the same, where there are any."""


def ours(fork: Fork, given: dict[str, Any], reward: int, engine: str) -> dict[str, Any]:
    together = parse(json.dumps(given), t8nfiles.Together, "test")
    state = State(alloc.accounts(together.alloc, "test"))
    read = t8nfiles.read(fork, together.env, together.txs, reward=reward)
    made = transition(state, read, engine)
    return {"result": t8nfiles.result(read, made), "alloc": alloc.to_json(state.accounts)}


def theirs(fork: Fork, given: dict[str, Any], reward: int, folder: Any) -> dict[str, Any]:
    tools = pytest.importorskip(
        "ethereum_spec_tools.evm_tools", reason="the judge is ethereum-execution"
    )
    words = ["t8n", "--output.basedir", str(folder), "--state.fork", fork.title]
    words += [f"--state.reward={reward}"]
    for piece in ("input.alloc", "input.env", "input.txs"):
        words += [f"--{piece}", "stdin"]
    for piece in ("output.alloc", "output.result"):
        words += [f"--{piece}", "stdout"]
    out = StringIO()
    assert tools.main(words, out, StringIO(json.dumps(given))) == 0
    found = json.loads(out.getvalue())
    assert isinstance(found, dict)
    return found


def check_same(mine: dict[str, Any], judge: dict[str, Any]) -> bool:
    """Check that two tools made the same of a block, and tell if it has all its transactions."""
    result, expected = mine["result"], judge["result"]
    rejected = [[each["index"] for each in r["rejected"]] for r in (result, expected)]
    assert rejected[0] == rejected[1], (result["rejected"], expected["rejected"])
    assert len(result["receipts"]) == len(expected["receipts"])
    for receipt, other in zip(result["receipts"], expected["receipts"], strict=True):
        assert receipt["cumulativeGasUsed"] == other["cumulativeGasUsed"]
        assert receipt["transactionHash"] == other["transactionHash"]
        assert bool(int(receipt["status"], 16)) == other.get(
            "succeeded", receipt["status"] == "0x1"
        )
    kinds = alloc.Alloc
    accounts = [
        alloc.accounts(parse(json.dumps(each["alloc"]), kinds, "test"), "test")
        for each in (mine, judge)
    ]
    assert accounts[0] == accounts[1]
    # The judge counts the rejected ones too where it numbers transactions and receipts.
    counted = ("txRoot", "receiptsRoot") if rejected[0] else ()
    names = [name for name in SAME if name not in counted]
    assert {n: result.get(n) for n in names} == {n: expected.get(n) for n in names}
    return not rejected[0]


@pytest.mark.judges
@pytest.mark.parametrize("fork", JUDGED, ids=lambda fork: fork.name)
def test_the_specifications_make_the_same_blocks(fork, tmp_path):
    whole = 0
    for seed in range(20):
        given = blocks.block(fork, seed)
        reward = -1 if seed % 5 == 0 else seed * 10**17

        mine = ours(fork, given, reward, "reference")

        whole += check_same(mine, theirs(fork, given, reward, tmp_path))
    assert whole >= 10


@pytest.mark.judges
@pytest.mark.parametrize("fork", JUDGED, ids=lambda fork: fork.name)
def test_the_specifications_reject_the_same_transactions(fork, tmp_path):
    for seed in range(100, 108):
        given = blocks.block(fork, seed, has_invalid=True)

        mine = ours(fork, given, 0, "reference")

        assert not check_same(mine, theirs(fork, given, 0, tmp_path))
