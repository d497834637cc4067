"""Many files of state tests, in several processes."""

import multiprocessing
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import msgspec

from numen.evm.errors import UnknownForkError
from numen.evm.forks import fork
from numen.evm.readers import MalformedFileError
from numen.evm.statetest import Case, CaseResult, cases, run


class Choice(msgspec.Struct, frozen=True):
    """Which cases to run, and on what.

    Attributes:
        engine: A name in `numen.evm.engines.ENGINES`.
        fork: Only cases of this fork; None for all.
        pattern: Only cases whose file or name this regular expression finds; None for all.
    """

    engine: str = "interpreter"
    fork: str | None = None
    pattern: str | None = None

    def takes(self, path: Path, case: Case) -> bool:
        """Whether a case is to be run."""
        if self.fork is not None and not _same_fork(self.fork, case.fork_name):
            return False
        return self.pattern is None or bool(re.search(self.pattern, f"{path}:{case.name}"))


def _same_fork(one: str, other: str) -> bool:
    try:
        return fork(one) is fork(other)
    except UnknownForkError:
        return one.lower() == other.lower()


def find(paths: Iterable[Path]) -> list[Path]:
    """Name the files that some paths stand for: every ``.json`` below a folder, in order.

    Files and folders whose name begins with a dot are passed over, unless they are given.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (each for each in sorted(path.rglob("*.json")) if each.is_file())
            found += (each for each in inside if not _is_hidden(each.relative_to(path)))
        else:
            found.append(path)
    return found


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def run_file(path: Path, choice: Choice) -> list[CaseResult]:
    """Run the cases of one file; a file that cannot be read is a case that fails."""
    try:
        return [run(case, choice.engine) for case in cases(path) if choice.takes(path, case)]
    except MalformedFileError as error:
        return [_failed(path, error.message)]


def run_files(paths: list[Path], choice: Choice, workers: int = 1) -> Iterator[list[CaseResult]]:
    """Run the cases of many files, in order.

    Args:
        paths: Files.
        choice: Which cases, and on what.
        workers: Processes; with 1 it all happens in this one.

    Yields:
        The results of each file. An engine that takes its process down fails its file only.
    """
    if workers == 1 or len(paths) == 1:
        for path in paths:
            yield run_file(path, choice)
        return
    with _pool(workers) as pool:
        for path, future in [(path, pool.submit(run_file, path, choice)) for path in paths]:
            yield _result(path, choice, future)


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def _result(path: Path, choice: Choice, future: "Future[list[CaseResult]]") -> list[CaseResult]:
    error = future.exception()
    if isinstance(error, BrokenProcessPool):  # by this file or by one beside it: run it alone
        with _pool(1) as pool:
            future = pool.submit(run_file, path, choice)
            error = future.exception()
    if error is None:
        return future.result()
    died = isinstance(error, BrokenProcessPool)
    return [_failed(path, "the engine's process died" if died else f"our mistake: {error!r}")]


def _failed(path: Path, error: str) -> CaseResult:
    return CaseResult(name=str(path), fork="", index=0, passed=False, root="", error=error)
