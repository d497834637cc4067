"""The whole story in real processes: hall, verifier, three workers of whom one lies, buyer."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from numen.net.keystore import KeyStore

pytestmark = pytest.mark.slow

PASSWORD = "correct horse"


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
        for name in self.names:
            self.run("key", "new", name)

    def run(self, *words, check=True) -> str:
        command = [sys.executable, "-m", "numen", *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, *words) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "numen", *words, "--json"],
                env=self.environment, stdout=out, stderr=out,
            )  # fmt: skip

    def lines(self, name: str) -> list[dict]:
        raw = (self.folder / f"{name}.out").read_text()
        return [json.loads(line) for line in raw.splitlines() if line.startswith("{")]

    def until(self, condition, patience_s: float = 60.0):
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError({name: self.lines(name)[-3:] for name in self.running})

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(10)

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


def test_a_job_is_sold_by_processes_and_the_liar_is_explained(processes):
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
    # Who watches the hall sees it, with the reason, and is told why.
    page = processes.lines("hall")[0]["dashboard"]
    (fine,) = json.loads(processes.run("top", page, "--json"))["slashes"]
    assert fine["worker"] == liar.removeprefix("0x")
    assert "staked verifiers that ran the task again signed" in fine["said"]
    with urllib.request.urlopen(f"{page}why/{fine['worker']}") as answer:
        assert fine["said"] in " ".join(json.load(answer))

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
    said = "".join(path.read_text() for path in processes.folder.glob("*.out"))
    store = KeyStore(processes.folder / "keys")
    keys = [store.open(name, PASSWORD) for name in processes.names]
    secrets = [PASSWORD, *(key.account._key.secret.hex() for key in keys)]
    secrets += [key.node.private_key().private_bytes_raw().hex() for key in keys]
    assert '"logger":"numen.events"' in said
    assert not [secret for secret in secrets if secret in said]
