"""Nodes behind routers that translate addresses, each on a network of its own: real ones, of Linux.

The square, 203.0.113.0/24, has the relay and two routers. Behind the first is Alice, 192.168.1.2,
and behind the second Bob, 192.168.2.2. Nothing comes in by a router that was not asked for.
"""

import queue
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.net.fabric import WAN

ROOT = Path(__file__).resolve().parents[2]
RELAY = "http://203.0.113.1:3340"
TOOLS = ("ip", "nft", "nsenter", "sysctl", "unshare")
PATIENCE_S = 30

pytestmark = [
    *WAN,
    pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}"),
]


class Talker:
    """A process that says lines."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self) -> None:
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def next(self) -> str:
        return self.lines.get(timeout=PATIENCE_S)

    def ask(self, line: str) -> str:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.next()

    def end(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()


class Map:
    """Networks, wires between them, and what runs there."""

    def __init__(self) -> None:
        self.talkers: list[Talker] = []
        self.rooms: dict[str, Talker] = {}

    def room(self, name: str) -> None:
        """A network that has nothing but loopback; it lasts as long as its process."""
        self.rooms[name] = Talker(["unshare", "--net", "sh", "-c", "echo here; exec cat"])
        assert self.rooms[name].next() == "here"
        self.do(name, "ip link set lo up")

    def inside(self, room: str, *words: str) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.rooms[room].process.pid}/ns/net", *words]

    def do(self, room: str, command: str) -> None:
        subprocess.run(self.inside(room, *command.split()), check=True, capture_output=True)

    def wire(self, one: str, other: str) -> None:
        """A wire; each end is named by the room at the other."""
        ends = [str(self.rooms[room].process.pid) for room in (one, other)]
        words = ["ip", "link", "add", other, "netns", ends[0], "type", "veth"]
        subprocess.run([*words, "peer", "name", one, "netns", ends[1]], check=True)
        self.do(one, f"ip link set {other} up")
        self.do(other, f"ip link set {one} up")

    def run(self, room: str, *words: str) -> Talker:
        talker = Talker(self.inside(room, sys.executable, "-m", "tests.net.peer", *words))
        self.talkers.append(talker)
        return talker

    def home(self, name: str, number: int) -> None:
        """A room behind a router to the square."""
        router = f"router{number}"
        self.room(name)
        self.room(router)
        self.wire(router, "square")
        self.wire(router, name)
        self.do("square", f"ip link set {router} master bridge")
        self.do(router, f"ip addr add 203.0.113.{10 * number}/24 dev square")
        self.do(router, f"ip addr add 192.168.{number}.1/24 dev {name}")
        self.do(router, "sysctl -qw net.ipv4.ip_forward=1")
        self.do(router, "nft add table ip nat")
        hook = "{ type nat hook postrouting priority 100 ; }"
        self.do(router, f"nft add chain ip nat out {hook}")
        self.do(router, "nft add rule ip nat out oifname square masquerade")
        self.do(name, f"ip addr add 192.168.{number}.2/24 dev {router}")
        self.do(name, f"ip route add default via 192.168.{number}.1")

    def end(self) -> None:
        for talker in [*self.talkers, *self.rooms.values()]:
            talker.end()


@pytest.fixture
def town():
    made = Map()
    try:
        made.room("square")
        made.do("square", "ip link add bridge type bridge")
        made.do("square", "ip addr add 203.0.113.1/24 dev bridge")
        made.do("square", "ip link set bridge up")
        yield made
    finally:
        made.end()


def test_two_nodes_behind_routers_speak_by_a_relay(town):
    for number, name in enumerate(("alice", "bob"), 1):
        town.home(name, number)
    relay = town.run("square", "relay", "203.0.113.1")
    assert relay.next() == RELAY
    bob = town.run("bob", "listen", f"iroh://0.0.0.0:7000?relay={RELAY}")
    assert bob.next().startswith("iroh://")

    alice = town.run("alice", "dial", f"iroh://192.168.2.2:7000?relay={RELAY}")

    assert alice.next() == "dialled"
    for number in range(20):
        assert alice.ask(f"frame {number}") == f"frame {number}"
    counts = (int(relay.next().split()[1]) for _ in range(100))  # one in a tenth of a second
    assert any(count >= 2 * 20 for count in counts)


def test_a_channel_outlives_the_address_of_who_dialled(town):
    town.home("alice", 1)
    bob = town.run("square", "listen", "iroh://203.0.113.1:7000")
    assert bob.next() == "iroh://203.0.113.1:7000"
    alice = town.run("alice", "dial", "iroh://203.0.113.1:7000")
    assert alice.next() == "dialled"
    assert alice.ask("from one place") == "from one place"

    town.do("alice", "ip addr add 192.168.1.77/24 dev router1")
    town.do("alice", "ip addr del 192.168.1.2/24 dev router1")
    town.do("alice", "ip addr replace 192.168.1.77/24 dev router1")  # Linux may have taken it too
    town.do("alice", "ip route replace default via 192.168.1.1")

    assert alice.ask("from another") == "from another"
