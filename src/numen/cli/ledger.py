"""`numen ledger`: nodes of a ledger on this machine or on several, and payments on it."""

import asyncio
import secrets
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec

from numen.cli.keys import read_password, with_password
from numen.cli.ledger_ask import create, pay
from numen.cli.ledger_contract import send, view
from numen.cli.ledger_folder import in_folder, open_identity, read_folder, run_async
from numen.cli.ledger_stakes import stakes
from numen.cli.logs import logs_of
from numen.cli.output import print_json
from numen.cli.pages import dashboard_option, loaded
from numen.ledger.order.sequencer import Sequencer, UnavailableError
from numen.net.errors import ChannelError
from numen.net.identity import NodeKey
from numen.net.keystore import COST_MIN, KeyStore
from numen.net.networks import Networks
from numen.node.process.client import connected
from numen.node.process.roll import FILE, FORMAT, Holder, Roll, Site, mail_of, vote_of, write_roll
from numen.node.process.server import Conduct, Server
from numen.node.replica.plan import STEP_MS, Mode
from numen.node.shell import listen
from numen.proof.files import write_file
from numen.vm.host import VALUE_MAX

_FILE_BYTES_MAX: Final = 1 << 26
_NODES_MAX: Final = 64
_SCHEMES: Final = {"tls": "", "iroh": "iroh://"}

T = TypeVar("T")


@click.group()
def ledger() -> None:
    """Run nodes that agree on one ledger, and pay on it.

    DIR is the folder of a ledger: the file that everybody has, keys, and the disks of nodes.
    """


ledger.add_command(create)
ledger.add_command(pay)
ledger.add_command(send)
ledger.add_command(stakes)
ledger.add_command(view)


class _Wish(msgspec.Struct):
    """What `numen ledger init` was asked to make."""

    folder: Path
    nodes: int
    holders: tuple[str, ...]
    first_port: int
    ports: tuple[int, ...]
    transport: str
    log: tuple[str, ...]
    price: int
    stake: int
    modes: tuple[str, ...]
    step_ms: int
    password_file: Path | None
    as_json: bool


@ledger.command()
@in_folder
@click.option("--nodes", type=click.IntRange(1, _NODES_MAX), default=4, show_default=True)
@click.option(
    "--holder",
    "holders",
    multiple=True,
    metavar="NAME=COINS",
    help="Somebody with a key and coins; may be given again.",
)
@click.option("--first-port", type=click.IntRange(1024, 65_000), default=7_700, show_default=True)
@click.option(
    "--port",
    "ports",
    multiple=True,
    type=click.IntRange(1024, 65_535),
    help="Of each node instead.",
)
@click.option("--transport", type=click.Choice(list(_SCHEMES)), default="tls", show_default=True,
              help="How nodes reach each other.")  # fmt: skip
@click.option(
    "--log", metavar="URL", multiple=True, help="A server of NATS that keeps the log of blocks."
)
@click.option("--price", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--stake", type=click.IntRange(1, 2**63 - 1), default=1, show_default=True,
              help="Coins that each node pledges, and loses by a lie.")  # fmt: skip
@click.option("--mode", "modes", multiple=True, metavar="NODE=MODE",
              help="What a node does with blocks; else it carries them out.")  # fmt: skip
@click.option("--step", "step_ms", type=click.IntRange(100, 86_400_000), default=STEP_MS,
              show_default=True, help="Milliseconds between two attestations.")  # fmt: skip
@with_password
def init(**given: Any) -> None:
    """Make a ledger for development: nodes on loopback, and people with coins.

    The first node begins to make blocks; all have one vote each. The keys of all are in DIR/keys
    under one password, quick to try: do not use them for anything else.
    """
    asked = _Wish(**given)
    path = asked.folder / FILE
    if path.exists():
        raise click.UsageError(f"{path} is there already")
    ports = asked.ports or tuple(range(asked.first_port, asked.first_port + asked.nodes))
    if len(ports) != asked.nodes:
        raise click.UsageError(f"{len(ports)} ports for {asked.nodes} nodes")
    wanted = [_holder(each) for each in asked.holders]
    password = read_password(asked.password_file, is_new=True)
    store = KeyStore(asked.folder / "keys", COST_MIN)
    modes, at = _modes(asked), _SCHEMES[asked.transport] + "127.0.0.1:"
    sites = tuple(
        _make_site(
            store, password, name, at + str(port), modes.get(name, Mode.EXECUTE), asked.stake
        )
        for name, port in zip(_names(asked), ports, strict=True)
    )
    holders = tuple(
        Holder(name, "0x" + store.create(name, password).account.hex(), str(coins))
        for name, coins in wanted
    )
    chain = secrets.randbelow(2**53)
    roll = Roll(
        FORMAT, chain, asked.price, sites[0].name, sites, holders, asked.log, step_ms=asked.step_ms
    )
    write_file(path, write_roll(roll))
    if asked.as_json:
        print_json({"file": str(path), "nodes": [site.name for site in sites]})
        return
    click.echo(f"{path}: a ledger of {len(sites)} nodes. Start each:")
    for site in sites:
        click.echo(f"  numen ledger node {asked.folder} {site.name}")


@ledger.command()
@in_folder
@click.argument("name", metavar="NODE")
@click.option("--rpc", "port", type=click.IntRange(0, 65_535), metavar="PORT",
              help="Answer JSON-RPC on loopback; 0 for any port.")  # fmt: skip
@click.option("--audit", type=click.IntRange(1, 10**6), default=20_000, show_default=True,
              help="Blocks in a million that it carries out although it trusts.")  # fmt: skip
@click.option("--lie", type=click.IntRange(1, 2**63 - 1), metavar="HEIGHT",
              help="Steal in its blocks from HEIGHT on: others notice.")  # fmt: skip
@dashboard_option("page_at")
@logs_of("name")
@with_password
def node(
    folder: Path, name: str, port: int | None, audit: int, lie: int | None, page_at: int | None,
    password_file: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Be the node NODE of a ledger, until it is interrupted.

    Its disk is DIR/NODE. With --json it prints an object when it is ready.
    """
    roll = read_folder(folder)
    identity = open_identity(folder, name, password_file)
    if identity.account.address != roll.site(name).address:
        raise click.UsageError(f"the key {name} is not that of the node {name}")
    transport = Networks(identity.node)
    if page_at is not None and port is None:
        raise click.UsageError("--dashboard shows what --rpc answers: say --rpc too")
    asked = listen("127.0.0.1", port) if port is not None else None
    rpc = {"rpc": f"http://127.0.0.1:{asked.getsockname()[1]}"} if asked is not None else {}

    async def work() -> None:
        log = await _open_log(roll)
        conduct = Conduct(audit, lie or 0)
        server = Server(roll, name, identity.account, transport, folder / name, log, conduct, asked)

        page = _Page(page_at, server, name, rpc)

        def ready(at: str) -> None:
            if as_json:
                print_json({"node": name, "at": at, "height": server.height} | rpc | page.said)
            else:
                too = "".join(f", and is asked at {url}" for url in rpc.values())
                click.echo(f"{name} listens at {at}, height {server.height}{too}")
                for url in page.said.values():
                    click.echo(f"dashboard {url}")

        try:
            async with page:
                await server.run(ready)
        finally:
            if log is not None:
                await log.close()

    run_async(_until_interrupted(work()))


class _Page:
    """A page about a node, while the node runs; none where no port is given."""

    def __init__(self, port: int | None, server: Server, name: str, rpc: dict[str, str]) -> None:
        self.said: dict[str, str] = {}
        self._works: list[Coroutine[Any, Any, None]] = []
        self._running: list[asyncio.Future[None]] = []
        if port is None:
            return
        serve, shown, replica = map(
            loaded, ("numen.watch.serve", "numen.watch.market", "numen.watch.replica")
        )
        where = rpc["rpc"]
        about = shown.About("ledger", "node", name, ask=f"numen why ID --rpc {where}", place=where)
        source, listening = replica.ReplicaSource(about, server.look), serve.listen(port)
        self.said = {"dashboard": serve.address(listening)}
        self._works = [serve.attend(source, listening), source.follow()]

    async def __aenter__(self) -> None:
        self._running = [asyncio.ensure_future(work) for work in self._works]

    async def __aexit__(self, *_: object) -> None:
        for each in self._running:
            each.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


async def _open_log(roll: Roll) -> Sequencer | None:
    if not roll.log:
        return None
    try:
        from numen.ledger.order.jetstream import JetStream  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UnavailableError("the log needs the extra `cluster`: numen[cluster]") from error
    return await JetStream.connect(roll.log)


@ledger.command()
@in_folder
def status(folder: Path, as_json: bool) -> None:
    """Show how far each node is, and what everybody has, as the first that answers can show it."""
    roll = read_folder(folder)
    report = run_async(_look(roll))
    if as_json:
        print_json(report)
        return
    for each in report["nodes"]:
        where = (
            f"height {each['height']}, root {each['root'][:10]}" if each["is_up"] else "not there"
        )
        click.echo(f"{each['name']}: {where}")
    for holder, coins in report["coins"].items():
        click.echo(f"{holder}: {coins} coins")


async def _look(roll: Roll) -> dict[str, Any]:
    nodes: list[dict[str, Any]] = []
    coins: dict[str, str] = {}
    for site in roll.nodes:
        try:
            async with connected(roll, site.name, Networks(NodeKey.generate())) as client:
                standing = await client.standing()
                if not coins:
                    for holder in roll.holders:
                        found = await client.holding(holder.address)
                        coins[holder.name] = str(found.coins)
        except ChannelError:
            nodes.append({"name": site.name, "is_up": False})
            continue
        nodes.append(
            {
                "name": site.name,
                "is_up": True,
                "height": standing.height,
                "head": "0x" + standing.head.hex(),
                "root": "0x" + standing.root.hex(),
            }
        )
    return {"nodes": nodes, "coins": coins}


def _names(asked: _Wish) -> list[str]:
    return [f"node-{i}" for i in range(asked.nodes)]


def _modes(asked: _Wish) -> dict[str, Mode]:
    """What each node does with blocks, of those for which it was said."""
    found: dict[str, Mode] = {}
    for text in asked.modes:
        name, _, mode = text.partition("=")
        if name not in _names(asked) or mode not in {each.value for each in Mode}:
            known = ", ".join(each.value for each in Mode)
            raise click.UsageError(f"{text!r} is not NODE=MODE; the modes are {known}")
        if name == _names(asked)[0] and mode != Mode.EXECUTE.value:
            raise click.UsageError(f"{name} makes the blocks: it carries them out")
        found[name] = Mode(mode)
    return found


def _make_site(store: KeyStore, password: str, name: str, at: str, mode: Mode, stake: int) -> Site:
    store.create(name, password)
    made = store.open(name, password)
    account = "0x" + made.account.address.hex()
    vote = vote_of(made.account, stake) if mode is not Mode.APPLY else None
    mail = mail_of(made.account)
    return Site(name, at, made.node.id.hex(), account, mode, vote, mail)


def _holder(text: str) -> tuple[str, int]:
    name, _, coins = text.partition("=")
    if not coins.isascii() or not coins.isdecimal() or int(coins) > VALUE_MAX:
        raise click.UsageError(f"{text!r} is not NAME=COINS")
    return name, int(coins)


async def _until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
