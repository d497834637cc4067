"""What a process says about itself: `--log-level` and `--log-format`, to its standard error.

A line of JSON has the time, the level, who says it, what, and the fields of what happened. Whatever
else a record carries is written as text of bounded length; bytes are not written at all, so that no
key is by mistake.
"""

import functools
import logging
import time
from collections.abc import Callable
from typing import Any, Final

import click
import msgspec

TEXT_MAX: Final = 2_000
"""Longest text of a field."""

LEVELS: Final = ("debug", "info", "warning", "error")

_OWN: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
}
"""What every record carries."""


class JsonLines(logging.Formatter):
    """A record as one line of JSON.

    Args:
        who: What the process is called, or empty.
    """

    def __init__(self, who: str = "") -> None:
        super().__init__()
        self._who = who

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:TEXT_MAX],
        }
        if self._who:
            said["process"] = self._who
        for name, value in vars(record).items():
            if name not in _OWN and name not in said:
                said[name] = _plain(value)
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)[-TEXT_MAX:]
        return msgspec.json.encode(said).decode()


def configure(level: str, form: str, who: str = "") -> None:
    """Say what is at least of some level, in some form: ``text`` or ``json``.

    Args:
        level: One of `LEVELS`.
        form: ``text`` or ``json``.
        who: What the process is called; before each sentence, and ``process`` of each line of JSON.
    """
    handler = logging.StreamHandler()
    text = "%(message)s" if level == "warning" else "%(levelname)s %(name)s: %(message)s"
    if who:
        text = f"{who.replace('%', '%%')}: {text}"
    handler.setFormatter(JsonLines(who) if form == "json" else logging.Formatter(text))
    root = logging.getLogger()
    for before in root.handlers[:]:
        root.removeHandler(before)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("numen").setLevel(level.upper())


def with_logs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--log-level` and `--log-format`, and see to them."""
    return logs_of("")(command)


def logs_of(parameter: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The same, where a parameter of the command says what its process is called."""

    def wrap(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(
            "--log-level", type=click.Choice(LEVELS), default="warning", show_default=True,
            help="What is said about the process itself.",
        )  # fmt: skip
        @click.option(
            "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True,
            help="How: sentences, or a line of JSON each.",
        )  # fmt: skip
        @functools.wraps(command)
        def run(log_level: str, log_format: str, **given: Any) -> Any:
            configure(log_level, log_format, given.get(parameter, ""))
            return command(**given)

        return run

    return wrap


def _time(record: logging.LogRecord) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{moment}.{int(record.msecs):03d}Z"


def _plain(value: Any) -> Any:
    """What may be written of a value."""
    if isinstance(value, dict):
        return {str(name): _plain(found) for name, found in value.items()}
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    return str(value)[:TEXT_MAX]
