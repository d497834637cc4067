"""What every engine of the log has to do, as checks that take an open log.

A check uses subjects of its own under a prefix, so that all of them can share one log.
"""

import asyncio

import pytest

from numen.ledger.order.sequencer import (
    BATCH_BYTES_MAX,
    ENTRIES_MAX,
    BatchError,
    ConflictError,
    Entry,
    Sequencer,
)


def entry(subject: str, body: str) -> Entry:
    return Entry(subject, body.encode())


async def places_are_handed_out_in_order(log: Sequencer, prefix: str) -> None:
    base = await log.head()
    first = await log.append([entry(f"{prefix}.a", "one")], {})
    second = await log.append([entry(f"{prefix}.b", "two"), entry(f"{prefix}.a", "three")],
                              {f"{prefix}.a": first})  # fmt: skip

    assert (first, second) == (base + 1, base + 3)
    assert await log.head() == second
    assert await log.last(f"{prefix}.a") == second
    assert await log.last(f"{prefix}.b") == second - 1
    assert await log.last(f"{prefix}.nobody") == 0
    found = [(r.position, r.subject, r.body) for r in await log.read(first, 10)]
    assert found == [
        (first, f"{prefix}.a", b"one"),
        (first + 1, f"{prefix}.b", b"two"),
        (second, f"{prefix}.a", b"three"),
    ]
    assert [r.position for r in await log.read(first + 1, 1)] == [first + 1]
    assert await log.read(second + 1, 10) == ()


async def a_race_has_one_winner(log: Sequencer, prefix: str) -> None:
    last = 0
    for turn in range(10):
        racers = [
            log.append([entry(f"{prefix}.race", f"{turn} by {i}")], {f"{prefix}.race": last})
            for i in range(8)
        ]
        ends = await asyncio.gather(*racers, return_exceptions=True)
        winners = [end for end in ends if isinstance(end, int)]
        losers = [end for end in ends if isinstance(end, ConflictError)]

        assert len(winners) == 1
        assert len(losers) == 7
        assert {loser.subject for loser in losers} == {f"{prefix}.race"}
        assert {loser.expected for loser in losers} == {last}
        last = winners[0]
        assert await log.last(f"{prefix}.race") == last


async def accounts_do_not_wait_for_each_other(log: Sequencer, prefix: str) -> None:
    appends = [log.append([entry(f"{prefix}.{i}", "x")], {f"{prefix}.{i}": 0}) for i in range(50)]

    assert len(set(await asyncio.gather(*appends))) == 50


async def a_batch_is_whole_or_nothing(log: Sequencer, prefix: str) -> None:
    taken = await log.append([entry(f"{prefix}.b", "first")], {f"{prefix}.b": 0})
    before = await log.head()
    both = [entry(f"{prefix}.a", "block"), entry(f"{prefix}.b", "block")]
    with pytest.raises(ConflictError) as caught:
        await log.append(both, {f"{prefix}.a": 0, f"{prefix}.b": 0})

    assert caught.value.subject == f"{prefix}.b"
    assert await log.head() == before
    assert await log.last(f"{prefix}.a") == 0
    assert await log.append(both, {f"{prefix}.a": 0, f"{prefix}.b": taken}) == before + 2


async def a_retry_appends_nothing(log: Sequencer, prefix: str) -> None:
    subject = f"{prefix}.a"
    alone = [entry(subject, "alone")]
    first = await log.append(alone, {})
    assert await log.append(alone, {}) == first

    guarded = [entry(subject, "guarded")]
    second = await log.append(guarded, {subject: first})
    batch = [entry(f"{prefix}.x", "1"), entry(subject, "2"), entry(f"{prefix}.y", "3")]
    third = await log.append(batch, {subject: second})
    await log.append([entry(subject, "later")], {})

    # Also when others have written since.
    assert await log.append(guarded, {subject: first}) == second
    assert await log.append(batch, {subject: second}) == third
    assert third == second + 3
    assert await log.head() == third + 1


async def a_retry_at_once_appends_once(log: Sequencer, prefix: str) -> None:
    batch = [entry(f"{prefix}.a", "same")]
    places = await asyncio.gather(*[log.append(batch, {f"{prefix}.a": 0}) for _ in range(8)])

    assert len(set(places)) == 1


async def subscribers_see_one_order(log: Sequencer, prefix: str) -> None:
    start = await log.head() + 1

    async def follow() -> list[tuple[int, bytes]]:
        seen = []
        async for record in log.subscribe(start):
            seen.append((record.position, record.body))
            if len(seen) == 60:
                break
        return seen

    early = [asyncio.create_task(follow()) for _ in range(2)]
    await asyncio.gather(*[log.append([entry(f"{prefix}.{i % 7}", f"{i}")], {}) for i in range(60)])
    views = [*await asyncio.gather(*early), await follow()]

    assert views[0] == views[1] == views[2]
    assert [position for position, _ in views[0]] == list(range(start, start + 60))
    assert {body for _, body in views[0]} == {f"{i}".encode() for i in range(60)}


async def bytes_are_kept_as_they_are(log: Sequencer, prefix: str) -> None:
    bodies = [b"", bytes(range(256)) * 9, b"\r\n\0NATS/1.0\r\n\r\n", bytes(BATCH_BYTES_MAX)]
    places = [await log.append([Entry(f"{prefix}.{i}", b)], {}) for i, b in enumerate(bodies)]

    for place, body in zip(places, bodies, strict=True):
        assert (await log.read(place, 1))[0].body == body


async def what_no_log_takes_is_refused(log: Sequencer, prefix: str) -> None:
    before = await log.head()
    a, b = entry(f"{prefix}.a", "x"), entry(f"{prefix}.b", "x")
    refused = [
        ([], {}),
        ([a] * (ENTRIES_MAX + 1), {}),
        ([a, b], {}),
        ([a, a, b], {f"{prefix}.a": 0}),
        ([a], {f"{prefix}.b": 0}),
        ([a], {f"{prefix}.a": -1}),
        ([a], {f"{prefix}.a": 1 << 63}),
        ([Entry(f"{prefix}.a", bytes(BATCH_BYTES_MAX + 1))], {}),
        *[([Entry(bad, b"")], {}) for bad in ("", ".", "a.", "a..b", "A", "a b", "*", ">", "a\n",
                                              "x" * 129)],
    ]  # fmt: skip
    for batch, expect in refused:
        with pytest.raises(BatchError):
            await log.append(batch, expect)
    for start, limit in ((0, 1), (1, 0), (1, 1 << 20)):
        with pytest.raises(BatchError):
            await log.read(start, limit)

    assert await log.head() == before


CHECKS = (
    places_are_handed_out_in_order,
    a_race_has_one_winner,
    accounts_do_not_wait_for_each_other,
    a_batch_is_whole_or_nothing,
    a_retry_appends_nothing,
    a_retry_at_once_appends_once,
    subscribers_see_one_order,
    bytes_are_kept_as_they_are,
    what_no_log_takes_is_refused,
)
