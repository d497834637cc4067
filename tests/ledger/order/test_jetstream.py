"""The log on three real servers: what every log does, also while servers are killed.

make cluster
"""

import asyncio
import json
import sys
import time
import urllib.request
from contextlib import closing, suppress

import msgspec
import pytest

from numen.ledger.block import Block
from numen.ledger.ledger import Ledger
from numen.ledger.order.sequencer import (
    BLOCKS,
    BrokenLogError,
    ConflictError,
    Entry,
    UnavailableError,
)
from numen.ledger.order.servers import Cluster, ClusterError, Ports, find_server, ports_from
from tests.ledger import scripts
from tests.ledger.order.conformance import CHECKS, entry
from tests.ledger.town import CHAIN, CONTRACTS, Town
from tests.ports import free_ports

nats = pytest.importorskip("nats", reason="the extra `cluster` is not installed")
JetStream = pytest.importorskip("numen.ledger.order.jetstream", reason="it needs nats").JetStream

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

WRITERS = 12


@pytest.fixture(scope="module", autouse=True)
def _server():
    try:
        find_server()
    except ClusterError as error:
        pytest.skip(str(error))


def three_servers() -> list[Ports]:
    numbers = free_ports(9)
    return [Ports(*numbers[i : i + 3]) for i in (0, 3, 6)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("cluster"), three_servers()) as servers:
        yield servers


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_stream_does_what_every_log_does(cluster, check):
    async def main():
        log = await JetStream.connect(cluster.urls)
        try:
            await check(log, check.__name__)
        finally:
            await log.close()

    asyncio.run(main())


def test_of_two_spends_through_two_servers_one_is_accepted(cluster):
    async def main():
        logs = [await JetStream.connect([url]) for url in cluster.urls]
        for turn in range(50):
            subject = f"acct.{turn}"
            spends = [
                log.append([entry(subject, f"{i}")], {subject: 0}) for i, log in enumerate(logs)
            ]
            ends = await asyncio.gather(*spends, return_exceptions=True)
            assert [isinstance(end, int) for end in ends].count(True) == 1
            assert [isinstance(end, ConflictError) for end in ends].count(True) == 2
        for log in logs:
            await log.close()

    asyncio.run(main())


def test_a_stream_that_can_lose_entries_is_no_log(tmp_path):
    async def main(urls):
        client = await nats.connect(urls)
        stream = client.jetstream(timeout=5)
        await stream.add_stream(name="LEDGER", subjects=["ledger.>"], num_replicas=1)
        with pytest.raises(BrokenLogError, match="needs"):
            await JetStream.connect(urls)
        await client.close()

    with Cluster(tmp_path, three_servers()) as servers:
        asyncio.run(main(servers.urls))


def test_nobody_answers_where_nobody_is():
    async def main():
        with pytest.raises(UnavailableError, match="answers"):
            await JetStream.connect(["nats://127.0.0.1:1"], patience_s=1)

    asyncio.run(main())


# Servers that die. -------------------------------------------------------------------------------


class Load:
    """Writers with accounts of their own and a maker of real blocks, until told to stop."""

    def __init__(self, log: "JetStream") -> None:
        self.log = log
        self.town = Town()
        self.acknowledged: dict[int, bytes] = {}
        self.gap_s = 0.0
        self.is_over = False
        self._last_s = time.monotonic()
        self._tasks = [asyncio.create_task(self._write(i)) for i in range(WRITERS)]
        self._tasks.append(asyncio.create_task(self._make()))

    async def stop(self) -> None:
        self.is_over = True
        await asyncio.gather(*self._tasks)

    async def gap(self, disturb) -> float:
        """The longest time without an acknowledgement after a disturbance, in seconds."""
        await asyncio.sleep(1)
        self.gap_s = 0.0
        await asyncio.to_thread(disturb)
        before = len(self.acknowledged)
        while len(self.acknowledged) < before + 20 * WRITERS:
            await asyncio.sleep(0.1)
        return self.gap_s

    async def _write(self, number: int) -> None:
        subject, last, count = f"acct.{number}", 0, 0
        while not self.is_over:
            last = await self._append(Entry(subject, f"{number}:{count}".encode()), last)
            count += 1

    async def _make(self) -> None:
        last = 0
        while not self.is_over:
            block = self.town.block(self.town.call(CONTRACTS[0], scripts.Script())).block
            last = await self._append(Entry(BLOCKS, msgspec.msgpack.encode(block)), last)
            await asyncio.sleep(0.1)

    async def _append(self, what: Entry, last: int) -> int:
        place = await self.log.append([what], {what.subject: last})
        assert place not in self.acknowledged
        self.acknowledged[place] = what.body
        now = time.monotonic()
        self.gap_s, self._last_s = max(self.gap_s, now - self._last_s), now
        return place


def leader(servers: Cluster) -> int:
    """Which server leads the stream."""
    for ports in servers._ports * 20:
        with suppress(OSError, KeyError, IndexError):  # a server is dead, or has not heard yet
            url = f"http://127.0.0.1:{ports.probes}/jsz?streams=true"
            with closing(urllib.request.urlopen(url, timeout=2)) as answer:
                found = json.load(answer)
            (stream,) = found["account_details"][0]["stream_detail"]
            return int(stream["cluster"]["leader"].removeprefix("n"))
        time.sleep(0.1)
    msg = "nobody leads"
    raise AssertionError(msg)


async def replicas_agree(servers: Cluster, load: Load) -> None:
    """Make each server the leader in turn, and read all of the log from it."""
    log = load.log
    views = []
    for index in range(3):
        await lead(log, servers, index)
        head, view = await log.head(), []
        while len(view) < head:
            view += await log.read(len(view) + 1, 1024)
        views.append(view)

    assert views[0] == views[1] == views[2]
    assert [record.position for record in views[0]] == list(range(1, len(views[0]) + 1))
    bodies = {record.position: record.body for record in views[0]}
    assert load.acknowledged.items() <= bodies.items()
    assert len({record.body for record in views[0]}) == len(views[0])
    blocks = [record.body for record in views[0] if record.subject == BLOCKS]
    ledger = replay(blocks)
    assert ledger.height == len(blocks) >= 10
    assert ledger.head == load.town.ledger.head


def replay(blocks: list[bytes]) -> Ledger:
    """Carry the blocks of the log out; each compares its roots with those of who made it."""
    ledger = Ledger(CHAIN, Town().world)
    for raw in blocks:
        ledger.take(msgspec.msgpack.decode(raw, type=Block))
    return ledger


async def lead(log: "JetStream", servers: Cluster, index: int) -> None:
    request = json.dumps({"placement": {"preferred": f"n{index}"}}).encode()
    for _ in range(100):
        with suppress(AssertionError):
            if await asyncio.to_thread(leader, servers) == index:
                return
        with suppress(nats.errors.Error, TimeoutError):
            await log._client.request("$JS.API.STREAM.LEADER.STEPDOWN.LEDGER", request, timeout=2)
        await asyncio.sleep(0.3)
    msg = f"n{index} does not become the leader"
    raise AssertionError(msg)


def test_servers_that_are_killed_lose_nothing_that_was_acknowledged(tmp_path, capsys):
    servers = Cluster(tmp_path, three_servers())

    def kill_one(index: int) -> None:
        servers.kill(index)

    def kill_all() -> None:
        for index in range(3):
            servers.kill(index)
        servers.start()

    async def main() -> dict[str, float]:
        log = await JetStream.connect(servers.urls, patience_s=90)
        load = Load(log)
        gaps = {}
        follower = (leader(servers) + 1) % 3
        gaps["a follower"] = await load.gap(lambda: kill_one(follower))
        await asyncio.to_thread(servers.start)
        gaps["the leader"] = await load.gap(lambda: kill_one(leader(servers)))
        await asyncio.to_thread(servers.start)
        gaps["all three, started again"] = await load.gap(kill_all)
        await load.stop()
        await replicas_agree(servers, load)
        await log.close()
        gaps["entries"] = len(load.acknowledged)
        return gaps

    with servers:
        told = asyncio.run(main())
    entries = told.pop("entries")
    lines = [f"{entries} entries acknowledged, none lost, one order on all replicas"]
    lines += [f"killed {what}: no acknowledgement for {gap:.1f} s" for what, gap in told.items()]
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")


def test_one_server_of_three_accepts_nothing(tmp_path):
    async def main():
        log = await JetStream.connect(servers.urls, patience_s=3)
        first = await log.append([entry("a", "kept")], {})
        left = leader(servers)
        for index in range(3):
            if index != left:
                await asyncio.to_thread(servers.kill, index)
        with pytest.raises(UnavailableError):
            await log.append([entry("a", "alone")], {"a": first})
        await asyncio.to_thread(servers.start)
        patient = await JetStream.connect(servers.urls)
        # It may have been kept by the one, and be found now; it is there once in any case.
        assert await patient.append([entry("a", "alone")], {"a": first}) == first + 1
        assert await patient.head() == first + 1
        await patient.close()
        await log.close()

    with Cluster(tmp_path, three_servers()) as servers:
        asyncio.run(main())


def test_servers_without_room_for_full_batches_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("numen.ledger.order.servers.PAYLOAD_BYTES_MAX", 1 << 20)

    async def main():
        with pytest.raises(BrokenLogError, match="max_payload"):
            await JetStream.connect(servers.urls)

    with Cluster(tmp_path, three_servers()) as servers:
        asyncio.run(main())


def test_ports_are_those_of_a_person():
    assert ports_from(4222)[2] == Ports(4224, 8224, 6224)
    for bad in (0, 80, 65_000):
        with pytest.raises(ClusterError):
            ports_from(bad)
