"""`numen sim ledger` and its like: nodes that agree, whatever goes wrong and whoever lies."""

from typing import Any

import click
import msgspec

from numen.cli.output import print_json
from numen.cli.programs import as_json_option
from numen.sim import betrayal, double_spend, ledger

seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True
)
runs_option = click.option(
    "--runs",
    type=click.IntRange(1, 10**6),
    default=1,
    show_default=True,
    help="Seeds that are tried, from --seed on.",
)


@click.command("ledger")
@seed_option
@click.option(
    "--faults",
    type=click.IntRange(0, 10**7),
    default=1_000,
    show_default=True,
    help="How much goes wrong in each run before it may come to rest.",
)
@click.option(
    "--liar",
    type=click.Choice([liar.value for liar in ledger.Liar]),
    default=ledger.Liar.VOTER.value,
    show_default=True,
    help="Which machine lies.",
)
@click.option("--log", "is_logged", is_flag=True, help="Let a log order blocks that all may make.")
@runs_option
@as_json_option
def ledger_(seed: int, faults: int, runs: int, liar: str, is_logged: bool, as_json: bool) -> None:
    """Run a ledger of five nodes that crash, on a network that loses, repeats, reorders and parts.

    People pay each other, send letters through contracts, and some sign one nonce twice; a machine
    lies whenever it can. After each block, and in the end: one block and one root at every
    height, every transaction once, messages in the order of their pair, no coin more or less, and
    who lost a conflict was shown why. What does not hold is an error with the seed that replays it.
    """
    if is_logged and liar not in (ledger.Liar.VOTER.value, ledger.Liar.NOBODY.value):
        raise click.UsageError(f"nobody proposes where there is a log: --liar {liar} has none")
    reports = []
    for number in range(seed, seed + runs):
        who = ledger.Liar(liar)
        reports.append(ledger.run(number, faults, liar=who, is_logged=is_logged))
        if not as_json:
            click.echo(_line(reports[-1]))
    total = sum(report.faults.total for report in reports)
    if as_json:
        print_json({"violations": 0, "faults": total, "runs": [_plain(each) for each in reports]})
    elif runs > 1:
        click.echo(f"{runs} runs, {total:,} faults, no violation")


@click.command("double-spend")
@seed_option
@runs_option
@as_json_option
def double_spend_(seed: int, runs: int, as_json: bool) -> None:
    """Let somebody who has ten coins pay b at one node, and c at another.

    Both nodes count on what they got, and so do b and c, who pass the coins on at once. One payment
    becomes final, with the one that leans on it; who counted on the other is shown why not.
    """
    reports = [double_spend.run(number) for number in range(seed, seed + runs)]
    if as_json:
        print_json({"violations": 0, "runs": [msgspec.to_builtins(each) for each in reports]})
        return
    for report in reports:
        passed = ", whose payee had passed them on and was told" if report.cancelled else ""
        loser = "c" if report.winner == "b" else "b"
        click.echo(
            f"seed {report.seed}: {report.faults.total:,} faults, {report.winner} has the coins, "
            f"the payment to {loser} is rejected{passed}"
        )


@click.command("betrayal")
@seed_option
@click.option(
    "--audit",
    type=click.IntRange(1, 10**6),
    default=100_000,
    show_default=True,
    help="Share of blocks that who trusts carries out all the same, in millionths.",
)
@runs_option
@as_json_option
def betrayal_(seed: int, audit: int, runs: int, as_json: bool) -> None:
    """Let a maker of blocks be honest until it is trusted, and then lie.

    Two of five nodes apply the diffs of whom they trust, and two carry every block out. When one
    finds a false block, all get the evidence, carry the block out again, and distrust its maker;
    nobody else is found to lie. What does not hold is an error with the seed that replays it.
    """
    reports = [betrayal.run(number, audit=audit) for number in range(seed, seed + runs)]
    if as_json:
        print_json({"violations": 0, "runs": [msgspec.to_builtins(each) for each in reports]})
        return
    for report in reports:
        final = ", and the false block is final" if report.is_final else ""
        if report.punished_ms:
            final = f", its bond is taken {report.punished_ms} ms after the first"
        click.echo(
            f"seed {report.seed}: {report.faults.total:,} faults, {report.applied} diffs applied "
            f"before the lie, known to all {report.told_ms} ms after the first{final}"
        )


def _line(report: ledger.Report) -> str:
    faults = report.faults
    return (
        f"seed {report.seed}: {faults.total:,} faults "
        f"({faults.lost:,} lost, {faults.twice:,} twice, {faults.reordered:,} reordered, "
        f"{faults.cut:,} cut, {faults.crashes:,} crashes), "
        f"{report.blocks:,} blocks, {report.transactions:,} transactions, "
        f"{report.messages:,} messages, {report.rejected:,} rejected, {report.accused} accused, "
        f"{report.punished} punished, "
        f"root {report.root.hex()[:8]}, no violation"
    )


def _plain(report: ledger.Report) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(report) | {"root": "0x" + report.root.hex()}
    return plain
