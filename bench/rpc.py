"""Our nodes beside anvil: requests of clients that keep their connections open.

`dev` is the development chain, `ledger` a ledger in memory and `disk` one that is kept in a folder,
where each transaction is synced before it is answered; their token is the same bytecode, whose
calls are requests.

Each row is the time of one request, of the whole machine (`wall`) or of the node's process alone
(`CPU`, all its threads). Sixteen connections ask at once; the sender of transactions has one for
each of its accounts. A transaction counts when a block has it.
"""

import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import Row, main
from numen.base.crypto import SigningKey
from numen.evm import abi
from numen.evm.transaction import Kind, Transaction
from numen.node.accounts import MNEMONIC, derive
from rivals import anvil

ROOT = Path(__file__).parents[1]
TOKEN = json.loads((ROOT / "bench/contracts/artifacts.json").read_text())["contracts"]["Token"]
KEYS = [SigningKey(each.secret) for each in derive(MNEMONIC, 10)]
CONNECTIONS = 16
ROUNDS, ROUNDS_QUICK = 7, 3
REQUESTS, REQUESTS_QUICK = 960, 160
LOGS = 200
"""Transfers of the token whose logs are asked for."""


class Node:
    """A node that runs, and connections to it."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], port: int) -> None:
        self.name, self.process, self.port = name, process, port
        self.nonces = dict.fromkeys(range(len(KEYS)), 0)
        self.token, self.spent = "", 0.0
        self.streams: list[socket.socket] = []
        self.connect()

    def connect(self) -> None:
        """Connect anew: nodes close what was idle while others were asked."""
        for stream in self.streams:
            stream.close()
        place = ("127.0.0.1", self.port)
        self.streams = [socket.create_connection(place) for _ in range(CONNECTIONS)]
        for stream in self.streams:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method: str, *params: object) -> object:
        """Make one request; an answer that is an error raises."""
        self.streams[0].sendall(request(method, *params))
        answer = json.loads(read(self.streams[0]))
        if "error" in answer:
            raise SystemExit(f"{self.name}: {method}: {answer['error']}")
        return answer["result"]

    def all(self, requests: list[bytes], width: int = CONNECTIONS) -> list[bytes]:
        """Make requests, so many at once; give the answers in order."""
        answers = []
        for at in range(0, len(requests), width):
            some = requests[at : at + width]
            for stream, body in zip(self.streams, some, strict=False):
                stream.sendall(body)
            answers += [read(stream) for stream, _ in zip(self.streams, some, strict=False)]
        return answers

    def cpu(self) -> float:
        """Seconds of processors that the threads of the process have used."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(each.read_text().split()[0]) for each in tasks) / 1e9

    def signed(self, account: int, **fields: object) -> bytes:
        """A transaction of an account, with its next nonce."""
        tx = Transaction(
            kind=Kind.FEE_MARKET, chain_id=31337, nonce=self.nonces[account],
            max_fee=10**11, max_priority_fee=10**9, **fields,
        )  # fmt: skip
        self.nonces[account] += 1
        raw = tx.sign(KEYS[account]).encode()
        return request("eth_sendRawTransaction", "0x" + raw.hex())

    def wait(self) -> None:
        """Wait until blocks have all transactions."""
        for account, count in self.nonces.items():
            name = "0x" + KEYS[account].address.hex()
            while int(str(self.ask("eth_getTransactionCount", name, "latest")), 16) < count:
                time.sleep(0.001)


def request(method: str, *params: object) -> bytes:
    """A request, head and body."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    head = "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def read(stream: socket.socket) -> bytes:
    """Read one answer; give its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(stream)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
    while len(body) < length:
        body += received(stream)
    return body


def received(stream: socket.socket) -> bytes:
    """Read what has come."""
    part = stream.recv(1 << 20)
    if not part:
        raise SystemExit("a node has closed a connection")
    return part


@contextlib.contextmanager
def started(name: str, command: list[str], port: int) -> Iterator[Node]:
    """Start a node, and stop it at the end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise SystemExit(f"{name} did not start") from None
                time.sleep(0.02)
        yield Node(name, process, port)
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def prepare(node: Node) -> None:
    """Put the token on the chain, and transfers of it."""
    address = KEYS[0].address
    code = bytes.fromhex(TOKEN["bytecode"].removeprefix("0x"))
    node.all([node.signed(0, gas_limit=3_000_000, data=code)])
    node.wait()
    block = node.ask("eth_getBlockByNumber", "latest", False)
    assert isinstance(block, dict)
    receipt = node.ask("eth_getTransactionReceipt", block["transactions"][0])
    assert isinstance(receipt, dict)
    node.token = receipt["contractAddress"]
    types = ["string", "string", "address", "uint256"]
    first = abi.selector(f"initialize({','.join(types)})")
    first += abi.encode(types, ["Coin", "COIN", address, 10**9])
    to = bytes.fromhex(node.token[2:])
    node.all([node.signed(0, gas_limit=300_000, to=to, data=first)])
    for index in range(LOGS):
        node.all([node.signed(0, gas_limit=200_000, to=to, data=transfer(index % 9 + 1))])
        if index % 50 == 49:
            node.wait()
    node.wait()


def transfer(account: int) -> bytes:
    """The input of a transfer of the token."""
    words = abi.encode(["address", "uint256"], [KEYS[account].address, 1])
    return abi.selector("transfer(address,uint256)") + words


Work = Callable[[Node, int], None]


def repeated(method: str, make: Callable[[Node], list[object]]) -> Work:
    """The same request, again and again."""

    def work(node: Node, count: int) -> None:
        answers = node.all([request(method, *make(node))] * count)
        assert all(b'"result"' in each for each in answers), answers[0]

    return work


def transfers(node: Node, count: int) -> None:
    """Transfers of ether by ten accounts, until blocks have them."""
    bodies = [
        node.signed(index % len(KEYS), gas_limit=21_000, to=b"\x77" * 20, value=1)
        for index in range(count)
    ]
    start = time.perf_counter()
    answers = node.all(bodies, len(KEYS))
    node.wait()
    node.spent = time.perf_counter() - start
    assert all(b'"result"' in each for each in answers), answers[0]


def call(node: Node) -> list[object]:
    """Parameters of a call of the token."""
    data = abi.selector("balanceOf(address)") + abi.encode(["address"], [KEYS[1].address])
    return [{"to": node.token, "data": "0x" + data.hex()}, "latest"]


def logs(node: Node) -> list[object]:
    """Parameters that ask for all logs of the token."""
    return [{"fromBlock": "0x0", "toBlock": "latest", "address": node.token}]


WORKS: dict[str, tuple[Work, int]] = {
    "eth_blockNumber": (repeated("eth_blockNumber", lambda _: []), 1),
    "eth_call, balance of a token": (repeated("eth_call", call), 1),
    "eth_sendRawTransaction, ether": (transfers, 4),
    f"eth_getLogs, {LOGS} logs": (repeated("eth_getLogs", logs), 8),
}
"""What is asked, and by how much fewer requests are made of it."""


def entries(quick: bool) -> Iterator[Row]:
    """Start all, and measure."""
    program = anvil.find()
    if program is None:
        print("anvil is not here: there is nothing to compare with", file=sys.stderr)
        return
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        ours = [sys.executable, "-m", "numen", "node"]
        commands = {
            "dev": [*ours, "--dev"],
            "ledger": ours,
            "disk": [*ours, "--data", folder],
            "anvil": [program, "--silent", "--hardfork", "prague"],
        }
        nodes = []
        for name, command in commands.items():
            port = free_port()
            node = started(name, [*command, "--port", str(port)], port)
            nodes.append(stack.enter_context(node))
            prepare(nodes[-1])
        for name, (work, divisor) in WORKS.items():
            count = (REQUESTS_QUICK if quick else REQUESTS) // divisor
            yield from rows(name, work, count, nodes, quick=quick)


def rows(name: str, work: Work, count: int, nodes: list[Node], *, quick: bool) -> Iterator[Row]:
    """Time some requests to all, in turns; anvil is the last."""
    walls: list[list[float]] = [[] for _ in nodes]
    cpus: list[list[float]] = [[] for _ in nodes]
    for _ in range(ROUNDS_QUICK if quick else ROUNDS):
        for index, node in enumerate(nodes):
            node.connect()
            node.ask("eth_blockNumber")
            before, start = node.cpu(), time.perf_counter()
            node.spent = 0.0
            work(node, count)
            # Signing is not the node's time.
            walls[index].append((node.spent or time.perf_counter() - start) / count * 1e6)
            cpus[index].append((node.cpu() - before) / count * 1e6)
    for label, times in (("wall", walls), ("CPU", cpus)):
        *our, their = (statistics.median(each) for each in times)
        for node, spent in zip(nodes, our, strict=False):
            what = f"{name}, {node.name}, {label} vs anvil"
            yield Row(what, spent, max(their, 0.1), "us a request")


if __name__ == "__main__":
    main(__doc__, entries)
