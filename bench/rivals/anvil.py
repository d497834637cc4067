"""anvil, Foundry's node (revm 35), over JSON-RPC: what `eth_call` takes beyond an empty call."""

import contextlib
import http.client
import json
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from numen.evm.fuzz.case import Case

ROOT = Path(__file__).parents[2]
NOWHERE = "0x" + "e0" * 20
"""An account without code: what a call of it takes is not the machine's time."""

START_SECONDS = 20


def find() -> str | None:
    """The program, from the folder of judges, an npm folder above, or the path."""
    package = "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    for folder in (ROOT / ".judges", ROOT):
        if (folder / package).exists():
            return str(folder / package)
    return shutil.which("anvil")


class Anvil:
    """A running node."""

    def __init__(self, port: int) -> None:
        self._wire = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._empty: object = None

    def ask(self, method: str, *params: object) -> object:
        """Make a request; an answer that is an error raises."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {"Content-Type": "application/json"}
        self._wire.request("POST", "/", json.dumps(body), headers)
        answer = json.loads(self._wire.getresponse().read())
        if "error" in answer:
            raise RuntimeError(f"anvil: {method}: {answer['error']}")
        return answer["result"]

    def put(self, case: Case) -> None:
        """Give the node the accounts of a case, and take away those of the last."""
        if self._empty is not None:
            self.ask("evm_revert", self._empty)
        self._empty = self.ask("evm_snapshot")
        for address, account in case.pre.items():
            name = "0x" + address.hex()
            self.ask("anvil_setNonce", name, hex(account.nonce))
            self.ask("anvil_setBalance", name, hex(account.balance))
            self.ask("anvil_setCode", name, "0x" + account.code.hex())
            for key, word in account.storage.items():
                self.ask("anvil_setStorageAt", name, hex(key), f"0x{word:064x}")

    def call(self, case: Case, to: str | None = None) -> bytes:
        """Run the message of a case, keeping nothing; return its output."""
        message = case.message
        assert message.to is not None
        # An empty call carries the same input, so that its way here costs the same.
        request = {
            "from": "0x" + message.caller.hex(),
            "to": to or "0x" + message.to.hex(),
            "data": "0x" + message.data.hex(),
            "value": hex(0 if to else message.value),
            "gas": hex(2**40),
        }
        block = {"number": hex(case.block.number), "time": hex(case.block.timestamp)}
        output = self.ask("eth_call", request, "latest", {}, block)
        assert isinstance(output, str)
        return bytes.fromhex(output[2:])

    def seconds(self, case: Case, rounds: int) -> tuple[float, bytes]:
        """Median time of a call beyond an empty one, and the call's output."""
        output = self.call(case)
        self.call(case, NOWHERE)
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            self.call(case)
            middle = time.perf_counter()
            self.call(case, NOWHERE)
            times.append(2 * middle - start - time.perf_counter())
        return statistics.median(times), output


@contextlib.contextmanager
def running(program: str) -> Iterator[Anvil]:
    """Start a node on a free port, and stop it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    limits = ["--gas-limit", str(2**42), "--code-size-limit", str(2**20), "--accounts", "1"]
    command = [program, "--port", str(port), "--silent", "--hardfork", "cancun", *limits]
    node = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _connected(port)
    finally:
        node.terminate()
        node.wait(10)


def _connected(port: int) -> Anvil:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        node = Anvil(port)
        try:
            node.ask("eth_chainId")
        except OSError:
            time.sleep(0.05)
        else:
            return node
    raise SystemExit("anvil did not start")
