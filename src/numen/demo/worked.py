"""A worked example: the same runs here and on a market between processes, and what that costs.

with a_market() as place:
    compare("Folding", place, [Work(program, args)], evidence="quorum", bid=100_000)
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from numen.api.compiled import Compiled
from numen.api.market import PLACE_VARIABLE, Market
from numen.api.sale import Bought
from numen.demo.processes import Processes
from numen.market import events
from numen.net.keystore import Identity


class Work(msgspec.Struct, frozen=True):
    """One run.

    Attributes:
        program: What.
        args: On what.
    """

    program: Compiled
    args: tuple[Any, ...]


class Place(msgspec.Struct, frozen=True):
    """A market and who buys there."""

    market: str
    buyer: Identity | None


class Compared(msgspec.Struct, frozen=True):
    """The same runs, here and there.

    Attributes:
        values: What they gave, in order.
        here_s: Seconds here.
        market_s: Seconds on the market, from the first bid to the last answer.
        answers: Equal answers that were bought.
        paid: Coins.
        evidence: What was asked for.
    """

    values: tuple[Any, ...]
    here_s: float
    market_s: float
    answers: int
    paid: int
    evidence: str

    @property
    def overhead_s(self) -> float:
        """What selling took beside running."""
        return self.market_s - self.here_s


@contextlib.contextmanager
def a_market() -> Iterator[Place]:
    """The market that ``NUMEN_MARKET`` names, or one of processes that end with this."""
    named = os.environ.get(PLACE_VARIABLE)
    if named:
        yield Place(named, None)
        return
    with contextlib.ExitStack() as stack:
        with Console().status("starting a hall, a verifier and workers, each a process of its own"):
            processes = stack.enter_context(Processes())
        yield Place(processes.place, processes.identity("buyer"))


def compare(
    title: str, place: Place, works: Sequence[Work], *, evidence: str, bid: int, **terms: Any
) -> Compared:
    """Run here, sell there, show the progress, and print what both took.

    Args:
        title: What it is, for people.
        place: Where.
        works: The runs.
        evidence: As for `Market.sell`.
        bid: As for `Market.sell`, of each.
        terms: As for `Market.sell`.

    Raises:
        NumenError: As for `Market.run`.
    """
    console = Console()
    for program in {work.program.program.id: work.program for work in works}.values():
        program.run(*next(w.args for w in works if w.program is program))  # it is compiled once
    began = time.perf_counter()
    here = [work.program.run(*work.args).value for work in works]
    here_s = time.perf_counter() - began
    began_s, found = asyncio.run(_sold(console, title, place, works, evidence, bid, terms))
    market_s = time.perf_counter() - began_s
    values = tuple(bought.value for bought in found)
    assert list(values) == here, "the market settled another answer than this machine has"
    answers = sum(len(bought.sold.answers) for bought in found)
    paid = sum(bought.sold.paid for bought in found)
    compared = Compared(values, here_s, market_s, answers, paid, evidence)
    console.print(_table(title, len(works), compared))
    return compared


async def _sold(
    console: Console,
    title: str,
    place: Place,
    works: Sequence[Work],
    evidence: str,
    bid: int,
    terms: dict[str, Any],
) -> tuple[float, list[Bought[Any]]]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    async with Market(place.market, place.buyer) as market:
        began_s = time.perf_counter()
        with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as shown:
            bar = shown.add_task(f"{title}: bids", total=len(works))
            sales = [
                market.sell(w.program, *w.args, evidence=evidence, bid=bid, **terms) for w in works
            ]

            async def watch(index: int) -> Bought[Any]:
                async for event in sales[index].events():
                    if isinstance(event, events.Matched | events.Revealed | events.Settled):
                        kind = type(event).__name__.lower()
                        shown.update(bar, description=f"{title}: {kind}")
                bought = await sales[index]
                shown.advance(bar)
                return bought

            found = await asyncio.gather(*(watch(index) for index in range(len(sales))))
        return began_s, list(found)


def _table(title: str, count: int, found: Compared) -> Table:
    table = Table(title=title)
    for name in ("tasks", "evidence", "here", "on the market", "overhead", "answers", "coins"):
        table.add_column(name, justify="left" if name == "evidence" else "right")
    table.add_row(
        str(count),
        found.evidence,
        *map(_lasting, (found.here_s, found.market_s, found.overhead_s)),
        str(found.answers),
        f"{found.paid:,}",
    )
    return table


def _lasting(seconds: float) -> str:
    """A stretch of time in three digits or so."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"
