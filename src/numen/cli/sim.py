"""`numen sim`: whole networks in one process, from one seed."""

from pathlib import Path

import click
import msgspec

from numen.cli.output import print_json
from numen.cli.programs import as_json_option
from numen.cli.sim_ledger import betrayal_, double_spend_, ledger_
from numen.cli.sim_market import market_, quorum_
from numen.proof.files import write_file
from numen.sim.pictures import draw
from numen.sim.roles import Society
from numen.sim.trust import SIGNED_MAX, Report, kernel_of, simulate
from numen.trust.snapshot import write_snapshot


@click.group()
def sim() -> None:
    """Run a whole network in one process, from one seed."""


sim.add_command(betrayal_)
sim.add_command(double_spend_)
sim.add_command(ledger_)
sim.add_command(market_)
sim.add_command(quorum_)


@sim.command()
@click.option(
    "--nodes",
    type=click.IntRange(50, 200_000),
    default=1000,
    show_default=True,
    help="Size of the network.",
)
@click.option(
    "--degree",
    type=click.IntRange(4, 256),
    default=24,
    show_default=True,
    help="Others that a node attests in turn; even.",
)
@click.option(
    "--liars",
    type=click.FloatRange(0, 0.9),
    default=0.1,
    show_default=True,
    help="Share of nodes that serve wrong answers.",
)
@click.option(
    "--sleepers",
    type=click.FloatRange(0, 0.9),
    default=0.2,
    show_default=True,
    help="Share of nodes with forged evidence, who vouch for liars and report the honest.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw charts into this SVG file.",
)
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Sign every sheet, of at most {SIGNED_MAX} nodes, and write what a node knows.",
)
@as_json_option
def trust(
    nodes: int, degree: int, liars: float, sleepers: float, seed: int,
    picture: Path | None, save: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Simulate the web of trust: gossip, false trust, and what survives.

    Three experiments on a small world: what each mode of gossip costs and how fast it is; how often
    the plain rule and the vote of trusted attesters are wrong, over shares of sleepers; and whether
    the overlay grows together when nine nodes in ten vanish. `numen trust why` asks about what
    --save wrote.
    """
    if degree % 2 or degree >= nodes or liars + sleepers > 1:
        raise click.UsageError(
            "the degree is even and below the nodes; liars and sleepers at most 1"
        )
    if save and nodes > SIGNED_MAX:
        raise click.UsageError(f"--save signs at most {SIGNED_MAX} sheets")
    society = Society(nodes, degree, liars, sleepers)
    report = _watched(society, seed, as_json=as_json)
    if picture:
        write_file(picture, draw(report).encode())
    if save:
        write_file(save, write_snapshot(kernel_of(society, seed)))
    if as_json:
        files = {"picture": picture and str(picture), "saved": save and str(save)}
        print_json({**msgspec.to_builtins(report), **files})
        return
    _show(report)
    for path, says in (
        (picture, "the charts"),
        (save, f"what a node knows: numen trust why 7 --web {save}"),
    ):
        if path:
            click.echo(f"{path}: {says}")


def _watched(society: Society, seed: int, *, as_json: bool) -> Report:
    if as_json:
        return simulate(society, seed)
    from rich.console import Console  # noqa: PLC0415 - start-up counts

    with Console(stderr=True).status("building") as status:
        return simulate(society, seed, status.update)


def _show(report: Report) -> None:
    from rich.console import Console  # noqa: PLC0415 - start-up counts
    from rich.table import Table  # noqa: PLC0415 - start-up counts

    console = Console()
    table = Table("gossip", "KiB a round", "of the floor", "mean age", "99 % know after")
    for spread in report.spreads:
        rounds = "never" if spread.rounds is None else f"{spread.rounds:.1f} rounds"
        table.add_row(
            spread.mode.value, f"{spread.bytes_a_round / 1024:,.1f}",
            f"{spread.bytes_a_round / spread.floor:.2f}", f"{spread.staleness:.1f} steps", rounds,
        )  # fmt: skip
    console.print(table)
    table = Table(
        "sleepers", "plain: liars trusted", "majority: liars trusted", "honest distrusted"
    )
    for wrong in report.wrong:
        table.add_row(
            f"{wrong.sleepers:.0%}", f"{wrong.plain.false_trust:.1%}",
            f"{wrong.majority.false_trust:.1%}", f"{wrong.majority.false_distrust:.1%}",
        )  # fmt: skip
    console.print(table)
    healing = report.healing
    console.print(
        f"of {healing.nodes} nodes {healing.removed} vanish: {healing.before:.0%} of the others "
        f"are in one piece, and a round later {healing.after[0]:.1%}",
        soft_wrap=True,
        highlight=False,
    )
