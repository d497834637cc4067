"""A program that plays CometBFT: its request order, its crashes, and the part of its RPC we use.

It is written after CometBFT 1.0's documents ("ABCI 2.0: expected behaviour", crash recovery) and
has one validator, which is enough for the order in which an application is asked. It is not
CometBFT, and what passes here has not been tried with CometBFT.
"""

import asyncio
import base64
import contextlib
import hashlib
import json

from numen.ledger.order.abci import messages as m
from numen.ledger.order.abci import wire
from numen.ledger.order.abci.application import Application
from numen.ledger.order.abci.server import Server
from numen.ledger.order.abci.store import Store

TX_BYTES_MAX = 21 << 20
CONNECTIONS = ("consensus", "mempool", "query", "snapshot")


class RefusedError(Exception):
    """The application answered with an exception, which stops CometBFT."""


class Connection:
    """One of the four: requests behind their length, each with a flush."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.turn = asyncio.Lock()

    async def ask(self, request):
        async with self.turn:
            self.send(request)
            self.send(m.FlushRequest())
            answer = await self.receive()
            assert isinstance(await self.receive(), m.FlushResponse)
        return answer

    def send(self, request):
        raw = m.write(request)
        self.writer.write(wire.varint(len(raw)) + raw)

    async def receive(self):
        head = await self.reader.readexactly(1)
        while head[-1] & 0x80:
            head += await self.reader.readexactly(1)
        answer = m.read_response(await self.reader.readexactly(wire.read_varint(head, 0)[0]))
        if isinstance(answer, m.ExceptionResponse):
            raise RefusedError(answer.error)
        return answer


class Node:
    """What a node keeps: decided blocks, and what the application said of them.

    Attributes:
        blocks: Transactions of each height, stored before they are carried out.
        results: What the application answered to each height that was carried out.
        state: Last height whose outcome is stored, at most one below the last block.
    """

    def __init__(self, chain="test", initial=1):
        self.chain, self.initial = chain, initial
        self.blocks: dict[int, tuple[bytes, ...]] = {}
        self.results: dict[int, m.FinalizeBlockResponse] = {}
        self.state = initial - 1
        self.mempool: list[bytes] = []
        self.seen: set[bytes] = set()
        self.genesis_hash = b""
        self.to: dict[str, Connection] = {}

    @property
    def height(self):
        """Of the last block that is stored."""
        return max(self.blocks, default=self.initial - 1)

    def app_hash(self, height):
        found = self.results.get(height)
        return found.app_hash if found else self.genesis_hash

    async def connect(self, address):
        for name in CONNECTIONS:
            if address.startswith("unix://"):
                pair = await asyncio.open_unix_connection(address.removeprefix("unix://"))
            else:
                host, _, port = address.removeprefix("tcp://").rpartition(":")
                pair = await asyncio.open_connection(host, int(port))
            self.to[name] = Connection(*pair)
        assert (await self.to["query"].ask(m.EchoRequest("hello"))).message == "hello"

    def disconnect(self):
        for connection in self.to.values():
            connection.writer.close()
        self.to = {}

    async def handshake(self):
        """Find out how far the application is, and bring it to the last block.

        Source: ``Handshaker.ReplayBlocks``.
        """
        info = await self.to["query"].ask(m.InfoRequest("1.0.1", "2.0.0"))
        height = info.last_block_height
        if height == 0:
            begun = await self.to["consensus"].ask(
                m.InitChainRequest(self.chain, b"{}", self.initial)
            )
            assert self.genesis_hash in (b"", begun.app_hash)
            self.genesis_hash = begun.app_hash
            height = self.initial - 1
        else:
            assert info.last_block_app_hash == self.app_hash(height)
        assert self.state <= self.height <= self.state + 1
        assert height <= self.height, "the application is ahead"
        for each in range(height + 1, self.height + 1):
            await self.finalize(each)
            await self.commit(each)
        self.state = self.height
        return height

    async def finalize(self, height):
        request = m.FinalizeBlockRequest(
            self.blocks[height], b"hash %d" % height, height, self.height
        )
        found = await self.to["consensus"].ask(request)
        assert len(found.tx_results) == len(request.txs)
        if height in self.results:  # it was carried out before: log may differ, the rest may not
            for old, new in zip(self.results[height].tx_results, found.tx_results, strict=True):
                assert (old.code, old.data, old.gas_used) == (new.code, new.data, new.gas_used)
            assert self.results[height].app_hash == found.app_hash
        self.results[height] = found
        return found

    async def commit(self, height):
        found = await self.to["consensus"].ask(m.CommitRequest())
        assert found.retain_height == 0
        self.state = height
        self.mempool = [tx for tx in self.mempool if tx not in self.blocks[height]]
        for tx in list(self.mempool):
            if (await self.to["mempool"].ask(m.CheckTxRequest(tx, 1))).code:
                self.mempool.remove(tx)
                self.seen.discard(tx)

    async def submit(self, tx):
        """Take a transaction into the mempool, if the application does."""
        self.seen.add(tx)
        found = await self.to["mempool"].ask(m.CheckTxRequest(tx, 2))
        if found.code:
            self.seen.discard(tx)
        else:
            self.mempool.append(tx)
        return found

    async def propose(self, txs):
        """A round as far as the decision: the block is stored."""
        ask, height = self.to["consensus"].ask, self.height + 1
        prepared = await ask(m.PrepareProposalRequest(TX_BYTES_MAX, tuple(txs), height))
        assert sum(len(wire.prefixed(1, tx)) for tx in prepared.txs) <= TX_BYTES_MAX
        hashed = b"hash %d" % height
        proposal = m.ProcessProposalRequest(prepared.txs, hashed, height)
        assert (await ask(proposal)).status == 1, "coherence: what is prepared is accepted"
        extension = (await ask(m.ExtendVoteRequest(hashed, height))).vote_extension
        vote = m.VerifyVoteExtensionRequest(hashed, b"validator", height, extension)
        assert (await ask(vote)).status == 1
        self.blocks[height] = prepared.txs
        return height

    async def decide(self, txs):
        """A whole height."""
        height = await self.propose(txs)
        await self.finalize(height)
        await self.commit(height)
        return self.results[height]

    async def decide_for_ever(self):
        """Blocks of what is in the mempool."""
        while True:
            if self.mempool:
                await self.decide(self.mempool)
            await asyncio.sleep(0.01)


class Rpc:
    """The two methods of a node's JSON-RPC that a `Sequencer` uses, over HTTP."""

    def __init__(self, node):
        self.node = node
        self.url = ""

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._meet, "127.0.0.1", 0, limit=1 << 25)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def _meet(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.split("content-length:")[1].split("\r\n")[0])
        asked = json.loads(await reader.readexactly(size))
        answer = {"jsonrpc": "2.0", "id": asked["id"]}
        try:
            answer["result"] = await getattr(self, asked["method"])(**asked["params"])
        except ValueError as error:
            answer["error"] = {"code": -32603, "message": "Internal error", "data": str(error)}
        body = json.dumps(answer).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async def broadcast_tx_sync(self, tx):
        raw = base64.b64decode(tx)
        if raw in self.node.seen:
            msg = "tx already exists in cache"
            raise ValueError(msg)
        found = await self.node.submit(raw)
        name = hashlib.sha256(raw).hexdigest().upper()
        return {"code": found.code, "data": "", "log": found.log, "hash": name}

    async def abci_query(self, path, data):
        found = await self.node.to["query"].ask(m.QueryRequest(bytes.fromhex(data), path))
        value = base64.b64encode(found.value).decode() or None
        return {"response": {"code": found.code, "log": found.log, "value": value,
                             "height": str(found.height)}}  # fmt: skip


@contextlib.asynccontextmanager
async def serving(folder, node=None, name="log"):
    """An application in this process, and a node that is connected to it."""
    store = Store.open(folder / name)
    address = f"unix://{folder / name}.sock"
    ready = asyncio.Event()
    task = asyncio.create_task(Server(Application(store, "1")).serve(address, ready.set))
    node = node or Node()
    try:
        await asyncio.wait_for(ready.wait(), 60)
        await node.connect(address)
        yield node
    finally:
        node.disconnect()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        store.close()
