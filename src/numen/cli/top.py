"""`numen top`: what a dashboard shows, in a terminal."""

import time
from contextlib import suppress

import click

from numen.cli.output import print_json
from numen.cli.pages import PORT, loaded
from numen.cli.reading import read_state


@click.command()
@click.argument(
    "url", metavar="[URL]", default=f"http://127.0.0.1:{PORT}/", envvar="NUMEN_DASHBOARD"
)
@click.option("--once", is_flag=True, help="Show one reading, and leave.")
@click.option(
    "--every", type=click.FloatRange(0.2, 3600), default=1.0, show_default=True,
    help="Seconds between readings.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one reading as a JSON object.")
def top(url: str, once: bool, every: float, as_json: bool) -> None:
    """Watch a market or a ledger in a terminal, until interrupted.

    URL is that of a dashboard, as `numen market open`, `verifier`, `worker`, `node` or `dashboard`
    print it; also in NUMEN_DASHBOARD.
    """
    state = read_state(url)
    if as_json:
        print_json(state)
        return
    terminal = loaded("numen.watch.terminal")
    if once:
        terminal.show(state, _now_ms())
        return
    with suppress(KeyboardInterrupt), terminal.live() as live:  # as such a command ends
        while True:
            live.update(terminal.drawn(state, _now_ms()), refresh=True)
            time.sleep(every)
            state = read_state(url)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
