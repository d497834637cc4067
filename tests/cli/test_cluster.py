"""`numen cluster` without servers: what it says of those that are not well, or not there."""

import http.server
import json
import subprocess
import sys
import threading

import pytest

from numen.cli.cluster import problems
from numen.cli.main import run_command
from numen.ledger.order import probes
from numen.ledger.order.probes import ANSWER_BYTES_MAX, Report

WELL = [
    Report(f"http://{name}", "", name, "2.15.1", True, 1 << 23, True, "n1", 7, 512)
    for name in ("n0", "n1", "n2")
]

BLOCKED = """
import sys
sys.modules["nats"] = None
from numen.cli.main import run_command
sys.exit(run_command(["cluster", "up", "--json"]))
"""


def but(index: int, **changes: object) -> list[str]:
    reports = list(WELL)
    reports[index] = Report(**{name: changes.get(name, getattr(WELL[index], name))
                               for name in Report.__struct_fields__})  # fmt: skip
    return problems(reports)


def test_three_servers_that_are_well_have_no_problems():
    assert problems(WELL) == []
    assert probes.leader(WELL) == "n1"


@pytest.mark.parametrize(
    ("index", "changes", "said"),
    [
        (0, {"failure": "no answer"}, "no answer"),
        (0, {"is_synced": False}, "n0: writes are not synced"),
        (2, {"has_log": False}, "n2: has no replica"),
        (1, {"behind": ("n0",)}, "n0: not up to date, says n1"),
        (1, {"leader": ""}, "nobody leads"),
        (0, {"leader": "n0"}, "nobody leads"),
        (0, {"name": "n1"}, "two of the addresses"),
    ],
)
def test_what_is_wrong_is_said(index, changes, said):
    assert any(said in line for line in but(index, **changes))


def test_two_servers_are_too_few():
    assert any("2 servers" in line for line in problems(WELL[:2]))


@pytest.fixture
def asked():
    """A server that gives one answer to every question."""

    class Handler(http.server.BaseHTTPRequestHandler):
        body = b""

        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.body)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield Handler, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[[[[", b"\xff\xfe", b'{"server_name": 7, "version": "", "max_payload": 1}',
        b'{"server_name": "n0", "version": "2", "max_payload": "much"}', b"[" * 100_000,
        b'{"x": ' + b"[" * 100_000,
        b" " * (ANSWER_BYTES_MAX + 2),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_a_finding(asked, body):
    handler, url = asked
    handler.body = body

    report = probes.ask(url)

    assert report.failure.startswith("no answer")
    assert not report.has_log


def test_addresses_that_are_none_are_refused(capfd):
    for bad in ("file:///etc/passwd", "10.0.0.1:8222", "nats://10.0.0.1", ""):
        assert run_command(["cluster", "status", "--probe", bad, "--json"]) == 2
        assert json.loads(capfd.readouterr().out)["error"]["kind"] == "ProbeError"


def test_servers_that_are_not_there_are_problems(capfd):
    words = [word for port in (1, 2, 3) for word in ("--probe", f"http://127.0.0.1:{port}")]

    assert run_command(["cluster", "status", *words, "--json"]) == 1

    told = json.loads(capfd.readouterr().out)
    assert told["leader"] == ""
    assert len(told["problems"]) == 3
    assert run_command(["cluster", "check", *words, "--server", "nats://127.0.0.1:1"]) == 1
    assert "problem: http://127.0.0.1:1: no answer: Connection refused" in capfd.readouterr().out


def test_half_of_the_addresses_is_a_question(capfd):
    assert run_command(["cluster", "check", "--probe", "http://127.0.0.1:1"]) == 2
    assert "both or neither" in capfd.readouterr().err
    assert run_command(["cluster", "up", "--ports", "80"]) == 2
    assert "no ports from 80" in capfd.readouterr().err


def test_without_the_client_the_extra_is_named():
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2, done.stderr
    error = json.loads(done.stdout)["error"]
    assert error["kind"] == "ClusterError"
    assert error["message"] == "the log of many machines needs the client nats-py"
    assert "pip install 'numen[cluster]'" in error["hint"]
