"""Whether the replicas of a log are one and the same.

Each replica is read by itself: a consumer with one replica is fed from where it lives, so consumers
are made until there is one on each server. Nobody who writes is disturbed. The digests of all
replicas come from the same walk, so a digest that was noted down earlier can be compared as well.
"""

import contextlib
import hashlib
from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from numen.ledger.order.client import FAILURES, Client, FetchTimeoutError, JetStreamContext
from numen.ledger.order.jetstream import PREFIX, WINDOW, check_config, consumer_from
from numen.ledger.order.probes import STREAM
from numen.ledger.order.sequencer import UnavailableError

TRIES_MAX: Final = 100
"""Consumers that are made to find one on each server; chance decides where each lives."""

_ANSWER_S: Final = 2
_FETCHES_MAX: Final = 5
"""Answers without a record after which a replica is short."""

_Subscription: TypeAlias = JetStreamContext.PullSubscription


class Comparison(msgspec.Struct, frozen=True):
    """What was found.

    Attributes:
        head: Last place that was compared.
        digests: Of the entries of each server's replica, up to the head; as hexadecimal text.
        differs_at: First place at which two replicas differ, or one has nothing; 0 for none.
        differing: Servers whose replica is not that of most others there.
        unread: Servers of which nothing could be read.
    """

    head: int
    digests: Mapping[str, str]
    differs_at: int = 0
    differing: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def is_equal(self) -> bool:
        """Whether all replicas were read and none differs."""
        return not self.differs_at and not self.unread


async def compare(client: Client, servers: Collection[str]) -> Comparison:
    """Read the replicas of the log side by side.

    Args:
        client: Connected to one of the servers.
        servers: Names of all of them.

    Raises:
        UnavailableError: The cluster does not answer.
        BrokenLogError: The stream could lose entries.

    Cost: reads the whole log once from each server; `WINDOW` entries of each are held at a time.
    """
    stream = client.jetstream(timeout=_ANSWER_S)
    try:
        info = await stream.stream_info(STREAM)
        check_config(info.config)
        readers = await _readers(stream, servers)
    except FAILURES as error:
        raise UnavailableError(f"the cluster does not answer: {error}") from error
    try:
        return await walk(readers, info.state.last_seq, set(servers) - set(readers))
    finally:
        for reader in readers.values():
            with contextlib.suppress(*FAILURES):
                await _let_go(stream, reader)


async def _readers(stream: JetStreamContext, servers: Collection[str]) -> dict[str, _Subscription]:
    found: dict[str, _Subscription] = {}
    for _ in range(TRIES_MAX):
        if len(found) == len(servers):
            break
        reader = await consumer_from(stream, 1)
        info = await reader.consumer_info()
        home = (info.cluster.leader if info.cluster else None) or ""
        if home in servers and home not in found:
            found[home] = reader
        else:
            await _let_go(stream, reader)
    return found


async def _let_go(stream: JetStreamContext, reader: _Subscription) -> None:
    info = await reader.consumer_info()
    await stream.delete_consumer(STREAM, info.name)
    await reader.unsubscribe()


async def walk(readers: Mapping[str, _Subscription], head: int, unread: set[str]) -> Comparison:
    """Compare what readers give up to a place; names of servers without one come along."""
    hashes = {name: hashlib.sha256() for name in readers}
    missing = tuple(sorted(unread))
    for first in range(1, head + 1, WINDOW):
        count = min(WINDOW, head + 1 - first)
        windows = {name: await _window(reader, count) for name, reader in readers.items()}
        for offset in range(count):
            entries = {name: window[offset] for name, window in windows.items()}
            if odd := _odd(entries):
                return Comparison(head, {}, first + offset, odd, missing)
            for name, entry in entries.items():
                hashes[name].update(hashlib.sha256(entry).digest())
    return Comparison(head, {n: h.hexdigest() for n, h in hashes.items()}, unread=missing)


def _odd(entries: Mapping[str, bytes]) -> tuple[str, ...]:
    """Servers that do not have what most have at a place, or have nothing."""
    bodies = list(entries.values())
    usual = max(bodies, key=bodies.count, default=b"")
    return tuple(sorted(name for name, body in entries.items() if body != usual or not body))


async def _window(reader: _Subscription, count: int) -> list[bytes]:
    """The next entries of a replica; what is missing is empty."""
    found: list[bytes] = []
    empty = 0
    while len(found) < count and empty < _FETCHES_MAX:
        try:
            messages = await reader.fetch(count - len(found), timeout=_ANSWER_S)
        except FetchTimeoutError:
            empty += 1
            continue
        except FAILURES:
            break
        found += [_written(message) for message in messages]
    return found + [b""] * (count - len(found))


def _written(message: Any) -> bytes:
    """All of an entry that replicas have to agree on."""
    place = message.metadata.sequence.stream
    head = [str(place), message.subject.removeprefix(PREFIX)]
    head += [f"{name}:{value}" for name, value in sorted((message.headers or {}).items())]
    return "\n".join(head).encode() + b"\n\n" + bytes(message.data)
