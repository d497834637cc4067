"""Snapshots: everybody writes the same, lies are seen, and a record outlives any kill."""

import asyncio
import os
import signal
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.crypto import SigningKey
from numen.base.eip712 import Domain
from numen.ledger.order.sequencer import BrokenLogError
from numen.market.exchange import Verb
from numen.market.message import Call, sign
from numen.node.market import record as records
from numen.node.market.clerk import Clerk, Visit
from numen.node.market.errand import Visitor
from numen.node.market.follower import Follower, FollowerError
from numen.node.market.notary import Notary
from numen.node.market.record import Record, RecordError
from numen.node.market.replica import Genesis, Marked, Posted, Replica, ReplicaError
from numen.node.market.snapshot import (
    MarkRow,
    SnapshotError,
    market_of,
    open_sealed,
    read_state,
    seal,
    state_digest,
    state_of,
    write_state,
)
from numen.node.market.speech import Follow, Piece, Restart, Welcome
from tests.market.town import build

HALL = SigningKey.from_seed(b"hall")
GENESIS = Genesis(
    Domain("Numen", "1", 1337, b"\xcc" * 20), HALL.address, HALL.address, 10**9, 10**6, 0
)


class Notes:
    """A `Teller` that forgets."""

    def add(self, happened) -> None:
        pass

    def sync(self) -> int:
        return 0


def call(clerk: Clerk, name: bytes) -> None:
    """Somebody comes, is granted coins, and stakes some."""
    key = SigningKey.from_seed(name)
    list(clerk.hear(Visit(key.address), Follow(0), 5))
    nonce = clerk.replica.market.nonces.get(key.address, 0)
    verb = Verb.JOIN_AS_WORKER.value
    said = Call(clerk.replica.market.identity, key.address, nonce, verb, 5000)
    assert not clerk.write(Posted(sign(key, said)), 5)


def sealed(clerk: Clerk):
    replica = clerk.replica
    raw = replica.snapshot()
    return seal(HALL, GENESIS.identity, replica.height, replica.head, raw), raw


def test_a_market_at_any_moment_is_what_its_snapshot_says():
    play = build(3).play
    seen = {"job": 0, "mark": 0}
    for number, _ in enumerate(play.run()):
        if number % 7:
            continue
        state = state_of(play.market, number, bytes(32), play.now_ms, {b"\x01" * 20})
        raw = write_state(state)
        again = market_of(read_state(raw))
        assert again == play.market
        for name, job in play.market.jobs.items():  # the last request is the one in force
            assert list(again.jobs[name].requests) == list(job.requests)
        assert write_state(read_state(raw)) == raw
        seen["job"] += bool(play.market.jobs)
        seen["mark"] += bool(play.market.escrow.marks)
    assert min(seen.values()) > 0, seen


@given(st.data())
def test_bytes_that_were_changed_are_no_snapshot(data):
    clerk = Clerk(GENESIS, Notary())
    call(clerk, b"ada")
    found, raw = sealed(clerk)
    at = data.draw(st.integers(0, len(raw) - 1))
    wrong = bytearray(raw)
    wrong[at] ^= data.draw(st.integers(1, 255))

    with pytest.raises(SnapshotError):
        open_sealed(found, bytes(wrong), GENESIS.identity, GENESIS.hall)
    assert open_sealed(found, raw, GENESIS.identity, GENESIS.hall).height == clerk.replica.height


@given(st.binary(max_size=200))
def test_bytes_from_anywhere_are_refused(raw):
    with pytest.raises(SnapshotError):
        read_state(raw)


def test_one_market_has_no_second_snapshot():
    one, two = b"\x01" * 20, b"\x02" * 20
    replica = Clerk(GENESIS, Notary()).replica
    state = state_of(replica.market, 0, bytes(32), 5, {one, two})
    row = MarkRow(one, two, bytes(32), bytes(32), 1)
    inner = msgspec.structs.replace(state.market.escrow, pool=frozenset({one}))
    changes = (
        {"granted": (two, one)},
        {"granted": (one, one)},
        {"pool": (two, one)},
        {"marks": (row, row)},
        {"market": msgspec.structs.replace(state.market, escrow=inner)},
    )
    assert read_state(write_state(state)) == state
    for change in changes:
        with pytest.raises(SnapshotError, match="canonical"):
            read_state(write_state(msgspec.structs.replace(state, **change)))


def test_seals_of_others_are_refused():
    clerk = Clerk(GENESIS, Notary())
    call(clerk, b"ada")
    found, raw = sealed(clerk)
    mallory = SigningKey.from_seed(b"mallory")
    replica = clerk.replica
    of_another = seal(mallory, GENESIS.identity, replica.height, replica.head, raw)
    later = seal(HALL, GENESIS.identity, replica.height + 1, replica.head, raw)

    for wrong in (of_another, later):
        with pytest.raises(SnapshotError):
            open_sealed(wrong, raw, GENESIS.identity, GENESIS.hall)
    with pytest.raises(SnapshotError, match="another market"):
        open_sealed(found, raw, bytes(32), GENESIS.hall)


def test_a_hall_that_marks_another_market_is_seen_by_all_who_follow():
    replica = Replica(GENESIS, Notary())
    lie = replica.next(Marked(bytes(32)), 5)
    truth = replica.next(Marked(state_digest(replica.snapshot())), 5)

    with pytest.raises(ReplicaError, match="another than it is"):
        replica.apply(lie)
    replica.apply(truth)
    assert replica.height == 1


def enter(clerk: Clerk) -> Follower:
    follower = Follower(Notary(), lambda _: None)
    height, now_ms = clerk.replica.height, clerk.replica.now_ms
    follower.enter(Welcome(GENESIS, height, now_ms), HALL.address, 0)
    return follower


def test_who_joins_late_has_the_same_market(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "PART_ENTRIES", 6)

    async def story():
        record, _ = await Record.open(tmp_path / "record", GENESIS, Notary())
        clerk = record.clerk
        for number in range(20):
            call(clerk, bytes([number]))
            await record.write()
            if record.is_full:
                await record.compact(HALL, 5, Notes())
                await record.write()
        assert clerk.first > 20, "what is kept in memory is bounded"
        assert len(clerk.entries) < 8
        visit, follower = Visit(b"\x07" * 20), enter(clerk)
        visit.cursor = 0
        kinds = set()
        while clerk.has_news(visit):
            for message in clerk.told_next(visit):
                kinds.add(type(message))
                list(follower.hear(message, Visitor(bytes(20)), 0))
        assert kinds >= {Restart, Piece}
        assert follower.is_ready
        assert follower.replica.market == clerk.replica.market
        assert follower.replica.head == clerk.replica.head
        await record.close()

        again, _ = await Record.open(tmp_path / "record", GENESIS, Notary())
        assert again.clerk.replica.market == clerk.replica.market
        assert again.clerk.replica.head == clerk.replica.head
        assert len(list((tmp_path / "record").glob("snapshot-*"))) == 1
        await again.close()

    asyncio.run(story())


def test_pieces_that_do_not_fit_the_seal_are_refused():
    clerk = Clerk(GENESIS, Notary())
    call(clerk, b"ada")
    found, raw = sealed(clerk)
    long = [Restart(found), Piece(raw + b"\x00")]
    wrong = [Restart(found), Piece(bytes(len(raw)))]
    sudden = [Piece(raw)]

    for messages in (long, wrong, sudden):
        follower = enter(clerk)
        *before, last = messages
        for message in before:
            list(follower.hear(message, Visitor(bytes(20)), 0))
        with pytest.raises(FollowerError):
            list(follower.hear(last, Visitor(bytes(20)), 0))
        assert follower.replica.height == 0


def test_a_part_that_was_only_begun_is_left_out(tmp_path):
    async def story():
        folder = tmp_path / "record"
        record, _ = await Record.open(folder, GENESIS, Notary())
        call(record.clerk, b"ada")
        await record.write()
        head = record.clerk.replica.head
        with pytest.raises(BrokenLogError, match="another process"):
            await Record.open(folder, GENESIS, Notary())
        await record.close()
        # Killed before the log had its first entry, and before its snapshot had its name.
        begun = await records.Embedded.open(folder / "log-99")
        await begun.close()
        (folder / ".snapshot-99.0123").write_bytes(b"half")
        (folder / "snapshot-99").write_bytes(b"whole, and of no use")

        again, _ = await Record.open(folder, GENESIS, Notary())
        assert again.clerk.replica.head == head
        assert sorted(p.name for p in folder.iterdir() if "99" in p.name) == []
        await again.close()

    asyncio.run(story())


def test_a_snapshot_that_is_not_the_sealed_one_is_not_opened(tmp_path):
    async def story():
        folder = tmp_path / "record"
        record, _ = await Record.open(folder, GENESIS, Notary())
        call(record.clerk, b"ada")
        await record.compact(HALL, 5, Notes())
        await record.close()
        (path,) = folder.glob("snapshot-*")
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(RecordError, match="not those that the hall has sealed"):
            await Record.open(folder, GENESIS, Notary())

    asyncio.run(story())


CHILD = """
import asyncio, sys
from pathlib import Path
from numen.node.market import record as records
from tests.node.market.test_snapshot import GENESIS, HALL, Notary, Notes, call

async def main():
    records.PART_ENTRIES = 3
    record, _ = await records.Record.open(Path(sys.argv[1]), GENESIS, Notary())
    for number in range(10_000):
        call(record.clerk, b"%s %d" % (sys.argv[2].encode(), number))
        await record.write()
        print(record.clerk.height, record.clerk.replica.head.hex(), flush=True)
        if record.is_full:
            await record.compact(HALL, 5, Notes())

asyncio.run(main())
"""


@pytest.mark.slow
def test_whatever_was_told_is_there_after_any_kill(tmp_path):
    """A process that writes and begins parts all the time, killed at moments of a seed."""
    known = {}
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    for round_ in range(4):
        arguments = [sys.executable, "-c", CHILD, str(tmp_path / "record"), str(round_)]
        with subprocess.Popen(
            arguments, stdout=subprocess.PIPE, env=environment, text=True
        ) as process:
            for _ in range(5 + 13 * round_):
                height, head = process.stdout.readline().split()
                known[int(height)] = head
            process.send_signal(signal.SIGKILL)
            for line in process.stdout.read().splitlines()[:-1]:
                height, head = line.split()
                known[int(height)] = head

        async def look():
            record, _ = await Record.open(tmp_path / "record", GENESIS, Notary())
            replica = record.clerk.replica
            entries = record.clerk.entries
            await record.close()
            return replica, record.clerk.first, entries

        replica, first, entries = asyncio.run(look())
        last = max(known)
        assert replica.height >= last, "an entry was told and is gone"
        assert len(entries) == replica.height - first
        assert len(list((tmp_path / "record").glob("log-*.lock"))) == 1
        if replica.height in known:
            assert replica.head.hex() == known[replica.height]
        assert sum(replica.market.coins.balances.values()) == GENESIS.supply
        assert msgspec.structs.asdict(replica.genesis) == msgspec.structs.asdict(GENESIS)
