"""A fleet on a real server: work is shared, done once, and outlives the machine that did it.

make cluster
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import numen
from numen.api import starks
from numen.demo.processes import Processes
from numen.ledger.order.servers import ClusterError, find_server
from numen.market.actor import Answer
from numen.vm.payload import decode_output, encode_inputs
from tests.ports import free_ports

pytest.importorskip("nats", reason="the extra `cluster` is not installed")
queue = pytest.importorskip("numen.node.fleet.queue", reason="it needs nats")
fleets = pytest.importorskip("numen.node.fleet.fleet", reason="it needs nats")
jobs = pytest.importorskip("numen.node.fleet.jobs", reason="it needs nats")

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

LEASE_S = 1.0
SQUARE = numen.compile("def main(a: u64) -> u64:\n    return a * a\n").program
LONG = numen.compile(
    "def main(n: u64) -> u64:\n"
    "    x: u64 = 1\n"
    "    for i in range(n):\n"
    "        x = (x * 31 + 7) % 1000003\n"
    "    return x\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The URL of a server with JetStream and nothing else."""
    try:
        binary = find_server()
    except ClusterError as error:
        pytest.skip(str(error))
    (port,) = free_ports(1)
    folder = tmp_path_factory.mktemp("nats")
    command = [str(binary), "-js", "-a", "127.0.0.1", "-p", str(port), "-sd", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        url = f"nats://127.0.0.1:{port}"
        asyncio.run(begin(url))
        yield url
        process.terminate()


async def begin(url: str) -> None:
    """The first to come makes the queue, with a lease that a test can wait for."""
    await (await queue.Queue.connect([url], lease_s=LEASE_S)).close()


class Machines:
    """Machines of the fleet, as commands."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.running: list[subprocess.Popen] = []

    def start(self) -> subprocess.Popen:
        words = ["fleet", "node", "--nats", self.url, "--jobs", "1", "--insist", "--json"]
        process = subprocess.Popen(
            [sys.executable, "-m", "numen", *words], stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )  # fmt: skip
        assert "fleet" in process.stdout.readline()
        self.running.append(process)
        return process

    def end(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            process.wait(20)
            process.stdout.close()


@pytest.fixture
def machines(server):
    made = Machines(server)
    yield made
    made.end()


def test_runs_are_shared_and_equal_jobs_are_done_once(server, machines):
    machines.start()
    machines.start()
    inputs = [encode_inputs(SQUARE, (i,)) for i in (*range(20), *range(20))]
    with fleets.Fleet([server]) as fleet, ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda raw: fleet.run(SQUARE.code, raw, 10**6), inputs))

    assert [decode_output(SQUARE, a.output) for a in answers] == [i * i for i in range(20)] * 2
    assert all(isinstance(answer, Answer) and answer.work > 0 for answer in answers)


def test_one_of_two_machines_is_killed_in_the_middle_of_a_task(server, machines):
    steps = 300_000_000
    raw = encode_inputs(LONG.program, (steps,))
    first = machines.start()
    with fleets.Fleet([server]) as fleet, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(fleet.run, LONG.program.code, raw, 10**13)
        asyncio.run(until_leased(server))
        # At once: a quick machine is done before another has started.
        first.send_signal(signal.SIGKILL)
        first.wait(10)
        second = machines.start()
        answer = asked.result(60)

    assert second.poll() is None
    begun, again, done = (json.loads(each.stdout.readline()) for each in (first, second, second))
    assert (begun["event"], begun["kind"], begun["attempt"]) == ("began", "run", 1)
    assert (again["event"], again["job"], again["attempt"]) == ("began", begun["job"], 2)
    assert (done["event"], done["job"], done["how"]) == ("ended", begun["job"], "done")
    assert done["work"] == answer.work
    assert decode_output(LONG.program, answer.output) == LONG(steps)


async def until_leased(url: str) -> None:
    """Wait until a machine is at the one job there is."""
    found = await queue.Queue.connect([url])
    try:
        async with asyncio.timeout(20):
            while (
                await found._stream.consumer_info(queue.STREAM, queue.CONSUMER)
            ).num_ack_pending < 1:
                await asyncio.sleep(0.05)
    finally:
        await found.close()


def test_a_proof_is_made_of_segments_that_machines_proved(server, machines):
    machines.start()
    machines.start()
    with fleets.Fleet([server]) as fleet:
        proof = starks.prove(LONG, (2000,), segment_rows=1 << 12, spread=fleet.prove)
    found = starks.verify(proof, program=LONG.program.id)

    assert found.value == LONG(2000)
    assert found.segments > 2


def test_workers_have_their_tasks_run_by_a_fleet(server, machines):
    machines.start()
    with (
        Processes(("ada", "bob"), proving=(), options=("--fleet", server)) as processes,
        numen.SyncMarket(processes.place, processes.identity("buyer")) as market,
    ):
        program = "def main(a: u64) -> u64:\n    return a * a * a\n"
        found = market.map(program, range(3, 6), bid=50_000)
    assert [bought.value for bought in found] == [27, 64, 125]


def test_what_no_machine_can_do_is_said_and_a_trap_is_an_answer(server, machines):
    machines.start()
    trap = numen.compile("def main(a: u64) -> u64:\n    return 1 // a\n").program
    with fleets.Fleet([server]) as fleet:
        answer = fleet.run(trap.code, encode_inputs(trap, (0,)), 10**6)
        assert answer.output.startswith(b"trap\x00division by zero")
        wrong = fleet.run(SQUARE.code, b"no inputs of it", 10**6)
        assert b"not the program's" in wrong.output
        with pytest.raises(jobs.JobFailedError, match="no machine of the fleet could"):
            fleet.run(b"no program", b"", 10**6)


def test_nonsense_in_the_queue_ends_no_machine(server, machines):
    async def put() -> None:
        found = await queue.Queue.connect([server])
        await found._stream.publish(queue.SUBJECT, b"nonsense")
        await found.close()

    machine = machines.start()
    asyncio.run(put())
    with fleets.Fleet([server]) as fleet:
        answer = fleet.run(SQUARE.code, encode_inputs(SQUARE, (9,)), 10**6)
    assert decode_output(SQUARE, answer.output) == 81
    assert machine.poll() is None


def test_a_fleet_that_is_not_there_is_said():
    with pytest.raises(jobs.FleetError, match="nats-server -js"):
        fleets.Fleet(["nats://127.0.0.1:1"])


def test_long_bytes_come_back_as_they_were(server):
    async def story() -> None:
        found = await queue.Queue.connect([server])
        for size in (0, 1, 524_288, 1_300_000):
            raw = os.urandom(size)
            assert await found.blob(await found.put_blob(raw)) == raw
        with pytest.raises(jobs.FleetError, match="lost the bytes"):
            await found.blob(bytes(32))
        await found.close()

    asyncio.run(story())
