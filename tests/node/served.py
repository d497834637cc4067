"""A node for tests: asked in this process without a socket, or started as a program."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from numen.base.crypto import SigningKey
from numen.evm.state import Account
from numen.node.accounts import MNEMONIC, derive
from numen.node.devnode import DevNode, Settings
from numen.node.genesis import PREDEPLOYED
from numen.node.rpc.dispatch import Dispatcher

KEYS = tuple(SigningKey(each.secret) for each in derive(MNEMONIC, 10))
ADDRESSES = ["0x" + key.address.hex() for key in KEYS]
ETHER = 10**18
WAIT_S = 60
"""After which what is waited for is taken for lost; the machine may be busy."""

MODULES = Path(__file__).parents[2] / ".judges/node_modules"


class Asked:
    """A node that is asked without a socket.

    Attributes:
        now_s: The time of day.
        reports: Mistakes of ours that requests met.
    """

    def __init__(self, **settings):
        funded = {key.address: Account(balance=10_000 * ETHER) for key in KEYS}
        given = {"accounts": {**PREDEPLOYED, **funded}, "keys": KEYS, "engine": "interpreter"}
        self.now_s = 1_800_000_000
        self.node = DevNode(Settings(**(given | settings)), self.now_s)
        self.reports = []
        self.dispatcher = Dispatcher(self.node, report=lambda *args: self.reports.append(args))

    def raw(self, body, session=None):
        return self.dispatcher.answer(body, self.now_s, session)

    def ask(self, method, *params, session=None):
        """Give the whole answer."""
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
        answer = json.loads(self.raw(json.dumps(body).encode(), session))
        assert answer["jsonrpc"] == "2.0"
        assert answer["id"] == 7
        return answer

    def __call__(self, method, *params):
        """Give the result."""
        answer = self.ask(method, *params)
        assert "result" in answer, answer
        return answer["result"]

    def fault(self, method, *params):
        """Give code and message of the error."""
        error = self.ask(method, *params)["error"]
        return error["code"], error["message"]

    def send(self, **fields):
        """Send a transaction of the first account; give its receipt."""
        form = {"from": ADDRESSES[0], **fields}
        return self("eth_getTransactionReceipt", self("eth_sendTransaction", form))

    def deploy(self, runtime: bytes, **fields):
        """Put code on the chain; give its address."""
        # PUSH2 length, DUP1, PUSH1 where it begins, PUSH0, CODECOPY, PUSH0, RETURN
        head = bytes.fromhex(f"61{len(runtime):04x}80600a5f395ff3")
        receipt = self.send(data="0x" + (head + runtime).hex(), **fields)
        assert receipt["status"] == "0x1"
        return receipt["contractAddress"]


def ended(process: subprocess.Popen) -> str:
    """Tell a process to end, and give what it wrote to its log; one that goes on is killed."""
    process.terminate()
    try:
        return process.communicate(timeout=WAIT_S)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        raise


@contextmanager
def running(*options: str) -> Iterator[dict]:
    """Start `numen node --dev`, and give what it says when it is ready."""
    command = [sys.executable, "-m", "numen", "node", "--dev", "--json", "--port", "0", *options]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield json.loads(line)
        finally:
            errors = ended(process)
    assert "Traceback" not in errors, errors
