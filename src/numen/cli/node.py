"""`numen node`: a ledger, or a development chain, that Ethereum's tools talk to."""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from secrets import token_bytes
from typing import Any, Final

import click
import msgspec
from click.core import ParameterSource

from numen.base.crypto import SigningKey
from numen.cli.keys import read_password, with_password
from numen.cli.logs import with_logs
from numen.cli.output import print_json
from numen.cli.pages import dashboard_option, loaded
from numen.evm import engines
from numen.evm.state import Account
from numen.net.keystore import KeyStore, default_folder
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
    origin: str | None
    engine: str
    folder: Path | None
    price: int
    lanes: int
    contract_keys: str | None
    keys: Path | None
    password_file: Path | None
    dashboard: int | None
    as_json: bool

    @property
    def pages(self) -> str:
        """Which web pages may ask, as `Application` has it.

        What is kept is worth something, and any page that its owner opens could ask for it.
        """
        if self.origin is not None:
            return self.origin
        return "*" if self.folder is None else ""

    @property
    def automine(self) -> bool:
        """Whether each transaction has a block at once."""
        return not self.block_time and not self.no_mining


class _Served(msgspec.Struct, frozen=True):
    """A node, what it can be asked, the messages of its blocks, and what it is for people."""

    node: Any
    methods: Any
    messages: Any
    about: str


_DEV_ONLY: Final = {"fork": "--fork", "gas_limit": "--gas-limit", "engine": "--engine"}
_LEDGER_ONLY: Final = {
    "folder": "--data",
    "price": "--price",
    "lanes": "--lanes",
    "contract_keys": "--contract-keys",
}


@click.command()
@click.option("--dev", is_flag=True, help="An Ethereum chain in memory, not a ledger.")
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
    help="Web pages that may ask: one origin, * for all, empty for none. Without it all may, but "
    "none may where --data keeps a ledger.",
)
@click.option("--engine", type=click.Choice(list(engines.ENGINES)), default="hot")
@click.option(
    "--data", "folder", type=click.Path(file_okay=False, path_type=Path),
    help="Where a ledger is kept, made if it is missing; in memory where left out.",
)  # fmt: skip
@click.option(
    "--price", type=click.IntRange(0, 2**62), default=10**9, show_default=True,
    help="Coins that a ledger's blocks ask for a unit of work.",
)  # fmt: skip
@click.option(
    "--lanes", type=click.IntRange(1, 64), default=1, help="Threads that a ledger computes in."
)
@click.option(
    "--contract-keys", metavar="NAME",
    help="An identity of `numen key`, whose file opens the keys of contracts with private state.",
)  # fmt: skip
@click.option(
    "--keys", type=click.Path(path_type=Path, file_okay=False), envvar="NUMEN_KEYS",
    help="Folder of the key files; also in NUMEN_KEYS.",
)  # fmt: skip
@with_password
@dashboard_option("dashboard")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when it is ready.")
@with_logs
@click.pass_context
def node(context: click.Context, /, **given: Any) -> None:
    """Serve Ethereum's JSON-RPC until it is interrupted.

    It answers over HTTP and WebSockets. It is a ledger: contracts of our language, and bytecode
    whose calls are requests, live there and send messages. With --data what was acknowledged is
    still there after any crash; contracts with private state then need --contract-keys, since
    their keys are on the disk, sealed. Without it tests can turn back blocks and time, as those
    of Hardhat and Foundry do.

    With --dev it is an Ethereum chain in memory, with the requests that Hardhat and Foundry have
    for tests.

    Either has ten funded accounts whose keys it holds, and a block for each transaction.
    """
    options = _Options(**given)
    _check_kind(context, options)
    if not options.expose and not _is_loopback(options.host):
        raise click.UsageError(
            f"{options.host} can be reached by others, who could do everything here that you can; "
            "say --expose if that is wanted"
        )
    found = accounts.derive(options.mnemonic, options.count)
    with shell.listen(options.host, options.port) as listening, _made(options, found) as served:
        url = f"{_bracketed(options.host)}:{listening.getsockname()[1]}"
        page = _page(served, options.dashboard, url)

        def ready() -> None:
            if options.as_json:
                print_json(_report(options, found, url) | page.said)
            else:
                _show(options, found, url, served.about)
                page.tell()

        with suppress(KeyboardInterrupt):  # as such a command ends
            shell.serve(
                served.node, served.methods, listening, ready, options.pages, served.messages,
                page.beside,
            )  # fmt: skip


def _check_kind(context: click.Context, options: _Options) -> None:
    """Refuse options that belong to the other kind of node."""
    foreign, kind = (_LEDGER_ONLY, "a ledger") if options.dev else (_DEV_ONLY, "--dev")
    for name, flag in foreign.items():
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"{flag} is for {kind}")


@contextmanager
def _made(options: _Options, found: list[accounts.Account]) -> Iterator[_Served]:
    if options.dev:
        chain = DevNode(_settings(options, found), shell.now_s())
        about = f"Chain {options.chain_id}, rules of {options.fork}."
        yield _Served(chain, METHODS, lambda _: (), about)
        return
    # A chain for development does not load a ledger.
    folder, kind = (import_module(f"numen.node.ledger.{name}") for name in ("folder", "node"))
    memory = import_module("numen.ledger.state.scratch").ScratchKV
    strongbox = import_module("numen.ledger.sealed.strongbox")
    methods = import_module("numen.node.rpc.ledger_methods").METHODS
    shown = import_module("numen.node.rpc.messages").shown
    where = options.folder
    with folder.opened(where) if where is not None else nullcontext(memory()) as kv:
        settings = import_module("numen.node.ledger.settings").Settings(
            accounts={each.address: options.balance * _ETHER for each in found},
            maker=SigningKey.from_seed(b"numen/maker/1" + options.mnemonic.encode()),
            keys=tuple(SigningKey(each.secret) for each in found),
            chain_id=options.chain_id,
            price=options.price,
            automine=options.automine,
            interval_s=options.block_time,
            lanes=options.lanes,
            box=_box(options, strongbox),
        )
        ledger = kind.LedgerNode(kv, settings, shell.now_s())
        kept = f"kept in {where}" if where is not None else "kept in memory alone"
        about = f"Ledger {options.chain_id}, {kept}, at block {ledger.ledger.height}."
        yield _Served(ledger, methods, partial(shown, ledger), about)


def _box(options: _Options, strongbox: Any) -> Any:
    """What seals the keys of contracts; a ledger that is not kept needs no file for them."""
    if options.contract_keys is not None:
        store = KeyStore(options.keys or default_folder())
        password = read_password(options.password_file, is_new=False)
        account = store.open(options.contract_keys, password).account
        return strongbox.Strongbox(strongbox.secret_of(account))
    return strongbox.Strongbox(token_bytes(32)) if options.folder is None else None


class _Page(msgspec.Struct, frozen=True):
    """Where a page about the node is, and what serves it."""

    url: str = ""
    beside: Any = None

    @property
    def said(self) -> dict[str, str]:
        return {"dashboard": self.url} if self.url else {}

    def tell(self) -> None:
        if self.url:
            click.echo(f"Dashboard on {self.url}")


def _page(served: _Served, port: int | None, url: str) -> _Page:
    if port is None:
        return _Page()
    serve, shown, sources = map(
        loaded, ("numen.watch.serve", "numen.watch.market", "numen.watch.sources")
    )
    listening = serve.listen(port)
    where = f"http://{url}"
    if isinstance(served.node, DevNode):
        about = shown.About("ledger", "chain", "chain", place=where)
        source = loaded("numen.watch.chain").ChainSource(about, served.node)
    else:
        ask = f"numen why ID --rpc {where}"
        about = shown.About("ledger", "node", "node", ask=ask, place=where)
        source = sources.LedgerSource(about, served.node)
    return _Page(serve.address(listening), partial(serve.attend, source, listening))


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
        automine=options.automine,
        interval_s=options.block_time,
    )


def _report(options: _Options, found: list[accounts.Account], url: str) -> dict[str, Any]:
    """What is said when the node is ready. Keys of a mnemonic of one's own are not shown."""
    is_public = options.mnemonic == accounts.MNEMONIC
    return (
        {
            "http": f"http://{url}",
            "websocket": f"ws://{url}",
            "chainId": options.chain_id,
            "accounts": [
                {"address": "0x" + each.address.hex()}
                | ({"privateKey": "0x" + each.secret.hex()} if is_public else {})
                for each in found
            ],
        }
        | _kind(options)
        | ({"mnemonic": options.mnemonic, "warning": _WARNING} if is_public else {})
    )


def _kind(options: _Options) -> dict[str, Any]:
    if options.dev:
        return {"fork": options.fork}
    return {"data": str(options.folder) if options.folder is not None else None}


def _show(options: _Options, found: list[accounts.Account], url: str, about: str) -> None:
    report = _report(options, found, url)
    click.echo(f"{len(found)} accounts of {options.balance} ether each:")
    for index, each in enumerate(report["accounts"]):
        click.echo(f"  ({index}) {each['address']}  {each.get('privateKey', '')}".rstrip())
    if "warning" in report:
        click.echo(f"Their mnemonic: {options.mnemonic}\n{_WARNING}")
    click.echo(about)
    click.echo(f"Listening on {report['http']} and {report['websocket']}")
