"""The log of many machines: one NATS JetStream stream with three replicas.

An append carries the place of its subject's last entry (`Nats-Expected-Last-Subject-Sequence`), so
that the stream's leader decides races, and an id (`Nats-Msg-Id`), so that repeating it is harmless.
Several entries go as an atomic batch. A leader that dies takes answers with it: an append whose
answer is missing is repeated until another leader gives one, or patience ends.

After a refusal the entry that stands right behind the expected place says who was first: if it is
our own, an earlier attempt had come through. So an append that expects something can be repeated
for ever; one that expects nothing, within `DUPLICATES_S`.

Reads ask the leader. A subscription is fed by any replica, from what is committed.
"""

import asyncio
import contextlib
import json
import secrets
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Self, TypeVar

import msgspec

from numen.ledger.order.client import (
    ANSWER_S,
    FAILURES,
    PAUSE_S,
    Client,
    FetchTimeoutError,
    JetStreamContext,
    NotFoundError,
    api,
    connect,
)
from numen.ledger.order.probes import STREAM
from numen.ledger.order.sequencer import (
    READ_BYTES_MAX,
    BrokenLogError,
    ConflictError,
    Entry,
    Prepared,
    Record,
    UnavailableError,
    check_range,
    check_subject,
    prepare,
)

PREFIX: Final = "ledger."

REPLICAS: Final = 3

DUPLICATES_S: Final = 600
"""How long the servers know an append that expects nothing."""

IN_FLIGHT_MAX: Final = 256
"""Appends of one client that wait for their answers."""

PATIENCE_S: Final = 30
"""How long an append, a read or a connection is tried: a new leader takes up to ten seconds."""

WINDOW: Final = 16
"""Records that are asked for at once; each can have `BATCH_BYTES_MAX`."""

_WRONG_PLACE: Final = frozenset({10071, 10164, 10158, 10201})
"""Somebody was first, perhaps we: the last of a subject differs, or our id is known."""

_INCOMPLETE: Final = 10176
"""A part of a batch was lost on its way."""


_T = TypeVar("_T")


class _Answer(msgspec.Struct, frozen=True):
    position: int = 0
    code: int = 0
    kind: int = 0
    text: str = ""

    @property
    def is_passing(self) -> bool:
        return self.code >= 500 or self.kind == _INCOMPLETE


class JetStream:
    """A log in a stream; see `numen.ledger.order.sequencer.Sequencer`.

    Use `JetStream.connect` inside a running event loop.
    """

    def __init__(self, client: Client, patience_s: float) -> None:
        self._client = client
        self._stream = client.jetstream(timeout=ANSWER_S)
        self._patience_s = patience_s
        self._in_flight = asyncio.Semaphore(IN_FLIGHT_MAX)

    @classmethod
    async def connect(
        cls,
        servers: Sequence[str],
        *,
        patience_s: float = PATIENCE_S,
        tls: ssl.SSLContext | None = None,
    ) -> Self:
        """Connect to the log, and make it if there is none.

        Args:
            servers: URLs, of one server at least; the others become known.
            patience_s: Seconds for which whatever fails is tried again.
            tls: How the servers are known, and we are known to them.

        Raises:
            UnavailableError: No server answers.
            BrokenLogError: The stream, or the servers, are not set up for a log.
        """
        client = await connect(servers, patience_s=patience_s, tls=tls)
        log = cls(client, patience_s)
        try:
            check_config(await log._insist(log._find_or_make))
        except BaseException:
            await client.close()
            raise
        return log

    async def append(self, batch: Sequence[Entry], expect: Mapping[str, int]) -> int:
        """As `Sequencer.append`."""
        prepared = prepare(batch, expect)
        deadline = _now() + self._patience_s
        failure = ""
        async with self._in_flight:
            while _now() < deadline:
                try:
                    answer = await self._publish(prepared)
                    if answer.position:
                        return answer.position
                    failure = answer.text
                    if answer.kind in _WRONG_PLACE:
                        position = await self._find(prepared)
                        if position:
                            return position
                    elif not answer.is_passing:
                        break
                except FAILURES as error:
                    failure = str(error) or type(error).__name__
                await asyncio.sleep(PAUSE_S)
        raise UnavailableError(f"the cluster did not take a batch: {failure}")

    async def read(self, start: int, limit: int) -> tuple[Record, ...]:
        """As `Sequencer.read`."""
        check_range(start, limit)
        end = min(start + limit, await self.head() + 1)
        records: list[Record] = []
        size = 0
        for first in range(start, end, WINDOW):
            places = range(first, min(first + WINDOW, end))
            found = await asyncio.gather(*[self._get(position) for position in places])
            records += found
            size += sum(len(record.body) for record in found)
            if size >= READ_BYTES_MAX:
                break
        return tuple(records)

    async def subscribe(self, start: int) -> AsyncIterator[Record]:
        """As `Sequencer.subscribe`."""
        while True:
            async with contextlib.aclosing(self._follow(start)) as records:
                async for record in records:
                    start = record.position + 1
                    yield record
            if self._client.is_closed:
                raise UnavailableError("the log is closed")
            await asyncio.sleep(PAUSE_S)

    async def head(self) -> int:
        """As `Sequencer.head`."""
        return await self._insist(self._ask_head)

    async def last(self, subject: str) -> int:
        """As `Sequencer.last`."""
        message = await self._insist(self._next, check_subject(subject), None)
        return message.seq or 0 if message else 0

    async def close(self) -> None:
        """As `Sequencer.close`."""
        await self._client.close()

    async def _insist(self, ask: Callable[..., Awaitable[_T]], *arguments: object) -> _T:
        """Ask until there is an answer, or patience ends."""
        deadline = _now() + self._patience_s
        while True:
            try:
                return await ask(*arguments)
            except FAILURES as error:
                if self._client.is_closed or _now() > deadline:
                    raise UnavailableError(f"the cluster does not answer: {error}") from error
                await asyncio.sleep(PAUSE_S)

    async def _publish(self, prepared: Prepared) -> _Answer:
        """Send a batch once; the answer of the stream's leader."""
        count = len(prepared.entries)
        group = secrets.token_hex(16)
        raw = b""
        for index, entry in enumerate(prepared.entries):
            headers = {"Nats-Msg-Id": _name(prepared, index)}
            if entry.subject in prepared.expect:
                place = prepared.expect[entry.subject]
                headers["Nats-Expected-Last-Subject-Sequence"] = str(place)
            if count > 1:
                headers |= {"Nats-Batch-Id": group, "Nats-Batch-Sequence": str(index + 1)}
            if index < count - 1:
                await self._client.publish(PREFIX + entry.subject, entry.body, headers=headers)
                continue
            if count > 1:
                headers["Nats-Batch-Commit"] = "1"
            answer = await self._client.request(
                PREFIX + entry.subject, entry.body, timeout=ANSWER_S, headers=headers
            )
            raw = answer.data
        return _read_answer(raw)

    async def _find(self, prepared: Prepared) -> int:
        """Find a batch that a leader refused; 0 when nothing is known yet.

        Raises:
            ConflictError: Another was first.
        """
        for index, entry in enumerate(prepared.entries):
            if entry.subject not in prepared.expect:
                continue
            expected = prepared.expect[entry.subject]
            behind = await self._next(entry.subject, expected + 1)
            if behind and (behind.headers or {}).get("Nats-Msg-Id") == _name(prepared, index):
                return (behind.seq or 0) + len(prepared.entries) - 1 - index
            last = await self._next(entry.subject, None)
            found = last.seq or 0 if last else 0
            # What came between the two questions may be this very batch: then ask again.
            if found < expected or (behind and found > expected):
                raise ConflictError(entry.subject, expected, found)
        return 0

    async def _next(self, subject: str, position: int | None) -> api.RawStreamMsg | None:
        """The first entry of a subject from a place on, or its last; None where there is none."""
        try:
            return await self._stream.get_msg(
                STREAM, position, PREFIX + subject, next=position is not None
            )
        except NotFoundError:
            return None

    async def _get(self, position: int) -> Record:
        try:
            message = await self._insist(self._get_once, position)
        except UnavailableError as error:
            if isinstance(error.__cause__, NotFoundError):
                raise BrokenLogError(f"entry {position} is missing from the stream") from error
            raise
        return _record(position, message.subject, message.data)

    async def _get_once(self, position: int) -> api.RawStreamMsg:
        return await self._stream.get_msg(STREAM, position)

    async def _ask_head(self) -> int:
        return (await self._stream.stream_info(STREAM)).state.last_seq

    async def _follow(self, start: int) -> AsyncGenerator[Record, None]:
        """Records from a place on, until the consumer is lost, or skips one."""
        try:
            consumer = await consumer_from(self._stream, start)
        except FAILURES:
            return
        try:
            while True:
                for message in await self._fetch(consumer, start):
                    if message.metadata.sequence.stream != start:
                        return
                    start += 1
                    yield _record(start - 1, message.subject, message.data)
        except FAILURES:
            return
        finally:
            with contextlib.suppress(*FAILURES):
                await consumer.unsubscribe()

    async def _fetch(
        self, consumer: JetStreamContext.PullSubscription, start: int
    ) -> Sequence[Any]:
        """Wait a moment for messages. That none came is an error where there are some."""
        try:
            return await consumer.fetch(WINDOW, timeout=ANSWER_S)
        except FetchTimeoutError:
            if await self._ask_head() >= start:
                raise
            return ()

    async def _find_or_make(self) -> api.StreamConfig:
        try:
            info = await self._stream.stream_info(STREAM)
        except NotFoundError:
            info = await self._stream.add_stream(_config())
        return info.config


async def consumer_from(stream: JetStreamContext, start: int) -> JetStreamContext.PullSubscription:
    """A consumer of the log from a place on, which lives on any one of the servers."""
    return await stream.pull_subscribe(
        f"{PREFIX}>",
        stream=STREAM,
        config=api.ConsumerConfig(
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=start,
            ack_policy=api.AckPolicy.NONE,
            inactive_threshold=60,
            num_replicas=1,
            mem_storage=True,
        ),
    )


def _now() -> float:
    return asyncio.get_running_loop().time()


def _name(prepared: Prepared, index: int) -> str:
    """The id of one entry of a batch, the same in every attempt."""
    return f"{prepared.id.hex()}.{index}"


def _record(position: int, subject: str | None, body: bytes | None) -> Record:
    return Record(position, (subject or "").removeprefix(PREFIX), body or b"")


def _read_answer(raw: bytes) -> _Answer:
    try:
        answer = json.loads(raw)
        error = answer.get("error")
        if error is None:
            return _Answer(position=int(answer["seq"]))
        return _Answer(
            code=int(error["code"]),
            kind=int(error.get("err_code", 0)),
            text=str(error.get("description", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnavailableError("the cluster gave an answer that is none") from error


def _config() -> api.StreamConfig:
    return api.StreamConfig(
        name=STREAM,
        subjects=[f"{PREFIX}>"],
        retention=api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.NEW,
        num_replicas=REPLICAS,
        duplicate_window=DUPLICATES_S,
        deny_delete=True,
        deny_purge=True,
        allow_atomic=True,
    )


def check_config(found: api.StreamConfig) -> None:
    """Refuse a stream that could lose or change entries, or append a part of a batch.

    Raises:
        BrokenLogError: It is such a stream.
    """
    wanted = _config()
    for name in (
        "subjects", "retention", "storage", "discard", "num_replicas", "deny_delete", "deny_purge",
        "allow_atomic",
    ):  # fmt: skip
        if getattr(found, name) != getattr(wanted, name):
            raise BrokenLogError(
                f"the stream {STREAM} has {name} {getattr(found, name)!r}, and a log needs "
                f"{getattr(wanted, name)!r}"
            )
    if found.max_age or (found.max_msgs or -1) > 0:
        raise BrokenLogError(f"the stream {STREAM} forgets entries")
