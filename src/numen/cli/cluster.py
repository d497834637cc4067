"""`numen cluster`: a log on three servers of NATS, and whether it is well."""

import asyncio
import ssl
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from numen.cli.abci import abci
from numen.cli.interrupts import interruptible
from numen.cli.output import EXIT_FALSE, print_json
from numen.ledger.order import probes
from numen.ledger.order.probes import Report
from numen.ledger.order.sequencer import OrderError
from numen.ledger.order.servers import SERVERS, Cluster, ports_from

_FIRST_PORT: Final = 4222
_LOOK_S: Final = 1.0
_PATIENCE_S: Final = 30

_file = click.Path(dir_okay=False, exists=True, path_type=Path)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_ports_option = click.option(
    "--ports",
    "first",
    type=int,
    metavar="FIRST",
    default=_FIRST_PORT,
    show_default=True,
    help="First port of three for clients; routes listen 2000 above, probes 4000.",
)
_probe_option = click.option(
    "--probe",
    "urls",
    multiple=True,
    metavar="URL",
    help="Monitoring port of a server on another machine; once for each.",
)


@click.group()
def cluster() -> None:
    """Order blocks by servers of NATS, or a CometBFT of your own.

    What `up` starts is for development: it listens on loopback and knows no passwords. On real
    machines the servers run by themselves; `status` and `check` look after both.
    """


cluster.add_command(abci)


@cluster.command()
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("cluster"),
    show_default=True,
    help="Where the servers keep the log; it survives them.",
)
@_ports_option
@_json_option
def up(directory: Path, first: int, as_json: bool) -> None:
    """Run three servers on this machine until it is interrupted.

    A server that ends is started again. With --json there is one object when the log can be
    written, and one for every change.
    """
    jetstream = import_module("numen.ledger.order.jetstream")
    servers = Cluster(directory, ports_from(first))
    with interruptible(), servers:
        asyncio.run(_make(jetstream, servers.urls))
        for event in _watch(servers):
            if as_json:
                print_json(event)
            else:
                _say(event)
    if not as_json:
        click.echo("stopped")


@cluster.command()
@_ports_option
@_probe_option
@_json_option
def status(first: int, urls: tuple[str, ...], as_json: bool) -> int:
    """Say which servers answer, who leads, and how far each replica is.

    The exit code is 1 when something is wrong.
    """
    reports = probes.ask_all(urls or _loopback(first))
    wrong = problems(reports)
    if as_json:
        print_json(_described(reports) | {"problems": wrong})
    else:
        _show(reports, wrong)
    return EXIT_FALSE if wrong else 0


@cluster.command()
@_ports_option
@_probe_option
@click.option("--server", "servers", multiple=True, metavar="URL", help="Where clients connect.")
@click.option("--ca", type=_file, help="Certificate that the servers' are signed by.")
@click.option("--cert", type=_file, help="Our own certificate, where the servers ask for one.")
@click.option("--key", type=_file, help="Its secret key.")
@_json_option
def check(
    first: int,
    urls: tuple[str, ...],
    servers: tuple[str, ...],
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
    as_json: bool,
) -> int:
    """Read every replica of the log, entry by entry, and compare them.

    It also says what `status` says. Writers are not disturbed, but the whole log is read from
    every server. The exit code is 1 when something is wrong.
    """
    if bool(urls) != bool(servers):
        raise click.UsageError("--probe and --server name the same servers: give both or neither")
    reports = probes.ask_all(urls or _loopback(first))
    wrong = problems(reports)
    clients = servers or tuple(f"nats://127.0.0.1:{each.clients}" for each in ports_from(first))
    names = [report.name for report in reports if report.has_log]
    found: dict[str, Any] = {}
    if names:
        try:
            found = asyncio.run(_compare(clients, names, _tls(ca, cert, key)))
        except OrderError as error:
            wrong.append(str(error))
    wrong += found.pop("problems", [])
    if as_json:
        print_json(_described(reports) | {"replicas": found, "problems": wrong})
    else:
        _show(reports, wrong)
        for name, digest in found.get("digests", {}).items():
            click.echo(f"  {name}: entries 1 to {found['compared']} have the digest {digest}")
    return EXIT_FALSE if wrong else 0


def problems(reports: Sequence[Report]) -> list[str]:
    """What is wrong with servers, one line each."""
    found = [f"{report.url}: {report.failure}" for report in reports if report.failure]
    answering = [report for report in reports if not report.failure]
    for report in answering:
        if not report.is_synced:
            found.append(f"{report.name}: writes are not synced; set sync_interval: always")
        if not report.has_log:
            found.append(f"{report.name}: has no replica of the log")
        found += [f"{name}: not up to date, says {report.name}" for name in report.behind]
    if len({report.name for report in answering}) < len(answering):
        found.append("two of the addresses are of one server")
    if len(reports) < SERVERS:
        found.append(f"{len(reports)} servers where a log has {SERVERS}")
    if answering and not probes.leader(reports):
        found.append("nobody leads the log")
    return found


async def _make(jetstream: Any, urls: Sequence[str]) -> None:
    log = await jetstream.JetStream.connect(urls)
    await log.close()


async def _compare(
    urls: Sequence[str], names: Sequence[str], tls: ssl.SSLContext | None
) -> dict[str, Any]:
    nats = import_module("numen.ledger.order.client")
    replicas = import_module("numen.ledger.order.replicas")
    client = await nats.connect(urls, patience_s=_PATIENCE_S, tls=tls)
    try:
        found = await replicas.compare(client, names)
    finally:
        await client.close()
    wrong = [f"{name}: its replica could not be read" for name in found.unread]
    if found.differs_at:
        odd = ", ".join(found.differing)
        wrong.append(f"the replicas differ at entry {found.differs_at}: look at {odd}")
    return {
        "equal": found.is_equal,
        "compared": found.head,
        "differs_at": found.differs_at,
        "digests": dict(sorted(found.digests.items())),
        "problems": wrong,
    }


def _tls(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if ca is None:
        if cert or key:
            raise click.UsageError("--cert and --key go with --ca")
        return None
    try:
        context = ssl.create_default_context(cafile=ca)
        if cert is not None:
            context.load_cert_chain(cert, key)
    except (ssl.SSLError, OSError) as error:
        raise click.UsageError(f"not usable as certificates and key: {error}") from error
    return context


def _loopback(first: int) -> list[str]:
    return [f"http://127.0.0.1:{each.probes}" for each in ports_from(first)]


def _watch(servers: Cluster) -> Iterator[dict[str, Any]]:
    """What happens to servers, from when they can be used, until somebody interrupts."""
    seen: tuple[Any, ...] = ()
    began = time.monotonic()
    while True:
        if ended := servers.ended():
            yield from ({"event": "ended", "what": said} for said in ended)
            servers.start()
        reports = probes.ask_all(servers.probes)
        told = _described(reports) | {"problems": problems(reports)}
        state = (told["leader"], told["problems"])
        if state != seen:
            event = "changed" if seen else "ready"
            yield {"event": event, "urls": servers.urls, **told}
            seen = state
        _tick(told, time.monotonic() - began)
        time.sleep(_LOOK_S)


def _tick(told: dict[str, Any], seconds: float) -> None:
    """Keep one line up to date, where a person looks."""
    if sys.stderr.isatty():
        leader = told["leader"] or "nobody"
        click.echo(
            f"\r\033[K{leader} leads, {told['head']} entries, {seconds:.0f} s", nl=False, err=True
        )


def _say(event: dict[str, Any]) -> None:
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    if event["event"] == "ended":
        click.echo(f"{event['what']}; it is started again")
        return
    if event["event"] == "ready":
        click.echo(f"three servers listen on {', '.join(event['urls'])}")
        click.echo("Everybody on this machine can write to them. Ctrl-C stops them.")
    leader = event["leader"] or "nobody"
    click.echo(f"{leader} leads the log; its last entry is {event['head']}")
    for line in event["problems"]:
        click.echo(f"  {line}")


def _described(reports: Sequence[Report]) -> dict[str, Any]:
    return {
        "leader": probes.leader(reports),
        "head": max((report.head for report in reports), default=0),
        "servers": [msgspec.to_builtins(report) for report in reports],
    }


def _show(reports: Sequence[Report], wrong: Sequence[str]) -> None:
    for report in reports:
        if report.failure:
            click.echo(f"{report.url}: {report.failure}")
            continue
        role = "leads" if report.is_leader else "follows"
        synced = "every write" if report.is_synced else "now and then"
        click.echo(
            f"{report.name}: {role if report.has_log else 'no log'}, nats-server {report.version}, "
            f"last entry {report.head}, {report.stored_bytes} bytes, syncs {synced}"
        )
    for line in wrong:
        click.echo(f"problem: {line}")
    if not wrong:
        click.echo("nothing is wrong")
