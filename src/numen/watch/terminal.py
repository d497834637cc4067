"""What a dashboard shows, drawn for a terminal: a pure function of its state.

Texts of strangers are drawn as they are: nothing in them is markup, and what would steer a terminal
is left out.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

TASKS_SHOWN: Final = 10
PEOPLE_SHOWN: Final = 12
SLASHES_SHOWN: Final = 5
FEED_SHOWN: Final = 8
BRANCHES_SHOWN: Final = 30

WIDTH: Final = 110
"""Columns, where there is no terminal to have some."""

_TONES: Final = {
    "settled": "green", "done": "green", "failed": "red", "expired": "red", "disputed": "yellow",
    "waits": "yellow",
}  # fmt: skip

State = Mapping[str, Any]


def live() -> Live:
    """A place in the terminal that is drawn again and again."""
    return Live(console=Console(), screen=True, auto_refresh=False, vertical_overflow="crop")


def show(state: State, now_ms: int) -> None:
    """Draw a reading once."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    console.print(drawn(state, now_ms))


def drawn(state: State, now_ms: int) -> RenderableType:
    """Draw a reading.

    Args:
        state: What a dashboard shows, by section.
        now_ms: Milliseconds since 1970.
    """
    about = state["about"]
    parts = _market(state) if about["kind"] == "market" else _ledger(state, now_ms)
    title = " ".join(dict.fromkeys(("numen", plain(about["role"]), plain(about["title"]))))
    return Panel(Group(*parts), title=Text(title), title_align="left", border_style="dim")


def plain(text: object) -> str:
    """A text without what would steer a terminal."""
    return "".join(character for character in str(text) if character.isprintable())


def brief(count: int) -> str:
    """A number of at most four digits and a letter."""
    value = float(count)
    for unit in ("", "K", "M", "G", "T"):
        if abs(value) < 1000:
            return f"{value:.3g}{unit}" if unit else str(count)
        value /= 1000
    return f"{value:.3g}P"


def _market(state: State) -> Iterator[RenderableType]:
    totals = state["totals"]
    yield _numbers(
        ("alive", f"{totals['live']:,}", ""),
        ("settled", f"{totals['settled']:,}", "green"),
        ("unsettled", f"{totals['unsettled']:,}", "red" if totals["unsettled"] else ""),
        ("bid to paid", f"{state['latency']['mean_ms'] / 1000:.2f} s", ""),
        ("at stake", f"{totals['staked']:,}", ""),
        ("slashed", f"{totals['slashed']:,}", "red" if totals["slashed"] else ""),
        ("paid", f"{totals['paid']:,}", "yellow"),
    )
    yield _tasks(state)
    yield _people(state)
    for fine in state["slashes"][:SLASHES_SHOWN]:
        yield Text(f"✗ {plain(fine['said'])}", style="red")
    told = [each for each in state["feed"] if each["kind"] != "slashed"]
    for each in told[:FEED_SHOWN]:
        yield Text(f"{each['at_ms'] / 1000:9.1f} s  {plain(each['said'])}", style="dim")
    if not state["people"]:
        yield Text("nobody has a stake: start `numen verifier` and `numen worker`", style="yellow")


def _numbers(*found: tuple[str, str, str]) -> Table:
    table = Table.grid(padding=(0, 3))
    for _ in found:
        table.add_column()
    table.add_row(*(Text(value, style=f"bold {style}".strip()) for _, value, style in found))
    table.add_row(*(Text(name, style="dim") for name, _, _ in found))
    return table


def _tasks(state: State) -> Table:
    table = _table("task", "state", "policy", "bid", "seats", "took")
    for task in state["tasks"][:TASKS_SHOWN]:
        end_ms = task["closed_ms"] or state["totals"]["now_ms"]
        seats = Text(" ").join(_seat(seat) for seat in task["seats"] if seat["matched_ms"])
        table.add_row(
            Text(plain(task["id"])[:12]),
            Text(plain(task["state"]), style=_TONES.get(task["state"], "")),
            Text(plain(task["policy"])),
            Text(f"{task['bid']:,}"),
            seats,
            Text(f"{(end_ms - task['posted_ms']) / 1000:.1f} s"),
        )
    return table


def _seat(seat: State) -> Text:
    """A seat in one sign: seated, bound, opened, paid, fined."""
    if seat["fined"]:
        return Text("✗", style="red")
    if seat["judged_ms"]:
        return Text("●", style="green")
    if seat["revealed_ms"]:
        return Text("◕", style="blue")
    return Text("◑" if seat["executed_ms"] else "○", style="blue")


def _people(state: State) -> Table:
    names = state["about"]["names"]
    table = _table("who", "role", "stake", "pledged", "score", "right", "wrong", "earned", "lost")
    for person in [each for each in state["people"] if each["staked"]][:PEOPLE_SHOWN]:
        scores = person["scores"]
        table.add_row(
            Text(plain(names.get(person["id"], person["id"][:10]))),
            Text(plain(person["role"])),
            *(Text(brief(person[name])) for name in ("staked", "pledged")),
            Text(str(scores[-1] if scores else 0)),
            Text(f"{person['accepted']:,}", style="green"),
            Text(f"{person['faults']:,}", style="red" if person["faults"] else "dim"),
            Text(brief(person["earned"])),
            Text(brief(person["lost"]), style="red" if person["lost"] else "dim"),
        )
    return table


def _ledger(state: State, now_ms: int) -> Iterator[RenderableType]:
    all_ = state["ledger"]
    failed = all_["states"].get("failed", 0)
    is_chain = state["about"]["role"] == "chain"
    age_s = max(0, now_ms - all_["at_ms"]) / 1000 if all_["at_ms"] else 0.0
    yield _numbers(
        ("height", f"{all_['height']:,}", "bold"),
        ("since", f"{age_s:.0f} s", ""),
        ("transactions", f"{all_['transactions']:,}", ""),
        *([] if is_chain else [("messages", f"{all_['messages']:,}", "green")]),
        ("failed", f"{failed:,}", "red" if failed else ""),
        ("waiting", f"{all_['pool']:,} + {all_['queued']:,}", ""),
        ("gas" if is_chain else "work", f"{all_['work']:,}", ""),
    )
    yield from _losses(state)
    left = BRANCHES_SHOWN
    for tree in state["trees"]:
        for branch in tree["branches"][:left]:
            indent = "  " * branch["depth"]
            yield Text(f"{indent}{plain(branch['said'])}", style=_TONES.get(branch["state"], "dim"))
            left -= 1
        if left <= 0:
            return
    if not state["trees"]:
        hint = "no transaction yet" if is_chain else "no message yet: `numen deploy` a contract"
        yield Text(hint, style="yellow")


def _losses(state: State) -> Iterator[RenderableType]:
    """Bonds that a lie took."""
    names = state["about"]["names"]
    for bond in state["bonds"]["bonds"] if "bonds" in state else ():
        loss = bond["loss"]
        if loss is None:
            continue
        liar, reporter = (plain(names.get(i, i[:10])) for i in (bond["id"], loss["reporter"]))
        yield Text(
            f"✗ {liar} lost its bond of {bond['pledged']:,} in block {loss['height']:,} for "
            f"{plain(loss['offence'])}: {loss['rewarded']:,} to {reporter}, "
            f"{loss['burnt']:,} burnt",
            style="red",
        )


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), expand=False)
    for name in columns:
        table.add_column(name, no_wrap=True)
    return table
