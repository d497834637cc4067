"""The log in a file: what every log does, and what becomes of it when its process is killed."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from numen.ledger.order.embedded import Embedded
from numen.ledger.order.sequencer import BrokenLogError, Entry, UnavailableError
from tests.ledger.order.conformance import CHECKS, entry

WRITER = Path(__file__).with_name("writer.py")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_file_does_what_every_log_does(tmp_path, check):
    async def main():
        log = await Embedded.open(tmp_path / "log")
        try:
            await check(log, "t")
        finally:
            await log.close()

    asyncio.run(main())


def test_a_log_that_is_opened_again_is_the_same(tmp_path):
    async def write():
        log = await Embedded.open(tmp_path / "log")
        places = [await log.append([entry("a", f"{i}")], {}) for i in range(5)]
        await log.close()
        return places

    async def read():
        log = await Embedded.open(tmp_path / "log")
        try:
            assert await log.append([entry("a", "3")], {}) == 4
            return [(r.position, r.body) for r in await log.read(1, 100)]
        finally:
            await log.close()

    places = asyncio.run(write())

    assert asyncio.run(read()) == [(p, f"{i}".encode()) for i, p in enumerate(places)]


def test_a_log_has_one_owner(tmp_path):
    async def main():
        log = await Embedded.open(tmp_path / "log")
        with pytest.raises(BrokenLogError, match="another process"):
            await Embedded.open(tmp_path / "log")
        await log.close()
        await (await Embedded.open(tmp_path / "log")).close()

    asyncio.run(main())


def test_what_is_no_log_is_refused_and_let_go_of(tmp_path):
    (tmp_path / "text").write_bytes(b"not a database at all, " * 50)
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE cats (name)")
    other.close()

    async def main():
        for name in ("text", "other", "text"):
            with pytest.raises(BrokenLogError):
                await Embedded.open(tmp_path / name)

    asyncio.run(main())


def test_a_closed_log_says_so_to_all_who_wait(tmp_path):
    async def main():
        log = await Embedded.open(tmp_path / "log")

        async def follow():
            async for _ in log.subscribe(1):
                pass

        follower = asyncio.create_task(follow())
        await asyncio.sleep(0)
        await log.close()
        with pytest.raises(UnavailableError, match="closed"):
            await follower
        with pytest.raises(UnavailableError, match="closed"):
            await log.append([entry("a", "x")], {})

    asyncio.run(main())


def test_an_error_of_the_disk_ends_the_writing_and_loses_nothing(tmp_path):
    async def main():
        log = await Embedded.open(tmp_path / "log")
        kept = await log.append([entry("a", "kept")], {})
        pages = log._writer.execute("PRAGMA page_count").fetchone()[0]
        log._writer.execute(f"PRAGMA max_page_count = {pages}")  # the disk is full from here on
        with pytest.raises(UnavailableError, match="full"):
            await log.append([Entry("a", bytes(100_000))], {})
        with pytest.raises(UnavailableError):
            await log.append([entry("a", "after")], {})
        await log.close()

        again = await Embedded.open(tmp_path / "log")
        assert await again.head() == kept
        await again.close()

    asyncio.run(main())


def test_who_stops_waiting_does_not_stop_the_others(tmp_path):
    async def main():
        log = await Embedded.open(tmp_path / "log")
        tasks = [asyncio.create_task(log.append([entry("a", f"{i}")], {})) for i in range(20)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(end, int) for end in ends].count(True) == 19
        await log.close()

    asyncio.run(main())


@pytest.mark.slow
def test_a_killed_process_loses_nothing_that_it_acknowledged(tmp_path):
    path = tmp_path / "log"
    acknowledged: dict[str, int] = {}
    for turn in range(8):
        process = subprocess.Popen(
            [sys.executable, WRITER, path, str(turn)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for count, line in enumerate(process.stdout):
            body, place = json.loads(line)
            acknowledged[body] = place
            if count == 40 + 17 * turn:
                process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()

    found = asyncio.run(_everything(path))
    places = {record.body.decode(): record.position for record in found}
    assert len(acknowledged) > 8 * 40
    assert acknowledged.items() <= places.items()
    assert [record.position for record in found] == list(range(1, len(found) + 1))
    assert len(places) == len(found)


async def _everything(path):
    log = await Embedded.open(path)
    found = []
    while page := await log.read(len(found) + 1, 500):
        found += page
    await log.close()
    return found
