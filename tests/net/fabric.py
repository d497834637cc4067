"""Two nodes on each kind of network, for the suite that both kinds have to pass."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec

import msgspec
import pytest

from numen.net.channel import Admit, Bounds, Channel, Listener, Transport, everybody
from numen.net.identity import NodeKey
from numen.net.memory import MemoryNetwork
from numen.net.networks import Networks
from numen.net.tls import TlsTransport
from numen.watch.traffic import Counted, Traffic

ALICE, BOB, CAROL, MALLORY = (
    NodeKey.from_seed(name) for name in (b"alice", b"bob", b"carol", b"mallory")
)

WAN = (
    pytest.mark.wan,
    pytest.mark.skipif(not find_spec("iroh"), reason="needs the extra wan"),
    pytest.mark.skipif(
        os.environ.get("NUMEN_ALONE") != "1",
        reason="looks for a router: `make wan` runs it on a network of its own",
    ),
)
"""Marks of tests that bind sockets of QUIC's."""

Make = Callable[[NodeKey, Bounds], Transport]


class Fabric(msgspec.Struct):
    """A network.

    Attributes:
        make: Puts a node on it.
        address: Where somebody can listen on it.
    """

    make: Make
    address: str


def memory() -> Fabric:
    network = MemoryNetwork()
    return Fabric(lambda key, bounds: network.transport(key.id, bounds), "somewhere")


def tls() -> Fabric:
    return Fabric(TlsTransport, "127.0.0.1:0")


def counted() -> Fabric:
    within, traffic = memory(), Traffic()
    return Fabric(lambda key, bounds: Counted(within.make(key, bounds), traffic), within.address)


def quic() -> Fabric:
    return Fabric(Networks, "iroh://127.0.0.1:0")


FABRICS = {"memory": memory, "tls": tls, "counted": counted, "quic": quic}

KINDS = [pytest.param(kind, marks=WAN if kind == "quic" else ()) for kind in FABRICS]


@asynccontextmanager
async def listening(
    fabric: Fabric, bounds: Bounds | None = None, admit: Admit = everybody
) -> AsyncIterator[Listener]:
    """Bob, who listens."""
    listener = await fabric.make(BOB, bounds or Bounds()).listen(fabric.address, admit)
    try:
        yield listener
    finally:
        await listener.close()


@asynccontextmanager
async def joined(
    fabric: Fabric, dialler: Bounds | None = None, listener: Bounds | None = None
) -> AsyncIterator[tuple[Channel, Channel]]:
    """A channel from Alice to Bob: Alice's end, and Bob's."""
    async with listening(fabric, listener) as bob:
        near = await fabric.make(ALICE, dialler or Bounds()).dial(bob.address, BOB.id)
        far = await bob.accept()
        try:
            yield near, far
        finally:
            await asyncio.gather(near.close(), far.close())
