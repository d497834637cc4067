"""The market's log: events as JSON lines, written once and read with suspicion.

A log begins with a line that names its format and seed; every line after it is one event.

    LogError               a line is not an event, or the log is too long
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import msgspec

from numen.base.errors import NumenError, Place
from numen.market.events import Event

FORMAT = "numen-market-log/1"
"""Name and version of the format."""

LINE_MAX_BYTES = 1 << 23
"""Longest line that is read: an accusation of full size in hexadecimal, and room to spare."""

SIZE_MAX_BYTES = 1 << 28
"""Longest log that is read."""


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of a log.

    Attributes:
        format: `FORMAT`.
        seed: Seed of the run.
        names: What people in the run are called, by address in hexadecimal.
    """

    format: str
    seed: int
    names: dict[str, str] = {}


class Log(msgspec.Struct, frozen=True):
    """A log that was read.

    Attributes:
        header: Its first line.
        events: All events, in order.
    """

    header: Header
    events: tuple[Event, ...]


class LogError(NumenError):
    """A log cannot be read; `place` is the line."""


def lines(seed: int, names: dict[str, str], happened: Iterable[Event]) -> Iterator[bytes]:
    """Write a log, line by line; equal runs give equal bytes.

    Args:
        seed: Seed of the run.
        names: What people are called, by address in hexadecimal.
        happened: The events in order.
    """
    yield _ENCODER.encode(Header(FORMAT, seed, names)) + b"\n"
    for event in happened:
        yield _ENCODER.encode(event) + b"\n"


def parse(raw: bytes, name: str = "<log>") -> Log:
    """Read a log from bytes of anyone.

    Raises:
        LogError: Too long, or some line is not an event; the error names the line.

    Cost: linear in the length.
    """
    if len(raw) > SIZE_MAX_BYTES:
        raise LogError(f"a log has at most {SIZE_MAX_BYTES} bytes")
    rows = raw.split(b"\n")
    if rows[-1]:
        raise LogError("the last line is cut off", place=Place(name, len(rows), 1))
    header, events = None, []
    for number, row in enumerate(rows[:-1], 1):
        if len(row) > LINE_MAX_BYTES:
            raise LogError("the line is too long", place=Place(name, number, 1))
        try:
            if header is None:
                header = _HEADER.decode(row)
            else:
                events.append(_EVENT.decode(row))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise LogError(f"not an event: {error}", place=Place(name, number, 1)) from error
    if header is None or header.format != FORMAT:
        raise LogError(f"not a log of format {FORMAT}", place=Place(name, 1, 1))
    return Log(header, tuple(events))


def tail(file: BinaryIO, bytes_max: int) -> Iterator[Event]:
    """Read the last events of a log that is ours, without holding all of it.

    Lines that are no events are left out: the header, and one that a crash cut off.

    Args:
        file: The log, which can be sought in.
        bytes_max: About how much of it to read.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - bytes_max))
    while line := file.readline(LINE_MAX_BYTES):
        try:
            event = _EVENT.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        yield event


def ids(events: Sequence[Event]) -> dict[str, str]:
    """Give everything in a log that can be asked about: what it is, by id."""
    found: dict[str, str] = {}
    for event in events:
        for field in _ID_FIELDS:
            value = getattr(event, field, "")
            if value:
                found.setdefault(value, _KINDS[field])
    return found


_KINDS = {
    "task": "task",
    "worker": "worker",
    "provider": "provider",
    "verifier": "verifier",
    "recipient": "worker",
    "sender": "provider",
    "owner": "account",
    "buyer": "account",
    "ticket": "ticket",
    "receipt": "receipt",
    "message": "message",
}
_ID_FIELDS = tuple(_KINDS)
_ENCODER = msgspec.json.Encoder(order="deterministic")
_HEADER = msgspec.json.Decoder(Header)
_EVENT = msgspec.json.Decoder(Event)
