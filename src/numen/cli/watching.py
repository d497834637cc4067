"""How a process of a market is watched: `--dashboard`, `--otlp`, and its logs.

What watching takes is loaded when it is asked for.
"""

import functools
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from numen.cli.logs import with_logs
from numen.cli.pages import dashboard_option, loaded
from numen.market.actor import Executor
from numen.market.events import Event
from numen.net.channel import Transport
from numen.node.market.hall import Hall
from numen.node.market.member import Member
from numen.node.market.place import Place

_LOG: Final = logging.getLogger("numen.events")


def watched(role: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command what it can be watched by, as `watch`.

    Args:
        role: What the process is, such as ``hall``.
    """

    def wrap(command: Callable[..., Any]) -> Callable[..., Any]:
        @dashboard_option("port")
        @click.option(
            "--otlp", metavar="URL", envvar="OTEL_EXPORTER_OTLP_ENDPOINT",
            help="Send spans of tasks to a collector of OpenTelemetry.",
        )  # fmt: skip
        @with_logs
        @functools.wraps(command)
        def run(port: int | None, otlp: str | None, **given: Any) -> Any:
            return command(watch=Watch(role, port, otlp), **given)

        return run

    return wrap


class Watch:
    """Watches a process, as far as that is asked for.

    Args:
        role: What the process is.
        port: Where the page is, or None.
        otlp: Where spans go, or None.
    """

    def __init__(self, role: str, port: int | None, otlp: str | None) -> None:
        self._role, self._port, self._otlp = role, port, otlp
        self._watched: Any = None

    def open(
        self, account: bytes, names: Mapping[str, str], *, ask: str = "", place: str = ""
    ) -> None:
        """Begin to watch, before anything is done.

        Args:
            account: Who the process is.
            names: What people are called here, by address in hexadecimal.
            ask: The command that explains ``ID``, where there is one.
            place: The market, where it is known already.

        Raises:
            ServeError: Nobody can listen there.
            ExtraError: What it takes is not installed.
            TelemetryError: The same of spans, or the address is none.
        """
        if self._port is None and self._otlp is None:
            return
        process, shown, otlp = map(
            loaded, ("numen.watch.process", "numen.watch.market", "numen.watch.otlp")
        )
        about = shown.About(
            "market", self._role, self._role, account.hex(), names=names, ask=ask, place=place
        )
        telemetry = None
        if self._otlp is not None:
            telemetry = otlp.Telemetry.to(self._otlp, f"numen.{self._role}")
        self._watched = process.Watched(about, self._port, telemetry)

    @property
    def said(self) -> dict[str, str]:
        """Where the page is, for who reads JSON."""
        url = self._watched.url if self._watched is not None else ""
        return {"dashboard": url} if url else {}

    def tell(self) -> None:
        """Say where the page is."""
        if self.said:
            click.echo(f"dashboard {self.said['dashboard']}")

    def transport(self, transport: Transport) -> Transport:
        """A transport whose frames are counted."""
        if self._watched is None:
            return transport
        found: Transport = self._watched.transport(transport)
        return found

    def machine(self, machine: Executor) -> Executor:
        """A machine whose runs are measured."""
        if self._watched is None:
            return machine
        found: Executor = self._watched.machine(machine)
        return found

    def heard(self, tell: Callable[[Sequence[Event]], None]) -> Callable[[Sequence[Event]], None]:
        """What is to be told of everything that happens; `tell` is as well."""

        def hear(happened: Sequence[Event]) -> None:
            tell(happened)
            if self._watched is not None:
                self._watched.heard(happened)
            if _LOG.isEnabledFor(logging.INFO):
                _log(happened)

        return hear

    def opened(self, place: Place, hall: Hall, told: Path) -> None:
        """A hall was opened; a log has what happened before."""
        if self._watched is not None:
            self._watched.opened(place, hall, told)

    def joined(self, member: Member) -> None:
        """A member is about to follow a market."""
        if self._watched is not None:
            self._watched.joined(member)

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Work, with the page beside it."""
        await (self._watched.run(work) if self._watched is not None else work)


def _log(happened: Sequence[Event]) -> None:
    for event in happened:
        fields = {
            name: value for name, value in msgspec.to_builtins(event).items() if name != "evidence"
        }
        _LOG.info("%s", fields["event"], extra={"fields": fields})
