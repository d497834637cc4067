"""What the options of `numen quote` say: moments, bytes, registers, and what a reader demands."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import click
import msgspec

from numen.proof.quote import Tcb
from numen.proof.tee.tpm import PCR_BYTES

_TIME_MAX_S: Final = 253_402_300_799


class Demands(msgspec.Struct, frozen=True):
    """What a reader demands of a quote, by the names of the options."""

    roots: tuple[bytes, ...]
    tcb_min: str
    floor: str | None
    launches: tuple[bytes, ...]
    report: bytes | None
    measurement: bytes | None
    nonce: bytes | None
    register: int
    boot: tuple[tuple[int, bytes], ...]

    @property
    def tcb(self) -> Tcb:
        """The worst state of firmware that is accepted."""
        return Tcb[self.tcb_min.upper()]


def read_time(_ctx: click.Context, _param: click.Parameter, value: str) -> int:
    """A moment: ``now``, seconds since 1970, or a date of ISO 8601, UTC where it says nothing."""
    if value == "now":
        return int(time.time())
    try:
        if value.isascii() and value.isdecimal() and len(value) < 16:
            seconds = int(value)
        else:
            read = datetime.fromisoformat(value)
            seconds = int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{value!r} is no time, like 2026-01-31T12:00:00Z") from None
    if not 0 <= seconds <= _TIME_MAX_S:
        raise click.BadParameter(f"{value!r} is not between 1970 and 9999")
    return seconds


def _hex(value: str, *sizes: int) -> bytes:
    """Bytes in hexadecimal, of one of some lengths, if any is named."""
    try:
        read = bytes.fromhex(value.removeprefix("0x"))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not hexadecimal") from None
    if sizes and len(read) not in sizes:
        raise click.BadParameter(f"{len(read)} bytes, not {' or '.join(map(str, sizes))}")
    return read


def takes_hex(*sizes: int) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Read an option, given once or several times, as bytes of one of some lengths."""

    def read(_ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(_hex(one, *sizes) for one in value)
        return None if value is None else _hex(value, *sizes)

    return read


def read_boot(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[int, bytes], ...]:
    """Registers and what they must hold, each as N=HEX."""
    read = []
    for value in values:
        number, _, held = value.partition("=")
        if len(number) != 1 or not number.isdecimal():
            raise click.BadParameter(f"{value!r} is not N=HEX with N from 0 to 9")
        read.append((int(number), _hex(held, PCR_BYTES)))
    return tuple(read)
