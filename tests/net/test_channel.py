"""What a channel is, for each kind of network alike."""

import asyncio
import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.net.channel import Bounds, Channel, everybody
from numen.net.errors import (
    AddressError,
    ClosedError,
    FrameError,
    RefusedError,
    TimedOutError,
    UnreachableError,
    WrongPeerError,
)
from tests.net.fabric import ALICE, BOB, CAROL, FABRICS, KINDS, MALLORY, joined, listening


def on_each(test):
    """Run a test of a fabric, a coroutine, on every kind of network."""

    @pytest.mark.parametrize("kind", KINDS)
    @functools.wraps(test)
    def run(kind):
        asyncio.run(asyncio.wait_for(test(FABRICS[kind]()), 120))

    del run.__wrapped__  # pytest reads the names of parameters there
    return run


async def take(channel: Channel, count: int) -> list[bytes]:
    return [await channel.receive() for _ in range(count)]


@on_each
async def test_each_end_knows_the_other(fabric):
    async with joined(fabric) as (near, far):
        assert (near.peer, far.peer) == (BOB.id, ALICE.id)


@on_each
async def test_both_ends_have_a_binding_that_no_other_channel_has(fabric):
    async with listening(fabric) as bob:
        alice = fabric.make(ALICE, Bounds())
        ends = []
        for _ in range(2):
            near = await alice.dial(bob.address, BOB.id)
            ends.append((near, await bob.accept()))

        (near, far), (other, _) = ends
        assert near.binding == far.binding
        assert len(near.binding) == 32
        assert near.binding != other.binding
        for pair in ends:
            await asyncio.gather(*(end.close() for end in pair))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8)
@given(frames=st.lists(st.binary(min_size=1, max_size=300), max_size=20), big=st.booleans())
def test_frames_arrive_whole_and_in_order(kind, frames, big):
    async def talk():
        frames_ = [*frames, bytes(200_000)] if big else frames
        async with joined(FABRICS[kind]()) as (near, far):
            for frame in frames_:
                await near.send(frame)
                await far.send(frame[::-1])
            assert await take(far, len(frames_)) == frames_
            assert await take(near, len(frames_)) == [frame[::-1] for frame in frames_]

    asyncio.run(talk())


@on_each
async def test_a_reader_that_waits_is_woken(fabric):
    async with joined(fabric) as (near, far):
        waiting = asyncio.create_task(far.receive())
        await asyncio.sleep(0.01)
        await near.send(b"late")

        assert await waiting == b"late"


@on_each
async def test_a_reading_that_is_given_up_loses_nothing(fabric):
    async with joined(fabric) as (near, far):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(far.receive(), 0.01)
        await near.send(b"first")
        await near.send(b"second")

        assert await take(far, 2) == [b"first", b"second"]


@on_each
async def test_what_was_sent_before_the_end_is_read_before_the_end(fabric):
    async with joined(fabric) as (near, far):
        for number in range(50):
            await near.send(b"%d" % number)
        await near.close()

        assert await take(far, 50) == [b"%d" % number for number in range(50)]
        for _ in range(2):
            with pytest.raises(ClosedError) as caught:
                await far.receive()
            assert caught.value.is_clean
        with pytest.raises(ClosedError):
            await far.send(b"anybody?")


@on_each
async def test_who_closes_neither_sends_nor_receives_any_more(fabric):
    async with joined(fabric) as (near, far):
        await far.send(b"unread")
        await asyncio.sleep(0.01)
        await near.close()
        await near.close()

        with pytest.raises(ClosedError):
            await near.receive()
        with pytest.raises(ClosedError):
            await near.send(b"x")


@on_each
async def test_closing_wakes_who_waits_at_either_end(fabric):
    async with joined(fabric) as (near, far):
        waiting = [asyncio.create_task(end.receive()) for end in (near, far)]
        await asyncio.sleep(0.01)
        await near.close()

        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in found] == [ClosedError, ClosedError]


@on_each
async def test_a_frame_is_neither_empty_nor_longer_than_the_other_side_takes(fabric):
    async with joined(fabric, listener=Bounds(frame_bytes_max=100)) as (near, far):
        for size in (0, 101):
            with pytest.raises(FrameError) as caught:
                await near.send(bytes(size))
            assert (caught.value.size, caught.value.size_max) == (size, 100)
        await near.send(bytes(100))
        await far.send(bytes(1000))

        assert len(await far.receive()) == 100
        assert len(await near.receive()) == 1000


@on_each
async def test_a_sender_waits_for_a_slow_reader_and_nothing_is_lost(fabric):
    small = Bounds(inbox_bytes_max=10_000, outbox_bytes_max=10_000)
    sent = 0

    async def flood(channel: Channel) -> None:
        nonlocal sent
        for number in range(300):
            await channel.send(number.to_bytes(2, "big") * 50_000)
            sent += 1

    async with joined(fabric, small, small) as (near, far):
        task = asyncio.create_task(flood(near))
        await asyncio.sleep(0.2)
        # 30 MB in all; what fits the kernel's and TLS's buffers is some of it and no more.
        assert sent < 290
        for number in range(300):
            assert await far.receive() == number.to_bytes(2, "big") * 50_000
        await task


@on_each
async def test_many_small_frames_are_bounded_too(fabric):
    small = Bounds(inbox_bytes_max=1_000, outbox_bytes_max=1_000)
    sent = 0

    async def flood(channel: Channel) -> None:
        nonlocal sent
        while True:
            await channel.send(b"x" * 1000)
            sent += 1
            await asyncio.sleep(0)

    async with joined(fabric, small, small) as (near, _):
        task = asyncio.create_task(flood(near))
        before = -1
        while before != sent:  # until it stands still
            before = sent
            await asyncio.sleep(0.1)

        assert not task.done()
        task.cancel()


@on_each
async def test_a_reader_that_takes_nothing_is_given_up(fabric):
    small = Bounds(inbox_bytes_max=1000, outbox_bytes_max=1000, send_s=0.1, close_s=0.1)

    async with joined(fabric, small, small) as (near, _):
        with pytest.raises(TimedOutError):
            await asyncio.gather(*(near.send(bytes(1 << 19)) for _ in range(40)))
        with pytest.raises(TimedOutError):
            await near.receive()


@on_each
async def test_several_tasks_may_send(fabric):
    small = Bounds(inbox_bytes_max=1000, outbox_bytes_max=1000)

    async def say(channel: Channel, letter: bytes) -> None:
        for _ in range(20):
            await channel.send(letter * 3000)

    async with joined(fabric, small, small) as (near, far):
        tasks = [asyncio.create_task(say(near, letter)) for letter in (b"a", b"b", b"c")]
        got = await take(far, 60)
        await asyncio.gather(*tasks)

        assert sorted(got) == sorted(letter * 3000 for letter in (b"a", b"b", b"c") * 20)


@on_each
async def test_who_is_not_wanted_is_told_so(fabric):
    async with listening(fabric, admit=lambda node: node == CAROL.id) as bob:
        with pytest.raises(RefusedError, match="does not know you"):
            await fabric.make(ALICE, Bounds()).dial(bob.address, BOB.id)
        welcome = await fabric.make(CAROL, Bounds()).dial(bob.address, BOB.id)

        assert (await bob.accept()).peer == CAROL.id
        await welcome.close()


@on_each
async def test_the_registry_may_change_while_one_listens(fabric):
    wanted: set[bytes] = set()
    async with listening(fabric, admit=wanted.__contains__) as bob:
        alice = fabric.make(ALICE, Bounds())
        with pytest.raises(RefusedError):
            await alice.dial(bob.address, BOB.id)
        wanted.add(ALICE.id)
        near = await alice.dial(bob.address, BOB.id)
        wanted.clear()
        with pytest.raises(RefusedError):
            await alice.dial(bob.address, BOB.id)
        await near.close()


@on_each
async def test_there_are_at_most_so_many_channels(fabric):
    async with listening(fabric, Bounds(peers_max=2, channels_per_peer_max=1)) as bob:
        alice, carol = (fabric.make(key, Bounds()) for key in (ALICE, CAROL))
        first = await alice.dial(bob.address, BOB.id)
        with pytest.raises(RefusedError, match="as one may have"):
            await alice.dial(bob.address, BOB.id)
        second = await carol.dial(bob.address, BOB.id)
        with pytest.raises(RefusedError, match="as many channels as it takes"):
            await fabric.make(MALLORY, Bounds()).dial(bob.address, BOB.id)
        ends = [await bob.accept(), await bob.accept()]
        await first.close()
        await ends[0].close()
        await asyncio.sleep(0.05)

        again = await alice.dial(bob.address, BOB.id)
        await asyncio.gather(again.close(), second.close(), ends[1].close())


@on_each
async def test_who_comes_and_goes_before_it_is_accepted_is_bounded_too(fabric):
    async with listening(fabric, Bounds(peers_max=2)) as bob:
        alice = fabric.make(ALICE, Bounds())
        for _ in range(2):
            await (await alice.dial(bob.address, BOB.id)).close()
        await asyncio.sleep(0.05)
        with pytest.raises(RefusedError, match="as many channels as it takes"):
            await alice.dial(bob.address, BOB.id)
        with pytest.raises(ClosedError):
            await (await bob.accept()).receive()

        near = await alice.dial(bob.address, BOB.id)
        await near.close()


@on_each
async def test_who_answers_is_who_was_meant(fabric):
    async with listening(fabric) as bob:
        with pytest.raises(WrongPeerError):
            await fabric.make(ALICE, Bounds()).dial(bob.address, CAROL.id)


@on_each
async def test_where_nobody_listens_nobody_is_reached(fabric):
    async with listening(fabric) as bob:
        address = bob.address
    with pytest.raises(UnreachableError):
        await fabric.make(ALICE, Bounds(handshake_s=0.5)).dial(address, BOB.id)


@on_each
async def test_two_cannot_listen_at_one_place(fabric):
    async with listening(fabric) as bob:
        with pytest.raises(AddressError):
            await fabric.make(CAROL, Bounds()).listen(bob.address, everybody)


@on_each
async def test_closing_a_listener_wakes_who_accepts_and_ends_what_was_not_accepted(fabric):
    async with listening(fabric) as bob:
        near = await fabric.make(ALICE, Bounds()).dial(bob.address, BOB.id)
        await bob.close()
        for _ in range(2):
            with pytest.raises(ClosedError):
                await bob.accept()
        with pytest.raises(ClosedError):
            await near.receive()
        await near.close()


@on_each
async def test_channels_that_were_accepted_outlive_the_listener(fabric):
    async with joined(fabric) as (near, far):
        pass
    async with listening(fabric) as bob:
        near = await fabric.make(ALICE, Bounds()).dial(bob.address, BOB.id)
        far = await bob.accept()
        await bob.close()
        await near.send(b"still here")

        assert await far.receive() == b"still here"
        await asyncio.gather(near.close(), far.close())
