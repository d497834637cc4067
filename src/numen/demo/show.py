"""The demo as people see it: a live table of tasks, and the tables at the end."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from numen.demo.catalogue import Sale
from numen.demo.report import Report
from numen.demo.town import Town
from numen.market import events
from numen.market.why import tell

SHOWN_EVENTS: Final = 10
"""Sentences under the table."""

_SHORT = 10

_LOUD = {"slashed": "red", "settled": "green", "raised": "yellow", "disputed": "magenta"}


class Board:
    """The table of tasks, kept up to date by events."""

    def __init__(self, town: Town) -> None:
        self._names = {address.hex(): name for address, name in town.names.items()}
        self._tasks: Mapping[str, Sale] = {
            identity.hex(): sale for identity, sale in town.tasks.items()
        }
        self._bids: dict[str, int] = {}
        self._states: dict[str, str] = {}
        self._seats: dict[str, dict[str, str]] = {task: {} for task in self._tasks}
        self._lines: deque[Text] = deque(maxlen=SHOWN_EVENTS)

    def hear(self, event: events.Event) -> None:
        """Take an event in."""
        task = getattr(event, "task", "")
        match event:
            case events.Posted() | events.Raised():
                self._bids[task] = event.bid
                self._states.setdefault(task, "open")
            case events.Matched():
                self._states[task] = "working"
                self._seats[task][event.worker] = "…"
            case events.Executed():
                self._seats[task][event.worker] = "bound"
            case events.Revealed():
                self._seats[task][event.worker] = "opened"
            case events.Judged():
                self._seats[task][event.worker] = event.outcome
            case events.Answered():
                self._states[task] = "answered"
            case events.Disputed():
                self._states[task] = "disputed"
            case events.Settled():
                self._states[task] = f"settled: {event.evidence}"
            case events.Closed() if event.how != "settled":
                self._states[task] = event.how
        if not isinstance(event, events.Drawn | events.Scored | events.Called):
            self._lines.append(self._line(event))

    def render(self) -> Group:
        """The table and the latest events."""
        table = Table("job", "task", "bid", "state", "workers", box=None, header_style="dim")
        for task, sale in self._tasks.items():
            seats = ", ".join(
                f"{self._names[worker]} {state}" for worker, state in self._seats[task].items()
            )
            bid = f"{self._bids[task]:,}" if task in self._bids else ""
            table.add_row(sale.job, task[:_SHORT], bid, self._states.get(task, ""), seats)
        return Group(table, Text(), *self._lines)

    def _line(self, event: events.Event) -> Text:
        kind = type(event).__name__.lower()
        text = f"{event.at_ms:>7} ms  {tell(self._names, event)}"
        return Text(text, style=_LOUD.get(kind, ""), no_wrap=True, overflow="ellipsis")


def watch(console: Console, town: Town, happening: Iterable[events.Event]) -> None:
    """Run the market to its end and show it; where nobody watches, just run it."""
    if not console.is_terminal:
        deque(happening, maxlen=0)
        return
    board = Board(town)
    with Live(board.render(), console=console, refresh_per_second=8, transient=True) as live:
        for event in happening:
            board.hear(event)
            live.update(board.render())


def summarise(console: Console, found: Report) -> None:
    """Print the tables at the end."""
    console.print(_jobs(found))
    console.print(_offenders(found))
    console.print(_coins(found))


def _jobs(found: Report) -> Table:
    table = Table(title="Jobs", title_justify="left", title_style="bold")
    for name in ("job", "answer", "evidence", "price", "paid to", "work"):
        table.add_column(name, justify="right" if name in ("price", "work") else "left")
    table.add_column("tickets (won)", justify="right")
    for job in found.jobs:
        evidence = ", ".join(f"{count} {kind}" for kind, count in job.evidence.items())
        workers = ", ".join(f"{name} {count}" for name, count in job.workers.items())
        table.add_row(
            job.title,
            job.answer,
            evidence,
            f"{job.paid + job.fees:,}",
            workers,
            f"{job.work:,}",
            f"{job.tickets} ({job.won})",
        )
    return table


def _offenders(found: Report) -> Table:
    table = Table("worker", "is", "caught at", title="Caught", title_justify="left")
    table.title_style = "bold"
    table.add_column("lost", justify="right")
    for each in found.caught:
        offences = ", ".join(f"{count} {what}" for what, count in each.offences.items())
        table.add_row(each.name, each.kind, offences, f"{each.lost:,}")
    return table


def _coins(found: Report) -> Table:
    table = Table("who", "is", title="Coins", title_justify="left", title_style="bold")
    for name in ("before", "after", "change"):
        table.add_column(name, justify="right")
    for each in found.holdings:
        change = each.after - each.before
        table.add_row(each.name, each.kind, f"{each.before:,}", f"{each.after:,}", f"{change:+,}")
    table.add_row("burnt", "half of every fine", "0", f"{found.burnt:,}", f"{found.burnt:+,}")
    table.add_section()
    table.add_row(
        "all", "", f"{found.total_before:,}", f"{found.total_after:,}",
        f"{found.total_after - found.total_before:+,}",
    )  # fmt: skip
    return table
