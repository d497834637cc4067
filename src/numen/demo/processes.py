"""A market between processes of this machine, for demonstrations and measurements.

A hall, a verifier and workers, each a `numen` command with an identity of its own, in a folder that
goes with them. What a program names by ``NUMEN_MARKET`` is used instead, where it is set.

    ProcessesError    a command that does not come up
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Self

from numen.base.errors import NumenError
from numen.net.keystore import COST_MIN, Identity, KeyStore

WORKERS: Final = ("ada", "bob", "cay")

_START_S: Final = 60.0
_LOOK_S: Final = 0.05


class ProcessesError(NumenError):
    """A command of the market does not come up."""


class Processes:
    """A market of commands; enter it, and it is there.

    Args:
        workers: Names of the workers.
        proving: Those of them that sell proofs too.
        price: What they ask for a million work units, in coins.
        options: More words for their commands, such as ``--fleet`` and its server.

    Attributes:
        place: Where the hall is, once it is entered.
        ids: Of the processes, by name.
    """

    def __init__(
        self,
        workers: Sequence[str] = WORKERS,
        proving: Sequence[str] = ("ada",),
        price: int = 1,
        options: Sequence[str] = (),
    ) -> None:
        self.place = ""
        self.ids: dict[str, int] = {}
        self._workers, self._proving, self._price = workers, proving, price
        self._options = options
        self._folder = tempfile.TemporaryDirectory(prefix="numen-processes-")
        self._password = secrets.token_hex(16)
        self._running: list[subprocess.Popen[bytes]] = []
        self._staked: set[str] = set()

    @property
    def folder(self) -> Path:
        """What the processes say is here, one file each."""
        return Path(self._folder.name)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def identity(self, name: str) -> Identity:
        """Make an identity that the processes do not have."""
        store = KeyStore(self.folder / "keys", COST_MIN)
        store.create(name, self._password)
        return store.open(name, self._password)

    def _start(self) -> None:
        store = KeyStore(self.folder / "keys", COST_MIN)
        for name in ("hall", "verifier", *self._workers):
            store.create(name, self._password)
        market = str(self.folder / "market")
        self._run("hall", "market", "open", market, "--listen", "127.0.0.1:0")
        self.place = self._until("hall", lambda said: "market" in said)["market"]
        self._run("verifier", "verifier", self.place, "--insist")
        for name in self._workers:
            proves = ["--prove"] if name in self._proving else []
            price = ["--price", str(self._price)]
            self._run(name, "worker", self.place, "--insist", *price, *proves, *self._options)
        for _ in range(len(self._workers) + 1):
            self._until("hall", self._is_another_stake())

    def _is_another_stake(self) -> Callable[[dict[str, Any]], bool]:
        seen = self._staked

        def is_new(said: dict[str, Any]) -> bool:
            is_stake = said.get("event") == "called" and said["owner"] not in seen
            if is_stake:
                seen.add(said["owner"])
            return is_stake

        return is_new

    def _run(self, name: str, *words: str) -> None:
        environment = os.environ | {
            "NUMEN_KEYS": str(self.folder / "keys"), "NUMEN_PASSWORD": self._password,
        }  # fmt: skip
        with (self.folder / f"{name}.out").open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "numen", *words, "--key", name, "--json"],
                env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        self._running.append(process)
        self.ids[name] = process.pid

    def _until(self, name: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until a process says something."""
        path, end = self.folder / f"{name}.out", time.monotonic() + _START_S
        while time.monotonic() < end:
            for line in path.read_text().splitlines():
                if line.startswith("{") and line.endswith("}") and condition(json.loads(line)):
                    found: dict[str, Any] = json.loads(line)
                    return found
            if any(process.poll() is not None for process in self._running):
                break
            time.sleep(_LOOK_S)
        said = "; ".join(p.read_text()[-200:].strip() for p in self.folder.glob("*.out"))
        raise ProcessesError(f"the market does not come up: {said}")

    def _end(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._folder.cleanup()
