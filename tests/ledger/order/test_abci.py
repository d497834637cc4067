"""The log under a driver that plays CometBFT: determinism, crashes, replays, and strangers."""

import asyncio
import contextlib
import json
import random
import signal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.ledger.order.abci import messages as m
from numen.ledger.order.abci import server as socket_server
from numen.ledger.order.abci import wire
from numen.ledger.order.abci.application import (
    ABORT,
    CONFLICT,
    KNOWN,
    MALFORMED,
    AbciError,
    Application,
)
from numen.ledger.order.abci.server import CONNECTIONS_MAX, ListenError, Server
from numen.ledger.order.abci.store import Store
from numen.ledger.order.embedded import Embedded
from numen.ledger.order.sequencer import (
    BrokenLogError,
    ConflictError,
    Entry,
    prepare,
    write_batch,
)
from tests.ledger.order.cometbft import Node, RefusedError, serving

LIMIT_S = 60


def tx(subject: str, body: bytes, last: int | None = 0) -> bytes:
    """A batch of one entry."""
    expect = {} if last is None else {subject: last}
    return write_batch(prepare([Entry(subject, body)], expect))


def place(result: m.ExecTxResult) -> int:
    return int.from_bytes(result.data, "big")


# Order. ------------------------------------------------------------------------------------------


def test_blocks_become_places_and_of_two_spends_one_is_taken(tmp_path):
    async def main():
        async with serving(tmp_path) as node:
            assert await node.handshake() == 0
            first = await node.decide([tx("acct.a", b"ten for b"), tx("acct.a", b"ten for c")])
            assert [r.code for r in first.tx_results] == [0, CONFLICT]
            assert [place(r) for r in first.tx_results] == [1, 1]  # the loser learns who was first
            late = await node.submit(tx("acct.a", b"ten for d"))
            assert late.code == CONFLICT
            assert (await node.submit(tx("acct.a", b"ten for b"))).code == KNOWN
            assert (await node.submit(b"nonsense")).code == MALFORMED

            second = await node.decide([tx("acct.a", b"more", 1), b"nonsense", tx("x", b"", None)])
            assert [place(r) for r in second.tx_results] == [2, 3]  # nonsense was not proposed
            empty = await node.decide([])
            assert empty.app_hash == second.app_hash != first.app_hash

    asyncio.run(main())


bodies = st.sampled_from([b"1", b"2"])
batches = st.tuples(st.sampled_from("abc"), bodies, st.sampled_from([None, 0, 1, 2, 3]))
blocks = st.lists(st.lists(batches, max_size=4), min_size=1, max_size=6)


class Direct:
    """An application without a socket."""

    def __init__(self, folder, name):
        self.store = Store.open(folder / name)
        self.application = Application(self.store, "1")
        self.ask(m.InitChainRequest("test", b"", 1))

    def ask(self, request):
        return self.application.answer(request)

    def decide(self, height, txs, *, often=False):
        if often:  # whatever else is asked changes nothing
            for raw in txs:
                self.ask(m.CheckTxRequest(raw, 2))
            self.ask(m.PrepareProposalRequest(1 << 20, txs, height))
            self.ask(m.ProcessProposalRequest(txs, b"", height))
            self.ask(m.FinalizeBlockRequest((*txs, tx("z", b"", None)), b"", height))
        found = self.ask(m.FinalizeBlockRequest(txs, b"", height))
        self.ask(m.CommitRequest())
        return found


@settings(max_examples=15)  # each syncs files
@given(chain=blocks)
def test_every_node_has_the_order_that_a_log_in_a_file_has(tmp_path_factory, chain):
    folder = tmp_path_factory.mktemp("abci")
    nodes = [Direct(folder, name) for name in ("quiet", "busy")]
    txs = [tuple(tx(*each) for each in block) for block in chain]
    answers = [
        [node.decide(height, block, often=node is nodes[1]) for height, block in enumerate(txs, 1)]
        for node in nodes
    ]

    async def embedded():
        log = await Embedded.open(folder / "embedded")
        ends = []
        for subject, body, last in (each for block in chain for each in block):
            try:
                expect = {} if last is None else {subject: last}
                ends.append(await log.append([Entry(subject, body)], expect))
            except ConflictError as error:
                ends.append(error.found)
        records = await log.read(1, 1000)
        await log.close()
        return ends, [(r.subject, r.body) for r in records]

    assert answers[0] == answers[1]
    places, records = asyncio.run(embedded())
    assert [place(r) for answer in answers[0] for r in answer.tx_results] == places
    for node in nodes:
        rows = node.store.reader.execute("SELECT subject, body FROM entry ORDER BY position")
        assert rows.fetchall() == records
        node.store.close()


@settings(max_examples=15)  # each syncs files
@given(chain=blocks, other=blocks)
def test_two_logs_have_one_hash_only_if_they_are_one(tmp_path_factory, chain, other):
    folder = tmp_path_factory.mktemp("abci")
    logs, hashes = [], []
    for name, decided in (("a", chain), ("b", other)):
        node = Direct(folder, name)
        for height, block in enumerate(decided, 1):
            last = node.decide(height, tuple(tx(*each) for each in block))
        hashes.append(last.app_hash)
        ids = node.store.reader.execute("SELECT id FROM batch ORDER BY position").fetchall()
        logs.append(ids)
        node.store.close()

    assert (hashes[0] == hashes[1]) == (logs[0] == logs[1])


def test_a_proposal_fits_and_leaves_out_what_cannot_be_appended(tmp_path):
    node = Direct(tmp_path, "log")
    good = [tx("a", b"x" * 300), tx("b", b"y" * 300), tx("c", b"z")]
    size = len(wire.prefixed(1, good[0]))
    for room, expected in ((size - 1, ()), (size, good[:1]), (2 * size, good[:2])):
        request = m.PrepareProposalRequest(room, (b"junk", tx("a", b"", 5), *good), 1)
        assert node.ask(request).txs == tuple(expected)
    assert node.ask(m.ProcessProposalRequest((good[0], b"junk"), b"", 1)).status == 2
    node.store.close()


# Crashes. ----------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def process(folder, node):
    """The command in a process of its own, and a node that is connected to it."""
    address = f"unix://{folder / 'abci.sock'}"
    words = ["cluster", "abci", "--listen", address, "--directory", str(folder / "d"), "--json"]
    child = await asyncio.to_thread(
        subprocess.Popen, [sys.executable, "-m", "numen", *words], stdout=subprocess.PIPE, text=True
    )
    try:
        told = json.loads(await asyncio.to_thread(child.stdout.readline))
        assert told["listen"] == address
        await node.connect(address)
        yield child
    finally:
        node.disconnect()
        child.kill()
        child.wait()
        child.stdout.close()


def test_a_crash_between_finalize_and_commit_is_replayed(tmp_path):
    async def main():
        node = Node(initial=5)
        async with process(tmp_path, node) as child:
            await node.handshake()
            await node.decide([tx("a", b"1")])
            height = await node.propose([tx("a", b"2", 1), tx("b", b"3")])
            await node.finalize(height)
            child.kill()
            child.wait()
        async with process(tmp_path, node) as child:
            assert await node.handshake() == 5  # nothing of block 6 was kept
            assert node.state == 6  # and it came to the same as before
            await node.propose([tx("a", b"4", 2)])
            await node.finalize(7)
            node.to["consensus"].send(m.CommitRequest())
            await node.to["consensus"].writer.drain()
            child.kill()
            child.wait()
        async with process(tmp_path, node) as child:
            assert await node.handshake() in (6, 7)  # the answer was lost, the commit perhaps not
            await node.decide([tx("b", b"5", 3)])
            child.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(child.wait, LIMIT_S) == 0
        fresh = Node(initial=5)
        fresh.blocks, fresh.results = dict(node.blocks), dict(node.results)
        fresh.state = node.height
        (tmp_path / "late").mkdir()
        async with process(tmp_path / "late", fresh):
            await fresh.handshake()  # replays all of it, and compares each hash
            assert fresh.state == 8

    asyncio.run(main())


def test_cometbft_that_crashes_alone_sends_the_block_again(tmp_path):
    async def main():
        async with serving(tmp_path) as node:
            await node.handshake()
            await node.decide([tx("a", b"1")])
            await node.finalize(await node.propose([tx("a", b"2", 1)]))
            node.disconnect()
            await node.connect(f"unix://{tmp_path / 'log'}.sock")
            assert await node.handshake() == 1
            assert node.state == 2
            assert place((await node.decide([tx("a", b"3", 2)])).tx_results[0]) == 3

    asyncio.run(main())


@pytest.mark.slow
def test_kills_at_any_moment_lose_no_block_and_change_no_hash(tmp_path):
    """The engine goes on where the application was killed, eight times at moments of chance."""
    chance = random.Random(7)

    async def work(node):
        while True:
            last = len(node.blocks)
            await node.decide([tx(f"s.{i}", b"%d" % last, None) for i in range(20)])

    async def main():
        node = Node()
        for _ in range(8):
            async with process(tmp_path, node) as child:
                at = await node.handshake()
                assert node.state - 1 <= at + 1  # at most the block that was under way is missing
                task = asyncio.create_task(work(node))
                await asyncio.sleep(chance.uniform(0.01, 0.3))
                child.kill()
                child.wait()
                with pytest.raises((asyncio.IncompleteReadError, OSError)):
                    await task
        fresh = Node()
        fresh.blocks, fresh.results, fresh.state = node.blocks, dict(node.results), node.height
        (tmp_path / "late").mkdir()
        async with process(tmp_path / "late", fresh):
            await fresh.handshake()
        return node.height

    assert asyncio.run(main()) > 8


def test_a_disk_that_refuses_stops_the_application(tmp_path):
    async def main():
        store = Store.open(tmp_path / "log")
        server = Server(Application(store, "1"))
        ready = asyncio.Event()
        address = f"unix://{tmp_path / 'log'}.sock"
        task = asyncio.create_task(server.serve(address, ready.set))
        await ready.wait()
        node = Node()
        await node.connect(address)
        await node.handshake()
        await node.decide([tx("a", b"1")])
        (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
        store._writer.execute(f"PRAGMA max_page_count = {pages + 1}")
        height = await node.propose([tx("a", bytes(1 << 16), 1)])
        with pytest.raises(RefusedError, match="full"):
            await node.finalize(height)
        await asyncio.wait_for(task, LIMIT_S)
        assert "full" in server.failure
        node.disconnect()
        store.close()
        async with serving(tmp_path, node):  # there is room again
            assert await node.handshake() == 1
            assert node.state == 2

    asyncio.run(main())


@pytest.mark.parametrize(
    ("requests", "said"),
    [
        ([m.CommitRequest()], "nothing to commit"),
        ([m.FinalizeBlockRequest((), b"", 2)], "block 2 comes where 1 follows"),
        ([m.FinalizeBlockRequest((), b"", -1)], "block -1 comes"),
        ([m.InitChainRequest("x", b'{"a": 1}', 1)], "begins empty"),
        (
            [m.FinalizeBlockRequest((), b"", 1), m.CommitRequest(), m.CommitRequest()],
            "nothing to commit",
        ),
        (
            [m.FinalizeBlockRequest((), b"", 1), m.CommitRequest(), m.InitChainRequest("y")],
            "height 1 is committed",
        ),
    ],
)
def test_what_cannot_follow_is_refused(tmp_path, requests, said):
    node = Direct(tmp_path, "log")
    *before, last = requests
    for request in before:
        node.ask(request)
    with pytest.raises(AbciError, match=said):
        node.ask(last)
    node.store.close()


def test_a_block_before_the_chain_is_refused(tmp_path):
    store = Store.open(tmp_path / "log")
    with pytest.raises(AbciError, match="before the chain"):
        Application(store, "1").answer(m.FinalizeBlockRequest((), b"", 1))
    with pytest.raises(BrokenLogError, match="another process"):
        Store.open(tmp_path / "log")
    store.close()


def test_snapshots_are_declined_and_extensions_have_to_be_empty(tmp_path):
    node = Direct(tmp_path, "log")

    assert node.ask(m.ListSnapshotsRequest()).snapshots == ()
    assert node.ask(m.OfferSnapshotRequest()).result == ABORT
    assert node.ask(m.ApplySnapshotChunkRequest()).result == ABORT
    assert node.ask(m.LoadSnapshotChunkRequest(1, 1, 1)).chunk == b""
    assert node.ask(m.VerifyVoteExtensionRequest(vote_extension=b"x")).status == 2
    for path, data in (("/", b""), ("/last", b"A"), ("/last", b"\xff"), ("/read", b"\x92\x00\x01"),
                       ("/read", b""), ("/batch", b"short")):  # fmt: skip
        assert node.ask(m.QueryRequest(data, path)).code == MALFORMED
    assert node.ask(m.QueryRequest(b"", "/head", prove=True)).code == MALFORMED
    assert node.ask(m.QueryRequest(b"", "/head", height=3)).code == MALFORMED
    node.store.close()


# Strangers. --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00", b"\x05hello", b"\x02\x0a\x05", b"\xff\xff\xff\xff\x7f", b"\x02\x22\x00",
        wire.varint(socket_server.FRAME_BYTES_MAX + 1), b"\x04\x12\x00\x1a\x00",
        b"\x03\x0a\x01\xff", b"\x04\x0a\x02\x0a\xff",
    ],
)  # fmt: skip
def test_bytes_that_are_no_request_end_one_connection(tmp_path, raw):
    async def main():
        async with serving(tmp_path) as node:
            stranger = node.to.pop("snapshot")
            stranger.writer.write(raw)
            with pytest.raises(RefusedError):
                await stranger.receive()
            assert await stranger.reader.read() == b""
            stranger.writer.close()
            assert await node.handshake() == 0

    asyncio.run(main())


def test_a_message_that_does_not_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(socket_server, "FRAME_S_MAX", 0.05)

    async def main():
        async with serving(tmp_path) as node:
            slow = node.to.pop("snapshot")
            slow.writer.write(b"\x20\x0a")
            assert await asyncio.wait_for(slow.reader.read(), LIMIT_S) == b""
            slow.writer.close()
            await asyncio.sleep(0.1)  # a connection may rest between messages
            assert await node.handshake() == 0

    asyncio.run(main())


def test_connections_are_bounded(tmp_path):
    async def main():
        async with serving(tmp_path) as node:
            path = str(tmp_path / "log.sock")
            more = [await asyncio.open_unix_connection(path) for _ in range(CONNECTIONS_MAX)]
            closed = [reader for reader, _ in more[CONNECTIONS_MAX - len(node.to) :]]
            for reader in closed:
                assert await asyncio.wait_for(reader.read(), LIMIT_S) == b""
            for _, writer in more:
                writer.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    "address", ["", "tcp://0.0.0.0:1", "tcp://127.0.0.1", "tcp://h:x", "unix://", "http://127.0.0.1:1"]
)  # fmt: skip
def test_addresses_that_others_can_reach_are_refused(tmp_path, address):
    store = Store.open(tmp_path / "log")
    with pytest.raises(ListenError):
        asyncio.run(Server(Application(store, "1")).serve(address, lambda: None))
    store.close()
