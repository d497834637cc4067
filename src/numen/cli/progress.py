"""Showing that something is going on, where a person looks and it takes more than a second."""

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

PATIENCE_S: Final = 1.0
"""Seconds of silence before something is shown."""


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Say on the terminal what takes so long, with the seconds it has taken.

    Nothing is shown, nor imported, where the errors go to a file or the work is done in time.
    """
    if not sys.stderr.isatty():
        yield
        return
    shown = _Status(what)
    timer = threading.Timer(PATIENCE_S, shown.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        shown.stop()


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how much of something is done; what is yielded is told so, and of how much."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    rich = importlib.import_module("rich.progress")
    console = importlib.import_module("rich.console").Console(stderr=True)
    with rich.Progress(console=console, transient=True) as live:
        task = live.add_task(what, total=None)

        def told(done: int, total: int) -> None:
            live.update(task, completed=done, total=total)

        yield told


class _Status:
    """A line with a clock; started by one thread, stopped by another."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._is_over = False
        self._live: Any = None

    def start(self) -> None:
        rich = importlib.import_module("rich.progress")
        console = importlib.import_module("rich.console").Console(stderr=True)
        with self._lock:
            if self._is_over:
                return
            columns = rich.SpinnerColumn(), rich.TextColumn(self._what), rich.TimeElapsedColumn()
            self._live = rich.Progress(*columns, console=console, transient=True)
            self._live.add_task(self._what)
            self._live.start()

    def stop(self) -> None:
        with self._lock:
            self._is_over = True
            if self._live is not None:
                self._live.stop()
