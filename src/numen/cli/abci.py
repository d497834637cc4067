"""`numen cluster abci`: the log as the application of an operator's CometBFT."""

import asyncio
from importlib import metadata
from pathlib import Path

import click

from numen.cli.interrupts import interruptible
from numen.cli.output import print_json
from numen.ledger.order.abci.application import Application
from numen.ledger.order.abci.server import Server
from numen.ledger.order.abci.store import Store
from numen.ledger.order.sequencer import BrokenLogError


@click.command()
@click.option(
    "--listen",
    metavar="ADDRESS",
    default="tcp://127.0.0.1:26658",
    show_default=True,
    help="What CometBFT has as proxy_app: tcp://127.0.0.1:PORT or unix://PATH.",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("abci"),
    show_default=True,
    help="Where the log is kept.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when it is ready.")
def abci(listen: str, directory: Path, as_json: bool) -> None:
    """Order blocks by a CometBFT of your own, until it is interrupted.

    It answers a CometBFT 1.x of this machine, which has to be installed and run by yourself. It has
    been tried with a program that plays CometBFT's part, never with CometBFT.
    """
    directory.mkdir(parents=True, exist_ok=True)
    store = Store.open(directory / "log")

    def ready() -> None:
        if as_json:
            print_json({"listen": listen, "chain": store.tip.name, "height": store.tip.height})
        else:
            click.echo(f"listening on {listen}, at height {store.tip.height}")

    server = Server(Application(store, metadata.version("numen")))
    try:
        with interruptible():
            asyncio.run(server.serve(listen, ready))
    finally:
        store.close()
    if server.failure:
        raise BrokenLogError(f"{directory}: the disk refuses: {server.failure}")
