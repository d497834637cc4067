"""The log of a chain as programs see it: what every log does, and nodes that lie or stand still."""

import asyncio
import base64
import contextlib
import json

import pytest

from numen.base.codec import encode
from numen.ledger.order.abci import comet
from numen.ledger.order.abci.comet import Comet
from numen.ledger.order.abci.queries import Records
from numen.ledger.order.sequencer import BatchError, BrokenLogError, Entry, UnavailableError
from tests.ledger.order.cometbft import Rpc, serving
from tests.ledger.order.conformance import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_chain_does_what_every_log_does(tmp_path, check):
    async def main():
        async with serving(tmp_path) as node, Rpc(node) as rpc:
            await node.handshake()
            blocks = asyncio.create_task(node.decide_for_ever())
            log = Comet(rpc.url)
            await check(log, "t")
            await log.close()
            blocks.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await blocks

    asyncio.run(main())


def reply(value: object) -> bytes:
    return json.dumps({"result": {"response": {"code": 0, "value": value}}}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b'{"result": ' + b"[" * 100_000, b'{"x": ' + b"[" * 100_000, reply("?"),
        reply("A"), reply(7), reply(None), reply("AAAA"), b'{"error": {"message": "no"}}',
        b'{"error": 7}', b'{"result": {"response": {"code": 1, "log": "no"}}}', b"\xff",
        b" " * 100_001,
    ],
)  # fmt: skip
def test_a_node_that_gives_answers_that_are_none_is_not_believed(body, monkeypatch):
    monkeypatch.setattr(comet, "ANSWER_BYTES_MAX", 100_000)
    monkeypatch.setattr(comet, "_PAUSE_S", 0.01)

    async def meet(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    async def main():
        server = await asyncio.start_server(meet, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        log = Comet(url, patience_s=0.05)
        for ask in (log.head(), log.read(1, 1), log.append([Entry("a", b"")], {"a": 0})):
            with pytest.raises((UnavailableError, BrokenLogError, BatchError)):
                await ask
        server.close()

    asyncio.run(main())


def test_a_node_that_gives_more_than_was_asked_for_is_not_believed():
    async def meet(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        two = base64.b64encode(encode(Records((Entry("a", b"1"), Entry("a", b"2"))))).decode()
        body = reply(two)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async def main():
        server = await asyncio.start_server(meet, "127.0.0.1", 0)
        log = Comet(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        assert [r.position for r in await log.read(7, 2)] == [7, 8]
        with pytest.raises(BrokenLogError, match="more records"):
            await log.read(7, 1)
        server.close()

    asyncio.run(main())


def test_a_chain_that_stands_still_takes_nothing(tmp_path):
    async def main():
        async with serving(tmp_path) as node, Rpc(node) as rpc:
            await node.handshake()
            log = Comet(rpc.url, patience_s=0.5)
            with pytest.raises(UnavailableError, match=r"cache|no block"):
                await log.append([Entry("a", b"x")], {"a": 0})
            assert len(node.mempool) == 1
            with pytest.raises(UnavailableError):
                await Comet("http://127.0.0.1:1", patience_s=0.1).head()
            with pytest.raises(BatchError):
                await log.read(0, 1)
            for bad in ("file:///etc/passwd", "127.0.0.1"):
                with pytest.raises(UnavailableError, match="no URL"):
                    Comet(bad)

    asyncio.run(main())
