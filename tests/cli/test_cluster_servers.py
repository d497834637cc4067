"""`numen cluster` with real servers, and the configuration of the guide as it is printed there.

make cluster
"""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from numen.ledger.order.jetstream import JetStream
from numen.ledger.order.sequencer import Entry, UnavailableError
from numen.ledger.order.servers import ClusterError, find_server, ports_from
from tests.markdown import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

GUIDE = (ROOT / "docs" / "guides" / "cluster.md").read_text()
NUMEN = [sys.executable, "-m", "numen", "cluster"]
LIMIT_S = 60


@pytest.fixture(scope="module", autouse=True)
def _server():
    try:
        find_server()
    except ClusterError as error:
        pytest.skip(str(error))


def first_free() -> int:
    """The first port of a cluster of which all nine are free; see `tests.ports`."""
    for first in range(20_000 + os.getpid() % 200 * 37, 28_000, 37):
        with ExitStack() as stack:
            try:
                for each in ports_from(first):
                    for port in (each.clients, each.probes, each.routes):
                        stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    msg = "no ports are free"
    raise AssertionError(msg)


class Up:
    """`numen cluster up --json` and what it says."""

    def __init__(self, directory: Path) -> None:
        self.first = first_free()
        words = ["up", "--directory", str(directory), "--ports", str(self.first), "--json"]
        self.process = subprocess.Popen([*NUMEN, *words], stdout=subprocess.PIPE, text=True)
        self.ready = self.event("ready")

    def event(self, kind: str) -> dict:
        """The next event of a kind."""
        while line := self.process.stdout.readline():
            told = json.loads(line)
            assert "event" in told, told
            if told["event"] == kind:
                return told
        msg = f"it ended before it said {kind!r}"
        raise AssertionError(msg)

    def ask(self, command: str) -> tuple[int, dict]:
        words = [*NUMEN, command, "--ports", str(self.first), "--json"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        return done.returncode, json.loads(done.stdout)

    def well(self, command: str) -> dict:
        """What a command says as soon as nothing is wrong."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            code, told = self.ask(command)
            if code == 0 or time.monotonic() > deadline:
                assert told["problems"] == []
                return told
            time.sleep(0.5)


@contextmanager
def running(directory: Path):
    up = Up(directory)
    try:
        yield up
    finally:
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(LIMIT_S) == 0
        up.process.stdout.close()


def servers_of(directory: Path) -> dict[str, int]:
    """The servers' processes, by their names."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError):  # it may have ended since
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if len(words) > 2 and str(directory).encode() in words[2]:
                    found[Path(words[2].decode()).stem] = int(entry.name)
    return found


def append(urls: list[str], count: int, tls: ssl.SSLContext | None = None) -> None:
    async def main() -> None:
        log = await JetStream.connect(urls, tls=tls)
        last = await log.last("acct.a")
        for number in range(count):
            last = await log.append([Entry("acct.a", b"%d" % (last + number))], {"acct.a": last})
        await log.close()

    asyncio.run(main())


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found in /proc")
def test_a_cluster_is_watched_and_its_replicas_are_compared(tmp_path):
    with running(tmp_path) as up:
        append(up.ready["urls"], 40)
        assert up.well("status")["head"] == 40
        told = up.well("check")
        assert told["replicas"]["equal"]
        assert told["replicas"]["compared"] == 40
        digests = told["replicas"]["digests"]
        assert sorted(digests) == ["n0", "n1", "n2"]
        assert len(set(digests.values())) == 1
        assert all(server["is_synced"] for server in told["servers"])

        os.kill(servers_of(tmp_path)[told["leader"]], signal.SIGKILL)
        assert f"{told['leader']} ended with code -9" in up.event("ended")["what"]
        append(up.ready["urls"], 3)
        assert up.well("check")["replicas"]["compared"] == 43

    assert not servers_of(tmp_path)
    with running(tmp_path) as up:  # the log survives the servers
        append(up.ready["urls"], 1)
        assert up.well("check")["replicas"]["compared"] == 44


def test_a_directory_and_ports_have_one_cluster(tmp_path):
    with running(tmp_path / "a") as up:
        other = str(first_free())
        for directory, first, said in (("a", other, "BrokenLogError"), ("b", str(up.first), "Cl")):
            words = [*NUMEN, "up", "--directory", str(tmp_path / directory), "--ports", first]
            done = subprocess.run(
                [*words, "--json"], capture_output=True, text=True, timeout=LIMIT_S, check=False
            )
            assert done.returncode == 2
            assert json.loads(done.stdout)["error"]["kind"].startswith(said)
        assert up.ask("status")[0] in (0, 1)


def entries_of(directory: Path, name: str) -> Path:
    """The file in which a server has its replica."""
    (found,) = (directory / name / "jetstream" / "$G" / "streams" / "LEDGER" / "msgs").glob("*.blk")
    return found


def test_a_replica_that_was_changed_on_disk_is_found_and_fetched_anew(tmp_path):
    with running(tmp_path) as up:
        append(up.ready["urls"], 30)
        up.well("check")
    file = entries_of(tmp_path, "n1")
    raw = bytearray(file.read_bytes())
    twentieth = [found.end() for found in re.finditer(rb"Nats-Msg-Id: ", raw)][19]
    raw[twentieth] ^= 1
    file.write_bytes(raw)

    with running(tmp_path) as up:
        deadline = time.monotonic() + LIMIT_S
        while not (told := up.ask("check")[1])["replicas"].get("differs_at"):
            assert time.monotonic() < deadline, told
        assert told["replicas"]["differs_at"] == 20
        assert any(line.endswith("look at n1") for line in told["problems"])
        assert not told["replicas"]["equal"]
        assert up.well("status")["head"] == 30  # nothing else shows it

    shutil.rmtree(tmp_path / "n1")
    with running(tmp_path) as up:
        assert up.well("check")["replicas"]["compared"] == 30


# The guide. --------------------------------------------------------------------------------------


def block(fence: str, word: str) -> str:
    """The guide's block that has a word, on loopback."""
    blocks = re.findall(rf"^```{fence}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    (found,) = [text for text in blocks if word in text]
    return found.replace("10.0.0.", "127.0.0.")


@contextmanager
def machines(directory: Path):
    """Three servers as the guide has them, on 127.0.0.1 to 127.0.0.3."""
    commands = block("sh", "openssl")
    subprocess.run(["sh", "-euc", commands], cwd=directory, check=True, capture_output=True)
    first = first_free()
    with ExitStack() as stack:
        for index in range(3):
            text = block("text", "server_name").replace("n0", f"n{index}")
            text = re.sub(r"(listen|http): \"127\.0\.0\.1", rf'\1: "127.0.0.{index + 1}', text)
            text = text.replace('"data"', f'"data{index}"')
            for port, ours in ((4222, first), (6222, first + 2000), (8222, first + 4000)):
                text = text.replace(f":{port}", f":{ours}")
            (directory / f"n{index}.conf").write_text(text)
            log = stack.enter_context((directory / f"n{index}.log").open("wb"))
            process = subprocess.Popen(
                [find_server(), "-c", f"n{index}.conf"], cwd=directory, stdout=log, stderr=log
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield first


def context(directory: Path, name: str | None) -> ssl.SSLContext:
    found = ssl.create_default_context(cafile=directory / "ca.pem")
    if name is not None:
        found.load_cert_chain(directory / f"{name}.pem", directory / f"{name}.key")
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is not loopback everywhere")
@pytest.mark.skipif(not shutil.which("openssl"), reason="the guide makes certificates by openssl")
def test_the_configuration_of_the_guide_lets_in_who_it_says(tmp_path):
    with machines(tmp_path) as first:
        urls = [f"tls://127.0.0.{i}:{first}" for i in (1, 2, 3)]
        append(urls, 5, context(tmp_path, "sequencer"))
        for stranger in (None, "n0"):
            with pytest.raises(UnavailableError):
                asyncio.run(JetStream.connect(urls, patience_s=4, tls=context(tmp_path, stranger)))
        with pytest.raises(UnavailableError):
            asyncio.run(
                JetStream.connect([url.replace("tls", "nats") for url in urls], patience_s=4)
            )

        command = block("sh", "numen cluster check").replace("8222", str(first + 4000))
        words = command.replace("4222", str(first)).split()[2:]
        deadline = time.monotonic() + LIMIT_S
        while True:
            done = subprocess.run(
                [*NUMEN, *words, "--json"], cwd=tmp_path, capture_output=True, text=True,
                timeout=LIMIT_S, check=False,
            )  # fmt: skip
            told = json.loads(done.stdout)
            if done.returncode == 0 or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        assert told["problems"] == []
        assert told["replicas"]["compared"] == 5
