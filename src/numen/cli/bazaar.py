"""`numen market`, `numen verifier`, `numen worker`, `numen submit`: a market between processes."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from numen.base.words import counted
from numen.cli.arguments import parse_argument
from numen.cli.fleet import fleet_option
from numen.cli.keys import in_store, known, read_password, with_password
from numen.cli.output import print_json, show_value
from numen.cli.serving import run_until_told
from numen.cli.told import Teller
from numen.cli.wanting import Wanted, wants_evidence
from numen.cli.watching import Watch, watched
from numen.market.actor import Executor
from numen.market.stake import Role
from numen.market.task import policy_name
from numen.market.turn import Market
from numen.market.verifier import AUDIT_ONE_IN
from numen.market.worker import Behaviour, Profile
from numen.net.keystore import Identity, KeyStore
from numen.net.networks import Networks
from numen.node.market import people
from numen.node.market.follower import Player
from numen.node.market.hall import Hall
from numen.node.market.member import Member
from numen.node.market.notary import Notary
from numen.node.market.place import Place, read_place
from numen.node.market.runs import Runs
from numen.node.market.serve import EVENTS, serve
from numen.node.market.settler import settlement
from numen.node.market.tools import Goods, Machine

if TYPE_CHECKING:
    from numen.api.compiled import Compiled
    from numen.api.sale import Bought, Sale

GRANT: Final = 100_000_000
CHAIN_ID: Final = 1337


def as_somebody(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the identity that it acts with, and `--json`."""
    return _acting(command, lambda _: {})


def among_known(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same, and what the identities of the same folder are called, as `names`."""
    return _acting(command, lambda store: {"names": known(store)})


def _acting(
    command: Callable[..., Any], more: Callable[[KeyStore], dict[str, Any]]
) -> Callable[..., Any]:

    @click.option("--key", "name", required=True, metavar="NAME", help="The identity to act with.")
    @with_password
    @in_store
    def run(store: KeyStore, name: str, password_file: Path | None, **given: Any) -> Any:
        identity = store.open(name, read_password(password_file, is_new=False))
        return command(identity=identity, **more(store), **given)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    inner = getattr(command, "__click_params__", [])
    run.__click_params__ = [*inner, *getattr(run, "__click_params__", [])]  # type: ignore[attr-defined]
    return run


@click.group()
def market() -> None:
    """Open a market between processes, and see to one's orders in it."""


@market.command("open")
@among_known
@watched("hall")
@click.argument("directory", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--listen", metavar="ADDRESS", default="127.0.0.1:7300", show_default=True,
    help="Where members find it; port 0 for any.",
)  # fmt: skip
@click.option(
    "--grant", type=click.IntRange(0, 10**12), default=GRANT, show_default=True,
    help="Coins that each newcomer is given; for a new market.",
)  # fmt: skip
@click.option(
    "--chain-id", type=click.IntRange(1, 2**53), default=CHAIN_ID, show_default=True,
    help="Of the chain where tickets count; for a new market.",
)  # fmt: skip
@click.option(
    "--ledger", metavar="URL", default="",
    help="Settle the market on a ledger: stakes, escrow, fines and reputation, by a contract.",
)  # fmt: skip
@click.option(
    "--closed", "is_closed", is_flag=True,
    help="Only nodes that are registered in the market have a channel with the hall.",
)  # fmt: skip
def open_(  # noqa: PLR0913 - one parameter an option
    identity: Identity,
    names: Mapping[str, str],
    directory: Path,
    listen: str,
    grant: int,
    chain_id: int,
    ledger: str,
    *,
    is_closed: bool,
    watch: Watch,
    as_json: bool,
) -> None:
    """Open the market whose record is in FOLDER, and serve until interrupted.

    It writes down in one order what members hand in, and tells everybody. The record is on disk
    before anybody is told; a hall that was killed goes on where it was. FOLDER/events.jsonl has
    what happened, for `numen why --log`.
    """
    watch.open(identity.account.address, names, ask=f"numen why ID --log {directory / EVENTS}")
    transport = watch.transport(Networks(identity.node))

    def ready(place: Place, hall: Hall) -> None:
        watch.opened(place, hall, directory / EVENTS)
        genesis = hall.replica.genesis
        said = {"market": str(place), "identity": genesis.identity.hex(), "grant": genesis.grant}
        said["contract"] = settlement(directory).contract if ledger else ""
        if as_json:
            print_json(said | watch.said)
        else:
            if ledger:
                click.echo(f"settled by {said['contract']} at {ledger}")
            click.echo(f"market {place}\nnewcomers get {genesis.grant:,} coins; end it with Ctrl-C")
            watch.tell()

    heard = watch.heard(Teller(names, as_json=as_json))
    work = serve(
        directory, identity.account, transport, listen, grant, chain_id, ready, heard, ledger,
        is_closed=is_closed,
    )  # fmt: skip
    run_until_told(watch.run(work))


@click.command()
@among_known
@watched("verifier")
@click.argument("place", metavar="MARKET")
@click.option(
    "--stake", type=click.IntRange(1000), default=people.STAKE, show_default=True,
    help="Coins it puts at risk, once; a seat takes a pledge of them as high as the highest bid.",
)  # fmt: skip
@click.option(
    "--audit", "audit_one_in", type=click.IntRange(1, 10**6), default=AUDIT_ONE_IN,
    show_default=True, help="Run at least one undisputed task in so many again.",
)  # fmt: skip
@click.option("--insist", is_flag=True, help="Run native code even where it cannot be confined.")
def verifier(
    identity: Identity,
    names: Mapping[str, str],
    place: str,
    stake: int,
    audit_one_in: int,
    *,
    insist: bool,
    watch: Watch,
    as_json: bool,
) -> None:
    """Be a verifier of MARKET until interrupted.

    It gives seats, judges answers and slashes liars.
    """
    goods = Goods()
    _take_part(
        identity, names, place, insist, goods,
        lambda machine: people.verifier(identity.account, goods, machine, stake, audit_one_in),
        watch=watch, as_json=as_json,
    )  # fmt: skip


@click.command()
@among_known
@watched("worker")
@click.argument("place", metavar="MARKET")
@click.option(
    "--stake", type=click.IntRange(1000), default=people.STAKE, show_default=True,
    help="Coins it puts at risk, once; a seat takes a pledge of them as high as the highest bid.",
)  # fmt: skip
@click.option(
    "--price", type=click.IntRange(0, 10**9), default=200, show_default=True,
    help="Coins that it asks for a million work units.",
)  # fmt: skip
@click.option("--lie", is_flag=True, help="Give wrong answers, to see what comes of it.")
@click.option(
    "--check", "checks_one_in", type=click.IntRange(0, 10**6), default=1, show_default=True,
    help="Check one in so many answers of others that it could challenge; 0 for none.",
)  # fmt: skip
@click.option("--prove", "proves", is_flag=True, help="Sell proofs too, of both kinds.")
@click.option(
    "--measures", metavar="FILE[:FUNC]",
    help="Sell quotes of this program too: it is measured into this machine's TPM, and runs there.",
)  # fmt: skip
@click.option("--tpm", "tcti", metavar="TCTI", default="device:/dev/tpmrm0", show_default=True,
              help="How tpm2-tools reach the TPM.")  # fmt: skip
@click.option("--register", type=click.IntRange(8, 15), default=13, show_default=True,
              help="The TPM's register that holds the measurement.")  # fmt: skip
@click.option("--insist", is_flag=True, help="Run native code even where it cannot be confined.")
@fleet_option
def worker(  # noqa: PLR0913 - one parameter an option
    identity: Identity,
    names: Mapping[str, str],
    place: str,
    stake: int,
    price: int,
    fleet_servers: tuple[str, ...],
    *,
    lie: bool,
    checks_one_in: int,
    proves: bool,
    measures: str | None,
    tcti: str,
    register: int,
    insist: bool,
    watch: Watch,
    as_json: bool,
) -> None:
    """Be a worker of MARKET until interrupted.

    It prices tasks, runs them in a sandbox, and is paid. Tasks run side by side, one for each
    processor; with --fleet, on the machines of a fleet. With --prove it proves in a process of
    its own before it offers, so that no program and no keys can cost it its pledge. With
    --measures it runs that one program outside of the sandbox, as what its TPM has measured,
    until the machine starts again.
    """
    from numen.api.quotes import TpmAttester  # noqa: PLC0415 - start-up counts
    from numen.node.market.prover import ProcessProver  # noqa: PLC0415 - start-up counts
    from numen.vm.tpm import Tpm  # noqa: PLC0415 - start-up counts

    behaviour = Behaviour.WRONG if lie else Behaviour.HONEST
    profile = Profile(
        behaviour, price_per_million=price, speed=10**9, lie=identity.account.address,
        checks_one_in=checks_one_in,
    )  # fmt: skip
    goods = Goods(proves=proves)
    with contextlib.ExitStack() as stack:
        prover = stack.enter_context(contextlib.closing(ProcessProver(goods))) if proves else None
        attester = None
        if measures is not None:
            program = _program(measures)
            served = {program.program.id: program}
            attester = TpmAttester(served, stack.enter_context(Tpm(tcti)), register)
            facts = attester.facts()
            print_json(facts) if as_json else click.echo(f"the TPM's key is {facts['tpm_key']}")
        _take_part(
            identity, names, place, insist, goods,
            lambda machine: people.worker(
                identity.account, profile, goods, machine, stake, prover, attester
            ),
            watch=watch, as_json=as_json, fleet_servers=fleet_servers,
        )  # fmt: skip


def _program(file: str) -> "Compiled":
    from numen.api import compiled  # noqa: PLC0415 - start-up counts
    from numen.cli.targets import split  # noqa: PLC0415 - start-up counts

    path, entry = split(file)
    return compiled.from_file(path, entry or "main")


@click.command()
@among_known
@click.argument("place", metavar="MARKET")
@click.argument("file", metavar="FILE")
@click.argument("args", metavar="ARG...", nargs=-1)
@click.option(
    "--bid", type=click.IntRange(1), required=True, help="Coins for each answer, at first."
)
@click.option(
    "--price-max", type=click.IntRange(1), help="Highest bid; twice the first where left out."
)
@wants_evidence
@click.option(
    "--proof", "proof_in", type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write the proof to, for `numen verify`.",
)  # fmt: skip
@click.option(
    "--work", "work_limit", type=click.IntRange(1), default=100_000_000, show_default=True,
    help="Most work units of a run, by which workers price it; `numen run` says what one takes.",
)  # fmt: skip
@click.option(
    "--ramp", "ramp_s", type=click.FloatRange(0, 900), default=0, show_default=True,
    help="Seconds in which the bid rises by itself to the highest; 0: in steps.",
)  # fmt: skip
@click.option("--fresh", is_flag=True, help="Have it run, even if it was answered before.")
def submit(
    identity: Identity,
    names: Mapping[str, str],
    place: str,
    file: str,
    args: tuple[str, ...],
    *,
    wanted: Wanted,
    proof_in: Path | None,
    as_json: bool,
    **terms: Any,
) -> None:
    """Buy a run of FILE at MARKET, and print the settled answer.

    FILE and ARG are as for `numen run`. What was answered before is bought again for a part of its
    price, and not run. Who interrupts takes the task back.
    """
    from numen.api import evidence  # noqa: PLC0415 - start-up counts
    from numen.api import market as buying  # noqa: PLC0415 - start-up counts

    program = _program(file)
    values = [parse_argument(text) for text in args]
    policy = wanted.of(program)
    tell = None if as_json else Teller(names, as_json=False, of_sale=True)

    async def buy() -> "Bought[Any]":
        async with buying.Market(place, identity) as entered:
            sale = entered.sell(program, *values, evidence=policy, **terms)
            telling = asyncio.ensure_future(_told_of(sale, tell))
            try:
                return await sale.result(buying.PATIENCE_S)
            finally:
                await asyncio.wait({telling}, timeout=1)  # the last of it
                telling.cancel()

    bought = asyncio.run(buy())
    files: tuple[Path, ...] = ()
    if proof_in is not None and bought.evidence is not None:
        files = evidence.save_proof(proof_in, bought.evidence, bought.wanted)
    _show_bought(bought, files, as_json=as_json)


def _show_bought(bought: "Bought[Any]", files: Sequence[Path], *, as_json: bool) -> None:
    sold = bought.sold
    if as_json:
        report = {
            "value": bought.value,
            "task": sold.task.hex(),
            "answers": [f"0x{who.hex()}" for who in sold.answers],
            "fined": [f"0x{who.hex()}" for who in sold.fined],
            "paid": sold.paid,
            "evidence": policy_name(bought.wanted.policy),
            "files": [str(path) for path in files],
            "how": sold.how,
        }
        print_json(report)
        return
    click.echo(show_value(bought.value))
    click.echo(
        f"{sold.how} under {policy_name(bought.wanted.policy)}: "
        f"{counted(len(sold.answers), 'answer')}, {counted(len(sold.fined), 'worker')} fined, "
        f"{sold.paid:,} coins; task {sold.task.hex()[:16]}",
        err=True,
    )


async def _told_of(sale: "Sale[Any]", tell: Teller | None) -> None:
    if tell is not None:
        async for event in sale.events():
            tell((event,))


def _take_part(  # noqa: PLR0913 - what a member is made of
    identity: Identity,
    names: Mapping[str, str],
    place: str,
    insist: bool,
    goods: Goods,
    make: Callable[[Executor], Player],
    *,
    watch: Watch,
    as_json: bool,
    fleet_servers: tuple[str, ...] = (),
) -> None:
    from numen.sandbox.runner import Sandbox  # noqa: PLC0415 - start-up counts

    found = read_place(place)
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(insists=insist))
        watch.open(identity.account.address, names, place=place)
        executor: Executor = Machine(goods, sandbox)
        at_once = None
        if fleet_servers:
            from numen.node.fleet.fleet import AT_ONCE, Fleet, FleetMachine  # noqa: PLC0415

            fleet = stack.enter_context(Fleet(fleet_servers))
            executor, at_once = FleetMachine(goods, fleet), AT_ONCE
        machine = Runs(watch.machine(executor), at_once)
        stack.callback(machine.close)
        if sandbox.isolation.lacks:
            click.echo(
                f"strangers' programs cannot be confined here: {sandbox.isolation.lacks}. So they "
                f"{'run unconfined' if insist else 'are interpreted'}: see `numen doctor`",
                err=True,
            )
        transport = watch.transport(Networks(identity.node))
        tell = Teller(names, as_json=as_json)
        heard = watch.heard(tell)
        member = Member(transport, found, identity.account, Notary(), heard, stays=True)
        tell.is_live = member.ready.is_set
        watch.joined(member)
        who = f"0x{identity.account.address.hex()}"
        if as_json:
            print_json({"account": who, "market": place} | watch.said)
        else:
            click.echo(f"account {who}; end it with Ctrl-C")
            watch.tell()
        arrived = None if as_json else _arrived
        run_until_told(watch.run(_working(member, lambda: make(machine), arrived)))


async def _working(
    member: Member, make: Callable[[], Player], arrived: Callable[[Market], None] | None
) -> None:
    """Take part, and say when one is there."""

    async def tell() -> None:
        await member.ready.wait()
        assert member.replica is not None
        if arrived is not None:
            arrived(member.replica.market)

    telling = asyncio.ensure_future(tell())
    try:
        await member.run(make)
    finally:
        telling.cancel()


def _arrived(market: Market) -> None:
    count = Counter(each.role for each in market.stakes.stakers.values())
    click.echo(
        f"in the market: {counted(count[Role.VERIFIER], 'verifier')}, "
        f"{counted(count[Role.WORKER], 'worker')}, {counted(len(market.jobs), 'task')} alive"
    )
