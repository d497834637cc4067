"""Nodes of a ledger as processes of their own, and people who pay at them, as processes too."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numen.cli.ledger_folder import read_folder
from numen.net.identity import NodeKey
from numen.net.keystore import KeyStore
from numen.net.tls import TlsTransport
from numen.node.process.client import connected, payment
from tests.node.served import ended
from tests.ports import free_ports

WAIT_S = 90
"""After which a process of a test is taken for stuck; the machine may be busy."""


SOON_S = 5
"""In which a payment of many is final, or not at all."""

PASSWORD = "a password of tests"


class Payment:
    """A process that pays, and tells what became of it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.news: list[dict[str, str]] = []

    def until(self, what: str) -> dict[str, str]:
        """Wait for some news."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.news.append(json.loads(line))
            if self.news[-1].get("is") == what:
                return self.news[-1]
        errors = self._process.stderr.read() if self._process.stderr else ""
        raise AssertionError(f"no {what}: {self.news} {errors}")

    def end(self) -> tuple[str, int]:
        """The last news, and the exit code."""
        rest, _ = self._process.communicate(timeout=WAIT_S)
        self.news += map(json.loads, rest.splitlines())
        return self.news[-1]["is"], self._process.returncode


class Cluster:
    """A ledger's folder, and the processes that run on it."""

    def __init__(
        self, folder: Path, holders: dict[str, int], nodes: int = 4, options: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self._others: list[subprocess.Popen[str]] = []
        self._environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "NUMEN_PASSWORD": PASSWORD,
        }
        wanted = [f"--holder={name}={coins}" for name, coins in holders.items()]
        ports = [f"--port={port}" for port in free_ports(nodes)]
        self._said: dict[str, dict[str, Any]] = {}
        self.run("init", f"--nodes={nodes}", *wanted, *ports, *options)

    def start(self, *names: str, options: Sequence[str] = ()) -> None:
        """Start nodes, and wait until they listen."""
        for name in names:
            self.processes[name] = self._popen("node", name, *options)
        for name in names:
            out = self.processes[name].stdout
            assert out is not None
            self._said[name] = json.loads(out.readline())
            assert self._said[name]["node"] == name

    def said(self, name: str) -> dict[str, Any]:
        """What a node said when it was ready."""
        return self._said[name]

    def url(self, name: str) -> str:
        """Where a node is asked by JSON-RPC."""
        return str(self._said[name]["rpc"])

    def kill(self, name: str) -> None:
        """End a node without a warning."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=WAIT_S)

    def end(self, name: str) -> str:
        """End a node, and give what it wrote to its log."""
        process = self.processes.pop(name)
        process.terminate()
        _, errors = process.communicate(timeout=WAIT_S)
        return errors

    def pay(self, payer: str, payee: str, coins: int, at: str) -> Payment:
        """Let somebody pay at a node."""
        process = self._popen("pay", payer, payee, str(coins), f"--at={at}", f"--wait={WAIT_S}")
        self._others.append(process)
        return Payment(process)

    def pay_many(self, payer: str, payee: str, count: int, at: str) -> None:
        """Let somebody pay one coin so often, one after the other, until one is not final soon."""
        roll = read_folder(self.folder)
        key = KeyStore(self.folder / "keys").open(payer, PASSWORD).account
        to = next(holder.address for holder in roll.holders if holder.name == payee)

        async def work() -> None:
            async with connected(roll, at, TlsTransport(NodeKey.generate())) as client:
                nonce = (await client.holding(key.address)).nonce
                for number in range(nonce, nonce + count):
                    try:
                        async with asyncio.timeout(SOON_S):
                            async for _ in client.submit(payment(roll, key, number, to, 1)):
                                pass
                    except TimeoutError:
                        return

        asyncio.run(work())

    def status(self) -> dict[str, Any]:
        """How far the nodes are, and who has what."""
        found: dict[str, Any] = json.loads(self.run("status"))
        return found

    def equal(self) -> dict[str, Any]:
        """The same, once all that are there have one height and one root."""
        for _ in range(20):
            found = self.status()
            states = {(n["height"], n["root"]) for n in found["nodes"] if n["is_up"]}
            if len(states) == 1 and all(node["is_up"] for node in found["nodes"]):
                return found
        raise AssertionError(f"the nodes do not come together: {found}")

    def run(self, command: str, *words: str) -> str:
        """Run a command to its end."""
        process = self._popen(command, *words)
        out, error = process.communicate(timeout=WAIT_S)
        assert process.returncode == 0, out + error
        return out

    def stop(self) -> None:
        """End everything."""
        running = [*self.processes.values(), *self._others]
        for process in running:
            process.terminate()
        for process in running:
            ended(process)

    def _popen(self, command: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "numen", "ledger", command, self.folder, *words, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
