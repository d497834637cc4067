"""`numen sim market` and `numen sim quorum`: days of a market, and what colluders get through."""

from typing import Any

import click
import msgspec

from numen.cli.output import print_json
from numen.cli.programs import as_json_option
from numen.cli.sim_ledger import runs_option, seed_option
from numen.market.verifier import AUDIT_ONE_IN
from numen.sim import credibility
from numen.sim.market import day

_FIXED = (2, 3, 5, 8, 12)


@click.command("market")
@seed_option
@click.option("--hours", type=click.IntRange(1, 24 * 366), default=24, show_default=True)
@click.option(
    "--tasks", type=click.IntRange(0, 10**5), default=24, show_default=True,
    help="How many are wanted in those hours.",
)  # fmt: skip
@runs_option
@as_json_option
def market_(seed: int, hours: int, tasks: int, runs: int, *, as_json: bool) -> None:
    """Run a market for days of simulated time, on a network that breaks, with machines that stop.

    A hall, three verifiers, six workers, two buyers and a stranger, of whom some lie, copy, are
    late, do nothing or do not pay; a hall may tell members what is not so. After each entry: no
    coin more or less, nothing paid or judged twice, escrow and pledges where they belong, fines
    only for what their evidence shows; and every task ends. What does not hold is an error that
    says how to run it again.
    """
    reports = []
    for number in range(seed, seed + runs):
        reports.append(day.run(number, hours, tasks))
        if not as_json:
            click.echo(_line(reports[-1]))
    sums = {
        name: sum(getattr(report, name) for report in reports)
        for name in ("entries", "tasks", "wrong", "resold", "slashed", "redeemed", "deceived")
    } | {"faults": sum(report.faults.total for report in reports)}
    if as_json:
        plain = [msgspec.to_builtins(r) | {"head": "0x" + r.head.hex()} for r in reports]
        print_json({"violations": 0, **sums, "runs": plain})
    elif runs > 1:
        said = ", ".join(f"{count:,} {name}" for name, count in sums.items())
        click.echo(f"{runs:,} runs of {hours} h: {said}; no violation")


def _line(report: day.Report) -> str:
    ended = ", ".join(f"{count} {how}" for how, count in sorted(report.ended.items()))
    return (
        f"seed {report.seed}: {report.hours} h, {report.faults.total:,} faults "
        f"({report.faults.lost:,} lost, {report.faults.twice:,} twice, {report.faults.cut:,} cut, "
        f"{report.faults.crashes:,} crashes), {report.entries:,} entries, {report.tasks} tasks "
        f"({ended}; {report.wrong} wrong), {report.resold} bought again, {report.slashed} fines, "
        f"{report.redeemed} tickets paid, {report.deceived} lies of the hall seen, "
        f"head {report.head.hex()[:8]}, no violation"
    )


@click.command("quorum")
@click.option(
    "--colluders", "percent", type=click.IntRange(0, 50), default=20, show_default=True,
    help="How many of a hundred workers collude.",
)  # fmt: skip
@click.option("--tasks", type=click.IntRange(10, 10**6), default=4000, show_default=True)
@click.option(
    "--trust", type=click.IntRange(2, 10**6), default=100, show_default=True,
    help="A wrong answer has to be less likely than one in so many.",
)  # fmt: skip
@click.option(
    "--audit", "audit_one_in", type=click.IntRange(1, 10**6), default=AUDIT_ONE_IN,
    show_default=True, help="Verifiers run at least one undisputed task in so many again.",
)  # fmt: skip
@seed_option
@as_json_option
def quorum_(seed: int, *, as_json: bool, **given: Any) -> None:
    """Let a hundred workers answer tasks, of whom some agree on wrong answers.

    The market's rule asks as many as their reputations make necessary, and verifiers run some tasks
    again: the more, the shorter it is that they found a lie which nobody had contradicted. Beside
    it stands fixed replication: the first answer that so many gave.
    """
    rows = []
    for colluders in credibility.Colluders:
        setting = credibility.Setting(colluders, seed=seed, **given)
        rows.append((f"by reputation; they lie {colluders.value}", credibility.adaptive(setting)))
    plain = credibility.Setting(credibility.Colluders.ALWAYS, seed=seed, **given)
    rows += [(f"{equal} equal answers; they lie always", credibility.fixed(plain, equal))
             for equal in _FIXED]  # fmt: skip
    if as_json:
        print_json({"rows": [{"rule": name, **msgspec.to_builtins(each)} for name, each in rows]})
        return
    for name, each in rows:
        click.echo(
            f"{name:66} {each.replicas:5.2f} answers a task, {each.late_replicas:5.2f} in the end; "
            f"{each.wrong} of {each.tasks:,} wrong; {each.checks + each.looked_back:,} run again, "
            f"{each.caught} caught"
        )
