"""The node as a program: sockets, slow and many clients, and the command that starts it."""

import asyncio
import contextlib
import json
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from numen.cli.main import run_command
from numen.node import asgi, shell
from numen.node.asgi import Application
from numen.node.rpc.dispatch import BODY_BYTES_MAX
from tests.node.served import ADDRESSES, WAIT_S, Asked, running

pytest.importorskip("uvicorn", reason="the extra `node` is not installed")
websockets = pytest.importorskip("websockets.asyncio.client", reason="websockets is not installed")

REQUEST = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'


@pytest.fixture(scope="module")
def served():
    with running() as report:
        yield report


def connect(report) -> socket.socket:
    url = urlsplit(report["http"])
    return socket.create_connection((url.hostname, url.port), timeout=WAIT_S)


def post(report, body: bytes, head: str = "") -> tuple[int, bytes]:
    """Ask over a connection of our own; give status and body."""
    with connect(report) as stream:
        stream.sendall(request(body, head))
        answer = read(stream)
    head_, _, rest = answer.partition(b"\r\n\r\n")
    return int(head_.split()[1]), rest


def read(stream: socket.socket) -> bytes:
    """Read to the end."""
    answer = b""
    while part := stream.recv(65536):
        answer += part
    return answer


def request(body: bytes, head: str = "") -> bytes:
    start = f"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}"
    return f"{start}content-length: {len(body)}\r\n\r\n".encode() + body


def test_it_says_where_it_is_and_whose_keys_it_has(served):
    assert served["chainId"] == 31337
    assert [each["address"] for each in served["accounts"]] == ADDRESSES
    assert served["accounts"][0]["privateKey"].startswith("0xac0974be")
    assert "known to everybody" in served["warning"]
    assert urlsplit(served["http"]).hostname == "127.0.0.1"


def test_it_answers_over_http_also_to_pages_as_nothing_is_kept(served):
    status, body = post(served, REQUEST)
    assert post(served, REQUEST, "origin: http://somewhere\r\n") == (status, body)

    assert (status, json.loads(body)) == (200, {"jsonrpc": "2.0", "id": 1, "result": "0x7a69"})


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b"[" * 9_999])
def test_what_is_no_request_gets_an_error_object(served, body):
    status, answer = post(served, body)

    assert status == 200
    assert json.loads(answer)["error"]["code"] == -32700


def test_a_long_body_is_refused_while_it_comes(served):
    with connect(served) as stream:
        head = f"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {10**9}\r\n\r\n"
        stream.sendall(head.encode())
        chunk, sent = b"x" * 65536, 0
        try:
            while sent < 2 * BODY_BYTES_MAX:
                sent += stream.send(chunk)
            answer = stream.recv(65536)
        except (ConnectionError, TimeoutError):
            answer = b"HTTP/1.1 413"

    assert b" 413 " in answer + b" "


def test_a_long_head_is_refused_while_it_comes(served):
    with connect(served) as stream:
        stream.sendall(b"POST / HTTP/1.1\r\nhost: x\r\n")
        sent, line = 0, b"x-padding: " + b"x" * 8_000 + b"\r\n"
        with contextlib.suppress(ConnectionError):
            while sent < 40_000_000:
                sent += stream.send(line)

    assert sent < 40_000_000
    assert post(served, REQUEST)[0] == 200


@pytest.mark.parametrize("seed", range(5))
def test_noise_and_broken_connections_leave_the_node_as_it_was(served, seed):
    chance = random.Random(seed)
    upgrade = (
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    starts = [b"", upgrade, upgrade[:40], request(REQUEST), request(REQUEST)[:-5], b"POST"]
    for _ in range(40):
        with connect(served) as stream:
            stream.sendall(chance.choice(starts) + chance.randbytes(chance.randrange(200)))
            if chance.random() < 0.5:
                stream.settimeout(0.01)
                with contextlib.suppress(TimeoutError, ConnectionError):
                    stream.recv(1000)
            # Break it off: what was not sent or read is lost.
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert post(served, REQUEST)[0] == 200


def test_other_verbs_are_answered(served):
    with connect(served) as stream:
        stream.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert stream.recv(65536).startswith(b"HTTP/1.1 405")
    with connect(served) as stream:
        stream.sendall(b"OPTIONS / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        answer = stream.recv(65536)
    assert answer.startswith(b"HTTP/1.1 204")
    assert b"access-control-allow-origin: *" in answer


# Who waits, waits side by side: together as long as the longest.


def never_ends_its_head(report) -> tuple[bytes, float]:
    start = time.monotonic()
    with connect(report) as stream:
        stream.settimeout(WAIT_S)
        stream.sendall(b"POST / HTTP/1.1\r\nhost: x\r\n")
        return stream.recv(100), time.monotonic() - start


def does_not_read(report) -> bytes:
    ask = {"jsonrpc": "2.0", "id": 1, "method": "rpc.discover"}
    with connect(report) as stream:
        stream.settimeout(WAIT_S)
        stream.sendall(request(json.dumps([ask] * 200).encode()))
        stream.recv(1, socket.MSG_PEEK)  # it begins to come
        time.sleep(20)
        try:
            return read(stream)
        except ConnectionError:
            return b""


def rests(report) -> dict:
    async def rest():
        async with websockets.connect(report["websocket"], open_timeout=WAIT_S) as stream:
            await asyncio.sleep(12)
            await stream.send(REQUEST.decode())
            return json.loads(await stream.recv())

    return asyncio.run(rest())


@pytest.fixture(scope="module")
def patient(served):
    with ThreadPoolExecutor() as pool:
        kinds = (never_ends_its_head, does_not_read, rests)
        yield {each: pool.submit(each, served) for each in kinds}


@pytest.mark.slow
def test_a_client_that_never_ends_its_head_is_given_up(served, patient):
    answer, seconds = patient[never_ends_its_head].result()

    assert answer == b""
    assert seconds > 5
    assert post(served, REQUEST)[0] == 200


@pytest.mark.slow
def test_a_client_that_does_not_read_its_answer_is_given_up(served, patient):
    assert len(patient[does_not_read].result()) < 10_000_000, "all of it came"
    assert post(served, REQUEST)[0] == 200


@pytest.mark.slow
def test_a_websocket_may_rest(patient):
    assert patient[rests].result()["result"] == "0x7a69"


def test_many_connections_at_once_are_answered(served):
    streams = [connect(served) for _ in range(300)]
    try:
        for stream in streams:
            stream.sendall(request(REQUEST))
        assert all(b'"0x7a69"' in read(stream) for stream in streams)
    finally:
        for stream in streams:
            stream.close()


def test_a_websocket_takes_text_and_bytes_and_tells_what_happens(served):
    async def talk():
        async with websockets.connect(served["websocket"]) as stream:
            await stream.send(REQUEST.decode())
            assert json.loads(await stream.recv())["result"] == "0x7a69"
            await stream.send(b"[" + REQUEST + b"]")
            assert json.loads(await stream.recv())[0]["result"] == "0x7a69"
            await stream.send("nonsense")
            assert json.loads(await stream.recv())["error"]["code"] == -32700
            ask = {"jsonrpc": "2.0", "id": 2, "method": "eth_subscribe", "params": ["newHeads"]}
            await stream.send(json.dumps(ask))
            number = json.loads(await stream.recv())["result"]
            mine = b'{"jsonrpc":"2.0","id":3,"method":"evm_mine"}'
            await asyncio.to_thread(post, served, mine)
            told = json.loads(await asyncio.wait_for(stream.recv(), WAIT_S))
            assert told["method"] == "eth_subscription"
            assert told["params"]["subscription"] == number
            assert told["params"]["result"]["number"].startswith("0x")

    asyncio.run(talk())


def test_a_page_of_another_origin_may_be_kept_out():
    with running("--allow-origin", "http://localhost:3000") as report:

        async def come(origin):
            async with websockets.connect(report["websocket"], origin=origin) as stream:
                await stream.send(REQUEST.decode())
                return await stream.recv()

        assert "0x7a69" in asyncio.run(come("http://localhost:3000"))
        with pytest.raises(Exception, match=r"403|rejected"):
            asyncio.run(come("http://other"))
        # A page may send text to anybody without asking first: it must not be carried out.
        mine = b'{"jsonrpc":"2.0","id":3,"method":"evm_mine"}'
        head = b"POST / HTTP/1.1\r\nhost: x\r\norigin: http://other\r\ncontent-type: text/plain\r\n"
        with connect(report) as stream:
            stream.sendall(head + b"content-length: %d\r\n\r\n" % len(mine) + mine)
            assert stream.recv(65536).startswith(b"HTTP/1.1 403")
        number = b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}'
        assert json.loads(post(report, number)[1])["result"] == "0x0"


def test_blocks_come_by_themselves():
    with running("--block-time", "1") as report:
        number = b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}'
        deadline = time.monotonic() + WAIT_S
        while json.loads(post(report, number)[1])["result"] == "0x0":
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_keys_of_a_mnemonic_of_ones_own_are_not_shown():
    words = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    with running("--mnemonic", words, "--accounts", "2", "--balance", "5") as report:
        text = json.dumps(report)
        ask = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBalance"}
        params = [report["accounts"][1]["address"], "latest"]
        answer = json.loads(post(report, json.dumps({**ask, "params": params}).encode())[1])

    assert len(report["accounts"]) == 2
    assert "privateKey" not in text
    assert "winner" not in text
    assert int(answer["result"], 16) == 5 * 10**18


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fork", "prague"], "--fork is for --dev"),
        (["--dev", "--data", "here"], "--data is for a ledger"),
        (["--host", "0.0.0.0"], "--expose"),
        (["--dev", "--host", "0.0.0.0"], "--expose"),
        (["--dev", "--host", "example.org"], "--expose"),
        (["--dev", "--fork", "nothing"], "nothing"),
        (["--dev", "--mnemonic", "one two"], "12, 15"),
        (["--dev", "--port", "99999"], "65535"),
    ],
)
def test_what_cannot_be_served_is_said(options, message, capsys):
    assert run_command(["node", "--port", "0", *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(signal_):
    command = [sys.executable, "-m", "numen", "node", "--dev", "--json", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        process.send_signal(signal_)
        _, errors = process.communicate(timeout=WAIT_S)

    assert process.returncode in (0, -signal_)
    assert errors == ""


def test_a_port_that_is_taken_is_said(served, capsys):
    port = urlsplit(served["http"]).port

    assert run_command(["node", "--dev", "--port", str(port)]) == 2
    assert "another program listens there" in capsys.readouterr().err


@pytest.mark.parametrize(("limit", "most"), [("QUEUE_MAX", 4), ("QUEUE_BYTES_MAX", 5_000)])
def test_who_does_not_read_is_given_up(monkeypatch, limit, most):
    monkeypatch.setattr(asgi, limit, most)
    node = Asked()
    application = Application(node.dispatcher, lambda: node.now_s)
    sent, stuck = [], asyncio.Event()
    subscribe = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}

    async def run():
        inbox = asyncio.Queue()
        for message in (
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": json.dumps(subscribe)},
        ):
            inbox.put_nowait(message)

        async def send(message):
            sent.append(message)
            if message["type"] == "websocket.send":
                await stuck.wait()

        scope = {"type": "websocket", "headers": []}
        serving = asyncio.ensure_future(application(scope, inbox.get, send))
        await asyncio.sleep(0.05)
        for _ in range(10):
            node("evm_mine")
            application.told()
        stuck.set()
        await asyncio.wait_for(serving, WAIT_S)

    asyncio.run(run())
    assert sent[-1] == {"type": "websocket.close", "code": 1008, "reason": "too slow"}
    assert len(sent) <= 8


def subscribed(application, node, send):
    """Open a WebSocket that is told of new blocks; gives the task that serves it."""
    inbox = asyncio.Queue()
    subscribe = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
    inbox.put_nowait({"type": "websocket.connect"})
    inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(subscribe)})
    scope = {"type": "websocket", "headers": []}
    return asyncio.ensure_future(application(scope, inbox.get, send))


def test_what_waits_for_all_is_bounded_and_who_reads_stays(monkeypatch):
    monkeypatch.setattr(asgi, "WAITING_BYTES_MAX", 20_000)
    node = Asked()
    application = Application(node.dispatcher, lambda: node.now_s)
    stuck, read, told = asyncio.Event(), [], {0: [], 1: []}

    async def reads(message):
        read.append(message)

    def stops(number):
        async def send(message):
            told[number].append(message)
            if message["type"] == "websocket.send":
                await stuck.wait()

        return send

    async def run():
        serving = [subscribed(application, node, each) for each in (stops(0), stops(1), reads)]
        await asyncio.sleep(0.05)
        for _ in range(40):
            node("evm_mine")
            application.told()
            assert application.waiting_bytes <= 20_000
            await asyncio.sleep(0)
        stuck.set()
        await asyncio.sleep(0.05)
        assert [each.done() for each in serving] == [True, True, False]
        assert application.waiting_bytes == 0
        serving[2].cancel()

    asyncio.run(run())
    code = {"type": "websocket.close", "code": 1013, "reason": asgi.TOO_MUCH.reason}
    assert told[0][-1] == told[1][-1] == code
    assert sum(each["type"] == "websocket.send" for each in read) == 41


def test_who_is_parted_from_and_reads_nothing_is_cut_off(monkeypatch):
    monkeypatch.setattr(asgi, "WAITING_BYTES_MAX", 1)
    node = Asked()
    application = Application(node.dispatcher, lambda: node.now_s)

    async def never(message):
        if message["type"] == "websocket.send":
            await asyncio.Event().wait()

    async def run():
        serving = subscribed(application, node, never)
        await asyncio.wait_for(serving, WAIT_S)
        assert application.waiting_bytes == 0

    asyncio.run(run())


def test_what_is_sent_counts_until_it_is_read(monkeypatch):
    monkeypatch.setattr(shell, "STUCK_S_MAX", 0.2)
    node = Asked()
    application = Application(node.dispatcher, lambda: node.now_s)
    server = shell.server_of(application)
    node("anvil_setCode", ADDRESSES[0], "0x" + "00" * 24_000)
    ask = {"jsonrpc": "2.0", "id": 1, "method": "eth_getCode", "params": [ADDRESSES[0], "latest"]}
    batch = json.dumps([ask] * 300)

    async def run():
        listening = shell.listen("127.0.0.1", 0)
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        url = f"ws://127.0.0.1:{listening.getsockname()[1]}"
        async with websockets.connect(url, max_queue=1, max_size=None) as stream:
            stream.transport.pause_reading()
            await stream.send(batch)
            while not application.waiting_bytes:
                await asyncio.sleep(0.01)
            async with asyncio.timeout(WAIT_S):
                while application.waiting_bytes:
                    await asyncio.sleep(0.01)
            while server.server_state.connections:
                await asyncio.sleep(0.01)
        server.should_exit = True
        await serving

    asyncio.run(run())
