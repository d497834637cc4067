"""Replicas are compared entry by entry; chunks of every size, and every way to differ."""

import asyncio
from types import SimpleNamespace

import pytest

from numen.ledger.order import replicas
from numen.ledger.order.client import FetchTimeoutError

ENTRIES = [(f"ledger.acct.{i % 3}", b"body %d" % i, {"Nats-Msg-Id": f"{i}"}) for i in range(40)]


class Replica:
    """What is read of one: entries, a few at a time, and then nothing."""

    def __init__(self, entries, chunk=5):
        self.left = list(enumerate(entries, 1))
        self.chunk = chunk

    async def fetch(self, count, timeout):
        if not self.left:
            raise FetchTimeoutError
        taken = self.left[: min(count, self.chunk)]
        del self.left[: len(taken)]
        return [
            SimpleNamespace(
                subject=subject,
                data=body,
                headers=headers,
                metadata=SimpleNamespace(sequence=SimpleNamespace(stream=place)),
            )
            for place, (subject, body, headers) in taken
        ]


def walk(*views, chunks=(5, 16, 1)):
    readers = {f"n{i}": Replica(v, c) for i, (v, c) in enumerate(zip(views, chunks, strict=True))}
    return asyncio.run(replicas.walk(readers, len(ENTRIES), set()))


def test_equal_replicas_have_one_digest():
    found = walk(ENTRIES, ENTRIES, ENTRIES)

    assert found.is_equal
    assert len(set(found.digests.values())) == 1
    assert walk(ENTRIES, ENTRIES, ENTRIES, chunks=(3, 2, 7)).digests == found.digests


@pytest.mark.parametrize("place", [1, 16, 17, 40])
@pytest.mark.parametrize(
    "other", [("ledger.acct.9", None, None), (None, b"other", None), (None, None, {"a": "b"})]
)
def test_the_first_difference_is_found(place, other):
    changed = list(ENTRIES)
    changed[place - 1] = tuple(new or old for new, old in zip(other, ENTRIES[0], strict=True))

    found = walk(ENTRIES, changed, ENTRIES)

    assert not found.is_equal
    assert (found.differs_at, found.differing) == (place, ("n1",))


def test_a_replica_that_ends_early_differs_where_it_ends():
    found = walk(ENTRIES, ENTRIES, ENTRIES[:-2])

    assert (found.differs_at, found.differing) == (39, ("n2",))


def test_a_server_that_was_not_read_leaves_doubt():
    found = asyncio.run(replicas.walk({"n0": Replica(ENTRIES)}, len(ENTRIES), {"n1", "n2"}))

    assert not found.is_equal
    assert found.unread == ("n1", "n2")
