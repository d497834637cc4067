"""`numen evm fuzz`: look for cases where our EVM and another one differ."""

import os
import sys
import time
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.live import Live
from rich.table import Table

from numen.cli.output import EXIT_FALSE
from numen.evm import engines, forks
from numen.evm.fuzz.campaign import Tally, run_campaign
from numen.evm.fuzz.trial import JUDGES, Plan


@click.command()
@click.option("--against", type=click.Choice(list(JUDGES)), required=True, help="The other EVM.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), default=1, show_default=True)
@click.option("--fork", metavar="NAME", help="This fork only; all that the other EVM knows else.")
@click.option("--engine", type=click.Choice(list(engines.ENGINES)), default="hot")
@click.option(
    "--corpus", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of state tests; three cases in ten are then real ones with a change.",
)  # fmt: skip
@click.option(
    "--save", type=click.Path(file_okay=False, path_type=Path), help="Where failing cases go."
)
@click.option(
    "--workers", type=click.IntRange(1, 256), default=lambda: os.cpu_count() or 1,
    help="Processes; one for each processor by default.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
def fuzz(  # noqa: PLR0913, PLR0917 - one for each option
    against: str,
    seed: int,
    minutes: float,
    fork: str | None,
    engine: str,
    corpus: Path | None,
    save: Path | None,
    workers: int,
    as_json: bool,
) -> int:
    """Run programs made by chance on our EVM and on another one, and compare.

    Status, gas, output, logs and every account that changed must be equal. A case that differs is
    made as small as it can be and saved. Case number N follows from the seed and N alone.

    Exit code: 0 if nothing was found, 1 if something was.
    """
    name = None if fork is None else forks.fork(fork).name
    plan = Plan(against, engine, seed, name, None if corpus is None else str(corpus))
    started = time.monotonic()
    if as_json or not sys.stderr.isatty():
        tally = run_campaign(plan, _seconds(minutes), workers, save, lambda _: None)
    else:
        with Live(console=Console(stderr=True), refresh_per_second=2) as live:
            tally = run_campaign(
                plan,
                _seconds(minutes),
                workers,
                save,
                lambda now: live.update(_table(now, plan, int(time.monotonic() - started))),
            )
    click.echo(_json(tally, plan) if as_json else _summary(tally, plan))
    return 0 if tally.is_clean else EXIT_FALSE


def _seconds(minutes: float) -> int:
    return max(1, int(60 * minutes))


def _json(tally: Tally, plan: Plan) -> str:
    plain = msgspec.to_builtins(plan) | msgspec.to_builtins(tally)
    return msgspec.json.encode(plain).decode()


def _summary(tally: Tally, plan: Plan) -> str:
    counts = (
        f"{tally.programs:,} programs, {tally.gas:,} gas, {plan.engine} against {plan.against}: "
        f"{tally.mismatches} mismatches, {tally.crashes} crashes, {tally.overruled} overruled by "
        f"the specifications, {tally.limits} beyond this machine; {tally.cpu_seconds:,} CPU s"
    )
    return "\n".join([counts, *tally.saved])


def _table(tally: Tally, plan: Plan, seconds: int) -> Table:
    table = Table(title=f"{plan.engine} against {plan.against}, seed {plan.seed}")
    for column in ("seconds", "programs", "a second", "mismatches", "overruled", "crashes"):
        table.add_column(column, justify="right")
    table.add_row(
        f"{seconds:,}",
        f"{tally.programs:,}",
        f"{tally.programs // max(1, seconds):,}",
        str(tally.mismatches),
        str(tally.overruled),
        str(tally.crashes),
    )
    return table
