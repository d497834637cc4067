"""Three NATS servers on this machine, for development and for tests.

    ClusterError    no server to run, or one that does not start

Real machines run `nats-server` under their own supervisor, with TLS and accounts; the guide has the
commands. Here the three are children of this process, listen on loopback alone, know no passwords,
and end with it. Every write is synced (``sync_interval: always``): with the server's default of two
minutes a power cut can lose what was acknowledged.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import msgspec

from numen.ledger.order import probes
from numen.ledger.order.files import lock
from numen.ledger.order.sequencer import OrderError

SERVERS: Final = 3

OLDEST: Final = (2, 12)
"""The first release that appends a batch whole or not at all."""

INSTALL: Final = "install numen with its extra: pip install 'numen[cluster]'"
"""What to do where the servers or their client are missing."""

PAYLOAD_BYTES_MAX: Final = 8 << 20
"""Longest message that the servers take: a batch of full size, as their interface wraps it."""

_START_S: Final = 30
_STOP_S: Final = 20
_POLL_S: Final = 0.1
_LINE_BYTES_MAX: Final = 4096
_HOST: Final = "127.0.0.1"


class ClusterError(OrderError):
    """The servers cannot be run or asked, or what it takes is not installed."""


class Ports(msgspec.Struct, frozen=True):
    """Where a server listens on loopback.

    Attributes:
        clients: For clients.
        probes: For questions about its health.
        routes: For the other servers.
    """

    clients: int
    probes: int
    routes: int


def find_server() -> Path:
    """Find a NATS server: one on the PATH, or the one of the extra ``cluster``.

    Raises:
        ClusterError: There is none, or it is too old.
    """
    beside = Path(sys.executable).with_name("nats-server")
    found = shutil.which("nats-server") or (str(beside) if beside.is_file() else None)
    if found is None:
        raise ClusterError("no nats-server found", hint=INSTALL)
    version = subprocess.run(  # noqa: S603 - a program that was found by its name
        [found, "--version"], capture_output=True, text=True, timeout=_START_S, check=False
    ).stdout
    numbers = version.rpartition("v")[2].split(".")
    if not all(number.isdigit() for number in numbers[:2]) or len(numbers) < 2:
        raise ClusterError(f"{found}: it says {version.strip()[:80]!r}, which is no version")
    if (int(numbers[0]), int(numbers[1])) < OLDEST:
        raise ClusterError(
            f"{found}: version {version.strip()[-20:]} cannot append batches",
            hint=f"version {OLDEST[0]}.{OLDEST[1]} or later can",
        )
    return Path(found)


def configuration(index: int, ports: Sequence[Ports], directory: Path) -> str:
    """Write the configuration of one server."""
    mine = ports[index]
    store = json.dumps(str(directory / f"n{index}"), ensure_ascii=False)
    routes = ", ".join(f'"nats-route://{_HOST}:{each.routes}"' for each in ports)
    return f"""\
server_name: n{index}
listen: "{_HOST}:{mine.clients}"
http: "{_HOST}:{mine.probes}"
max_payload: {PAYLOAD_BYTES_MAX}
jetstream {{
  store_dir: {store}
  sync_interval: always
}}
cluster {{
  name: numen
  listen: "{_HOST}:{mine.routes}"
  routes: [{routes}]
}}
"""


class Cluster:
    """Three servers, which are children of this process.

    Args:
        directory: Where they keep the log; it survives them.
        ports: Of each server.

    Raises:
        ClusterError: There is no server to run.
    """

    def __init__(self, directory: Path, ports: Sequence[Ports]) -> None:
        assert len(ports) == SERVERS
        self._program = find_server()
        self._directory = directory.absolute()
        self._ports = ports
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._lock = -1

    @property
    def urls(self) -> list[str]:
        """Where clients connect."""
        return [f"nats://{_HOST}:{each.clients}" for each in self._ports]

    @property
    def probes(self) -> list[str]:
        """Where each is asked about itself."""
        return [f"http://{_HOST}:{each.probes}" for each in self._ports]

    def start(self) -> None:
        """Start those that do not run, and wait until all are ready.

        Raises:
            ClusterError: A port is taken, one ended, or was not ready in time.
            BrokenLogError: Other servers use the directory.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        if self._lock < 0:
            self._lock = lock(self._directory / "cluster")
        for index in range(SERVERS):
            if index not in self._processes:
                self._start(index)
        deadline = time.monotonic() + _START_S
        for index in range(SERVERS):
            while not probes.is_ready(self.probes[index]):
                self._check_alive(index)
                if time.monotonic() > deadline:
                    raise ClusterError(
                        f"n{index} is not ready after {_START_S} s: {self._log(index)}"
                    )
                time.sleep(_POLL_S)

    def kill(self, index: int) -> None:
        """End a server as a power cut would, but for what the system has in its memory."""
        process = self._processes.pop(index)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """Ask all of them to end, and end those that do not."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ended(self) -> list[str]:
        """Say how each server ended that did since the last time; `start` starts them again."""
        said = []
        for index, process in list(self._processes.items()):
            if process.poll() is not None:
                said.append(self._end(index, process))
                del self._processes[index]
        return said

    def _start(self, index: int) -> None:
        for port in (
            self._ports[index].clients,
            self._ports[index].probes,
            self._ports[index].routes,
        ):
            _check_free(port)
        config = self._directory / f"n{index}.conf"
        config.write_text(configuration(index, self._ports, self._directory))
        with (self._directory / f"n{index}.log").open("ab") as log:
            self._processes[index] = subprocess.Popen(  # noqa: S603 - the server, and our file
                [self._program, "-c", config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt at the terminal is for us alone
                env={"PATH": os.environ.get("PATH", "")},
            )

    def _check_alive(self, index: int) -> None:
        process = self._processes[index]
        if process.poll() is not None:
            raise ClusterError(self._end(index, process))

    def _end(self, index: int, process: "subprocess.Popen[bytes]") -> str:
        return f"n{index} ended with code {process.returncode}: {self._log(index)}"

    def _log(self, index: int) -> str:
        path = self._directory / f"n{index}.log"
        if not path.is_file():
            return "it said nothing"
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LINE_BYTES_MAX))
            lines = file.read().decode(errors="replace").splitlines()
        return lines[-1][:200] if lines else "it said nothing"


def _check_free(port: int) -> None:
    """Refuse a port that somebody has: who answers there would be taken for our server."""
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((_HOST, port))
        except OSError as error:
            raise ClusterError(
                f"cannot listen on {_HOST}:{port}: {error.strerror}",
                hint="another cluster may run there: choose other ports with --ports",
            ) from error


def ports_from(first: int) -> list[Ports]:
    """Ports for three servers: clients from ``first``, probes 4000 and routes 2000 above.

    Raises:
        ClusterError: They are no ports that a person may use.
    """
    if not 1024 <= first <= 65535 - 4000 - SERVERS:
        raise ClusterError(f"no ports from {first}: between 1024 and {65535 - 4000 - SERVERS}")
    return [Ports(first + i, first + 4000 + i, first + 2000 + i) for i in range(SERVERS)]
