"""The log of an operator's CometBFT: a `Sequencer` over its JSON-RPC.

A batch is a transaction. It is handed to one node, and is in the log when the node's application
has it; a conflict is known when something else stands where the batch expects nothing. Whoever does
not trust that node asks one of his own: answers come without proofs.

It has never been tried with a real CometBFT, which cannot be installed as a package; the tests
play its part.

Source: CometBFT 1.0, "RPC": ``broadcast_tx_sync``, ``abci_query``.
"""

import asyncio
import base64
import binascii
import http.client
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from numen.base.codec import CodecError, decode, encode
from numen.ledger.order.abci import queries
from numen.ledger.order.abci.queries import Range, Records
from numen.ledger.order.sequencer import (
    READ_MAX,
    BatchError,
    BrokenLogError,
    ConflictError,
    Entry,
    Prepared,
    Record,
    UnavailableError,
    check_range,
    check_subject,
    prepare,
    write_batch,
)

PATIENCE_S: Final = 30
"""How long an append or a read is tried."""

IN_FLIGHT_MAX: Final = 64
"""Appends of one client that wait for their block."""

ANSWER_BYTES_MAX: Final = 2 * queries.RECORDS_BYTES_MAX
"""Longest answer that is read; values come as base64."""

_ANSWER_S: Final = 10
_PAUSE_S: Final = 0.2
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_FAILURES: Final = (
    OSError, http.client.HTTPException, msgspec.MsgspecError, RecursionError, binascii.Error,
)  # fmt: skip

_T = TypeVar("_T")


class _Fault(msgspec.Struct):
    message: str = ""
    data: str = ""


class _Reply(msgspec.Struct):
    result: msgspec.Raw = msgspec.Raw(b"")
    error: _Fault | None = None


class _Answer(msgspec.Struct):
    code: int = 0
    log: str = ""
    value: str | None = None


class _Query(msgspec.Struct):
    response: _Answer


class Comet:
    """A log in a chain; see `numen.ledger.order.sequencer.Sequencer`.

    Args:
        url: Of a node's RPC, such as ``http://127.0.0.1:26657``.
        patience_s: Seconds for which whatever fails is tried again.

    Raises:
        UnavailableError: It is no such URL.
    """

    def __init__(self, url: str, *, patience_s: float = PATIENCE_S) -> None:
        if not url.startswith(("http://", "https://")):
            raise UnavailableError(f"{url[:80]!r} is no URL of an RPC, as http://127.0.0.1:26657")
        self._url = url
        self._patience_s = patience_s
        self._in_flight = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._is_closed = False

    async def append(self, batch: Sequence[Entry], expect: Mapping[str, int]) -> int:
        """As `Sequencer.append`."""
        prepared = prepare(batch, expect)
        raw = base64.b64encode(write_batch(prepared)).decode()
        said = "it is in no block yet"
        async with self._in_flight:
            deadline = _now() + self._patience_s
            while _now() < deadline:
                if position := await self._found(prepared):
                    return position
                try:
                    said = await self._call_soon(self._hand_in, raw) or said
                except _FAILURES as error:
                    said = str(error)
                await asyncio.sleep(_PAUSE_S)
        raise UnavailableError(f"the chain did not take a batch: {said}")

    async def read(self, start: int, limit: int) -> tuple[Record, ...]:
        """As `Sequencer.read`."""
        check_range(start, limit)
        raw = await self._ask(queries.READ, encode(Range(start, limit)))
        try:
            records = decode(Records, raw, size_max=queries.RECORDS_BYTES_MAX)
        except CodecError as error:
            raise BrokenLogError(f"an answer is no records: {error}") from error
        if len(records.entries) > limit:
            raise BrokenLogError("an answer has more records than were asked for")
        places = enumerate(records.entries, start)
        return tuple(Record(place, entry.subject, entry.body) for place, entry in places)

    async def subscribe(self, start: int) -> AsyncIterator[Record]:
        """As `Sequencer.subscribe`."""
        while True:
            found = await self.read(start, READ_MAX)
            for record in found:
                start = record.position + 1
                yield record
            if not found:
                await asyncio.sleep(_PAUSE_S)

    async def head(self) -> int:
        """As `Sequencer.head`."""
        return _place(await self._ask(queries.HEAD, b""))

    async def last(self, subject: str) -> int:
        """As `Sequencer.last`."""
        return _place(await self._ask(queries.LAST, check_subject(subject).encode()))

    async def close(self) -> None:
        """As `Sequencer.close`."""
        self._is_closed = True

    async def _found(self, prepared: Prepared) -> int:
        """Where a batch is; 0 where it may still come.

        Raises:
            ConflictError: Another was first.
        """
        places = {subject: await self.last(subject) for subject in prepared.expect}
        # The batch is looked for last: what was found before may be its own entries.
        if position := _place(await self._ask(queries.BATCH, prepared.id)):
            return position
        for subject, expected in prepared.expect.items():
            if places[subject] > expected:  # less is a node that is behind
                raise ConflictError(subject, expected, places[subject])
        return 0

    async def _ask(self, path: str, data: bytes) -> bytes:
        """Ask the application until there is an answer, or patience ends."""
        deadline = _now() + self._patience_s
        while True:
            try:
                return await self._call_soon(self._query, path, data)
            except _FAILURES as error:
                if self._is_closed or _now() > deadline:
                    raise UnavailableError(f"the chain does not answer: {error}") from error
            await asyncio.sleep(_PAUSE_S)

    async def _call_soon(self, ask: Callable[..., _T], *arguments: object) -> _T:
        if self._is_closed:
            raise UnavailableError("the log is closed")
        found: Awaitable[_T] = asyncio.to_thread(ask, *arguments)
        return await found

    def _query(self, path: str, data: bytes) -> bytes:
        result = self._call("abci_query", path=path, data=data.hex())
        answer = msgspec.json.decode(result, type=_Query).response
        if answer.code:
            raise BatchError(f"the application declines: {answer.log[:200]}")
        return base64.b64decode(answer.value or "", validate=True)

    def _hand_in(self, raw: str) -> str:
        """Hand a transaction to the node; why it did not take it, which may be that it has it."""
        answer = msgspec.json.decode(self._call("broadcast_tx_sync", tx=raw), type=_Answer)
        return answer.log[:200] if answer.code else ""

    def _call(self, method: str, **parameters: Any) -> bytes:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        request = urllib.request.Request(  # noqa: S310 - http or https
            self._url, msgspec.json.encode(body), {"Content-Type": "application/json"}
        )
        with _OPENER.open(request, timeout=_ANSWER_S) as answer:
            found: bytes = answer.read(ANSWER_BYTES_MAX + 1)
        if len(found) > ANSWER_BYTES_MAX:
            raise OSError(0, f"an answer of more than {ANSWER_BYTES_MAX} bytes")
        reply = msgspec.json.decode(found, type=_Reply)
        if reply.error is not None:
            raise OSError(0, f"{reply.error.message}: {reply.error.data}"[:200])
        return bytes(reply.result)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _place(raw: bytes) -> int:
    if len(raw) != 8:
        raise BrokenLogError(f"{len(raw)} bytes where a place has 8")
    return int.from_bytes(raw, "big")
