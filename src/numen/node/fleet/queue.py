"""The queue of a fleet, in NATS JetStream: jobs, blobs and results.

A job that a machine takes is leased: the machine says again and again that it is at it, and whoever
falls silent loses it to another (the ack is the lease, redelivery the retry). Results are kept
under the names of their jobs for an hour, so that a job that was done twice, or is asked for again,
has one result. Whoever can speak to the servers can hand in work and read it: they belong to one
operator, behind TLS or on one machine.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, Final, Self

from numen.base.codec import CodecError
from numen.ledger.order.client import (
    ANSWER_S,
    FAILURES,
    PAUSE_S,
    BadRequestError,
    Client,
    JetStreamContext,
    KeyNotFoundError,
    KeyValue,
    api,
)
from numen.node.fleet.jobs import (
    BLOB_BYTES_MAX,
    FleetError,
    Job,
    Outcome,
    blob_name,
    job_name,
    read_outcome,
    write_job,
    write_outcome,
)

STREAM: Final = "NUMEN_FLEET"
SUBJECT: Final = "numen.fleet.job"
DONE: Final = "numen.fleet.done."
CONSUMER: Final = "nodes"

JOBS_MAX: Final = 65_536
"""Jobs that may wait; who hands in more is told that there is no room."""

LEASE_S: Final = 10.0
"""How long a machine may be silent before its job goes to another."""

ATTEMPTS_MAX: Final = 5
"""How often a job is given to a machine."""

DUPLICATES_S: Final = 120
"""How long the servers know a job that was handed in."""

KEPT_S: Final = 3600
"""How long blobs and results are kept."""

STORE_BYTES_MAX: Final = 4 << 30
"""Bytes of blobs, and of results, that the servers keep."""

LOOK_S: Final = 2.0
"""How often a result is looked for whose announcement may have been lost."""

_CHUNK_BYTES: Final = 512 << 10
_CONNECT_S: Final = 10.0


class Queue:
    """A fleet's queue; use `Queue.connect` inside a running event loop."""

    def __init__(self, client: Client, blobs: KeyValue, results: KeyValue) -> None:
        self._client = client
        self._stream: JetStreamContext = client.jetstream(timeout=ANSWER_S)
        self._blobs, self._results = blobs, results

    @classmethod
    async def connect(cls, servers: Sequence[str], *, lease_s: float = LEASE_S) -> Self:
        """Connect to the servers, and make the queue if there is none.

        Args:
            servers: URLs of NATS servers with JetStream.
            lease_s: For a new queue, see `LEASE_S`.

        Raises:
            FleetError: No server answers, or none has JetStream.
        """
        client = Client()
        named = ", ".join(url.rpartition("@")[2] for url in servers)
        try:
            async with asyncio.timeout(_CONNECT_S):
                # The client waits for fractions of a second as well, whatever its annotations say.
                options: dict[str, Any] = {"reconnect_time_wait": PAUSE_S}
                await client.connect(
                    list(servers), connect_timeout=ANSWER_S, max_reconnect_attempts=-1,
                    error_cb=_ignore, **options,
                )  # fmt: skip
            return await cls._prepare(client, lease_s)
        except FAILURES as error:
            with contextlib.suppress(*FAILURES):
                await client.close()
            raise FleetError(
                f"no fleet at {named}: {error or type(error).__name__}",
                hint="start `nats-server -js` there",
            ) from error

    @classmethod
    async def _prepare(cls, client: Client, lease_s: float) -> Self:
        stream = client.jetstream(timeout=ANSWER_S)
        await stream.add_stream(
            api.StreamConfig(
                name=STREAM, subjects=[SUBJECT], retention=api.RetentionPolicy.WORK_QUEUE,
                max_msgs=JOBS_MAX, discard=api.DiscardPolicy.NEW, duplicate_window=DUPLICATES_S,
            )
        )  # fmt: skip
        with contextlib.suppress(BadRequestError):  # it is there, with its own lease
            await stream.add_consumer(
                STREAM,
                api.ConsumerConfig(
                    durable_name=CONSUMER, ack_policy=api.AckPolicy.EXPLICIT, ack_wait=lease_s,
                    max_deliver=ATTEMPTS_MAX, max_ack_pending=1024,
                ),
            )  # fmt: skip
        stores = [
            await stream.create_key_value(
                api.KeyValueConfig(bucket, ttl=KEPT_S, max_bytes=STORE_BYTES_MAX)
            )
            for bucket in ("numen-fleet-blobs", "numen-fleet-results")
        ]
        return cls(client, *stores)

    async def put_blob(self, raw: bytes) -> bytes:
        """Give bytes to the fleet; their name.

        Raises:
            FleetError: They are too long, or the servers do not take them.
        """
        if len(raw) > BLOB_BYTES_MAX:
            raise FleetError(f"{len(raw)} bytes for the fleet, at most {BLOB_BYTES_MAX}")
        name = blob_name(raw)
        await self._put(self._blobs, name.hex(), raw)
        return name

    async def blob(self, name: bytes) -> bytes:
        """Bytes by their name.

        Raises:
            FleetError: They are gone, or others.
        """
        raw = await self._get(self._blobs, name.hex())
        if raw is None or blob_name(raw) != name:
            raise FleetError(f"the fleet has lost the bytes {name.hex()[:16]}")
        return raw

    async def result(self, job: Job) -> Outcome | None:
        """What came of a job, if anything did in the last hour."""
        raw = await self._get(self._results, job_name(job))
        try:
            return None if raw is None else read_outcome(raw)
        except CodecError as error:
            raise FleetError(f"no result of a fleet: {error.message}") from error

    async def finish(self, job: Job, outcome: Outcome) -> None:
        """Keep what came of a job, and announce it."""
        name = job_name(job)
        await self._put(self._results, name, write_outcome(outcome))
        await self._client.publish(DONE + name, b"")

    async def ask(self, job: Job) -> Outcome:
        """Hand a job in and wait for what comes of it, whoever does it.

        Raises:
            FleetError: There is no room, or the servers are gone.
        """
        name = job_name(job)
        announced = await self._client.subscribe(DONE + name, pending_msgs_limit=16)
        try:
            found = await self.result(job)
            if found is None:
                await self._publish(job, name)
            while found is None:
                with contextlib.suppress(*FAILURES):
                    await announced.next_msg(timeout=LOOK_S)
                found = await self.result(job)
            return found
        finally:
            with contextlib.suppress(*FAILURES):
                await announced.unsubscribe()

    async def jobs(self) -> JetStreamContext.PullSubscription:
        """Where a machine takes jobs from."""
        return await self._stream.pull_subscribe_bind(CONSUMER, STREAM)

    async def lease_s(self) -> float:
        """How long this queue lets a machine be silent."""
        found = await self._stream.consumer_info(STREAM, CONSUMER)
        return float(found.config.ack_wait or LEASE_S)

    async def close(self) -> None:
        """Leave the servers."""
        with contextlib.suppress(*FAILURES):
            await self._client.close()

    async def _publish(self, job: Job, name: str) -> None:
        try:
            await self._stream.publish(SUBJECT, write_job(job), headers={"Nats-Msg-Id": name})
        except FAILURES as error:
            raise FleetError(f"the fleet takes no job: {error}") from error

    async def _put(self, store: KeyValue, name: str, raw: bytes) -> None:
        """Write in pieces that any server takes; the first, which says how many, comes last."""
        pieces = [raw[at : at + _CHUNK_BYTES] for at in range(0, len(raw), _CHUNK_BYTES)] or [b""]
        try:
            for number in reversed(range(len(pieces))):
                head = len(pieces).to_bytes(4, "big") if number == 0 else b""
                await store.put(f"{name}.{number}", head + pieces[number])
        except FAILURES as error:
            raise FleetError(f"the fleet takes no bytes: {error}") from error

    async def _get(self, store: KeyValue, name: str) -> bytes | None:
        try:
            first = (await store.get(f"{name}.0")).value or b""
            count = int.from_bytes(first[:4], "big")
            if not 1 <= count <= BLOB_BYTES_MAX // _CHUNK_BYTES + 2:
                raise FleetError(f"the fleet has something else under {name[:16]}")
            pieces = [first[4:]]
            pieces += [
                (await store.get(f"{name}.{number}")).value or b"" for number in range(1, count)
            ]
        except KeyNotFoundError:
            return None
        except FAILURES as error:
            raise FleetError(f"the fleet gives no bytes: {error}") from error
        return b"".join(pieces)


async def _ignore(_: Exception) -> None:
    """Hear of an error that concerns no request: what fails is reported where it was asked for."""
