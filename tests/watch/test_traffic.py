"""Frames are counted as they go; that counted channels are channels, see `tests/net`."""

import asyncio

from numen.net.channel import Bounds, everybody
from numen.net.memory import MemoryNetwork
from numen.watch.traffic import Counted, Traffic
from tests.net.fabric import ALICE, BOB


def test_frames_are_counted_at_both_ends_and_channels_while_they_are_open():
    near, far = Traffic(), Traffic()

    async def talk():
        network = MemoryNetwork()
        alice = Counted(network.transport(ALICE.id, Bounds()), near)
        bob = Counted(network.transport(BOB.id, Bounds()), far)
        listener = await bob.listen("somewhere", everybody)
        channel = await alice.dial(listener.address, BOB.id)
        other = await listener.accept()
        for size in (1, 10, 100):
            await channel.send(bytes(size))
            await other.receive()
        await other.send(b"answer")
        await channel.receive()
        assert (near.channels, far.channels) == (1, 1)
        for each in (channel, channel, other):  # closing once more does nothing
            await each.close()
        await listener.close()

    asyncio.run(talk())

    assert (near.frames_sent, near.bytes_sent) == (far.frames_heard, far.bytes_heard) == (3, 111)
    assert (near.frames_heard, near.bytes_heard) == (far.frames_sent, far.bytes_sent) == (1, 6)
    assert (near.channels, far.channels) == (0, 0)
