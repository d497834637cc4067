"""Nodes of a ledger as processes of their own, and people who pay at them, as processes too."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

WAIT_S = 90
"""After which a process of a test is taken for stuck; the machine may be busy."""


def free_ports(count: int) -> list[int]:
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in listening]
    for each in listening:
        each.close()
    return ports


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

    def __init__(self, folder: Path, holders: dict[str, int], nodes: int = 4) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self._others: list[subprocess.Popen[str]] = []
        self._environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "NUMEN_PASSWORD": "a password of tests",
        }
        wanted = [f"--holder={name}={coins}" for name, coins in holders.items()]
        ports = [f"--port={port}" for port in free_ports(nodes)]
        self.run("init", f"--nodes={nodes}", *wanted, *ports)

    def start(self, *names: str) -> None:
        """Start nodes, and wait until they listen."""
        for name in names:
            self.processes[name] = self._popen("node", name)
        for name in names:
            out = self.processes[name].stdout
            assert out is not None
            assert json.loads(out.readline())["node"] == name

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
        for process in [*self.processes.values(), *self._others]:
            process.terminate()
        for process in [*self.processes.values(), *self._others]:
            process.communicate(timeout=WAIT_S)

    def _popen(self, command: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "numen", "ledger", command, self.folder, *words, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
