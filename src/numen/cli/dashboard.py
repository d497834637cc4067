"""`numen dashboard`: a page about a market's log."""

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Any

import click

from numen.cli.market import log_path, read_log
from numen.cli.output import print_json
from numen.cli.pages import PORT, loaded
from numen.cli.programs import as_json_option
from numen.market.why import WhyError
from numen.proof.files import read_file
from numen.trust.snapshot import BYTES_MAX, read_snapshot


@click.command()
@click.argument(
    "path", metavar="[LOG]", required=False, type=click.Path(dir_okay=False, path_type=Path)
)
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True)
@click.option(
    "--trust", "web", type=click.Path(dir_okay=False, path_type=Path, exists=True),
    help="What a node knows: a file of `numen sim trust --save`, drawn in place of verdicts.",
)  # fmt: skip
@click.option("--observer", metavar="NODE", default="0", show_default=True, help="Whose trust.")
@as_json_option
def dashboard(path: Path | None, port: int, web: Path | None, observer: str, as_json: bool) -> None:
    """Show a market's log on a page, until interrupted.

    LOG is the events.jsonl of a hall, or that of the last demo where left out. A market that runs
    shows itself, live: see --dashboard of `numen market open`, `verifier`, `worker` and `node`.
    """
    source = path or log_path()
    if path is None and not source.exists():
        raise WhyError("there is no log yet", hint="run `numen demo` first, or name a log")
    found = read_log(source)
    serve, shown, sources = map(
        loaded, ("numen.watch.serve", "numen.watch.market", "numen.watch.sources")
    )
    ask = "numen why ID" if path is None else f"numen why ID --log {path}"
    about = shown.About("market", "log", source.name, names=found.header.names, ask=ask)
    market = sources.MarketSource(lambda: about)
    market.hear(found.events)
    if web is not None:
        kernel = read_snapshot(read_file(web, size_max=BYTES_MAX))
        market.web = kernel, kernel.members.find(observer)
    with serve.listen(port) as listening:
        url = serve.address(listening)
        if as_json:
            print_json({"dashboard": url})
        else:
            click.echo(f"dashboard {url}\nend it with Ctrl-C")
        asyncio.run(_until_told(serve.attend(market, listening)))


async def _until_told(work: Any) -> None:
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
