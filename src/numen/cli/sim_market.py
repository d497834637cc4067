"""`numen sim quorum`: how many answers belief takes, while some workers collude."""

from typing import Any

import click
import msgspec

from numen.cli.output import print_json
from numen.cli.programs import as_json_option
from numen.market.verifier import AUDIT_ONE_IN
from numen.sim import credibility

_FIXED = (2, 3, 5, 8, 12)


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
    show_default=True, help="Verifiers run one undisputed task in so many again.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True)
@as_json_option
def quorum_(seed: int, *, as_json: bool, **given: Any) -> None:
    """Let a hundred workers answer tasks, of whom some agree on wrong answers.

    The market's rule asks as many as their reputations make necessary, and verifiers run some tasks
    again. Beside it stands fixed replication: the first answer that so many gave.
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
            f"{name:52} {each.replicas:5.2f} answers a task, {each.late_replicas:5.2f} in the end; "
            f"{each.wrong} of {each.tasks:,} wrong; {each.checks:,} run again, {each.caught} caught"
        )
