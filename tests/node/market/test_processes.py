"""The whole story in real processes: hall, verifier, three workers of whom one lies, buyer."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from numen.net.keystore import COST_MIN, KeyStore
from tests.net.fabric import WAN
from tests.watch.collector import collecting

pytestmark = pytest.mark.slow

PASSWORD = "correct horse"

WAIT_S = 240
"""After which what is waited for is taken for lost; the machine may be busy."""


class Processes:
    """Commands of `numen`, running."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "NUMEN_KEYS": str(folder / "keys"),
            "NUMEN_PASSWORD": PASSWORD,
        }
        self.running: dict[str, subprocess.Popen] = {}
        self.names = ("hall", "verifier", "ada", "bob", "cay", "buyer")
        store = KeyStore(folder / "keys", COST_MIN)
        for name in self.names:
            store.create(name, PASSWORD)

    def run(self, *words, check=True) -> str:
        command = [sys.executable, "-m", "numen", *words]
        done = subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, *words) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "numen", *words, "--json"],
                env=self.environment, stdout=out, stderr=out,
            )  # fmt: skip

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.out").read_text()

    def lines(self, name: str) -> list[dict]:
        return [json.loads(line) for line in self.said(name).splitlines() if line.startswith("{")]

    def until(self, condition):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError({name: self.lines(name)[-3:] for name in self.running})

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(WAIT_S)

    def events(self, kind: str) -> list[dict]:
        return [line for line in self.lines("hall") if line.get("event") == kind]


@pytest.fixture
def processes(tmp_path):
    made = Processes(tmp_path)
    yield made
    for name in list(made.running):
        made.kill(name)


def open_hall(processes, at="127.0.0.1:0") -> str:
    before = len(processes.lines("hall")) if (processes.folder / "hall.out").exists() else 0
    folder = str(processes.folder / "market")
    watch = ("--dashboard", "0", "--log-level", "debug", "--log-format", "json")
    processes.start("hall", "market", "open", folder, "--key", "hall", "--listen", at, *watch)
    said = processes.until(lambda: [x for x in processes.lines("hall")[before:] if "market" in x])
    return said[0]["market"]


@pytest.fixture
def spans(processes):
    """Where processes send spans, and those that came."""
    with collecting() as (url, heard):
        processes.environment |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        yield heard


def test_a_job_is_sold_by_processes_and_the_liar_is_explained(processes, spans):
    place = open_hall(processes)
    processes.start("verifier", "verifier", place, "--key", "verifier", "--insist")
    for name in ("ada", "bob", "cay"):
        lie = ["--lie", "--price", "100"] if name == "bob" else []
        processes.start(name, "worker", place, "--key", name, "--insist", *lie)
    processes.until(lambda: len(processes.events("called")) == 4)
    program = processes.folder / "job.py"
    program.write_text("def main(a: u64, b: u64) -> u64:\n    return a * b\n")

    buying = ("submit", place, str(program), "6", "7", "--key", "buyer", "--bid", "50000", "--json")
    bought = json.loads(processes.run(*buying))

    liar = processes.lines("bob")[0]["account"]
    assert bought["value"] == 42
    assert bought["fined"] == [liar]
    log = str(processes.folder / "market" / "events.jsonl")
    why = processes.run("why", liar, "--log", log)
    assert "wrong answer" in why
    see_the_liar(processes, liar)
    see_one_trace(processes, spans, bought["task"])

    # Everything is killed at once, and the market is there again.
    for name in list(processes.running):
        processes.kill(name)
    again = open_hall(processes, place.partition("@")[2])
    assert again == place
    processes.start("verifier", "verifier", place, "--key", "verifier", "--insist")
    for name in ("ada", "cay"):
        processes.start(name, "worker", place, "--key", name, "--insist")
    second = json.loads(processes.run(*buying))
    assert second["value"] == 42
    assert second["fined"] == []
    see_no_secret(processes)


def see_the_liar(processes, liar: str) -> None:
    """Who watches the hall sees the liar slashed, with the reason, and is told why."""
    page = processes.lines("hall")[0]["dashboard"]
    (fine,) = json.loads(processes.run("top", page, "--json"))["slashes"]
    assert fine["worker"] == liar.removeprefix("0x")
    assert "that ran the task again signed" in fine["said"]
    with urllib.request.urlopen(f"{page}why/{fine['worker']}") as answer:
        assert fine["said"] in " ".join(json.load(answer))


def see_one_trace(processes, spans, task: str) -> None:
    """What each process measured is one trace, named by the task."""
    wanted = {("numen.hall", "task"), ("numen.worker", "compute"), ("numen.verifier", "check")}

    def mine():
        found = [each for each in spans() if each[1].trace_id == bytes.fromhex(task)[:16]]
        is_all = wanted <= {(service, span.name) for service, span in found}
        return is_all and {span.span_id: span for _, span in found}

    found = processes.until(mine)
    for span in found.values():
        assert span.name == "task" or span.parent_span_id in found


def see_no_secret(processes) -> None:
    """No password and no key is in what any process said, at any level."""
    said = "".join(path.read_text() for path in processes.folder.glob("*.out"))
    store = KeyStore(processes.folder / "keys")
    keys = [store.open(name, PASSWORD) for name in processes.names]
    secrets = [PASSWORD, *(key.account._key.secret.hex() for key in keys)]
    secrets += [key.node.private_key().private_bytes_raw().hex() for key in keys]
    assert '"logger":"numen.events"' in said
    assert not [secret for secret in secrets if secret in said]


def test_answers_that_can_be_challenged_and_proofs_are_sold_by_processes(processes):
    """The liar is alone at first, until somebody comes who checks."""
    place = open_hall(processes)
    program = processes.folder / "count.py"
    program.write_text(
        "def main(n: u64) -> u64:\n"
        "    steps = 0\n"
        "    while n > 1:\n"
        "        n = n // 2 if n % 2 == 0 else 3 * n + 1\n"
        "        steps += 1\n"
        "    return steps\n"
    )
    processes.start("verifier", "verifier", place, "--key", "verifier", "--insist")
    processes.start("bob", "worker", place, "--key", "bob", "--insist", "--lie")
    processes.until(lambda: len(processes.events("called")) == 2)
    liar = processes.lines("bob")[0]["account"]
    buy = ("submit", place, str(program), "27", "--key", "buyer", "--bid", "50000", "--evidence")

    # A process takes its time to come, on a busy machine more than ten seconds.
    processes.start("buyer", *buy, "optimistic", "--window", "20")
    processes.until(lambda: processes.events("matched"))
    processes.start("ada", "worker", place, "--key", "ada", "--insist", "--prove")
    assert processes.running.pop("buyer").wait(WAIT_S) == 0, processes.said("buyer")
    proof = processes.folder / "proof"
    proven = json.loads(processes.run(*buy, "stark", "--proof", str(proof), "--json"))

    (bought,) = [line for line in processes.lines("buyer") if "value" in line]
    assert (bought["value"], bought["fined"]) == (111, [liar])
    (decided,) = processes.events("decided")
    assert decided["winner"] == "challenger"
    assert processes.events("slashed")[0]["outcome"] == "lost contest"
    assert [event["evidence"] for event in processes.events("settled")] == ["optimistic", "stark"]
    assert (proven["value"], proven["evidence"]) == (111, "stark")
    checked = processes.run("verify", str(proof / "proof.stark"), "--json")
    assert json.loads(checked)["outputs"] == 111
    why = processes.run("why", liar, "--log", str(processes.folder / "market" / "events.jsonl"))
    assert "halvings step" in why


@WAN[0]
@WAN[1]
@WAN[2]
def test_a_job_is_sold_over_quic(processes):
    place = open_hall(processes, "iroh://127.0.0.1:0")
    assert "@iroh://127.0.0.1:" in place
    processes.start("verifier", "verifier", place, "--key", "verifier", "--insist")
    for name in ("ada", "cay"):
        processes.start(name, "worker", place, "--key", name, "--insist")
    processes.until(lambda: len(processes.events("called")) == 3)
    program = processes.folder / "job.py"
    program.write_text("def main(a: u64, b: u64) -> u64:\n    return a * b\n")

    buying = ("submit", place, str(program), "6", "7", "--key", "buyer", "--bid", "50000", "--json")
    bought = json.loads(processes.run(*buying))

    assert (bought["value"], bought["fined"]) == (42, [])
    assert bought["paid"] > 0
    assert [event["task"] for event in processes.events("settled")] == [bought["task"]]
