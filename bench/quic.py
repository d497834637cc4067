"""Channels over QUIC, where channels over TLS would do: a message, a round trip, a new channel."""

import asyncio
import time
from collections.abc import Iterator

from harness import Contest, main
from net import COUNT, COUNT_QUICK, ONE, OTHER, SIZE, join, once, pass_frames
from numen.net.channel import Channel, everybody
from numen.net.networks import Networks

PLACES = {"QUIC": "iroh://127.0.0.1:0", "TLS": "127.0.0.1:0"}


async def back_and_forth(near: Channel, far: Channel, count: int) -> None:
    """Send a frame and have one back, so many times."""
    body = bytes(SIZE)
    for _ in range(count):
        await near.send(body)
        await far.receive()
        await far.send(body)
        await near.receive()


def contests(quick: bool) -> Iterator[Contest]:
    """Both ends are in this process; its processor time has the threads of the library in it."""
    run = asyncio.new_event_loop().run_until_complete
    count = COUNT_QUICK if quick else COUNT
    one, other = Networks(ONE), Networks(OTHER)
    ours, rival = (run(join(one, other, place)) for place in PLACES.values())
    yield Contest(
        f"{count} frames of {SIZE} bytes",
        lambda: run(pass_frames(*ours, count)),
        {"over TLS": lambda: run(pass_frames(*rival, count))},
        clock=time.process_time,
    )
    yield Contest(
        f"{count} round trips, by the clock",
        lambda: run(back_and_forth(*ours, count)),
        {"over TLS": lambda: run(back_and_forth(*rival, count))},
    )
    here, there = (run(other.listen(place, everybody)) for place in PLACES.values())
    yield Contest(
        "a connection, a message, its end",
        lambda: run(once(one, here)),
        {"over TLS": lambda: run(once(one, there))},
        clock=time.process_time,
    )
    run(here.close())
    run(there.close())


if __name__ == "__main__":
    main(__doc__, contests)
