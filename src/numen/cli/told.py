"""What a person is told of a market as it happens: sentences, as `numen why` has them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import click
import msgspec

from numen.cli.output import print_json
from numen.market import events, why
from numen.market.events import Event

_UNTOLD: Final = (events.Drawn, events.Declined, events.Executed, events.Assented)
"""What is too much to be told, unless it is asked for as JSON."""

_TONES: Final[Mapping[type, str]] = {
    events.Slashed: "red", events.Refused: "yellow", events.Disputed: "yellow",
    events.Settled: "green",
}  # fmt: skip

_PROGRAMS: Final = (
    events.Posted, events.Matched, events.Revealed, events.Settled, events.Slashed, events.Judged,
    events.Closed, events.Claimed, events.Challenged, events.Halved, events.Decided,
    events.Redeemed, events.Refused, events.Called,
)  # fmt: skip
"""What a program is told of."""


class Teller:
    """Tells what happens, to a person or to a program.

    Args:
        names: What people are called here, by address in hexadecimal.
        as_json: Whether a program reads it: then each event is a line, those of before too.
        of_sale: Whether it is about one task, whose answer is what is printed: then it is said to
            the standard error.

    Attributes:
        is_live: Says whether what is heard happens now. What was before is not told to a person.
    """

    def __init__(self, names: Mapping[str, str], *, as_json: bool, of_sale: bool = False) -> None:
        self._names, self._as_json, self._of_sale = dict(names), as_json, of_sale
        self.is_live: Callable[[], bool] = lambda: True

    def __call__(self, happened: Sequence[Event]) -> None:
        """Tell what happened."""
        if self._as_json:
            for event in happened:
                if isinstance(event, _PROGRAMS):
                    print_json(msgspec.to_builtins(event))
        elif self.is_live():
            for each in told(self._names, happened):
                about = f" (task {each.task[:10]})" if each.task and not self._of_sale else ""
                line = f"{each.at_ms / 1000:9.3f} s  {each.said}{about}"
                shown = click.style(line, fg=each.tone) if each.tone else line
                click.echo(shown, err=self._of_sale)


class Told(msgspec.Struct, frozen=True):
    """A sentence about what happened.

    Attributes:
        at_ms: When, by the market's clock.
        said: The sentence.
        task: What it is about, in hexadecimal, or empty.
        tone: Its colour, or empty.
    """

    at_ms: int
    said: str
    task: str
    tone: str


def told(names: Mapping[str, str], happened: Sequence[Event]) -> Iterator[Told]:
    """The sentences about what happened.

    Tickets that one worker redeems at once are one sentence.
    """
    known = dict(names)
    for _, group in groupby(happened, _together):
        alike = list(group)
        event = alike[0]
        if (isinstance(event, _UNTOLD) and not _is_uncovered(event)) or why.is_still(event):
            continue
        said = why.tell(known, event)
        if isinstance(event, events.Redeemed) and len(alike) > 1:
            paid = sum(each.paid for each in alike if isinstance(each, events.Redeemed))
            who = known.get(event.recipient, f"0x{event.recipient[:10]}")
            said = f"{paid:,} coins were paid to {who}, for {len(alike)} winning tickets."
        yield Told(event.at_ms, said, getattr(event, "task", ""), _TONES.get(type(event), ""))


def _is_uncovered(event: Event) -> bool:
    """Whether a worker gets nothing to do until somebody adds to its stake: it has to be told."""
    return isinstance(event, events.Declined) and event.is_uncovered


def _together(event: Event) -> Any:
    """What events have in common that are told as one; none but redeemed tickets have."""
    return event.recipient if isinstance(event, events.Redeemed) else id(event)
