"""`numen node`: a development chain that Ethereum's tools talk to."""

import ipaddress
from contextlib import suppress
from typing import Any

import click
import msgspec

from numen.base.crypto import SigningKey
from numen.cli.output import print_json
from numen.evm import engines
from numen.evm.state import Account
from numen.node import accounts, shell
from numen.node.devnode import DevNode, Settings
from numen.node.genesis import PREDEPLOYED
from numen.node.rpc.methods import METHODS

_ETHER = 10**18
_WARNING = "These keys are known to everybody: money that is sent to them on a real chain is lost."


class _Options(msgspec.Struct):
    """What `numen node` was asked to do."""

    dev: bool
    host: str
    port: int
    expose: bool
    count: int
    balance: int
    mnemonic: str
    chain_id: int
    fork: str
    gas_limit: int
    block_time: int
    no_mining: bool
    origin: str
    engine: str
    as_json: bool


@click.command()
@click.option("--dev", is_flag=True, help="A chain of its own, with funded accounts.")
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8545, show_default=True)
@click.option("--expose", is_flag=True, help="Allow a host that other machines can reach.")
@click.option("--accounts", "count", type=click.IntRange(0, 1000), default=10, show_default=True)
@click.option(
    "--balance",
    type=click.IntRange(0, 10**40),
    default=10_000,
    show_default=True,
    help="Ether of each account.",
)
@click.option(
    "--mnemonic",
    metavar="WORDS",
    default=accounts.MNEMONIC,
    envvar="NUMEN_MNEMONIC",
    help="Where the keys come from; also in NUMEN_MNEMONIC.",
)
@click.option("--chain-id", type=click.IntRange(1, 2**53 - 1), default=31337, show_default=True)
@click.option(
    "--fork", metavar="NAME", default="prague", show_default=True, help="Whose rules hold."
)
@click.option(
    "--gas-limit", type=click.IntRange(21_000, 2**53 - 1), default=30_000_000, help="Of a block."
)
@click.option(
    "--block-time",
    type=click.IntRange(0, 86_400),
    default=0,
    help="Seconds between blocks; 0 for a block for each transaction.",
)
@click.option("--no-mining", is_flag=True, help="Make blocks only when asked to.")
@click.option(
    "--allow-origin",
    "origin",
    metavar="ORIGIN",
    default="*",
    show_default=True,
    help="Web pages that may ask; empty for none.",
)
@click.option("--engine", type=click.Choice(list(engines.ENGINES)), default="hot")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when it is ready.")
def node(**given: Any) -> None:  # fmt: skip
    """Serve Ethereum's JSON-RPC, over HTTP and WebSockets, until it is interrupted.

    With --dev it is a chain of its own in memory: ten funded accounts whose keys it holds, a block
    for each transaction, and the requests that Hardhat and Foundry have for tests. There is no
    other kind of node yet.
    """
    options = _Options(**given)
    if not options.dev:
        raise click.UsageError("there is no node but the one for development: numen node --dev")
    if not options.expose and not _is_loopback(options.host):
        raise click.UsageError(
            f"{options.host} can be reached by others, who could do everything here that you can; "
            "say --expose if that is wanted"
        )
    found = accounts.derive(options.mnemonic, options.count)
    listening = shell.listen(options.host, options.port)
    with listening:
        made = DevNode(_settings(options, found), shell.now_s())
        url = f"{_bracketed(options.host)}:{listening.getsockname()[1]}"

        def ready() -> None:
            if options.as_json:
                print_json(_report(options, found, url))
            else:
                _show(options, found, url)

        with suppress(KeyboardInterrupt):  # as such a command ends
            shell.serve(made, METHODS, listening, ready, options.origin)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _settings(options: _Options, found: list[accounts.Account]) -> Settings:
    funded = {each.address: Account(balance=options.balance * _ETHER) for each in found}
    return Settings(
        accounts={**PREDEPLOYED, **funded},
        keys=tuple(SigningKey(each.secret) for each in found),
        fork=options.fork,
        chain_id=options.chain_id,
        engine=options.engine,
        gas_limit=options.gas_limit,
        automine=not options.block_time and not options.no_mining,
        interval_s=options.block_time,
    )


def _report(options: _Options, found: list[accounts.Account], url: str) -> dict[str, Any]:
    """What is said when the node is ready. Keys of a mnemonic of one's own are not shown."""
    is_public = options.mnemonic == accounts.MNEMONIC
    return {
        "http": f"http://{url}",
        "websocket": f"ws://{url}",
        "chainId": options.chain_id,
        "fork": options.fork,
        "accounts": [
            {"address": "0x" + each.address.hex()}
            | ({"privateKey": "0x" + each.secret.hex()} if is_public else {})
            for each in found
        ],
    } | ({"mnemonic": options.mnemonic, "warning": _WARNING} if is_public else {})


def _show(options: _Options, found: list[accounts.Account], url: str) -> None:
    report = _report(options, found, url)
    click.echo(f"{len(found)} accounts of {options.balance} ether each:")
    for index, each in enumerate(report["accounts"]):
        click.echo(f"  ({index}) {each['address']}  {each.get('privateKey', '')}".rstrip())
    if "warning" in report:
        click.echo(f"Their mnemonic: {options.mnemonic}\n{_WARNING}")
    click.echo(f"Chain {options.chain_id}, rules of {options.fork}.")
    click.echo(f"Listening on {report['http']} and {report['websocket']}")
