"""The log's engines: a file, three servers, and what they cost beside what they stand on.

*one* appends an entry and waits for it; *64 at once* keeps 64 appends under way; *100 a batch* has
100 entries in each append. The file's rival is plain SQLite with the same durability, a commit for
each row (for batches: for each 100). The servers' rival is the same client's publish into a stream
with the same three replicas and syncs, without ids, expectations or batches. All are measured in
turns, on one machine, which the three servers share: real ones have a disk each, and a network.

*nothing acknowledged* is the longest time without an acknowledgement, as writers see it, after
servers are killed (SIGKILL); all three are started again at once. The rival is the time for which
an append is tried before it fails.

The servers' rows need the extra `cluster`.
"""

import asyncio
import random
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

from harness import Contest, Row, main
from numen.ledger.order import probes
from numen.ledger.order.embedded import Embedded
from numen.ledger.order.sequencer import Entry, Sequencer
from numen.ledger.order.servers import Cluster, ClusterError, ports_from

BODY_BYTES = 256
WINDOW, BATCH, WRITERS = 64, 100, 8
ROUNDS, ROUNDS_QUICK = 7, 2
ONES, ATS, BATCHES = 60, 640, 8
"""Appends of a round: one by one, 64 at once, and batches."""

KILLS, KILLS_QUICK = 5, 1
PATIENCE_S = 30

RAW = "RAW"


class Side:
    """One of those that are compared: how it appends, and how long that took.

    Args:
        name: In the table.
        one: Append an entry.
        batch: Append many at once.
    """

    def __init__(
        self,
        name: str,
        one: Callable[[bytes], Awaitable[object]],
        batch: Callable[[list[bytes]], Awaitable[object]],
    ) -> None:
        self.name, self.one, self.batch = name, one, batch
        self.latencies: dict[str, list[float]] = {"one": [], "64 at once": [], "100 a batch": []}
        self.per_entry: dict[str, list[float]] = {kind: [] for kind in self.latencies}

    async def turn(self, chance: random.Random) -> None:
        """Append some in each way."""
        bodies = [chance.randbytes(BODY_BYTES) for _ in range(ONES)]
        await self._timed("one", bodies, 1)
        bodies = [chance.randbytes(BODY_BYTES) for _ in range(ATS)]
        await self._timed("64 at once", bodies, WINDOW)
        start = time.perf_counter()
        for _ in range(BATCHES):
            many = [chance.randbytes(BODY_BYTES) for _ in range(BATCH)]
            began = time.perf_counter()
            await self.batch(many)
            self.latencies["100 a batch"].append(time.perf_counter() - began)
        spent = time.perf_counter() - start
        self.per_entry["100 a batch"].append(spent / (BATCHES * BATCH))

    async def _timed(self, kind: str, bodies: list[bytes], window: int) -> None:
        waiting = iter(bodies)

        async def write() -> None:
            for body in waiting:
                began = time.perf_counter()
                await self.one(body)
                self.latencies[kind].append(time.perf_counter() - began)

        start = time.perf_counter()
        await asyncio.gather(*[write() for _ in range(window)])
        self.per_entry[kind].append((time.perf_counter() - start) / len(bodies))


def log_side(name: str, log: Sequencer) -> Side:
    """An engine of ours: each entry under an account of its own, which nothing stands under."""
    count = iter(range(1 << 60))

    def fresh() -> str:
        return f"acct.{next(count)}"

    async def one(body: bytes) -> object:
        subject = fresh()
        return await log.append([Entry(subject, body)], {subject: 0})

    async def batch(bodies: list[bytes]) -> object:
        entries = [Entry(fresh(), body) for body in bodies]
        return await log.append(entries, {entry.subject: 0 for entry in entries})

    return Side(name, one, batch)


def sqlite_side(path: Path) -> Side:
    """Rows in a table, each commit synced."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE entry (position INTEGER PRIMARY KEY, body BLOB NOT NULL)")

    async def one(body: bytes) -> None:
        await asyncio.sleep(0)  # behind those who came before
        connection.execute("INSERT INTO entry (body) VALUES (?)", (body,))

    async def batch(bodies: list[bytes]) -> None:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO entry (body) VALUES (?)", [(b,) for b in bodies])
        connection.execute("COMMIT")

    return Side("SQLite", one, batch)


async def publish_side(client: Any) -> Side:
    """Messages in a stream, each acknowledged."""
    stream = client.jetstream(timeout=5)
    await stream.add_stream(name=RAW, subjects=["raw.>"], num_replicas=3, storage="file")

    async def one(body: bytes) -> None:
        await stream.publish("raw.x", body)

    async def batch(bodies: list[bytes]) -> None:
        await asyncio.gather(*[one(body) for body in bodies])

    return Side("publish", one, batch)


def rows(ours: Side, rival: Side) -> Iterator[Row]:
    """What a side takes beside another: half of the times, all but 1 %, and an entry's share."""
    for kind in ours.latencies:
        versus = f"{kind}, {ours.name} vs {rival.name}"
        for percent in (50, 99):
            mine, other = (_percentile(s.latencies[kind], percent) * 1e3 for s in (ours, rival))
            yield Row(f"append {versus}, p{percent}", mine, other, "ms")
        if kind != "one":
            mine, other = (statistics.median(s.per_entry[kind]) * 1e6 for s in (ours, rival))
            yield Row(f"an entry, {versus}", mine, other, "us")


def _percentile(times: list[float], percent: int) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def first_free() -> int:
    """The first port of a cluster of which all nine are free."""
    for first in range(21_000, 40_000, 41):
        with ExitStack() as stack:
            try:
                for each in ports_from(first):
                    for port in (each.clients, each.probes, each.routes):
                        stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise SystemExit("no ports are free")


async def engines(folder: Path, servers: Cluster | None, rounds: int) -> list[Row]:
    """Every engine in turns."""
    chance = random.Random(1)
    file = await Embedded.open(folder / "log")
    sides = [log_side("a file", file), sqlite_side(folder / "plain")]
    log = client = None
    if servers is not None:
        log = await import_module("numen.ledger.order.jetstream").JetStream.connect(servers.urls)
        connect = import_module("numen.ledger.order.client").connect
        client = await connect(servers.urls, patience_s=PATIENCE_S)
        sides += [log_side("three servers", log), await publish_side(client)]
    for number in range(rounds + 1):
        for side in sides:
            await side.turn(chance)
        if number == 0:  # the first one warms up
            for side in sides:
                for times in (*side.latencies.values(), *side.per_entry.values()):
                    times.clear()
    found = list(rows(sides[0], sides[1]))
    if log is not None and client is not None:
        found += [*rows(sides[2], sides[3]), *rows(sides[2], sides[0])]
        await log.close()
        await client.close()
    await file.close()
    return found


async def recoveries(servers: Cluster, kills: int) -> AsyncIterator[Row]:
    """How long nothing is acknowledged when servers are killed."""
    log = await import_module("numen.ledger.order.jetstream").JetStream.connect(
        servers.urls, patience_s=PATIENCE_S
    )
    gaps: list[tuple[float, float]] = []
    last = time.perf_counter()
    is_over = False

    async def write(number: int) -> None:
        nonlocal last
        place, subject = 0, f"load.{number}"
        while not is_over:
            place = await log.append([Entry(subject, b"%d" % place)], {subject: place})
            now = time.perf_counter()
            gaps.append((now, now - last))
            last = now

    writers = [asyncio.create_task(write(number)) for number in range(WRITERS)]

    async def gap(what: Callable[[], None]) -> float:
        await asyncio.sleep(1)
        began = time.perf_counter()
        await asyncio.to_thread(what)
        done = len(gaps)
        while len(gaps) < done + 100 * WRITERS:
            await asyncio.sleep(0.1)
        longest = max(each for at, each in gaps if at >= began)
        await asyncio.to_thread(servers.start)
        while probes.leader(await asyncio.to_thread(probes.ask_all, servers.probes)) == "":
            await asyncio.sleep(0.1)
        return longest

    def leader() -> None:
        name = probes.leader(probes.ask_all(servers.probes))
        servers.kill(int(name.removeprefix("n")))

    def all_three() -> None:
        for index in range(3):
            servers.kill(index)
        servers.start()

    for name, what in (("the leader is", leader), ("all three are", all_three)):
        times = [await gap(what) for _ in range(kills)]
        bar = f"{name} killed vs a client's patience"
        yield Row(f"nothing acknowledged, {bar}, median", statistics.median(times), PATIENCE_S, "s")
        yield Row(f"nothing acknowledged, {bar}, longest", max(times), PATIENCE_S, "s", 1)
    is_over = True
    await asyncio.gather(*writers)
    await log.close()


async def recovered(servers: Cluster, kills: int) -> list[Row]:
    """All rows of `recoveries`."""
    return [row async for row in recoveries(servers, kills)]


def contests(quick: bool) -> Iterator[Contest | Row]:
    """Everything that is measured."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        servers = None
        try:
            import_module("numen.ledger.order.client")
            servers = Cluster(folder / "cluster", ports_from(first_free()))
        except ClusterError as error:
            print(f"{error}; the rows of the servers are left out", file=sys.stderr)
        if servers is not None:
            stack.enter_context(servers)
        yield from asyncio.run(engines(folder, servers, ROUNDS_QUICK if quick else ROUNDS))
        if servers is not None:
            yield from asyncio.run(recovered(servers, KILLS_QUICK if quick else KILLS))


if __name__ == "__main__":
    main(__doc__, contests)
