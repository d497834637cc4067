"""A node that is killed while it is written to has everything that it acknowledged."""

import http.client
import json
import signal
import subprocess
import threading
import urllib.error
import urllib.request

import pytest

from numen.evm.transaction import Kind, Transaction
from tests.node.ledger_served import running
from tests.node.served import ADDRESSES, KEYS

pytest.importorskip("uvicorn", reason="the extra `node` is not installed")

ROUNDS = 3
"""How often it is killed."""

COUNT = 60
"""Transactions of a round, each of its sender's."""


def ask(url: str, method: str, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    with urllib.request.urlopen(url, body.encode(), timeout=60) as answer:
        return json.loads(answer.read())


def load(url: str, who: int, nonce: int, acknowledged: set[str], stop: threading.Event) -> None:
    """Send transactions until somebody stops it, and note which were acknowledged."""
    for at in range(nonce, nonce + COUNT):
        tx = Transaction(
            Kind.FEE_MARKET, 31337, at, 3 * 10**9, 10**9, 10**5, bytes.fromhex(ADDRESSES[9][2:]), 1
        )
        try:
            answer = ask(url, "eth_sendRawTransaction", "0x" + tx.sign(KEYS[who]).encode().hex())
        except (OSError, ValueError, http.client.HTTPException):
            return
        acknowledged.add(answer["result"])
        if len(acknowledged) >= COUNT // 3:
            stop.set()


@pytest.mark.slow
@pytest.mark.parametrize("mining", [(), ("--no-mining",)], ids=["in blocks", "waiting"])
def test_nothing_that_was_acknowledged_is_lost(mining, tmp_path):
    acknowledged: set[str] = set()
    for at in range(ROUNDS + 1):
        with running("--data", str(tmp_path / "ledger"), *mining) as (served, process):
            nonces = look(served["http"], acknowledged, is_waiting=bool(mining))
            if at < ROUNDS:
                new = kill_under_load(served["http"], nonces, process)
                assert len(new) >= COUNT // 3
                acknowledged |= new


def look(url: str, acknowledged: set[str], *, is_waiting: bool) -> list[int]:
    """See that everything is there, and paid for once; give the next nonces."""
    for identity in acknowledged:
        found = ask(url, "eth_getTransactionByHash", identity)["result"]
        assert found is not None
        assert (found["blockNumber"] is None) == is_waiting
    counts = [ask(url, "eth_getTransactionCount", ADDRESSES[who], "pending") for who in range(2)]
    nonces = [int(count["result"], 16) for count in counts]
    paid = int(ask(url, "eth_getBalance", ADDRESSES[9], "latest")["result"], 16)
    assert paid == 10_000 * 10**18 + (0 if is_waiting else sum(nonces))
    return nonces


def kill_under_load(url: str, nonces: list[int], process: subprocess.Popen) -> set[str]:
    """Send, kill, and give what was acknowledged."""
    acknowledged: set[str] = set()
    stop = threading.Event()
    threads = [
        threading.Thread(target=load, args=(url, who, nonces[who], acknowledged, stop))
        for who in range(2)
    ]
    for thread in threads:
        thread.start()
    assert stop.wait(60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for thread in threads:
        thread.join()
    return acknowledged


def come_from_a_page(url: str) -> int:
    """The status that a web page gets that asks the node."""
    body = b'{"jsonrpc":"2.0","id":1,"method":"eth_accounts"}'
    request = urllib.request.Request(url, body, {"Origin": "http://somewhere"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_folder_has_one_node_and_pages_may_not_ask_it(tmp_path, capsys):
    from numen.cli.main import run_command

    with running("--data", str(tmp_path)) as (ready, _):
        assert come_from_a_page(ready["http"]) == 403
        assert run_command(["node", "--data", str(tmp_path), "--port", "0"]) == 2

    assert "another process has this file" in capsys.readouterr().err
