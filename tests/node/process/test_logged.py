"""Nodes that have their order from one log: who appends first makes the block, and all agree."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from numen.base.crypto import SigningKey
from numen.ledger.order.embedded import Embedded
from numen.ledger.order.sequencer import BLOCKS, Entry
from numen.ledger.order.servers import Cluster, ClusterError, Ports, find_server
from numen.net.identity import NodeKey
from numen.net.memory import MemoryNetwork
from numen.node.process.client import connected, payment
from numen.node.process.roll import (
    FORMAT,
    Holder,
    Roll,
    RollError,
    Site,
    read_roll,
    vote_of,
    write_roll,
)
from numen.node.process.server import Server
from numen.node.replica.plan import Mode
from tests.ports import free_ports

NAMES = ["n0", "n1", "n2", "n3"]
PEOPLE = {name: SigningKey.from_seed(name.encode()) for name in "abc"}


def made_roll(log=("nats://nowhere",)):
    sites = tuple(
        Site(
            name,
            name,
            NodeKey.from_seed(name.encode()).id.hex(),
            "0x" + SigningKey.from_seed(name.encode()).address.hex(),
            Mode.EXECUTE,
            vote_of(SigningKey.from_seed(name.encode()), 1),
        )
        for name in NAMES
    )
    holders = tuple(
        Holder(name, "0x" + key.address.hex(), str(10 * (name == "a")))
        for name, key in PEOPLE.items()
    )
    return Roll(FORMAT, 7, 0, "n0", sites, holders, log)


@asynccontextmanager
async def running(roll, network, logs, folder, names=NAMES):
    """Nodes, each with its way to the log."""
    async with asyncio.TaskGroup() as group:
        tasks = []
        for name, log in zip(names, logs, strict=False):
            transport = network.transport(NodeKey.from_seed(name.encode()).id)
            key = SigningKey.from_seed(name.encode())
            server = Server(roll, name, key, transport, folder / name, log)
            ready = asyncio.Event()
            tasks.append(group.create_task(server.run(lambda _, ready=ready: ready.set())))
            await ready.wait()
        yield
        for task in tasks:
            task.cancel()


async def ends(roll, network, at, raw):
    transport = network.transport(NodeKey.generate().id)
    async with connected(roll, at, transport) as client:
        return [news.what async for news in client.submit(raw)]


async def states(roll, network, names=NAMES):
    found = set()
    for name in names:
        async with connected(roll, name, network.transport(NodeKey.generate().id)) as client:
            standing = await client.standing()
            found.add((standing.height, standing.root))
    return found


async def story(logs, folder, meanwhile=lambda: None):
    """The article's ten coins at two nodes; then the nodes begin again, and one is missing."""
    roll, network = made_roll(), MemoryNetwork()
    to_b, to_c = (payment(roll, PEOPLE["a"], 0, PEOPLE[to].address, 10) for to in "bc")
    await logs[0].append([Entry(BLOCKS, b"no block")], {BLOCKS: 0})  # who reads it goes on
    async with running(roll, network, logs, folder):
        first, second = await asyncio.gather(
            ends(roll, network, "n1", to_b), ends(roll, network, "n2", to_c)
        )
        assert sorted((first[-1], second[-1])) == ["held", "rejected"]
        while len(await states(roll, network)) > 1:
            await asyncio.sleep(0.05)
        async with connected(roll, "n3", network.transport(NodeKey.generate().id)) as client:
            coins = [await client.holding(key.address) for key in PEOPLE.values()]
        assert [each.nonce for each in coins] == [1, 0, 0]
        assert sorted(each.coins for each in coins) == [0, 0, 10]
    meanwhile()
    async with running(roll, network, logs, folder, NAMES[:3]):
        payee = "b" if first[-1] == "held" else "c"
        back = payment(roll, PEOPLE[payee], 0, PEOPLE["a"].address, 4)
        assert (await ends(roll, network, "n2", back))[-1] == "held"
        while len(await states(roll, network, NAMES[:3])) > 1:
            await asyncio.sleep(0.05)
    assert await logs[0].head() >= 3


def test_of_two_blocks_the_log_takes_one_and_all_nodes_keep_it(tmp_path):
    async def main():
        log = await Embedded.open(tmp_path / "log")
        await story([log] * 4, tmp_path)
        await log.close()

    asyncio.run(asyncio.wait_for(main(), 60))


@pytest.mark.slow
@pytest.mark.cluster
def test_it_does_so_on_three_servers_of_which_the_first_is_killed(tmp_path):
    jetstream = pytest.importorskip("numen.ledger.order.jetstream", reason="it needs nats")
    ports = free_ports(9)
    chosen = [Ports(*ports[i : i + 3]) for i in (0, 3, 6)]

    async def main():
        logs = [await jetstream.JetStream.connect(servers.urls) for _ in NAMES]
        await story(logs, tmp_path, meanwhile=lambda: servers.kill(0))
        for log in logs:
            await log.close()

    try:
        find_server()
    except ClusterError as error:
        pytest.skip(str(error))
    with Cluster(tmp_path / "log", chosen) as servers:
        asyncio.run(asyncio.wait_for(main(), 120))


def test_a_ledgers_file_is_read_as_it_was_written(tmp_path):
    roll = made_roll()
    assert read_roll(write_roll(roll), tmp_path) == roll
    assert roll.plan("n1").is_logged
    assert not made_roll(()).plan("n1").is_logged
    for wrong in (b"", b"{}", write_roll(roll).replace(b"numen/ledger/1", b"numen/ledger/2")):
        with pytest.raises(RollError, match=str(tmp_path)):
            read_roll(wrong, tmp_path)
    with pytest.raises(RollError, match="no node 'n9'"):
        roll.plan("n9")
