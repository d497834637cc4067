"""A node, or a relay, in a process of its own: `python -m tests.net.peer ROLE ADDRESS`.

relay HOST        passes on; at port 3340
listen ADDRESS    is Bob, and sends back whatever comes
dial ADDRESS      is Alice, and sends Bob each line that it reads; writes what comes back
"""

import asyncio
import sys

from numen.net.channel import Channel, everybody
from numen.net.errors import ClosedError
from numen.net.networks import Networks
from tests.net.fabric import ALICE, BOB
from tests.net.relay import relaying


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def relay(host: str) -> None:
    async with relaying(host, 3340) as made:
        say(made.url)
        while True:
            await asyncio.sleep(0.1)
            say(f"passed {len(made.passed)}")


async def listen(address: str) -> None:
    listener = await Networks(BOB).listen(address, everybody)
    say(listener.address)
    while True:
        await echo(await listener.accept())


async def echo(channel: Channel) -> None:
    try:
        while True:
            await channel.send(await channel.receive())
    except ClosedError:
        await channel.close()


async def dial(address: str) -> None:
    channel = await Networks(ALICE).dial(address, BOB.id)
    say("dialled")
    while line := await asyncio.to_thread(sys.stdin.readline):
        await channel.send(line.encode())
        say((await channel.receive()).decode().strip())
    await channel.close()


if __name__ == "__main__":
    asyncio.run({"relay": relay, "listen": listen, "dial": dial}[sys.argv[1]](sys.argv[2]))
