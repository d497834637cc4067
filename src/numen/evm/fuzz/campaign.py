"""A campaign: workers that may die, counted and restarted, until the time is over.

Case number i follows from the seed and i alone, so a finding is repeated with the same seed,
whatever the number of workers or the time. A worker that is silent, grows too big or dies has found
something too: the case it was at.
"""

import os
import selectors
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from numen.evm.fuzz.saved import write_case
from numen.evm.fuzz.trial import Court, Plan, Report
from numen.evm.fuzz.worker import Job

SILENCE_S: Final = 120
"""Seconds without a sign of life after which a worker hangs."""

MEMORY_BYTES: Final = 2 * 2**30
"""Most memory in use by a worker."""

_WORKER: Final = "numen.evm.fuzz.worker"
_READ_BYTES: Final = 1 << 16
_POLL_S: Final = 1


class Tally(msgspec.Struct):
    """What a campaign has come to so far.

    Attributes:
        programs: Cases run on both sides.
        gas: Gas they used.
        mismatches: Cases where we and the judge differ, and no specification sides with us.
        overruled: Cases where the specifications side with us against the judge.
        disputed: The numbers of these.
        limits: Cases that our engine said this machine cannot run.
        refused: Cases that the judge does not run.
        crashes: Workers that died, hung or grew too big.
        statuses: How many messages ended how.
        forks: How many ran under which fork.
        cpu_seconds: Time that finished workers and this process have used.
        saved: Files of cases.
    """

    programs: int = 0
    gas: int = 0
    mismatches: int = 0
    overruled: int = 0
    disputed: list[int] = []
    limits: int = 0
    refused: int = 0
    crashes: int = 0
    statuses: dict[str, int] = {}
    forks: dict[str, int] = {}
    cpu_seconds: int = 0
    saved: list[str] = []

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.mismatches and not self.crashes


class _Worker:
    """A process that runs every so-many-th case."""

    def __init__(self, plan: Plan, first: int, stride: int) -> None:
        self.next, self._stride = first, stride
        self._buffer = b""
        self.heard_ns = time.monotonic_ns()
        command = [sys.executable, "-m", _WORKER]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe)  # noqa: S603 - ourselves
        assert self.process.stdin is not None
        with self.process.stdin as wire:
            wire.write(msgspec.json.encode(Job(plan, first, stride)))

    def reports(self) -> Iterator[Report]:
        """What it says now; nothing, and `poll` gives a code, if it is gone."""
        assert self.process.stdout is not None
        chunk = os.read(self.process.stdout.fileno(), _READ_BYTES)
        if not chunk:
            self.process.wait()
            return
        self.heard_ns = time.monotonic_ns()
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        for line in filter(None, lines):
            report = msgspec.json.decode(line, type=Report)
            self.next = report.index + self._stride
            yield report

    def trouble(self) -> str:
        """What is wrong with it, or empty."""
        code = self.process.poll()
        if code is not None:
            return f"the worker died with exit code {code}"
        if time.monotonic_ns() - self.heard_ns > SILENCE_S * 10**9:
            return f"the worker was silent for {SILENCE_S} s"
        if _resident_bytes(self.process.pid) > MEMORY_BYTES:
            return f"the worker used more than {MEMORY_BYTES} bytes"
        return ""

    def stop(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def run_campaign(
    plan: Plan,
    seconds: int,
    workers: int,
    folder: Path | None,
    tell: Callable[[Tally], None],
) -> Tally:
    """Run a campaign.

    Args:
        plan: What to do.
        seconds: How long.
        workers: Processes.
        folder: Where failing cases are saved; made if need be. None to save none.
        tell: Called about once a second with the state of things.

    Returns:
        What came of it. Interrupting it ends it early.
    """
    tally = Tally()
    Court(plan)  # what is wrong with the plan is said here, not by a dead worker
    deadline = time.monotonic_ns() + seconds * 10**9
    crew = [_Worker(plan, index, workers) for index in range(workers)]
    try:
        while time.monotonic_ns() < deadline:
            _listen(crew, tally, folder)
            _replace_troubled(crew, plan, tally, folder)
            tell(tally)
    except KeyboardInterrupt:
        pass
    finally:
        for worker in crew:
            worker.stop()
    times = os.times()
    tally.cpu_seconds = int(sum(times[:4]))
    return tally


def _listen(crew: list[_Worker], tally: Tally, folder: Path | None) -> None:
    """Wait a moment for reports, and count them."""
    until = time.monotonic_ns() + _POLL_S * 10**9
    with selectors.DefaultSelector() as selector:
        for worker in crew:
            assert worker.process.stdout is not None
            selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
        while time.monotonic_ns() < until:
            for key, _ in selector.select(_POLL_S):
                for report in key.data.reports():
                    _count(report, tally, folder)
                if key.data.process.returncode is not None:
                    return


def _count(report: Report, tally: Tally, folder: Path | None) -> None:
    tally.programs += report.kind not in {"limit", "refused"}
    tally.gas += report.gas
    tally.limits += report.kind == "limit"
    tally.refused += report.kind == "refused"
    tally.overruled += report.kind == "overruled"
    tally.mismatches += report.kind == "differ"
    if report.kind == "overruled":
        tally.disputed.append(report.index)
    tally.forks = dict(Counter(tally.forks) + Counter({report.fork: 1}))
    if report.status:
        tally.statuses = dict(Counter(tally.statuses) + Counter({report.status: 1}))
    if report.kind == "differ":
        _save(f"mismatch-{report.index}.json", report.saved, tally, folder)


def _replace_troubled(crew: list[_Worker], plan: Plan, tally: Tally, folder: Path | None) -> None:
    """Note what brought a worker down, and start another after that case."""
    for place, worker in enumerate(crew):
        trouble = worker.trouble()
        if not trouble:
            continue
        worker.stop()
        tally.crashes += 1
        case = Court(plan).case(worker.next).assembled()
        text = write_case(case, None, [f"{plan.engine}: {trouble}"]).decode()
        _save(f"crash-{worker.next}.json", text, tally, folder)
        crew[place] = _Worker(plan, worker.next + len(crew), len(crew))


def _save(name: str, text: str, tally: Tally, folder: Path | None) -> None:
    if folder is None:
        tally.saved.append(text)
        return
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath(name).write_text(text)
    tally.saved.append(str(folder.joinpath(name)))


def _resident_bytes(process: int) -> int:
    """Memory of a process in use; 0 where the system does not say."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
